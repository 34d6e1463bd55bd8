/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reads configuration files by a specification into one value and prints it as
 * JSON, with the options and the exit status of the program of that name:
 *
 *   hcldec --spec FILE [--with-type] [--keep-nulls] [--diags=json] [--vars FILE|TEXT] [FILE…]
 *   hcldec --spec FILE --var-refs [FILE…]
 */
#include "base/alloc.h"
#include "base/strv.h"
#include "eval/eval.h"
#include "lang/json.h"
#include "lang/parser.h"
#include "os/fs.h"
#include "schema/spec.h"
#include "value/jsontext.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { EXIT_MISTAKES = 2 };

struct program {
	const char *spec_path, *vars;
	struct strv files;
	bool with_type, keep_nulls, json_diags, var_refs;
	struct sources *sources;
	struct arena *arena;
	struct scope *scope;
	struct diags diags;
};

/* --- specifications ------------------------------------------------------ */

typedef void (*fill_fn)(struct program *p, const struct block *b, const char *name,
			struct spec *ret);

static void fill_attr(struct program *p, const struct block *b, const char *name, struct spec *ret);
static void fill_literal(struct program *p, const struct block *b, const char *name,
			 struct spec *ret);
static void fill_block(struct program *p, const struct block *b, const char *name,
		       struct spec *ret);
static void fill_block_attrs(struct program *p, const struct block *b, const char *name,
			     struct spec *ret);
static void fill_label(struct program *p, const struct block *b, const char *name,
		       struct spec *ret);
static void fill_default(struct program *p, const struct block *b, const char *name,
			 struct spec *ret);
static void fill_fields(struct program *p, const struct block *b, const char *name,
			struct spec *ret);

static const struct {
	const char *name;
	enum spec_kind kind;
	fill_fn fill;
} kinds[] = {
	{ "object", SPEC_OBJECT, fill_fields },
	{ "array", SPEC_TUPLE, fill_fields },
	{ "attr", SPEC_ATTR, fill_attr },
	{ "literal", SPEC_LITERAL, fill_literal },
	{ "default", SPEC_DEFAULT, fill_default },
	{ "block", SPEC_BLOCK, fill_block },
	{ "block_list", SPEC_BLOCK_LIST, fill_block },
	{ "block_tuple", SPEC_BLOCK_TUPLE, fill_block },
	{ "block_set", SPEC_BLOCK_SET, fill_block },
	{ "block_map", SPEC_BLOCK_MAP, fill_block },
	{ "block_object", SPEC_BLOCK_OBJECT, fill_block },
	{ "block_attrs", SPEC_BLOCK_ATTRS, fill_block_attrs },
	{ "block_label", SPEC_LABEL, fill_label },
};

/* The arguments of a specification, and the specifications inside it. */
static struct content spec_content(struct program *p, const struct body *b,
				   const struct attr_schema *attrs, bool labelled,
				   const struct block_schema *more)
{
	static const char *const key[] = { "key", NULL };
	struct block_schema *blocks =
		ARENA_ARRAY(p->arena, struct block_schema, ARRAY_LEN(kinds) + 2);
	struct body_schema schema = { attrs, blocks };
	struct content c = { 0 };

	for (size_t i = 0; i < ARRAY_LEN(kinds); i++)
		blocks[i] = (struct block_schema){ kinds[i].name, labelled ? key : NULL };
	if (more)
		blocks[ARRAY_LEN(kinds)] = *more;
	body_content(b, &schema, p->arena, &c, &p->diags);
	return c;
}

static const struct spec *read_spec(struct program *p, const struct block *b, const char *name)
{
	struct spec *s = ARENA_NEW(p->arena, struct spec);

	for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
		if (!str_is(b->type, kinds[i].name))
			continue;
		s->kind = kinds[i].kind;
		kinds[i].fill(p, b, b->label_count > 0 ? b->labels[0].p : name, s);
	}
	return s;
}

static const char *text_of(struct program *p, const struct content *c, const char *name,
			   const char *otherwise)
{
	const struct attribute *a = content_attr(c, name);
	AUTO(value)
	struct value *v = a ? eval_expr_as(a->expr, NULL, type_string, &p->diags) : NULL;

	if (!v || !value_is_known(v) || value_is_null(v))
		return otherwise;
	return arena_strdup(p->arena, value_as_string(v));
}

