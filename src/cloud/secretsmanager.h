/* SPDX-License-Identifier: Apache-2.0 */
/* Secrets from AWS Secrets Manager (language.md 20, aws_secretsmanager). */
#pragma once

#include "cloud/service.h"

/* The whole text; it and, if it is JSON, the texts inside are secrets from then on. */
MUST_CHECK int secretsmanager_raw(const struct cloud_ctx *ctx, const char *name, char **ret,
				  struct error **err);
/* What one key of a secret holds. `key` NULL or "": the only one there is, or a text that is no
 * JSON object as it is. */
MUST_CHECK int secretsmanager_value(const struct cloud_ctx *ctx, const char *name, const char *key,
				    char **ret, struct error **err);
