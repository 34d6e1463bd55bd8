# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=sh disable=SC2034,SC2154 # variables from and for the scripts around it
# Servers for tests of what asks Consul, Vault, AWS or the web: tests/tools/cloud_server.py.

unset http_proxy https_proxy HTTP_PROXY HTTPS_PROXY all_proxy ALL_PROXY no_proxy NO_PROXY
for cloud_name in $(env | sed -n 's/^\(\(AWS\|VAULT\|CONSUL\)_[A-Z0-9_]*\)=.*/\1/p'); do
        unset "$cloud_name"
done
CERT=$SRCDIR/tests/data/cloud/cert.pem
KEY=$SRCDIR/tests/data/cloud/key.pem

command -v python3 >/dev/null || test_skip_all 'no python3'
cloud_server=$SRCDIR/tests/tools/cloud_server.py

# start_server NAME [OPTION…]: its URL is in $url, one line per request in $test_root/NAME.log.
# It ends with this script, even if that is killed: then its standard input does.
start_server() {
        server_name=$1
        shift
        mkfifo "$test_root/$server_name.fifo" || return 1
        python3 "$cloud_server" --log "$test_root/$server_name.log" "$@" \
                "$test_root/$server_name.url" <"$test_root/$server_name.fifo" \
                >"$test_root/$server_name.out" 2>&1 &
        test_keep_pid $!
        tail -f /dev/null --pid=$$ >"$test_root/$server_name.fifo" &
        test_keep_pid $!
        test_wait 20 test -s "$test_root/$server_name.url" || {
                cat "$test_root/$server_name.out"
                return 1
        }
        url=$(cat "$test_root/$server_name.url")
}

# Requests that the server NAME has seen, matching a pattern.
requests() { grep -c -e "$2" "$test_root/$1.log"; }

# value EXPRESSION: prints what the expression is as a local value, by `inspect`.
value() {
        write_file expr/t.pkr.hcl <<-EOF &&
		locals {
		  x = $1
		}
		EOF
        ingot inspect expr/t.pkr.hcl 2>err | sed -n 's/^local.x: //p'
        [ ! -s err ]
}

# fails EXPRESSION TEXT…: validate refuses it and says each text (line breaks do not count).
fails() {
        write_file expr/t.pkr.hcl <<-EOF
		locals {
		  x = $1
		}
		EOF
        shift
        test_exit 1 ingot validate expr/t.pkr.hcl >out 2>err && [ ! -s err ] || {
                cat out err
                return 1
        }
        tr -s '\n ' '  ' <out >flat
        for fails_text; do
                grep -F -q -e "$fails_text" flat || {
                        echo "no '$fails_text' in:"
                        cat out
                        return 1
                }
        done
}
