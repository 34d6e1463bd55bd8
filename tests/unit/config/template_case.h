/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Runs templates against made-up components: what the tests of config and plan
 * share. Everything is static, so that one test file is one program.
 */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <unistd.h>

#include "base/alloc.h"
#include "base/path.h"
#include "base/vec.h"
#include "config/config.h"
#include "core/datasource.h"
#include "core/plan.h"
#include "fake_components.h"
#include "os/fs.h"

#define UNUSED __attribute__((unused))

/* ---- a folder --------------------------------------------------------------------------- */

static char *case_dir;
static char *case_home;

static void write_file(const char *name, const char *text, size_t len)
{
	AUTO(error) struct error *err = NULL;
	AUTO_FREE char *dir = path_dirname(name);
	assert_int_equal(fs_mkdir_all(dir, 0755, &err), 0);
	assert_int_equal(fs_write(name, text, len, 0644, &err), 0);
}

/* The working directory becomes a fresh one. */
static void case_begin(void)
{
	AUTO(error) struct error *err = NULL;
	case_home = fs_cwd();
	assert_int_equal(fs_temp_dir("/tmp", "ingot-test-", &case_dir, &err), 0);
	assert_int_equal(chdir(case_dir), 0);
}

static void case_end(void)
{
	AUTO(error) struct error *err = NULL;
	assert_int_equal(chdir(case_home), 0);
	assert_int_equal(fs_remove_tree(case_dir, &err), 0);
	free(case_dir);
	free(case_home);
	case_dir = case_home = NULL;
}

/* ---- output ------------------------------------------------------------------------------ */

UNUSED static void print_diag(struct strbuf *sb, const struct diag *d)
{
	strbuf_addstr(sb, d->severity == DIAG_ERROR ? "error" : "warning");
	if (d->subject.source) {
		strbuf_addch(sb, ' ');
		range_format(sb, d->subject);
	}
	strbuf_addf(sb, ": %s\n", d->summary);
	struct str rest = str_of(d->detail ? d->detail : "");
	while (rest.len > 0) {
		struct str line = str_split(rest, '\n', &rest);
		strbuf_addf(sb, line.len ? "  %.*s\n" : "\n", STR_FMT(line));
	}
}

UNUSED static void print_diags(struct strbuf *sb, const struct diags *d)
{
	for (size_t i = 0; i < d->len; i++)
		print_diag(sb, &d->items[i]);
}
