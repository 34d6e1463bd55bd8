/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Expressions tried out against a template (cli.md 6.3). From a pipe only the
 * last result is printed, for scripts; otherwise each line is answered; with
 * -json each line of standard input gives one line of JSON, for tools.
 */
#include "base/alloc.h"
#include "base/path.h"
#include "base/str.h"
#include "cli/template_args.h"
#include "eval/eval.h"
#include "lang/parser.h"
#include "os/fs.h"
#include "os/line_editor.h"
#include "os/tty.h"
#include "value/jsontext.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

struct console_args {
	struct template_args t;
	bool json, sequential;
};

static const struct option_spec console_options[] = {
	OPT_BOOL(struct console_args, json, "json",
		 "Answer each line of input with one line of JSON."),
	OPT_BOOL(struct console_args, sequential, "use-sequential-evaluation",
		 "Evaluate data sources, then locals, in order."),
	TEMPLATE_OPTIONS(struct console_args, t),
	OPT_END,
};

struct console {
	struct command_ctx *ctx;
	const struct config *config;
	struct scope *scope;
};

static const char help_text[] =
	"Ingot console HCL2 Mode.\n"
	"\n"
	"A line is an expression of the template language; its value is printed.\n"
	"Names: var.NAME, local.NAME, path.cwd, path.root, packer.version; all functions.\n"
	"\n"
	"  variables   prints all variables and locals\n"
	"  help        prints this text\n"
	"  exit        leaves, as Control-C and Control-D do\n";

static const char legacy_help_text[] =
	"Ingot console JSON Mode.\n"
	"\n"
	"A line is a template, such as {{user `name`}}; it is rendered until nothing changes.\n"
	"\n"
	"  variables   prints all variables\n"
	"  help        prints this text\n"
	"  exit        leaves, as Control-C and Control-D do\n";

/* ---- one line ---------------------------------------------------------------------------- */

/* What one line is evaluated in; its texts and trees go with it. */
struct line {
	struct sources *sources;
	struct arena *arena;
	struct diags diags;
};

#define LINE_INIT                                                                                  \
	{                                                                                          \
		.sources = sources_new(), .arena = arena_new()                                     \
	}

static void line_release(struct line *l)
{
	diags_release(&l->diags);
	arena_free(l->arena);
	sources_free(l->sources);
}

/* Owned; unknown where something was reported. */
static struct value *evaluate(const struct console *c, struct line *l, const char *text)
{
	const struct source *src = sources_add(l->sources, "<console-input>", text, strlen(text));
	struct expr *e = parse_expression(src, l->arena, &l->diags);

	if (diags_has_errors(&l->diags))
		return value_unknown(type_dynamic);
	return eval_expr(e, c->scope, &l->diags);
}

/* The text to print into *out; false with the mistakes printed. */
static bool answer_expression(const struct console *c, const char *text, struct strbuf *out)
{
	struct line l = LINE_INIT;
	AUTO(value) struct value *v = evaluate(c, &l, text);
	bool ok = !diags_has_errors(&l.diags);

	command_print_diags(c->ctx, &l.diags);
	if (ok)
		value_format_console(out, v);
	line_release(&l);
	return ok;
}

/* In a legacy template a line is a template, too. A mistake is not counted as one (cli.md 6.3). */
static void answer_legacy(const struct console *c, const char *text, struct strbuf *out)
{
	AUTO(error) struct error *e = NULL;
	AUTO_FREE char *result = config_legacy_line(c->config, text, &e);

	if (result)
		strbuf_addstr(out, result);
	else
		command_error(c->ctx, "???????: Interpolation error\n\n%s\n", e->message);
}

static bool answer(const struct console *c, const char *text, struct strbuf *out)
{
	if (!*text)
		return true;
	if (!strcmp(text, "help"))
		strbuf_addstr(out, c->config->legacy ? legacy_help_text : help_text);
	else if (c->config->legacy)
		answer_legacy(c, text, out);
	else if (!strcmp(text, "variables"))
		config_inspect_variables(out, c->config);
	else
		return answer_expression(c, text, out);
	return true;
}

static char *trimmed(const char *text)
{
	struct str s = str_trim(str_of(text));

	return xstrndup(s.p, s.len);
}

/* ---- JSON for tools ------------------------------------------------------------------------ */

static void add_pos(struct strbuf *sb, const char *name, const struct pos *p)
{
	strbuf_addf(sb, "\"%s\":{\"line\":%d,\"column\":%d,\"byte\":%zu}", name, p->line, p->column,
		    p->byte);
}

/* Secrets are taken out of the texts inside: what is made of them stays JSON. */
static char *filtered(struct redactor *r, const char *text)
{
	AUTO(strbuf) struct strbuf sb = STRBUF_INIT;

	strbuf_addstr(&sb, text);
	redactor_filter(r, &sb);
	return strbuf_detach(&sb);
}

