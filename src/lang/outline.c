/* SPDX-License-Identifier: Apache-2.0 */
#include "lang/outline.h"

#include "base/alloc.h"
#include "base/arena.h"
#include "base/encode.h"
#include "lang/json.h"
#include "lang/lexer.h"

/* In a larger file the block around a place is not looked for. */
enum { OUTLINE_MAX = 4 * 1024 * 1024 };

/* A block at the top of a file; [start, end) are bytes. */
struct top_block {
	size_t start, end;
	char *header;
};

struct file_outline {
	const struct source *source;
	const struct json_node *json;           /* NULL: native syntax */
	VEC_DECLARE(, struct top_block) blocks; /* in order */
};

struct outline {
	struct arena *arena;
	VEC_DECLARE(, struct file_outline *) files;
};

struct outline *outline_new(void)
{
	return NEW(struct outline);
}

void outline_free(struct outline *o)
{
	if (!o)
		return;
	for (size_t i = 0; i < o->files.len; i++) {
		struct file_outline *f = o->files.items[i];

		for (size_t j = 0; j < f->blocks.len; j++)
			free(f->blocks.items[j].header);
		vec_release(&f->blocks);
		free(f);
	}
	vec_release(&o->files);
	arena_free(o->arena);
	free(o);
}

/* `a "b" c {` from token i on: index of its brace, or 0. */
static size_t header_end(const struct token_list *t, size_t i)
{
	bool in_quotes = false;

	for (i++; i < t->len; i++) {
		enum token_kind kind = t->items[i].kind;

		if (kind == TOKEN_OBRACE && !in_quotes)
			return i;
		if (kind == TOKEN_OQUOTE || kind == TOKEN_CQUOTE)
			in_quotes = kind == TOKEN_OQUOTE;
		else if (kind != TOKEN_IDENT && kind != TOKEN_QUOTED_LIT)
			return 0;
	}
	return 0;
}

/* Index of the token that closes the bracket at i, or of the last token. */
static size_t closing(const struct token_list *t, size_t i)
{
	size_t depth = 0;

	for (; i < t->len; i++) {
		if (t->items[i].kind == TOKEN_OBRACE)
			depth++;
		else if (t->items[i].kind == TOKEN_CBRACE && --depth == 0)
			return i;
	}
	return t->len - 1;
}

static void add_header(struct strbuf *sb, const struct source *src, const struct token *from,
		       const struct token *brace)
{
	struct str name = token_text(src, from);
	const struct token *t = from;

	strbuf_add(sb, name.p, name.len);
	while (++t < brace) {
		struct str text = token_text(src, t);

		if (t->kind == TOKEN_OQUOTE && t[1].kind == TOKEN_CQUOTE)
			strbuf_addstr(sb, " \"\"");
		if (t->kind != TOKEN_IDENT && t->kind != TOKEN_QUOTED_LIT)
			continue;
		strbuf_addch(sb, ' ');
		if (t->kind == TOKEN_IDENT)
			encode_go_quoted(sb, text.p, text.len);
		else
			strbuf_addf(sb, "\"%.*s\"", STR_FMT(text));
	}
}

static void read_blocks(struct file_outline *f)
{
	const struct source *src = f->source;
	struct token_list t = { 0 };
	bool line_start = true;

	lex(&t, src, (struct pos){ 1, 1, 0 }, src->len, LEX_CONFIG);
	for (size_t i = 0; i < t.len; i++) {
		const struct token *from = &t.items[i];
		size_t brace = line_start && from->kind == TOKEN_IDENT ? header_end(&t, i) : 0;

		if (brace) {
			AUTO(strbuf) struct strbuf header = STRBUF_INIT;

			i = closing(&t, brace);
			add_header(&header, src, from, &t.items[brace]);
			*vec_push(&f->blocks) = (struct top_block){ from->start, t.items[i].end,
								    strbuf_detach(&header) };
		} else if (from->kind == TOKEN_OBRACE) {
			i = closing(&t, i);
		}
		line_start = t.items[i].kind == TOKEN_NEWLINE || t.items[i].kind == TOKEN_COMMENT;
	}
	vec_release(&t);
}

static struct file_outline *outline_of(struct outline *o, const struct source *src)
{
	for (size_t i = 0; i < o->files.len; i++)
		if (o->files.items[i]->source == src)
			return o->files.items[i];

	struct file_outline *f = NEW(struct file_outline);

	f->source = src;
	*vec_push(&o->files) = f;
	if (!text_ends_with(src->name, ".json")) {
		read_blocks(f);
		return f;
	}

	AUTO(diags) struct diags dropped = DIAGS_INIT;

	if (!o->arena)
		o->arena = arena_new();
	f->json = json_parse(src, JSON_TEMPLATES, o->arena, &dropped);
	return f;
}

/* The last block that starts at `at` or before, or NULL. */
static const struct top_block *block_before(const struct file_outline *f, size_t at)
{
	size_t low = 0, high = f->blocks.len;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (f->blocks.items[middle].start <= at)
			low = middle + 1;
		else
			high = middle;
	}
	return low ? &f->blocks.items[low - 1] : NULL;
}

void outline_describe(struct outline *o, struct strbuf *sb, const struct source *src, size_t at)
{
	if (src->len > OUTLINE_MAX)
		return;

	const struct file_outline *f = outline_of(o, src);
	const struct top_block *block = block_before(f, at);

	if (f->json) {
		AUTO(strbuf) struct strbuf path = STRBUF_INIT;

		json_path(&path, f->json, at);
		if (path.len > 0)
			strbuf_addf(sb, ", in %s", path.buf);
	} else if (block && at < block->end) {
		strbuf_addf(sb, ", in %s", block->header);
	}
}
