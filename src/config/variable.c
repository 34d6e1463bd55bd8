/* SPDX-License-Identifier: Apache-2.0 */
/* `variable` and `variables` blocks, and the rules their values must pass (language.md 15). */
#include "base/utf8.h"
#include "config/blocks.h"
#include "config/loader.h"
#include "eval/eval.h"
#include "func/table.h"
#include "value/convert.h"

struct variable_decl *find_variable(const struct loader *l, const char *name)
{
	size_t at = (size_t)map_get(&l->variable_index, name);
	return at ? &l->variables.items[at - 1] : NULL;
}

/* NULL when the name is taken. */
static struct variable_decl *declare(struct loader *l, const char *name, const struct range *at,
				     const struct range *context)
{
	if (find_variable(l, name)) {
		struct diag *d = diags_error(l->diags, at, "Duplicate variable",
					     "Duplicate %s variable definition found.", name);
		d->context = *context;
		return NULL;
	}
	struct variable_decl *v = vec_push(&l->variables);
	v->pub.name = name;
	v->pub.type = type_dynamic;
	map_set(&l->variable_index, name, (void *)l->variables.len);
	return v;
}

/* ---- validation blocks ---------------------------------------------------------- */

struct reference_check {
	struct loader *l;
	const char *name;
	size_t good;
};

/* Name of the step right above the root of a traversal, or empty. */
static struct str first_step(const struct expr *e, struct str *ret_root)
{
	struct str step = { 0 };
	while (e->kind == EXPR_ATTR || e->kind == EXPR_INDEX) {
		step = e->kind == EXPR_ATTR ? e->attr.name : (struct str){ 0 };
		e = e->kind == EXPR_ATTR ? e->attr.object : e->index.object;
	}
	*ret_root = e->kind == EXPR_VARIABLE ? e->variable.name : (struct str){ 0 };
	return step;
}

static void check_reference(void *data, const struct expr *traversal)
{
	struct reference_check *c = data;
	struct str root;
	struct str step = first_step(traversal, &root);
	if (str_is(root, "var") && str_is(step, c->name)) {
		c->good++;
		return;
	}
	diags_error(c->l->diags, &traversal->range, "Invalid reference in variable validation",
		    "The condition for variable %s can only refer to the variable itself, "
		    "using var.%s.",
		    quote(c->l->arena, c->name), c->name);
}

/* First letter, if it is one, upper case; ends like a sentence. */
static bool looks_like_sentence(const char *text)
{
	struct str s = str_trim(str_of(text));
	if (s.len == 0)
		return false;
	uint32_t first = 0;
	utf8_decode(s.p, s.len, &first);
	if (utf8_is_letter(first) && !utf8_is_upper(first))
		return false;
	return strchr(".?!", s.p[s.len - 1]) != NULL;
}

static const char *read_message(struct loader *l, const struct attribute *a)
{
	size_t errors = l->diags->errors;
	const char *text = read_text(l, a, NULL);
	if (l->diags->errors > errors)
		return NULL;
	static const char summary[] = "Invalid validation error message";
	if (text_is_empty(text))
		diags_error(l->diags, &a->expr->range, summary,
			    "An empty string is not a valid nor useful error message.");
	else if (!looks_like_sentence(text))
		diags_error(l->diags, &a->expr->range, summary,
			    "Validation error message must be at least one full sentence starting "
			    "with an uppercase letter ( if the alphabet permits it ) and ending "
			    "with a period or question mark.");
	return text;
}

static void read_validation(struct loader *l, struct variable_decl *v, const struct block *b)
{
	struct content c = { 0 };
	body_content(b->body, &validation_schema, l->arena, &c, l->diags);
	const struct attribute *condition = content_attr(&c, "condition");
	const struct attribute *message = content_attr(&c, "error_message");
	struct validation rule = { .range = b->header };
	if (message)
		rule.message = read_message(l, message);
	if (!condition)
		return;
	struct reference_check check = { l, v->pub.name, 0 };
	expr_walk_references(condition->expr, check_reference, &check);
	if (check.good == 0)
		diags_error(l->diags, &condition->expr->range,
			    "Invalid variable validation condition",
			    "The condition for variable %s must refer to var.%s in order to "
			    "test incoming values.",
			    quote(l->arena, v->pub.name), v->pub.name);
	rule.condition = condition->expr;
	if (rule.message)
		*vec_push(&v->validations) = rule;
}

