/* SPDX-License-Identifier: Apache-2.0 */
/* Trees as text. */
#include "tmpl/node.h"

#include "base/encode.h"

const char *node_keyword(enum node_kind kind)
{
	switch (kind) {
	case NODE_IF:
		return "if";
	case NODE_WITH:
		return "with";
	case NODE_RANGE:
		return "range";
	case NODE_TEMPLATE:
		return "template";
	case NODE_BREAK:
		return "break";
	case NODE_CONTINUE:
		return "continue";
	case NODE_TEXT:
	case NODE_ACTION:
		break;
	}
	return "";
}

static void print_fields(struct strbuf *sb, const struct term *t)
{
	for (size_t i = 0; i < t->field_count; i++) {
		strbuf_addch(sb, '.');
		strbuf_add(sb, t->fields[i].p, t->fields[i].len);
	}
}

void term_print(struct strbuf *sb, const struct term *t)
{
	switch (t->kind) {
	case TERM_DOT:
	case TERM_NIL:
	case TERM_BOOL:
	case TERM_NUMBER:
	case TERM_STRING:
	case TERM_IDENTIFIER:
		strbuf_add(sb, t->text.p, t->text.len);
		break;
	case TERM_FIELD:
		print_fields(sb, t);
		break;
	case TERM_VARIABLE:
		strbuf_add(sb, t->text.p, t->text.len);
		print_fields(sb, t);
		break;
	case TERM_CHAIN:
		if (t->base->kind == TERM_PIPE)
			strbuf_addch(sb, '(');
		term_print(sb, t->base);
		if (t->base->kind == TERM_PIPE)
			strbuf_addch(sb, ')');
		print_fields(sb, t);
		break;
	case TERM_PIPE:
		pipe_print(sb, t->pipe);
		break;
	}
}

void command_print(struct strbuf *sb, const struct command *c)
{
	for (size_t i = 0; i < c->len; i++) {
		bool is_pipe = c->args[i]->kind == TERM_PIPE;

		strbuf_addstr(sb, i ? " " : "");
		strbuf_addstr(sb, is_pipe ? "(" : "");
		term_print(sb, c->args[i]);
		strbuf_addstr(sb, is_pipe ? ")" : "");
	}
}

void pipe_print(struct strbuf *sb, const struct pipe *p)
{
	for (size_t i = 0; i < p->decl_count; i++) {
		strbuf_addstr(sb, i ? ", " : "");
		term_print(sb, p->decls[i]);
	}
	if (p->decl_count)
		strbuf_addstr(sb, p->is_assign ? " = " : " := ");
	for (size_t i = 0; i < p->len; i++) {
		strbuf_addstr(sb, i ? " | " : "");
		command_print(sb, &p->commands[i]);
	}
}

static void print_list(struct strbuf *sb, const struct node *n)
{
	for (; n; n = n->next)
		node_print(sb, n);
}

static void print_call(struct strbuf *sb, const struct node *n)
{
	strbuf_addstr(sb, "{{template ");
	encode_go_quoted(sb, n->name.p, n->name.len);
	if (n->pipe) {
		strbuf_addch(sb, ' ');
		pipe_print(sb, n->pipe);
	}
	strbuf_addstr(sb, "}}");
}

static void print_branches(struct strbuf *sb, const struct node *n)
{
	strbuf_addf(sb, "{{%s ", node_keyword(n->kind));
	pipe_print(sb, n->pipe);
	strbuf_addstr(sb, "}}");
	print_list(sb, n->body);
	if (n->has_else) {
		strbuf_addstr(sb, "{{else}}");
		print_list(sb, n->otherwise);
	}
	strbuf_addstr(sb, "{{end}}");
}

void node_print(struct strbuf *sb, const struct node *n)
{
	switch (n->kind) {
	case NODE_TEXT:
		strbuf_add(sb, n->text.p, n->text.len);
		break;
	case NODE_ACTION:
		strbuf_addstr(sb, "{{");
		pipe_print(sb, n->pipe);
		strbuf_addstr(sb, "}}");
		break;
	case NODE_IF:
	case NODE_WITH:
	case NODE_RANGE:
		print_branches(sb, n);
		break;
	case NODE_TEMPLATE:
		print_call(sb, n);
		break;
	case NODE_BREAK:
	case NODE_CONTINUE:
		strbuf_addf(sb, "{{%s}}", node_keyword(n->kind));
		break;
	}
}
