#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The loop of a build, with nobody at the other end.
# shellcheck source=tests/cli/testlib.sh
. "${0%/*}/testlib.sh"

write_file one.pkr.hcl <<'EOF'
source "null" "one" {
  communicator = "none"
}
build {
  sources = ["source.null.one"]
  provisioner "shell-local" {
    inline = ["echo hello from $PACKER_BUILD_NAME", "echo to stderr >&2"]
  }
}
EOF

test_expect_success 'a null build prints what Packer prints' '
        ingot build -color=false one.pkr.hcl >out &&
        grep "^==> null.one: Running local shell script: " out &&
        grep "null.one: hello from one$" out &&
        grep "null.one: to stderr$" out &&
        grep "^Build .null.one. finished after .*\.$" out &&
        grep "^==> Wait completed after " out &&
        grep "^==> Builds finished. The artifacts of successful builds are:$" out &&
        grep "^--> null.one: Did not export anything. This is the null builder$" out
'

test_expect_success 'each step has its time at the end' '
        grep -E "null.one: +[0-9.]+ s  shell-local" out
'

write_file loud.pkr.hcl <<'EOF'
variable "token" {
  default   = "tok-4711-secret"
  sensitive = true
}
source "null" "one" {
  communicator = "none"
}
build {
  sources = ["source.null.one"]
  provisioner "shell-local" {
    inline = ["echo from the step before"]
  }
  provisioner "shell-local" {
    inline = [
      "for i in $(seq 1 40); do echo line $i of it; done",
      "printf 'x%395s%s\\n' '' '${var.token}'",
      "exit 3",
    ]
  }
}
EOF

test_expect_success 'the summary of a failing step has its last 30 lines, and no half of a secret' '
        test_exit 1 ingot build -color=false loud.pkr.hcl >out &&
        sed "1,/had errors:/d" out >summary && cat summary &&
        grep "the last lines of its output:" summary &&
        grep "line 12 of it" summary && ! grep "line 11 of it" summary &&
        grep "line 40 of it" summary && ! grep "step before" summary && ! grep "tok-" out
'

