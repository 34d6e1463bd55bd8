#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# init: plugins from the releases host and from GitHub, with scripted hosts and little scripts as
# plugins.
# shellcheck disable=SC2034,SC2154 # used in the texts of tests; set by the libraries
. "${0%/*}/testlib.sh"
. "${0%/*}/pluginlib.sh"

start_hosts || exit 1
AWS=github.com/hashicorp/aws
TOOL=github.com/me/tool
on_releases aws 1.0.0 && on_releases aws 1.2.0 && on_releases aws 2.0.0 && index aws 1.0.0 1.2.0 2.0.0 2.1.0-beta1 || exit 1
tags me tool 0.1.0 0.2.0 0.3.0-rc1 && on_github me tool 0.1.0 && on_github me tool 0.2.0 || exit 1

test_expect_success 'installs the highest release that the constraint allows' '
        requires a/t.pkr.hcl aws $AWS ">= 1.0, < 2.0" &&
        ingot init a >out && nothing_half && test "$(installed $AWS)" = "$(binary_name aws 1.2.0)" &&
        printf "Installed plugin %s v1.2.0 in \"%s\"\n" "$AWS" \
                "$plugins/$AWS/$(binary_name aws 1.2.0)" >want && cmp want out &&
        test "$(stat -c %a "$plugins/$AWS/$(binary_name aws 1.2.0)")" = 755 &&
        test "$(stat -c %a "$plugins/$AWS/$(binary_name aws 1.2.0)_SHA256SUM")" = 644 &&
        test "$(wc -c <"$plugins/$AWS/$(binary_name aws 1.2.0)_SHA256SUM")" = 64'

test_expect_success 'asks nobody and says nothing when that is there' '
        forget && ingot init a >out && test ! -s out && test "$(asked .)" = 0 &&
        rm a/.ingot.lock.hcl && ingot init a/t.pkr.hcl >out && test ! -s out && test "$(asked .)" = 0'

test_expect_success '-upgrade moves forward within the constraint, and a wider one further' '
        requires b/t.pkr.hcl aws $AWS ">= 1.0, < 1.1" && ingot init b &&
        requires b/t.pkr.hcl aws $AWS ">= 1.0, < 2.0" && forget && ingot init b && test "$(asked .)" = 0 &&
        grep "version *= \"1.0.0\"" b/.ingot.lock.hcl &&
        ingot init -upgrade b >out && test ! -s out && grep "version *= \"1.2.0\"" b/.ingot.lock.hcl &&
        requires b/t.pkr.hcl aws $AWS ">= 1.0" && ingot init -upgrade b >out && grep "Installed plugin $AWS v2.0.0" out &&
        installed $AWS >out && printf "%s\n" "$(binary_name aws 1.0.0)" "$(binary_name aws 1.2.0)" \
                "$(binary_name aws 2.0.0)" >want && cmp want out'

test_expect_success 'an older one is installed beside a newer one' '
        rm -r "$plugins" && requires c/t.pkr.hcl aws $AWS ">= 2" && ingot init c &&
        requires d/t.pkr.hcl aws $AWS "~> 1.0.0" && ingot init d >out && grep "v1.0.0" out &&
        test "$(installed $AWS | wc -l)" = 2'

test_expect_success '-force installs the same one again, also a damaged one' '
        binary=$plugins/$AWS/$(binary_name aws 1.0.0) && echo >>"$binary" &&
        ingot init d >out && grep "Installed plugin $AWS v1.0.0" out && nothing_half &&
        forget && ingot init -force d >out && grep "Installed plugin $AWS v1.0.0" out &&
        test "$(asked "1.0.0.*zip")" = 1 && test "$(asked "2.0.0")" = 0'

test_expect_success 'GitHub serves everybody, after the releases host for hashicorp' '
        forget && requires e/t.pkr.hcl tool $TOOL ">= 0.1" && ingot init e >out &&
        grep "Installed plugin $TOOL v0.2.0" out && test "$(asked /releases/packer)" = 0 &&
        test "$(installed $TOOL)" = "$(binary_name tool 0.2.0)" &&
        tags hashicorp other 1.0.0 && on_github hashicorp other 1.0.0 &&
        requires f/t.pkr.hcl other github.com/hashicorp/other ">= 1" && ingot init f &&
        test "$(asked "GET /releases/packer-plugin-other/index.json 404")" = 1 && nothing_half'