static int64_t number_of(struct program *p, const struct content *c, const char *name)
{
	const struct attribute *a = content_attr(c, name);
	AUTO(value)
	struct value *v = a ? eval_expr_as(a->expr, NULL, type_number, &p->diags) : NULL;
	int64_t n = 0;

	if (v && value_is_known(v) && !value_is_null(v))
		number_to_int(value_as_number(v), &n);
	return n;
}

static bool flag_of(struct program *p, const struct content *c, const char *name)
{
	const struct attribute *a = content_attr(c, name);
	AUTO(value) struct value *v = a ? eval_expr_as(a->expr, NULL, type_bool, &p->diags) : NULL;

	return v && value_is_known(v) && !value_is_null(v) && value_as_bool(v);
}

static void drop_type(void *t)
{
	type_unref(t);
}

static void drop_value(void *v)
{
	value_unref(v);
}

static struct type *type_of(struct program *p, const struct content *c, const char *name)
{
	const struct attribute *a = content_attr(c, name);
	struct type *t = a ? eval_type_constraint(a->expr, true, NULL, &p->diags) : NULL;

	if (!t)
		return type_dynamic;
	arena_on_free(p->arena, drop_type, t);
	return t;
}

/* The one specification among the contents. */
static const struct spec *read_nested(struct program *p, const struct content *c, const char *name)
{
	if (c->block_count == 1)
		return read_spec(p, c->blocks[0], name);
	if (c->block_count == 0)
		diags_error(&p->diags, &c->missing_range, "Missing spec block",
			    "A block spec must have exactly one child spec specifying how to "
			    "decode block contents.");
	else
		diags_error(&p->diags, &c->blocks[1]->header, "Extraneous spec block",
			    "A block spec must have exactly one child spec specifying how to "
			    "decode block contents.");
	return ARENA_NEW(p->arena, struct spec); /* an empty object */
}

static void need_name(struct program *p, const struct content *c, const char *argument,
		      struct spec *ret)
{
	if (ret->name)
		return;
	diags_error(&p->diags, &c->missing_range, "Missing name in spec",
		    "The argument \"%s\" or a label is required here.", argument);
	ret->name = "";
}

static void fill_attr(struct program *p, const struct block *b, const char *name, struct spec *ret)
{
	static const struct attr_schema attrs[] = {
		{ "name", false }, { "type", false }, { "required", false }, { NULL, false }
	};
	static const struct body_schema schema = { attrs, NULL };
	struct content c = { 0 };

	body_content(b->body, &schema, p->arena, &c, &p->diags);
	ret->name = text_of(p, &c, "name", name);
	ret->type = type_of(p, &c, "type");
	ret->required = flag_of(p, &c, "required");
	need_name(p, &c, "name", ret);
}

static void fill_literal(struct program *p, const struct block *b, const char *name,
			 struct spec *ret)
{
	static const struct attr_schema attrs[] = { { "value", true }, { NULL, false } };
	static const struct body_schema schema = { attrs, NULL };
	struct content c = { 0 };

	body_content(b->body, &schema, p->arena, &c, &p->diags);

	const struct attribute *a = content_attr(&c, "value");

	ret->value = a ? eval_expr(a->expr, p->scope, &p->diags) : value_null(type_dynamic);
	arena_on_free(p->arena, drop_value, ret->value);
}

static const char *const *names_of(struct program *p, const struct content *c, const char *name)
{
	const struct attribute *a = content_attr(c, name);
	AUTO(type) struct type *want = type_list(type_string);
	AUTO(value) struct value *v = a ? eval_expr_as(a->expr, NULL, want, &p->diags) : NULL;
	size_t n = v && value_is_known(v) && !value_is_null(v) ? value_len(v) : 0;
	const char **names = ARENA_ARRAY(p->arena, const char *, n + 1);

	for (size_t i = 0; i < n; i++)
		names[i] = arena_strdup(p->arena, value_as_string(value_at(v, i)));
	return names;
}

