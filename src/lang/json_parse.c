/* SPDX-License-Identifier: Apache-2.0 */
/*
 * JSON text -> tree. What is wrong is reported in HCL's words (language.md
 * 10.4) and at its places; the value it belongs to becomes JSON_INVALID, and
 * after a mistake in an object or array the rest of it is skipped, so that
 * what follows is read again.
 */
#include "base/encode.h"
#include "base/suggest.h"
#include "lang/json.h"
#include "lang/json_scan.h"
#include "lang/parser_state.h"

#include <string.h>

struct json_parser {
	struct json_scanner scanner;
	enum json_reading reading;
	struct arena *arena;
	struct diags *diags;
	size_t errors_before;
	int depth;
	bool aborted;
};

VEC_DECLARE(item_list, const struct json_node *);
VEC_DECLARE(member_list, struct json_member);

static const char a_value_starts[] =
	"A JSON value must start with a brace, a bracket, a number, a string, or a keyword.";

static struct json_token peek(const struct json_parser *p)
{
	return json_scanner_peek(&p->scanner);
}

static struct json_token read_token(struct json_parser *p)
{
	return json_scanner_read(&p->scanner);
}

static struct range range_of(const struct json_parser *p, struct json_token t)
{
	return json_token_range(&p->scanner, t);
}

static void abort_parser(struct json_parser *p)
{
	p->aborted = true;
	json_scanner_stop(&p->scanner);
}

static struct diag *report(struct json_parser *p, struct range subject, const char *summary,
			   const char *detail)
{
	if (p->aborted)
		return NULL;
	if (p->diags->errors - p->errors_before == PARSER_ERRORS_MAX) {
		diags_error(p->diags, NULL, "Too many errors",
			    "The rest of %s was not examined after %d errors.",
			    p->scanner.src->name, PARSER_ERRORS_MAX);
		abort_parser(p);
		return NULL;
	}
	return diags_error(p->diags, &subject, summary, "%s", detail);
}

static struct json_node *node_new(struct json_parser *p, enum json_kind kind, struct range range)
{
	struct json_node *n = ARENA_NEW(p->arena, struct json_node);

	n->kind = kind;
	n->reading = p->reading;
	n->range = range;
	return n;
}

static const struct json_node *parse_value(struct json_parser *p);

/* --- scalars ------------------------------------------------------------- */

static void parse_number(struct json_parser *p, struct json_node *n)
{
	struct str text = json_token_text(&p->scanner, read_token(p));

	if (!json_number_is_valid(text)) {
		report(p, n->range, "Invalid JSON number",
		       "There is a syntax error in the given JSON number.");
		return;
	}
	n->kind = JSON_NUMBER;
	n->text = (struct str){ arena_strndup(p->arena, text.p, text.len), text.len };
}

static void parse_string(struct json_parser *p, struct json_node *n)
{
	struct str text = json_token_text(&p->scanner, read_token(p));
	AUTO(strbuf) struct strbuf out = STRBUF_INIT;
	size_t bad;

	if (!json_string_decode(text, &out, &bad)) {
		struct range at = n->range;

		at.start = pos_advance(at.start, text.p, bad);
		at.end = at.start;
		at.end.byte++;
		at.end.column++;

		struct diag *d = report(p, at, "Invalid JSON string",
					"There is a syntax error in the given JSON string.");
		if (d)
			d->context = n->range;
		return;
	}
	n->kind = JSON_STRING;
	n->text = (struct str){ arena_strndup(p->arena, out.buf, out.len), out.len };
}

static void report_keyword(struct json_parser *p, struct range at, struct str word)
{
	static const char *const foreign[] = { "undefined", "NaN", "Infinity" };
	static const char *const keywords[] = { "false", "true", "null", NULL };
	AUTO(strbuf) struct strbuf detail = STRBUF_INIT;
	AUTO_FREE char *given = str_dup(word);

	for (size_t i = 0; i < ARRAY_LEN(foreign); i++)
		if (str_is(word, foreign[i]))
			strbuf_addf(&detail,
				    "The JavaScript identifier \"%s\" cannot be used in JSON.",
				    given);
	if (detail.len == 0) {
		const char *near = suggest(given, keywords);

		strbuf_addf(&detail, "\"%s\" is not a valid JSON keyword.", given);
		if (near)
			strbuf_addf(&detail, " Did you mean \"%s\"?", near);
	}
	report(p, at, "Invalid JSON keyword", detail.buf);
}

