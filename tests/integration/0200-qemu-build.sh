#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# shellcheck disable=SC2034,SC2154 # set and used across files and in quoted tests
# The qemu builder with a real guest: from the base image to a provisioned one,
# and every way in which that may go wrong.
. "${0%/*}/testlib.sh"
export INGOT_CACHE=off # every step runs; reuse has tests of its own

for program in qemu-system-x86_64 qemu-img; do
        command -v $program >/dev/null || test_skip_all "no $program"
done
. "${0%/*}/base-image.sh"
base_sum=$(sha256sum <"$base_image")

# template NAME [LINE...]: a source that starts from the base image
template() {
        template_name=$1
        shift
        mkdir -p "$template_name"
        {
                echo 'source "qemu" "web" {'
                echo "  iso_url = \"$base_image\""
                echo '  iso_checksum = "none"'
                echo '  disk_image = true'
                echo '  skip_resize_disk = true'
                echo '  headless = true'
                echo '  memory = 1024'
                echo '  cpus = 2'
                echo "  vm_name = \"web-$$\""
                echo "  output_directory = \"$template_name/out\""
                echo "  ssh_username = \"$base_user\""
                for template_line; do echo "  $template_line"; done
                echo '}'
                echo 'build {'
                echo '  sources = ["source.qemu.web"]'
                [ ! -e "$template_name/steps" ] || cat "$template_name/steps"
                echo '}'
        } >"$template_name/web.pkr.hcl"
}

emulator_pid() { pgrep -f "^qemu-system-x86_64 -name web-$$ "; }
nothing_left() {
        ! emulator_pid && test_absent "$1/out" &&
                [ -z "$(ls "$HOME/.local/state/ingot/runs" 2>/dev/null)" ] &&
                [ -z "$(ls "$TMPDIR")" ]
}

key_line="ssh_private_key_file = \"$base_key\""

mkdir good
echo 'a fine site' >good/index.html
cat >good/steps <<-'EOT'
  provisioner "file" {
    source      = "good/index.html"
    destination = "/tmp/index.html"
  }
  provisioner "shell" {
    inline = [
      "echo \"I am $(whoami)\"", "sudo install -m 644 /tmp/index.html /var/index.html",
      # as an installer does that gets {{ .SSHPublicKey }} with its answers
      "printf 'no-pty %s build\\n' '${chomp(build.SSHPublicKey)}' >>.ssh/authorized_keys",
      "sudo install -d -m 700 /root/.ssh",
      "sudo cp .ssh/authorized_keys /root/.ssh/authorized_keys",
    ]
  }
  provisioner "shell" {
    inline = [
      "exec 3<>/dev/tcp/$PACKER_HTTP_IP/$PACKER_HTTP_PORT",
      "printf 'GET /seed HTTP/1.0\\r\\n\\r\\n' >&3",
      "echo \"got $(tail -n 1 <&3) from $PACKER_HTTP_ADDR\"",
    ]
    inline_shebang = "/bin/bash -e"
  }
EOT
# a cast image takes a temporary key: then nothing about keys is said
template good "${INGOT_TEST_BASE:+$key_line}" 'http_content = { "/seed" = "a seed" }' 'shutdown_command = "sudo shutdown -P now"'

test_expect_success 'a guest is booted, provisioned, shut down and kept' '
        INGOT_LOG=1 INGOT_LOG_PATH=good.log ingot build good >out 2>&1 &&
        cat out &&
        grep -q "I am $base_user" out &&
        grep "Starting HTTP server on port 8[0-9]*" out &&
        grep "got a seed from 10.0.2.2:8[0-9]*" out &&
        grep -q "VM files in directory: good/out" out &&
        [ "$(ls good/out)" = "web-$$" ]'

if [ -z "${INGOT_TEST_BASE:-}" ]; then
        test_expect_success 'a temporary key was made, and nothing of it stays' '
                grep -q "Creating temporary ED25519 SSH key for instance" out &&
                grep "Removed the temporary SSH key from /home/$base_user/.ssh/authorized_keys" out &&
                grep "Removed the temporary SSH key from /root/.ssh/authorized_keys" out'
fi

