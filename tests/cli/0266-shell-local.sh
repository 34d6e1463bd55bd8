#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Every option of shell-local, as provisioner and as post-processor.
# shellcheck source=tests/cli/testlib.sh
. "${0%/*}/testlib.sh"

in_build() {
        {
                printf 'source "null" "n" {\n  communicator = "none"\n}\n'
                printf 'build {\n  sources = ["source.null.n"]\n'
                cat
                echo '}'
        } >t.pkr.hcl
}
build() { ingot build -color=false t.pkr.hcl; }
flat() { tr '\n' ' ' <out | sed 's/  */ /g'; }

test_expect_success 'inline: one script, no input, the directory we were started in' '
        in_build <<-\EOF &&
	provisioner "shell-local" {
	  inline = ["A=b", "echo $A $PWD; cat; printf end", "echo \"|$0|\" | sed s,/tmp.*packer,packer,"]
	}
	provisioner "shell-local" {
	  command = "echo one command, {{ build_name }}"
	}
	EOF
        build >out && cat out && grep "null.n: b $PWD$" out && grep "null.n: end|.*packer-shell" out &&
        grep "null.n: one command, n$" out
'

test_expect_success 'inline_shebang, tempfile_extension' '
        in_build <<-\EOF &&
	provisioner "shell-local" {
	  inline             = ["import sys; print(sys.argv[0][-3:], 6 * 7)"]
	  inline_shebang     = "/usr/bin/env python3"
	  tempfile_extension = ".py"
	}
	provisioner "shell-local" {
	  inline             = ["echo $0"]
	  tempfile_extension = "txt"
	}
	provisioner "shell-local" {
	  inline = ["false", "echo never"]
	}
	EOF
        test_exit 1 build >out && cat out && grep "null.n: .py 42$" out && grep "null.n: .*packer-shell[^.]*.txt$" out && ! grep never out
'

test_expect_success 'script and scripts need the right to execute, unless a program is named' '
        echo "echo ran \$0" >a.sh && printf "#!/bin/sh\necho ran \$0\n" >b.sh && chmod 755 b.sh && in_build <<-\EOF &&
	provisioner "shell-local" {
	  scripts         = ["a.sh", "b.sh"]
	  execute_command = ["sh", "{{ .Script }}"]
	}
	provisioner "shell-local" {
	  script = "b.sh"
	}
	provisioner "shell-local" {
	  script = "a.sh"
	}
	EOF
        test_exit 1 build >out && cat out && grep "Running local shell script: $PWD/a.sh$" out &&
        [ "$(grep -c "null.n: ran $PWD/a.sh$" out)" = 1 ] && [ "$(grep -c "null.n: ran $PWD/b.sh$" out)" = 2 ] &&
        grep "exit status: 126" out && grep "no execute permission" out
'

