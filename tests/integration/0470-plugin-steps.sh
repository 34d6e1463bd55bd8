#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# shellcheck disable=SC2034,SC2154 # used in texts; set in the sourced files
# Steps of a plugin on a real guest: kept and reused where the template says what they read, with a
# post-processor of a plugin behind a native builder.
. "${0%/*}/testlib.sh"

for program in qemu-system-x86_64 qemu-img jq zstd; do
        command -v $program >/dev/null || test_skip_all "no $program"
done
reason=$("$SRCDIR/tests/plugins/build.sh" "${test_root:?}/plugins" probe) || test_skip_all "$reason"
export PACKER_PLUGIN_PATH="$test_root/plugins"
. "${0%/*}/tiny-guest.sh"
. "${0%/*}/base-image.sh"

echo one >input
cat >t.pkr.hcl <<-EOF
	source "qemu" "guest" {
	  iso_url              = "$base_image"
	  iso_checksum         = "none"
	  disk_image           = true
	  skip_resize_disk     = true
	  headless             = true
	  memory               = 512
	  output_directory     = "out"
	  ssh_username         = "$base_user"
	  ssh_private_key_file = "$base_key"
	  shutdown_command     = "sudo systemctl poweroff"
	}
	build {
	  sources = ["source.qemu.guest"]
	  provisioner "probe-provisioner" {
	    cache_inputs = ["input"]
	    step {
	      do     = "upload_file"
	      path   = "/tmp/input"
	      source = "input"
	    }
	    step {
	      do      = "run"
	      command = "echo plugin: \$(cat /tmp/input)"
	    }
	  }
	  provisioner "shell" {
	    inline = ["echo last: LAST"]
	  }
	  post-processor "probe-postproc" {
	    result = "same"
	    keep   = true
	    show   = true
	  }
	}
EOF
edit() { sed -i "$1" t.pkr.hcl; }
build() { ingot build -color=false -force t.pkr.hcl >out.log 2>&1; test_code=$?; cat out.log; return $test_code; }

test_expect_success 'a plugin provisions a guest of ours, another handles its artifact' '
        build && grep -q "qemu.guest: plugin: one" out.log && grep -q "last: LAST" out.log &&
        grep -q "(probe-postproc): input: transcend.qemu; .*out/packer-guest" out.log && [ -s out/packer-guest ]
'

test_expect_success 'what it reads is as it was: it need not run again' '
        edit "s/last: LAST/last: again/" && build && grep -q "last: again" out.log && ! grep -q "plugin: one" out.log
'

test_expect_success 'what it reads has changed: plan says so, and it runs' '
        echo two >input && edit "s/last: again/last: once more/" && ingot plan t.pkr.hcl >plan && cat plan &&
        grep -q "probe-provisioner *run .*input changed" plan && build && grep -q "plugin: two" out.log
'

test_expect_success 'without a word on what it reads it runs each time' '
        edit "/cache_inputs/d" && build && grep -q "plugin: two" out.log && build && grep -q "plugin: two" out.log &&
        ingot plan t.pkr.hcl | grep "probe-provisioner.*cache_inputs says which"
'

test_done
