/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any file as a legacy template: loaded, shown and planned. Besides not
 * crashing: what is no JSON is always told, and a mistake is always there when
 * there is no configuration.
 */
#include "base/alloc.h"
#include "config/config.h"
#include "core/plan.h"
#include "os/fs.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool ok)
{
	if (!ok)
		abort();
}

static void use(const struct config *c)
{
	AUTO(strbuf) struct strbuf text = STRBUF_INIT;
	AUTO(diags) struct diags diags = DIAGS_INIT;
	const struct components none = { 0 };
	const struct plan_options opts = { .on_error = "cleanup", .cwd = "/" };
	AUTO(plan) struct plan *p = plan_make(c, &none, &opts, &diags);

	config_inspect_legacy(&text, c);
	plan_print(&text, p);
	require(p->len == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static char path[] = "/tmp/ingot-fuzz-legacy-XXXXXX";
	static bool is_named;
	AUTO(error) struct error *e = NULL;
	AUTO(diags) struct diags diags = DIAGS_INIT;
	AUTO(sources) struct sources *sources = sources_new();

	if (!is_named)
		close(mkstemp(path));
	is_named = true;
	require(fs_write(path, (const char *)data, size, 0600, &e) == 0);

	const struct config_options opts = {
		.path = path, .legacy_json = true, .cwd = "/", .sources = sources
	};
	AUTO(config) struct config *c = config_load(&opts, &diags);

	require(c || diags_has_errors(&diags));
	if (c)
		use(c);
	unlink(path);
	return 0;
}
