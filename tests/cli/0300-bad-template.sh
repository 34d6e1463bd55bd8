#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Mistakes in templates: each names file and line, says what to do, and ends with 1 before
# anything runs.
# shellcheck source=tests/cli/testlib.sh
. "${0%/*}/testlib.sh"

export NO_COLOR=1

# A template whose build holds what comes on standard input. It starts at line 6.
in_build() {
        cat >t.pkr.hcl <<-EOF
	source "null" "x" {
	  communicator = "none"
	}
	build {
	  sources = ["null.x"]
	$(cat)
	}
	EOF
}

# at LINE: the report names this line of the template
at() { grep -E "^  on t.pkr.hcl line $1(,|:)" out; }
says() { tr '\n' ' ' <out | grep -F -e "$1"; }

test_expect_success 'unknown argument: did you mean' '
        in_build <<-EOF &&
	  provisioner "shell-local" {
	    inlin = ["true"]
	  }
	EOF
        bad validate t.pkr.hcl && at 7 && grep "^Error: Unsupported argument$" out &&
        says "\"inlin\" is not expected here. Did you mean \"inline\"?" &&
        grep "^       ^^^^^$\|^        *^^^^^$" out
'

test_expect_success 'unknown block: did you mean' '
        in_build <<-EOF &&
	  provisoner "shell-local" {
	    inline = ["true"]
	  }
	EOF
        bad validate t.pkr.hcl && at 6 && says "Did you mean \"provisioner\"?"
'

test_expect_success 'unknown block at the top: did you mean' '
        write_file t.pkr.hcl <<-\EOF &&
        biuld {
        }
	EOF
        bad build t.pkr.hcl && at 1 && says "Did you mean \"build\"?"
'

test_expect_success 'unknown function: did you mean' '
        in_build <<-EOF &&
	  provisioner "shell-local" {
	    inline = [uper("true")]
	  }
	EOF
        bad build t.pkr.hcl && at 7 && grep "^Error: Call to unknown function$" out &&
        says "There is no function named \"uper\". Did you mean \"upper\"?"
'

test_expect_success 'unknown variable and local: did you mean' '
        in_build <<-\EOF &&
	  provisioner "shell-local" {
	    inline = [var.nam, local.greting, var.zzz]
	  }
	EOF
        cat >>t.pkr.hcl <<-\EOF &&
        variable "name" {
          default = "x"
        }
        locals {
          greeting = "x"
        }
	EOF
        bad build t.pkr.hcl && at 7 && says "Did you mean \"name\"?" && says "Did you mean \"greeting\"?" &&
        [ "$(grep -c "^Error: " out)" = 3 ] && says "does not have an attribute named \"zzz\". "
'

for kind in 'provisioner shel-local shell-local' 'post-processor checksumm checksum' \
        'post-processor manifst manifest'; do
        # shellcheck disable=SC2034,SC2086 # used by the test's text
        set -- $kind
        test_expect_success "unknown $1: did you mean $3" '
                set -- $kind &&
                in_build <<-EOF &&
		  $1 "$2" {
		  }
		EOF
                bad validate t.pkr.hcl && at 6 && says "Unknown $1 type \"$2\"" &&
                says "Did you mean to use \"$3\"?"
        '
done

test_expect_success 'unknown source and builder: did you mean' '
        write_file t.pkr.hcl <<-\EOF &&
        source "null" "one" {
        }
        build {
          sources = ["null.oen"]
        }
	EOF
        bad build t.pkr.hcl && at 4 && says "Did you mean to use \"null.one\"?" &&
        write_file t.pkr.hcl <<-\EOF &&
        source "quemu" "one" {
        }
        build {
          sources = ["quemu.one"]
        }
	EOF
        bad build t.pkr.hcl && at 4 && says "Did you mean to use \"qemu\"?"
'

test_expect_success 'wrong types, all of them at once' '
        in_build <<-\EOF &&
	  provisioner "shell-local" {
	    inline = { a = 1 }
	  }
	  provisioner "shell-local" {
	    inline           = ["true"]
	    valid_exit_codes = ["x"]
	  }
	  provisioner "shell-local" {
	    inline      = ["true"]
	    max_retries = "many"
	  }
	EOF
        bad build t.pkr.hcl && at 7 && at 11 && at 15 && [ "$(grep -c "^Error: " out)" = 3 ]
'

test_expect_success 'durations' '
        in_build <<-\EOF &&
	  provisioner "shell-local" {
	    inline  = ["true"]
	    timeout = "soon"
	  }
	EOF
        bad build t.pkr.hcl && says "invalid duration \"soon\"" && at "[678]"
'

test_expect_success 'a variable without a value: its place' '
        in_build </dev/null && cat >>t.pkr.hcl <<-\EOF &&
        variable "need" {
          type = string
        }
	EOF
        bad build t.pkr.hcl && grep "^Error: Unset variable \"need\"$" out &&
        at 8 && says "must be set or have a default value" &&
        ingot build -color=false -var need=x t.pkr.hcl >out
