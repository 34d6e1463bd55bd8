/* SPDX-License-Identifier: Apache-2.0 */
#include "base/path.h"

#include "base/alloc.h"
#include "base/strbuf.h"

#include <assert.h>
#include <string.h>

char *path_join(const char *dir, const char *name)
{
	if (name[0] == '/' || !dir[0])
		return xstrdup(name);
	if (!name[0])
		return xstrdup(dir);
	return xasprintf(text_ends_with(dir, "/") ? "%s%s" : "%s/%s", dir, name);
}

/* Takes the last element off `sb`, which never loses its leading `root` bytes. */
static void drop_last(struct strbuf *sb, size_t root)
{
	size_t len = sb->len;

	while (len > root && sb->buf[len - 1] != '/')
		len--;
	if (len > root)
		len--;
	strbuf_truncate(sb, len);
}

static bool last_is_parent(const struct strbuf *sb, size_t root)
{
	size_t len = sb->len;

	return len >= root + 2 && !memcmp(sb->buf + len - 2, "..", 2) &&
	       (len == root + 2 || sb->buf[len - 3] == '/');
}

char *path_clean(const char *path)
{
	AUTO(strbuf) struct strbuf sb = STRBUF_INIT;
	struct str rest = str_of(path);
	size_t root = path[0] == '/';

	if (root)
		strbuf_addch(&sb, '/');
	while (rest.len) {
		struct str tail;
		struct str element = str_split(rest, '/', &tail);

		rest = tail;
		if (!element.len || str_is(element, "."))
			continue;
		if (str_is(element, "..")) {
			if (sb.len > root && !last_is_parent(&sb, root)) {
				drop_last(&sb, root);
				continue;
			}
			if (root)
				continue;
		}
		if (sb.len > root)
			strbuf_addch(&sb, '/');
		strbuf_add(&sb, element.p, element.len);
	}
	if (!sb.len)
		strbuf_addch(&sb, '.');
	return strbuf_detach(&sb);
}

char *path_dirname(const char *path)
{
	const char *slash = strrchr(path, '/');

	if (!slash)
		return xstrdup(".");

	AUTO_FREE char *dir = xstrndup(path, (size_t)(slash - path) + 1);

	return path_clean(dir);
}

const char *path_basename(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

struct str path_extension(const char *path)
{
	const char *dot = strrchr(path_basename(path), '.');

	return str_of(dot ? dot + 1 : NULL);
}

char *path_absolute(const char *cwd, const char *path)
{
	AUTO_FREE char *joined = path_join(cwd, path);

	assert(joined[0] == '/');
	return path_clean(joined);
}

bool path_is_below(const char *path, const char *dir)
{
	AUTO_FREE char *p = path_clean(path);
	AUTO_FREE char *d = path_clean(dir);
	size_t len = strlen(d);

	if (len == 1)
		return p[0] == '/';
	return !strncmp(p, d, len) && (p[len] == '\0' || p[len] == '/');
}
