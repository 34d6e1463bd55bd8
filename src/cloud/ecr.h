/* SPDX-License-Identifier: Apache-2.0 */
/* Logins at the container registries of AWS, private and public. They end after twelve hours. */
#pragma once

#include "cloud/service.h"

/* Who asks, where the caller knows better than the surroundings. NULL or "": these decide. */
struct ecr_identity {
	const char *access_key, *secret_key, *token;
	const char *profile;
};

struct ecr_login {
	char *user, *password;
};
void ecr_login_release(struct ecr_login *l); /* wipes them */
static inline void auto_ecr_login(struct ecr_login *l)
{
	ecr_login_release(l);
}

/* Is it public.ecr.aws? */
bool ecr_is_public(const char *server);
/* Is it public.ecr.aws, or NUMBER.dkr.ecr.REGION.amazonaws.com? With or without a scheme and a path. */
bool ecr_knows(const char *server);
/* ERROR_INVALID: no such server. The password is a secret from then on. */
MUST_CHECK int ecr_get_login(const struct cloud_ctx *ctx, const char *server, bool use_public,
			     const struct ecr_identity *who, struct ecr_login *ret,
			     struct error **err);
