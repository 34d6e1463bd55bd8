# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=sh
# The frame of black-box tests: TAP on standard output, a private HOME, TMPDIR
# and working directory that vanish at the end. Usage:
#
#   . "${0%/*}/testlib.sh"
#   test_expect_success 'validate accepts a null source' '
#           write_file a.pkr.hcl <<-\EOF &&
#           ...
#           EOF
#           ingot validate . >out && grep valid out'
#   test_done
#
# $INGOT_BIN is the program under test (meson sets it). Steps of a test are
# joined with &&; what they print is shown only when the test fails.

set -u
test_nr=0
test_failed=0
INGOT_BIN=${INGOT_BIN:?path of the program under test}
test_root=$(mktemp -d "${TMPDIR:-/tmp}/ingot-test.XXXXXX")
mkdir "$test_root/home" "$test_root/tmp" "$test_root/bin" "$test_root/work"
ln -s "$INGOT_BIN" "$test_root/bin/ingot"
HOME=$test_root/home
TMPDIR=$test_root/tmp
PATH=$test_root/bin:$PATH
LC_ALL=C.UTF-8
TZ=UTC
export HOME TMPDIR PATH LC_ALL TZ INGOT_BIN
unset XDG_CACHE_HOME XDG_STATE_HOME XDG_CONFIG_HOME NO_COLOR PACKER_NO_COLOR
unset PACKER_LOG PACKER_LOG_PATH INGOT_LOG INGOT_LOG_PATH
# Images of the distribution archive are shared between tests and runs.
INGOT_TEST_CACHE=${INGOT_TEST_CACHE:-/var/tmp/ingot-test-cache-$(id -u)}
export INGOT_TEST_CACHE
cd "$test_root/work" || exit 1

test_pids=
test_cleanup() {
        for test_pid in $test_pids; do kill "$test_pid" 2>/dev/null; done
        cd / && chmod -R u+rwx "$test_root" 2>/dev/null
        rm -rf "$test_root"
}
trap test_cleanup EXIT
trap 'exit 130' INT TERM

# Remembers a background process that must not outlive the test.
test_keep_pid() { test_pids="$test_pids $1"; }

# A function of its own, so that `return` in a test's text ends only the test.
test_body() { eval "$1"; }

test_expect_success() {
        test_nr=$((test_nr + 1))
        if test_body "$2" >"$test_root/log" 2>&1 </dev/null; then
                echo "ok $test_nr - $1"
        else
                test_failed=$((test_failed + 1))
                echo "not ok $test_nr - $1"
                sed 's/^/# /' "$test_root/log"
        fi
}

test_skip() {
        test_nr=$((test_nr + 1))
        echo "ok $test_nr - $1 # SKIP $2"
}

# The whole file cannot run here: says why and ends.
test_skip_all() {
        echo "1..0 # SKIP $1"
        exit 0
}

test_done() {
        echo "1..$test_nr"
        [ "$test_failed" = 0 ]
        exit $?
}

# test_exit CODE COMMAND…: the command must end with exactly this code.
test_exit() {
        test_want=$1
        shift
        "$@"
        test_got=$?
        [ "$test_got" = "$test_want" ] && return 0
        echo "exit code $test_got, want $test_want: $*"
        return 1
}

# test_wait SECONDS COMMAND…: until the command succeeds or the time is over.
test_wait() {
        test_until=$(($(date +%s) + $1))
        shift
        until "$@"; do
                [ "$(date +%s)" -lt "$test_until" ] || {
                        echo "timed out waiting for: $*"
                        return 1
                }
                sleep 0.05
        done
}

test_absent() {
        [ ! -e "$1" ] && return 0
        echo "$1 exists"
        return 1
}

# A process that has a command line; one that ended but was not collected has none.
test_runs() { tr -d '\0' <"/proc/$1/cmdline" 2>/dev/null | grep -q .; }
test_ended() { ! test_runs "$1"; }

# Nothing is left: no temporary file, no record of a run, no process that it started.
test_clean() {
        test_left=$(find "$TMPDIR" "$HOME/.local/state/ingot/runs" -mindepth 1 2>/dev/null)
        if [ -n "$test_left" ]; then
                echo "left behind: $test_left"
                return 1
        fi
        for test_env in $(grep -lsz "^INGOT_JOURNAL=" /proc/[0-9]*/environ); do
                if grep -qsz "^HOME=$HOME\$" "$test_env" &&
                        test_runs "$(echo "$test_env" | tr -dc 0-9)"; then
                        echo "left running: $test_env: $(tr "\0" " " <"${test_env%environ}cmdline")"
                        return 1
                fi
        done
}

# bad ARGUMENTS…: ingot must refuse with 1, say why on standard output only (a sanitizer would
# speak on the other one), and leave nothing. What it said is in the file out.
bad() {
        test_exit 1 ingot "$@" >out 2>err || { cat out err && return 1; }
        cat out
        if [ -s err ]; then
                echo "standard error:"
                cat err
                return 1
        fi
        test_clean
}

write_file() { mkdir -p "$(dirname "$1")" && cat >"$1"; }

# As somebody who may not read everything: root may.
plainly() {
        if [ "$(id -u)" = 0 ]; then
                setpriv --reuid=65534 --regid=65534 --clear-groups "$@"
        else
                "$@"
        fi
}
