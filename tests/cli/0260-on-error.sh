#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# -on-error, -debug and breakpoints: who is asked what, and what happens then.
# shellcheck source=tests/cli/testlib.sh
. "${0%/*}/testlib.sh"

# on_terminal [EXPECT ANSWER]... -- COMMAND...: runs it on a terminal of its own
on_terminal() { python3 "$SRCDIR/tests/tools/terminal.py" "$@"; }
# away from any terminal
away() { setsid -w "$@"; }
build() { ingot build -color=false "$@" t.pkr.hcl; }
on_terminal_build() {
        # the flags stand before --, questions after it
        flags=
        while [ "$1" != -- ]; do flags="$flags $1" && shift; done
        shift
        # shellcheck disable=SC2086
        on_terminal --out out "$@" -- ingot build -color=false $flags t.pkr.hcl >screen
        code=$?
        cat out screen
        return $code
}

export question='step (build may fail even if retry succeeds)?'

write_file t.pkr.hcl <<'EOF'
source "null" "one" {
  communicator = "none"
}
build {
  sources = ["source.null.one"]
  provisioner "shell-local" {
    inline = ["echo first >>ran"]
  }
  provisioner "shell-local" {
    inline = ["echo second >>ran", "[ -e good ]"]
  }
  provisioner "shell-local" {
    inline = ["echo third >>ran"]
  }
  error-cleanup-provisioner "shell-local" {
    inline = ["echo swept >>ran"]
  }
  post-processor "shell-local" {
    inline = ["echo post >>ran"]
  }
}
EOF

test_expect_success 'cleanup: the cleanup provisioner runs, then the machine goes' '
        test_exit 1 build >out && cat out && [ "$(tr "\n" " " <ran)" = "first second swept " ] &&
        grep "^==> null.one: Provisioning step had errors: Running the cleanup provisioner, if present...$" out &&
        ! grep aborting out && test_clean
'

test_expect_success 'abort: no clean-up, and each step that is skipped is told' '
        rm -f ran && test_exit 1 build -on-error=abort >out && cat out &&
        [ "$(tr "\n" " " <ran)" = "first second " ] &&
        grep "^==> null.one: Script exited with non-zero exit status: 1" out &&
        grep "^==> null.one: Step \"StepProvision\" failed, aborting...$" out &&
        grep "^==> null.one: aborted: skipping cleanup of step \"StepConnect\"$" out &&
        ! grep "left behind" out && test_clean
'

test_expect_success 'run-cleanup-provisioner: only that one' '
        rm -f ran && test_exit 1 build -on-error=run-cleanup-provisioner >out && cat out &&
        [ "$(tr "\n" " " <ran)" = "first second swept " ] &&
        grep "^==> null.one: Step \"StepProvision\" failed, aborting...$" out && test_clean
'

test_expect_success 'ask without a terminal cleans up' '
        rm -f ran && test_exit 1 away "$INGOT_BIN" build -color=false -on-error=ask t.pkr.hcl >out && cat out &&
        [ "$(tr "\n" " " <ran)" = "first second swept " ] &&
        grep "^==> null.one: Step \"StepProvision\" failed$" out && ! grep -F "$question" out && test_clean
'

test_expect_success 'ask: programs that read us are not asked' '
        rm -f ran && test_exit 1 on_terminal -- ingot build -machine-readable -on-error=ask t.pkr.hcl >out &&
        cat out && [ "$(tr "\n" " " <ran)" = "first second swept " ] && ! grep -F "$question" out &&
        test_exit 1 on_terminal -- ingot build -json -on-error=ask t.pkr.hcl >out &&
        grep "\"event\":\"question\"" out && test_clean
'

test_expect_success 'ask: something else is asked again, upper case and long words count, nothing is c' '
        rm -f ran && test_exit 1 on_terminal_build -on-error=ask -- "$question" "what\r" "$question" "Clean\r" &&
        [ "$(tr "\n" " " <ran)" = "first second swept " ] &&
        grep "^==> null.one: Incorrect input: \"what\"$" out && grep -F "==> null.one: [c] Clean up" screen &&
        rm -f ran && test_exit 1 on_terminal_build -on-error=ask -- "$question" "\r" &&
        [ "$(tr "\n" " " <ran)" = "first second swept " ] && test_clean
'

test_expect_success 'ask: a leaves it all' '
        rm -f ran && test_exit 1 on_terminal_build -on-error=ask -- "$question" "a\r" &&
        [ "$(tr "\n" " " <ran)" = "first second " ] &&
        grep "^==> null.one: Step \"StepProvision\" failed, aborting...$" out && test_clean
