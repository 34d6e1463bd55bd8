/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the parser makes of a text, for tests: reads `KIND LENGTH\n` and LENGTH
 * bytes from standard input, over and over, and answers each with one line of
 * JSON. KIND is file, expr, template, fmt, tokens, ttokens, diag or people.
 */
#include "base/alloc.h"
#include "base/encode.h"
#include "lang/lexer.h"
#include "lang/parser.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void dump(struct strbuf *sb, const struct expr *e);

static void add_range(struct strbuf *sb, struct range r)
{
	strbuf_addf(sb, "%zu-%zu", r.start.byte, r.end.byte);
}

static void add_quoted(struct strbuf *sb, struct str s)
{
	encode_go_quoted(sb, s.p, s.len);
}

static void dump_template(struct strbuf *sb, const struct template *t, struct range r)
{
	strbuf_addstr(sb, "(tmpl ");
	add_range(sb, r);
	if (t->len == 0)
		strbuf_addf(sb, " (str %zu-%zu \"\")", t->range.start.byte, t->range.end.byte);
	for (size_t i = 0; i < t->len; i++) {
		const struct template_part *part = &t->parts[i];

		strbuf_addch(sb, ' ');
		switch (part->kind) {
		case PART_LITERAL:
			strbuf_addf(sb, "(str %zu-%zu ", part->range.start.byte,
				    part->range.end.byte);
			add_quoted(sb, part->literal);
			strbuf_addch(sb, ')');
			break;
		case PART_INTERPOLATION:
			dump(sb, part->expr);
			break;
		case PART_IF:
			strbuf_addf(sb, "(cond %zu-%zu ", part->range.start.byte,
				    part->range.end.byte);
			dump(sb, part->expr);
			strbuf_addch(sb, ' ');
			dump_template(sb, part->body, part->body->range);
			strbuf_addch(sb, ' ');
			if (part->otherwise)
				dump_template(sb, part->otherwise, part->otherwise->range);
			else
				strbuf_addstr(sb, "-");
			strbuf_addch(sb, ')');
			break;
		case PART_FOR:
			strbuf_addf(sb, "(tfor %zu-%zu \"%.*s\" \"%.*s\" ", part->range.start.byte,
				    part->range.end.byte, STR_FMT(part->key_name),
				    STR_FMT(part->value_name));
			dump(sb, part->expr);
			strbuf_addch(sb, ' ');
			dump_template(sb, part->body, part->body->range);
			strbuf_addch(sb, ')');
			break;
		}
	}
	strbuf_addch(sb, ')');
}

static void dump_key(struct strbuf *sb, const struct expr *key)
{
	if (key->kind == EXPR_NUMBER)
		strbuf_addstr(sb, "#num");
	else if (key->kind == EXPR_TEMPLATE && key->template->len == 0)
		strbuf_addstr(sb, "#\"\"");
	else if (key->kind == EXPR_TEMPLATE && key->template->len == 1 &&
		 key->template->parts[0].kind == PART_LITERAL) {
		strbuf_addch(sb, '#');
		add_quoted(sb, key->template->parts[0].literal);
	} else
		dump(sb, key);
}

static void dump_for(struct strbuf *sb, const struct for_expr *f)
{
	strbuf_addf(sb, " \"%.*s\" \"%.*s\" ", STR_FMT(f->key_name), STR_FMT(f->value_name));
	dump(sb, f->collection);
	strbuf_addch(sb, ' ');
	if (f->key)
		dump(sb, f->key);
	else
		strbuf_addch(sb, '-');
	strbuf_addch(sb, ' ');
	dump(sb, f->value);
	strbuf_addch(sb, ' ');
	if (f->condition)
		dump(sb, f->condition);
	else
		strbuf_addch(sb, '-');
	strbuf_addf(sb, " %s)", f->group ? "true" : "false");
}

static void dump_call(struct strbuf *sb, const struct expr *e)
{
	strbuf_addf(sb, " %.*s ", STR_FMT(e->call.name));
	add_range(sb, e->call.name_range);
	strbuf_addch(sb, ' ');
	add_range(sb, e->call.open);
	strbuf_addch(sb, ' ');
	add_range(sb, e->call.close);
	strbuf_addstr(sb, e->call.expand_last ? " true" : " false");
	for (size_t i = 0; i < e->call.len; i++) {
		strbuf_addch(sb, ' ');
		dump(sb, e->call.args[i]);
	}
	strbuf_addch(sb, ')');
}

