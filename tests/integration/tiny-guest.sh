# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=sh disable=SC2154
# A guest that is up in a few seconds: the kernel of Debian's installer, its
# BusyBox as everything, this host's sshd. It lives in memory; its disk is there
# for the builder. Source it after testlib.sh; tiny_guest makes it below $tiny,
# tiny_source prints a source block that boots it.
#
# bare_source prints one for a guest that is only a few bytes of code in its first sector: it turns
# itself off ($tiny.off) or stays ($tiny.stay), a second after its start.
#
# Words of the kernel's command line tell it what to do instead of serving:
#   tiny=panic  panics          tiny=deaf  brings up no network
#   tiny=disk   sees its disk, which tiny_disk_source gives it: /dev/sda
# /full is a file system of 256 KiB.

tiny=${test_root:?}/tiny
tiny_boot=/usr/lib/debian-installer/images/12/amd64/text/debian-installer/amd64

# What a USB disk needs, in the order in which they need each other.
tiny_modules='usb-common usbcore xhci-hcd xhci-pci scsi_common scsi_mod crct10dif_common crc-t10dif crc64 crc64-rocksoft t10-pi
sd_mod usb-storage'

tiny_check() {
        for program in qemu-system-x86_64 qemu-img cpio; do
                command -v $program >/dev/null || test_skip_all "no $program"
        done
        [ -e $tiny_boot/linux ] || test_skip_all "no debian-installer-12-netboot-amd64"
        [ -x /usr/sbin/sshd ] || test_skip_all "no sshd (openssh-server)"
}

tiny_init() {
        cat <<-'EOS'
	#!/bin/sh
	mount -t proc proc /proc
	mount -t sysfs sys /sys
	mount -t devtmpfs dev /dev
	mkdir -p /dev/pts && mount -t devpts pts /dev/pts
	mount -t tmpfs -o mode=1777 tmp /tmp
	mount -t tmpfs -o size=256k full /full
	insmod /e1000.ko
	ip link set lo up
	case $(cat /proc/cmdline) in
	*tiny=panic*) echo c >/proc/sysrq-trigger ;;
	*tiny=deaf*) ;;
	*)
	        ip addr add 10.0.2.15/24 dev eth0
	        ip link set eth0 up
	        ip route add default via 10.0.2.2
	        ;;
	esac
	case $(cat /proc/cmdline) in *tiny=disk*)
	        for module in $(cat /modules/list); do insmod /modules/$module.ko $(case $module in usb-storage) echo delay_use=0 ;; esac); done
	        while [ ! -b /dev/sda ]; do usleep 20000; done
	        ;;
	esac
	/usr/sbin/sshd -e -f /etc/sshd_config
	echo "tiny guest is up" >/dev/ttyS0
	while :; do sleep 1000; done
	EOS
}

# Everything that sshd is linked to comes from here, also for BusyBox: it is not older.
tiny_tree() {
        mkdir -p "$1" && cd "$1" || return 1
        mkdir bin sbin dev etc full proc root run run/sshd sys tmp usr usr/sbin usr/bin usr/lib usr/lib/openssh
        # shellcheck disable=SC2046 # patterns, one for each module
        zcat $tiny_boot/initrd.gz | cpio -idm --quiet bin/busybox '*/e1000/e1000.ko' $(printf '*/%s.ko ' $tiny_modules)
        find lib -name e1000.ko -exec mv {} . \; && mkdir modules && find lib -name '*.ko' -exec mv {} modules \; && rm -r lib
        echo "$tiny_modules" >modules/list
        cp /usr/sbin/sshd usr/sbin && cp /usr/bin/scp usr/bin
        for program in /usr/sbin/sshd /usr/bin/scp "$PWD/bin/busybox"; do
                ldd "$program" | grep -o '/[^ ]*' | while read -r library; do
                        mkdir -p ".${library%/*}" && cp -uL "$library" ".$library"
                done
        done
        for name in $(./bin/busybox --list); do [ -e "bin/$name" ] || ln -s busybox "bin/$name"; done
        echo 'root:x:0:0::/root:/bin/sh
sshd:x:100:65534::/run/sshd:/bin/false' >etc/passwd
        echo 'root:x:0:' >etc/group
        ssh-keygen -q -t ed25519 -N '' -f etc/host_key
        cat >etc/sshd_config <<-EOS
	HostKey /etc/host_key
	AuthorizedKeysFile /etc/authorized_keys
	PermitRootLogin yes
	StrictModes no
	UsePAM no
	UseDNS no
	PidFile /run/sshd.pid
	Subsystem sftp internal-sftp
	EOS
        cp "$tiny.key.pub" etc/authorized_keys
        tiny_init >init && chmod 755 init
}

