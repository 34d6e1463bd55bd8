#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# shellcheck disable=SC2154 # variables come from testlib.sh and base-image.sh
# Boxes and the real Vagrant: it adds what the qemu builder's disks became, and starts a box of a system
# through a libvirt of its own, which sees nothing of this host's network.
. "${0%/*}/testlib.sh"
export INGOT_CACHE=off

command -v vagrant >/dev/null || test_skip_all "no vagrant"
for program in qemu-system-x86_64 qemu-img jq; do
        command -v $program >/dev/null || test_skip_all "no $program"
done
export VAGRANT_HOME="$PWD/vagrant" VAGRANT_CHECKPOINT_DISABLE=1
unset MAKEFLAGS

# A firmware that resets the machine: mov $0xfe, %al; out %al, $0x64; hlt; jmp back
{
        head -c 65520 /dev/zero
        printf '\260\376\346\144\364\353\371\0\0\0\0\0\0\0\0\0'
} >reset.rom
head -c 65536 /dev/zero >boot.iso
cat >disks.pkr.hcl <<'EOF'
source "qemu" "d" {
  communicator         = "none"
  headless             = true
  memory               = 16
  firmware             = "reset.rom"
  qemuargs             = [["-no-reboot"]]
  vm_name              = "disk"
  iso_checksum         = "none"
  iso_url              = "boot.iso"
  disk_size            = "64M"
  disk_additional_size = ["1M", "2M", "3M", "4M", "5M", "6M", "7M", "8M", "9M", "10M"]
  skip_compaction      = true
}
build {
  sources = ["source.qemu.d"]
  post-processor "vagrant" {
    output = "{{ .BuildName }}.box"
  }
}
EOF
test_expect_success 'Vagrant adds a box of many disks, which are in their order' '
        ingot build -color=false disks.pkr.hcl >out && cat out && test_absent output-d && vagrant box add --name d d.box &&
        box=$VAGRANT_HOME/boxes/d/0/libvirt && jq -c . $box/metadata.json && [ "$(jq ".disks | length" $box/metadata.json)" = 11 ] &&
        [ "$(qemu-img info --output=json $box/box_0.img | jq .[\"virtual-size\"])" = 67108864 ] &&
        [ "$(qemu-img info --output=json $box/box_2.img | jq .[\"virtual-size\"])" = 2097152 ] &&
        [ "$(qemu-img info --output=json $box/box_10.img | jq .[\"virtual-size\"])" = 10485760 ] &&
        grep "libvirt.driver = \"\(qemu\|kvm\)\"" $box/Vagrantfile && rm -rf vagrant/boxes/d'

# ---- a box that starts ---------------------------------------------------------------------------------

why=
[ "$(id -u)" = 0 ] || why="a libvirt of its own needs root"
[ -n "$why" ] || unshare -mn true 2>/dev/null || why="no namespaces of mounts and networks here"
for program in libvirtd virsh dnsmasq iptables; do
        [ -n "$why" ] || command -v $program >/dev/null || why="no $program"
done
[ -n "$why" ] || dpkg -s vagrant-libvirt >/dev/null 2>&1 || why="no vagrant-libvirt"
if [ -n "$why" ]; then
        test_skip 'Vagrant starts a box' "$why"
        test_done
        exit
fi
# shellcheck source=tests/integration/base-image.sh
. "${0%/*}/base-image.sh"

cat >box.rb <<EOF
Vagrant.configure("2") do |config|
  config.ssh.username = "$base_user"
  config.ssh.insert_key = false
  config.vm.synced_folder ".", "/vagrant", disabled: true
end
EOF
cat >system.pkr.hcl <<EOF
source "file" "s" {
  content = "x"
  target  = "x.txt"
}
build {
  sources = ["source.file.s"]
  post-processors {
    post-processor "artifice" {
      files = ["$base_image"]
    }
    post-processor "vagrant" {
      provider_override    = "libvirt"
      output               = "system.box"
      compression_level    = 1
      vagrantfile_template = "box.rb"
      keep_input_artifact  = true
    }
  }
}
EOF
mkdir project
cp "$base_key" key && chmod 600 key
cat >project/Vagrantfile <<EOF
Vagrant.configure("2") do |config|
  config.vm.box = "system"
  config.ssh.private_key_path = "$PWD/key"
  config.vm.provider :libvirt do |libvirt|
    libvirt.driver = "qemu"
    libvirt.cpus = 2
    libvirt.memory = 512
    libvirt.graphics_type = "none"
    libvirt.management_network_mode = "none"
    libvirt.storage_pool_path = "$PWD/pool"
  end
end
EOF

# Runs in namespaces of its own. What libvirt keeps is in memory and gone with them.
cat >start.sh <<'EOF'
set -e
ip link set lo up
for dir in /run/libvirt /var/lib/libvirt /var/log/libvirt /etc/libvirt /var/cache/libvirt; do
        mkdir -p $dir && mount -t tmpfs none $dir
done
mkdir -p /etc/libvirt/qemu/networks /var/lib/libvirt/dnsmasq /var/lib/libvirt/qemu pool
cat >/etc/libvirt/qemu.conf <<-X
	user = "root"
	group = "root"
	security_driver = "none"
	remember_owner = 0
	namespaces = []
	stdio_handler = "file"
X
cat >/etc/libvirt/libvirtd.conf <<-X
	auth_unix_ro = "none"
	auth_unix_rw = "none"
X
# It looks these names up, whoever the guests are to run as.
grep -v '^libvirt-qemu:' /etc/passwd >passwd && grep -v '^libvirt-qemu:\|^kvm:' /etc/group >group
echo 'libvirt-qemu:x:64055:64055::/var/lib/libvirt:/usr/sbin/nologin' >>passwd
printf 'libvirt-qemu:x:64055:\nkvm:x:64056:\n' >>group
mount --bind passwd /etc/passwd && mount --bind group /etc/group
libvirtd >libvirtd.log 2>&1 &
trap 'kill $!' EXIT
test_until=$(($(date +%s) + 30))
until virsh -q -c qemu:///system version >/dev/null 2>&1; do
        [ "$(date +%s)" -lt $test_until ] || { cat libvirtd.log && exit 1; }
done
cd project
status=0
timeout 300 vagrant up --provider=libvirt || status=1
timeout 60 vagrant ssh -c 'echo "guest $(hostname) $(lsblk -no SIZE /dev/vda | head -1)"' || status=1
virsh -c qemu:///system destroy project_default
exit $status
EOF

test_expect_success 'Vagrant starts a box' '
        ingot build -color=false system.pkr.hcl >out && cat out && vagrant box add --name system system.box && rm system.box &&
        unshare -mn --propagation private --pid --fork --mount-proc --kill-child sh start.sh >up 2>&1; cat up
        grep "Machine booted and ready!" up && grep "guest ingot-test" up'
test_done
