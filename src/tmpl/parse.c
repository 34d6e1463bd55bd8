/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Text -> tree: texts, actions and what they enclose. The parser stops at the
 * first mistake, as the reference does; a mistake is told with the line of the
 * word that was read last.
 */
#include "base/alloc.h"
#include "base/encode.h"
#include "tmpl/parser.h"

#include <stdlib.h>
#include <string.h>

/* ---- words and mistakes ------------------------------------------------------------ */

struct word *parse_peek(struct parser *p, int n)
{
	while (p->ahead_count <= n) {
		struct word *w = &p->ahead[p->ahead_count++];

		word_next(&p->reader, w);
		p->last_line = w->line;
	}
	return &p->ahead[n];
}

struct word parse_take(struct parser *p)
{
	struct word w = *parse_peek(p, 0);

	p->ahead[0] = p->ahead[1];
	p->ahead_count--;
	return w;
}

int parse_fail(struct parser *p, const char *fmt, ...)
{
	AUTO(strbuf) struct strbuf sb = STRBUF_INIT;
	va_list ap;

	if (*p->err)
		return -1;
	va_start(ap, fmt);
	strbuf_vaddf(&sb, fmt, ap);
	va_end(ap);
	return error_set(p->err, ERROR_INVALID, "template: root:%d: %s", p->last_line, sb.buf);
}

static void complain_of_error(struct parser *p, const struct word *w)
{
	int start = p->scope->action_line;
	bool is_action = str_ends_with(w->text, STR(" action"));

	if (start && start != w->line)
		parse_fail(p, "%.*s%s started at root:%d", STR_FMT(w->text),
			   is_action ? "" : " in action", start);
	else
		parse_fail(p, "%.*s", STR_FMT(w->text));
}

int parse_unexpected(struct parser *p, const struct word *w, const char *context)
{
	AUTO(strbuf) struct strbuf sb = STRBUF_INIT;
	size_t len = w->text.len;

	if (w->kind == WORD_ERROR) {
		complain_of_error(p, w);
		return -1;
	}
	if (w->kind == WORD_EOF)
		return parse_fail(p, "unexpected EOF in %s", context);
	if (w->kind >= WORD_DOT)
		return parse_fail(p, "unexpected <%.*s> in %s", STR_FMT(w->text), context);
	if (len <= 10)
		encode_go_quoted(&sb, w->text.p, len);
	else
		encode_go_quoted(&sb, w->text.p, 10);
	return parse_fail(p, "unexpected %s%s in %s", sb.buf, len > 10 ? "..." : "", context);
}

bool parse_deeper(struct parser *p)
{
	if (++p->depth <= PARSE_DEPTH_MAX)
		return true;
	parse_fail(p, "max expression depth exceeded");
	return false;
}

/* ---- variables ------------------------------------------------------------------------ */

struct scope_mark parse_scope_mark(const struct parser *p)
{
	return (struct scope_mark){ p->scope->hidden.len, p->scope->slot_count };
}

void parse_scope_reset(struct parser *p, struct scope_mark mark)
{
	struct parse_scope *s = p->scope;

	while (s->hidden.len > mark.hidden) {
		const struct hidden_name *h = &s->hidden.items[--s->hidden.len];

		if (h->before)
			map_set(&s->slots, h->name, h->before);
		else
			map_remove(&s->slots, h->name);
	}
	s->slot_count = mark.slot_count;
}

static void parse_scope_init(struct parse_scope *s)
{
	*s = (struct parse_scope){ .slot_count = 1, .slot_max = 1 };
	map_init(&s->slots, NULL);
	map_set(&s->slots, "$", (void *)(uintptr_t)2);
}

static void parse_scope_release(struct parse_scope *s)
{
	map_release(&s->slots);
	vec_release(&s->hidden);
}

/* ---- lists of nodes --------------------------------------------------------------------- */

/* What an action turned out to be besides a node. */
enum list_end { LIST_GOES_ON, LIST_EOF, LIST_ELSE, LIST_END };

