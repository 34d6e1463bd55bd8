/* SPDX-License-Identifier: Apache-2.0 */
#include "postproc/vagrant/box.h"

#include "base/alloc.h"
#include "base/duration.h"
#include "base/path.h"
#include "os/clock.h"
#include "os/fd.h"
#include "os/fs.h"
#include "pack/packing.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { MODE = 0644 };

void box_release(struct box *b)
{
	for (size_t i = 0; i < b->members.len; i++) {
		free(b->members.items[i].name);
		free(b->members.items[i].path);
		free(b->members.items[i].text);
		free(b->members.items[i].source);
	}
	vec_release(&b->members);
}

static struct box_member *find(const struct box *b, const char *name)
{
	for (size_t i = 0; i < b->members.len; i++)
		if (!strcmp(b->members.items[i].name, name))
			return &b->members.items[i];
	return NULL;
}

bool box_has(const struct box *b, const char *name)
{
	return find(b, name) != NULL;
}

static struct box_member *add(struct box *b, const char *name, const char *source,
			      struct error **err)
{
	const struct box_member *other = find(b, name);
	struct box_member *m;

	if (other) {
		error_set(err, ERROR_INVALID,
			  "two files of the box would be called '%s': %s and %s", name,
			  other->source, source);
		return NULL;
	}
	m = vec_push(&b->members);
	*m = (struct box_member){ .name = xstrdup(name), .source = xstrdup(source) };
	return m;
}

int box_add_file(struct box *b, const char *name, const char *path, struct error **err)
{
	struct box_member *m = add(b, name, path, err);

	if (!m)
		return -1;
	m->path = xstrdup(path);
	return 0;
}

int box_add_text(struct box *b, const char *name, const char *text, const char *source,
		 struct error **err)
{
	struct box_member *m = add(b, name, source, err);

	if (!m)
		return -1;
	m->text = xstrdup(text);
	return 0;
}

/* ---- the file ----------------------------------------------------------------------------------- */

struct progress {
	struct ui *ui;
	int64_t done, total;
};

static void show_progress(void *data, int64_t bytes)
{
	struct progress *p = data;

	p->done += bytes;
	ui_progress(p->ui, "packing the box", p->done, p->total, UNIT_BYTES);
}

static struct packing *start(const struct box_file *f, struct progress *progress,
			     struct error **err)
{
	const struct packing_options options = {
		.kind = PACKING_TAR,
		.to = { .encoding = f->level ? ENCODING_GZIP : ENCODING_NONE,
			.level = f->level,
			.size = -1,
			.fd = f->fd,
			.path = f->part,
			.cancel = f->ctx->cancel },
		.progress = progress ? show_progress : NULL,
		.data = progress,
	};

	return packing_new(&options, err);
}

static int add_member(const struct box_file *f, struct packing *p, const struct box_member *m,
		      struct error **err)
{
	const int64_t epoch = f->ctx->source_date_epoch;
	struct packing_entry entry = { .name = m->name, .mode = MODE, .mtime = epoch };

	ui_say(f->ctx->ui, "Compressing: %s", m->name);
	if (m->path)
		return packing_add_file(p, &entry, m->path, err);
	if (epoch < 0)
		entry.mtime = clock_wall() / NSEC_PER_SEC;
	return packing_add_data(p, &entry, m->text, strlen(m->text), err);
}

static int by_name(const void *a, const void *b)
{
	return strcmp(((const struct box_member *)a)->name, ((const struct box_member *)b)->name);
}

static int measure(const struct box *b, int64_t *ret, struct error **err)
{
	int64_t size;

	for (size_t i = 0; i < b->members.len; i++) {
		if (!b->members.items[i].path)
			continue;
		if (fs_size(b->members.items[i].path, &size, err) < 0)
			return -1;
		*ret += size;
	}
	return 0;
}

static int write_members(struct box_file *f, const struct box *b, struct error **err)
{
	struct progress progress = { .ui = f->ctx->ui };
	AUTO(packing) struct packing *p = NULL;

	if (measure(b, &progress.total, err) < 0)
		return -1;
	p = start(f, &progress, err);
	for (size_t i = 0; p && i < b->members.len; i++)
		if (add_member(f, p, &b->members.items[i], err) < 0)
			return -1;
	return p ? packing_finish(p, err) : -1;
}

int box_file_write(struct box_file *f, struct box *b, struct error **err)
{
	AUTO_FREE char *full = path_absolute(f->ctx->cwd, f->target);
	int r;

	qsort(b->members.items, b->members.len, sizeof(*b->members.items), by_name);
	r = write_members(f, b, err);
	ui_progress_end(f->ctx->ui, "packing the box");
	if (r < 0 || fs_rename(f->part, full, err) < 0)
		return -1;
	free(TAKE(f->part));
	journal_done(f->ctx->journal, f->journal_id);
	return 0;
}

/* An empty box, and away with it. */
static int try_out(struct box_file *f, struct error **err)
{
	AUTO(packing) struct packing *p = start(f, NULL, err);

	if (!p || packing_finish(p, err) < 0)
		return -1;
	if (ftruncate(f->fd, 0) < 0 || lseek(f->fd, 0, SEEK_SET) < 0)
		return error_set_errno(err, errno, "cannot write '%s'", f->part);
	return 0;
}

int box_file_open(struct box_file *f, struct error **err)
{
	AUTO_FREE char *full = path_absolute(f->ctx->cwd, f->target);
	AUTO_FREE char *dir = path_dirname(full);

	f->part = xasprintf("%s.ingot-part", full);
	if (fs_mkdir_all(dir, 0755, err) < 0 ||
	    journal_path(f->ctx->journal, f->part, &f->journal_id, err) < 0)
		return -1;
	f->fd = open(f->part, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
	if (f->fd < 0)
		return error_set_errno(err, errno, "cannot write '%s'", f->part);
	return try_out(f, err);
}

void box_file_close(struct box_file *f)
{
	AUTO(error) struct error *e = NULL;

	fd_close(fd_take(&f->fd));
	if (!f->part)
		return;
	if (f->journal_id && fs_remove(f->part, &e) < 0)
		ui_error(f->ctx->ui, "warning: %s", e->message);
	else
		journal_done(f->ctx->journal, f->journal_id);
	free(TAKE(f->part));
}
