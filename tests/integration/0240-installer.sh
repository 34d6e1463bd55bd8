#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# shellcheck disable=SC2016 # the guest's own expressions
# The real Debian installer: booted from a CD, told by a line typed into GRUB's
# editor where its answers are, which it fetches from the builder's HTTP server.
# The package archive of a test machine may lack what an installation needs, so
# the answers end it: their early_command shows the line and turns the guest off.
. "${0%/*}/testlib.sh"
export INGOT_CACHE=off # every step runs; reuse has tests of its own

images=/usr/lib/debian-installer/images/12/amd64/text/debian-installer/amd64
for program in qemu-system-x86_64 qemu-img grub-mkrescue xorriso; do
        command -v $program >/dev/null || test_skip_all "no $program"
done
[ -e $images/linux ] || test_skip_all "no debian-installer-12-netboot-amd64"

mkdir -p cd/boot/grub
cp $images/linux $images/initrd.gz cd/
cat >cd/boot/grub/grub.cfg <<'EOF'
set timeout=-1
menuentry "Install" {
        linux /linux vga=normal
        initrd /initrd.gz
}
EOF
grub-mkrescue -o installer.iso cd >mkrescue.log 2>&1 || {
        sed 's/^/# /' mkrescue.log
        echo "Bail out! no installer CD"
        exit 1
}

# Longer than any buffer on the way, with shifted characters; nothing that GRUB takes for itself.
word=
for i in 1 2 3 4 5; do word="${word}Ab9-Zz0_$i.qwertyUIOP,ASDfgh:zxcVBN+mM@%/"; done
line="auto=true priority=critical nomodeset fb=false console=ttyS0 DEBIAN_FRONTEND=noninteractive"
line="$line hostname=golden domain=test word=$word"

cat >debian.pkr.hcl <<EOF
source "qemu" "debian" {
  iso_url          = "installer.iso"
  iso_checksum     = "none"
  memory           = 1024
  headless         = true
  disk_size        = "1G"
  vm_name          = "debian-$$"
  output_directory = "out"
  communicator     = "none"
  shutdown_timeout = "10m"
  qemuargs         = [["-serial", "file:serial.txt"]]
  http_content = {
    "/preseed.cfg" = <<-EOT
      d-i preseed/early_command string echo "LINE \$(cat /proc/cmdline) END" >/dev/ttyS0; poweroff -f
    EOT
  }
  boot_wait = "8s"
  boot_command = [
    "e<down><down><end>",
    " url=http://{{ .HTTPIP }}:{{ .HTTPPort }}/preseed.cfg $line",
    "<f10>",
  ]
}
build {
  sources = ["source.qemu.debian"]
}
EOF

test_expect_success 'a line typed into GRUB arrives whole, and the installer has its answers' '
        ingot build -color=false debian.pkr.hcl >out.log 2>&1 || {
                cat out.log
                tr -d "\r" <serial.txt | tail -n 20
                return 1
        }
        tr -d "\r" <serial.txt | grep -a "LINE .* END" >shown
        cat shown
        grep -F "/preseed.cfg $line END" shown'

test_expect_success 'the disk is kept, nothing else stays' '
        qemu-img check -q out/debian-$$ && test_clean'

test_done