static struct node *new_node(struct parser *p, enum node_kind kind, size_t pos)
{
	struct node *n = ARENA_NEW(p->arena, struct node);

	n->kind = kind;
	n->pos = pos;
	return n;
}

static int text_or_action(struct parser *p, struct node **ret, enum list_end *ret_end);

/* Nodes up to an `else`, an `end`, or the end of the text. */
static int parse_list(struct parser *p, const struct node **ret, enum list_end *ret_end)
{
	const struct node **tail = ret;

	*ret = NULL;
	for (;;) {
		struct node *n = NULL;

		if (parse_peek(p, 0)->kind == WORD_EOF) {
			*ret_end = LIST_EOF;
			return 0;
		}
		if (text_or_action(p, &n, ret_end) < 0)
			return -1;
		if (*ret_end != LIST_GOES_ON)
			return 0;
		*tail = n;
		tail = &n->next;
	}
}

/* The list of something that `end` must end. */
static int parse_inner_list(struct parser *p, const struct node **ret, enum list_end *ret_end)
{
	if (parse_list(p, ret, ret_end) < 0)
		return -1;
	return *ret_end == LIST_EOF ? parse_fail(p, "unexpected EOF") : 0;
}

static int expect_close(struct parser *p, const char *context)
{
	struct word w = parse_take(p);

	return w.kind == WORD_CLOSE ? 0 : parse_unexpected(p, &w, context);
}

static struct node *parse_control(struct parser *p, enum node_kind kind);

static int parse_else(struct parser *p, struct node *n)
{
	enum word_kind next = parse_peek(p, 0)->kind;
	enum list_end end;

	n->has_else = true;
	if ((n->kind == NODE_IF && next == WORD_IF) ||
	    (n->kind == NODE_WITH && next == WORD_WITH)) {
		/* `else if`: the inner one takes the end. */
		parse_take(p);
		n->otherwise = parse_control(p, n->kind);
		return n->otherwise ? 0 : -1;
	}
	if (parse_inner_list(p, &n->otherwise, &end) < 0)
		return -1;
	return end == LIST_END ? 0 : parse_fail(p, "expected end; found {{else}}");
}

static int parse_branches(struct parser *p, struct node *n)
{
	enum list_end end;

	n->pipe = parse_pipe(p, node_keyword(n->kind), WORD_CLOSE);
	if (!n->pipe)
		return -1;
	n->pos = n->pipe->pos;
	p->scope->range_depth += n->kind == NODE_RANGE;

	int r = parse_inner_list(p, &n->body, &end);

	p->scope->range_depth -= n->kind == NODE_RANGE;
	if (r < 0)
		return -1;
	return end == LIST_ELSE ? parse_else(p, n) : 0;
}

/* Behind the keyword. */
static struct node *parse_control(struct parser *p, enum node_kind kind)
{
	struct node *n = new_node(p, kind, 0);
	struct scope_mark mark = parse_scope_mark(p);

	if (!parse_deeper(p))
		return NULL;

	int r = parse_branches(p, n);

	parse_scope_reset(p, mark);
	p->depth--;
	return r == 0 ? n : NULL;
}

static struct node *parse_jump(struct parser *p, const struct word *w)
{
	bool is_break = w->kind == WORD_BREAK;

	if (expect_close(p, is_break ? "{{break}}" : "{{continue}}") < 0)
		return NULL;
	if (!p->scope->range_depth) {
		parse_fail(p, "{{%s}} outside {{range}}", is_break ? "break" : "continue");
		return NULL;
	}
	return new_node(p, is_break ? NODE_BREAK : NODE_CONTINUE, w->pos);
}

/* ---- templates in a template ---------------------------------------------------------------- */

static bool is_blank(const struct node *n)
{
	for (; n; n = n->next)
		if (n->kind != NODE_TEXT || str_trim(n->text).len)
			return false;
	return true;
}