test_expect_success 'colours: on by default, off on request' '
        ingot build one.pkr.hcl >out && grep "$(printf "\033\[1;32m")" out &&
        grep "output will be in this color" out &&
        NO_COLOR=1 ingot build one.pkr.hcl >out && ! grep "$(printf "\033")" out &&
        PACKER_NO_COLOR=1 ingot build one.pkr.hcl >out && ! grep "$(printf "\033")" out
'

test_expect_success 'no live lines when standard output is no terminal' '
        ! grep "step 1 of" out
'

test_expect_success '-timestamp-ui' '
        ingot build -color=false -timestamp-ui one.pkr.hcl >out &&
        grep -E "^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:]+(Z|[+-][0-9:]+): ==> null.one: " out
'

test_expect_success '-machine-readable' '
        ingot build -machine-readable one.pkr.hcl >out &&
        grep -E "^[0-9]+,,ui,say,==> null.one: Running local shell script: " out &&
        grep -E "^[0-9]+,null.one,artifact-count,1$" out &&
        grep -E "^[0-9]+,null.one,artifact,0,builder-id,fnoeding.null$" out &&
        grep -E "^[0-9]+,null.one,artifact,0,id,Null$" out &&
        grep -E "^[0-9]+,null.one,artifact,0,files-count,0$" out &&
        grep -E "^[0-9]+,null.one,artifact,0,end$" out
'

test_expect_success '-json: every line is an object' '
        ingot build -json one.pkr.hcl >out &&
        jq -es "length > 5" <out &&
        jq -es "map(select(.event == \"step-end\" and .ok)) | length >= 2" <out &&
        jq -es "map(select(.event == \"output\" and .text == \"hello from one\" and .stream == \"stdout\")) | length == 1" <out &&
        jq -es "map(select(.event == \"artifact\")) | .[0].artifact.builder_id == \"fnoeding.null\"" <out
'

write_file many.pkr.hcl <<'EOF'
source "null" "a" {
  communicator = "none"
}
source "null" "b" {
  communicator = "none"
}
source "null" "c" {
  communicator = "none"
}
build {
  name    = "all"
  sources = ["null.a", "null.b", "null.c"]
  provisioner "shell-local" {
    inline = ["[ $PACKER_BUILD_NAME != b ] || exit 3", "echo did $PACKER_BUILD_NAME"]
  }
}
EOF

test_expect_success 'one failing build does not stop the others' '
        test_exit 1 ingot build -color=false many.pkr.hcl >out &&
        grep "all.null.a: did a" out && grep "all.null.c: did c" out &&
        grep "^Build .all.null.b. errored after .*: Script exited with non-zero exit status: 3. Allowed exit codes are: \[0\]$" out &&
        grep "Some builds didn.t complete successfully and had errors:" out &&
        grep "^--> all.null.b: Script exited with non-zero exit status: 3" out &&
        grep "^--> all.null.a: Did not export anything" out
'

test_expect_success '-only and -except take globs' '
        ingot build -color=false -only="*.a" many.pkr.hcl >out &&
        grep "did a" out && ! grep "did c" out &&
        ingot build -color=false -except="all.null.b,*.c" many.pkr.hcl >out &&
        grep "did a" out && ! grep "did c" out &&
        test_exit 1 ingot build -color=false -only=nothing many.pkr.hcl >out &&
        grep "No builds to run" out
'

test_expect_success '-parallel-builds=1 runs them in order' '
        test_exit 1 ingot build -color=false -parallel-builds=1 many.pkr.hcl >out &&
        grep -n "did a" out | cut -d: -f1 >first && grep -n "did c" out | cut -d: -f1 >second &&
        [ "$(cat first)" -lt "$(cat second)" ]
'

test_expect_success 'retries, and the message about them' '
        write_file retry.pkr.hcl <<-\EOF &&
        source "null" "r" {
          communicator = "none"
        }
        build {
          sources = ["null.r"]
          provisioner "shell-local" {
            inline      = ["n=$(cat count 2>/dev/null || echo 0)", "echo $((n + 1)) > count", "[ $n = 2 ]"]
            max_retries = 3
          }
        }
	EOF
        ingot build -color=false retry.pkr.hcl >out && [ "$(cat count)" = 3 ] &&
        grep "Provisioner failed with .Script exited with non-zero exit status: 1. Allowed exit codes are: \[0\]., retrying with 3 trie(s) left" out &&
        grep "retrying with 2 trie(s) left" out
'

test_expect_success 'a timeout ends a provisioner' '
        write_file timeout.pkr.hcl <<-\EOF &&
        source "null" "t" {
          communicator = "none"
        }
        build {
          sources = ["null.t"]
          provisioner "shell-local" {
            inline  = ["sleep 300"]
            timeout = "500ms"
          }
        }
	EOF
        test_exit 1 ingot build -color=false timeout.pkr.hcl >out &&
        grep "Setting a 500ms timeout for the next provisioner..." out &&
        grep "Cancelling provisioner after a timeout..." out
'

test_expect_success 'continue_on_error goes on' '
        write_file go-on.pkr.hcl <<-\EOF &&
        source "null" "g" {
          communicator = "none"
        }
        build {
          sources = ["null.g"]
          provisioner "shell-local" {
            inline            = ["exit 7"]
            continue_on_error = true
          }
          provisioner "shell-local" {
            inline = ["echo after"]
          }
        }
	EOF
        ingot build -color=false go-on.pkr.hcl >out && grep "null.g: after" out &&
        grep "but continue_on_error is set; continuing the build." out
'

test_expect_success 'the error-cleanup-provisioner runs on failure only' '
        write_file cleanup.pkr.hcl <<-\EOF &&
        variable "code" {
          type = number
        }
        source "null" "e" {
          communicator = "none"
        }
        build {
          sources = ["null.e"]
          provisioner "shell-local" {
            inline = ["exit ${var.code}"]
          }
          error-cleanup-provisioner "shell-local" {
            inline = ["echo swept > swept"]
          }
        }
	EOF
        ingot build -color=false -var code=0 cleanup.pkr.hcl >out && test_absent swept &&
        test_exit 1 ingot build -color=false -var code=5 cleanup.pkr.hcl >out &&
        [ "$(cat swept)" = swept ]
'

test_expect_success 'secrets do not reach the output, in any encoding' '
        write_file secret.pkr.hcl <<-\EOF &&
        variable "token" {
          type      = string
          sensitive = true
        }
        source "null" "s" {
          communicator = "none"
        }
        build {
          sources = ["null.s"]
          provisioner "shell-local" {
            environment_vars = ["TOKEN=${var.token}"]
            inline = ["echo plain $TOKEN", "printf %s \"$TOKEN\" | base64"]
          }
        }
	EOF
        ingot build -color=false -var "token=correct horse/battery" secret.pkr.hcl >out &&
        grep "plain <sensitive>" out &&
        ! grep -e "correct horse" -e "Y29ycmVjdCBob3JzZS9iYXR0ZXJ5" out &&
        ingot build -json -var "token=correct horse/battery" secret.pkr.hcl >out &&
        ! grep -e "correct horse" -e "Y29ycmVjdCBob3JzZS9iYXR0ZXJ5" out
'

test_expect_success 'an interrupt ends a build within two seconds and cleans up' '
        write_file long.pkr.hcl <<-\EOF &&
        source "null" "l" {
          communicator = "none"
        }
        build {
          sources = ["null.l"]
          provisioner "shell-local" {
            inline = ["echo $$ > pid", "sleep 1000"]
          }
        }
	EOF
        { ingot build -color=false long.pkr.hcl >out & } && pid=$! && test_keep_pid $pid &&
        test_wait 10 test -s pid &&
        start=$(date +%s%N) && kill -INT $pid && test_exit 1 wait $pid &&
        [ $((($(date +%s%N) - start) / 1000000)) -lt 2000 ] &&
        grep "Cancelling build after receiving interrupt" out &&
        grep "Cleanly cancelled builds after being interrupted." out &&
        test_wait 2 test_ended "$(cat pid)" &&
        [ -z "$(ls "$TMPDIR")" ] &&
        [ -z "$(ls "$HOME/.local/state/ingot/runs" 2>/dev/null)" ]
'

test_expect_success 'after kill -9 gc leaves nothing' '
        rm -f pid &&
        { ingot build -color=false long.pkr.hcl >out & } && pid=$! && test_keep_pid $pid &&
        test_wait 10 test -s pid && child=$(cat pid) && test_keep_pid "$child" &&
        kill -9 $pid && { wait $pid || true; } &&
        test_runs "$child" && [ -n "$(ls "$TMPDIR")" ] &&
        ingot gc >out && grep "Removed process" out &&
        test_wait 2 test_ended "$child" &&
        [ -z "$(ls "$TMPDIR")" ] && [ -z "$(ls "$HOME/.local/state/ingot/runs")" ]
'

test_done
