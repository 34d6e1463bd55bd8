# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=sh disable=SC2154
# A small bootable Debian image for tests with real guests, cast once by the
# program itself and shared by all tests and runs on the host. Source it after
# testlib.sh; then base_image (a qcow2 file that must not be written to),
# base_user (may use sudo without a password) and base_key (its private key)
# are set. A cast image lets temporary keys in (docs: credential.h).
#
# INGOT_TEST_BASE names a prepared image instead; its key lies beside it as
# NAME.key (without .qcow2).

base_user=ingot

base_template() {
        cat <<-EOF
        source "bootstrap" "base" {
          release          = "bookworm"
          hostname         = "ingot-test"
          disk_size        = "2G"
          packages         = ["python3", "python3-apt"] # for Ansible
          output_directory = "$1"
          vm_name          = "base"
          user "$base_user" {
            ssh_authorized_keys = ["$(cat "$2")"]
            sudo                = true
          }
        }
        build {
          sources = ["source.bootstrap.base"]
        }
	EOF
}

# The image depends on the template and on what the builder puts into it.
base_cast() {
        base_id=$({ base_template DIR /dev/null && cat "$SRCDIR"/src/builder/bootstrap/files/*; } |
                sha256sum | cut -c1-16)
        base_dir=$INGOT_TEST_CACHE/base-$base_id
        base_image=$base_dir/image/base.qcow2
        base_key=$base_dir/key
        mkdir -p "$base_dir"
        (
                flock 9
                [ -e "$base_image" ] && exit 0
                rm -rf "$base_dir/image" "$base_key" "$base_key.pub"
                ssh-keygen -q -t ed25519 -N '' -C test -f "$base_key"
                mkdir -p "$test_root/base"
                base_template "$base_dir/image" "$base_key.pub" >"$test_root/base/base.pkr.hcl"
                ingot build "$test_root/base" >"$base_dir/log" 2>&1 || {
                        sed 's/^/# /' "$base_dir/log"
                        exit 1
                }
        ) 9>"$base_dir/lock"
}

if [ -n "${INGOT_TEST_BASE:-}" ]; then
        base_image=$INGOT_TEST_BASE
        cp "${INGOT_TEST_BASE%.qcow2}.key" "$test_root/base.key"
        base_key=$test_root/base.key
        chmod 600 "$base_key"
else
        base_cast || {
                echo "Bail out! the base image could not be cast"
                exit 1
        }
fi
