/* SPDX-License-Identifier: Apache-2.0 */
/* Functions on numbers. */
#include "base/encode.h"
#include "func/args.h"
#include "func/rows.h"

#include <math.h>
#include <string.h>

static const struct param num_params[] = { { "num", &type_number, 0 }, { 0 } };
static const struct param numbers = { "numbers", &type_number, 0 };

static struct value *call_abs(const struct func_call *call, struct error **err)
{
	return value_number_take(number_abs(value_as_number(call->args[0])));
}

static struct value *call_ceil(const struct func_call *call, struct error **err)
{
	return value_number_take(number_ceil(value_as_number(call->args[0])));
}

static struct value *call_floor(const struct func_call *call, struct error **err)
{
	return value_number_take(number_floor(value_as_number(call->args[0])));
}

/* `sign` 1 picks the largest, -1 the smallest. */
static struct value *pick(const struct func_call *call, int sign, struct error **err)
{
	struct value *best = call->argc ? call->args[0] : NULL;

	if (!best)
		return fail(err, "must pass at least one number");
	for (size_t i = 1; i < call->argc; i++)
		if (sign * number_compare(value_as_number(call->args[i]), value_as_number(best)) >
		    0)
			best = call->args[i];
	return value_ref(best);
}

static struct value *call_max(const struct func_call *call, struct error **err)
{
	return pick(call, 1, err);
}

static struct value *call_min(const struct func_call *call, struct error **err)
{
	return pick(call, -1, err);
}

static double arg_double(const struct func_call *call, size_t i)
{
	return number_to_double(value_as_number(call->args[i]));
}

static struct value *from_double(double d, struct error **err)
{
	if (isnan(d))
		return fail(err, "the result is not a number");
	if (isinf(d))
		return value_number_take(number_infinity(d < 0));
	return value_number_take(number_from_double(d));
}

static struct value *call_log(const struct func_call *call, struct error **err)
{
	return from_double(log(arg_double(call, 0)) / log(arg_double(call, 1)), err);
}

static struct value *call_pow(const struct func_call *call, struct error **err)
{
	return from_double(pow(arg_double(call, 0), arg_double(call, 1)), err);
}

static struct value *call_signum(const struct func_call *call, struct error **err)
{
	int64_t n;

	if (!arg_int(call, 0, &n, err))
		return NULL;
	return value_int((n > 0) - (n < 0));
}

static struct value *call_parseint(const struct func_call *call, struct error **err)
{
	int64_t base;

	if (value_type(call->args[0]) != type_string) {
		AUTO(strbuf) struct strbuf name = STRBUF_INIT;

		type_name(&name, value_type(call->args[0]));
		return fail_arg(call, 0, err, "first argument must be a string, not %s", name.buf);
	}
	if (!arg_int(call, 1, &base, err)) {
		*call->ret_bad_arg = 1;
		return NULL;
	}
	if (base < 2 || base > 62)
		return fail_arg(call, 1, err,
				"base must be a whole number between 2 and 62 inclusive");

	const char *text = arg_text(call, 0);
	struct number *n = NULL;

	if (strlen(text) == arg_size(call, 0))
		n = number_parse_int(text, (int)base);
	if (n)
		return value_number_take(n);

	AUTO(strbuf) struct strbuf quoted = STRBUF_INIT;

	encode_go_quoted(&quoted, text, arg_size(call, 0));
	return fail_arg(call, 0, err, "cannot parse %s as a base %d integer", quoted.buf,
			(int)base);
}

const struct func_def func_abs = {
	.name = "abs",
	.params = num_params,
	.call = call_abs,
	.returns = &type_number,
	.doc = "Gives the absolute value of a number.",
	.example = "abs(-3.5)",
	.result = "3.5",
};

const struct func_def func_ceil = {
	.name = "ceil",
	.params = num_params,
	.call = call_ceil,
	.returns = &type_number,
	.doc = "Rounds up to the next whole number.",
	.example = "ceil(1.2)",
	.result = "2",
};

const struct func_def func_floor = {
	.name = "floor",
	.params = num_params,
	.call = call_floor,
	.returns = &type_number,
	.doc = "Rounds down to the whole number below.",
	.example = "floor(1.8)",
	.result = "1",
};

const struct func_def func_log = {
	.name = "log",
	.params = PARAMS({ "num", &type_number, 0 }, { "base", &type_number, 0 }),
	.call = call_log,
	.returns = &type_number,
	.doc = "Gives the logarithm of a number in the given base.",
	.example = "log(8, 2)",
	.result = "3",
};

const struct func_def func_max = {
	.name = "max",
	.variadic = &numbers,
	.call = call_max,
	.returns = &type_number,
	.doc = "Gives the largest of the numbers.",
	.example = "max(2, 7, 5)",
	.result = "7",
};

const struct func_def func_min = {
	.name = "min",
	.variadic = &numbers,
	.call = call_min,
	.returns = &type_number,
	.doc = "Gives the smallest of the numbers.",
	.example = "min(2, 7, 5)",
	.result = "2",
};

const struct func_def func_parseint = {
	.name = "parseint",
	.params = PARAMS({ "number", NULL, 0 }, { "base", &type_number, 0 }),
	.call = call_parseint,
	.returns = &type_number,
	.doc = "Reads a whole number written in the given base, 2 to 62.",
	.example = "parseint(\"ff\", 16)",
	.result = "255",
};

const struct func_def func_pow = {
	.name = "pow",
	.params = PARAMS({ "num", &type_number, 0 }, { "power", &type_number, 0 }),
	.call = call_pow,
	.returns = &type_number,
	.doc = "Raises a number to a power.",
	.example = "pow(2, 10)",
	.result = "1024",
};

const struct func_def func_signum = {
	.name = "signum",
	.params = num_params,
	.call = call_signum,
	.returns = &type_number,
	.doc = "Gives -1, 0 or 1 for a negative number, zero, or a positive one.",
	.example = "signum(-12)",
	.result = "-1",
};
