/* SPDX-License-Identifier: Apache-2.0 */
/* One file of the plugin directory: what its name says, and what its checksum file does. */
#pragma once

#include "plugin/find.h"

/* What a file name says: packer-plugin-NAME_vVERSION_xMAJOR.MINOR_OS_ARCH. */
struct plugin_file {
	char *name;
	char *version_text;
	struct version version;
	char *api; /* "x5.0" */
	int64_t api_major, api_minor;
};
void plugin_file_release(struct plugin_file *f);
static inline void auto_plugin_file(struct plugin_file *f)
{
	plugin_file_release(f);
}
/* The message says what is wrong with it, for people who wonder why a plugin is not taken. */
MUST_CHECK int plugin_file_parse(const char *base, struct plugin_file *ret, struct error **err);
/* The 64 digits at the beginning of a checksum file, in lower case; heap, NULL if they are not there. */
char *plugin_sum_parse(const char *bytes, size_t len);
/* The same of the file beside `binary`. */
MUST_CHECK int plugin_sum_read(const char *binary, char **ret, struct error **err);

#define PLUGIN_FILE_PREFIX "packer-plugin-"
#define PLUGIN_SUM_SUFFIX  "_SHA256SUM"
/* The API that we speak: the same major, a minor up to ours. */
enum { PLUGIN_API_MAJOR = 5, PLUGIN_API_MINOR = 0 };