/* A number that is one becomes null, which has its type. */
static struct value *filtered_number(struct redactor *r, struct value *v)
{
	AUTO(strbuf) struct strbuf text = STRBUF_INIT;

	value_format_json(&text, v);

	AUTO_FREE char *shown = filtered(r, text.buf);

	return text_eq(shown, text.buf) ? value_ref(v) : value_null(type_number);
}

static struct value *filtered_value(struct redactor *r, struct value *v);

static struct value *filtered_items(struct redactor *r, struct value *v)
{
	enum type_kind kind = type_kind(value_type(v));
	struct type *element =
		kind == TYPE_TUPLE || kind == TYPE_OBJECT ? NULL : type_element(value_type(v));
	size_t n = value_len(v);

	if (kind == TYPE_MAP || kind == TYPE_OBJECT) {
		struct map fields;

		value_map_init(&fields);
		for (size_t i = 0; i < n; i++) {
			AUTO_FREE char *key = filtered(r, value_key_at(v, i));

			value_map_put(&fields, key, filtered_value(r, value_at(v, i)));
		}
		return kind == TYPE_MAP ? value_map_take(element, &fields)
					: value_object_take(&fields);
	}

	AUTO_FREE struct value **items = xcalloc(n + 1, sizeof(struct value *));

	for (size_t i = 0; i < n; i++)
		items[i] = filtered_value(r, value_at(v, i));
	if (kind == TYPE_TUPLE)
		return value_tuple_take(items, n);
	return kind == TYPE_LIST ? value_list_take(element, items, n)
				 : value_set_take(element, items, n);
}

/* Of the same type, but for the names of attributes. */
static struct value *filtered_value(struct redactor *r, struct value *v)
{
	if (value_is_null(v) || !value_is_known(v))
		return value_ref(v);
	switch (type_kind(value_type(v))) {
	case TYPE_STRING: {
		AUTO_FREE char *text = filtered(r, value_as_string(v));

		return value_string(text);
	}
	case TYPE_NUMBER:
		return filtered_number(r, v);
	case TYPE_BOOL:
	case TYPE_DYNAMIC:
		return value_ref(v);
	case TYPE_LIST:
	case TYPE_SET:
	case TYPE_MAP:
	case TYPE_TUPLE:
	case TYPE_OBJECT:
		break;
	}
	return filtered_items(r, v);
}

static void add_text(struct strbuf *sb, struct redactor *r, const char *name, const char *text)
{
	AUTO_FREE char *shown = filtered(r, text);

	strbuf_addf(sb, "\"%s\":", name);
	jsontext_quote(sb, shown, strlen(shown));
}

static void add_mistake(struct strbuf *sb, struct redactor *r, const struct diag *d)
{
	strbuf_addch(sb, '{');
	add_text(sb, r, "summary", d->summary);
	strbuf_addch(sb, ',');
	add_text(sb, r, "detail", d->detail);
	if (d->subject.source) {
		strbuf_addstr(sb, ",\"range\":{");
		add_text(sb, r, "filename", d->subject.source->name);
		strbuf_addch(sb, ',');
		add_pos(sb, "start", &d->subject.start);
		strbuf_addch(sb, ',');
		add_pos(sb, "end", &d->subject.end);
		strbuf_addch(sb, '}');
	}
	strbuf_addch(sb, '}');
}

static void add_mistakes(struct strbuf *sb, struct redactor *r, const struct diags *diags)
{
	const char *separator = "";

	strbuf_addstr(sb, "{\"error\":[");
	for (size_t i = 0; i < diags->len; i++) {
		if (diags->items[i].severity != DIAG_ERROR)
			continue;
		strbuf_addstr(sb, separator);
		add_mistake(sb, r, &diags->items[i]);
		separator = ",";
	}
	strbuf_addstr(sb, "]}");
}

/* A value with an unknown part has no JSON form: its value is null. */
static void add_result(struct strbuf *sb, struct redactor *r, struct value *v)
{
	AUTO(value) struct value *plain = value_unmark_deep(v);
	AUTO(value) struct value *shown = filtered_value(r, plain);
	bool known = value_is_wholly_known(v);

	strbuf_addstr(sb, "{\"type\":");
	type_json(sb, value_type(shown));
	strbuf_addstr(sb, ",\"value\":");
	if (known) {
		value_format_json(sb, shown);
	} else {
		strbuf_addstr(sb, "null,\"unknown\":true");
	}
	if (value_is_sensitive_deep(v))
		strbuf_addstr(sb, ",\"sensitive\":true");
	strbuf_addch(sb, '}');
}

static void answer_json(const struct console *c, const char *text)
{
	AUTO(strbuf) struct strbuf out = STRBUF_INIT;
	struct line l = LINE_INIT;
	AUTO(value) struct value *v = evaluate(c, &l, text);

	if (diags_has_errors(&l.diags))
		add_mistakes(&out, c->ctx->redactor, &l.diags);
	else
		add_result(&out, c->ctx->redactor, v);
	line_release(&l);
	puts(out.buf);
	fflush(stdout);
}

