/* SPDX-License-Identifier: Apache-2.0 */
/* Ui: what a plugin says (plugin-protocol.md 6.12). */
#include "base/alloc.h"
#include "base/str.h"
#include "plugin/host/serve.h"

#include <stdlib.h>
#include <string.h>

enum { BARS_MAX = 256 };

struct bar {
	char *what;
	int64_t done, total;
};

static void free_bar(void *data)
{
	struct bar *b = data;

	free(b->what);
	free(b);
}

void serve_ui_init(struct instance *in)
{
	map_init(&in->progress, free_bar);
}

void serve_ui_release(struct instance *in)
{
	map_release(&in->progress);
}

int serve_reply(struct rpc_server *s, struct rpc_request *taken, const struct strbuf *reply,
		struct error **err)
{
	AUTO(rpc_request) struct rpc_request *r = taken;

	return rpc_reply(s, r, reply, NULL, err);
}

int serve_error(struct rpc_server *s, struct rpc_request *taken, const char *text,
		struct error **err)
{
	AUTO(rpc_request) struct rpc_request *r = taken;

	return rpc_reply_error(s, r, text, NULL, err);
}

/* ---- messages -------------------------------------------------------------------------------- */

static void show_line(void *data, const char *line)
{
	ui_output(data, false, line);
}

/* An older way to show the output of commands. */
static void show_message(struct ui *ui, const char *text)
{
	struct line_splitter *lines = line_splitter_new(show_line, ui);

	line_splitter_feed(lines, text, strlen(text));
	line_splitter_free(lines);
}

/* What its step runner says of a failure that the engine has told and dealt with. */
static bool is_told(const char *text)
{
	static const char *const told[] = {
		"Provisioning step had errors: Running the cleanup provisioner",
		"Step \"StepProvision\" failed",
		FAILED_HOOK,
	};

	for (size_t i = 0; i < ARRAY_LEN(told); i++)
		if (!strncmp(text, told[i], strlen(told[i])))
			return true;
	return false;
}

static int say(struct instance *in, const struct rpc_request *r, struct error **err)
{
	struct ui *ui = in->build->ui;
	const char *text = NULL;

	if (packed_text(r->arg, &text, err) < 0)
		return -1;
	if (!text)
		text = "";
	if (in->answers_cleanup && is_told(text))
		return 0;
	if (text_eq(r->method, "Ui.Error"))
		ui_error(ui, "%s", text);
	else if (text_eq(r->method, "Ui.Message"))
		show_message(ui, text);
	else
		ui_say(ui, "%s", text);
	return 0;
}

static void push_filtered(struct strv *sv, const struct ui *ui, const char *text)
{
	AUTO(strbuf) struct strbuf sb = STRBUF_INIT;

	strbuf_addstr(&sb, text ? text : "");
	if (ui->redactor)
		redactor_filter(ui->redactor, &sb);
	strv_push(sv, sb.buf);
}

static int say_for_programs(struct ui *ui, const struct rpc_request *r, struct error **err)
{
	const struct packed *args = packed_member(r->arg, "Args");
	size_t n = args && args->kind == PACKED_ARRAY ? args->many.len : 0;
	AUTO(strv) struct strv data = STRV_INIT;
	const char *category = NULL, *text = NULL;

	if (packed_text(packed_member(r->arg, "Category"), &category, err) < 0)
		return -1;
	for (size_t i = 0; i < n; i++) {
		if (packed_text(&args->many.items[i], &text, err) < 0)
			return -1;
		push_filtered(&data, ui, text);
	}
	ui_emit(ui, &(struct event){ .kind = EVENT_TYPED,
				     .type = category ? category : "",
				     .data = (const char *const *)data.v });
	return 0;
}

/* ---- questions --------------------------------------------------------------------------------- */

static bool is_what_to_do(const char *question)
{
	return strstr(question, "[c]") && strstr(question, "[a]") && strstr(question, "[r]");
}

static int ask(struct instance *in, const struct rpc_request *r, struct strbuf *reply,
	       struct error **err)
{
	const char *question = NULL;
	AUTO_FREE char *line = NULL;

