/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Locals: collected from all files, then evaluated in the order in which they
 * and the data blocks need each other (language.md 16).
 */
#include "config/blocks.h"
#include "config/graph.h"
#include "config/loader.h"
#include "eval/eval.h"

/* ---- reading --------------------------------------------------------------------------- */

static void add_local(struct loader *l, const char *name, struct expr *e, bool sensitive,
		      struct range at)
{
	*vec_push(&l->locals) = (struct local_decl){
		.pub = { .name = name, .sensitive = sensitive, .range = at },
		.expr = e,
	};
}

static void read_local(struct loader *l, const struct block *b)
{
	const char *name = text_of_label(l, b, 0);
	struct content c = { 0 };
	body_content(b->body, &local_schema, l->arena, &c, l->diags);
	if (!is_identifier(name)) {
		if (b->label_count > 0)
			diags_error(l->diags, &b->label_ranges[0], "Invalid local name", "%s",
				    bad_name_detail);
		return;
	}
	bool sensitive = false;
	read_bool(l, content_attr(&c, "sensitive"), NULL, &sensitive);
	const struct attribute *a = content_attr(&c, "expression");
	if (a)
		add_local(l, name, a->expr, sensitive, b->header);
}

static void read_locals_block(struct loader *l, const struct block *b)
{
	struct content c = { 0 };
	body_attributes(b->body, l->arena, &c, l->diags);
	for (size_t i = 0; i < c.attr_count; i++)
		add_local(l, arena_strndup(l->arena, c.attrs[i]->name.p, c.attrs[i]->name.len),
			  c.attrs[i]->expr, false, c.attrs[i]->range);
}

/* Drops the later of two with one name. */
static void report_duplicates(struct loader *l)
{
	AUTO(map) struct map seen = MAP_INIT(NULL);
	size_t kept = 0;
	for (size_t i = 0; i < l->locals.len; i++) {
		struct local_decl *d = &l->locals.items[i];
		const struct expr *first = map_get(&seen, d->pub.name);
		if (!first) {
			map_set(&seen, d->pub.name, d->expr);
			l->locals.items[kept++] = *d;
			continue;
		}
		AUTO(strbuf) struct strbuf at = STRBUF_INIT;
		range_format(&at, first->range);
		diags_error(l->diags, &d->expr->range, "Duplicate local definition",
			    "Local variable %s is defined twice in your templates. Other "
			    "definition found at %s",
			    quote(l->arena, d->pub.name), quote(l->arena, at.buf));
	}
	l->locals.len = kept;
}

void read_locals(struct loader *l)
{
	read_data_blocks(l);
	for (size_t i = 0; i < l->files.len; i++) {
		const struct content *top = &l->files.items[i].content;
		for (size_t j = 0; j < top->block_count; j++) {
			if (str_is(top->blocks[j]->type, "local"))
				read_local(l, top->blocks[j]);
			else if (str_is(top->blocks[j]->type, "locals"))
				read_locals_block(l, top->blocks[j]);
		}
	}
	report_duplicates(l);
}

/* ---- what needs what --------------------------------------------------------------------- */

/* Nodes: data blocks first, then locals. */
struct network {
	struct loader *l;
	struct graph *graph;
	struct map locals, data; /* "a", "T.N" -> node + 1 */
	bool *wants_all;         /* node refers to `local` as a whole */
	bool *wants_all_data;    /* … to `data`, or to all of a type */
	struct strbuf mistakes;  /* one "\t* …\n" each */
	size_t mistake_count;
	size_t node; /* in work */
};

static size_t node_of_local(const struct loader *l, size_t i)
{
	return l->data.len + i;
}

static char *node_name(const struct loader *l, size_t node, bool in_cycle)
{
	if (node >= l->data.len)
		return xasprintf("local.%s", l->locals.items[node - l->data.len].pub.name);
	const struct data_decl *d = &l->data.items[node];
	return xasprintf("%s%s.%s", in_cycle ? "" : "data.", d->type, d->name);
}

