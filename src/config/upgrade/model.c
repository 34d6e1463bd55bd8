/* SPDX-License-Identifier: Apache-2.0 */
#include "config/upgrade/model.h"

#include "base/duration.h"
#include "base/str.h"
#include "value/jsontext.h"

#include <strings.h>

static bool is_kind(const struct value *v, enum type_kind kind)
{
	return v && !value_is_null(v) && type_kind(value_type(v)) == kind;
}

/* Names are compared without case when there is no exact one. */
static struct value *member(const struct value *object, const char *name)
{
	struct value *v = value_get(object, name);

	for (size_t i = 0; !v && i < value_len(object); i++)
		if (!strcasecmp(value_key_at(object, i), name))
			v = value_at(object, i);
	return v;
}

/* A text, or a number as one; NULL otherwise. */
static const char *text_of(struct model *m, const struct value *v)
{
	AUTO(strbuf) struct strbuf sb = STRBUF_INIT;

	if (is_kind(v, TYPE_STRING))
		return value_as_string(v);
	if (!is_kind(v, TYPE_NUMBER))
		return NULL;
	number_format(&sb, value_as_number(v));
	return arena_strdup(m->arena, sb.buf);
}

static void read_names(struct strv *ret, const struct value *v)
{
	if (is_kind(v, TYPE_STRING))
		strv_push(ret, value_as_string(v));
	for (size_t i = 0; is_kind(v, TYPE_TUPLE) && i < value_len(v); i++)
		if (is_kind(value_at(v, i), TYPE_STRING))
			strv_push(ret, value_as_string(value_at(v, i)));
}

/* Numbers are nanoseconds. */
static int64_t duration_of(const struct value *v)
{
	AUTO(error) struct error *ignored = NULL;
	int64_t ns = 0;

	if (is_kind(v, TYPE_STRING) && duration_parse(value_as_string(v), &ns, &ignored) < 0)
		return 0;
	if (is_kind(v, TYPE_NUMBER) && !number_to_int(value_as_number(v), &ns))
		return 0;
	return ns;
}

/* Keys that are not options, by kind of component. */
static const char *const builder_keys[] = { "type", "name", NULL };
static const char *const provisioner_keys[] = {
	"type", "only", "except", "override", "pause_before", "max_retries", "timeout", NULL
};
static const char *const post_processor_keys[] = {
	"type", "name", "only", "except", "keep_input_artifact", NULL
};

static struct model_component *add_component(struct model *m, struct component_list *list,
					     const struct value *object, const char *const *keys)
{
	struct model_component *c = vec_push(list);
	const char *type = text_of(m, member(object, "type"));

	c->type = type ? type : "";
	c->name = text_of(m, member(object, "name"));
	strv_init(&c->only);
	strv_init(&c->except);
	value_map_init(&c->options);
	for (size_t i = 0; i < value_len(object); i++)
		map_set(&c->options, value_key_at(object, i), value_ref(value_at(object, i)));
	for (size_t i = 0; keys[i]; i++)
		map_remove(&c->options, keys[i]);
	return c;
}

static void read_builders(struct model *m, const struct value *list)
{
	for (size_t i = 0; is_kind(list, TYPE_TUPLE) && i < value_len(list); i++)
		if (is_kind(value_at(list, i), TYPE_OBJECT))
			add_component(m, &m->builders, value_at(list, i), builder_keys);
}

static void read_provisioner(struct model *m, struct component_list *list, const struct value *v)
{
	struct model_component *c;

	if (!is_kind(v, TYPE_OBJECT))
		return;
	c = add_component(m, list, v, provisioner_keys);
	read_names(&c->only, member(v, "only"));
	read_names(&c->except, member(v, "except"));
	c->max_retries = text_of(m, member(v, "max_retries"));
	c->pause_before = duration_of(member(v, "pause_before"));
	c->timeout = duration_of(member(v, "timeout"));
}

