#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# shellcheck disable=SC2034 # used in quoted tests
# iso_skip_cache: the emulator reads its medium where it is, over HTTP, and only what it needs.
. "${0%/*}/testlib.sh"
export INGOT_CACHE=off # every step runs; reuse has tests of its own

export NO_COLOR=1
for program in qemu-system-x86_64 qemu-img grub-mkrescue xorriso python3; do
        command -v $program >/dev/null || test_skip_all "no $program"
done

# A CD that is a disk, too: GRUB says that it is there and turns the guest off.
mkdir -p cd/boot/grub www
cat >cd/boot/grub/grub.cfg <<'EOS'
serial
terminal_output serial
echo "read from afar"
halt
EOS
head -c 50000000 /dev/urandom >cd/ballast
grub-mkrescue -o www/far.iso cd >mkrescue.log 2>&1 || {
        sed 's/^/# /' mkrescue.log
        echo "Bail out! no CD"
        exit 1
}
python3 "$SRCDIR/tests/tools/range_server.py" www requests >port &
test_keep_pid $!
test_wait 60 test -s port
at=http://127.0.0.1:$(cat port)
qemu-img info "$at/far.iso" >/dev/null 2>&1 || test_skip_all "no HTTP driver of QEMU"

# far LINES…: a template whose guest turns itself off
far() {
        rm -rf image requests serial.txt && cat >far.pkr.hcl <<-EOT
	source "qemu" "far" {
	  iso_skip_cache   = true
	  accelerator      = "tcg"
	  headless         = true
	  memory           = 128
	  disk_size        = "100M"
	  output_directory = "image"
	  vm_name          = "far"
	  communicator     = "none"
	  qemuargs         = [["-serial", "file:serial.txt"]]
	  $(printf '%s\n' "$@")
	}
	build {
	  sources = ["source.qemu.far"]
	}
	EOT
}
bytes() { awk '{ n += $4 } END { print n }' requests; }

test_expect_success 'a CD is read from the first server that gives parts of it' '
        far "iso_urls = [\"$at/gone/far.iso\", \"$at/whole/far.iso\", \"$at/far.iso?checksum=none\"]" \
                "iso_checksum = \"none\"" &&
        ingot build far.pkr.hcl >out.log 2>&1; cat out.log requests
        grep "gone/far.iso: the server answers with status 404" out.log &&
        grep "whole/far.iso: the server gives the whole file only" out.log &&
        grep "read from afar" serial.txt && [ "$(bytes)" -lt 25000000 ] &&
        ! grep "GET /whole" requests && grep "GET /far.iso 206" requests &&
        test_absent "$HOME/.cache/ingot/iso" && [ -z "$(find "$HOME/.cache" -size +1000k)" ] && test_clean'

test_expect_success 'a disk image, too; the finished disk needs no server' '
        far "iso_url = \"$at/far.iso\"" "disk_image = true" "skip_resize_disk = true" &&
        ingot build far.pkr.hcl >out.log 2>&1; cat out.log requests
        grep "read from afar" serial.txt && qemu-img info image/far >info && cat info &&
        ! grep "backing file" info && qemu-img compare image/far www/far.iso && test_clean'

test_expect_success 'no server gives parts' '
        far "iso_urls = [\"$at/whole/far.iso\", \"http://127.0.0.1:1/far.iso\"]" && bad build far.pkr.hcl &&
        grep "No byte serving support" out && test_absent image'

test_expect_success 'what the emulator cannot read over HTTP is refused by validate' '
        far "iso_url = \"www/far.iso\"" && bad validate far.pkr.hcl &&
        grep "iso_skip_cache: .www/far.iso. is not a URL" out && grep "far.pkr.hcl line 11" out'

test_done
