/* SPDX-License-Identifier: Apache-2.0 */
#include "comm/proxy/words.h"

#include "base/strbuf.h"

#include <string.h>

static const char special[] = "$`*?[]{}()<>|&;#!\n";

/* Past the closing quote; NULL: there is none, or something in it is special. */
static const char *take_quoted(const char *p, struct strbuf *word)
{
	char quote = *p++;

	for (; *p && *p != quote; p++) {
		if (quote == '"' && strchr("$`", *p))
			return NULL;
		if (quote == '"' && *p == '\\' && p[1] && strchr("$`\"\\", p[1]))
			p++;
		strbuf_addch(word, *p);
	}
	return *p ? p + 1 : NULL;
}

/* One character, or what is in quotes. */
static const char *take_part(const char *p, struct strbuf *word)
{
	if (*p == '\'' || *p == '"')
		return take_quoted(p, word);
	if (*p == '\\') {
		if (!*++p || *p == '\n')
			return NULL;
	} else if (strchr(special, *p)) {
		return NULL;
	}
	strbuf_addch(word, *p);
	return p + 1;
}

bool words_split(const char *line, struct strv *ret)
{
	const char *p = line;

	for (;;) {
		AUTO(strbuf) struct strbuf word = STRBUF_INIT;

		p += strspn(p, " \t");
		if (!*p)
			return true;
		while (p && *p && !strchr(" \t", *p))
			p = take_part(p, &word);
		if (!p)
			return false;
		strv_push(ret, word.buf);
	}
}
