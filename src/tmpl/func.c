/* SPDX-License-Identifier: Apache-2.0 */
/* The functions that templates have beyond the built-in ones (legacy-json.md 7.5). */
#include "tmpl/func.h"

#include "base/alloc.h"
#include "base/duration.h"
#include "base/gotime.h"
#include "base/path.h"
#include "base/redact.h"
#include "base/utf8.h"
#include "cloud/consul.h"
#include "cloud/secretsmanager.h"
#include "cloud/vault.h"
#include "os/clock.h"
#include "os/random.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

bool tmpl_complain(const struct tmpl_call *call, const char *fmt, ...)
{
	AUTO(strbuf) struct strbuf sb = STRBUF_INIT;
	va_list ap;

	va_start(ap, fmt);
	strbuf_vaddf(&sb, fmt, ap);
	va_end(ap);
	error_set(call->err, ERROR_INVALID, "%s", sb.buf);
	return false;
}

bool tmpl_return_text(const struct tmpl_call *call, struct strbuf *sb, struct tmpl_value *ret)
{
	*ret = tmpl_string((struct str){ arena_strndup(call->arena, sb->buf, sb->len), sb->len });
	strbuf_release(sb);
	return true;
}

#define FUNC(fn) static bool fn(const struct tmpl_call *call, struct tmpl_value *ret)

static bool give(struct tmpl_value *ret, const char *text)
{
	*ret = tmpl_string(str_of(text));
	return true;
}

/* ---- the build and its world -------------------------------------------------- */

FUNC(f_build_name)
{
	if (!call->ctx->build_name)
		return tmpl_complain(call, "build_name not available");
	return give(ret, call->ctx->build_name);
}

FUNC(f_build_type)
{
	if (!call->ctx->build_type)
		return tmpl_complain(call, "build_type not available");
	return give(ret, call->ctx->build_type);
}

FUNC(f_packer_version)
{
	if (!call->ctx->packer_version)
		return tmpl_complain(call, "packer_version not available");
	return give(ret, call->ctx->packer_version);
}

FUNC(f_user)
{
	AUTO_FREE char *name = str_dup(call->args[0].text);
	const struct value *v = call->ctx->user ? value_get(call->ctx->user, name) : NULL;
	const struct map *texts = call->ctx->user_texts;
	const char *text = texts ? map_get(texts, name) : NULL;

	if (text)
		return give(ret, arena_strdup(call->arena, text));
	if (v) {
		*ret = tmpl_from(v);
		return true;
	}
	if (call->ctx->in_variables)
		return tmpl_complain(call, "%s %s", tmpl_unset_variable, name);
	return give(ret, "");
}

static bool is_object(const struct value *v)
{
	return v && value_is_known(v) && !value_is_null(v) &&
	       (type_kind(value_type(v)) == TYPE_OBJECT || type_kind(value_type(v)) == TYPE_MAP);
}

static bool is_build_name(const struct tmpl_ctx *ctx, const char *name)
{
	for (const char *const *n = ctx->build_names; n && *n; n++)
		if (text_eq(*n, name))
			return true;
	return false;
}

FUNC(f_build)
{
	AUTO_FREE char *key = str_dup(call->args[0].text);
	const struct tmpl_ctx *ctx = call->ctx;
	const struct value *all = ctx->build ? ctx->build : ctx->data;

	if (ctx->used)
		ctx->used(ctx->used_data, TMPL_USES_BUILD, call->args[0].text);
	if (!is_object(all))
		return tmpl_complain(call,
				     "Error validating build variable: the given variable %s will "
				     "not be passed into your plugin.",
				     key);

	const struct value *v = value_get(all, key);

	if (!v && is_build_name(ctx, key))
		return give(ret, "<no value>");
	if (!v)
		return tmpl_complain(call, "loaded data, but couldnt find %s in it.", key);
	*ret = tmpl_from(v);
	if (ret->kind == TMPL_STRING &&
	    memmem(ret->text.p, ret->text.len, tmpl_placeholder, strlen(tmpl_placeholder)))
		return give(ret, arena_printf(call->arena, "{{.%s}}", key));
	return true;
}

FUNC(f_env)
{
	AUTO_FREE char *name = str_dup(call->args[0].text);
	const struct func_world *world = call->ctx->world;

	if (!call->ctx->in_variables)
		return tmpl_complain(call, "env vars are not allowed here");
	return give(ret, world && world->getenv ? world->getenv(name) : NULL);
}

FUNC(f_pwd)
{
	if (!call->ctx->world)
		return tmpl_complain(call, "working directory not available");
	return give(ret, call->ctx->world->cwd);
}

FUNC(f_template_dir)
{
	const struct func_world *world = call->ctx->world;

	if (!world || !world->base_dir)
		return tmpl_complain(call, "template path not available");

	AUTO_FREE char *dir = path_absolute(world->cwd, world->base_dir);

	return give(ret, arena_strdup(call->arena, dir));
}

