/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tree + data -> text: lists of nodes, variables, limits. What a mistake is
 * blamed on is the place that was looked at last, as in the reference.
 */
#include "base/alloc.h"
#include "tmpl/execution.h"

#include <stdlib.h>
#include <string.h>

enum {
	OUTPUT_MAX = 64 * 1024 * 1024,
	STEPS_MAX = 20 * 1000 * 1000,
	DEPTH_MAX = 1000,
};

const char tmpl_unset_variable[] = "Error: variable not set:";
const char tmpl_placeholder[] =
	"To set this dynamically in the Packer template, you must use the `build` function";

char *tmpl_placeholder_of(const char *name)
{
	if (text_eq(name, "WinRMPassword"))
		return xstrdup("{{.WinRMPassword}}");
	return xasprintf("Build_%s. %s", name, tmpl_placeholder);
}

/* ---- mistakes and limits ------------------------------------------------------------- */

static void print_place(struct strbuf *sb, const struct place *at)
{
	if (at->term)
		term_print(sb, at->term);
	else if (at->command)
		command_print(sb, at->command);
	else if (at->pipe)
		pipe_print(sb, at->pipe);
	else if (at->node)
		node_print(sb, at->node);
}

static size_t place_pos(const struct place *at)
{
	return at->term      ? at->term->pos
	       : at->command ? at->command->pos
	       : at->pipe    ? at->pipe->pos
	       : at->node    ? at->node->pos
			     : 0;
}

void exec_fail(struct exec *x, const char *fmt, ...)
{
	AUTO(strbuf) struct strbuf message = STRBUF_INIT;
	AUTO(strbuf) struct strbuf place = STRBUF_INIT;
	size_t pos = place_pos(&x->at), column = 0;
	int line = 1;
	va_list ap;

	if (*x->err)
		return;
	for (size_t i = 0; i < pos; i++) {
		column = x->tree->text[i] == '\n' ? 0 : column + 1;
		line += x->tree->text[i] == '\n';
	}
	va_start(ap, fmt);
	strbuf_vaddf(&message, fmt, ap);
	va_end(ap);
	print_place(&place, &x->at);
	error_set(x->err, ERROR_INVALID, "template: root:%d:%zu: executing \"%.*s\" at <%s>: %s",
		  line, column, STR_FMT(x->def->name), place.buf, message.buf);
}

bool exec_step(struct exec *x)
{
	if (*x->err)
		return false;
	if (++x->steps > STEPS_MAX)
		exec_fail(x, "the template does not come to an end");
	return !*x->err;
}

bool exec_account(struct exec *x, size_t bytes)
{
	if (bytes > OUTPUT_MAX || (x->memory += bytes) > 4 * (size_t)OUTPUT_MAX)
		exec_fail(x, "the template needs too much memory");
	return !*x->err;
}

static bool enter(struct exec *x)
{
	if (++x->depth > DEPTH_MAX)
		exec_fail(x, "exceeded maximum template depth (%d)", DEPTH_MAX);
	return exec_step(x);
}

/* ---- nodes ------------------------------------------------------------------------------ */

static void run_list(struct exec *x, const struct node *n);

static void run_with(struct exec *x, const struct node *body, struct tmpl_value dot)
{
	struct tmpl_value outer = x->dot;

	if (enter(x)) {
		x->dot = dot;
		run_list(x, body);
		x->dot = outer;
	}
	x->depth--;
}

static void run_branch(struct exec *x, const struct node *n)
{
	struct tmpl_value v = exec_pipe(x, n->pipe);

	if (*x->err)
		return;
	if (tmpl_is_true(v))
		run_with(x, n->body, n->kind == NODE_WITH ? v : x->dot);
	else
		run_with(x, n->otherwise, x->dot);
}

/* False when the loop ends. */
static bool run_iteration(struct exec *x, const struct node *n, struct tmpl_value key,
			  struct tmpl_value item)
{
	const struct pipe *pipe = n->pipe;

	if (pipe->decl_count == 2) {
		exec_set(x, pipe->decls[0], key);
		exec_set(x, pipe->decls[1], item);
	} else if (pipe->decl_count == 1) {
		exec_set(x, pipe->decls[0], item);
	}
	if (*x->err)
		return false;
	run_with(x, n->body, item);

	bool goes_on = x->jump != JUMP_BREAK;

	x->jump = JUMP_NONE;
	return goes_on && !*x->err;
}

static struct tmpl_value key_of(struct tmpl_value v, size_t i)
{
	return v.kind == TMPL_MAP ? tmpl_string(str_of(value_key_at(v.data, i)))
				  : tmpl_int((int64_t)i);
}

static void range_over_number(struct exec *x, const struct node *n, int64_t count)
{
	if (n->pipe->decl_count > 1)
		exec_fail(x, "can't use %lld to iterate over more than one variable",
			  (long long)count);
	for (int64_t i = 0; i < count && run_iteration(x, n, tmpl_int(i), tmpl_int(i));)
		i++;
	if (count <= 0)
		run_with(x, n->otherwise, x->dot);
}