/* An empty one can be defined again, and does not hide another. */
static int add_definition(struct parser *p, const struct template_def *def)
{
	AUTO_FREE char *name = str_dup(def->name);
	struct template_def *known = map_get(p->tree->defs, name);

	if (!known || is_blank(known->body)) {
		struct template_def *copy = ARENA_NEW(p->arena, struct template_def);

		*copy = *def;
		map_set(p->tree->defs, name, copy);
		return 0;
	}
	if (is_blank(def->body))
		return 0;

	AUTO(strbuf) struct strbuf quoted = STRBUF_INIT;

	encode_go_quoted(&quoted, def->name.p, def->name.len);
	return parse_fail(p, "template: multiple definition of template %s", quoted.buf);
}

/* A list with variables of its own, up to its `end`. */
static int parse_definition(struct parser *p, struct str name, const char *context)
{
	struct parse_scope scope, *outer = p->scope;
	struct template_def def = { .name = name };
	enum list_end end = LIST_END;

	parse_scope_init(&scope);
	p->scope = &scope;

	int r = parse_deeper(p) ? parse_inner_list(p, &def.body, &end) : -1;

	if (r == 0 && end != LIST_END)
		r = parse_fail(p, "unexpected {{else}} in %s", context);
	def.slot_count = scope.slot_max;
	if (r == 0)
		r = add_definition(p, &def);
	p->depth--;
	p->scope = outer;
	parse_scope_release(&scope);
	return r;
}

static int parse_name(struct parser *p, const char *context, size_t *ret_pos, struct str *ret)
{
	struct word w = parse_take(p);

	*ret_pos = w.pos;
	if (w.kind != WORD_STRING && w.kind != WORD_RAW)
		return parse_unexpected(p, &w, context);
	return parse_string(p, &w, ret) ? 0 : -1;
}

static int parse_define(struct parser *p)
{
	static const char context[] = "define clause";
	struct str name;
	size_t pos;

	if (parse_name(p, context, &pos, &name) < 0 || expect_close(p, context) < 0)
		return -1;
	return parse_definition(p, name, context);
}

static struct node *parse_block(struct parser *p)
{
	static const char context[] = "block clause";
	struct node *n = new_node(p, NODE_TEMPLATE, 0);

	if (parse_name(p, context, &n->pos, &n->name) < 0)
		return NULL;
	n->pipe = parse_pipe(p, context, WORD_CLOSE);
	if (!n->pipe || parse_definition(p, n->name, context) < 0)
		return NULL;
	return n;
}

static struct node *parse_template_call(struct parser *p)
{
	static const char context[] = "template clause";
	struct node *n = new_node(p, NODE_TEMPLATE, 0);

	if (parse_name(p, context, &n->pos, &n->name) < 0)
		return NULL;
	if (parse_peek(p, 0)->kind == WORD_CLOSE) {
		parse_take(p);
		return n;
	}
	n->pipe = parse_pipe(p, context, WORD_CLOSE);
	return n->pipe ? n : NULL;
}

/* ---- actions ---------------------------------------------------------------------------------- */

static struct node *parse_plain(struct parser *p)
{
	struct node *n = new_node(p, NODE_ACTION, parse_peek(p, 0)->pos);

	n->pipe = parse_pipe(p, "command", WORD_CLOSE);
	return n->pipe ? n : NULL;
}

static int else_or_end(struct parser *p, enum list_end *ret)
{
	struct word w = parse_take(p);

	*ret = w.kind == WORD_ELSE ? LIST_ELSE : LIST_END;
	if (*ret == LIST_END)
		return expect_close(p, "end");

	enum word_kind next = parse_peek(p, 0)->kind;

	/* What these mean depends on what the `else` belongs to. */
	return next == WORD_IF || next == WORD_WITH ? 0 : expect_close(p, "else");
}

static struct node *keyword_action(struct parser *p)
{
	struct word w = parse_take(p);

