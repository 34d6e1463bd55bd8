#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The debug log: when there is one and where, what is in it, and what never is.
# shellcheck source=tests/cli/testlib.sh
. "${0%/*}/testlib.sh"

export NO_COLOR=1

write_file t.pkr.hcl <<-\EOF
	variable "pw" {
	  type      = string
	  sensitive = true
	}
	variable "more" {
	  default   = "first \"line\"\nsecond line of it"
	  sensitive = true
	}
	source "null" "a" {
	  communicator = "none"
	}
	source "null" "b" {
	  communicator = "none"
	}
	build {
	  sources = ["null.a", "null.b"]
	  provisioner "shell-local" {
	    command = "echo '${var.pw}'"
	    env     = { MORE = var.more }
	  }
	  provisioner "shell-local" {
	    inline = ["printf '%s\\n' '${var.pw}'", "exit $CODE"]
	    valid_exit_codes = [0, 7]
	  }
	}
	EOF
echo 'pw = "hunter22"' >v.pkrvars.hcl

line='^[0-9]{4}/[01][0-9]/[0-3][0-9] [0-2][0-9]:[0-5][0-9]:[0-6][0-9] \[[0-9]+\.[0-9]{3}\] [^ ]'
# The file has lines of the log and nothing else.
is_log() { [ -s "$1" ] && ! grep -vE "$line" "$1"; }
build() { ingot build -var-file=v.pkrvars.hcl "$@" t.pkr.hcl; }
silent() { ! grep -E 'hunter22|first|second line|aHVudGVyMjI' "$@"; }

test_expect_success 'without the variables, empty or 0: nothing on standard error' '
        build >out 2>err && ! [ -s err ] &&
        PACKER_LOG= INGOT_LOG= build >out 2>err && ! [ -s err ] &&
        PACKER_LOG=0 build >out 2>err && ! [ -s err ] &&
        INGOT_LOG=0 PACKER_LOG=1 build >out 2>err && ! [ -s err ] &&
        INGOT_LOG=0 INGOT_LOG_PATH=off.log build >out 2>err && ! [ -s err ] && test_absent off.log
'

test_expect_success 'any other value: lines with time, seconds and build, and the output as it was' '
        build >plain &&
        for v in PACKER_LOG=1 INGOT_LOG=yes PACKER_LOG=false; do
                env $v ingot build -var-file=v.pkrvars.hcl t.pkr.hcl >out 2>err && is_log err &&
                [ "$(wc -l <out)" = "$(wc -l <plain)" ] || return 1
        done &&
        INGOT_LOG=1 PACKER_LOG=0 ingot version 2>err && is_log err &&
        sed -n 1p err | grep "ingot: version [0-9]" && sed -n 2p err | grep "host: Linux" &&
        tail -n 1 err | grep "exit: status 0"
'

test_expect_success 'what a build did: arguments, files, places, plan, steps, journal' '
        PACKER_LOG=1 build -on-error=abort >out 2>err &&
        grep -F "command: build -var-file=v.pkrvars.hcl -on-error=abort t.pkr.hcl in " err &&
        grep -F "fs: read '\''t.pkr.hcl'\''" err && grep -F "fs: read '\''v.pkrvars.hcl'\''" err &&
        grep "dirs: cache .*state .*config .*temporary" err &&
        grep -E "plan: run [0-9a-f-]{36}: 2 builds on 2 threads, on-error abort" err &&
        grep "plan: null.b: builder null, provisioners: shell-local shell-local" err &&
        for b in null.a null.b; do
                grep "$b: step: 2/4 .shell-local. starts" err &&
                grep "$b: step: 2/4 .shell-local. is done in [0-9.]*s" err &&
                grep "$b: journal: .*\"path\":" err && grep "$b: build: is done in" err || return 1
        done
'

test_expect_success 'each process has a line when it starts and one when it ends, with status and time' '
        CODE=7 INGOT_LOG=1 build >out 2>err &&
        [ "$(grep -c "proc: [0-9]* started: /bin/sh -c " err)" = 4 ] &&
        [ "$(grep -c "proc: [0-9]* ended with status 0 in [0-9.]*s" err)" = 2 ] &&
        [ "$(grep -c "proc: [0-9]* ended with status 7 in [0-9.]*s" err)" = 2 ] &&
        for pid in $(sed -n "s/.*proc: \([0-9]*\) started.*/\1/p" err); do
                grep "proc: $pid ended" err || return 1
        done &&
        write_file bad.pkr.hcl <<-\EOF &&
		source "null" "a" { communicator = "none" }
		build {
		  sources = ["null.a"]
		  provisioner "shell-local" {
		    execute_command = ["/no/such/program"]
		    command = "true"
		  }
		}
		EOF
        ! INGOT_LOG=1 ingot build bad.pkr.hcl >out 2>err && grep "proc: not started: /no/such/program" err
'