test_expect_success 'the token is for the API, not for where that sends us' '
        export PACKER_GITHUB_API_TOKEN=s3cret-token && forget && mkdir -p "$host/moved" &&
        tags me moved 1.0.0 && mv "$tags_dir/tags" "$host/moved/tags" && on_github me moved 1.0.0 &&
        printf "302\nLocation: http://localhost:%s/moved/tags\n\n" "$(cat "$test_root/hosts.port")" \
                >"$tags_dir/tags.answer" &&
        requires g/t.pkr.hcl moved github.com/me/moved ">= 1" && ingot init g >out && cat "$requests_log" &&
        test "$(asked "^GET /api/.* 302 Bearer s3cret-token$")" = 1 && test "$(asked s3cret)" = 1 &&
        test "$(asked "^GET /moved/tags 200 -$")" = 1 &&
        export INGOT_GITHUB_API_TOKEN=other-token && forget && ingot init -upgrade g && test "$(asked other-token)" = 1 &&
        test "$(asked s3cret)" = 0
        r=$? && unset PACKER_GITHUB_API_TOKEN INGOT_GITHUB_API_TOKEN && return $r'

test_expect_success 'a rate limit: when to come back, and what helps' '
        tags me busy 1.0.0 && mv "$tags_dir/tags" "$test_root/busy" &&
        printf "403\nX-RateLimit-Remaining: 0\nX-RateLimit-Reset: %s\n\n{}" "$(($(date +%s) + 3000))" \
                >"$tags_dir/tags.answer" &&
        requires h/t.pkr.hcl busy github.com/me/busy ">= 1" && test_exit 1 ingot init h >out && cat out &&
        grep "Failed getting the \"github.com/me/busy\" plugin:" out &&
        grep "Plugin host rate limited the plugin getter. Try again in [45][0-9]m[0-9]*s" out &&
        grep "HINT: Set the PACKER_GITHUB_API_TOKEN env var with a token to get more requests." out'

test_expect_success 'a release whose binary is another version is passed over' '
        on_releases aws 1.2.9 1.2.0 && on_releases aws 1.2.8 1.2.8 6.0 && index aws 1.0.0 1.2.0 1.2.8 1.2.9 &&
        requires i/t.pkr.hcl aws $AWS "~> 1.2.0" && ingot init i >out && grep "v1.2.0" out &&
        requires j/t.pkr.hcl aws $AWS "= 1.2.9" && test_exit 1 ingot init j >out && cat out &&
        grep "could not install any compatible version of plugin \"$AWS\"" out &&
        grep "the binary of version 1.2.9 says that its version is 1.2.0" out &&
        requires j/t.pkr.hcl aws $AWS "= 1.2.8" && test_exit 1 ingot init j >out && cat out &&
        grep "unsupported remote protocol MAJOR version 6. The current MAJOR protocol version is 5." out && nothing_half'

test_expect_success 'what is a pre-release in disguise is refused' '
        on_releases aws 1.4.0 1.4.0-dev && index aws 1.0.0 1.2.0 1.4.0 &&
        requires k/t.pkr.hcl aws $AWS "= 1.4.0" && test_exit 1 ingot init k >out && cat out &&
        grep "says that it is the pre-release 1.4.0-dev" out && nothing_half'

test_expect_success 'a zip with another checksum is refused' '
        on_releases aws 1.5.0 && index aws 1.5.0 && echo >>"$host/releases/packer-plugin-aws/1.5.0/packer-plugin-aws_1.5.0_$platform.zip" &&
        requires l/t.pkr.hcl aws $AWS "= 1.5.0" && test_exit 1 ingot init l >out && cat out &&
        grep "packer-plugin-aws_1.5.0_$platform.zip does not have the right checksum: it has sha256:" out &&
        nothing_half && test "$(installed $AWS | grep -c 1.5.0)" = 0'

