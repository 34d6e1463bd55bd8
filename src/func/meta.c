/* SPDX-License-Identifier: Apache-2.0 */
/* Functions that take expressions or types instead of values; and env(). */
#include "func/args.h"
#include "func/rows.h"
#include "value/convert.h"

static struct value *call_can(const struct func_call *call, struct error **err)
{
	AUTO(error) struct error *why = NULL;
	AUTO(value) struct value *v = call->eval_lazy(call, 0, &why);

	if (v && !value_is_wholly_known(v))
		return value_unknown(type_bool);
	return value_bool(v != NULL);
}

static struct value *call_try(const struct func_call *call, struct error **err)
{
	AUTO(strbuf) struct strbuf why = STRBUF_INIT;

	if (!call->argc)
		return fail(err, "at least one argument is required");
	for (size_t i = 0; i < call->argc; i++) {
		AUTO(error) struct error *e = NULL;
		AUTO(value) struct value *v = call->eval_lazy(call, i, &e);

		if (v && !value_is_wholly_known(v))
			return value_unknown(type_dynamic);
		if (v)
			return TAKE(v);
		strbuf_addstr(&why, e->message);
	}
	return fail(err,
		    "no expression succeeded:\n%s\nAt least one expression must produce a "
		    "successful result",
		    why.buf);
}

static struct value *call_convert(const struct func_call *call, struct error **err)
{
	AUTO(type) struct type *type = call->type_lazy(call, 1, err);
	struct value *v;

	if (!type)
		return NULL;
	v = value_convert(call->args[0], type, err);
	if (!v)
		*call->ret_bad_arg = 0;
	return v;
}

static struct value *call_env(const struct func_call *call, struct error **err)
{
	const char *v = call->world->getenv(arg_text(call, 0));

	return value_string(v ? v : "");
}

const struct func_def func_can = {
	.name = "can",
	.params = PARAMS({ "expression", NULL, PARAM_LAZY }),
	.call = call_can,
	.returns = &type_bool,
	.doc = "Tells whether an expression can be evaluated without an error.",
	.example = "can({ a = 1 }.b)",
	.result = "false",
};

const struct func_def func_convert = {
	.name = "convert",
	.params = PARAMS({ "value", NULL, PARAM_NULL | PARAM_UNKNOWN | PARAM_DYNAMIC },
			 { "type", NULL, PARAM_LAZY }),
	.call = call_convert,
	.doc = "Converts a value to a type, written as in a variable block.",
	.example = "convert([\"1\", \"2\"], list(number))",
	.result = "[1, 2]",
};

const struct func_def func_env = {
	.name = "env",
	.params = PARAMS({ "key", &type_string, 0 }),
	.call = call_env,
	.returns = &type_string,
	.doc = "Gives a variable of the environment; only in the default of a variable.",
	.example = "env(\"HOME\")",
	.result = "\"/home/user\"",
};

const struct func_def func_try = {
	.name = "try",
	.variadic = VARIADIC("expressions", NULL, PARAM_LAZY),
	.call = call_try,
	.doc = "Gives the first expression that can be evaluated without an error.",
	.example = "try({ a = 1 }.b, 2)",
	.result = "2",
};
