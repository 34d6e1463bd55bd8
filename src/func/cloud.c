/* SPDX-License-Identifier: Apache-2.0 */
/* Values and secrets that servers keep: Consul, Vault, AWS Secrets Manager. */
#include "base/alloc.h"
#include "base/utf8.h"
#include "cloud/consul.h"
#include "cloud/secretsmanager.h"
#include "cloud/vault.h"
#include "func/args.h"
#include "func/rows.h"

static struct value *take_secret(char *text)
{
	struct value *v = value_string(text);

	secret_free(text);
	return v;
}

static struct value *call_consul_key(const struct func_call *call, struct error **err)
{
	AUTO(strbuf) struct strbuf text = STRBUF_INIT;
	struct cloud_ctx ctx;

	func_world_cloud(call->world, &ctx);
	if (consul_read(&ctx, arg_text(call, 0), &text, err) < 0)
		return NULL;
	if (!utf8_is_valid(text.buf, text.len))
		return fail(err, "the value at path %s is not valid UTF-8", arg_text(call, 0));
	return value_string_len(text.buf, text.len);
}

static struct value *call_vault(const struct func_call *call, struct error **err)
{
	char *text = NULL;
	struct cloud_ctx ctx;

	func_world_cloud(call->world, &ctx);
	if (vault_read(&ctx, arg_text(call, 0), arg_text(call, 1), &text, err) < 0)
		return NULL;
	return take_secret(text);
}

static struct value *call_vault_kv(const struct func_call *call, struct error **err)
{
	char *text = NULL;
	struct cloud_ctx ctx;

	func_world_cloud(call->world, &ctx);
	if (vault_kv_read(&ctx, arg_text(call, 0), arg_text(call, 1), &text, err) < 0)
		return NULL;
	return take_secret(text);
}

static struct value *call_aws_secretsmanager(const struct func_call *call, struct error **err)
{
	const char *key = value_is_null(call->args[1]) ? NULL : arg_text(call, 1);
	char *text = NULL;
	struct cloud_ctx ctx;

	func_world_cloud(call->world, &ctx);
	if (secretsmanager_value(&ctx, arg_text(call, 0), key, &text, err) < 0)
		return NULL;
	return take_secret(text);
}

static struct value *call_aws_secretsmanager_raw(const struct func_call *call, struct error **err)
{
	char *text = NULL;
	struct cloud_ctx ctx;

	func_world_cloud(call->world, &ctx);
	if (secretsmanager_raw(&ctx, arg_text(call, 0), &text, err) < 0)
		return NULL;
	return take_secret(text);
}

const struct func_def func_consul_key = {
	.name = "consul_key",
	.params = PARAMS({ "key", &type_string, 0 }),
	.call = call_consul_key,
	.returns = &type_string,
	.doc = "Reads a key of Consul's store; CONSUL_HTTP_ADDR and the other CONSUL_* variables "
	       "say where it is.",
	.example = "consul_key(\"images/base/version\")",
	.result = "\"1.2.3\"",
};

const struct func_def func_vault = {
	.name = "vault",
	.params = PARAMS({ "path", &type_string, 0 }, { "key", &type_string, 0 }),
	.call = call_vault,
	.returns = &type_string,
	.doc = "Reads one key of a Vault secret at exactly this path (version 2 of the engine "
	       "wants "
	       "`data/` in it); VAULT_ADDR says where, VAULT_TOKEN who asks, and what it gives is "
	       "kept out of all output.",
	.example = "vault(\"secret/data/hello\", \"foo\")",
	.result = "\"world\"",
};

const struct func_def func_vault_kv = {
	.name = "vault_kv",
	.params = PARAMS({ "path", &type_string, 0 }, { "key", &type_string, 0 }),
	.call = call_vault_kv,
	.returns = &type_string,
	.doc = "Reads one key of a Vault secret by the path that `vault kv get` takes, whatever "
	       "the "
	       "version of the engine; what it gives is kept out of all output.",
	.example = "vault_kv(\"secret/hello\", \"foo\")",
	.result = "\"world\"",
};

const struct func_def func_aws_secretsmanager = {
	.name = "aws_secretsmanager",
	.params = PARAMS({ "name", &type_string, 0 }, { "key", &type_string, PARAM_NULL }),
	.call = call_aws_secretsmanager,
	.returns = &type_string,
	.doc = "Reads one key of a secret from AWS Secrets Manager, or the only one when the key "
	       "is "
	       "null; credentials and region come from where AWS's own tools look for them, and "
	       "what it gives is kept out of all output.",
	.example = "aws_secretsmanager(\"production/database\", \"password\")",
	.result = "\"correct horse\"",
};

const struct func_def func_aws_secretsmanager_raw = {
	.name = "aws_secretsmanager_raw",
	.params = PARAMS({ "name", &type_string, 0 }),
	.call = call_aws_secretsmanager_raw,
	.returns = &type_string,
	.doc = "Reads the whole text of a secret from AWS Secrets Manager; it, and every text in "
	       "it "
	       "when it is JSON, is kept out of all output.",
	.example = "aws_secretsmanager_raw(\"production/database\")",
	.result = "\"{\\\"password\\\":\\\"correct horse\\\"}\"",
};
