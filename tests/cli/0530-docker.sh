#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The builder docker and its post-processors, as far as no daemon is needed: what prepare() refuses,
# what is said where there is no Docker, and a tool that fails or lies.
# shellcheck disable=SC2016,SC2034,SC2154
# shellcheck source=tests/cli/testlib.sh
. "${0%/*}/testlib.sh"

# template "LINES OF THE SOURCE" "LINES OF THE BUILD"
template() {
	write_file a.pkr.hcl <<-EOF
		source "docker" "web" {
		  $1
		}
		build {
		  sources = ["source.docker.web"]
		  ${2:-}
		}
	EOF
}
good='image = "base:1"
pull = false
commit = true'

refuses() { # TEXT
	test_exit 1 ingot validate a.pkr.hcl >out 2>&1 && cat out && grep -F "$1" out
}

test_expect_success 'exactly one way to end' '
	template "image = \"x\"" && refuses "expected commit, discard" &&
	template "image = \"x\"
		commit  = true
		discard = true" && refuses "Cannot specify more than one of commit, discard, and export_path" &&
	template "image = \"x\"
		export_path = \"/tmp\"" && refuses "must be a file, not a directory"
'

test_expect_success 'what is not supported is told' '
	template "$good
		windows_container = true" && refuses "Windows containers are not supported"
'

test_expect_success 'an image, a login, and names that are missing' '
	template "commit = true" && refuses "image must be specified" &&
	template "$good
		login = true" && refuses "login needs login_username and login_password" &&
	template "$good" "
		post-processor \"docker-tag\" {
		}" && refuses "repository must be specified" &&
	template "$good" "
		post-processor \"docker-save\" {
		}" && refuses "path must be specified"
'

test_expect_success 'all options of the plugin are known' '
	template "
		image = \"x\"
		commit = true
		author = \"a\"
		changes = [\"USER x\"]
		container_dir = \"/c\"
		device = [\"/dev/fuse\"]
		cap_add = [\"ALL\"]
		cap_drop = [\"ALL\"]
		docker_path = \"podman\"
		exec_user = \"u:g\"
		message = \"m\"
		privileged = true
		pty = true
		runtime = \"runc\"
		pull = true
		run_command = [\"-d\", \"{{ .Image }}\"]
		tmpfs = [\"/x\"]
		volumes = { \"~/x\" = \"/y\" }
		fix_upload_owner = false
		platform = \"linux/amd64\"
		login = true
		login_username = \"u\"
		login_password = \"p\"
		login_server = \"s\"" "
		post-processors {
		  post-processor \"docker-tag\" {
		    repository = \"r\"
		    tags = [\"1\"]
		  }
		  post-processor \"docker-push\" {
		    platform = \"p\"
		    login = true
		    login_username = \"u\"
		    login_password = \"p\"
		  }
		  post-processor \"docker-import\" {
		    repository = \"r\"
		    tag = \"t\"
		    changes = [\"USER x\"]
		    platform = \"p\"
		  }
		}" && ingot validate a.pkr.hcl
'

test_expect_success 'without Docker: what to install' '
	template "$good" && mkdir -p only && PATH=$PWD/only &&
	test_exit 1 "$test_root/bin/ingot" build -color=false a.pkr.hcl >out 2>&1
	PATH=$test_root/bin:/usr/bin:/bin
	cat out && grep -F "cannot run '"'docker'"': not found in PATH" out &&
	grep "apt install docker.io" out && grep "podman" out && test_clean
'

# tool "CASES": a tool that answers as told; what it was asked is in the file asked.
tool() {
	write_file tool/docker-fake <<-EOF
		#!/bin/sh
		echo "\$*" >>asked
		case "\$*" in
		$1
		esac
	EOF
	chmod +x tool/docker-fake && rm -f asked
}
id=$(printf '%064d' 7)
fake="image = \"base:1\"
docker_path = \"$PWD/tool/docker-fake\"
commit = true"
image_facts='echo "[{\"Id\":\"sha256:1\",\"Config\":{\"Cmd\":[\"run\"],\"Entrypoint\":null}}]"'
container_facts="echo '[{\"Id\":\"$id\",\"Config\":{\"Entrypoint\":[\"/bin/sh\"]}}]'"

test_expect_success 'a whole build, command by command' '
	tool "
		pull*) echo Pulling ;;
		\"image inspect\"*) $image_facts ;;
		run*) echo $id ;;
		wait*) exec sleep 60 ;;
		*self/status*) printf \"u 5\\\\ng 6\\\\nt /memory\\\\n\" ;;
		exec*\"exit 9\"*) exit 9 ;;
		\"cp -\"*) cat >upload.tar ;;
		\"container inspect\"*) $container_facts ;;
		commit*) echo sha256:2 ;;
		rm*) echo gone ;;" &&
	template "$fake" "
		provisioner \"file\" {
		  content     = \"hello\"
		  destination = \"/opt/x\"
		}" &&
	ingot build -color=false a.pkr.hcl >out 2>&1 || { cat out; false; } &&
	cat asked && tar --numeric-owner -tvf upload.tar | tee list && grep "5/6 .* 5 .* x$" list &&
	sed "s/ingot-[0-9a-f-]*\.1/NAME/; s/ingot-step:[0-9a-f]*/STEP/; s/ -- while.*/ -- QUESTION/; s/ -c while.*/ -c QUESTION/" asked >got &&
	cat >want <<-EOF &&
		pull base:1
		image inspect base:1
		image inspect base:1
		run -d --name NAME -d -i -t --entrypoint=/bin/sh -- base:1
		wait $id
		exec $id /bin/sh -c QUESTION
		cp - $id:/opt
		info --format {{.ID}}
		commit --pause=true $id STEP
		image inspect STEP
		commit --change ENTRYPOINT [""] --change CMD ["run"] $id
		rm --force --volumes NAME
	EOF
	sort want >a && sort got | diff a - && test_clean
