#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The qemu builder where it cannot even start a guest, and one that does not want to end.
# shellcheck source=tests/cli/testlib.sh
. "${0%/*}/testlib.sh"

export NO_COLOR=1
for tool in qemu-system-x86_64 qemu-img; do
        command -v "$tool" >/dev/null || test_skip_all "no $tool"
done
says() { tr '\n' ' ' <out | grep -F -e "$1"; }
head -c 3000000 /dev/urandom >disk.img
sum=$(sha256sum disk.img | cut -d' ' -f1)
# vm LINES…: a template that starts disk.img in QEMU; the source stands on line 1
vm() {
        cat >q.pkr.hcl <<-EOF
	source "qemu" "x" {
	  iso_url          = "disk.img"
	  iso_checksum     = "sha256:$sum"
	  disk_image       = true
	  headless         = true
	  accelerator      = "tcg"
	  output_directory = "out-q"
	  ssh_username     = "root"
	  ssh_password     = "hunter22"
	  ${1-}
	}
	build {
	  sources = ["qemu.x"]
	}
	EOF
}

test_expect_success 'a wrong checksum' '
        vm && sed -i "s/sha256:..../sha256:0000/" q.pkr.hcl && bad build q.pkr.hcl &&
        says "Checksums did not match for" && says "Got: $sum" && says "or correct the checksum" &&
        says "the source is at q.pkr.hcl:1" && test_absent out-q && [ "$sum" = "$(sha256sum disk.img | cut -d" " -f1)" ]
'

test_expect_success 'a checksum that is none, and none at all' '
        vm && sed -i "s/sha256:.*\"/sha256:xyz\"/" q.pkr.hcl && bad validate q.pkr.hcl && grep "q.pkr.hcl line 3" out &&
        vm && sed -i "/iso_checksum/d" q.pkr.hcl && bad validate q.pkr.hcl && says "A checksum must be specified"
'

test_expect_success 'no such medium' '
        vm && sed -i "s/disk.img/nowhere.img/" q.pkr.hcl && bad build q.pkr.hcl && says "nowhere.img" && test_absent out-q
'

test_expect_success 'files for media that are not there, a label that is too long' '
        vm "cd_files = [\"none*\", \"nowhere/user-data\"]" && bad validate q.pkr.hcl && grep "q.pkr.hcl line 10" out &&
        grep "Bad CD disk file .nowhere/user-data.: stat nowhere/user-data: no such file or directory" out &&
        vm "cd_content = { a = \"b\" }
	  cd_label = \"a label of more than thirty-two bytes\"" && bad validate q.pkr.hcl && says "is too long" &&
        vm "floppy_files = [\"nowhere.xml\"]" && bad validate q.pkr.hcl &&
        grep "Bad Floppy disk file .nowhere.xml.: stat nowhere.xml: no such file or directory" out &&
        vm "floppy_dirs = [\"nowhere\"]" && bad validate q.pkr.hcl && grep "Bad Floppy disk directory .nowhere.:" out &&
        head -c 2000000 /dev/zero >large && vm "floppy_files = [\"large\"]" && bad build q.pkr.hcl &&
        says "Error creating floppy disk" && says "more than fit on a floppy disk" && test_absent out-q
'

test_expect_success 'an output directory that exists is refused, and untouched' '
        vm && mkdir out-q && echo precious >out-q/file && bad build q.pkr.hcl &&
        says "already exists. It must not exist." &&
        says "or build with -force" && grep "q.pkr.hcl line 7" out && [ "$(cat out-q/file)" = precious ] &&
        bad validate q.pkr.hcl && rm -r out-q
'

test_expect_success 'all ports of the range are taken' '
        python3 -c "
