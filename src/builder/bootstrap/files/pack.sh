#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# pack.sh TREE COMMAND…: takes out what is of this host, then runs the command that packs the tree.
# Device nodes exist only when mmdebstrap ran as root; a machine makes its own at boot.
set -eu
tree=$1
shift
for dir in dev proc run sys tmp; do
	find "$tree/$dir" -xdev -mindepth 1 -delete
done
exec "$@"
