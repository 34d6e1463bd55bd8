/* SPDX-License-Identifier: Apache-2.0 */
/* The options that say which finished steps are reused; `build` and `plan` share them. */
#pragma once

#include "cli/command.h"
#include "core/plan.h"
#include "core/reuse.h"

struct reuse_args {
	bool cache, no_cache;
	const char *from, *refresh;
	bool only_look; /* not an option: make nothing, not even an empty store */
};

#define REUSE_OPTIONS(type, member)                                                                \
	OPT_BOOL(type, member.no_cache, "no-cache", "Run every step, and keep none."),             \
		OPT_BOOL(type, member.cache, "cache",                                              \
			 "Reuse finished steps (default, except as 'packer')."),                   \
		OPT_STRING(type, member.from, "from", "STEP",                                      \
			   "Begin at this step: what is before it must be kept."),                 \
		OPT_STRING(type, member.refresh, "refresh", "STEP",                                \
			   "Run this step and all after it again.")

/* Are finished steps reused at all? By option, INGOT_CACHE (on, off), the program's name. */
MUST_CHECK int reuse_args_enabled(const struct command_ctx *ctx, const struct reuse_args *a,
				  bool *ret, struct error **err);
/* Opens the store; ret->store is the caller's to close, NULL where nothing is reused
 * (or, with only_look, kept). A store that
 * cannot be opened is a warning's worth: *ret_warning. */
MUST_CHECK int reuse_args_policy(const struct command_ctx *ctx, const struct reuse_args *a,
				 const struct plan *plan, struct reuse_policy *ret,
				 struct error **ret_warning, struct error **err);
