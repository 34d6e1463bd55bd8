#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# shellcheck disable=SC2016,SC2154 # templates; set in tiny-guest.sh
# A build is interrupted, or its emulator killed, in each of its phases: told at once, exit code 1,
# nothing left. What is waited for are the build's own events.
. "${0%/*}/testlib.sh"
export INGOT_CACHE=off # every step runs; reuse has tests of its own
. "${0%/*}/tiny-guest.sh"
tiny_check
tiny_guest

export NO_COLOR=1
upon() { python3 "$SRCDIR/tests/tools/upon.py" "$@"; }
emulator="pgrep -f '^qemu-system-x86_64 -name tiny-$$ '"

# Stops where a test wants it to, so that its phase lasts.
real=$(command -v qemu-img)
cat >"$test_root/bin/qemu-img" <<EOF2
#!/bin/sh
[ "\$1" != "\${STOP_AT:-}" ] || kill -STOP \$\$
exec $real "\$@"
EOF2
chmod +x "$test_root/bin/qemu-img"

# A server that sends the beginning of a file.
python3 -c 'import socket, threading
def serve(c):
    head = c.recv(65536)
    c.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 100000000\r\n\r\n")
    if not head.startswith(b"HEAD"):
        c.sendall(b"x" * 1000000)
        c.recv(1)
    c.close()
s = socket.socket(); s.bind(("127.0.0.1", 0)); s.listen()
print(s.getsockname()[1], flush=True)
while True:
    threading.Thread(target=serve, args=(s.accept()[0],), daemon=True).start()' >slow.port &
test_keep_pid $!
test_wait 10 test -s slow.port

# template <sources and provisioners
template() {
        rm -rf web
        cat >t.pkr.hcl
        [ -z "${1:-}" ] || echo "build {
  sources = [\"qemu.web\"]
$1
}" >>t.pkr.hcl
}

# Nobody listens on a port that the build took, no lock of a download or a port is held.
released() {
        python3 -c 'import fcntl, glob, os, re, socket
for port in re.findall(r"(?:SSH, WinRM, etc\): |vnc://127.0.0.1:|HTTP server on port )(\d+)", open("out").read()):
    s = socket.socket()
    s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # connections that are ending do not count
    s.bind(("127.0.0.1", int(port)))
for root, _, names in os.walk(os.environ["HOME"]):
    for name in names:
        with open(os.path.join(root, name), "rb") as f:
            fcntl.flock(f, fcntl.LOCK_SH | fcntl.LOCK_NB)'
}

# interrupted WORDS: SIGINT when an event says WORDS
interrupted() {
        upon "$1" SIGINT -- ingot build -json t.pkr.hcl >out
        code=$?
        cat out
        [ $code = 1 ] && grep "^Cancelling build after receiving interrupt" out &&
                grep "^Cleanly cancelled builds after being interrupted" out &&
                ! grep -i "errors:\|kept of the machine" out &&
                [ "$(sed -n 's/^ended with 1, \([0-9]*\) ms.*/\1/p' out)" -lt 20000 ] &&
                test_clean && released
}

# killed WORDS: the emulator is killed when an event says WORDS
killed() {
        upon "$1" "kill -9 \$($emulator)" -- ingot build -json t.pkr.hcl >out
        code=$?
        cat out
        [ $code = 1 ] && grep "^--> qemu.web: QEMU was killed by signal 9" out && test_absent web/out && test_clean &&
                released
}

# ---- before there is a guest ----------------------------------------------------------------

bare_source web off | sed "s|iso_url .*|iso_url = \"http://127.0.0.1:$(cat slow.port)/x.img\"|" | template ' '
test_expect_success 'in a download' 'interrupted "\"event\":\"progress\"" && test_absent web/out'

bare_source web off 'disk_size = "1G"' | sed '/disk_image\|skip_resize/d' | template ' '
test_expect_success 'while the disk is created' '
        (export STOP_AT=create && interrupted "Creating hard drive...") && test_absent web/out'

bare_source web off 'format = "raw"' | template ' '
test_expect_success 'while the disk image is copied' '
        (export STOP_AT=convert && interrupted "Copying hard drive...") && test_absent web/out'

# ---- before anybody can log in --------------------------------------------------------------

bare_source web stay 'boot_wait = "30m"' 'boot_command = ["x"]' 'http_content = { "/a" = "b" }' | template ' '
test_expect_success 'in the wait for the boot' 'interrupted "Waiting 30m0s for boot" && test_absent web/out'
test_expect_success 'in the wait for the boot: the emulator is killed' 'killed "Waiting 30m0s for boot"'

bare_source web stay 'boot_wait = "1ms"' 'boot_command = ["abc<wait30m>"]' | template ' '
test_expect_success 'while keys are typed' 'interrupted "Typing the boot command" && test_absent web/out'
test_expect_success 'while keys are typed: the emulator is killed' 'killed "Typing the boot command"'

test_expect_success 'twice: what is left is listed, or nothing is, and gc removes it' '
        upon "Typing the boot command" SIGINT "Cancelling build" SIGINT -- ingot build -json t.pkr.hcl >out
        code=$?; cat out; [ $code = 1 ] && grep "^Cancelling build after receiving interrupt" out &&
        ingot gc && test_absent web/out && test_clean && released
'

tiny_words=tiny=deaf tiny_source web | template ' '
test_expect_success 'in the wait for SSH' 'interrupted "Waiting for SSH" && test_absent web/out'

# ---- provisioning ---------------------------------------------------------------------------

bare_source web stay | template '  provisioner "shell-local" {
    inline = ["echo in the step", "exec sleep 1000"]
  }'
test_expect_success 'in a step on this host' 'interrupted "\"text\":\"in the step\"" && test_absent web/out'
test_expect_success 'in a step on this host: the emulator is killed' 'killed "\"text\":\"in the step\""'

tiny_source web | template '  provisioner "shell" {
    inline = ["echo in the step", "exec sleep 1000"]
  }'
test_expect_success 'in a step in the guest' 'interrupted "\"text\":\"in the step\"" && test_absent web/out'

head -c 50000000 /dev/zero >big
tiny_source web | template '  provisioner "file" {
    source      = "big"
    destination = "/tmp/big"
  }'
test_expect_success 'in an upload' 'interrupted "\"event\":\"progress\",\"build\":\"qemu.web\",\"text\":\"big\"" && test_absent web/out'

# ---- the end --------------------------------------------------------------------------------

bare_source web stay | template ' '
test_expect_success 'in the wait for the shutdown' 'interrupted "Waiting for shutdown" && test_absent web/out'
test_expect_success 'in the wait for the shutdown: the emulator is killed' 'killed "Waiting for shutdown"'

bare_source web off | template ' '
test_expect_success 'while the disk is converted' '
        (export STOP_AT=convert && interrupted "Converting hard drive...") && test_absent web/out'

bare_source web off | template '  post-processor "shell-local" {
    inline = ["echo post-processing", "exec sleep 1000"]
  }'
test_expect_success 'in a post-processor: the finished image stays' '
        interrupted "\"text\":\"post-processing\"" && ls web/out && "$real" check -q web/out/tiny-$$'

test_done
