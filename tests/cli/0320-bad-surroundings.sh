#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Surroundings in which a build cannot work: no HOME, no TMPDIR, full and read-only disks, nobody
# who reads; scripts that fail and talk too much; signals.
# shellcheck source=tests/cli/testlib.sh
. "${0%/*}/testlib.sh"

export NO_COLOR=1
says() { tr '\n' ' ' <out | grep -F -e "$1"; }
# local_build LINE…: a template with one shell-local provisioner, on line 6
local_build() {
        {
                printf 'source "null" "x" {\n  communicator = "none"\n}\nbuild {\n  sources = ["null.x"]\n'
                printf '  provisioner "shell-local" {\n    inline = [%s]\n  }\n}\n' "$1"
        } >t.pkr.hcl
}
# script_build: the same with a script, which comes on standard input
script_build() {
        cat >s.sh
        local_build '"sh s.sh"'
}
# small_disk: a file system of 2 MiB at ./small, or the rest of the test is skipped
small_disk() { mkdir -p small && mount -t tmpfs -o size=2m tmpfs small 2>/dev/null; }
fill() { dd if=/dev/zero of="$1" bs=4k 2>/dev/null || true; }

test_expect_success 'a script that exits 3: its status, its place' '
        local_build "\"exit 3\"" && bad build t.pkr.hcl &&
        grep "^--> null.x: Script exited with non-zero exit status: 3. Allowed exit codes are: \[0\]$" out &&
        grep "^    the provisioner is at t.pkr.hcl:6$" out
'

test_expect_success 'a post-processor that fails: its place, and its input stays' '
        write_file pp.pkr.hcl <<-\EOF &&
        source "file" "f" {
          content = "x"
          target  = "f.txt"
        }
        build {
          sources = ["file.f"]
          post-processor "compress" {
            output = "/proc/nowhere/x.tar.gz"
          }
        }
	EOF
        bad build pp.pkr.hcl && grep "^    the post-processor is at pp.pkr.hcl:7$" out && test -f f.txt
'

test_expect_success 'no HOME' '
        local_build "\"true\"" &&
        test_exit 1 env -u HOME "$INGOT_BIN" build t.pkr.hcl >out 2>err && says "HOME" &&
        says "set HOME, or INGOT_CONFIG_DIR" && [ ! -s err ] &&
        env -u HOME INGOT_CONFIG_DIR="$PWD/c" INGOT_CACHE_DIR="$PWD/k" INGOT_STATE_DIR="$PWD/s" \
                "$INGOT_BIN" build t.pkr.hcl
'

test_expect_success 'a TMPDIR that is not there, or is a file' '
        local_build "\"true\"" && echo x >file &&
        for dir in "$PWD/nowhere" "$PWD/file"; do
                TMPDIR=$dir test_exit 1 ingot build t.pkr.hcl >out 2>err && cat out && [ ! -s err ] &&
                says "TMPDIR must name a directory that can be written" && test_clean || return 1
        done && test_absent nowhere
'

test_expect_success 'a state directory that cannot be made' '
        local_build "\"true\"" && echo x >file &&
        INGOT_STATE_DIR=$PWD/file test_exit 1 ingot build t.pkr.hcl >out && says "cannot keep a journal" &&
        says "INGOT_STATE_DIR can name another directory" && test_clean &&
        INGOT_STATE_DIR=$PWD/file ingot validate t.pkr.hcl && INGOT_STATE_DIR=$PWD/file ingot gc
'

if small_disk; then
        test_expect_success 'a full TMPDIR' '
                local_build "\"true\"" && fill small/x &&
                TMPDIR=$PWD/small test_exit 1 ingot build t.pkr.hcl >out && says "No space left on device" &&
                says "TMPDIR can name another place" && [ "$(ls -A small)" = x ] && test_clean
        '

        test_expect_success 'a full HOME, and a read-only one' '
                local_build "\"true\"" &&
                HOME=$PWD/small test_exit 1 ingot build t.pkr.hcl >out && says "No space left on device" &&
                says "INGOT_STATE_DIR" && [ -z "$(find small -name journal\*)" ] &&
                mount -o remount,ro small &&
                HOME=$PWD/small test_exit 1 ingot build t.pkr.hcl >out && says "Read-only file system" &&
                HOME=$PWD/small ingot validate t.pkr.hcl && HOME=$PWD/small ingot gc &&
                mount -o remount,rw small && rm -rf small/x small/.[a-z]*
        '

        test_expect_success 'no space left: the file builder' '
                head -c 5000000 /dev/urandom >big &&
                write_file big.pkr.hcl <<-\EOF &&
                source "file" "f" {
                  source = "big"
                  target = "small/big"
                }
                build {
                  sources = ["file.f"]
                }
		EOF
                bad build big.pkr.hcl && says "No space left on device" && says "free space on" && [ -z "$(ls -A small)" ]
        '

        test_expect_success 'no space left: an archive' '
                write_file big.pkr.hcl <<-\EOF &&
                source "file" "f" {
                  source = "big"
                  target = "copy"
                }
                build {
                  sources = ["file.f"]
                  post-processor "compress" {
                    output = "small/big.tar.gz"
                  }
                }
		EOF
                bad build big.pkr.hcl && says "No space left on device" && [ -z "$(ls -A small)" ] && cmp big copy
        '

        test_expect_success 'no space left: manifest and checksum leave nothing half-written' '
                echo before >small/before.sum && fill small/x && cp small/before.sum want &&
                write_file sums.pkr.hcl <<-\EOF &&
                source "file" "f" {
                  content = "x"
                  target  = "copy"
                }
                build {
                  sources = ["file.f"]
                  post-processor "manifest" {
                    output = "small/manifest.json"
                  }
                  post-processor "checksum" {
                    output = "small/new.sum"
                  }
                }
		EOF
                bad build sums.pkr.hcl && says "2 error(s) occurred:" && says "No space left on device" &&
                [ "$(echo $(ls -A small))" = "before.sum x" ] && cmp want small/before.sum && test -f copy
        '
        umount small
