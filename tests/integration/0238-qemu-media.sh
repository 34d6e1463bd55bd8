#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# shellcheck disable=SC2034,SC2154 # set and used across files and in quoted tests
# Media made from files, as a real guest sees them.
. "${0%/*}/testlib.sh"
export INGOT_CACHE=off # every step runs; reuse has tests of its own

for program in qemu-system-x86_64 qemu-img; do
        command -v $program >/dev/null || test_skip_all "no $program"
done
. "${0%/*}/base-image.sh"

mkdir -p seed/sub/deeper opened/inner elsewhere
echo 'one' >seed/meta-data
echo 'two' >seed/sub/deeper/A_long.Name-of-a-file.yaml
echo 'replaced' >user-data
echo 'three' >elsewhere/linked
ln -s ../elsewhere seed/link
echo 'four' >opened/inner/x
echo 'five' >extra1.txt
cp "$base_key" key && chmod 600 key

cat >m.pkr.hcl <<EOT
source "qemu" "m" {
  iso_url              = "$base_image"
  iso_checksum         = "none"
  disk_image           = true
  skip_resize_disk     = true
  use_backing_file     = true
  accelerator          = "tcg"
  headless             = true
  memory               = 512
  output_directory     = "out"
  ssh_username         = "$base_user"
  ssh_private_key_file = "key"
  shutdown_command     = "sudo poweroff"
  cd_files             = ["seed", "opened/", "user-data", "extra*.txt", "none*"]
  cd_content           = { "user-data" = "#cloud-config\n", "new/dir/file" = "six" }
  cd_label             = "cidata"
  floppy_files         = ["extra*.txt"]
  floppy_dirs          = ["seed/sub"]
  floppy_content       = { "dropped/Autounattend.xml" = "seven" }
  floppy_label         = "Answers"
}
build {
  sources = ["source.qemu.m"]
  provisioner "shell" {
    inline = [
      "cd /tmp && sudo mount -o ro /dev/disk/by-label/cidata /mnt",
      "echo rock: \$(cd /mnt && find . -type f | LC_ALL=C sort | tr '\n' ' ')",
      "echo content: \$(cat /mnt/user-data /mnt/seed/meta-data /mnt/seed/sub/deeper/* /mnt/new/dir/file)",
      "echo linked: \$(cat /mnt/seed/link/linked)",
      "sudo umount /mnt && sudo mount -o ro,norock /dev/disk/by-label/cidata /mnt",
      "if sudo modprobe floppy; then sudo umount /mnt; sudo mount -t vfat -o ro /dev/fd0 /mnt",
      "echo floppy: \$(sudo blkid -s LABEL -o value /dev/fd0; cd /mnt && find . -type f | LC_ALL=C sort; cat Auto*)",
      "sudo umount /mnt; sudo mount -o ro,norock /dev/disk/by-label/cidata /mnt; else echo no driver; fi",
      "echo joliet: \$(cd /mnt && find . -type f | LC_ALL=C sort | tr '\n' ' ')",
    ]
  }
}
EOT
files='./extra1.txt ./inner/x ./new/dir/file ./seed/link/linked ./seed/meta-data'
files="$files ./seed/sub/deeper/A_long.Name-of-a-file.yaml ./user-data"

test_expect_success 'a CD from files: label, names and content as they were given' '
        ingot build -color=false m.pkr.hcl >out.log 2>&1; cat out.log
        grep "Creating CD disk" out.log && grep -F "rock: $files" out.log &&
        grep -F "joliet: $files" out.log && grep "content: #cloud-config one two six" out.log &&
        grep "linked: three" out.log && [ -z "$(ls "$TMPDIR")" ]
'

test_expect_success 'a floppy disk from files' '
        grep "Creating floppy disk" out.log &&
        { grep "no driver" out.log ||
          grep "floppy: Answers ./Autounattend.xml ./extra1.txt ./sub/deeper/A_long.Name-of-a-file.yaml seven" out.log; }
'

test_done
