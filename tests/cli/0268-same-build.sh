#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# A legacy JSON template, and the same written as HCL and as JSON syntax of HCL: the same builds,
# event by event and file by file.
# shellcheck source=tests/cli/testlib.sh
. "${0%/*}/testlib.sh"

write_file legacy/t.json <<'EOF'
{
  "variables": {"who": "world", "code": "0"},
  "sensitive-variables": ["who"],
  "builders": [
    {"type": "null", "name": "one", "communicator": "none"},
    {"type": "file", "name": "two", "content": "made of {{build_name}}", "target": "out/two.txt"}
  ],
  "provisioners": [
    {"type": "shell-local", "inline": ["echo \"hello {{user `who`}} from {{build_name}} of {{build_type}}\"", "echo oops >&2"],
     "pause_before": "10ms"},
    {"type": "shell-local", "environment_vars": ["WHO={{user `who`}}", "N=1"], "inline": ["echo \"$WHO $N $PACKER_BUILD_NAME\" | rev"],
     "override": {"two": {"environment_vars": ["WHO=special", "N=2"]}}},
    {"type": "shell-local", "inline": ["echo only one, id {{build `ID`}}"], "only": ["one"]},
    {"type": "shell-local", "inline": ["[ {{user `code`}} = 0 ] || [ -e again-$PACKER_BUILD_NAME ] || { touch again-$PACKER_BUILD_NAME; exit 3; }"],
     "max_retries": 1, "except": ["two"]},
    {"type": "file", "source": "t.json", "destination": "/nowhere", "only": ["two"]},
    {"type": "shell-local", "inline": ["exit {{user `code`}}"], "valid_exit_codes": [0, 9], "timeout": "1m", "only": ["two"]}
  ],
  "error-cleanup-provisioner": {"type": "shell-local", "inline": ["echo swept {{build_name}}"]},
  "post-processors": [
    {"type": "manifest", "output": "manifest.json", "strip_time": true, "custom_data": {"id": "{{build `ID`}}"}},
    [{"type": "checksum", "checksum_types": ["sha256"], "output": "sums.{{.ChecksumType}}", "only": ["two"]},
     {"type": "compress", "output": "packed.tar", "only": ["two"], "keep_input_artifact": true}],
    [{"type": "shell-local", "name": "last", "inline": ["echo after $PACKER_BUILD_NAME"]}]
  ]
}
EOF
write_file hcl/t.pkr.hcl <<'EOF'
variable "who" {
  type      = string
  default   = "world"
  sensitive = true
}
variable "code" {
  type    = string
  default = "0"
}
source "null" "one" {
  communicator = "none"
}
source "file" "two" {
  content = "made of two"
  target  = "out/two.txt"
}
build {
  sources = ["source.null.one", "source.file.two"]
  provisioner "shell-local" {
    inline       = ["echo \"hello ${var.who} from ${source.name} of ${source.type}\"", "echo oops >&2"]
    pause_before = "10ms"
  }
  provisioner "shell-local" {
    environment_vars = ["WHO=${var.who}", "N=1"]
    inline           = ["echo \"$WHO $N $PACKER_BUILD_NAME\" | rev"]
    override = {
      two = { environment_vars = ["WHO=special", "N=2"] }
    }
  }
  provisioner "shell-local" {
    inline = ["echo only one, id ${build.ID}"]
    only   = ["null.one"]
  }
  provisioner "shell-local" {
    inline      = ["[ ${var.code} = 0 ] || [ -e again-$PACKER_BUILD_NAME ] || { touch again-$PACKER_BUILD_NAME; exit 3; }"]
    max_retries = 1
    except      = ["file.two"]
  }
  provisioner "file" {
    source      = "t.pkr.hcl"
    destination = "/nowhere"
    only        = ["file.two"]
  }
  provisioner "shell-local" {
    inline           = ["exit ${var.code}"]
    valid_exit_codes = [0, 9]
    timeout          = "1m"
    only             = ["file.two"]
  }
  error-cleanup-provisioner "shell-local" {
    inline = ["echo swept ${source.name}"]
  }
  post-processor "manifest" {
    name        = "manifest"
    output      = "manifest.json"
    strip_time  = true
    custom_data = { id = "{{ build `ID` }}" }
  }
  post-processors {
    post-processor "checksum" {
      name           = "checksum"
      checksum_types = ["sha256"]
      output         = "sums.{{.ChecksumType}}"
      only           = ["file.two"]
    }
    post-processor "compress" {
      name                = "compress"
      output              = "packed.tar"
      only                = ["file.two"]
      keep_input_artifact = true
    }
  }
  post-processor "shell-local" {
    name   = "last"
    inline = ["echo after $PACKER_BUILD_NAME"]
  }
}
EOF
mkdir -p json
python3 - <<'EOF'
import json
shell = lambda lines, **more: {"shell-local": [dict(inline=lines, **more)]}
post = lambda kind, **more: {kind: [more]}
t = {
    "variable": {"who": {"type": "string", "default": "world", "sensitive": True},
                 "code": {"type": "string", "default": "0"}},
    "source": {"null": {"one": {"communicator": "none"}},
               "file": {"two": {"content": "made of two", "target": "out/two.txt"}}},
    "build": [{
        "sources": ["source.null.one", "source.file.two"],
        "provisioner": [
            shell(['echo "hello ${var.who} from ${source.name} of ${source.type}"', "echo oops >&2"], pause_before="10ms"),
            shell(['echo "$WHO $N $PACKER_BUILD_NAME" | rev'], environment_vars=["WHO=${var.who}", "N=1"],
                  override={"two": {"environment_vars": ["WHO=special", "N=2"]}}),
            shell(["echo only one, id ${build.ID}"], only=["null.one"]),
            shell(["[ ${var.code} = 0 ] || [ -e again-$PACKER_BUILD_NAME ] || { touch again-$PACKER_BUILD_NAME; exit 3; }"],
                  max_retries=1, **{"except": ["file.two"]}),
            {"file": [{"source": "t.pkr.json", "destination": "/nowhere", "only": ["file.two"]}]},
            shell(["exit ${var.code}"], valid_exit_codes=[0, 9], timeout="1m", only=["file.two"]),
        ],
        "error-cleanup-provisioner": shell(["echo swept ${source.name}"]),
        "post-processor": [
            post("manifest", name="manifest", output="manifest.json", strip_time=True, custom_data={"id": "{{ build `ID` }}"}),
        ],
        "post-processors": [{"post-processor": [
            post("checksum", name="checksum", checksum_types=["sha256"], output="sums.{{.ChecksumType}}", only=["file.two"]),
            post("compress", name="compress", output="packed.tar", only=["file.two"], keep_input_artifact=True)]},
            {"post-processor": [
            post("shell-local", name="last", inline=["echo after $PACKER_BUILD_NAME"])]}],
    }],
}
open("json/t.pkr.json", "w").write(json.dumps(t, indent=1))
EOF

