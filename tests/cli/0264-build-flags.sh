#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The flags of build: how they are written, what is said about wrong ones, what they select.
# shellcheck source=tests/cli/testlib.sh
. "${0%/*}/testlib.sh"

write_file t.pkr.hcl <<'EOF'
source "null" "a" {
  communicator = "none"
}
source "null" "b" {
  communicator = "none"
}
source "file" "c" {
  content = "x"
  target  = "c.out"
}
build {
  name    = "one"
  sources = ["null.a", "null.b"]
  provisioner "shell-local" {
    inline = ["echo ran $PACKER_BUILD_NAME", "echo err $PACKER_BUILD_NAME >&2"]
  }
  post-processor "shell-local" {
    name   = "first"
    inline = ["echo first of $PACKER_BUILD_NAME"]
  }
  post-processors {
    post-processor "shell-local" {
      name   = "second"
      inline = ["echo second of $PACKER_BUILD_NAME"]
    }
    post-processor "shell-local" {
      inline = ["echo third of $PACKER_BUILD_NAME"]
    }
  }
}
build {
  sources = ["file.c"]
}
EOF
build() { ingot build -color=false "$@" t.pkr.hcl; }
ran() { sed -n 's/^    [^:]*: ran //p' out | sort | tr '\n' ' '; }

# wrong TEXT FLAG...: refused with this line among those before the usage text
wrong() {
        want=$1 && shift
        test_exit 1 ingot build "$@" >out 2>err && cat out err && [ ! -s err ] &&
                sed "/^Usage:/,\$d" out | grep -F -x -e "$want" && grep "^Usage: ingot build" out
}

test_expect_success 'wrong flags are told in one line, then comes the usage' '
        wrong "flag provided but not defined: -x" -x t.pkr.hcl &&
        wrong "flag provided but not defined: -x" --x=3 t.pkr.hcl &&
        wrong "invalid boolean value \"x\" for -debug: parse error" -debug=x t.pkr.hcl &&
        wrong "invalid value \"x\" for flag -parallel-builds: parse error" -parallel-builds=x t.pkr.hcl &&
        wrong "flag needs an argument: -parallel-builds" -parallel-builds &&
        wrong "invalid value \"x\" for flag -on-error: expected one of [\"cleanup\" \"abort\" \"ask\" \"run-cleanup-provisioner\"]" -on-error x t.pkr.hcl &&
        wrong "invalid value \"foo\" for flag -var: No '"'='"' value in arg: foo" -var foo t.pkr.hcl &&
        wrong "invalid value \"x\" for flag -config-type: x does not belong to configType values" -config-type=x t.pkr.hcl
'

test_expect_success 'one template is needed, behind the flags' '
        wrong "'"'build'"' needs exactly one template path, got 0" &&
        wrong "  flags stand before the template path" t.pkr.hcl -force
'

test_expect_success 'flags in all their forms' '
        ingot build --color=F -force=1 -parallel-builds 1 --only "one.*" -- t.pkr.hcl >out && [ "$(ran)" = "a b " ]
'

test_expect_success 'flags without effect are accepted, and that is said' '
        build -skip-enforcement -only="one.null.a" >out && cat out && [ "$(ran)" = "a " ] &&
        grep "^Warning: -skip-enforcement has no effect$" out &&
        ingot validate -ignore-prerelease-plugins t.pkr.hcl >out && ! grep Warning out &&
        build -skip-enforcement=false >out && ! grep Warning out
'

test_expect_success '-only and -except: globs, several, both' '
        build -only="one.*.[ab]" >out && [ "$(ran)" = "a b " ] &&
        build -only="*l.[az]" -only=file.c -force >out && [ "$(ran)" = "a " ] && grep "Build .file.c. finished" out &&
        build -except="*.a,file.?" >out && [ "$(ran)" = "b " ] &&
        build -only="one.*" -except="*.b" >out && [ "$(ran)" = "a " ]
'

test_expect_success '-only and -except: patterns that match nothing' '
        build -only="one.null.a,nothing" >out && cat out && [ "$(ran)" = "a " ] &&
        tr "\n" " " <out | grep -F "Warning: an '"'only'"' option was passed, but not all matches were found for the given build." &&
        grep "Possible build names: .one.null.a one.null.b file.c.\." out &&
        build -force -except="nothing" >out && grep "Warning: an .except. option was passed, but did not match any build." out &&
        test_exit 1 build -only="[" >out && grep "Error: Invalid -only pattern \[: " out && ! grep "ran a" out
'

