#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Configuration management that runs on the machine: Ansible and Puppet for real, Chef by what it is given.
# The machine is this one, over SSH; everything happens in a folder of the test.
# shellcheck disable=SC2016,SC2034,SC2154
. "${0%/*}/testlib.sh"
. "${0%/*}/sshd.sh"

start_sshd
far=$dir/far
mkdir -p "$far"

# ---- puppet-masterless -----------------------------------------------------------------------

mkdir -p modules/hello/manifests modules/hello/templates data
cat >modules/hello/manifests/init.pp <<-EOF2
	class hello(String \$greeting = 'none') {
	  file { '$far/hello': content => "\${greeting} \${facts['role']} \${facts['packer_build_name']}\n" }
	}
EOF2
echo 'include hello' >site.pp
printf 'version: 5\nhierarchy:\n  - name: all\n    datadir: %s\n    path: all.yaml\n    data_hash: yaml_data\n' \
	"$PWD/data" >hiera.yaml
echo 'hello::greeting: good morning' >data/all.yaml
puppet_template() {
	box_template <<-EOF2
		provisioner "puppet-masterless" {
		  manifest_file     = "$1"
		  module_paths      = ["modules"]
		  hiera_config_path = "hiera.yaml"
		  facter            = { role = "it's web" }
		  staging_directory = "$far/puppet"
		  prevent_sudo      = true
		  extra_arguments   = ["--confdir=$far/conf", "--vardir=$far/var", "--color=false"]
		  $2
		}
	EOF2
}

if command -v puppet >/dev/null; then
	test_expect_success 'puppet: manifest, module, Hiera and facts; changes are no failure' '
		puppet_template site.pp "clean_staging_directory = true" && ingot build -color=false t.pkr.hcl >out 2>&1
		got=$?; cat out; [ $got = 0 ] && grep -x "good morning it.s web box" "$far/hello" &&
		grep "Notice: Applied catalog" out && test_absent "$far/puppet" && test_clean
	'
	test_expect_success 'puppet: a resource that fails ends the build, unless that does not matter' '
		echo "exec { \"/bin/false\": }" >bad.pp && puppet_template bad.pp "" &&
		test_exit 1 ingot build -color=false t.pkr.hcl >out 2>&1 && cat out &&
		grep "Puppet exited with a non-zero exit status: 4" out && grep "Some resources of the manifest" out &&
		puppet_template bad.pp "ignore_exit_codes = true" && ingot build t.pkr.hcl >/dev/null && test_clean
	'
else
	test_skip 'puppet for real' "puppet is not installed"
fi

# ---- ansible-local ---------------------------------------------------------------------------

mkdir -p play/templates roles/greet/tasks group_vars cols/ansible_collections/local/tools/roles/note/tasks
cat >play/site.yml <<-EOF2
	- hosts: web
	  gather_facts: false
	  roles:
	    - greet
	    - local.tools.note
	  tasks:
	    - template: { src: page.j2, dest: $far/page }
	      notify: changed
	  handlers:
	    - name: changed
	      copy: { content: handled, dest: $far/handled }
EOF2
echo 'page of {{ owner }} {{ packer_build_name }} {{ packer_builder_type }}' >play/templates/page.j2
echo "- copy: { content: greeted, dest: $far/greeted }" >roles/greet/tasks/main.yml
echo "- copy: { content: noted, dest: $far/noted }" >cols/ansible_collections/local/tools/roles/note/tasks/main.yml
echo 'owner: me' >group_vars/web.yml
local_template() {
	box_template <<-EOF2
		provisioner "ansible-local" {
		  playbook_files    = ["play/$1"]
		  playbook_dir      = "play"
		  role_paths        = ["roles/greet"]
		  collection_paths  = ["cols"]
		  group_vars        = "group_vars"
		  inventory_groups  = ["web"]
		  staging_directory = "$far/ansible"
		  extra_arguments   = ["-e", "ansible_python_interpreter=/usr/bin/python3"]
		  $2
		}
	EOF2
}

