#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Before the package lists are read: packages of earlier casts, preferences of this one.
set -eu
root=$1
stage=$INGOT_STAGE
mkdir -p "$root/var/cache/apt/archives" "$root/etc/apt/preferences.d"
for deb in "$stage"/debs/*.deb; do
	[ -e "$deb" ] && mv "$deb" "$root/var/cache/apt/archives/"
done
if [ -e "$stage/preferences" ]; then
	cp "$stage/preferences" "$root/etc/apt/preferences.d/ingot"
fi
