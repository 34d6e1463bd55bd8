/* SPDX-License-Identifier: Apache-2.0 */
/* Binaries that did not come from a host of releases; and their end. */
#include "base/alloc.h"
#include "base/encode.h"
#include "base/path.h"
#include "base/str.h"
#include "os/fs.h"
#include "os/host.h"
#include "plugin/binary.h"
#include "plugin/get/folder.h"
#include "plugin/get/get.h"
#include "plugin/get/platform.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { BINARY_MODE = 0755 };

static char *quoted(const char *text)
{
	struct strbuf sb = STRBUF_INIT;

	encode_go_quoted(&sb, text, strlen(text));
	return strbuf_detach(&sb);
}

/* "1.2.3" or "1.2.3-dev", without metadata; heap. */
static int adopted_version(const char *says, char **ret, struct error **err)
{
	AUTO_FREE char *shown = quoted(says);
	struct version v;
	const int64_t *n = v.segments;

	if (!version_parse(says, &v))
		return error_set(err, ERROR_INVALID,
				 "Plugin's reported version (%s) is not semver-compatible: "
				 "Malformed version: %s",
				 shown, says);
	if (*v.pre && !text_eq(v.pre, "dev"))
		return error_set(err, ERROR_INVALID,
				 "Packer can only install plugin releases with this command (ex: "
				 "1.0.0) or development pre-releases (ex: 1.0.0-dev), the binary's "
				 "reported version is %s",
				 shown);
	*ret = xasprintf("%lld.%lld.%lld%s%s", (long long)n[0], (long long)n[1], (long long)n[2],
			 *v.pre ? "-" : "", v.pre);
	return 0;
}

/* As it names itself; *ret_name is heap. */
static int adopted_name(const char *name, const char *binary, struct cancel *c, char **ret_name,
			const char **ret_summary, struct error **err)
{
	struct plugin_description about = { 0 };
	AUTO_FREE char *version = NULL;
	int r;

	*ret_summary = "Failed to describe the plugin";
	if (plugin_describe(binary, c, &about, err) < 0) {
		if ((*err)->kind == ERROR_INVALID) {
			*ret_summary = "Failed to decode plugin describe info";
			return error_prefix(err,
					    "'%s describe' produced information that Packer "
					    "couldn't decode",
					    binary);
		}
		return error_prefix(err, "Packer failed to run %s describe", binary);
	}
	*ret_summary = "Invalid version";
	r = adopted_version(about.version, &version, err);
	if (r == 0 && !text_eq(about.api_version, PLUGIN_API)) {
		*ret_summary = "Invalid API version";
		r = error_set(err, ERROR_INVALID,
			      "The plugin speaks API version \"%s\"; only \"" PLUGIN_API
			      "\" can be used",
			      about.api_version);
	}
	plugin_description_release(&about);
	if (r == 0)
		*ret_name = platform_binary_name(name, version, host_platform);
	return r;
}

static int check_file(const char *binary, const char **ret_summary, struct error **err)
{
	AUTO_FREE char *shown = quoted(binary);
	enum fs_kind kind;

	*ret_summary = "Unable to find plugin to promote";
	if (fs_stat_kind(binary, &kind, err) < 0)
		return error_prefix(err, "The plugin %s failed to be opened because of an error",
				    shown);
	if (kind == FS_ABSENT)
		return error_set(err, ERROR_NOT_FOUND,
				 "The plugin %s failed to be opened because of an error: stat %s: "
				 "no such file or directory",
				 shown, binary);
	*ret_summary = "Plugin to promote cannot be a directory";
	if (kind == FS_DIR)
		return error_set(err, ERROR_INVALID,
				 "The packer plugin promote command can only install binaries, not "
				 "directories");
	return 0;
}

int plugin_adopt(const char *dir, const char *source, const char *binary, struct cancel *c,
		 char **ret_path, const char **ret_summary, struct error **err)
{
	AUTO(plugin_address) struct plugin_address a = { 0 };
	AUTO(plugin_folder) struct plugin_folder f = PLUGIN_FOLDER_INIT;
	AUTO_FREE char *name = NULL, *folder = NULL, *temp = NULL, *digest = NULL;

	*ret_summary = "Failed to parse source";
	if (plugin_address_parse(source, &a, err) < 0 || check_file(binary, ret_summary, err) < 0 ||
	    adopted_name(a.name, binary, c, &name, ret_summary, err) < 0)
		return -1;
	*ret_summary = "Failed to create output directory";
	folder = path_join(dir, a.source);
	if (plugin_folder_open(&f, folder, c, err) < 0)
		return -1;
	*ret_summary = "Failed to copy plugin binary's contents";
	temp = path_join(f.temp, "binary");
	if (fs_copy(binary, temp, BINARY_MODE, NULL, NULL, c, err) < 0)
		return -1;
	if (chmod(temp, BINARY_MODE) < 0)
		return error_set_errno(err, errno, "cannot change the mode of '%s'", temp);
	*ret_summary = "Failed to create plugin SHA256SUM file";
	if (fs_digest(temp, DIGEST_SHA256, c, &digest, err) < 0)
		return -1;
	return plugin_folder_put(&f, temp, name, digest, ret_path, err);
}

int plugin_delete(const char *binary, struct cancel *c, struct error **err)
{
	AUTO(plugin_folder) struct plugin_folder f = PLUGIN_FOLDER_INIT;
	AUTO_FREE char *folder = path_dirname(binary);
	AUTO_FREE char *sum = xasprintf("%s" PLUGIN_SUM_SUFFIX, binary);

	/* The checksum last: without it the binary would not be found any more. */
	if (plugin_folder_open(&f, folder, c, err) < 0 || fs_remove(binary, err) < 0)
		return -1;
	return fs_remove(sum, err);
}