static void fill_block(struct program *p, const struct block *b, const char *name, struct spec *ret)
{
	static const struct attr_schema attrs[] = {
		{ "block_type", false }, { "required", false }, { "min_items", false },
		{ "max_items", false },  { "labels", false },   { NULL, false },
	};
	struct content c = spec_content(p, b->body, attrs, false, NULL);

	ret->name = text_of(p, &c, "block_type", name);
	ret->required = flag_of(p, &c, "required");
	ret->items_min = (size_t)MAX(number_of(p, &c, "min_items"), 0);
	ret->items_max = (size_t)MAX(number_of(p, &c, "max_items"), 0);
	need_name(p, &c, "block_type", ret);
	if (ret->kind == SPEC_BLOCK_MAP || ret->kind == SPEC_BLOCK_OBJECT) {
		ret->labels = names_of(p, &c, "labels");
		if (!ret->labels[0])
			diags_error(&p->diags, &c.missing_range, "Invalid block label name list",
				    "A block_map must have at least one label specified.");
	}
	ret->nested = read_nested(p, &c, NULL);
}

static void fill_block_attrs(struct program *p, const struct block *b, const char *name,
			     struct spec *ret)
{
	static const struct attr_schema attrs[] = { { "block_type", false },
						    { "element_type", true },
						    { "required", false },
						    { NULL, false } };
	static const struct body_schema schema = { attrs, NULL };
	struct content c = { 0 };

	body_content(b->body, &schema, p->arena, &c, &p->diags);
	ret->name = text_of(p, &c, "block_type", name);
	ret->type = type_of(p, &c, "element_type");
	ret->required = flag_of(p, &c, "required");
	need_name(p, &c, "block_type", ret);
}

static void fill_label(struct program *p, const struct block *b, const char *name, struct spec *ret)
{
	static const struct attr_schema attrs[] = { { "index", true },
						    { "name", false },
						    { NULL, false } };
	static const struct body_schema schema = { attrs, NULL };
	struct content c = { 0 };

	body_content(b->body, &schema, p->arena, &c, &p->diags);
	ret->name = text_of(p, &c, "name", name);
	ret->index = (size_t)MIN(MAX(number_of(p, &c, "index"), 0), 64);
	need_name(p, &c, "name", ret);
}

static void fill_default(struct program *p, const struct block *b, const char *name,
			 struct spec *ret)
{
	struct content c = spec_content(p, b->body, NULL, false, NULL);
	const struct spec *last = NULL;

	if (c.block_count < 2)
		diags_error(&p->diags, &c.missing_range, "Missing spec block",
			    "A default block must have at least two nested specs.");
	/* The first that is not null counts, so defaults of defaults nest to the right. */
	for (size_t i = c.block_count; i-- > 0;) {
		struct spec *both = last && i > 0 ? ARENA_NEW(p->arena, struct spec) : ret;
		const struct spec *s = read_spec(p, c.blocks[i], name);

		if (!last) {
			last = s;
			continue;
		}
		*both = (struct spec){ .kind = SPEC_DEFAULT, .nested = s, .fallback = last };
		last = both;
	}
	if (c.block_count < 2)
		*ret = (struct spec){ .kind = SPEC_TUPLE };
}

static void fill_fields(struct program *p, const struct block *b, const char *name,
			struct spec *ret)
{
	bool is_object = ret->kind == SPEC_OBJECT;
	struct content c = spec_content(p, b->body, NULL, is_object, NULL);
	struct spec_field *fields = ARENA_ARRAY(p->arena, struct spec_field, c.block_count + 1);

	(void)name;
	for (size_t i = 0; i < c.block_count; i++) {
		fields[i].name = is_object ? c.blocks[i]->labels[0].p : NULL;
		fields[i].spec = read_spec(p, c.blocks[i], NULL);
	}
	ret->fields = fields;
	ret->len = c.block_count;
}

/* --- files --------------------------------------------------------------- */

static struct body *parse_text(struct program *p, const char *name, struct str text, bool is_json)
{
	const struct source *src = sources_add(p->sources, name, text.p, text.len);

	return is_json ? parse_json_file(src, p->arena, &p->diags)
		       : parse_file(src, p->arena, &p->diags);
}

/* NULL after reporting. */
static struct body *read_body(struct program *p, const char *path)
{
	AUTO(strbuf) struct strbuf text = STRBUF_INIT;
	AUTO(error) struct error *e = NULL;

	if (fs_read(path, FS_READ_MAX, &text, &e) < 0) {
		diags_from_error(&p->diags, NULL, e);
		return NULL;
	}
	return parse_text(p, path, (struct str){ text.buf, text.len },
			  text_ends_with(path, ".json"));
}

static void set_variables(struct program *p, const struct body *b)
{
	struct content c = { 0 };

	body_attributes(b, p->arena, &c, &p->diags);
	for (size_t i = 0; i < c.attr_count; i++) {
		AUTO(value) struct value *v = eval_expr(c.attrs[i]->expr, NULL, &p->diags);

		scope_set(p->scope, c.attrs[i]->name.p, v);
	}
}

