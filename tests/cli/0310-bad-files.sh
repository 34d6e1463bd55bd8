#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Files that are not what they should be: absent, unreadable, folders, garbage, far too long or
# far too deep.
# shellcheck source=tests/cli/testlib.sh
. "${0%/*}/testlib.sh"

export NO_COLOR=1
says() { tr '\n' ' ' <out | grep -F -e "$1"; }

# good FILE: a template that runs
good() {
        write_file "$1" <<-\EOF
	source "null" "x" {
	  communicator = "none"
	}
	build {
	  sources = ["null.x"]
	}
	EOF
}

test_expect_success 'a template that is not there' '
        for c in build validate inspect; do
                bad $c nowhere.pkr.hcl && grep "^.nowhere.pkr.hcl.: stat nowhere.pkr.hcl: no such file or directory$" out &&
                bad $c nowhere/ || return 1
        done &&
        bad fmt nowhere.pkr.hcl && says nowhere.pkr.hcl && bad validate "" && bad validate -
'

test_expect_success 'a folder without templates, a folder with the name of one' '
        mkdir -p empty folder/t.pkr.hcl &&
        bad build empty && says "Could not find any config file in empty" &&
        says "must be suffixed with" &&
        bad build folder && bad validate folder/t.pkr.hcl
'

test_expect_success 'a template that may not be read' '
        good secret.pkr.hcl && chmod 000 secret.pkr.hcl && chmod 755 "$test_root" . "$test_root/bin" &&
        test_exit 1 plainly ingot validate secret.pkr.hcl >out 2>err && says "secret.pkr.hcl" &&
        says "Permission denied" && [ ! -s err ]
'

test_expect_success 'a script that may not be read' '
        echo true >secret.sh && chmod 000 secret.sh &&
        write_file script.pkr.hcl <<-\EOF &&
        source "null" "x" {
          communicator = "none"
        }
        build {
          sources = ["null.x"]
          provisioner "shell-local" {
            script = "secret.sh"
          }
        }
	EOF
        test_exit 1 plainly ingot validate script.pkr.hcl >out 2>err && [ ! -s err ] &&
        grep "on script.pkr.hcl line 7" out && says "open secret.sh: permission denied"
'

test_expect_success 'files of variables: absent, of another kind, broken' '
        good t.pkr.hcl &&
        bad build -var-file nowhere.pkrvars.hcl t.pkr.hcl && says "nowhere.pkrvars.hcl" && says "No such file" &&
        echo "a = 1" >vars.txt && bad build -var-file vars.txt t.pkr.hcl && says "must be suffixed with" &&
        mkdir -p d.pkrvars.hcl && bad build -var-file d.pkrvars.hcl t.pkr.hcl && says "d.pkrvars.hcl" &&
        echo "a = [1," >broken.pkrvars.hcl && bad build -var-file broken.pkrvars.hcl t.pkr.hcl &&
        grep "on broken.pkrvars.hcl line" out &&
        echo "{" >broken.pkrvars.json && bad build -var-file broken.pkrvars.json t.pkr.hcl &&
        says "broken.pkrvars.json"
'

test_expect_success 'an empty file, a byte-order mark, Windows lines' '
        : >empty.pkr.hcl && bad build empty.pkr.hcl && says "Missing build block" &&
        ingot fmt empty.pkr.hcl &&
        good t.pkr.hcl && { printf "\357\273\277" && cat t.pkr.hcl; } >bom.pkr.hcl && ingot validate bom.pkr.hcl &&
        sed "s/\$/\r/" t.pkr.hcl >dos.pkr.hcl && ingot validate dos.pkr.hcl
'

test_expect_success 'garbage: an error, and nothing that moves the cursor' '
        for i in 1 2 3 4 5 6 7 8; do
                head -c 20000 /dev/urandom >g.pkr.hcl && bad validate g.pkr.hcl >/dev/null &&
                grep "^Error: " out >/dev/null && [ -z "$(tr -d "\011\012\040-\176\200-\377" <out)" ] &&
                bad fmt g.pkr.hcl >/dev/null || return 1
        done
'

test_expect_success 'a NUL byte ends neither file nor report' '
        printf "a = 1\000 2\nb = [\n" >nul.pkr.hcl && bad validate nul.pkr.hcl &&
        says "This character is not used within the language." && grep "nul.pkr.hcl line 3" out
'

test_expect_success 'a file of 100 MB' '
        { echo "locals {" && printf "  a = \"" && head -c 100000000 /dev/zero | tr "\000" x && printf "\"\n}\n"; } >long.pkr.hcl &&
        for c in build validate fmt; do
                bad $c long.pkr.hcl >/dev/null && says "larger than 67108864 bytes" || return 1
        done && rm long.pkr.hcl
'

test_expect_success 'a line of 20 MB works, and is not shown whole' '
        { echo "locals {" && printf "  a = \"" && head -c 20000000 /dev/zero | tr "\000" x && printf "\" + 1\n}\n"; } >long.pkr.hcl &&
        bad validate long.pkr.hcl >/dev/null && says "Invalid operand" >/dev/null && [ "$(wc -c <out)" -lt 20000 ] &&
        rm long.pkr.hcl
'

# nest TEXT COUNT CLOSING
nest() {
        python3 -c 'import sys; print("locals {\n  a = " + sys.argv[1] * int(sys.argv[2]) + sys.argv[3] * int(sys.argv[2]) + "\n}")' \
                "$@" >deep.pkr.hcl
}

for form in '[:]' '(:)' '-:' '!:' '{a=:}' '"${:}"' '[for x in :]' 'true ? 1 \: :' 'f(:)' 'x[:]' '1 + :1' 'x.a.:'; do
        # shellcheck disable=SC2034 # used by the test's text
        open=$(printf '%s' "$form" | sed 's/\\:/@/; s/:.*//; s/@/:/')
        # shellcheck disable=SC2034
        close=$(printf '%s' "$form" | sed 's/\\:/@/; s/[^:]*://; s/@/:/')
        test_expect_success "100000 times '$open'" '
                nest "$open" 100000 "$close" && bad validate deep.pkr.hcl >/dev/null &&
                grep "^Error: " out && grep "deep.pkr.hcl line 2" out && bad fmt deep.pkr.hcl >/dev/null ||
                        { head -c 300 out; return 1; }
        '
done

test_expect_success 'blocks in blocks in blocks' '
        python3 -c "print(\"a {\n\" * 100000 + \"}\n\" * 100000)" >deep.pkr.hcl &&
        bad validate deep.pkr.hcl && grep "nested at most" out
'

test_expect_success 'the file builder: sources and targets that cannot be' '
        mkdir -p folder && echo x >file &&
        for pair in nowhere:t folder:t file:folder file:file/t; do
                write_file f.pkr.hcl <<-EOF &&
                source "file" "f" {
                  source = "${pair%:*}"
                  target = "${pair#*:}"
                }
                build {
                  sources = ["file.f"]
                }
		EOF
                bad build f.pkr.hcl && says "the source is at f.pkr.hcl:1" && [ "$(cat file)" = x ] &&
                test_absent t && test_absent folder.ingot-part || return 1
        done
'

test_done
