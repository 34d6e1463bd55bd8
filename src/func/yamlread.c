/* SPDX-License-Identifier: Apache-2.0 */
/*
 * libyaml's events turned into values. An alias is a reference to the value of
 * its anchor, so that a document of nested aliases costs no memory.
 */
#include "base/encode.h"
#include "func/yamlscalar.h"
#include "func/yamltext.h"
#include "value/convert.h"
#include "value/valuevec.h"

#include <string.h>
#include <yaml.h>

enum { DEPTH_MAX = 500 };

struct reader {
	yaml_parser_t parser;
	yaml_event_t event; /* the present one */
	struct map anchors; /* name -> value; NULL: being defined */
	unsigned depth;
	struct error **err;
};

/* Lines are counted from 0 and left out on the first, as the released tool does. */
static void add_place(struct reader *r, size_t line, size_t column)
{
	if (line)
		error_prefix(r->err, "on line %zu, column %zu", line, column + 1);
}

static struct value *place_error(struct reader *r)
{
	add_place(r, r->event.start_mark.line, r->event.start_mark.column);
	return NULL;
}

static struct value *complain(struct reader *r, const char *why)
{
	error_set(r->err, ERROR_INVALID, "%s", why);
	return place_error(r);
}

static bool next(struct reader *r)
{
	size_t line;

	yaml_event_delete(&r->event);
	memset(&r->event, 0, sizeof(r->event));
	if (yaml_parser_parse(&r->parser, &r->event))
		return true;
	error_set(r->err, ERROR_INVALID, "%s",
		  r->parser.problem ? r->parser.problem : "unknown problem parsing YAML content");
	line = r->parser.problem_mark.line;
	if (r->parser.error == YAML_SCANNER_ERROR)
		add_place(r, line ? line + 1 : 0, 0);
	else
		add_place(r, line, r->parser.problem_mark.column);
	return false;
}

static struct value *read_node(struct reader *r);

static void name_anchor(struct reader *r, const char *anchor, struct value *v)
{
	if (anchor)
		map_set(&r->anchors, anchor, v ? value_ref(v) : NULL);
}

static struct value *read_scalar(struct reader *r)
{
	const char *text = (const char *)r->event.data.scalar.value;
	const char *tag = (const char *)r->event.data.scalar.tag;
	struct value *v =
		yamlscalar_value(text, r->event.data.scalar.length, tag,
				 r->event.data.scalar.style == YAML_PLAIN_SCALAR_STYLE, r->err);

	if (!v)
		return place_error(r);
	name_anchor(r, (const char *)r->event.data.scalar.anchor, v);
	return v;
}

static struct value *read_alias(struct reader *r)
{
	const char *name = (const char *)r->event.data.alias.anchor;
	struct value *v = map_get(&r->anchors, name);
	AUTO(strbuf) struct strbuf text = STRBUF_INIT;

	if (v)
		return value_ref(v);
	strbuf_addstr(&text, map_has(&r->anchors, name) ? "cannot refer to anchor "
							: "reference to undefined anchor ");
	encode_go_quoted(&text, name, strlen(name));
	if (map_has(&r->anchors, name))
		strbuf_addstr(&text, " from inside its own definition");
	return complain(r, text.buf);
}

/* A tag on a collection may only say what it is anyway. */
static bool tag_fits(struct reader *r, const char *tag, const char *kind)
{
	AUTO(strbuf) struct strbuf text = STRBUF_INIT;

	if (!tag || !strcmp(tag, "!") || !strcmp(tag, kind))
		return true;
	strbuf_addstr(&text, "unsupported tag ");
	encode_go_quoted(&text, tag, strlen(tag));
	complain(r, text.buf);
	return false;
}

static struct value *read_sequence(struct reader *r)
{
	AUTO(value_vec) struct value_vec items = { 0 };
	AUTO_FREE char *anchor = xstrdup((const char *)r->event.data.sequence_start.anchor);
	struct value *v;

	if (!tag_fits(r, (const char *)r->event.data.sequence_start.tag, YAML_SEQ_TAG))
		return NULL;
	name_anchor(r, anchor, NULL);
	for (;;) {
		if (!next(r))
			return NULL;
		if (r->event.type == YAML_SEQUENCE_END_EVENT)
			break;
		v = read_node(r);
		if (!v)
			return NULL;
		*vec_push(&items) = v;
	}
	v = value_vec_tuple(&items);
	name_anchor(r, anchor, v);
	return v;
}

static bool is_merge_key(const yaml_event_t *e)
{
	return e->type == YAML_SCALAR_EVENT && !e->data.scalar.tag &&
	       e->data.scalar.style == YAML_PLAIN_SCALAR_STYLE &&
	       !strcmp((const char *)e->data.scalar.value, "<<");
}

