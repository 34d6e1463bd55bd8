#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# fix: output, validation of the result, exit codes, bad input.
# shellcheck source=tests/cli/testlib.sh
. "${0%/*}/testlib.sh"

test_expect_success 'the result and an empty line' '
        echo "{\"builders\":[{\"type\":\"null\",\"ssh_wait_timeout\":\"1m\"}]}" >a.json &&
        cp a.json before && ingot fix a.json >out && cmp a.json before &&
        printf "%s\n" "{" "  \"builders\": [" "    {" "      \"ssh_timeout\": \"1m\"," \
                "      \"type\": \"null\"" "    }" "  ]" "}" "" >want &&
        diff want out
'

test_expect_success 'help lists the rules in order' '
        ingot fix -h >out && grep -A 99 "^  iso-md5  " out >list &&
        test "$(wc -l <list)" = 34 && head -n 1 list | grep "Replaces \"iso_md5\" in builders" &&
        tail -n 1 list | grep "^  proxmox-type  *Updates the builder type proxmox"
'

test_expect_success 'what is no legacy template' '
        echo "source \"null\" \"x\" {}" >a.pkr.hcl &&
        bad fix a.pkr.hcl && grep "^packer fix only works with JSON files for now.$" out &&
        bad fix nope.json &&
        grep "^Error opening template: open nope.json: no such file or directory$" out &&
        mkdir dir && bad fix dir && grep "^Error parsing template: read dir: is a directory$" out &&
        : >empty.json && bad fix empty.json && grep "^Error parsing template: EOF$" out &&
        echo "{\"a\": x}" >x.json && bad fix x.json &&
        grep "invalid character .x. looking for beginning of value" out &&
        echo "{\"builders\": \"x\"}" >t.json && bad fix t.json &&
        grep "^Error fixing: 1 error(s) decoding:$" out
'

test_expect_success 'the result is checked after it is printed' '
        echo "{\"builders\":[{\"type\":\"null\"}],\"a\":1}" >p.json &&
        bad fix p.json && head -n 2 out | tail -n 1 | grep "\"a\": 1," &&
        grep "^Error! Fixed template fails to parse: 1 error occurred:$" out &&
        grep "Unknown root level key in template: .a." out &&
        tail -n 3 out >tail && printf "%s\n" "" \
                "This is usually caused by an error in the input template." \
                "Please fix the error and try again." | cmp - tail &&
        echo "{\"builders\":[]}" >v.json && bad fix v.json &&
        grep "^Error! Fixed template failed to validate: 1 error occurred:$" out &&
        grep "at least one builder must be defined" out &&
        ingot fix -validate=false p.json >out && ! grep Error out &&
        ingot fix -validate=false v.json >out && ! grep Error out
'

test_expect_success 'exactly one file' '
        bad fix && grep "exactly one template path, got 0" out &&
        bad fix a b && bad fix -validate=maybe a.json &&
        grep "invalid boolean value \"maybe\" for -validate: parse error" out
'

test_done
