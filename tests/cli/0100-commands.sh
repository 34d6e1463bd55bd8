#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Program start, help, exit codes.
# shellcheck source=tests/cli/testlib.sh
. "${0%/*}/testlib.sh"

test_expect_success 'no command: the list, 127' '
        test_exit 127 ingot >out &&
        grep "^Usage: ingot \[--version\] \[--help\] <command>" out &&
        grep "^    build  *build image(s) from template$" out
'

test_expect_success 'unknown command: the list, 127' '
        test_exit 127 ingot frobnicate >out && grep "Available commands are:" out
'

test_expect_success 'version in three forms' '
        ingot version >a && ingot -v >b && ingot --version >c &&
        cmp a b && cmp a c && grep "^ingot v[0-9]" a
'

test_expect_success 'version -machine-readable has typed lines' '
        ingot version -machine-readable >out &&
        grep "^[0-9]*,,version,[0-9.]*$" out &&
        grep "^[0-9]*,,ui,say,ingot v" out
'

test_expect_success 'every command has help on standard output, at most 80 columns' '
        for c in $(ingot help | sed -n "s/^    \([a-z]*\) .*/\1/p"); do
                ingot "$c" -h >out 2>err && test ! -s err &&
                head -n 1 out | grep "^Usage: ingot $c" &&
                ! sed "/^What is fixed/,\$d" out | grep -E "^.{81,}" || { echo "command $c"; cat out; return 1; }
        done
'

test_expect_success 'help COMMAND and COMMAND --help are the same' '
        ingot help build >a && ingot build --help >b && cmp a b
'

test_expect_success 'unknown flag: error, usage, 1' '
        test_exit 1 ingot build -forse . >out &&
        grep "flag provided but not defined: -forse" out &&
        grep "did you mean -force" out &&
        grep "^Usage: ingot build" out
'

test_expect_success 'flag without value, bad boolean, bad number' '
        test_exit 1 ingot build -parallel-builds >out &&
        grep "flag needs an argument: -parallel-builds" out &&
        test_exit 1 ingot build -color=maybe . >out &&
        grep "invalid boolean value \"maybe\" for -color: parse error" out &&
        test_exit 1 ingot build -parallel-builds=x . >out &&
        grep "invalid value \"x\" for flag -parallel-builds: parse error" out &&
        test_exit 1 ingot build -on-error=explode . >out &&
        grep "invalid value \"explode\" for flag -on-error: expected one of" out &&
        test_exit 1 ingot build -var foo . >out &&
        grep "invalid value \"foo\" for flag -var: No .=. value in arg: foo" out
'

test_expect_success 'exactly one template' '
        test_exit 1 ingot validate >out && grep "exactly one template path, got 0" out &&
        test_exit 1 ingot validate a b >out && grep "got 2" out &&
        test_exit 1 ingot validate . -syntax-only >out && grep "flags stand before" out
'

test_expect_success 'a symlink named packer works' '
        ln -s "$INGOT_BIN" packer && ./packer version | grep "^ingot v"
'

test_expect_success 'gc with nothing to do' '
        ingot gc >out && grep "Nothing to clean up" out
'

test_done
