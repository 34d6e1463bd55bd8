#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# A shell in the machine of a build that failed, as it was before the step that did.
# shellcheck disable=SC2154 # set in tiny-guest.sh
. "${0%/*}/testlib.sh"
. "${0%/*}/tiny-guest.sh"

tiny_check
command -v zstd >/dev/null || test_skip_all "no zstd"
tiny_guest
export NO_COLOR=1
# shellcheck disable=SC2034 # in the texts of tests
steps=$HOME/.cache/ingot/steps
hash=$(openssl passwd -6 -salt ingot sesame)

# Two builds fail. In one the step before holds a secret, so that only its disk is kept, which
# here is as good as a new machine: the kernel and its file system are not on it.
{
        cat <<-\EOT
	variable "pw" {
	  sensitive = true
	  default   = "HUNTER0"
	}
	EOT
        tiny_source web
        tiny_source secret
        cat <<-EOT
	build {
	  sources = ["qemu.web", "qemu.secret"]
	  provisioner "shell" {
	    name   = "prepare"
	    only   = ["qemu.web"]
	    inline = ["echo first >/tmp/first", "echo 'root:$hash:19000:0:99999:7:::' >/etc/shadow"]
	  }
	  provisioner "shell" {
	    name   = "hush"
	    only   = ["qemu.secret"]
	    inline = ["echo \${var.pw} >/tmp/first"]
	  }
	  provisioner "shell" {
	    name   = "break"
	    inline = ["echo second >/tmp/second", "exit 3"]
	  }
	}
	EOT
} >t.pkr.hcl

attach() { ingot attach -build=qemu.web "$@"; }
# One command there; what it prints is in the file out.
attach_to() { attach "$@" >out 2>err || { code=$? && cat out err && return $code; }; }
on_terminal() {
        "$SRCDIR/tests/tools/job.py" --seconds 60 "$@" -- ingot attach -build=qemu.web >out
        code=$?
        cat out
        return $code
}
# Started, and with a command there that runs.
start_attached() {
        : >out && { ingot attach -build=qemu.web -- "echo in; sleep 1000" >out 2>err & } && pid=$! &&
                test_keep_pid $pid && test_wait 60 grep -x in out
}

test_expect_success 'two builds fail' '
        test_exit 1 ingot build t.pkr.hcl >out || { cat out && return 1; }
        grep -F "qemu.web: Script exited with non-zero exit status: 3" out && test_clean &&
        grep "ingot attach [0-9a-f]\{8\} -build=qemu.web. opens a shell" out || return 1
        find "$steps/layers" "$steps/entries" -type f -exec sha256sum {} + | sort >kept && [ -s kept ]'

test_expect_success 'both can be attached to; which one has to be said' '
        ingot attach -list >out && cat out && grep "qemu.web  .*step 2 (shell break)" out &&
        grep "qemu.secret  .*step 2 (shell break)" out &&
        test_exit 1 ingot attach >out && grep "choose one: -build=qemu.web, -build=qemu.secret" out'

test_expect_success 'the machine as it was before the step, its clock as it is now, and who it is' '
        attach_to -- "cat /tmp/first; ls /tmp; date +%s" && cat out err &&
        [ "$(head -n 2 out)" = "$(printf "first\nfirst")" ] &&
        late=$(($(date +%s) - $(tail -n 1 out))) && [ $late -lt 20 ] && [ $late -gt -5 ] &&
        grep "Build .qemu.web. of run .* failed .* ago in step 2 (shell break):" err &&
        grep "non-zero exit status: 3" err && grep "after 1 step, kept" err && grep "thrown away" err &&
        ! grep "booted" err && test_clean'

test_expect_success 'exit codes, both streams, commands from standard input' '
        test_exit 7 ingot attach -build=qemu.web -- "echo out; echo complaint >&2; exit 7" >out 2>err &&
        [ "$(cat out)" = out ] && grep -x complaint err &&
        { printf "cat /tmp/first\nexit 5\n" | attach >out 2>err; [ $? = 5 ]; } && [ "$(cat out)" = first ] && test_clean'

