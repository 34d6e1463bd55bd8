/* SPDX-License-Identifier: Apache-2.0 */
#include "base/xml.h"

#include "base/utf8.h"

#include <string.h>

static bool is_allowed(uint32_t c)
{
	return c >= 0x20 ? c != 0xfffe && c != 0xffff : c == '\t' || c == '\n' || c == '\r';
}

/* `in_attr`: white space is written so that no parser makes plain spaces of it. */
static void add_char(struct strbuf *out, const char *p, size_t len, bool in_attr)
{
	if (*p == '&')
		strbuf_addstr(out, "&amp;");
	else if (*p == '<')
		strbuf_addstr(out, "&lt;");
	else if (*p == '>')
		strbuf_addstr(out, "&gt;");
	else if (*p == '"' && in_attr)
		strbuf_addstr(out, "&quot;");
	else if (*p == '\r' || (in_attr && (*p == '\n' || *p == '\t')))
		strbuf_addf(out, "&#%d;", *p);
	else
		strbuf_add(out, p, len);
}

static void add_escaped(struct strbuf *out, const char *text, bool in_attr)
{
	size_t left = strlen(text);

	while (left) {
		uint32_t c = 0;
		size_t n = utf8_decode(text, left, &c);

		if (n && is_allowed(c))
			add_char(out, text, n, in_attr);
		else
			strbuf_addstr(out, "\xef\xbf\xbd");
		n = MAX(n, 1);
		text += n;
		left -= n;
	}
}

static void add_tag(struct xml *x, const char *name, const struct xml_attr *attrs)
{
	strbuf_addchars(x->out, ' ', (size_t)x->depth * 2);
	strbuf_addf(x->out, "<%s", name);
	for (; attrs->name; attrs++) {
		if (!attrs->value)
			continue;
		strbuf_addf(x->out, " %s=\"", attrs->name);
		add_escaped(x->out, attrs->value, true);
		strbuf_addch(x->out, '"');
	}
}

void xml_begin(struct xml *x, struct strbuf *out)
{
	*x = (struct xml){ .out = out };
	strbuf_addstr(out, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
}

void xml_open_(struct xml *x, const char *name, const struct xml_attr *attrs)
{
	assert(x->depth < (int)ARRAY_LEN(x->open));
	add_tag(x, name, attrs);
	strbuf_addstr(x->out, ">\n");
	x->open[x->depth++] = name;
}

void xml_close(struct xml *x)
{
	assert(x->depth > 0);
	x->depth--;
	strbuf_addchars(x->out, ' ', (size_t)x->depth * 2);
	strbuf_addf(x->out, "</%s>\n", x->open[x->depth]);
}

void xml_empty_(struct xml *x, const char *name, const struct xml_attr *attrs)
{
	add_tag(x, name, attrs);
	strbuf_addstr(x->out, "/>\n");
}

void xml_text_(struct xml *x, const char *name, const char *text, const struct xml_attr *attrs)
{
	add_tag(x, name, attrs);
	strbuf_addch(x->out, '>');
	add_escaped(x->out, text, false);
	strbuf_addf(x->out, "</%s>\n", name);
}
