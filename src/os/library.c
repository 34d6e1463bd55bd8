/* SPDX-License-Identifier: Apache-2.0 */
#include "os/library.h"

#include "os/log.h"

#include <dlfcn.h>
#include <string.h>

static int fail(const struct library_spec *spec, struct error **err)
{
	const char *why = dlerror();

	error_set(err, ERROR_NOT_FOUND, "cannot load %s: %s", spec->soname,
		  why ? why : "unknown reason");
	return error_hint(err, "install the package %s", spec->package);
}

int library_load(const struct library_spec *spec, void *functions, struct error **err)
{
	void *handle = dlopen(spec->soname, RTLD_NOW | RTLD_LOCAL);

	if (!handle)
		return fail(spec, err);
	for (size_t i = 0; i < spec->symbol_count; i++) {
		void *found = dlsym(handle, spec->symbols[i].name);

		if (!found)
			return fail(spec, err);
		/* POSIX lets an object pointer hold a function's address. */
		memcpy((char *)functions + spec->symbols[i].offset, &found, sizeof(found));
	}
	log_debug("library", "%s is loaded", spec->soname);
	return 0;
}