static void add_mistake(struct network *n, const char *text)
{
	strbuf_addf(&n->mistakes, "\t* %s\n", text);
	n->mistake_count++;
}

/* One after the other, only what a local misses is looked at before. */
static void report_missing_local(struct network *n, const char *user, const char *missing)
{
	if (n->node < n->l->data.len || !text_starts_with(missing, "local."))
		return;
	diags_error(n->l->diags, NULL, "failed to get local variable",
		    "While evaluating \"%s\", its dependency \"%s\" was not found, is it defined?",
		    user, missing);
}

static void need(struct network *n, const struct map *nodes, const char *key, const char *prefix)
{
	size_t found = (size_t)map_get(nodes, key);
	if (found) {
		graph_need(n->graph, n->node, found - 1);
		return;
	}
	AUTO_FREE char *user = node_name(n->l, n->node, false);
	AUTO_FREE char *missing = xasprintf("%s%s", prefix, key);
	if (n->l->opts->sequential) {
		report_missing_local(n, user, missing);
		return;
	}
	AUTO_FREE char *text =
		xasprintf("could not get dependency \"%s\" for \"%s\", \"%s\" missing in template",
			  missing, user, missing);
	add_mistake(n, text);
}

/* A constant step: `.name` or `["name"]`. */
static struct str step_name(const struct expr *e)
{
	if (e->kind == EXPR_ATTR)
		return e->attr.name;
	const struct expr *key = e->index.key;
	if (key && key->kind == EXPR_TEMPLATE && key->template->len == 1 &&
	    key->template->parts[0].kind == PART_LITERAL)
		return key->template->parts[0].literal;
	return (struct str){ 0 };
}

/* The root and the first two steps of a traversal; returns how many steps there are. */
static size_t first_steps(const struct expr *e, struct str *root, struct str steps[2])
{
	size_t n = 0;
	steps[0] = steps[1] = *root = (struct str){ 0 };
	while (e->kind == EXPR_ATTR || e->kind == EXPR_INDEX) {
		steps[1] = steps[0];
		steps[0] = step_name(e);
		n++;
		e = e->kind == EXPR_ATTR ? e->attr.object : e->index.object;
	}
	if (e->kind == EXPR_VARIABLE)
		*root = e->variable.name;
	return n;
}

static void note_reference(void *data, const struct expr *traversal)
{
	struct network *n = data;
	struct str root, steps[2];
	size_t count = first_steps(traversal, &root, steps);
	if (str_is(root, "local")) {
		if (count == 0 || !steps[0].p) {
			n->wants_all[n->node] = true;
			return;
		}
		AUTO_FREE char *key = str_dup(steps[0]);
		need(n, &n->locals, key, "local.");
	} else if (str_is(root, "data")) {
		if (count < 2 || !steps[0].p || !steps[1].p) {
			n->wants_all_data[n->node] = true;
			return;
		}
		AUTO_FREE char *key = xasprintf("%.*s.%.*s", STR_FMT(steps[0]), STR_FMT(steps[1]));
		need(n, &n->data, key, "data.");
	}
}

static void network_init(struct network *n, struct loader *l)
{
	size_t count = l->data.len + l->locals.len;
	*n = (struct network){ .l = l, .graph = graph_new(count) };
	n->wants_all = xcalloc(count + 1, sizeof(bool));
	n->wants_all_data = xcalloc(count + 1, sizeof(bool));
	strbuf_init(&n->mistakes);
	for (size_t i = 0; i < l->data.len; i++) {
		AUTO_FREE char *key =
			xasprintf("%s.%s", l->data.items[i].type, l->data.items[i].name);
		map_set(&n->data, key, (void *)(i + 1));
	}
	for (size_t i = 0; i < l->locals.len; i++)
		map_set(&n->locals, l->locals.items[i].pub.name, (void *)(node_of_local(l, i) + 1));
	for (n->node = 0; n->node < l->data.len; n->node++)
		body_walk_references(l->data.items[n->node].block->body, note_reference, n);
	for (size_t i = 0; i < l->locals.len; i++, n->node++)
		expr_walk_references(l->locals.items[i].expr, note_reference, n);
}

