/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Inside of the upgrade only. Every block is made in three steps: text in HCL
 * with the strings of the template in it, canonical layout, calls in `{{ }}`
 * translated (upgrade_calls()). What calls need elsewhere in the file is noted
 * on the way, so those parts are written last and put before.
 */
#pragma once

#include "base/strbuf.h"
#include "base/strv.h"
#include "config/upgrade/model.h"

struct secret_call {
	char *name, *key; /* key "" if there is none */
};
VEC_DECLARE(secret_list, struct secret_call);

struct upgrader {
	const struct model *model;
	bool annotate;
	struct map locals; /* names of variables that become locals */
	bool uses_timestamp, uses_isotime, uses_strftime;
	struct secret_list secrets;
	struct map secret_places; /* name, or name and key -> place from 1 */
	struct map amis;          /* content of the data blocks -> place from 1 */
};

/* Lays the block out, translates it and appends it. */
void upgrade_block(struct upgrader *u, struct strbuf *out, const char *block);
/* Lays the text of one or more blocks out, in place. */
void upgrade_layout(struct strbuf *text);
/* Whether a block calls what a variable's default may not. */
bool upgrade_needs_local(const char *block);
/* Names in `user` calls of a text that calls nothing else; else nothing. */
void upgrade_user_names(const char *text, struct strv *ret);

/* Parts of the file; empty when there is nothing. */
void upgrade_packer(struct upgrader *u, struct strbuf *out);
void upgrade_variables(struct upgrader *u, struct strbuf *variables, struct strbuf *locals);
void upgrade_sources(struct upgrader *u, struct strbuf *out);
void upgrade_build(struct upgrader *u, struct strbuf *out);
void upgrade_amis(struct upgrader *u, struct strbuf *out);
void upgrade_secrets(struct upgrader *u, struct strbuf *out);
void upgrade_functions(struct upgrader *u, struct strbuf *out); /* what stands in for calls */

/* The label of a builder's source; heap. `at` is its place in the sorted list. */
char *upgrade_source_name(const struct model_component *builder, size_t at);
