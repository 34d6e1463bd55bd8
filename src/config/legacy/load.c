/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From the text of a legacy JSON template to the same model that other
 * templates become: one build without a name, whose sources are the builders.
 */
#include "base/alloc.h"
#include "config/legacy.h"
#include "config/legacy/legacy.h"
#include "config/version.h"
#include "os/fd.h"
#include "os/fs.h"

#include <errno.h>
#include <unistd.h>

enum {
	RENDERINGS_MAX = 100,
	READ_SIZE = 65536,
	ERRORS_SHOWN_MAX = 1000,
	LINE_SHOWN_MAX = 1000, /* bytes; longer ones are cut, around the mistake */
};

/* ---- mistakes ----------------------------------------------------------------------- */

static const char failure_prefix[] =
	"Failed to parse file as legacy JSON template: if you are using an HCL template, check "
	"your file extensions; they should be either *.pkr.hcl or *.pkr.json; see the docs for "
	"more details: https://www.packer.io/docs/templates/hcl_templates. \nOriginal error: ";

void legacy_fail(struct loader *l, const struct range *at, const char *fmt, ...)
{
	AUTO(strbuf) struct strbuf text = STRBUF_INIT;
	va_list ap;

	va_start(ap, fmt);
	strbuf_vaddf(&text, fmt, ap);
	va_end(ap);
	diags_error(l->diags, at, "", "%s%s", failure_prefix, text.buf)->is_plain = true;
}

void legacy_report(struct loader *l, const struct range *at, const char *fmt, ...)
{
	AUTO(strbuf) struct strbuf text = STRBUF_INIT;
	va_list ap;

	va_start(ap, fmt);
	strbuf_vaddf(&text, fmt, ap);
	va_end(ap);
	diags_error(l->diags, at, "", "%s", text.buf)->is_plain = true;
}

void legacy_complain(struct legacy_loader *ll, struct range at, const char *fmt, ...)
{
	AUTO(strbuf) struct strbuf text = STRBUF_INIT;
	va_list ap;

	va_start(ap, fmt);
	strbuf_vaddf(&text, fmt, ap);
	va_end(ap);
	if (!ll->errors.len)
		ll->first = at;
	strv_push(&ll->errors, text.buf);
}

char *legacy_several(const struct strv *errors)
{
	struct strbuf sb = STRBUF_INIT;

	if (errors->len == 1)
		strbuf_addstr(&sb, "1 error occurred:\n");
	else
		strbuf_addf(&sb, "%zu errors occurred:\n", errors->len);
	for (size_t i = 0; i < errors->len && i < ERRORS_SHOWN_MAX; i++)
		strbuf_addf(&sb, "\t* %s\n", errors->v[i]);
	if (errors->len > ERRORS_SHOWN_MAX)
		strbuf_addf(&sb, "\t* and %zu more\n", errors->len - ERRORS_SHOWN_MAX);
	strbuf_addch(&sb, '\n');
	return strbuf_detach(&sb);
}

/* Of initialization: a detail without a summary. */
static void report(struct legacy_loader *ll, const struct strv *errors)
{
	AUTO_FREE char *text = legacy_several(errors);

	diags_error(ll->l->diags, NULL, "", "%s", text);
}

/* ---- the text ------------------------------------------------------------------------- */

static int read_stdin(struct strbuf *text, struct error **err)
{
	ssize_t n;

	while ((n = fd_read(STDIN_FILENO, strbuf_reserve(text, READ_SIZE), READ_SIZE)) > 0) {
		strbuf_advance(text, (size_t)n);
		if (text->len > FS_READ_MAX)
			return error_set(err, ERROR_INVALID, "standard input is too long");
	}
	return n < 0 ? error_set_errno(err, errno, "cannot read standard input") : 0;
}

static bool read_template(struct legacy_loader *ll, struct strbuf *text)
{
	const char *path = ll->l->opts->path;
	AUTO(error) struct error *e = NULL;
	int r = text_eq(path, "-") ? read_stdin(text, &e) : fs_read(path, FS_READ_MAX, text, &e);

	if (r < 0)
		legacy_fail(ll->l, NULL, "%s", e->message);
	return r == 0;
}

