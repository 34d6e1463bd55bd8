#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Logins at registries, with a server that plays AWS and a tool that plays Docker; images of a
# Dockerfile; what a pull says.
# shellcheck disable=SC2016,SC2034,SC2154
# shellcheck source=tests/cli/testlib.sh
. "${0%/*}/testlib.sh"
. "${0%/*}/cloudlib.sh"

start_server aws || exit 1
export INGOT_CACHE=off # every step runs; reuse has tests of its own
export AWS_ENDPOINT_URL="$url" AWS_EC2_METADATA_DISABLED=true AWS_MAX_ATTEMPTS=2
id=$(printf '%064d' 7)

# tool "CASES": a tool that answers as told; what it was asked is in the file asked, what it was
# told in said, what it was configured by in config.
tool() {
	write_file docker-fake <<-EOF
		#!/bin/sh
		echo "\$*" >>asked
		case "\$*" in
		login*) cat >>said; echo >>said; echo "\$DOCKER_CONFIG" >>config ;;
		$1
		"image inspect"*) echo '[{"Id":"sha256:1","Config":{"Cmd":["run"],"Entrypoint":null}}]' ;;
		run*) echo $id ;;
		wait*) exec sleep 60 ;;
		"container inspect"*) echo '[{"Id":"$id","Config":{}}]' ;;
		commit*) echo sha256:2 ;;
		rm*) echo gone ;;
		esac
	EOF
	chmod +x docker-fake && rm -f asked said config
}

# template "LINES OF THE SOURCE" "LINES OF THE BUILD"
template() {
	write_file a.pkr.hcl <<-EOF
		source "docker" "web" {
		  docker_path = "$PWD/docker-fake"
		  $1
		}
		build {
		  sources = ["source.docker.web"]
		  ${2:-}
		}
	EOF
}
keys='aws_access_key = "AKIDENV"
aws_secret_key = "env-secret"'
server=123456789012.dkr.ecr.eu-central-1.amazonaws.com
refuses() { # TEXT
	test_exit 1 ingot validate a.pkr.hcl >out 2>&1 && cat out && grep -F -- "$1" out
}
build() { ingot build -color=false a.pkr.hcl >out 2>&1; }

test_expect_success 'a pull logs in to a private registry with a key of the template, and out again' '
	tool "" && template "discard = true
		image        = \"$server/team/web:1\"
		ecr_login    = true
		login_server = \"https://$server/\"
		$keys" && PACKER_LOG=1 build || { cat out; false; }
	cat asked said && [ "$(cat said)" = private-pass-123456789012 ] &&
	grep -x "login -u AWS --password-stdin https://$server/" asked && grep -x "logout https://$server/" asked &&
	grep -q "^/" config && test_absent "$(cat config)" && ! grep -e private-pass -e env-secret out && test_clean
'

test_expect_success 'with a profile of the template, whatever the environment says' '
	write_file "$HOME/.aws/credentials" <<-\EOF &&
		[ci]
		aws_access_key_id = AKIDFILE
		aws_secret_access_key = file-secret
	EOF
	: >"$test_root/aws.log" &&
	template "discard = true
		image        = \"$server/team/web:1\"
		ecr_login    = true
		login_server = \"$server\"
		aws_profile  = \"ci\"" &&
	AWS_ACCESS_KEY_ID=AKIDENV AWS_SECRET_ACCESS_KEY=env-secret build || { cat out; false; }
	[ "$(requests aws AKIDFILE/)" = 1 ] && [ "$(requests aws AKIDENV/)" = 0 ]
'

test_expect_success 'a push logs in to the public registry with what the surroundings have' '
	export AWS_ACCESS_KEY_ID=AKIDENV AWS_SECRET_ACCESS_KEY=env-secret &&
	tool "" && template "commit = true
		image = \"x\"
		pull  = false" "
		post-processors {
		  post-processor \"docker-tag\" {
		    repository = \"public.ecr.aws/team/web\"
		  }
		  post-processor \"docker-push\" {
		    ecr_login    = true
		    login_server = \"public.ecr.aws/team\"
		  }
		}
		post-processors {
		  post-processor \"docker-push\" {
		    ecr_login                = true
		    login_server             = \"registry.example.org\"
		    aws_force_use_public_ecr = true
		  }
		}"
	test_exit 1 build; cat out asked said
	grep -x "login -u AWS --password-stdin public.ecr.aws/team" asked && [ "$(head -1 said)" = public-pass ] &&
	grep -x "push public.ecr.aws/team/web" asked && grep "no name to push it by" out
'

test_expect_success 'the DOCKER_CONFIG of the user is where logins are looked for' '
	tool "" && mkdir -p own && echo "{\"auths\":{\"kept.example\":{}}}" >own/config.json &&
	template "discard = true
		image        = \"$server/team/web:1\"
		ecr_login    = true
		login_server = \"$server\"" && sed -i "s/^login\*)/&  cp \$DOCKER_CONFIG\/config.json seen;/" docker-fake &&
	DOCKER_CONFIG=$PWD/own build || { cat out; false; }
	grep kept.example seen && [ "$(cat config)" != "$PWD/own" ]
'

