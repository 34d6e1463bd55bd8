/* SPDX-License-Identifier: Apache-2.0 */
/* yamldecode() and yamlencode() (language.md 21.7). */
#include "func/args.h"
#include "func/rows.h"
#include "func/yamltext.h"

static struct value *call_yamldecode(const struct func_call *call, struct error **err)
{
	struct value *v = yamltext_read(arg_text(call, 0), arg_size(call, 0), err);

	/* The type of a bare null says nothing: as released, nothing is known then. */
	if (v && value_is_null(v)) {
		value_unref(v);
		return value_unknown(type_dynamic);
	}
	return v;
}

static struct value *call_yamlencode(const struct func_call *call, struct error **err)
{
	AUTO(strbuf) struct strbuf out = STRBUF_INIT;

	if (!args_wholly_known(call))
		return value_unknown(type_string);
	yamltext_write(&out, call->args[0]);
	return value_string_len(out.buf, out.len);
}

const struct func_def func_yamldecode = {
	.name = "yamldecode",
	.params = PARAMS({ "src", &type_string, 0 }),
	.call = call_yamldecode,
	.doc = "Reads one YAML document.",
	.example = "yamldecode(\"a: [1, x]\")",
	.result = "{ a = [1, \"x\"] }",
};

const struct func_def func_yamlencode = {
	.name = "yamlencode",
	.params = PARAMS({ "value", NULL, PARAM_NULL | PARAM_DYNAMIC }),
	.call = call_yamlencode,
	.returns = &type_string,
	.doc = "Writes a value as YAML.",
	.example = "yamlencode({ a = [1, 2] })",
	.result = "\"\\\"a\\\":\\n- 1\\n- 2\\n\"",
};
