#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The nth system call of every seam fails, for all n of a small build over a real sshd.
. "${0%/*}/testlib.sh"
# shellcheck source=tests/integration/sshd.sh
. "${0%/*}/sshd.sh"

export NO_COLOR=1
start_sshd "MaxStartups 100"

mkdir -p walked/tree/sub && echo a >walked/tree/a && echo b >walked/tree/sub/b
cat >walked/t.pkr.hcl <<END
source "null" "box" {
  ssh_host             = "127.0.0.1"
  ssh_port             = $port
  ssh_username         = "root"
  ssh_private_key_file = "$dir/key"
  ssh_timeout          = "20s"
}
build {
  sources = ["null.box"]
  provisioner "file" {
    source      = "tree"
    destination = "\${path.cwd}/../guest"
  }
  provisioner "shell" {
    remote_folder = "\${path.cwd}/../guest"
    inline        = ["cat \${path.cwd}/../guest/tree/sub/b"]
  }
  provisioner "file" {
    direction   = "download"
    source      = "\${path.cwd}/../guest/tree/a"
    destination = "got"
  }
}
END

# A download that fails leaves what came, as everywhere.
test_expect_success 'every system call of a build over SSH fails in turn' '
        python3 "$SRCDIR/tests/tools/fault_walk.py" --may-be-cut got walked -- build -color=false t.pkr.hcl
'

test_done
