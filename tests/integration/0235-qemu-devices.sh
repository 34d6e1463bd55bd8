#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# shellcheck disable=SC2034,SC2154 # set and used across files and in quoted tests
# Guests of another architecture, and a TPM.
. "${0%/*}/testlib.sh"
export INGOT_CACHE=off # every step runs; reuse has tests of its own

# ---- aarch64: the kernel of the distribution's installer, its boot menu, a script of ours --------

arm=$(find /usr/lib/debian-installer/images -path '*/text/debian-installer/arm64' 2>/dev/null | sort | tail -n 1)

# Put into the installer's root; says all that the test wants to know on the serial console.
arm_guest() {
        cat <<-\EOS
	#!/bin/sh
	mount -t proc proc /proc; mount -t sysfs sysfs /sys; mount -t devtmpfs dev /dev
	exec >/dev/ttyAMA0 2>&1
	modprobe virtio_pci; modprobe virtio_net; modprobe xhci-pci; modprobe usbhid; modprobe hid-generic
	echo "guest: $(uname -m), $(grep -c ^processor /proc/cpuinfo) processors"
	echo "guest: a screen, $(cat /sys/class/graphics/fb0/name)"
	n=0
	until [ -e /sys/class/net/eth0 ] || [ $n = 100 ]; do n=$((n + 1)); usleep 100000; done
	ip link set eth0 up && udhcpc -n -q -i eth0 >/dev/null
	echo "guest: fetched $(wget -q -O - "$(sed 's/.*page=\([^ ]*\).*/\1/' /proc/cmdline)")"
	until grep -q Keyboard /proc/bus/input/devices; do usleep 100000; done
	wget -q -O /dev/null "$(sed 's/.*page=\([^ ]*\)seed.*/\1ready/' /proc/cmdline)"
	for n in 1 2 3; do read -r line </dev/tty1; echo "guest: read $line"; done
	poweroff -f
	EOS
}

arm_iso() {
        mkdir -p iso/debian-installer/arm64/grub && arm_guest >guest && chmod +x guest &&
                echo guest | cpio -o -H newc >iso/guest.cpio &&
                ln -s "$arm/linux" "$arm/initrd.gz" iso/ &&
                cat >iso/debian-installer/arm64/grub/grub.cfg <<-\EOS &&
	set timeout=60
	menuentry "Install" {
	  linux /linux rdinit=/guest console=ttyAMA0
	  initrd /initrd.gz /guest.cpio
	}
	EOS
                truncate -s 8M iso/efi.img && mformat -i iso/efi.img -v EFI :: &&
                mmd -i iso/efi.img ::EFI ::EFI/BOOT &&
                mcopy -i iso/efi.img "$arm/grubaa64.efi" ::EFI/BOOT/BOOTAA64.EFI &&
                xorriso -as mkisofs -quiet -r -J -f -e efi.img -no-emul-boot -o arm.iso iso
}

arm_needs() {
        [ -n "$arm" ] && [ -e /usr/share/AAVMF/AAVMF_CODE.fd ] || return 1
        for program in qemu-system-aarch64 qemu-img xorriso mformat cpio; do
                command -v $program >/dev/null || return 1
        done
}

