#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Every option of the provisioner shell on a real sshd, with scripts on the short way (an SFTP
# channel that stays open) and on the long one.
. "${0%/*}/testlib.sh"
# shellcheck source=tests/integration/sshd.sh
. "${0%/*}/sshd.sh"

start_sshd "LogLevel VERBOSE"
build() { ingot build -color=false t.pkr.hcl; }
# how many commands and subsystems the server was asked to start
commands() { grep -c "Starting session: command" "$dir/log"; }
subsystems() { grep -c "Starting session: subsystem" "$dir/log"; }
count() { : >"$dir/log" && "$@"; }

test_expect_success 'a script costs one command, however many there are' '
        box_template <<-\EOF &&
	  provisioner "shell" {
	    inline = ["echo one"]
	  }
	  provisioner "shell" {
	    inline = ["echo two; ls -l $0"]
	  }
	EOF
        count build >out && cat out "$dir/log" && grep "    null.box: one" out &&
        grep "null.box: -rwxr-xr-x .* $dir/far/script_[0-9]*.sh" out &&
        [ "$(commands)" = 2 ] && [ "$(subsystems)" = 1 ] && [ -z "$(ls "$dir/far")" ]
'

test_expect_success 'scp on request: copy, mode, run, remove' '
        box_template "ssh_file_transfer_method = \"scp\"" <<-\EOF &&
	  provisioner "shell" {
	    inline = ["ls -l $0"]
	  }
	EOF
        count build >out && cat "$dir/log" && grep "null.box: -rwxr-xr-x .* $dir/far/script_[0-9]*.sh" out &&
        [ "$(commands)" = 4 ] && [ "$(subsystems)" = 0 ] && [ -z "$(ls "$dir/far")" ]
'

test_expect_success 'the mode is 0755 whatever the umask, also of a file that is there' '
        echo "umask 077" >"$dir/home/.bashrc" && : >old.sh && chmod 600 old.sh &&
        for method in "" "ssh_file_transfer_method = \"scp\""; do
                box_template "$method" <<-EOF &&
		  provisioner "shell" {
		    inline = ["ls -l \$0"]
		  }
		  provisioner "shell" {
		    inline      = ["ls -l \$0"]
		    remote_path = "$PWD/old.sh"
		    skip_clean  = true
		  }
		EOF
                build >out && cat out && [ "$(grep -c "null.box: -rwxr-xr-x " out)" = 2 ] && chmod 600 old.sh || return 1
        done; rm "$dir/home/.bashrc"
'

test_expect_success 'a server that allows one channel at a time' '
        kill $sshd_pid && start_sshd "MaxSessions 1" "LogLevel VERBOSE" && box_template <<-\EOF &&
	  provisioner "shell" {
	    inline = ["echo one"]
	  }
	  provisioner "shell" {
	    inline = ["echo two"]
	  }
	  provisioner "shell" {
	    inline = ["echo three"]
	  }
	EOF
        build >out && cat out && grep "null.box: three" out && [ -z "$(ls "$dir/far")" ] &&
        [ "$(grep -c "Accepted publickey" "$dir/log")" = 1 ] # on one connection
'

test_expect_success 'a server without sftp' '
        kill $sshd_pid && start_sshd "Subsystem nothing /bin/false" && box_template <<-\EOF &&
	  provisioner "shell" {
	    inline = ["echo one"]
	  }
	  provisioner "shell" {
	    inline = ["echo two"]
	  }
	EOF
        build >out && cat out && grep "null.box: two" out && [ -z "$(ls "$dir/far")" ]
        kill $sshd_pid; start_sshd "LogLevel VERBOSE"
'