FUNC(f_uuid)
{
	char text[UUID_TEXT], head[9];

	random_uuid(text);
	/* Ordered by time: the first 32 bits are the seconds. */
	snprintf(head, sizeof(head), "%08llx",
		 (unsigned long long)(clock_wall() / NSEC_PER_SEC) & 0xffffffffu);
	memcpy(text, head, 8);
	return give(ret, arena_strdup(call->arena, text));
}

/* ---- time ------------------------------------------------------------------------- */

static int64_t start_time(const struct tmpl_call *call)
{
	return call->ctx->world ? call->ctx->world->start_time : clock_wall();
}

FUNC(f_timestamp)
{
	*ret = tmpl_int(start_time(call) / NSEC_PER_SEC);
	return true;
}

static bool too_many(const struct tmpl_call *call)
{
	AUTO(strbuf) struct strbuf sb = STRBUF_INIT;

	for (size_t i = 0; i < call->n; i++) {
		strbuf_addstr(&sb, i ? " " : "");
		tmpl_print(&sb, call->args[i]);
	}
	return tmpl_complain(call, "too many values, 1 needed: [%s]", sb.buf);
}

FUNC(f_isotime)
{
	struct strbuf sb = STRBUF_INIT;

	if (call->n > 1)
		return too_many(call);
	if (call->n) {
		AUTO_FREE char *layout = str_dup(call->args[0].text);

		gotime_format(&sb, start_time(call), layout);
	} else {
		clock_format_utc(&sb, start_time(call));
	}
	return tmpl_return_text(call, &sb, ret);
}

FUNC(f_strftime)
{
	struct strbuf sb = STRBUF_INIT;

	if (call->n > 1)
		return too_many(call);

	AUTO_FREE char *format = str_dup(call->n ? call->args[0].text : STR(""));

	gotime_strftime(&sb, start_time(call), format);
	return tmpl_return_text(call, &sb, ret);
}

/* ---- text ------------------------------------------------------------------------ */

static bool map_case(const struct tmpl_call *call, uint32_t (*fn)(uint32_t), struct tmpl_value *ret)
{
	struct strbuf sb = STRBUF_INIT;
	struct str s = call->args[0].text;
	uint32_t cp;

	for (size_t i = 0, n; i < s.len; i += n) {
		char out[4];

		n = utf8_decode(s.p + i, s.len - i, &cp);
		if (!n) {
			cp = 0xfffd;
			n = 1;
		}
		strbuf_add(&sb, out, utf8_encode(fn(cp), out));
	}
	return tmpl_return_text(call, &sb, ret);
}

FUNC(f_upper)
{
	return map_case(call, utf8_to_upper, ret);
}

FUNC(f_lower)
{
	return map_case(call, utf8_to_lower, ret);
}

/* Before the next occurrence of `needle`: its length, or -1. The empty one is between characters. */
static ssize_t before(struct str s, struct str needle)
{
	uint32_t cp;

	if (!needle.len) {
		size_t n = utf8_decode(s.p, s.len, &cp);

		return s.len ? (ssize_t)MAX(n, 1) : -1;
	}

	const char *hit = memmem(s.p, s.len, needle.p, needle.len);

	return hit ? hit - s.p : -1;
}

static struct str drop(struct str s, size_t n)
{
	return (struct str){ s.p + n, s.len - n };
}

static bool replace(const struct tmpl_call *call, struct str s, int64_t times,
		    struct tmpl_value *ret)
{
	struct str from = call->args[0].text, to = call->args[1].text;
	struct strbuf sb = STRBUF_INIT;
	ssize_t n;

	if (!from.len && times != 0) {
		strbuf_add(&sb, to.p, to.len);
		times--;
	}
	while (times != 0 && (n = before(s, from)) >= 0) {
		strbuf_add(&sb, s.p, (size_t)n);
		strbuf_add(&sb, to.p, to.len);
		s = drop(s, (size_t)n + from.len);
		times--;
	}
	strbuf_add(&sb, s.p, s.len);
	return tmpl_return_text(call, &sb, ret);
}

FUNC(f_replace)
{
	return replace(call, call->args[3].text, call->args[2].integer, ret);
}

FUNC(f_replace_all)
{
	return replace(call, call->args[2].text, -1, ret);
}

FUNC(f_split)
{
	struct str s = call->args[0].text, sep = call->args[1].text;
	int64_t want = call->args[2].integer, count = 0;
	ssize_t n;

	while ((n = before(s, sep)) >= 0) {
		if (count++ == want) {
			*ret = tmpl_string((struct str){ s.p, (size_t)n });
			return true;
		}
		s = drop(s, (size_t)n + sep.len);
	}
	/* Without a separator there is nothing behind the last character. */
	if (sep.len && count++ == want) {
		*ret = tmpl_string(s);
		return true;
	}
	return tmpl_complain(call,
			     "the substring %lld was unavailable using the separator value, %.*s, "
			     "only %lld values were found",
			     (long long)want, STR_FMT(sep), (long long)count);
}