'

test_expect_success 'ask: r goes on with the provisioner that failed, and the build is well if it is' '
        rm -f ran good &&
        sed "s/\[ -e good \]/[ -e good ] || { touch good; exit 1; }/" t.pkr.hcl >u.pkr.hcl &&
        on_terminal --out out "$question" "r\r" -- ingot build -color=false -on-error=ask u.pkr.hcl && cat out &&
        [ "$(tr "\n" " " <ran)" = "first second second third post " ] &&
        grep "finished after" out && test_clean
'

test_expect_success 'ask: an interrupt is c' '
        rm -f ran good && test_exit 1 on_terminal_build -on-error=ask -- "$question" "\x03" &&
        [ "$(tr "\n" " " <ran)" = "first second swept " ] &&
        grep "Cancelling build after receiving interrupt" out && test_clean
'

test_expect_success 'ask: two builds ask one after the other' '
        write_file two.pkr.hcl <<-\EOF &&
	source "null" "a" {
	  communicator = "none"
	}
	source "null" "b" {
	  communicator = "none"
	}
	build {
	  sources = ["source.null.a", "source.null.b"]
	  provisioner "shell-local" {
	    inline = ["exit 4"]
	  }
	}
	EOF
        test_exit 1 on_terminal "$question" "c\r" "$question" "c\r" -- ingot build -color=false -on-error=ask two.pkr.hcl >out &&
        cat out && [ "$(grep -c -F "$question c" out)" = 2 ] && test_clean
'

test_expect_success 'debug: the pauses of a build that works' '
        touch good && on_terminal_build -debug -- \
                "Pausing after run of step '"'StepConnect'"'. Press enter to continue." "\r" \
                "Pausing before the next provisioner . Press enter to continue." "\r" \
                "Pausing before the next provisioner . Press enter to continue." "\r" \
                "Pausing before the next provisioner . Press enter to continue." "\r" \
                "Pausing after run of step '"'StepProvision'"'. Press enter to continue." "\r" \
                "Pausing before cleanup of step '"'StepProvision'"'. Press enter to continue." "\r" \
                "Pausing before cleanup of step '"'StepConnect'"'. Press enter to continue." "\r" &&
        grep "^Debug mode enabled. Builds will not be parallelized.$" out &&
        [ "$(grep -c Pausing screen)" -ge 1 ] && grep "finished after" out && test_clean
'

test_expect_success 'debug: the pauses of a build that fails' '
        rm -f good && test_exit 1 on_terminal_build -debug -- "run of step" "\r" \
                "next provisioner" "\r" "next provisioner" "\r" "before cleanup of step '"'StepConnect'"'" "\r" &&
        ! grep "cleanup of step .StepProvision" screen && test_clean
'

test_expect_success 'debug: goes on by itself without a terminal; an interrupt ends the pause' '
        touch good && away "$INGOT_BIN" build -color=false -debug t.pkr.hcl >out &&
        grep "finished after" out && rm -f ran &&
        test_exit 1 on_terminal_build -debug -- "run of step" "\r" "next provisioner" "\x03" && test_absent ran &&
        grep "Cleanly cancelled builds after being interrupted" out && test_clean
'

test_expect_success 'a breakpoint waits for the enter key; what another build says meanwhile comes later' '
        write_file break.pkr.hcl <<-\EOF &&
	source "null" "a" {
	  communicator = "none"
	}
	source "null" "b" {
	  communicator = "none"
	}
	build {
	  sources = ["source.null.a", "source.null.b"]
	  provisioner "breakpoint" {
	    note = "look"
	    only = ["null.a"]
	  }
	  provisioner "shell-local" {
	    inline = ["touch $PACKER_BUILD_NAME.done", "echo told by $PACKER_BUILD_NAME"]
	  }
	}
	EOF
        on_terminal "Press enter to continue." "" file:b.done "\r" -- ingot build -color=false break.pkr.hcl >out &&
        cat out && grep "Pausing at breakpoint provisioner with note \"look\"." out &&
        grep -n "==> null.a: Press enter to continue. " out | cut -d: -f1 >asked &&
        grep -n "null.b: told by b" out | cut -d: -f1 >told && [ "$(cat told)" -gt "$(cat asked)" ] &&
        grep "null.a: told by a" out && test_clean
'

test_expect_success 'a breakpoint ends at an interrupt' '
        test_exit 1 on_terminal "Press enter to continue." "\x03" -- ingot build -color=false break.pkr.hcl >out &&
        grep "Cancelling build after receiving interrupt" out && test_clean
'

test_done
