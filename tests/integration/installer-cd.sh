# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=sh disable=SC2034,SC2154
# An installation CD of our own, made once of Debian's packages and shared by all tests and runs
# on the host: GRUB for BIOS and UEFI, Debian's kernel, the programs that an installation needs in
# an initial RAM disk (installer/init is the installer), and the system to install, which is the
# one of the base image. Source it after base-image.sh; then installer_cd is the image and
# installer_system the same system as a tar file.

installer_files=$SRCDIR/tests/integration/installer
installer_packages=linux-image-amd64,busybox-static,e2fsprogs,fdisk,dosfstools,grub2-common
installer_packages=$installer_packages,grub-pc-bin,grub-efi-amd64-bin,efibootmgr
installer_programs='usr/sbin/grub-install usr/bin/grub-mkimage usr/lib/grub/i386-pc/grub-bios-setup
        bin/efibootmgr sbin/mke2fs sbin/mkfs.fat sbin/sfdisk'
installer_modules='crc32c_generic virtio_pci virtio_blk virtio_net ata_piix sr_mod isofs ext4 vfat nls_cp437
        nls_ascii nls_iso8859-1 floppy efivarfs'

# Root, or somebody who may be many users in a name space.
installer_as_root() {
        if [ "$(id -u)" = 0 ]; then "$@"; else unshare --map-root-user --map-auto "$@"; fi
}

# The files of a Debian system that the image has, without its documentation. debugfs forgets
# bits of the mode.
installer_tar() {
        qemu-img convert -O raw "$base_image" disk.raw
        at=$(sfdisk -J disk.raw | jq '[.partitiontable.partitions[]] | max_by(.size).start * 512')
        installer_as_root sh -eu -c '
                mkdir root
                debugfs -R "rdump / root" "disk.raw?offset=$1" 2>debugfs.log
                chmod 1777 root/tmp root/var/tmp
                chmod u+s root/usr/bin/sudo root/usr/bin/su root/usr/bin/passwd
                rm -f root/home/*/.ssh/authorized_keys
                tar --numeric-owner -C root --exclude=./lost+found --exclude="./boot/grub/*-*" \
                        --exclude="./usr/share/doc/*" --exclude="./usr/share/man/*" \
                        --exclude="./usr/share/locale/*" -cf cd/system.tar .
                rm -rf root' sh "$at"
        rm disk.raw
}

# installer_copy FILE…: programs of the unpacked packages, and the libraries that they load.
installer_copy() {
        libraries=$PWD/tree/lib/x86_64-linux-gnu:$PWD/tree/usr/lib/x86_64-linux-gnu
        for file in "$@"; do
                echo "$file"
                tree/lib64/ld-linux-x86-64.so.2 --library-path "$libraries" --list "tree/$file" |
                        grep -o "$PWD/tree/[^ ]*" | sed "s|^$PWD/tree/||"
        done | sort -u | while read -r file; do
                mkdir -p "initrd/$(dirname "$file")"
                cp -L "tree/$file" "initrd/$file"
        done
}

installer_initrd() {
        mkdir -p initrd/bin initrd/dev initrd/etc initrd/proc initrd/sys initrd/lib64 \
                initrd/usr/lib initrd/usr/share initrd/tmp
        install -m 755 "$installer_files/init" initrd/init
        install -m 755 "$installer_files/udhcpc" initrd/etc/udhcpc
        cp tree/bin/busybox initrd/bin/
        cp -L tree/lib64/ld-linux-x86-64.so.2 initrd/lib64/
        # shellcheck disable=SC2086 # lists of words
        installer_copy $installer_programs
        cp -r tree/usr/lib/grub initrd/usr/lib/
        rm -rf initrd/usr/lib/grub/*/monolithic
        version=$(ls tree/lib/modules)
        modules=lib/modules/$version
        tree/bin/busybox depmod -b tree "$version"
        for module in $installer_modules; do
                sed -n "s|^\(kernel/[^:]*/$module\.ko\):|\1|p" "tree/$modules/modules.dep"
        done | tr ' ' '\n' | sort -u | while read -r file; do
                mkdir -p "initrd/$modules/$(dirname "$file")"
                cp "tree/$modules/$file" "initrd/$modules/$file"
        done
        cp "tree/$modules"/modules.builtin* "initrd/$modules/"
        tree/bin/busybox depmod -b initrd "$version"
        (cd initrd && find . | cpio --quiet -o -H newc -R 0:0) | gzip -1 >cd/initrd.img
}

installer_make() {
        mkdir -p cd/boot/grub tree
        mmdebstrap --quiet --variant=extract --include="$installer_packages" bookworm - |
                tar -x -C tree --exclude='./dev/*' --exclude='./usr/share/*'
        installer_initrd
        cp tree/boot/vmlinuz-* cd/vmlinuz
        installer_tar
        cp "$installer_files/grub.cfg" cd/boot/grub/
        grub-mkrescue -o cd.iso cd -- -volid OWN_INSTALLER
}

installer_id=$({ cat "$installer_files"/* "$SRCDIR/tests/integration/installer-cd.sh" &&
        sha256sum <"$base_image"; } | sha256sum | cut -c1-16)
installer_dir=$INGOT_TEST_CACHE/installer-$installer_id
installer_cd=$installer_dir/cd.iso
installer_system=$installer_dir/system.tar
mkdir -p "$installer_dir"
(
        flock 9
        [ -e "$installer_cd" ] && exit 0
        mkdir "$test_root/installer" && cd "$test_root/installer" || exit 1
        set -e
        installer_make >"$installer_dir/log" 2>&1
        mv cd/system.tar "$installer_system"
        mv cd.iso "$installer_cd"
) 9>"$installer_dir/lock"
[ -e "$installer_cd" ] || {
        sed 's/^/# /' "$installer_dir/log"
        echo "Bail out! the installation CD could not be made"
        exit 1
}
rm -rf "$test_root/installer"
