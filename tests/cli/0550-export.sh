#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# What the post-processor export says of its options before anything runs.
# shellcheck source=tests/cli/testlib.sh
. "${0%/*}/testlib.sh"

command -v qemu-nbd >/dev/null || test_skip_all "there is no qemu-nbd"

# wrong WORDS: validate refuses the options on standard input and says so.
wrong() {
        {
                printf 'source "null" "a" {\n  communicator = "none"\n}\nbuild {\n  sources = ["null.a"]\n'
                printf '  post-processor "export" {\n'
                cat
                printf '  }\n}\n'
        } >t.pkr.hcl
        bad validate t.pkr.hcl && grep -e "$1" out
}

test_expect_success 'formats that do not exist, and what was meant' '
        echo "formats = [\"qcow\"]" | wrong "There is no format .qcow.. Did you mean .qcow2.?" &&
        echo "formats = [\"floppy\"]" | wrong "There are: .*qcow2, raw, vdi, vhd, vhdx" &&
        printf "image {\nformat = \"vhd\"\nsubformat = \"monolithicSparse\"\n}\n" |
                wrong "no subformat .monolithicSparse. of" &&
        printf "image {\nformat = \"raw\"\nsubformat = \"fixed\"\n}\n" | wrong "raw. has no subformats" &&
        printf "image {\nsubformat = \"fixed\"\n}\n" | wrong "format"
'
test_expect_success 'compression where there is none' '
        printf "image {\nformat = \"raw\"\ncompression = \"zstd\"\n}\n" | wrong "raw. is not compressed" &&
        printf "image {\nformat = \"qcow2\"\ncompression = \"xz\"\n}\n" | wrong "no compression .xz" &&
        printf "image {\nformat = \"qcow2\"\nlevel = 3\n}\n" | wrong "has no levels"
'
test_expect_success 'nothing to do, too much to do, the same twice' '
        echo "" | wrong "Nothing to export" &&
        echo "formats = [\"raw\", \"raw\"]" | wrong "would be written to .exported/{{.BuildName}}.raw" &&
        printf "formats = [\"vhd\"]\nimage {\nformat = \"vhd\"\nsubformat = \"fixed\"\n}\n" |
                wrong "Two images of one name" &&
        { for i in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17; do
                printf "image {\nformat = \"raw\"\noutput = \"$i\"\n}\n"
        done; } | wrong "At most 16 images" &&
        printf "formats = [\"raw\"]\nchecksum_types = [\"crc\"]\n" | wrong "Unrecognized checksum type: crc" &&
        printf "formats = [\"raw\"]\noutput = \"{{ .Build\"\n" | wrong "Invalid template"
'
test_expect_success 'a missing program is told with the package that brings it' '
        printf "source \"null\" \"a\" {\n  communicator = \"none\"\n}\nbuild {\n  sources = [\"null.a\"]
          post-processor \"export\" {\n    formats = [\"raw\"]\n  }\n}\n" >t.pkr.hcl &&
        ingot validate t.pkr.hcl && mkdir only && ln -s "$INGOT_BIN" only/ingot &&
        ! (PATH=$PWD/only && export PATH && ingot validate t.pkr.hcl) >out 2>&1 && cat out &&
        grep "needs qemu-nbd: install the package qemu-utils" out
'
test_done