static void report_syntax(struct legacy_loader *ll, const char *why, size_t offset)
{
	const struct source *src = ll->source;
	size_t at = offset ? offset - 1 : 0, start = at;
	int line = 1;
	AUTO(strbuf) struct strbuf shown = STRBUF_INIT;

	while (start > 0 && src->text[start - 1] != '\n')
		start--;
	for (size_t i = 0; i < start; i++)
		line += src->text[i] == '\n';
	if (line > 1) {
		struct str before = source_line(src, line - 1);

		before.len = MIN(before.len, LINE_SHOWN_MAX);
		strbuf_addf(&shown, "%5d: %.*s\n", line - 1, STR_FMT(before));
	}

	struct str here = source_line(src, line);
	size_t column = at - start + 1, cut = 0;

	if (column > LINE_SHOWN_MAX)
		cut = column - LINE_SHOWN_MAX / 2;
	here.p += cut;
	here.len = MIN(here.len - cut, LINE_SHOWN_MAX);
	strbuf_addf(&shown, "%5d: %.*s\n", line, STR_FMT(here));
	strbuf_addchars(&shown, ' ', 5 + 2 + column - cut - 1);
	legacy_fail(ll->l, NULL,
		    "Error parsing JSON: %s\nAt line %d, column %zu (offset %zu):\n%s^", why, line,
		    column, offset, shown.buf);
}

static bool parse_text(struct legacy_loader *ll, const struct strbuf *text)
{
	struct loader *l = ll->l;
	size_t offset, errors = l->diags->errors;

	ll->source = sources_add(l->config->sources, l->opts->path, text->buf, text->len);

	AUTO_FREE char *why = legacy_syntax_error(ll->source->text, ll->source->len, &offset);

	if (why) {
		report_syntax(ll, why, offset);
		return false;
	}
	ll->root = json_parse(ll->source, JSON_LITERALS, l->arena, l->diags);
	return l->diags->errors == errors;
}

/* Sections 1 to 5. */
static bool parse(struct legacy_loader *ll, const struct strbuf *text)
{
	if (!parse_text(ll, text) || !legacy_read_root(ll))
		return false;
	legacy_read_variables(ll);
	legacy_read_builders(ll);
	legacy_read_postprocs(ll);
	legacy_read_provisioners(ll);
	if (!ll->errors.len)
		return legacy_read_values(ll);

	AUTO_FREE char *all = legacy_several(&ll->errors);

	legacy_fail(ll->l, &ll->first, "%s", all);
	return false;
}

/* ---- initialization -------------------------------------------------------------------- */

static char *render_until_stable(const struct config *c, const char *text, struct error **err)
{
	const struct func_world world = {
		.base_dir = c->legacy->base_dir,
		.cwd = c->world->cwd,
		.start_time = c->world->start_time,
	};
	const struct tmpl_ctx ctx = {
		.world = &world,
		.user = c->legacy->user,
		.packer_version = COMPAT_VERSION,
	};
	char *now = xstrdup(text);

	for (int i = 0; i < RENDERINGS_MAX; i++) {
		char *next = tmpl_render(now, &ctx, err);
		bool is_stable = next && strcmp(now, next) == 0;

		free(now);
		now = next;
		if (!now || is_stable)
			return now;
	}
	free(now);
	error_set(err, ERROR_INVALID, "the result is a template again, and so on");
	return NULL;
}

static bool check_version(struct legacy_loader *ll)
{
	struct version want, have;

	if (!*ll->min_version)
		return true;
	if (!version_parse(ll->min_version, &want)) {
		diags_error(ll->l->diags, NULL, "", "min_version is invalid: Malformed version: %s",
			    ll->min_version);
		return false;
	}
	(void)version_parse(COMPAT_VERSION, &have);
	if (version_compare(&have, &want) >= 0)
		return true;
	diags_error(ll->l->diags, NULL, "",
		    "This template requires Packer version %s or higher; using %s", ll->min_version,
		    COMPAT_VERSION);
	return false;
}

/* False when the list has something. */
static bool none_of(struct legacy_loader *ll,
		    void (*check)(struct legacy_loader *ll, struct strv *errors))
{
	AUTO(strv) struct strv errors = STRV_INIT;

	check(ll, &errors);
	if (errors.len)
		report(ll, &errors);
	return !errors.len;
}

static bool render_names(struct legacy_loader *ll)
{
	for (size_t i = 0; i < ll->built.len; i++) {
		struct legacy_builder *b = &ll->built.items[i];
		AUTO(error) struct error *e = NULL;
		AUTO_FREE char *name = render_until_stable(ll->l->config, b->name, &e);

		if (!name) {
			diags_error(ll->l->diags, &b->node->range, "",
				    "Error interpolating builder '%s': %s", b->name, e->message);
			return false;
		}
		b->rendered = arena_strdup(ll->l->arena, name);
	}
	return true;
}

