/* SPDX-License-Identifier: Apache-2.0 */
/* Inside of the upgrade only: JSON values as HCL text, which hcl_layout() then lays out. */
#pragma once

#include "base/map.h"
#include "base/strbuf.h"
#include "base/strv.h"
#include "value/value.h"

/* A text in quotes; what would be a sequence of a template is doubled. */
void hcl_quote(struct strbuf *sb, const char *s, size_t len);
/* `NAME = VALUE` and a newline. */
void hcl_attribute(struct strbuf *sb, const char *name, const struct value *v);
void hcl_text_attribute(struct strbuf *sb, const char *name, const char *text);
/* An expression, quoted already. */
struct hcl_expression {
	const char *name, *text;
};
/* Attributes and blocks (legacy-json.md 11.7), sorted by name; `also` (may be NULL) is one more and
 * replaces the option of that name. */
void hcl_options(struct strbuf *sb, struct map *options, const struct hcl_expression *also);
/* `KIND "LABEL"… {` and a newline; labels may be NULL. */
void hcl_open_block(struct strbuf *sb, const char *kind, const char *label, const char *label2);
