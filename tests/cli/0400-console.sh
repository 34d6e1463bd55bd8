#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# console: from a pipe, from a file, on a terminal, as JSON.
# shellcheck source=tests/cli/testlib.sh
. "${0%/*}/testlib.sh"

test_expect_success 'a pipe: only the last result' '
        printf "1 + 1\nupper(\"a\")\n" | ingot console >out && echo A >want && cmp want out &&
        printf "jsonencode({for k, v in {a=1}: k => v * 2})\n" | ingot console >out &&
        echo "{\"a\":2}" >want && cmp want out
'

test_expect_success 'a pipe: mistakes are shown, the last line decides' '
        printf "nope()\n1\n" | ingot console >out &&
        grep "There is no function named \"nope\"" out && tail -n 1 out | grep "^1$" &&
        printf "1\n1 +\n" | test_exit 1 ingot console >out && grep "Missing expression" out
'

test_expect_success 'names of the template; secrets stay hidden' '
        write_file t.pkr.hcl <<-\EOF &&
	variable "a" {
	  default = "x"
	}
	variable "key" {
	  default   = "hunter2"
	  sensitive = true
	}
	local "b" {
	  expression = "${var.a}y"
	}
	EOF
        echo "[var.a, local.b, path.root, packer.version]" | ingot console -var a=z t.pkr.hcl >out &&
        grep "\"zy\"" out && grep "\"1\.16" out &&
        printf "%s" "var.key" | ingot console t.pkr.hcl >out &&
        grep "^<sensitive>$" out && ! grep hunter2 out &&
        echo "var.key" | ingot console -json t.pkr.hcl >out &&
        grep "\"sensitive\":true" out && ! grep hunter2 out &&
        echo variables | ingot console t.pkr.hcl >out &&
        grep "^var.a: \"x\"" out && grep "^local.b: \"xy\"" out
'

test_expect_success 'data sources are no name of the console' '
        echo "data.x.y" | test_exit 1 ingot console >out && grep "There is no variable named \"data\"" out
'

test_expect_success 'a file: every line is answered' '
        printf "1 + 1\n\n1 +\nhelp\n[]\nexit\n2\n" >lines && ingot console <lines >out &&
        grep "^> 2$" out && grep "Missing expression" out && grep "console HCL2 Mode" out &&
        grep "^> \[\]$" out && test "$(grep -c "^> 2" out)" = 1
'

test_expect_success 'JSON: one line for each line, mistakes do not end it' '
        printf "%s\n" "[1, \"a\", null]" "1 +" "{a = 1/4}" "timestamp(1)" "source.type" >lines &&
        ingot console -json <lines >out && test "$(wc -l <out)" = 5 &&
        jq -es "(.[0] == {type: [\"tuple\", [\"number\", \"string\", \"dynamic\"]],
                        value: [1, \"a\", null]}) and
                (.[1].error[0] | .summary == \"Missing expression\" and .range.start.column == 4) and
                (.[2].value.a == 0.25) and (.[3].error | length == 1) and
                (.[4] == {type: \"string\", value: null, unknown: true})" out
'

test_expect_success 'a line of 20 MB is one mistake, not a crash' '
        { printf "\""; head -c 20000000 /dev/zero | tr "\0" x; printf "\"\n1\n"; } |
                ingot console -json >out &&
        test "$(wc -l <out)" = 2 && tail -n 1 out | grep "\"value\":1}"
'

# Types each argument when the prompt has come, shows what was on the screen.
cat >"$test_root/bin/type-at" <<-\EOF
	#!/usr/bin/env python3
	import os, pty, select, sys
	pid, fd = pty.fork()
	if pid == 0:
	    os.execvp("ingot", ["ingot", "console"])
	screen, todo, seen = b"", sys.argv[1:], 0
	while True:
	    if not select.select([fd], [], [], 20)[0]:
	        sys.exit("nothing came for 20 s after: %r" % screen)
	    try:
	        data = os.read(fd, 4096)
	    except OSError:
	        break
	    screen += data
	    if todo and screen.endswith(b"> ") and len(screen) > seen:
	        seen = len(screen)
	        os.write(fd, todo.pop(0).encode().decode("unicode_escape").encode("latin-1"))
	sys.stdout.write(screen.decode().replace("\r", ""))
	sys.exit(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
EOF
chmod +x "$test_root/bin/type-at"

test_expect_success 'a terminal: editing, history, Control-C and Control-D' '
        type-at "upper(\"b\")\n" "1 + 2x\x7f\n" "junk\x03" "\x10\x10\n" "\x04" >out &&
        grep "^3$" out && test "$(grep -c "^B$" out)" = 2 && ! grep Error out &&
        history=$HOME/.local/state/ingot/console_history &&
        grep upper "$history" && test "$(stat -c %a "$history")" = 600
'

test_expect_success 'a terminal: Control-C on an empty line leaves with 0' '
        type-at "\x03" >out && grep "\^C" out
'

test_done
