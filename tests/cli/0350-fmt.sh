#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# fmt never loses a byte, and leaves each file where, whose and what it was.
# shellcheck source=tests/cli/testlib.sh
. "${0%/*}/testlib.sh"

export NO_COLOR=1
says() { tr '\n' ' ' <out | grep -F -e "$1"; }

test_expect_success 'NUL bytes in comments and strings do not end the file' '
        printf "# a\\0b\\nx=\"c\\0d\"\\ny=<<E\\ne\\0f\\nE\\nz=1\\n" >n.pkr.hcl &&
        printf "# a\\0b\\nx = \"c\\0d\"\\ny = <<E\\ne\\0f\\nE\\nz = 1\\n" >want &&
        ingot fmt - <n.pkr.hcl | cmp - want && ingot fmt -diff n.pkr.hcl >out && cmp n.pkr.hcl want
'

test_expect_success 'a private file stays private, a link a link' '
        echo "a=1" >p.pkrvars.hcl && chmod 600 p.pkrvars.hcl && ln -s p.pkrvars.hcl l.pkrvars.hcl &&
        ingot fmt l.pkrvars.hcl && [ "$(cat p.pkrvars.hcl)" = "a = 1" ] && [ -L l.pkrvars.hcl ] &&
        [ "$(stat -c %a p.pkrvars.hcl)" = 600 ]
'

test_expect_success 'a file that may not be written is told' '
        mkdir ro && echo "a=1" >ro/r.pkr.hcl && chmod 777 ro && chmod 444 ro/r.pkr.hcl &&
        chmod 755 "$test_root" . "$test_root/bin" &&
        test_exit 1 plainly ingot fmt ro/r.pkr.hcl >out && says "Permission denied" &&
        [ "$(cat ro/r.pkr.hcl)" = "a=1" ]
'

test_expect_success 'a pipe is not replaced by a file' '
        mkfifo f.pkr.hcl && bad fmt f.pkr.hcl && says "not a regular file" && [ -p f.pkr.hcl ]
'

test_expect_success 'links to folders are not followed' '
        mkdir -p tree/sub && echo "a=1" >tree/sub/a.pkr.hcl && ln -s .. tree/sub/up &&
        ln -s sub tree/again && test_exit 3 ingot fmt -check -recursive tree >out &&
        [ "$(cat out)" = tree/sub/a.pkr.hcl ]
'

test_done
