/* SPDX-License-Identifier: Apache-2.0 */
/* Values of variables from outside, lowest precedence first (language.md 15.4). */
#include "base/utf8.h"
#include "config/loader.h"
#include "eval/eval.h"
#include "value/convert.h"

static const char env_prefix[] = "PKR_VAR_";

static void report_misfit(struct loader *l, const struct variable_decl *v,
			  enum variable_origin origin, const struct range *at,
			  const struct error *why)
{
	if (origin == VARIABLE_CMD)
		diags_error(l->diags, at, "Invalid argument value for -var variable",
			    "The received arg value for %s is not compatible with the variable's "
			    "type constraint: %s.",
			    v->pub.name, why->message);
	else
		diags_error(l->diags, at, "Invalid value for variable",
			    "The value for %s is not compatible with the variable's type "
			    "constraint: %s.",
			    v->pub.name, why->message);
}

static void assign(struct loader *l, struct variable_decl *v, enum variable_origin origin,
		   struct value *raw, struct range at)
{
	AUTO(error) struct error *e = NULL;
	/* now, as the line of one that does not fit is shown */
	if (v->pub.sensitive)
		register_secrets(l->opts->redactor, raw);
	AUTO(value) struct value *whole = value_apply_defaults(raw, v->pub.type);
	struct value *converted = value_convert(whole, v->pub.type, &e);
	if (!converted) {
		report_misfit(l, v, origin, &at, e);
		converted = value_unknown(v->pub.type);
	}
	v->pub.value = value_keep(l->arena, converted);
	v->pub.origin = origin;
	v->pub.value_range = at;
}

static struct range whole_range(const struct source *src)
{
	struct range r = { .source = src, .start = { 1, 1, 0 }, .end = { 1, 1, src->len } };
	size_t line = 0;
	for (size_t i = 0; i < src->len; i++) {
		if (src->text[i] != '\n')
			continue;
		r.end.line++;
		line = i + 1;
	}
	r.end.column = 1 + (int)utf8_grapheme_count(src->text + line, src->len - line);
	return r;
}

/* A text is itself for variables that can hold one; for the others it is an expression. */
static void assign_text(struct loader *l, struct variable_decl *v, enum variable_origin origin,
			const char *text)
{
	if (v->pub.sensitive && l->opts->redactor)
		redactor_add(l->opts->redactor, text, strlen(text));
	AUTO_FREE char *file = xasprintf("<value for var.%s from %s>", v->pub.name,
					 origin == VARIABLE_ENV ? "env" : "arguments");
	const struct source *src = sources_add(l->config->sources, file, text, strlen(text));
	enum type_kind kind = type_kind(v->pub.type);
	if (kind == TYPE_STRING || kind == TYPE_NUMBER || kind == TYPE_DYNAMIC) {
		AUTO(value) struct value *literal = value_string(text);
		assign(l, v, origin, literal, whole_range(src));
		return;
	}
	size_t errors = l->diags->errors;
	struct expr *e = parse_expression(src, l->arena, l->diags);
	if (l->diags->errors > errors)
		return;
	AUTO(value) struct value *raw = eval_expr(e, NULL, l->diags);
	assign(l, v, origin, raw, e->range);
}

static void collect_env(struct loader *l)
{
	for (const char *const *p = l->opts->environ; p && *p; p++) {
		if (!text_starts_with(*p, env_prefix))
			continue;
		const char *name = *p + strlen(env_prefix);
		const char *equals = strchr(name, '=');
		if (!equals)
			continue;
		AUTO_FREE char *key = xstrndup(name, (size_t)(equals - name));
		struct variable_decl *v = find_variable(l, key);
		if (v)
			assign_text(l, v, VARIABLE_ENV, equals + 1);
	}
}

/* ---- files ------------------------------------------------------------------------------ */

static void report_declaration(struct loader *l, const struct config_file *f, const struct block *b)
{
	const char *name = text_of_label(l, b, 0);
	diags_error(l->diags, &b->type_range, "Variable declaration in a .pkrvar file",
		    "A .pkrvar file is used to assign values to variables that have already been "
		    "declared in .pkr files, not to declare new variables. To declare variable "
		    "%s, place this block in one of your .pkr files, such as "
		    "variables.pkr.hcl\n\nTo set a value for this variable in %s, use the "
		    "definition syntax instead:\n    %s = <value>",
		    quote(l->arena, name), f->path, name);
}

static bool has_declarations(struct loader *l, const struct config_file *f)
{
	static const char *const labels[] = { "name", NULL };
	static const struct block_schema blocks[] = { { "variable", labels }, { 0 } };
	static const struct body_schema schema = { .blocks = blocks };
	AUTO(diags) struct diags ignored = DIAGS_INIT;
	struct content c = { 0 };
	body_partial_content(f->body, &schema, l->arena, &c, &ignored);
	for (size_t i = 0; i < c.block_count; i++)
		report_declaration(l, f, c.blocks[i]);
	return c.block_count > 0;
}

static void warn_undeclared(struct loader *l, const char *name)
{
	if (!l->opts->warn_undeclared)
		return;
	diags_warning(l->diags, NULL, "Undefined variable",
		      "The variable \"%s\" was set but was not declared as an input variable.\n"
		      "To declare variable \"%s\" place this block in one of your .pkr.hcl files, "
		      "such as variables.pkr.hcl\n\nvariable \"%s\" {\n  type    = string\n  "
		      "default = null\n}",
		      name, name, name);
}

static void collect_file(struct loader *l, const struct config_file *f)
{
	if (has_declarations(l, f))
		return;
	struct content c = { 0 };
	body_attributes(f->body, l->arena, &c, l->diags);
	for (size_t i = 0; i < c.attr_count; i++) {
		const struct attribute *a = c.attrs[i];
		AUTO_FREE char *name = str_dup(a->name);
		struct variable_decl *v = find_variable(l, name);
		if (!v) {
			warn_undeclared(l, name);
			continue;
		}
		AUTO(value) struct value *raw = eval_expr(a->expr, NULL, l->diags);
		assign(l, v, VARIABLE_FILE, raw, a->expr->range);
	}
}

/* ---- the command line --------------------------------------------------------------------- */

static void assign_argument(struct loader *l, const char *name, const char *text)
{
	struct variable_decl *v = find_variable(l, name);
	if (v) {
		assign_text(l, v, VARIABLE_CMD, text);
		return;
	}
	diags_error(l->diags, NULL, "Undefined -var variable",
		    "A %s variable was passed in the command line but was not found in known "
		    "variables. To declare variable %s, place this block in one of your .pkr "
		    "files, such as variables.pkr.hcl",
		    quote(l->arena, name), quote(l->arena, name));
}

/* The last one of a repeated flag wins. */
static void collect_arguments(struct loader *l)
{
	AUTO(map) struct map last = MAP_INIT(NULL);
	for (size_t i = 0; l->opts->vars && i < l->opts->vars->len; i++) {
		char *flag = l->opts->vars->v[i];
		char *equals = strchr(flag, '=');
		size_t len = equals ? (size_t)(equals - flag) : strlen(flag);
		AUTO_FREE char *key = xstrndup(flag, len);
		map_set(&last, key, equals ? equals + 1 : flag + len);
	}
	for (size_t i = 0; i < last.len; i++)
		assign_argument(l, last.entries[i].key, last.entries[i].value);
}

void collect_variable_values(struct loader *l)
{
	collect_env(l);
	for (size_t i = 0; i < l->var_files.len; i++)
		collect_file(l, &l->var_files.items[i]);
	collect_arguments(l);
}
