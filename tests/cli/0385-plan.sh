#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# What a build would do and why, for builders whose machines cannot be kept.
# shellcheck disable=SC2034 # used in quoted tests
# shellcheck source=tests/cli/testlib.sh
. "${0%/*}/testlib.sh"

export NO_COLOR=1
state=$HOME/.local/state/ingot

write_file t.pkr.hcl <<-\EOF
	variable "text" {
	  default = "one"
	}
	variable "sums" {
	  default = ["sha256"]
	}
	source "file" "f" {
	  content = "first\n${var.text}\n"
	  target  = "made/f.txt"
	}
	build {
	  sources = ["file.f"]
	  post-processor "checksum" {
	    checksum_types      = var.sums
	    output              = "sum_{{.ChecksumType}}.txt"
	    keep_input_artifact = true
	  }
	}
	EOF
write_file secret.pkr.hcl <<-\EOF
	variable "pw" {
	  sensitive = true
	  default   = "HUNTER1"
	}
	source "file" "s" {
	  content = "a ${var.pw}"
	  target  = "made/s.txt"
	}
	build {
	  sources = ["file.s"]
	  post-processor "checksum" {
	    output = "sum_${var.pw}.txt"
	  }
	}
	EOF
write_file null.pkr.hcl <<-\EOF
	source "null" "n" {
	  communicator = "none"
	}
	build {
	  sources = ["null.n"]
	  provisioner "shell-local" {
	    name   = "first"
	    script = "first.sh"
	  }
	  provisioner "shell-local" {
	    inline = ["exit $(cat code)"]
	  }
	  provisioner "shell-local" {
	    inline = ["echo last"]
	  }
	}
	EOF
printf '#!/bin/sh\necho one\necho two\n' >first.sh && chmod +x first.sh
echo 0 >code

plan() { ingot plan "$@" >out 2>err && cat out && test ! -s err; }
# work CODE ARGUMENTS...
work() { want=$1 && shift && test_exit "$want" ingot plan -detailed-exitcode "$@" >out 2>err && cat out && test ! -s err; }
# row TEXT: a row of the last plan, blanks as one
row() { tr -s ' ' <out | sed 's/^ //' | grep -x "$1"; }
json() { ingot plan -json "$@" >doc; }

test_expect_success 'before the first run: all of it, and nothing is left by looking' '
        work 2 t.pkr.hcl && grep "^file.f: runs from the start$" out &&
        row "start run ? not run yet" && row "finish run ? not run yet" && row "checksum run ? not run yet" &&
        grep "^Plan: 3 steps to run, 0 to reuse; how long is not known yet.$" out &&
        test_absent made/f.txt && test_absent "$state/history" && test_absent "$state/records" &&
        test_clean && plan t.pkr.hcl'

test_expect_success 'unchanged: nothing to do' '
        ingot build t.pkr.hcl && work 0 t.pkr.hcl && cat out &&
        grep "^file.f: up to date, made [0-9]*s ago$" out && row "start up-to-date [0-9]*s ago" &&
        row "checksum up-to-date" && grep "^Nothing to do: the build is up to date.$" out'

test_expect_success 'another text: what changed, and how long it takes' '
        work 2 -var text=two t.pkr.hcl && row "start run [<0-9.]*s content changed: line 2" &&
        row "finish run [<0-9.]*s after start" && row "checksum run [<0-9.]*s after start" &&
        grep "^Plan: 3 steps to run, 0 to reuse; .*" out'

test_expect_success 'only post-processors' '
        work 2 -var "sums=[\"md5\"]" t.pkr.hcl && grep "^file.f: the image is up to date, made .* ago; post-processors run$" out &&
        row "finish up-to-date" && row "checksum run .* checksum_types changed"'

test_expect_success 'an artifact that is gone, -force, -no-cache' '
        ingot build t.pkr.hcl && work 2 -force t.pkr.hcl && row "finish run .* -force" &&
        work 2 -no-cache t.pkr.hcl && row "start run .* -no-cache" && rm sum_sha256.txt &&
        work 2 t.pkr.hcl && row "checksum run .* what it made is gone or was altered" && rm made/f.txt &&
        work 2 t.pkr.hcl && row "finish run .* what it made is gone, altered or too old" &&
        ingot build t.pkr.hcl && INGOT_CACHE_TTL=1ns work 2 t.pkr.hcl && row "finish run .* too old"'

test_expect_success 'steps that are never reused, and why' '
        ingot build null.pkr.hcl && work 2 null.pkr.hcl && row "start run .* not reusable: a null build .*" &&
        row "1 shell-local first run .* not reusable: .*"'

test_expect_success 'secrets are in no form of it' '
        ingot build secret.pkr.hcl && plan -var pw=HUNTER2 secret.pkr.hcl && ! grep HUNTER out && grep "content changed" out &&
        json -var pw=HUNTER2 secret.pkr.hcl && ! grep HUNTER doc && ! grep -r HUNTER "$state/history" &&
        [ -z "$(find "$state/history" -type d ! -perm 0700 -o -type f ! -perm 0600)" ]'

test_expect_success 'one document' '
        json -var text=two t.pkr.hcl && cat doc &&
        jq -e ".format == 1 and .work and .run == 3 and .reuse == 0 and .complete and .seconds >= 0" doc &&
        jq -e ".template == \"$PWD/t.pkr.hcl\"" doc &&
        jq -e ".builds[0] | .name == \"file.f\" and .action == \"build\" and .age == null and .problem == null" doc &&
        jq -e "[.builds[0].steps[].kind] == [\"start\", \"finish\", \"post-processor\"]" doc &&
        jq -e ".builds[0].steps[0] | .action == \"run\" and .cause == \"input\" and .line == 2 and .type == \"file\"" doc &&
        jq -e ".builds[0].steps[2] | .cause == \"before\" and .number == 1 and .name == null and .seconds >= 0" doc &&
        json t.pkr.hcl && jq -e ".work == false and .run == 0 and .builds[0].action == \"none\"" doc &&
        jq -e ".builds[0].steps[0] | .action == \"up-to-date\" and .age >= 0 and .reason == null" doc'

test_expect_success 'mistakes: exit code 1, in the document as well' '
        work 1 absent.pkr.hcl && work 1 -from 7 t.pkr.hcl && grep "there is no step .7." out &&
        work 1 -only none.at.all t.pkr.hcl && grep "no builds to plan" out &&
        test_exit 1 ingot plan -json -from 7 t.pkr.hcl >doc && jq -e ".error | test(\"no step\")" doc &&
        test_exit 1 ingot plan -json absent.pkr.hcl >doc && jq -e ".format == 1 and .error" doc'

test_expect_success 'lines for programs' '
        ingot plan -machine-readable -var text=two t.pkr.hcl >out && cat out &&
        grep "^[0-9]*,file.f,plan-step,start,,file,,run,input,content changed: line 2,[0-9.]*$" out &&
        grep "^[0-9]*,,plan,work,3,0,[0-9.]*$" out'

test_expect_success 'histories of builds that have not run for long go' '
        ingot gc && [ "$(ls "$state/history" | wc -l)" = 3 ] &&
        touch -d "-91 days" "$state/history"/* && ingot gc >out && grep "Removed the history of 3 builds" out &&
        work 0 t.pkr.hcl && work 2 -var text=two t.pkr.hcl && row "finish run ? not run yet"'

test_done
