#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# shellcheck disable=SC2154 # set in base-image.sh
# What happens to a guest when a step fails: asked on a terminal, left alone, swept and left.
. "${0%/*}/testlib.sh"
export INGOT_CACHE=off # every step runs; reuse has tests of its own

command -v qemu-system-x86_64 >/dev/null || test_skip_all "no qemu-system-x86_64"
. "${0%/*}/base-image.sh"

on_terminal() { python3 "$SRCDIR/tests/tools/terminal.py" --seconds 240 "$@"; }
export question='step (build may fail even if retry succeeds)?'

# template SHUTDOWN_COMMAND <the build block's body
template() {
        rm -rf out
        {
                cat <<-EOF
		source "qemu" "web" {
		  iso_url              = "$base_image"
		  iso_checksum         = "none"
		  disk_image           = true
		  skip_resize_disk     = true
		  use_backing_file     = true
		  skip_compaction      = true
		  headless             = true
		  memory               = 1024
		  cpus                 = 2
		  vm_name              = "web"
		  output_directory     = "out"
		  ssh_username         = "$base_user"
		  ssh_private_key_file = "$base_key"
		  shutdown_timeout     = "20s"
		  shutdown_command     = "$1"
		}
		build {
		  sources = ["source.qemu.web"]
		EOF
                cat
                echo "}"
        } >t.pkr.hcl
}

test_expect_success 'ask: a step that fails and a shutdown that fails are repaired and tried again' '
        echo "echo broken; exit 1" >step.sh &&
        template "test -e ready && sudo systemctl poweroff; touch ready" <<-\EOF &&
		  provisioner "shell" {
		    inline = ["echo once >> once"]
		  }
		  provisioner "shell" {
		    script = "step.sh"
		  }
		  provisioner "shell" {
		    inline = ["echo went on, $(wc -l < once) time"]
		  }
		EOF
        { test_wait 200 grep -s "Step .StepProvision. failed" log && echo "echo repaired" >step.sh && touch edited & } &&
        on_terminal --out log "$question" "" file:edited "r\r" "$question" "r\r" -- \
                ingot build -color=false -on-error=ask t.pkr.hcl >screen; code=$?; cat log screen; [ $code = 0 ] &&
        grep "web: broken$" log && grep "web: repaired$" log && grep "web: went on, 1 time$" log &&
        grep "^==> qemu.web: Timeout while waiting for machine to shut down.$" log &&
        grep "^==> qemu.web: Step \"stepShutdown\" failed$" log && grep "Build .qemu.web. finished" log &&
        qemu-img info -U out/web | grep "file format: qcow2" && test_clean
'

test_expect_success 'abort with -debug: every step is paused at, the guest stays and is listed' '
        template "sudo systemctl poweroff" <<-\EOF &&
		  provisioner "shell" {
		    inline = ["exit 6"]
		  }
		  error-cleanup-provisioner "shell-local" {
		    inline = ["touch never"]
		  }
		EOF
        test_exit 1 on_terminal --out log "after run of step '"'stepRun'"'" "\r" "after run of step '"'StepConnect'"'" "\r" \
                "Pausing before the next provisioner" "\r" "before cleanup of step '"'StepConnect'"'" "\r" \
                "before cleanup of step '"'stepRun'"'" "\r" -- \
                ingot build -color=false -debug -on-error=abort t.pkr.hcl >screen; cat log screen; test_absent never &&
        kept=$(sed -n "s/^ *kept of the machine: console.log,.* screen.png in //p" log | tr -d "\r") && ls -l "$kept" &&
        head -c 4 "$kept/screen.png" | grep -qa PNG && grep -qa Linux "$kept/console.log" &&
        ingot runs show >shown && grep "^    $kept/console.log$" shown && grep "^    $kept/screen.png$" shown &&
        grep "^==> qemu.web: Step \"StepProvision\" failed, aborting...$" log &&
        grep "^==> qemu.web: aborted: skipping cleanup of step \"StepConnect\"$" log &&
        grep "^==> qemu.web: aborted: skipping cleanup of step \"stepRun\"$" log &&
        sed -n "s/.*left behind: process [0-9]* (qemu.*): end it with: kill //p" log >pid && test_runs "$(cat pid)" &&
        test -e out/web && ingot gc && test_runs "$(cat pid)"
'

test_expect_success 'what is listed removes all of it' '
        sed -n "s/.*left behind: .*[a-z] it with: //p" log >commands && cat commands && sh commands &&
        test_wait 10 test_ended "$(cat pid)" && test_absent out && [ -z "$(ls "$TMPDIR")" ] && ingot gc && test_clean
'

test_expect_success 'run-cleanup-provisioner reaches the guest, which is left' '
        template "sudo systemctl poweroff" <<-\EOF &&
		  provisioner "shell" {
		    inline = ["exit 6"]
		  }
		  error-cleanup-provisioner "shell" {
		    inline = ["echo swept as ${build.User} on $(hostname)"]
		  }
		EOF
        test_exit 1 ingot build -color=false -on-error=run-cleanup-provisioner t.pkr.hcl >log; cat log
        grep "web: swept as $base_user on ingot-test$" log && grep "Step \"StepProvision\" failed, aborting..." log &&
        sed -n "s/.*left behind: .*[a-z] it with: //p" log >commands && [ -s commands ] && sh commands &&
        test_wait 10 test_ended "$(sed -n "s/^kill //p" commands)" && ingot gc && test_clean
'

test_done
