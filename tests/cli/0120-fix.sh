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

test_expect_success 'exactly one file' '
        bad fix && grep "exactly one template path, got 0" out &&
        bad fix a b && bad fix -validate=maybe a.json &&
        grep "invalid boolean value \"maybe\" for -validate: parse error" out
'

test_done
