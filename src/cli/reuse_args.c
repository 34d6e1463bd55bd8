/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/reuse_args.h"

#include "cli/cache_args.h"

#include <string.h>

int reuse_args_enabled(const struct command_ctx *ctx, const struct reuse_args *a, bool *ret,
		       struct error **err)
{
	const char *text = command_env("CACHE");
	bool asked = a->from || a->refresh;

	if (a->no_cache && (a->cache || asked))
		return error_set(err, ERROR_INVALID, "-no-cache excludes %s",
				 a->cache  ? "-cache"
				 : a->from ? "-from"
					   : "-refresh");
	if (text && strcmp(text, "on") != 0 && strcmp(text, "off") != 0)
		return error_set(err, ERROR_INVALID, "INGOT_CACHE is '%s', not on or off", text);
	*ret = !a->no_cache &&
	       (a->cache || asked || (text ? !strcmp(text, "on") : !ctx->is_packer));
	return 0;
}

/* A step that no build has is a mistake; one that some builds lack is not. */
static int check_step(const struct plan *plan, const char *step, struct error **err)
{
	AUTO(error) struct error *first = NULL;
	size_t ignored;

	if (!step || !plan->len)
		return 0;
	for (size_t i = 0; i < plan->len; i++) {
		AUTO(error) struct error *e = NULL;

		if (reuse_find_step(&plan->builds[i], step, &ignored, &e) == 0)
			return 0;
		if (!first)
			first = TAKE(e);
	}
	return error_move(err, TAKE(first));
}

int reuse_args_policy(const struct command_ctx *ctx, const struct reuse_args *a,
		      const struct plan *plan, struct reuse_policy *ret, struct error **ret_warning,
		      struct error **err)
{
	AUTO(error) struct error *e = NULL;
	bool enabled;

	*ret = (struct reuse_policy){ .from = a->from, .refresh = a->refresh };
	if (reuse_args_enabled(ctx, a, &enabled, err) < 0 || cache_ttl(&ret->ttl, err) < 0 ||
	    check_step(plan, a->from, err) < 0 || check_step(plan, a->refresh, err) < 0)
		return -1;
	if (!enabled)
		return 0;
	if ((a->only_look ? cache_open_existing(ctx, &ret->store, &e)
			  : cache_open(ctx, &ret->store, &e)) == 0)
		return 0;
	if (e->kind == ERROR_INVALID) /* a variable's value */
		return error_move(err, TAKE(e));
	*ret_warning = TAKE(e);
	return 0;
}
