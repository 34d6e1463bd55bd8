#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Mistakes in templates: each is named with its place, the exit code is 1, and
# nothing is run or written.

. "${0%/*}/testlib.sh"

# has TEXT…: every text is somewhere in the output.
has() {
        for text; do
                grep -qF -e "$text" out || {
                        echo "no '$text' in:"
                        cat out
                        return 1
                }
        done
}

# refused TEXT…: validate and build say so; nothing else appears in the folder.
refused() {
        rm -f out && ls >"$TMPDIR/before" &&
                test_exit 1 ingot validate . >out &&
                has "$@" &&
                test_exit 1 ingot build -color=false . >out &&
                has "$@" &&
                rm -f out &&
                ls >"$TMPDIR/after" &&
                cmp "$TMPDIR/before" "$TMPDIR/after"
}

# template LINE…: a null source and a build around a provisioner with these lines.
template() {
        rm -f ./*.hcl &&
                {
                        printf 'source "null" "x" {\n  communicator = "none"\n}\n' &&
                                printf 'build {\n  sources = ["null.x"]\n' &&
                                printf '  provisioner "shell-local" {\n    inline = ["touch ran"]\n  }\n' &&
                                printf '%s\n' "$@" &&
                                printf '}\n'
                } >t.pkr.hcl
}

test_expect_success 'a template without mistakes' '
        template && ingot validate . >out && has "The configuration is valid."'

rm -f out

test_expect_success 'syntax' '
        template "  provisioner {{" &&
        refused "Error: Argument or block definition required" "on t.pkr.hcl line 9"'

test_expect_success 'an unknown block' '
        template "  provisoner \"shell-local\" {" "  }" &&
        refused "Error: Unsupported block type" "on t.pkr.hcl line 9, in build" \
                "Did you mean \"provisioner\"?"'

test_expect_success 'an unknown argument' '
        template "  provisioner \"shell-local\" {" "    inlin = [\"x\"]" "  }" &&
        refused "Error: Unsupported argument" "on t.pkr.hcl line 10" "Did you mean \"inline\"?"'

test_expect_success 'an unknown function' '
        template "  provisioner \"shell-local\" {" "    inline = [uper(\"x\")]" "  }" &&
        refused "Error: Call to unknown function" "on t.pkr.hcl line 10" \
                "Did you mean \"upper\"?"'

test_expect_success 'an unknown variable' '
        template "  provisioner \"shell-local\" {" "    inline = [var.nobody]" "  }" &&
        refused "Error: Unsupported attribute" "on t.pkr.hcl line 10"'

test_expect_success 'a wrong type' '
        template "  provisioner \"shell-local\" {" "    inline = { a = 1 }" "  }" &&
        refused "Error: Incorrect attribute value type" "on t.pkr.hcl line 10" \
                "list of string required"'

test_expect_success 'one value is no list' '
        template "  provisioner \"shell-local\" {" "    inline = \"touch ran\"" "  }" &&
        refused "Error: Incorrect attribute value type" "on t.pkr.hcl line 10" \
                "list of string required"'

test_expect_success 'braces that would be found wrong when the step runs' '
        template "  provisioner \"shell-local\" {" "    inline = [\"echo {{ nope }}\"]" "  }" &&
        refused "Error: Invalid template" "on t.pkr.hcl line 10" "function \"nope\" not defined"'

test_expect_success 'an unset variable' '
        template && printf "variable \"who\" {\n  type = string\n}\n" >v.pkr.hcl &&
        refused "Error: Unset variable \"who\"" &&
        ingot validate -var who=me .'

test_expect_success 'a value of the wrong type on the command line' '
        template && printf "variable \"n\" {\n  type = number\n}\n" >v.pkr.hcl &&
        test_exit 1 ingot validate -var n=x . >out &&
        has "Invalid argument value for -var variable" "a number is required" &&
        test_exit 1 ingot validate -var n=1 -var m=1 . >out &&
        has "Error: Undefined -var variable" &&
        test_exit 1 env PKR_VAR_n=x "$INGOT_BIN" validate . >out &&
        has "Error: Invalid value for variable" && rm -f out'

test_expect_success 'a rule of a variable' '
        template &&
        cat >v.pkr.hcl <<-\END &&
        variable "n" {
          default = 1
          validation {
            condition     = var.n > 1
            error_message = "There must be several."
          }
        }
	END
        refused "Error: Invalid value for default variable" "There must be several." \
                "the validation rule at v.pkr.hcl:3," &&
        ingot validate -var n=2 .'

test_expect_success 'locals in a circle' '
        template && printf "locals {\n  a = local.b\n  b = local.a\n}\n" >v.pkr.hcl &&
        refused "Cycle: local.a, local.b"'

test_expect_success 'component types that nobody provides' '
        template "  provisioner \"inspec\" {" "  }" "  post-processor \"manifst\" {" "  }" &&
        refused "Error: Unknown provisioner type \"inspec\"" "filter=inspec" \
                "Unknown post-processor type \"manifst\"" "Did you mean to use \"manifest\"?"'

test_expect_success 'a version of the template that we are not' '
        template && printf "packer {\n  required_version = \">= 99\"\n}\nnovel {\n}\n" >v.pkr.hcl &&
        refused "Error: Unsupported Packer Core version" &&
        test_exit 1 ingot validate . >out && ! grep novel out && rm -f out'

test_expect_success 'several mistakes in one run' '
        template "  provisioner \"shell-local\" {" "    timeout = \"soon\"" "  }" \
                "  provisioner \"shell-local\" {" "    inlin = 1" "  }" &&
        printf "locals {\n  a = 1 + \"x\"\n}\nvariable \"unset\" {\n}\n" >v.pkr.hcl &&
        test_exit 1 ingot validate . >out &&
        has "Failed to parse timeout duration" "Unset variable" "Invalid operand" \
                "An argument named \"inlin\"" && rm -f out'

test_expect_success 'secrets stay out of messages about them' '
        template && cat >v.pkr.hcl <<-\END &&
        variable "pin" {
          type      = list(string)
          sensitive = true
        }
	END
        test_exit 1 ingot validate -var "pin=[hunter2" . >out && ! grep hunter2 out &&
        printf "locals {\n  a = 1 + var.pin[0]\n}\n" >w.pkr.hcl &&
        test_exit 1 ingot validate -var "pin=[\"hunter2\"]" . >out && ! grep hunter2 out &&
        rm -f out'

test_expect_success 'one build with mistakes does not stop another' '
        rm -f ./*.hcl && cat >t.pkr.hcl <<-\END &&
        source "null" "good" {
          communicator = "none"
        }
        source "null" "bad" {
          comunicator = "none"
        }
        build {
          sources = ["null.good", "null.bad"]
          provisioner "shell-local" {
            inline = ["touch ran-$PACKER_BUILD_NAME"]
          }
        }
	END
        test_exit 1 ingot build -color=false . >out &&
        has "Unsupported argument" "null.good" && test -e ran-good && ! test -e ran-bad'

test_done
