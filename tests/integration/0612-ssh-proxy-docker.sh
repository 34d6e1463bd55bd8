#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The SSH server of the provisioner ansible in front of a container: with OpenSSH's own clients, in a
# container that has neither an SSH server nor scp.
# shellcheck disable=SC2016,SC2034,SC2154
. "${0%/*}/testlib.sh"
. "${0%/*}/dockerd.sh"

# In place of ansible-playbook: finds the server as it would, and does what is in the file `play`.
write_file bin/player <<-\EOF2
	#!/bin/sh
	inventory= key=
	while [ $# -gt 0 ]; do
		case $1 in
		-i) inventory=$2 ;;
		-e) case $2 in ansible_ssh_private_key_file=*) key=${2#*=} ;; esac ;;
		esac
		shift
	done
	value() { tr ' ' '\n' <"$inventory" | sed -n "s/^$1=//p" | tr -d "'\"" | head -n 1; }
	[ -n "$key" ] || key=$(value ansible_ssh_private_key_file)
	port=$(value ansible_port)
	opt="-F none -i $key -o IdentitiesOnly=yes -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null"
	opt="$opt -o BatchMode=yes -o LogLevel=ERROR"
	at=$(value ansible_user)@127.0.0.1
	far() { ssh $opt -p "$port" "$at" "$@"; }
	copy() { scp -O $opt -P "$port" "$@"; }
	files() { sftp -q -b - $opt -P "$port" "$at"; }
	. ./play
EOF2
chmod +x bin/player
echo "- hosts: all" >site.yml

# plays: what is in the file `play`, in a container
plays() {
	template t.pkr.hcl "discard = true" "
		provisioner \"ansible\" {
		  command            = \"$PWD/bin/player\"
		  playbook_file      = \"site.yml\"
		  use_proxy          = true
		  skip_version_check = true
		}"
	ingot build -no-cache -color=false t.pkr.hcl >out 2>&1
	test_got=$?
	cat out
	return $test_got
}

test_expect_success 'commands, their input and exit codes' '
	head -c 20000000 /dev/urandom >big
	cat >play <<-\EOF2 &&
		echo in | far "cat; echo bad >&2; exit 7"; echo status=$?
		far "cat >/big" <big && far "cat /big" | cmp - big && echo same
		far "md5sum" <big
		far true </dev/null; echo last=$?
	EOF2
	plays && grep "web: in$" out && grep "web: bad$" out && grep "status=7$" out && grep "same$" out &&
	grep "$(md5sum <big | cut -c1-32)" out && grep "last=0$" out && docker_clean
'

test_expect_success 'scp without scp in the container; sftp says what is missing' '
	mkdir -p tree/sub && echo a >tree/a && echo b >tree/sub/b && echo small >small && chmod 750 small
	cat >play <<-\EOF2 &&
		copy small "$at:/srv/s" && far "stat -c %a /srv/s; cat /srv/s"
		copy -r tree "$at:/srv/new" && copy -r tree "$at:/srv" && far "cat /srv/new/sub/b /srv/tree/a"
		copy big "$at:/tmp/big" && copy "$at:/tmp/big" back && cmp big back && echo came back
		copy -r "$at:/srv/new" got && diff -r tree got && echo same tree
		echo ls | files; echo sftp=$?
	EOF2
	plays && grep "web: 750$" out && grep "web: small$" out && grep "web: b$" out && grep "web: a$" out &&
	grep "came back$" out && grep "same tree$" out && grep "the machine has no SFTP server" out &&
	! grep "sftp=0" out && docker_clean
'

test_expect_success 'a container that ends: told, and nothing is left' '
	cat >play <<-\EOF2 &&
		docker kill $(docker ps -q) >/dev/null; far "echo never"; echo lost=$?
		exit 4
	EOF2
	test_exit 1 plays && ! grep "never$" out && docker_clean
'
test_done
