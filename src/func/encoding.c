/* SPDX-License-Identifier: Apache-2.0 */
/* Base64, URL, JSON and CSV. */
#include "base/encode.h"
#include "base/utf8.h"
#include "func/args.h"
#include "func/rows.h"
#include "value/jsontext.h"

#include <string.h>

static const struct param str_params[] = { { "str", &type_string, 0 }, { 0 } };

static struct value *call_base64encode(const struct func_call *call, struct error **err)
{
	AUTO(strbuf) struct strbuf out = STRBUF_INIT;

	encode_base64(&out, arg_text(call, 0), arg_size(call, 0));
	return value_string_len(out.buf, out.len);
}

static struct value *call_base64decode(const struct func_call *call, struct error **err)
{
	AUTO(strbuf) struct strbuf out = STRBUF_INIT;

	if (!decode_base64(&out, arg_text(call, 0), arg_size(call, 0)))
		return fail(err, "failed to decode base64 data '%s'", arg_text(call, 0));
	if (!utf8_is_valid(out.buf, out.len))
		return fail(err,
			    "the result of decoding the the provided string is not valid UTF-8");
	return value_string_len(out.buf, out.len);
}

static struct value *call_urlencode(const struct func_call *call, struct error **err)
{
	AUTO(strbuf) struct strbuf out = STRBUF_INIT;

	encode_url_query(&out, arg_text(call, 0), arg_size(call, 0));
	return value_string_len(out.buf, out.len);
}

static bool has_infinity(const struct value *v)
{
	if (value_is_null(v))
		return false;
	if (value_type(v) == type_number)
		return number_is_infinite(value_as_number(v));
	if (type_is_primitive(value_type(v)))
		return false;
	for (size_t i = 0; i < value_len(v); i++)
		if (has_infinity(value_at(v, i)))
			return true;
	return false;
}

static struct value *call_jsonencode(const struct func_call *call, struct error **err)
{
	AUTO(strbuf) struct strbuf out = STRBUF_INIT;

	if (!args_wholly_known(call))
		return value_unknown(type_string);
	if (has_infinity(call->args[0]))
		return fail(err, "cannot serialize infinity as JSON");
	value_format_json(&out, call->args[0]);
	return value_string_len(out.buf, out.len);
}

static struct value *call_jsondecode(const struct func_call *call, struct error **err)
{
	return jsontext_decode(arg_text(call, 0), arg_size(call, 0), err);
}

/* One CSV text being read: RFC 4180, LF or CRLF. */
struct csv {
	const char *p, *end;
	size_t line;
	struct error **err;
};

VEC_DECLARE(text_vec, struct strbuf);

static void clear_record(struct text_vec *fields)
{
	for (size_t i = 0; i < fields->len; i++)
		strbuf_release(&fields->items[i]);
	fields->len = 0;
}

static void auto_text_vec(struct text_vec *fields)
{
	clear_record(fields);
	vec_release(fields);
}

static bool csv_error(struct csv *csv, size_t line, const char *why)
{
	fail(csv->err, "CSV parse error on line %zu: %s", line, why);
	return false;
}

/* Length of the line end at p: 0, 1 or 2. */
static size_t line_end(const struct csv *csv)
{
	if (csv->p < csv->end && *csv->p == '\n')
		return 1;
	return csv->end - csv->p >= 2 && csv->p[0] == '\r' && csv->p[1] == '\n' ? 2 : 0;
}

static bool read_quoted(struct csv *csv, struct strbuf *field)
{
	size_t started = csv->line;

	csv->p++;
	for (;;) {
		if (csv->p == csv->end)
			return csv_error(csv, started, "extraneous or missing \" in quoted-field");
		if (*csv->p == '"') {
			csv->p++;
			if (csv->p == csv->end || *csv->p != '"')
				break;
		} else if (line_end(csv)) {
			csv->p += line_end(csv) - 1;
			csv->line++;
		}
		strbuf_addch(field, *csv->p++);
	}
	if (csv->p < csv->end && *csv->p != ',' && !line_end(csv))
		return csv_error(csv, csv->line, "extraneous or missing \" in quoted-field");
	return true;
}

static bool read_bare(struct csv *csv, struct strbuf *field)
{
	while (csv->p < csv->end && *csv->p != ',' && !line_end(csv)) {
		if (*csv->p == '"')
			return csv_error(csv, csv->line, "bare \" in non-quoted-field");
		strbuf_addch(field, *csv->p++);
	}
	/* A carriage return that ends the text ends a line. */
	if (csv->p == csv->end && field->len && field->buf[field->len - 1] == '\r')
		strbuf_truncate(field, field->len - 1);
	return true;
}

