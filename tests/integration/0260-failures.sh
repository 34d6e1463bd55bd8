#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# shellcheck disable=SC2154 # set in tiny-guest.sh
# How guests fail, and what is said and left then: their kernel panics, they hang, their disk is
# full, their SSH server dies.
. "${0%/*}/testlib.sh"
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
    socket.socket().bind(("127.0.0.1", int(port)))'
}

# kept FILE: evidence of the last failure
kept() { ingot runs show -json | jq -r ".builds[].evidence[]" | grep "/$1\$"; }

# ---- the kernel panics ----------------------------------------------------------------------

template 'ssh_timeout = "10m"' <<-'EOT'
  provisioner "shell" {
    inline = ["echo about to", "echo c >/proc/sysrq-trigger", "sleep 1000"]
  }
EOT
test_expect_success 'a panic in a step is told at once, with its words, the console and the screen' '
        fails && says "--> qemu.web: the guest'"'"'s kernel panicked: sysrq triggered crash" &&
        says "about to" && says "the provisioner is at t.pkr.hcl:" &&
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

# The device tells, too: its port is 0x505, a panic is bit 0.
tiny_words="panic=1" template <<-'EOT'
  provisioner "shell" {
    inline = [
      "cat /proc/sys/kernel/random/boot_id",
      "printf '\\001' | dd of=/dev/port bs=1 seek=1285 conv=notrunc",
      "echo c >/proc/sysrq-trigger", "sleep 1000",
    ]
    expect_disconnect = true
  }
  provisioner "shell" {
    inline = ["cat /proc/sys/kernel/random/boot_id"]
  }
EOT
test_expect_success 'a guest that restarts by itself after a panic goes on' '
        ingot build t.pkr.hcl >out; code=$?; cat out; [ $code = 0 ] &&
        grep -Eo "web: [0-9a-f-]{36}$" out | sort -u >boots && [ "$(wc -l <boots)" = 2 ]
'

test_done
