#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Secrets in every form that output gives them: quoted, quoted twice, in JSON, in lines of files
# that are shown because they are wrong.
# shellcheck source=tests/cli/testlib.sh
. "${0%/*}/testlib.sh"

export NO_COLOR=1

write_file t.pkr.hcl <<-\EOF
	variable "pw" {
	  type      = string
	  sensitive = true
	  default   = "HUN\"TER\\TWO"
	}
	variable "event" {
	  sensitive = true
	  default   = "value"
	}
	variable "pin" {
	  type      = number
	  sensitive = true
	  default   = 987654
	}
	locals {
	  list = [var.pw]
	}
	source "null" "x" {
	  communicator = "none"
	}
	build {
	  sources = ["null.x"]
	}
	EOF

silent() { ! grep -E 'HUN|TER|TWO|987654' out || return 1; }
says() { tr '\n' ' ' <out | grep -F -e "$1"; }

test_expect_success 'quoted by inspect and console' '
        ingot inspect t.pkr.hcl >out && silent && grep "var.pw: \"<sensitive>\"" out &&
        for e in variables local.list "{ (var.pw) = 1 }" "parseint(var.pw, 10)" "format(\"%#v\", var.pw)"; do
                echo "$e" | ingot console t.pkr.hcl >out 2>&1
                silent && grep -F "<sensitive>" out || return 1
        done
'

test_expect_success 'console -json stays JSON' '
        printf "%s\n" var var.pin local.list "{ (var.pw) = var.pin }" "parseint(var.pw, 10)" "var.event" |
                ingot console -json t.pkr.hcl >out && cat out && silent &&
        python3 -c "
import json
got = [json.loads(line) for line in open(\"out\")]
assert len(got) == 6
assert got[0][\"sensitive\"] is True and got[0][\"value\"][\"pin\"] is None
assert got[1] == {\"type\": \"number\", \"value\": None, \"sensitive\": True}
assert got[2][\"value\"] == [\"<sensitive>\"]
assert got[3][\"value\"] == {\"<sensitive>\": None}
assert \"<sensitive>\" in got[4][\"error\"][0][\"detail\"]
assert got[5][\"value\"] == \"<sensitive>\"
"
'

test_expect_success 'values of files that do not fit' '
        echo "pw = [\"HUNTER1\"]" >v.pkrvars.hcl &&
        test_exit 1 ingot validate -var-file v.pkrvars.hcl t.pkr.hcl >out &&
        silent && grep "on v.pkrvars.hcl line 1" out && says "string required" &&
        echo "{\"pw\": {\"a\": \"HUNTER2\"}, \"pin\": \"HUNTER3\"}" >v.json &&
        test_exit 1 ingot validate -var-file v.json t.pkr.hcl >out &&
        silent && says "a number is required"
'

test_expect_success 'a default that does not fit' '
        printf "variable \"n\" {\n type = number\n sensitive = true\n default = \"HUNTER4\"\n}\n" >n.pkr.hcl &&
        test_exit 1 ingot validate n.pkr.hcl >out && silent && says "a number is required"
'

write_file out.pkr.hcl <<-\EOF
	variable "t" {
	  sensitive = true
	}
	source "file" "x" {
	  content = "x"
	  target  = "out-${var.t}.txt"
	}
	source "null" "bad" {
	  communicator = "none"
	}
	build {
	  sources = ["file.x", "null.bad"]
	  provisioner "shell-local" {
	    only             = ["null.bad"]
	    inline           = ["exit 3"]
	    valid_exit_codes = [0]
	    execute_command  = ["/nowhere/${var.t}", "{{.Script}}"]
	  }
	}
	EOF

test_expect_success 'artifacts and errors, in every form of output' '
        for how in -color=false -json -machine-readable; do
                test_exit 1 ingot build $how -force -var "t=HUNTER 5" out.pkr.hcl >out &&
                cat out && silent && [ -f "out-HUNTER 5.txt" ] &&
                grep "out-<sensitive>.txt" out && grep "/nowhere/<sensitive>" out || return 1
        done &&
        grep ",file.x,artifact,0,file,0,out-<sensitive>.txt" out &&
        grep ",null.bad,error,.*/nowhere/<sensitive>" out
'

test_done
