#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The SSH server in front of a communicator, with OpenSSH's own clients on one side and its server on
# the other. Every test is a program that is served: it finds the server by $PROXY_PORT and $PROXY_KEY.
# shellcheck disable=SC2016,SC2034,SC2154
. "${0%/*}/testlib.sh"
. "${0%/*}/sshd.sh"

probe=${INGOT_BIN%/src/ingot}/tests/tools/sshprobe
[ -x "$probe" ] || test_skip_all "no sshprobe"
start_sshd
far=$dir/far
mkdir -p "$far"

# What every program of a test may use.
cat >clients <<-'EOF2'
	opt="-F none -i $PROXY_KEY -o IdentitiesOnly=yes -o StrictHostKeyChecking=yes -o BatchMode=yes"
	opt="$opt -o UserKnownHostsFile=$TMPDIR/known -o LogLevel=ERROR"
	echo "[127.0.0.1]:$PROXY_PORT $PROXY_HOST_KEY" >"$TMPDIR/known"
	far() { ssh $opt -p "$PROXY_PORT" ansible@127.0.0.1 "$@"; }
	copy9() { scp $opt -P "$PROXY_PORT" "$@"; } # as OpenSSH 9 does it: over SFTP
	copy() { scp -O $opt -P "$PROXY_PORT" "$@"; }
	files() { sftp -q -b - $opt -P "$PROXY_PORT" ansible@127.0.0.1; }
EOF2

# served PROGRAM: runs it behind a proxy; what it prints is in out, what is told beside in err.
served() {
	TMPDIR=$TMPDIR timeout 60 "$probe" host=127.0.0.1 port="$port" keyfile="$dir/key" proxy ". ./clients; $1" \
		>out 2>err
	test_got=$?
	rm -f "$TMPDIR/known"
	cat out err
	return $test_got
}

test_expect_success 'commands: output, both streams, exit codes, input' '
	served "far \"echo out; echo bad >&2; exit 7\"; echo status=\$?; echo in | far \"cat; echo end\" &&
		far -tt \"echo with a terminal\" </dev/null && far \"true\"; echo last=\$?" &&
	grep -x out out && grep -x bad err && grep -x status=7 out && grep -x in out && grep -x end out &&
	grep "with a terminal" out && grep -x last=0 out && grep -F "[status 0]" err && test_clean
'

test_expect_success 'a hundred megabytes go in and come out unchanged' '
	head -c 100000000 /dev/zero | openssl enc -aes-128-ctr -K 00 -iv 00 >big 2>/dev/null &&
	served "far \"cat >$far/big\" <big && far \"cat $far/big\" | cmp - big && echo same" &&
	grep -x same out && cmp big "$far/big" && rm "$far/big"
'

test_expect_success 'what reads slowly or not at all holds nobody up' '
	served "head -c 3000000 big | far \"sleep 0.3; md5sum\"; far \"head -c 20000000 /dev/zero\" | (sleep 0.5; wc -c)
		head -c 3000000 big | far \"exec <&-; echo deaf\"; far \"echo alive\"" &&
	grep "^$(head -c 3000000 big | md5sum | cut -c1-32)" out && grep -x 20000000 out && grep -x deaf out &&
	grep -x alive out
'

test_expect_success 'several connections and sessions over one of them' '
	served "far -o ControlMaster=yes -o ControlPath=$TMPDIR/master -o ControlPersist=30 true
		for i in 1 2 3 4 5 6; do
			far -o ControlPath=$TMPDIR/master \"echo shared \$i\" & far \"echo own \$i\" & done; wait" &&
	[ "$(grep -c "^shared [1-6]$" out)" = 6 ] && [ "$(grep -c "^own [1-6]$" out)" = 6 ] && test_clean
'

