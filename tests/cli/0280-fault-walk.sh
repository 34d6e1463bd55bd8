#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The nth system call of every seam fails, for all n of some small runs: each ends well or says what
# failed, and nothing is lost, half-written or left behind. tests/tools/fault_walk.py is the judge.
# With INGOT_FAULTS=all each fails in all of its ways (`make faults`).
# shellcheck source=tests/cli/testlib.sh
. "${0%/*}/testlib.sh"

export NO_COLOR=1 INGOT_CACHE=off
# walk TITLE FOLDER ARGUMENTS…: ingot is run in copies of the folder.
walk() {
        walk_title=$1
        shift
        [ "${INGOT_FAULTS-}" != all ] || set -- --all-errors "$@"
        # shellcheck disable=SC2034 # used by the test's text
        walk_args=$*
        test_expect_success "$walk_title" 'python3 "$SRCDIR/tests/tools/fault_walk.py" $walk_args'
}

# A target and a manifest that are there already; a script; archives and checksums.
write_file build/t.pkr.hcl <<'EOF'
source "file" "f" {
  source = "in.txt"
  target = "built/f.txt"
}
build {
  sources = ["file.f"]
  provisioner "shell-local" {
    inline = ["echo hello from ${basename(path.cwd)}"]
  }
  post-processors {
    post-processor "checksum" {
      checksum_types = ["md5", "sha256"]
      output         = "built/{{.ChecksumType}}.sum"
    }
    post-processor "manifest" {
      output = "manifest.json"
    }
  }
  post-processor "compress" {
    output              = "f.tar.gz"
    keep_input_artifact = true
  }
}
EOF
echo golden >build/in.txt
write_file build/built/f.txt <<'EOF'
from the build before
EOF
echo "aaaa	other.txt" >build/built/md5.sum
cat >build/manifest.json <<'EOF'
{"builds": [{"name": "earlier"}], "last_run_uuid": "earlier"}
EOF
walk 'a build with post-processors' build -- build -color=false t.pkr.hcl

# What a template may read, in folders of its own.
write_file null/t.pkr.hcl <<'EOF'
variable "who" {
  type = string
}
locals {
  greeting = trimspace(templatefile("hello.tmpl", { who = var.who }))
  names    = join(",", fileset("files", "*.txt"))
  digest   = sha256(file("files/a.txt"))
}
data "null" "input" {
  input = file("files/a.txt")
}
source "null" "x" {
  communicator = "none"
}
build {
  sources = ["null.x"]
  provisioner "shell-local" {
    environment_vars = ["GREETING=${local.greeting} ${local.names} ${local.digest}"]
    script           = "s.sh"
  }
  provisioner "shell-local" {
    inline = ["echo '${trimspace(data.null.input.output)}'"]
  }
}
EOF
write_file null/values.auto.pkrvars.hcl <<'EOF'
who = "you"
EOF
# shellcheck disable=SC2016 # the template's
echo 'hello ${who}' >null/hello.tmpl
mkdir null/files && echo a >null/files/a.txt && echo b >null/files/b.txt
echo 'echo "$GREETING"' >null/s.sh && chmod +x null/s.sh
walk 'a build that reads files' null -- build -color=false .
walk 'validate' null -- validate .
walk 'inspect' --any-output null -- inspect .

# In one of them is nothing to do, one is only to be found below a folder, one is a link.
write_file fmt/a.pkr.hcl <<'EOF'
locals {
a=1
    bcd   =  2
}
EOF
write_file fmt/fine.pkr.hcl <<'EOF'
locals {
  a = 1
}
EOF
mkdir fmt/below && cp fmt/a.pkr.hcl fmt/below/b.pkr.hcl && chmod 600 fmt/a.pkr.hcl
cp fmt/a.pkr.hcl fmt/target && ln -s target fmt/link.pkr.hcl
walk 'fmt' fmt -- fmt -recursive .

write_file old/t.json <<'EOF'
{
  "builders": [{ "type": "file", "content": "x", "target": "{{user `to`}}" }],
  "variables": { "to": "x.txt" }
}
EOF
walk 'hcl2_upgrade' old -- hcl2_upgrade -output-file=new.pkr.hcl t.json
walk 'fix' old -- fix t.json
# Too many calls for every day.
if [ "${INGOT_FAULTS-}" = all ]; then
        steps=${INGOT_BIN%/*}/../tests/tools/steps
        mkdir parcel && echo disk >base && "$steps" "$PWD/kept/steps" make aa11 - b one 0 "$PWD/base" &&
                "$steps" "$PWD/kept/steps" make bb22 aa11 b two 1 &&
                INGOT_CACHE_DIR=$PWD/kept ingot cache export bb22 -o parcel/step.tar.zst
        walk 'cache import' parcel -- cache import step.tar.zst
fi
walk 'a build from JSON' old -- build -color=false -machine-readable t.json

test_done
