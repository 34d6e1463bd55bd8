#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The reference manual in the tree is what the program prints.
# shellcheck source=tests/cli/testlib.sh
. "${0%/*}/testlib.sh"

for topic in functions blocks components; do
        test_expect_success "docs/reference/$topic.md is up to date" "
                ingot reference $topic >out && diff -u \"$SRCDIR/docs/reference/$topic.md\" out
        "
done

test_expect_success 'every function and argument has a meaning' '
        ingot reference functions >out && test "$(grep -c "^## " out)" -ge 104 &&
        test "$(grep -c "^## " out)" = "$(grep -c "^    = " out)" &&
        ingot reference blocks >out && ! grep -F "(null)" out && ! grep "|  |$" out
'

test_expect_success 'an unknown topic: usage, 1' '
        test_exit 1 ingot reference verbs >out && grep "needs one topic" out &&
        test_exit 1 ingot reference >out
'

test_done
