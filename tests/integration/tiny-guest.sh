# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=sh disable=SC2154
# A guest that is up in a few seconds: the kernel of Debian's installer, its
# BusyBox as everything, this host's sshd. It lives in memory; its disk is there
# for the builder. Source it after testlib.sh; tiny_guest makes it below $tiny,
# tiny_source prints a source block that boots it.
#
# Words of the kernel's command line tell it what to do instead of serving:
#   tiny=panic  panics          tiny=deaf  brings up no network
# /full is a file system of 256 KiB.

tiny=${test_root:?}/tiny
tiny_boot=/usr/lib/debian-installer/images/12/amd64/text/debian-installer/amd64

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
	/usr/sbin/sshd -e -f /etc/sshd_config
	echo "tiny guest is up" >/dev/ttyS0
	while :; do sleep 1000; done
	EOS
}

# Everything that sshd is linked to comes from here, also for BusyBox: it is not older.
tiny_tree() {
        mkdir -p "$1" && cd "$1" || return 1
        mkdir bin sbin dev etc full proc root run run/sshd sys tmp usr usr/sbin usr/bin usr/lib usr/lib/openssh
        zcat $tiny_boot/initrd.gz | cpio -idm --quiet bin/busybox '*/e1000/e1000.ko'
        find lib -name e1000.ko -exec mv {} . \; && rm -r lib
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
	    ["-append", "console=ttyS0 ${tiny_words:-}"],
	  ]
	EOS
        for tiny_line; do echo "  $tiny_line"; done
        echo '}'
}
