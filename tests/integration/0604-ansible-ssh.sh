#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# shellcheck disable=SC2016,SC2034,SC2154 # used in texts; set in the sourced files
# The ways of Ansible to an SSH server: what it is told, passwords, jump hosts, interrupts.
. "${0%/*}/testlib.sh"
. "${0%/*}/sshd.sh"
for program in ansible-playbook ssh; do
        command -v $program >/dev/null || test_skip_all "$program is not installed"
done
unset ANSIBLE_CONFIG SSH_AUTH_SOCK
export INGOT_CACHE=off
start_sshd

write_file fake <<-\EOF
	#!/bin/sh
	[ "$1" != --version ] || { echo "fake 2.14.0"; exit 0; }
	for word in "$@"; do
		case $word in
		@*) stat -c "mode %a" "${word#@}"; echo "file $(cat "${word#@}")" ;;
		*) echo "arg $word" ;;
		esac
		last=$before before=$word
	done
	echo "inventory $(cat "$last")"
	config=$(echo "$ANSIBLE_SSH_ARGS" | sed "s/^-F \([^ ]*\).*/\1/")
	sed "s/^/config /" "$config"
	stat -c "mode %a" "$config"
	cat "${config%/*}/known_hosts"
	echo "pipelining $ANSIBLE_PIPELINING args $ANSIBLE_SSH_ARGS"
	if read -r line; then echo "input $line"; fi
	case "$*" in *wait*) sleep 1000 & echo $! >pid; wait ;; esac
EOF
chmod +x fake
echo '- hosts: all' >site.yml
try() { ingot build -color=false "$@" t.pkr.hcl >out.log 2>&1; test_code=$?; cat out.log; return $test_code; }

test_expect_success 'what Ansible is told: secrets in files, the host key that was seen, no input' '
        { echo "[ssh_connection]"; echo "ssh_args = -o Mine=yes"; } >ansible.cfg && chmod 755 . &&
        box_template <<-EOF &&
		  provisioner "ansible" {
		    command                 = "./fake"
		    playbook_file           = "site.yml"
		    groups                  = ["web"]
		    empty_groups            = ["none"]
		    host_alias              = "boxed"
		    inventory_file_template = "{{ .HostAlias }} ansible_host={{ .Host }} user={{ .User }}:{{ .Port }}"
		    extra_arguments         = ["-v", "-e", "db_password=hush port=1", "-e", "id={{ .ID }}"]
		    ansible_env_vars        = ["ANSIBLE_PIPELINING=False"]
		  }
	EOF
        try && ! grep "Executing.*hush" out.log && grep "Executing Ansible: ./fake .*db_password=\*\*\*\*\* port=1" out.log &&
        grep "arg packer_build_name=\"box\"" out.log && grep "arg .-o IdentitiesOnly=yes.$" out.log &&
        grep "arg ansible_ssh_private_key_file=$dir/key" out.log && grep "arg /.*/site.yml" out.log &&
        grep "inventory boxed ansible_host=127.0.0.1 user=root:$port" out.log &&
        grep "box: \[web\]" out.log && grep "box: \[none\]" out.log &&
        [ "$(grep -c "mode 600" out.log)" = 2 ] && grep "StrictHostKeyChecking yes" out.log &&
        grep "ingot-machine $(cut -d" " -f1,2 "$dir/host.pub")" out.log &&
        grep "pipelining False args -F .* -o Mine=yes" out.log && ! grep "box: input" out.log && test_clean &&
        rm ansible.cfg
'

test_expect_success 'an interrupt ends it with its children; nothing stays' '
        box_template <<-EOF &&
		  provisioner "ansible" {
		    command         = "./fake"
		    playbook_file   = "site.yml"
		    extra_arguments = ["wait"]
		  }
	EOF
        rm -f pid && { ingot build -color=false t.pkr.hcl >out.log 2>&1 & } && build=$! && test_keep_pid $build &&
        test_wait 60 test -s pid && kill -INT $build && { wait $build; [ $? != 0 ]; } &&
        test_ended "$(cat pid)" && test_clean
'

test_expect_success 'Ansible that is not there is told before anything starts' '
        box_template <<-EOF &&
		  provisioner "ansible" {
		    command       = "no-such-playbook"
		    playbook_file = "site.yml"
		  }
	EOF
        test_exit 1 ingot validate t.pkr.hcl >out.log 2>&1; cat out.log
        grep "Error running \"no-such-playbook --version\"" out.log && grep "apt-get install ansible" out.log
'

# For real: a server that knows a user with a password (as in 0100-ssh.sh), behind two jump hosts.
{
        cat /etc/passwd
        echo "ingotuser:x:54321:65534::/tmp:/bin/sh"
} >"$dir/passwd"
(umask 077 && {
        cat /etc/shadow
        echo "ingotuser:$(openssl passwd -6 'pass "word$'):19000:0:99999:7:::"
} >"$dir/shadow")
users_port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
sed "s/^Port .*/Port $users_port/" "$dir/cfg" >"$dir/users.cfg"
unshare --mount true 2>/dev/null || test_skip_all "no mount namespaces here"
unshare --mount sh -c "mount --bind '$dir/passwd' /etc/passwd && mount --bind '$dir/shadow' /etc/shadow &&
        exec /usr/sbin/sshd -D -e -f '$dir/users.cfg'" 2>>"$dir/users.log" &
test_keep_pid $!
test_wait 10 grep -q "Server listening" "$dir/users.log"

write_file real.yml <<-\EOF
	- hosts: all
	  gather_facts: false
	  tasks:
	    - name: who
	      raw: id -u
	      register: r
	    - debug: {msg: "uid {{ r.stdout | trim }}"}
	    - name: say no
	      raw: echo because >&2; exit 4
	      ignore_errors: "{{ lenient | default(false) }}"
EOF
real_template() {
        box_template "$@" <<-EOF
		  provisioner "ansible" {
		    playbook_file   = "real.yml"
		    extra_arguments = ["-e", "lenient=true"]
		  }
	EOF
        sed -i -e "s/ssh_port .*/ssh_port = $users_port/" -e "s/ssh_username  .*/ssh_username = \"ingotuser\"/" \
                -e "s|^ *ssh_private_key_file.*|ssh_password = \"pass \\\\\"word$\"|" t.pkr.hcl
}

test_expect_success 'with a password, through jump hosts with keys' '
        real_template "ssh_bastion_host = \"root@localhost,127.0.0.1\"" "ssh_bastion_port = $port" \
                "ssh_bastion_username = \"root\"" "ssh_bastion_private_key_file = \"$dir/key\"" &&
        : >"$dir/log" && try && grep "uid 54321" out.log && ! grep "proxy adapter" out.log &&
        grep "ignored=1" out.log && ! grep "pass ..*word" out.log && [ "$(grep -c Accepted "$dir/log")" -ge 4 ] &&
        test_clean
'

test_expect_success 'the same through the proxy; a task that fails is named' '
        real_template && sed -i "s/extra_arguments = .*/use_proxy = true/" t.pkr.hcl && test_exit 1 try &&
        grep "proxy adapter" out.log && grep "uid 54321" out.log &&
        grep "task .say no. failed on .default.: non-zero return code: because" out.log && test_clean
'

test_done
