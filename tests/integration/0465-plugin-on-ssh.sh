#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# A provisioner of a plugin on a machine that we reach over SSH: commands with all their streams, input
# that comes while a command runs, files and folders in both directions, and how it ends.
. "${0%/*}/testlib.sh"
# shellcheck source=tests/integration/sshd.sh
. "${0%/*}/sshd.sh"

reason=$("$SRCDIR/tests/plugins/build.sh" "$test_root/plugins" probe probe5) || test_skip_all "$reason"
export PACKER_PLUGIN_PATH="$test_root/plugins"
start_sshd
build() { ingot build -color=false "$@" t.pkr.hcl; }
left() { pgrep -f "$test_root/plugins" || :; }

for probe in probe probe5; do
        test_expect_success "$probe: exit statuses, both outputs, many lines" '
        box_template <<-EOF &&
	  provisioner "$probe-provisioner" {
	    step {
	      do      = "run"
	      command = "echo to out; echo to err >&2; exit 7"
	      expect  = 7
	    }
	    step {
	      do      = "run"
	      command = "seq 10000; seq 10000 >&2"
	      quiet   = true
	    }
	    step {
	      do      = "run"
	      command = "kill -TERM \$\$"
	      expect  = 143
	    }
	    step {
	      do   = "data"
	    }
	  }
	EOF
        build >out && cat out && grep -q "null.box: to out" out && grep -q "null.box: to err" out &&
        grep -q "output: 10000 lines, 48894 bytes; errors: 10000 lines, 48894 bytes" out &&
        grep -q "exit: 143" out && grep -q "data: .*\"ConnType\":\"ssh\"" out && [ -z "$(left)" ]
'

        test_expect_success "$probe: input goes to the command while it runs" '
        box_template <<-EOF &&
	  provisioner "$probe-provisioner" {
	    step {
	      do      = "run"
	      command = "read a; echo got \$a; cat | wc -c"
	      stdin   = "first\n$(seq -s " " 50000)"
	    }
	    step {
	      do      = "run"
	      command = "head -c 3; exit 3"
	      stdin   = "more than is read: $(seq -s " " 90000)"
	      expect  = 3
	    }
	  }
	EOF
        build >out && grep -q "null.box: got first" out && grep -q "null.box: 288893" out &&
        grep -q "null.box: mor$" out && [ -z "$(left)" ]
'

        test_expect_success "$probe: files and folders, up and down" '
        mkdir -p tree/sub down && echo one >tree/a && echo two >tree/sub/b && echo file >single &&
        chmod 640 single &&
        box_template <<-EOF &&
	  provisioner "$probe-provisioner" {
	    step {
	      do   = "round"
	      path = "$dir/far/round"
	      size = 5000000
	    }
	    step {
	      do   = "round"
	      path = "$dir/far/empty"
	      size = 0
	    }
	    step {
	      do     = "upload_file"
	      path   = "$dir/far/single"
	      source = "single"
	    }
	    step {
	      do     = "upload_dir"
	      path   = "$dir/far"
	      source = "tree"
	    }
	    step {
	      do     = "download_dir"
	      path   = "down"
	      source = "$dir/far/tree"
	    }
	  }
	EOF
        sed -i "s|path   = \"down\"|path   = \"$dir/far/tree\"|; s|source = \"$dir/far/tree\"|source = \"$PWD/down\"|" t.pkr.hcl &&
        rm -rf "$dir/far"/* && build >out && cat out && grep -q "5000000 bytes are the same" out &&
        grep -q " 0 bytes are the same" out && cmp single "$dir/far/single" &&
        [ "$(stat -c %a "$dir/far/single")" = 640 ] && cmp tree/sub/b "$dir/far/tree/sub/b" &&
        [ -n "$(find down -name b)" ] && [ -z "$(left)" ]
'
done

test_expect_success 'what cannot be done is told to the plugin, and by it' '
        box_template <<-EOF &&
	  provisioner "probe-provisioner" {
	    step {
	      do   = "download"
	      path = "$dir/far/nothing/there"
	    }
	  }
	EOF
        test_exit 1 build >out && cat out && grep -q "download: .*nothing/there" out &&
        grep -q "the provisioner is at t.pkr.hcl:" out && [ -z "$(left)" ]
'

test_expect_success 'a lost connection is 2300218, and the build goes on' '
        box_template <<-EOF &&
	  provisioner "probe-provisioner" {
	    step {
	      do      = "run"
	      command = "kill -9 \$(ps -o ppid= -p \$\$)"
	      expect  = 2300218
	    }
	    step {
	      do      = "run"
	      command = "echo back again"
	    }
	  }
	EOF
        build >out && cat out && grep -q "exit: 2300218" out && grep -q "null.box: back again" out
'

test_expect_success 'a plugin that dies says so, is tried again, and takes nothing along' '
        box_template <<-EOF &&
	  provisioner "probe-provisioner" {
	    max_retries = 1
	    faults      = { provision = "exit" }
	  }
	EOF
        test_exit 1 build >out && cat out &&
        grep -q "packer-plugin-probe_v1.0.0_x5.0_linux_amd64.* exited with status 3" out &&
        grep -q "last words" out && grep -q "retrying with 1 trie" out && [ -z "$(left)" ]
'

test_expect_success 'an interrupt ends a command in the machine, and the plugin' '
        rm -f "$dir/far/pid" &&
        box_template <<-EOF &&
	  provisioner "probe-provisioner" {
	    step {
	      do      = "run"
	      command = "echo \$\$ >$dir/far/pid; exec sleep 1000"
	    }
	  }
	EOF
        { "$INGOT_BIN" build -color=false t.pkr.hcl >out 2>&1 & } && pid=$! && test_wait 20 test -s "$dir/far/pid" && kill -TERM $pid &&
        test_exit 1 wait $pid && cat out && grep -q "Cleanly cancelled" out && [ -z "$(left)" ]
'

for command in validate plan build; do
        test_expect_success "$command: an interrupt ends a plugin that hangs while it is prepared" '
        rm -f flag && box_template <<-EOF &&
	  provisioner "probe-provisioner" {
	    faults = { prepare = "deaf:$PWD/flag" }
	  }
	EOF
        { "$INGOT_BIN" $command t.pkr.hcl >out 2>&1 & } && pid=$! && test_wait 20 test -e flag && kill -TERM $pid &&
        test_exit 1 wait $pid && cat out && grep -q "Cancelled: interrupted" out && [ -z "$(left)" ]
'
done

test_done