test_expect_success 'a path: in the order of time also what people are told, appended, silent elsewhere' '
        INGOT_LOG_PATH=l build >out 2>err && ! [ -s err ] && is_log l &&
        grep "null.a: ui: <sensitive>" l && grep "ui: .*Builds finished" l &&
        n=$(wc -l <l) &&
        PACKER_LOG=1 PACKER_LOG_PATH=l ingot validate -var-file=v.pkrvars.hcl t.pkr.hcl 2>err && ! [ -s err ] &&
        [ "$(wc -l <l)" -gt $n ] && [ "$(grep -c "exit: status 0" l)" = 2 ] && is_log l &&
        rm -f ours theirs &&
        INGOT_LOG_PATH=ours PACKER_LOG_PATH=theirs ingot version && is_log ours && test_absent theirs
'

test_expect_success 'a path that cannot be written: said at once, nothing is built' '
        for p in no/such/dir/log .; do
                test_exit 1 env PACKER_LOG_PATH=$p ingot build -var-file=v.pkrvars.hcl t.pkr.hcl >out 2>err &&
                ! [ -s out ] && grep "^Couldn.t setup log output: .*$p" err || return 1
        done
'

test_expect_success 'a full disk costs lines of the log, not the build' '
        INGOT_LOG_PATH=/dev/full build >out 2>err && grep "Builds finished" out &&
        grep -E "^warning: [0-9]+ lines of the log could not be written: No space left on device" err
'

test_expect_success 'secrets: of files, arguments and the environment, in arguments of processes and output' '
        INGOT_LOG=1 INGOT_LOG_PATH=s build >out 2>err && silent s && grep -F "<sensitive>" s &&
        INGOT_LOG=1 ingot build -var pw=hunter22 -var=pw=hunter22 --var pw=hunter22 t.pkr.hcl >out 2>err &&
        silent err && grep -F "build -var pw=... -var=pw=... --var pw=... t.pkr.hcl" err &&
        PKR_VAR_pw=hunter22 INGOT_LOG=1 ingot build t.pkr.hcl >out 2>err &&
        silent err && grep "env: PKR_VAR_pw is set" err &&
        test_exit 1 env INGOT_LOG=1 ingot build -var hunter22 t.pkr.hcl >out 2>err && silent err
'

test_expect_success 'secrets: of variables that other programs read, and of URLs' '
        AWS_SECRET_ACCESS_KEY=hunter22 VAULT_TOKEN=hunter22 PACKER_GITHUB_API_TOKEN=hunter22 OTHER=hunter22 \
                HTTPS_PROXY=http://u:hunter22@proxy:1 http_proxy=u:hunter22@proxy:1 \
                INGOT_LOG=1 ingot version 2>err &&
        silent err && ! grep OTHER err && grep "env: VAULT_TOKEN is set" err &&
        grep "env: PACKER_GITHUB_API_TOKEN is set" err && grep -F "http_proxy=...@proxy:1" err &&
        write_file d.pkr.hcl <<-\EOF &&
		data "http" "x" { url = "http://u:hunter22@127.0.0.1:1/path?token=hunter22" }
		locals { x = data.http.x.body }
		source "null" "a" { communicator = "none" }
		build { sources = ["null.a"] }
		EOF
        ! INGOT_LOG=1 ingot build d.pkr.hcl >out 2>err && silent err &&
        grep "http: GET http://[.]*@127.0.0.1:1/path?[.]* failed in " err
'

test_expect_success 'on the terminal of the log nothing is drawn that scrolls away' '
        write_file slow.pkr.hcl <<-\EOF &&
		source "null" "a" { communicator = "none" }
		build {
		  sources = ["null.a"]
		  provisioner "shell-local" { inline = ["echo go; sleep 0.2"] }
		}
		EOF
        cursor_up=$(printf "\033\\[1A") &&
        terminal="python3 $SRCDIR/tests/tools/terminal.py" &&
        TERM=xterm $terminal -- ingot build slow.pkr.hcl >out && grep -q "$cursor_up" out &&
        TERM=xterm INGOT_LOG=1 $terminal -- ingot build slow.pkr.hcl >out && ! grep -q "$cursor_up" out &&
        TERM=xterm INGOT_LOG_PATH=l $terminal -- ingot build slow.pkr.hcl >out && grep -q "$cursor_up" out
'

test_expect_success 'an interrupt: the signal, from whom, and what it stopped' '
        write_file long.pkr.hcl <<-\EOF &&
		source "null" "a" { communicator = "none" }
		build {
		  sources = ["null.a"]
		  provisioner "shell-local" { inline = ["echo up >up; sleep 60"] }
		}
		EOF
        { INGOT_LOG_PATH=i ingot build long.pkr.hcl >out & } &&
        pid=$! && test_keep_pid $pid && test_wait 20 test -s up && kill -TERM $pid &&
        test_exit 1 wait $pid &&
        grep "signal: Terminated from process $$" i && grep "cancel: all builds are stopped" i &&
        grep "proc: [0-9]* is told to end" i && grep "proc: [0-9]* ended with status 143" i
'

test_done
