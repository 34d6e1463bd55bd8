/* SPDX-License-Identifier: Apache-2.0 */
#include "cloud/aws_profile.h"

#include "base/alloc.h"
#include "base/path.h"
#include "base/redact.h"
#include "base/str.h"
#include "os/fs.h"

#include <stdlib.h>
#include <string.h>

enum { FILE_MAX = 4 * 1024 * 1024 };

static void free_secret(void *text)
{
	secret_free(text);
}

static void free_section(void *p)
{
	map_release(p);
	free(p);
}

void aws_profiles_release(struct aws_profiles *p)
{
	map_release(&p->by_name);
}

bool aws_profiles_has(const struct aws_profiles *p, const char *profile)
{
	return map_has(&p->by_name, profile);
}

const char *aws_profiles_get(const struct aws_profiles *p, const char *profile, const char *name)
{
	const struct map *section = map_get(&p->by_name, profile);
	const char *text = section ? map_get(section, name) : NULL;

	return text_is_empty(text) ? NULL : text;
}

const char *aws_profile_name(const struct cloud_ctx *ctx)
{
	const char *name = ctx->aws_profile ? ctx->aws_profile : cloud_env(ctx, "AWS_PROFILE");

	if (!name)
		name = cloud_env(ctx, "AWS_DEFAULT_PROFILE");
	return name ? name : "default";
}

/* ---- reading ---------------------------------------------------------------------------- */

struct reader {
	struct aws_profiles *profiles;
	bool is_config;      /* sections are called "profile NAME" */
	struct map *section; /* NULL: one that is none of ours */
};

static struct map *section_of(struct aws_profiles *p, const char *name)
{
	struct map *section = map_get(&p->by_name, name);

	if (section)
		return section;
	section = NEW(struct map);
	map_init(section, free_secret);
	map_set(&p->by_name, name, section);
	return section;
}

/* "[default]", "[profile x]" in the config file, "[x]" in the credentials file. */
static void begin_section(struct reader *r, struct str line)
{
	struct str tail, title = str_split((struct str){ line.p + 1, line.len - 1 }, ']', &tail);
	AUTO_FREE char *name = NULL;

	title = str_trim(title);
	r->section = NULL;
	if (r->is_config && !str_is(title, "default")) {
		if (!str_starts_with(title, STR("profile")) || title.len < 8 ||
		    (title.p[7] != ' ' && title.p[7] != '\t'))
			return; /* sso-session, services */
		title = str_trim((struct str){ title.p + 7, title.len - 7 });
		if (title.len > 1 && title.p[0] == '"' && title.p[title.len - 1] == '"')
			title = (struct str){ title.p + 1, title.len - 2 };
	}
	name = str_dup(title);
	r->section = section_of(r->profiles, name);
}

/* A value ends where " #" or " ;" begins. */
static struct str without_comment(struct str value)
{
	for (size_t i = 1; i < value.len; i++) {
		bool blank = value.p[i - 1] == ' ' || value.p[i - 1] == '\t';

		if (blank && (value.p[i] == '#' || value.p[i] == ';'))
			return str_trim((struct str){ value.p, i });
	}
	return value;
}

static void read_line(struct reader *r, struct str line)
{
	bool is_nested = line.len && (line.p[0] == ' ' || line.p[0] == '\t');
	struct str value, name;

	line = str_trim(line);
	if (!line.len || line.p[0] == '#' || line.p[0] == ';')
		return;
	if (line.p[0] == '[') {
		begin_section(r, line);
		return;
	}
	if (is_nested || !r->section || !memchr(line.p, '=', line.len))
		return;
	name = str_trim(str_split(line, '=', &value));

	AUTO_FREE char *key = str_dup(name);

	for (char *p = key; *p; p++)
		if (*p >= 'A' && *p <= 'Z')
			*p = (char)(*p | 0x20);
	map_set(r->section, key, str_dup(without_comment(str_trim(value))));
}

static int read_file(struct reader *r, const char *path, struct error **err)
{
	AUTO(strbuf) struct strbuf text = STRBUF_INIT_MAX(FILE_MAX);
	AUTO(error) struct error *e = NULL;

	r->section = NULL;
	if (fs_read(path, FILE_MAX, &text, &e) < 0)
		return e->kind == ERROR_NOT_FOUND ? 0 : error_move(err, TAKE(e));
	for (struct str rest = { text.buf, text.len }; rest.len;)
		read_line(r, str_split(rest, '\n', &rest));
	secret_wipe(text.buf, text.len);
	return 0;
}

static char *file_path(const struct cloud_ctx *ctx, const char *variable, const char *name)
{
	const char *path = cloud_env(ctx, variable);

	if (path && ctx->home && text_starts_with(path, "~/"))
		return path_join(ctx->home, path + 2);
	if (path)
		return xstrdup(path);
	return ctx->home ? path_join(ctx->home, name) : NULL;
}

int aws_profiles_load(const struct cloud_ctx *ctx, struct aws_profiles *ret, struct error **err)
{
	struct aws_profiles profiles = { .by_name = MAP_INIT(free_section) };
	AUTO_FREE char *config = file_path(ctx, "AWS_CONFIG_FILE", ".aws/config");
	AUTO_FREE char *credentials =
		file_path(ctx, "AWS_SHARED_CREDENTIALS_FILE", ".aws/credentials");
	struct reader r = { .profiles = &profiles, .is_config = true };

	if (config && read_file(&r, config, err) < 0)
		goto failed;
	r.is_config = false;
	if (credentials && read_file(&r, credentials, err) < 0)
		goto failed;
	*ret = profiles;
	return 0;
failed:
	aws_profiles_release(&profiles);
	return -1;
}
