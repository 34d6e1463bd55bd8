/* SPDX-License-Identifier: Apache-2.0 */
#include "value/function.h"

#include "base/alloc.h"
#include "cloud/service.h"
#include "value/convert.h"

#include <string.h>

size_t func_param_count(const struct func_def *def)
{
	size_t n = 0;

	while (def->params && def->params[n].name)
		n++;
	return n;
}

const struct param *func_param(const struct func_def *def, size_t i)
{
	return i < func_param_count(def) ? &def->params[i] : def->variadic;
}

const struct func_def *func_find(const struct func_def *const *table, const char *name)
{
	size_t low = 0, high = 0;

	while (table[high])
		high++;
	while (low < high) {
		size_t mid = low + (high - low) / 2;
		int d = strcmp(name, table[mid]->name);

		if (!d)
			return table[mid];
		if (d < 0)
			high = mid;
		else
			low = mid + 1;
	}
	return NULL;
}

/* What the arguments of one call make of its result. */
struct prepared {
	struct value **args;
	size_t argc;
	bool sensitive, unknown, dynamic;
};

static void auto_prepared(struct prepared *p)
{
	for (size_t i = 0; i < p->argc; i++)
		value_unref(p->args[i]);
	free(p->args);
}

static struct value *convert_arg(const struct param *p, struct value *arg, struct error **err)
{
	AUTO(value) struct value *bare = value_unmark_deep(arg);

	return p->type ? value_convert(bare, *p->type, err) : TAKE(bare);
}

static bool prepare(const struct func_def *def, const struct func_call *call, struct prepared *ret,
		    struct error **err)
{
	ret->args = xcalloc(call->argc, sizeof(*ret->args));
	for (; ret->argc < call->argc; ret->argc++) {
		const struct param *p = func_param(def, ret->argc);
		struct value *arg = call->args[ret->argc];

		assert(p);
		if (p->flags & PARAM_LAZY)
			continue;
		*call->ret_bad_arg = (int)ret->argc;
		ret->sensitive |= value_is_sensitive_deep(arg);
		arg = convert_arg(p, arg, err);
		if (!arg)
			return false;
		ret->args[ret->argc] = arg;
	}
	for (size_t i = 0; i < call->argc; i++) {
		const struct param *p = func_param(def, i);

		if (!ret->args[i])
			continue;
		*call->ret_bad_arg = (int)i;
		if (value_is_null(ret->args[i]) && !(p->flags & PARAM_NULL)) {
			error_set(err, ERROR_INVALID, "argument must not be null");
			return false;
		}
		if (value_type(ret->args[i]) == type_dynamic && !(p->flags & PARAM_DYNAMIC))
			ret->dynamic = true;
		if (!(p->flags & PARAM_UNKNOWN) && !value_is_known(ret->args[i]))
			ret->unknown = true;
	}
	*call->ret_bad_arg = -1;
	return true;
}

struct value *func_invoke(const struct func_def *def, const struct func_call *call,
			  struct error **err)
{
	AUTO(prepared) struct prepared prepared = { 0 };
	AUTO(value) struct value *result = NULL;
	struct func_call inner = *call;

	if (!prepare(def, call, &prepared, err))
		return NULL;
	inner.args = prepared.args;
	if (prepared.dynamic)
		result = value_unknown(type_dynamic);
	else if (prepared.unknown)
		result = value_unknown(def->returns ? *def->returns : type_dynamic);
	else
		result = def->call(&inner, err);
	if (!result)
		return NULL;
	return prepared.sensitive ? value_mark_sensitive(result, true) : TAKE(result);
}

void func_world_cloud(const struct func_world *w, struct cloud_ctx *ret)
{
	*ret = (struct cloud_ctx){
		.getenv = w->getenv,
		.now = w->now,
		.home = w->home,
		.cancel = w->cancel,
		.redactor = w->redactor,
	};
}
