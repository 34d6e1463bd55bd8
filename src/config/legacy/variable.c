/* SPDX-License-Identifier: Apache-2.0 */
/* User variables: which there are, and what is given from outside (2.1, 2.2, 2.4). */
#include "base/alloc.h"
#include "config/legacy/legacy.h"
#include "os/fs.h"
#include "value/gotext.h"

static void declare(struct legacy_loader *ll, const struct json_member *m)
{
	AUTO(strbuf) struct strbuf why = STRBUF_INIT;
	struct config_legacy_variable *v = ARENA_NEW(ll->l->arena, struct config_legacy_variable);

	v->name = arena_strndup(ll->l->arena, m->name.p, m->name.len);
	v->required = m->value->kind == JSON_NULL;
	v->text = legacy_strict_text(ll, "", m->value, &why);
	v->range = m->name_range;
	if (v->text)
		map_set(&ll->declared, v->name, v);
	else
		legacy_complain(ll, m->value->range, "variable %s: %s", v->name, why.buf);
}

static int by_name(const void *a, const void *b)
{
	const struct json_member *const *x = a, *const *y = b;

	return strcmp((*x)->name.p, (*y)->name.p);
}

static void mark_sensitive(struct legacy_loader *ll)
{
	for (size_t i = 0; ll->sensitive && i < ll->sensitive->array.len; i++) {
		const struct json_node *n = ll->sensitive->array.items[i];
		struct config_legacy_variable *v =
			n->kind == JSON_STRING ? map_get(&ll->declared, n->text.p) : NULL;

		if (v)
			v->sensitive = true;
	}
}

void legacy_read_variables(struct legacy_loader *ll)
{
	size_t n = ll->variables ? ll->variables->object.len : 0;
	AUTO_FREE const struct json_member **sorted = xcalloc(n + 1, sizeof(*sorted));

	for (size_t i = 0; i < n; i++)
		sorted[i] = &ll->variables->object.members[i];
	if (n)
		qsort(sorted, n, sizeof(*sorted), by_name);
	for (size_t i = 0; i < n; i++)
		declare(ll, sorted[i]);
	mark_sensitive(ll);
}

/* ---- from outside ------------------------------------------------------------------------- */

static void supply(struct legacy_loader *ll, const char *name, const char *text)
{
	map_set(&ll->supplied, name, arena_strdup(ll->l->arena, text));
}

static bool supply_member(struct legacy_loader *ll, const char *path, const struct json_member *m)
{
	const char *kind;

	if (m->value->kind == JSON_STRING || m->value->kind == JSON_NULL) {
		supply(ll, m->name.p, m->value->kind == JSON_STRING ? m->value->text.p : "");
		return true;
	}
	kind = m->value->kind == JSON_NUMBER  ? "number"
	       : m->value->kind == JSON_BOOL  ? "bool"
	       : m->value->kind == JSON_ARRAY ? "array"
					      : "object";
	legacy_report(ll->l, &m->value->range,
		      "Error reading variables in '%s': json: cannot unmarshal %s into Go value of "
		      "type string",
		      path, kind);
	return false;
}

static bool read_file(struct legacy_loader *ll, const char *path)
{
	AUTO(strbuf) struct strbuf text = STRBUF_INIT;
	AUTO(error) struct error *e = NULL;
	size_t offset;

	if (fs_read(path, FS_READ_MAX, &text, &e) < 0) {
		if (e->kind == ERROR_NOT_FOUND)
			legacy_report(ll->l, NULL,
				      "Error reading variables in '%s': open %s: no such file or "
				      "directory",
				      path, path);
		else
			legacy_report(ll->l, NULL, "Error reading variables in '%s': %s", path,
				      e->message);
		return false;
	}

	const struct source *src = sources_add(ll->l->config->sources, path, text.buf, text.len);
	AUTO_FREE char *why = legacy_syntax_error(src->text, src->len, &offset);

	if (why) {
		legacy_report(ll->l, NULL, "Error reading variables in '%s': %s", path, why);
		return false;
	}

	size_t errors = ll->l->diags->errors;
	const struct json_node *n = json_parse(src, JSON_LITERALS, ll->l->arena, ll->l->diags);

	if (ll->l->diags->errors > errors)
		return false;
	if (n->kind == JSON_NULL)
		return true;
	if (n->kind != JSON_OBJECT) {
		legacy_report(ll->l, &n->range,
			      "Error reading variables in '%s': json: cannot unmarshal %s into Go "
			      "value of type map[string]string",
			      path,
			      n->kind == JSON_ARRAY ? "array" : value_go_kind(legacy_value(ll, n)));
		return false;
	}
	for (size_t i = 0; i < n->object.len; i++)
		if (!supply_member(ll, path, &n->object.members[i]))
			return false;
	return true;
}

bool legacy_read_values(struct legacy_loader *ll)
{
	const struct config_options *opts = ll->l->opts;

	for (size_t i = 0; opts->var_files && i < opts->var_files->len; i++)
		if (!read_file(ll, opts->var_files->v[i]))
			return false;
	for (size_t i = 0; opts->vars && i < opts->vars->len; i++) {
		const char *flag = opts->vars->v[i], *equals = strchrnul(flag, '=');
		AUTO_FREE char *name = xstrndup(flag, (size_t)(equals - flag));

		supply(ll, name, *equals ? equals + 1 : "");
	}
	return true;
}

void legacy_check_required(struct legacy_loader *ll, struct strv *errors)
{
	for (size_t i = 0; i < ll->declared.len; i++) {
		const struct config_legacy_variable *v = ll->declared.entries[i].value;

		if (v->required && !map_has(&ll->supplied, v->name))
			strv_pushf(errors, "required variable not set: %s", v->name);
	}
}