# events FOLDER TEMPLATE CODE: builds there and leaves what is comparable in FOLDER.events
events() {
        (
                cd "$1" && rm -rf out again-* sums.* packed.tar manifest.json
                ingot build -json -parallel-builds=1 -var code="$3" "$2" >events.json
                echo "exit $?"
                jq -c 'del(.time, .seconds, .monotonic) | select(.event != "progress")' <events.json
                echo "files:" && find . -type f ! -name events.json ! -name 't.*' | sort && cat manifest.json sums.* out/* 2>/dev/null
        ) | sed -E 's/ingot-[0-9a-f-]+\.[0-9]+/RUN/g; s/packer-shell[A-Za-z0-9]+/SCRIPT/g; s/[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}/UUID/g;
                s/after [0-9]+ [a-z]+( [0-9]+ [a-z]+)?/after TIME/g; s/t\.(json|pkr\.hcl|pkr\.json|json\.pkr\.hcl)/TEMPLATE/g;
                s/TEMPLATE:[0-9]+/TEMPLATE:LINE/g' >"$1.events"
}

# same NAME: the events of that form against those of the legacy template
same() {
        diff legacy.events "$1.events" >"$1.diff" && return 0
        cat "$1.diff"
        return 1
}

for code in 0 7; do
        export code

        test_expect_success "code $code: HCL" '
                events legacy t.json $code && cat legacy.events && events hcl t.pkr.hcl $code && same hcl
        '

        test_expect_success "code $code: JSON syntax of HCL" '
                events json t.pkr.json $code && same json
        '
done

test_expect_success 'the builds did what they should' '
        grep "exit 1" legacy.events && grep "\"swept two\"" legacy.events && ! grep "swept one" legacy.events &&
        grep "retrying with 1 trie(s) left" legacy.events && events legacy t.json 0 &&
        grep "exit 0" legacy.events && grep "hello <sensitive> from two of file" legacy.events &&
        grep "\"owt 2 laiceps\"" legacy.events && grep "only one, id Null" legacy.events && ! grep "hello world" legacy.events &&
        grep "\"builder_id\":\"packer.post-processor.compress\"" legacy.events && grep "\"artifact_id\": \"File\"" legacy.events
'

test_done
