#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Servers that refuse, keep silent, lie or die, met by whole builds.
# shellcheck source=tests/cli/testlib.sh
. "${0%/*}/testlib.sh"

command -v /usr/sbin/sshd >/dev/null || test_skip_all "no sshd (openssh-server)"
[ "$(id -u)" = 0 ] || test_skip_all "sshd needs root to log users in"

export NO_COLOR=1
says() { tr '\n' ' ' <out | grep -F -e "$1"; }
dir=${test_root:?}/sshd
mkdir -p "$dir" /run/sshd
chmod 755 "$test_root" "$dir"
ssh-keygen -q -t ed25519 -N '' -f "$dir/host"
ssh-keygen -q -t ed25519 -N '' -f "$dir/key"
ssh-keygen -q -t ed25519 -N '' -f "$dir/stranger"
ssh-keygen -q -t ed25519 -N 'closed' -f "$dir/locked"
port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
cat >"$dir/cfg" <<EOF
Port $port
ListenAddress 127.0.0.1
HostKey $dir/host
AuthorizedKeysFile $dir/key.pub
StrictModes no
PidFile $dir/pid
PermitRootLogin yes
PasswordAuthentication yes
UsePAM no
Subsystem sftp internal-sftp
EOF
/usr/sbin/sshd -D -e -f "$dir/cfg" 2>"$dir/log" &
test_keep_pid $!
test_wait 10 grep -q "Server listening" "$dir/log" || test_skip_all "sshd does not start"

# ssh_build PORT HOW LINES: a template that runs LINES over SSH; the source stands on line 1, the
# provisioner on line 11
ssh_build() {
        cat >t.pkr.hcl <<-EOF
	source "null" "x" {
	  communicator = "ssh"
	  ssh_host     = "127.0.0.1"
	  ssh_port     = $1
	  ssh_username = "root"
	  ssh_timeout  = "2s"
	  $2
	}
	build {
	  sources = ["null.x"]
	  provisioner "shell" {
	    inline = [$3]
	  }
	}
	EOF
}
# shellcheck disable=SC2034 # used by the tests' texts
key="ssh_private_key_file = \"$dir/key\""

# server CODE: a TCP server in Python whose connections are handled by CODE; its port is in $fake
server() {
        : >fake.port
        python3 -c "
import socket, time
s = socket.socket(); s.bind(('127.0.0.1', 0)); s.listen()
with open('fake.port', 'w') as f: print(s.getsockname()[1], file=f)
kept = []
while True:
    c, _ = s.accept(); kept.append(c)
    try:
        $1
    except OSError:
        pass
" &
        fake_pid=$!
        test_keep_pid $fake_pid
        # shellcheck disable=SC2034
        test_wait 10 test -s fake.port && fake=$(cat fake.port)
}
stop_server() { kill $fake_pid; }

test_expect_success 'a wrong password: refused, with what the server accepts' '
        ssh_build "$port" "ssh_password = \"not-the-password\"" "\"true\"" && bad build t.pkr.hcl &&
        says "Timeout waiting for SSH." && says "refused user" && says "it accepts: publickey, password" &&
        says "the source is at t.pkr.hcl:1" && ! grep -r not-the-password out
'

test_expect_success 'a key that the server does not know' '
        ssh_build "$port" "ssh_private_key_file = \"$dir/stranger\"" "\"true\"" && bad build t.pkr.hcl &&
        says "refused user"
'

test_expect_success 'keys that cannot be used: before anything is tried' '
        for file in nowhere . cfg locked key.pub; do
                ssh_build "$port" "ssh_private_key_file = \"$dir/$file\"" "\"true\"" && bad build t.pkr.hcl &&
                says "ssh_private_key_file is invalid" && grep "on t.pkr.hcl line 7" out &&
                ! grep "Waiting for SSH" out || return 1
        done
'

