#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The post-processor export: each format read back by another reader than QEMU, block by block; and what
# can go wrong. No guest is started.
# shellcheck source=tests/integration/testlib.sh
. "${0%/*}/testlib.sh"

for tool in qemu-nbd qemu-img python3 7z; do
        command -v "$tool" >/dev/null || test_skip_all "there is no $tool"
done
REAL_NBD=$(command -v qemu-nbd)
export REAL_NBD

# A disk with pseudo-random data, text, holes, written zeros; its size is no multiple of anything.
python3 - <<'EOF'
import random
size = 37 * 1024 * 1024 + 5 * 512
data = random.Random(7)
with open("odd.raw", "wb") as f:
    f.truncate(size)
    for at, piece in ((0, data.randbytes(3 * 65536 + 513)), (5 << 20, bytes(1 << 20)),
                      ((7 << 20) + 1000, data.randbytes(777)),
                      (16 << 20, b"text that compresses\n" * 100000),
                      (size - 700, data.randbytes(700))):
        f.seek(at)
        f.write(piece)
EOF
qemu-img convert -f raw -O qcow2 -c -o compression_type=zstd odd.raw odd.qcow2

# template FILE, the options of export on standard input
template() {
        rm -rf made
        {
                printf 'source "null" "disk" {\n  communicator = "none"\n}\nbuild {\n'
                printf '  sources = ["null.disk"]\n  post-processors {\n'
                printf '    post-processor "artifice" {\n      files = [%s]\n    }\n' "$1"
                printf '    post-processor "export" {\n'
                cat
                printf '    }\n  }\n}\n'
        } >t.pkr.hcl
}

# same FILE KIND: a disk of the content of odd.raw, and zeros behind it up to a whole MiB at most.
same() {
        7z x -y -so "-t$2" "$1" >got 2>7z.err || { cat 7z.err && return 1; }
        python3 - got odd.raw <<-\EOF
	import sys
	got, want = (open(name, "rb").read() for name in sys.argv[1:])
	rest = got[len(want):]
	sys.exit(0 if got.startswith(want) and len(rest) < 1 << 20 and not any(rest) else
	         "the content differs")
	EOF
}

test_expect_success 'a qcow2 in all formats at once, read by another reader' '
        template "\"odd.qcow2\"" <<-\EOF &&
	formats = ["qcow2", "raw", "vdi", "vhd", "vhdx", "vmdk"]
	checksum_types = ["sha256", "md5"]
	image {
	  format    = "vhd"
	  subformat = "fixed"
	  output    = "exported/fixed.vhd"
	}
	image {
	  format      = "qcow2"
	  compression = "zlib"
	  output      = "exported/zlib.qcow2"
	}
	image {
	  format      = "qcow2"
	  compression = "none"
	  output      = "exported/plain.qcow2"
	}
	EOF
        ingot build -color=false t.pkr.hcl >out && cat out &&
        grep "Exported images: exported/disk.qcow2, exported/disk.raw," out &&
        cmp exported/disk.raw odd.raw &&
        same exported/disk.vdi VDI && same exported/disk.vhd VHD && same exported/fixed.vhd VHD &&
        same exported/disk.vhdx VHDX && same exported/disk.vmdk VMDK &&
        same exported/zlib.qcow2 QCOW && same exported/plain.qcow2 QCOW &&
        qemu-img compare -f qcow2 -F raw exported/disk.qcow2 odd.raw && test_clean
'
test_expect_success 'sizes are exact, and a whole MiB where Azure wants it' '
        size() { qemu-img info --output=json "$@" | jq ".[\"virtual-size\"]"; } &&
        for f in disk.qcow2 zlib.qcow2 disk.vdi disk.vmdk; do
                [ "$(size "exported/$f")" = 38799872 ] || return 1
        done &&
        [ "$(size -f vpc exported/fixed.vhd)" = 39845888 ] &&
        [ "$(stat -c %s exported/fixed.vhd)" = $((39845888 + 512)) ] &&
        [ "$(tail -c 512 exported/fixed.vhd | head -c 8)" = conectix ]
