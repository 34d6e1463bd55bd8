#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# sleep, breakpoint, artifice, the post-processor shell-local.
# shellcheck source=tests/cli/testlib.sh
. "${0%/*}/testlib.sh"

# Wraps what it is given into a build with a null source.
in_build() {
        {
                printf 'source "null" "n" {\n  communicator = "none"\n}\n'
                printf 'build {\n  sources = ["source.null.n"]\n'
                cat
                echo '}'
        } >t.pkr.hcl
}

test_expect_success 'sleep takes its time' '
        printf "provisioner \"sleep\" {\n duration = \"300ms\"\n}\n" | in_build &&
        start=$(date +%s%N) && ingot build t.pkr.hcl && end=$(date +%s%N) &&
        test $(((end - start) / 1000000)) -ge 300
'

test_expect_success 'sleep ends at an interrupt' '
        printf "provisioner \"sleep\" {\n duration = \"1h\"\n}\n" | in_build &&
        { "$INGOT_BIN" build -json t.pkr.hcl >out & } && pid=$! && test_keep_pid "$pid" &&
        test_wait 10 grep -q "step-start.*sleep" out && kill -INT "$pid" && test_exit 1 wait "$pid" &&
        grep "Cleanly cancelled builds after being interrupted" out
'

test_expect_success 'a breakpoint that is disabled says so' '
        printf "provisioner \"breakpoint\" {\n disable = true\n note = \"look\"\n}\n" | in_build &&
        ingot build t.pkr.hcl >out &&
        grep "Breakpoint provisioner with note \"look\" disabled; continuing" out
'

test_expect_success 'a breakpoint without a terminal fails and says what to do' '
        printf "provisioner \"breakpoint\" {\n}\n" | in_build &&
        test_exit 1 setsid -w "$INGOT_BIN" build t.pkr.hcl >out 2>&1 &&
        grep "Pausing at breakpoint provisioner" out && grep "no available tty" out &&
        grep "disable = true" out
'

test_expect_success 'artifice replaces the files and keeps the old ones' '
        mkdir made && echo a >made/a.box && echo b >made/.b.box && echo c >made/c.txt &&
        write_file t.pkr.hcl <<-\EOF &&
	source "file" "f" {
	  content = "x"
	  target  = "old"
	}
	build {
	  sources = ["source.file.f"]
	  post-processors {
	    post-processor "artifice" {
	      files = ["made/*.box", "none*", "made/c.txt"]
	    }
	    post-processor "checksum" {
	      checksum_types = ["sha256"]
	      output         = "sums"
	    }
	  }
	}
	EOF
        ingot build -color=false t.pkr.hcl >out &&
        grep "Discarding files from artifact: old" out &&
        grep "Using these artifact files: made/.b.box, made/a.box, made/c.txt" out &&
        test -f old && test "$(wc -l <sums)" = 3 && (cd made && sha256sum -c ../sums)
'

test_expect_success 'artifice needs files' '
        printf "post-processor \"artifice\" {\n}\n" | in_build &&
        test_exit 1 ingot validate t.pkr.hcl >out &&
        grep "No files specified in artifice configuration" out
'

test_expect_success 'shell-local after the build: the data of the build, the artifact passed on' '
        write_file t.pkr.hcl <<-\EOF &&
	source "file" "f" {
	  content = "x"
	  target  = "old"
	}
	build {
	  sources = ["source.file.f"]
	  post-processors {
	    post-processor "shell-local" {
	      environment_vars = ["WHO=me"]
	      inline = ["echo $PACKER_BUILD_NAME $WHO of $PACKER_BUILDER_TYPE, ${build.ID} >said"]
	    }
	    post-processor "checksum" {
	      output = "sums.post"
	    }
	  }
	}
	EOF
        ingot build -force -color=false t.pkr.hcl >out && cat said && grep "^f me of file" said &&
        grep old sums.post && test -f old
'

test_expect_success 'shell-local after the build fails: the artifact stays' '
        write_file t.pkr.hcl <<-\EOF &&
	source "file" "f" {
	  content = "x"
	  target  = "kept"
	}
	build {
	  sources = ["source.file.f"]
	  post-processor "shell-local" {
	    inline = ["exit 3"]
	  }
	}
	EOF
        test_exit 1 ingot build -color=false t.pkr.hcl >out && test -f kept &&
        grep "Script exited with non-zero exit status: 3" out
'

test_done
