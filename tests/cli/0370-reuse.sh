#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# An unchanged build is a no-op, of builders without checkpoints, too.
# shellcheck source=tests/cli/testlib.sh disable=SC2034
. "${0%/*}/testlib.sh"

export NO_COLOR=1

write_file t.pkr.hcl <<-\EOF
	variable "text" {
	  default = "one"
	}
	variable "sums" {
	  default = ["sha256"]
	}
	source "file" "f" {
	  content = var.text
	  target  = "image/f.txt"
	}
	build {
	  sources = ["file.f"]
	  post-processor "checksum" {
	    checksum_types      = var.sums
	    output              = "sum_{{.ChecksumType}}.txt"
	    keep_input_artifact = true
	  }
	}
	EOF

# The file's identity tells whether it was made anew.
made() { stat -c '%i %Z' image/f.txt; }
is_done() { grep '^==> file.f: Up to date: the same build ran' out; }

test_expect_success 'an unchanged build is up to date, its artifacts are listed' '
        ingot build . >first && made >before && ingot build . >out && is_done &&
        made >after && cmp before after &&
        sed -n "/^==> Builds finished/,\$p" first >want && sed -n "/^==> Builds finished/,\$p" out >got &&
        test -s want && cmp want got'

test_expect_success 'programs are told the same' '
        ingot build -machine-readable . >out && grep "artifact,0,string" out && grep ",artifact-count," out'

test_expect_success 'what was altered or is gone is made again' '
        echo more >>image/f.txt && ingot build . >out && ! is_done && [ "$(cat image/f.txt)" = one ] &&
        ingot build . >out && is_done && rm image/f.txt && ingot build . >out && ! is_done &&
        [ "$(cat image/f.txt)" = one ] && ingot build . >out && is_done'

test_expect_success 'only post-processors run if only they changed' '
        made >before && ingot build -var "sums=[\"md5\"]" . >out &&
        grep "only post-processors run" out && test -s sum_md5.txt && made >after && cmp before after &&
        ingot build -var "sums=[\"md5\"]" . >out && is_done'

test_expect_success 'another content, another build; the old one is found again' '
        ingot build -var text=two . >out && ! is_done && [ "$(cat image/f.txt)" = two ] &&
        ingot build -var text=two . >out && is_done && ingot build . >out && ! is_done &&
        [ "$(cat image/f.txt)" = one ]'

test_expect_success '-force and -no-cache make it again' '
        ingot build . >out && is_done && made >before && ingot build -force . >out && made >after &&
        ! cmp -s before after && ! is_done && ingot build . >out && is_done &&
        made >before && ingot build -no-cache . >out && ! is_done && made >after &&
        ! cmp -s before after'

test_expect_success 'INGOT_CACHE, and the other name of the program' '
        ingot build . >out && INGOT_CACHE=off ingot build . >out && ! is_done &&
        ln -sf "$INGOT_BIN" packer && ingot build . >out && ./packer build . >out && ! is_done &&
        ingot build . >out && INGOT_CACHE=on ./packer build . >out && is_done &&
        ./packer build -cache . >out && is_done &&
        test_exit 1 env INGOT_CACHE=perhaps ingot build . >out 2>&1 && grep "not on or off" out'

test_expect_success 'a result has its time' '
        ingot build . >out && is_done && INGOT_CACHE_TTL=1ns ingot build . >out && ! is_done &&
        test_exit 1 env INGOT_CACHE_TTL=soon ingot build . >out 2>&1 && grep INGOT_CACHE_TTL out'

test_expect_success 'another folder is another build' '
        mkdir -p else && cp t.pkr.hcl else && (cd else && ingot build . >../out) && ! is_done &&
        (cd else && ingot build . >../out) && is_done && ingot build . >out && is_done'

test_expect_success 'a build without a machine of its own always runs' '
        mkdir -p null && write_file null/t.pkr.hcl <<-\EOF &&
	source "null" "n" {
	  communicator = "none"
	}
	build {
	  sources = ["null.n"]
	  provisioner "shell-local" {
	    inline       = ["echo ran >>ran"]
	  }
	}
	EOF
        ingot build null/ && ingot build null/ && [ "$(wc -l <ran)" = 2 ]'

test_expect_success 'results of builds that have not run for long go' '
        outcomes=$HOME/.local/state/ingot/outcomes && ls "$outcomes" | grep json &&
        find "$outcomes" -type f -exec touch -d "100 days ago" {} + && ingot gc &&
        [ -z "$(ls -A "$outcomes")" ]'

test_expect_success 'no step, no -from' '
        test_exit 1 ingot build -from 3 . >out 2>&1 && grep "there is no step .3." out &&
        test_exit 1 ingot build -no-cache -refresh 1 . >out 2>&1 && grep "excludes -refresh" out'

test_expect_success 'what alters the artifact afterwards works on a new one' '
        mkdir -p sign && cat >sign/t.pkr.hcl <<-\EOF &&
	source "file" "s" {
	  content = "text\n"
	  target  = "signed.txt"
	}
	build {
	  sources = ["file.s"]
	  post-processor "shell-local" {
	    inline = ["echo signed >>signed.txt"]
	  }
	}
	EOF
        ingot build sign && ingot build sign && ingot build sign && cat signed.txt && [ "$(grep -c signed signed.txt)" = 1 ]'

# slow [COMMAND]: a step that reads `in`, after somebody had the time to look at it
mkdir -p slow && cat >slow/t.pkr.hcl <<-\EOF
	source "file" "a" {
	  content = "a"
	  target  = "slow/a.txt"
	}
	source "file" "b" {
	  content = "b"
	  target  = "slow/b.txt"
	}
	build {
	  sources = ["file.a", "file.b"]
	  provisioner "shell-local" {
	    only         = ["file.a"]
	    name         = "look"
	    inline       = ["echo x >began", "while ! [ -e go ]; do sleep 0.05; done", "cat slow/in >result"]
	    cache_inputs = ["slow/in"]
	  }
	}
	EOF
slow() { rm -f began go && { ingot build -color=false "$@" slow >slow.out 2>&1 & } && slow=$! && test_wait 60 test -e began; }

test_expect_success 'what changed while it was read is not reused, even if it was changed back' '
        echo good >slow/in && slow && echo wip >slow/in && >go && test_wait 60 grep wip result && echo good >slow/in &&
        wait $slow && cat slow.out && grep "warning: something that step 1 (shell-local look) reads changed" slow.out &&
        slow && >go && wait $slow && [ "$(cat result)" = good ] && ! grep "^==> file.a: Up to date" slow.out &&
        ingot build -color=false slow >out && grep "^==> file.a: Up to date" out'

test_expect_success '-refresh leaves builds alone that have no such step' '
        slow -refresh=look && >go && wait $slow && grep "^==> file.b: Up to date" slow.out'

test_expect_success 'two of the same build: the second waits, and has nothing to do' '
        echo other >slow/in && slow && { ingot build -color=false slow >second 2>&1 & } && second=$! &&
        test_wait 60 grep "Waiting for another build that makes the same image" second && >go && wait $slow &&
        wait $second && cat second && grep "^==> file.a: Up to date" second'

test_expect_success 'a cache that cannot be used costs a warning' '
        echo file >nodir && INGOT_CACHE_DIR=$PWD/nodir/x ingot build -var text=three . >out 2>&1 &&
        grep "warning: finished steps are neither kept nor reused" out && [ "$(cat image/f.txt)" = three ]'

test_done
