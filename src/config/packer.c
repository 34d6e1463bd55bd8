/* SPDX-License-Identifier: Apache-2.0 */
/* The `packer` block: which versions and plugins a template asks for. */
#include "base/encode.h"
#include "config/blocks.h"
#include "config/comment.h"
#include "config/loader.h"
#include "config/plugin_source.h"
#include "config/version.h"
#include "eval/eval.h"

static const struct block_schema only_packer[] = { { "packer", NULL }, { 0 } };
static const struct body_schema files_schema = { .blocks = only_packer };
VEC_DECLARE(plugin_list, struct config_plugin);

#define DOCS "https://www.packer.io/docs/templates/hcl_templates/blocks/packer"

/* ---- required_version ---------------------------------------------------------- */

static void check_version_attribute(struct loader *l, const struct attribute *a)
{
	static const char summary[] = "Invalid version constraint";
	const struct range *at = &a->expr->range;
	size_t errors = l->diags->errors;
	AUTO(value) struct value *v = eval_expr(a->expr, NULL, l->diags);
	if (l->diags->errors > errors)
		return;
	bool is_text =
		value_is_known(v) && !value_is_null(v) && type_kind(value_type(v)) == TYPE_STRING;
	if (!is_text) {
		diags_error(l->diags, at, summary,
			    "A string value is required for required_version.");
		return;
	}
	AUTO(error) struct error *e = NULL;
	struct version ours;
	bool fits = false;
	if (!version_parse(COMPAT_VERSION, &ours))
		return;
	ours.pre[0] = '\0';
	if (version_matches(value_as_string(v), &ours, &fits, &e) < 0) {
		diags_error(l->diags, at, summary,
			    "This string does not use correct version constraint syntax. Check "
			    "out the docs: " DOCS "#version-constraints");
		return;
	}
	if (!fits)
		diags_error(l->diags, at, "Unsupported Packer Core version",
			    "This configuration does not support Packer version %s. To proceed, "
			    "either choose another supported Packer version or update this version "
			    "constraint. Version constraints are normally set for good reason, so "
			    "updating the constraint may lead to other errors or unexpected "
			    "behavior.",
			    COMPAT_VERSION);
}

/* Before anything else is looked at: a template for another version may well have blocks that we
 * do not know, and the version is the message that helps. */
void check_core_version(struct loader *l)
{
	for (size_t i = 0; i < l->files.len; i++) {
		AUTO(diags) struct diags later = DIAGS_INIT;
		struct content top = { 0 };
		body_partial_content(l->files.items[i].body, &files_schema, l->arena, &top, &later);
		for (size_t j = 0; j < top.block_count; j++) {
			struct content inner = { 0 };
			body_partial_content(top.blocks[j]->body, &packer_schema, l->arena, &inner,
					     &later);
			const struct attribute *a = content_attr(&inner, "required_version");
			if (a)
				check_version_attribute(l, a);
		}
	}
}

/* ---- required_plugins ---------------------------------------------------------- */

static bool is_text(const struct value *v)
{
	return v && value_is_known(v) && !value_is_null(v) &&
	       type_kind(value_type(v)) == TYPE_STRING;
}

static bool check_accessor(struct loader *l, const struct attribute *a, const char *name)
{
	static const char summary[] = "Invalid plugin local name";
	AUTO(error) struct error *e = NULL;
	if (plugin_name_check(name, &e) < 0) {
		diags_error(l->diags, &a->name_range, summary,
			    "%s is an invalid plugin local name: %s", name, e->message);
		return false;
	}
	AUTO_FREE char *lower = xstrdup(name);
	for (char *p = lower; *p; p++)
		if (*p >= 'A' && *p <= 'Z')
			*p |= 0x20;
	if (text_eq(lower, name))
		return true;
	diags_error(l->diags, &a->name_range, summary,
		    "Plugin names must be normalized. Replace \"%s\" with \"%s\" to fix this "
		    "error.",
		    name, lower);
	return false;
}

static void report_call_form(struct loader *l, const struct attribute *a, const char *name,
			     const struct value *v)
{
	AUTO(strbuf) struct strbuf text = STRBUF_INIT;
	if (is_text(v))
		strbuf_addstr(&text, value_as_string(v));
	else if (value_is_known(v))
		value_format_console(&text, v);
	diags_error(l->diags, &a->expr->range, "Invalid plugin requirement",
		    "'%s = \"%s\"' plugin requirement calls are not possible. You must define a "
		    "whole block. For example:\n%s = {\n  source  = "
		    "\"github.com/hashicorp/%s\"\n  version = \"%s\"\n}",
		    name, text.buf, name, name, text.buf);
}

static bool read_constraint(struct loader *l, const struct range *at, const struct value *v,
			    struct config_plugin *ret)
{
	static const char summary[] = "Invalid version constraint";
	if (!v) {
		diags_error(l->diags, at, "No version constraint was set",
			    "The version field must be specified as a string. Ex: `version = "
			    "\">= 1.2.0, < 2.0.0\". See " DOCS "#version-constraints for docs");
		return false;
	}
	if (!is_text(v)) {
		diags_error(l->diags, at, summary,
			    "Version must be specified as a string. See " DOCS
			    "#version-constraint-syntax for docs.");
		return false;
	}
	AUTO(error) struct error *e = NULL;
	struct version any;
	bool fits;
	version_parse("0", &any);
	if (version_matches(value_as_string(v), &any, &fits, &e) < 0) {
		diags_error(l->diags, at, summary,
			    "This string does not use correct version constraint syntax. See " DOCS
			    "#version-constraint-syntax for docs.\n%s",
			    e->message);
		return false;
	}
	AUTO_FREE char *pre = version_find_prerelease(value_as_string(v));
	if (pre) {
		AUTO(strbuf) struct strbuf quoted = STRBUF_INIT;
		encode_go_quoted(&quoted, pre, strlen(pre));
		diags_error(l->diags, at, summary, "Unsupported prerelease for constraint %s",
			    quoted.buf);
		return false;
	}
	ret->constraint = arena_strdup(l->arena, value_as_string(v));
	return true;
}