static void network_release(struct network *n)
{
	graph_free(n->graph);
	map_release(&n->locals);
	map_release(&n->data);
	free(n->wants_all);
	free(n->wants_all_data);
	strbuf_release(&n->mistakes);
}

static void note_cycle(void *data, const size_t *nodes, size_t count)
{
	struct network *n = data;
	AUTO(strbuf) struct strbuf text = STRBUF_INIT;
	strbuf_addstr(&text, count == 1 ? "Self reference: " : "Cycle: ");
	for (size_t i = 0; i < count; i++) {
		AUTO_FREE char *name = node_name(n->l, nodes[i], true);
		strbuf_addf(&text, "%s%s", i ? ", " : "", name);
	}
	add_mistake(n, text.buf);
}

static void report_graph(struct network *n)
{
	diags_error(n->l->diags, NULL, "failed to prepare execution graph",
		    "An error occurred while building the graph for datasources/locals: %zu "
		    "error%s occurred:\n%s\n",
		    n->mistake_count, n->mistake_count == 1 ? "" : "s", n->mistakes.buf);
}

/* ---- evaluation ------------------------------------------------------------------------- */

static struct value *value_of_local(const struct local_decl *d)
{
	if (!d->pub.value)
		return value_unknown(type_dynamic);
	return d->pub.sensitive ? value_mark_sensitive(d->pub.value, true)
				: value_ref(d->pub.value);
}

static void set_local_object(struct loader *l, struct map *fields)
{
	AUTO(value) struct value *object = value_object_take(fields);
	scope_set(l->config->scope, "local", object);
}

static void set_all_locals(struct loader *l)
{
	struct map fields;
	value_map_init(&fields);
	for (size_t i = 0; i < l->locals.len; i++)
		map_set(&fields, l->locals.items[i].pub.name, value_of_local(&l->locals.items[i]));
	set_local_object(l, &fields);
}

/* Only what the node names: a chain of n locals stays linear. */
static void set_needed_locals(struct network *n, size_t node)
{
	struct loader *l = n->l;
	if (n->wants_all[node]) {
		set_all_locals(l);
		return;
	}
	size_t count;
	const size_t *needs = graph_needs(n->graph, node, &count);
	struct map fields;
	value_map_init(&fields);
	for (size_t i = 0; i < count; i++) {
		if (needs[i] < l->data.len)
			continue;
		const struct local_decl *d = &l->locals.items[needs[i] - l->data.len];
		if (d->pub.value)
			map_set(&fields, d->pub.name, value_of_local(d));
	}
	set_local_object(l, &fields);
}

/* The same for the data blocks. */
static void set_needed_data(struct network *n, size_t node)
{
	struct loader *l = n->l;
	if (l->data.len == 0)
		return;
	if (n->wants_all_data[node]) {
		set_data(l, NULL, false);
		return;
	}
	size_t count;
	const size_t *needs = graph_needs(n->graph, node, &count);
	AUTO_FREE bool *only = xcalloc(l->data.len, sizeof(*only));
	for (size_t i = 0; i < count; i++)
		if (needs[i] < l->data.len)
			only[needs[i]] = true;
	set_data(l, only, false);
}

static void note_fresh(void *data, const struct func_def *def)
{
	struct config_local *local = data;
	if (def->is_fresh && !local->fresh)
		local->fresh = def->name;
}

