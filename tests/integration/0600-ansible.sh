#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# shellcheck disable=SC2034,SC2154 # used in texts; set in the sourced files
# A playbook on a real guest, straight over OpenSSH; what it was made of decides whether it runs again.
. "${0%/*}/testlib.sh"

for program in qemu-system-x86_64 qemu-img jq zstd; do
        command -v $program >/dev/null || test_skip_all "no $program"
done
. "${0%/*}/ansible-playbook.sh"
. "${0%/*}/base-image.sh"

{
        cat <<-EOF
	source "qemu" "guest" {
	  iso_url              = "$base_image"
	  iso_checksum         = "none"
	  disk_image           = true
	  skip_resize_disk     = true
	  headless             = true
	  memory               = 512
	  output_directory     = "out"
	  ssh_username         = "$base_user"
	  ssh_private_key_file = "$base_key"
	  shutdown_command     = "sudo systemctl poweroff"
	}
	build {
	  sources = ["source.qemu.guest"]
	  provisioner "shell" {
	    name   = "few packages to choose from"
	    inline = [
	      "echo deb http://deb.debian.org/debian bookworm main | sudo tee /etc/apt/sources.list >/dev/null",
	      "sudo rm -rf /etc/apt/sources.list.d/*",
	      "echo 'Acquire::Languages \"none\";' | sudo tee /etc/apt/apt.conf.d/90few >/dev/null",
	    ]
	  }
	EOF
        ansible_steps ""
        cat <<-\EOF
	  provisioner "shell" {
	    name   = "look"
	    inline = ["cat /etc/motd /etc/cron.d/job", "systemctl is-active cron"]
	  }
	}
	EOF
} >t.pkr.hcl

test_expect_success 'a playbook with a package, a template, a handler, a service and a role of a collection' '
        ingot build -color=false t.pkr.hcl >out.log 2>&1 || { cat out.log; return 1; }
        cat out.log
        grep "RUNNING HANDLER \[cron is told\]" out.log && grep "built as guest by qemu" out.log &&
        grep "17 \* \* \* \* root true" out.log && grep "qemu.guest: active" out.log &&
        grep "Executing Ansible: ansible-playbook -e packer_build_name=.guest. -e packer_builder_type=qemu" out.log
'

test_expect_success 'the second run changes nothing' '
        grep "default .*changed=" out.log >recap && cat recap && [ "$(wc -l <recap)" = 2 ] &&
        ! sed -n 1p recap | grep changed=0 && sed -n 2p recap | grep "changed=0 .*failed=0"
'

test_expect_success 'neither keys nor connections stay' '
        test_clean && test_absent "$HOME/.ansible/cp"
'

test_expect_success 'unchanged: nothing would run; a template of the playbook decides, and its place does not' '
        ingot plan t.pkr.hcl >plan && cat plan && ! grep -w run plan || return 1
        mkdir other && cp -r pb requirements.yml acme-tools-1.0.0.tar.gz t.pkr.hcl other &&
        (cd other && ingot plan t.pkr.hcl >plan && cat plan && grep "ansible second *reuse" plan) || return 1
        echo "# more" >>pb/templates/job.j2 && ingot plan t.pkr.hcl >plan && cat plan &&
        grep "ansible first *run.*job.j2" plan
'

test_done