/* ---- where lines come from ------------------------------------------------------------------ */

static int run_json(const struct console *c)
{
	AUTO_FREE char *line = NULL;
	size_t size = 0;

	while (getline(&line, &size, stdin) >= 0) {
		AUTO_FREE char *text = trimmed(line);

		answer_json(c, text);
	}
	return EXIT_OK;
}

/* The exit code tells about the last line. */
static int run_pipe(const struct console *c)
{
	AUTO(strbuf) struct strbuf out = STRBUF_INIT;
	AUTO_FREE char *line = NULL;
	size_t size = 0;
	bool ok = true;

	while (getline(&line, &size, stdin) >= 0) {
		AUTO_FREE char *text = trimmed(line);

		if (!strcmp(text, "exit"))
			break;
		strbuf_truncate(&out, 0);
		ok = answer(c, text, &out);
	}
	command_say(c->ctx, "%s", out.buf);
	return ok ? EXIT_OK : EXIT_ERROR;
}

/* False when the session is over. */
static bool converse(const struct console *c, const char *line)
{
	AUTO(strbuf) struct strbuf out = STRBUF_INIT;
	AUTO_FREE char *text = trimmed(line);

	if (!strcmp(text, "exit"))
		return false;
	if (answer(c, text, &out) && *text)
		command_say(c->ctx, "%s", out.buf);
	return true;
}

static int run_plain(const struct console *c)
{
	AUTO_FREE char *line = NULL;
	size_t size = 0;

	for (;;) {
		fputs("> ", stdout);
		fflush(stdout);
		if (getline(&line, &size, stdin) < 0 || !converse(c, line))
			return EXIT_OK;
	}
}

/* Without a place for it there is no history; without the library no editing. */
static struct line_editor *open_editor(struct command_ctx *ctx)
{
	AUTO(error) struct error *no_place = NULL;
	AUTO(error) struct error *no_library = NULL;
	AUTO_FREE char *history = path_join(ctx->dirs.state, "console_history");
	bool has_place = fs_mkdir_all(ctx->dirs.state, 0700, &no_place) == 0;

	return line_editor_new("> ", has_place ? history : NULL, &no_library);
}

static int run_terminal(const struct console *c)
{
	AUTO(line_editor) struct line_editor *editor = open_editor(c->ctx);

	if (!editor)
		return run_plain(c);
	for (;;) {
		AUTO_FREE char *line = line_editor_read(editor);

		if (!line || !converse(c, line))
			return EXIT_OK;
	}
}

static int read_lines(const struct console *c, bool json)
{
	struct stat st;

	if (json)
		return run_json(c);
	if (fstat(STDIN_FILENO, &st) == 0 && S_ISFIFO(st.st_mode))
		return run_pipe(c);
	if (tty_is_terminal(STDIN_FILENO) && tty_is_terminal(STDOUT_FILENO))
		return run_terminal(c);
	return run_plain(c);
}

/* Everything that bodies can use, but no results of data sources (language.md 17). */
static struct scope *console_scope(const struct config *config)
{
	static const char *const names[] = { "var", "local", "path", "packer", "source", "build" };
	struct scope *s = scope_new(NULL);
	const struct func_world *world;
	const struct func_def *const *functions = scope_functions(config->scope, &world);

	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		struct value *v = scope_get(config->scope, names[i]);

		if (v)
			scope_set(s, names[i], v);
	}
	scope_set_functions(s, functions, world);
	return s;
}

static int console(struct command_ctx *ctx, const struct console_args *a, const char *path)
{
	AUTO(diags) struct diags diags = DIAGS_INIT;
	const struct template_loading loading = { .sequential = a->sequential,
						  .may_lack_plugins = true };
	AUTO(config) struct config *config = template_load(ctx, path, &a->t, &loading, &diags);

	if (!config) {
		command_print_diags(ctx, &diags);
		return EXIT_ERROR;
	}

	AUTO(scope) struct scope *scope = console_scope(config);
	const struct console c = { .ctx = ctx, .config = config, .scope = scope };

	return read_lines(&c, a->json);
}

static int run(struct command_ctx *ctx)
{
	struct console_args args = { 0 };
	struct error *e = NULL;
	int first, r;

	template_args_init(&args.t);
	if (options_parse(ctx->command->options, ctx->argc, ctx->argv, &args, &first, &e) < 0)
		r = command_usage_error(ctx, e);
	else /* other numbers of arguments count as none (cli.md 12) */
		r = console(ctx, &args, ctx->argc - first == 1 ? ctx->argv[first] : NULL);
	template_args_release(&args.t);
	return r;
}

const struct command command_console = {
	.name = "console",
	.synopsis = "try out expressions of the template language",
	.usage = "[options] [TEMPLATE]",
	.doc = "Evaluates expressions, with the variables and locals of the template if there\n"
	       "is one. From a pipe only the last line's result is printed.",
	.options = console_options,
	.run = run,
};