import socket, time
while True:
    a, b = socket.socket(), socket.socket()
    try:
        a.bind((\"127.0.0.1\", 0)); n = a.getsockname()[1]; b.bind((\"127.0.0.1\", n + 1)); break
    except OSError: pass
a.listen(); b.listen()
print(n, file=open(\"port.new\", \"w\")); import os; os.rename(\"port.new\", \"port\")
time.sleep(600)" & taken=$! && test_keep_pid $taken && test_wait 10 test -s port && n=$(cat port) &&
        vm "host_port_min = $n
	  host_port_max = $((n + 1))" && bad build q.pkr.hcl &&
        says "no free port between $n and $((n + 1)) on 127.0.0.1" &&
        says "widen host_port_min and host_port_max, or end what listens there" && test_absent out-q && kill $taken
'

test_expect_success 'a range of ports that is none' '
        vm "host_port_min = 3000
	  host_port_max = 2000" && bad validate q.pkr.hcl && says "host_port_min must be less than host_port_max"
'

test_expect_success 'an option that QEMU does not know' '
        vm "qemuargs = [[\"-nonsense\", \"1\"]]" && bad build q.pkr.hcl &&
        says "Qemu failed to start: qemu-system-x86_64: -nonsense: invalid option" &&
        says "does not know an option of qemuargs" && test_absent out-q
'

test_expect_success 'a machine, a device and a processor that QEMU does not know' '
        for line in "machine_type = \"nonsense\"" "net_device = \"nonsense\"" "cpu_model = \"nonsense\""; do
                vm "$line" && bad build q.pkr.hcl && says "Qemu failed to start: " && test_absent out-q || return 1
        done
'

test_expect_success 'values that the builder does not know' '
        for line in "format = \"vmdk3\"" "disk_interface = \"scssi\"" "disk_cache = \"maybe\"" \
                "disk_size = \"many\"" "accelerator = \"steam\""; do
                vm "$line" && if [ "${line%% *}" = accelerator ]; then sed -i "6d" q.pkr.hcl; fi &&
                bad validate q.pkr.hcl && grep -E "q.pkr.hcl line (9|10)" out || return 1
        done
'

# only TOOL…: a PATH with the shell and these
only() {
        rm -rf "$test_root/few" && mkdir "$test_root/few"
        for tool in sh "$@"; do ln -s "$(command -v "$tool")" "$test_root/few/"; done
}

test_expect_success 'no emulator: the package that brings it' '
        vm && only qemu-img && PATH=$test_root/few test_exit 1 "$INGOT_BIN" build q.pkr.hcl >out && cat out &&
        says "qemu-system-x86_64" && says "the Debian package qemu-system-x86 brings it" && test_absent out-q && test_clean &&
        vm "qemu_binary = \"qemu-system-aarch64-none\"" && bad build q.pkr.hcl && says "qemu-system-aarch64-none"
'

test_expect_success 'UEFI files that are missing, and secure boot where it never starts, before any download' '
        vm "efi_firmware_code = \"nowhere.fd\"
	  efi_firmware_vars = \"vars.fd\"" && bad build q.pkr.hcl && says "nowhere.fd" && says "does not exist" &&
        says "the Debian package ovmf brings it" && ! grep "Retrieving" out && test_absent out-q &&
        if [ -e /usr/share/OVMF/OVMF_CODE_4M.ms.fd ]; then
                vm "efi_firmware_code = \"/usr/share/OVMF/OVMF_CODE_4M.ms.fd\"" && bad build q.pkr.hcl &&
                says "secure boot needs system management mode" && says "set machine_type = \"q35\"" &&
                ! grep "Retrieving" out && test_absent out-q
        fi
'

test_expect_success 'no swtpm: the package that brings it, before any download' '
        vm "vtpm = true" && only qemu-img qemu-system-x86_64 && PATH=$test_root/few test_exit 1 "$INGOT_BIN" build q.pkr.hcl >out && cat out &&
        says "failed to locate swtpm" && says "this is required for vTPM support" && says "the Debian package swtpm brings it" &&
        ! grep "Retrieving" out && test_absent out-q && test_clean
'

test_expect_success 'a bridge that this host does not have, before any download' '
        vm "net_bridge = \"nobridge0\"" && bad build q.pkr.hcl &&
        says "Error getting the bridge nobridge0 interface: no such network interface" && says "ip link show type bridge" &&
        ! grep "Retrieving" out && test_absent out-q
'

test_expect_success 'no qemu-img: the package that brings it' '
        vm && only qemu-system-x86_64 && PATH=$test_root/few test_exit 1 "$INGOT_BIN" build q.pkr.hcl >out && cat out &&
        says "the Debian package qemu-utils brings it" && test_absent out-q && test_clean
'

mkdir small
if mount -t tmpfs -o size=1m tmpfs small 2>/dev/null; then
        test_expect_success 'no space left on the output disk' '
                vm "format = \"raw\"" && sed -i "s:out-q:small/out:" q.pkr.hcl && bad build -no-cache q.pkr.hcl &&
                says "No space left on device" && says "make room, or choose another output_directory" &&
                ! grep "100%)" out && [ -z "$(ls -A small)" ]
        '
        umount small
else
        test_skip 'no space left on the output disk' 'mounting a small file system needs root'
fi

# An emulator that answers its monitor, ignores every wish to end, and says when it is asked.
cat >stubborn <<'EOF'
#!/usr/bin/env python3
import json, os, signal, socket, sys
for s in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
    signal.signal(s, signal.SIG_IGN)
fd = [int(a.split("fd=")[1]) for a in sys.argv if a.startswith("socket,id=ingot-monitor")][0]
f = socket.socket(fileno=fd).makefile("rw")
def say(o):
    f.write(json.dumps(o) + "\n"); f.flush()
say({"QMP": {"version": {"qemu": {"micro": 0, "minor": 0, "major": 8}, "package": ""}, "capabilities": []}})
for line in f:
    o = json.loads(line)
    if o["execute"] == "quit":
        open("asked", "w").close()
        continue
    open("runs", "w").close()
    say({"return": {}, "id": o.get("id")} if "id" in o else {"return": {}})
while True:
    signal.pause()
EOF
chmod +x stubborn

test_expect_success 'an emulator that does not want to end is made to' '
        vm "qemu_binary = \"$PWD/stubborn\"" && rm -f out && { ingot build q.pkr.hcl >out & } && pid=$! && test_keep_pid $pid &&
        test_wait 10 grep "Waiting for SSH" out && kill -INT $pid && test_exit 1 wait $pid &&
        test_absent out-q && grep "Cleanly cancelled" out && test_clean
'

test_expect_success 'a second interrupt lists what is left' '
        rm -f asked runs && rm -f out && { ingot build q.pkr.hcl >out & } && pid=$! && test_keep_pid $pid &&
        test_wait 10 grep "Waiting for SSH" out && kill -INT $pid && test_wait 10 test -e asked && kill -INT $pid &&
        test_exit 1 wait $pid; cat out && grep "Interrupted again: clean-up was abandoned." out &&
        grep "^left behind: .*process [0-9]*.*stubborn" out && grep "^left behind: .*$PWD/out-q" out &&
        grep "gc. removes all of it" out && ingot gc && test_absent out-q && test_clean
'

test_expect_success 'after kill -9 gc ends it and removes its disks' '
        rm -f asked runs && rm -f out && { ingot build q.pkr.hcl >out & } && pid=$! && test_keep_pid $pid &&
        test_wait 10 grep "Waiting for SSH" out && kill -9 $pid && { wait $pid || true; } && test -d out-q &&
        ingot gc >out && cat out && grep "Removed process" out && test_absent out-q && test_clean
'

test_done
