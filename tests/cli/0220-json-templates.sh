#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Templates and variable files in JSON syntax.
# shellcheck source=tests/cli/testlib.sh
. "${0%/*}/testlib.sh"

write_file one.pkr.json <<'EOF'
{
  "//": "everything a native template can say",
  "variable": {
    "who": {"type": "string", "default": "nobody"},
    "lines": {"type": "list(string)", "default": ["one", "two"]}
  },
  "locals": {"greeting": "hello \"${var.who}\""},
  "source": {"null": {"one": {"communicator": "none"}}},
  "build": {
    "sources": ["source.null.one"],
    "provisioner": [
      {"shell-local": {"inline": ["echo '${local.greeting}' from ${source.name}"]}},
      {"shell-local": {
        "environment_vars": ["LINES=${join(\",\", var.lines)}"],
        "inline": ["echo \"lines: $LINES\""],
        "only": ["null.one"]
      }}
    ],
    "dynamic": {
      "provisioner": {
        "for_each": "${var.lines}",
        "iterator": "line",
        "labels": ["shell-local"],
        "content": {"inline": ["echo dynamic-${line.key}-${line.value}"]}
      }
    }
  }
}
EOF
write_file v.pkrvars.json <<'EOF'
{"who": "${me}"}
EOF
write_file other.json <<'EOF'
{"lines": ["three"]}
EOF

test_expect_success 'validate, inspect and build a template in JSON' '
        ingot validate one.pkr.json >out && grep "The configuration is valid" out &&
        ingot inspect one.pkr.json >out && grep "^local.greeting: .hello " out &&
        ingot build -color=false one.pkr.json >out &&
        grep "null.one: hello .nobody. from one$" out &&
        grep "null.one: lines: one,two$" out &&
        grep "null.one: dynamic-0-one$" out && grep "null.one: dynamic-1-two$" out &&
        grep "^--> null.one: Did not export anything. This is the null builder$" out
'

test_expect_success 'variable files in JSON hold plain texts' '
        ingot build -color=false -var-file v.pkrvars.json -var-file other.json one.pkr.json >out &&
        grep "null.one: hello .\${me}. from one$" out &&
        grep "null.one: lines: three$" out &&
        ! grep "dynamic-1" out
'

test_expect_success 'a folder in both syntaxes' '
        mkdir both && cp one.pkr.json both/ &&
        write_file both/extra.pkr.hcl <<-\EOF &&
        variable "more" {
          type = string
        }
        source "null" "two" {
          communicator = "none"
        }
        build {
          sources = ["null.two"]
          provisioner "shell-local" {
            inline = ["echo ${local.greeting} and ${var.more}"]
          }
        }
	EOF
        write_file both/x.auto.pkrvars.json <<-\EOF &&
        {"more": "auto", "who": "json"}
	EOF
        ingot build -color=false both >out &&
        grep "null.one: hello .json. from one$" out &&
        grep "null.two: hello json and auto$" out
'

test_expect_success 'mistakes show the line, the place in it and the properties around' '
        write_file bad.pkr.json <<-\EOF &&
        {
          "source": {"null": {"x": {"communicator": "\t${nope}"}}},
          "build": [{"sources": ["source.null.x"]}]
        }
	EOF
        ! ingot validate bad.pkr.json >out 2>&1 &&
        grep "on bad.pkr.json line 2, in source.null.x:$" out &&
        grep -A1 "   2: .*nope" out | tail -n 1 >caret &&
        grep "   2: .*nope" out | sed "s/nope.*//" | tr -d "\n" | wc -c >want &&
        sed "s/^^*$//; s/\^.*//" caret | tr -d "\n" | wc -c >have &&
        test "$(cat want)" = "$(cat have)"
'

test_expect_success 'text that is no JSON is refused with one message' '
        write_file broken.pkr.json <<-\EOF &&
        {"build": {"sources": ["null.x",]}}
	EOF
        ! ingot validate broken.pkr.json >out 2>&1 &&
        grep "^Error: Trailing comma in array$" out &&
        test "$(grep -c "^Error" out)" = 1
'

test_expect_success 'fmt leaves JSON alone' '
        cp one.pkr.json before &&
        ! ingot fmt one.pkr.json >out 2>&1 &&
        grep "file one.pkr.json is not a HCL file" out &&
        ingot fmt . && cmp before one.pkr.json
'

test_done
