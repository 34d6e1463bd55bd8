#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# shellcheck disable=SC2016,SC2154 # templates; set in pluginlib.sh
# Container images through the published docker plugin, on a dockerd of this test's own, in chains
# with what is built in and with another plugin.
. "${0%/*}/testlib.sh"
export INGOT_CACHE=off
. "${0%/*}/pluginlib.sh"
command -v dockerd >/dev/null || test_skip_all "no dockerd (docker.io)"
command -v busybox >/dev/null || test_skip_all "no busybox (busybox-static)"
[ "$(id -u)" = 0 ] || test_skip_all "dockerd needs root"
plugins docker probe

# Another docker may come first on PATH.
docker=/usr/bin/docker
[ -x $docker ] || docker=$(command -v docker)
dk=$test_root/docker
mkdir "$dk"
export DOCKER_HOST="unix://$dk/socket" DOCKER_CONFIG="$dk/config"
dockerd --iptables=false --ip6tables=false --bridge=none --data-root "$dk/data" --exec-root "$dk/exec" \
        --pidfile "$dk/pid" --host "$DOCKER_HOST" >"$dk/log" 2>&1 &
dockerd=$!
stop_dockerd() {
        $docker ps -aq | xargs -r $docker rm -f >/dev/null 2>&1
        kill $dockerd 2>/dev/null
        test_wait 30 test_ended $dockerd >/dev/null
        # the network namespace that it lent stays mounted
        awk -v dk="$dk/" 'index($2, dk) == 1 { print $2 }' /proc/mounts | xargs -r umount
}
trap 'stop_dockerd; test_cleanup' EXIT
test_wait 60 $docker version >/dev/null 2>&1 ||
        test_skip_all "dockerd does not start here: $(tail -n 1 "$dk/log")"

# The smallest base there is: one program under many names.
mkdir -p root/bin root/etc/tree root/tmp && cp "$(command -v busybox)" root/bin/busybox
for name in sh cat cp chmod echo env head id ls mkdir mv rm seq sha256sum sleep tar test; do
        ln -s busybox root/bin/$name
done
echo root:x:0:0:root:/:/bin/sh >root/etc/passwd
tar -C root -c . | $docker import - base:1 >/dev/null ||
        test_skip_all "no image can be made: $(tail -n 1 "$dk/log")"
$docker run --rm --network=host base:1 sh -c 'exit 0' >/dev/null 2>&1 ||
        test_skip_all "no container can run here: $(tail -n 1 "$dk/log")"

containers() { [ -z "$($docker ps -aq)" ] || { $docker ps -a && return 1; }; }
in_image() { $docker run --rm --network=host "$@"; }

# docker_template SOURCE-LINES <BODY
docker_template() {
        cat >body
        cat >t.pkr.hcl <<EOF
packer {
  required_plugins {
    docker = {
      source  = "github.com/hashicorp/docker"
      version = "~> 1.1"
    }
    probe = {
      source  = "github.com/ingot/probe"
      version = "1.0.0"
    }
  }
}
source "docker" "box" {
  docker_path = "$docker"
  image       = "base:1"
  pull        = false
  run_command = ["-d", "-i", "-t", "--network=host", "--entrypoint=/bin/sh", "--", "{{ .Image }}"]
$1
}
build {
  sources = ["docker.box"]
$(cat body)
}
EOF
}

mkdir -p tree/sub && echo one >tree/one && echo two >tree/sub/two
docker_template '  commit  = true
  changes = ["ENV MADE=by-ingot", "CMD [\"cat\", \"/etc/made\"]"]' <<EOF
  provisioner "shell" {
    inline           = ["echo made by \$PACKER_BUILDER_TYPE \$WHO >/etc/made", "echo to err >&2", "cat /etc/made"]
    environment_vars = ["WHO=it's us"]
  }
  provisioner "file" {
    source      = "$PWD/tree/"
    destination = "/etc/tree"
  }
  provisioner "file" {
    content     = "container \${build.ID}\n"
    destination = "/etc/id"
  }
  provisioner "shell-local" {
    inline = ["$docker inspect \${build.ID} | grep '\"Running\": true'"]
  }
  provisioner "probe-provisioner" {
    step {
      do      = "run"
      command = "seq 10000; exit 7"
      quiet   = true
      expect  = 7
    }
    step {
      do   = "round"
      path = "/tmp/stream"
      size = 3000000
    }
    step {
      do      = "run"
      command = "rm /tmp/stream"
    }
  }
  provisioner "file" {
    direction   = "download"
    source      = "/etc/made"
    destination = "$PWD/made"
  }
  post-processors {
    post-processor "docker-tag" {
      docker_path = "$docker"
      repository  = "ingot/made"
      tags        = ["1", "latest"]
    }
    post-processor "docker-save" {
      docker_path = "$docker"
      path        = "$PWD/made.tar"
    }
    post-processor "compress" {
      output              = "$PWD/made.tar.gz"
      keep_input_artifact = true
    }
    post-processor "checksum" {
      checksum_types = ["sha256"]
      output         = "$PWD/made.sum"
    }
    post-processor "manifest" {
      output = "$PWD/manifest.json"
    }
  }
