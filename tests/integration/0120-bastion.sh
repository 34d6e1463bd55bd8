#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# shellcheck disable=SC2034,SC2154 # set and used across files and in quoted tests
# Machines that are reached through jump hosts only: four hosts in network namespaces of their own,
# here -- edge -- box -- deep, of which each knows its neighbours only. The namespaces have no names:
# they end with the processes in them.
. "${0%/*}/testlib.sh"

for program in ip unshare nsenter ss; do
        command -v $program >/dev/null || test_skip_all "no $program"
done
[ "$(id -u)" = 0 ] && unshare -n true 2>/dev/null || test_skip_all 'needs root and network namespaces'
. "${0%/*}/sshd.sh"
export NO_COLOR=1
says() { tr -s '\n ' ' ' <out | grep -F -e "$1"; }

ssh-keygen -q -t ed25519 -N '' -f "$dir/edge-key" # for the first jump host, which knows no other
cp "$dir/edge-key.pub" "$dir/edge-authorized"
cat "$dir/edge-key.pub" "$dir/key.pub" >"$dir/box-authorized"
cp "$dir/key.pub" "$dir/deep-authorized"

in_here() { nsenter -t "$here" -n "$@"; }
in_edge() { nsenter -t "$edge" -n "$@"; }
in_box() { nsenter -t "$box" -n "$@"; }
in_deep() { nsenter -t "$deep" -n "$@"; }
own_network() { [ "$(readlink "/proc/$1/ns/net")" != "$(readlink /proc/self/ns/net)" ]; }
for host in here edge box deep; do
        unshare -n sleep 1000 &
        eval "$host=$!" && test_keep_pid $! && test_wait 10 own_network $! || exit 1
        nsenter -t $! -n ip link set lo up
done
# wire FROM TO N: a cable between two hosts with the addresses 10.120.N.1 and 10.120.N.2
wire() {
        "in_$1" ip link add "to_$2" type veth peer name "to_$1" netns "$(eval "echo \$$2")" &&
                "in_$1" ip addr add "10.120.$3.1/24" dev "to_$2" && "in_$1" ip link set "to_$2" up &&
                "in_$2" ip addr add "10.120.$3.2/24" dev "to_$1" && "in_$2" ip link set "to_$1" up
}
ask=
wire here edge 1 && wire edge box 2 && wire box deep 3 || test_skip_all 'cannot join network namespaces'

