#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# shellcheck disable=SC2016,SC2034,SC2154 # used in texts; set in the sourced files
# The playbook of 0600 in a container: through Ansible's own connection to Docker, and through the proxy
# where that is not installed.
. "${0%/*}/testlib.sh"
. "${0%/*}/ansible-playbook.sh"
. "${0%/*}/dockerd.sh"
. "${0%/*}/base-container.sh"

# container_template FILE "LINES OF THE BUILD"
container_template() {
        write_file "$1" <<-EOF
	source "docker" "box" {
	  image       = "debian:test"
	  pull        = false
	  commit      = true
	  run_command = ["-d", "-i", "-t", "--network=host", "--entrypoint=/bin/bash", "--", "{{ .Image }}"]
	}
	build {
	  sources = ["source.docker.box"]
	  $2
	}
	EOF
}
try() { ingot build -color=false "$1" >out.log 2>&1; test_code=$?; cat out.log; return $test_code; }

test_expect_success 'the playbook of a guest does the same in a container; its second run changes nothing' '
        container_template a.pkr.hcl "$(ansible_steps "")
		provisioner \"shell\" {
		  inline = [\"cat /etc/motd /etc/cron.d/job\", \"service cron status\"]
		}" &&
        try a.pkr.hcl && grep "RUNNING HANDLER \[cron is told\]" out.log &&
        grep "built as box by docker" out.log && grep "17 \* \* \* \* root true" out.log &&
        grep "cron is running" out.log && ! grep "proxy adapter" out.log &&
        grep "default .*changed=" out.log >recap && [ "$(wc -l <recap)" = 2 ] &&
        ! sed -n 1p recap | grep changed=0 && sed -n 2p recap | grep "changed=0 .*failed=0" &&
        docker_clean
'

test_expect_success 'through the proxy, with what it copies and a module that takes input' '
        write_file small.yml <<-\EOF &&
		- hosts: all
		  gather_facts: false
		  tasks:
		    - copy: {src: big, dest: /srv/big}
		    - command: sha256sum /srv/big
		      register: r
		    - debug: {msg: "sum {{ r.stdout }}"}
		    - command: cat
		      args: {stdin: "fed to it"}
		      register: r
		    - debug: {msg: "it was {{ r.stdout }}"}
	EOF
        head -c 300000 /dev/urandom >big && container_template b.pkr.hcl "
		provisioner \"ansible\" {
		  playbook_file = \"small.yml\"
		  use_proxy     = true
		}" &&
        try b.pkr.hcl && grep "Setting up proxy adapter for Ansible" out.log &&
        grep "sum $(sha256sum <big | cut -d" " -f1)" out.log && grep "it was fed to it" out.log && docker_clean
'

test_expect_success 'a task that fails is told, also in legacy templates; nothing stays' '
        write_file fail.yml <<-\EOF &&
		- hosts: all
		  gather_facts: false
		  tasks:
		    - name: break it
		      shell: "echo some words; echo the reason >&2; exit 3"
	EOF
        write_file c.json <<-\EOF &&
		{
		  "builders": [{ "type": "docker", "image": "debian:test", "pull": false, "discard": true,
		    "run_command": ["-d", "-i", "-t", "--network=host", "--entrypoint=/bin/bash", "--", "{{ .Image }}"] }],
		  "provisioners": [{ "type": "ansible", "playbook_file": "fail.yml", "groups": "web",
		    "extra_arguments": ["-e", "who={{ build `ConnType` }}"] }]
		}
	EOF
        test_exit 1 ingot build -color=false c.json >out.log 2>&1; cat out.log
        grep "exit status 2: task .break it. failed on .default.: non-zero return code: the reason" out.log &&
        grep -- "-e who=docker" out.log && docker_clean
'

test_done
