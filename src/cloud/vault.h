/* SPDX-License-Identifier: Apache-2.0 */
/* Secrets from Vault's key/value engines; VAULT_* say which Vault, as in its own tools. */
#pragma once

#include "cloud/service.h"

/* Reads exactly `path` ("secret/data/app" with version 2). Error texts: language.md 20, vault(). */
MUST_CHECK int vault_read(const struct cloud_ctx *ctx, const char *path, const char *key,
			  char **ret, struct error **err);
/* Asks first which version of the engine lies at `path` ("secret/app" with either one). */
MUST_CHECK int vault_kv_read(const struct cloud_ctx *ctx, const char *path, const char *key,
			     char **ret, struct error **err);