static bool read_retries(struct legacy_loader *ll, struct legacy_provisioner *p)
{
	AUTO(error) struct error *e = NULL;
	AUTO_FREE char *text = NULL;

	if (!*p->max_retries)
		return true;
	text = render_until_stable(ll->l->config, p->max_retries, &e);
	if (!text)
		diags_error(ll->l->diags, &p->pub.range, "",
			    "failed to interpolate `max_retries`: %s", e->message);
	else if (!parse_int64(text, 10, &p->pub.max_retries))
		diags_error(ll->l->diags, &p->pub.range, "",
			    "`max_retries` must be a valid integer: strconv.Atoi: parsing \"%s\": "
			    "invalid syntax",
			    text);
	else
		return true;
	return false;
}

static void hide_secrets(struct legacy_loader *ll, const struct config_legacy *legacy)
{
	for (size_t i = 0; ll->sensitive && i < ll->sensitive->array.len; i++) {
		const struct json_node *n = ll->sensitive->array.items[i];
		const struct value *v =
			n->kind == JSON_STRING ? value_get(legacy->user, n->text.p) : NULL;

		register_secrets(ll->l->opts->redactor, v);
	}
}

/* ---- the model ------------------------------------------------------------------------------ */

static struct range header_of(const struct json_node *n)
{
	struct range r = json_open(n);

	return r;
}

static int by_rendered_name(const void *a, const void *b)
{
	return strcmp(((const struct config_source *)a)->name,
		      ((const struct config_source *)b)->name);
}

static struct config_source source_of(struct legacy_loader *ll, const struct legacy_builder *b)
{
	bool is_named = !text_eq(b->rendered, b->type);

	return (struct config_source){
		.type = b->type,
		.name = b->rendered,
		.local_name = b->rendered,
		.raw_name = b->name,
		.shown_name = is_named ? arena_printf(ll->l->arena, "%s.%s", b->type, b->rendered)
				       : b->type,
		.body = legacy_builder_body(ll, b),
		.range = header_of(b->node),
		.use = header_of(b->node),
	};
}

/* Sorted by name; of two that were rendered to the same name the later one stays. */
static void make_sources(struct legacy_loader *ll, struct config_build *ret)
{
	struct config_source *sources =
		ARENA_ARRAY(ll->l->arena, struct config_source, ll->built.len + 1);
	AUTO(map) struct map places = MAP_INIT(NULL);

	for (size_t i = 0; i < ll->built.len; i++) {
		const struct legacy_builder *b = &ll->built.items[i];
		struct config_source *known = map_get(&places, b->rendered);
		struct config_source *to = known ? known : &sources[ret->source_count++];

		*to = source_of(ll, b);
		map_set(&places, b->rendered, to);
	}
	if (ret->source_count)
		qsort(sources, ret->source_count, sizeof(*sources), by_rendered_name);
	ret->sources = sources;
}

static bool make_build(struct legacy_loader *ll)
{
	struct config *c = ll->l->config;
	struct arena *arena = ll->l->arena;
	struct config_build *b = ARENA_NEW(arena, struct config_build);
	struct config_provisioner *steps =
		ARENA_ARRAY(arena, struct config_provisioner, ll->steps.len + 1);
	bool ok = true;

	*b = (struct config_build){ .name = "", .range = header_of(ll->root) };
	make_sources(ll, b);
	for (size_t i = 0; i < ll->steps.len; i++) {
		ok = read_retries(ll, &ll->steps.items[i]) && ok;
		steps[i] = ll->steps.items[i].pub;
	}
	b->provisioners = steps;
	b->provisioner_count = ll->steps.len;
	if (ll->has_last) {
		struct config_provisioner *last = ARENA_NEW(arena, struct config_provisioner);

		ok = read_retries(ll, &ll->last) && ok;
		*last = ll->last.pub;
		b->error_cleanup = last;
	}
	b->chains = keep_array(arena, ll->chains.items, sizeof(*ll->chains.items), ll->chains.len);
	b->chain_count = ll->chains.len;
	c->builds = b;
	c->build_count = 1;
	return ok;
}

static void publish_variables(struct legacy_loader *ll, struct config_legacy *legacy)
{
	struct config_legacy_variable *all =
		ARENA_ARRAY(ll->l->arena, struct config_legacy_variable, ll->declared.len + 1);

	for (size_t i = 0; i < ll->declared.len; i++)
		all[i] = *(const struct config_legacy_variable *)ll->declared.entries[i].value;
	legacy->variables = all;
	legacy->variable_count = ll->declared.len;
}