# start HOST [LINE]...: its SSH server, on the usual port
start() {
        name=$1 && shift
        {
                [ $# = 0 ] || printf '%s\n' "$@" # the first value counts
                printf '%s\n' "Port 22" "HostKey $dir/host" "AuthorizedKeysFile $dir/$name-authorized" \
                        "StrictModes no" "UsePAM no" "PidFile none" "PermitRootLogin yes" \
                        "Subsystem sftp internal-sftp" "SetEnv HOME=$dir/home"
        } >"$dir/$name.cfg"
        "in_$name" /usr/sbin/sshd -t -f "$dir/$name.cfg" || return 1
        : >"$dir/$name.log"
        eval "exec nsenter -t \$$name -n $ask /usr/sbin/sshd -D -e -f $dir/$name.cfg" 2>>"$dir/$name.log" &
        eval "${name}_sshd=$!" && test_keep_pid $!
        test_wait 10 grep -q "Server listening on 0.0.0.0" "$dir/$name.log"
}
kill_tree() {
        for child in $(pgrep -P "$1"); do kill_tree "$child"; done
        kill -9 "$1"
}
stop() { kill_tree "$(eval "echo \$$1_sshd")"; }
start edge && start box && start deep || exit 1

# via HOPS [LINE OF THE SOURCE]... <BODY: a machine at $to behind them
to=10.120.2.2
via() {
        hops=$1 && shift
        port=22 box_template "ssh_bastion_host = \"$hops\"" 'ssh_bastion_username = "root"' \
                "ssh_bastion_private_key_file = \"$dir/edge-key\"" "$@"
        sed -i "s/\"127.0.0.1\"/\"$to\"/" t.pkr.hcl
}
script() { printf 'provisioner "shell" {\n    inline = ["%s"]\n  }\n' "$1"; }
copy() { printf 'provisioner "file" {\n    source = "%s"\n    destination = "%s"\n    %s\n  }\n' "$1" "$2" "${3:-}"; }
build() { in_here ingot build t.pkr.hcl >out 2>err || { cat out err && return 1; }; }
silent() { [ -z "$("in_$1" ss -Htn state established)" ] && [ -z "$(pgrep -P "$(eval "echo \$$1_sshd")")" ]; }
# No file, no process of ours, no connection, no process of a server.
clean() { test_clean && for host in edge box deep; do test_wait 10 silent $host || return 1; done; }
# It fails for the reason given, with 1, and leaves nothing.
fails() {
        test_exit 1 in_here ingot build t.pkr.hcl >out 2>err && cat out && [ ! -s err ] &&
                for reason; do says "$reason" || return 1; done && clean
}
sum() { (cd "$1" && find . -type f -print0 | sort -z | xargs -0 sha256sum | sha256sum); }

# 300 MB in 5,000 files, most of them small
mkdir -p tree/big
python3 - <<-\EOS
	import os
	for i in range(4):
	    with open("tree/big/%d" % i, "wb") as f: f.write(os.urandom(70 << 20))
	for i in range(4996):
	    if i % 100 == 0: os.makedirs("tree/small/%02d" % (i // 100))
	    with open("tree/small/%02d/%04d" % (i // 100, i), "wb") as f: f.write(os.urandom(4096))
EOS
whole=$(sum tree)

test_expect_success 'the machine is reached through the jump host only' '
        test_exit 1 in_here python3 -c "import socket; socket.create_connection((\"10.120.2.2\", 22), 5)" &&
        script "echo from \$SSH_CONNECTION" | via 10.120.1.2 && build && says "from 10.120.2.1" && clean'

test_expect_success 'a tree of 300 MB in 5,000 files goes there, and a part of it comes back' '
        rm -rf far && mkdir far && { copy "$PWD/tree" "$PWD/far" && script "cd $PWD/far/tree && find . -type f | wc -l" &&
                copy "$PWD/far/tree/big/0" "$PWD/back" "direction = \"download\"" &&
                copy "$PWD/far/tree/small/00/" "$PWD/back-dir" "direction = \"download\""; } | via 10.120.1.2 &&
        build && says "null.box: 5000" && [ "$(sum far/tree)" = "$whole" ] && cmp tree/big/0 back &&
        { diff -r tree/small/00 back-dir/00 || { find back-dir | head; false; }; } && clean'

test_expect_success 'small files through SFTP' '
        rm -rf far && mkdir far && mkdir some && cp -r tree/small/0? some &&
        copy "$PWD/some" "$PWD/far" | via 10.120.1.2 "ssh_file_transfer_method = \"sftp\"" &&
        build && [ "$(sum far/some)" = "$(sum some)" ] && clean'

test_expect_success 'a chain of jump hosts, with and without user and port' '
        script "echo from \$SSH_CONNECTION" | to=10.120.3.2 via "10.120.1.2,root@10.120.2.2:22" && build &&
        says "from 10.120.3.1" && clean'

test_expect_success 'a chain that breaks off says where' '
        script true | via 10.120.1.2,nobody-here@10.120.2.2 &&
        fails "Error waiting for SSH: Error connecting to bastion: 10.120.2.2: ssh: handshake failed: ssh: unable to authenticate" \
                "Bastion 10.120.2.2 refused user '"'nobody-here'"'" &&
        script true | via 10.120.1.2,10.120.2.9:2222 "ssh_read_write_timeout = \"2s\"" &&
        sed -i "s/\"20s\"/\"3s\"/" t.pkr.hcl && fails "Timeout waiting for SSH."'

test_expect_success 'the agent and a certificate for the jump host' '
        eval "$(ssh-agent -s)" >/dev/null && test_keep_pid $SSH_AGENT_PID && ssh-add -q "$dir/edge-key" &&
        script true | via 10.120.1.2 "ssh_bastion_agent_auth = true" && sed -i /bastion_private_key/d t.pkr.hcl && build &&
        unset SSH_AUTH_SOCK && fails "Error connecting to bastion: 10.120.1.2: ssh_bastion_agent_auth is set, but no SSH agent runs" &&
        ssh-keygen -q -t ed25519 -N "" -f "$dir/ca" && ssh-keygen -q -t ed25519 -N "" -f "$dir/certified" &&
        ssh-keygen -q -s "$dir/ca" -I test -n root -V +1h "$dir/certified.pub" &&
        stop edge && start edge "TrustedUserCAKeys $dir/ca.pub" && script true | via 10.120.1.2 &&
        sed -i "s|^  ssh_bastion_private_key_file.*|  ssh_bastion_private_key_file = \"$dir/certified\"|" t.pkr.hcl &&
        fails "Bastion 10.120.1.2 refused" && sed -i "s|^  ssh_bastion_private_key_file|  ssh_bastion_certificate_file = \"$dir/certified-cert.pub\"\n&|" t.pkr.hcl &&
        build && says "Connected to SSH!" && clean'

test_expect_success 'a jump host that refuses the key: said at once' '
        script true | via 10.120.1.2 &&
        sed -i "s|^  ssh_bastion_private_key_file.*|  ssh_bastion_private_key_file = \"$dir/key\"|; s/\"20s\"/\"10m\"/" t.pkr.hcl &&
        fails "Error waiting for SSH: Error connecting to bastion: 10.120.1.2: ssh: handshake failed: ssh: unable to authenticate" \
                "Bastion 10.120.1.2 refused user '"'root'"'; it accepts: publickey"'

test_expect_success 'a machine that the jump host cannot reach' '
        script true | to=10.120.2.7 via 10.120.1.2 && in_edge ip route add unreachable 10.120.2.7 &&
        sed -i "s/\"20s\"/\"3s\"/" t.pkr.hcl &&
        fails "Timeout waiting for SSH." "Error connecting to bastion: 10.120.1.2: it cannot reach 10.120.2.7 port 22"'

test_expect_success 'a jump host that does not listen' '
        script true | via 10.120.1.2:23 && sed -i "s/\"20s\"/\"3s\"/" t.pkr.hcl &&
        fails "Timeout waiting for SSH." "Error connecting to bastion: 10.120.1.2: cannot connect to 10.120.1.2 port 23: Connection refused"'

test_expect_success 'a jump host that dies in the middle of an upload' '
        rm -rf far && mkdir far && copy "$PWD/tree" "$PWD/far" | via 10.120.1.2 &&
        { in_here ingot build t.pkr.hcl >out 2>err & } && pid=$! && test_keep_pid $pid &&
        test_wait 60 test -s far/tree/big/0 && stop edge && test_exit 1 wait $pid && cat out && [ ! -s err ] &&
        says "cannot connect again over SSH: Error connecting to bastion: 10.120.1.2: cannot connect to 10.120.1.2 port 22" &&
        start edge && clean'

test_expect_success 'a jump host that dies in a script' '
        rm -f begun && script "touch $PWD/begun; exec sleep 1000" | via 10.120.1.2 &&
        { in_here ingot build t.pkr.hcl >out 2>err & } && pid=$! && test_keep_pid $pid &&
        test_wait 60 test -e begun && stop edge && test_exit 1 wait $pid && cat out &&
        says "bastion 10.120.1.2: SSH connection lost" && pkill -P "$(pgrep -P "$box_sshd")"; start edge && clean'

# A jump host that asks users for a password: it has account files of its own.
echo 'jumper:x:54321:65534::/:/bin/false' | cat /etc/passwd - >"$dir/passwd"
(umask 077 && echo "jumper:$(openssl passwd -6 'pass word'):19000:0:99999:7:::" | cat /etc/shadow - >"$dir/shadow")
ask="unshare --mount sh -c 'mount --bind $dir/passwd /etc/passwd && mount --bind $dir/shadow /etc/shadow && exec \"\$@\"' sh"
on_terminal() {
        test_exit "$1" in_here python3 "$SRCDIR/tests/tools/terminal.py" "$2" "$3" -- \
                "$INGOT_BIN" build -color=false t.pkr.hcl >out
}
interactive() { script true | via "$1" "ssh_bastion_interactive = true" && sed -i "/bastion_private_key/d" t.pkr.hcl; }
stop edge
if [ -e /etc/pam.d/sshd ] && eval "$ask true" 2>/dev/null && start edge "UsePAM yes" "KbdInteractiveAuthentication yes" \
        "PasswordAuthentication no"; then
        test_expect_success 'a person is asked what the jump host asks, and typing is not shown' '
                interactive jumper@10.120.1.2 && on_terminal 0 "Password:" "pass word\\r" && cat out &&
                says "Bastion 10.120.1.2, user '"'jumper'"': Password:" && says "Connected to SSH!" &&
                ! grep "pass word" out && clean'
        test_expect_success 'a password for the jump host' '
                script true | via jumper@10.120.1.2 "ssh_bastion_password = \"pass word\"" && sed -i "/bastion_private_key/d" t.pkr.hcl &&
                build && says "Connected to SSH!" && sed -i "s/pass word/wrong/" t.pkr.hcl &&
                fails "unable to authenticate, attempted methods [none publickey keyboard-interactive]" "Bastion 10.120.1.2 refused"'
        test_expect_success 'a wrong password may be typed again' '
                interactive jumper@10.120.1.2 && test_exit 0 in_here python3 "$SRCDIR/tests/tools/terminal.py" \
                        "Password:" "pass\\r" "Password:" "pass word\\r" -- "$INGOT_BIN" build -color=false t.pkr.hcl >out &&
                says "Connected to SSH!" && clean'
        test_expect_success 'an interrupt while a person is asked' '
                interactive jumper@10.120.1.2 && on_terminal 1 "Password:" "\\x03" && clean'
        test_expect_success 'nobody to ask: said at once' '
                interactive jumper@10.120.1.2 && test_exit 1 in_here setsid -w ingot build t.pkr.hcl >out 2>err && cat out &&
                says "Bastion 10.120.1.2 has questions to user '"'jumper'"', but nobody can be asked: no available tty" && clean'
        stop edge
        start edge "UsePAM yes" "KbdInteractiveAuthentication no" "PasswordAuthentication yes"
        test_expect_success 'a person is asked for a password where the jump host only takes that' '
                interactive jumper@10.120.1.2 && on_terminal 0 "password:" "pass word\\r" && says "Connected to SSH!" && clean'
        stop edge
else
        test_skip 'ssh_bastion_interactive' 'sshd has no PAM here, or there are no mount namespaces'
fi
ask=

start edge "AllowTcpForwarding no" || exit 1
test_expect_success 'a jump host that may not forward: said at once' '
        script true | via 10.120.1.2 && sed -i "s/\"20s\"/\"10m\"/" t.pkr.hcl &&
        fails "Error waiting for SSH: Error connecting to bastion: 10.120.1.2: it does not forward to 10.120.2.2 port 22" \
                "Set AllowTcpForwarding yes in the sshd_config of bastion 10.120.1.2"'

test_done