/* ---- blocks ------------------------------------------------------------------------- */

/* Without a type the default's counts, except that an empty literal says nothing. */
static struct type *type_of_default(const struct value *v)
{
	struct type *t = value_type(v);
	enum type_kind kind = type_kind(t);
	bool is_empty_literal = (kind == TYPE_TUPLE || kind == TYPE_OBJECT) && type_len(t) == 0;
	return is_empty_literal ? type_dynamic : t;
}

static void read_default(struct loader *l, struct variable_decl *v, const struct attribute *a,
			 bool has_type)
{
	size_t errors = l->diags->errors;
	AUTO(value) struct value *raw = eval_expr(a->expr, l->default_scope, l->diags);
	v->pub.origin = VARIABLE_DEFAULT;
	v->pub.value_range = a->expr->range;
	if (l->diags->errors > errors) {
		v->pub.value = value_keep(l->arena, value_unknown(v->pub.type));
		return;
	}
	if (!has_type) {
		v->pub.type = keep_type(l->arena, type_ref(type_of_default(raw)));
		v->pub.value = value_keep(l->arena, value_ref(raw));
		return;
	}
	AUTO(error) struct error *e = NULL;
	AUTO(value) struct value *whole = value_apply_defaults(raw, v->pub.type);
	struct value *converted = value_convert(whole, v->pub.type, &e);
	if (!converted) {
		if (v->pub.sensitive)
			register_secrets(l->opts->redactor, raw);
		diags_error(l->diags, &a->expr->range, "Invalid default value for variable",
			    "This default value is not compatible with the variable's type "
			    "constraint: %s.",
			    e->message);
		converted = value_unknown(v->pub.type);
	}
	v->pub.value = value_keep(l->arena, converted);
}

static void read_variable(struct loader *l, const struct block *b)
{
	const char *name = text_of_label(l, b, 0);
	struct variable_decl *v = declare(l, name, &b->header, &b->header);
	if (!v)
		return;
	v->pub.range = b->header;
	struct content c = { 0 };
	body_content(b->body, &variable_schema, l->arena, &c, l->diags);
	if (!is_identifier(name) && b->label_count > 0)
		diags_error(l->diags, &b->label_ranges[0], "Invalid variable name", "%s",
			    bad_name_detail);
	v->pub.description = read_text(l, content_attr(&c, "description"), NULL);
	read_bool(l, content_attr(&c, "sensitive"), NULL, &v->pub.sensitive);
	const struct attribute *type = content_attr(&c, "type");
	if (type) {
		struct type *t = eval_type_constraint(type->expr, true, NULL, l->diags);
		if (t)
			v->pub.type = keep_type(l->arena, t);
	}
	const struct attribute *fallback = content_attr(&c, "default");
	if (fallback)
		read_default(l, v, fallback, type != NULL);
	for (size_t i = 0; i < c.block_count; i++)
		read_validation(l, v, c.blocks[i]);
}

/* The old form: each argument is a variable with a default. */
static void read_variables_block(struct loader *l, const struct block *b)
{
	struct content c = { 0 };
	body_attributes(b->body, l->arena, &c, l->diags);
	for (size_t i = 0; i < c.attr_count; i++) {
		const struct attribute *a = c.attrs[i];
		const char *name = arena_strndup(l->arena, a->name.p, a->name.len);
		struct variable_decl *v = declare(l, name, &a->name_range, &a->range);
		if (!v)
			continue;
		v->pub.range = a->range;
		v->pub.origin = VARIABLE_DEFAULT;
		v->pub.value_range = a->expr->range;
		struct value *value = eval_expr(a->expr, l->default_scope, l->diags);
		v->pub.value = value_keep(l->arena, value);
		v->pub.type = keep_type(l->arena, type_ref(value_type(value)));
	}
}

