/* SPDX-License-Identifier: Apache-2.0 */
/* The arguments of provisioner and post-processor blocks that are ours (language.md 18.5, 18.6). */
#include "base/duration.h"
#include "config/blocks.h"
#include "config/loader.h"
#include "eval/eval.h"

static const char *const provisioner_names[] = {
	"name",
	"only",
	"except",
	"pause_before",
	"timeout",
	"max_retries",
	"continue_on_error",
	"override",
	"cache",
	"cache_ttl",
	"cache_inputs",
	NULL,
};
static const char *const postprocessor_names[] = {
	"name", "only", "except", "keep_input_artifact", NULL,
};
static void read_only_except(struct loader *l, const struct content *c, const struct scope *scope,
			     const struct block *b, struct text_list *only,
			     struct text_list *except)
{
	read_texts(l, content_attr(c, "only"), scope, only);
	read_texts(l, content_attr(c, "except"), scope, except);
	if (only->len > 0 && except->len > 0)
		diags_error(l->diags, &b->header, "only one of 'only' or 'except' may be specified",
			    "%s", "");
}

static int64_t read_duration(struct loader *l, const struct content *c, const char *name,
			     const struct scope *scope, const struct block *b)
{
	const char *text = read_text(l, content_attr(c, name), scope);
	if (text_is_empty(text))
		return 0;
	int64_t ns = 0;
	AUTO(error) struct error *e = NULL;
	if (duration_parse(text, &ns, &e) < 0) {
		AUTO_FREE char *summary = xasprintf("Failed to parse %s duration", name);
		diags_error(l->diags, &b->header, summary, "%s", e->message);
	}
	return ns;
}

static bool is_object(const struct value *v)
{
	enum type_kind kind = type_kind(value_type(v));
	return value_is_known(v) && !value_is_null(v) && (kind == TYPE_OBJECT || kind == TYPE_MAP);
}

static struct value *read_override(struct loader *l, const struct content *c,
				   const struct scope *scope, const struct block *b)
{
	const struct attribute *a = content_attr(c, "override");
	if (!a)
		return NULL;
	size_t errors = l->diags->errors;
	struct value *v = value_keep(l->arena, eval_expr(a->expr, scope, l->diags));
	if (l->diags->errors > errors || value_is_null(v))
		return NULL;
	if (!is_object(v)) {
		diags_error(l->diags, &b->header,
			    "provisioner's override block must be an HCL object", "%s", "");
		return NULL;
	}
	for (size_t i = 0; i < value_len(v); i++) {
		if (is_object(value_at(v, i)))
			continue;
		AUTO_FREE char *summary =
			xasprintf("provisioner's override.'%s' block must be an HCL object",
				  value_key_at(v, i));
		diags_error(l->diags, &b->header, summary, "%s", "");
	}
	return v;
}

const char config_hidden_timeout[] =
	"A provisioner with pause_before runs without a time limit. To have "
	"both, put the pause into a provisioner of its own: \"sleep\".";

static void warn_hidden_timeout(struct loader *l, const struct block *b,
				const struct config_provisioner *p)
{
	if (p->pause_before && p->timeout)
		diags_warning(l->diags, &b->header, "timeout without effect", "%s",
			      config_hidden_timeout);
}

bool read_provisioner(struct loader *l, const struct block *b, const struct scope *scope,
		      struct config_provisioner *ret)
{
	size_t errors = l->diags->errors;
	struct content c = { 0 };
	body_partial_content(b->body, &provisioner_schema, l->arena, &c, l->diags);
	*ret = (struct config_provisioner){ .type = text_of_label(l, b, 0), .range = b->header };
	ret->name = read_text(l, content_attr(&c, "name"), scope);
	read_only_except(l, &c, scope, b, &ret->only, &ret->except);
	ret->pause_before = read_duration(l, &c, "pause_before", scope, b);
	ret->timeout = read_duration(l, &c, "timeout", scope, b);
	warn_hidden_timeout(l, b, ret);
	read_int(l, content_attr(&c, "max_retries"), scope, &ret->max_retries);
	read_bool(l, content_attr(&c, "continue_on_error"), scope, &ret->continue_on_error);
	ret->override = read_override(l, &c, scope, b);
	read_reuse(l, b, &c, scope, ret);
	ret->body = body_hide(l->arena, b->body, provisioner_names);
	return l->diags->errors == errors;
}

bool read_postprocessor(struct loader *l, const struct block *b, const struct scope *scope,
			struct config_postprocessor *ret)
{
	size_t errors = l->diags->errors;
	struct content c = { 0 };
	body_partial_content(b->body, &postprocessor_schema, l->arena, &c, l->diags);
	*ret = (struct config_postprocessor){ .type = text_of_label(l, b, 0), .range = b->header };
	ret->name = read_text(l, content_attr(&c, "name"), scope);
	read_only_except(l, &c, scope, b, &ret->only, &ret->except);
	bool keep = false;
	if (read_bool(l, content_attr(&c, "keep_input_artifact"), scope, &keep))
		ret->keep_input_artifact = keep ? TRIBOOL_TRUE : TRIBOOL_FALSE;
	ret->body = body_hide(l->arena, b->body, postprocessor_names);
	return l->diags->errors == errors;
}
