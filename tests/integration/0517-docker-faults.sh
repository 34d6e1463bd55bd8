#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# A build of a container whose daemon is killed or comes again, whose disk is full, that is interrupted
# once or twice, in each of its phases: what is said, how it ends, and that nothing is left.
# shellcheck disable=SC2016,SC2034,SC2154
. "${0%/*}/testlib.sh"
export INGOT_CACHE=off # every step runs; reuse has tests of its own

command -v docker-registry >/dev/null || test_skip_all "docker-registry is not installed"
. "${0%/*}/dockerd.sh"
. "${0%/*}/registry.sh"
start_registry || exit 1
real=$(command -v docker)

# Stands before the real one. The command of the phase, STOP_AT, goes half its way and says so by the
# file `reached`. HOW is `frozen`: the daemon has it and does not answer; or `half`: the daemon does its
# part, but whoever asked does not get all of it. CLEAN_UP: the removing of the container comes so far, too.
mkfifo "$test_root/never"
write_file "$test_root/bin/docker" <<-EOT
	#!/bin/sh
	halt() { : >"$PWD/\$1"; read -r _ <"$test_root/never"; }
	[ "\$1" = rm ] && [ -n "\$CLEAN_UP" ] && halt cleaning
	[ "\$1" = "\$STOP_AT" ] && [ ! -e "$PWD/reached" ] || exec "$real" "\$@"
	case \$HOW-\$1 in
	frozen-*) kill -STOP "\$(cat "$docker_dir/pid")"; : >"$PWD/reached"; exec "$real" "\$@" ;;
	half-cp | half-import) { head -c 100000; halt reached; cat; } | exec "$real" "\$@" ;;
	half-export | half-save) "$real" "\$@" | { head -c 100000; halt reached; cat; } ;;
	half-pull | half-push) kill -STOP "$registry_pid"; : >"$PWD/reached"; exec "$real" "\$@" ;;
	half-*) "$real" "\$@" >/dev/null; halt reached ;;
	esac
EOT
chmod +x "$test_root/bin/docker"
head -c 2000000 /dev/urandom >big
docker tag base:1 "$registry/base:1" && docker push "$registry/base:1" >push.log 2>&1 || exit 1
"$real" images -aq | sort >images

# build_of PHASE: a template that comes through this phase
build_of() {
	end='commit = true'
	post=
	step='provisioner "shell" {
		inline = ["true"]
	}'
	case $1 in
	exec) step='provisioner "shell" {
		inline = ["echo hanging; sleep 600"]
	}' ;;
	cp) step='provisioner "file" {
		source      = "big"
		destination = "/big"
	}' ;;
	export) end='export_path = "out/root.tar"' ;;
	save) post='post-processor "docker-save" {
		path = "out/image.tar"
	}' ;;
	push) post="post-processors {
		post-processor \"docker-tag\" {
		  repository = \"$registry/pushed\"
		}
		post-processor \"docker-push\" {
		}
	}" ;;
	import) end='export_path = "out/root.tar"' post='post-processor "docker-import" {
		repository = "imported"
	}' ;;
	esac
	template t.pkr.hcl "$end" "$step
		$post"
	sed -i "s/\"--network=host\"/&, \"--stop-timeout=1\"/" t.pkr.hcl
	[ "$1" != pull ] || sed -i "s/pull *= false//; s|base:1|$registry/base:1|" t.pkr.hcl
	[ "$1" != build ] || sed -i "s/pull *= false//; s|image *= .*|build {\npath = \"Dockerfile\"\npull = false\n}|" t.pkr.hcl
}
printf 'FROM base:1\nRUN echo hanging; sleep 600\n' >Dockerfile

