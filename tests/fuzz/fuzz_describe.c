/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What plugin directories hold. The first byte says what the rest is:
 * d: the answer to `describe`; s: a checksum file; n: a file name. What is
 * accepted is as callers rely on it to be.
 */
#include "base/alloc.h"
#include "base/str.h"
#include "os/host.h"
#include "plugin/binary.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool ok)
{
	if (!ok)
		abort();
}

static void check_names(const struct strv *names)
{
	for (size_t i = 0; i < names->len; i++) {
		check(*names->v[i]);
		check(i == 0 || strcmp(names->v[i - 1], names->v[i]) < 0);
		for (const char *p = names->v[i]; *p; p++)
			check((unsigned char)*p >= ' ' && *p != 0x7f);
	}
}

static void try_describe(const char *text, size_t len)
{
	AUTO(error) struct error *err = NULL;
	struct plugin_description d = { 0 };

	if (plugin_description_parse(text, len, &d, &err) < 0) {
		check(err && err->kind == ERROR_INVALID);
		return;
	}
	check(*d.version && *d.api_version && d.sdk_version);
	check_names(&d.builders);
	check_names(&d.provisioners);
	check_names(&d.postprocs);
	check_names(&d.datasources);
	plugin_description_release(&d);
}

static void try_sum(const char *text, size_t len)
{
	AUTO_FREE char *sum = plugin_sum_parse(text, len);

	check(!sum || (strlen(sum) == 64 && strspn(sum, "0123456789abcdef") == 64));
}

static void try_name(const char *text, size_t len)
{
	AUTO_FREE char *name = xstrndup(text, len);
	AUTO(error) struct error *err = NULL;
	struct plugin_file f = { 0 };

	if (plugin_file_parse(name, &f, &err) < 0) {
		check(err && err->kind == ERROR_INVALID);
		return;
	}

	AUTO_FREE char *again = xasprintf(PLUGIN_FILE_PREFIX "%s_v%s_%s_%s", f.name, f.version_text,
					  f.api, host_platform);

	check(text_eq(name, again) && *f.name && f.api_major >= 0 && f.api_minor >= 0);
	plugin_file_release(&f);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *text = (const char *)data;

	if (size && *text == 'd')
		try_describe(text + 1, size - 1);
	else if (size && *text == 's')
		try_sum(text + 1, size - 1);
	else if (size && *text == 'n')
		try_name(text + 1, size - 1);
	return 0;
}
