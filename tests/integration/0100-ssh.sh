#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The SSH communicator against a real sshd on the loopback interface.
. "${0%/*}/testlib.sh"

command -v /usr/sbin/sshd >/dev/null || test_skip_all "no sshd (openssh-server)"
[ "$(id -u)" = 0 ] || test_skip_all "sshd needs root to log users in"

# An upload over SFTP sets the mode of its target: not that of the host's own device.
null=${test_root:?}/null
mknod -m 666 "$null" c 1 3

probe=${INGOT_BIN%/src/ingot}/tests/tools/sshprobe
dir=${test_root:?}/sshd
mkdir -p "$dir" /run/sshd
chmod 755 "$test_root" "$dir"
ssh-keygen -q -t ed25519 -N '' -f "$dir/host"
ssh-keygen -q -t ed25519 -N '' -f "$dir/key"
ssh-keygen -q -t rsa -b 2048 -N '' -f "$dir/rsa"
ssh-keygen -q -t ecdsa -b 384 -N '' -f "$dir/ecdsa"
ssh-keygen -q -t ed25519 -N '' -f "$dir/stranger"
ssh-keygen -q -t ed25519 -N '' -f "$dir/ca"
ssh-keygen -q -s "$dir/ca" -I test -n root -V +1h "$dir/stranger.pub"
cat "$dir/key.pub" "$dir/rsa.pub" "$dir/ecdsa.pub" >"$dir/authorized"

free_port() {
        python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'
}

# sshd_config NAME PORT [LINE...]
sshd_config() {
        sshd_name=$1 sshd_port=$2
        shift 2
        {
                # the first value of an option counts
                for sshd_line; do echo "$sshd_line"; done
                echo "Port $sshd_port"
                echo "ListenAddress 127.0.0.1"
                echo "HostKey $dir/host"
                echo "AuthorizedKeysFile $dir/authorized"
                echo "TrustedUserCAKeys $dir/ca.pub"
                echo "StrictModes no"
                echo "PidFile $dir/$sshd_name.pid"
                echo "PermitRootLogin yes"
                echo "PasswordAuthentication yes"
                echo "MaxStartups 100"
                echo "LogLevel VERBOSE"
                echo "MaxSessions 2"
        } >"$dir/$sshd_name.cfg"
}

sshd_start() {
        /usr/sbin/sshd -D -e -f "$dir/$1.cfg" 2>>"$dir/$1.log" &
        test_keep_pid $!
        echo $! >"$dir/$1.started"
        test_wait 10 grep -q "Server listening" "$dir/$1.log"
}

sshd_stop() {
        kill "$(cat "$dir/$1.started")" && wait "$(cat "$dir/$1.started")"
        : >"$dir/$1.log"
}

port=$(free_port)
sshd_config main "$port" "UsePAM no" "Subsystem sftp internal-sftp" "RekeyLimit 4M"
sshd_start main || test_skip_all "sshd does not start"

# ssh_probe [NAME=VALUE...] VERB...
ssh_probe() { "$probe" host=127.0.0.1 "port=$port" "$@"; }
with_key() { ssh_probe "keyfile=$dir/key" "$@"; }
# In the background, as one process $begun that can be signalled.
begin() {
        : >out && : >err
        "$probe" host=127.0.0.1 "port=$port" "keyfile=$dir/key" "$@" >out 2>err &
        begun=$!
        test_keep_pid $begun
}
# Interrupts it; it must end within a second (5 ms on an idle machine) and say why.
cancel_begun() {
        start_ms=$(now_ms)
        kill -TERM $begun && ! wait $begun 2>/dev/null || return 1
        took_ms=$(($(now_ms) - start_ms))
        echo "took $took_ms ms"
        [ "$took_ms" -lt 1000 ] && grep -F "[error cancelled]" err
}
# A busy host may delay anybody once.
thrice() { "$@" || "$@" || "$@"; }
# cancels_when CONDITION... -- PROBE-ARGUMENT...: interrupted as soon as the condition holds
cancels_when() {
        condition=
        while [ "$1" != -- ]; do
                condition="$condition $1"
                shift
        done
        shift
        begin "$@" && test_wait 10 eval "$condition" && cancel_begun
}
now_ms() { echo $(($(date +%s%N) / 1000000)); }
# took_less MS COMMAND...: passes the command's success on
took_less() {
        limit_ms=$1 start_ms=$(now_ms)
        shift
        "$@"
        took_rc=$?
        took_ms=$(($(now_ms) - start_ms))
        echo "took $took_ms ms"
        [ "$took_ms" -lt "$limit_ms" ] && return $took_rc
        echo "took too long: $*"
        return 99
}

