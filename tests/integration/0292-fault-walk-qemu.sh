#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The nth call of the seams that a build in QEMU has more than others fails, for all n. The guest is
# a boot sector that switches the machine off.
. "${0%/*}/testlib.sh"
export INGOT_CACHE=off # every step runs; reuse has tests of its own

command -v qemu-system-x86_64 >/dev/null || test_skip_all "no qemu-system-x86_64"
export NO_COLOR=1

# mov $0x604,%dx; mov $0x2000,%ax; out %ax,%dx; hlt: the power switch of the machine `pc`
mkdir walked && printf '\272\004\006\270\000\040\357\364\353\375' >walked/boot.raw &&
        truncate -s 510 walked/boot.raw && printf '\125\252' >>walked/boot.raw &&
        truncate -s 1M walked/boot.raw
cat >walked/t.pkr.hcl <<'END'
source "qemu" "q" {
  iso_url          = "boot.raw"
  iso_checksum     = "none"
  disk_image       = true
  skip_resize_disk = true
  format           = "raw"
  accelerator      = "tcg"
  headless         = true
  memory           = 64
  communicator     = "none"
  shutdown_timeout = "50s"
  output_directory = "out"
  vm_name          = "disk"
}
build {
  sources = ["qemu.q"]
}
END

# The port of the screen is another one in each run, so the outputs differ.
test_expect_success 'sockets, processes, threads and locks of a build in QEMU fail in turn' '
        python3 "$SRCDIR/tests/tools/fault_walk.py" --any-output --seam net --seam spawn --seam thread \
                --seam rename --seam lock walked -- build -color=false t.pkr.hcl
'

test_done