static void run_range(struct exec *x, const struct node *n)
{
	struct tmpl_value v = exec_pipe(x, n->pipe);
	bool has_items = v.kind == TMPL_LIST || v.kind == TMPL_MAP;
	size_t count = has_items ? tmpl_len(v) : 0;

	if (*x->err)
		return;
	if (v.kind == TMPL_INT || v.kind == TMPL_BYTE) {
		range_over_number(x, n, v.integer);
		return;
	}
	if (!has_items && v.kind != TMPL_NIL) {
		AUTO(strbuf) struct strbuf text = STRBUF_INIT_MAX(200);

		tmpl_print(&text, v);
		exec_fail(x, "range can't iterate over %s", text.buf);
		return;
	}
	if (!count)
		run_with(x, n->otherwise, x->dot);
	for (size_t i = 0; i < count && run_iteration(x, n, key_of(v, i), tmpl_at(v, i));)
		i++;
}

static struct tmpl_value *new_frame(struct exec *x, const struct template_def *def,
				    struct tmpl_value root)
{
	size_t size = sizeof(struct tmpl_value) * (size_t)def->slot_count;

	if (!exec_account(x, size))
		return NULL;

	struct tmpl_value *frame = arena_alloc(x->arena, size);

	frame[0] = root;
	return frame;
}

static void run_template(struct exec *x, const struct node *n)
{
	AUTO_FREE char *name = str_dup(n->name);
	const struct template_def *def = map_get(x->tree->defs, name), *outer = x->def;
	struct tmpl_value *frame = x->frame;
	struct tmpl_value dot = TMPL_NOTHING;

	if (!def) {
		exec_fail(x, "template \"%s\" not defined", name);
		return;
	}
	if (n->pipe)
		dot = exec_pipe(x, n->pipe);
	if (*x->err || !(x->frame = new_frame(x, def, dot))) {
		x->frame = frame;
		return;
	}
	x->def = def;
	run_with(x, def->body, dot);
	x->def = outer;
	x->frame = frame;
}

static void run_action(struct exec *x, const struct node *n)
{
	struct tmpl_value v = exec_pipe(x, n->pipe);

	if (!*x->err && !n->pipe->decl_count)
		tmpl_print_result(x->out, v);
	if (x->out->overflow)
		exec_fail(x, "the result is larger than 64 MiB");
}

static void run_node(struct exec *x, const struct node *n)
{
	x->at = (struct place){ .node = n };
	switch (n->kind) {
	case NODE_TEXT:
		strbuf_add(x->out, n->text.p, n->text.len);
		break;
	case NODE_ACTION:
		run_action(x, n);
		break;
	case NODE_IF:
	case NODE_WITH:
		run_branch(x, n);
		break;
	case NODE_RANGE:
		run_range(x, n);
		break;
	case NODE_TEMPLATE:
		run_template(x, n);
		break;
	case NODE_BREAK:
		x->jump = JUMP_BREAK;
		break;
	case NODE_CONTINUE:
		x->jump = JUMP_CONTINUE;
		break;
	}
}

static void run_list(struct exec *x, const struct node *n)
{
	for (; n && !x->jump && exec_step(x); n = n->next)
		run_node(x, n);
}

/* ---- entry points --------------------------------------------------------------------------- */

static bool is_function(const void *extra, struct str name)
{
	return tmpl_func_find(extra, name) != NULL;
}

static struct tmpl_tree *parse(const char *text, const struct tmpl_ctx *ctx, struct arena *arena,
			       struct error **err)
{
	const struct tmpl_names names = { is_function, ctx ? ctx->extra : NULL };

	return tmpl_parse(text, &names, arena, err);
}

static void exec_run(struct exec *x)
{
	struct tmpl_value root = tmpl_from(x->ctx->data);

	x->def = &x->tree->main;
	x->dot = root;
	x->frame = new_frame(x, x->def, root);
	if (x->frame)
		run_with(x, x->def->body, root);
}

char *tmpl_render(const char *text, const struct tmpl_ctx *ctx, struct error **err)
{
	if (!strstr(text, "{{"))
		return xstrdup(text);

	AUTO(arena) struct arena *arena = arena_new();
	AUTO(strbuf) struct strbuf out = STRBUF_INIT_MAX(OUTPUT_MAX);
	struct exec x = { .ctx = ctx, .arena = arena, .out = &out, .err = err };

	x.tree = parse(text, ctx, arena, err);
	if (!x.tree)
		return NULL;
	exec_run(&x);
	return *err ? NULL : strbuf_detach(&out);
}

int tmpl_check(const char *text, const struct tmpl_ctx *ctx, struct error **err)
{
	if (!strstr(text, "{{"))
		return 0;

	AUTO(arena) struct arena *arena = arena_new();

	return parse(text, ctx, arena, err) ? 0 : -1;
}
