/* SPDX-License-Identifier: Apache-2.0 */
/* Systems and processors in Go's words: "linux_amd64" (plugin-protocol.md 1.2). */
#pragma once

#include <stdbool.h>

/* OS_ARCH of small letters and digits? Not whether there is such a thing. */
bool platform_is_valid(const char *text);
/* What names of programs end in there: ".exe" or "". */
const char *platform_suffix(const char *platform);
/* "packer-plugin-NAME_vV_x5.0_OS_ARCH[.exe]"; heap. */
char *platform_binary_name(const char *name, const char *version, const char *platform);
