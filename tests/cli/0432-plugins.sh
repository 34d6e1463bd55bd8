#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# plugins installed, required, install, remove.
# shellcheck disable=SC2034,SC2154 # used in the texts of tests; set by the libraries
. "${0%/*}/testlib.sh"
. "${0%/*}/pluginlib.sh"

start_hosts || exit 1
AWS=github.com/hashicorp/aws
on_releases aws 1.0.0 && on_releases aws 1.2.0 && index aws 1.0.0 1.2.0 || exit 1

test_expect_success 'help: the subcommands, and each of them' '
        test_exit 1 ingot plugins >out && grep "^Usage: ingot plugins <subcommand>" out && grep "^Subcommands:" out &&
        ingot plugins -h >help && cmp out help && test_exit 1 ingot plugin >hidden && test_exit 1 ingot plugins frobnicate >out &&
        for c in install installed remove required vendor; do
                grep "^    $c  *[a-z]" help && ingot plugins $c -h >out 2>err && test ! -s err &&
                head -n 1 out | grep "^Usage: ingot plugins $c" && ! grep -E "^.{81,}" out &&
                ingot help plugins $c >out2 && cmp out out2 && ingot plugin $c -help >out3 && cmp out out3 || return 1
        done && ! ingot help | grep "^    plugin " && ingot help | grep "^    plugins "'

test_expect_success 'install takes the highest, or what a constraint allows' '
        ingot plugins install $AWS "< 1.1" >out &&
        grep "^Installed plugin $AWS v1.0.0 in \"$plugins/$AWS/$(binary_name aws 1.0.0)\"$" out &&
        ingot plugins install $AWS >out && grep "v1.2.0" out && nothing_half &&
        ingot plugins install $AWS >out && test ! -s out &&
        ingot plugins install -force $AWS 1.0.0 >out && grep "Installed plugin $AWS v1.0.0" out &&
        forget && ingot plugins install $AWS 1.0.0 >out && test ! -s out && test "$(asked .)" = 0'

test_expect_success 'install refuses what it cannot understand' '
        test_exit 1 ingot plugins install >out && grep "Invalid arguments, expected either 1 or 2 positional arguments, got 0" out &&
        grep "^Usage: ingot plugins install" out && test_exit 1 ingot plugins install $AWS 1 2 >out && grep "got 3" out &&
        test_exit 1 ingot plugins install $AWS 1.0.0-dev >out && grep "Unsupported prerelease for constraint \"1.0.0-dev\"" out &&
        test_exit 1 ingot plugins install $AWS soon >out && grep "Malformed constraint" out &&
        test_exit 1 ingot plugins install -frce $AWS >out && grep "Failed to parse options: flag provided but not defined: -frce" out &&
        test_exit 1 ingot plugins install aws >out && grep "Invalid source string \"aws\": The provided source URL is invalid" out &&
        test_exit 1 ingot plugins install github.com/../x >out &&
        test_exit 1 ingot plugins install $AWS "> 9" >out && grep "no release version found for constraints: \"> 9\"" out'

test_expect_success 'installed lists them, sorted, without what does not count' '
        echo junk >"$plugins/$AWS/$(binary_name aws 1.5.0)" && ingot plugins installed >out && cat out &&
        printf "%s\n" "$plugins/$AWS/$(binary_name aws 1.0.0)" "$plugins/$AWS/$(binary_name aws 1.2.0)" >want && cmp want out &&
        rm "$plugins/$AWS/$(binary_name aws 1.5.0)"'

test_expect_success 'required: a line for each, and which one is used' '
        requires a/t.pkr.hcl aws $AWS ">= 1.0 , < 2.0" other github.com/me/other "~> 1.0" qemu github.com/hashicorp/qemu ">= 1" &&
        ingot plugins required a >out && cat out &&
        grep "^aws $AWS \">= 1.0,< 2.0\" $plugins/$AWS/$(binary_name aws 1.0.0) $plugins/$AWS/$(binary_name aws 1.2.0)$" out &&
        grep "^    version 1.2.0 is used$" out && grep "^other github.com/me/other \"~> 1.0\"$" out &&
        grep "^    not installed: run .ingot init.$" out &&
        sed -i "s/^    qemu =/    # ingot: builtin\n&/" a/t.pkr.hcl && ingot plugins required a/t.pkr.hcl >out &&
        grep "^    built in: the template prefers it$" out &&
        ln -sf "$INGOT_BIN" "$test_root/bin/packer" && packer plugins required a >out && test "$(wc -l <out)" = 3'