# begin PHASE HOW [CLEAN_UP]: until it is in the middle of this phase; sets build_pid
begin() {
	rm -rf out reached cleaning out.txt
	"$real" version >/dev/null 2>&1 || start_dockerd || return 1
	build_of "$1"
	stop_at=$1
	[ "$1-$2" != build-half ] && [ "$1" != exec ] || stop_at=
	STOP_AT=$stop_at HOW=$2 CLEAN_UP=${3:-} ingot build -color=false t.pkr.hcl >out.txt 2>&1 &
	build_pid=$!
	test_keep_pid "$build_pid"
	if [ -z "$stop_at" ]; then
		test_wait 30 grep -q "web: hanging" out.txt
	else
		test_wait 30 test -e reached
	fi || { cat out.txt && return 1; }
}
ended() { # CODE
	wait "$build_pid"
	ended_code=$?
	kill -CONT "$registry_pid" 2>/dev/null
	cat out.txt
	[ "$ended_code" = "$1" ]
}
says() { tr -s '\n ' '  ' <out.txt | grep -q -E -e "$1" || { echo "not said: $1" && return 1; }; }

# What a build has made and is told to be kept (an image whose push or save fails) is away before.
nothing_left() {
	sed -n 's/^--> docker.web: Imported Docker image: \([^ ]*\).*/\1/p' out.txt | sort -u |
		xargs -r "$real" rmi -f >/dev/null 2>&1
	"$real" images -aq | sort | diff images - && docker_clean && test_absent out/root.tar.ingot-part &&
		test_absent out/image.tar.ingot-part
}

# ---- the daemon ------------------------------------------------------------------------------

# PHASE MESSAGE: the daemon is killed there, and comes again
while read -r phase message; do
	test_expect_success "the daemon is killed: $phase" "
		begin $phase frozen && kill -KILL \"\$dockerd_pid\" && { wait \"\$dockerd_pid\"; true; } && ended 1 &&
		says '$message' && start_dockerd && ingot gc && nothing_left
	"
done <<-\EOT
	pull cannot pull .*base:1.: .*(daemon|EOF)
	build cannot build an image of .Dockerfile.: .*(daemon|EOF)
	run cannot start a container: .*(daemon|EOF)
	exec the connection to the container was lost
	cp the connection to the container was lost
	commit cannot commit the container: .*(daemon|EOF)
	export cannot export the container to .out/root.tar.: .*(daemon|EOF|lost)
	save cannot save the image to .out/image.tar.: .*(daemon|EOF)
	push cannot push .*/pushed.: .*(daemon|EOF)
	import cannot import .out/root.tar.: .*(daemon|EOF)
EOT

for phase in exec cp; do
	test_expect_success "the daemon comes again: $phase" "
		begin $phase half && kill \"\$dockerd_pid\" && { wait \"\$dockerd_pid\"; true; } && start_dockerd && ended 1 &&
		says 'the container ended by itself with status|the connection to the container was lost' &&
		ingot gc && nothing_left
	"
done

# ---- interrupts --------------------------------------------------------------------------------

# The daemon takes its own containers away, a moment later.
test_expect_success 'an interrupt: build' '
	begin build half && kill -INT "$build_pid" && ended 1 && says "Cleanly cancelled builds" &&
	test_wait 20 nothing_left
'
for phase in pull run exec cp commit export save push import; do
	test_expect_success "an interrupt: $phase" "
		begin $phase half && kill -INT \"\$build_pid\" && ended 1 &&
		says 'Cancelling build after receiving interrupt' && says 'Cleanly cancelled builds after being interrupted' &&
		! grep warning: out.txt && nothing_left
	"
done

for phase in run exec export; do
	test_expect_success "a second interrupt, while the first is cleaned up after: $phase" "
		begin $phase half 1 && kill -INT \"\$build_pid\" && test_wait 30 test -e cleaning &&
		kill -INT \"\$build_pid\" && ended 1 && says 'container ingot-' &&
		says 'ingot gc' && [ -n \"\$(docker ps -aq)\" ] && ingot gc && nothing_left
	"
done

# ---- full disks --------------------------------------------------------------------------------

mkdir -p out small && mount -t tmpfs -o size=100k none small
for phase in export save; do
	test_expect_success "the disk is full: $phase" "
		rm -rf out && build_of $phase && sed -i 's|out/|small/|' t.pkr.hcl && { STOP_AT= ingot build -color=false t.pkr.hcl >out.txt 2>&1
			[ \$? = 1 ]; } && cat out.txt && says 'cannot (export|save) the (container|image) to .small/.*[Nn]o space left on device' &&
		says 'make room in .*small' && [ -z \"\$(ls -A small)\" ] && nothing_left
	"
done
umount small

test_done