# It says nothing about the machine: the name of the emulator is enough.
arm_template() {
        cat <<-EOS
	source "qemu" "arm" {
	  qemu_binary      = "qemu-system-aarch64"
	  iso_url          = "arm.iso"
	  iso_checksum     = "none"
	  headless         = true
	  memory           = 1024
	  communicator     = "none"
	  output_directory = "out"
	  vm_name          = "arm.qcow2"
	  disk_size        = "64M"
	  boot_wait        = "15s"
	  shutdown_timeout = "4m"
	  http_content     = { "/seed" = "a seed", "/ready" = "" }
	  qemuargs         = [["-serial", "file:serial.log"]]
	  boot_command     = [
	    "e<wait><down><down><end> page=http://{{ .HTTPIP }}:{{ .HTTPPort }}/seed<wait><f10><wait45>",
	    "abcdefghijklmnopqrstuvwxyz ABCDEFGHIJKLMNOPQRSTUVWXYZ 0123456789<enter>",
	    "~!@#\$%^&*()_+{}|:\\"<>?\`-=[]\\\\;',./<enter>",
	    "The Quick Brown Fox Jumps Over The Lazy Dog, 1 + 2 + 3 + 4 + 5 + 6 + 7 + 8 + 9 + 10<enter>",
	  ]
	}
	build {
	  sources = ["source.qemu.arm"]
	}
	EOS
}

if arm_needs; then
        arm_iso >iso.log 2>&1 || { cat iso.log && echo "Bail out! no ISO" && exit 1; }
        test_expect_success 'an aarch64 guest boots, is typed to over USB, fetches and powers off' '
                arm_template >arm.pkr.hcl && ingot build -color=false arm.pkr.hcl >out.log; r=$?
                cat out.log && tail -c 3000 serial.log | tr -d "\033" && [ $r = 0 ] &&
                grep "this is a .* host, the guest is aarch64" out.log &&
                grep -a "^guest:" serial.log | tr -d "\r" >got &&
                cat >want <<-\EOS &&
	guest: aarch64, 2 processors
	guest: a screen, EFI VGA
	guest: fetched a seed
	guest: read abcdefghijklmnopqrstuvwxyz ABCDEFGHIJKLMNOPQRSTUVWXYZ 0123456789
	guest: read ~!@#$%^&*()_+{}|:"<>?`-=[]\;'"'"',./
	guest: read The Quick Brown Fox Jumps Over The Lazy Dog, 1 + 2 + 3 + 4 + 5 + 6 + 7 + 8 + 9 + 10
	EOS
                diff -u want got && [ "$(ls out)" = "arm.qcow2
efivars.fd" ]
        '
else
        test_skip 'an aarch64 guest boots, is typed to over USB, fetches and powers off' \
                'needs qemu-system-arm, qemu-efi-aarch64, debian-installer-12-netboot-arm64, xorriso, mtools, cpio'
fi

# ---- a TPM ----------------------------------------------------------------------------------------

for program in swtpm qemu-system-x86_64 qemu-img; do
        command -v $program >/dev/null || { test_skip 'a guest with a TPM' "no $program" && test_done; }
done
. "${0%/*}/base-image.sh"

# tpm NAME LINE…: two guests in one template, one for each version of TPM
tpm_template() {
        cat <<-EOS
	source "qemu" "tpm" {
	  iso_url              = "$base_image"
	  iso_checksum         = "none"
	  disk_image           = true
	  skip_resize_disk     = true
	  headless             = true
	  memory               = 768
	  ssh_username         = "$base_user"
	  ssh_private_key_file = "$base_key"
	  shutdown_command     = "sudo shutdown -P now"
	  vtpm                 = true
	}
	build {
	  source "source.qemu.tpm" {
	    name             = "two"
	    output_directory = "out-two"
	    vm_name          = "two-$$"
	  }
	  source "source.qemu.tpm" {
	    name             = "one"
	    output_directory = "out-one"
	    vm_name          = "one-$$"
	    use_tpm1         = true
	  }
	  provisioner "shell" {
	    inline = [
	      "echo \"My TPM is version \$(cat /sys/class/tpm/tpm0/tpm_version_major)\"",
	      "${1:-true}",
	    ]
	  }
	}
	EOS
}
nothing_left() {
        ! pgrep -f "^qemu-system-x86_64 -name (one|two)-$$ " && test_absent out-two && test_absent out-one && test_clean
}

test_expect_success 'a guest has a TPM, of either version' '
        tpm_template >tpm.pkr.hcl && ingot build -color=false tpm.pkr.hcl >out.log; r=$?; cat out.log; [ $r = 0 ] &&
        grep "two: My TPM is version 2" out.log && grep "one: My TPM is version 1" out.log &&
        rm -r out-two out-one && test_clean
'

swtpm_pid() { pgrep -f "^swtpm socket .*--tpm2" | while read -r pid; do
        grep -qsz "^HOME=$HOME\$" "/proc/$pid/environ" && echo "$pid"; done | grep .; }

tpm_template "sleep 100" >tpm.pkr.hcl
test_expect_success 'a TPM that ends in the middle ends the build, and is named' '
        { ingot build -color=false -only="*.two" tpm.pkr.hcl >killed.log 2>&1; echo $? >code; } &
        test_wait 300 grep -s "two: My TPM is version 2" killed.log && kill -KILL "$(swtpm_pid)" &&
        test_wait 10 test -s code && cat killed.log &&
        [ "$(cat code)" = 1 ] && grep "TPM is gone: swtpm was killed by signal 9" killed.log && nothing_left
'

test_expect_success 'an interrupt ends guest and TPM' '
        { exec ingot build -color=false -only="*.two" tpm.pkr.hcl >stopped.log 2>&1; } &
        build=$! && test_wait 300 grep -s "two: My TPM is version 2" stopped.log && kill -INT $build && began=$(date +%s%N) &&
        { wait $build; [ $? = 1 ]; } && cat stopped.log && [ $((($(date +%s%N) - began) / 1000000)) -lt 2000 ] &&
        ! swtpm_pid && nothing_left
'

test_done
