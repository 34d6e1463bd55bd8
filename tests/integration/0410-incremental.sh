#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# shellcheck disable=SC2034,SC2154 # used in texts; set in the sourced files
# Builds of a Debian guest that do again only what has to be done again, and make the same image
# as if nothing had been kept. Two flavours share the first three of five steps.
. "${0%/*}/testlib.sh"

for program in qemu-system-x86_64 qemu-img debugfs sfdisk jq zstd; do
        command -v $program >/dev/null || test_skip_all "no $program"
done
. "${0%/*}/tiny-guest.sh"
. "${0%/*}/base-image.sh"
steps=$HOME/.cache/ingot/steps

mkdir -p tree/deep
echo leaf >tree/deep/leaf
echo "echo 'second: of both'; sudo useradd -m site" >second.sh
echo "echo 'fourth: \$(hostname)'; exit 7" >two.sh
echo "echo 'fourth: as it should be'" >one.sh
echo "echo 'fifth: plain' | sudo tee /srv/fifth" >last.sh

# template FOLDER: where its images go
template() {
        mkdir -p "$1"
        {
                for name in one two; do
                        cat <<-EOF
			source "qemu" "$name" {
			  iso_url              = "$base_image"
			  iso_checksum         = "none"
			  disk_image           = true
			  skip_resize_disk     = true
			  headless             = true
			  memory               = 512
			  vm_name              = "$name"
			  output_directory     = "$1/$name"
			  ssh_username         = "$base_user"
			  ssh_private_key_file = "$base_key"
			  shutdown_command     = "sudo systemctl poweroff"
			}
			EOF
                done
                cat <<-\EOF
		build {
		  sources = ["source.qemu.one", "source.qemu.two"]
		  provisioner "shell" {
		    inline = ["echo 'first: of both'", "echo made | sudo tee /srv/first >/dev/null"]
		  }
		  provisioner "shell" {
		    script = "second.sh"
		  }
		  provisioner "file" {
		    source      = "tree"
		    destination = "/home/ingot"
		  }
		  provisioner "shell" {
		    script = "${source.name}.sh"
		  }
		  provisioner "shell" {
		    script = "last.sh"
		  }
		}
		EOF
        } >"$1/t.pkr.hcl"
}

# build CODE FLAGS...: its events are in events.json
build() {
        want=$1
        shift
        ingot build -json "$@" >events.json 2>errors
        test_code=$?
        jq -r 'select(.event != "progress") | [.time, .build, .event, .text, .step] | @tsv' events.json
        cat errors
        [ "$test_code" = "$want" ] && [ ! -s errors ]
}

# ran BUILD: numbers of the provisioners that ran; before the first there are start and connection
ran() {
        jq -r --arg b "qemu.$1" 'select(.event == "step-start" and .build == $b and .step > 2 and .step < .steps) |
                .step - 2' events.json | xargs
}
# said TEXT: how often any of the guests said that
said() { jq -r --arg t "$1" 'select(.event == "output" and .text == $t) | .build' events.json | wc -l; }
# told BUILD PATTERN: a message of that build
told() { jq -r --arg b "qemu.$1" 'select(.event == "message" and .build == $b) | .text' events.json | grep "$2"; }

template kept
test_expect_success 'two flavours at once: what they share runs once, though the other one fails later' '
        build 1 kept && [ "$(said "first: of both")" = 1 ] && [ "$(said "second: of both")" = 1 ] &&
        case "$(ran one),$(ran two)" in "1 2 3 4 5,4" | "4 5,1 2 3 4") ;; *) ran one && ran two && false ;; esac &&
        [ "$(said "fifth: plain")" = 1 ] && test -e kept/one/one && test_absent kept/two && test_clean'

test_expect_success 'a failed step is repaired: the steps before it are not done again, nor is the other build' '
        echo "echo \"fourth: repaired\"" >two.sh && build 0 kept && [ -z "$(ran one)" ] && [ "$(ran two)" = "4 5" ] &&
        told one "^Up to date" && told two "^Going on after step 3 of 5" && [ "$(said "fourth: repaired")" = 1 ] &&
        test -e kept/two/two && test_clean'

test_expect_success 'nothing changed, nothing runs, the images are listed' '
        before=$(stat -c "%i %Y" kept/one/one kept/two/two) && build 0 kept && told one "^Up to date" &&
        told two "^Up to date" && [ -z "$(ran one)$(ran two)" ] && ! grep step-start events.json &&
        [ "$(stat -c "%i %Y" kept/one/one kept/two/two)" = "$before" ] &&
        jq -r "select(.event == \"artifact\") | .artifact.files[]" events.json | sort >files &&
        printf "%s\n" kept/one/one kept/two/two | diff - files'