FUNC(f_sed)
{
	(void)ret;
	return tmpl_complain(call,
			     "template function `sed` is deprecated use `replace` or `replace_all` "
			     "instead.Documentation: https://www.packer.io/docs/templates/engine");
}

/* ---- values that servers keep ------------------------------------------------------- */

/* They are asked for the defaults of variables only; elsewhere `refusal` is said. */
static bool may_ask(const struct tmpl_call *call, const char *refusal, struct cloud_ctx *ret)
{
	if (!call->ctx->in_variables)
		return tmpl_complain(call, "%s", refusal);
	if (!call->ctx->world)
		return tmpl_complain(call, "environment not available");
	func_world_cloud(call->ctx->world, ret);
	return true;
}

/* The text of argument i, for those who want a C string. */
static const char *text_arg(const struct tmpl_call *call, size_t i)
{
	return arena_strndup(call->arena, call->args[i].text.p, call->args[i].text.len);
}

static bool give_secret(const struct tmpl_call *call, char *secret, struct tmpl_value *ret)
{
	*ret = tmpl_string(str_of(arena_strdup(call->arena, secret)));
	secret_free(secret);
	return true;
}

FUNC(f_consul_key)
{
	struct strbuf text = STRBUF_INIT;
	struct cloud_ctx ctx;

	if (!may_ask(call, "consul_key is not allowed here", &ctx))
		return false;
	if (consul_read(&ctx, text_arg(call, 0), &text, call->err) == 0)
		return tmpl_return_text(call, &text, ret);
	strbuf_release(&text);
	return false;
}

FUNC(f_vault)
{
	struct cloud_ctx ctx;
	char *secret = NULL;

	if (!may_ask(call, "Vault vars are only allowed in the variables section", &ctx) ||
	    vault_read(&ctx, text_arg(call, 0), text_arg(call, 1), &secret, call->err) < 0)
		return false;
	return give_secret(call, secret, ret);
}

static const char aws_refusal[] = "AWS Secrets Manager is only allowed in the variables section";

FUNC(f_aws_secretsmanager)
{
	struct cloud_ctx ctx;
	char *secret = NULL;

	if (!may_ask(call, aws_refusal, &ctx))
		return false;
	if (call->n == 0)
		return tmpl_complain(call, "secret name must be provided");
	if (call->n > 2)
		return tmpl_complain(call,
				     "only secret name and optional secret key can be provided.");
	if (secretsmanager_value(&ctx, text_arg(call, 0), call->n > 1 ? text_arg(call, 1) : NULL,
				 &secret, call->err) < 0)
		return false;
	return give_secret(call, secret, ret);
}

FUNC(f_aws_secretsmanager_raw)
{
	struct cloud_ctx ctx;
	char *secret = NULL;

	if (!may_ask(call, aws_refusal, &ctx) ||
	    secretsmanager_raw(&ctx, text_arg(call, 0), &secret, call->err) < 0)
		return false;
	return give_secret(call, secret, ret);
}

/* Sorted by name. */
const struct tmpl_func tmpl_functions[] = {
	{ "aws_secretsmanager", 0, -1, "s", f_aws_secretsmanager },
	{ "aws_secretsmanager_raw", 1, 1, "s", f_aws_secretsmanager_raw },
	{ "build", 1, 1, "s", f_build },
	{ "build_name", 0, 0, NULL, f_build_name },
	{ "build_type", 0, 0, NULL, f_build_type },
	{ "consul_key", 1, 1, "s", f_consul_key },
	{ "env", 1, 1, "s", f_env },
	{ "isotime", 0, -1, "s", f_isotime },
	{ "lower", 1, 1, "s", f_lower },
	{ "packer_version", 0, 0, NULL, f_packer_version },
	{ "pwd", 0, 0, NULL, f_pwd },
	{ "replace", 4, 4, "ssis", f_replace },
	{ "replace_all", 3, 3, "sss", f_replace_all },
	{ "sed", 0, -1, NULL, f_sed },
	{ "split", 3, 3, "ssi", f_split },
	{ "strftime", 0, -1, "s", f_strftime },
	{ "template_dir", 0, 0, NULL, f_template_dir },
	{ "timestamp", 0, 0, NULL, f_timestamp },
	{ "upper", 1, 1, "s", f_upper },
	{ "user", 1, 1, "s", f_user },
	{ "uuid", 0, 0, NULL, f_uuid },
	{ "vault", 2, 2, "s", f_vault },
	{ 0 },
};

static const struct tmpl_func *find_in(const struct tmpl_func *table, struct str name)
{
	for (; table && table->name; table++)
		if (str_is(name, table->name))
			return table;
	return NULL;
}

const struct tmpl_func *tmpl_func_find(const struct tmpl_func *extra, struct str name)
{
	const struct tmpl_func *f = find_in(extra, name);

	if (!f)
		f = find_in(tmpl_functions, name);
	return f ? f : find_in(tmpl_builtins, name);
}
