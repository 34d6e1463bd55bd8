#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# shellcheck disable=SC2034,SC2154 # set and used across files and in quoted tests
# Guests on a bridge: in network namespaces of the test's own, with a real bridge, QEMU's bridge
# helper and a DHCP server that is not on this host.
. "${0%/*}/testlib.sh"
export INGOT_CACHE=off # every step runs; reuse has tests of its own

for program in qemu-system-x86_64 qemu-img ip dnsmasq unshare nsenter; do
        command -v $program >/dev/null || test_skip_all "no $program"
done
[ "$(id -u)" = 0 ] && [ -c /dev/net/tun ] || test_skip_all 'needs root and /dev/net/tun'
[ -x /usr/lib/qemu/qemu-bridge-helper ] || test_skip_all "no bridge helper of QEMU"
unshare -n -m ip link add br0 type bridge 2>/dev/null || test_skip_all 'cannot make a bridge'
. "${0%/*}/base-image.sh"

# The host of the builds: it may change its own /etc, and has a bridge with an address. DHCP comes
# from another host on the same wire: nobody talks to the first one before it asks.
cp -a /etc "$test_root/etc" && mkdir -p "$test_root/etc/qemu" && rm -f "$test_root/etc/qemu/bridge.conf"
in_host() { nsenter -t "$host_pid" -n -m --wd="$PWD" "$@"; }
in_far() { nsenter -t "$far_pid" -n "$@"; }
unshare -n -m sleep 1000 & host_pid=$! && test_keep_pid $host_pid
unshare -n sleep 1000 & far_pid=$! && test_keep_pid $far_pid
own_network() { [ "$(readlink "/proc/$1/ns/net")" != "$(readlink /proc/self/ns/net)" ]; }
test_wait 10 own_network $host_pid && test_wait 10 own_network $far_pid || exit 1
{
        in_host mount --bind "$test_root/etc" /etc &&
                in_host ip link set lo up && in_host ip link add br0 type bridge &&
                in_host ip addr add 192.168.77.1/24 dev br0 && in_host ip link set br0 up &&
                in_host ip link add br1 type bridge && in_host ip link set br1 up &&
                in_host ip link add wire0 type veth peer name wire1 && in_host ip link set wire1 netns $far_pid &&
                in_host ip link set wire0 master br0 && in_host ip link set wire0 up &&
                in_far ip link set lo up && in_far ip addr add 192.168.77.2/24 dev wire1 && in_far ip link set wire1 up
} || { echo "Bail out! no network" && exit 1; }
nsenter -t "$far_pid" -n dnsmasq --no-daemon --port=0 --interface=wire1 --bind-interfaces --pid-file= --dhcp-option=3 \
        --dhcp-range=192.168.77.50,192.168.77.90,1h --dhcp-leasefile="$test_root/leases" >dhcp.log 2>&1 &
test_keep_pid $!

# template [LINE…]: two guests from the same image
template() {
        cat <<-EOS
	source "qemu" "br" {
	  iso_url              = "$base_image"
	  iso_checksum         = "none"
	  disk_image           = true
	  skip_resize_disk     = true
	  headless             = true
	  memory               = 768
	  ssh_username         = "$base_user"
	  ssh_private_key_file = "$base_key"
	  shutdown_command     = "sudo shutdown -P now"
	  net_bridge           = "br0"
	  http_content         = { "/seed" = "a seed" }
	  $(printf '%s\n' "$@")
	}
	build {
	  source "source.qemu.br" {
	    name             = "a"
	    output_directory = "out-a"
	    vm_name          = "a-$$"
	  }
	  source "source.qemu.br" {
	    name             = "b"
	    output_directory = "out-b"
	    vm_name          = "b-$$"
	  }
	  provisioner "shell" {
	    inline_shebang = "/bin/bash -e"
	    inline = [
	      "echo \"card \$(cat /sys/class/net/en*/address)\"",
	      "exec 3<>/dev/tcp/\$PACKER_HTTP_IP/\$PACKER_HTTP_PORT",
	      "printf 'GET /seed HTTP/1.0\\\\r\\\\n\\\\r\\\\n' >&3",
	      "echo \"got \$(tail -n 1 <&3) from \$PACKER_HTTP_ADDR\"",
	    ]
	  }
	}
	EOS
}
nothing_left() {
        ! pgrep -f "^qemu-system-x86_64 -name [ab]-$$ " && test_absent out-a && test_absent out-b && test_clean &&
                [ -z "$(in_host ip -o link show type tun)" ]
}

