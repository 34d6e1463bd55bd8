/* SPDX-License-Identifier: Apache-2.0 */
#include "provisioner/ansible/watch.h"

#include "base/alloc.h"
#include "base/str.h"
#include "base/utf8.h"
#include "value/jsontext.h"

#include <stdlib.h>
#include <string.h>

enum {
	FAILURES_MAX = 4,   /* hosts and items of one task */
	MESSAGE_MAX = 1000, /* bytes of one message */
	NAME_MAX_SHOWN = 200,
	LOOK_AHEAD = 60, /* lines after a result that is not JSON */
};

struct failure {
	char *task, *host; /* NULL: Ansible itself */
	char *message;     /* NULL: none yet */
	bool unreachable;
};

struct watch {
	struct ui *ui;
	struct line_splitter *out;
	char *task; /* "task 'x'" or "handler 'x'"; NULL: none yet */
	struct failure failures[FAILURES_MAX];
	size_t count;
	char *complaint; /* "ERROR! …" */
	int look_ahead;  /* lines in which the last one's message may still come */
	bool block;      /* and it stands on the lines below */
	bool no_hosts;   /* a play had none */
};

static void failure_release(struct failure *f)
{
	free(f->task);
	free(f->host);
	free(f->message);
	*f = (struct failure){ 0 };
}

static void forget(struct watch *w)
{
	for (size_t i = 0; i < w->count; i++)
		failure_release(&w->failures[i]);
	w->count = 0;
	w->look_ahead = 0;
	w->block = false;
}

/* ---- lines -------------------------------------------------------------------------------- */

/* Without colours. Heap. */
static char *uncoloured(const char *line)
{
	AUTO(strbuf) struct strbuf sb = STRBUF_INIT;

	for (const char *p = line; *p; p++) {
		if (p[0] != '\033' || p[1] != '[') {
			strbuf_addch(&sb, *p);
			continue;
		}
		p += 2;
		p += strspn(p, "0123456789;");
		if (!*p)
			break;
	}
	return strbuf_detach(&sb);
}

/* Not longer than `max`, and no character cut in two. Heap. */
static char *cut(const char *text, size_t len, size_t max)
{
	size_t n = MIN(len, max);

	while (n && n < len && ((unsigned char)text[n] & 0xC0) == 0x80)
		n--;
	return xasprintf("%.*s%s", (int)n, text, n < len ? "…" : "");
}

/* "KIND [NAME] ***" */
static char *heading(const char *line, const char *kind)
{
	size_t len = strlen(kind);
	const char *end = line;

	if (strncmp(line, kind, len) || strncmp(line + len, " [", 2))
		return NULL;
	line += len + 2;
	for (const char *p = strstr(line, "] *"); p; p = strstr(p + 1, "] *"))
		end = p;
	return end > line ? cut(line, (size_t)(end - line), NAME_MAX_SHOWN) : NULL;
}

static bool take_heading(struct watch *w, const char *line)
{
	AUTO_FREE char *task = heading(line, "TASK");
	AUTO_FREE char *handler = task ? NULL : heading(line, "RUNNING HANDLER");

	if (!task && !handler)
		return false;
	free(w->task);
	w->task = xasprintf("%s '%s'", task ? "task" : "handler", task ? task : handler);
	w->look_ahead = 0;
	ui_wait(w->ui, "the %s of Ansible", w->task);
	return true;
}

/* ---- results ------------------------------------------------------------------------------ */

static const char *text_of(const struct value *object, const char *name)
{
	const struct value *v = value_get(object, name);

	if (!v || value_is_null(v) || type_kind(value_type(v)) != TYPE_STRING)
		return NULL;
	return *value_as_string(v) ? value_as_string(v) : NULL;
}

/* What ssh says of a connection that others share, whenever a command with a terminal ends. */
static bool is_farewell(struct str line)
{
	return str_starts_with(line, STR("Shared connection to ")) &&
	       str_ends_with(line, STR(" closed."));
}

