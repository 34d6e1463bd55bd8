#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The qemu builder's options of machine, network and monitor: what reaches the emulator, what is refused,
# and that an interrupt ends every phase.
# shellcheck disable=SC2034 # used in quoted tests
# shellcheck source=tests/cli/testlib.sh
. "${0%/*}/testlib.sh"

export NO_COLOR=1
command -v qemu-img >/dev/null || test_skip_all "no qemu-img"
says() { tr '\n' ' ' <out | grep -F -e "$1"; }
head -c 100000 /dev/urandom >x.iso

# An emulator that only tells what it was given.
cat >teller <<'EOS'
#!/bin/sh
printf '%s\n' "$@" >args
exit 3
EOS
# … and one that never says that it is there.
cat >silent <<'EOS'
#!/bin/sh
: >silent.runs
exec sleep 1000
EOS
chmod +x teller silent

# vm LINES…: a template for an emulator of ours; lines of the source
vm() {
        cat >q.pkr.hcl <<-EOS
	source "qemu" "x" {
	  iso_url          = "x.iso"
	  iso_checksum     = "none"
	  headless         = true
	  accelerator      = "tcg"
	  disk_size        = "1M"
	  output_directory = "out-q"
	  vm_name          = "box"
	  $(printf '%s\n' "$@")
	}
	build {
	  sources = ["qemu.x"]
	}
	EOS
}
# told LINES…: what the emulator is given for such a source, which uses SSH
told() {
        vm "qemu_binary = \"$PWD/teller\"" 'ssh_username = "root"' 'ssh_password = "hunter22"' "$@" &&
                rm -f args && bad build q.pkr.hcl && test -s args && test_absent out-q && cat args
}
# A switch and its value stand in two lines.
given() { grep -A1 -x -e "$1" args | grep -F -e "$2"; }

test_expect_success 'qemuargs know what is served, and where' '
        told "http_content = { \"/seed\" = \"a seed\", \"/b\" = \"B\" }" \
                "host_port_min = 3000" "host_port_max = 3999" \
                "qemuargs = [[\"-append\", \"{{ .HTTPIP }}:{{ .HTTPPort }} dir={{ .HTTPDir }}.\"], [\"-fw_cfg\", \"{{ index .HTTPContent \`/seed\` }}, {{ len .HTTPContent }}\"], [\"-uuid\", \"{{ .OutputDir }}/{{ .Name }} {{ .SSHHostPort }}\"]]" &&
        grep -x "10.0.2.2:8[0-9][0-9][0-9] dir=\." args && grep -x "a seed, 2" args &&
        grep -x "out-q/box 3[0-9][0-9][0-9]" args &&
        mkdir -p www && told "http_directory = \"www\"" "qemuargs = [[\"-append\", \"{{ .HTTPDir }} {{ len .HTTPContent }}\"]]" &&
        grep -x "www 0" args &&
        told "qemuargs = [[\"-append\", \"{{ .HTTPPort }}\"]]" && grep -x "0" args
'

test_expect_success 'a template in qemuargs that cannot be rendered' '
        vm "qemu_binary = \"$PWD/teller\"" "communicator = \"none\"" "qemuargs = [[\"-append\", \"{{ .Nothing }}\"]]" &&
        bad build q.pkr.hcl && says "cannot render qemuargs" && says "evaluate field Nothing in type" && test_absent out-q
'

test_expect_success 'the guest knows the server by the address it listens on' '
        serve="http_content = { \"/a\" = \"b\" }" tell="qemuargs = [[\"-append\", \"at {{ .HTTPIP }}\"]]" &&
        told "$serve" "$tell" "http_bind_address = \"0.0.0.0\"" && grep -x "at 10.0.2.2" args &&
        told "$serve" "$tell" "http_bind_address = \"127.0.0.1\"" && grep -x "at 10.0.2.2" args &&
        told "$serve" "$tell" "http_network_protocol = \"tcp4\"" && grep -x "at 10.0.2.2" args &&
        if grep -q 00000000000000000000000000000001 /proc/net/if_inet6; then
                told "$serve" "$tell" "http_network_protocol = \"tcp6\"" && grep -x "at \[fec0::2\]" args
        fi
