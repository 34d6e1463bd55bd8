/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who we are to AWS, and where: credentials, region and endpoints from the
 * environment, the shared files, roles, containers and instances, in the order
 * that AWS's own tools have. Used by functions, later by builders.
 */
#pragma once

#include "cloud/service.h"
#include "cloud/sigv4.h"

struct aws_credentials {
	char *id, *secret, *session; /* session NULL: a key that does not end */
};
void aws_credentials_release(struct aws_credentials *c); /* wipes them */
static inline void auto_aws_credentials(struct aws_credentials *c)
{
	aws_credentials_release(c);
}
MUST_CHECK int aws_credentials_find(const struct cloud_ctx *ctx, struct aws_credentials *ret,
				    struct error **err);

/* AWS_REGION, AWS_DEFAULT_REGION, the profile, the instance; heap. */
MUST_CHECK int aws_region_find(const struct cloud_ctx *ctx, char **ret, struct error **err);
/* "https://secretsmanager.eu-central-1.amazonaws.com", or what an override says; heap. `id` is
 * the service in variable names: "SECRETS_MANAGER". */
char *aws_endpoint(const struct cloud_ctx *ctx, const char *service, const char *id,
		   const char *region);

/* A POST to "/" of an endpoint. */
struct aws_call {
	const char *endpoint, *service, *region;
	const struct aws_credentials *credentials; /* NULL: not signed */
	const struct strv *headers;                /* of the request */
	const char *body;
	bool (*is_transient)(const struct http_response *r); /* NULL: by the status */
};
MUST_CHECK int aws_perform(const struct cloud_ctx *ctx, const struct aws_call *call,
			   struct http_response *ret, struct error **err);