/* Reads the next record that is not a blank line; an empty one at the end. */
static bool read_record(struct csv *csv, struct text_vec *fields)
{
	clear_record(fields);
	while (line_end(csv)) {
		csv->p += line_end(csv);
		csv->line++;
	}
	if (csv->p == csv->end)
		return true;
	for (;;) {
		struct strbuf *field = vec_push(fields);

		strbuf_init(field);
		if (csv->p < csv->end && *csv->p == '"') {
			if (!read_quoted(csv, field))
				return false;
		} else if (!read_bare(csv, field)) {
			return false;
		}
		if (csv->p == csv->end || *csv->p != ',')
			break;
		csv->p++;
	}
	csv->p += line_end(csv);
	csv->line++;
	return true;
}

static struct type *csv_type(const struct text_vec *header, struct error **err)
{
	AUTO_FREE struct type_field *fields = xcalloc(header->len, sizeof(*fields));

	for (size_t i = 0; i < header->len; i++) {
		for (size_t k = 0; k < i; k++) {
			AUTO(strbuf) struct strbuf quoted = STRBUF_INIT;

			if (strcmp(header->items[i].buf, header->items[k].buf) != 0)
				continue;
			encode_go_quoted(&quoted, header->items[i].buf, header->items[i].len);
			fail(err, "duplicate column name %s", quoted.buf);
			return NULL;
		}
		fields[i] = (struct type_field){ header->items[i].buf, type_string, false, NULL };
	}
	return type_object(fields, header->len);
}

static struct value *call_csvdecode(const struct func_call *call, struct error **err)
{
	struct csv csv = { .p = arg_text(call, 0), .line = 1, .err = err };
	AUTO(text_vec) struct text_vec header = { 0 };
	AUTO(text_vec) struct text_vec record = { 0 };
	AUTO(value_vec) struct value_vec rows = { 0 };

	csv.end = csv.p + arg_size(call, 0);
	if (!read_record(&csv, &header))
		return NULL;
	if (!header.len)
		return fail(err, "missing header line");

	AUTO(type) struct type *row_type = csv_type(&header, err);

	if (!row_type)
		return NULL;
	for (;;) {
		struct map row;
		size_t line = csv.line;

		if (!read_record(&csv, &record))
			return NULL;
		if (!record.len)
			break;
		if (record.len != header.len) {
			csv_error(&csv, line, "wrong number of fields");
			return NULL;
		}
		value_map_init(&row);
		for (size_t i = 0; i < record.len; i++)
			map_set(&row, header.items[i].buf,
				value_string_len(record.items[i].buf, record.items[i].len));
		*vec_push(&rows) = value_object_take(&row);
	}
	return value_vec_list(&rows, row_type);
}

const struct func_def func_base64decode = {
	.name = "base64decode",
	.params = str_params,
	.call = call_base64decode,
	.returns = &type_string,
	.doc = "Decodes base64 to text.",
	.example = "base64decode(\"aGVsbG8=\")",
	.result = "\"hello\"",
};

const struct func_def func_base64encode = {
	.name = "base64encode",
	.params = str_params,
	.call = call_base64encode,
	.returns = &type_string,
	.doc = "Encodes text in base64.",
	.example = "base64encode(\"hello\")",
	.result = "\"aGVsbG8=\"",
};

const struct func_def func_csvdecode = {
	.name = "csvdecode",
	.params = str_params,
	.call = call_csvdecode,
	.doc = "Reads CSV with a header line into a list of objects.",
	.example = "csvdecode(\"a,b\\n1,2\\n\")",
	.result = "[{ a = \"1\", b = \"2\" }]",
};

const struct func_def func_jsondecode = {
	.name = "jsondecode",
	.params = str_params,
	.call = call_jsondecode,
	.doc = "Reads JSON.",
	.example = "jsondecode(\"[1, true]\")",
	.result = "[1, true]",
};

const struct func_def func_jsonencode = {
	.name = "jsonencode",
	.params = PARAMS({ "val", NULL, PARAM_NULL | PARAM_DYNAMIC }),
	.call = call_jsonencode,
	.returns = &type_string,
	.doc = "Writes a value as JSON.",
	.example = "jsonencode({ a = [1, 2] })",
	.result = "\"{\\\"a\\\":[1,2]}\"",
};

const struct func_def func_urlencode = {
	.name = "urlencode",
	.params = str_params,
	.call = call_urlencode,
	.returns = &type_string,
	.doc = "Escapes text for the query of a URL.",
	.example = "urlencode(\"a b&c\")",
	.result = "\"a+b%26c\"",
};
