/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Anything at all as what a host of releases publishes, and as a lock file. A
 * lock file that can be read is written in a form that reads back the same, and
 * that `fmt` leaves alone.
 */
#include "base/alloc.h"
#include "lang/parser.h"
#include "plugin/get/listing.h"
#include "plugin/get/lock_file.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void read_listings(const char *text, size_t size)
{
	AUTO(version_list) struct version_list index = { 0 }, tags = { 0 };
	AUTO(sum_list) struct sum_list sums = { 0 };
	AUTO(error) struct error *a = NULL, *b = NULL, *c = NULL, *d = NULL, *e = NULL, *f = NULL;
	AUTO_FREE char *protocol = NULL, *digest = NULL;

	if (listing_read_index(text, size, &index, &a) == 0 &&
	    version_list_choose(&index, ">= 1, < 9", &b) < 0)
		abort();
	for (size_t i = 1; i < index.len; i++)
		if (version_compare(&index.items[i - 1].version, &index.items[i].version) <= 0)
			abort();
	if (listing_read_tags(text, size, &tags, &c) == 0 && tags.len > LISTING_VERSIONS_MAX)
		abort();
	if (listing_read_sums(text, size, &sums, &d) == 0 && strlen(sums.items[0].digest) != 64)
		abort();
	if (listing_read_manifest(text, size, &protocol, &e) < 0 && protocol)
		abort();
	if (listing_read_digest(text, size, &digest, &f) < 0 && digest)
		abort();
}

static void read_lock(const char *text, size_t size)
{
	AUTO(plugin_lock) struct plugin_lock l = { 0 }, again = { 0 };
	AUTO(error) struct error *err = NULL, *e = NULL;
	AUTO(strbuf) struct strbuf once = STRBUF_INIT, twice = STRBUF_INIT;
	AUTO(sources) struct sources *sources = sources_new();
	AUTO(diags) struct diags diags = DIAGS_INIT;

	if (plugin_lock_parse(text, size, "lock", &l, &err) < 0)
		return;
	plugin_lock_format(&once, &l);
	if (plugin_lock_parse(once.buf, once.len, "lock", &again, &e) < 0)
		abort();
	plugin_lock_format(&twice, &again);

	AUTO_FREE char *formatted =
		hcl_format(sources_add(sources, "lock", once.buf, once.len), &diags);

	if (strcmp(once.buf, twice.buf) || !formatted || strcmp(once.buf, formatted))
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	read_listings((const char *)data, size);
	read_lock((const char *)data, size);
	return 0;
}