/* What tools say last is why they failed. */
static struct str last_line(const char *text)
{
	struct str rest = str_of(text), last = { 0 };

	while (rest.len) {
		struct str line = str_trim(str_split(rest, '\n', &rest));

		if (line.len && !is_farewell(line))
			last = line;
	}
	return last;
}

static void add_cause(struct strbuf *sb, const struct value *result)
{
	static const char *const places[] = { "stderr", "module_stderr", "module_stdout",
					      "stdout" };

	for (size_t i = 0; i < ARRAY_LEN(places); i++) {
		const char *text = text_of(result, places[i]);

		if (!text)
			continue;
		struct str last = last_line(text);

		if (!last.len)
			continue;
		strbuf_addf(sb, ": %.*s", STR_FMT(last));
		return;
	}
}

/* A msg of these says nothing by itself. */
static bool is_vague(const char *msg)
{
	return text_eq(msg, "non-zero return code") || text_starts_with(msg, "MODULE FAILURE") ||
	       text_starts_with(msg, "Unhandled exception");
}

/* What is gathered at the beginning is one result of several modules. */
static void add_inner_cause(struct strbuf *sb, const struct value *result)
{
	const struct value *modules = value_get(result, "failed_modules");
	const struct value *first;

	if (!modules || value_is_null(modules) || type_kind(value_type(modules)) != TYPE_OBJECT ||
	    !value_len(modules))
		return;
	first = value_at(modules, 0);
	if (!value_is_null(first) && type_kind(value_type(first)) == TYPE_OBJECT)
		add_cause(sb, first);
}

static char *message_of(const struct value *result)
{
	AUTO(strbuf) struct strbuf sb = STRBUF_INIT;
	const char *msg = text_of(result, "msg");
	const struct value *v = value_get(result, "msg");

	if (!msg)
		msg = text_of(result, "censored");
	if (!msg)
		msg = text_of(result, "reason");
	if (msg)
		strbuf_addstr(&sb, msg);
	else if (v && !value_is_null(v) && type_kind(value_type(v)) != TYPE_STRING)
		value_format_json(&sb, v);
	strbuf_rtrim(&sb);
	if (!sb.len || is_vague(sb.buf)) {
		strbuf_truncate(&sb, strcspn(sb.buf, "\n"));
		add_cause(&sb, result);
	}
	add_inner_cause(&sb, result);
	return sb.len ? cut(sb.buf, sb.len, MESSAGE_MAX) : NULL;
}

/* A result that was too long for a line, or is cut: its "msg" alone. */
static char *message_in(const char *json)
{
	static const char name[] = "\"msg\": \"";
	const char *p = strstr(json, name);
	AUTO(error) struct error *e = NULL;

	if (!p)
		return NULL;
	p += sizeof(name) - 2;

	const char *end = p + 1;

	while (*end && *end != '"')
		end += *end == '\\' && end[1] ? 2 : 1;
	if (!*end)
		return cut(p + 1, strlen(p + 1), MESSAGE_MAX);

	AUTO(value) struct value *v = jsontext_decode_data(p, (size_t)(end - p) + 1, &e);

	return v ? cut(value_as_string(v), strlen(value_as_string(v)), MESSAGE_MAX) : NULL;
}

static char *read_result(const char *json)
{
	AUTO(error) struct error *e = NULL;
	AUTO(value)
	struct value *v = *json == '{' ? jsontext_decode_data(json, strlen(json), &e) : NULL;

	if (v && type_kind(value_type(v)) == TYPE_OBJECT)
		return message_of(v);
	return message_in(json);
}

static struct failure *add_failure(struct watch *w)
{
	/* what failed in an earlier task was rescued, or goes on elsewhere: the last one counts */
	if (w->count && !text_eq(w->failures[0].task, w->task))
		forget(w);
	if (w->count == FAILURES_MAX)
		return NULL;

	struct failure *f = &w->failures[w->count++];

	f->task = xstrdup(w->task);
	return f;
}