test_expect_success 'required: nothing, legacy, wrong usage' '
        echo "locals {}" >none.pkr.hcl && ingot plugins required none.pkr.hcl >out && grep "No plugins requirement found" out &&
        echo "{\"builders\":[]}" >t.json && test_exit 1 ingot plugins required t.json >out && grep "only works with HCL2" out &&
        test_exit 1 ingot plugins required >out && grep "^Usage: ingot plugins required" out'

test_expect_success 'install -path: releases, -dev, metadata' '
        plugin_binary mine 1.0.0 >mine && chmod +x mine && ingot plugins install -path mine github.com/me/mine >out && cat out &&
        grep "^Successfully installed plugin github.com/me/mine from $PWD/mine to $plugins/github.com/me/mine/$(binary_name mine 1.0.0)$" out &&
        plugin_binary mine 1.1.0-dev+abc >mine && ingot plugins install -path mine github.com/me/mine >out && grep "$(binary_name mine 1.1.0-dev)$" out &&
        nothing_half && ingot plugins installed >out && grep "$(binary_name mine 1.1.0-dev)" out || { cat out; return 1; }'

test_expect_success 'install -path: what is no plugin, or not one for us' '
        test_exit 1 ingot plugins install -path nowhere github.com/me/mine >out && grep "Unable to find plugin to promote" out &&
        test_exit 1 ingot plugins install -path . github.com/me/mine >out && grep "Plugin to promote cannot be a directory" out &&
        plugin_binary mine 1.0.0-rc1 >mine && test_exit 1 ingot plugins install -path mine github.com/me/mine >out && grep "Invalid version" out &&
        plugin_binary mine one >mine && test_exit 1 ingot plugins install -path mine github.com/me/mine >out && grep "is not semver-compatible" out &&
        plugin_binary mine 1.0.0 x6.0 >mine && test_exit 1 ingot plugins install -path mine github.com/me/mine >out && grep "x6.0" out &&
        printf "#!/bin/sh\necho hello\n" >mine && test_exit 1 ingot plugins install -path mine github.com/me/mine >out && cat out && grep "Failed to decode plugin describe info" out &&
        printf "#!/bin/sh\nexit 3\n" >mine && test_exit 1 ingot plugins install -path mine github.com/me/mine >out && cat out && grep "Failed to describe the plugin" out &&
        test_exit 1 ingot plugins install -path mine github.com/me/mine 1.0.0 >out && nothing_half'

test_expect_success 'remove: by version, by path, all' '
        ingot plugins remove $AWS "< 1.1" >out && test "$(cat out)" = "$plugins/$AWS/$(binary_name aws 1.0.0)" &&
        test "$(installed $AWS)" = "$(binary_name aws 1.2.0)" && nothing_half &&
        ingot plugins remove "$plugins/$AWS/$(binary_name aws 1.2.0)" >out && test "$(cat out)" = "$plugins/$AWS/$(binary_name aws 1.2.0)" &&
        test -z "$(installed $AWS)" && nothing_half && ingot plugins remove github.com/me/mine >out && test "$(wc -l <out)" = 2 &&
        ingot plugins installed >out && test ! -s out'

test_expect_success 'remove refuses what is not a plugin there' '
        test_exit 1 ingot plugins remove $AWS ">= 1" >out && grep "^No installed plugin found matching the plugin constraints $AWS >= 1$" out &&
        test_exit 1 ingot plugins remove >out && grep "^Usage: ingot plugins remove" out &&
        touch keep packer-plugin-x && test_exit 1 ingot plugins remove "$PWD/keep" >out && cat out && grep "Invalid plugin location" out &&
        test_exit 1 ingot plugins remove "$plugins/../../../$(basename "$PWD")/packer-plugin-x" >out && test -f packer-plugin-x &&
        test_exit 1 ingot plugins remove "$plugins/a/packer-plugin-x" >out && grep "Failed to delete plugin" out &&
        test_exit 1 ingot plugins remove "$plugins/a/packer-plugin-x" 1.0.0 >out &&
        grep "Unsupported: no version constraint may be specified with a local plugin path." out && test -f keep'

test_expect_success 'a list of plugin directories is refused' '
        PACKER_PLUGIN_PATH=/a:/b test_exit 1 ingot plugins installed >out && grep "Multiple paths are no longer supported for PACKER_PLUGIN_PATH" out &&
        PACKER_PLUGIN_PATH=$PWD/elsewhere ingot plugins install $AWS && test -f "elsewhere/$AWS/$(binary_name aws 1.2.0)"'

test_done
