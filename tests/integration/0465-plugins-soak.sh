#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Two hundred builds through plugins in one process: its descriptors, threads and memory do not grow
# from build to build, nor do its children.
. "${0%/*}/testlib.sh"
export INGOT_CACHE=off
# Threads that come and go would each have memory of their own to grow into, for a while.
export MALLOC_ARENA_MAX=1
# shellcheck source=tests/integration/pluginlib.sh
. "${0%/*}/pluginlib.sh"
plugins probe probe5

# many NAME COUNT: so many sources, every kind of component on them
many() {
        {
                for i in $(seq "$2"); do echo "source \"$1-bare\" \"b$i\" {}"; done
                echo "build {"
                echo "  sources = [$(seq -s, -f "\"$1-bare.b%g\"" "$2")]"
                cat <<EOF
  provisioner "$1-provisioner" {
    step {
      do      = "run"
      command = "echo out"
    }
    step {
      do   = "round"
      path = "$PWD/stream-\${source.name}"
      size = 400000
    }
  }
  post-processor "$1-postproc" {
    states = ["nested"]
  }
}
EOF
        } >t.pkr.hcl
}
growth() { python3 "$SRCDIR/tests/tools/growth.py" --memory "$2" ingot build -json -parallel-builds="$1" t.pkr.hcl; }

test_expect_success 'one after the other' 'many probe 200 && growth 1 2048 && plugins_clean'
test_expect_success 'several at a time, the older generation' 'many probe5 160 && growth 3 2048 && plugins_clean'

test_done
