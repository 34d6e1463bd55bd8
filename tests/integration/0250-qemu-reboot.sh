#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# shellcheck disable=SC2154 # set in base-image.sh
# A guest that restarts in the middle of a build, and wrappers around steps.
. "${0%/*}/testlib.sh"
export INGOT_CACHE=off # every step runs; reuse has tests of its own

command -v qemu-system-x86_64 >/dev/null || test_skip_all "no qemu-system-x86_64"
. "${0%/*}/base-image.sh"

mkdir reboot
cat >reboot/web.pkr.hcl <<EOF
source "qemu" "web" {
  iso_url              = "$base_image"
  iso_checksum         = "none"
  disk_image           = true
  skip_resize_disk     = true
  headless             = true
  memory               = 1024
  cpus                 = 2
  vm_name              = "web"
  output_directory     = "reboot/out"
  ssh_username         = "$base_user"
  ssh_private_key_file = "$base_key"
  shutdown_command     = "sudo shutdown -P now"
}
build {
  sources = ["source.qemu.web"]
  provisioner "shell" {
    inline = ["cat /proc/sys/kernel/random/boot_id > ~/first"]
  }
  provisioner "shell" {
    name              = "restart"
    inline            = ["sudo systemctl reboot", "sleep 300"]
    expect_disconnect = true
  }
  provisioner "shell" {
    name         = "after"
    pause_before = "2s"
    inline       = ["! cmp -s ~/first /proc/sys/kernel/random/boot_id && echo a new boot"]
  }
  provisioner "shell" {
    name        = "third time lucky"
    max_retries = 2
    inline      = ["echo x >> ~/tries; [ \$(wc -l < ~/tries) = 3 ]"]
  }
}
EOF

test_expect_success 'a build goes on after a restart of the guest' '
        ingot build -color=false reboot >out 2>&1 || { cat out; return 1; }
        grep "web: a new boot$" out &&
        grep "Pausing 2s before the next provisioner..." out'

test_expect_success 'retries count down until a step works' '
        grep "retrying with 2 trie(s) left" out && grep "retrying with 1 trie(s) left" out &&
        ! grep "retry limit reached" out'

test_expect_success 'nothing is left' '
        [ -z "$(ls "$TMPDIR")" ] && [ -z "$(ls "$HOME/.local/state/ingot/runs" 2>/dev/null)" ]'

test_done
