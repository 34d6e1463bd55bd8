#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The builder docker with Podman: the same commands, with the differences there are.
# shellcheck disable=SC2016,SC2154
. "${0%/*}/testlib.sh"

PATH=$PATH:/usr/sbin:/sbin
for tool in podman runc busybox; do
	command -v "$tool" >/dev/null || test_skip_all "$tool is not installed"
done
[ "$(id -u)" = 0 ] || test_skip_all "its images are root's here"
ldd "$(command -v busybox)" >/dev/null 2>&1 && test_skip_all "busybox is not a static one"

# All that it keeps lies in the folder of the test; limits that a host in a container can give.
mkdir -p store root/bin root/tmp root/srv
cat >storage.conf <<-EOF
	[storage]
	driver = "vfs"
	runroot = "$PWD/store/run"
	graphroot = "$PWD/store/graph"
EOF
cat >containers.conf <<-EOF
	[containers]
	default_ulimits = ["nofile=1024:1024", "nproc=1024:1024"]
	[engine]
	runtime = "runc"
	cgroup_manager = "cgroupfs"
	events_logger = "file"
EOF
CONTAINERS_STORAGE_CONF=$PWD/storage.conf
CONTAINERS_CONF=$PWD/containers.conf
export CONTAINERS_STORAGE_CONF CONTAINERS_CONF
podman_cleanup() {
	podman rm --all --force --time 0 >/dev/null 2>&1
	grep -o " ${test_root}[^ ]*" /proc/mounts | xargs -r umount -l
	test_cleanup
}
trap podman_cleanup EXIT

cp "$(command -v busybox)" root/bin/busybox
for tool in $(busybox --list); do
	[ -e "root/bin/$tool" ] || ln -s busybox "root/bin/$tool"
done
tar -C root -c . | podman import - base:1 >/dev/null 2>&1 || test_skip_all "podman cannot import an image here"
podman run --rm --network=host localhost/base:1 true >run.txt 2>&1 ||
	test_skip_all "podman cannot run a container here: $(tail -n 1 run.txt)"

mkdir -p dir/sub
echo a >dir/sub/a

template() { # "LINES OF THE SOURCE" "LINES OF THE BUILD"
	write_file a.pkr.hcl <<-EOF
		source "docker" "web" {
		  docker_path = "podman"
		  image       = "localhost/base:1"
		  pull        = false
		  run_command = ["-d", "-i", "-t", "--network=host", "--entrypoint=/bin/sh", "--", "{{ .Image }}"]
		  $1
		}
		build {
		  sources = ["source.docker.web"]
		  $2
		}
	EOF
}
podman_clean() {
	podman_left=$(podman ps -aq && podman volume ls -q)
	[ -z "$podman_left" ] || {
		echo "left behind: $podman_left"
		return 1
	}
	test_clean
}

test_expect_success 'an image is provisioned, committed, tagged and saved' '
	template "
		commit  = true
		message = \"with love\"
		changes = [\"CMD [\\\"cat\\\", \\\"/made\\\"]\"]" "
		provisioner \"file\" {
		  source      = \"dir\"
		  destination = \"/srv\"
		}
		provisioner \"shell\" {
		  inline = [\"echo bad >&2\", \"cat /srv/dir/sub/a && echo made >/made\"]
		}
		provisioner \"file\" {
		  source      = \"/srv/dir/\"
		  destination = \"got\"
		  direction   = \"download\"
		}
		post-processors {
		  post-processor \"docker-tag\" {
		    repository = \"localhost/made\"
		    tags       = [\"1\", \"2\"]
		  }
		  post-processor \"docker-save\" {
		    path = \"made.tar\"
		  }
		}" &&
	ingot build -color=false a.pkr.hcl >out.txt 2>&1 || { cat out.txt; false; } &&
	[ "$(podman run --rm --network=host localhost/made:2 2>/dev/null)" = made ] &&
	cmp dir/sub/a got/sub/a && tar -tf made.tar | grep manifest.json && podman_clean
'

test_expect_success 'an exit status, and an image that is not there' '
	template "discard = true" "
		provisioner \"shell\" {
		  inline = [\"exit 3\"]
		}" &&
	test_exit 1 ingot build -color=false a.pkr.hcl >out.txt 2>&1 &&
	cat out.txt && grep "non-zero exit status: 3" out.txt && podman_clean &&
	sed -i "s/base:1/nosuch:1/" a.pkr.hcl &&
	test_exit 1 ingot build -color=false a.pkr.hcl >out.txt 2>&1 &&
	cat out.txt && grep "pull = true" out.txt && podman_clean
'

test_expect_success 'gc removes the container of a build that was killed' '
	template "discard = true" "
		provisioner \"shell\" {
		  inline = [\"echo hanging; sleep 600\"]
		}" &&
	rm -f out.txt && { ingot build -color=false a.pkr.hcl >out.txt 2>&1 & } && build_pid=$! &&
	test_keep_pid "$build_pid" && test_wait 30 grep -q "web: hanging" out.txt &&
	kill -KILL "$build_pid" && { wait "$build_pid"; true; } &&
	[ -n "$(podman ps -q)" ] && ingot gc >gc.txt 2>&1 && cat gc.txt &&
	grep "container ingot-" gc.txt && podman_clean
'

test_expect_success 'steps are kept as images, and no image is left when they go' '
	ingot cache rm -all && podman rmi --all --force >/dev/null 2>&1
	tar -C root -c . | podman import - base:1 >/dev/null 2>&1 &&
	template "commit = true" "
		provisioner \"shell\" {
		  inline = [\"echo ran 1\", \"echo one >/one\"]
		}
		provisioner \"shell\" {
		  inline = [\"echo ran 2\", \"cat /one\"]
		}" &&
	ingot build -color=false a.pkr.hcl >out.txt 2>&1 || { cat out.txt; false; } &&
	! grep warning: out.txt && [ "$(podman images -q ingot-step | wc -l)" = 2 ] &&
	ingot build -color=false a.pkr.hcl >out.txt 2>&1 && grep "Up to date" out.txt &&
	podman rmi "$(sed -n "s/.*--> .*image: //p" out.txt)" >/dev/null &&
	sed -i "s/ran 2/other 2/" a.pkr.hcl && ingot build -color=false a.pkr.hcl >out.txt 2>&1 &&
	cat out.txt && ! grep "web: ran" out.txt && grep "web: other 2" out.txt &&
	podman rmi "$(sed -n "s/.*--> .*image: //p" out.txt)" >/dev/null &&
	ingot cache rm -all && [ "$(podman images -aq | wc -l)" = 1 ] && podman_clean
'

test_done