static const struct spec *load_spec(struct program *p)
{
	static const struct block_schema variables = { "variables", NULL };
	struct body *b = read_body(p, p->spec_path);
	struct content c = { 0 };
	size_t kept = 0;

	if (!b || diags_has_errors(&p->diags))
		return NULL;
	c = spec_content(p, b, NULL, false, &variables);
	for (size_t i = 0; i < c.block_count; i++) {
		if (str_is(c.blocks[i]->type, "variables"))
			set_variables(p, c.blocks[i]->body);
		else
			c.blocks[kept++] = c.blocks[i];
	}
	c.block_count = kept;
	return read_nested(p, &c, NULL);
}

static void load_vars(struct program *p)
{
	struct body *b;

	if (!p->vars)
		return;
	if (fs_exists(p->vars))
		b = read_body(p, p->vars);
	else
		b = parse_text(p, "<vars argument>", str_of(p->vars), *p->vars == '{');
	if (b)
		set_variables(p, b);
}

static struct body *load_input(struct program *p)
{
	struct body *all = NULL;

	if (p->files.len == 0)
		strv_push(&p->files, "/dev/stdin");
	for (size_t i = 0; i < p->files.len; i++) {
		struct body *b = read_body(p, p->files.v[i]);

		all = all && b ? body_merge(p->arena, all, b) : b;
	}
	return all;
}

/* --- answers ------------------------------------------------------------- */

static void add_quoted(struct strbuf *sb, const char *text)
{
	jsontext_quote(sb, text, strlen(text));
}

static void add_pos(struct strbuf *sb, const char *name, struct pos at)
{
	strbuf_addf(sb, "\"%s\":{\"line\":%d,\"column\":%d,\"byte\":%zu}", name, at.line, at.column,
		    at.byte);
}

static void add_range(struct strbuf *sb, const char *name, struct range r)
{
	strbuf_addf(sb, ",\"%s\":{\"filename\":", name);
	add_quoted(sb, r.source->name);
	strbuf_addch(sb, ',');
	add_pos(sb, "start", r.start);
	strbuf_addch(sb, ',');
	add_pos(sb, "end", r.end);
	strbuf_addch(sb, '}');
}

static void print_diags(const struct program *p)
{
	AUTO(strbuf) struct strbuf sb = STRBUF_INIT;
	struct diag_style style = { .width = 80 };

	strbuf_addstr(&sb, p->json_diags ? "{\"diagnostics\":[" : "");
	for (size_t i = 0; i < p->diags.len; i++) {
		const struct diag *d = &p->diags.items[i];

		if (!p->json_diags) {
			diag_format(&sb, d, &style);
			continue;
		}
		strbuf_addf(&sb, "%s{\"severity\":\"%s\",\"summary\":", i ? "," : "",
			    d->severity == DIAG_ERROR ? "error" : "warning");
		add_quoted(&sb, d->summary);
		strbuf_addstr(&sb, ",\"detail\":");
		add_quoted(&sb, d->detail);
		if (d->subject.source)
			add_range(&sb, "subject", d->subject);
		strbuf_addch(&sb, '}');
	}
	strbuf_addstr(&sb, p->json_diags ? "]}\n" : "");
	fputs(sb.buf, stderr);
}

/* Members that are null are left out unless asked for. */
static void add_value(struct strbuf *sb, const struct value *v, bool keep_nulls)
{
	bool is_sequence = false, is_mapping = false;
	size_t n = 0;

	if (!value_is_null(v)) {
		enum type_kind k = type_kind(value_type(v));

		is_sequence = k == TYPE_LIST || k == TYPE_SET || k == TYPE_TUPLE;
		is_mapping = k == TYPE_MAP || k == TYPE_OBJECT;
	}
	if (!is_sequence && !is_mapping) {
		value_format_json(sb, v);
		return;
	}
	strbuf_addch(sb, is_sequence ? '[' : '{');
	for (size_t i = 0; i < value_len(v); i++) {
		if (is_mapping && !keep_nulls && value_is_null(value_at(v, i)))
			continue;
		strbuf_addstr(sb, n++ ? "," : "");
		if (is_mapping) {
			add_quoted(sb, value_key_at(v, i));
			strbuf_addch(sb, ':');
		}
		add_value(sb, value_at(v, i), keep_nulls);
	}
	strbuf_addch(sb, is_sequence ? ']' : '}');
}

