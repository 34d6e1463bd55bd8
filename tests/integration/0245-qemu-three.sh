#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# shellcheck disable=SC2016,SC2034,SC2154 # the guest's own expressions; set and used across files
# One template, three machines side by side from the same provisioners: formats, firmware and disk
# interfaces. And its legacy form: the same events, the same files in the image.
. "${0%/*}/testlib.sh"
export INGOT_CACHE=off # every step runs; reuse has tests of its own

for program in qemu-system-x86_64 qemu-img sfdisk debugfs jq; do
        command -v $program >/dev/null || test_skip_all "no $program"
done
. "${0%/*}/base-image.sh"

mkdir -p legacy hcl
cp "$base_key" key && chmod 600 key
echo 'from the host' >message

# What makes the three different, in both languages.
cat >legacy/t.json <<EOT
{
  "builders": [
    {"type": "qemu", "name": "plain", "format": "qcow2", "disk_interface": "virtio", $(
cat >common <<EOC
"iso_url": "$base_image", "iso_checksum": "none", "disk_image": "true", "skip_resize_disk": true,
     "accelerator": "tcg", "headless": true, "cpus": 1, "memory": 512, "ssh_username": "$base_user",
     "ssh_private_key_file": "../key", "ssh_timeout": "15m", "vm_name": "disk",
     "shutdown_command": "sudo systemctl poweroff",
EOC
cat common)
     "output_directory": "out/plain"},
    {"type": "qemu", "name": "modern", "format": "raw", "disk_interface": "virtio-scsi", "efi_boot": true,
     "efi_drop_efivars": true, $(cat common)
     "output_directory": "out/modern"},
    {"type": "qemu", "name": "old", "format": "qcow2", "disk_interface": "ide",
     "disk_compression": true, $(cat common)
     "output_directory": "out/old"}
  ],
  "provisioners": [
    {"type": "file", "source": "../message", "destination": "/tmp/message"},
    {"type": "shell", "environment_vars": ["NAME={{build_name}}"],
     "inline": ["sudo install -m 644 -D /tmp/message /srv/\$NAME/message && rm /tmp/message",
                "echo disk \$(findmnt -n -o SOURCE /) \$(cat /sys/block/sda/device/vendor 2>/dev/null)",
                "[ ! -d /sys/firmware/efi ] || echo with UEFI"]},
    {"type": "shell", "inline": ["echo only here | sudo tee /srv/old-only"], "only": ["old"]}
  ],
  "post-processors": [
    {"type": "checksum", "checksum_types": ["md5"], "output": "sums.{{.BuildName}}"}
  ]
}
EOT
sed 's/^ *//; s/^"\([a-z_]*\)": /\1 = /; s/, "\([a-z_]*\)": /\n\1 = /g; s/,$//' common >common.hcl
cat >hcl/t.pkr.hcl <<EOT
source "qemu" "plain" {
  format           = "qcow2"
  disk_interface   = "virtio"
  output_directory = "out/plain"
  $(cat common.hcl)
}
source "qemu" "modern" {
  format           = "raw"
  disk_interface   = "virtio-scsi"
  efi_boot         = true
  efi_drop_efivars = true
  output_directory = "out/modern"
  $(cat common.hcl)
}
source "qemu" "old" {
  format           = "qcow2"
  disk_interface   = "ide"
  disk_compression = true
  output_directory = "out/old"
  $(cat common.hcl)
}
build {
  sources = ["source.qemu.plain", "source.qemu.modern", "source.qemu.old"]
  provisioner "file" {
    source      = "../message"
    destination = "/tmp/message"
  }
  provisioner "shell" {
    environment_vars = ["NAME=\${source.name}"]
    inline = [
      "sudo install -m 644 -D /tmp/message /srv/\$NAME/message && rm /tmp/message",
      "echo disk \$(findmnt -n -o SOURCE /) \$(cat /sys/block/sda/device/vendor 2>/dev/null)",
      "[ ! -d /sys/firmware/efi ] || echo with UEFI",
    ]
  }
  provisioner "shell" {
    inline = ["echo only here | sudo tee /srv/old-only"]
    only   = ["qemu.old"]
  }
  post-processor "checksum" {
    name           = "checksum"
    checksum_types = ["md5"]
    output         = "sums.{{.BuildName}}"
  }
}
EOT

