#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The store of finished steps as people see it: list, measure, remove, carry to another host.
# shellcheck source=tests/cli/testlib.sh
. "${0%/*}/testlib.sh"

export NO_COLOR=1
steps=${INGOT_BIN%/*}/../tests/tools/steps
store=$HOME/.cache/ingot/steps
base=$PWD/base.raw
a=aa11aa11aa11aa11
b=bb22bb22bb22bb22
c=cc33cc33cc33cc33

# Two builds: the first has a chain of two on a base disk.
make_steps() {
        printf 'a disk, never mind what is on it' >"$base" &&
                "$steps" "$store" make $a - qemu.web connect 0 "$base" &&
                "$steps" "$store" make $b $a qemu.web shell 1 &&
                "$steps" "$store" make $c - qemu.db connect 0
}
kept() { ingot cache ls -json | jq -r '.[].key' | sort | tr '\n' ' '; }
files() { find "$store/entries" "$store/layers" "$store/staging" -mindepth 1 | sort; }

test_expect_success 'nothing is kept yet, and nothing is made by asking' '
        ingot cache >out && grep "^No steps are kept.$" out &&
        test "$(ingot cache ls -json)" = "[]" && ingot cache du >out && grep "^No steps are kept.$" out &&
        ingot cache prune >out && grep "^No steps are kept.$" out &&
        ingot cache rm -all >out && grep "^No steps are kept.$" out &&
        test_exit 1 ingot cache rm aa >out && grep "no step .aa. is kept" out &&
        ingot gc >out && grep "^Nothing to clean up.$" out && test_absent "$store"
'

test_expect_success 'ls tells what is kept, build by build' '
        make_steps && ingot cache >out && cat out && ingot cache ls >again && test "$(wc -l <out)" = 4 &&
        grep -E "^KEY +AGE +USED +SIZE +BUILD +STEP$" out &&
        sed -n 2p out | grep -E "^cc33cc33cc33 +[0-9]+s +[0-9]+s +[0-9.]+ KiB +qemu.db +connect$" &&
        sed -n 3p out | grep -E "^aa11aa11aa11 .* qemu.web +connect$" &&
        sed -n 4p out | grep -E "^bb22bb22bb22 .* qemu.web +shell$"
'

test_expect_success 'ls -json is for programs' '
        ingot cache ls -json >out && jq -e "length == 3 and .[2].key == \"$b\" and .[2].parent == \"$a\" and
                .[2].build == \"qemu.web\" and .[2].step == \"shell\" and .[2].index == 1 and
                .[2].bytes > 65536 and .[2].bytes < 100000 and
                (.[2].made | test(\"^20..-..-..T..:..:..Z\$\")) and (.[2].used | length == 20)" out
'

test_expect_success 'du tells how much room it takes' '
        INGOT_CACHE_SIZE=30G ingot cache du >out && cat out &&
        grep -E "^3 steps with 3 disk layers: [0-9]+ KiB of at most 30.0 GiB, in $store$" out &&
        INGOT_CACHE_SIZE=1.5M ingot cache du -json | jq -e ".steps == 3 and .layers == 3 and
                .max == 1572864 and .bytes > 196608 and .directory == \"$store\""
'

test_expect_success 'everything is for its owner alone' '
        test -z "$(find "$store" -perm /077 -not -type l)" && test "$(stat -c %a "$store"/layers/*.qcow2 | sort -u)" = 400
'

test_expect_success 'wrong words are one clear error each' '
        test_exit 1 ingot cache frobnicate | grep "can .ls., .du., .rm." &&
        test_exit 1 ingot cache rm | grep "needs the steps to remove, or -all" &&
        test_exit 1 ingot cache rm -all aa | grep "needs the steps to remove, or -all" &&
        test_exit 1 ingot cache ls -all | grep "^-all is not for .ls.$" &&
        test_exit 1 ingot cache export aa | grep "needs one step, and -o FILE" &&
        test_exit 1 ingot cache import | grep "needs one file" &&
        test_exit 1 ingot cache prune -older-than=soon | grep "older-than: time: invalid duration" &&
        test_exit 1 ingot cache prune -max-size=much | grep "max-size: .much. is no size, such as 30G" &&
        INGOT_CACHE_SIZE=lots test_exit 1 ingot cache du >out && grep "INGOT_CACHE_SIZE is .lots., not a size" out &&
        test "$(kept)" = "$a $b $c "
'

test_expect_success 'rm understands beginnings, and all of them or nothing' '
        "$steps" "$store" make cc44cc44cc44cc44 - qemu.db connect 0 &&
        test_exit 1 ingot cache rm cc >out && grep "several steps begin with .cc." out &&
        test_exit 1 ingot cache rm cc4 nothing >out && grep "no step .nothing. is kept" out &&
        test "$(kept)" = "$a $b $c cc44cc44cc44cc44 " &&
        ingot cache rm cc4 cc3 && test "$(kept)" = "$a $b " && test "$(find "$store/layers" -name "*.qcow2" | wc -l)" = 2
'

test_expect_success 'what a build uses stays' '
        mkfifo go && { "$steps" "$store" hold $b <go >held & } && test_keep_pid $! && exec 9>go &&
        test_wait 20 grep held held &&
        test_exit 1 ingot cache rm bb >out && grep "the step .$b. is in use" out &&
        ingot cache rm -all >out && cat out && grep "^Kept those that are in use: 2.$" out &&
        test "$(kept)" = "$a $b " && exec 9>&- && wait
'

test_expect_success 'a step that is removed leaves what the next one stands on' '
        ingot cache rm aa && test "$(kept)" = "$b " && test "$("$steps" "$store" get $b | wc -l)" = 2 &&
        ingot cache rm -all >out && grep -E "^Removed 1 step, [0-9]+ KiB.$" out && test -z "$(kept)" &&
        test "$(find "$store/layers" "$store/entries" "$store/staging" -mindepth 1 -not -type l | wc -l)" = 0 &&
        test "$(stat -c %s "$store/secret")" = 32
'

test_expect_success 'prune takes what is old, and what is too much' '
        make_steps && ingot cache prune >out && grep "^Removed 0 steps" out && test "$(kept)" = "$a $b $c " &&
        touch -d "3 days ago" "$store"/entries/$c/*/meta.json &&
        ingot cache prune -older-than=1d >out && grep "^Removed 1 step" out && test "$(kept)" = "$a $b " &&
        touch -d "1 hour ago" "$store"/entries/$a/*/meta.json &&
        ingot cache prune -max-size=140K >out && test "$(kept)" = "$b " &&
        ingot cache prune -max-size=0 && test -z "$(kept)"
'

test_expect_success 'gc takes what a build that was killed has left' '
        make_steps && mkdir "$store/staging/new-0123" && echo half >"$store/staging/new-0123/memory" &&
        head -c 100000 /dev/zero | tr "\0" x >"$store/layers/0123456789abcdef0123.qcow2" &&
        ingot gc >out && cat out && grep -E "^Removed 1[0-9.]+ KiB of the finished steps$" out &&
        test_absent "$store/staging/new-0123" && test_absent "$store/layers/0123456789abcdef0123.qcow2" &&
        test "$(kept)" = "$a $b $c " && ingot gc >out && grep "^Nothing to clean up.$" out
'

test_expect_success 'a step goes to another host in one file' '
        ingot cache export bb -o step.tar.zst && rm -rf there && mkdir there &&
        export INGOT_CACHE_DIR="$PWD/there" && ingot cache import step.tar.zst >out &&
        grep "^Imported the step bb22bb22bb22.$" out && test "$(kept)" = "$b " &&
        "$steps" there/steps get $b >layers && test "$(wc -l <layers)" = 2 &&
        for l in $(cat layers); do cmp "$store/layers/$l" "there/steps/layers/$l" || return 1; done &&
        cmp there/steps/entries/$b/*/memory "$store"/entries/$b/*/memory &&
        test -f there/steps/layers/base-$a && test ! -L there/steps/layers/base-$a &&
        cmp there/steps/layers/base-$a "$base" &&
        test "$(ingot cache ls -json | jq -r .[0].step)" = shell &&
        ingot cache import step.tar.zst && test "$(kept)" = "$b " &&
        test "$(find there/steps/entries/$b -mindepth 1 -maxdepth 1 | wc -l)" = 1 &&
        ingot gc && cmp there/steps/layers/base-$a "$base" && test -z "$(find there/steps/staging -mindepth 1)" &&
        ingot cache rm -all && test -z "$(find there/steps/layers -mindepth 1)"
'
unset INGOT_CACHE_DIR

test_expect_success 'as old as it was, and without its base if that is wanted' '
        made=$(ingot cache ls -json | jq -r ".[] | select(.key == \"$b\") | .made") &&
        ingot cache export -without-base -o small.tar.zst bb &&
        test_exit 1 ingot cache export bb -o no/such/place && rm "$base" &&
        test_exit 1 ingot cache export bb -o step2 >out && cat out && grep "without-base it is left out" out && test_absent step2 &&
        rm -rf there && INGOT_CACHE_DIR="$PWD/there" ingot cache import small.tar.zst &&
        test_absent there/steps/layers/base-$a &&
        test "$(INGOT_CACHE_DIR="$PWD/there" ingot cache ls -json | jq -r ".[0].made")" = "$made" &&
        test -z "$(find . -name ".ingot-*")"
'

# hostile.tar from step.tar, changed by a line of Python: m is the manifest, files a list of [name, content].
change() {
        zstd -q -d -f step.tar.zst -o step.tar && python3 - "$1" <<-\EOF
		import io, json, sys, tarfile
		files = [[t.name, f.read(), tarfile.REGTYPE] for tar in [tarfile.open("step.tar")]
		         for t in tar for f in [tar.extractfile(t)]]
		m = json.loads(files[0][1])
		e = m["entry"]
		exec(sys.argv[1])
		if files and files[0][0] == "manifest.json":
		    files[0][1] = json.dumps(m).encode()
		with tarfile.open("hostile.tar", "w", format=tarfile.GNU_FORMAT) as out:
		    for name, content, kind in files:
		        t = tarfile.TarInfo(name)
		        t.type = kind
		        t.linkname = "/etc/passwd" if kind != tarfile.REGTYPE else ""
		        t.size = len(content) if kind == tarfile.REGTYPE else 0
		        out.addfile(t, io.BytesIO(content))
		EOF
}

# refused WHY CHANGE: one clear error, and nothing is left.
refused() {
        rm -rf there && export INGOT_CACHE_DIR="$PWD/there" && change "$2" || return 1
        test_exit 1 ingot cache import hostile.tar >out 2>&1
        unset INGOT_CACHE_DIR
        cat out
        test "$(wc -l <out)" = 1 && grep "^Error: cannot import .*/hostile.tar.*$1" out &&
                test -z "$(find there/steps/entries there/steps/layers there/steps/staging -mindepth 1)" && test_absent victim
}

