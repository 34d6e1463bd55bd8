#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The README's first command: both images of the quickstart, and their proof.
. "${0%/*}/testlib.sh"

command -v qemu-system-x86_64 >/dev/null || test_skip_all "no qemu-system-x86_64"
INGOT_CACHE_DIR=$INGOT_TEST_CACHE/cache
export INGOT_CACHE_DIR

test_expect_success 'make demo' '
        "$SRCDIR/tools/demo" "$INGOT_BIN" "$PWD/demo" >out 2>&1 || { tail -n 60 out; return 1; }
        grep "the page says: Hello from a golden image" out &&
        grep "logged in as admin on Debian GNU/Linux 12" out &&
        grep "nginx is active" out &&
        grep "is the same file as before, bit for bit" out'

test_expect_success 'checksums and manifest describe the image' '
        (cd demo/output-web && sha256sum -c SHA256SUMS) &&
        jq -e ".builds[0].builder_type == \"qemu\" and .builds[0].files[0].name == \"web.qcow2\"" \
                demo/output-web/manifest.json'

test_expect_success 'the build left no key, no log and no process behind' '
        [ -z "$(ls "$TMPDIR")" ] && [ -z "$(ls "$HOME/.local/state/ingot/runs" 2>/dev/null)" ] &&
        ! pgrep -f "$PWD/demo"'

test_done