static void parse_keyword(struct json_parser *p, struct json_node *n)
{
	struct str word = json_token_text(&p->scanner, read_token(p));

	if (str_is(word, "true") || str_is(word, "false")) {
		n->kind = JSON_BOOL;
		n->boolean = *word.p == 't';
	} else if (str_is(word, "null")) {
		n->kind = JSON_NULL;
	} else {
		report_keyword(p, n->range, word);
	}
}

/* --- arrays -------------------------------------------------------------- */

/* Reads up to the end of what `open` began; `t` was read already. */
static void skip_rest(struct json_parser *p, struct json_token t, enum json_token_kind open,
		      enum json_token_kind close)
{
	size_t depth = 1;

	while (t.kind != JSON_TOKEN_EOF) {
		if (t.kind == open)
			depth++;
		else if (t.kind == close && --depth <= 1)
			return;
		t = read_token(p);
	}
}

static bool fail_array(struct json_parser *p, struct range open)
{
	struct json_token t = read_token(p);

	skip_rest(p, t, JSON_TOKEN_OBRACK, JSON_TOKEN_CBRACK);

	struct range here = range_of(p, peek(p));

	switch ((int)t.kind) {
	case JSON_TOKEN_COLON:
		report(p, here, "Invalid array value",
		       "A colon is not used to introduce values in a JSON array.");
		break;
	case JSON_TOKEN_EOF:
		report(p, open, "Unclosed object",
		       "No closing bracket was found for this JSON array.");
		break;
	case JSON_TOKEN_CBRACE:
		report(p, here, "Mismatched brackets",
		       "A JSON array must be closed with a bracket, not a brace.");
		break;
	default:
		report(p, here, "Missing attribute seperator comma",
		       "A comma must appear between each value in an array.");
		break;
	}
	return false;
}

static bool parse_items(struct json_parser *p, struct range open, struct item_list *items)
{
	while (peek(p).kind != JSON_TOKEN_CBRACK) {
		*vec_push(items) = parse_value(p);
		if (peek(p).kind == JSON_TOKEN_CBRACK)
			break;
		if (peek(p).kind != JSON_TOKEN_COMMA)
			return fail_array(p, open);

		struct range comma = range_of(p, read_token(p));

		if (peek(p).kind == JSON_TOKEN_CBRACK) {
			report(p, comma, "Trailing comma in array",
			       "JSON does not permit a trailing comma after the final value in an "
			       "array.");
			read_token(p);
			return false;
		}
	}
	return true;
}

static void parse_array(struct json_parser *p, struct json_node *n)
{
	struct item_list items = { 0 };

	read_token(p);
	if (parse_items(p, n->range, &items)) {
		const struct json_node **copy =
			ARENA_ARRAY(p->arena, const struct json_node *, items.len + 1);

		n->kind = JSON_ARRAY;
		n->range = range_between(n->range, range_of(p, read_token(p)));
		if (items.len)
			memcpy(copy, items.items, items.len * sizeof(*copy));
		n->array.items = copy;
		n->array.len = items.len;
	}
	vec_release(&items);
}

/* --- objects ------------------------------------------------------------- */

static bool fail_colon(struct json_parser *p)
{
	struct json_token t = read_token(p);
	struct range at = range_of(p, t);

	skip_rest(p, t, JSON_TOKEN_OBRACE, JSON_TOKEN_CBRACE);
	switch ((int)t.kind) {
	case JSON_TOKEN_CBRACE:
	case JSON_TOKEN_COMMA:
		report(p, at, "Missing object value",
		       "A JSON object attribute must have a value, introduced by a colon.");
		break;
	case JSON_TOKEN_EQUAL:
		report(p, at, "Missing property value colon",
		       "JSON uses a colon as its name/value delimiter, not an equals sign.");
		break;
	default:
		report(p, at, "Missing property value colon",
		       "A colon must appear between an object property's name and its value.");
		break;
	}
	return false;
}