/* The order of section 9; false after reporting. */
static bool initialize(struct legacy_loader *ll, struct config_legacy *legacy)
{
	AUTO(error) struct error *e = NULL;
	struct value *user;

	if (!none_of(ll, legacy_validate) || !check_version(ll) ||
	    !none_of(ll, legacy_check_required))
		return false;
	user = legacy_resolve(ll, &e);
	if (!user) {
		diags_error(ll->l->diags, NULL, "", "%s", e->message);
		return false;
	}
	legacy->user = user;
	hide_secrets(ll, legacy);
	return render_names(ll);
}

/* Whatever was wrong, `inspect` shows what was written. */
static void use_raw_names(struct legacy_loader *ll)
{
	for (size_t i = 0; i < ll->built.len; i++)
		if (!ll->built.items[i].rendered)
			ll->built.items[i].rendered = ll->built.items[i].name;
}

static void legacy_loader_release(struct legacy_loader *ll)
{
	strv_release(&ll->errors);
	map_release(&ll->declared);
	map_release(&ll->supplied);
	vec_release(&ll->built);
	vec_release(&ll->steps);
	vec_release(&ll->chains);
}

/* For the console without a template. */
static const char nothing_to_build[] = "{\"builders\":[{\"type\":\"null\"}]}";

bool legacy_load(struct loader *l)
{
	struct legacy_loader ll = { .l = l };
	struct config_legacy *legacy = ARENA_NEW(l->arena, struct config_legacy);
	AUTO(strbuf) struct strbuf text = STRBUF_INIT;
	bool ok;

	strv_init(&ll.errors);
	if (!l->opts->path)
		strbuf_addstr(&text, nothing_to_build);
	else if (!text_eq(l->opts->path, "-"))
		legacy->base_dir = l->config->base_dir;
	legacy->path = legacy->base_dir ? arena_strdup(l->arena, l->opts->path) : "";
	ok = (text.len || read_template(&ll, &text)) && parse(&ll, &text);
	if (ok) {
		legacy->description = ll.description;
		legacy->user = value_keep(l->arena, empty_object());
		l->config->legacy = legacy;
		publish_variables(&ll, legacy);
		if (!l->opts->syntax_only)
			legacy->is_complete = initialize(&ll, legacy);
		use_raw_names(&ll);
		legacy->is_complete = make_build(&ll) && legacy->is_complete;
	}
	legacy_loader_release(&ll);
	return ok;
}

/* ---- for fix ------------------------------------------------------------------------------- */

static int check_parts(struct legacy_loader *ll, const struct strbuf *text, bool *ret_parses,
		       struct error **err)
{
	AUTO(strv) struct strv errors = STRV_INIT;

	*ret_parses = parse(ll, text);
	if (!*ret_parses) {
		const char *why = ll->l->diags->items[0].detail;

		if (text_starts_with(why, failure_prefix))
			why += strlen(failure_prefix);
		return error_set(err, ERROR_INVALID, "%s", why);
	}
	legacy_validate(ll, &errors);
	if (!errors.len)
		return 0;

	AUTO_FREE char *all = legacy_several(&errors);

	return error_set(err, ERROR_INVALID, "%s", all);
}

int config_legacy_check(const char *text, size_t len, bool *ret_parses, struct error **err)
{
	AUTO(sources) struct sources *sources = sources_new();
	AUTO(arena) struct arena *arena = arena_new();
	AUTO(diags) struct diags diags = DIAGS_INIT;
	AUTO(strbuf) struct strbuf copy = STRBUF_INIT;
	const struct config_options opts = { .path = "template", .sources = sources };
	struct config config = { .arena = arena, .sources = sources };
	struct loader l = { .opts = &opts, .config = &config, .arena = arena, .diags = &diags };
	struct legacy_loader ll = { .l = &l };

	strv_init(&ll.errors);
	strbuf_add(&copy, text, len);

	int r = check_parts(&ll, &copy, ret_parses, err);

	legacy_loader_release(&ll);
	return r;
}

/* ---- the console --------------------------------------------------------------------------- */

char *config_legacy_line(const struct config *c, const char *line, struct error **err)
{
	const struct value *user = c->legacy->user;
	struct strbuf sb = STRBUF_INIT;

	if (!text_eq(line, "variables"))
		return render_until_stable(c, line, err);
	strbuf_addch(&sb, '\n');
	for (size_t i = 0; i < value_len(user); i++)
		strbuf_addf(&sb, "%s: %s,\n", value_key_at(user, i),
			    value_as_string(value_at(user, i)));
	return strbuf_detach(&sb);
}
