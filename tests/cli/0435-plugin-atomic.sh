#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Installing is all or nothing: two at once, ^C, kill -9, a full disk, a host that stalls.
# shellcheck disable=SC2034,SC2154 # used in the texts of tests; set by the libraries
. "${0%/*}/testlib.sh"
. "${0%/*}/pluginlib.sh"

start_hosts || exit 1
AWS=github.com/hashicorp/aws
release=$host/releases/packer-plugin-aws/1.0.0
zip=$release/packer-plugin-aws_1.0.0_$platform.zip
on_releases aws 1.0.0 && index aws 1.0.0 || exit 1
requires a/t.pkr.hcl aws $AWS "= 1.0.0"
cp -r a b && cp -r a c

test_expect_success 'several at once all end well' '
        ingot init a >out-a & one=$!
        ingot init b >out-b & two=$!
        ingot init -force c >out-c & three=$!
        wait $one && wait $two && wait $three && nothing_half && test "$(installed $AWS)" = "$(binary_name aws 1.0.0)" &&
        cmp a/.ingot.lock.hcl b/.ingot.lock.hcl && ingot init a >out && test ! -s out'

test_expect_success '^C ends it at once and leaves nothing' '
        rm -rf "$plugins" a/.ingot.lock.hcl && mv "$zip" "$zip.stall" && forget &&
        { env --default-signal=INT ingot init a >out & pid=$!; } && test_wait 20 grep -q "zip 200" "$requests_log" && kill -INT $pid && { wait $pid; test $? = 1; } && cat out &&
        grep "interrupted" out && nothing_half && test -z "$(find "$plugins" -type f)" && test_absent a/.ingot.lock.hcl'

test_expect_success 'the next one clears up after kill -9' '
        forget && { ingot init a >out & pid=$!; } && test_wait 20 grep -q "zip 200" "$requests_log" && kill -KILL $pid && { wait $pid || true; } &&
        test -n "$(find "$plugins" -name ".ingot-get-*")" && mv "$zip.stall" "$zip" && ingot plugins installed >out && test ! -s out &&
        ingot init a && nothing_half && test "$(installed $AWS)" = "$(binary_name aws 1.0.0)"'

small=$test_root/small
mkdir "$small"
if mount -t tmpfs -o size=256k tmpfs "$small" 2>/dev/null; then
        test_expect_success 'a full disk' '
                head -c 1000000 /dev/urandom >junk && { plugin_binary aws 1.0.0; echo exit; cat junk; } >big &&
                plugin_zip "$zip" "$(binary_name aws 1.0.0)=big" && sums "$release" packer-plugin-aws_1.0.0_SHA256SUMS &&
                plugins=$small/plugins && rm a/.ingot.lock.hcl && PACKER_PLUGIN_PATH=$plugins test_exit 1 ingot init a >out && cat out &&
                grep "No space left on device" out && nothing_half && test -z "$(find "$plugins" -type f)" && test_absent a/.ingot.lock.hcl'
        umount "$small"
else
        test_skip 'a full disk' 'mounting a small file system needs root'
fi

test_expect_success 'a plugin directory that cannot be written to' '
        rm -rf "$HOME/.config/packer/plugins" && on_releases aws 1.0.0 && : >file &&
        PACKER_PLUGIN_PATH=$PWD/file/x test_exit 1 ingot init a >out && cat out && grep "$PWD/file" out'

test_done