'

test_expect_success 'addresses and protocols that serve no guest' '
        vm "communicator = \"none\"" "http_network_protocol = \"udp\"" && bad validate q.pkr.hcl &&
        says "http_network_protocol is invalid. Must be one of: [tcp tcp4 tcp6 unix unixpacket]" &&
        vm "communicator = \"none\"" "http_network_protocol = \"unix\"" && bad validate q.pkr.hcl &&
        says "no guest can reach a socket in the file" && grep "q.pkr.hcl line 10" out &&
        vm "communicator = \"none\"" "http_bind_address = \"eth0\"" && bad validate q.pkr.hcl && says "is not an IP address of this host" &&
        vm "communicator = \"none\"" "http_bind_address = \"::1\"" "http_network_protocol = \"tcp4\"" && bad validate q.pkr.hcl &&
        says "is no address for tcp4" &&
        vm "communicator = \"none\"" "http_bind_address = \"127.0.0.1\"" "net_bridge = \"br0\"" && ingot validate q.pkr.hcl >out &&
        cat out && says "A guest on a bridge does not reach the loopback address of this host." &&
        vm "communicator = \"none\"" "http_interface = \"eth0\"" "boot_keygroup_interval = \"1s\"" && ingot validate q.pkr.hcl >out &&
        cat out && [ "$(grep -c "Argument without effect" out)" = 2 ]
'

test_expect_success 'display, screen, firmware and processors' '
        told && given -netdev "user,id=user.0,hostfwd=tcp:127.0.0.1:" && ! grep -x -e -display args && ! grep -x -e -cpu args &&
        told "vga = \"std\"" "cpu_model = \"qemu64\"" "cpus = 3" "sockets = 1" "cores = 2" &&
        given -vga std && given -cpu qemu64 && given -smp "2,sockets=1,cores=2" &&
        told "firmware = \"a,b.bin\"" && given -bios "a,b.bin" &&
        told "firmware = \"a,b.bin\"" "use_pflash = true" && given -drive "file=a,,b.bin,if=pflash,format=raw,readonly=on" && ! grep -x -e -bios args
'

test_expect_success 'a window is opened unless headless, in the way that is asked for' '
        window() { told "$@" && sed -i "/headless/d" q.pkr.hcl && rm -f args && bad build q.pkr.hcl; } &&
        window && given -display gtk && window "display = \"none\"" && given -display gtk &&
        window "display = \"sdl\"" && given -display sdl && window "use_default_display = true" && ! grep -x -e -display args &&
        window "display = \"curses\"" "use_default_display = true" && given -display curses
'

test_expect_success 'VNC: address, ports and password' '
        told "vnc_port_min = 5977" "vnc_port_max = 5977" && given -vnc "127.0.0.1:77" &&
        told "vnc_bind_address = \"0.0.0.0\"" "vnc_use_password = true" "vnc_password = \"hunter22\"" && given -vnc "0.0.0.0:" && given -vnc ",password=on" &&
        ! grep hunter22 args &&
        if grep -q 00000000000000000000000000000001 /proc/net/if_inet6; then
                told "vnc_bind_address = \"::1\"" "vnc_port_min = 5977" "vnc_port_max = 5977" && given -vnc "[::1]:77"
        fi &&
        vm "communicator = \"none\"" "vnc_password = \"123456789\"" && bad validate q.pkr.hcl &&
        says "Error finding VNC password: password length is longer than expected 9 > 8"
'

test_expect_success 'the monitor for others: its place, and places that cannot be' '
        told "qmp_enable = true" && given -qmp "unix:out-q/box.monitor,server=on,wait=off" &&
        told "qmp_enable = true" "qmp_socket_path = \"a,b.sock\"" && given -qmp "unix:a,,b.sock,server=on,wait=off" &&
        told "vnc_use_password = true" && ! grep -x -e -qmp args &&
        deep=$(printf "%0108d" 0) && vm "communicator = \"none\"" "qmp_enable = true" "qmp_socket_path = \"$deep\"" && bad validate q.pkr.hcl &&
        says "has 108 bytes; the path of a socket has at most 107" && grep "q.pkr.hcl line 11" out &&
        vm "communicator = \"none\"" "qmp_enable = true" "vm_name = \"$deep\"" && sed -i "/\"box\"/d" q.pkr.hcl && bad validate q.pkr.hcl && says "at most 107" &&
        echo precious >file && vm "qemu_binary = \"$PWD/teller\"" "communicator = \"none\"" "qmp_enable = true" "qmp_socket_path = \"file\"" && bad build q.pkr.hcl &&
        says "exists and is no socket" && [ "$(cat file)" = precious ] && test_absent out-q
