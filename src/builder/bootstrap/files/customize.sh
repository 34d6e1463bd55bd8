#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Makes the installed packages a machine: configuration, users, services, initial RAM disk. What
# it needs to know is in $INGOT_STAGE; names there have been checked.
set -eu
root=$1
stage=$INGOT_STAGE
in_root() { chroot "$root" "$@"; }
fail() {
	echo "E: $*" >&2
	exit 1
}

install_files() {
	while read -r mode path; do
		install -D -m "$mode" -o 0 -g 0 "$stage/overlay/$path" "$root/$path"
	done <"$stage/overlay.list"
	rm -f "$root/etc/apt/sources.list" "$root/etc/apt/preferences.d/ingot"
	rm -f "$root"/etc/apt/sources.list.d/0*
	[ -e "$root/usr/share/zoneinfo/$INGOT_TIMEZONE" ] ||
		fail "the release has no time zone '$INGOT_TIMEZONE'"
	ln -snf "/usr/share/zoneinfo/$INGOT_TIMEZONE" "$root/etc/localtime"
	rm -f "$root/etc/resolv.conf"
	ln -s ../run/systemd/resolve/stub-resolv.conf "$root/etc/resolv.conf"
}

add_user() { # NAME UID SHELL GROUPS
	if ! in_root getent passwd "$1" >/dev/null; then
		in_root useradd --create-home --user-group --shell "$3" ${2:+--uid "$2"} "$1"
	elif [ "$1" != root ]; then
		in_root usermod --shell "$3" "$1"
	fi
	if [ -n "$4" ]; then
		in_root usermod --append --groups "$4" "$1"
	fi
	[ -e "$stage/keys/$1" ] || return 0
	home=$(in_root getent passwd "$1" | cut -d: -f6)
	group=$(in_root id -gn "$1")
	in_root install -d -m 0700 -o "$1" -g "$group" "$home/.ssh"
	in_root install -m 0600 -o "$1" -g "$group" /dev/stdin "$home/.ssh/authorized_keys" \
		<"$stage/keys/$1"
}

add_users() {
	while IFS=: read -r name uid shell groups; do
		add_user "$name" "$uid" "$shell" "$groups"
	done <"$stage/users"
	if [ -s "$stage/passwords" ]; then
		in_root chpasswd --encrypted <"$stage/passwords"
	fi
}

choose_services() {
	in_root systemctl --quiet enable systemd-networkd.service systemd-resolved.service \
		ingot-host-keys.service ingot-grow-root.service
	# Timers that take the package lock, or look for volumes that are not there, right
	# after a boot.
	for unit in apt-daily.timer apt-daily-upgrade.timer e2scrub_all.timer e2scrub_reap.service; do
		if [ -e "$root/usr/lib/systemd/system/$unit" ] || [ -e "$root/lib/systemd/system/$unit" ]; then
			in_root systemctl --quiet disable "$unit" 2>/dev/null
		fi
	done
}

make_initrd() {
	rm "$root/usr/sbin/update-initramfs"
	in_root dpkg-divert --quiet --local --rename --remove /usr/sbin/update-initramfs
	in_root update-initramfs -c -k all
	[ -e "$root/vmlinuz" ] && [ -e "$root/initrd.img" ] ||
		fail "the kernel package left no /vmlinuz and /initrd.img"
}

# What must not be the same on two machines, or differ between two casts.
forget() {
	rm -f "$root"/etc/ssh/ssh_host_*_key "$root"/etc/ssh/ssh_host_*_key.pub
	rm -f "$root/var/lib/systemd/random-seed" "$root/etc/.pwd.lock"
	rm -f "$root"/etc/passwd- "$root"/etc/shadow- "$root"/etc/group- "$root"/etc/gshadow- \
		"$root"/etc/subuid- "$root"/etc/subgid-
	rm -f "$root"/var/cache/debconf/*-old "$root"/var/lib/dpkg/*-old
	rm -f "$root/etc/apt/apt.conf.d/99mmdebstrap" "$root/etc/dpkg/dpkg.cfg.d/99mmdebstrap"
	find "$root/var/log" -type f -name '*.log' -delete
}

keep() {
	mkdir -p "$stage/used" "$stage/lists"
	cp "$root"/var/lib/apt/lists/*InRelease "$stage/lists/"
	# those that are installed: others of the cache were not needed
	in_root dpkg-query --show --showformat '${Package}_${Version}_${Architecture}.deb\n' |
		sed 's/:/%3a/g' |
		while read -r deb; do
			deb=$root/var/cache/apt/archives/$deb
			[ -e "$deb" ] && mv "$deb" "$stage/used/"
		done
	return 0
}

install_files
if [ -e "$root/etc/locale.gen" ] && [ -s "$stage/overlay/etc/locale.gen" ]; then
	in_root locale-gen
fi
add_users
choose_services
make_initrd
forget
keep