# build FOLDER TEMPLATE FLAGS…: leaves its events in FOLDER.json
build() {
        (cd "$1" && shift && exec ingot build -json "$@") >"$1.json" 2>"$1.err"
        test_status=$?
        jq -r 'select(.event != "progress") | [.time, .build, .event, .text] | @tsv' "$1.json"
        cat "$1.err"
        return $test_status
}

# said FOLDER BUILD: what its provisioners printed
said() { jq -r --arg b "$2" 'select(.event == "output" and (.build | ltrimstr("qemu.")) == $b) | .text' "$1.json" | sed 's/ *$//'; }

# events FOLDER BUILD: what that build told, without names, ports and times that differ by chance
events() {
        jq -c --arg b "$2" 'select((.build // "" | ltrimstr("qemu.")) == $b) |
                select(.event != "progress" and .event != "wait") | del(.time, .seconds)' "$1.json" |
                grep -v "Still waiting\|address already in use" |
                sed -E 's/qemu\.old/old/g; s/ingot-[0-9a-f-]+\.[0-9]+/RUN/g; s/packer-shell[A-Za-z0-9]+/SCRIPT/g
                        s/script_[0-9]+/SCRIPT/g; s/127\.0\.0\.1:[0-9]+/HOST:PORT/g; s/WinRM, etc\): [0-9]+/WinRM, etc): PORT/'
}

# files FOLDER BUILD FORMAT: what is where a build writes: names, kinds, modes, sizes, where links lead.
files() {
        qemu-img convert -f "$3" -O raw "$1/out/$2/disk" disk.raw &&
                at=$(sfdisk -J disk.raw | jq '[.partitiontable.partitions[]] | max_by(.size).start * 512') || return 1
        rm -rf root && mkdir root
        debugfs -R "rdump / root" "disk.raw?offset=$at" 2>/dev/null
        rm disk.raw
        (cd root && find boot etc home opt root srv usr/local -printf '%p %y %m %s %l\n') | sort |
                sed '/ssh_host_/s/ [0-9]* $//' # a number in a key may be a byte shorter
        rm -rf root
}

test_expect_success 'three machines side by side from the same provisioners' '
        build hcl t.pkr.hcl &&
        printf "%s\n" "disk /dev/vda1" >want && said hcl plain | diff -u want - &&
        printf "%s\n" "disk /dev/sda1 QEMU" "with UEFI" >want && said hcl modern | diff -u want - &&
        printf "%s\n" "disk /dev/sda1 ATA" "only here" >want && said hcl old | diff -u want - &&
        test_clean'

test_expect_success 'each disk has its format and its own file' '
        ls -lR hcl/out && [ "$(ls hcl/out/modern hcl/out/plain hcl/out/old)" = "$(printf "%s\n" "hcl/out/modern:" disk efivars.fd "" "hcl/out/old:" disk "" "hcl/out/plain:" disk)" ] &&
        [ "$(qemu-img info --output=json hcl/out/plain/disk | jq -r .format)" = qcow2 ] &&
        [ "$(qemu-img info --output=json hcl/out/old/disk | jq -r .format)" = qcow2 ] &&
        [ "$(qemu-img info --output=json hcl/out/modern/disk | jq -r .format)" = raw ] &&
        [ "$(stat -c %s hcl/out/old/disk)" -lt "$(stat -c %s hcl/out/plain/disk)" ] &&
        files hcl old qcow2 >old.files && grep "^srv/old/message f 644" old.files && grep "^srv/old-only" old.files &&
        files hcl modern raw >modern.files && grep "^srv/modern/message" modern.files && ! grep old-only modern.files &&
        for b in plain modern old; do (cd "hcl/out/$b" && md5sum -c ../../sums.$b) || return 1; done &&
        ! grep efivars hcl/sums.modern'

test_expect_success 'the legacy form of it: the same events, the same files' '
        build legacy -only=old t.json && [ "$(ls legacy/out)" = old ] &&
        events legacy old >legacy.events && events hcl old >hcl.events && cat hcl.events &&
        grep -q "Provisioning with shell script" hcl.events && diff -u legacy.events hcl.events &&
        files legacy old qcow2 >legacy.files && files hcl old qcow2 >hcl.files &&
        grep "^srv/old/message f 644 14" hcl.files && [ "$(wc -l <hcl.files)" -gt 300 ] &&
        diff -u legacy.files hcl.files && test_clean'

test_done
