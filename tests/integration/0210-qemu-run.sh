#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# shellcheck disable=SC2034,SC2154 # set and used across files and in quoted tests
# ingot run: a finished image on trial, and nothing of it left afterwards.
. "${0%/*}/testlib.sh"
export INGOT_CACHE=off # every step runs; reuse has tests of its own

for program in qemu-system-x86_64 qemu-img ssh; do
        command -v $program >/dev/null || test_skip_all "no $program"
done
. "${0%/*}/base-image.sh"
base_sum=$(sha256sum <"$base_image")

emulator_pid() { pgrep -f "^qemu-system-x86_64 -name ingot-run .*$test_root/tmp/"; }
nothing_left() {
        ! emulator_pid && [ -z "$(ls "$TMPDIR")" ] &&
                [ -z "$(ls "$HOME/.local/state/ingot/runs" 2>/dev/null)" ]
}

test_expect_success 'usage mistakes' '
        test_exit 1 ingot run >out 2>&1 && grep -q "which image" out &&
        test_exit 1 ingot run a b >out 2>&1 && grep -q "too many" out &&
        test_exit 1 ingot run -forward 80 a >out 2>&1 && grep -q "HOST:GUEST" out &&
        test_exit 1 ingot run a -- true >out 2>&1 && grep -q "needs -ssh" out &&
        test_exit 1 ingot run absent.qcow2 >out 2>&1 &&
        grep -q "image .absent.qcow2. does not exist" out && nothing_left'

test_expect_success 'help fits a terminal' '
        ingot run -h >out && [ -z "$(awk "length > 80" out)" ]'

test_expect_success 'a command in the guest: its output, its exit code, ports forwarded' '
        test_exit 7 ingot run "$base_image" -ssh -user "$base_user" -key "$base_key" \
                -console console -forward 0:80 -- "echo \$((6 * 7)); touch /tmp/x; exit 7" \
                >out 2>err &&
        cat err && [ "$(cat out)" = 42 ] &&
        grep -q "Port 80 of the guest: 127.0.0.1:" err && [ -s console ] && nothing_left'

test_expect_success 'the image is as it was' '
        [ "$(sha256sum <"$base_image")" = "$base_sum" ]'

if [ -z "${INGOT_TEST_BASE:-}" ]; then
        test_expect_success 'a temporary key is let in, with UEFI too' '
                [ -d /usr/share/OVMF ] && firmware=uefi || firmware=bios
                ingot run -firmware $firmware "$base_image" -ssh -user "$base_user" -- \
                        "cat /run/ingot/authorized_keys.d/*; ls ~/.ssh" >out &&
                grep -q "^ssh-ed25519 " out && nothing_left'
fi

test_expect_success 'it ends when told' '
        { exec ingot run "$base_image" >out 2>&1; } &
        run=$! &&
        test_wait 30 grep -q "Serial console" out && emulator_pid &&
        kill -TERM $run && { wait $run; [ $? = 0 ]; } && nothing_left'

test_expect_success 'a port that is taken is said with what to do' '
        python3 -c "import socket; s = socket.socket(); s.bind((\"127.0.0.1\", 0)); s.listen()
print(s.getsockname()[1], flush=True); import time; time.sleep(20)" >taken &
        test_keep_pid $! && test_wait 10 test -s taken &&
        test_exit 1 ingot run "$base_image" -ssh-port "$(cat taken)" >out 2>&1; cat out;
        grep -q "no free port between $(cat taken)" out && nothing_left'

test_expect_success 'after kill -9 gc removes everything' '
        { exec ingot run "$base_image" >out 2>&1; } &
        run=$! &&
        test_wait 30 grep -q "Serial console" out &&
        kill -KILL $run && { wait $run; emulator_pid; } &&
        ingot gc && nothing_left'

test_done