static bool fail_object(struct json_parser *p, struct range open)
{
	struct json_token t = read_token(p);

	switch ((int)t.kind) {
	case JSON_TOKEN_EOF:
		report(p, open, "Unclosed object",
		       "No closing brace was found for this JSON object.");
		break;
	case JSON_TOKEN_CBRACK:
		report(p, range_of(p, peek(p)), "Mismatched braces",
		       "A JSON object must be closed with a brace, not a bracket.");
		break;
	default:
		skip_rest(p, t, JSON_TOKEN_OBRACE, JSON_TOKEN_CBRACE);
		report(p, range_of(p, peek(p)), "Missing attribute seperator comma",
		       "A comma must appear between each property definition in an object.");
		break;
	}
	return false;
}

static bool parse_member(struct json_parser *p, struct member_list *members)
{
	const struct json_node *name = parse_value(p);

	if (name->kind != JSON_STRING) {
		report(p, json_open(name), "Invalid object property name",
		       "A JSON object property name must be a string");
		skip_rest(p, read_token(p), JSON_TOKEN_OBRACE, JSON_TOKEN_CBRACE);
		return false;
	}
	if (peek(p).kind != JSON_TOKEN_COLON)
		return fail_colon(p);

	struct json_member m = { .name = name->text, .name_range = name->range };

	m.colon = range_of(p, read_token(p));
	m.value = parse_value(p);
	*vec_push(members) = m;
	return true;
}

static bool parse_members(struct json_parser *p, struct range open, struct member_list *members)
{
	while (peek(p).kind != JSON_TOKEN_CBRACE) {
		if (!parse_member(p, members))
			return false;
		if (peek(p).kind == JSON_TOKEN_CBRACE)
			break;
		if (peek(p).kind != JSON_TOKEN_COMMA)
			return fail_object(p, open);

		struct range comma = range_of(p, read_token(p));

		if (peek(p).kind == JSON_TOKEN_CBRACE) {
			report(p, comma, "Trailing comma in object",
			       "JSON does not permit a trailing comma after the final property in "
			       "an object.");
			read_token(p);
			return false;
		}
	}
	return true;
}

static void parse_object(struct json_parser *p, struct json_node *n)
{
	struct member_list members = { 0 };

	read_token(p);
	if (parse_members(p, n->range, &members)) {
		struct json_member *copy =
			ARENA_ARRAY(p->arena, struct json_member, members.len + 1);

		n->kind = JSON_OBJECT;
		n->range = range_between(n->range, range_of(p, read_token(p)));
		if (members.len)
			memcpy(copy, members.items, members.len * sizeof(*copy));
		n->object.members = copy;
		n->object.len = members.len;
	}
	vec_release(&members);
}

/* --- values -------------------------------------------------------------- */

static void parse_nested(struct json_parser *p, struct json_node *n, bool is_object)
{
	if (p->depth == PARSER_DEPTH_MAX) {
		AUTO(strbuf) struct strbuf detail = STRBUF_INIT;

		strbuf_addf(&detail, "Arrays and objects may be nested at most %d levels deep.",
			    PARSER_DEPTH_MAX);
		report(p, n->range, "Too deeply nested", detail.buf);
		abort_parser(p);
		return;
	}
	p->depth++;
	if (is_object)
		parse_object(p, n);
	else
		parse_array(p, n);
	p->depth--;
}