else
        test_skip 'full and read-only disks' 'mounting a small file system needs root'
fi

test_expect_success 'a line of 100 MB from a command' '
        script_build <<-\EOF &&
        head -c 100000000 /dev/zero | tr "\000" x
        echo && echo after
	EOF
        ingot build t.pkr.hcl >out && [ "$(wc -c <out)" -gt 100000000 ] && grep "null.x: after$" out >/dev/null &&
        rm out
'

test_expect_success 'bytes that are no text' '
        script_build <<-\EOF &&
        head -c 1000000 /dev/urandom
        printf "\na\377b\n"
	EOF
        ingot build t.pkr.hcl >/dev/null && ingot build -json t.pkr.hcl >out && jq -es "length > 10" <out >/dev/null &&
        jq -r "select(.event == \"output\") | .text" <out | grep "^a�b$"
'

test_expect_success 'nobody reads: head -n 1' '
        local_build "\"echo \$\$ >pid\", \"seq 1 100000\", \"sleep 1000\"" &&
        { ingot build t.pkr.hcl 2>err; echo $? >code; } | head -n 1 >out && [ "$(cat code)" = 1 ] &&
        grep "the reader of standard output is gone" err && test_clean
'

test_expect_success 'nobody reads a silent build' '
        rm -f pid code && mkfifo pipe && local_build "\"echo \$\$ >pid\", \"sleep 1000\"" &&
        { { ingot build t.pkr.hcl >pipe 2>err; echo $? >code; } & } && pid=$! && test_keep_pid $pid &&
        { read -r first && test_wait 10 test -s pid; } <pipe &&
        test_wait 10 test -s code && [ "$(cat code)" = 1 ] && grep "is gone" err && test_clean
'

test_expect_success 'standard output that is full or closed' '
        local_build "\"echo hello\"" &&
        for c in "build t.pkr.hcl" "validate t.pkr.hcl" "inspect t.pkr.hcl" version help "build -h"; do
                test_exit 1 ingot $c >/dev/full 2>err && grep "cannot write to standard output" err || return 1
        done &&
        ingot build t.pkr.hcl >&- 2>err && [ ! -s err ] && test_clean &&
        ingot validate t.pkr.hcl <&- >&- 2>&- && ingot inspect t.pkr.hcl | true
'

stalled() {
        before=$(wc -l <progress)
        sleep 1
        [ "$before" = "$(wc -l <progress)" ]
}

test_expect_success 'a slow reader holds the build up, and does not fill the memory' '
        script_build <<-\EOF &&
        for i in $(seq 100); do
                head -c 1000000 /dev/zero | tr "\000" x | fold -w 200
                echo $i >>progress
        done
	EOF
        rm -f pipe code && mkfifo pipe && : >progress &&
        { { ingot build t.pkr.hcl >pipe 2>err; echo $? >code; } & } && pid=$! && test_keep_pid $pid &&
        { read -r first && test_wait 30 stalled; } <pipe && [ "$(wc -l <progress)" -lt 50 ] &&
        test_wait 10 test -s code && test_clean
'

for sig in TERM HUP INT; do
        test_expect_success "SIG$sig ends a build that does not want to end" '
                rm -f pid && local_build "\"trap : TERM INT HUP\", \"echo \$\$ >pid\", \"while :; do sleep 1; done\"" &&
                rm -f out && { ingot build t.pkr.hcl >out & } && pid=$! && test_keep_pid $pid &&
                test_wait 10 test -s pid && start=$(date +%s%N) && kill -$sig $pid && test_exit 1 wait $pid &&
                took=$((($(date +%s%N) - start) / 1000000)) && echo "$took ms" && [ "$took" -lt 2000 ] &&
                grep "Cleanly cancelled builds after being interrupted." out && test_clean
        '
done

test_expect_success 'an interrupt while many builds wait to start' '
        rm -f pid && {
                echo "build {" && echo "  sources = ["
                for i in 1 2 3 4 5 6 7 8 9; do echo "    \"null.s$i\","; done
                echo "  ]" && echo "  provisioner \"shell-local\" {" &&
                echo "    inline = [\"echo x >>pid\", \"sleep 1000\"]" && echo "  }" && echo "}"
                for i in 1 2 3 4 5 6 7 8 9; do
                        echo "source \"null\" \"s$i\" {" && echo "  communicator = \"none\"" && echo "}"
                done
        } >many.pkr.hcl &&
        rm -f out && { ingot build -parallel-builds=2 many.pkr.hcl >out & } && pid=$! && test_keep_pid $pid &&
        test_wait 10 test -s pid && kill -INT $pid && test_exit 1 wait $pid && test_clean &&
        [ "$(wc -l <pid)" -le 2 ]
'

test_done