test_expect_success 'the network of the guest is seen to come up, and watched only until then' '
        grep "the guest.s network comes up: it asks for an address" good.log &&
        [ "$(grep -c "qmp: object-add {.*filter-dump" good.log)" = 1 ] &&
        [ "$(grep -c "qmp: object-del {" good.log)" = 1 ]'

test_expect_success 'without acceleration one line says so' '
        [ "$(grep -c "hardware acceleration" out)" -le 1 ] &&
        { [ -e /dev/kvm ] && grep -Eq "^flags.* (vmx|svm)( |$)" /proc/cpuinfo ||
                grep -q "No hardware acceleration, .*: " out; }'

test_expect_success 'the image stands alone and is sound' '
        qemu-img info good/out/web-$$ >info && ! grep backing info &&
        qemu-img check -q good/out/web-$$'

test_expect_success 'the base image is as it was' '
        [ "$(sha256sum <"$base_image")" = "$base_sum" ]'

test_expect_success 'what exists is refused and stays' '
        before=$(sha256sum good/out/*) &&
        test_exit 1 ingot build good >out 2>&1 &&
        grep -q "Output directory .good/out. already exists. It must not exist." out &&
        [ "$(sha256sum good/out/*)" = "$before" ]'

test_expect_success 'the work of the provisioners is in the image' '
        ingot run good/out/web-$$ -ssh -user "$base_user" -key "$base_key" -- \
                "cat /var/index.html; wc -l <.ssh/authorized_keys; sudo sh -c \"wc -l </root/.ssh/authorized_keys; ls /root/.ssh\"" >page &&
        [ "$(cat page)" = "a fine site
1
1
authorized_keys" ]'

template killed "$key_line"
test_expect_success 'an emulator that is killed ends the build at once, with the console' '
        { ingot build killed >out 2>&1; echo $? >code; } &
        test_wait 20 grep -q "Waiting for SSH" out &&
        test_wait 30 emulator_pid &&
        pid=$(emulator_pid) && kill -KILL "$pid" &&
        test_wait 5 test -s code && cat out &&
        [ "$(cat code)" = 1 ] && grep -q "QEMU was killed by signal 9" out &&
        nothing_left killed'

template interrupted "$key_line"
test_expect_success 'an interrupt ends it within two seconds and leaves nothing' '
        { exec ingot build interrupted >out 2>&1; } &
        build=$! &&
        test_wait 20 grep -q "Waiting for SSH" out &&
        kill -TERM $build && began=$(date +%s%N) &&
        { wait $build; [ $? = 1 ]; } &&
        cat out && [ $((($(date +%s%N) - began) / 1000000)) -lt 2000 ] &&
        nothing_left interrupted'

template murdered "$key_line"
test_expect_success 'after kill -9 of the program gc removes everything' '
        { exec ingot build murdered >out 2>&1; } &
        build=$! &&
        test_wait 20 grep -q "Waiting for SSH" out &&
        kill -KILL $build && { wait $build; emulator_pid && ls murdered/out; } &&
        ingot gc && nothing_left murdered'

python3 -c 'import socket, time
s = socket.socket(); s.bind(("127.0.0.1", 0)); s.listen()
print(s.getsockname()[1], flush=True); time.sleep(60)' >taken &
test_keep_pid $!
test_wait 10 test -s taken
template ports "$key_line" "host_port_min = $(cat taken)" "host_port_max = $(cat taken)"
test_expect_success 'a range of ports that is used up is said with the range' '
        test_exit 1 ingot build ports >out 2>&1; cat out;
        grep -q "no free port between $(cat taken) and $(cat taken)" out &&
        grep -q host_port_max out && nothing_left ports'

template missing "$key_line" 'qemu_binary = "qemu-system-ppc64-none"'
test_expect_success 'a missing emulator is named with its package' '
        test_exit 1 ingot build missing >out 2>&1; cat out;
        grep -q "qemu-system-ppc64-none.*not found" out &&
        grep -q "qemu-system-ppc brings it" out && nothing_left missing'

template odd "$key_line" 'net_device = "no-such-card"'
test_expect_success 'what the emulator refuses is said in its words, at once' '
        test_exit 1 ingot build odd >out 2>&1; cat out;
        grep -q "Qemu failed to start: .*no-such-card" out && nothing_left odd'

template small "$key_line"
if [ "$(id -u)" = 0 ] && mkdir small/disk && mount -t tmpfs -o size=3m none small/disk 2>/dev/null; then
        sed -i 's|small/out|small/disk/out|' small/web.pkr.hcl
        test_expect_success 'a full disk ends it at once and is said as such' '
                test_exit 1 ingot build small >out 2>&1; cat out;
                grep -iq "no space left" out && test_absent small/disk/out && nothing_left small'
        umount small/disk
else
        test_skip 'a full disk ends it at once and is said as such' 'needs root to mount a small disk'
fi

test_done
