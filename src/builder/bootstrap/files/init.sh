#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# First process of the name spaces: when it is told to stop it ends at once, and the kernel ends
# all others with it.
trap 'exit 143' TERM INT HUP
"$@" <&0 &
wait "$!"
