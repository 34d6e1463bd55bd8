/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a template may say: every block of the language with its arguments, as
 * tables (language.md 14, 15, 18). Readers read by them, and the reference
 * manual is made from them.
 */
#pragma once

#include "base/strbuf.h"
#include "lang/body.h"

extern const struct body_schema template_schema; /* a whole file */
extern const struct body_schema packer_schema, variable_schema, validation_schema, local_schema;
extern const struct body_schema build_schema, source_use_schema, chain_schema;
/* The arguments of component blocks that are the language's; the rest is the component's. */
extern const struct body_schema provisioner_schema, postprocessor_schema;
extern const struct body_schema registry_schema;

/* The reference of all of them, as Markdown. */
void blocks_document(struct strbuf *sb);
