/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Variables that refer to variables (2.5): the whole list is rendered again
 * and again until nothing changes, at most 100 times. The objects that the
 * templates see are rebuilt once per pass plus whenever a name gets its first
 * value, so that order does not matter.
 */
#include "base/alloc.h"
#include "config/legacy/legacy.h"

enum { PASSES_MAX = 100 };

struct item {
	const char *name, *text;
	bool refers; /* to a user variable in back quotes: stays in the list */
	bool done;
};

struct resolver {
	struct legacy_loader *ll;
	struct item *items;
	size_t len;
	struct map values;    /* name -> heap text */
	bool changed;         /* a value, in this pass */
	bool retry;           /* something is left to do */
	bool failed;          /* something could not be rendered yet */
	bool any, any_refers; /* something could, and stays in the list */
	char *failure;        /* of what must be tried again */
	struct error **err;
};

static void free_text(void *p)
{
	free(p);
}

static int by_name(const void *a, const void *b)
{
	return strcmp(((const struct item *)a)->name, ((const struct item *)b)->name);
}

/* `{{ user `x` }}` */
static bool refers_to_user(const char *text)
{
	for (const char *p = text; (p = strstr(p, "{{")); p += 2) {
		const char *word = p + 2 + strspn(p + 2, " \t\r\n\f\v");

		if (!text_starts_with(word, "user"))
			continue;
		word += 4 + strspn(word + 4, " \t\r\n\f\v");
		if (*word != '`')
			continue;
		/* A closing quote with nothing but white space before the braces, on this line. */
		const char *line_end = strchrnul(word, '\n');

		p = line_end - 2;
		for (const char *q = word + 1; q < line_end; q++) {
			if (*q != '`')
				continue;

			const char *after = q + 1 + strspn(q + 1, " \t\r\n\f\v");

			if (text_starts_with(after, "}}"))
				return true;
		}
	}
	return false;
}

/* ---- fields that stay as they are ------------------------------------------------------- */

static bool is_space(char c)
{
	return c && strchr(" \t\r\n\f\v", c);
}

/* Length of `{{.X}}` or `{{ .X }}` here, else 0. No `}}` stands between here and *barren. */
static size_t field_length(const char *p, const char **barren)
{
	const char *dot = p + 2 + is_space(p[2]), *q;

	if (*dot != '.' || dot < *barren)
		return 0;
	for (q = dot + 1; *q && *q != '\n'; q++)
		if (q[0] == '}' && q[1] == '}')
			return (size_t)(q - p) + 2;
	*barren = q;
	return 0;
}

/* Fields become constants that print them. */
static char *protect_fields(const char *text)
{
	struct strbuf sb = STRBUF_INIT;
	const char *rest = text, *barren = text, *p;

	while ((p = strstr(rest, "{{"))) {
		size_t n = field_length(p, &barren);
		bool is_raw = !n || memchr(p, '`', n);

		n = n ? n : 2;
		strbuf_add(&sb, rest, (size_t)(p - rest));
		strbuf_addstr(&sb, is_raw ? "" : "{{`");
		strbuf_add(&sb, p, n);
		strbuf_addstr(&sb, is_raw ? "" : "`}}");
		rest = p + n;
	}
	strbuf_addstr(&sb, rest);
	return strbuf_detach(&sb);
}

/* ---- one pass ------------------------------------------------------------------------------ */

static char *render(struct resolver *r, const char *text, struct error **err)
{
	const struct tmpl_ctx ctx = {
		.world = r->ll->l->config->world,
		.user_texts = &r->values,
		.packer_version = COMPAT_VERSION,
		.in_variables = true,
	};
	AUTO_FREE char *protected = protect_fields(text);

	return tmpl_render(protected, &ctx, err);
}

static void set_value(struct resolver *r, const char *name, char *text)
{
	const char *before = map_get(&r->values, name);

	if (before && strcmp(before, text) == 0) {
		free(text);
		return;
	}
	map_set(&r->values, name, text);
	r->changed = true;
}

static int fail_item(struct resolver *r, const struct item *it, struct error *e)
{
	bool is_execution = strstr(e->message, ": executing \"") != NULL;

	if (is_execution && strstr(e->message, tmpl_unset_variable)) {
		free(r->failure);
		r->failure = xasprintf("\"%s\": \"%s\"; error: %s", it->name, it->text, e->message);
		r->retry = r->failed = true;
		return 0;
	}
	if (is_execution)
		return error_set(r->err, ERROR_INVALID, "%s", e->message);
	return error_set(r->err, ERROR_INVALID, "error interpolating default value for '%s': %s",
			 it->name, e->message);
}

static int run_pass(struct resolver *r)
{
	r->changed = r->retry = r->failed = r->any = r->any_refers = false;
	for (size_t i = 0; i < r->len; i++) {
		struct item *it = &r->items[i];
		AUTO(error) struct error *e = NULL;

		if (it->done)
			continue;

		char *text = render(r, it->text, &e);

		if (!text) {
			if (fail_item(r, it, e) < 0)
				return -1;
			continue;
		}
		set_value(r, it->name, text);
		it->done = !it->refers;
		r->retry = r->retry || it->refers;
		r->any = true;
		r->any_refers = r->any_refers || it->refers;
	}
	return 0;
}

/* What fails is forgiven as long as anything else is rendered again and again. */
static int run_passes(struct resolver *r)
{
	int i = 0;

	do {
		if (run_pass(r) < 0)
			return -1;
		/* Without a change another pass could not tell anything new. */
	} while (++i < PASSES_MAX && r->retry && r->changed);
	if (!r->failed || r->any_refers || (i == PASSES_MAX && r->any))
		return 0;
	return error_set(r->err, ERROR_INVALID,
			 "Failed to interpolate %s: Please make sure that the variable you're "
			 "referencing has been defined; Packer treats all variables used to "
			 "interpolate other user variables as required.",
			 r->failure);
}

static void add_item(struct resolver *r, const char *name, const char *text)
{
	r->items[r->len++] = (struct item){ name, text, refers_to_user(text), false };
}

static void collect(struct resolver *r)
{
	struct legacy_loader *ll = r->ll;

	for (size_t i = 0; i < ll->supplied.len; i++) {
		const char *text = ll->supplied.entries[i].value;

		add_item(r, ll->supplied.entries[i].key, text);
		map_set(&r->values, ll->supplied.entries[i].key, xstrdup(text));
	}
	for (size_t i = 0; i < ll->declared.len; i++) {
		const struct config_legacy_variable *v = ll->declared.entries[i].value;

		if (!v->required && !map_has(&ll->supplied, v->name))
			add_item(r, v->name, v->text);
	}
	if (r->len)
		qsort(r->items, r->len, sizeof(*r->items), by_name);
}

static struct value *as_object(const struct map *values)
{
	struct map fields;

	value_map_init(&fields);
	for (size_t i = 0; i < values->len; i++)
		map_set(&fields, values->entries[i].key, value_string(values->entries[i].value));
	return value_object_take(&fields);
}

struct value *legacy_resolve(struct legacy_loader *ll, struct error **err)
{
	struct resolver r = { .ll = ll, .values = MAP_INIT(free_text), .err = err };
	struct value *user = NULL;

	r.items = xcalloc(ll->supplied.len + ll->declared.len + 1, sizeof(*r.items));
	collect(&r);
	if (run_passes(&r) == 0)
		user = value_keep(ll->l->arena, as_object(&r.values));
	map_release(&r.values);
	free(r.items);
	free(r.failure);
	return user;
}
