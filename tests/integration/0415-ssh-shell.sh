#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# A person's own shell over SSH: on a terminal, from a pipe, one command.
. "${0%/*}/testlib.sh"
# shellcheck source=tests/integration/sshd.sh
. "${0%/*}/sshd.sh"

probe=${INGOT_BIN%/src/ingot}/tests/tools/sshprobe
start_sshd "PrintLastLog no" "PrintMotd no"
echo "PS1='box> '; bind 'set enable-bracketed-paste off'" >"$dir/home/.profile"
shell() { "$probe" "port=$port" "keyfile=$dir/key" shell "$@"; }
# on_terminal STEP...: a shell there
on_terminal() {
        TERM=vt220 "$SRCDIR/tests/tools/job.py" "$@" -- "$probe" "port=$port" "keyfile=$dir/key" shell >out
        code=$?
        cat out
        return $code
}

test_expect_success 'a command: both streams, input and exit code' '
        echo input | shell "cat; echo complaint >&2; exit 3" >out 2>err &&
        [ "$(cat out)" = input ] && grep -x complaint err && grep -F "[status 3]" err'

test_expect_success 'a command has no terminal, also when there is one here' '
        "$SRCDIR/tests/tools/job.py" -- "$probe" "port=$port" "keyfile=$dir/key" shell "tty; exit 4" >out
        cat out && grep -x "not a tty" out && grep -F "[status 4]" out'

test_expect_success 'without a terminal the shell reads commands from standard input' '
        printf "echo I am \$((6 * 7))\ntty\nexit 5\n" | shell >out 2>err && cat out err &&
        grep -x "I am 42" out && grep -x "not a tty" out && grep -F "[status 5]" err'

test_expect_success 'no input at all ends the shell' '
        shell >out 2>err </dev/null && cat err && grep -F "[status 0]" err'

test_expect_success 'many bytes go both ways unchanged' '
        head -c 20000000 /dev/urandom >big && sha1sum <big >want &&
        shell cat <big 2>err | sha1sum >got && cat err && cmp want got'

test_expect_success 'a slow reader gets all' '
        mkfifo "$dir/go" && rm -f err || return 1
        { shell "head -c 4000000 /dev/zero; exit 6" 2>err </dev/null
        } | { read -r go <"$dir/go"; wc -c >count; } &
        reader=$!
        test_wait 10 grep -q Connected err && echo now >"$dir/go" && wait $reader &&
        grep -x 4000000 count && grep -F "[status 6]" err'

test_expect_success 'a reader that went away ends it' '
        shell "yes" 2>err </dev/null | head -n 1 && cat err && grep "cannot write to standard output" err'

test_expect_success 'on a terminal: its type, its size, its exit code; afterwards all is as before' '
        on_terminal "expect=box> " raw "type=stty size; echo \$TERM; tty\r" "expect=24 80" "expect=vt220" \
                "expect=/dev/pts/" "type=exit 11\r" && grep -F "[status 11]" out'

test_expect_success 'a new size gets there' '
        on_terminal "expect=box> " resize=132x50 \
                "type=until [ \"\$(stty size)\" = \"50 132\" ]; do :; done; echo re-sized\r" \
                "expect=\r\nre-sized" "type=exit\r"'

test_expect_success 'control keys belong to the shell' '
        on_terminal "expect=box> " "type=r=rea; read -p \${r}dy x\r" expect=ready "type=\x03" "expect=box> " \
                "type=echo is \$?\r" "expect=is 130" "expect=box> " \
                "type=read -p \${r}dy x; echo was \$?\r" expect=ready "type=\x04" "expect=was 1" "expect=box> " \
                "type=\x04" && grep -F "[status 0]" out'

test_expect_success 'enter ~. hangs up' '
        on_terminal "expect=box> " "type=echo a~.b\r" "expect=\r\na~.b" "expect=box> " "type=sleep 1000\r~." &&
        grep -F "[hung up]" out'

test_expect_success 'enter ~? explains, ~~ is a tilde, other keys are as typed' '
        on_terminal "expect=box> " "type=~?" "expect=hang up" "type=\r~~/there\r" "expect=~/there" \
                "expect=box> " "type=~x\r" "expect=~x" "type=exit 0\r" &&
        ! grep -F "~~/" out'

test_expect_success 'enter ~^Z suspends, with the terminal as it was' '
        on_terminal "expect=box> " raw "type=\r~\x1a" stopped usual resize=90x30 continue raw \
                "type=until [ \"\$(stty size)\" = \"30 90\" ]; do :; done; exit 12\r" && grep -F "[status 12]" out'

test_expect_success 'so does a stop from outside' '
        on_terminal "expect=box> " raw signal=TSTP stopped usual continue raw "type=exit 13\r" &&
        grep -F "[status 13]" out'

for signal in TERM HUP QUIT; do
        test_expect_success "SIG$signal ends it, the terminal is as it was" '
                test_exit 1 on_terminal "expect=box> " raw signal=$signal && grep -F "[error cancelled] interrupted" out'
done

test_expect_success 'a connection that is cut ends it, the terminal is as it was' '
        on_terminal "expect=box> " raw "type=kill -9 \$PPID\r" && grep -F "[loss SSH connection lost" out &&
        grep -F "[status 2300218]" out'

test_expect_success 'the last words come before the end' '
        for i in 1 2 3 4 5; do
                shell "head -c 300000 /dev/zero; exit 9" 2>err </dev/null | wc -c >count &&
                grep -x 300000 count && grep -F "[status 9]" err || return 1
        done'

test_done
