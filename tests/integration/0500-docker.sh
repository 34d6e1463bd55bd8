#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The builder docker against a real daemon: from an image over provisioners to another image, a file,
# a registry; and nothing left behind by failures, interrupts and kills.
# shellcheck disable=SC2016,SC2034,SC2154
. "${0%/*}/testlib.sh"
. "${0%/*}/dockerd.sh"
. "${0%/*}/registry.sh"

# ---- the way of a build ----------------------------------------------------------------------

mkdir -p dir/sub/empty
echo a >dir/a
echo b >dir/sub/b
ln -s ../a dir/sub/link
chmod 700 dir/sub
chmod 640 dir/a
name=$(printf 'n%0.s' $(seq 200))
echo long >"dir/$name"

test_expect_success 'an image is provisioned, committed and tagged' '
	template a.pkr.hcl "
		commit  = true
		author  = \"me\"
		message = \"with love\"
		changes = [\"ENV COLOR=blue\"]" "
		provisioner \"shell\" {
		  inline = [\"echo out\", \"echo bad >&2\", \"cat >/dev/null\", \"echo made >/made\", \"rm /bin/head\"]
		}
		provisioner \"file\" {
		  source      = \"dir\"
		  destination = \"/srv\"
		}
		provisioner \"file\" {
		  source      = \"dir/\"
		  destination = \"/new\"
		}
		provisioner \"shell\" {
		  inline = [\"echo image=\${build.SourceImageSha256} type=\${build.ConnType}\"]
		}
		post-processors {
		  post-processor \"docker-tag\" {
		    repository = \"made\"
		    tags       = [\"1\", \"2\"]
		  }
		  post-processor \"docker-save\" {
		    path = \"out/made.tar\"
		  }
		  post-processor \"shell-local\" {
		    inline = [\"echo after \${build.ImageSha256}\"]
		  }
		}" &&
	ingot build -color=false a.pkr.hcl >out.txt 2>&1 || { cat out.txt; false; } &&
	grep "web: out$" out.txt && grep "web: bad$" out.txt &&
	grep "image=sha256:[0-9a-f]* type=docker" out.txt && grep "after sha256:[0-9a-f]" out.txt &&
	grep -- "--> docker.web: Imported Docker image: made:2 with tags made:1 made:2" out.txt &&
	docker_clean
'

test_expect_success 'the image has the files, and the command that its source had' '
	[ "$(in_image made:1 cat /made)" = made ] &&
	[ "$(in_image made:1)" = "$(date +%Y)" ] &&
	[ "$(in_image made:1 sh -c "echo \$COLOR")" = blue ] &&
	docker image inspect made:2 >facts && grep "\"Author\": \"me\"" facts &&
	grep "\"Comment\": \"with love\"" facts &&
	in_image made:1 sh -c "cd /srv/dir && stat -c \"%a %u %n\" a sub sub/empty; readlink sub/link
		cat n*; ls /new; ls /packer-files; ls -A /tmp | wc -l" >files 2>&1
	cat files
	grep -x "640 0 a" files && grep -x "700 0 sub" files && grep -x ../a files &&
	grep -x long files && grep -qx sub files && grep -x 0 files && grep "packer-files: No such" files
'

test_expect_success 'the saved file is an image' '
	tar -tf out/made.tar | grep manifest.json && test_absent out/made.tar.ingot-part
'