template >br.pkr.hcl
test_expect_success 'a bridge that the administrator does not allow is said, with what to do' '
        test_exit 1 in_host ingot build -color=false -only="*.a" br.pkr.hcl >out.log; cat out.log;
        grep "bridge helper failed" out.log && grep "a line .allow NAME. in /etc/qemu/bridge.conf" out.log && nothing_left
'
echo 'allow all' >"$test_root/etc/qemu/bridge.conf"

test_expect_success 'a bridge that does not exist or has no address is said before any download' '
        template | sed "s/\"br0\"/\"br7\"/" >none.pkr.hcl && test_exit 1 in_host ingot build -color=false none.pkr.hcl >out.log;
        cat out.log; grep "Error getting the bridge br7 interface: no such network interface" out.log &&
        template | sed "s/\"br0\"/\"br1\"/" >bare.pkr.hcl && test_exit 1 in_host ingot build -color=false bare.pkr.hcl >out.log;
        cat out.log; grep "Error getting an IPv4 address from the bridge br1: cannot find any IPv4 address" out.log &&
        ! grep Retrieving out.log && nothing_left
'

# Both have the card that QEMU gives to every first one, unless somebody takes care.
test_expect_success 'two guests are found, which talk to a DHCP server elsewhere, and reach our pages' '
        in_host ingot build -color=false br.pkr.hcl >out.log; r=$?; cat out.log; [ $r = 0 ] &&
        grep -c "Waiting for the guest address to become available in the br0 network bridge" out.log | grep 2 &&
        [ "$(grep -c "The guest has the address 192.168.77" out.log)" = 2 ] &&
        [ "$(grep -c "got a seed from 192.168.77.1:" out.log)" = 2 ] &&
        grep "card 52:54:00:12:34:56" out.log && grep "card 52:54:00:12:34:57" out.log && ! grep Found.port out.log &&
        rm -r out-a out-b && nothing_left
'

# What the base image writes into its system at the start, as for a temporary key.
port_credential() {
        printf 'f /etc/ssh/sshd_config.d/port.conf 0644 root root - Port 2222\n' | base64 -w 0
}
template 'ssh_port = 2222' \
        "qemuargs = [[\"-smbios\", \"type=11,value=io.systemd.credential.binary:tmpfiles.extra=$(port_credential)\"]]" >port.pkr.hcl
test_expect_success 'ssh_port is the port on the bridge' '
        in_host ingot build -color=false -only="*.a" port.pkr.hcl >out.log; r=$?; cat out.log; [ $r = 0 ] &&
        grep "got a seed" out.log && rm -r out-a && nothing_left
'

test_expect_success 'an interrupt while the address is waited for ends it at once' '
        { exec nsenter -t $host_pid -n -m --wd="$PWD" ingot build -color=false -only="*.a" br.pkr.hcl >stopped.log 2>&1; } &
        build=$! && test_wait 60 grep -s "Waiting for the guest address" stopped.log && kill -INT $build &&
        began=$(date +%s%N) && { wait $build; [ $? = 1 ]; } && cat stopped.log &&
        [ $((($(date +%s%N) - began) / 1000000)) -lt 2000 ] && nothing_left
'

template 'ssh_timeout = "3s"' >short.pkr.hcl
test_expect_success 'an address that does not come in time is said' '
        test_exit 1 in_host ingot build -color=false -only="*.a" short.pkr.hcl >out.log; cat out.log;
        grep "Timeout waiting for the guest.s address in the br0 network bridge" out.log && nothing_left
'

test_done