# ---- commands ------------------------------------------------------------------

test_expect_success 'a command has two streams and a status' '
        with_key exec "echo out; echo err >&2; exit 3" >out 2>err &&
        [ "$(cat out)" = out ] && grep -x err err && grep -F "[status 3]" err &&
        grep -F "[ui] Using SSH communicator to connect: 127.0.0.1" err &&
        grep -F "[ui] Waiting for SSH to become available..." err &&
        grep -F "[ui] Connected to SSH!" err'

test_expect_success 'a signal is 128 plus its number' '
        with_key exec "kill -TERM \$\$" + exec "kill -KILL \$\$" + exec "kill -USR1 \$\$" 2>err &&
        grep -F "[status 143]" err && grep -F "[status 137]" err && grep -F "[status 138]" err'

test_expect_success 'many commands on one connection' '
        (
                set --
                for i in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do
                        set -- "$@" + exec "echo $i"
                done
                with_key "$@"
        ) >out && [ "$(tail -n 1 out)" = 20 ] && [ "$(wc -l <out)" = 20 ]'

test_expect_success 'input reaches the command, and its end too' '
        head -c 3000000 /dev/urandom >in &&
        with_key input "cat" in >out && cmp in out'

test_expect_success 'a command that does not read its input may end' '
        head -c 30000000 /dev/zero >in &&
        took_less 10000 with_key input "exit 4" in 2>err && grep -F "[status 4]" err'

test_expect_success 'output is passed on as it is' '
        head -c 2000000 /dev/urandom >blob &&
        with_key exec "cat $PWD/blob; cat $PWD/blob >&2" >out 2>err && cmp blob out'

test_expect_success 'a line of 100 MB' '
        with_key exec "head -c 100000000 /dev/zero | tr \"\\0\" x" >out &&
        [ "$(wc -c <out)" = 100000000 ] && rm out'

test_expect_success 'stdout and stderr at once do not dead-lock' '
        with_key exec "head -c 20000000 /dev/zero >&2 & head -c 20000000 /dev/zero; wait" >out 2>/dev/null &&
        [ "$(wc -c <out)" = 20000000 ] && rm out'

test_expect_success 'output comes while the command runs' '
        rm -f go && : >out &&
        { with_key exec "echo one; until [ -e $PWD/go ]; do sleep 0.05; done; echo two" >out & } &&
        slow=$! && test_keep_pid $slow &&
        test_wait 10 grep -q one out && ! grep -q two out && touch go &&
        wait $slow && grep -q two out'

test_expect_success 'a pseudo terminal: 80x40, one stream' '
        with_key pty=1 exec "tty; stty size; echo \$TERM; echo err >&2" >out 2>err &&
        tr -d "\r" <out >text && grep "^/dev/pts/" text && grep -x "40 80" text &&
        grep -x xterm text && grep -x err text'

# ---- logging in ------------------------------------------------------------------

test_expect_success 'keys: rsa, ecdsa, from memory' '
        ssh_probe "keyfile=$dir/rsa" exec true 2>err && grep -F "[status 0]" err &&
        ssh_probe "keyfile=$dir/ecdsa" exec true 2>err && grep -F "[status 0]" err &&
        ssh_probe "keymem=$dir/rsa" exec true 2>err && grep -F "[status 0]" err'

test_expect_success 'a certificate' '
        test_exit 1 ssh_probe attempts=1 "keyfile=$dir/stranger" exec true &&
        ssh_probe "keyfile=$dir/stranger" "cert=$dir/stranger-cert.pub" exec true'

test_expect_success 'a refused key is tried as often as allowed, then explained' '
        test_exit 1 took_less 6000 ssh_probe "keyfile=$dir/stranger" attempts=2 exec true 2>err &&
        grep -F "[error authentication] Error waiting for SSH: " err &&
        grep -F "attempted methods [none publickey]" err &&
        grep -F "refused user " err && grep -F "publickey, password" err &&
        [ "$(grep -c "Failed publickey" "$dir/main.log")" -ge 2 ]'

test_expect_success 'a wrong password' '
        test_exit 1 ssh_probe password=wrong attempts=1 exec true 2>err &&
        grep -F "attempted methods [none password" err'

