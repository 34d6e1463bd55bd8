/* SPDX-License-Identifier: Apache-2.0 */
/* Roles: the token service changes who we are. It speaks forms and XML. */
#include "base/alloc.h"
#include "base/duration.h"
#include "base/encode.h"
#include "base/redact.h"
#include "base/str.h"
#include "cloud/aws_source.h"
#include "os/fs.h"

#include <string.h>

enum { TOKEN_MAX = 64 * 1024, SHOWN_MAX = 500 };

/* ---- XML ------------------------------------------------------------------------------------ */

static char *unescaped(struct str text)
{
	struct strbuf sb = STRBUF_INIT;

	strbuf_add(&sb, text.p, text.len);
	strbuf_replace(&sb, "&lt;", "<");
	strbuf_replace(&sb, "&gt;", ">");
	strbuf_replace(&sb, "&quot;", "\"");
	strbuf_replace(&sb, "&apos;", "'");
	strbuf_replace(&sb, "&amp;", "&");
	return strbuf_detach(&sb);
}

/* Text of the first element of this name; these answers have no two meanings of one. */
static char *element(const struct http_response *r, const char *name)
{
	AUTO_FREE char *open = xasprintf("<%s>", name);
	AUTO_FREE char *close = xasprintf("</%s>", name);
	const char *start = strstr(r->body.buf, open);
	const char *end = start ? strstr(start, close) : NULL;

	if (!end)
		return NULL;
	start += strlen(open);
	return unescaped((struct str){ start, (size_t)(end - start) });
}

/* ---- the request ------------------------------------------------------------------------------ */

static void add_field(struct strbuf *form, const char *name, const char *value)
{
	if (!value)
		return;
	strbuf_addf(form, "%s%s=", form->len ? "&" : "", name);
	encode_url_query(form, value, strlen(value));
}

static int make_form(const struct cloud_ctx *ctx, const struct aws_role *role, struct strbuf *form,
		     struct error **err)
{
	AUTO(strbuf) struct strbuf token = STRBUF_INIT_MAX(TOKEN_MAX);
	AUTO_FREE char *session = NULL;

	if (role->token_file && fs_read(role->token_file, TOKEN_MAX, &token, err) < 0)
		return error_prefix(err, "WebIdentityErr: unable to read file at %s",
				    role->token_file);
	session = role->session_name
			  ? xstrdup(role->session_name)
			  : xasprintf("ingot-%lld", (long long)(ctx->now() / NSEC_PER_SEC));
	strbuf_rtrim(&token);
	add_field(form, "Action", role->token_file ? "AssumeRoleWithWebIdentity" : "AssumeRole");
	add_field(form, "Version", "2011-06-15");
	add_field(form, "RoleArn", role->arn);
	add_field(form, "RoleSessionName", session);
	add_field(form, "ExternalId", role->external_id);
	add_field(form, "DurationSeconds", role->duration);
	add_field(form, "WebIdentityToken", role->token_file ? token.buf : NULL);
	return 0;
}

static int refused(const struct http_response *r, const struct aws_role *role, struct error **err)
{
	AUTO_FREE char *code = element(r, "Code");
	AUTO_FREE char *message = element(r, "Message");
	struct str body = { r->body.buf, MIN(r->body.len, SHOWN_MAX) };

	if (code)
		return error_set(err, ERROR_AUTH, "cannot assume role '%s': %s: %s", role->arn,
				 code, message ? message : "");
	return error_set(err, ERROR_AUTH, "cannot assume role '%s': status code %d: %.*s",
			 role->arn, r->status, STR_FMT(body));
}

int aws_assume_role(const struct cloud_ctx *ctx, const struct aws_role *role,
		    struct aws_credentials *ret, struct error **err)
{
	AUTO(strv) struct strv headers = STRV_INIT;
	AUTO(strbuf) struct strbuf form = STRBUF_INIT;
	AUTO(http_response) struct http_response r = { 0 };
	const char *region = role->region ? role->region : "us-east-1";
	AUTO_FREE char *endpoint = aws_endpoint(ctx, "sts", "STS", region);
	struct aws_call call = {
		.endpoint = endpoint,
		.service = "sts",
		.region = region,
		.credentials = role->token_file ? NULL : role->base,
		.headers = &headers,
	};

	if (make_form(ctx, role, &form, err) < 0)
		return -1;
	strv_push(&headers, "Content-Type: application/x-www-form-urlencoded; charset=utf-8");
	call.body = form.buf;

	int done = aws_perform(ctx, &call, &r, err);

	secret_wipe(form.buf, form.len);
	if (done < 0)
		return error_prefix(err, "cannot assume role '%s'", role->arn);
	if (r.status != 200)
		return refused(&r, role, err);
	ret->id = element(&r, "AccessKeyId");
	ret->secret = element(&r, "SecretAccessKey");
	ret->session = element(&r, "SessionToken");
	secret_wipe(r.body.buf, r.body.len);
	if (ret->id && ret->secret && ret->session)
		return 1;
	return error_set(err, ERROR_REMOTE, "cannot assume role '%s': no credentials in the answer",
			 role->arn);
}
