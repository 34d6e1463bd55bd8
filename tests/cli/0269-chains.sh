#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Chains of post-processors: what they start from, what is kept, what a failure or an interrupt
# leaves.
# shellcheck source=tests/cli/testlib.sh
. "${0%/*}/testlib.sh"

# The post-processors of a build of the file `made` on standard input.
in_build() {
        rm -rf made packed* sums* said
        {
                printf 'source "file" "f" {\n  content = "text"\n  target  = "made"\n}\n'
                printf 'build {\n  sources = ["source.file.f"]\n'
                cat
                echo '}'
        } >t.pkr.hcl
}
build() { ingot build -color=false t.pkr.hcl; }
results() { sed -n 's/^--> file.f: //p' out; }

test_expect_success 'every chain starts from the artifact of the builder, which goes at the end' '
        in_build <<-\EOF &&
	post-processor "compress" {
	  output = "packed.tar"
	}
	post-processors {
	  post-processor "compress" {
	    output = "packed.gz"
	  }
	  post-processor "checksum" {
	    output = "sums"
	  }
	}
	EOF
        build >out && cat out && results >got && test_absent made && test -e packed.tar && test -e packed.gz && test -e sums &&
        [ "$(cat got)" = "compressed artifacts in: packed.tar
compressed artifacts in: packed.gz
Created artifact from files: packed.gz, sums" ]
'

test_expect_success 'one that keeps it keeps it for all' '
        in_build <<-\EOF &&
	post-processor "compress" {
	  output = "packed.tar"
	}
	post-processor "checksum" {
	  output              = "sums"
	  keep_input_artifact = false
	}
	EOF
        build >out && cat out && [ "$(results | head -1)" = "Stored file: made" ] && [ "$(results | wc -l)" = 3 ] && test -e made
'

test_expect_success 'a member that passes it on does not save it from the next one, nor take it from the next chain' '
        in_build <<-\EOF &&
	post-processors {
	  post-processor "manifest" {
	  }
	  post-processor "compress" {
	    output = "packed.tar"
	  }
	}
	post-processor "compress" {
	  output = "packed.gz"
	}
	EOF
        build >out && cat out && test_absent made && test -e packed.tar && test -e packed.gz && ! results | grep made &&
        sed -i "s/\"manifest\" {/\"manifest\" {\nkeep_input_artifact = true/" t.pkr.hcl && rm packed* &&
        build >out && cat out && test -e made && [ "$(results | head -1)" = "Stored file: made" ]
'

test_expect_success 'failures end their chains, are counted, and lose nothing' '
        in_build <<-\EOF &&
	post-processors {
	  post-processor "compress" {
	    output = "packed.tar"
	  }
	  post-processor "shell-local" {
	    inline = ["exit 3"]
	  }
	  post-processor "shell-local" {
	    inline = ["touch said"]
	  }
	}
	post-processor "shell-local" {
	  inline = ["exit 4"]
	}
	post-processor "checksum" {
	  output = "sums"
	}
	EOF
        test_exit 1 build >out; cat out; test -e made && test -e packed.tar && test -e sums && test_absent said &&
        grep "^Build .file.f. errored after .*: 2 error(s) occurred:$" out &&
        [ "$(grep -c "^\* Post-processor failed: Script exited with non-zero exit status: [34]. Allowed exit codes are: \[0\]$" out)" = 4 ] &&
        [ "$(results | grep -v "error(s)")" = "Stored file: made
compressed artifacts in: packed.tar
Created artifact from files: made, sums" ]
'

test_expect_success 'what is known of the build stays known along the chain' '
        in_build <<-\EOF &&
	post-processors {
	  post-processor "compress" {
	    output = "packed-{{ build `PackerRunUUID` }}.tar"
	  }
	  post-processor "checksum" {
	    output = "sums-{{ .PackerRunUUID }}-{{ .BuildName }}-{{ .ChecksumType }}"
	  }
	  post-processor "shell-local" {
	    inline = ["echo ${build.PackerRunUUID} {{ .PackerRunUUID }} $PACKER_RUN_UUID >said"]
	  }
	}
	EOF
        build >out && cat out said && read -r one two three <said && [ "$one" = "$two" ] && [ "$one" = "$three" ] &&
        test -e "packed-$one.tar" && test -e "sums-$one-f-md5"
'

test_expect_success 'an interrupt ends the chain and those behind it; finished work stays' '
        in_build <<-\EOF &&
	post-processors {
	  post-processor "compress" {
	    output = "packed.tar"
	  }
	  post-processor "shell-local" {
	    inline = ["touch begun", "sleep 60"]
	  }
	  post-processor "shell-local" {
	    inline = ["touch said"]
	  }
	}
	post-processor "shell-local" {
	  inline = ["touch said"]
	}
	EOF
        rm -f begun && { ingot build -color=false t.pkr.hcl >out & } && pid=$! && test_keep_pid $pid && test_wait 10 test -e begun &&
        kill -INT $pid && test_exit 1 wait $pid && cat out && test_absent said && test -e made && test -e packed.tar &&
        [ "$(tail -1 out)" = "Cleanly cancelled builds after being interrupted." ] && test_clean
'

test_done