static void dump_object(struct strbuf *sb, const struct expr *e)
{
	for (size_t i = 0; i < e->object.len; i++) {
		const struct object_item *item = &e->object.items[i];

		strbuf_addch(sb, ' ');
		if (item->key_is_bare) {
			strbuf_addstr(sb, "(bare ");
			add_range(sb, item->key->range);
			strbuf_addf(sb, " \"%.*s\")",
				    STR_FMT(item->key->template->parts[0].literal));
		} else if (item->key_is_ambiguous) {
			strbuf_addstr(sb, "(ambiguous ");
			dump(sb, item->key);
			strbuf_addch(sb, ')');
		} else {
			dump(sb, item->key);
		}
		strbuf_addch(sb, ' ');
		dump(sb, item->value);
	}
	strbuf_addch(sb, ')');
}

static void dump_two(struct strbuf *sb, const struct expr *a, const struct expr *b)
{
	strbuf_addch(sb, ' ');
	dump(sb, a);
	if (b) {
		strbuf_addch(sb, ' ');
		dump(sb, b);
	}
	strbuf_addch(sb, ')');
}

static void dump_step(struct strbuf *sb, const struct expr *e)
{
	strbuf_addch(sb, ' ');
	if (e->kind == EXPR_ATTR) {
		dump(sb, e->attr.object);
		strbuf_addf(sb, " %.*s ", STR_FMT(e->attr.name));
		add_range(sb, e->attr.name_range);
	} else if (e->kind == EXPR_INDEX) {
		dump(sb, e->index.object);
		strbuf_addch(sb, ' ');
		dump_key(sb, e->index.key);
		strbuf_addch(sb, ' ');
		add_range(sb, e->index.bracket);
	} else {
		dump(sb, e->splat.source);
		strbuf_addch(sb, ' ');
		add_range(sb, e->splat.marker);
		strbuf_addch(sb, ' ');
		dump(sb, e->splat.each);
	}
	strbuf_addch(sb, ')');
}

static void dump(struct strbuf *sb, const struct expr *e)
{
	static const char *const names[] = {
		"num",   "bool", "null",  "tmpl",    "var",    "attr",  "index",
		"splat", "item", "call",  "tuple",   "object", "for",   "cond",
		"op",    "op",   "paren", "invalid", "json",   "bound",
	};
	static const char *const ops[] = { "+",  "-", "*",  "/",  "%",  "==", "!=", "<",
					   "<=", ">", ">=", "&&", "||", "!",  "-" };

	if (e->kind == EXPR_TEMPLATE) {
		dump_template(sb, e->template, e->range);
		return;
	}
	if (e->kind == EXPR_SPLAT_ITEM || e->kind == EXPR_INVALID) {
		strbuf_addf(sb, "(%s)", names[e->kind]);
		return;
	}
	strbuf_addf(sb, "(%s ",
		    e->kind == EXPR_UNARY || e->kind == EXPR_BINARY ? ops[e->op.op]
								    : names[e->kind]);
	add_range(sb, e->range);
	switch ((int)e->kind) {
	case EXPR_BOOL:
		strbuf_addstr(sb, e->boolean ? " true)" : " false)");
		break;
	case EXPR_VARIABLE:
		strbuf_addf(sb, " %.*s)", STR_FMT(e->variable.name));
		break;
	case EXPR_ATTR:
	case EXPR_INDEX:
	case EXPR_SPLAT:
		dump_step(sb, e);
		break;
	case EXPR_CALL:
		dump_call(sb, e);
		break;
	case EXPR_TUPLE:
		for (size_t i = 0; i < e->tuple.len; i++) {
			strbuf_addch(sb, ' ');
			dump(sb, e->tuple.items[i]);
		}
		strbuf_addch(sb, ')');
		break;
	case EXPR_OBJECT:
		dump_object(sb, e);
		break;
	case EXPR_FOR:
		dump_for(sb, e->for_);
		break;
	case EXPR_CONDITIONAL:
		strbuf_addch(sb, ' ');
		dump(sb, e->conditional.condition);
		dump_two(sb, e->conditional.yes, e->conditional.no);
		break;
	case EXPR_UNARY:
		dump_two(sb, e->op.left, NULL);
		break;
	case EXPR_BINARY:
		dump_two(sb, e->op.left, e->op.right);
		break;
	case EXPR_PARENS:
		dump_two(sb, e->operand, NULL);
		break;
	default:
		strbuf_addch(sb, ')');
	}
}

static void dump_body(struct strbuf *sb, const struct body *b);

static void dump_block(struct strbuf *sb, const struct block *k)
{
	struct range ranges[] = { k->open_brace, k->close_brace, k->header, k->range };

	strbuf_addf(sb, " (block %s ", k->type.p);
	add_range(sb, k->type_range);
	for (size_t n = 0; n < k->label_count; n++) {
		strbuf_addch(sb, ' ');
		add_quoted(sb, k->labels[n]);
		strbuf_addch(sb, ' ');
		add_range(sb, k->label_ranges[n]);
	}
	for (size_t n = 0; n < ARRAY_LEN(ranges); n++) {
		strbuf_addch(sb, ' ');
		add_range(sb, ranges[n]);
	}
	strbuf_addch(sb, ' ');
	dump_body(sb, k->body);
	strbuf_addch(sb, ')');
}