test_expect_success 'the last script is edited: it runs alone' '
        echo "echo \"fifth: edited\" | sudo tee /srv/fifth" >last.sh && build 0 -force -only=qemu.one kept &&
        [ "$(ran one)" = 5 ] && told one "^Going on after step 4 of 5" && [ "$(said "fifth: edited")" = 1 ] && test_clean'

# tree IMAGE: all that is in it but logs; what a system makes up at its first start is without content
tree() {
        qemu-img convert -O raw "$1" disk.raw &&
                at=$(sfdisk -J disk.raw | jq '[.partitiontable.partitions[]] | max_by(.size).start * 512') || return 1
        rm -rf root && mkdir root
        debugfs -R "rdump / root" "disk.raw?offset=$at" 2>/dev/null
        rm disk.raw
        (
                cd root && rm -rf var/log var/lib/systemd/random-seed lost+found
                find . ! -type d -printf '%p %y %m %U:%G %l\n'
                find . -type d -printf '%p %y %m %U:%G\n'
                find . -type f ! -path './etc/ssh/ssh_host_*' ! -path ./etc/machine-id -exec sha256sum {} +
        ) | sort
        rm -rf root
}

template plain
test_expect_success 'the image has the files of one that was made without keeping anything' '
        build 0 -no-cache -only=qemu.one plain && [ "$(ran one)" = "1 2 3 4 5" ] &&
        tree kept/one/one >kept.tree && tree plain/one/one >plain.tree && [ "$(wc -l <plain.tree)" -gt 5000 ] &&
        grep "srv/fifth" plain.tree && grep "tree/deep/leaf" plain.tree && diff plain.tree kept.tree'

test_expect_success 'and no trace: no snapshot, no base, nothing about the store' '
        qemu-img info --output=json kept/one/one >info && cat info && ! grep -q "backing\|snapshots" info &&
        qemu-img check -q kept/one/one && ! grep -qaF "$steps" kept/one/one &&
        small=$(stat -c %s plain/one/one) && ls -l kept/one/one plain/one/one &&
        [ "$(stat -c %s kept/one/one)" -lt $((small + small / 50)) ] && test_clean'

# A small guest is enough for these.
full='no room to keep a step: one warning, the build goes on and leaves nothing of it'
tight='no room for the disks either: they are where they would be without a store'
# full_template STEP: what runs after the first one
full_template() {
        cat >full/t.pkr.hcl <<-EOF
	$(tiny_disk_source full)
	build {
	  sources = ["source.qemu.full"]
	  provisioner "shell" {
	    inline = ["echo first | dd of=/dev/sda bs=1M seek=1 conv=notrunc"]
	  }
	  $1
	  provisioner "shell" {
	    inline = ["dd if=/dev/sda bs=1M skip=1 count=1 2>/dev/null | head -n 1; echo second"]
	  }
	}
	EOF
}
# on_small WARNING: the build is well, says that and no more, and leaves nothing there
on_small() {
        INGOT_CACHE_DIR=$PWD/small ingot build -color=false full >out 2>&1
        code=$?
        cat out
        rm -f small/filled
        find small ! -type l >left
        umount small
        cat left
        [ $code = 0 ] && [ "$(grep -c "warning: " out)" = 1 ] && grep "warning: $1" out &&
                grep ": first$" out && grep ": second$" out && test -e full/out/tiny-$$ && rm -r full/out &&
                test_clean
}
if [ -e $tiny_boot/linux ] && mkdir -p full small && mount -t tmpfs -o size=600m tmpfs small 2>/dev/null; then
        tiny_guest
        test_expect_success "$full" '
                full_template "provisioner \"shell-local\" {
	                inline       = [\"head -c 1G /dev/zero >small/filled || true\"]
	                cache_inputs = []
	        }" && on_small "finished steps are not kept from here on: .*No space left"'
        mount -t tmpfs -o size=8m tmpfs small
        test_expect_success "$tight" '
                full_template "provisioner \"shell\" {
	                inline = [\"dd if=/dev/urandom of=/dev/sda bs=1M seek=4 count=10 conv=notrunc,fsync\"]
	        }" && on_small "finished steps are neither reused nor kept: only . MiB are free" &&
                ! grep -E "steps/(entries|layers|staging)/" left'
else
        test_skip "$full" 'needs root to mount a small disk, and debian-installer-12-netboot-amd64'
        test_skip "$tight" 'so too'
fi

test_done