static bool merge(struct reader *r, struct map *items)
{
	AUTO(value) struct value *from = NULL;

	if (!next(r))
		return false;
	from = read_node(r);
	if (!from)
		return false;
	if (value_is_null(from) || type_kind(value_type(from)) != TYPE_OBJECT) {
		AUTO(strbuf) struct strbuf text = STRBUF_INIT;

		strbuf_addstr(&text, "cannot merge ");
		type_name(&text, value_type(from));
		strbuf_addstr(&text, " into mapping");
		complain(r, text.buf);
		return false;
	}
	for (size_t i = 0; i < value_len(from); i++)
		value_map_put(items, value_key_at(from, i), value_ref(value_at(from, i)));
	return true;
}

/* The key of a member, as text; NULL after complaining. */
static char *read_key(struct reader *r)
{
	AUTO(value) struct value *key = NULL;
	AUTO(value) struct value *text = NULL;

	if (r->event.type != YAML_SCALAR_EVENT && r->event.type != YAML_ALIAS_EVENT) {
		complain(r, "only strings are allowed as mapping keys");
		return NULL;
	}
	key = read_node(r);
	if (!key)
		return NULL;
	if (value_is_null(key)) {
		complain(r, "mapping key cannot be null");
		return NULL;
	}
	if (!type_is_primitive(value_type(key))) {
		complain(r, "only strings are allowed as mapping keys");
		return NULL;
	}
	text = value_convert(key, type_string, r->err);
	return text ? xstrdup(value_as_string(text)) : NULL;
}

static bool read_member(struct reader *r, struct map *items)
{
	AUTO_FREE char *key = NULL;
	struct value *v;

	if (is_merge_key(&r->event))
		return merge(r, items);
	key = read_key(r);
	if (!key || !next(r))
		return false;
	v = read_node(r);
	if (v)
		value_map_put(items, key, v);
	return v != NULL;
}

static struct value *read_mapping(struct reader *r)
{
	AUTO(map) struct map items = { 0 };
	AUTO_FREE char *anchor = xstrdup((const char *)r->event.data.mapping_start.anchor);
	struct value *v;

	value_map_init(&items);
	if (!tag_fits(r, (const char *)r->event.data.mapping_start.tag, YAML_MAP_TAG))
		return NULL;
	name_anchor(r, anchor, NULL);
	for (;;) {
		if (!next(r))
			return NULL;
		if (r->event.type == YAML_MAPPING_END_EVENT)
			break;
		if (!read_member(r, &items))
			return NULL;
	}
	v = value_object_take(&items);
	name_anchor(r, anchor, v);
	return v;
}

static struct value *read_nested(struct reader *r)
{
	struct value *v;

	if (r->depth == DEPTH_MAX)
		return complain(r, "the document is nested too deeply");
	r->depth++;
	v = r->event.type == YAML_SEQUENCE_START_EVENT ? read_sequence(r) : read_mapping(r);
	r->depth--;
	return v;
}

/* The node that starts with the present event. */
static struct value *read_node(struct reader *r)
{
	switch (r->event.type) {
	case YAML_SCALAR_EVENT:
		return read_scalar(r);
	case YAML_ALIAS_EVENT:
		return read_alias(r);
	case YAML_SEQUENCE_START_EVENT:
	case YAML_MAPPING_START_EVENT:
		return read_nested(r);
	case YAML_NO_EVENT:
	case YAML_STREAM_START_EVENT:
	case YAML_STREAM_END_EVENT:
	case YAML_DOCUMENT_START_EVENT:
	case YAML_DOCUMENT_END_EVENT:
	case YAML_SEQUENCE_END_EVENT:
	case YAML_MAPPING_END_EVENT:
		break;
	}
	return complain(r, "unexpected content");
}

static struct value *read_document(struct reader *r)
{
	AUTO(value) struct value *v = NULL;

	if (!next(r) || !next(r)) /* the start of the stream, then of the document */
		return NULL;
	if (r->event.type != YAML_DOCUMENT_START_EVENT) {
		r->event.start_mark.line = MAX(r->event.start_mark.line, (size_t)1);
		return complain(r, "missing start of document");
	}
	if (!next(r))
		return NULL;
	v = read_node(r);
	if (!v || !next(r))
		return NULL;
	if (r->event.type != YAML_DOCUMENT_END_EVENT)
		return complain(r, "unexpected extra content after value");
	if (!next(r))
		return NULL;
	if (r->event.type == YAML_DOCUMENT_START_EVENT)
		return complain(r, "unexpected extra content after value");
	return TAKE(v);
}

struct value *yamltext_read(const char *text, size_t len, struct error **err)
{
	struct reader r = { .err = err };
	struct value *v = NULL;

	if (!yaml_parser_initialize(&r.parser)) {
		error_set(err, ERROR_FAILED, "cannot start reading YAML");
		return NULL;
	}
	value_map_init(&r.anchors);
	yaml_parser_set_encoding(&r.parser, YAML_UTF8_ENCODING);
	yaml_parser_set_input_string(&r.parser, (const unsigned char *)text, len);
	v = read_document(&r);
	yaml_event_delete(&r.event);
	yaml_parser_delete(&r.parser);
	map_release(&r.anchors);
	return v;
}
