#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# What `compress` makes, read back by the usual tools, and what it refuses.
# shellcheck source=tests/cli/testlib.sh
. "${0%/*}/testlib.sh"

# template OUTPUT LEVEL FILE...: packs these files and keeps them.
template() {
        output=$1 level=$2 files=
        shift 2
        for file; do files="$files\"$file\", "; done
        rm -f x.txt said
        cat >t.pkr.hcl <<-EOF
	source "file" "f" {
	  content = "x"
	  target  = "x.txt"
	}
	build {
	  sources = ["source.file.f"]
	  post-processors {
	    post-processor "artifice" {
	      files = [${files%, }]
	    }
	    post-processor "compress" {
	      output              = "$output"
	      compression_level   = $level
	      keep_input_artifact = true
	    }
	  }
	}
	EOF
}
build() { ingot build -color=false t.pkr.hcl; }
says() { tr -s ' \n' '  ' <said | grep -F "$1"; }
bad() { test_exit 1 ingot build -color=false t.pkr.hcl >said 2>&1; }

# tool ENDING FILE: its content again.
tool() {
        case $1 in
        gz | bgzf) gzip -dc <"$2" ;;
        xz) xz -dc "$2" ;;
        bz2 | bzip2) bzip2 -dc <"$2" ;;
        zst) zstd -dcq "$2" ;;
        lz4) lz4 -dcq "$2" ;;
        esac
}

{ head -c 700000 /dev/urandom && seq 300000; } >big
: >empty
truncate -s 40M sparse && echo end >>sparse

for ending in gz bgzf xz bz2 bzip2 zst lz4; do
        # shellcheck disable=SC2034 # used by the test's text
        ending=$ending
        test_expect_success "$ending: what comes back is what went in, at every level" '
                for level in -1 0 1 9 12; do
                        template out.$ending $level big && build >/dev/null && tool $ending out.$ending | cmp - big || return 1
                done &&
                for file in empty sparse; do
                        template $file.$ending -1 $file && build >out && tool $ending $file.$ending | cmp - $file || return 1
                done && grep "^==> file.f (compress): Using .* compression with [0-9]* cores* for sparse.$ending" out &&
                [ "$(stat -c %s sparse.$ending)" -lt 200000 ]'
done

test_expect_success 'a stronger level makes smaller files' '
        seq 300000 >numbers &&
        for ending in gz zst lz4; do
                template one.$ending 1 numbers && build >/dev/null && template nine.$ending 9 numbers && build >/dev/null &&
                ls -l one.$ending nine.$ending &&
                [ "$(stat -c %s nine.$ending)" -lt "$(stat -c %s one.$ending)" ] || return 1
        done'

test_expect_success 'gzip makes one member, and what a reader says of it is right' '
        template one.gz -1 big && build && [ "$(gzip -l one.gz | tail -1 | tr -s " " | cut -d" " -f3)" = "$(stat -c %s big)" ] &&
        python3 -c "
import zlib
d = zlib.decompressobj(31)
d.decompress(open(\"one.gz\", \"rb\").read())
assert d.eof and not d.unused_data"'

test_expect_success 'zstd and xz make one frame and one stream, with checksums' '
        template one.zst -1 big && build && zstd -lv one.zst | tr -s " " >z && cat z &&
        grep "Zstandard Frames: 1$" z && grep "Check: XXH64" z &&
        template one.xz 1 big && build && xz --robot -l one.xz | grep "^totals	1	[0-9]*	.*CRC64"'

test_expect_success 'tar files keep modes, and lose times' '
        mkdir -p d && echo text >d/run && chmod 751 d/run && template t.tar.zst -1 d/run empty && build &&
        zstd -dcq t.tar.zst | TZ=UTC tar tvf - >list && cat list && grep "^-rwxr-x--x .* 5 1970-01-01 00:00 run$" list'

test_expect_success 'an uncompressed tar file keeps holes' '
        template t.tar -1 sparse && build && tar xOf t.tar sparse | cmp - sparse && [ "$(du -k t.tar | cut -f1)" -lt 2000 ]'

test_expect_success 'files of one name keep their folders, and none is lost' '
        mkdir -p a/b a/c && echo one >a/b/f && echo two >a/c/f && template t.tar.gz -1 a/b/f a/c/f empty && build &&
        [ "$(tar xzOf t.tar.gz a/b/f) $(tar xzOf t.tar.gz a/c/f)" = "one two" ] &&
        template t.tar.gz -1 a/b/f a/c/f a/b/f && build && [ "$(echo $(tar tzf t.tar.gz))" = "b/f c/f" ]'

test_expect_success 'zip: names with their folders, none leads outside' '
        template t.zip 9 a/b/f "$PWD/a/c/f" sparse empty && build >out && grep "Zipping t.zip" out && unzip -tq t.zip &&
        unzip -Z1 t.zip >names && cat names && [ "$(head -1 names)" = a/b/f ] && ! grep "^/" names && unzip -p t.zip sparse | cmp - sparse'

# A reader would have to go through five gigabytes of zeros; what it looks at is what is at the end.
test_expect_success 'zip: members and places beyond 4 GiB' '
        truncate -s 5G huge && template huge.zip -1 huge big && build &&
        python3 -c "
import zipfile
z = zipfile.ZipFile(\"huge.zip\")
assert [(i.filename, i.file_size) for i in z.infolist()] == [(\"huge\", 5 << 30), (\"big\", $(stat -c %s big))]
assert z.read(\"big\") == open(\"big\", \"rb\").read()
assert z.open(\"huge\").read(1000) == bytes(1000)" && rm huge huge.zip'

test_expect_success 'what cannot be packed says why, and leaves nothing' '
        mkfifo pipe && template p.gz -1 pipe && bad && says "is not a regular file" && test_absent p.gz && test_absent p.gz.ingot-part &&
        template p.tar.xz -1 big d && bad && says "is not a regular file" && test_absent p.tar.xz.ingot-part &&
        template p.gz -1 big empty && bad && says "Can only have 1 input file when not using tar/zip. Found 2 files" &&
        template p.gz -1 "nothing*" && bad && says "not using tar/zip. Found 0 files" && test_absent p.gz'

test_expect_success 'an artifact without files makes an archive of nothing, as ever, and that is said' '
        template none.tar.gz -1 "nothing*" && ingot build -color=false t.pkr.hcl >said 2>&1 && says "warning: the artifact has no files" &&
        [ -z "$(tar -tzf none.tar.gz)" ]'

test_expect_success 'an output that is its own input is refused, also by another name' '
        cp big same.gz && ln -s same.gz link.gz && cp big want && template same.gz -1 same.gz && bad && says "into itself" &&
        template link.gz -1 same.gz && bad && says "into itself" && cmp same.gz want'

test_expect_success 'an empty output is the default, a folder is none' '
        template "" -1 big && build && tar xzOf packer_f_file big | cmp - big &&
        template new/ -1 big && bad && says "is a folder" && test_absent new &&
        mkdir there && template there -1 big && bad && says "is a folder" && rmdir there && test_absent there.ingot-part'

test_expect_success 'an interrupt ends it at once and leaves nothing' '
        rm -f x.txt && template slow.tar.xz 9 big && seq 40000000 >slow && sed -i "s/\"big\"/\"slow\"/" t.pkr.hcl &&
        { ingot build -color=false t.pkr.hcl >said 2>&1 & } && pid=$! &&
        test_wait 20 grep -q "Tarring slow.tar.xz" said && kill -INT $pid && { wait $pid; [ $? -ne 0 ]; } &&
        test_absent slow.tar.xz && test_absent slow.tar.xz.ingot-part && test -e slow'

test_done
