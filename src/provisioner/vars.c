/* SPDX-License-Identifier: Apache-2.0 */
#include "provisioner/vars.h"

#include "base/alloc.h"
#include "base/str.h"

void script_vars_release(struct script_vars *v)
{
	map_release(&v->map);
}

void script_vars_set(struct script_vars *v, const char *name, const char *value)
{
	map_set(&v->map, name, xstrdup(value));
}

void script_vars_set_pair(struct script_vars *v, const char *pair)
{
	const char *eq = strchr(pair, '=');
	AUTO_FREE char *name = eq ? xstrndup(pair, (size_t)(eq - pair)) : NULL;

	if (eq)
		script_vars_set(v, name, eq + 1);
}

/* A text or number of the build; NULL when the builder does not know it. */
static char *known(const struct provision_ctx *ctx, const char *name)
{
	const struct value *v = ctx->generated ? value_get(ctx->generated, name) : NULL;
	AUTO(strbuf) struct strbuf text = STRBUF_INIT;

	if (!v || !value_is_known(v) || value_is_null(v))
		return NULL;
	if (type_kind(value_type(v)) == TYPE_STRING)
		strbuf_addstr(&text, value_as_string(v));
	else
		value_format_json(&text, v);
	if (!text.len || text_starts_with(text.buf, "ERR_"))
		return NULL;
	return strbuf_detach(&text);
}

void script_vars_add_build(struct script_vars *v, const struct provision_ctx *ctx)
{
	static const struct {
		const char *variable, *value;
	} http[] = {
		{ "PACKER_HTTP_ADDR", "PackerHTTPAddr" },
		{ "PACKER_HTTP_IP", "PackerHTTPIP" },
		{ "PACKER_HTTP_PORT", "PackerHTTPPort" },
	};
	const struct component_info *info = ctx->build->info;

	script_vars_set(v, "PACKER_BUILD_NAME", info->source_name ? info->source_name : "");
	script_vars_set(v, "PACKER_BUILDER_TYPE", info->builder_type ? info->builder_type : "");
	for (size_t i = 0; i < ARRAY_LEN(http); i++) {
		AUTO_FREE char *text = known(ctx, http[i].value);

		if (text)
			script_vars_set(v, http[i].variable, text);
	}
}

void script_vars_sort(struct script_vars *v)
{
	map_sort(&v->map);
}

/* Two %s in order, %[1]s and %[2]s by number, %% for a percent sign. */
static void format_one(struct strbuf *ret, const char *format, const char *const args[2])
{
	size_t next = 0;

	for (const char *p = format; *p; p++) {
		if (p[0] == '%' && p[1] == '%') {
			strbuf_addch(ret, '%');
			p++;
		} else if (p[0] == '%' && p[1] == 's' && next < 2) {
			strbuf_addstr(ret, args[next++]);
			p++;
		} else if (text_starts_with(p, "%[1]s") || text_starts_with(p, "%[2]s")) {
			strbuf_addstr(ret, args[p[2] - '1']);
			p += 4;
		} else {
			strbuf_addch(ret, *p);
		}
	}
}

void script_vars_format(const struct script_vars *v, const char *format, struct strbuf *ret)
{
	for (size_t i = 0; i < v->map.len; i++) {
		AUTO(strbuf) struct strbuf value = STRBUF_INIT;

		strbuf_addstr(&value, v->map.entries[i].value);
		strbuf_replace(&value, "'", "'\"'\"'");
		format_one(ret, format, (const char *const[]){ v->map.entries[i].key, value.buf });
	}
}

static bool is_replaced(const struct script_vars *v, const char *assignment)
{
	const char *eq = strchr(assignment, '=');
	AUTO_FREE char *name = eq ? xstrndup(assignment, (size_t)(eq - assignment)) : NULL;

	return name && map_has(&v->map, name);
}

void script_vars_export(const struct script_vars *v, char *const *environ, struct strv *ret)
{
	for (size_t i = 0; environ && environ[i]; i++)
		if (!is_replaced(v, environ[i]))
			strv_push(ret, environ[i]);
	for (size_t i = 0; i < v->map.len; i++)
		strv_pushf(ret, "%s=%s", v->map.entries[i].key,
			   (const char *)v->map.entries[i].value);
}

void script_vars_check(const struct text_list *pairs, const struct prepare_ctx *ctx,
		       struct diags *diags)
{
	struct range at = decoded_range(ctx->decoded, "environment_vars");

	for (size_t i = 0; i < pairs->len; i++) {
		const char *eq = strchr(pairs->v[i], '=');

		if (eq && eq != pairs->v[i])
			continue;
		AUTO_FREE char *text = xasprintf(
			"Environment variable not in format 'key=value': %s", pairs->v[i]);

		diags_error(diags, &at, text, "%s", "");
	}
}