test_expect_success 'bytes, exit codes, users, places in memory' '
	head -c 300000 /dev/urandom >big && mkdir -p got &&
	template b.pkr.hcl "
		discard   = true
		exec_user = \"app\"
		tmpfs     = [\"/scratch\"]" "
		provisioner \"file\" {
		  source      = \"big\"
		  destination = \"/tmp/big\"
		}
		provisioner \"shell\" {
		  inline = [
		    \"stat -c owner=%U:%G /tmp/big\", \"id -un\",
		    \"ln -s big /tmp/link\", \"mkdir -p /tmp/d/e\", \"cp /tmp/big /tmp/d/e/f\", \"ln -s e /tmp/d/in\",
		    \"ln -s /etc/passwd /tmp/d/out\", \"ln /tmp/d/e/f /tmp/d/hard\"]
		}
		provisioner \"shell\" {
		  inline           = [\"exit 7\"]
		  valid_exit_codes = [7]
		}
		provisioner \"file\" {
		  source      = \"/tmp/link\"
		  destination = \"got/big\"
		  direction   = \"download\"
		}
		provisioner \"file\" {
		  source      = \"/tmp/d/\"
		  destination = \"got/d\"
		  direction   = \"download\"
		}
		provisioner \"file\" {
		  content     = \"memory\"
		  destination = \"/scratch/in-memory\"
		}
		provisioner \"shell\" {
		  inline = [\"cat /scratch/in-memory; echo\"]
		}" &&
	sed -i "s/\"--network=host\"/\"--network=host\", \"--tmpfs\", \"\\/more\"/" b.pkr.hcl &&
	ingot build -color=false b.pkr.hcl >out.txt 2>&1 || { cat out.txt; false; } &&
	grep "owner=app:app" out.txt && grep "web: app$" out.txt && grep "web: memory$" out.txt &&
	cmp big got/big && cmp big got/d/e/f && cmp big got/d/hard &&
	[ "$(readlink got/d/in)" = e ] && [ ! -L got/d/out ] && grep "warning.*out.*left out" out.txt &&
	docker_clean
'

test_expect_success 'a terminal, a shared directory, volumes' '
	template c.pkr.hcl "
		discard       = true
		pty           = true
		container_dir = \"/shared\"
		volumes       = { \"$PWD/got\" = \"/got:ro\" }" "
		provisioner \"shell\" {
		  inline = [\"test -t 1 && echo on a terminal\", \"cmp /got/big /got/d/hard && echo same\",
		            \"echo x >/shared/x && echo written\"]
		}" &&
	ingot build -color=false c.pkr.hcl >out.txt 2>&1 || { cat out.txt; false; } &&
	grep "on a terminal" out.txt && grep "web: same" out.txt && grep "web: written" out.txt &&
	docker_clean
'

test_expect_success 'a file system in a tar file, imported again, and a box for Vagrant that names the image' '
	template d.pkr.hcl "export_path = \"out/root.tar\"" "
		provisioner \"shell\" {
		  inline = [\"echo exported >/exported\"]
		}
		post-processors {
		  post-processor \"docker-import\" {
		    repository = \"imported\"
		    tag        = \"3\"
		    changes    = [\"CMD [\\\"cat\\\", \\\"/exported\\\"]\"]
		  }
		  post-processor \"vagrant\" {
		    output = \"out/{{ .Provider }}.box\"
		  }
		}" &&
	ingot build -color=false d.pkr.hcl >out.txt 2>&1 || { cat out.txt; false; } &&
	[ "$(in_image imported:3)" = exported ] && test_absent out/root.tar && docker_clean &&
	tar -xzOf out/docker.box metadata.json | jq -e ".provider == \"docker\"" &&
	tar -xzOf out/docker.box Vagrantfile | grep "docker.image = .imported:3."
'

# ---- a registry ------------------------------------------------------------------------------

