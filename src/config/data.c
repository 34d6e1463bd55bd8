/* SPDX-License-Identifier: Apache-2.0 */
/* Data blocks: who asks for what, and what came of it (language.md 16). */
#include "config/loader.h"

#include "base/alloc.h"

/* ---- reading --------------------------------------------------------------------------- */

static void read_data(struct loader *l, struct block *b)
{
	struct data_decl d = { text_of_label(l, b, 0), text_of_label(l, b, 1), b, NULL };
	if (b->label_count < 2)
		return;
	for (size_t i = 0; i < l->data.len; i++) {
		const struct data_decl *seen = &l->data.items[i];
		if (!text_eq(seen->type, d.type) || !text_eq(seen->name, d.name))
			continue;
		AUTO(strbuf) struct strbuf at = STRBUF_INIT;
		range_format(&at, seen->block->header);
		diags_error(l->diags, &b->header, "Duplicate data block",
			    "This data block has the same data type and name as a previous block "
			    "declared at %s. Each data must have a unique name per builder type.",
			    at.buf);
		return;
	}
	if (!is_identifier(d.type))
		diags_error(l->diags, &b->label_ranges[0], "Invalid data source name", "%s",
			    bad_name_detail);
	if (!is_identifier(d.name))
		diags_error(l->diags, &b->label_ranges[1], "Invalid data resource name", "%s",
			    bad_name_detail);
	*vec_push(&l->data) = d;
}

void read_data_blocks(struct loader *l)
{
	for (size_t i = 0; i < l->files.len; i++) {
		const struct content *top = &l->files.items[i].content;
		for (size_t j = 0; j < top->block_count; j++)
			if (str_is(top->blocks[j]->type, "data"))
				read_data(l, top->blocks[j]);
	}
}

/* ---- evaluation ------------------------------------------------------------------------ */

void evaluate_data(struct loader *l, struct data_decl *d)
{
	const struct config_data_reader *reader = l->opts->data_reader;
	struct config_data block = {
		.type = d->type,
		.name = d->name,
		.body = d->block->body,
		.range = d->block->header,
	};
	if (!reader) {
		AUTO_FREE char *summary = xasprintf("Unknown data type %s", d->type);
		diags_error(l->diags, &block.range, summary, "known data sources: []");
		return;
	}
	d->value = value_keep(l->arena,
			      reader->read(reader->data, &block, l->config->scope, l->diags));
}

/* Blocks of one type: a map when all of them are there, as they are of one type then. */
static struct value *type_value(struct map *names)
{
	bool is_whole = names->len > 0;
	for (size_t i = 0; i < names->len; i++)
		is_whole &= type_kind(value_type(names->entries[i].value)) == TYPE_OBJECT;
	if (!is_whole)
		return value_object_take(names);
	return value_map_take(value_type(names->entries[0].value), names);
}

static void free_names(void *p)
{
	map_release(p);
	free(p);
}

static struct map *names_of(struct map *types, const char *type)
{
	struct map *names = map_get(types, type);
	if (names)
		return names;
	names = NEW(struct map);
	value_map_init(names);
	map_set(types, type, names);
	return names;
}

void set_data(struct loader *l, const bool *only, bool fill)
{
	AUTO(map) struct map types = MAP_INIT(free_names);
	struct map fields;
	for (size_t i = 0; i < l->data.len; i++) {
		const struct data_decl *d = &l->data.items[i];
		if (only && !only[i])
			continue;
		if (d->value)
			map_set(names_of(&types, d->type), d->name, value_ref(d->value));
		else if (fill)
			map_set(names_of(&types, d->type), d->name, value_unknown(type_dynamic));
	}
	value_map_init(&fields);
	for (size_t i = 0; i < types.len; i++) {
		struct map *names = types.entries[i].value;
		map_set(&fields, types.entries[i].key, type_value(names));
	}
	AUTO(value) struct value *data = value_object_take(&fields);
	scope_set(l->config->scope, "data", data);
}