test_expect_success 'the forms of execute_command that people use' '
        box_template <<-\EOF &&
	  provisioner "shell" {
	    environment_vars = ["A=b c", "Q=it'"'"'s"]
	    execute_command  = "chmod +x {{ .Path }}; env {{ .Vars }} {{ .Path }}"
	    inline           = ["echo 1 \"$A\" \"$Q\""]
	  }
	  provisioner "shell" {
	    env             = { A = "b c" }
	    execute_command = "echo '"'vagrant'"' | {{.Vars}} sudo -E -S sh -ex '"'{{.Path}}'"'"
	    inline          = ["echo 2 \"$A\""]
	  }
	  provisioner "shell" {
	    environment_vars = ["A=b"]
	    execute_command  = "sudo sh -c '"'{{ .Vars }} {{ .Path }}'"'"
	    inline           = ["echo 3 \"$A\""]
	  }
	  provisioner "shell" {
	    environment_vars = ["A=b"]
	    execute_command  = "{{.Vars}} su -m root -c '"'sh -eux {{.Path}}'"'"
	    inline           = ["echo 4 \"$A\""]
	  }
	  provisioner "shell" {
	    environment_vars = ["A=b"]
	    execute_command  = "env -i {{.Vars}} | sed '"'s/^/export /'"' | cat - {{.Path}} | su -"
	    inline           = ["echo 5 \"$A\""]
	  }
	  provisioner "shell" {
	    execute_command = "sh {{ .Path }} {{ build_name }} {{ .PackerRunUUID }} {{ build `User` }}"
	    inline          = ["echo 6 $*"]
	  }
	EOF
        build >out; cat out; grep "null.box: 1 b c it'"'"'s$" out && grep "null.box: 2 b c$" out && grep "null.box: 3 b$" out &&
        grep "null.box: 4 b$" out && grep "null.box: 5 b$" out && grep "null.box: 6 box [0-9a-f-]* root$" out
'

test_expect_success 'a file system without the right to execute' '
        mkdir -p noexec && mount -t tmpfs -o noexec tmpfs noexec || { echo "cannot mount" && return 0; }
        box_template <<-EOF &&
	  provisioner "shell" {
	    remote_folder   = "$PWD/noexec"
	    execute_command = "sh {{.Path}}"
	    inline          = ["echo ran \$0"]
	  }
	  provisioner "shell" {
	    remote_folder = "$PWD/noexec"
	    inline        = ["echo never"]
	  }
	EOF
        test_exit 1 build >out; code=$?; umount noexec; cat out; [ $code = 0 ] &&
        grep "null.box: ran $PWD/noexec/script_[0-9]*.sh" out && ! grep never out &&
        grep "exit status: 126" out && grep "mounted with noexec" out
'

test_expect_success 'variables: who wins, quotes, order, the format' '
        box_template <<-\EOF &&
	  provisioner "shell" {
	    environment_vars = ["ZED=1", "TWICE=old", "PACKER_BUILD_NAME=mine", "EQ=a=b"]
	    env              = { TWICE = "new", ALPHA = "x\ny" }
	    execute_command  = "echo {{.Vars}}; {{.Vars}} sh {{.Path}}"
	    inline           = ["echo $ZED $TWICE $PACKER_BUILD_NAME $EQ \"$ALPHA\" $PACKER_BUILDER_TYPE"]
	  }
	  provisioner "shell" {
	    environment_vars = ["B=2", "A=it'"'"'s"]
	    env_var_format   = "export %s='"'"'%s 100%%'"'"'; "
	    execute_command  = "{{ .Vars }} sh {{ .Path }}"
	    inline           = ["echo \"$A|$B|$PACKER_BUILD_NAME\""]
	  }
	EOF
        build >out && cat out && grep "null.box: 1 new mine a=b x$" out && grep "null.box: y null$" out &&
        grep "null.box: ALPHA=x$" out && grep "null.box: y EQ=a=b PACKER_BUILDER_TYPE=null PACKER_BUILD_NAME=mine TWICE=new ZED=1$" out &&
        grep -F "null.box: it'"'"'s 100%|2 100%|box 100%" out
'

test_expect_success 'variables in a file' '
        box_template <<-EOF &&
	  provisioner "shell" {
	    use_env_var_file = true
	    remote_folder    = "$PWD"
	    environment_vars = ["SECRET=s p a c e"]
	    inline           = ["echo \"<\$SECRET>\"; ls -l $PWD/varfile_*.sh; cat $PWD/varfile_*.sh"]
	  }
	  provisioner "shell" {
	    use_env_var_file = true
	    remote_folder    = "$PWD"
	    env              = { SECRET = "kept" }
	    skip_clean       = true
	    execute_command  = ". {{ .EnvVarFile }} && sh {{ .Path }}"
	    inline           = ["true"]
	  }
	EOF
        build >out && cat out && grep "null.box: <s p a c e>$" out && grep "null.box: -rw------- .*varfile_" out &&
        grep "null.box: export SECRET='"'s p a c e'"'$" out && [ "$(ls varfile_*.sh | wc -l)" = 1 ] &&
        grep "export SECRET='"'kept'"'" varfile_*.sh
'

test_expect_success 'scripts: in order, CR LF, binary, names on the machine' '
        printf "#!/bin/sh\r\necho first\r\n" >one.sh && printf "echo \"second\r\"\n" >two.sh &&
        box_template <<-EOF &&
	  provisioner "shell" {
	    scripts     = ["one.sh", "$PWD/two.sh"]
	    remote_file = "mine.sh"
	  }
	  provisioner "shell" {
	    script          = "one.sh"
	    binary          = true
	    execute_command = "od -c {{.Path}} | head -1; stat -c %a {{.Path}}"
	    remote_path     = "$PWD/far"
	  }
	  provisioner "shell" {
	    inline_shebang = "/bin/cat"
	    inline         = ["shown"]
	  }
	  provisioner "shell" {
	    inline = ["#!/usr/bin/env python3", "print(1 + 1)"]
	  }
	EOF
        build >out && cat out && grep -n -e "script: one.sh" -e first -e "script: $PWD/two.sh" -e second out | cut -d: -f1 >order &&
        sort -n order | cmp - order && grep "null.box: second$" out && grep "\\\\r" out && grep "null.box: 755$" out &&
        grep "null.box: #!/bin/cat$" out && grep "null.box: shown$" out && grep "null.box: 2$" out && test_absent far &&
        test_absent "$dir/far/mine.sh"
'

test_expect_success 'a script too big for the short way' '
        { echo "#!/bin/sh" && head -c 3000000 /dev/zero | tr "\0" "#" && printf "\necho all of it\n"; } >big.sh && box_template <<-\EOF &&
	  provisioner "shell" {
	    scripts = ["big.sh", "two.sh"]
	  }
	EOF
        count build >out && cat out && grep "null.box: all of it$" out && grep "null.box: second$" out &&
        [ "$(commands)" = 5 ] && [ -z "$(ls "$dir/far")" ]
'

test_expect_success 'exit codes' '
        box_template <<-\EOF &&
	  provisioner "shell" {
	    inline           = ["exit 2"]
	    valid_exit_codes = [0, 2]
	  }
	  provisioner "shell" {
	    inline           = ["true"]
	    valid_exit_codes = [2, 3]
	  }
	EOF
        test_exit 1 build >out && cat out &&
        grep -e "--> null.box: Script exited with non-zero exit status: 0. Allowed exit codes are: \[2 3\]" out &&
        box_template <<-\EOF &&
	  provisioner "shell" {
	    inline = ["no-such-command"]
	  }
	EOF
        test_exit 1 build >out && grep "exit status: 127" out && grep "a command does not exist" out &&
        [ -n "$(ls "$dir/far")" ] && rm "$dir"/far/*
'

test_expect_success 'the end of a connection: told apart from a failure, expected, listed, awaited' '
        cut="p=\$PPID; while [ \"\$(ps -o comm= \$p)\" != sshd ]; do p=\$(ps -o ppid= \$p | tr -d \" \"); done; kill -9 \$p; sleep 9" &&
        echo "$cut" >cut.sh && box_template <<-\EOF &&
	  provisioner "shell" {
	    script            = "cut.sh"
	    expect_disconnect = true
	  }
	  provisioner "shell" {
	    script           = "cut.sh"
	    valid_exit_codes = [0, 2300218]
	  }
	  provisioner "shell" {
	    inline = ["echo back"]
	  }
	  provisioner "shell" {
	    script = "cut.sh"
	  }
	EOF
        test_exit 1 build >out && cat out && grep "null.box: back" out &&
        grep -e "--> null.box: Script disconnected unexpectedly. If you expected your script to disconnect, i.e. from a restart, you can try adding .\"expect_disconnect\": true. or .\"valid_exit_codes\": \[0, 2300218\]. to the shell provisioner parameters.$" out &&
        grep "The provisioner did not fail: the connection to the machine (127.0.0.1:$port) was lost (SSH connection lost: " out; code=$?
        rm -f "$dir"/far/*; return $code
'

test_expect_success 'a machine that hangs is noticed, and told apart from a script that takes long' '
        cut="p=\$PPID; while [ \"\$(ps -o comm= \$p)\" != sshd ]; do p=\$(ps -o ppid= \$p | tr -d \" \"); done; echo \$p >$PWD/hung; kill -STOP \$p; sleep 9" &&
        echo "$cut" >hang.sh && box_template "ssh_keep_alive_interval = \"300ms\"" <<-\EOF &&
	  provisioner "shell" {
	    inline = ["sleep 6", "echo took long"]
	  }
	  provisioner "shell" {
	    script = "hang.sh"
	  }
	EOF
        test_exit 1 build >out; kill -9 "$(cat hung)"; cat out; grep "null.box: took long" out &&
        grep "was lost (SSH connection lost: no sign of life for [3-9]" out; code=$?
        rm -f "$dir"/far/*; return $code
'

test_expect_success 'ask: a connection that fails is tried again' '
        kill $sshd_pid && test_wait 10 test_ended $sshd_pid && box_template <<-\EOF &&
	  provisioner "shell" {
	    inline = ["echo reached"]
	  }
	EOF
        sed -i "s/ssh_timeout .*/ssh_timeout = \"2s\"/" t.pkr.hcl && rm -f up &&
        { test_wait 60 grep -s "Step .StepConnect. failed" out && /usr/sbin/sshd -f "$dir/cfg" -o "PidFile=$PWD/up" & } &&
        python3 "$SRCDIR/tests/tools/terminal.py" --out out "retry succeeds)?" "" file:up "r\r" -- \
                ingot build -color=false -on-error=ask t.pkr.hcl; code=$?; cat out; sshd_pid=$(cat up) && test_keep_pid "$sshd_pid"
        [ $code = 0 ] && grep "Timeout waiting for SSH." out && grep "null.box: reached" out
'

test_expect_success 'a machine that is away for a while: the clean-up waits for it, as long as it may' '
        echo "kill $sshd_pid" >stop.sh && cat cut.sh >>stop.sh && box_template <<-\EOF &&
	  provisioner "shell" {
	    script              = "stop.sh"
	    expect_disconnect   = true
	    start_retry_timeout = "30s"
	  }
	  provisioner "shell" {
	    inline = ["echo back"]
	  }
	EOF
        { INGOT_SILENCE=1s build >out & } && pid=$! && test_keep_pid $pid &&
        test_wait 20 grep "Still waiting for the machine to be within reach again: Error removing temporary script at $dir/far/script_[0-9]*.sh: cannot connect again over SSH" out &&
        { /usr/sbin/sshd -D -e -f "$dir/cfg" 2>>"$dir/log" & } && sshd_pid=$! && test_keep_pid $sshd_pid &&
        test_exit 0 wait $pid && cat out && grep "null.box: back" out &&
        echo "kill $sshd_pid" >stop.sh && cat cut.sh >>stop.sh && box_template <<-\EOF &&
	  provisioner "shell" {
	    script              = "stop.sh"
	    expect_disconnect   = true
	    start_retry_timeout = "1s"
	  }
	EOF
        test_exit 1 build >out && cat out && grep -e "--> null.box: Error removing temporary script at $dir/far/script_[0-9]*.sh: cannot connect again over SSH" out &&
        grep "The provisioner did not fail: the connection" out; code=$?
        rm -f "$dir"/far/*; start_sshd "LogLevel VERBOSE"; return $code
'

test_expect_success 'a place that cannot be written is told after a few seconds, with the path' '
        box_template <<-\EOF &&
	  provisioner "shell" {
	    remote_folder = "/nonexistent"
	    inline        = ["true"]
	  }
	EOF
        start=$(date +%s) && test_exit 1 build >out && cat out && [ $(($(date +%s) - start)) -lt 30 ] &&
        grep -e "--> null.box: Error uploading script: .*/nonexistent" out
'

test_expect_success 'a time limit and an interrupt end a script on the machine, and what was waited for is told' '
        box_template <<-EOF &&
	  provisioner "shell" {
	    inline  = ["echo \$\$ >$PWD/pid; exec sleep 1000"]
	    timeout = "2s"
	  }
	EOF
        rm -f pid && test_exit 1 build >out && cat out && grep "it was waiting for the script .*packer-shell.* to end" out &&
        test_clean && sed -i "s/timeout = .*//" t.pkr.hcl && rm -f pid &&
        { ingot build -color=false t.pkr.hcl >out & } && child=$! && test_keep_pid $child && test_wait 10 test -s pid &&
        kill -INT $child && test_exit 1 wait $child && cat out && grep "Cleanly cancelled" out && test_clean
        rm -f "$dir"/far/*; for p in $(cat pid); do kill "$p" 2>/dev/null; done; true
'

test_expect_success 'pause_after' '
        box_template <<-\EOF &&
	  provisioner "shell" {
	    inline      = ["true"]
	    pause_after = "1s"
	  }
	EOF
        start=$(date +%s%N) && build >out && end=$(date +%s%N) && cat out &&
        grep "^==> null.box: Pausing 1s after this provisioner...$" out && [ $(((end - start) / 1000000)) -ge 1000 ]
'

test_expect_success 'on a terminal' '
        box_template "ssh_pty = true" <<-\EOF &&
	  provisioner "shell" {
	    inline = ["test -t 1 && echo terminal", "exit 5"]
	  }
	EOF
        test_exit 1 build >out && cat out && grep "null.box: terminal$" out && grep "exit status: 5" out
        rm -f "$dir"/far/*
'

test_expect_success 'the cleanup provisioner reaches the machine' '
        box_template <<-\EOF &&
	  provisioner "shell" {
	    inline = ["exit 1"]
	  }
	  error-cleanup-provisioner "shell" {
	    inline = ["echo swept as ${build.User}"]
	  }
	EOF
        test_exit 1 build >out && cat out && grep "null.box: swept as root" out; rm -f "$dir"/far/*
'

test_expect_success 'what is wrong is told before anything runs' '
        box_template <<-\EOF &&
	  provisioner "shell" {
	  }
	  provisioner "shell" {
	    script  = "no.sh"
	    scripts = ["one.sh"]
	  }
	  provisioner "shell" {
	    inline = ["true"]
	    script = "one.sh"
	  }
	  provisioner "shell" {
	    inline           = ["true"]
	    environment_vars = ["novalue", "=x"]
	  }
	EOF
        test_exit 1 ingot validate t.pkr.hcl >out; tr "\n" " " <out | sed "s/  */ /g" >flat && cat out &&
        grep "Either a script file or inline script must be specified." flat &&
        grep "Only one of script or scripts can be specified." flat &&
        grep "Bad script .no.sh.: stat no.sh: no such file or directory" flat &&
        grep "Only a script file or an inline script can be specified, not both." flat &&
        grep "Environment variable not in format .key=value.: novalue" flat &&
        grep "Environment variable not in format .key=value.: =x" flat && box_template <<-\EOF &&
	  provisioner "shell" {
	    inline          = ["true"]
	    execute_command = "{{ .Path "
	  }
	EOF
        test_exit 1 ingot validate t.pkr.hcl >out && cat out && grep "execute_command: template: root:1: unclosed action" out
'

test_done
