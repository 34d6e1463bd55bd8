#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The lock file of plugins: written, obeyed, moved forward, distrusted.
# shellcheck disable=SC2034,SC2154 # used in the texts of tests; set by the libraries
. "${0%/*}/testlib.sh"
. "${0%/*}/pluginlib.sh"

start_hosts || exit 1
AWS=github.com/hashicorp/aws
TOOL=github.com/me/tool
on_releases aws 1.0.0 && on_releases aws 1.2.0 && index aws 1.0.0 1.2.0 || exit 1
tags me tool 0.1.0 && on_github me tool 0.1.0 || exit 1
lock=a/.ingot.lock.hcl
hash_of() { sha256sum "$1" | cut -c1-64; }

test_expect_success 'says versions, constraints and hashes; fmt leaves it alone' '
        requires a/t.pkr.hcl aws $AWS ">= 1.0, < 2.0" tool $TOOL ">= 0.1" && ingot init a && cat $lock &&
        release=$host/releases/packer-plugin-aws/1.2.0 &&
        cat >want <<-EOT &&
		# Written by '"'"'ingot init'"'"'; keep it under version control.

		plugin "$AWS" {
		  version    = "1.2.0"
		  constraint = ">= 1.0, < 2.0"
		  hashes = {
		    $platform = "sha256:$(hash_of "$plugins/$AWS/$(binary_name aws 1.2.0)")"
		  }
		  zip_hashes = {
		    $platform = "sha256:$(hash_of "$release/packer-plugin-aws_1.2.0_$platform.zip")"
		    plan9_386   = "sha256:$(hash_of "$release/packer-plugin-aws_1.2.0_plan9_386.zip")"
		  }
		}
		EOT
        head -n 13 $lock >got && diff want got && grep "^plugin \"$TOOL\" {" $lock &&
        cp $lock before && ingot fmt a && cmp $lock before && ingot init a && cmp $lock before'

test_expect_success 'its version counts, whatever else there is' '
        on_releases aws 1.3.0 && index aws 1.0.0 1.2.0 1.3.0 && rm -r "$plugins" && ingot init a >out &&
        grep "Installed plugin $AWS v1.2.0" out && cmp $lock before &&
        requires b/t.pkr.hcl aws $AWS ">= 1.3" && ingot init b && grep 1.3.0 b/.ingot.lock.hcl &&
        forget && ingot init a >out && test ! -s out && cmp $lock before && test "$(asked .)" = 0'

test_expect_success '-upgrade moves it forward' '
        ingot init -upgrade a && grep "version    = \"1.3.0\"" $lock && ! grep "$(grep -o "sha256:[0-9a-f]*" before | head -n 1)" $lock &&
        forget && ingot init a && test "$(asked .)" = 0'

test_expect_success 'a version that the template does not want any more' '
        requires a/t.pkr.hcl aws $AWS "= 1.0.0" tool $TOOL ">= 0.1" && test_exit 1 ingot init a >out && cat out &&
        grep "a/.ingot.lock.hcl. says version 1.3.0, and the template wants \"= 1.0.0\"" out && grep "ingot init -upgrade" out &&
        ingot init -upgrade a && grep "version    = \"1.0.0\"" $lock'

test_expect_success 'an installed binary that is another one' '
        binary=$plugins/$AWS/$(binary_name aws 1.0.0) && echo "# changed" >>"$binary" && hash_of "$binary" | tr -d "\n" >"${binary}_SHA256SUM" &&
        forget && test_exit 1 ingot init a >out && cat out && test "$(asked .)" = 0 &&
        grep "is not the file that .a/.ingot.lock.hcl. speaks of" out && grep "ingot init -force" out &&
        ingot init -force a && nothing_half && ingot init a'

test_expect_success 'a release that was replaced' '
        cp $lock before && plugin_binary aws 1.0.0 >x && echo "# evil" >>x &&
        release=$host/releases/packer-plugin-aws/1.0.0 &&
        plugin_zip "$release/packer-plugin-aws_1.0.0_$platform.zip" "$(binary_name aws 1.0.0)=x" &&
        sums "$release" packer-plugin-aws_1.0.0_SHA256SUMS &&
        rm -r "$plugins" && test_exit 1 ingot init a >out && cat out && grep "is not the file that .a/.ingot.lock.hcl. speaks of: its release says" out &&
        test -z "$(installed $AWS)" && sed -i "/zip_hashes/,/}/d" $lock && test_exit 1 ingot init a >out &&
        cat out && grep "is not the file that" out && test -z "$(installed $AWS)" && nothing_half'

test_expect_success 'damaged: file and line, and nothing is installed' '
        cp before $lock && sed -i "s/= \"1.0.0\"/= latest/" $lock && cp $lock damaged && forget &&
        test_exit 1 ingot init a >out && cat out && grep "a/.ingot.lock.hcl:4," out && cmp $lock damaged && test "$(asked .)" = 0 &&
        echo "<<<<<<< HEAD" >$lock && test_exit 1 ingot init a >out && grep "a/.ingot.lock.hcl:1," out'

test_expect_success 'what a folder does not require any more goes; a single file says nothing of others' '
        requires c/t.pkr.hcl aws $AWS "= 1.2.0" && requires c/u.pkr.hcl tool $TOOL ">= 0.1" && ingot init c &&
        ingot init c/u.pkr.hcl && grep "$AWS" c/.ingot.lock.hcl && grep "$TOOL" c/.ingot.lock.hcl &&
        rm c/u.pkr.hcl && ingot init c && grep "$AWS" c/.ingot.lock.hcl && ! grep "$TOOL" c/.ingot.lock.hcl'

test_expect_success 'a folder that may not be written to' '
        requires d/t.pkr.hcl tool $TOOL ">= 0.1" && mkdir d/.ingot.lock.hcl && test_exit 1 ingot init d >out && cat out &&
        rmdir d/.ingot.lock.hcl && chmod a-w d && chmod -R a+rwX "$HOME" && chmod a+rx "$test_root" &&
        plainly ingot init d >out && cat out && { grep "The lock file is not kept: " out || test -w d; }'

test_expect_success 'kept up under the name packer when it is there' '
        ln -sf "$INGOT_BIN" "$test_root/bin/packer" && requires e/t.pkr.hcl tool $TOOL ">= 0.1" && packer init e &&
        test_absent e/.ingot.lock.hcl && ingot init e && tags me tool 0.1.0 0.2.0 && on_github me tool 0.2.0 &&
        packer init -upgrade e && grep "0.2.0" e/.ingot.lock.hcl'

test_expect_success 'one source in two versions, under two names: both, and the file does not speak of it' '
        on_releases aws 2.0.0 && index aws 1.2.0 2.0.0 && rm -rf "$plugins" && requires f/t.pkr.hcl old $AWS "~> 1.0" new $AWS "~> 2.0" tool $TOOL ">= 0.1" &&
        ingot init f >out && test "$(installed $AWS | wc -l)" = 2 && grep "$TOOL" f/.ingot.lock.hcl && ! grep "$AWS" f/.ingot.lock.hcl &&
        forget && ingot init f >out && test ! -s out && test "$(asked .)" = 0 && ingot plugins vendor f -o f.tar.gz &&
        tar tzf f.tar.gz | grep "$(binary_name aws 1.2.0)$" && tar tzf f.tar.gz | grep "$(binary_name aws 2.0.0)$" && ! grep "$AWS" f/.ingot.lock.hcl'

test_done