/* "fatal: [HOST]: FAILED! => {…}", "failed: [HOST] (item=X) => {…}" */
static bool take_failure(struct watch *w, const char *line)
{
	bool item = text_starts_with(line, "failed: [");
	const char *p = strchr(line, '['), *end = p ? strstr(p, item ? "] (" : "]: ") : NULL;
	const char *result = end ? strstr(end, " => ") : NULL;

	if ((!item && !text_starts_with(line, "fatal: [")) || !result)
		return false;

	bool unreachable = !item && text_starts_with(end + 3, "UNREACHABLE!");
	struct failure *f = add_failure(w);

	if (!f)
		return true;
	f->host = cut(p + 1, (size_t)(end - p - 1), NAME_MAX_SHOWN);
	f->message = read_result(result + 4);
	f->unreachable = unreachable;
	w->look_ahead = f->message ? 0 : LOOK_AHEAD;
	w->block = false;
	return true;
}

/* Callbacks that print YAML, or JSON over several lines. */
static void look_ahead(struct watch *w, const char *line)
{
	struct failure *f = &w->failures[w->count - 1];
	struct str s = str_trim(str_of(line));

	w->look_ahead--;
	if (w->block) {
		f->message = cut(s.p, s.len, MESSAGE_MAX);
	} else if (str_starts_with(s, STR("msg: ")) || str_starts_with(s, STR("\"msg\": \""))) {
		bool yaml = *s.p == 'm';
		struct str rest = { s.p + strlen("msg: "), s.len - strlen("msg: ") };

		w->block = yaml && rest.len && strchr("|>", *rest.p);
		if (!w->block)
			f->message = yaml ? cut(rest.p, rest.len, MESSAGE_MAX) : message_in(s.p);
	}
	if (f->message)
		w->look_ahead = 0;
}

static void study(struct watch *w, const char *line)
{
	static const char error[] = "ERROR! ";

	if (take_heading(w, line) || take_failure(w, line))
		return;
	if (w->look_ahead > 0 && w->count)
		look_ahead(w, line);
	else if (text_eq(line, "...ignoring"))
		forget(w);
	else if (text_eq(line, "skipping: no hosts matched"))
		w->no_hosts = true;
	else if (!w->complaint && text_starts_with(line, error))
		w->complaint = cut(line + strlen(error), strlen(line + strlen(error)), MESSAGE_MAX);
}

static void on_whole_line(void *data, const char *line)
{
	struct watch *w = data;
	AUTO_FREE char *text = uncoloured(line);

	ui_output(w->ui, false, line);
	study(w, text);
}

/* ---- from outside ------------------------------------------------------------------------- */

struct watch *watch_new(struct ui *ui)
{
	struct watch *w = NEW(struct watch);

	*w = (struct watch){ .ui = ui };
	w->out = line_splitter_new(on_whole_line, w);
	return w;
}

void watch_free(struct watch *w)
{
	if (!w)
		return;
	line_splitter_free(w->out);
	forget(w);
	free(w->task);
	free(w->complaint);
	free(w);
}

void watch_line(void *data, bool is_stderr, const char *line)
{
	struct watch *w = data;

	(void)is_stderr;
	line_splitter_feed(w->out, line, strlen(line));
	line_splitter_feed(w->out, "\n", 1);
}

char *watch_failure(const struct watch *w)
{
	AUTO(strbuf) struct strbuf sb = STRBUF_INIT;

	for (size_t i = 0; i < w->count; i++) {
		const struct failure *f = &w->failures[i];

		strbuf_addf(&sb, "%s%s %s '%s'%s%s", i ? "; " : "", f->task ? f->task : "Ansible",
			    f->unreachable ? "did not reach" : "failed on", f->host,
			    f->message ? ": " : "", f->message ? f->message : "");
	}
	if (sb.len)
		return strbuf_detach(&sb);
	return xstrdup(w->complaint);
}

bool watch_unreachable(const struct watch *w)
{
	return w->count && w->failures[w->count - 1].unreachable;
}

bool watch_did_nothing(const struct watch *w)
{
	return w->no_hosts && !w->task;
}