'

test_expect_success 'values of the wrong type, from each side' '
        in_build </dev/null && cat >>t.pkr.hcl <<-\EOF &&
        variable "n" {
          type = number
        }
	EOF
        bad validate -var n=x t.pkr.hcl && says "value for var.n from arguments" && says "a number is required" &&
        echo "n = [1, 2]" >v.pkrvars.hcl &&
        bad validate -var-file v.pkrvars.hcl t.pkr.hcl && grep "on v.pkrvars.hcl line 1:" out && says "number required" &&
        export PKR_VAR_n=q && bad validate t.pkr.hcl && says "value for var.n from env" &&
        PKR_VAR_n=3 ingot validate t.pkr.hcl >out
'
unset PKR_VAR_n

test_expect_success 'a default of the wrong type, an unknown type' '
        in_build </dev/null && cat >>t.pkr.hcl <<-\EOF &&
        variable "n" {
          type    = number
          default = "x"
        }
        variable "s" {
          type    = sting
          default = "x"
        }
	EOF
        bad validate t.pkr.hcl && at 10 && at 13 && says "The keyword \"sting\" is not a valid type"
'

test_expect_success 'a broken validation rule says its own words' '
        in_build </dev/null && cat >>t.pkr.hcl <<-\EOF &&
        variable "s" {
          default = "x"
          validation {
            condition     = length(var.s) > 3
            error_message = "The name must have more than three letters."
          }
        }
	EOF
        bad validate t.pkr.hcl && says "The name must have more than three letters."
'

test_expect_success '-var for what is not declared' '
        in_build </dev/null &&
        bad build -var nope=1 t.pkr.hcl && says "Undefined -var variable" &&
        says "A \"nope\" variable was passed in the command line" &&
        echo "nope = 1" >v.pkrvars.hcl &&
        ingot validate -var-file v.pkrvars.hcl t.pkr.hcl >out && says "Warning: Undefined variable"
'

test_expect_success 'locals in a circle' '
        in_build </dev/null && cat >>t.pkr.hcl <<-\EOF &&
        locals {
          a = local.b
          b = local.c
          c = local.a
        }
	EOF
        bad build t.pkr.hcl && says "Cycle: local.a, local.b, local.c" &&
        in_build </dev/null && cat >>t.pkr.hcl <<-\EOF &&
        locals {
          a = local.a
        }
	EOF
        bad build t.pkr.hcl && says "Self reference: local.a"
'

test_expect_success 'the same source twice' '
        in_build </dev/null && cat >>t.pkr.hcl <<-\EOF &&
        source "null" "x" {
        }
	EOF
        bad build t.pkr.hcl && at 8 && says "Duplicate source block" && says "declared at t.pkr.hcl:1,1-18"
'

test_expect_success 'the same variable and local twice' '
        in_build </dev/null && cat >>t.pkr.hcl <<-\EOF &&
        variable "v" {
          default = 1
        }
        variable "v" {
          default = 1
        }
        locals {
          l = 1
        }
        locals {
          l = 1
        }
	EOF
        bad build t.pkr.hcl && at 11 && says "Duplicate variable"
'

test_expect_success 'scripts: missing, a directory, no key=value' '
        mkdir -p folder && in_build <<-\EOF &&
	  provisioner "shell" {
	    script = "missing.sh"
	  }
	  provisioner "shell-local" {
	    scripts = ["folder"]
	  }
	  provisioner "shell-local" {
	    inline           = ["true"]
	    environment_vars = ["novalue"]
	  }
	  provisioner "file" {
	    source      = "missing.txt"
	    destination = "/tmp/x"
	  }
	  provisioner "shell-local" {
	  }
	EOF
        bad build t.pkr.hcl && at 7 && at 10 && at 14 && at 17 && at 20 &&
        tr "\n" " " <out | grep "Bad script .missing.sh.: stat missing.sh: no such file or directory" &&
        tr "\n" " " <out | grep "Bad script .folder.: is a directory"
'

test_expect_success 'a template with mistakes everywhere reports many and stays whole' '
        in_build <<-\EOF &&
	  provisioner "shell-local" {
	    inline = [
	  }
	  provisioner "shell-local" {
	    inline = ["${"]
	  }
	EOF
        bad validate t.pkr.hcl && grep "^Error: " out
'

test_expect_success 'machine-readable: errors are events' '
        in_build <<-\EOF &&
	  provisioner "shell-local" {
	    inlin = ["true"]
	  }
	EOF
        bad validate -machine-readable t.pkr.hcl && grep -E "^[0-9]+,,ui,error,.*Unsupported argument" out &&
        bad build -json t.pkr.hcl && jq -es "map(select(.event == \"error\")) | length == 1" <out
'

test_expect_success 'nothing has been built' '
        bad build t.pkr.hcl && ! grep -e "==>" out
'

test_done