void read_variables(struct loader *l)
{
	for (size_t i = 0; i < l->files.len; i++) {
		const struct content *top = &l->files.items[i].content;
		for (size_t j = 0; j < top->block_count; j++) {
			const struct block *b = top->blocks[j];
			if (str_is(b->type, "variable"))
				read_variable(l, b);
			else if (str_is(b->type, "variables"))
				read_variables_block(l, b);
		}
	}
}

/* ---- the rules ------------------------------------------------------------------------ */

STRING_TABLE(variable_origin, VARIABLE_CMD + 1, "unset", "default", "env", "varfile", "cmd");

static struct scope *validation_scope(const struct loader *l, const struct variable_decl *v)
{
	struct scope *s = scope_new(NULL);
	scope_set_functions(s, builtin_functions, l->validation_world);
	struct map fields;
	value_map_init(&fields);
	map_set(&fields, v->pub.name, value_ref(v->pub.value));
	AUTO(value) struct value *object = value_object_take(&fields);
	scope_set(s, "var", object);
	return s;
}

static void report_broken(struct loader *l, const struct variable_decl *v,
			  const struct validation *rule)
{
	AUTO(strbuf) struct strbuf at = STRBUF_INIT;
	range_format(&at, rule->range);
	AUTO_FREE char *summary =
		xasprintf("Invalid value for %s variable", variable_origin_names[v->pub.origin]);
	diags_error(l->diags, &v->pub.value_range, summary,
		    "%s\n\nThis was checked by the validation rule at %s.", rule->message, at.buf);
}

static void apply_rule(struct loader *l, const struct variable_decl *v,
		       const struct validation *rule)
{
	static const char summary[] = "Invalid variable validation result";
	const struct range *at = &rule->condition->range;
	AUTO(scope) struct scope *scope = validation_scope(l, v);
	AUTO(value) struct value *raw = eval_expr(rule->condition, scope, l->diags);
	if (!value_is_known(raw))
		return;
	if (value_is_null(raw)) {
		diags_error(l->diags, at, summary,
			    "Validation condition expression must return either true or false, "
			    "not null.");
		return;
	}
	AUTO(error) struct error *e = NULL;
	AUTO(value) struct value *result = value_convert(raw, type_bool, &e);
	if (!result)
		diags_error(l->diags, at, summary, "Invalid validation condition result value: %s.",
			    e->message);
	else if (!value_as_bool(result))
		report_broken(l, v, rule);
}

void validate_variables(struct loader *l)
{
	for (size_t i = 0; i < l->variables.len; i++) {
		const struct variable_decl *v = &l->variables.items[i];
		if (!v->pub.value) {
			AUTO_FREE char *summary =
				xasprintf("Unset variable %s", quote(l->arena, v->pub.name));
			struct diag *d = diags_error(
				l->diags, NULL, summary,
				"A used variable must be set or have a default value; see "
				"https://packer.io/docs/templates/hcl_templates/syntax for "
				"details.");
			d->context = v->pub.range;
			continue;
		}
		for (size_t j = 0; j < v->validations.len; j++)
			apply_rule(l, v, &v->validations.items[j]);
	}
}

struct value *variables_object(const struct loader *l)
{
	struct map fields;
	value_map_init(&fields);
	for (size_t i = 0; i < l->variables.len; i++) {
		const struct config_variable *v = &l->variables.items[i].pub;
		struct value *known = v->value ? value_ref(v->value) : value_unknown(v->type);
		map_set(&fields, v->name,
			v->sensitive ? value_mark_sensitive(known, true) : value_ref(known));
		value_unref(known);
	}
	return value_object_take(&fields);
}