static void inherit_fresh(const struct network *n, size_t node)
{
	const struct loader *l = n->l;
	struct config_local *local = &l->locals.items[node - l->data.len].pub;
	size_t count;
	const size_t *needs = graph_needs(n->graph, node, &count);
	for (size_t i = 0; i < count && !local->fresh; i++)
		if (needs[i] >= l->data.len)
			local->fresh = l->locals.items[needs[i] - l->data.len].pub.fresh;
}

/* False after a mistake. */
static bool evaluate_node(struct network *n, size_t node)
{
	struct loader *l = n->l;
	size_t errors = l->diags->errors;
	set_needed_locals(n, node);
	set_needed_data(n, node);
	if (node < l->data.len) {
		evaluate_data(l, &l->data.items[node]);
		return l->diags->errors == errors;
	}
	struct local_decl *d = &l->locals.items[node - l->data.len];
	inherit_fresh(n, node);
	l->config->world->called = note_fresh;
	l->config->world->called_data = &d->pub;
	AUTO(value) struct value *v = eval_expr(d->expr, l->config->scope, l->diags);
	l->config->world->called = NULL;
	if (l->diags->errors > errors)
		return false;
	d->pub.value = value_keep(l->arena, value_ref(v));
	return true;
}

static void evaluate_in_order(struct network *n)
{
	size_t count = n->l->data.len + n->l->locals.len;
	AUTO_FREE size_t *order = xcalloc(count + 1, sizeof(*order));
	if (n->mistake_count == 0 && !graph_sort(n->graph, order))
		graph_cycles(n->graph, note_cycle, n);
	if (n->mistake_count > 0) {
		report_graph(n);
		return;
	}
	for (size_t i = 0; i < count && evaluate_node(n, order[i]); i++)
		;
}

/* ---- one after the other ------------------------------------------------------------------ */

enum { SEQUENTIAL_DEPTH_MAX = 10 };

static bool is_evaluated(const struct loader *l, size_t node)
{
	if (node < l->data.len)
		return l->data.items[node].value != NULL;
	return l->locals.items[node - l->data.len].pub.value != NULL;
}

static bool report_depth(const struct loader *l, bool is_data)
{
	if (is_data)
		diags_error(l->diags, NULL, "Max datasource recursion depth exceeded.",
			    "An error occured while recursively evaluating data sources. Either "
			    "your data source depends on more than ten other data sources, or your "
			    "data sources have a cyclic dependency. Please simplify your config to "
			    "continue. ");
	else
		diags_error(l->diags, NULL, "Max local recursion depth exceeded.",
			    "An error occured while recursively evaluating locals.Your local "
			    "variables likely have a cyclic dependency. Please simplify your "
			    "config to continue. ");
	return false;
}

/* Data blocks wait for data blocks only, and see no locals; locals see all data. */
static bool evaluate_recursively(struct network *n, size_t node, int depth)
{
	struct loader *l = n->l;
	bool is_data = node < l->data.len;
	if (is_evaluated(l, node))
		return true;
	if (depth > SEQUENTIAL_DEPTH_MAX)
		return report_depth(l, is_data);
	size_t count;
	const size_t *needs = graph_needs(n->graph, node, &count);
	for (size_t i = 0; i < count; i++)
		if ((needs[i] < l->data.len) == is_data &&
		    !evaluate_recursively(n, needs[i], depth + 1))
			return false;
	return evaluate_node(n, node);
}

static void evaluate_sequentially(struct network *n, size_t errors_before)
{
	size_t count = n->l->data.len + n->l->locals.len;
	if (n->l->diags->errors > errors_before)
		return;
	for (size_t i = 0; i < count && evaluate_recursively(n, i, 0); i++)
		;
}

void evaluate_locals(struct loader *l)
{
	size_t errors = l->diags->errors;
	struct network n;
	network_init(&n, l);
	if (l->opts->sequential)
		evaluate_sequentially(&n, errors);
	else
		evaluate_in_order(&n);
	network_release(&n);
	set_all_locals(l);
	set_data(l, NULL, true);
}
