/* SPDX-License-Identifier: Apache-2.0 */
#include "plugin/get/platform.h"

#include "base/alloc.h"
#include "base/str.h"
#include "plugin/get/listing.h"

#include <string.h>

bool platform_is_valid(const char *text)
{
	struct str arch, os = str_split(str_of(text), '_', &arch);
	bool ok = os.len > 0 && arch.len > 0 && strlen(text) < 32;

	for (const char *p = text; *p && ok; p++)
		ok = (*p >= 'a' && *p <= 'z') || (*p >= '0' && *p <= '9') || p == arch.p - 1;
	return ok;
}

const char *platform_suffix(const char *platform)
{
	return text_starts_with(platform, "windows_") ? ".exe" : "";
}

char *platform_binary_name(const char *name, const char *version, const char *platform)
{
	return xasprintf("packer-plugin-%s_v%s_" PLUGIN_API "_%s%s", name, version, platform,
			 platform_suffix(platform));
}
