#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# shellcheck disable=SC2154 # set in tiny-guest.sh
# How guests fail, and what is said and left then: their kernel panics, they hang, their disk is
# full, their SSH server dies.
. "${0%/*}/testlib.sh"
export INGOT_CACHE=off # every step runs; reuse has tests of its own
. "${0%/*}/tiny-guest.sh"
tiny_check
tiny_guest

export NO_COLOR=1
says() { tr '\n' ' ' <out | grep -F -e "$1" || { echo "not said: $1" && return 1; }; }

# template [LINE of the source…] <the build block's body
template() {
        rm -rf web
        {
                tiny_source web "$@"
                echo 'build {'
                echo '  sources = ["qemu.web"]'
                cat
                echo '}'
        } >t.pkr.hcl
}

# fails: the build must end with 1, say why on standard output, leave its evidence and nothing else
fails() {
        bad build t.pkr.hcl && test_absent web/out && free_again
}

# Nobody listens on a port that was given to the guest.
free_again() {
        python3 -c 'import re, socket
for port in re.findall(r"(?:SSH, WinRM, etc\): |vnc://127.0.0.1:)(\d+)", open("out").read()):
    s = socket.socket()
    s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # connections that are ending do not count
    s.bind(("127.0.0.1", int(port)))'
}

# kept FILE: evidence of the last failure
kept() { ingot runs show -json | jq -r ".builds[].evidence[]" | grep "/$1\$"; }

# ---- the kernel panics ----------------------------------------------------------------------

template 'ssh_timeout = "10m"' <<-'EOT'
  provisioner "shell" {
    inline = ["echo c >/proc/sysrq-trigger", "sleep 1000"]
  }
EOT
test_expect_success 'a panic in a step is told at once, with its words, the console and the screen' '
        fails && says "--> qemu.web: the guest'"'"'s kernel panicked: sysrq triggered crash" &&
        says "the provisioner is at t.pkr.hcl:" &&
        says "the last lines of the serial console:" &&
        grep "^ *\[.*---\[ end Kernel panic - not syncing: sysrq triggered crash" out &&
        grep -a "Linux version" "$(kept console.log)" && head -c 4 "$(kept screen.png)" | grep -a PNG
'

tiny_words=tiny=panic template 'boot_wait = "1ms"' 'boot_command = ["<wait30m>"]' </dev/null
test_expect_success 'a panic before there is SSH ends the typing of the boot command' '
        fails && says "--> qemu.web: the guest'"'"'s kernel panicked: sysrq triggered crash" &&
        says "Typing the boot command" && says "the source is at t.pkr.hcl:1" &&
        says "---[ end Kernel panic" && kept console.log && kept screen.png
'

tiny_words=tiny=deaf template 'ssh_timeout = "8s"' </dev/null
test_expect_success 'a guest without a network: SSH is not waited for longer than asked, and the screen is kept' '
        fails && says "--> qemu.web: Timeout waiting for SSH." && says "the source is at t.pkr.hcl:1" &&
        kept screen.png
'

# The device tells, too: its port is 0x505, a panic is bit 0.
tiny_words="panic=1" template <<-'EOT'
  provisioner "shell" {
    inline = [
      "cat /proc/sys/kernel/random/boot_id",
      "printf '\\001' | dd of=/dev/port bs=1 seek=1285 conv=notrunc",
      "echo c >/proc/sysrq-trigger", "sleep 1000",
    ]
    expect_disconnect   = true
    start_retry_timeout = "15m"
  }
  provisioner "shell" {
    inline = ["cat /proc/sys/kernel/random/boot_id"]
  }
EOT
test_expect_success 'a guest that restarts by itself after a panic goes on' '
        ingot build t.pkr.hcl >out; code=$?; cat out; [ $code = 0 ] &&
        grep -Eo "web: [0-9a-f-]{36}$" out | sort -u >boots && [ "$(wc -l <boots)" = 2 ]
'

# ---- a guest that several builds reach ------------------------------------------------------

tiny_start

