#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# shellcheck disable=SC2154 # test_root comes from testlib.sh
# Everything the qemu builder does with disks. The guest is a firmware of six
# bytes that resets the machine, which ends the emulator: a build takes a
# fraction of a second.
. "${0%/*}/testlib.sh"
export INGOT_CACHE=off # every step runs; reuse has tests of its own

for program in qemu-system-x86_64 qemu-img qemu-io; do
        command -v $program >/dev/null || test_skip_all "no $program"
done

# mov $0xfe, %al; out %al, $0x64; hlt; jmp back -- at the end of 64 KiB, where the processor starts
{
        head -c 65520 /dev/zero
        printf '\260\376\346\144\364\353\371\0\0\0\0\0\0\0\0\0'
} >reset.rom

# template NAME [LINE...]
template() {
        template_name=$1
        shift
        mkdir -p "$template_name"
        {
                echo 'source "qemu" "d" {'
                echo '  communicator = "none"'
                echo '  headless = true'
                echo '  memory = 16'
                echo '  firmware = "reset.rom"'
                echo '  qemuargs = [["-no-reboot"]]'
                echo '  vm_name = "disk"'
                echo "  output_directory = \"$template_name/out\""
                echo '  iso_checksum = "none"'
                for template_line; do echo "  $template_line"; done
                echo '}'
                echo 'build {'
                echo '  sources = ["source.qemu.d"]'
                echo '}'
        } >"$template_name/d.pkr.hcl"
}

format_of() { qemu-img info --output=json "$1" | sed -n 's/^    "format": "\(.*\)",*/\1/p'; }
size_of() { qemu-img info --output=json "$1" | sed -n 's/^    "virtual-size": \([0-9]*\),*/\1/p'; }
has_backing() { qemu-img info "$1" | grep -q '^backing file:'; }
same_content() { qemu-img compare -q "$1" "$2"; }

qemu-img create -q -f qcow2 base.qcow2 64M
qemu-io -f qcow2 -c 'write -P 7 1M 4M' -c 'write -P 9 60M 1M' base.qcow2 >/dev/null
qemu-img convert -O raw base.qcow2 base.raw
head -c 65536 /dev/zero >boot.iso

template iso 'iso_url = "boot.iso"' 'disk_size = "100M"' 'disk_additional_size = ["50M", "1048576"]'
test_expect_success 'an installer gets empty disks' '
        ingot build iso && [ "$(ls iso/out)" = "$(printf "disk\ndisk-1\ndisk-2")" ] &&
        [ "$(format_of iso/out/disk)" = qcow2 ] && [ "$(size_of iso/out/disk)" = 104857600 ] &&
        [ "$(size_of iso/out/disk-1)" = 52428800 ] && [ "$(size_of iso/out/disk-2)" = 1048576 ]'

image='iso_url = "base.qcow2"'
template grown "$image" 'disk_image = true' 'disk_size = "96M"'
test_expect_success 'a disk image grows and stands alone' '
        ingot build grown && [ "$(size_of grown/out/disk)" = 100663296 ] &&
        ! has_backing grown/out/disk && same_content grown/out/disk base.qcow2'

template same "$image" 'disk_image = true' 'skip_resize_disk = true'
test_expect_success 'a disk image of the same size' '
        ingot build same && [ "$(size_of same/out/disk)" = 67108864 ] &&
        same_content same/out/disk base.qcow2'

template shrunk "$image" 'disk_image = true' 'disk_size = "32M"'
test_expect_success 'a disk image is not cut off' '
        test_exit 1 ingot build shrunk >out 2>&1 && cat out &&
        grep -q "Error creating hard drive: QemuImg error: .*Use the --shrink option" out &&
        grep -q skip_resize_disk out && test_absent shrunk/out'

template raw "$image" 'disk_image = true' 'skip_resize_disk = true' 'format = "raw"'
test_expect_success 'raw from qcow2, with holes' '
        ingot build raw && [ "$(format_of raw/out/disk)" = raw ] &&
        same_content raw/out/disk base.qcow2 && [ "$(du -k raw/out/disk | cut -f1)" -lt 20000 ]'

