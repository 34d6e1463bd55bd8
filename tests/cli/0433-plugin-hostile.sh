#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Zips, checksum files and lists that are not what they should be.
# shellcheck disable=SC2034,SC2154 # used in the texts of tests; set by the libraries
. "${0%/*}/testlib.sh"
. "${0%/*}/pluginlib.sh"

start_hosts || exit 1
AWS=github.com/hashicorp/aws
release=$host/releases/packer-plugin-aws/1.0.0
zip=$release/packer-plugin-aws_1.0.0_$platform.zip
name=$(binary_name aws 1.0.0)
on_releases aws 1.0.0 && index aws 1.0.0 || exit 1
requires a/t.pkr.hcl aws $AWS "= 1.0.0"
plugin_binary aws 1.0.0 >good
echo outside >outside

# hostile WORD…: a zip of these entries, with the right checksum.
hostile() { plugin_zip "$zip" "$@" && sums "$release" packer-plugin-aws_1.0.0_SHA256SUMS; }
# refused TEXT: nothing is installed, nothing was written anywhere else, and why is said.
refused() {
        test_exit 1 ingot init a >out || return 1
        cat out
        grep -F -e "$1" out && nothing_half && [ -z "$(installed $AWS)" ] && test_absent a/.ingot.lock.hcl &&
                [ "$(cat outside)" = outside ] && [ -z "$(find "$test_root" -name 'evil*')" ]
}

test_expect_success 'only the entry of the right name is taken' '
        hostile "../../evil=good" "/$test_root/evil=good" "evil=good" "../$name=outside" "/$name=outside" "link->/etc/passwd" "$name=good" &&
        ingot init a && nothing_half && test "$(installed $AWS)" = "$name" && cmp good "$plugins/$AWS/$name" &&
        test -z "$(find "$test_root" -name evil)" && rm -r "$plugins" a/.ingot.lock.hcl'

test_expect_success 'no entry of that name' '
        hostile "../$name=good" "$name.exe=good" && refused "the zip has no " && refused "$name"'

test_expect_success 'two entries of that name' '
        hostile "$name=good" "$name=outside" && refused "more than once"'

test_expect_success 'a symbolic link' '
        hostile "$name->$PWD/outside" && refused "is not a plain file" &&
        hostile "$name->$PWD/outside" "$name=good" && refused "the zip"'

test_expect_success 'a bomb' '
        python3 - "$zip" "$name" <<-\EOT &&
		import sys, zipfile
		with zipfile.ZipFile(sys.argv[1], "w", zipfile.ZIP_DEFLATED, compresslevel=1) as z:
		    z.writestr(sys.argv[2], b"\0" * 4096)
		data = bytearray(open(sys.argv[1], "rb").read())
		at = data.rfind(b"PK\1\2")
		data[at + 24:at + 28] = (0xf0000000).to_bytes(4, "little")
		data[22:26] = (0xf0000000).to_bytes(4, "little")
		open(sys.argv[1], "wb").write(data)
		EOT
        sums "$release" packer-plugin-aws_1.0.0_SHA256SUMS && refused "in the zip has more than"'

test_expect_success 'no zip at all, a zip cut off' '
        echo "<html>" >"$zip" && sums "$release" packer-plugin-aws_1.0.0_SHA256SUMS && refused "the zip is damaged" &&
        plugin_zip "$zip" "$name=good" && head -c 100 "$zip" >x && cp x "$zip" && sums "$release" packer-plugin-aws_1.0.0_SHA256SUMS && refused "the zip"'

test_expect_success 'a program that does not start, or says nonsense' '
        echo "not a program" >x && hostile "$name=x" && refused "cannot say what it is" &&
        printf "#!/bin/sh\necho {}\n" >x && hostile "$name=x" && refused "version 1.0.0 of plugin" &&
        printf "#!/bin/sh\nyes\n" >x && hostile "$name=x" && refused "cannot say what it is"'

test_expect_success 'checksum files and lists that are none' '
        hostile "$name=good" && echo "<html>" >"$release/packer-plugin-aws_1.0.0_SHA256SUMS" && refused "it has no line of a SHA-256 and a name" &&
        echo "$(sha256sum good | cut -c1-64)  other.zip" >"$release/packer-plugin-aws_1.0.0_SHA256SUMS" && refused "has no .packer-plugin-aws_1.0.0_$platform.zip" ||
        refused "has no" || return 1
        hostile "$name=good" && echo "{" >"$host/releases/packer-plugin-aws/index.json" && refused "packer-plugin-aws/index.json: it is no JSON" &&
        index aws 1.0.0 && echo "{}" >"$release/packer-plugin-aws_1.0.0_manifest.json" && refused "it has no .metadata.protocol_version" || refused "metadata.protocol_version"'

test_expect_success 'a list without end' '
        python3 -c "import sys; sys.stdout.write(\"[\" * 6000000)" >"$host/releases/packer-plugin-aws/index.json" && refused "index.json" &&
        python3 -c "import sys; sys.stdout.write(\"[\" * 100000)" >"$host/releases/packer-plugin-aws/index.json" && refused "index.json: it is no JSON"'

test_done
