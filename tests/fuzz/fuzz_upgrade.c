/* SPDX-License-Identifier: Apache-2.0 */
/* Arbitrary bytes as a legacy template that is fixed, and one that becomes HCL. */
#include "base/alloc.h"
#include "config/fix/fix.h"
#include "config/upgrade/upgrade.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What fix prints can be read again. */
static void fix(const char *text, size_t len)
{
	AUTO(error) struct error *e = NULL;
	AUTO(error) struct error *again = NULL;
	AUTO_FREE char *fixed = fix_template(text, len, &e);
	AUTO_FREE char *twice = fixed ? fix_template(fixed, strlen(fixed), &again) : NULL;

	if (fixed && !twice)
		abort();
}

static void upgrade(const char *text, size_t len, bool annotate)
{
	AUTO(strv) struct strv types = STRV_INIT;
	AUTO(error) struct error *e = NULL;
	const struct upgrade_options opts = { text, len, annotate };
	AUTO_FREE char *out = upgrade_template(&opts, &types, &e);

	if (!out != !!e)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	AUTO_FREE char *text = xstrndup((const char *)data, size);
	size_t len = strlen(text);

	fix(text, len);
	upgrade(text, len, false);
	upgrade(text, len, true);
	return 0;
}