if command -v ansible-playbook >/dev/null; then
	test_expect_success 'ansible-local: template, handler, role, collection, variables' '
		local_template site.yml "clean_staging_directory = true" &&
		ingot build -color=false t.pkr.hcl >out 2>&1
		got=$?; cat out; [ $got = 0 ] && grep -x "page of me box null" "$far/page" && [ -e "$far/handled" ] &&
		[ -e "$far/greeted" ] && [ -e "$far/noted" ] && test_absent "$far/ansible" && test_clean
	'
	test_expect_success 'ansible-local: a task that fails ends the build, and what was copied stays' '
		printf "%s\n" "- hosts: all" "  gather_facts: false" "  tasks:" "    - fail: { msg: no way }" >play/bad.yml &&
		local_template bad.yml "clean_staging_directory = true" &&
		test_exit 1 ingot build -color=false t.pkr.hcl >out 2>&1 && cat out &&
		grep "no way" out && grep "Non-zero exit status: 2" out && [ -e "$far/ansible/bad.yml" ] && test_clean
	'
else
	test_skip 'ansible-local for real' "ansible-playbook is not installed"
fi
test_expect_success 'ansible-local: it is not installed on the machine' '
	local_template site.yml "command = \"no-such-ansible\"" && test_exit 1 ingot build t.pkr.hcl >out 2>&1 && cat out &&
	grep "no-such-ansible could not be found" out && grep "Install Ansible in a shell" out && test_clean
'

# ---- chef-solo -------------------------------------------------------------------------------

cat >"$far/chef-solo" <<-EOF2
	#!/bin/sh
	printf '%s\n' "\$@" >$far/chef-args
	cp "\$3" $far/chef-config && cp "\$5" $far/chef-node && ls $far/chef/cookbooks-0 >$far/chef-cookbooks
	echo "Chef Infra Client finished"
	exit "\$(cat $far/chef-exit)"
EOF2
chmod +x "$far/chef-solo"
mkdir -p cookbooks/web
echo 0 >"$far/chef-exit"
chef_template() {
	box_template <<-EOF2
		provisioner "chef-solo" {
		  cookbook_paths    = ["cookbooks"]
		  run_list          = ["recipe[web]"]
		  json_string       = jsonencode({ port = 80 })
		  staging_directory = "$far/chef"
		  prevent_sudo      = true
		  skip_install      = true
		  execute_command   = "$far/chef-solo --no-color -c {{ .ConfigPath }} -j {{ .JsonPath }}"
		}
	EOF2
}

test_expect_success 'chef-solo: cookbooks, configuration and attributes are there' '
	chef_template && ingot build -color=false t.pkr.hcl >out 2>&1 && grep "Chef Infra Client finished" out &&
	tr "\n" " " <"$far/chef-args" | grep -x -- "--no-color -c $far/chef/solo.rb -j $far/chef/node.json " &&
	grep -xF "cookbook_path [\"$far/chef/cookbooks-0\"]" "$far/chef-config" && grep -x web "$far/chef-cookbooks" &&
	grep -x "{\"port\":80,\"run_list\":\[\"recipe\[web\]\"\]}" "$far/chef-node" && test_clean
'
test_expect_success 'chef-solo: a failure, and the same from a legacy template' '
	echo 3 >"$far/chef-exit" && test_exit 1 ingot build -color=false t.pkr.hcl >out 2>&1 && cat out &&
	grep "Chef exited with non-zero exit status 3" out && echo 0 >"$far/chef-exit" &&
	write_file t.json <<-EOF2 &&
		{
		  "builders": [{ "type": "null", "ssh_host": "127.0.0.1", "ssh_port": $port, "ssh_username": "root",
		    "ssh_private_key_file": "$dir/key" }],
		  "provisioners": [{ "type": "chef-solo", "json": { "a": { "b": [1, true] } }, "skip_install": true,
		    "prevent_sudo": true, "staging_directory": "$far/chef", "cookbook_paths": ["cookbooks"],
		    "execute_command": "$far/chef-solo --no-color -c {{.ConfigPath}} -j {{.JsonPath}}" }]
		}
	EOF2
	ingot build -color=false t.json && grep -x "{\"a\":{\"b\":\[1,true\]}}" "$far/chef-node" && test_clean
'
test_done