test_expect_success 'two at a time, each with a copy of its own; changes are thrown away' '
        { attach -- "echo x >/tmp/mine; echo x >/dev/vda; sync; ls /tmp" >other 2>&1 & } && other=$! &&
        attach_to -- "echo x >/tmp/yours; ls /tmp" && wait $other && ! grep mine out && grep yours out &&
        grep mine other && ! grep yours other && attach_to -- "ls /tmp" && ! grep -E "mine|yours" out && test_clean &&
        find "$steps/layers" "$steps/entries" -type f -exec sha256sum {} + | sort >now && cmp kept now'

test_expect_success 'on a terminal' '
        test_exit 9 on_terminal "expect=Leave with" raw "type=stty size; cat /tmp/first\r" "expect=24 80" "expect=first" \
                resize=100x30 "type=until stty size | grep \"30 100\"; do :; done\r" "expect=\n30 100" "type=exit 9\r" &&
        test_exit 255 on_terminal "expect=Leave with" raw "type=\r~." && test_clean'

test_expect_success 'a guest that turns itself off ends it' '
        test_exit 255 on_terminal "expect=Leave with" raw "type=poweroff -f\r" &&
        grep "the guest powered itself off" out && test_clean'

test_expect_success 'another step: the machine before the first' '
        attach_to -step=1 -- "ls /tmp; echo end" && cat out err && [ "$(cat out)" = end ] &&
        grep "before the first step" err && test_exit 1 ingot attach -build=qemu.web -step=3 >out &&
        grep -F -- "-step can be 2, 1" out'

test_expect_success 'without its memory the disk is booted' '
        ingot attach -build=qemu.secret -- "ls /tmp; echo end" >out 2>err && cat out err && [ "$(cat out)" = end ] &&
        grep "booted from its disk" err && test_clean'

test_expect_success 'interrupted: nothing is left' '
        start_attached && kill $pid && { wait $pid; [ $? = 1 ]; } && cat out && grep interrupted out && test_clean'

test_expect_success 'killed: gc removes what is left' '
        start_attached && kill -9 $pid && { wait $pid || true; } && ingot gc && test_clean'

mv "$tiny.key" "$tiny.elsewhere"
test_expect_success 'a key that lies elsewhere now' '
        attach_to -key="$tiny.elsewhere" -- cat /tmp/first && [ "$(cat out)" = first ]'

test_expect_success 'a password: asked for, hidden; or from the environment' '
        test_exit 1 ingot attach -build=qemu.web -- true >out 2>err </dev/null && cat out &&
        grep "wants a password" out && grep INGOT_ATTACH_PASSWORD out &&
        INGOT_ATTACH_PASSWORD=sesame attach_to -- cat /tmp/first && [ "$(cat out)" = first ] &&
        on_terminal "expect=in the guest:" "type=wrong\r" "expect=in the guest:" "type=sesame\r" \
                "expect=Leave with" raw "type=exit\r" && ! grep -E "wrong|sesame" out && test_clean'
mv "$tiny.elsewhere" "$tiny.key"

test_expect_success 'the disk image below has changed, or is gone' '
        touch -d "2001-01-01" "$tiny.qcow2" && test_exit 1 ingot attach -build=qemu.web -- true >out 2>err && cat out &&
        grep "tiny.qcow2., has changed" out && mv "$tiny.qcow2" "$tiny.away" &&
        test_exit 1 ingot attach -build=qemu.web -- true >out 2>err && cat out && grep "tiny.qcow2., is gone" out && test_clean'

test_expect_success 'a machine that was removed' '
        ingot cache rm -all >out && test_exit 1 ingot attach -build=qemu.web >out && grep "no longer there" out &&
        ingot attach -list | grep "nothing to attach to"'

test_done