# reach [LINE of the source…] <provisioners
reach() {
        {
                cat <<-EOF
		source "null" "x" {
		  communicator         = "ssh"
		  ssh_host             = "127.0.0.1"
		  ssh_port             = $tiny_port
		  ssh_username         = "root"
		  ssh_private_key_file = "$tiny.key"
		  ssh_timeout          = "10m"
		EOF
                for reach_line; do echo "  $reach_line"; done
                echo '}'
                echo 'build {'
                echo '  sources = ["null.x"]'
                cat
                echo '}'
        } >t.pkr.hcl
}

head -c 1000000 /dev/zero >big
for method in sftp scp; do
        reach "ssh_file_transfer_method = \"$method\"" <<-'EOT'
	  provisioner "file" {
	    source      = "big"
	    destination = "/full/big"
	  }
	EOT
        test_expect_success "the guest's disk is full: an upload ($method) says so, and where" '
                bad build t.pkr.hcl && says "/full/big: No space left on device" &&
                says "The file system of the machine that holds '"'/full/big'"' is full" &&
                says "the provisioner is at t.pkr.hcl:" && ! grep -i "connection" out
        '
done

reach <<-'EOT'
  provisioner "shell" {
    inline = ["rm -f /full/*", "dd if=/dev/zero of=/full/more bs=1024 count=1000"]
  }
EOT
test_expect_success 'the disk is full: a step fails with its own words' '
        bad build t.pkr.hcl && says "--> null.x: Script exited with non-zero exit status: 1" &&
        grep "^ *dd: error writing ./full/more.: No space left on device" out && says "the provisioner is at t.pkr.hcl:"
'

reach <<-'EOT'
  provisioner "shell" {
    remote_folder = "/full"
    inline        = ["true"]
  }
EOT
test_expect_success 'the disk is full: a script has no room' '
        bad build t.pkr.hcl && says "--> null.x: Error uploading script: " &&
        grep "^--> null.x: .*/full/script_[0-9]*.sh: No space left on device" out
'

# stops LINE…: a build whose script is running when the guest stops, processor, clock and all
stops() {
        {
                python3 "$SRCDIR/tests/tools/upon.py" "in the step" "kill -STOP $tiny_pid" -- \
                        ingot build -json t.pkr.hcl >out
                code=$?
                kill -CONT "$tiny_pid"
                cat out
        } && [ $code = 1 ] && test_clean
}

reach <<-'EOT'
  provisioner "shell" {
    timeout = "10s"
    inline  = ["echo in the step", "exec sleep 1000"]
  }
EOT
test_expect_success 'the guest hangs: the timeout of the step ends it' '
        stops && says "the provisioner did not end within its timeout of 10s" &&
        says "it was waiting for the script"
'

reach 'ssh_keep_alive_interval = "300ms"' <<-'EOT'
  provisioner "shell" {
    inline = ["echo in the step", "exec sleep 1000"]
  }
EOT
test_expect_success 'the guest hangs: signs of life are missed' '
        stops && says "SSH connection lost: no sign of life for " &&
        says "The provisioner did not fail: the connection to the machine (127.0.0.1:$tiny_port) was lost"
'

# upload_cut METHOD PROCESSES <further provisioners: an upload in whose middle sshd's PROCESSES are
# killed; $p is the one of the connection
head -c 20000000 /dev/zero >big
upload_cut() {
        {
                cat <<-EOT
		  provisioner "shell" {
		    inline = [
		      "rm -f /tmp/big /tmp/killed; p=\$PPID",
		      "until [ \"\$(cat /proc/\$p/comm)\" = sshd ]; do p=\$(sed -n 's/^PPid:[^0-9]*//p' /proc/\$p/status); done",
		      "(until [ -s /tmp/big ]; do :; done; touch /tmp/killed; kill -9 $2) </dev/null >/dev/null 2>&1 &",
		    ]
		  }
		  provisioner "file" {
		    source      = "big"
		    destination = "/tmp/big"
		  }
		EOT
                cat
        } | reach "ssh_file_transfer_method = \"$1\""
}

for method in sftp scp; do
        upload_cut $method "\$p" <<-'EOT'
	  provisioner "shell" {
	    inline = ["ls /tmp/killed && wc -c </tmp/big"]
	  }
	EOT
        test_expect_success "the connection ends in the middle of an upload ($method), which is made again" '
                ingot build t.pkr.hcl >out; code=$?; cat out; [ $code = 0 ] &&
                grep "x: /tmp/killed$" out && grep "x: 20000000$" out && test_clean
        '
done

upload_cut sftp '$(pidof sshd)' </dev/null
test_expect_success 'sshd is killed in the middle of an upload' '
        bad build t.pkr.hcl && says "--> null.x: Upload failed: cannot connect again over SSH" &&
        says "The provisioner did not fail: the connection to the machine (127.0.0.1:$tiny_port) was lost" &&
        says "the provisioner is at t.pkr.hcl:" && ! grep "No space" out
'

kill "$tiny_pid"

# ---- the guest hangs, and its emulator with it -----------------------------------------------

template 'ssh_timeout = "10m"' <<-'EOT'
  provisioner "shell" {
    timeout = "10s"
    inline  = ["echo in the step", "exec sleep 1000"]
  }
EOT
test_expect_success 'an emulator that answers nothing is ended all the same' '
        python3 "$SRCDIR/tests/tools/upon.py" "in the step" "kill -STOP \$(pgrep -f \"^qemu-system-x86_64 -name tiny-$$ \")" \
                -- ingot build -json t.pkr.hcl >out; code=$?; cat out; [ $code = 1 ] &&
        says "the provisioner did not end within its timeout of 10s" && test_absent web/out && test_clean && free_again
'

test_done
