#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# shellcheck disable=SC2034,SC2154 # used in texts; set in tiny-guest.sh
# Checkpoints of a guest: the next build goes on from the last one that is of use. A small guest, whose
# memory holds what happened since its start, and whose disk stays.
. "${0%/*}/testlib.sh"
. "${0%/*}/tiny-guest.sh"
command -v zstd >/dev/null || test_skip_all "no zstd"
tiny_check
tiny_guest

entries=$HOME/.cache/ingot/steps/entries
layers=$HOME/.cache/ingot/steps/layers

# template FOLDER TEXT [WORDS [WORDS]]: three steps; what the last one writes and says is TEXT. The second one takes so
# long that its disk can be booted.
template() {
        mkdir -p "$1"
        cat >"$1/t.pkr.hcl" <<-EOF
	$(tiny_disk_source web)
	build {
	  sources = ["source.qemu.web"]
	  provisioner "shell" {
	    inline = ["echo one >> /tmp/steps", "echo first | dd of=/dev/sda bs=1M seek=1 conv=notrunc"]
	  }
	  provisioner "shell" {
	    inline = [
	      "echo two >> /tmp/steps", "echo second | dd of=/dev/sda bs=1M seek=2 conv=notrunc",
	      "date -u -s @\$((\$(date +%s) - 86400))", "${4:-sleep 5}",
	    ]
	  }
	  provisioner "shell" {
	    inline = [
	      "echo $2 | dd of=/dev/sda bs=1M seek=3 conv=notrunc", "echo clock \$(date -u +%s)",
	      "echo on disk: \$(for n in 1 2 3; do dd if=/dev/sda bs=1M skip=\$n count=1 2>/dev/null | head -n 1; done)",
	      "echo in memory: \$(cat /tmp/steps 2>/dev/null)", "${3:-true}",
	    ]
	  }
	}
	EOF
        sed -i "s,web/out,$1/out," "$1/t.pkr.hcl"
}
build() { ingot build -color=false "$@" >out 2>&1 || { cat out; return 1; }; }
# The guest's clock is that of the host, give or take what the steps took.
clock_is_right() {
        clock=$(sed -n 's/.* clock \([0-9]*\)$/\1/p' "${1:-out}") && now=$(date +%s)
        [ $((now - clock)) -le 60 ] && [ $((now - clock)) -ge -2 ]
}
on_disk() { qemu-io -r -c "read -P 0x$2 $1M 1" web/out/tiny-$$ >/dev/null; }

test_expect_success 'a first build keeps its steps' '
        template web third && build web && grep "on disk: first second third" out && grep "in memory: one two" out &&
        ls "$entries" && [ "$(ls "$entries" | wc -l)" -ge 3 ] &&
        find "$entries" "$layers" -type f -perm /077 >open && cat open && [ ! -s open ]'

test_expect_success 'an edited last step runs alone, with memory and disk of the ones before, and the clock is right' '
        template web changed && build -force web && cat out &&
        grep "on disk: first second changed" out && grep "in memory: one two" out &&
        grep "Starting VM from its checkpoint" out && clock_is_right'

test_expect_success 'the image is the one that a build without steps makes, and knows nothing of them' '
        template plain changed && build -no-cache plain && ! grep checkpoint out &&
        qemu-img compare -q web/out/tiny-$$ plain/out/tiny-$$ &&
        [ "$(stat -c %s web/out/tiny-$$)" -le "$(stat -c %s plain/out/tiny-$$)" ] &&
        qemu-img info --output=json web/out/tiny-$$ >info && ! grep -q "backing-filename\|snapshots" info &&
        ! grep -qa "$layers" web/out/tiny-$$'

test_expect_success 'two guests go on from one checkpoint at a time, and do not see each other' '
        template left left "sleep 2" && template right right "sleep 2" &&
        { ingot build -color=false left >left.out 2>&1 & a=$!; } &&
        { ingot build -color=false right >right.out 2>&1 & b=$!; } &&
        { wait $a; left=$?; wait $b; right=$?; cat left.out right.out; } && [ $left$right = 00 ] &&
        for side in left right; do
                grep "Starting VM from its checkpoint" $side.out && grep "on disk: first second $side$" $side.out &&
                clock_is_right $side.out || return 1
        done'

# Another device in the first place: the state does not fit any more.
other_qemu() {
        printf "#!/bin/sh\nexec %s -device virtio-rng-pci \"\$@\"\n" "$(command -v qemu-system-x86_64)" >"$test_root/bin/qemu-system-x86_64"
        chmod 755 "$test_root/bin/qemu-system-x86_64"
}

test_expect_success 'memory that another emulator cannot load: the disk is booted' '
        template web booted && other_qemu && build -force web && rm "$test_root/bin/qemu-system-x86_64" && cat out &&
        grep "The memory of the checkpoint cannot be used, its disk is booted: " out &&
        grep "on disk: first second booted" out && grep "in memory:$" out && clock_is_right'

# entry N: of the state whose disk has N layers: 1, the started guest; 2, after the first step; ...
entry() {
        find "$entries" -name machine.json | while read -r file; do
                [ "$(jq ".disks[0].layers | length" "$file")" = "$1" ] && dirname "$file" && break
        done
}
# One byte of it, in the middle, becomes another.
damage() {
        chmod u+w "$1" && middle=$(($(stat -c %s "$1") / 2)) &&
        byte=$(od -An -tu1 -j $middle -N 1 "$1") && printf "\\$(printf %o $((255 - byte)))" |
                dd of="$1" bs=1 seek=$middle conv=notrunc status=none
}

test_expect_success 'what is damaged is not used: the guest goes on from further back' '
        layer=$(jq -r ".disks[0].layers[1]" "$(entry 2)/machine.json") && damage "$layers/$layer" &&
        template web again && build -force web && cat out &&
        grep "Going on from the started machine, kept" out && [ "$(grep -c "warning: a kept step is of no use: .*$layer" out)" = 2 ] &&
        grep "on disk: first second again" out && grep "in memory: one two" out'

test_expect_success 'of a short step there is the memory only: the disk of one further back is booted' '
        ingot cache rm -all && template web short true true && build -force web && other_qemu &&
        template web edited true true && build -force web && rm "$test_root/bin/qemu-system-x86_64" && cat out &&
        grep "of no use (.*: what the guest wrote last is in its memory only): going back further" out &&
        grep "on disk: first second edited" out && grep "in memory:.* two$" out'

test_expect_success 'nothing is left' 'test_clean'

test_done
