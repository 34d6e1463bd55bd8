#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# -force replaces what a build made, and nothing that matters to somebody else.
. "${0%/*}/testlib.sh"

command -v qemu-system-x86_64 >/dev/null || test_skip_all "no qemu-system-x86_64"
truncate -s 1M disk.raw
echo precious >letter

# shellcheck disable=SC2154 # set in testlib.sh
for dir in . .. "$HOME" "$test_root"; do
        test_expect_success "-force does not delete '$dir'" '
                write_file q.pkr.hcl <<-EOF &&
                source "qemu" "q" {
                  iso_url          = "$PWD/disk.raw"
                  iso_checksum     = "none"
                  disk_image       = true
                  skip_resize_disk = true
                  format           = "raw"
                  communicator     = "none"
                  output_directory = "$dir"
                }
                build {
                  sources = ["qemu.q"]
                }
		EOF
                test_exit 1 ingot build -force -color=false q.pkr.hcl >out &&
                grep "will not delete" out &&
                [ "$(cat letter)" = precious ] && test -d "$HOME"'
done

test_done
