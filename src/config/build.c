/* SPDX-License-Identifier: Apache-2.0 */
/* `source` and `build` blocks (language.md 14.3, 18). */
#include "config/blocks.h"
#include "config/loader.h"
#include "eval/eval.h"

VEC_DECLARE(declaration_list, struct config_declaration);
VEC_DECLARE(source_list, struct config_source);
VEC_DECLARE(provisioner_list, struct config_provisioner);
VEC_DECLARE(postprocessor_list, struct config_postprocessor);
VEC_DECLARE(chain_list, struct config_chain);
VEC_DECLARE(build_list, struct config_build);

/* ---- sources -------------------------------------------------------------------------- */

/* Position + 1 among the declarations; 0: there is none. */
static size_t find_declaration(const struct loader *l, const char *type, const char *name)
{
	AUTO_FREE char *key = xasprintf("%s\n%s", type, name);
	return (size_t)map_get(&l->source_index, key);
}

static void read_source(struct loader *l, const struct block *b, struct declaration_list *list)
{
	if (b->label_count < 2)
		return;
	struct config_declaration d = {
		.type = text_of_label(l, b, 0),
		.name = text_of_label(l, b, 1),
		.range = b->header,
	};
	size_t seen = find_declaration(l, d.type, d.name);
	if (seen > 0) {
		AUTO(strbuf) struct strbuf at = STRBUF_INIT;
		range_format(&at, list->items[seen - 1].range);
		diags_error(l->diags, &b->header, "Duplicate source block",
			    "This source block has the same builder type and name as a previous "
			    "block declared at %s. Each source must have a unique name per builder "
			    "type.",
			    at.buf);
		return;
	}
	d.body = body_expand_dynamic(l->arena, b->body, l->config->scope);
	*vec_push(list) = d;
	AUTO_FREE char *key = xasprintf("%s\n%s", d.type, d.name);
	map_set(&l->source_index, key, (void *)list->len);
}

void read_sources(struct loader *l)
{
	struct declaration_list list = { 0 };
	for (size_t i = 0; i < l->files.len; i++) {
		const struct content *top = &l->files.items[i].content;
		for (size_t j = 0; j < top->block_count; j++)
			if (str_is(top->blocks[j]->type, "source"))
				read_source(l, top->blocks[j], &list);
	}
	l->config->declarations = keep_array(l->arena, list.items, sizeof(*list.items), list.len);
	l->config->declaration_count = list.len;
	vec_release(&list);
}

/* ---- a build in work -------------------------------------------------------------------- */

struct build_reader {
	struct loader *l;
	const struct block *block;
	struct scope *scope; /* of the arguments that are ours: `build` has only its name */
	struct source_list sources;
	struct provisioner_list provisioners;
	struct chain_list chains;
	const struct config_provisioner *error_cleanup;
	bool names_source; /* also a wrong one */
};

/* "source.T.N" or "T.N"; what follows the name is ignored. */
static bool split_reference(struct loader *l, const char *text, const char **ret_type,
			    const char **ret_name)
{
	struct str parts[3] = { 0 }, rest = str_of(text);
	size_t n = 0;
	while (n < 3 && (rest.len > 0 || n == 0)) {
		bool has_more = memchr(rest.p, '.', rest.len) != NULL;
		parts[n++] = str_split(rest, '.', &rest);
		if (!has_more)
			break;
	}
	if (n < 2)
		return false;
	size_t first = n == 3;
	*ret_type = arena_strndup(l->arena, parts[first].p, parts[first].len);
	*ret_name = arena_strndup(l->arena, parts[first + 1].p, parts[first + 1].len);
	return is_identifier(*ret_type) && is_identifier(*ret_name);
}

static struct config_source *add_source(struct build_reader *r, const char *reference,
					struct range use)
{
	struct loader *l = r->l;
	const char *type, *name;
	r->names_source = true;
	if (!split_reference(l, reference, &type, &name)) {
		diags_error(l->diags, &use, "Invalid source reference",
			    "A source type is made of three parts that are split by a dot `.`; "
			    "each part must start with a letter and may contain only letters, "
			    "digits, underscores, and dashes. A valid source reference looks like: "
			    "`source.type.name`");
		return NULL;
	}
	size_t found = find_declaration(l, type, name);
	const struct config_declaration *d = found ? &l->config->declarations[found - 1] : NULL;
	struct config_source *s = vec_push(&r->sources);
	*s = (struct config_source){
		.type = type,
		.name = name,
		.local_name = name,
		.body = d ? d->body : NULL,
		.range = d ? d->range : use,
		.use = use,
	};
	return s;
}

static void add_listed_sources(struct build_reader *r, const struct attribute *a)
{
	struct text_list list = { 0 };
	read_texts(r->l, a, r->l->config->scope, &list);
	const struct expr *e = expr_static(a->expr, r->l->arena);
	bool is_literal = e->kind == EXPR_TUPLE && e->tuple.len == list.len;
	for (size_t i = 0; i < list.len; i++)
		add_source(r, list.v[i], is_literal ? e->tuple.items[i]->range : e->range);
}

static void add_source_block(struct build_reader *r, const struct block *b)
{
	static const char *const ours[] = { "name", NULL };
	struct loader *l = r->l;
	struct content c = { 0 };
	body_partial_content(b->body, &source_use_schema, l->arena, &c, l->diags);
	const char *local_name = read_text(l, content_attr(&c, "name"), NULL);
	struct config_source *s = add_source(r, text_of_label(l, b, 0), b->header);
	if (!s)
		return;
	if (!text_is_empty(local_name))
		s->local_name = local_name;
	if (s->body)
		s->body = body_merge(l->arena, s->body, body_hide(l->arena, b->body, ours));
}

