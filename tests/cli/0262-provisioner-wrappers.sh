#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# What stands around a provisioner: pauses, time limits, retries, continue_on_error, override,
# only and except, the error-cleanup-provisioner; and what the build tells it.
# shellcheck source=tests/cli/testlib.sh
. "${0%/*}/testlib.sh"

# The provisioners (and more) of a build with two null sources on standard input.
in_build() {
        {
                printf 'source "null" "one" {\n  communicator = "none"\n}\n'
                printf 'source "null" "two" {\n  communicator = "none"\n}\n'
                printf 'build {\n  sources = ["source.null.one", "source.null.two"]\n'
                cat
                echo '}'
        } >t.pkr.hcl
}
build() { ingot build -color=false -only="*.${only:-one}" "$@" t.pkr.hcl; }

test_expect_success 'pause_before' '
        in_build <<-\EOF &&
	provisioner "shell-local" {
	  inline       = ["echo ran"]
	  pause_before = "300ms"
	}
	EOF
        start=$(date +%s%N) && build >out && end=$(date +%s%N) && cat out &&
        [ $(((end - start) / 1000000)) -ge 300 ] &&
        grep "^==> null.one: Pausing 300ms before the next provisioner...$" out && grep "null.one: ran" out
'

test_expect_success 'a pause hides a time limit, as people are warned' '
        in_build <<-\EOF &&
	provisioner "shell-local" {
	  inline       = ["sleep 0.4; echo ran"]
	  pause_before = "1ms"
	  timeout      = "100ms"
	}
	EOF
        build >out && cat out && grep "null.one: ran" out && ! grep "Setting a" out &&
        grep "Warning: timeout without effect" out
'

test_expect_success 'a time limit says what was waited for' '
        in_build <<-\EOF &&
	provisioner "shell-local" {
	  inline  = ["echo begun; sleep 60"]
	  timeout = "500ms"
	}
	EOF
        test_exit 1 build >out && cat out &&
        grep "^==> null.one: Setting a 500ms timeout for the next provisioner...$" out &&
        grep "^==> null.one: Cancelling provisioner after a timeout...$" out &&
        grep "^--> null.one: the provisioner did not end within its timeout of 500ms$" out &&
        grep "it was waiting for the script .*packer-shell.* to end" out && test_clean
'

test_expect_success 'every try has its own pause or limit; the first error is the one that is told' '
        in_build <<-\EOF &&
	provisioner "shell-local" {
	  inline      = ["n=$(cat n 2>/dev/null || echo 0)", "echo $((n + 1)) >n", "[ $n != 1 ] || sleep 60", "exit $((n + 3))"]
	  timeout     = "2s"
	  max_retries = 2
	}
	EOF
        rm -f n && test_exit 1 ingot build -machine-readable -only="*.one" t.pkr.hcl >out && cat out && [ "$(cat n)" = 3 ] &&
        [ "$(grep -c "ui,say,==> null.one: Setting a 2s timeout" out)" = 3 ] &&
        grep -F "ui,say,==> null.one: Provisioner failed with \"Script exited with non-zero exit status: 3. Allowed exit codes are: [0]\"%!(PACKER_COMMA) retrying with 2 trie(s) left" out &&
        grep -F "status: 3. Allowed exit codes are: [0]\"%!(PACKER_COMMA) retrying with 1 trie(s) left" out &&
        grep "ui,say,==> null.one: retry limit reached.$" out &&
        grep "ui,error,--> null.one: Script exited with non-zero exit status: 3" out
'

test_expect_success 'an error with quotes and newlines is quoted' '
        in_build <<-\EOF &&
	provisioner "shell-local" {
	  inline            = ["{{ template \"no\\nsuch\" }}"]
	  continue_on_error = true
	}
	EOF
        build >out; cat out; grep -F "Warning: Provisioner failed with \"Error processing inline: " out &&
        grep -F "\\\"no\\\\nsuch\\\"" out
'

test_expect_success 'max_retries below zero is none' '
        in_build <<-\EOF &&
	provisioner "shell-local" {
	  inline      = ["exit 9"]
	  max_retries = -1
	}
	EOF
        test_exit 1 build >out && cat out && grep "exit status: 9" out && ! grep "retrying with" out