test_expect_success '-except cuts a chain of post-processors off' '
        build -only="one.null.a" -except="second" >out && cat out && grep "first of a" out &&
        ! grep "second of a" out && ! grep "third of a" out && ! grep Warning out &&
        build -only="one.null.a" -except="shell-local" >out && grep "second of a" out && ! grep "third of a" out
'

test_expect_success 'no build at all' '
        test_exit 1 build -only=zzz >out && cat out && grep "^Error: No builds to run$" out &&
        grep "^A build command cannot run without at least one build to process. If the only or$" out &&
        grep "Warning: an .only. option" out && ! grep "Wait completed" out &&
        test_exit 1 build -except="*" >out && grep "^Error: No builds to run$" out
'

test_expect_success '-force is what makes a builder replace' '
        rm -f c.out && build -only=file.c >out && echo other >c.out && build -only=file.c -force >out && [ "$(cat c.out)" = x ]
'

test_expect_success 'a build whose component is wrong does not keep the others from running' '
        sed "s/content = \"x\"/content = \"x\"\n  source = \"t.pkr.hcl\"/" t.pkr.hcl >wrong.pkr.hcl &&
        test_exit 1 ingot build -color=false wrong.pkr.hcl >out && cat out && [ "$(ran)" = "a b " ] &&
        grep "Cannot specify source file AND content" out && ! grep "Build .file.c." out &&
        grep -e "--> one.null.a: Did not export anything" out
'

test_expect_success 'output: prefixes, standard error in red, times, colours of builds in order' '
        ingot build -timestamp-ui -force t.pkr.hcl >out && cat -v out &&
        grep "^.\[1;32m[0-9T:.+-]*Z*: ==> one.null.a: Running local shell script: " out &&
        grep "^.\[1;36m[0-9T:.+-]*Z*:     one.null.b: ran b.\[0m$" out &&
        grep "^.\[1;31m[0-9T:.+-]*Z*: ==> one.null.b: err b.\[0m$" out &&
        grep "^.\[1;32mone.null.a: output will be in this color..\[0m$" out &&
        grep "^.\[1;35mfile.c: output will be in this color..\[0m$" out &&
        grep "==> one.null.a: Running post-processor: first (type shell-local)" out &&
        grep "==> one.null.a: Running post-processor:  (type shell-local)" out &&
        grep " one.null.a (shell-local): third of a" out
'

test_expect_success '-machine-readable anywhere: typed lines, errors counted, commas and newlines escaped' '
        sed "s/ran \$PACKER_BUILD_NAME/a,b; exit 3/" t.pkr.hcl >bad.pkr.hcl &&
        test_exit 1 ingot build -force bad.pkr.hcl -machine-readable >out && cat out &&
        grep -E "^[0-9]+,,error-count,2$" out && grep -E "^[0-9]+,one.null.a,error,Script exited with " out &&
        grep -E "^[0-9]+,,ui,say,==> one.null.a: a%!\(PACKER_COMMA\)b" out &&
        grep -E "^[0-9]+,file.c,artifact-count,1$" out && grep -E "^[0-9]+,file.c,artifact,0,file,0,c.out$" out &&
        ! grep "output will be in" out && ! grep -v -E "^[0-9]+," out
'

test_expect_success 'builds start in order, at most so many at once, and one is enough for all' '
        ingot build -json -parallel-builds=1 -force t.pkr.hcl >out &&
        jq -r "select(.event == \"build-start\" or .event == \"build-end\") | .build" <out | tr "\n" " " >order &&
        cat order && [ "$(cat order)" = "one.null.a one.null.a one.null.b one.null.b file.c file.c " ] &&
        ingot build -json -debug -force t.pkr.hcl >out &&
        jq -r "select(.event == \"build-start\" or .event == \"build-end\") | .build" <out | tr "\n" " " | cmp - order
'

test_expect_success 'SIGTERM, and what has not begun never does' '
        write_file slow.pkr.hcl <<-\EOF &&
	source "null" "a" {
	  communicator = "none"
	}
	source "null" "b" {
	  communicator = "none"
	}
	build {
	  sources = ["null.a", "null.b"]
	  provisioner "shell-local" {
	    inline = ["touch $PACKER_BUILD_NAME.begun", "sleep 60"]
	  }
	  post-processor "shell-local" {
	    inline = ["touch posted"]
	  }
	}
	EOF
        { ingot build -color=false -parallel-builds=1 slow.pkr.hcl >out & } && pid=$! && test_keep_pid $pid &&
        test_wait 10 test -e a.begun && kill -TERM $pid && test_exit 1 wait $pid && cat out &&
        grep "^Cancelling build after receiving terminated$" out && test_absent b.begun && test_absent posted &&
        [ "$(tail -1 out)" = "Cleanly cancelled builds after being interrupted." ] && test_clean
'

test_done
