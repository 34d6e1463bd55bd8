#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The provisioners shell, file and shell-local on a real sshd, driven by templates.
. "${0%/*}/testlib.sh"

command -v /usr/sbin/sshd >/dev/null || test_skip_all "no sshd (openssh-server)"
[ "$(id -u)" = 0 ] || test_skip_all "sshd needs root to log users in"

dir=${test_root:?}/sshd
mkdir -p "$dir" /run/sshd
chmod 755 "$test_root" "$dir"
ssh-keygen -q -t ed25519 -N '' -f "$dir/host"
ssh-keygen -q -t ed25519 -N '' -f "$dir/key"
ssh-keygen -q -t ed25519 -N secret -f "$dir/locked"
port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
cat >"$dir/cfg" <<EOF2
Port $port
ListenAddress 127.0.0.1
HostKey $dir/host
AuthorizedKeysFile $dir/key.pub
StrictModes no
UsePAM no
PidFile none
PermitRootLogin yes
Subsystem sftp internal-sftp
EOF2
/usr/sbin/sshd -D -e -f "$dir/cfg" 2>"$dir/log" &
test_keep_pid $!
test_wait 10 grep -q "Server listening" "$dir/log" || test_skip_all "sshd does not start"

# template: a null source on that server; the build block's body comes from stdin
template() {
        {
                cat <<EOF2
variable "token" {
  type      = string
  sensitive = true
  default   = "s3cr3t value"
}
source "null" "box" {
  ssh_host             = "127.0.0.1"
  ssh_port             = $port
  ssh_username         = "root"
  ssh_private_key_file = "${key:-$dir/key}"
  ssh_timeout          = "20s"
}
build {
  sources = ["source.null.box"]
EOF2
                cat
                echo "}"
        } >t.pkr.hcl
}
build() { ingot build -color=false t.pkr.hcl; }

test_expect_success 'shell: inline, variables, both streams' '
        template <<-\EOF &&
	  provisioner "shell" {
	    environment_vars = ["A=b c", "QUOTE=it'"'"'s"]
	    inline = ["echo \"$A, $QUOTE, $PACKER_BUILD_NAME, $PACKER_BUILDER_TYPE\"", "echo bad >&2"]
	  }
	EOF
        build >out 2>&1 && cat out && grep -F "    null.box: b c, it'"'"'s, box, null" out && grep -F "==> null.box: bad" out &&
        grep -F "==> null.box: Connected to SSH!" out'

test_expect_success 'shell: scripts are cleaned up, and run by other commands too' '
        printf "#!/bin/sh\r\necho from \$0 \$A\r\n" >one.sh &&
        template <<-EOF &&
	  provisioner "shell" {
	    scripts         = ["one.sh"]
	    env             = { A = "x" }
	    execute_command = "chmod +x {{ .Path }}; env {{ .Vars }} {{ .Path }}"
	    remote_path     = "$PWD/far.sh"
	  }
	EOF
        build >out 2>&1 && cat out && grep -F "from $PWD/far.sh x" out && test_absent far.sh'

test_expect_success 'shell: an exit code that is not expected fails the build' '
        template <<-\EOF &&
	  provisioner "shell" {
	    inline = ["exit 3"]
	  }
	EOF
        test_exit 1 build >out 2>&1 && cat out &&
        grep -F "Script exited with non-zero exit status: 3. Allowed exit codes are: [0]" out'

test_expect_success 'shell: a lost connection, expected or not' '
        template <<-\EOF &&
	  provisioner "shell" {
	    inline            = ["p=$PPID; [ \"$(ps -o comm= $p)\" = sshd ] || p=$(ps -o ppid= $p); kill -9 $p", "sleep 9"]
	    expect_disconnect = true
	  }
	  provisioner "shell" {
	    inline = ["echo back again"]
	  }
	  provisioner "shell" {
	    inline = ["p=$PPID; [ \"$(ps -o comm= $p)\" = sshd ] || p=$(ps -o ppid= $p); kill -9 $p", "sleep 9"]
	  }
	EOF
        test_exit 1 build >out 2>&1 && cat out && grep -F "back again" out &&
        grep -F "Script disconnected unexpectedly." out'

test_expect_success 'shell: a missing script is shown with its place, before anything is run' '
        template <<-\EOF &&
	  provisioner "shell" {
	    script = "nope.sh"
	  }
	EOF
        test_exit 1 build >out 2>&1 && cat out && grep -F "nope.sh: no such file or directory" out &&
        grep -F "t.pkr.hcl line" out && ! grep -F "Using SSH" out'

test_expect_success 'a locked key is refused with advice' '
        key=$dir/locked template <<-\EOF &&
	  provisioner "shell" {
	    inline = ["true"]
	  }
	EOF
        test_exit 1 build >out 2>&1 && cat out && grep -F "password protected keys are" out &&
        grep -F "ssh-keygen -p" out'

test_expect_success 'file: up and down, trees and texts' '
        rm -rf site far near && mkdir -p "site/a dir" far && echo hello >"site/a dir/x y" &&
        template <<-EOF &&
	  provisioner "file" {
	    source      = "site"
	    destination = "$PWD/far"
	  }
	  provisioner "file" {
	    source      = "site/"
	    destination = "$PWD/far"
	  }
	  provisioner "file" {
	    content     = "text"
	    destination = "$PWD/far/text"
	  }
	  provisioner "file" {
	    direction   = "download"
	    source      = "$PWD/far/site"
	    destination = "near/one"
	  }
	  provisioner "file" {
	    direction   = "download"
	    source      = "$PWD/far/"
	    destination = "near"
	  }
	EOF
        test_exit 1 build >out 2>&1; cat out
        grep -F "Uploading site => $PWD/far" out && cmp "site/a dir/x y" "far/site/a dir/x y" &&
        cmp "site/a dir/x y" "far/a dir/x y" && [ "$(cat far/text)" = text ] &&
        grep -F "not a regular file" out'

test_expect_success 'file: a tree comes down' '
        template <<-EOF &&
	  provisioner "file" {
	    direction   = "download"
	    source      = "$PWD/far/"
	    destination = "near"
	  }
	EOF
        build >out 2>&1; cat out; diff -r far near/far'

test_expect_success 'file: a directory without a slash is explained' '
        echo x >x && template <<-EOF &&
	  provisioner "file" {
	    source      = "x"
	    destination = "$PWD/far"
	  }
	EOF
        test_exit 1 build >out 2>&1 && cat out && grep -F "Is a directory" out && grep -F "slash" out'

test_expect_success 'secrets are neither shown nor in arguments' '
        template <<-\EOF &&
	  provisioner "shell-local" {
	    environment_vars = ["TOKEN=${var.token}"]
	    inline = [
	      "cat /proc/[0-9]*/cmdline 2>/dev/null | tr \"\\0\" \" \" >args; echo \"<$TOKEN>\"",
	      "[ \"$TOKEN\" = \"s3cr3t value\" ]",
	    ]
	  }
	  provisioner "shell" {
	    env    = { TOKEN = var.token }
	    inline = ["echo \"<$TOKEN>\"; [ \"$TOKEN\" = \"s3cr3t value\" ]"]
	  }
	EOF
        build >out 2>&1 && cat out && [ "$(grep -c "<<sensitive>>" out)" = 2 ] &&
        ! grep -F "s3cr3t value" out && ! grep -a "TOKEN=s3cr3" args'

test_expect_success 'the debug log names attempts with their errors, the login, commands and transfers' '
        late=$(python3 -c "import socket; s = socket.socket(); s.bind((\"127.0.0.1\", 0)); print(s.getsockname()[1])") &&
        echo payload >up && mkdir -p tree && echo x >tree/x &&
        template <<-\EOF &&
	  provisioner "shell" {
	    environment_vars = ["TOKEN=${var.token}"]
	    inline = ["echo \"$TOKEN\"; exit 3"]
	    valid_exit_codes = [3]
	  }
	  provisioner "file" {
	    source      = "up"
	    destination = "/dev/null"
	  }
	EOF
        sed -i "s/ssh_port .*/ssh_port = $late/" t.pkr.hcl &&
        { INGOT_LOG_PATH=l ingot build -color=false t.pkr.hcl >out 2>err & } &&
        built=$! && test_keep_pid $built &&
        test_wait 20 grep "ssh: 127.0.0.1 port $late, try 1: refused: Connection refused" l &&
        { /usr/sbin/sshd -D -e -f "$dir/cfg" -p "$late" 2>"$dir/late.log" & } &&
        test_keep_pid $! && wait $built && ! [ -s err ] && ! grep "s3cr3t" l &&
        grep "null.box: ssh: attempt 1: 127.0.0.1 port $late as .root." l &&
        grep "ssh: 127.0.0.1 port $late, try [0-9]*: an SSH server: SSH-2.0-OpenSSH" l &&
        grep "ssh: server SSH-2.0-OpenSSH.*, key exchange [a-z].*, ciphers aes128-gcm@openssh.com" l &&
        grep "ssh: host key ssh-ed25519 SHA256:" l && grep "ssh: the server accepts: publickey" l &&
        grep "ssh: login with the key in .$dir/key.: accepted" l &&
        grep "ssh: attempt 1: logged in in [0-9.]*s" l &&
        grep "ssh: command: chmod +x .*TOKEN=.<sensitive>. " l &&
        grep "ssh: ended with status 3 in [0-9.]*s" l &&
        grep "ssh: wrote ./tmp/[^ ]*. with sftp: [0-9]* bytes in" l &&
        grep "ssh: upload .up. to ./dev/null. with scp: [0-9]* bytes in [0-9.]*s" l
'

test_done