test_expect_success 'variables: who wins, and how they get there' '
        in_build <<-\EOF &&
	provisioner "shell-local" {
	  environment_vars = ["ONE=it'"'"'s $HOME", "TWO=old", "PACKER_BUILD_NAME=mine", "LATE={{ .ID }}"]
	  env              = { TWO = "new" }
	  inline           = ["echo \"$ONE|$TWO|$PACKER_BUILD_NAME|$PACKER_BUILDER_TYPE|$LATE|$INHERITED\""]
	}
	provisioner "shell-local" {
	  environment_vars = ["B=2", "A=it'"'"'s"]
	  env_var_format   = "<%s:%s>"
	  execute_command  = ["echo", "{{ .Vars }}", "{{ build_type }}"]
	  inline           = ["true"]
	}
	provisioner "shell-local" {
	  environment_vars = ["B=2"]
	  execute_command  = ["sh", "{{ .Command }}"]
	  inline           = ["echo \"[$B]\""]
	}
	provisioner "shell-local" {
	  environment_vars = ["B=2 3"]
	  execute_command  = ["/bin/bash", "-c", "{{ .Vars }} {{ .Script }}"]
	  inline           = ["echo \"[$B]\""]
	}
	EOF
        INHERITED=yes build >out && cat out && grep -F "null.n: it'"'"'s \$HOME|new|mine|null|Null|yes" out &&
        grep -F "null.n: <A:it'"'"'\"'"'"'\"'"'"'s><B:2><PACKER_BUILDER_TYPE:null><PACKER_BUILD_NAME:n> null" out &&
        grep -F "null.n: []" out && grep -F "null.n: [2 3]" out
'

test_expect_success 'exit codes, a program that is missing, a signal' '
        in_build <<-\EOF &&
	provisioner "shell-local" {
	  inline           = ["exit 3"]
	  valid_exit_codes = [1, 3]
	}
	provisioner "shell-local" {
	  inline           = ["true"]
	  valid_exit_codes = [1, 3]
	}
	EOF
        test_exit 1 build >out && grep -e "--> null.n: Script exited with non-zero exit status: 0. Allowed exit codes are: \[1 3\]" out &&
        in_build <<-\EOF &&
	provisioner "shell-local" {
	  inline          = ["true"]
	  execute_command = ["/no/such", "{{ .Script }}"]
	}
	EOF
        test_exit 1 build >out && grep -e "--> null.n: Error executing script: .*packer-shell.*/no/such" out &&
        in_build <<-\EOF &&
	provisioner "shell-local" {
	  inline = ["kill -9 $$"]
	}
	EOF
        test_exit 1 build >out && grep "exit status: 137" out && test_clean
'

test_expect_success 'only_on' '
        in_build <<-\EOF &&
	provisioner "shell-local" {
	  inline  = ["echo never"]
	  only_on = ["windows", "darwin"]
	}
	provisioner "shell-local" {
	  inline  = ["echo here"]
	  only_on = ["openbsd", "linux"]
	}
	EOF
        build >out && cat out && grep "==> null.n: Skipping shell-local due to runtime OS$" out && ! grep "null.n: never" out &&
        grep "null.n: here" out
'

test_expect_success 'mistakes are told before anything runs' '
        in_build <<-\EOF &&
	provisioner "shell-local" {
	}
	provisioner "shell-local" {
	  command = "a"
	  inline  = ["b"]
	}
	provisioner "shell-local" {
	  script = "nope.sh"
	}
	provisioner "shell-local" {
	  inline           = ["a"]
	  only_on          = ["plan9"]
	  environment_vars = ["=b"]
	}
	post-processor "shell-local" {
	}
	EOF
        test_exit 1 ingot validate t.pkr.hcl >out; cat out; flat >all &&
        grep "Command, Inline, Script and Scripts options cannot all be empty." all &&
        grep "You may only specify one of the following options: Command, Inline, Script or Scripts. Please consolidate these options in your config." all &&
        grep "Bad script .nope.sh.: stat nope.sh: no such file or directory" all &&
        grep "Invalid OS specified in only_on: .plan9. Supported OS names: darwin, freebsd, linux, openbsd, solaris, windows" all &&
        grep "Environment variable not in format .key=value.: =b" all &&
        grep "Failed preparing post-processor-block" all
'

test_expect_success 'an option for another system is accepted, and that is said' '
        in_build <<-\EOF &&
	provisioner "shell-local" {
	  inline            = ["true"]
	  use_linux_pathing = true
	}
	EOF
        ingot validate t.pkr.hcl >out && cat out && grep use_linux_pathing out
'

test_expect_success 'after the build: a single text is for a shell; with the data of the build' '
        in_build <<-\EOF &&
	post-processor "shell-local" {
	  environment_vars = ["A=b c"]
	  execute_command  = ["{{ .Vars }} sh {{ .Script }} {{ .ID }}"]
	  inline           = ["echo \"single $A $PACKER_BUILD_NAME $1\""]
	}
	post-processor "shell-local" {
	  name             = "named"
	  environment_vars = ["A=b c"]
	  execute_command  = ["env", "{{ .Script }}"]
	  inline           = ["echo \"several [$A]\""]
	}
	EOF
        build >out && cat out && grep "null.n (shell-local): single b c n Null$" out &&
        grep "null.n (shell-local): several \[\]$" out && grep "Running post-processor: named (type shell-local)" out
'

test_expect_success 'children end with the script that an interrupt ends' '
        in_build <<-\EOF &&
	provisioner "shell-local" {
	  inline = ["sleep 1000 & echo $! >child", "echo $$ >pid", "wait"]
	}
	EOF
        { ingot build -color=false t.pkr.hcl >out & } && pid=$! && test_keep_pid $pid && test_wait 10 test -s pid &&
        kill -INT $pid && test_exit 1 wait $pid && test_wait 2 test_ended "$(cat child)" && test_ended "$(cat pid)" && test_clean
'

test_done
