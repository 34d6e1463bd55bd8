#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The source type bootstrap with the real archive: the same bytes from root and from a user, boots
# under BIOS and UEFI firmware, and nothing left behind by failures, interrupts and kills.
# shellcheck disable=SC2016,SC2154
. "${0%/*}/testlib.sh"
export INGOT_CACHE=off # every step runs; reuse has tests of its own

PATH=$PATH:/usr/sbin:/sbin
for tool in mmdebstrap mke2fs sfdisk grub-mkimage mkfs.vfat mcopy qemu-img qemu-system-x86_64 \
	newuidmap ssh-keygen; do
	command -v "$tool" >/dev/null || test_skip_all "$tool is not installed"
done
[ "$(uname -m)" = x86_64 ] || test_skip_all "no boot test for this architecture"
code=/usr/share/OVMF/OVMF_CODE_4M.fd
[ -e "$code" ] || test_skip_all "ovmf is not installed"
timeout 30 /usr/lib/apt/apt-helper download-file \
	http://deb.debian.org/debian/dists/bookworm/InRelease InRelease >/dev/null 2>&1 ||
	test_skip_all "the package archive cannot be reached"

chmod 0711 "$test_root"
INGOT_CACHE_DIR=$INGOT_TEST_CACHE
export INGOT_CACHE_DIR
ssh-keygen -q -t ed25519 -N '' -C test -f key

template() { # FILE [EXTRA LINE]
	write_file "$1" <<-EOF
		source "bootstrap" "small" {
		  disk_size = "1G"
		  packages  = ["netcat-openbsd"]
		  timezone  = "Europe/Berlin"
		  user "me" {
		    ssh_authorized_keys = ["$(cat key.pub)"]
		    password_hash       = "\$6\$abcdefgh\$ZVBHfd1YXSqTZmGcPGWXDt81SCV1p0ZcVXYBXP8GcvAXfb3zkBkBhSkoAWYkJVVXGsWmRzfRx7bm3HVdBXUDv0"
		    groups              = ["adm"]
		    sudo                = true
		  }
		  $2
		}
		build {
		  sources = ["source.bootstrap.small"]
		}
	EOF
}
template a.pkr.hcl ''

# Runs a command as a user with subordinate ids, whom only a mount name space of its own knows. All
# of /etc is a copy: mounts over single files end when the host replaces these. A host whose /dev/null
# only root may write to gets another one for the time.
as_user() {
	[ "$(id -u)" = 0 ] || { "$@"; return; }
	mkdir -p "$test_root/user/tmp" && cp -a /etc "$test_root/etc" || return 1
	echo "caster:x:54321:54321::$test_root/user:/bin/sh" >>"$test_root/etc/passwd"
	echo "caster:x:54321:" >>"$test_root/etc/group"
	echo "caster:1000000:65536" | tee -a "$test_root/etc/subuid" >>"$test_root/etc/subgid"
	chown -R 54321:54321 "$test_root/user"
	rm -f "$test_root/null" && mknod -m 666 "$test_root/null" c 1 3 || return 1
	unshare --mount sh -c '
		mount --bind "$0/etc" /etc && cd "$0/user" || exit 1
		[ "$(stat -c %a /dev/null)" = 666 ] || mount --bind "$0/null" /dev/null || exit 1
		exec setpriv --reuid=54321 --regid=54321 --clear-groups env \
			HOME="$0/user" TMPDIR="$0/user/tmp" INGOT_CACHE_DIR="$0/user/cache" "$@"
	' "$test_root" "$@"
}

# No half output, no temporary directory, and a journal that knows of nothing left anywhere.
nothing_left() {
	find . "$TMPDIR" "$HOME" -name '.output-small*' -o -name 'ingot-*' -o -name journal >left
	[ ! -s left ] && return 0
	cat left
	return 1
}

test_expect_success 'a cast' '
	ingot build a.pkr.hcl >out 2>&1 || { cat out; false; } &&
	grep "Installing packages" out &&
	qemu-img check output-small/small.qcow2 &&
	[ "$(ls -A output-small)" = small.qcow2 ] &&
	nothing_left
'

test_expect_success 'an existing output directory is refused and stays as it is' '
	sum=$(sha256sum output-small/small.qcow2) &&
	test_exit 1 ingot build a.pkr.hcl >out 2>&1 &&
	grep "already exists" out &&
	[ "$sum" = "$(sha256sum output-small/small.qcow2)" ]
'

test_expect_success 'a user without root casts the same bytes' '
	bin=$(readlink -f "$INGOT_BIN") &&
	if [ "$(id -u)" = 0 ]; then
		cp "$bin" "$test_root/ingot" && chmod 755 "$test_root/ingot" &&
		mkdir -p "$test_root/user" && cp a.pkr.hcl "$test_root/user/" &&
		{ as_user "$test_root/ingot" build a.pkr.hcl >out 2>&1 || { cat out; false; }; } &&
		mv "$test_root/user/output-small" second &&
		[ -z "$(ls -A "$test_root/user/tmp")" ]
	else
		mv output-small first && ingot build a.pkr.hcl && mv output-small second &&
		mv first output-small
	fi &&
	cmp output-small/small.qcow2 second/small.qcow2
'

