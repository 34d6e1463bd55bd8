/* SPDX-License-Identifier: Apache-2.0 */
/* Go-style flags: -name, --name, -name=value, -name value, --; first word ends (cli.md 1.5). */
#include "base/alloc.h"
#include "base/duration.h"
#include "base/str.h"
#include "base/suggest.h"
#include "cli/command.h"

#include <stdlib.h>
#include <string.h>

static const struct option_spec *find(const struct option_spec *specs, struct str name)
{
	for (const struct option_spec *s = specs; s && s->kind != OPTION_END; s++)
		if (str_is(name, s->name))
			return s;
	return NULL;
}

static bool parse_bool(const char *s, bool *ret)
{
	static const char *const yes[] = { "1", "t", "T", "true", "TRUE", "True", NULL };
	static const char *const no[] = { "0", "f", "F", "false", "FALSE", "False", NULL };

	for (size_t i = 0; yes[i]; i++) {
		if (!strcmp(s, yes[i]))
			return *ret = true, true;
		if (!strcmp(s, no[i]))
			return *ret = false, true;
	}
	return false;
}

static int bad_choice(const struct option_spec *s, const char *value, struct error **err)
{
	struct strbuf sb = STRBUF_INIT;

	if (!strcmp(s->name, "config-type"))
		return error_set(
			err, ERROR_INVALID,
			"invalid value \"%s\" for flag -config-type: %s does not belong to "
			"configType values",
			value, value);
	for (size_t i = 0; s->choices[i]; i++)
		strbuf_addf(&sb, "%s\"%s\"", i ? " " : "", s->choices[i]);
	error_set(err, ERROR_INVALID, "invalid value \"%s\" for flag -%s: expected one of [%s]",
		  value, s->name, sb.buf);
	strbuf_release(&sb);
	return -1;
}

static int set_choice(const struct option_spec *s, const char *value, const char **slot,
		      struct error **err)
{
	for (size_t i = 0; s->choices[i]; i++)
		if (!strcmp(value, s->choices[i])) {
			*slot = s->choices[i];
			return 0;
		}
	return bad_choice(s, value, err);
}

static void add_csv(struct strv *list, const char *value)
{
	for (struct str rest = str_of(value), one; rest.len;) {
		one = str_split(rest, ',', &rest);
		if (one.len)
			strv_push_take(list, str_dup(one));
	}
}

static int set_duration(const struct option_spec *s, const char *value, int64_t *slot,
			struct error **err)
{
	AUTO(error) struct error *e = NULL;

	if (duration_parse(value, slot, &e) == 0)
		return 0;
	return error_set(err, ERROR_INVALID, "invalid value \"%s\" for flag -%s: %s", value,
			 s->name, e->message);
}

static int set_value(const struct option_spec *s, const char *value, void *args, struct error **err)
{
	void *slot = (char *)args + s->offset;

	switch (s->kind) {
	case OPTION_BOOL:
		if (!parse_bool(value, slot))
			return error_set(err, ERROR_INVALID,
					 "invalid boolean value \"%s\" for -%s: parse error", value,
					 s->name);
		return 0;
	case OPTION_STRING:
		*(const char **)slot = value;
		return 0;
	case OPTION_STRINGS:
		if (!strcmp(s->name, "var") && !strchr(value, '='))
			return error_set(
				err, ERROR_INVALID,
				"invalid value \"%s\" for flag -var: No '=' value in arg: %s",
				value, value);
		strv_push(slot, value);
		return 0;
	case OPTION_CSV:
		add_csv(slot, value);
		return 0;
	case OPTION_INT:
		if (!parse_int64(value, 0, slot))
			return error_set(err, ERROR_INVALID,
					 "invalid value \"%s\" for flag -%s: parse error", value,
					 s->name);
		return 0;
	case OPTION_CHOICE:
		return set_choice(s, value, slot, err);
	case OPTION_DURATION:
		return set_duration(s, value, slot, err);
	case OPTION_END:
		break;
	}
	return 0;
}

static int unknown_flag(const struct option_spec *specs, struct str name, struct error **err)
{
	const char *candidates[64];
	size_t n = 0;
	AUTO_FREE char *given = str_dup(name);

	for (const struct option_spec *s = specs; s && s->kind != OPTION_END && n < 63; s++)
		candidates[n++] = s->name;
	candidates[n] = NULL;
	error_set(err, ERROR_INVALID, "flag provided but not defined: -%s", given);

	const char *near = suggest(given, candidates);

	if (near)
		error_hint(err, "did you mean -%s?", near);
	return -1;
}

int options_parse(const struct option_spec *specs, int argc, char *const *argv, void *args,
		  int *ret_first, struct error **err)
{
	int i = 0;

	for (; i < argc; i++) {
		struct str word = str_of(argv[i]), value;

		if (word.len < 2 || word.p[0] != '-')
			break;
		if (str_is(word, "--")) {
			i++;
			break;
		}
		word.p += word.p[1] == '-' ? 2 : 1;
		word.len = strlen(word.p);

		bool has_value = memchr(word.p, '=', word.len) != NULL;
		struct str name = str_split(word, '=', &value);
		const struct option_spec *s = find(specs, name);

		if (!s)
			return unknown_flag(specs, name, err);
		if (!has_value && s->kind == OPTION_BOOL) {
			*(bool *)((char *)args + s->offset) = true;
			continue;
		}
		if (!has_value && i + 1 >= argc)
			return error_set(err, ERROR_INVALID, "flag needs an argument: -%s",
					 s->name);
		if (set_value(s, has_value ? value.p : argv[++i], args, err) < 0)
			return -1;
	}
	*ret_first = i;
	return 0;
}

void options_warn_ignored(const struct option_spec *specs, const void *args, struct diags *diags)
{
	for (const struct option_spec *s = specs; s->kind != OPTION_END; s++) {
		if (!s->ignored || !*(const bool *)((const char *)args + s->offset))
			continue;
		AUTO_FREE char *summary = xasprintf("-%s has no effect", s->name);

		diags_warning(diags, NULL, summary, "%s", s->ignored);
	}
}
