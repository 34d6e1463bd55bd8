/* SPDX-License-Identifier: Apache-2.0 */
#include "provisioner/ansible/command.h"

#include "base/alloc.h"
#include "base/map.h"
#include "base/str.h"
#include "os/fs.h"
#include "value/jsontext.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#define HIDDEN "*****"

void command_release(struct command *c)
{
	strv_release(&c->argv);
	strbuf_release(&c->shown);
}

static void show(struct command *c, const char *text)
{
	strbuf_addf(&c->shown, "%s%s", c->shown.len ? " " : "", text);
}

void command_add(struct command *c, const char *arg)
{
	strv_push(&c->argv, arg);
	show(c, arg);
}

void command_addl(struct command *c, ...)
{
	va_list ap;
	const char *arg;

	va_start(ap, c);
	while ((arg = va_arg(ap, const char *)))
		command_add(c, arg);
	va_end(ap);
}

/* ---- what is secret ----------------------------------------------------------------------- */

static bool has_word(const char *text, size_t len, const char *word)
{
	size_t n = strlen(word);

	for (size_t i = 0; i + n <= len; i++)
		if (!strncasecmp(text + i, word, n))
			return true;
	return false;
}

static bool sounds_secret(const char *name, size_t len)
{
	return has_word(name, len, "password") || has_word(name, len, "secret");
}

static bool is_secret(const struct command *c, const char *text)
{
	return sounds_secret(text, strlen(text)) ||
	       (c->redactor && redactor_has(c->redactor, text, strlen(text), NULL));
}

static void learn(struct command *c, const char *secret)
{
	if (c->redactor)
		redactor_add(c->redactor, secret, strlen(secret));
}

/* Values behind "…password…=" and the like are not shown. */
static void show_masked(struct command *c, const char *arg)
{
	const char *eq = strchr(arg, '=');
	AUTO_FREE char *text = NULL;

	if (!eq || !sounds_secret(arg, (size_t)(eq - arg))) {
		show(c, is_secret(c, arg) && strpbrk(arg, "=:") ? HIDDEN : arg);
		return;
	}
	text = xasprintf("%.*s" HIDDEN, (int)(eq + 1 - arg), arg);
	show(c, text);
	learn(c, eq + 1);
}

/* ---- variables in a file ------------------------------------------------------------------ */

static int add_file(struct command *c, const char *text, struct error **err)
{
	AUTO_FREE char *path = xasprintf("%s/vars-%d.yml", c->dir, ++c->files);

	if (fs_write(path, text, strlen(text), 0600, err) < 0)
		return -1;
	strv_push(&c->argv, "-e");
	strv_pushf(&c->argv, "@%s", path);
	return 0;
}

/* Without the quotes around it, if they are the same at both ends. */
static struct str unquoted(struct str s)
{
	if (s.len >= 2 && (*s.p == '"' || *s.p == '\'') && s.p[s.len - 1] == *s.p)
		return (struct str){ s.p + 1, s.len - 2 };
	return s;
}

/* One "NAME=VALUE"; blanks inside quotes belong to it. */
static bool next_pair(const char **text, struct str *ret_name, struct str *ret_value)
{
	const char *p = *text + strspn(*text, " \t\n"), *start = p, *eq = NULL;
	char quote = 0;

	for (; *p && (quote || !isspace((unsigned char)*p)); p++) {
		if (quote ? *p == quote : *p == '"' || *p == '\'')
			quote = quote ? 0 : *p;
		if (*p == '=' && !eq)
			eq = p;
	}
	*text = p;
	if (!eq || eq == start || quote)
		return false;
	*ret_name = (struct str){ start, (size_t)(eq - start) };
	*ret_value = unquoted((struct str){ eq + 1, (size_t)(p - eq - 1) });
	return true;
}

/* What Ansible makes of more than plain words is its own business: those stay arguments. */
static bool is_plain(const char *text)
{
	return !strchr(text, '\\') && !strstr(text, "{{") && !strstr(text, "{%") &&
	       !strstr(text, "{#");
}

static void add_pair(struct command *c, struct str name, struct str value, struct strbuf *json,
		     struct strbuf *shown)
{
	AUTO_FREE char *text = str_dup(value);
	bool hide = sounds_secret(name.p, name.len) || is_secret(c, text);

	strbuf_addstr(json, json->len ? ", " : "{");
	jsontext_quote_readable(json, name.p, name.len);
	strbuf_addstr(json, ": ");
	jsontext_quote_readable(json, value.p, value.len);
	strbuf_addf(shown, "%s%.*s=%s", shown->len ? " " : "", STR_FMT(name), hide ? HIDDEN : text);
	if (sounds_secret(name.p, name.len))
		learn(c, text);
}

/* The words as JSON; false: they are not all pairs. */
static bool convert(struct command *c, const char *text, struct strbuf *json, struct strbuf *shown)
{
	struct str name, value;
	const char *p = text;

	if (!is_plain(text))
		return false;
	while (p[strspn(p, " \t\n")])
		if (!next_pair(&p, &name, &value))
			return false;
	for (p = text; next_pair(&p, &name, &value);)
		add_pair(c, name, value, json, shown);
	strbuf_addstr(json, "}\n");
	return true;
}

static int add_vars(struct command *c, const char *flag, const char *vars, struct error **err)
{
	AUTO(strbuf) struct strbuf json = STRBUF_INIT, shown = STRBUF_INIT;
	const char *start = vars + strspn(vars, " \t\n");

	if (*start == '@' || !*start || !is_secret(c, vars)) {
		strv_push(&c->argv, flag);
		strv_push(&c->argv, vars);
		show(c, flag);
		show(c, vars);
		return 0;
	}
	show(c, flag);
	if (*start == '{' || *start == '[') {
		show(c, HIDDEN);
		return add_file(c, vars, err);
	}
	if (convert(c, vars, &json, &shown)) {
		show(c, shown.buf);
		return add_file(c, json.buf, err);
	}
	strv_push(&c->argv, flag);
	strv_push(&c->argv, vars);
	show(c, HIDDEN);
	return 0;
}

int command_add_secret(struct command *c, const char *name, const char *value, struct error **err)
{
	AUTO(strbuf) struct strbuf json = STRBUF_INIT;

	strbuf_addch(&json, '{');
	jsontext_quote_readable(&json, name, strlen(name));
	strbuf_addstr(&json, ": ");
	jsontext_quote_readable(&json, value, strlen(value));
	strbuf_addstr(&json, "}\n");
	learn(c, value);
	show(c, "-e");
	strbuf_addf(&c->shown, " %s=" HIDDEN, name);
	return add_file(c, json.buf, err);
}

int command_add_extra(struct command *c, const struct strv *args, struct error **err)
{
	for (size_t i = 0; i < args->len; i++) {
		const char *arg = args->v[i];
		bool long_form = text_starts_with(arg, "--extra-vars=");
		bool takes_next = text_eq(arg, "-e") || text_eq(arg, "--extra-vars");
		int r = 0;

		if (takes_next && i + 1 < args->len)
			r = add_vars(c, arg, args->v[++i], err);
		else if (long_form)
			r = add_vars(c, "--extra-vars", arg + strlen("--extra-vars="), err);
		else if (text_starts_with(arg, "-e") && arg[2])
			r = add_vars(c, "-e", arg + 2, err);
		else {
			strv_push(&c->argv, arg);
			show_masked(c, arg);
		}
		if (r < 0)
			return -1;
	}
	return 0;
}