static void read_provisioners(struct model *m, const struct value *list)
{
	for (size_t i = 0; is_kind(list, TYPE_TUPLE) && i < value_len(list); i++)
		read_provisioner(m, &m->provisioners, value_at(list, i));
}

static void read_post_processor(struct model *m, struct component_list *chain,
				const struct value *v)
{
	struct model_component *c;
	struct value *keep;

	if (is_kind(v, TYPE_STRING)) {
		c = vec_push(chain);
		c->type = value_as_string(v);
		strv_init(&c->only);
		strv_init(&c->except);
		value_map_init(&c->options);
	}
	if (!is_kind(v, TYPE_OBJECT))
		return;
	c = add_component(m, chain, v, post_processor_keys);
	read_names(&c->only, member(v, "only"));
	read_names(&c->except, member(v, "except"));
	keep = member(v, "keep_input_artifact");
	c->keep_input_artifact = is_kind(keep, TYPE_BOOL) ? keep : NULL;
}

static void read_post_processors(struct model *m, const struct value *list)
{
	for (size_t i = 0; is_kind(list, TYPE_TUPLE) && i < value_len(list); i++) {
		const struct value *v = value_at(list, i);
		struct component_list *chain = vec_push(&m->chains);

		if (!is_kind(v, TYPE_TUPLE))
			read_post_processor(m, chain, v);
		for (size_t j = 0; is_kind(v, TYPE_TUPLE) && j < value_len(v); j++)
			read_post_processor(m, chain, value_at(v, j));
	}
}

static void read_variables(struct model *m, const struct value *object,
			   const struct value *sensitive)
{
	AUTO(map) struct map names = MAP_INIT(NULL);

	for (size_t i = 0; is_kind(sensitive, TYPE_TUPLE) && i < value_len(sensitive); i++)
		if (is_kind(value_at(sensitive, i), TYPE_STRING))
			map_set(&names, value_as_string(value_at(sensitive, i)), m);
	for (size_t i = 0; is_kind(object, TYPE_OBJECT) && i < value_len(object); i++) {
		const char *name = value_key_at(object, i);

		*vec_push(&m->variables) = (struct model_variable){
			.name = name,
			.text = text_of(m, value_at(object, i)),
			.sensitive = map_has(&names, name),
		};
	}
}

int model_read(struct model *m, const char *text, size_t len, struct error **err)
{
	const struct value *root;
	const char *version, *description;

	*m = (struct model){ .root = jsontext_decode_data(text, len, err) };
	if (!m->root)
		return -1;
	m->arena = arena_new();
	root = m->root;
	if (!is_kind(root, TYPE_OBJECT)) {
		model_release(m);
		return error_set(err, ERROR_INVALID, "a template is an object");
	}
	version = text_of(m, member(root, "min_packer_version"));
	description = text_of(m, member(root, "description"));
	m->min_version = version ? version : "";
	m->description = description ? description : "";
	read_variables(m, member(root, "variables"), member(root, "sensitive-variables"));
	read_builders(m, member(root, "builders"));
	read_provisioners(m, member(root, "provisioners"));
	read_provisioner(m, &m->cleanup, member(root, "error-cleanup-provisioner"));
	read_post_processors(m, member(root, "post-processors"));
	return 0;
}

static void list_release(struct component_list *list)
{
	for (size_t i = 0; i < list->len; i++) {
		map_release(&list->items[i].options);
		strv_release(&list->items[i].only);
		strv_release(&list->items[i].except);
	}
	vec_release(list);
}

void model_release(struct model *m)
{
	list_release(&m->builders);
	list_release(&m->provisioners);
	list_release(&m->cleanup);
	for (size_t i = 0; i < m->chains.len; i++)
		list_release(&m->chains.items[i]);
	vec_release(&m->chains);
	vec_release(&m->variables);
	value_unref(m->root);
	m->root = NULL;
	arena_free(m->arena);
	m->arena = NULL;
}