test_expect_success 'a misspelt algorithm: in validate, with the known ones' '
        ssh_build "$port" "$key
          ssh_ciphers = [\"aes256-ctr\", \"aes256-crt\"]
          ssh_key_exchange_algorithms = [\"curve25519\"]" "\"true\"" && bad validate t.pkr.hcl &&
        says "ssh_ciphers ('"'aes256-crt'"') is invalid: no such algorithm" && says "aes256-ctr, aes128-cbc" &&
        grep "on t.pkr.hcl line 8" out && says "ssh_key_exchange_algorithms ('"'curve25519'"') is invalid" &&
        ssh_build "$port" "$key
          ssh_ciphers = [\"arcfour\", \"aes256-ctr\"]" "\"true\"" && ingot build t.pkr.hcl >out && cat out &&
        says "ssh_ciphers ('"'arcfour'"') is not available" && says "Connected to SSH!"
'

test_expect_success 'nobody listens' '
        ssh_build 1 "$key" "\"true\"" && bad build t.pkr.hcl && says "Timeout waiting for SSH." &&
        says "Port 1 of 127.0.0.1 never opened"
'

test_expect_success 'a server that never says a word' '
        server "pass" && ssh_build "$fake" "$key" "\"true\"" && bad build t.pkr.hcl &&
        says "Timeout waiting for SSH." && says "    the source is at t.pkr.hcl:1" && stop_server
'

test_expect_success 'a server that speaks another language' '
        server "c.sendall(b\"HTTP/1.1 400 Bad Request\\r\\n\\r\\n\" * 50); c.close()" &&
        ssh_build "$fake" "$key" "\"true\"" && bad build t.pkr.hcl && says "Timeout waiting for SSH." && stop_server
'

test_expect_success 'a server that stops after its banner' '
        server "c.sendall(b\"SSH-2.0-Silence\\r\\n\")" &&
        ssh_build "$fake" "$key" "\"true\"" && bad build t.pkr.hcl && says "Timeout waiting for SSH." && stop_server
'

test_expect_success 'a server that talks without end and says nothing' '
        server "[c.sendall(b\"x\" * 65536) for i in range(300)]" &&
        ssh_build "$fake" "$key" "\"true\"" && bad build t.pkr.hcl && says "Timeout waiting for SSH." && stop_server
'

test_expect_success 'a server that hangs up at once' '
        server "c.close()" &&
        ssh_build "$fake" "$key" "\"true\"" && bad build t.pkr.hcl && says "Timeout waiting for SSH." && stop_server
'

test_expect_success 'an interrupt while it waits for SSH' '
        server "pass" && ssh_build "$fake" "$key" "\"true\"" && sed -i "s/\"2s\"/\"10m\"/" t.pkr.hcl &&
        rm -f out && { ingot build t.pkr.hcl >out & } && pid=$! && test_keep_pid $pid &&
        test_wait 10 grep "Waiting for SSH" out && start=$(date +%s%N) && kill -INT $pid && test_exit 1 wait $pid &&
        [ $((($(date +%s%N) - start) / 1000000)) -lt 2000 ] && test_clean && stop_server
'

test_expect_success 'a remote script that exits 3' '
        ssh_build "$port" "$key" "\"exit 3\"" && bad build t.pkr.hcl &&
        grep "^--> null.x: Script exited with non-zero exit status: 3. Allowed exit codes are: \[0\]$" out &&
        says "the provisioner is at t.pkr.hcl:11"
'

# The sshd that serves the connection of a remote process.
session_of() {
        p=$1
        until [ "$(cat "/proc/$p/comm")" = sshd ]; do
                p=$(sed -n "s/^PPid:[^0-9]*//p" "/proc/$p/status")
        done
        echo "$p"
}

# What runs over there does not end with the connection: tests do it.
test_expect_success 'a server that dies in a step' '
        rm -f pid && ssh_build "$port" "$key" "\"echo \$\$ >$PWD/pid\", \"exec sleep 1000\"" &&
        rm -f out && { ingot build t.pkr.hcl >out & } && pid=$! && test_keep_pid $pid &&
        test_wait 20 test -s pid && remote=$(cat pid) && kill -9 "$(session_of "$remote")" &&
        test_exit 1 wait $pid && kill -9 "$remote" && cat out && grep -i "^--> null.x: .*disconnect" out && says "expect_disconnect" &&
        says "the provisioner is at t.pkr.hcl:11" && test_clean
'

test_expect_success 'an interrupt does not wait for the remote step' '
        rm -f pid && ssh_build "$port" "$key" "\"echo \$\$ >$PWD/pid\", \"exec sleep 1000\"" &&
        rm -f out && { ingot build t.pkr.hcl >out & } && pid=$! && test_keep_pid $pid &&
        test_wait 20 test -s pid && remote=$(cat pid) && start=$(date +%s%N) && kill -INT $pid &&
        test_exit 1 wait $pid && [ $((($(date +%s%N) - start) / 1000000)) -lt 2000 ] && test_clean &&
        kill -9 "$remote"
'

test_expect_success 'uploads: no such local file, no such remote folder' '
        ssh_build "$port" "$key" "\"true\"" && sed -i "11,13d" t.pkr.hcl && echo x >file &&
        sed -i "\$d" t.pkr.hcl && cat >>t.pkr.hcl <<-EOF &&
          provisioner "file" {
            source      = "file"
            destination = "$dir/nowhere/at/all"
          }
        }
	EOF
        bad build t.pkr.hcl && says "nowhere/at/all" && says "the provisioner is at t.pkr.hcl:11" &&
        sed -i "s/source      = .*/source = \"$(echo "$dir" | sed "s:/:\\\\/:g")\\/missing\"\n direction = \"download\"/; s/destination = .*/destination = \"got\"/" t.pkr.hcl &&
        bad build t.pkr.hcl && says "missing: No such file or directory"
'

test_done