test_expect_success 'what a host does not have is said with its place' '
        index aws 1.6.0 1.0.0 && requires m/t.pkr.hcl aws $AWS "= 1.6.0" && test_exit 1 ingot init m >out && cat out &&
        grep "could not get sha256 checksum file for $AWS version 1.6.0. Is the file present on the release and correctly named ?" out &&
        requires m/t.pkr.hcl aws $AWS ">= 7" && test_exit 1 ingot init m >out && cat out &&
        grep "no release version found for constraints: \">= 7\"" out &&
        requires m/t.pkr.hcl x github.com/me/nowhere ">= 7" && test_exit 1 ingot init m >out &&
        grep "/api/repos/me/packer-plugin-nowhere/git/matching-refs/tags: bad response code: 404" out'

test_expect_success 'one failure does not keep the others from being installed' '
        rm -rf "$plugins" && requires n/t.pkr.hcl gone github.com/me/gone "= 1.0.0" tool $TOOL ">= 0.1" &&
        test_exit 1 ingot init n >out && grep "Installed plugin $TOOL v0.2.0" out &&
        grep "Failed getting the \"github.com/me/gone\" plugin:" out && grep "me/tool" n/.ingot.lock.hcl'

test_expect_success 'sources that no host has' '
        requires o/t.pkr.hcl x example.org/me/tool ">= 1" && test_exit 1 ingot init o >out && cat out &&
        grep "\"example.org/me/tool\" doesn.t appear to be a valid \"github.com\" source address; check source and try again." out &&
        requires o/t.pkr.hcl x github.com/me/deep/tool ">= 1" && test_exit 1 ingot init o >out && cat out &&
        grep "Invalid github.com URI \"github.com/me/deep/tool\": a Github-compatible source must be in the github.com/<namespace>/<name> format." out'

test_expect_success 'templates that require nothing, and legacy ones' '
        write_file p/t.pkr.hcl <<-\EOF &&
		locals {
		  a = 1
		}
		EOF
        ingot init p >out && grep "^No plugins requirement found, make sure you reference a Packer config$" out &&
        test_absent p/.ingot.lock.hcl &&
        echo "{\"builders\":[]}" >t.json && test_exit 1 ingot init t.json >out &&
        grep "Packer plugins currently only works with HCL2 configuration templates" out &&
        test_exit 1 ingot init >out && grep "needs exactly one template path" out &&
        test_exit 1 ingot init /no/where.pkr.hcl >out'

test_expect_success 'nothing else in the template matters' '
        requires q/t.pkr.hcl tool $TOOL ">= 0.1" && write_file q/u.pkr.hcl <<-\EOF &&
		variable "must" {}
		source "tool" "x" {
		  y = var.must
		}
		build {
		  sources = ["source.tool.x"]
		}
		EOF
        ingot init q'

test_expect_success 'what is ours is not installed where a comment says so' '
        requires r/t.pkr.hcl qemu github.com/hashicorp/qemu ">= 1" && sed -i "s/^    qemu =/    # ingot: builtin\n&/" r/t.pkr.hcl &&
        cat r/t.pkr.hcl && forget && ingot init r >out && test ! -s out && test "$(asked .)" = 0 && test_absent r/.ingot.lock.hcl &&
        on_releases qemu 1.1.0 && index qemu 1.1.0 && requires s/t.pkr.hcl qemu github.com/hashicorp/qemu ">= 1" &&
        ingot init s >out && grep "Installed plugin github.com/hashicorp/qemu v1.1.0" out &&
        grep "ingot has its own \"qemu\"" out'

test_expect_success 'under the name packer: the same words, and no lock file' '
        ln -sf "$INGOT_BIN" "$test_root/bin/packer" && rm -rf "$plugins" && requires t/t.pkr.hcl tool $TOOL ">= 0.1" &&
        packer init t >out && grep "^Installed plugin $TOOL v0.2.0 in \"$plugins/$TOOL/$(binary_name tool 0.2.0)\"$" out &&
        test_absent t/.ingot.lock.hcl && packer init -machine-readable -force t >out &&
        grep "^[0-9]*,,ui,say,Installed plugin $TOOL v0.2.0 in " out'

test_expect_success 'on a terminal: a line of progress, taken away before anything is said' '
        python3 "$SRCDIR/tests/tools/terminal.py" -- ingot init -force e >screen && cat -v screen &&
        tr "\r" "\n" <screen | grep "tool 0.2.0: [0-9]* B of [0-9]* B" && cat -v screen | grep "\^M\^\[\[2KInstalled plugin $TOOL v0.2.0 in "'

test_done
