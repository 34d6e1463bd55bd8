/* SPDX-License-Identifier: Apache-2.0 */
/*
 * JSON as a template syntax: text -> tree with ranges -> body. Two readings of
 * the same tree:
 *
 *  - JSON_TEMPLATES: HCL's JSON syntax (`*.pkr.json`, JSON variable files).
 *    Texts and property names are templates, `//` properties are comments, and
 *    only the schema tells an argument from a block.
 *  - JSON_LITERALS: what a legacy template hands to a component. Every text is
 *    itself; `{{ }}` in it is rendered later, by the planner.
 *
 * The tree lives in the arena, is immutable, and at most as deep as the limit
 * in lang/parser.h. Names keep their order and their duplicates.
 */
#pragma once

#include "base/arena.h"
#include "base/str.h"
#include "base/strbuf.h"
#include "lang/body.h"
#include "lang/diag.h"
#include "lang/source.h"

#include <stdbool.h>
#include <stddef.h>

enum json_kind {
	JSON_NULL,
	JSON_BOOL,
	JSON_NUMBER, /* text: the literal as written, so no digit is lost */
	JSON_STRING, /* text: escapes resolved */
	JSON_ARRAY,
	JSON_OBJECT,
	JSON_INVALID, /* was reported */
};

enum json_reading { JSON_TEMPLATES, JSON_LITERALS };

struct json_member {
	struct str name;
	struct range name_range; /* with the quotes */
	struct range colon;
	const struct json_node *value;
};

struct json_node {
	enum json_kind kind;
	enum json_reading reading;
	struct range range;
	union {
		bool boolean;
		struct str text;
		struct {
			const struct json_node *const *items;
			size_t len;
		} array;
		struct {
			const struct json_member *members;
			size_t len;
		} object;
	};
};

/* Messages are those of HCL's JSON reader. Never NULL. */
const struct json_node *json_parse(const struct source *src, enum json_reading reading,
				   struct arena *arena, struct diags *diags);
/* The brackets or braces of an array or an object; of anything else the whole. */
struct range json_open(const struct json_node *node);
struct range json_close(const struct json_node *node);
/* Where in the tree a byte of the text is, as `build[0].provisioner`: names and places of the
 * objects and arrays around it. */
void json_path(struct strbuf *sb, const struct json_node *root, size_t byte);
/* First member of that exact name, or NULL. */
const struct json_node *json_member(const struct json_node *object, const char *name);

/* A whole file in JSON_TEMPLATES reading as a body. Never NULL. */
struct body *parse_json_file(const struct source *src, struct arena *arena, struct diags *diags);
/* An object, or an array of objects that are read one after another, as a body. Arguments are
 * EXPR_JSON expressions. */
struct body *json_body(const struct json_node *node, struct arena *arena);
/* An expression that evaluates to the node. */
struct expr *json_expr(const struct json_node *node, struct arena *arena);

/* Whether a JSON_STRING is more than the text it spells when it is read as a template. */
bool json_has_sequences(const struct json_node *string);
/* A JSON_STRING as a template. Places are those in the file, whatever escapes there are. */
struct expr *json_template(const struct json_node *string, struct arena *arena,
			   struct diags *diags);
/* The name of a property as the JSON_STRING it is. */
struct json_node json_name(const struct json_node *object, const struct json_member *m);
/* As expr_walk_references(); what is handed out is gone afterwards. */
void json_walk_references(const struct json_node *node, expr_reference_fn fn, void *data);