'

test_expect_success 'an interrupt is neither retried nor swallowed' '
        in_build <<-\EOF &&
	provisioner "shell-local" {
	  inline            = ["touch begun", "sleep 60"]
	  max_retries       = 5
	  continue_on_error = true
	}
	EOF
        rm -f begun && { ingot build -color=false -only="*.one" t.pkr.hcl >out & } && pid=$! && test_keep_pid $pid && test_wait 10 test -e begun &&
        kill -INT $pid && test_exit 1 wait $pid && cat out && ! grep -e retrying -e continue_on_error out &&
        grep "Cleanly cancelled builds" out && test_clean
'

test_expect_success 'override, only and except' '
        in_build <<-\EOF &&
	provisioner "shell-local" {
	  inline   = ["echo plain in $PACKER_BUILD_NAME"]
	  override = {
	    two = { inline = ["echo special in $PACKER_BUILD_NAME"] }
	  }
	}
	provisioner "shell-local" {
	  inline = ["echo only in $PACKER_BUILD_NAME"]
	  only   = ["null.two"]
	}
	provisioner "shell-local" {
	  inline = ["echo not in two but $PACKER_BUILD_NAME"]
	  except = ["null.two"]
	}
	EOF
        only="*" build >out && cat out && grep "null.one: plain in one" out && grep "null.two: special in two" out &&
        [ "$(grep -c "only in two" out)" = 1 ] && ! grep "only in one" out &&
        grep "not in two but one" out && ! grep "not in two but two" out
'

test_expect_success 'the cleanup provisioner: its own failure is told with the first one' '
        in_build <<-\EOF &&
	provisioner "shell-local" {
	  inline = ["exit 3"]
	}
	error-cleanup-provisioner "shell-local" {
	  inline      = ["exit 4"]
	  max_retries = 1
	}
	EOF
        test_exit 1 build >out && cat out && grep "retrying with 1 trie(s) left" out &&
        grep -F -e "--> null.one: Cleanup failed: Script exited with non-zero exit status: 4. Allowed exit codes are: [0]. Original Provisioning error: Script exited with non-zero exit status: 3. Allowed exit codes are: [0]" out
'

test_expect_success 'the cleanup provisioner: told even if there is none, skipped by only' '
        in_build <<-\EOF &&
	provisioner "shell-local" {
	  inline = ["exit 3"]
	}
	error-cleanup-provisioner "shell-local" {
	  inline = ["echo swept"]
	  only   = ["null.two"]
	}
	EOF
        test_exit 1 build >out && cat out && grep "Provisioning step had errors: Running the cleanup provisioner, if present..." out &&
        ! grep swept out
'

test_expect_success 'the cleanup provisioner is not ended by the first interrupt, but by the second' '
        in_build <<-\EOF &&
	provisioner "shell-local" {
	  inline = ["exit 3"]
	}
	error-cleanup-provisioner "shell-local" {
	  inline = ["touch sweeping", "until [ -e enough ]; do sleep 0.02; done", "echo swept"]
	}
	EOF
        rm -f sweeping enough && { ingot build -color=false -only="*.one" t.pkr.hcl >out & } && pid=$! && test_keep_pid $pid && test_wait 10 test -e sweeping &&
        kill -INT $pid && test_wait 10 grep "Cancelling build" out && touch enough && test_exit 1 wait $pid && cat out &&
        grep "null.one: swept" out && grep "Cleanly cancelled builds" out && test_clean &&
        rm -f sweeping enough && { ingot build -color=false -only="*.one" t.pkr.hcl >out & } && pid=$! && test_keep_pid $pid && test_wait 10 test -e sweeping &&
        kill -INT $pid && test_wait 10 grep "Cancelling build" out && kill -INT $pid && test_exit 1 wait $pid && cat out &&
        ! grep swept out && test_clean
'

test_expect_success 'the cleanup provisioner does not run after an interrupt' '
        in_build <<-\EOF &&
	provisioner "shell-local" {
	  inline = ["touch begun", "sleep 60"]
	}
	error-cleanup-provisioner "shell-local" {
	  inline = ["echo swept"]
	}
	EOF
        rm -f begun && { ingot build -color=false -only="*.one" t.pkr.hcl >out & } && pid=$! && test_keep_pid $pid && test_wait 10 test -e begun &&
        kill -INT $pid && test_exit 1 wait $pid && cat out && ! grep swept out && test_clean
