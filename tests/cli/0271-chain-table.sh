#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# keep_input_artifact to the letter: what becomes of each artifact in every chain of one and two of our
# post-processors. The rules stand in tests/tools/chain_table.py.
# shellcheck disable=SC2034 # used in the text of the test
# shellcheck source=tests/cli/testlib.sh
. "${0%/*}/testlib.sh"

command -v python3 >/dev/null || test_skip_all 'no python3'
table=$SRCDIR/tests/tools/chain_table.py

test_expect_success 'every chain of two' '
        python3 "$table" make t.pkr.hcl && { INGOT_CACHE=off ingot build -json -parallel-builds=4 t.pkr.hcl >events 2>err
                true; } && cat err && python3 "$table" check events && test_clean
'

test_done