'

# Commands "in the container" run here.
here='for last; do :; done; exec /bin/sh -c "$last"'

test_expect_success 'scripts come and go through one shell that stays' '
	tool "
		\"image inspect\"*) $image_facts ;;
		run*) echo $id ;;
		wait*) exec sleep 60 ;;
		\"cp -\"*) exit 1 ;;
		exec*) $here ;;
		rm*) echo gone ;;" &&
	template "$fake
		pull = false" "
		provisioner \"shell\" {
		  remote_folder = \"$PWD\"
		  inline        = [\"echo one >>ran\"]
		}
		provisioner \"shell\" {
		  remote_folder = \"$PWD\"
		  inline        = [\"echo two >>ran; ls -l script_* >mode\"]
		}" &&
	sed -i "s/commit = true/discard = true/" a.pkr.hcl &&
	ingot build -color=false -no-cache a.pkr.hcl >out 2>&1 || { cat out asked; false; } &&
	cat ran mode asked && [ "$(tr "\n" " " <ran)" = "one two " ] && grep "^-rwxr-xr-x" mode &&
	! ls script_* && [ "$(grep -c "^exec" asked)" = 4 ] && ! grep "^cp" asked && test_clean
'

test_expect_success 'a shell that answers nonsense, or never lived: the long way' '
	tool "
		\"image inspect\"*) $image_facts ;;
		run*) echo $id ;;
		wait*) exec sleep 60 ;;
		\"cp -\"*) exec tar -x -C \"\${3#*:}\" -f - ;;
		exec*\"read -r op\"*) echo did what; [ -e once ] && exit 0; touch once; cat >/dev/null ;;
		exec*) $here ;;
		rm*) echo gone ;;" &&
	rm -f ran && ingot build -color=false -no-cache a.pkr.hcl >out 2>&1 || { cat out asked; false; } &&
	cat ran asked && [ "$(tr "\n" " " <ran)" = "one two " ] && ! ls script_* &&
	[ "$(grep -c "^cp -" asked)" = 2 ] && [ "$(grep -c "read -r op" asked)" = 3 ] && test_clean
'

test_expect_success 'a tool that does not say what it made' '
	tool "
		\"image inspect\"*) $image_facts ;;
		run*) echo nonsense ;;
		rm*) echo gone ;;" &&
	template "$fake" && test_exit 1 ingot build -color=false -no-cache a.pkr.hcl >out 2>&1 &&
	cat out && grep "run. did not say which container it made" out && grep "^rm --force" asked && test_clean
'

test_expect_success 'a tool whose answer is no JSON' '
	tool "
		\"image inspect\"*) echo what ;;" &&
	template "$fake" && test_exit 1 ingot build -color=false -no-cache a.pkr.hcl >out 2>&1 &&
	cat out && grep "the answer of .inspect. is not understood" out && test_clean
'

test_expect_success 'a container that is made while its client is interrupted' '
	tool "
		\"image inspect\"*) $image_facts ;;
		run*) echo running >&2; sleep 60 ;;
		rm*) [ -e late ] && echo gone; touch late ;;" &&
	template "$fake" &&
	{ ingot build -color=false -no-cache a.pkr.hcl >out 2>&1 & } && build_pid=$! && test_keep_pid $build_pid &&
	test_wait 10 grep -q "^run" asked && kill -INT "$build_pid" &&
	{ wait "$build_pid"; [ $? = 1 ]; } && cat out asked &&
	[ "$(grep -c "^rm --force" asked)" = 2 ] && test_clean
'

test_expect_success 'post-processors refuse what is no image' '
	write_file b.pkr.hcl <<-\EOF &&
		source "file" "x" {
		  content = "x"
		  target  = "x.txt"
		}
		build {
		  sources = ["source.file.x"]
		  post-processor "docker-tag" {
		    repository = "r"
		  }
		}
	EOF
	test_exit 1 ingot build -color=false -no-cache b.pkr.hcl >out 2>&1 &&
	cat out && grep "Unknown artifact type: packer.file" out && grep "docker-tag works on images" out
'

test_done
