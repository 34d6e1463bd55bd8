/* SPDX-License-Identifier: Apache-2.0 */
#include "os/line_editor.h"

#include "base/alloc.h"
#include "os/library.h"

#include <histedit.h>
#include <locale.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { HISTORY_MAX = 1000 };

struct edit_library {
	__typeof__(el_init) *init;
	__typeof__(el_end) *end;
	__typeof__(el_set) *set;
	__typeof__(el_get) *get;
	__typeof__(el_gets) *read;
	__typeof__(el_line) *line;
	__typeof__(history_init) *history_init;
	__typeof__(history_end) *history_end;
	__typeof__(history) *history;
};

/* clang-format off */
#define SYMBOL(name, member) { #name, offsetof(struct edit_library, member) }
static const struct library_symbol symbols[] = {
	SYMBOL(el_init, init), SYMBOL(el_end, end), SYMBOL(el_set, set), SYMBOL(el_get, get),
	SYMBOL(el_gets, read), SYMBOL(el_line, line), SYMBOL(history_init, history_init),
	SYMBOL(history_end, history_end), SYMBOL(history, history),
};
/* clang-format on */

static const struct library_spec spec = {
	.soname = "libedit.so.2",
	.package = "libedit2",
	.symbols = symbols,
	.symbol_count = ARRAY_LEN(symbols),
};

struct line_editor {
	struct edit_library lib;
	EditLine *el;
	History *history;
	char *prompt, *history_path;
};

static struct line_editor *owner(EditLine *el, struct edit_library *lib)
{
	struct line_editor *le = NULL;

	lib->get(el, EL_CLIENTDATA, &le);
	return le;
}

/* The library calls back with its own handle only. */
static struct edit_library *loaded;

static char *show_prompt(EditLine *el)
{
	return owner(el, loaded)->prompt;
}

static void open_history(struct line_editor *le)
{
	HistEvent event;

	le->history = le->lib.history_init();
	le->lib.history(le->history, &event, H_SETSIZE, HISTORY_MAX);
	le->lib.history(le->history, &event, H_SETUNIQUE, 1);
	if (le->history_path)
		le->lib.history(le->history, &event, H_LOAD, le->history_path);
	le->lib.set(le->el, EL_HIST, le->lib.history, le->history);
}

struct line_editor *line_editor_new(const char *prompt, const char *history, struct error **err)
{
	struct line_editor *le = xcalloc(1, sizeof(*le));

	if (library_load(&spec, &le->lib, err) < 0) {
		free(le);
		return NULL;
	}
	(void)setlocale(LC_CTYPE, "");
	loaded = &le->lib;
	le->prompt = xstrdup(prompt);
	le->history_path = history ? xstrdup(history) : NULL;
	le->el = le->lib.init("ingot", stdin, stdout, stderr);
	le->lib.set(le->el, EL_CLIENTDATA, le);
	le->lib.set(le->el, EL_PROMPT, show_prompt);
	le->lib.set(le->el, EL_EDITOR, "emacs");
	/* Control-C is a key for us, not a signal. */
	le->lib.set(le->el, EL_SETTY, "-d", "-isig", NULL);
	le->lib.set(le->el, EL_BIND, "^C", "ed-end-of-file", NULL);
	open_history(le);
	return le;
}

/* Expressions may contain secrets: the file is for its owner only. */
static void save_history(struct line_editor *le)
{
	HistEvent event;

	if (!le->history_path)
		return;

	mode_t mask = umask(077);

	le->lib.history(le->history, &event, H_SAVE, le->history_path);
	umask(mask);
}

void line_editor_free(struct line_editor *le)
{
	if (!le)
		return;
	save_history(le);
	le->lib.history_end(le->history);
	le->lib.end(le->el);
	loaded = NULL;
	free(le->prompt);
	free(le->history_path);
	free(le);
}

static bool is_blank(const char *s)
{
	return s[strspn(s, " \t\n")] == '\0';
}

/* The end, by Control-C or Control-D: with something on the line only that is over. */
static bool is_line_dropped(struct line_editor *le)
{
	const LineInfo *line = le->lib.line(le->el);

	fputs("^C\n", stdout);
	return line->lastchar != line->buffer;
}

char *line_editor_read(struct line_editor *le)
{
	for (;;) {
		int len = 0;

		/* Before the prompt shows, so that no key comes too early. */
		le->lib.set(le->el, EL_PREP_TERM, 1);

		const char *line = le->lib.read(le->el, &len);

		if (!line || len <= 0) {
			if (is_line_dropped(le))
				continue;
			return NULL;
		}
		if (!is_blank(line)) {
			HistEvent event;

			le->lib.history(le->history, &event, H_ENTER, line);
		}
		if (line[len - 1] == '\n')
			len--;
		return xstrndup(line, (size_t)len);
	}
}