'
test_expect_success 'checksums are those of the files' '
        cd exported && cat ./*.sha256 | sha256sum -c && [ "$(cat ./*.sha256 | wc -l)" = 9 ] &&
        cat ./*.md5 | md5sum -c; r=$? && cd .. && [ $r = 0 ]
'
test_expect_success 'what is zero takes no room, and the images are sound' '
        for f in disk.raw plain.qcow2 disk.vhd fixed.vhd disk.vmdk; do
                [ "$(du -k "exported/$f" | cut -f1)" -lt 4096 ] || { du -k exported/* && return 1; }
        done &&
        [ "$(du -k exported/disk.qcow2 | cut -f1)" -lt 700 ] &&
        for f in exported/*.qcow2 exported/disk.vdi exported/disk.vmdk exported/disk.vhdx; do
                qemu-img check "$f" || return 1
        done &&
        qemu-img info exported/disk.qcow2 | grep "compression type: zstd" &&
        qemu-img info exported/zlib.qcow2 | grep "compression type: zlib"
'

test_expect_success 'one that is lost or altered: all are made again, without casting the image again' '
        cp exported/disk.vdi before && rm exported/disk.vhdx && : >exported/disk.vdi && ingot build -color=false t.pkr.hcl >out &&
        cat out && same exported/disk.vdi VDI && [ -e exported/disk.vhdx ] && test_clean'

test_expect_success 'a compressed qcow2 has whole sectors, whatever was written last' '
        { seq 90000 | head -c 65536 && head -c 983040 /dev/zero; } >one.raw &&
        template "\"one.raw\"" <<-\EOF &&
	formats = ["qcow2"]
	image {
	  format      = "qcow2"
	  compression = "zlib"
	  output      = "made/one.qcow2"
	}
	output = "made/two"
	EOF
        ingot build t.pkr.hcl >out && stat -c "%s %n" made/* &&
        for file in one two; do [ $(($(stat -c %s made/$file.qcow2) % 512)) = 0 ] || return 1; done &&
        7z x -y -so -tQCOW made/one.qcow2 | cmp - one.raw && test_clean
'

test_expect_success 'the disk itself is never replaced, and a folder is no file' '
        cp odd.raw own.raw && ln -s . here && ln -s own.raw link.raw && mkdir -p folder.vdi || return 1
        for name in own ./own here/own link; do
                printf "formats = [\"raw\"]\noutput = \"$name\"\n" >options && template "\"own.raw\"" <options &&
                bad build -color=false -force t.pkr.hcl && grep "is a file of the artifact" out || return 1
        done
        cmp own.raw odd.raw && for name in absent/ folder; do
                printf "formats = [\"raw\", \"vdi\"]\noutput = \"$name\"\n" >options && template "\"own.raw\"" <options &&
                bad build -color=false -force t.pkr.hcl && grep "is a folder" out && test_absent absent &&
                test_absent folder.raw || return 1
        done
        printf "formats = [\"raw\"]\noutput = \"\"\n" | template "\"own.raw\"" &&
        rm -f exported/disk.raw && ingot build t.pkr.hcl >out && cmp exported/disk.raw odd.raw && test_clean
'

test_expect_success 'a raw disk from a legacy template, room taken, in folders that are made' '
        printf "{\"builders\": [{\"type\": \"null\", \"communicator\": \"none\"}],
          \"post-processors\": [[{\"type\": \"artifice\", \"files\": [\"odd.raw\"]},
          {\"type\": \"export\", \"formats\": [\"raw\"], \"output\": \"new/{{.BuildName}}/d\", \"sparse\": false,
           \"image\": [{\"format\": \"vhd\", \"output\": \"new/other.vhd\"}]}]]}" >t.json &&
        ingot build t.json >out && cmp new/null/d.raw odd.raw && same new/other.vhd VHD &&
        [ "$(du -k new/null/d.raw | cut -f1)" -ge 37888 ] && test_clean
'

test_expect_success 'up to date: a second build exports nothing, until a file is gone' '
        cat >f.pkr.hcl <<-\EOF &&
	source "file" "f" {
	  source = "odd.qcow2"
	  target = "built/disk.qcow2"
	}
	build {
	  sources = ["file.f"]
	  post-processor "export" {
	    formats = ["vhd"]
	  }
	}
	EOF
        ingot build -color=false f.pkr.hcl >out && same exported/f.vhd VHD &&
        [ -e built/disk.qcow2 ] && first=$(stat -c %i.%Y exported/f.vhd) &&
        ingot build -color=false f.pkr.hcl >out && cat out && grep "Up to date" out &&
        [ "$(stat -c %i.%Y exported/f.vhd)" = "$first" ] && rm exported/f.vhd &&
        ingot build -color=false f.pkr.hcl >out && same exported/f.vhd VHD
'

# refuses FILES WORDS: the export fails, says so, and leaves nothing.
refuses() {
        template "$1" <<-\EOF &&
	formats = ["raw", "qcow2", "vmdk"]
	output  = "made/disk"
	EOF
                bad build -color=false t.pkr.hcl && grep -e "$2" out && test_absent made
}

test_expect_success 'images that point to other files are not believed' '
        qemu-img create -q -f qcow2 -b odd.raw -F raw over.qcow2 && refuses "\"over.qcow2\"" "stands on" &&
        qemu-img create -q -f qcow2 -o data_file=data.raw,data_file_raw=on ext.qcow2 1M &&
        refuses "\"ext.qcow2\"" "content in another file" &&
        qemu-img create -q -f qcow2 enc.qcow2 1M &&
        printf "\1" | dd of=enc.qcow2 bs=1 seek=35 conv=notrunc status=none &&
        refuses "\"enc.qcow2\"" "encrypted" &&
        qemu-img create -q -f vmdk other.vmdk 1M && refuses "\"other.vmdk\"" "format VMDK" &&
        : >empty && refuses "\"empty\"" "is empty" && refuses "\"absent*\"" "no files" &&
        refuses "\"odd.raw\", \"odd.qcow2\", \"over.qcow2\"" "which of the artifact"
'
test_expect_success 'an image on another of the same artifact is whole' '
        template "\"over.qcow2\", \"odd.raw\"" <<-\EOF &&
	formats = ["raw"]
	output  = "made/disk"
	disk    = "over.qcow2"
	EOF
        ingot build t.pkr.hcl >out && cmp made/disk.raw odd.raw && rm -r made
'
test_expect_success 'a damaged source and one that is too large for a format' '
        head -c 200000 odd.qcow2 >cut.qcow2 && refuses "\"cut.qcow2\"" "cut.qcow2. is damaged" &&
        head -c 300 odd.qcow2 >short.qcow2 && refuses "\"short.qcow2\"" "short.qcow2. is damaged" &&
        qemu-img create -q -f qcow2 huge.qcow2 2041G && template "\"huge.qcow2\"" <<-\EOF &&
	formats = ["vdi", "vhd"]
	output  = "made/disk"
	EOF
        bad build -color=false t.pkr.hcl && grep "in the format vhd at most 2040 GiB" out && test_absent made
'

# wrong HOW AT IN: a build with a qemu-nbd that goes wrong for the images with IN in their name.
mkdir fakes
ln -s "$SRCDIR/tests/fakes/qemu_nbd.py" fakes/qemu-nbd
wrong() {
        template "\"odd.qcow2\"" <<-\EOF &&
	formats = ["raw", "vdi", "vmdk"]
	output  = "made/disk"
	EOF
                (
                        PATH=$PWD/fakes:$PATH FAKE_NBD=$1 FAKE_NBD_AT=$2 FAKE_NBD_IN=$3
                        export PATH FAKE_NBD FAKE_NBD_AT FAKE_NBD_IN
                        bad build -color=false t.pkr.hcl
                ) && test_absent made
}
test_expect_success 'a qemu-nbd that is killed, fails, or talks nonsense' '
        wrong die 3 odd.qcow2 && grep "cannot read .*odd.qcow2.: qemu-nbd was ended by signal 9" out &&
        wrong die 2 vdi && grep "cannot write .*disk.vdi.*signal 9" out &&
        wrong fail 2 odd.qcow2 && grep "cannot read .*odd.qcow2.: Input/output error" out &&
        wrong fail 1 vmdk && grep "cannot write .*disk.vmdk.*: Input/output error" out &&
        wrong full 2 vdi && grep "cannot write .*disk.vdi.*: No space left" out && grep "make room" out &&
        wrong babble 2 vdi && grep "cannot write .*disk.vdi.*fake trouble" out
'
# interrupted IN: while the qemu-nbd of such an image hangs, ^C ends the build and leaves nothing.
interrupted() {
        rm -f hangs
        PATH=$PWD/fakes:$PATH FAKE_NBD=hang FAKE_NBD_AT=2 FAKE_NBD_IN=$1 FAKE_NBD_HANGS=$PWD/hangs \
                ingot build -color=false t.pkr.hcl >out 2>&1 &
        pid=$!
        test_keep_pid "$pid"
        test_wait 20 test -e hangs && kill -INT "$pid" && { wait "$pid"; [ $? = 1 ]; } &&
                cat out && grep "Cleanly cancelled" out && test_absent made && test_clean
}
test_expect_success 'an interrupt ends an export at once, whoever hangs' '
        interrupted odd.qcow2 && interrupted vmdk
'

small=$PWD/small
mkdir "$small"
if mount -t tmpfs -o size=3m tmpfs "$small" 2>/dev/null; then
        test_expect_success 'a full disk: all of the export goes' '
                template "\"odd.qcow2\"" <<-EOF &&
		formats = ["raw", "qcow2"]
		output  = "made/disk"
		image {
		  format = "vdi"
		  output = "$small/disk.vdi"
		}
		EOF
                bad build -color=false t.pkr.hcl && grep "cannot write .*small/disk.vdi.*: No space left" out &&
                grep "make room" out && test_absent made && [ -z "$(ls "$small")" ]
        '
        umount "$small"
else
        test_skip 'a full disk: all of the export goes' 'file systems cannot be mounted'
fi
test_done
