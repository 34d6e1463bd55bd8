#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# shellcheck disable=SC2016,SC2034,SC2154 # the guest's own expressions; set and used across files
# Unattended installations from a CD, on BIOS and UEFI at once: keys typed into GRUB tell the
# installer where its answers are; it partitions the disk, unpacks a system, makes it bootable and
# restarts; provisioning goes on in what it has installed, and the finished images boot.
. "${0%/*}/testlib.sh"
export INGOT_CACHE=off # every step runs; reuse has tests of its own

for program in qemu-system-x86_64 qemu-img mmdebstrap grub-mkrescue xorriso debugfs sfdisk cpio jq; do
        command -v $program >/dev/null || test_skip_all "no $program"
done
. "${0%/*}/base-image.sh"
. "${0%/*}/installer-cd.sh"

cp "$base_key" key && chmod 600 key
key=$(ssh-keygen -y -f key)
sum=$(sha256sum <"$installer_cd" | cut -d' ' -f1)
mkdir -p www/sub "floppy"
ln -s "$installer_system" www/sub/system.tar
cat >www/answers <<EOT
hostname=golden-uefi
ssh_user=$base_user
ssh_key='$key'
system=http://10.0.2.2:8742/sub/system.tar
EOT
echo 'on the floppy' >Licence.txt
# With shifted characters; nothing that GRUB takes for itself. UEFI has another way for keys than a
# BIOS, so there it is long.
word='Ab9-Zz0_1.qwertyUIOP,ASDfgh:zxcVBN+mM@%/'
long=$word$word$word$word$word$word$word$word

cat >own.pkr.hcl <<EOT
source "qemu" "own" {
  iso_url              = "$installer_cd"
  iso_checksum         = "sha256:$sum"
  accelerator          = "tcg"
  headless             = true
  memory               = 768
  vm_name              = "golden"
  disk_size            = "1G"
  ssh_username         = "$base_user"
  ssh_private_key_file = "key"
  ssh_timeout          = "12m"
  shutdown_command     = "sudo systemctl poweroff"
}
# typed at the end of the second line of the second entry of the menu
locals {
  bios = " answers=http://{{ .HTTPIP }}:{{ .HTTPPort }}/answers word=$word"
  uefi = " answers=http://{{ .HTTPIP }}:{{ .HTTPPort }}/answers word=$long"
}
build {
  source "qemu.own" {
    name             = "bios"
    output_directory = "out-bios"
    boot_wait        = "10s"
    boot_command     = ["<down>e<down><down><end>", local.bios, "<leftCtrlOn>x<leftCtrlOff>"]
    qemuargs         = [["-serial", "file:bios.txt"]]
    floppy_files     = ["Licence.txt"]
    cd_label         = "answers"
    cd_content       = { "sub/Some Words.txt" = "on the CD\n" }
    http_content = {
      "/answers" = <<-EOA
        hostname=golden-bios
        ssh_user=$base_user
        ssh_key='$key'
        system=cdrom
        from_floppy=Licence.txt
        from_cd='sub/Some Words.txt'
      EOA
    }
  }
  source "qemu.own" {
    name             = "uefi"
    output_directory = "out-uefi"
    boot_wait        = "30s"
    boot_command     = ["<down>e<down><down><end>", local.uefi, "<leftCtrlOn>x<leftCtrlOff>"]
    efi_boot         = true
    http_directory   = "www"
    http_port_min    = 8742
    http_port_max    = 8742
    qemuargs         = [["-serial", "file:uefi.txt"]]
  }
  provisioner "shell" {
    inline = [
      "hostname | sudo tee /etc/provisioned",
      "[ ! -d /sys/firmware/efi ] || echo with UEFI | sudo tee -a /etc/provisioned",
      "[ ! -d /etc/media ] || cat /etc/media/Lic* /etc/media/Some* | sudo tee -a /etc/provisioned",
      "cat /etc/installed-with",
    ]
  }
}
EOT

test_expect_success 'two installations: installed, restarted, provisioned' '
        ingot build -color=false -timestamp-ui own.pkr.hcl >out.log 2>&1 || {
                cat out.log
                tail -n 20 bios.txt uefi.txt | tr -d "\r"
                return 1
        }
        cat out.log
        grep "qemu.bios: on the floppy" out.log && grep "qemu.bios: on the CD" out.log &&
        grep "qemu.uefi: with UEFI" out.log && ! grep "qemu.bios: with UEFI" out.log &&
        test_clean'

test_expect_success 'every key arrived' '
        grep "installed-with\|word=" out.log
        grep "bios: .* answers=http://10.0.2.2:8[0-9]*/answers word=$word\$" out.log &&
        grep "uefi: .* answers=http://10.0.2.2:8742/answers word=$long\$" out.log'

# shown FIRMWARE: what a new machine with the finished image has.
shown() {
        ingot run -accelerator tcg -firmware "$1" -memory 512 -user "$base_user" -key key -timeout 10m \
                -ssh "out-$1/golden" -- cat /etc/provisioned >"$1.shown" 2>"$1.err"
}

test_expect_success 'the finished images boot, each with its firmware' '
        shown uefi &
        shown bios; wait $!
        cat bios.* uefi.shown uefi.err
        printf "golden-bios\non the floppy\non the CD\n" | diff -u bios.shown - &&
        printf "golden-uefi\nwith UEFI\n" | diff -u uefi.shown - && test_clean'

test_done