test_expect_success 'nothing to log in with' '
        test_exit 1 ssh_probe attempts=1 exec true 2>err &&
        grep -F "Set ssh_password, ssh_private_key_file or ssh_agent_auth" err'

test_expect_success 'the agent' '
        eval "$(ssh-agent -s)" >/dev/null && test_keep_pid $SSH_AGENT_PID &&
        ssh-add -q "$dir/stranger" "$dir/key" &&
        ssh_probe agent=1 exec true 2>err && grep -F "[status 0]" err'

test_expect_success 'a gone agent, no agent' '
        test_exit 1 env SSH_AUTH_SOCK=/nonexistent "$probe" port=$port attempts=1 timeout_ms=1000 agent=1 exec true &&
        test_exit 1 env -u SSH_AUTH_SOCK "$probe" port=$port agent=1 exec true 2>err &&
        grep -F "no SSH agent runs" err'

test_expect_success 'an agent that does not answer does not stop a cancel' '
        { python3 -c "
import socket, time
s = socket.socket(socket.AF_UNIX); s.bind(\"$PWD/deaf\"); s.listen(5)
c = s.accept()[0]; c.recv(5); open(\"$PWD/deaf.asked\", \"w\"); time.sleep(60)" & } && test_keep_pid $! && test_wait 10 test -S deaf &&
        SSH_AUTH_SOCK=$PWD/deaf begin keyfile= agent=1 exec true &&
        test_wait 10 test -e deaf.asked && cancel_begun'

test_expect_success 'ciphers' '
        with_key cipher=aes256-ctr exec true &&
        test_exit 1 with_key cipher=arcfour exec true 2>err && grep -F "ssh_ciphers" err &&
        for word in 3des-cbc aes128-cbc aes192-cbc aes256-cbc; do # the server does not offer these: known all the same
                test_exit 1 with_key timeout_ms=1 cipher=$word exec true 2>err && ! grep -F "ssh_ciphers" err || return 1
        done'

# A server that knows a user with a password, while the host does not: it sees
# other account files, in a mount namespace of its own.
user=ingotuser
hash=$(openssl passwd -6 "pass word")
{
        cat /etc/passwd
        echo "$user:x:54321:65534::/:/bin/sh"
} >"$dir/passwd"
(umask 077 && {
        cat /etc/shadow
        echo "$user:$hash:19000:0:99999:7:::"
} >"$dir/shadow")
sshd_start_with_user() {
        unshare --mount sh -c "mount --bind '$dir/passwd' /etc/passwd &&
                mount --bind '$dir/shadow' /etc/shadow && exec /usr/sbin/sshd -D -e -f '$dir/$1.cfg'" \
                2>>"$dir/$1.log" &
        test_keep_pid $!
        test_wait 10 grep -q "Server listening" "$dir/$1.log"
}
users_port=$(free_port)
sshd_config users "$users_port" "UsePAM no"
if unshare --mount true 2>/dev/null && sshd_start_with_user users; then
        test_expect_success 'a right password' '
                ssh_probe port=$users_port user=$user "password=pass word" exec id 2>err >out && grep 54321 out'
        two_port=$(free_port)
        sshd_config two "$two_port" "UsePAM no" "AuthenticationMethods publickey,password"
        sshd_start_with_user two
        test_expect_success 'key and password together' '
                ssh_probe port=$two_port user=$user "keyfile=$dir/key" "password=pass word" exec id >out &&
                grep 54321 out'
        pam_port=$(free_port)
        sshd_config pam "$pam_port" "UsePAM yes" "PasswordAuthentication no" \
                "KbdInteractiveAuthentication yes"
        if [ -e /etc/pam.d/sshd ] && sshd_start_with_user pam; then
                test_expect_success 'keyboard-interactive answers with the password' '
                        ssh_probe port=$pam_port user=$user "password=pass word" exec id >out &&
                        grep 54321 out'
                test_expect_success 'passwords where the server takes none' '
                        test_exit 1 ssh_probe port=$pam_port user=$user password=x attempts=1 exec id 2>err &&
                        cat err && grep -F "attempted methods [none keyboard-interactive]" err'
        else
                test_skip 'keyboard-interactive' 'sshd has no PAM here'
        fi
else
        test_skip 'passwords' 'no mount namespaces here'
fi

# ---- servers that are not ready ------------------------------------------------------

test_expect_success 'nobody listens: says so' '
        closed=$(free_port) &&
        test_exit 1 took_less 3000 ssh_probe port=$closed timeout_ms=700 exec true 2>err &&
        grep -F "[error timeout] Timeout waiting for SSH." err &&
        grep -F "Port $closed of 127.0.0.1 never opened" err'

# fake_server CODE: python with a listening socket s; writes its port to the file fake
fake_server() {
        rm -f fake
        python3 -c "
import os, socket, threading, time
s = socket.socket(); s.bind(('127.0.0.1', 0)); s.listen(50)
open('fake.new', 'w').write(str(s.getsockname()[1])); os.rename('fake.new', 'fake')
held = []
$1" &
        test_keep_pid $!
        test_wait 10 test -s fake
}

test_expect_success 'a banner that never comes' '
        fake_server "
while True: held.append(s.accept()[0])" &&
        test_exit 1 took_less 4000 ssh_probe port=$(cat fake) timeout_ms=1500 exec true 2>err &&
        grep -F "is open, but no SSH greeting came" err'

test_expect_success 'a cancel while waiting takes less than a second' '
        thrice cancels_when "grep -q Waiting.for.SSH err" -- port=$(cat fake) exec true'

test_expect_success 'connections that are closed without a word' '
        fake_server "
while True: s.accept()[0].close()" &&
        test_exit 1 ssh_probe port=$(cat fake) timeout_ms=700 exec true 2>err &&
        grep -F "closed without an SSH greeting" err'

test_expect_success 'something else answers' '
        fake_server "
while True:
    c = s.accept()[0]; c.sendall(b\"220 mail ready\\r\\n\"); held.append(c)
    threading.Timer(0.2, c.close).start()" &&
        test_exit 1 ssh_probe port=$(cat fake) timeout_ms=1500 exec true 2>err &&
        grep -F "Something else than SSH answers" err && grep -F "220 mail ready" err'

test_expect_success 'a greeting in pieces, then the end' '
        fake_server "
while True:
    c = s.accept()[0]
    for b in b\"SSH-2.0-x\\r\\n\": c.sendall(bytes([b])); time.sleep(0.01)
    c.close()" &&
        test_exit 1 ssh_probe port=$(cat fake) timeout_ms=1500 exec true 2>err &&
        grep -F "The login did not get through" err'

test_expect_success 'a server that comes up late is noticed at once' '
        late_port=$(free_port) && sshd_config late "$late_port" "UsePAM no" &&
        { ssh_probe port=$late_port "keyfile=$dir/key" exec "date +%s%N" >out 2>err & } && late=$! &&
        test_wait 10 grep -q "Waiting for SSH" err && sshd_start late &&
        up_ms=$(now_ms) && wait $late && [ $(($(cat out) / 1000000 - up_ms)) -lt 2000 ]'

test_expect_success 'a name that does not exist' '
        test_exit 1 took_less 8000 ssh_probe host=no-such-host.invalid timeout_ms=1500 exec true 2>err &&
        grep -F "could not be resolved" err'

# ---- connections that break ------------------------------------------------------------

test_expect_success 'the server dies in a command: disconnected; the next one connects again' '
        with_key exec "kill -9 \$PPID; sleep 9" + exec "echo back; exit 5" >out 2>err &&
        grep -F "[status 2300218]" err && grep -F "[status 5]" err && grep -x back out'

test_expect_success 'no server any more: an error' '
        gone_port=$(free_port) && sshd_config gone "$gone_port" "UsePAM no" && sshd_start gone &&
        test_exit 1 took_less 5000 ssh_probe port=$gone_port "keyfile=$dir/key" \
                exec "p=\$(cat $dir/gone.started); kill \$p; while kill -0 \$p; do sleep 0.02; done; kill -9 \$PPID; sleep 9" + exec "echo never" >out 2>err &&
        cat err &&         grep -F "[error disconnected] cannot connect again over SSH" err && ! grep never out'

test_expect_success 'a cancel while connecting again takes less than a second' '
        back_port=$(free_port) && sshd_config back "$back_port" "UsePAM no" && sshd_start back &&
        cat >silent.py <<-EOF &&
	import os, socket, time
	open("$PWD/silent.pid", "w").write(str(os.getpid()))
	s = socket.socket(); s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
	s.bind(("127.0.0.1", $back_port)); s.listen(5); c = s.accept()
	open("$PWD/asked", "w"); time.sleep(60)
	EOF
        begin port=$back_port exec "p=\$(cat $dir/back.started); kill \$p; while kill -0 \$p; do sleep 0.02; done
                setsid python3 $PWD/silent.py >/dev/null 2>&1 & until [ -s $PWD/silent.pid ]; do sleep 0.02; done
                kill -9 \$PPID" + exec true &&
        test_wait 20 test -e asked && cancel_begun; rc=$?
        kill $(cat silent.pid); [ $rc = 0 ]'

frozen_command="echo \$PPID >$PWD/frozen.new; mv $PWD/frozen.new $PWD/frozen; sleep 60"
# Stops the server process of a running command and waits for the verdict.
freeze() {
        rm -f frozen
        : >err
        with_key "$@" exec "$frozen_command" 2>err &
        freezing=$!
        test_wait 10 test -s frozen && kill -STOP "$(cat frozen)" || return 1
        took_less 5000 wait $freezing
        freeze_rc=$?
        kill -KILL "$(cat frozen)"
        return $freeze_rc
}

test_expect_success 'a frozen peer is noticed by missing signs of life' '
        freeze keepalive_ms=200 && grep -F "[status 2300218]" err'

test_expect_success 'a silent peer is given up after ssh_read_write_timeout' '
        freeze keepalive_ms=-1 silence_ms=2000 && grep -F "[status 2300218]" err'

test_expect_success 'signs of life keep a silent command alive' '
        with_key keepalive_ms=500 silence_ms=3000 exec "sleep 5; exit 6" 2>err && grep -F "[status 6]" err'

test_expect_success 'a cancel in a command takes less than a second' '
        thrice cancels_when "grep -q started out" -- exec "echo started; sleep 60"'

# ---- files -----------------------------------------------------------------------------

make_tree() {
        mkdir -p "$1/sub dir/deep" "$1/empty"
        echo one >"$1/a file"
        : >"$1/nothing"
        head -c 300000 /dev/urandom >"$1/sub dir/blob"
        echo deep >"$1/sub dir/deep/x"
        chmod 750 "$1/sub dir"
        chmod 700 "$1/a file"
}
make_tree tree

# The transfer of the process $begun is well under way.
busy() { grep -q started out && [ "$(sed -n 's/^rchar: //p' "/proc/$begun/io")" -gt 5000000 ]; }

for method in scp sftp; do
        test_expect_success "$method: a file with its mode, and back" '
                head -c 10000000 /dev/urandom >blob && chmod 751 blob && rm -rf to && mkdir to &&
                with_key method=$method upload blob "$PWD/to/a blob" + download "$PWD/to/a blob" "$PWD/to/back" &&
                cmp blob "to/a blob" && cmp blob to/back &&
                [ "$(stat -c %a "to/a blob")" = 751 ] && [ "$(stat -c %a to/back)" = 644 ]'

        test_expect_success "$method: empty files and texts" '
                : >none && with_key method=$method upload none "$PWD/to/none" + text hello "$PWD/to/text" \
                        + download "$PWD/to/none" "$PWD/to/none2" &&
                [ -e to/none ] && [ ! -s to/none ] && [ -e to/none2 ] && [ ! -s to/none2 ] &&
                [ "$(cat to/text)" = hello ] && [ "$(stat -c %a to/text)" = 644 ]'

        test_expect_success "$method: a tree, itself and its contents" '
                rm -rf to && mkdir to to/in to/out &&
                with_key method=$method updir "$PWD/tree" "$PWD/to" + updir "$PWD/tree/" "$PWD/to/in" \
                        + downdir "$PWD/to/tree" "$PWD/to/out" &&
                diff -r tree to/tree && diff -r tree to/in && diff -r tree to/out/tree &&
                [ "$(stat -c %a "to/tree/sub dir")" = 750 ] && [ "$(stat -c %a "to/in/a file")" = 700 ] &&
                [ "$(stat -c %a "to/out/tree/sub dir")" = 750 ]'

        test_expect_success "$method: links are followed" '
                rm -rf links to && mkdir links to && echo x >x && ln -s ../x links/file && ln -s ../tree links/dir &&
                with_key method=$method updir "$PWD/links/" "$PWD/to" &&
                [ ! -L to/file ] && [ "$(cat to/file)" = x ] && diff -r tree to/dir'

        test_expect_success "$method: what cannot be done is said" '
                test_exit 1 with_key method=$method upload x "$PWD/nowhere/x" 2>err &&
                grep -F "[error remote]" err && grep -F "o such file or directory" err &&
                test_exit 1 with_key method=$method download "$PWD/nowhere/x" got 2>err &&
                grep -F "[error remote]" err && [ -e got ] && [ ! -s got ] &&
                test_exit 1 with_key method=$method upload nowhere "$PWD/x" 2>err && grep -F "[error not found]" err'

        test_expect_success "$method: a full disk is noticed early" '
                truncate -s 2G huge &&
                test_exit 1 took_less 5000 with_key method=$method upload huge /dev/full 2>err; rm huge &&
                grep -F "[error remote]" err'

        test_expect_success "$method: a cancel in a transfer takes less than a second" '
                truncate -s 20G huge &&
                thrice cancels_when busy -- method=$method exec "echo started" + upload huge "$null" &&
                rm -f huge'
done

test_expect_success 'scp: the remote shell expands the destination' '
        with_key upload x "~/ingot-test-$$" + exec "cat ~/ingot-test-$$; rm ~/ingot-test-$$" >out && cmp x out'

test_expect_success 'scp: into a directory without a slash is refused' '
        test_exit 1 with_key upload x "$PWD/tree" 2>err && grep -F "Is a directory" err'

# Every file says what the next one would be, and a folder stands in the way of one.
test_expect_success 'scp: content that looks like the protocol is content' '
        rm -rf sly to && mkdir -p sly/d to && for i in 1 2 3 4 5 6 7 8 9; do
                printf "C0644 4 evil\nxyz\n\000" >sly/c$i; printf "D0755 0 evil\n" >sly/d$i; printf "E\n" >sly/d/e$i
                printf "T1 0 1 0\n" >sly/t$i; printf "\001oops\n" >sly/o$i; printf "\002oops\n" >sly/p$i; printf "plain" >sly/q$i
        done && with_key method=scp updir "$PWD/sly/" "$PWD/to" && diff -r sly to'
for name in c5 d5 d/e5 o5 q5 d; do
        test_expect_success "scp: a refusal ends it, and nothing is put beside: $name" '
                rm -rf to && mkdir -p to/d && if [ $name = d ]; then rmdir to/d && : >to/d; else mkdir to/$name; fi &&
                test_exit 1 with_key method=scp updir "$PWD/sly/" "$PWD/to" 2>err && cat err &&
                grep -E "scp: .*/$name: (Is|Not) a directory" err && [ ! -e to/evil ] && [ ! -e to/d/evil ] && [ ! -e to/e1 ]'
done
test_expect_success 'sftp: a refusal names the file' '
        rm -rf to && mkdir -p to/d/e5 && test_exit 1 with_key method=sftp updir "$PWD/sly/" "$PWD/to" 2>err && cat err &&
        grep -F "sftp: $PWD/to/d/e5: " err'

bare_port=$(free_port)
sshd_config bare "$bare_port" "UsePAM no" "Subsystem sftp internal-sftp" "SetEnv PATH=/nonexistent"
sshd_start bare
test_expect_success 'without scp on the machine sftp is used, unless scp was asked for' '
        ssh_probe port=$bare_port "keyfile=$dir/key" upload x "$PWD/to/bare" + downdir "$PWD/tree" "$PWD/to/d" &&
        cmp x to/bare && diff -r tree to/d/tree &&
        test_exit 1 ssh_probe port=$bare_port "keyfile=$dir/key" method=scp upload x "$PWD/to/bare" 2>err &&
        grep -F "SCP failed to start. This usually means that SCP is not" err'

nosftp_port=$(free_port)
sshd_config nosftp "$nosftp_port" "UsePAM no"
sshd_start nosftp
test_expect_success 'without sftp on the machine' '
        ssh_probe port=$nosftp_port "keyfile=$dir/key" upload x "$PWD/to/nosftp" && cmp x to/nosftp &&
        test_exit 1 ssh_probe port=$nosftp_port "keyfile=$dir/key" method=sftp upload x "$PWD/to/y" 2>err &&
        grep -F "the machine has no sftp subsystem" err'

noisy_port=$(free_port)
sshd_config noisy "$noisy_port" "UsePAM no" "ForceCommand echo welcome; \$SSH_ORIGINAL_COMMAND"
sshd_start noisy
test_expect_success 'a login shell that prints something' '
        test_exit 1 ssh_probe port=$noisy_port "keyfile=$dir/key" upload x "$PWD/to/noisy" 2>err &&
        grep -F "does the login shell print something" err'

test_expect_success 'a server that allows one session at a time: one connection is enough' '
        one_port=$(free_port) && sshd_config one "$one_port" "UsePAM no" "MaxSessions 1" "Subsystem sftp internal-sftp" "SetEnv HOME=$dir" && sshd_start one &&
        { for i in 1 2 3 4 5; do printf "  provisioner \"shell\" {\n    inline = [\"echo script $i\"]\n  }\n"; done
          for method in file tree; do printf "  provisioner \"file\" {\n    source = \"$PWD/$method\"\n    destination = \"$PWD/to/\"\n  }\n"; done; } >steps &&
        cp x file && rm -rf to && mkdir to && cat >one.pkr.hcl <<-EOF &&
	source "null" "one" {
	  ssh_host             = "127.0.0.1"
	  ssh_port             = $one_port
	  ssh_username         = "root"
	  ssh_private_key_file = "$dir/key"
	}
	build {
	  sources = ["source.null.one"]
	$(cat steps)
	}
	EOF
        ingot build one.pkr.hcl >out && cat out && for i in 1 2 3 4 5; do grep "script $i" out || return 1; done &&
        cmp x to/file && diff -r tree to/tree &&
        ssh_probe port=$one_port "keyfile=$dir/key" method=sftp exec true + upload x "$PWD/to/y" + updir "$PWD/tree" "$PWD/to" \
                + exec true + downdir "$PWD/to/tree" "$PWD/to/back" && cmp x to/y && diff -r tree to/back/tree &&
        { grep -c "Accepted publickey" "$dir/one.log" | grep -x 2 || { cat "$dir/one.log"; false; }; }'

# ---- ways through ----------------------------------------------------------------------

test_expect_success 'a bastion carries commands and files' '
        head -c 20000000 /dev/urandom >blob &&
        with_key bastion=127.0.0.1 bastion_port=$bare_port bastion_user=root "bastion_key=$dir/key" \
                exec "echo through; exit 7" + upload blob "$PWD/to/through" \
                + download "$PWD/to/through" back >out 2>err &&
        grep -x through out && grep -F "[status 7]" err && cmp blob to/through && cmp blob back'

test_expect_success 'a bastion that refuses, and one that cannot reach the machine' '
        test_exit 1 with_key attempts=1 bastion=127.0.0.1 bastion_port=$bare_port bastion_user=root \
                "bastion_key=$dir/stranger" exec true 2>err &&
        grep -F "Error connecting to bastion: 127.0.0.1: ssh: handshake failed: ssh: unable to authenticate" err &&
        test_exit 1 with_key port=$(free_port) timeout_ms=2500 bastion=127.0.0.1 bastion_port=$bare_port \
                bastion_user=root "bastion_key=$dir/key" exec true 2>err &&
        grep -F "Error connecting to bastion: 127.0.0.1: it cannot reach 127.0.0.1 port" err'

test_expect_success 'a bastion that dies ends the command' '
        bastion_port=$(free_port) && sshd_config jump "$bastion_port" "UsePAM no" && sshd_start jump &&
        begin bastion=127.0.0.1 bastion_port=$bastion_port bastion_user=root "bastion_key=$dir/key" \
                exec "echo started; sleep 60" &&
        test_wait 10 grep -q started out && pkill -KILL -P "$(cat "$dir/jump.started")" &&
        took_less 3000 wait $begun && grep -F "[status 2300218]" err'

test_expect_success 'a local tunnel' '
        local=$(free_port) && fake_server "
while True:
    c = s.accept()[0]; d = c.recv(100); c.sendall(b\"got \" + d); c.close()" &&
        begin local=$local:127.0.0.1:$(cat fake) exec "echo started; sleep 3" &&
        test_wait 10 grep -q started out &&
        python3 -c "
import socket
c = socket.create_connection((\"127.0.0.1\", $local)); c.sendall(b\"hello\")
c.shutdown(socket.SHUT_WR); print(c.makefile().read())" >text && wait $begun && grep -x "got hello" text'

test_expect_success 'a remote tunnel' '
        remote=$(free_port) && with_key remote=$remote:localhost:$(cat fake) exec "python3 -c \"
import socket
for i in range(3):
    c = socket.create_connection((\\\"127.0.0.1\\\", $remote)); c.sendall(b\\\"hello\\\")
    c.shutdown(socket.SHUT_WR); print(c.makefile().read())\"" >out && [ "$(grep -cx "got hello" out)" = 3 ]'

test_expect_success 'a tunnel whose port is taken' '
        test_exit 1 with_key timeout_ms=1000 local=$port:127.0.0.1:1 exec true 2>err &&
        grep -F "Tunnel: Failed to bind local" err'

test_expect_success 'the agent is forwarded, unless told not to' '
        with_key exec "ssh-add -l" + exec "ssh-add -L" >out && grep -F "$(cut -d" " -f2 "$dir/stranger.pub")" out &&
        with_key noforward=1 exec "ssh-add -l" >out 2>err && ! grep -F "[status 0]" err'

# used inside quoted tests
# shellcheck disable=SC2034
socks_server='
import struct, sys
def pump(a, b):
    try:
        while True:
            d = a.recv(65536)
            if not d: break
            b.sendall(d)
    except OSError: pass
    try: b.shutdown(socket.SHUT_WR)
    except OSError: pass
def serve(c):
    n = c.recv(2)[1]; methods = c.recv(n)
    if 2 in methods:
        c.sendall(bytes([5, 2])); c.recv(1); u = c.recv(c.recv(1)[0]); p = c.recv(c.recv(1)[0])
        ok = (u, p) == (b"me", b"pw"); c.sendall(bytes([1, 0 if ok else 1]))
        if not ok: c.close(); return
    else: c.sendall(bytes([5, 0]))
    v, cmd, _, t = c.recv(4)
    host = socket.inet_ntoa(c.recv(4)) if t == 1 else c.recv(c.recv(1)[0]).decode()
    port = struct.unpack(">H", c.recv(2))[0]
    try: r = socket.create_connection((host, port))
    except OSError: c.sendall(bytes([5, 5, 0, 1, 0, 0, 0, 0, 0, 0])); c.close(); return
    c.sendall(bytes([5, 0, 0, 1, 0, 0, 0, 0, 0, 0]))
    threading.Thread(target=pump, args=(c, r), daemon=True).start(); pump(r, c)
while True: threading.Thread(target=serve, args=(s.accept()[0],), daemon=True).start()'

test_expect_success 'a SOCKS5 proxy, by address and by name' '
        fake_server "$socks_server" &&
        with_key proxy=127.0.0.1 proxy_port=$(cat fake) exec "exit 8" 2>err && grep -F "[status 8]" err &&
        with_key host=localhost proxy=127.0.0.1 proxy_port=$(cat fake) proxy_user=me proxy_password=pw exec "exit 9" 2>err &&
        grep -F "[status 9]" err'

test_expect_success 'a SOCKS5 proxy that refuses, and one that cannot reach the machine' '
        test_exit 1 with_key proxy=127.0.0.1 proxy_port=$(cat fake) proxy_user=me proxy_password=no exec true 2>err &&
        grep -F "the proxy refuses user " err &&
        test_exit 1 with_key port=$(free_port) timeout_ms=1000 proxy=127.0.0.1 proxy_port=$(cat fake) exec true 2>err &&
        grep -F "the proxy cannot reach 127.0.0.1 port" err'

# ---- speed: for `make bench`, not a test -------------------------------------------------

# best_ms COMMAND...: the fastest of three runs
best_ms() {
        best=999999999
        for _ in 1 2 3; do
                start_ms=$(now_ms)
                "$@" >/dev/null 2>&1 || return 1
                took_ms=$(($(now_ms) - start_ms))
                [ "$took_ms" -lt "$best" ] && best=$took_ms
        done
        echo "$best"
}
openssh_scp() {
        scp -q -O -P "$port" -i "$dir/key" -o StrictHostKeyChecking=no \
                -o UserKnownHostsFile=/dev/null big "root@127.0.0.1:$null"
}
if [ -n "${INGOT_BENCH:-}" ]; then
        sshd_stop main
        sshd_config main "$port" "UsePAM no" "Subsystem sftp internal-sftp"
        sshd_start main
        truncate -s 1G big
        theirs=$(best_ms openssh_scp)
        ours=$(best_ms with_key upload big "$null")
        sftp=$(best_ms with_key method=sftp upload big "$null")
        echo "# upload of 1 GiB: OpenSSH scp $theirs ms, ours $ours ms (scp), $sftp ms (sftp)"
fi

test_done