test_expect_success 'legacy templates say the same' '
	tool "build*) echo sha256:$id >\"\$4\" ;;" && write_file a.json <<-EOF &&
		{"builders": [{"type": "docker", "docker_path": "$PWD/docker-fake", "discard": true, "ecr_login": true,
		  "login_server": "$server", "build": {"path": "Dockerfile", "arguments": {"A": "1"}, "pull": false}}]}
	EOF
	echo "FROM scratch" >Dockerfile
	ingot build -color=false a.json >out 2>&1 || { cat out asked; false; }
	grep -- "^build --force-rm --iidfile .* -f Dockerfile --build-arg A=1 \.$" asked && ! grep ^pull asked
'

test_expect_success 'what AWS refuses, and answers that are none' '
	for row in "403:AccessDeniedException: not authorized" "500:the answer is not JSON" "501:no token" \
		"502:no token" "503:no token" "504:no token"; do
		tool "" && template "discard = true
			image        = \"x\"
			ecr_login    = true
			login_server = \"${row%%:*}.dkr.ecr.eu-central-1.amazonaws.com\"" &&
		test_exit 1 build && grep -F "AWS gives no login for" out && grep -F "${row#*:}" out &&
		! grep ^login asked && test_clean || { cat out; return 1; }
	done
	tool "" && template "discard = true
		image        = \"x\"
		ecr_login    = true
		login_server = \"404.dkr.ecr.eu-central-1.amazonaws.com\"" && build &&
	[ "$(cat said)" = private-pass-404 ] &&
	unset AWS_ACCESS_KEY_ID AWS_SECRET_ACCESS_KEY && test_exit 1 build && cat out &&
	grep "cannot find credentials for AWS" out
'

test_expect_success 'mistakes in the options' '
	template "discard = true
		image     = \"x\"
		ecr_login = true" && refuses "ECR login requires login server to be provided." &&
	template "discard = true
		image        = \"x\"
		ecr_login    = true
		login_server = \"registry.example.org\"" && refuses "public.ecr.aws" &&
	template "discard = true
		image          = \"x\"
		ecr_login      = true
		login_server   = \"$server\"
		aws_access_key = \"k\"" && refuses "belong together"
'

# ---- an image of a Dockerfile ------------------------------------------------------------------

test_expect_success 'the image that a Dockerfile makes is what the container is made of' '
	tool "build*) echo Step 1/1; echo sha256:$id >\"\$4\" ;;" && mkdir -p ctx &&
	template "commit = true
		platform = \"linux/arm64\"
		build {
		  path      = \"Dockerfile\"
		  build_dir = \"ctx\"
		  compress  = true
		  arguments = { VERSION = \"1 2\", A = \"b\" }
		}" "
		provisioner \"shell-local\" {
		  inline = [\"echo from \${build.SourceImageSha256}\"]
		}" && build || { cat out; false; }
	cat asked out && grep "web: Step 1/1" out && grep "from sha256:1" out &&
	grep -- "^build --force-rm --iidfile .*/docker-image-id -f Dockerfile --pull --compress --platform linux/arm64 --build-arg A=b --build-arg VERSION=1 2 ctx$" asked &&
	grep -- "^run .* -- sha256:[017]*$" asked && grep -x "image inspect sha256:$id" asked && ! grep ^pull asked && test_clean
'

test_expect_success 'a build that fails, and one that does not say what it made' '
	tool "build*) echo \"COPY failed: no such file\" >&2; exit 1 ;;" && test_exit 1 build && cat out &&
	grep "cannot build an image of .Dockerfile.: .*COPY failed" out && ! grep ^run asked && test_clean &&
	tool "build*) echo nonsense >\"\$4\" ;;" && test_exit 1 build && cat out &&
	grep "build. did not say which image it made" out && ! grep ^run asked && test_clean
'

test_expect_success 'mistakes in the block' '
	template "discard = true
		image = \"x\"
		build {
		  path = \"Dockerfile\"
		}" && refuses "image and build cannot both" &&
	template "discard = true
		build {
		  build_dir = \"ctx\"
		}" && refuses "path" &&
	template "discard = true
		build {
		  path = \"nowhere\"
		}" && refuses "'"'nowhere'"' does not exist" &&
	template "discard = true
		build {
		  path      = \"Dockerfile\"
		  build_dir = \"Dockerfile\"
		}" && refuses "is no directory" && template "discard = true" && refuses "image must be specified"
'

# ---- what a pull says -----------------------------------------------------------------------

test_expect_success 'layers move a progress bar; the rest of a pull is shown' '
	tool "pull*) echo \"1: Pulling from team/web\"
		for layer in 0123456789ab 123456789abc 23456789abcd; do
			for state in \"Pulling fs layer\" Waiting \"Verifying Checksum\" \"Download complete\" \"Pull complete\"; do
				echo \"\$layer: \$state\"
			done
		done
		echo \"Digest: sha256:99\"; echo \"deadbeef: not a layer\" ;;" &&
	template "discard = true
		image = \"x\"" && build || { cat out; false; }
	cat out && grep "web: 1: Pulling from" out && grep "web: Digest: sha256:99" out && grep "web: deadbeef: not" out &&
	! grep -i "fs layer" out && ! grep -i "(download|pull) complete" out &&
	ingot build -json a.pkr.hcl >json && jq -c "select(.event == \"progress\")" json >bar && cat json bar &&
	grep "\"text\":\"pulling\",\"done\":3,\"total\":3" bar
'

test_done