	switch (w.kind) {
	case WORD_IF:
		return parse_control(p, NODE_IF);
	case WORD_WITH:
		return parse_control(p, NODE_WITH);
	case WORD_RANGE:
		return parse_control(p, NODE_RANGE);
	case WORD_BLOCK:
		return parse_block(p);
	case WORD_TEMPLATE:
		return parse_template_call(p);
	default:
		return parse_jump(p, &w);
	}
}

static bool is_action_keyword(enum word_kind kind)
{
	return kind == WORD_IF || kind == WORD_WITH || kind == WORD_RANGE || kind == WORD_BLOCK ||
	       kind == WORD_TEMPLATE || kind == WORD_BREAK || kind == WORD_CONTINUE;
}

static int parse_action(struct parser *p, struct node **ret, enum list_end *ret_end)
{
	enum word_kind kind = parse_peek(p, 0)->kind;

	*ret_end = LIST_GOES_ON;
	if (kind == WORD_ELSE || kind == WORD_END)
		return else_or_end(p, ret_end);
	*ret = is_action_keyword(kind) ? keyword_action(p) : parse_plain(p);
	return *ret ? 0 : -1;
}

static int text_or_action(struct parser *p, struct node **ret, enum list_end *ret_end)
{
	struct word w = parse_take(p);

	*ret_end = LIST_GOES_ON;
	if (w.kind == WORD_TEXT) {
		*ret = new_node(p, NODE_TEXT, w.pos);
		(*ret)->text = w.text;
		return 0;
	}
	if (w.kind != WORD_OPEN)
		return parse_unexpected(p, &w, "input");
	p->scope->action_line = w.line;

	int r = parse_action(p, ret, ret_end);

	p->scope->action_line = 0;
	return r;
}

/* ---- the whole ---------------------------------------------------------------------------------- */

/* Like parse_list(), with definitions, which stand only here. */
static int parse_top(struct parser *p, const struct node **ret)
{
	const struct node **tail = ret;

	while (parse_peek(p, 0)->kind != WORD_EOF) {
		enum list_end end = LIST_GOES_ON;
		struct node *n = NULL;

		if (parse_peek(p, 0)->kind == WORD_OPEN && parse_peek(p, 1)->kind == WORD_DEFINE) {
			parse_take(p);
			parse_take(p);
			if (parse_define(p) < 0)
				return -1;
			continue;
		}
		if (text_or_action(p, &n, &end) < 0)
			return -1;
		if (end != LIST_GOES_ON)
			return parse_fail(p, "unexpected {{%s}}",
					  end == LIST_ELSE ? "else" : "end");
		*tail = n;
		tail = &n->next;
	}
	return 0;
}

static void release_defs(void *defs)
{
	map_release(defs);
}

static int parse_all(struct parser *p)
{
	struct tmpl_tree *tree = p->tree;

	tree->defs = ARENA_NEW(p->arena, struct map);
	map_init(tree->defs, NULL);
	arena_on_free(p->arena, release_defs, tree->defs);
	tree->main.name = STR("root");
	if (parse_top(p, &tree->main.body) < 0)
		return -1;
	tree->main.slot_count = p->scope->slot_max;
	if (add_definition(p, &tree->main) < 0)
		return -1;
	tree->main = *(const struct template_def *)map_get(tree->defs, "root");
	return 0;
}

struct tmpl_tree *tmpl_parse(const char *text, const struct tmpl_names *names, struct arena *arena,
			     struct error **err)
{
	struct tmpl_tree *tree = ARENA_NEW(arena, struct tmpl_tree);
	struct parse_scope scope;
	struct parser p = {
		.names = names,
		.arena = arena,
		.scope = &scope,
		.tree = tree,
		.last_line = 1,
		.err = err,
	};

	word_reader_init(&p.reader, text, arena);
	tree->text = text;
	tree->len = p.reader.len;
	parse_scope_init(&scope);

	int r = parse_all(&p);

	parse_scope_release(&scope);
	return r == 0 ? tree : NULL;
}
