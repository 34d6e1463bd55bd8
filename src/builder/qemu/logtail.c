/* SPDX-License-Identifier: Apache-2.0 */
#include "builder/qemu/logtail.h"

#include "base/alloc.h"
#include "base/str.h"
#include "base/utf8.h"
#include "os/fd.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { TAIL_BYTES = 16 * 1024 };

static size_t read_end(const char *path, char *buf)
{
	AUTO_CLOSE int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0 || !S_ISREG(st.st_mode))
		return 0;

	off_t at = st.st_size > TAIL_BYTES ? st.st_size - TAIL_BYTES : 0;
	ssize_t n = pread(fd, buf, TAIL_BYTES, at);

	return n > 0 ? (size_t)n : 0;
}

/* Length of the terminal sequence (ESC [ … letter, ESC x) at the start of s. */
static size_t sequence_length(const char *s, size_t len)
{
	size_t n = 2;

	if (len < 2 || s[1] != '[')
		return MIN(len, n);
	while (n < len && ((s[n] >= '0' && s[n] <= '9') || strchr(";?=> ", s[n])))
		n++;
	return MIN(len, n + 1);
}

static void clean(const char *s, size_t len, struct strbuf *ret)
{
	for (size_t i = 0; i < len;) {
		uint32_t cp;
		size_t n = utf8_decode(s + i, len - i, &cp);

		if (s[i] == '\033') {
			i += sequence_length(s + i, len - i);
			continue;
		}
		if (s[i] == '\n' || s[i] == '\t' || (n && cp >= ' ' && cp != 0x7f))
			strbuf_add(ret, s + i, n);
		i += n ? n : 1;
	}
}

/* Drops empty lines, so that `lines` says something. */
static void squeeze(struct strbuf *text)
{
	struct str rest = { text->buf, text->len };
	AUTO(strbuf) struct strbuf out = STRBUF_INIT;

	while (rest.len) {
		struct str tail;
		struct str line = str_split(rest, '\n', &tail);

		rest = tail;
		if (!str_trim(line).len)
			continue;
		strbuf_add(&out, line.p, line.len);
		strbuf_addch(&out, '\n');
	}
	strbuf_rtrim(&out);
	strbuf_truncate(text, 0);
	strbuf_add(text, out.buf, out.len);
}

void log_tail(const char *path, size_t lines, struct strbuf *ret)
{
	AUTO_FREE char *buf = xmalloc(TAIL_BYTES);
	AUTO(strbuf) struct strbuf text = STRBUF_INIT;
	const char *start;

	clean(buf, read_end(path, buf), &text);
	squeeze(&text);
	start = text.buf + text.len;
	for (size_t n = 0; start > text.buf; start--)
		if (start[-1] == '\n' && ++n == lines)
			break;
	strbuf_addstr(ret, start);
}