static void dump_body(struct strbuf *sb, const struct body *b)
{
	strbuf_addstr(sb, "(body ");
	add_range(sb, b->range);
	strbuf_addch(sb, ' ');
	add_range(sb, b->missing);
	for (size_t i = 0; i < b->len; i++) {
		const struct attribute *a = b->items[i].attribute;

		if (b->items[i].is_block) {
			dump_block(sb, b->items[i].block);
			continue;
		}
		strbuf_addstr(sb, " (arg ");
		add_range(sb, a->range);
		strbuf_addf(sb, " %s ", a->name.p);
		add_range(sb, a->name_range);
		strbuf_addch(sb, ' ');
		add_range(sb, a->equals_range);
		strbuf_addch(sb, ' ');
		dump(sb, a->expr);
		strbuf_addch(sb, ')');
	}
	strbuf_addch(sb, ')');
}

static json_t *range_json(struct range r)
{
	if (!r.source)
		return json_null();
	return json_pack("[iiIiiI]", r.start.line, r.start.column, (json_int_t)r.start.byte,
			 r.end.line, r.end.column, (json_int_t)r.end.byte);
}

static json_t *diags_json(const struct diags *d)
{
	json_t *list = json_array();

	for (size_t i = 0; i < d->len; i++) {
		const struct diag *x = &d->items[i];

		json_array_append_new(
			list, json_pack("{ssssssso*so*}", "Severity",
					x->severity == DIAG_ERROR ? "error" : "warning", "Summary",
					x->summary, "Detail", x->detail, "Subject",
					range_json(x->subject), "Context", range_json(x->context)));
	}
	return list;
}

static void add_tokens(struct strbuf *sb, const struct source *src, enum lex_mode mode)
{
	struct token_list list = { 0 };

	lex(&list, src, (struct pos){ 1, 1, 0 }, src->len, mode);
	for (size_t i = 0; i < list.len; i++) {
		const struct token *t = &list.items[i];

		strbuf_addf(sb, "%d-%d [%u %u %u %u]\n", (int)t->start, (int)t->end, t->line,
			    t->column, t->end_line, t->end_column);
	}
	vec_release(&list);
}

static void answer(const char *kind, const char *text, size_t len)
{
	AUTO(sources) struct sources *sources = sources_new();
	AUTO(arena) struct arena *arena = arena_new();
	AUTO(diags) struct diags diags = DIAGS_INIT;
	AUTO(strbuf) struct strbuf ast = STRBUF_INIT;
	AUTO(strbuf) struct strbuf out = STRBUF_INIT;
	const struct source *src = sources_add(sources, "x.hcl", text, len);
	bool people = text_eq(kind, "people");

	if (text_eq(kind, "tokens") || text_eq(kind, "ttokens")) {
		add_tokens(&out, src, kind[1] == 't' ? LEX_TEMPLATE : LEX_CONFIG);
	} else if (text_eq(kind, "expr")) {
		dump(&ast, parse_expression(src, arena, &diags));
	} else if (text_eq(kind, "template")) {
		dump(&ast, parse_template(src, arena, &diags));
	} else if (text_eq(kind, "fmt")) {
		AUTO_FREE char *formatted = hcl_layout(src);

		parse_file(src, arena, &diags);
		strbuf_addstr(&out, formatted);
	} else {
		dump_body(&ast, parse_file(src, arena, &diags));
	}
	if (people || text_eq(kind, "diag")) {
		struct diag_style style = { .width = 80, .caret = people };

		for (size_t i = 0; i < diags.len; i++)
			diag_format(&out, &diags.items[i], &style);
	}

	json_t *reply = json_pack("{sososs%}", "Diags", diags_json(&diags), "Ast",
				  json_stringn_nocheck(ast.buf, ast.len), "Fmt", out.buf, out.len);

	if (!reply)
		abort();
	json_dumpf(reply, stdout, JSON_COMPACT | JSON_ENSURE_ASCII);
	json_decref(reply);
	putchar('\n');
	fflush(stdout);
}

int main(void)
{
	char kind[16];
	size_t len;

	while (scanf("%15s %zu", kind, &len) == 2 && getchar() == '\n') {
		AUTO_FREE char *text = xmalloc(len + 1);

		if (fread(text, 1, len, stdin) != len)
			return 1;
		answer(kind, text, len);
	}
	return 0;
}