if command -v docker-registry >/dev/null; then
	test_expect_success 'a registry with passwords' '
		hash=$(echo "bcrypt(\"s3cret-word\")" | ingot console) && echo "me:$hash" >htpasswd &&
		start_registry auth: "  htpasswd:" "    realm: test" "    path: $PWD/htpasswd" ||
			{ cat registry.log; false; }
	'

	test_expect_success 'an image is pushed by all its names; the login is gone afterwards' '
		template e.pkr.hcl "commit = true" "
			post-processors {
			  post-processor \"docker-tag\" {
			    repository = \"$registry/team/made\"
			    tags       = [\"1\", \"2\"]
			  }
			  post-processor \"docker-push\" {
			    login          = true
			    login_server   = \"$registry\"
			    login_username = \"me\"
			    login_password = \"s3cret-word\"
			  }
			  post-processor \"shell-local\" {
			    inline = [\"echo digest \${build.Digest}\"]
			  }
			}" &&
		PACKER_LOG=1 ingot build -color=false e.pkr.hcl >out.txt 2>&1 || { cat out.txt; false; } &&
		! grep s3cret out.txt && grep "digest $registry/team/made@sha256:" out.txt &&
		curl -fsu me:s3cret-word "http://$registry/v2/team/made/tags/list" >tags &&
		grep "\"1\"" tags && grep "\"2\"" tags &&
		! grep -r "$registry" "$HOME/.docker" && docker_clean
	'

	test_expect_success 'and pulled with another login' '
		docker rmi "$registry/team/made:1" "$registry/team/made:2" &&
		template f.pkr.hcl "
			discard        = true
			login          = true
			login_server   = \"$registry\"
			login_username = \"me\"
			login_password = \"s3cret-word\"" "
			provisioner \"shell\" {
			  inline = [\"echo digest \${build.SourceImageDigest}\"]
			}" &&
		sed -i "/pull *=/d; s|\"base:1\"|\"$registry/team/made:2\"|" f.pkr.hcl &&
		ingot build -color=false f.pkr.hcl >out.txt 2>&1 || { cat out.txt; false; } &&
		grep "digest $registry/team/made@sha256:" out.txt && docker_clean
	'

	test_expect_success 'steps are kept for the image that the registry has, not for its name' '
		sed "s/echo digest.*\"/echo ran $((6 * 7))\"/" f.pkr.hcl >m.pkr.hcl &&
		ingot build -color=false m.pkr.hcl >out.txt 2>&1 || { cat out.txt; false; } &&
		grep "ran 42" out.txt &&
		ingot build -color=false m.pkr.hcl >out.txt 2>&1 && cat out.txt && grep "after step 1 of 1" out.txt &&
		[ "$(grep -c "Pulling Docker" out.txt)" = 1 ] && ! grep "ran 42" out.txt &&
		echo s3cret-word | docker --config cfg login -u me --password-stdin "$registry" >/dev/null 2>&1 &&
		docker tag base:1 "$registry/team/made:2" && docker --config cfg push -q "$registry/team/made:2" &&
		docker tag "$registry/team/made:1" "$registry/team/made:2"
		ingot build -color=false m.pkr.hcl >out.txt 2>&1 && cat out.txt && grep "ran 42" out.txt &&
		ingot cache rm -all && docker_clean
	'

	test_expect_success 'a wrong password, a tag that is not there' '
		sed "s/s3cret-word/wr0ng-word/" f.pkr.hcl >g.pkr.hcl &&
		test_exit 1 ingot build -color=false g.pkr.hcl >out.txt 2>&1 &&
		cat out.txt && grep "cannot log in to the registry: .*401 Unauthorized" out.txt &&
		! grep wr0ng out.txt && docker_clean &&
		sed "s|made:2|made:9|" f.pkr.hcl >g.pkr.hcl &&
		test_exit 1 ingot build -color=false g.pkr.hcl >out.txt 2>&1 &&
		cat out.txt && grep "cannot pull .*made:9.*manifest unknown" out.txt && docker_clean
	'
else
	test_skip 'a registry' 'docker-registry is not installed'
fi

# ---- what goes wrong -------------------------------------------------------------------------

test_expect_success 'a step that fails: its status, and no container' '
	template h.pkr.hcl "commit = true" "
		provisioner \"shell\" {
		  inline = [\"echo before; exit 3\"]
		}" &&
	test_exit 1 ingot build -color=false h.pkr.hcl >out.txt 2>&1 &&
	cat out.txt && grep "non-zero exit status: 3" out.txt && docker_clean
'

test_expect_success 'an image that is not there' '
	sed "s/base:1/nosuch:1/" h.pkr.hcl >i.pkr.hcl &&
	test_exit 1 ingot build -color=false i.pkr.hcl >out.txt 2>&1 &&
	cat out.txt && grep "cannot use the image .nosuch:1." out.txt && grep "pull = true" out.txt &&
	docker_clean
'

test_expect_success 'a container whose command ends at once' '
	sed "s|\"--entrypoint=/bin/sh\", \"--\", \"{{ .Image }}\"|\"{{ .Image }}\", \"echo\", \"that was it\"|" \
		h.pkr.hcl >j.pkr.hcl &&
	test_exit 1 ingot build -color=false j.pkr.hcl >out.txt 2>&1 &&
	cat out.txt && grep -E "ended by itself with status 0|its command ended at once" out.txt && docker_clean
'

# A build that hangs in a provisioner; sets build_pid.
hang() {
	template l.pkr.hcl "commit = true" "
		provisioner \"shell\" {
		  inline = [\"echo hanging; sleep 600\"]
		}" &&
	rm -f out.txt
	ingot build -color=false "$@" l.pkr.hcl >out.txt 2>&1 &
	build_pid=$!
	test_keep_pid "$build_pid"
	test_wait 30 grep -q "web: hanging" out.txt
}