'

test_expect_success 'a script for a machine that is nobody fails at once' '
        in_build <<-\EOF &&
	provisioner "shell" {
	  inline = ["true"]
	}
	EOF
        start=$(date +%s) && test_exit 1 build >out && cat out && [ $(($(date +%s) - start)) -lt 5 ] &&
        grep -e "--> null.one: Error uploading script: Upload is not implemented when communicator = .none." out
'

test_expect_success 'what the build tells: values, templates, variables; placeholders before' '
        in_build <<-\EOF &&
	provisioner "shell-local" {
	  inline = [
	    "cat <<X",
	    "id ${build.ID} host ${build.Host} type ${build.ConnType} http ${build.PackerHTTPAddr}",
	    "template {{ .ID }} {{ .Host }} {{ build `Host` }} {{ build_name }} {{ build_type }}",
	    "X",
	    "[ $PACKER_RUN_UUID = ${build.PackerRunUUID} ] && env | grep ^PACKER_ | sort",
	  ]
	}
	post-processor "shell-local" {
	  inline = ["echo \"after ${build.ID} ${build.Host} {{ .ID }} {{ build `User` }}\"", "[ $PACKER_RUN_UUID = ${build.PackerRunUUID} ]"]
	}
	EOF
        PACKER_RUN_UUID=old build >out; cat out &&
        grep "null.one: id Null host <unknown> type <unknown> http ERR_HTTP_ADDR_NOT_IMPLEMENTED_BY_BUILDER$" out &&
        grep "null.one: template Null <no value> <no value> one null$" out &&
        grep "null.one: PACKER_BUILDER_TYPE=null$" out && grep "null.one: PACKER_BUILD_NAME=one$" out &&
        grep "null.one: PACKER_RUN_UUID=" out && ! grep PACKER_HTTP out &&
        grep "after Null <unknown> Null <no value>" out
'

test_expect_success 'a template that says something else for a machine is the same in both languages' '
        write_file t.json <<-\EOF &&
	{"builders": [{"type": "null", "name": "one", "communicator": "none"}],
	 "provisioners": [{"type": "shell-local", "inline": ["echo \"{{build `ID`}} {{build `Host`}} {{build `User`}} {{.ID}}\""]}],
	 "post-processors": [{"type": "shell-local", "inline": ["echo \"after {{build `ID`}} {{build `Host`}}\""]}]}
	EOF
        ingot build -color=false t.json >out; cat out; grep "null.one: Null <no value> <no value> Null" out &&
        grep "after Null <no value>" out &&
        sed -i "s/build \`User\`/build \`Nonsense\`/" t.json && test_exit 1 ingot build -color=false t.json >out &&
        grep "loaded data, but couldnt find Nonsense in it." out
'

test_expect_success 'a long silence says what is waited for, less and less often; never on request' '
        in_build <<-\EOF &&
	provisioner "shell-local" {
	  inline = ["echo begun", "until [ -e enough ]; do sleep 0.05; done"]
	}
	EOF
        rm -f enough && { INGOT_SILENCE=500ms ingot build -color=false -only="*.one" t.pkr.hcl >out & } && pid=$! &&
        test_keep_pid $pid &&
        test_wait 20 grep -E "==> null.one: Still waiting for the script .*packer-shell.* to end in step 2 of 3 .shell-local.; nothing was heard for [2-9]s" out &&
        touch enough && test_exit 0 wait $pid && cat out && [ "$(grep -c "Still waiting" out)" -le 3 ] &&
        in_build <<-\EOF &&
	provisioner "sleep" {
	  duration = "1500ms"
	}
	EOF
        INGOT_SILENCE=0 build >out && ! grep Still out &&
        INGOT_SILENCE=100ms ingot build -machine-readable -only="*.one" t.pkr.hcl >out && cat out &&
        grep "ui,say,==> null.one: Still waiting for 1.5s to pass in step 2 of 3 (sleep)" out
'

test_done
