# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=sh
# A private sshd for a test: start_sshd [LINE OF CONFIGURATION]... starts one on a free port of
# 127.0.0.1 and sets $port, $dir (its folder, with the user's key in `key`) and $sshd_pid. Root
# logs in, with an empty home, so that nobody's shell start-up files run. Source after testlib.sh.

command -v /usr/sbin/sshd >/dev/null || test_skip_all "no sshd (openssh-server)"
[ "$(id -u)" = 0 ] || test_skip_all "sshd needs root to log users in"

dir=${test_root:?}/sshd
mkdir -p "$dir/home" /run/sshd
chmod 755 "$test_root" "$dir"
ssh-keygen -q -t ed25519 -N '' -f "$dir/host"
ssh-keygen -q -t ed25519 -N '' -f "$dir/key"

start_sshd() {
        port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
        {
                printf '%s\n' "Port $port" "ListenAddress 127.0.0.1" "HostKey $dir/host" \
                        "AuthorizedKeysFile $dir/key.pub" "StrictModes no" "UsePAM no" "PidFile none" \
                        "PermitRootLogin yes" "SetEnv HOME=$dir/home"
                for line in "$@"; do printf '%s\n' "$line"; done
                case "$*" in *Subsystem*) ;; *) echo "Subsystem sftp internal-sftp" ;; esac
        } >"$dir/cfg"
        : >"$dir/log" # appended to, so that tests may empty it
        /usr/sbin/sshd -D -e -f "$dir/cfg" 2>>"$dir/log" &
        sshd_pid=$!
        test_keep_pid "$sshd_pid"
        test_wait 10 grep -q "Server listening" "$dir/log" || test_skip_all "sshd does not start"
}

# box_template [LINE OF THE SOURCE]... <BODY OF THE BUILD BLOCK: a null source on that server. Scripts
# go to $dir/far instead of /tmp, which is everybody's, unless the body says remote_folder.
box_template() {
        mkdir -p "$dir/far"
        cat >body
        grep -q remote_folder body ||
                sed -i "s|^[ \t]*provisioner \"shell\" {\$|&\n    remote_folder = \"$dir/far\"|" body
        {
                printf '%s\n' 'source "null" "box" {' '  ssh_host             = "127.0.0.1"' \
                        "  ssh_port             = $port" '  ssh_username         = "root"' \
                        "  ssh_private_key_file = \"$dir/key\"" '  ssh_timeout          = "20s"'
                for line in "$@"; do printf '  %s\n' "$line"; done
                printf '%s\n' '}' 'build {' '  sources = ["source.null.box"]'
                cat body
                echo '}'
        } >t.pkr.hcl
}
