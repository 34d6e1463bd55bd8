#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# shellcheck disable=SC2034,SC2154 # set and used across files and in quoted tests
# A real disk as an OVA, a streamOptimized VMDK and an image for Google's cloud, read back by others and
# compared; the OVA's disk boots on the controller that the descriptor names.
. "${0%/*}/testlib.sh"
export INGOT_CACHE=off # every step runs; reuse has tests of its own

for program in 7z openssl qemu-system-x86_64 qemu-img qemu-nbd; do
        command -v $program >/dev/null || test_skip_all "no $program"
done
. "${0%/*}/base-image.sh"

openssl req -x509 -newkey rsa:2048 -nodes -keyout signing.key -out signing.crt -subj /CN=test 2>/dev/null

write_file export/a.pkr.hcl <<-EOF
	source "null" "web" {
	  communicator = "none"
	}
	build {
	  sources = ["source.null.web"]
	  post-processors {
	    post-processor "artifice" {
	      files = ["$base_image"]
	    }
	    post-processor "export" {
	      formats        = ["ova", "gce"]
	      output         = "web"
	      checksum_types = ["sha256"]
	      image {
	        format    = "vmdk"
	        subformat = "streamOptimized"
	        level     = 1
	      }
	      ovf {
	        guest_os_type    = "debian12_64Guest"
	        product          = "Web"
	        private_key_file = "signing.key"
	        certificate_file = "signing.crt"
	      }
	    }
	  }
	}
EOF

test_expect_success 'three packages in one pass' '
        ingot build export && sha256sum -c web.ova.sha256 web.tar.gz.sha256 web.vmdk.sha256'

test_expect_success 'the OVA has what it should, in order, and signed' '
        mkdir ova && tar -xf web.ova -C ova &&
        [ "$(tar -tf web.ova | tr "\n" " ")" = "web.ovf web-disk1.vmdk web.mf web.cert " ] && (cd ova &&
        sed "s/SHA256(\(.*\))= \(.*\)/\2  \1/" web.mf | sha256sum -c &&
        sed -n "1s/^SHA256(web.mf)= //p" web.cert | python3 -c "
import sys; sys.stdout.buffer.write(bytes.fromhex(sys.stdin.read()))" >signature &&
        openssl x509 -in web.cert -noout -pubkey >public &&
        openssl dgst -sha256 -verify public -signature signature web.mf)'

test_expect_success 'the disks are the source, block by block' '
        qemu-img compare ova/web-disk1.vmdk "$base_image" && qemu-img compare web.vmdk "$base_image"'

test_expect_success 'a reader that is not QEMU reads the same' '
        qemu-img convert -O raw "$base_image" base.raw &&
        7z x -so -tvmdk ova/web-disk1.vmdk 2>/dev/null | cmp - base.raw'

test_expect_success 'the image for Google is a sparse disk.raw of whole GiB' '
        [ "$(tar -tzf web.tar.gz)" = disk.raw ] && tar -xzf web.tar.gz &&
        [ $(($(stat -c %s disk.raw) % (1 << 30))) = 0 ] &&
        [ $(($(stat -c %b disk.raw) * 512)) -lt $((1 << 30)) ] &&
        qemu-img compare -f raw -F raw disk.raw base.raw && rm base.raw disk.raw web.vmdk web.tar.gz'

# With the controller and the network card that the descriptor names. What the builder tells of this machine
# is in the next OVA.
test_expect_success 'the disk of the OVA boots, and the machine is described by the next one' '
        grep -q ">IDE controller<" ova/web.ovf && grep -q ">VmxNet3<" ova/web.ovf &&
        write_file boot/a.pkr.hcl <<-EOF &&
		source "qemu" "again" {
		  disk_image           = true
		  iso_url              = "ova/web-disk1.vmdk"
		  iso_checksum         = "none"
		  disk_interface       = "ide"
		  cpus                 = 2
		  memory               = 640
		  net_device           = "vmxnet3"
		  ssh_timeout          = "3m"
		  headless             = true
		  ssh_username         = "$base_user"
		  ssh_private_key_file = "$base_key"
		  shutdown_command     = "sudo poweroff"
		  output_directory     = "out"
		}
		build {
		  sources = ["source.qemu.again"]
		  provisioner "shell" {
		    inline = ["ls -d /sys/bus/pci/drivers/*/0000:*", "sudo touch /again"]
		  }
		  post-processor "export" {
		    formats = ["ova"]
		  }
		}
	EOF
        ingot build -color=false boot >log 2>&1; cat log
        grep -q "drivers/ata_piix/0" log && grep -q "drivers/vmxnet3/0" log &&
        tar -xf exported/again.ova && grep -q ">2 virtual CPU(s)<" again.ovf &&
        grep -q ">640MB of memory<" again.ovf && grep -q ">VmxNet3<" again.ovf &&
        grep -q "vmw:key=\"firmware\" vmw:value=\"bios\"" again.ovf &&
        qemu-img compare again-disk1.vmdk out/packer-again'

test_done
