#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Vagrant boxes: what is in them for each provider, and what is refused.
# shellcheck source=tests/cli/testlib.sh
. "${0%/*}/testlib.sh"

# The options of a post-processor `vagrant` on standard input; the files of its artifact as arguments.
box_of() {
        rm -rf x.txt ./*.box said
        files=
        for file in "$@"; do files="$files\"$file\", "; done
        {
                printf 'source "file" "f" {\n  content = "x"\n  target  = "x.txt"\n}\n'
                printf 'build {\n  sources = ["source.file.f"]\n  post-processors {\n'
                printf '    post-processor "artifice" {\n      files = [%s]\n    }\n' "${files%, }"
                printf '    post-processor "vagrant" {\n      keep_input_artifact = true\n'
                cat
                printf '    }\n  }\n}\n'
        } >t.pkr.hcl
}
build() { ingot build -color=false t.pkr.hcl; }
says() { tr -s ' \n' '  ' <said | grep -F "$1"; }
bad() { test_exit 1 ingot build -color=false t.pkr.hcl >said 2>&1; }

qemu-img create -q -f qcow2 v.qcow2 3000M && qemu-img create -q -f qcow2 v.qcow2-1 1G &&
        qemu-img create -q -f raw plain.raw 1M && qemu-img create -q -f qcow2 -F qcow2 -b v.qcow2 over.qcow2 || exit 99
echo note >note.txt

test_expect_success 'libvirt: disks, metadata and Vagrantfile, in the order of their names' '
        printf "# for {{ .BuildName }} {{ .Provider }} {{ .Architecture }}\n" >box.rb &&
        box_of v.qcow2 v.qcow2-1 <<-\EOF &&
        provider_override    = "libvirt"
        architecture         = "arm64"
        include              = ["note.txt"]
        vagrantfile_template = "box.rb"
	EOF
        build >out && cat out && grep "^--> file.f: .libvirt. provider box: packer_f_libvirt_arm64.box$" out &&
        grep "Copying from include: note.txt" out &&
        tar tzf packer_f_libvirt_arm64.box >names &&
        [ "$(echo $(cat names))" = "Vagrantfile box_0.img box_1.img metadata.json note.txt" ] &&
        mkdir u && tar xzf packer_f_libvirt_arm64.box -C u && cmp u/box_0.img v.qcow2 && cmp u/box_1.img v.qcow2-1 &&
        cmp u/note.txt note.txt &&
        echo "{\"architecture\":\"arm64\",\"disks\":[{\"format\":\"qcow2\",\"path\":\"box_0.img\"},{\"format\":\"qcow2\",\"path\":\"box_1.img\"}],\"provider\":\"libvirt\"}" |
        cmp - u/metadata.json && grep -x "# for f libvirt arm64" u/Vagrantfile && test_absent packer_f_libvirt_arm64.box.ingot-part
'

test_expect_success 'a plain tar file, and the options of one provider alone' '
        box_of v.qcow2 <<-\EOF &&
        provider_override = "libvirt"
        output            = "a.box"
        override = {
          libvirt = { compression_level = 0, output = "{{ .Provider }}.box" }
          vmware  = { output = "never.box" }
        }
	EOF
        build >out && tar tf libvirt.box && ! gzip -t libvirt.box && test_absent a.box && test_absent never.box
'

test_expect_success 'the same input gives the same box' '
        box_of v.qcow2 <<-\EOF &&
        provider_override = "libvirt"
        output            = "same.box"
	EOF
        export SOURCE_DATE_EPOCH=1700000000 && build && mv same.box one && touch v.qcow2 && build && cmp one same.box &&
        unset SOURCE_DATE_EPOCH
'

test_expect_success 'qemu: one disk in the older form, with its size' '
        box_of v.qcow2 plain.raw <<-\EOF &&
        provider_override = "qemu"
        architecture      = "amd64"
        output            = "q.box"
	EOF
        build && tar xOf q.box metadata.json >m && cat m &&
        [ "$(jq -c . m)" = "{\"architecture\":\"amd64\",\"format\":\"qcow2\",\"provider\":\"qemu\",\"virtual_size\":3}" ] &&
        tar xOf q.box box.img | cmp - v.qcow2 && tar xOf q.box Vagrantfile | grep "qemu.arch = \"x86_64\""
'

test_expect_success 'an own metadata.json replaces the one that would be made' '
        echo "{\"provider\":\"libvirt\",\"mine\":1}" >metadata.json && box_of v.qcow2 <<-\EOF &&
        provider_override = "libvirt"
        output            = "own.box"
        include           = ["metadata.json"]
	EOF
        build && tar xOf own.box metadata.json | cmp - metadata.json
'

test_expect_success 'legacy templates' '
        cat >t.json <<-\EOF &&
	{ "variables": { "arch": "i386" },
	  "builders": [{ "type": "file", "name": "f", "content": "x", "target": "x.txt" }],
	  "post-processors": [[
	    { "type": "artifice", "files": ["v.qcow2"] },
	    { "type": "vagrant", "provider_override": "libvirt", "architecture": "{{ user `arch` }}", "keep_input_artifact": true,
	      "override": { "libvirt": { "output": "legacy_{{ .Architecture }}.box" } } } ]] }
	EOF
        rm -f x.txt && ingot build t.json && tar tf legacy_i386.box
'

test_expect_success 'without keep_input_artifact the box takes the place of the disk' '
        cp v.qcow2 gone.qcow2 && box_of gone.qcow2 <<-\EOF &&
        provider_override = "libvirt"
        output            = "kept.box"
	EOF
        sed -i "/keep_input_artifact/d" t.pkr.hcl && build && test_absent gone.qcow2 && test -e kept.box
'

test_expect_success 'mistakes in the template' '
        box_of v.qcow2 <<-\EOF &&
        provider_override    = "parallel"
        compression_level    = 12
        vagrantfile_template = "missing.rb"
	EOF
        test_exit 1 ingot validate t.pkr.hcl >said 2>&1 && cat said &&
        says "The given provider_override parallel is not valid. Please choose from one of docker, libvirt, qemu" &&
        says "vagrantfile_template '"'missing.rb'"' does not exist" && says "compression_level is from -1 to 9" &&
        box_of v.qcow2 <<-\EOF &&
        override = { libvirt = { outptu = "x" } }
	EOF
        test_exit 1 ingot validate t.pkr.hcl >said 2>&1 && cat said && says "outptu"
'

test_expect_success 'an empty output is the default' '
        box_of v.qcow2 <<-\EOF &&
        provider_override = "libvirt"
        architecture      = "arm64"
        output            = ""
        override          = { libvirt = { output = "" } }
	EOF
        build && tar tf packer_f_libvirt_arm64.box
'

test_expect_success 'a box in place of what it is made of is refused, also under another name' '
        cp v.qcow2 own.qcow2 && ln -s own.qcow2 link.box && echo "# mine" >own.rb && mkdir -p folder || return 1
        for name in own.qcow2 ./own.qcow2 "$PWD/own.qcow2" link.box plain.raw note.txt own.rb; do
                box_of own.qcow2 plain.raw <<-EOF && ln -sf own.qcow2 link.box && bad && says "which it is made of" || return 1
	provider_override    = "libvirt"
	include              = ["note.txt"]
	vagrantfile_template = "own.rb"
	output               = "$name"
	EOF
        done
        cmp own.qcow2 v.qcow2 && [ "$(cat note.txt own.rb)" = "note
# mine" ] && rm link.box &&
        for name in folder folder/ absent/; do
                box_of own.qcow2 <<-EOF && bad && says "is a folder" || return 1
	provider_override = "libvirt"
	output            = "$name"
	EOF
        done
        test_absent absent && test_absent folder.ingot-part
'

test_expect_success 'what cannot be a box says why, and leaves nothing' '
        nothing() { [ -z "$(ls | grep -F .box)" ]; } &&
        box_of v.qcow2 </dev/null && bad && cat said && nothing &&
        says "Unknown artifact type, can'"'"'t build box: packer.post-processor.artifice" &&
        echo "provider_override = \"libvirt\"" >options &&
        box_of plain.raw <options && bad && says "the artifact has no disk" && nothing &&
        box_of over.qcow2 <options && bad && says "stands on another image" && nothing &&
        mkdir -p sub && echo other >sub/note.txt &&
        { cat options; echo "include = [\"note.txt\", \"sub/note.txt\"]"; } >two && box_of v.qcow2 <two && bad &&
        says "two files of the box would be called '"'note.txt'"'" && nothing &&
        { cat options; echo "include = [\"sub\"]"; } >dir && box_of v.qcow2 <dir && bad && says "is not a regular file" && nothing &&
        { cat options; echo "include = [\"absent\"]"; } >none && box_of v.qcow2 <none && bad && says "absent" && nothing &&
        test -e v.qcow2
'

test_done
