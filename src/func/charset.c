/* SPDX-License-Identifier: Apache-2.0 */
/* Text in other encodings, and compressed: always carried in base64. */
#include "base/encode.h"
#include "base/utf8.h"
#include "func/args.h"
#include "func/gzip.h"
#include "func/rows.h"

#include <ctype.h>
#include <errno.h>
#include <iconv.h>
#include <string.h>
#include <strings.h>

/* iconv() knows more than names: "//TRANSLIT" and the like are not for templates. */
static bool is_charset_name(const char *s)
{
	for (const char *p = s; *p; p++)
		if (!isalnum((unsigned char)*p) && !strchr("-_.:+()", *p))
			return false;
	return *s;
}

/* Plain "UTF-16" is big-endian with a byte order mark here, whatever the host. */
static bool is_marked_utf16(const char *name)
{
	return !strcasecmp(name, "UTF-16") || !strcasecmp(name, "csUTF16");
}

static iconv_t open_charset(const struct func_call *call, bool decode, struct error **err)
{
	const char *name = arg_text(call, 1), *other = name;
	AUTO(strbuf) struct strbuf quoted = STRBUF_INIT;
	iconv_t cd = (iconv_t)-1;

	if (is_marked_utf16(name) && !decode)
		other = "UTF-16BE";
	if (is_charset_name(name))
		cd = decode ? iconv_open("UTF-8", other) : iconv_open(other, "UTF-8");
	encode_go_quoted(&quoted, name, strlen(name));
	if (cd == (iconv_t)-1)
		fail_arg(call, 1, err, "%s is not a supported IANA encoding name or alias",
			 quoted.buf);
	return cd;
}

/* False: something has no counterpart. */
static bool recode(iconv_t cd, const char *text, size_t len, struct strbuf *out)
{
	char *in = (char *)text, buf[512];

	for (;;) {
		char *p = buf;
		size_t room = sizeof(buf), rc;

		rc = iconv(cd, len ? &in : NULL, len ? &len : NULL, &p, &room);
		strbuf_add(out, buf, (size_t)(p - buf));
		if (rc == (size_t)-1 && errno != E2BIG)
			return false;
		if (rc == (size_t)-1)
			continue;
		/* What could not be represented as is counts too. */
		if (rc > 0)
			return false;
		if (!len)
			return true;
	}
}

static struct value *call_textencodebase64(const struct func_call *call, struct error **err)
{
	AUTO(strbuf) struct strbuf bytes = STRBUF_INIT;
	AUTO(strbuf) struct strbuf out = STRBUF_INIT;
	iconv_t cd = open_charset(call, false, err);
	bool ok;

	if (cd == (iconv_t)-1)
		return NULL;
	if (is_marked_utf16(arg_text(call, 1)))
		strbuf_add(&bytes, "\xfe\xff", 2);
	ok = recode(cd, arg_text(call, 0), arg_size(call, 0), &bytes);
	iconv_close(cd);
	if (!ok)
		return fail_arg(call, 0, err,
				"the given string contains characters that cannot be represented "
				"in %s",
				arg_text(call, 1));
	encode_base64(&out, bytes.buf, bytes.len);
	return value_string_len(out.buf, out.len);
}

static size_t skip_line_ends(const char *s, size_t i)
{
	while (s[i] == '\n' || s[i] == '\r')
		i++;
	return i;
}

/* Where base64 stops being base64; symbols that are missing are blamed on their group of four. */
static size_t bad_base64_offset(const char *s, size_t len)
{
	size_t i = skip_line_ends(s, 0), in_group = 0;

	for (; i < len && s[i] != '='; i = skip_line_ends(s, i + 1)) {
		if (!isalnum((unsigned char)s[i]) && s[i] != '+' && s[i] != '/')
			return i;
		in_group = (in_group + 1) % 4;
	}
	if (i == len)
		return i - in_group;
	if (in_group < 2)
		return i;
	i = skip_line_ends(s, i + 1);
	if (in_group == 3)
		return i;
	if (i == len)
		return len;
	return s[i] == '=' ? skip_line_ends(s, i + 1) : i - 1;
}

static struct value *call_textdecodebase64(const struct func_call *call, struct error **err)
{
	AUTO(strbuf) struct strbuf bytes = STRBUF_INIT;
	AUTO(strbuf) struct strbuf out = STRBUF_INIT;
	iconv_t cd = open_charset(call, true, err);
	bool ok;

	if (cd == (iconv_t)-1)
		return NULL;
	if (!decode_base64(&bytes, arg_text(call, 0), arg_size(call, 0))) {
		iconv_close(cd);
		return fail_arg(call, 0, err,
				"the given value is has an invalid base64 symbol at offset %zu",
				bad_base64_offset(arg_text(call, 0), arg_size(call, 0)));
	}
	ok = recode(cd, bytes.buf, bytes.len, &out);
	iconv_close(cd);
	if (!ok || !utf8_is_valid(out.buf, out.len))
		return fail_arg(call, 0, err,
				"the given string contains symbols that are not defined for %s",
				arg_text(call, 1));
	return value_string_len(out.buf, out.len);
}

static struct value *call_base64gzip(const struct func_call *call, struct error **err)
{
	AUTO(strbuf) struct strbuf bytes = STRBUF_INIT;
	AUTO(strbuf) struct strbuf out = STRBUF_INIT;

	gzip_compress(&bytes, arg_text(call, 0), arg_size(call, 0));
	encode_base64(&out, bytes.buf, bytes.len);
	return value_string_len(out.buf, out.len);
}

const struct func_def func_base64gzip = {
	.name = "base64gzip",
	.params = PARAMS({ "str", &type_string, 0 }),
	.call = call_base64gzip,
	.returns = &type_string,
	.doc = "Compresses text with gzip and encodes the result in base64.",
	.example = "base64gzip(\"hello\")",
	.result = "\"H4sIAAAAAAAA/8tIzcnJBwCGphA2BQAAAA==\"",
};

const struct func_def func_textdecodebase64 = {
	.name = "textdecodebase64",
	.params = PARAMS({ "source", &type_string, 0 }, { "encoding", &type_string, 0 }),
	.call = call_textdecodebase64,
	.returns = &type_string,
	.doc = "Decodes base64 to text in the given character encoding.",
	.example = "textdecodebase64(\"aABpAA==\", \"UTF-16LE\")",
	.result = "\"hi\"",
};

const struct func_def func_textencodebase64 = {
	.name = "textencodebase64",
	.params = PARAMS({ "string", &type_string, 0 }, { "encoding", &type_string, 0 }),
	.call = call_textencodebase64,
	.returns = &type_string,
	.doc = "Encodes text in the given character encoding, and that in base64.",
	.example = "textencodebase64(\"hi\", \"UTF-16LE\")",
	.result = "\"aABpAA==\"",
};
