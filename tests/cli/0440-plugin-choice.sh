#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Which plugin serves a template, or what is built in. The plugins here say what they are, and no more:
# one that is started refuses, in its own words.
# shellcheck source=tests/cli/testlib.sh
. "${0%/*}/testlib.sh"

unset INGOT_PLUGIN_PATH INGOT_PLUGIN_MIRROR PACKER_CONFIG_DIR INGOT_CONFIG_DIR
PACKER_PLUGIN_PATH=$test_root/plugins
export PACKER_PLUGIN_PATH
asked=$test_root/asked # a line for each description
platform=$(uname -m | sed 's/^x86_64$/amd64/; s/^aarch64$/arm64/; s/^i[3-6]86$/386/; s/^/linux_/')

# install NAME VERSION BUILDER: github.com/acme/NAME
install() {
        install_dir=$PACKER_PLUGIN_PATH/github.com/acme/$1
        install_name=packer-plugin-$1_v$2_x5.0_$platform
        mkdir -p "$install_dir" &&
                cat >"$install_dir/$install_name" <<END &&
#!/bin/sh
if [ "\$1" = describe ]; then
        echo "$1 $2" >>"$asked"
        echo '{"version":"$2","api_version":"x5.0","protocol_version":"v2","builders":["$3"]}'
        exit
fi
echo "this is $1 $2, asked for \$*" >&2
exit 7
END
                chmod 755 "$install_dir/$install_name" &&
                sha256sum "$install_dir/$install_name" | cut -c-64 >"$install_dir/${install_name}_SHA256SUM"
}