static void add_chain(struct build_reader *r, const struct block *const *blocks, size_t n)
{
	struct postprocessor_list list = { 0 };
	bool ok = true;
	for (size_t i = 0; i < n; i++) {
		struct config_postprocessor pp;
		if (read_postprocessor(r->l, blocks[i], r->scope, &pp))
			*vec_push(&list) = pp;
		else
			ok = false;
	}
	if (ok)
		*vec_push(&r->chains) = (struct config_chain){
			keep_array(r->l->arena, list.items, sizeof(*list.items), list.len),
			list.len,
		};
	vec_release(&list);
}

static void add_chain_block(struct build_reader *r, const struct block *b)
{
	struct content c = { 0 };
	size_t errors = r->l->diags->errors;
	body_content(b->body, &chain_schema, r->l->arena, &c, r->l->diags);
	if (r->l->diags->errors == errors)
		add_chain(r, (const struct block *const *)c.blocks, c.block_count);
}

static void add_error_cleanup(struct build_reader *r, const struct block *b)
{
	if (r->error_cleanup) {
		diags_error(r->l->diags, &b->header,
			    "Only one error-cleanup-provisioner is allowed", "%s", "");
		return;
	}
	struct config_provisioner *p = ARENA_NEW(r->l->arena, struct config_provisioner);
	if (read_provisioner(r->l, b, r->scope, p))
		r->error_cleanup = p;
}

static void add_block(struct build_reader *r, const struct block *b, size_t *registries)
{
	if (str_is(b->type, "source")) {
		add_source_block(r, b);
	} else if (str_is(b->type, "provisioner")) {
		struct config_provisioner p;
		if (read_provisioner(r->l, b, r->scope, &p))
			*vec_push(&r->provisioners) = p;
	} else if (str_is(b->type, "error-cleanup-provisioner")) {
		add_error_cleanup(r, b);
	} else if (str_is(b->type, "post-processor")) {
		add_chain(r, &b, 1);
	} else if (str_is(b->type, "post-processors")) {
		add_chain_block(r, b);
	} else if (str_is(b->type, "hcp_packer_registry")) {
		if ((*registries)++ > 0)
			diags_error(r->l->diags, &b->header,
				    "Only one hcp_packer_registry is allowed", "%s", "");
		else
			read_registry(r->l, b, true);
	}
}

static struct scope *meta_scope(const struct loader *l, const char *build_name)
{
	struct scope *s = scope_new(l->config->scope);
	struct map fields;
	value_map_init(&fields);
	map_set(&fields, "name", value_string(build_name));
	AUTO(value) struct value *build = value_object_take(&fields);
	scope_set(s, "build", build);
	return s;
}

static struct config_build finish_build(struct build_reader *r)
{
	struct arena *arena = r->l->arena;
	return (struct config_build){
		.sources = keep_array(arena, r->sources.items, sizeof(*r->sources.items),
				      r->sources.len),
		.source_count = r->sources.len,
		.provisioners = keep_array(arena, r->provisioners.items,
					   sizeof(*r->provisioners.items), r->provisioners.len),
		.provisioner_count = r->provisioners.len,
		.error_cleanup = r->error_cleanup,
		.chains =
			keep_array(arena, r->chains.items, sizeof(*r->chains.items), r->chains.len),
		.chain_count = r->chains.len,
		.range = r->block->header,
	};
}

static void read_build(struct loader *l, const struct block *b, struct build_list *builds)
{
	struct build_reader r = { .l = l, .block = b };
	size_t errors = l->diags->errors, registries = 0;
	struct content c = { 0 };
	body_content(body_expand_dynamic(l->arena, b->body, l->config->scope), &build_schema,
		     l->arena, &c, l->diags);
	const char *name = read_text(l, content_attr(&c, "name"), l->config->scope);
	const char *description = read_text(l, content_attr(&c, "description"), l->config->scope);
	r.scope = meta_scope(l, name ? name : "");
	if (content_attr(&c, "sources"))
		add_listed_sources(&r, content_attr(&c, "sources"));
	for (size_t i = 0; i < c.block_count; i++)
		add_block(&r, c.blocks[i], &registries);
	if (!r.names_source && l->diags->errors == errors)
		diags_error(l->diags, &b->header, "missing source reference",
			    "a build block must reference at least one source to be built");
	struct config_build build = finish_build(&r);
	build.name = name ? name : "";
	build.description = description;
	build.has_errors = l->diags->errors > errors;
	*vec_push(builds) = build;
	scope_free(r.scope);
	vec_release(&r.sources);
	vec_release(&r.provisioners);
	vec_release(&r.chains);
}

void read_builds(struct loader *l)
{
	struct build_list builds = { 0 };
	for (size_t i = 0; i < l->files.len; i++) {
		const struct content *top = &l->files.items[i].content;
		for (size_t j = 0; j < top->block_count; j++) {
			const struct block *b = top->blocks[j];
			if (str_is(b->type, "hcp_packer_registry"))
				read_registry(l, b, false);
			else if (str_is(b->type, "build"))
				read_build(l, b, &builds);
		}
	}
	l->config->builds = keep_array(l->arena, builds.items, sizeof(*builds.items), builds.len);
	l->config->build_count = builds.len;
	vec_release(&builds);
}
