/* SPDX-License-Identifier: Apache-2.0 */
/* Inside of cloud/ only: the places that give AWS credentials. */
#pragma once

#include "cloud/aws.h"
#include "cloud/aws_profile.h"

/* Each: 1 with credentials, 0 if there is no such place here, -1 with *err. */

/* aws_sts.c */
struct aws_role {
	const char *arn, *session_name, *external_id, *duration; /* NULL: none, but the first */
	const char *token_file; /* of web identity; NULL: `base` asks */
	const struct aws_credentials *base;
	const char *region; /* NULL: the global endpoint */
};
MUST_CHECK int aws_assume_role(const struct cloud_ctx *ctx, const struct aws_role *role,
			       struct aws_credentials *ret, struct error **err);

/* aws_metadata.c */
MUST_CHECK int aws_container_credentials(const struct cloud_ctx *ctx, struct aws_credentials *ret,
					 struct error **err);
MUST_CHECK int aws_instance_credentials(const struct cloud_ctx *ctx, struct aws_credentials *ret,
					struct error **err);
/* NULL when this is no instance. */
char *aws_instance_region(const struct cloud_ctx *ctx);
/* {"AccessKeyId": …}; `token` is what the session is called there. */
MUST_CHECK int aws_credentials_from_json(const json_t *root, const char *token,
					 struct aws_credentials *ret, struct error **err);