	if (packed_text(r->arg, &question, err) < 0)
		return -1;
	if (!question)
		question = "";
	if (in->answers_cleanup && is_what_to_do(question))
		line = xstrdup("c");
	else if (ui_ask(in->build->ui, question, in->build->cancel, &line, err) < 0)
		return -1;
	pack_text(reply, line);
	return 0;
}

/* ---- progress ------------------------------------------------------------------------------------ */

static int add_bar(struct instance *in, const struct rpc_request *r, struct strbuf *reply,
		   struct error **err)
{
	const char *what = NULL;
	int64_t total = 0, done = 0;

	if (packed_text(packed_member(r->arg, "Src"), &what, err) < 0 ||
	    packed_int(packed_member(r->arg, "TotalSize"), &total, err) < 0 ||
	    packed_int(packed_member(r->arg, "CurrentSize"), &done, err) < 0)
		return -1;

	AUTO_FREE char *id = xasprintf("p%u", ++in->progress_count);

	if (in->progress.len < BARS_MAX) {
		struct bar *b = NEW(struct bar);

		*b = (struct bar){ xstrdup(what ? what : ""), done, total };
		map_set(&in->progress, id, b);
	}
	pack_text(reply, id);
	return 0;
}

/* `name`: "Ui" and the id. */
static int move_bar(struct instance *in, const char *name, const struct rpc_request *r, bool is_end,
		    struct error **err)
{
	const char *id = name + strlen("Ui");
	struct bar *b = map_get(&in->progress, id);
	int64_t n = 0;

	if (!b)
		return 0;
	if (is_end) {
		ui_progress_end(in->build->ui, b->what);
		map_remove(&in->progress, id);
		return 0;
	}
	if (packed_int(r->arg, &n, err) < 0)
		return -1;
	b->done += n > 0 ? n : 0;
	ui_progress(in->build->ui, b->what, b->done, b->total > 0 ? b->total : 0, UNIT_BYTES);
	return 0;
}

/* ---- all ------------------------------------------------------------------------------------------ */

/* 1: done, 0: no such method, -1: what is wrong with it. */
static int do_request(struct instance *in, const struct rpc_request *r, struct strbuf *reply,
		      struct error **err)
{
	const char *dot = strrchr(r->method, '.');
	AUTO_FREE char *name = xstrndup(r->method, (size_t)(dot - r->method));
	int done = -1;

	if (text_eq(r->method, "Ui.Say") || text_eq(r->method, "Ui.Message") ||
	    text_eq(r->method, "Ui.Error"))
		done = say(in, r, err);
	else if (text_eq(r->method, "Ui.Machine"))
		done = say_for_programs(in->build->ui, r, err);
	else if (text_eq(r->method, "Ui.Ask"))
		done = ask(in, r, reply, err);
	else if (text_eq(r->method, "Ui.NewTrackProgress"))
		done = add_bar(in, r, reply, err);
	else if (text_eq(dot, ".Add") || text_eq(dot, ".Close"))
		done = move_bar(in, name, r, text_eq(dot, ".Close"), err);
	else
		return 0;
	return done < 0 ? -1 : 1;
}

int serve_ui(struct instance *in, struct rpc_server *s, struct rpc_request *r, void *data,
	     struct error **err)
{
	AUTO(strbuf) struct strbuf reply = STRBUF_INIT;
	AUTO(error) struct error *e = NULL;
	int done;

	if (!in->build)
		return serve_error(s, r, "nobody listens now", err);
	done = do_request(in, r, &reply, &e);
	if (done > 0)
		return serve_reply(s, r, reply.len ? &reply : NULL, err);
	if (done < 0)
		return serve_error(s, r, e->message, err);

	AUTO_FREE char *text = xasprintf("rpc: can't find method %s", r->method);

	return serve_error(s, r, text, err);
}

int serve_later(struct instance *in, struct rpc_server *s, struct rpc_request *r, void *data,
		struct error **err)
{
	instance_put_aside(in, s, r);
	return 0;
}