static void fail_value(struct json_parser *p, struct range at, enum json_token_kind kind)
{
	switch ((int)kind) {
	case JSON_TOKEN_CBRACE:
		report(p, at, "Missing JSON value", a_value_starts);
		break;
	case JSON_TOKEN_CBRACK:
		report(p, at, "Missing array element value", a_value_starts);
		break;
	case JSON_TOKEN_EOF:
		report(p, at, "Missing value", "The JSON data ends prematurely.");
		break;
	default:
		report(p, at, "Invalid start of value", a_value_starts);
		break;
	}
}

/* An invalid value keeps the place of its first token. */
static const struct json_node *parse_value(struct json_parser *p)
{
	struct json_token first = peek(p);
	struct json_node *n = node_new(p, JSON_INVALID, range_of(p, first));

	switch ((int)first.kind) {
	case JSON_TOKEN_OBRACE:
	case JSON_TOKEN_OBRACK:
		parse_nested(p, n, first.kind == JSON_TOKEN_OBRACE);
		break;
	case JSON_TOKEN_NUMBER:
		parse_number(p, n);
		break;
	case JSON_TOKEN_STRING:
		parse_string(p, n);
		break;
	case JSON_TOKEN_KEYWORD:
		parse_keyword(p, n);
		break;
	default:
		fail_value(p, n->range, first.kind);
		break;
	}
	return n;
}

const struct json_node *json_parse(const struct source *src, enum json_reading reading,
				   struct arena *arena, struct diags *diags)
{
	struct json_parser p = {
		.reading = reading, .arena = arena, .diags = diags, .errors_before = diags->errors
	};

	if (src->len > PARSER_FILE_MAX) {
		struct range start = { src, { 1, 1, 0 }, { 1, 1, 0 } };

		diags_error(diags, &start, "File too large",
			    "%s is larger than %d MiB, which is more than a template may have.",
			    src->name, PARSER_FILE_MAX / 1024 / 1024);
		return node_new(&p, JSON_INVALID, start);
	}
	json_scanner_init(&p.scanner, src);

	const struct json_node *n = parse_value(&p);

	if (diags->errors == p.errors_before && peek(&p).kind != JSON_TOKEN_EOF)
		report(&p, range_of(&p, peek(&p)), "Extraneous data after value",
		       "Extra characters appear after the JSON value.");
	return n;
}

static bool has_brackets(const struct json_node *node)
{
	return node->kind == JSON_ARRAY || node->kind == JSON_OBJECT;
}

struct range json_open(const struct json_node *node)
{
	struct range r = node->range;

	if (has_brackets(node)) {
		r.end = r.start;
		r.end.byte++;
		r.end.column++;
	}
	return r;
}

struct range json_close(const struct json_node *node)
{
	struct range r = node->range;

	if (has_brackets(node)) {
		r.start = r.end;
		r.start.byte--;
		r.start.column--;
	}
	return r;
}

static bool is_around(const struct json_node *node, size_t byte)
{
	return has_brackets(node) && byte >= node->range.start.byte && byte < node->range.end.byte;
}

/* The child that holds the byte, with its step appended to `sb`; NULL: none. */
static const struct json_node *step_down(struct strbuf *sb, const struct json_node *n, size_t byte)
{
	for (size_t i = 0; n->kind == JSON_OBJECT && i < n->object.len; i++) {
		const struct json_member *m = &n->object.members[i];

		if (is_around(m->value, byte)) {
			strbuf_addstr(sb, sb->len > 0 ? "." : "");
			strbuf_add(sb, m->name.p, m->name.len);
			return m->value;
		}
	}
	for (size_t i = 0; n->kind == JSON_ARRAY && i < n->array.len; i++) {
		if (is_around(n->array.items[i], byte)) {
			strbuf_addf(sb, "[%zu]", i);
			return n->array.items[i];
		}
	}
	return NULL;
}

void json_path(struct strbuf *sb, const struct json_node *root, size_t byte)
{
	while (root)
		root = step_down(sb, root, byte);
}

const struct json_node *json_member(const struct json_node *object, const char *name)
{
	for (size_t i = 0; object->kind == JSON_OBJECT && i < object->object.len; i++)
		if (str_is(object->object.members[i].name, name))
			return object->object.members[i].value;
	return NULL;
}