template fromraw 'iso_url = "base.raw"' 'disk_image = true' 'skip_resize_disk = true'
test_expect_success 'qcow2 from raw' '
        ingot build fromraw && [ "$(format_of fromraw/out/disk)" = qcow2 ] &&
        ! has_backing fromraw/out/disk && same_content fromraw/out/disk base.raw'

template packed "$image" 'disk_image = true' 'skip_resize_disk = true' 'disk_compression = true'
test_expect_success 'compressed' '
        ingot build packed && same_content packed/out/disk base.qcow2 &&
        [ "$(du -k packed/out/disk | cut -f1)" -lt "$(du -k same/out/disk | cut -f1)" ]'

template backed "$image" 'disk_image = true' 'skip_resize_disk = true' 'use_backing_file = true'
test_expect_success 'on top of a backing file' '
        ingot build backed && has_backing backed/out/disk && same_content backed/out/disk base.qcow2'

qemu-img create -q -f qcow2 -F qcow2 -b "$PWD/base.qcow2" upper.qcow2
qemu-io -f qcow2 -c 'write -P 5 8M 1M' upper.qcow2 >/dev/null
template chain 'iso_url = "upper.qcow2"' 'disk_image = true' 'skip_resize_disk = true'
test_expect_success 'an image that has a backing file itself' '
        ingot build chain && ! has_backing chain/out/disk && same_content chain/out/disk upper.qcow2'

template scsi "$image" 'disk_image = true' 'skip_resize_disk = true' \
        'disk_interface = "virtio-scsi"' 'disk_additional_size = ["10M"]' \
        'disk_cache = "none"' 'disk_discard = "ignore"' 'disk_detect_zeroes = "off"'
test_expect_success 'several SCSI disks' '
        ingot build scsi && [ "$(size_of scsi/out/disk-1)" = 10485760 ] &&
        same_content scsi/out/disk base.qcow2'


template args "$image" 'disk_image = true' 'qemu_img_args {
    convert = ["-o", "compat=0.10"]
    resize  = ["--shrink"]
  }' 'disk_size = "60M"'
test_expect_success 'further arguments for qemu-img' '
        ingot build args && [ "$(size_of args/out/disk)" = 62914560 ] &&
        qemu-img info args/out/disk | grep -q "compat: 0.10"'

template comma "$image" 'disk_image = true' 'skip_resize_disk = true'
sed -i 's|comma/out|comma/a,b/out|' comma/d.pkr.hcl
test_expect_success 'a comma in a path' '
        ingot build comma && same_content comma/a,b/out/disk base.qcow2'

template forced "$image" 'disk_image = true' 'skip_resize_disk = true'
mkdir -p forced/out && echo old >forced/out/old
test_expect_success 'force replaces what was there' '
        ingot build -force forced && [ "$(ls forced/out)" = disk ]'

template efi "$image" 'disk_image = true' 'skip_resize_disk = true' 'efi_boot = true' \
        'efi_firmware_code = "/nonexistent/code.fd"'
test_expect_success 'missing UEFI firmware is named with its package' '
        test_exit 1 ingot build efi >out 2>&1; cat out;
        grep -q "UEFI firmware ./nonexistent/code.fd. does not exist" out && grep -q "package ovmf" out &&
        test_absent efi/out'

template late 'iso_url = "boot.iso"' 'shutdown_timeout = "1s"'
sed -i '/firmware =/d; /qemuargs =/d' late/d.pkr.hcl
test_expect_success 'a guest without communicator that does not end is ended' '
        test_exit 1 ingot build late >out 2>&1; cat out;
        grep -q "Waiting for shutdown..." out && grep -q "Failed to shutdown" out &&
        test_absent late/out'

test_expect_success 'the images were not touched, nothing is left' '
        same_content base.raw base.qcow2 && [ -z "$(ls "$TMPDIR")" ] &&
        [ -z "$(ls "$HOME/.local/state/ingot/runs")" ] &&
        ! pgrep -f "qemu-system-x86_64 -name disk .*$test_root"'

test_done