static bool read_source(struct loader *l, const struct range *at, const struct value *v,
			struct config_plugin *ret)
{
	if (!v) {
		diags_error(l->diags, at, "No source was set",
			    "The source field must be specified as a string. Ex: `source = "
			    "\"coolcloud\". See " DOCS "#specifying-plugin-requirements for docs");
		return false;
	}
	if (!is_text(v)) {
		diags_error(l->diags, at, "Invalid source",
			    "Source must be specified as a string. For example: source = "
			    "\"coolcloud\"");
		return false;
	}
	AUTO(error) struct error *e = NULL;
	if (plugin_source_check(value_as_string(v), &e) < 0) {
		diags_error(l->diags, at, "Failed to parse source", "%s", e->message);
		return false;
	}
	ret->source = arena_strdup(l->arena, value_as_string(v));
	return true;
}

/* `# ingot: builtin` above an entry: what we have ourselves is to be used although the plugin is
 * named, which it is for other tools. */
static void take_word(const struct comment *c, struct str word, void *data)
{
	struct config_plugin *plugin = data;
	if (str_is(word, "builtin"))
		plugin->prefers_builtin = true;
	else
		comment_complain(c, word, "\"%.*s\" is not known above a plugin; there is builtin.",
				 STR_FMT(word));
}

static bool read_requirement(struct loader *l, const struct attribute *a, struct config_plugin *ret)
{
	size_t errors = l->diags->errors;
	const struct range *at = &a->expr->range;
	ret->accessor = arena_strndup(l->arena, a->name.p, a->name.len);
	ret->range = a->range;
	comment_read(l, a->range, take_word, ret);
	AUTO(value) struct value *v = eval_expr(a->expr, NULL, l->diags);
	if (l->diags->errors > errors || !check_accessor(l, a, ret->accessor))
		return false;
	if (value_is_null(v) || !value_is_known(v) || type_kind(value_type(v)) != TYPE_OBJECT) {
		report_call_form(l, a, ret->accessor, v);
		return false;
	}
	bool ok = read_constraint(l, at, value_get(v, "version"), ret);
	ok = read_source(l, at, value_get(v, "source"), ret) && ok;
	for (size_t i = 0; i < value_len(v); i++) {
		const char *key = value_key_at(v, i);
		if (text_eq(key, "version") || text_eq(key, "source"))
			continue;
		diags_error(l->diags, at, "Invalid required_plugins object",
			    "required_plugins objects can only contain \"version\" and \"source\" "
			    "attributes.");
		return false;
	}
	return ok;
}

static const struct config_plugin *find_plugin(const struct plugin_list *plugins, const char *name)
{
	for (size_t i = 0; i < plugins->len; i++)
		if (text_eq(plugins->items[i].accessor, name))
			return &plugins->items[i];
	return NULL;
}

static void add_plugins(struct loader *l, struct plugin_list *plugins, const struct block *b)
{
	struct content entries = { 0 };
	body_attributes(b->body, l->arena, &entries, l->diags);
	for (size_t i = 0; i < entries.attr_count; i++) {
		struct config_plugin plugin = { 0 };
		if (!read_requirement(l, entries.attrs[i], &plugin))
			continue;
		const struct config_plugin *seen = find_plugin(plugins, plugin.accessor);
		if (!seen) {
			*vec_push(plugins) = plugin;
			continue;
		}
		AUTO(strbuf) struct strbuf at = STRBUF_INIT;
		range_format(&at, seen->range);
		AUTO_FREE char *summary =
			xasprintf("Duplicate required_plugin.\"%s\" block", plugin.accessor);
		diags_error(l->diags, &plugin.range, summary,
			    "Block previously seen at %s is already named \"%s\".\nNames at the "
			    "left hand side of required_plugins are made available to use in your "
			    "HCL2 configurations.\nTo allow to calling to their features correctly "
			    "two plugins have to have different accessors.",
			    at.buf, seen->accessor);
	}
}

void read_required_plugins(struct loader *l)
{
	struct plugin_list plugins = { 0 };
	for (size_t i = 0; i < l->files.len; i++) {
		const struct content *top = &l->files.items[i].content;
		for (size_t j = 0; j < top->block_count; j++) {
			if (!str_is(top->blocks[j]->type, "packer"))
				continue;
			struct content inner = { 0 };
			body_content(top->blocks[j]->body, &packer_schema, l->arena, &inner,
				     l->diags);
			for (size_t k = 0; k < inner.block_count; k++)
				add_plugins(l, &plugins, inner.blocks[k]);
		}
	}
	l->config->plugins =
		keep_array(l->arena, plugins.items, sizeof(*plugins.items), plugins.len);
	l->config->plugin_count = plugins.len;
	vec_release(&plugins);
}
