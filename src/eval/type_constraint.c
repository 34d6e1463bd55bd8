/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `type = list(string)`: types are read from the syntax, never evaluated
 * (language.md 11). The functions return an owned type, or NULL after they
 * have reported; an object goes on to its next attribute to report more.
 */
#include "base/alloc.h"
#include "eval/evaluator.h"
#include "lang/parser.h"
#include "value/convert.h"

#include <string.h>

struct reader {
	struct arena *arena; /* of expressions that are texts in JSON */
	struct diags *diags;
	bool allow_optional;
};

static const char invalid_type[] = "Invalid type specification";

static struct type *read_type(const struct reader *r, const struct expr *e);

/* Always NULL, so that callers can return it. */
PRINTF(4, 5)
static struct type *refuse(const struct reader *r, struct range subject, const struct expr *context,
			   const char *fmt, ...)
{
	AUTO(strbuf) struct strbuf detail = STRBUF_INIT;
	va_list ap;

	va_start(ap, fmt);
	strbuf_vaddf(&detail, fmt, ap);
	va_end(ap);
	struct diag *d = diags_error(r->diags, &subject, invalid_type, "%s", detail.buf);
	if (context)
		d->context = context->range;
	return NULL;
}

static const struct expr *unbound(const struct expr *e)
{
	while (e->kind == EXPR_BOUND)
		e = e->bound.inner;
	return e;
}

static bool is_collection_keyword(struct str name)
{
	return str_is(name, "list") || str_is(name, "set") || str_is(name, "map");
}

static struct type *primitive_named(struct str name)
{
	if (str_is(name, "string"))
		return type_string;
	if (str_is(name, "number"))
		return type_number;
	return str_is(name, "bool") ? type_bool : NULL;
}

/* `object` and so on without their one argument. */
static const char *argument_wanted(struct str name)
{
	if (str_is(name, "object"))
		return "The object type constructor requires one argument specifying the attribute "
		       "types and values as a map.";
	if (str_is(name, "tuple"))
		return "The tuple type constructor requires one argument specifying the element "
		       "types as a list.";
	return NULL;
}

static struct type *refuse_count(const struct reader *r, struct str name, struct range subject,
				 const struct range *context)
{
	const char *text = argument_wanted(name);
	size_t before = r->diags->len;

	if (text)
		refuse(r, subject, NULL, "%s", text);
	else
		refuse(r, subject, NULL,
		       "The %.*s type constructor requires one argument specifying the element "
		       "type.",
		       STR_FMT(name));
	if (context)
		r->diags->items[before].context = *context;
	return NULL;
}

static struct type *read_keyword(const struct reader *r, const struct expr *e, struct str name)
{
	struct type *primitive = primitive_named(name);

	if (primitive)
		return type_ref(primitive);
	if (str_is(name, "any"))
		return type_ref(type_dynamic);
	if (is_collection_keyword(name) || argument_wanted(name))
		return refuse_count(r, name, e->range, NULL);

	AUTO_FREE char *quoted = go_quoted(name.p, name.len);
	return refuse(r, e->range, NULL, "The keyword %s is not a valid type specification.",
		      quoted);
}

static struct type *read_collection(const struct reader *r, const struct expr *e)
{
	AUTO(type) struct type *element = read_type(r, e->call.args[0]);

	if (!element)
		return NULL;
	if (str_is(e->call.name, "list"))
		return type_list(element);
	return str_is(e->call.name, "set") ? type_set(element) : type_map(element);
}

static struct type *read_tuple(const struct reader *r, const struct expr *e)
{
	const struct expr *list = unbound(e->call.args[0]);

	if (list->kind != EXPR_TUPLE)
		return refuse(r, list->range, e,
			      "Tuple type constructor requires a list of element types.");

	size_t n = list->tuple.len;
	AUTO_FREE struct type **types = xcalloc(n + 1, sizeof(struct type *));
	bool ok = true;
	for (size_t i = 0; i < n; i++) {
		types[i] = read_type(r, list->tuple.items[i]);
		ok = ok && types[i];
	}
	struct type *ret = ok ? type_tuple(types, n) : NULL;
	for (size_t i = 0; i < n; i++)
		type_unref(types[i]);
	return ret;
}

/* --- objects --- */

struct field {
	char *name;
	struct type *type;
	bool optional;
	const struct expr *fallback_expr;
	struct value *fallback;
};

static void field_release(struct field *f)
{
	free(f->name);
	type_unref(f->type);
	value_unref(f->fallback);
	*f = (struct field){ 0 };
}

/* Unwraps `optional(TYPE, DEFAULT)`; returns the expression of the type, NULL after reporting. */
static const struct expr *read_modifier(const struct reader *r, const struct expr *e,
					struct field *f)
{
	e = unbound(e);
	if (e->kind != EXPR_CALL || !str_is(e->call.name, "optional"))
		return e;

	struct range parens = range_between(e->call.open, e->call.close);
	size_t n = e->call.len;
	if (n < 1) {
		refuse(r, parens, e,
		       "Optional attribute modifier requires the attribute type as its argument.");
		return NULL;
	}
	if (!r->allow_optional) {
		refuse(r, e->call.name_range, e,
		       "Optional attribute modifier is only for type constraints, not for exact "
		       "types.");
		return e->call.args[0];
	}
	if (n > 2) {
		refuse(r, parens, e,
		       "Optional attribute modifier expects at most two arguments: the attribute "
		       "type, and a default value.");
		return e->call.args[0];
	}
	f->optional = true;
	if (n == 2) {
		size_t before = r->diags->errors;

		f->fallback_expr = e->call.args[1];
		f->fallback = eval_expr(f->fallback_expr, NULL, r->diags);
		f->optional = r->diags->errors == before;
	}
	return e->call.args[0];
}