EOF
test_expect_success 'an image is committed, tagged, saved, compressed' '
        ingot validate t.pkr.hcl && build && containers &&
        has "docker.box: made by docker it'"'"'s us" && has "docker.box: to err" && has "\"Running\": true" &&
        has "output: 10000 lines, 48894 bytes" && has "/tmp/stream: 3000000 bytes are the same" &&
        [ "$(cat made)" = "made by docker it'"'"'s us" ] && plugins_clean
'
test_expect_success 'the image is what the template says' '
        in_image ingot/made:1 >out && has "made by docker" && in_image ingot/made env >out && has "MADE=by-ingot" &&
        in_image ingot/made cat /etc/tree/one /etc/tree/sub/two /etc/id >out && has one && has two && has "container " &&
        tar -tf made.tar manifest.json && gzip -t made.tar.gz && grep made.tar made.sum &&
        jq -e ".builds[0].builder_type == \"docker\"" manifest.json
'

docker_template "  export_path = \"$PWD/exported.tar\"" <<EOF
  provisioner "shell" {
    inline = ["echo exported >/etc/made"]
  }
  post-processors {
    post-processor "docker-import" {
      docker_path = "$docker"
      repository  = "ingot/imported"
      tag         = "2"

      keep_input_artifact = true
    }
    post-processor "probe-postproc" {
      show   = true
      result = "same"
      keep   = true
    }
    post-processor "docker-tag" {
      docker_path = "$docker"
      repository  = "ingot/again"
    }
  }
EOF
test_expect_success 'an image is exported, imported, and goes through another plugin' '
        build && containers && tar -xOf exported.tar etc/made | grep exported &&
        in_image ingot/imported:2 cat /etc/made >id && grep exported id &&
        grep "input: packer.post-processor.docker-import; ingot/imported:2" out &&
        in_image ingot/again cat /etc/made | grep exported && plugins_clean
'

cat >t.json <<EOF
{
  "variables": { "word": "classic" },
  "builders": [{
    "type": "docker", "docker_path": "$docker", "image": "base:1", "pull": "false", "commit": true,
    "run_command": ["-d", "-i", "-t", "--network=host", "--entrypoint=/bin/sh", "--", "{{.Image}}"]
  }],
  "provisioners": [
    { "type": "shell", "inline": ["echo {{user \`word\`}} {{build_type}} >/etc/made"] },
    { "type": "probe-provisioner", "text": "in {{build \`ID\`}}" }
  ],
  "post-processors": [[
    { "type": "docker-tag", "docker_path": "$docker", "repository": "ingot/classic", "tags": "{{user \`word\`}}" }
  ]]
}
EOF
test_expect_success 'a JSON template' '
        ingot build t.json >out; code=$?; cat out; [ $code = 0 ] && containers && has "text: in " &&
        in_image ingot/classic:classic cat /etc/made | grep "classic docker" && plugins_clean
'

docker_template '  discard = true' <<EOF
  provisioner "shell" {
    inline = ["echo about to fail", "exit 9"]
  }
EOF
test_expect_success 'a step that fails: the container goes' '
        test_exit 1 build && has "about to fail" && has "9" && containers && plugins_clean
'

docker_template '  discard = true' <<EOF
  provisioner "shell" {
    inline = ["echo in the step", "exec sleep 1000"]
  }
EOF
test_expect_success 'an interrupt: the container goes' '
        python3 "$SRCDIR/tests/tools/upon.py" "\"text\":\"in the step\"" SIGINT -- ingot build -json t.pkr.hcl >out
        code=$?; cat out; [ $code = 1 ] && has "Cleanly cancelled builds after being interrupted" && containers && plugins_clean
'

docker_template '  discard = true
  nonsense = 1' </dev/null
test_expect_success 'a mistake is told by its place' '
        test_exit 1 ingot validate t.pkr.hcl >out && cat out && has nonsense && has "on t.pkr.hcl line 19, in source" && plugins_clean
'

docker_template '  discard = true' </dev/null
sed -i 's/"base:1"/"nowhere:1"/' t.pkr.hcl
test_expect_success 'an image that is not there: what docker says is told' '
        test_exit 1 build && has nowhere:1 && containers && plugins_clean
'

test_done
