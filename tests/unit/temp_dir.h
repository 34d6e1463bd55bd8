/* SPDX-License-Identifier: Apache-2.0 */
/* A directory of the test's own, as set-up and tear-down. Include after cmocka.h. */
#pragma once

#include "base/error.h"
#include "os/fs.h"

#include <stdlib.h>

static char *dir;

static inline int make_dir(void **state)
{
	AUTO(error) struct error *err = NULL;

	return fs_temp_dir("/tmp", "ingot-test-", &dir, &err);
}

static inline int remove_dir(void **state)
{
	AUTO(error) struct error *err = NULL;
	int r = fs_remove_tree(dir, &err);

	free(dir);
	return r;
}
