#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Mirrors, archives for places without a network, and their damage.
# shellcheck disable=SC2034,SC2154 # used in the texts of tests; set by the libraries
. "${0%/*}/testlib.sh"
. "${0%/*}/pluginlib.sh"

start_hosts || exit 1
AWS=github.com/hashicorp/aws
TOOL=github.com/me/tool
on_releases aws 1.0.0 && on_releases aws 1.2.0 && index aws 1.0.0 1.2.0 || exit 1
tags me tool 0.1.0 && on_github me tool 0.1.0 || exit 1
requires a/t.pkr.hcl aws $AWS ">= 1.0" tool $TOOL ">= 0.1"
# As in a place where there is nobody to ask.
alone() { INGOT_PLUGIN_RELEASES_URL=http://127.0.0.1:1 INGOT_GITHUB_API_URL=http://127.0.0.1:1 INGOT_GITHUB_URL=http://127.0.0.1:1 "$@"; }

test_expect_success 'a folder as the releases host is: first, and not for others' '
        cp -r "$host/releases" mirror && requires b/t.pkr.hcl aws $AWS ">= 1.0" && forget &&
        INGOT_PLUGIN_MIRROR=mirror ingot init b >out && grep "Installed plugin $AWS v1.2.0" out && test "$(asked .)" = 0 && nothing_half &&
        requires c/t.pkr.hcl aws github.com/me/aws ">= 1.0" && INGOT_PLUGIN_MIRROR=mirror,off test_exit 1 ingot init c >out && cat out &&
        test -z "$(installed github.com/me/aws)"'

test_expect_success 'a plugin directory of somebody else' '
        mv "$plugins" other && forget && INGOT_PLUGIN_MIRROR=$PWD/other,off ingot init -upgrade b >out && cat out &&
        grep "Installed plugin $AWS v1.2.0" out && test "$(asked .)" = 0 && nothing_half &&
        requires c/t.pkr.hcl x example.org/a/b/tool ">= 1" && plugin_binary tool 1.0.0 >bin && chmod +x bin &&
        PACKER_PLUGIN_PATH=$PWD/other ingot plugins install -path bin example.org/a/b/tool &&
        INGOT_PLUGIN_MIRROR=nowhere,other ingot init c >out && cat out && grep "Installed plugin example.org/a/b/tool v1.0.0" out'

test_expect_success 'what a mirror does not have comes from the hosts, unless they are off' '
        rm -rf "$plugins" a/.ingot.lock.hcl && INGOT_PLUGIN_MIRROR=other,off test_exit 1 ingot init a >out && cat out && grep "Failed getting the \"$TOOL\" plugin" out &&
        INGOT_PLUGIN_MIRROR=other ingot init a >out && grep "Installed plugin $TOOL v0.1.0" out'

test_expect_success 'a tree behind HTTP, in both layouts' '
        rm -rf "$plugins" && cp -r other "$host/tree" && echo "{\"versions\":{\"1.2.0\":{}}}" >"$host/tree/$AWS/index.json" && forget &&
        INGOT_PLUGIN_MIRROR=$hosts/tree/,off ingot init b >out && cat out && grep "Installed plugin $AWS v1.2.0" out && nothing_half &&
        test "$(asked "GET /tree/$AWS/$(binary_name aws 1.2.0) 200")" = 1 && rm -rf "$plugins" && forget &&
        INGOT_PLUGIN_MIRROR=$hosts/releases,off ingot init b >out && grep "Installed plugin $AWS v1.2.0" out'

test_expect_success 'a mirror that fails is not passed by; one that lies is found out' '
        rm -rf "$plugins" && printf "503\n\nbusy" >"$host/tree/$AWS/index.json.answer" &&
        INGOT_PLUGIN_MIRROR=$hosts/tree test_exit 1 ingot init b >out && cat out && grep "cannot read the mirror: $hosts/tree/$AWS/index.json: bad response code: 503" out &&
        rm "$host/tree/$AWS/index.json.answer" && echo >>"$host/tree/$AWS/$(binary_name aws 1.2.0)" &&
        INGOT_PLUGIN_MIRROR=$hosts/tree test_exit 1 ingot init b >out && cat out && grep "does not have the right checksum" out && nothing_half'

test_expect_success 'vendor packs what is locked, for several platforms' '
        rm -rf "$plugins" && ingot plugins vendor a -o all.tar.zst >out && cat out && grep "^Packed 2 plugins into all.tar.zst$" out &&
        test -z "$(find "$plugins" -type f 2>/dev/null)" && test_clean &&
        on_releases aws 1.3.0 && index aws 1.0.0 1.2.0 1.3.0 && requires b/t.pkr.hcl aws $AWS "= 1.2.0" && rm b/.ingot.lock.hcl &&
        ingot plugins vendor -platform "$platform,plan9_386" -o b.tar.gz b && gzip -dc b.tar.gz | tar tf - >list && sort -o list list &&
        for p in "$platform" plan9_386; do echo "$AWS/$(binary_name aws 1.2.0 $p)"; echo "$AWS/$(binary_name aws 1.2.0 $p)_SHA256SUM"; done >want &&
        echo "$AWS/index.json" >>want && sort -o want want && diff want list &&
        test "$(grep -c "^    plan9_386" b/.ingot.lock.hcl)" = 2'

test_expect_success 'the same plugins give the same bytes' '
        cp b.tar.gz before.tar.gz && ingot plugins vendor -platform "plan9_386,$platform" b -o b.tar.gz && cmp b.tar.gz before.tar.gz &&
        ingot plugins vendor a -o again.tar.zst && cmp all.tar.zst again.tar.zst'

test_expect_success 'install -from, where there is no network' '
        export HOME=$test_root/far && mkdir -p "$HOME" && plugins=$HOME/.config/packer/plugins && cp -r a far-a && forget &&
        alone test_exit 1 ingot init far-a >out && alone ingot plugins install -from all.tar.zst >out && cat out &&
        grep "^Installed plugin $AWS v1.2.0 in \"$plugins/$AWS/$(binary_name aws 1.2.0)\"$" out && grep "Installed plugin $TOOL v0.1.0" out &&
        nothing_half && alone ingot init far-a && cmp a/.ingot.lock.hcl far-a/.ingot.lock.hcl && test "$(asked .)" = 0 &&
        alone ingot plugins install -from all.tar.zst >out && test ! -s out && test_clean &&
        rm -rf "$plugins" && alone ingot plugins install -from all.tar.zst $TOOL && test -z "$(installed $AWS)" && test -n "$(installed $TOOL)" &&
        alone test_exit 1 ingot plugins install -from all.tar.zst github.com/me/no >out && grep "has no plugin github.com/me/no for $platform" out'

test_expect_success 'unpacked it is a mirror, also behind HTTP' '
        rm -rf "$plugins" && mkdir -p "$host/vendored" && zstd -dcq all.tar.zst | tar xf - -C "$host/vendored" && forget &&
        alone env INGOT_PLUGIN_MIRROR="$hosts/vendored,off" ingot init far-a >out && grep "Installed plugin $AWS v1.2.0" out && nothing_half &&
        rm -rf "$plugins" && alone env INGOT_PLUGIN_MIRROR="$host/vendored" ingot init far-a'

test_expect_success 'archives that are not of ours, or not whole' '
        rm -rf "$plugins" && head -c 300 all.tar.zst >cut.tar.zst && test_exit 1 ingot plugins install -from cut.tar.zst >out && cat out && grep "is damaged" out &&
        echo hello >x.tar.gz && test_exit 1 ingot plugins install -from x.tar.gz >out && cat out && grep "x.tar.gz" out &&
        test_exit 1 ingot plugins install -from nowhere.tar.gz >out && cat out && grep "nowhere.tar.gz" out &&
        python3 - <<-\EOT &&
		import io, tarfile
		def make(name, *members):
		    with tarfile.open(name, "w:gz") as t:
		        for path, kind in members:
		            i = tarfile.TarInfo(path)
		            i.type = kind
		            i.linkname = "/etc/passwd"
		            i.size = 4 if kind == tarfile.REGTYPE else 0
		            t.addfile(i, io.BytesIO(b"evil"))
		R, L, H = tarfile.REGTYPE, tarfile.SYMTYPE, tarfile.LNKTYPE
		make("up.tar.gz", ("../evil", R))
		make("abs.tar.gz", ("/tmp/a/b/packer-plugin-x", R))
		make("deep.tar.gz", ("a/b/../../../packer-plugin-x", R))
		make("link.tar.gz", ("a/b/c/packer-plugin-x", L))
		make("hard.tar.gz", ("a/b/c/packer-plugin-x", H))
		make("twice.tar.gz", ("a/b/c/packer-plugin-x", R), ("a/b/c/packer-plugin-x", R))
		make("other.tar.gz", ("a/b/c/readme", R))
		EOT
        for f in up abs deep link hard twice other; do
                test_exit 1 ingot plugins install -from $f.tar.gz >out && cat out && grep "$f.tar.gz. \(is no archive of plugins\|has .* more than once\)" out || return 1
        done && test_clean && test -z "$(find "$plugins" -type f 2>/dev/null)"'

test_expect_success 'wrong usage of vendor' '
        test_exit 1 ingot plugins vendor a >out && grep "needs a template path, and -o FILE" out &&
        test_exit 1 ingot plugins vendor a -o x.zip >out && grep "must end in .tar.zst or .tar.gz" out &&
        test_exit 1 ingot plugins vendor a b -o y.tar.gz >out && grep "exactly one template" out &&
        test_exit 1 ingot plugins vendor a -o y.tar.gz -platform linux >out && grep "platform linux: that is none" out &&
        test_exit 1 ingot plugins install -from y.tar.gz -path y >out && grep "cannot be used together" out && test_absent y.tar.gz'

test_done
