#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# A Debian as people use it: one template makes a disk in QEMU and a container image side by side, with
# the same packages in both. The image goes to a registry and comes back.
# shellcheck disable=SC2016,SC2034,SC2154
. "${0%/*}/testlib.sh"
export INGOT_CACHE=off # every step runs; reuse has tests of its own

for program in qemu-system-x86_64 qemu-img docker-registry dpkg-deb ansible-playbook; do
	command -v $program >/dev/null || test_skip_all "no $program"
done
. "${0%/*}/dockerd.sh"
. "${0%/*}/registry.sh"
. "${0%/*}/base-container.sh"
. "${0%/*}/base-image.sh"

# Two packages, one of which needs the other: apt has to order them.
make_package() { # NAME VERSION "CONTROL LINES"
	mkdir -p "pkg/$1/DEBIAN" "pkg/$1/usr/bin" debs
	printf 'Package: %s\nVersion: %s\nArchitecture: all\nMaintainer: Test <test@example.org>\nDescription: test\n%s' \
		"$1" "$2" "$3" >"pkg/$1/DEBIAN/control"
	printf '#!/bin/sh\necho %s %s from $(cat /etc/message)\n' "$1" "$2" >"pkg/$1/usr/bin/$1"
	chmod 755 "pkg/$1/usr/bin/$1"
	dpkg-deb --root-owner-group -b "pkg/$1" "debs/$1.deb" >/dev/null
}
make_package web-tool 1.4-2 "Depends: web-library (>= 2)
"
make_package web-library 2.0-1 ""
echo 'the host' >message
cp "$base_key" key && chmod 600 key

write_file install.sh <<-\EOF
	set -e
	[ "$(id -u)" = 0 ] && root= || root=sudo
	list() { dpkg-query -W -f '${Package} ${Version} ${db:Status-Status}\n' | sort; }
	list >/tmp/before
	$root env DEBIAN_FRONTEND=noninteractive apt-get install -y /tmp/debs/*.deb
	list >/tmp/after
	diff /tmp/before /tmp/after | grep '^[<>]' >/tmp/changed
	$root install -m 644 /tmp/message /etc/message
	$root rm -r /tmp/debs /tmp/before /tmp/after /tmp/message
EOF

write_file site.yml <<-\EOF
	- hosts: all
	  gather_facts: false
	  tasks:
	    - copy:
	        content: "from Ansible for {{ packer_build_name }}\n"
	        dest: /etc/by-ansible
	        mode: "0640"
EOF
write_file both.pkr.hcl <<-EOF
	source "qemu" "vm" {
	  iso_url              = "$base_image"
	  iso_checksum         = "none"
	  disk_image           = true
	  skip_resize_disk     = true
	  accelerator          = "tcg"
	  headless             = true
	  memory               = 512
	  ssh_username         = "$base_user"
	  ssh_private_key_file = "key"
	  ssh_timeout          = "10m"
	  vm_name              = "disk"
	  output_directory     = "out"
	  shutdown_command     = "sudo systemctl poweroff"
	}
	source "docker" "box" {
	  image       = "debian:test"
	  pull        = false
	  commit      = true
	  changes     = ["LABEL made=here"]
	  run_command = ["-d", "-i", "-t", "--network=host", "--entrypoint=/bin/sh", "--", "{{ .Image }}"]
	}
	variable "registry" {
	  default = "localhost"
	}
	build {
	  sources = ["source.qemu.vm", "source.docker.box"]

	  provisioner "file" {
	    source      = "debs"
	    destination = "/tmp"
	  }
	  provisioner "file" {
	    source      = "message"
	    destination = "/tmp/message"
	  }
	  provisioner "shell" {
	    script = "install.sh"
	  }
	  provisioner "ansible" {
	    playbook_file = "site.yml"
	    only          = ["docker.box"]
	  }
	  provisioner "file" {
	    direction   = "download"
	    source      = "/tmp/changed"
	    destination = "changed.\${source.type}"
	  }
	  post-processors {
	    post-processor "docker-tag" {
	      repository = "\${var.registry}/team/real"
	      tags       = ["1", "latest"]
	      only       = ["docker.box"]
	    }
	    post-processor "docker-push" {
	      only = ["docker.box"]
	    }
	    post-processor "shell-local" {
	      inline = ["echo \${build.Digest} >digest"]
	      only   = ["docker.box"]
	    }
	  }
	}
EOF

test_expect_success 'without Docker the same template says what to install' '
	mkdir -p only && ln -s "$(command -v ansible-playbook)" only/ && PATH=$PWD/only && test_exit 1 "$test_root/bin/ingot" build -color=false \
		-only=docker.box both.pkr.hcl >out.txt 2>&1
	PATH=$test_root/bin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
	cat out.txt && grep -F "cannot run '"'docker'"': not found in PATH" out.txt &&
	grep "apt install docker.io" out.txt && docker_clean
'

test_expect_success 'one template, a disk and a container image side by side' '
	start_registry && ingot build -color=false -var "registry=$registry" both.pkr.hcl >out.txt 2>&1 ||
		{ cat out.txt; false; } &&
	grep -- "--> qemu.vm: VM files in directory: out" out.txt &&
	grep -- "--> docker.box: Imported Docker image: $registry/team/real:latest with tags" out.txt && docker_clean
'

test_expect_success 'the same packages came into both' '
	cat changed.qemu && cmp changed.qemu changed.docker &&
	grep -x "> web-tool 1.4-2 installed" changed.qemu && grep -x "> web-library 2.0-1 installed" changed.qemu &&
	[ "$(wc -l <changed.qemu)" = 2 ]
'

test_expect_success 'the image is in the registry; a container of its digest has what was put into it' '
	digest=$(cat digest) && write_file shown.sh <<-\EOT &&
		set -e
		web-tool
		stat -c "mode %a" /etc/by-ansible
		cat /etc/by-ansible
		dpkg-query -W -f "found \${Version}\n" web-library
	EOT
	docker rmi "$registry/team/real:1" "$registry/team/real:latest" &&
	test_exit 1 docker image inspect "$digest" &&
	write_file back.pkr.hcl <<-EOT &&
		source "docker" "back" {
		  image       = "$digest"
		  discard     = true
		  run_command = ["-d", "-i", "-t", "--network=host", "{{ .Image }}"]
		}
		build {
		  sources = ["source.docker.back"]
		  provisioner "shell" {
		    script = "shown.sh"
		  }
		}
	EOT
	ingot build -color=false back.pkr.hcl >out.txt 2>&1 || { cat out.txt; false; } &&
	grep "web-tool 1.4-2 from the host" out.txt && grep "found 2.0-1" out.txt &&
	grep "from Ansible for box" out.txt && grep "mode 640" out.txt && docker_clean &&
	[ "$(in_image "$digest" web-tool)" = "web-tool 1.4-2 from the host" ] &&
	docker image inspect -f "{{ .Config.Labels.made }} {{ .Config.Cmd }} {{ .Config.Entrypoint }}" "$digest" >config &&
	cat config && grep -x "here \[/bin/bash\] \[.*\]" config
'

test_done
