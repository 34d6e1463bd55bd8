/* SPDX-License-Identifier: Apache-2.0 */
/* A value from Consul's key/value store; CONSUL_* say which Consul, as in its own tools. */
#pragma once

#include "cloud/service.h"

/* Error texts are those of language.md 20, consul_key(). */
MUST_CHECK int consul_read(const struct cloud_ctx *ctx, const char *key, struct strbuf *ret,
			   struct error **err);