static void print_value(const struct program *p, const struct value *v)
{
	AUTO(strbuf) struct strbuf sb = STRBUF_INIT;

	if (p->with_type)
		strbuf_addstr(&sb, "{\"value\":");
	add_value(&sb, v, p->keep_nulls);
	if (p->with_type) {
		strbuf_addstr(&sb, ",\"type\":");
		type_json(&sb, value_type(v));
		strbuf_addch(&sb, '}');
	}
	puts(sb.buf);
}

static void add_reference(void *data, const struct expr *traversal)
{
	struct strbuf *sb = data;
	struct str text = range_text(traversal->range);
	AUTO_FREE char *name = str_dup(text);

	strbuf_addstr(sb, sb->len > 1 ? ",{\"traversal\":" : "{\"traversal\":");
	add_quoted(sb, name);
	add_range(sb, "range", traversal->range);
	strbuf_addch(sb, '}');
}

static void run(struct program *p)
{
	const struct spec *s = load_spec(p);
	AUTO(strbuf) struct strbuf refs = STRBUF_INIT;
	struct body *b;

	if (!s || diags_has_errors(&p->diags))
		return;
	load_vars(p);
	b = load_input(p);
	if (!b || diags_has_errors(&p->diags))
		return;
	if (p->var_refs) {
		strbuf_addch(&refs, '[');
		spec_walk_references(s, b, p->arena, add_reference, &refs);
		strbuf_addch(&refs, ']');
		puts(refs.buf);
		return;
	}

	AUTO(value) struct value *v = spec_decode(s, b, p->scope, p->arena, &p->diags);

	if (diags_has_errors(&p->diags))
		return;
	if (value_is_wholly_known(v))
		print_value(p, v);
	else
		diags_error(&p->diags, NULL, "Unknown value", "The result is not wholly known.");
}

/* --- command line -------------------------------------------------------- */

/* The value of option `name`, in the same argument or the next; NULL: this is another one. */
static const char *option_value(const char *name, char **argv, int *i)
{
	size_t len = strlen(name);

	if (strncmp(argv[*i], name, len) != 0)
		return NULL;
	if (argv[*i][len] == '=')
		return argv[*i] + len + 1;
	if (argv[*i][len] || !argv[*i + 1])
		return NULL;
	return argv[++*i];
}

static bool read_flag(struct program *p, const char *arg)
{
	const struct {
		const char *name;
		bool *flag;
	} flags[] = {
		{ "--with-type", &p->with_type },
		{ "--keep-nulls", &p->keep_nulls },
		{ "--var-refs", &p->var_refs },
	};

	for (size_t i = 0; i < ARRAY_LEN(flags); i++) {
		if (strcmp(arg, flags[i].name) != 0)
			continue;
		*flags[i].flag = true;
		return true;
	}
	return false;
}

static bool read_arguments(struct program *p, char **argv)
{
	for (int i = 1; argv[i]; i++) {
		const char *v;

		if (read_flag(p, argv[i]))
			continue;
		if ((v = option_value("--spec", argv, &i)))
			p->spec_path = v;
		else if ((v = option_value("--vars", argv, &i)))
			p->vars = v;
		else if ((v = option_value("--diags", argv, &i)))
			p->json_diags = strcmp(v, "json") == 0;
		else if (argv[i][0] == '-')
			return false;
		else
			strv_push(&p->files, argv[i]);
	}
	return p->spec_path != NULL;
}

int main(int argc, char **argv)
{
	struct program p = { .files = STRV_INIT };
	int status = 1;

	(void)argc;
	if (read_arguments(&p, argv)) {
		p.sources = sources_new();
		p.arena = arena_new();
		p.scope = scope_new(NULL);
		run(&p);
		if (p.diags.len > 0)
			print_diags(&p);
		status = diags_has_errors(&p.diags) ? EXIT_MISTAKES : 0;
	} else {
		fputs("usage: hcldec --spec FILE [--with-type] [--keep-nulls] [--diags=json] "
		      "[--var-refs] [--vars FILE|TEXT] [FILE...]\n",
		      stderr);
	}
	diags_release(&p.diags);
	scope_free(p.scope);
	arena_free(p.arena);
	sources_free(p.sources);
	strv_release(&p.files);
	return status;
}