'

test_expect_success 'ports: old names, the communicator itself, WinRM' '
        told "ssh_host_port_min = 3100" "ssh_host_port_max = 3100" && given -netdev "hostfwd=tcp:127.0.0.1:3100-:22" &&
        says "ssh_host_port_min is deprecated and is being replaced by host_port_min" &&
        python3 -c "
import socket, time, os
s = socket.socket(); s.bind((\"127.0.0.1\", 0)); s.listen(); print(s.getsockname()[1], file=open(\"port.new\", \"w\"))
os.rename(\"port.new\", \"port\"); time.sleep(600)" & taken=$! && test_keep_pid $taken && test_wait 10 test -s port && n=$(cat port) &&
        vm "qemu_binary = \"$PWD/teller\"" "ssh_username = \"root\"" "ssh_password = \"x\"" "skip_nat_mapping = true" "ssh_port = $n" &&
        bad build q.pkr.hcl && says "no free port between $n and $n" && says "skip_nat_mapping takes the guest" && test_absent out-q &&
        kill $taken && { wait $taken; told "skip_nat_mapping = true" "ssh_port = $n"; } && given -netdev "hostfwd=tcp:127.0.0.1:$n-:$n" &&
        vm "communicator = \"winrm\"" "winrm_username = \"a\"" && bad validate q.pkr.hcl && says "winrm" && says "is not supported yet"
'

test_expect_success 'fewer processors than the parts make' '
        vm "communicator = \"none\"" "cpus = 2" "cores = 4" && bad validate q.pkr.hcl && says "cpus (2) is less than sockets, cores and threads make (4)" &&
        vm "communicator = \"none\"" "cpus = 2" "cores = 4" "qemuargs = [[\"-smp\", \"2\"]]" && ingot validate q.pkr.hcl
'

# stops PHASE: an interrupt when `out` says it ends within 2 s and leaves nothing
stops() {
        rm -f out
        { exec ingot build q.pkr.hcl >out 2>&1; } &
        build=$! && test_wait 30 "$@" && kill -INT $build && began=$(date +%s%N) && { wait $build; [ $? = 1 ]; } && cat out &&
                [ $((($(date +%s%N) - began) / 1000000)) -lt 2000 ] && test_absent out-q && test_clean
}

test_expect_success 'an interrupt while the emulator does not come up' '
        vm "qemu_binary = \"$PWD/silent\"" "communicator = \"none\"" && rm -f silent.runs && stops test -e silent.runs
'

real=$(command -v qemu-img)
mkdir slow
test_expect_success 'an interrupt while the disk is made' '
        printf "#!/bin/sh\ncase \$1 in create) : >%s/slow.runs; exec sleep 1000;; esac\nexec %s \"\$@\"\n" "$PWD" "$real" >slow/qemu-img &&
        chmod +x slow/qemu-img && vm "qemu_binary = \"$PWD/silent\"" "communicator = \"none\"" && rm -f slow.runs &&
        PATH=$PWD/slow:$PATH stops test -e slow.runs
'

if ! command -v qemu-system-aarch64 >/dev/null; then
        test_skip 'guests that end by themselves' 'no qemu-system-aarch64'
        test_done
fi

# Two programs for ARM: power off; and never do anything.
printf '\000\001\200\122\000\200\260\162\002\000\000\324\000\000\000\024' >off.rom
printf '\000\000\000\024' >idle.rom
arm() { vm 'qemu_binary = "qemu-system-aarch64"' 'communicator = "none"' "$@"; }

test_expect_success 'without a communicator the guest has to end by itself' '
        arm "firmware = \"off.rom\"" && ingot build q.pkr.hcl >out && cat out && says "No communicator is set; skipping port forwarding setup." &&
        says "Waiting for shutdown..." && [ "$(ls out-q)" = box ] && rm -r out-q && test_clean &&
        arm "firmware = \"idle.rom\"" "shutdown_timeout = \"1s\"" && bad build q.pkr.hcl && says "Failed to shutdown" && test_absent out-q
'

test_expect_success 'a template in boot_command that cannot be rendered' '
        arm "firmware = \"idle.rom\"" "boot_wait = \"-1s\"" "boot_command = [\"{{ .Nothing }}\"]" && bad build q.pkr.hcl &&
        says "Error preparing boot command" && says "evaluate field Nothing in type *qemu.bootCommandTemplateData" && test_absent out-q
'

test_expect_success 'efivars.fd is part of the image unless it is dropped from the list' '
        cp off.rom code.fd &&
        efi() { arm "efi_firmware_code = \"code.fd\"" "$@" && sed -i "s/sources = .*/&\n post-processor \"manifest\" {\n output = \"list.json\"\n }/" q.pkr.hcl &&
                rm -rf out-q list.json && ingot build q.pkr.hcl >out; cat out list.json && test -e out-q/efivars.fd; } &&
        efi && grep efivars.fd list.json && efi "efi_drop_efivars = true" && ! grep efivars.fd list.json && rm -rf out-q list.json
'

test_expect_success 'the monitor for others works while the guest runs, and is gone afterwards' '
        arm "firmware = \"idle.rom\"" "qmp_enable = true" "qmp_socket_path = \"mon.sock\"" "shutdown_timeout = \"1m\"" && rm -f out code &&
        { { ingot build q.pkr.hcl >out 2>&1; echo $? >code; } & } && test_wait 30 grep -s "Waiting for shutdown" out && test -S mon.sock &&
        python3 -c "
import socket
s = socket.socket(socket.AF_UNIX); s.connect(\"mon.sock\"); f = s.makefile(\"rw\"); print(f.readline())
for c in \"qmp_capabilities\", \"quit\": f.write(\"{\\\"execute\\\": \\\"%s\\\"}\" % c); f.flush(); print(f.readline())" &&
        test_wait 10 test -s code && cat out && [ "$(cat code)" = 0 ] && [ "$(ls out-q)" = box ] && test_absent mon.sock && rm -r out-q && test_clean
'

test_expect_success 'the debug log: the command line, the monitor without its password, what is served' '
        arm "firmware = \"idle.rom\"" "shutdown_timeout = \"1s\"" "vnc_use_password = true" "vnc_password = \"hunter22\"" \
                "http_content = { \"/a\" = \"b\" }" && rm -f log &&
        test_exit 1 env INGOT_LOG_PATH=log ingot build q.pkr.hcl >out && ! grep hunter22 log &&
        pid=$(sed -n "s/.* qemu.x: proc: \([0-9]*\) started: qemu-system-aarch64 -name box .*/\1/p" log) &&
        grep "qemu.x: port: 59[0-9]* of " log && grep "qemu.x: http server: listens on 127.0.0.1 port 8" log &&
        grep "qemu.x: qmp: qmp_capabilities is done in " log &&
        grep -F "qemu.x: qmp: change-vnc-password {\"password\":\"<sensitive>\"}" log &&
        grep "qemu.x: proc: $pid ended with status" log
'

test_expect_success 'interrupts while the guest runs, and while its disk is written anew' '
        arm "firmware = \"idle.rom\"" "qmp_enable = true" "qmp_socket_path = \"mon.sock\"" && stops grep -s "Waiting for shutdown" out && test_absent mon.sock &&
        printf "#!/bin/sh\ncase \$1 in convert) : >%s/slow.runs; exec sleep 1000;; esac\nexec %s \"\$@\"\n" "$PWD" "$real" >slow/qemu-img &&
        arm "firmware = \"off.rom\"" && rm -f slow.runs && PATH=$PWD/slow:$PATH stops test -e slow.runs
'

test_done