# template TYPE [ENTRY VERSION [COMMENT]]: a source of this type; an entry of required_plugins.
template() {
        {
                if [ $# -gt 1 ]; then
                        printf 'packer {\n  required_plugins {\n'
                        [ $# -lt 4 ] || printf '    # %s\n' "$4"
                        printf '    %s = {\n      version = "%s"\n' "$2" "$3"
                        printf '      source  = "github.com/acme/%s"\n    }\n  }\n}\n' "$2"
                fi
                printf 'source "%s" "a" {\n' "$1"
                [ "$1" != null ] || echo '  communicator = "none"'
                printf '}\nbuild {\n  sources = ["%s.a"]\n}\n' "$1"
        } >t.pkr.hcl
}

test_expect_success 'a plugin that is missing is an error at its entry, with what to do' '
        template null cloud ">= 1.2" &&
        test_exit 1 ingot validate t.pkr.hcl >out 2>&1 &&
        grep "^Error: Missing plugins" out && grep "on t.pkr.hcl line 3" out &&
        grep "^\* github.com/acme/cloud >= 1.2" out && grep "ingot init t.pkr.hcl" out
'

test_expect_success 'one that is too old is told of' '
        install cloud 1.0.2 vm &&
        template cloud-vm cloud ">= 1.2" &&
        test_exit 1 ingot validate t.pkr.hcl >out 2>&1 &&
        grep "version 1.0.2 is not >= 1.2" out
'

test_expect_success 'of several that fit the highest is started' '
        install cloud 1.10.0 vm && install cloud 1.9.0 vm && install cloud 2.0.0 vm &&
        template cloud-vm cloud "~> 1.2" &&
        test_exit 1 ingot validate t.pkr.hcl >out 2>&1 &&
        tr "\n" " " <out | grep "this is cloud 1.10.0, asked for start builder --protobuf vm"
'

test_expect_success 'one that is not required serves by its name, in its highest version' '
        template cloud-vm &&
        test_exit 1 ingot validate t.pkr.hcl >out 2>&1 &&
        tr "\n" " " <out | grep "this is cloud 2.0.0, asked for start builder --protobuf vm"
'

test_expect_success 'it is asked once what it is' '
        test_exit 1 ingot validate t.pkr.hcl &&
        test "$(grep -c "cloud 2.0.0" "$asked")" = 1
'

test_expect_success 'one whose checksum is wrong is not run' '
        echo "# changed" >>"$PACKER_PLUGIN_PATH/github.com/acme/cloud/packer-plugin-cloud_v2.0.0_x5.0_$platform" &&
        test_exit 1 ingot validate t.pkr.hcl >out 2>&1 &&
        tr "\n" " " <out | grep "this is cloud 1.10.0" && ! grep "2.0.0" out
'

test_expect_success 'what is built in serves where the plugin is not installed' '
        template null null ">= 1.0" &&
        ingot build t.pkr.hcl
'

test_expect_success 'and where it is, but nobody requires it; nobody asks it then' '
        install null 1.0.0 -packer-default-plugin-name- && : >"$asked" &&
        template null &&
        ingot build t.pkr.hcl && test ! -s "$asked"
'

test_expect_success 'a plugin that the template requires goes before what is built in' '
        template null null ">= 1.0" &&
        test_exit 1 ingot validate t.pkr.hcl >out 2>&1 &&
        tr "\n" " " <out | grep "this is null 1.0.0, asked for start builder --protobuf -packer-default-plugin-name-"
'

test_expect_success 'unless a comment prefers that' '
        template null null ">= 1.0" "ingot: builtin" &&
        ingot build t.pkr.hcl
'

test_expect_success 'a comment that prefers what is not there is told of' '
        install other 1.0.0 vm &&
        template null other ">= 1.0" "ingot: builtin" &&
        ingot validate t.pkr.hcl >out 2>&1 &&
        grep "^Warning: Nothing built in to prefer" out &&
        template null other ">= 1.0" "ingot: buildin" &&
        ingot validate t.pkr.hcl >out 2>&1 &&
        grep "^Warning: Comment for ingot not understood" out
'

# lock VERSION [DIGEST]: .ingot.lock.hcl of cloud
lock() {
        {
                printf 'plugin "github.com/acme/cloud" {\n  version    = "%s"\n' "$1"
                printf '  constraint = ">= 1.0"\n'
                [ $# -lt 2 ] || printf '  hashes = {\n    %s = "sha256:%s"\n  }\n' "$platform" "$2"
                echo '}'
        } >.ingot.lock.hcl
}

test_expect_success 'the lock file says which version it is' '
        template cloud-vm cloud ">= 1.0" && lock 1.9.0 &&
        test_exit 1 ingot validate t.pkr.hcl >out 2>&1 &&
        tr "\n" " " <out | grep "this is cloud 1.9.0,"
'

test_expect_success 'no other one takes its place' '
        lock 1.8.0 &&
        test_exit 1 ingot validate t.pkr.hcl >out 2>&1 &&
        grep "^Error: Missing plugins" out && grep "wants version 1.8.0" out
'

test_expect_success 'nor does another file of this version' '
        lock 1.9.0 "$(echo another | sha256sum | cut -c-64)" &&
        test_exit 1 ingot validate t.pkr.hcl >out 2>&1 &&
        grep "^Error: Plugin not as in the lock file" out && ! grep "this is cloud" out
'

test_expect_success 'a template that wants a newer one than the lock file says so' '
        lock 1.9.0 && template cloud-vm cloud ">= 1.10" &&
        test_exit 1 ingot validate t.pkr.hcl >out 2>&1 &&
        tr "\n" " " <out | grep "wants version 1.9.0 of the plugin, which is not >= 1.10" &&
        grep -e -upgrade out
'

test_expect_success 'a lock file that is damaged is an error with its place' '
        echo "plugin {" >.ingot.lock.hcl &&
        test_exit 1 ingot validate t.pkr.hcl >out 2>&1 &&
        grep "\.ingot\.lock\.hcl:1" out && rm .ingot.lock.hcl
'

test_expect_success 'plugins are in one directory' '
        template cloud-vm cloud ">= 1.0" &&
        test_exit 1 env PACKER_PLUGIN_PATH=/a:/b "$INGOT_BIN" validate t.pkr.hcl >out 2>&1 &&
        grep "Multiple paths are no longer supported for PACKER_PLUGIN_PATH" out
'

test_expect_success 'that of ours goes first' '
        test_exit 1 env INGOT_PLUGIN_PATH="$test_root/none" "$INGOT_BIN" validate t.pkr.hcl >out 2>&1 &&
        grep "^Error: Missing plugins" out
'

test_done