test_expect_success 'what is in a file from elsewhere is not believed' '
        change "pass" && INGOT_CACHE_DIR="$PWD/there2" ingot cache import hostile.tar &&
        refused "nothing of its step" "files.append([\"../../../victim\", b\"x\", b\"0\"])" &&
        refused "nothing of its step" "files.append([\"$PWD/victim\", b\"x\", b\"0\"])" &&
        refused "nothing of its step" "files.append([\"files/victim\", b\"x\", b\"0\"])" &&
        refused "is no file" "files.append([\"files/link\", b\"\", tarfile.SYMTYPE])" &&
        refused "is no file" "files[-1][2] = tarfile.LNKTYPE" &&
        refused "is in it twice" "files.append(files[-1])" &&
        refused "is missing" "files.pop()" &&
        refused "is missing" "del files[2]" &&
        refused "the base .* is missing" "del files[1]" &&
        refused "has not the content" "files[-1][1] = b\"X\" + files[-1][1][1:]" &&
        refused "has not the content" "files[2][1] = files[2][1][:-1] + b\"X\"" &&
        refused "has not the content" "files[1][1] = b\"X\" + files[1][1][1:]" &&
        refused "has another size" "files[-1][1] += b\"x\"" &&
        refused "no step that ingot" "files.insert(0, files.pop())" &&
        refused "no step that ingot" "del files[:]" &&
        refused "the name of a file" "e[\"layers\"][0][\"name\"] = \"../x\"" &&
        refused "the name of a file" "e[\"files\"][0][\"name\"] = \"meta.json\"" &&
        refused "a key" "e[\"key\"] = \"../../victim\"" &&
        refused "its base is not" "m[\"base\"][\"name\"] = \"base-other\"" &&
        refused "too large" "e[\"files\"][0][\"size\"] = 1 << 60" &&
        refused "no step that ingot" "m[\"format\"] = 2"
