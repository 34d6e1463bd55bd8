/* SPDX-License-Identifier: Apache-2.0 */
/* What `plan` says: for people, as one JSON document, as lines of -machine-readable. */
#pragma once

#include "base/redact.h"
#include "base/strbuf.h"
#include "core/preview.h"
#include "lang/diag.h"

#include <stdint.h>

struct plan_style {
	bool color;
	int64_t now; /* wall, ns: ages count from here */
};
void plan_text(struct strbuf *sb, const struct preview *p, const struct plan_style *style);

struct json_t;
/* docs/plan.md lists the members. Owned. */
struct json_t *plan_json(const struct preview *p, const char *template_path, int64_t now);

void plan_machine(const struct preview *p, int64_t now);
