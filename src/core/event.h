/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Everything a person may see is an event. Build threads emit them through a
 * `struct ui`, which filters secrets; renderers (cli/) turn the one stream
 * into human text, -machine-readable or JSON lines, and the run record keeps
 * it. An event and its texts are borrowed for the duration of the call.
 */
#pragma once

#include "base/error.h"
#include "base/redact.h"
#include "base/strbuf.h"
#include "os/cancel.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum event_kind {
	EVENT_SAY,         /* text: a message */
	EVENT_ERROR,       /* text: a message for the error channel */
	EVENT_OUTPUT,      /* text: one line of a command's output; is_error for stderr */
	EVENT_BUILD_START, /* total: number of steps */
	EVENT_BUILD_END,   /* duration; ok; text: error or NULL */
	EVENT_STEP_START,  /* text: step name; index from 1, total */
	EVENT_STEP_END,    /* text: step name; index, total, duration, ok */
	EVENT_PROGRESS,    /* text: what; done, total (0: unknown) in `unit`; done < 0: ended */
	EVENT_ARTIFACT,    /* artifact, index */
	EVENT_TYPED,       /* type and data: only -machine-readable and JSON show it */
	EVENT_RUN_END,     /* duration; ok */
	EVENT_QUESTION,    /* text: what is asked; index: number of the question */
	EVENT_WAIT,        /* text: what the build waits for; NULL: no longer */
	EVENT_KIND_COUNT,
};

enum event_unit { UNIT_BYTES, UNIT_ITEMS };

struct artifact;

struct event {
	enum event_kind kind;
	int64_t wall;           /* ns since the epoch */
	int64_t monotonic;      /* ns */
	int build;              /* position of the build, -1: none */
	const char *build_name; /* NULL: none */
	const char *label;      /* post-processor type in front of messages, NULL: none */
	const char *text;
	bool is_error;
	bool ok;
	bool hidden;      /* EVENT_QUESTION: what is typed is not shown */
	int64_t duration; /* ns */
	int64_t done, total;
	int index;
	enum event_unit unit;
	const struct artifact *artifact;
	const char *type;        /* EVENT_TYPED */
	const char *const *data; /* NULL-terminated */
};

/* Both may be called from any thread. */
struct event_sink {
	void (*emit)(struct event_sink *sink, const struct event *ev);
	/* See ui_ask(); NULL: there is nobody to ask. */
	int (*ask)(struct event_sink *sink, const struct event *ev, struct cancel *c,
		   char **ret_line, struct error **err);
};

/* The last lines of command output of a step, for the report of its failure. */
enum { OUTPUT_TAIL_LINES = 30, OUTPUT_TAIL_WIDTH = 400 };
struct output_tail {
	char lines[OUTPUT_TAIL_LINES][OUTPUT_TAIL_WIDTH]; /* a ring; cut to fit */
	size_t count;                                     /* all that ever came */
};

/* One per build thread (and one for the program); not shared between threads. */
struct ui {
	struct event_sink *sink;
	struct redactor *redactor;
	int build;               /* -1: none */
	const char *build_name;  /* NULL: none */
	const char *label;       /* set while a post-processor runs */
	int64_t last_progress;   /* rate limit: 10 per second */
	char *waiting_for;       /* heap; NULL: nothing in particular */
	struct output_tail tail; /* since the step started */
};
void ui_release(struct ui *ui);

PRINTF(2, 3) void ui_say(struct ui *ui, const char *fmt, ...);
PRINTF(2, 3) void ui_error(struct ui *ui, const char *fmt, ...);
/* A line of command output, trimmed by the rule of communicators.md 1. */
void ui_output(struct ui *ui, bool is_stderr, const char *line);
void ui_progress(struct ui *ui, const char *what, int64_t done, int64_t total,
		 enum event_unit unit);
void ui_progress_end(struct ui *ui, const char *what);
/* Appends the last lines of output of this step; nothing if there were none. */
void ui_output_tail(const struct ui *ui, struct strbuf *ret);
void ui_step_start(struct ui *ui, const char *name, int index, int total);
void ui_step_end(struct ui *ui, const char *name, int index, int total, int64_t duration, bool ok);
/*
 * Asks the person in front of the program, after all that was said before, and waits for a
 * line (heap, without its newline). Questions of several builds come one after another. Fails
 * with ERROR_NOT_FOUND where there is nobody ("no available tty"), ERROR_DISCONNECTED when the
 * terminal is closed instead of an answer, or for the token's reason.
 */
MUST_CHECK int ui_ask(struct ui *ui, const char *question, struct cancel *c, char **ret_line,
		      struct error **err);
/* The same for a password: what is typed is not shown, and is kept out of all output after. */
MUST_CHECK int ui_ask_hidden(struct ui *ui, const char *question, struct cancel *c, char **ret_line,
			     struct error **err);
/*
 * What the build waits for from now on, as a noun: "the script /tmp/x to end". Shown when it
 * takes long, and in the hint of a wait that ran out of time. ui_wait_end() at its end.
 */
PRINTF(2, 3) void ui_wait(struct ui *ui, const char *fmt, ...);
void ui_wait_end(struct ui *ui);
/* The rest: fills build, times and redacts the texts. */
void ui_emit(struct ui *ui, struct event *ev);

/*
 * Splits a byte stream into output lines: at LF, trailing white space removed,
 * then all up to the last CR dropped (communicators.md 1). One per stream.
 */
struct line_splitter;
typedef void (*line_fn)(void *data, const char *line);
struct line_splitter *line_splitter_new(line_fn fn, void *data);
void line_splitter_feed(struct line_splitter *ls, const void *bytes, size_t len);
void line_splitter_free(struct line_splitter *ls); /* gives the last unfinished line first */