'

test_expect_success 'neither a file that is cut off, nor more than there is room for' '
        head -c $(($(stat -c %s step.tar.zst) / 2)) step.tar.zst >cut.tar.zst && rm -rf there && export INGOT_CACHE_DIR="$PWD/there" &&
        test_exit 1 ingot cache import cut.tar.zst >out && grep "^Error: cannot import" out &&
        test_exit 1 ingot cache import /etc/passwd >out && grep "^Error: cannot import" out &&
        test_exit 1 ingot cache import nowhere >out && grep "does not exist" out &&
        INGOT_CACHE_SIZE=100K test_exit 1 ingot cache import step.tar.zst >out && cat out && grep "more room than the store may take" out &&
        test -z "$(find there/steps/entries there/steps/layers there/steps/staging -mindepth 1)"
'
unset INGOT_CACHE_DIR

test_expect_success 'what is damaged is not exported, and is gone' '
        layer=$("$steps" "$store" get $b | tail -n 1) && chmod 600 "$store/layers/$layer" &&
        printf X | dd of="$store/layers/$layer" bs=1 seek=5000 conv=notrunc 2>/dev/null &&
        test_exit 1 ingot cache export -without-base -o x.tar bb >out && cat out && grep "is damaged: .* has another content" out &&
        test "$(kept)" = "$a $c " && test_exit 1 "$steps" "$store" get $b
'

test_expect_success 'many at once, some of them killed: each step is whole or not there' '
        mkdir storm && INGOT_CACHE_DIR="$PWD/storm" \
                python3 "$SRCDIR/tests/tools/steps_storm.py" "$INGOT_BIN" "$steps" 100
'

test_done
