# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=sh disable=SC2154
# A Docker daemon of the test's own, and an image `base:1` of a static busybox. Source it after
# testlib.sh. There is no bridge, so that nothing of the host's network changes: containers need
# --network=host. Sets DOCKER_HOST and dockerd_pid.

docker_dir=$test_root/docker
dockerd_pid=

PATH=$PATH:/usr/sbin:/sbin
for docker_tool in docker dockerd containerd runc busybox; do
	command -v "$docker_tool" >/dev/null || test_skip_all "$docker_tool is not installed"
done
[ "$(id -u)" = 0 ] || test_skip_all "a Docker daemon of one's own needs root"
unshare --mount true 2>/dev/null || test_skip_all "there are no name spaces here"
ldd "$(command -v busybox)" >/dev/null 2>&1 && test_skip_all "busybox is not a static one"

DOCKER_HOST=unix://$docker_dir/sock
export DOCKER_HOST

# Also where one was killed: what its containerd left would be taken for a running one.
start_dockerd() {
	mkdir -p "$docker_dir"
	rm -f "$docker_dir/pid" "$docker_dir"/exec/containerd/*.sock* "$docker_dir/exec/containerd/containerd.pid"
	dockerd --iptables=false --ip6tables=false --bridge=none --data-root "$docker_dir/data" \
		--exec-root "$docker_dir/exec" --pidfile "$docker_dir/pid" -H "$DOCKER_HOST" \
		>>"$docker_dir/log" 2>&1 &
	dockerd_pid=$!
	test_wait 30 docker version >/dev/null 2>&1
}

stop_dockerd() {
	kill "$dockerd_pid" && { wait "$dockerd_pid" || true; } && dockerd_pid=
}

# The daemon unmounts what its folder holds: it has to be gone before that is removed.
docker_cleanup() {
	if [ -n "$dockerd_pid" ]; then
		kill -CONT "$dockerd_pid" 2>/dev/null
		# shellcheck disable=SC2046 # a list of words
		docker rm -f $(docker ps -aq) >/dev/null 2>&1
		kill "$dockerd_pid" 2>/dev/null
		wait "$dockerd_pid" 2>/dev/null
	fi
	grep -o " ${docker_dir}[^ ]*" /proc/mounts | xargs -r umount -l
	test_cleanup
}
trap docker_cleanup EXIT

start_dockerd || {
	tail -n 3 "$docker_dir/log" | sed 's/^/# /'
	test_skip_all "dockerd does not start here"
}

docker_root=$test_root/root
mkdir -p "$docker_root/bin" "$docker_root/tmp" "$docker_root/etc" "$docker_root/srv"
chmod 1777 "$docker_root/tmp"
cp "$(command -v busybox)" "$docker_root/bin/busybox"
for docker_tool in $(busybox --list); do
	[ -e "$docker_root/bin/$docker_tool" ] || ln -s busybox "$docker_root/bin/$docker_tool"
done
printf 'root:x:0:0::/:/bin/sh\napp:x:1000:1000::/:/bin/sh\n' >"$docker_root/etc/passwd"
printf 'root:x:0:\napp:x:1000:\n' >"$docker_root/etc/group"
tar -C "$docker_root" -c . | docker import --change 'CMD ["/bin/date", "+%Y"]' - base:1 >/dev/null

# template FILE "LINES OF THE SOURCE" "LINES OF THE BUILD"
template() {
	write_file "$1" <<-EOF
		source "docker" "web" {
		  image       = "base:1"
		  pull        = false
		  run_command = ["-d", "-i", "-t", "--network=host", "--entrypoint=/bin/sh", "--", "{{ .Image }}"]
		  $2
		}
		build {
		  sources = ["source.docker.web"]
		  $3
		}
	EOF
}

# Neither containers, nor volumes, nor files.
docker_clean() {
	docker_left=$(docker ps -aq && docker volume ls -q)
	[ -z "$docker_left" ] || {
		echo "left behind: $docker_left"
		return 1
	}
	test_clean
}
in_image() {
	docker run --rm --network=host "$@"
}
