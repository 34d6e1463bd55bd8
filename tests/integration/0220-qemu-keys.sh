#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# shellcheck disable=SC2034,SC2154 # set and used across files and in quoted tests
# boot_command: what is typed arrives in a real guest, every key of it.
. "${0%/*}/testlib.sh"
export INGOT_CACHE=off # every step runs; reuse has tests of its own

for program in qemu-system-x86_64 qemu-img debugfs sfdisk python3; do
        command -v $program >/dev/null || test_skip_all "no $program"
done
. "${0%/*}/base-image.sh"

# Byte where the largest partition of a raw disk begins.
root_offset() {
        sfdisk -J "$1" | python3 -c '
import json, sys
parts = json.load(sys.stdin)["partitiontable"]["partitions"]
print(max(parts, key=lambda p: p["size"])["start"] * 512)'
}

# A shell on the guest's screen, right after the kernel: nothing but the keyboard reaches it.
qemu-img convert -O raw "$base_image" disk.raw
offset=$(root_offset disk.raw)
for what in vmlinuz initrd.img; do
        name=$(debugfs -R 'ls -p /boot' "disk.raw?offset=$offset" 2>/dev/null |
                cut -d/ -f6 | grep "^$what" | head -n 1)
        debugfs -R "dump /boot/$name $what" "disk.raw?offset=$offset" 2>/dev/null
done
rm disk.raw

# keys_template ARGUMENTS: a template that types.
keys_template() {
        cat <<EOT
source "qemu" "keys" {
  iso_url          = "$base_image"
  iso_checksum     = "none"
  disk_image       = true
  accelerator      = "tcg"
  headless         = true
  memory           = 512
  communicator     = "none"
  output_directory = "out"
  vm_name          = "keys.qcow2"
  boot_wait        = "1s"
  shutdown_timeout = "5m"
  qemuargs = [
    ["-kernel", "vmlinuz"], ["-initrd", "initrd.img"],
    ["-append", "root=/dev/vda1 rw init=/bin/sh console=tty0 no_timer_check quiet"],
  ]
$1
}
build {
  sources = ["source.qemu.keys"]
}
EOT
}
# The file that the guest wrote, from the image of the build.
typed() {
        qemu-img convert -O raw out/keys.qcow2 out.raw &&
                debugfs -R 'cat /typed' "out.raw?offset=$offset" 2>/dev/null
        rm -f out.raw
}

test_expect_success 'every character and key arrives, in order' '
        keys_template "  boot_command = [
    \"<wait50><enter><wait3>cat > /typed <<'"'E'"'<enter>\",
    \"abcdefghijklmnopqrstuvwxyz ABCDEFGHIJKLMNOPQRSTUVWXYZ 0123456789<enter>\",
    \"~!@#\$%^&*()_+{}|:\\\"<>?\`-=[]\\\\;'"'"',./<enter>\",
    \"<leftShiftOn>shifted<leftShiftOff> {{ .Name }} {{ .HTTPIP }} <f13> x<bs>y<spacebar>z<enter>\",
    \"The Quick Brown Fox Jumps Over The Lazy Dog 1<enter>\",
    \"The Quick Brown Fox Jumps Over The Lazy Dog 2<enter>\",
    \"E<enter><wait>sync<enter><wait>echo o > /proc/sysrq-trigger<enter>\",
  ]" >t.pkr.hcl && cat t.pkr.hcl &&
        ingot build -color=false -timestamp-ui t.pkr.hcl >out.log && cat out.log &&
        grep "Waiting 1s for boot" out.log && grep "Typing the boot command" out.log &&
        typed >got &&
        cat >want <<-\EOF &&
	abcdefghijklmnopqrstuvwxyz ABCDEFGHIJKLMNOPQRSTUVWXYZ 0123456789
	~!@#$%^&*()_+{}|:"<>?`-=[]\;'"'"',./
	SHIFTED keys.qcow2 10.0.2.2 <f13> y z
	The Quick Brown Fox Jumps Over The Lazy Dog 1
	The Quick Brown Fox Jumps Over The Lazy Dog 2
	EOF
        diff -u want got
'

test_expect_success 'an interrupt ends the typing and leaves nothing' '
        keys_template "  boot_command = [\"<wait1h>\"]" >t.pkr.hcl && rm -rf out &&
        { exec ingot build -color=false t.pkr.hcl >stopped.log 2>&1; } &
        build=$! && test_wait 60 grep -q "Typing the boot command" stopped.log &&
        kill -TERM $build && { wait $build; [ $? = 1 ]; } && cat stopped.log &&
        [ ! -e out ] && [ -z "$(ls "$TMPDIR")" ]
'

test_expect_success 'a mistake in the grammar is found by validate' '
        keys_template "  boot_command = [\"<wait-5s>\"]" >t.pkr.hcl &&
        test_exit 1 ingot validate t.pkr.hcl >out.log && cat out.log &&
        grep "Expecting a positive wait value. Got -5s" out.log && grep "t.pkr.hcl line" out.log
'

test_done
