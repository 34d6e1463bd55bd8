/* SPDX-License-Identifier: Apache-2.0 */
/* The shared files of AWS: ~/.aws/config and ~/.aws/credentials, by profiles. */
#pragma once

#include "cloud/service.h"

struct aws_profiles {
	struct map by_name; /* struct map * of texts; what the credentials file says wins */
};
void aws_profiles_release(struct aws_profiles *p);
static inline void auto_aws_profiles(struct aws_profiles *p)
{
	aws_profiles_release(p);
}
/* Files that do not exist are empty. */
MUST_CHECK int aws_profiles_load(const struct cloud_ctx *ctx, struct aws_profiles *ret,
				 struct error **err);
bool aws_profiles_has(const struct aws_profiles *p, const char *profile);
/* A setting, or NULL. */
const char *aws_profiles_get(const struct aws_profiles *p, const char *profile, const char *name);
/* The one asked for, AWS_PROFILE, AWS_DEFAULT_PROFILE or "default". */
const char *aws_profile_name(const struct cloud_ctx *ctx);
