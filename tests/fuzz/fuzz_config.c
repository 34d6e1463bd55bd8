/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A template of arbitrary bytes is loaded, planned and inspected. The first
 * line, if it starts with '#', gives values for -var: "#a=1;b=2".
 */
#include <stdio.h>
#include <unistd.h>

#include "../unit/config/fake_components.h"
#include "base/alloc.h"
#include "base/str.h"
#include "core/plan.h"
#include "os/fs.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static char path[64];

static void make_path(void)
{
	if (!*path)
		snprintf(path, sizeof(path), "/tmp/ingot-fuzz-%ld.pkr.hcl", (long)getpid());
}

static void read_vars(struct strv *vars, const uint8_t *data, size_t size)
{
	struct str rest = { (const char *)data, size };
	struct str line = str_split(rest, '\n', &rest);
	if (line.len == 0 || line.p[0] != '#')
		return;
	line = (struct str){ line.p + 1, line.len - 1 };
	while (line.len > 0) {
		AUTO_FREE char *one = str_dup(str_split(line, ';', &line));
		strv_push(vars, one);
	}
}

static void print_all(const struct diags *diags)
{
	AUTO(strbuf) struct strbuf out = STRBUF_INIT;
	const struct diag_style style = { .width = 80, .caret = true };
	for (size_t i = 0; i < diags->len; i++)
		diag_format(&out, &diags->items[i], &style);
}

static void plan_and_print(const struct config *c, struct redactor *redactor, struct diags *diags)
{
	AUTO(strbuf) struct strbuf out = STRBUF_INIT;
	const struct plan_options opts = {
		.on_error = "cleanup",
		.cwd = "/tmp",
		.redactor = redactor,
	};
	AUTO(plan) struct plan *p = plan_make(c, &case_components, &opts, diags);
	config_inspect(&out, c);
	plan_print(&out, p);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	AUTO(error) struct error *err = NULL;
	AUTO(diags) struct diags diags = DIAGS_INIT;
	AUTO(sources) struct sources *sources = sources_new();
	AUTO(redactor) struct redactor *redactor = redactor_new();
	AUTO(strv) struct strv vars = STRV_INIT;
	make_path();
	read_vars(&vars, data, size);
	if (fs_write(path, data, size, 0600, &err) < 0)
		return 0;
	const struct config_options opts = {
		.path = path,
		.vars = &vars,
		.warn_undeclared = true,
		.cwd = "/tmp",
		.redactor = redactor,
		.sources = sources,
	};
	AUTO(config) struct config *c = config_load(&opts, &diags);
	if (c)
		plan_and_print(c, redactor, &diags);
	print_all(&diags);
	(void)unlink(path);
	return 0;
}
