/* SPDX-License-Identifier: Apache-2.0 */
#include "func/args.h"

#include <stdarg.h>

const char *arg_text(const struct func_call *call, size_t i)
{
	return value_as_string(call->args[i]);
}

size_t arg_size(const struct func_call *call, size_t i)
{
	return value_string_size(call->args[i]);
}

bool arg_int(const struct func_call *call, size_t i, int64_t *ret, struct error **err)
{
	if (number_to_int(value_as_number(call->args[i]), ret))
		return true;
	error_set(err, ERROR_INVALID,
		  "value must be a whole number, between -9223372036854775808 and "
		  "9223372036854775807");
	return false;
}

bool args_wholly_known(const struct func_call *call)
{
	for (size_t i = 0; i < call->argc; i++)
		if (call->args[i] && !value_is_wholly_known(call->args[i]))
			return false;
	return true;
}

bool is_list_or_tuple(const struct type *t)
{
	return type_kind(t) == TYPE_LIST || type_kind(t) == TYPE_TUPLE;
}

bool is_sequence(const struct type *t)
{
	return is_list_or_tuple(t) || type_kind(t) == TYPE_SET;
}

bool is_mapping(const struct type *t)
{
	return type_kind(t) == TYPE_MAP || type_kind(t) == TYPE_OBJECT;
}

static void set_message(struct error **err, const char *fmt, va_list ap)
{
	AUTO(strbuf) struct strbuf text = STRBUF_INIT;

	strbuf_vaddf(&text, fmt, ap);
	error_set(err, ERROR_INVALID, "%s", text.buf);
}

struct value *fail(struct error **err, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	set_message(err, fmt, ap);
	va_end(ap);
	return NULL;
}

struct value *fail_arg(const struct func_call *call, size_t i, struct error **err, const char *fmt,
		       ...)
{
	va_list ap;

	va_start(ap, fmt);
	set_message(err, fmt, ap);
	va_end(ap);
	*call->ret_bad_arg = (int)i;
	return NULL;
}
