#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The initial RAM disk takes seconds to make and every second package asks for it: once, at the
# end, is enough.
set -eu
root=$1
chroot "$root" dpkg-divert --quiet --local --rename --add /usr/sbin/update-initramfs
ln -s /bin/true "$root/usr/sbin/update-initramfs"