static void convert_fallback(const struct reader *r, struct field *f)
{
	AUTO(error) struct error *err = NULL;

	if (!f->fallback || !f->type)
		return;
	struct value *v = value_convert(f->fallback, f->type, &err);
	if (!v)
		diags_error(r->diags, &f->fallback_expr->range,
			    "Invalid default value for optional attribute",
			    "This default value is not compatible with the attribute's type "
			    "constraint: %s.",
			    err->message);
	value_unref(f->fallback);
	f->fallback = v;
}

/* The name of an attribute: a bare identifier. len 0: it is something else. */
static struct str attribute_name(const struct object_item *item)
{
	if (item->key_is_ambiguous || !item->key_is_bare)
		return (struct str){ 0 };
	if (item->key->kind == EXPR_TEMPLATE && item->key->template->len == 1)
		return item->key->template->parts[0].literal;
	return expr_keyword(item->key);
}

static void read_field(const struct reader *r, const struct expr *e, const struct object_item *item,
		       struct field *f)
{
	struct str name = attribute_name(item);

	if (name.len == 0) {
		refuse(r, item->key->range, e,
		       "Object constructor map keys must be attribute names.");
		return;
	}
	f->name = str_dup(name);
	const struct expr *type = read_modifier(r, item->value, f);
	if (!type)
		return;
	f->type = read_type(r, type);
	convert_fallback(r, f);
}

static bool is_repeated(const struct field *fields, size_t i)
{
	for (size_t k = 0; k < i; k++) {
		if (fields[k].name && fields[i].name && strcmp(fields[k].name, fields[i].name) == 0)
			return true;
	}
	return false;
}

static struct type *make_object(const struct field *fields, size_t n)
{
	AUTO_FREE struct type_field *tf = xcalloc(n + 1, sizeof(*tf));

	for (size_t i = 0; i < n; i++)
		tf[i] = (struct type_field){ .name = fields[i].name,
					     .type = fields[i].type,
					     .optional = fields[i].optional,
					     .fallback = fields[i].fallback };
	return type_object(tf, n);
}

static struct type *read_object(const struct reader *r, const struct expr *e)
{
	const struct expr *map = unbound(e->call.args[0]);
	size_t before = r->diags->errors;

	if (map->kind != EXPR_OBJECT)
		return refuse(r, map->range, e,
			      "Object type constructor requires a map whose keys are attribute "
			      "names and whose values are the corresponding attribute types.");

	size_t n = map->object.len;
	AUTO_FREE struct field *fields = xcalloc(n + 1, sizeof(*fields));
	for (size_t i = 0; i < n; i++) {
		read_field(r, e, &map->object.items[i], &fields[i]);
		if (is_repeated(fields, i))
			refuse(r, map->object.items[i].key->range, e,
			       "Object constructor map keys must be unique.");
	}
	struct type *ret = r->diags->errors == before ? make_object(fields, n) : NULL;
	for (size_t i = 0; i < n; i++)
		field_release(&fields[i]);
	return ret;
}

/* --- constructors --- */

static struct type *refuse_call(const struct reader *r, const struct expr *e)
{
	struct str name = e->call.name;
	AUTO_FREE char *quoted = go_quoted(name.p, name.len);

	if (str_is(name, "optional"))
		return refuse(r, e->call.name_range, NULL,
			      "Keyword %s is valid only as a modifier for object type attributes.",
			      quoted);
	return refuse(r, e->range, NULL, "Keyword %s is not a valid type constructor.", quoted);
}

static struct type *read_call(const struct reader *r, const struct expr *e)
{
	struct str name = e->call.name;
	struct range parens = range_between(e->call.open, e->call.close);
	size_t n = e->call.len;
	bool is_known = is_collection_keyword(name) || argument_wanted(name);

	if (primitive_named(name) || str_is(name, "any")) {
		AUTO_FREE char *quoted = go_quoted(name.p, name.len);

		return refuse(r, parens, NULL, "%s keyword %s does not expect arguments.",
			      primitive_named(name) ? "Primitive type" : "Type constraint", quoted);
	}
	if (!is_known)
		return refuse_call(r, e);
	if (n != 1) {
		struct range extra = parens;

		if (n > 1)
			extra = range_between(e->call.args[1]->range, e->call.args[n - 1]->range);
		return refuse_count(r, name, extra, &parens);
	}
	if (str_is(name, "object"))
		return read_object(r, e);
	return str_is(name, "tuple") ? read_tuple(r, e) : read_collection(r, e);
}

static struct type *read_type(const struct reader *r, const struct expr *e)
{
	e = unbound(e);

	struct str keyword = expr_keyword(e);
	if (keyword.len > 0)
		return read_keyword(r, e, keyword);

	const struct expr *call = expr_static(e, r->arena);
	if (call->kind == EXPR_CALL)
		return read_call(r, call);
	return refuse(r, e->range, NULL,
		      "A type specification is either a primitive type keyword (bool, number, "
		      "string) or a complex type constructor call, like list(string).");
}

struct type *eval_type_constraint(const struct expr *e, bool allow_optional,
				  const struct scope *scope, struct diags *diags)
{
	(void)scope; /* constraints are static */

	AUTO(arena) struct arena *arena = arena_new();

	return read_type(&(struct reader){ arena, diags, allow_optional }, e);
}