test_expect_success 'a container that ends in the middle is told at once' '
	hang && docker kill "$(docker ps -q)" && { wait "$build_pid"; [ $? = 1 ]; } &&
	cat out.txt && grep "the container ended by itself with status 137" out.txt && docker_clean
'

test_expect_success 'an interrupt ends it and removes the container' '
	hang && kill -INT "$build_pid" && { wait "$build_pid"; [ $? = 1 ]; } &&
	cat out.txt && docker_clean
'

test_expect_success 'an interrupt while the image is made leaves no image' '
	docker images --all --quiet --no-trunc | sort >before &&
	template l.pkr.hcl "commit = true" "
		provisioner \"shell\" {
		  inline = [\"dd if=/dev/urandom of=/big bs=1M count=60\"]
		}" &&
	rm -f out.txt && { INGOT_LOG_PATH=log.txt INGOT_LOG=1 ingot build -color=false -no-cache l.pkr.hcl >out.txt 2>&1 & } &&
	build_pid=$! && test_keep_pid "$build_pid" && test_wait 30 grep -q "Committing" out.txt &&
	test_wait 10 grep -q "started: docker commit" log.txt &&
	kill -INT "$build_pid" && { wait "$build_pid"; [ $? = 1 ]; } && cat out.txt &&
	docker images --all --quiet --no-trunc | sort | diff before - && docker_clean
'

test_expect_success 'gc removes the container of a build that was killed' '
	hang && kill -KILL "$build_pid" && { wait "$build_pid"; true; } &&
	[ -n "$(docker ps -q)" ] && ingot gc >gc.txt 2>&1 && cat gc.txt &&
	grep "container ingot-" gc.txt && docker_clean
'

cat >logged-docker <<-'EOF'
	#!/bin/sh
	echo "$*" >>argv
	exec docker "$@"
EOF
chmod +x logged-docker
cat >secret.pkr.hcl <<-'EOF'
	variable "word" {
	  default   = "it's hidden"
	  sensitive = true
	}
	source "docker" "web" {
	  docker_path = "./logged-docker"
	  image       = "base:1"
	  pull        = false
	  discard     = true
	  run_command = ["-d", "-i", "-t", "--network=host", "--entrypoint=/bin/sh", "--", "{{ .Image }}"]
	}
	build {
	  sources = ["docker.web"]
	  provisioner "shell" {
	    env              = { WORD = var.word }
	    inline           = ["test \"$WORD\" = \"it's $(echo hidden)\" || exit 1", "env | grep INGOT_ && exit 2", "exit 7"]
	    valid_exit_codes = [7]
	  }
	}
EOF
test_expect_success 'secrets of commands are no arguments; the status is that of the command' '
	ingot build -color=false -no-cache secret.pkr.hcl >out.txt 2>&1
	got=$?; cat out.txt argv
	[ $got = 0 ] && grep "^exec .*INGOT_COMMAND" argv && ! grep hidden argv && docker_clean
'

test_expect_success '-on-error=abort leaves the container and says how to remove it' '
	test_exit 1 ingot build -color=false -on-error=abort h.pkr.hcl >out.txt 2>&1 &&
	cat out.txt && [ -n "$(docker ps -q)" ] &&
	eval "$(sed -n "s/.*remove it with: \(docker rm .*\)/\1/p" out.txt)" && [ -z "$(docker ps -aq)" ] &&
	rm -rf "$TMPDIR"/ingot-*
'

test_expect_success 'a daemon that dies is told; what it had is removed when it is back' '
	hang && kill -KILL "$dockerd_pid" && { wait "$dockerd_pid"; true; } &&
	{ wait "$build_pid"; [ $? = 1 ]; } && cat out.txt &&
	grep "the connection to the container was lost" out.txt &&
	grep "warning: container ingot-.* is left" out.txt &&
	start_dockerd && ingot gc && docker_clean
'

test_expect_success 'a daemon that does not run' '
	kill "$dockerd_pid" && { wait "$dockerd_pid"; true; } && dockerd_pid= &&
	test_exit 1 ingot build -color=false h.pkr.hcl >out.txt 2>&1 &&
	cat out.txt && grep "Cannot connect to the Docker daemon" out.txt && grep "dockerd does not run" out.txt &&
	test_clean
'

test_done
