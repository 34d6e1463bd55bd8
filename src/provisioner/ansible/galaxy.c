/* SPDX-License-Identifier: Apache-2.0 */
#include "provisioner/ansible/galaxy.h"

#include "base/path.h"
#include "base/str.h"
#include "os/fs.h"

#include <string.h>

enum { REQUIREMENTS_MAX = 4 * 1024 * 1024 };

int galaxy_read(const char *path, struct galaxy_needs *ret, struct error **err)
{
	AUTO(strbuf) struct strbuf text = STRBUF_INIT_MAX(REQUIREMENTS_MAX);
	struct str rest;

	*ret = (struct galaxy_needs){ 0 };
	if (fs_read(path, REQUIREMENTS_MAX, &text, err) < 0)
		return error_prefix(err, "galaxy_file");
	rest = str_of(text.buf);
	while (rest.len) {
		struct str line = str_split(rest, '\n', &rest);

		ret->roles |= str_starts_with(line, STR("roles:"));
		ret->collections |= str_starts_with(line, STR("collections:"));
	}
	/* the old form is a list of roles */
	ret->roles |= !ret->collections;
	return 0;
}

void galaxy_argv(const struct ansible_config *c, bool collections, struct strv *argv)
{
	const char *into = collections ? c->collections_path : c->roles_path;

	strv_push(argv, c->galaxy_command);
	if (collections)
		strv_push(argv, "collection");
	strv_pushl(argv, "install", "-r", c->galaxy_file, NULL);
	if (c->galaxy_force_install)
		strv_push(argv, "-f");
	if (c->galaxy_force_with_deps)
		strv_push(argv, "--force-with-deps");
	if (!text_is_empty(into))
		strv_pushl(argv, "-p", into, NULL);
}

/* The value of "- NAME: VALUE" or "NAME: VALUE" without quotes; empty: another one. */
static struct str value_of(struct str line, const char *name)
{
	size_t len = strlen(name);

	line = str_trim(line);
	if (line.len > 2 && line.p[0] == '-' && line.p[1] == ' ')
		line = str_trim((struct str){ line.p + 2, line.len - 2 });
	if (line.len <= len || memcmp(line.p, name, len) || line.p[len] != ':')
		return (struct str){ 0 };
	line = str_trim((struct str){ line.p + len + 1, line.len - len - 1 });
	if (line.len >= 2 && (*line.p == '"' || *line.p == '\''))
		line = (struct str){ line.p + 1, line.len - 2 };
	return line;
}

/* A version like 1.2.3 or a commit; not a range, nor a branch. */
static bool is_version(struct str v)
{
	bool digit = false;

	for (size_t i = 0; i < v.len; i++) {
		digit |= v.p[i] >= '0' && v.p[i] <= '9';
		if (strchr("<>=*!,", v.p[i]))
			return false;
	}
	return digit;
}

struct entry {
	bool any, fixed;
};

static bool is_local(struct str source)
{
	return str_starts_with(source, STR("/")) || str_starts_with(source, STR("./")) ||
	       str_starts_with(source, STR("../")) || str_starts_with(source, STR("file:"));
}

static void look_at(struct str line, struct entry *e)
{
	static const char *const sources[] = { "name", "src", "source" };
	struct str version = value_of(line, "version"), kind = value_of(line, "type");

	e->fixed |= version.len && is_version(version);
	e->fixed |= str_is(kind, "dir") || str_is(kind, "subdirs");
	for (size_t i = 0; i < 3; i++)
		e->fixed |= is_local(value_of(line, sources[i]));
}

bool galaxy_is_fixed(const char *text)
{
	struct str rest = str_of(text);
	struct entry e = { 0 };

	while (rest.len) {
		struct str line = str_split(rest, '\n', &rest), s = str_trim(line);

		if (!s.len || *s.p == '#')
			continue;
		if (*s.p == '-') {
			if (e.any && !e.fixed)
				return false;
			e = (struct entry){ .any = true };
			/* "- NAME" alone: no version can be said */
			e.fixed =
				s.len > 2 && is_local(str_trim((struct str){ s.p + 1, s.len - 1 }));
		}
		look_at(s, &e);
	}
	return !e.any || e.fixed;
}
