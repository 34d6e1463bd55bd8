# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=sh disable=SC2154
# A playbook as people write them, for tests on machines: a package, a template with a handler, a
# service, and a role of a collection that ansible-galaxy installs from a file. Source it after
# testlib.sh; then it is in pb/site.yml, its requirements in requirements.yml.

for ansible_tool in ansible-playbook ansible-galaxy ssh; do
        command -v $ansible_tool >/dev/null || test_skip_all "$ansible_tool is not installed"
done
# Nothing of the person who runs the tests.
unset ANSIBLE_CONFIG SSH_AUTH_SOCK

mkdir -p pb/templates pb/group_vars src/roles/motd/tasks
write_file src/galaxy.yml <<-\EOF
	namespace: acme
	name: tools
	version: 1.0.0
	readme: README.md
	authors: [Acme]
EOF
echo tools >src/README.md
write_file src/roles/motd/tasks/main.yml <<-\EOF
	- name: greet
	  copy:
	    content: "built as {{ packer_build_name }} by {{ packer_builder_type }}\n"
	    dest: /etc/motd
EOF
write_file requirements.yml <<-\EOF
	collections:
	  - name: ./acme-tools-1.0.0.tar.gz
	    type: file
EOF
ansible-galaxy collection build src --force >/dev/null || test_skip_all "ansible-galaxy does not work here"
write_file pb/group_vars/web.yml <<-\EOF
	minute: 17
EOF
write_file pb/templates/job.j2 <<-\EOF
	{{ minute }} * * * * root true
EOF
write_file pb/site.yml <<-\EOF
	- hosts: web
	  become: true
	  gather_subset: ["!all", "min"]
	  tasks:
	    - name: cron is installed
	      apt:
	        name: cron
	        update_cache: true
	        cache_valid_time: 3600
	    - name: the job is there
	      template:
	        src: job.j2
	        dest: /etc/cron.d/job
	        mode: "0644"
	      notify: cron is told
	    - name: cron runs
	      service:
	        name: cron
	        state: started
	  roles:
	    - acme.tools.motd
	  handlers:
	    - name: cron is told
	      service:
	        name: cron
	        state: restarted
EOF

# The provisioner, twice; $1: further lines of it.
ansible_steps() {
        for ansible_name in first second; do
                cat <<-EOF
		  provisioner "ansible" {
		    name             = "$ansible_name"
		    playbook_file    = "pb/site.yml"
		    groups           = ["web"]
		    galaxy_file      = "requirements.yml"
		    collections_path = "installed"
		    $1
		  }
		EOF
        done
}
