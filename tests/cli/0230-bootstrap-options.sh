#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Mistakes in the options of the source type bootstrap are told by validate, several at once.
. "${0%/*}/testlib.sh"

source_with() {
	write_file t.pkr.hcl <<-EOF
		source "bootstrap" "small" {
		  $1
		}
		build {
		  sources = ["source.bootstrap.small"]
		}
	EOF
}

# says TEXT OPTIONS: validate fails, and its message (wrapped lines joined) has the text.
says() {
	source_with "$2"
	! ingot validate t.pkr.hcl >out 2>&1 && tr -s ' \n' '  ' <out | grep -qF -- "$1" && return 0
	cat out
	return 1
}

test_expect_success 'a release that is nearly right' '
	says "Did you mean '\''bookworm'\''?" "release = \"bookwrm\""
'
test_expect_success 'a release that is not right at all' '
	says "Known are: bullseye, bookworm, trixie" "release = \"jammy\""
'
test_expect_success 'distribution, architecture, firmware' '
	says "There is no distribution '\''fedora'\''" "distribution = \"fedora\"" &&
	says "There is no architecture '\''amd46'\''. Did you mean '\''amd64'\''?" "architecture = \"amd46\"" &&
	says "have no BIOS" "architecture = \"arm64\"
		firmware = \"bios\""
'
test_expect_success 'several mistakes in one run' '
	says "Invalid host name" "hostname = \"-x\"
		disk_size = \"big\"
		packages = [\"a b\"]
		timezone = \"../etc/passwd\"
		root_label = \"a label of more than sixteen\"" &&
	grep "Invalid disk size" out && grep "Invalid package name" out &&
	grep "Invalid time zone" out && grep "Invalid label" out
'
test_expect_success 'a disk that is too small for any system' '
	says "The disk is too small" "disk_size = \"100M\""
'
test_expect_success 'a private key where a public one belongs is not shown' '
	says "Private keys do not belong here" "user \"me\" {
		ssh_authorized_keys = [\"-----BEGIN OPENSSH PRIVATE KEY----- b3Blbn\"]
		}" && ! grep b3Blbn out
'
test_expect_success 'a password that is no hash is not shown' '
	says "Invalid password hash" "user \"me\" {
		password_hash = \"correct horse\"
		}" && says "mkpasswd" "user \"me\" {
		password_hash = \"correct horse\"
		}"
'
test_expect_success 'a user named twice' '
	says "two blocks for the user" "user \"me\" {}
		user \"me\" {}"
'
test_expect_success 'an output directory that exists' '
	mkdir output-small && says "Output directory '\''output-small'\'' already exists." "" &&
	rmdir output-small
'
test_expect_success 'an output directory that holds more than the image' '
	says "Output directory holds other things" "output_directory = \".\"" &&
	says "Output directory holds other things" "output_directory = \"/\"" &&
	says "Output directory holds other things" "output_directory = \"$HOME\""
'
test_expect_success 'a missing program and the package that brings it' '
	source_with "" && PATH=$test_root/bin test_exit 1 "$INGOT_BIN" validate t.pkr.hcl >out 2>&1 &&
	tr -s " \n" "  " <out | grep -F "apt-get install mmdebstrap"
'

test_done