tiny_guest() {
        ssh-keygen -q -t ed25519 -N '' -C tiny -f "$tiny.key"
        (tiny_tree "$tiny.tree" && find . | cpio -o -H newc --quiet >"$tiny.initrd") || {
                echo "Bail out! the tiny guest could not be made"
                exit 1
        }
        rm -rf "$tiny.tree"
        qemu-img create -q -f qcow2 "$tiny.qcow2" 16M
        tiny_sector off '\272\004\006\270\000\040\357\364\353\375' # outw(0x604, 0x2000): ACPI's S5
        tiny_sector stay '\364\353\375'                             # hlt; jmp back
}

# tiny_sector NAME CODE: a disk that starts with it
tiny_sector() {
        truncate -s 1M "$tiny.$1"
        # shellcheck disable=SC2059 # octal bytes
        printf "$2" | dd of="$tiny.$1" conv=notrunc status=none
        printf '\125\252' | dd of="$tiny.$1" bs=1 seek=510 conv=notrunc status=none
}

# bare_source NAME off|stay [LINE...]
bare_source() {
        bare_name=$1 bare_image=$tiny.$2
        shift 2
        cat <<-EOS
	source "qemu" "$bare_name" {
	  iso_url          = "$bare_image"
	  iso_checksum     = "none"
	  disk_image       = true
	  skip_resize_disk = true
	  headless         = true
	  memory           = 32
	  communicator     = "none"
	  shutdown_timeout = "30m"
	  vm_name          = "tiny-$$"
	  output_directory = "$bare_name/out"
	EOS
        for bare_line; do echo "  $bare_line"; done
        echo '}'
}

# Starts one outside of a build, to be reached at 127.0.0.1:$tiny_port; its process is $tiny_pid.
tiny_start() {
        tiny_port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
        qemu-system-x86_64 -display none -m 256 -kernel $tiny_boot/linux -initrd "$tiny.initrd" \
                -append "console=ttyS0 mitigations=off no_timer_check" -serial "file:$test_root/tiny.console" \
                -netdev "user,id=n,hostfwd=tcp:127.0.0.1:$tiny_port-:22" -device e1000,netdev=n &
        tiny_pid=$!
        test_keep_pid $tiny_pid
}

# tiny_source NAME [LINE...]: extra words of the kernel's command line are in $tiny_words
tiny_source() {
        tiny_name=$1
        shift
        cat <<-EOS
	source "qemu" "$tiny_name" {
	  iso_url              = "$tiny.qcow2"
	  iso_checksum         = "none"
	  disk_image           = true
	  skip_resize_disk     = true
	  headless             = true
	  memory               = 256
	  cpus                 = 1
	  net_device           = "e1000"
	  vm_name              = "tiny-$$"
	  output_directory     = "$tiny_name/out"
	  ssh_username         = "root"
	  ssh_private_key_file = "$tiny.key"
	  shutdown_command     = "poweroff -f"
	  qemuargs = [
	    ["-kernel", "$tiny_boot/linux"], ["-initrd", "$tiny.initrd"],
	    ["-append", "console=ttyS0 mitigations=off no_timer_check ${tiny_words:-}"],
	  ]
	EOS
        for tiny_line; do echo "  $tiny_line"; done
        echo '}'
}

# tiny_disk_source NAME [LINE...]: one that sees its disk
tiny_disk_source() {
        tiny_words=tiny=disk
        tiny_source "$@" 'disk_interface = "virtio-scsi"' |
                sed 's/^  qemuargs = \[/&\n    ["-device", "qemu-xhci"], ["-device", "usb-storage,drive=drive0"],/'
        tiny_words=
}