test_expect_success 'scp: files with their modes, to a name and into a folder' '
	head -c 2000000 big >"large one" && echo small >small && chmod 750 small && : >empty &&
	served "copy small ansible@127.0.0.1:$far/s && copy -p \"large one\" \"ansible@127.0.0.1:$far/l\\\\ x\" &&
		copy small empty ansible@127.0.0.1:$far/ && copy ansible@127.0.0.1:$far/s back &&
		copy \"ansible@127.0.0.1:$far/l\\\\ x\" \"back 2\" && echo done" &&
	grep -x done out && cmp small "$far/s" && [ "$(stat -c %a "$far/s")" = 750 ] &&
	cmp "large one" "$far/l x" && cmp small "$far/small" && [ -e "$far/empty" ] && cmp small back &&
	cmp "large one" "back 2" && test_clean
'

test_expect_success 'scp: folders, to one that exists and to one that does not' '
	mkdir -p tree/sub/deep && echo a >tree/a && echo b >tree/sub/deep/b && chmod 700 tree/sub &&
	served "copy -r tree ansible@127.0.0.1:$far/ && copy -r tree ansible@127.0.0.1:$far/new &&
		copy -r ansible@127.0.0.1:$far/new got && echo done" &&
	grep -x done out && diff -r tree "$far/tree" && diff -r tree "$far/new" && diff -r tree got &&
	[ "$(stat -c %a "$far/new/sub")" = 700 ] && test_clean
'

test_expect_success 'scp: what cannot be done is told, and the next thing is done' '
	served "copy small ansible@127.0.0.1:/nowhere/at/all; echo up=\$?
		copy ansible@127.0.0.1:$far/absent x; echo down=\$?; far true; echo then=\$?" &&
	grep -x up=1 out && grep -x down=1 out && grep -x then=0 out && grep -i "no such file" err && test_absent x
'

test_expect_success 'sftp, and scp over it' '
	served "printf \"put small $far/by-sftp\\nget $far/by-sftp got-it\\n\" | files; echo sftp=\$?
		copy9 small ansible@127.0.0.1:$far/new-scp; echo scp=\$?" &&
	grep -x sftp=0 out && grep -x scp=0 out && cmp small got-it && cmp small "$far/new-scp"
'

test_expect_success 'a machine without an SFTP server: what to do about it' '
	SFTP_COMMAND=/nowhere/sftp-server served "echo ls | files; echo sftp=\$?; far true; echo then=\$?" &&
	grep "no SFTP server where sftp_command says (./nowhere/sftp-server" err &&
	grep "^\[trouble\] the machine has no SFTP server" err && ! grep -x sftp=0 out && grep -x then=0 out
'

test_expect_success 'only the right user with the right key' '
	ssh-keygen -q -t ed25519 -N "" -f other &&
	served "ssh \$opt -p \$PROXY_PORT root@127.0.0.1 true; echo user=\$?
		ssh \$opt -o IdentityFile=none -i other -p \$PROXY_PORT ansible@127.0.0.1 true </dev/null; echo own=\$?
		ssh -F none -i other -o IdentitiesOnly=yes -o BatchMode=yes -o UserKnownHostsFile=$TMPDIR/known \
			-p \$PROXY_PORT ansible@127.0.0.1 true; echo key=\$?
		far -s netconf; echo subsystem=\$?; far; echo shell=\$?
		ssh \$opt -p \$PROXY_PORT -o ExitOnForwardFailure=yes -W 127.0.0.1:$port ansible@127.0.0.1 </dev/null
		echo forward=\$?" &&
	grep -x user=255 out && grep -x key=255 out && ! grep -x subsystem=0 out && ! grep -x shell=0 out &&
	! grep -x forward=0 out && AUTHORIZED_KEY=other.pub KEY_TYPE=RSA served "
		PROXY_KEY=other; . ./clients; far echo own key; echo \$PROXY_HOST_KEY" &&
	grep -x "own key" out && grep "^ssh-rsa " out &&
	HOST_KEY=other served "far echo pinned; echo \$PROXY_HOST_KEY" && grep -x pinned out &&
	grep "^$(cut -d" " -f1-2 other.pub)$" out && test_clean
'

test_expect_success 'a client that has gone takes its command along' '
	served "(exec ssh \$opt -p \$PROXY_PORT ansible@127.0.0.1 \"echo \\\$\\\$ >$far/pid; exec cat\") & until [ -s $far/pid ]; do :; done
		kill \$!; wait; far \"echo next\"" &&
	grep -x next out && test_wait 5 test_ended "$(cat "$far/pid")"
