#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# usage: alone.sh SRCDIR CC [ARG...]
# Every header must compile alone: whoever includes one needs nothing before it.
# Prints TAP; the compiler runs on two headers at a time.
self=$(cd "$(dirname "$0")" && pwd)/alone.sh
src=$1
shift
cd "$src" || exit 1

one() {
	header=$1
	shift
	if said=$("$@" -std=gnu17 -D_GNU_SOURCE -D_FILE_OFFSET_BITS=64 -Wall -Wextra \
		-Wno-unused-parameter -Wno-pragma-once-outside-header -Werror -I. -fsyntax-only \
		-include assert.h -x c -include "$header" /dev/null 2>&1); then
		echo "ok - $header"
	else
		echo "not ok - $header"
		echo "$said" | sed 's/^/# /'
	fi
}

if [ "$ALONE_HEADER" ]; then
	one "$ALONE_HEADER" "$@"
	exit
fi
headers=$(find . -name '*.h' | sed 's|^\./||' | LC_ALL=C sort)
echo "1..$(echo "$headers" | wc -l)"
echo "$headers" | xargs -P 2 -I '{}' env ALONE_HEADER='{}' sh "$self" . "$@"
