/* SPDX-License-Identifier: Apache-2.0 */
/* Where plugins are installed (plugin-protocol.md 1.1). */
#include "base/alloc.h"
#include "base/path.h"
#include "base/str.h"
#include "base/strbuf.h"
#include "os/fs.h"
#include "plugin/find.h"

enum { LIST_SEPARATOR = ':' };

/* Older releases searched a list; scripts that still set one are told what to do. */
static int refuse_list(const char *variable, const char *value, struct error **err)
{
	AUTO(strbuf) struct strbuf ways = STRBUF_INIT;
	struct str rest = str_of(value);

	while (rest.len) {
		struct str one = str_split(rest, LIST_SEPARATOR, &rest);

		strbuf_addf(&ways, "\n* %s=%.*s", variable, STR_FMT(one));
	}
	return error_set(err, ERROR_INVALID,
			 "Multiple paths are no longer supported for %s.\nThis should be defined "
			 "as one of the following options for your environment:%s",
			 variable, ways.buf);
}

int plugin_dir(const struct host_dirs *dirs, host_env_fn lookup, char **ret, struct error **err)
{
	static const char *const variables[] = { "INGOT_PLUGIN_PATH", "PACKER_PLUGIN_PATH" };

	for (size_t i = 0; i < ARRAY_LEN(variables); i++) {
		const char *value = lookup(variables[i]);

		if (text_is_empty(value))
			continue;
		if (strchr(value, LIST_SEPARATOR))
			return refuse_list(variables[i], value, err);

		AUTO_FREE char *cwd = fs_cwd();

		*ret = path_absolute(cwd, value);
		return 0;
	}
	*ret = path_join(dirs->config, "plugins");
	return 0;
}