# boot FIRMWARE: starts a guest on an overlay of twice the size; sets qemu_pid and port.
boot() {
	port=$(awk 'BEGIN { srand(); print 20000 + int(rand() * 20000) }')
	qemu-img create -q -f qcow2 -F qcow2 -b "$PWD/output-small/small.qcow2" "$1.qcow2" 2G &&
		cp /usr/share/OVMF/OVMF_VARS_4M.fd "$1.vars" || return 1
	set -- "$1" -accel tcg,thread=multi,tb-size=256 -cpu max -smp 2 -m 1024 -display none \
		-drive "file=$1.qcow2,if=virtio,cache=unsafe" \
		-netdev "user,id=net,hostfwd=tcp:127.0.0.1:$port-:22" \
		-device virtio-net-pci,netdev=net -device virtio-rng-pci \
		-serial "file:$1.serial" -monitor none
	if [ "$1" = uefi ]; then
		set -- "$@" -machine q35 -drive "if=pflash,format=raw,readonly=on,file=$code" \
			-drive "if=pflash,format=raw,file=$1.vars"
	fi
	shift
	qemu-system-x86_64 "$@" &
	qemu_pid=$!
	test_keep_pid "$qemu_pid"
}

in_guest() {
	ssh -q -i key -p "$port" -o BatchMode=yes -o ConnectTimeout=5 -o UserKnownHostsFile=/dev/null \
		-o StrictHostKeyChecking=no me@127.0.0.1 "$@"
}

boots() {
	boot "$1" && works "$1"
	result=$?
	kill -KILL "$qemu_pid" 2>/dev/null && tail -c 2000 "$1.serial"
	return "$result"
}

works() {
	test_wait 400 in_guest true || return 1
	[ "$(in_guest systemctl is-system-running --wait)" = running ] &&
		in_guest 'sudo id -un; cat /etc/hostname; date +%Z; nc -h 2>&1 | head -1
			cat /etc/machine-id; cat /etc/ssh/ssh_host_ed25519_key.pub
			df --output=size -m / | tail -1; id -nG' >"$1.facts" &&
		cat "$1.facts" &&
		grep -qx root "$1.facts" && grep -qx small "$1.facts" && grep -qE '^CES?T$' "$1.facts" &&
		grep -qE '^[0-9a-f]{32}$' "$1.facts" && grep -q OpenBSD "$1.facts" &&
		grep -qE '\badm\b' "$1.facts" &&
		awk '/^ *[0-9]+$/ { ok = $1 > 1600 } END { exit !ok }' "$1.facts" &&
		test_wait 60 grep -q 'small login:' "$1.serial" &&
		in_guest 'test -e /var/lib/dpkg/info/linux-image-cloud-amd64.list' &&
		{ in_guest sudo systemctl poweroff || true; } &&
		test_wait 120 sh -c '! kill -0 "$1" 2>/dev/null' sh "$qemu_pid"
}

test_expect_success 'the disk boots under BIOS firmware, its root grown' 'boots bios'
test_expect_success 'the disk boots under UEFI firmware' 'boots uefi'
test_expect_success 'every machine has keys and an id of its own' '
	[ -s bios.facts ] && [ -s uefi.facts ] &&
	[ "$(grep ssh-ed25519 bios.facts)" != "$(grep ssh-ed25519 uefi.facts)" ] &&
	[ "$(grep -xE "[0-9a-f]{32}" bios.facts)" != "$(grep -xE "[0-9a-f]{32}" uefi.facts)" ]
'

test_expect_success 'a package that does not exist is named, and nothing is left' '
	rm -rf output-small && template b.pkr.hcl "components = [\"main\"]" &&
	sed -i "s/netcat-openbsd/no-such-package/" b.pkr.hcl &&
	test_exit 1 ingot build b.pkr.hcl >out 2>&1 &&
	grep "Unable to locate package no-such-package" out &&
	test_absent output-small && nothing_left
'

test_expect_success 'a release that the mirror does not have is said at once' '
	template c.pkr.hcl "mirror = \"http://deb.debian.org:80/debian/\"" &&
	sed -i "s/disk_size .*/release = \"nonsuch\"/" c.pkr.hcl &&
	test_exit 1 ingot build c.pkr.hcl >out 2>&1 &&
	grep "has no suite .nonsuch" out && test_absent output-small && nothing_left
'

test_expect_success 'a disk that is too small for the files' '
	template d.pkr.hcl "" && sed -i "s/\"1G\"/\"512M\"/; s/\"netcat-openbsd\"/\"gcc\", \"python3\"/" d.pkr.hcl &&
	test_exit 1 ingot build d.pkr.hcl >out 2>&1 &&
	grep "make disk_size larger" out && test_absent output-small && nothing_left
'

start_cast() {
	ingot build -color=false a.pkr.hcl >out 2>&1 &
	cast_pid=$!
	test_keep_pid "$cast_pid"
	test_wait 400 grep -q "Installing packages" out
}

test_expect_success 'an interrupt stops the cast and leaves nothing' '
	start_cast && began=$(date +%s) && kill -INT "$cast_pid" &&
	{ wait "$cast_pid"; [ $? = 1 ]; } &&
	took=$(($(date +%s) - began)) && echo "stopped after $took s" && [ "$took" -le 20 ] &&
	test_absent output-small && nothing_left
'

test_expect_success 'gc cleans up after a kill' '
	start_cast && kill -KILL "$cast_pid" && { wait "$cast_pid"; true; } &&
	ingot gc && test_absent output-small && nothing_left &&
	[ -z "$(pgrep -f "$TMPDIR/ingot-" || true)" ]
'

test_done
