/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Shared libraries that are loaded when they are first needed. Linking libcurl
 * and libarchive would make every start of the program pay for the dozens of
 * libraries below them (5 ms and 9 MiB, where `validate` may take 5 ms and
 * 10 MiB), and most runs use neither.
 *
 * A module lists the functions it uses in a struct of pointers and a table:
 *
 *   struct foo_library { __typeof__(foo_open) *open; };
 *   static const struct library_symbol symbols[] = {
 *           { "foo_open", offsetof(struct foo_library, open) },
 *   };
 */
#pragma once

#include "base/error.h"

#include <stddef.h>

struct library_symbol {
	const char *name;
	size_t offset; /* of the pointer in the struct */
};

struct library_spec {
	const char *soname;  /* "libfoo.so.1" */
	const char *package; /* that brings it, for the hint */
	const struct library_symbol *symbols;
	size_t symbol_count;
};

/* Fills the struct; the library stays loaded for good. Not thread-safe by itself. */
MUST_CHECK int library_load(const struct library_spec *spec, void *functions, struct error **err);