'

test_expect_success 'a command ends with the program that is served, and with an interrupt' '
	rm -f "$far/pid" &&
	served "sleep 1000 | far \"echo \\\$\\\$ >$far/pid; exec cat\" & until [ -s $far/pid ]; do :; done; kill \$(jobs -p)" &&
	test_wait 5 test_ended "$(cat "$far/pid")" && rm -f "$far/pid" && {
		"$probe" host=127.0.0.1 port="$port" keyfile="$dir/key" \
			proxy ". ./clients; far \"echo \\\$\\\$ >$far/pid; exec cat\"" >out 2>&1 &
		pid=$!
		test_wait 10 test -s "$far/pid" && kill -INT $pid
		wait $pid
		cat out
		grep "cancelled" out
	} && test_wait 5 test_ended "$(cat "$far/pid")" && rm -f "$TMPDIR/known" && test_clean
'

test_expect_success 'the machine is lost: clients hear it as ssh says it' '
	served "far \"kill -9 \\\$PPID; sleep 5\"; echo lost=\$?; far echo back" &&
	grep -x lost=255 out && grep -x back out
'

test_expect_success 'strange and silent clients do not matter' '
	cat >strange.py <<-\EOF2 &&
		import os, socket
		at = ("127.0.0.1", int(os.environ["PROXY_PORT"]))
		silent = [socket.create_connection(at) for i in range(40)]
		noise = socket.create_connection(at)
		try:
		    noise.sendall(b"SSH-2.0-x\r\n" + os.urandom(100000))
		    noise.sendall(b"GET / HTTP/1.1\r\n\r\n" * 1000)
		except OSError:
		    pass
		os.system(". ./clients; far echo served")
	EOF2
	served "python3 strange.py" && grep -x served out
'

test_expect_success 'a port that is taken: the next one' '
	python3 -c "
import socket, subprocess, os, sys
s = socket.socket(); s.bind((\"127.0.0.1\", 0)); s.listen()
n = s.getsockname()[1]
open(\"port\", \"w\").write(str(n))
r = subprocess.run([\"sh\", \"-c\", sys.argv[1]], env=dict(os.environ, WANT_PORT=str(n)))
sys.exit(r.returncode)" "$probe host=127.0.0.1 port=$port keyfile=$dir/key proxy \"echo \\\$PROXY_PORT\"" >out &&
	[ "$(cat out)" -gt "$(cat port)" ] && [ "$(cat out)" -lt $(($(cat port) + 10)) ]
'
# ---- Ansible ---------------------------------------------------------------------------------

cat >play.yml <<-EOF2
	- hosts: all
	  gather_facts: false
	  tasks:
	    - copy: { content: "by {{ packer_build_name }}", dest: $far/copied }
	    - command: cat $far/copied
	      register: said
	    - fetch: { src: $far/copied, dest: fetched, flat: true }
	    - debug: { msg: "said {{ said.stdout }}" }
EOF2
ansible_template() {
	box_template <<-EOF2
		provisioner "ansible" {
		  playbook_file    = "play.yml"
		  use_proxy        = true
		  extra_arguments  = ["-e", "ansible_python_interpreter=/usr/bin/python3"]
		  ansible_env_vars = ["ANSIBLE_REMOTE_TMP=$far/tmp", "ANSIBLE_PIPELINING=$1"]
		  ${2-}
		}
	EOF2
}

if command -v ansible-playbook >/dev/null; then
	test_expect_success 'a playbook, with modules over standard input' '
		ansible_template true && ingot build -color=false t.pkr.hcl >out 2>&1
		got=$?; cat out; [ $got = 0 ] && grep "said by box" out && [ "$(cat fetched)" = "by box" ] && test_clean
	'
	test_expect_success 'a playbook, with modules as files, by the scp that OpenSSH 9 has' '
		rm -f fetched "$far/copied" && ansible_template false && ingot build t.pkr.hcl >out 2>&1
		got=$?; cat out; [ $got = 0 ] && [ "$(cat fetched)" = "by box" ] && test_clean
	'
else
	test_skip 'a playbook' "ansible-playbook is not installed"
fi
test_done
