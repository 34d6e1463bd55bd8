/* SPDX-License-Identifier: Apache-2.0 */
#include "pack/packing.h"

#include "base/alloc.h"
#include "base/macro.h"
#include "base/vec.h"
#include "os/fd.h"
#include "os/host.h"
#include "pack/tar_header.h"
#include "pack/zip.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { TAR_RECORD = 20 * TAR_BLOCK /* what tars read at a time */ };

VEC_DECLARE(zip_members, struct zip_member);

struct packing {
	struct packing_options options;
	struct encoder *to; /* zip: for what is not compressed */
	struct zip_members members;
	uint64_t offset; /* zip: how much was written */
	int threads;
};

struct packing *packing_new(const struct packing_options *o, struct error **err)
{
	struct packing *p = NEW(struct packing);
	struct encoder_options to = o->to;

	p->options = *o;
	if (o->kind == PACKING_ZIP)
		to.encoding = ENCODING_NONE;
	if (o->kind != PACKING_NONE)
		to.size = -1;
	p->to = encoder_new(&to, err);
	if (!p->to) {
		packing_free(p);
		return NULL;
	}
	p->threads = o->kind == PACKING_ZIP ? host_cpus() : encoder_threads(p->to);
	return p;
}

int packing_threads(const struct packing *p)
{
	return p->threads;
}

void packing_free(struct packing *p)
{
	if (!p)
		return;
	for (size_t i = 0; i < p->members.len; i++)
		free(p->members.items[i].name);
	vec_release(&p->members);
	encoder_free(p->to);
	free(p);
}

/* ---- tar ------------------------------------------------------------------------------------- */

static int tar_begin(struct packing *p, const char *name, const struct tar_fields *fields,
		     struct error **err)
{
	AUTO(strbuf) struct strbuf head = STRBUF_INIT;

	tar_add_header(&head, name, NULL, fields);
	return encoder_write(p->to, head.buf, head.len, err);
}

static int tar_end_member(struct packing *p, int64_t size, struct error **err)
{
	const int64_t over = size % TAR_BLOCK;

	return over ? encoder_zeros(p->to, TAR_BLOCK - over, err) : 0;
}

static int tar_add_file(struct packing *p, const struct packing_entry *entry,
			const struct file_content *c, struct error **err)
{
	const struct tar_fields fields = {
		.type = TAR_FILE,
		.mode = entry->mode ? entry->mode : c->mode,
		.uid = entry->keep_owner ? c->uid : 0,
		.gid = entry->keep_owner ? c->gid : 0,
		.size = c->size,
		.mtime = entry->mtime < 0 ? c->mtime : entry->mtime,
	};

	if (tar_begin(p, entry->name, &fields, err) < 0 ||
	    content_copy(c, p->to, p->options.progress, p->options.data, err) < 0)
		return -1;
	return tar_end_member(p, c->size, err);
}

static int tar_add_data(struct packing *p, const struct packing_entry *entry, const void *data,
			size_t len, struct error **err)
{
	const struct tar_fields fields = {
		.type = TAR_FILE,
		.mode = entry->mode,
		.size = (int64_t)len,
		.mtime = entry->mtime,
	};

	if (tar_begin(p, entry->name, &fields, err) < 0 || encoder_write(p->to, data, len, err) < 0)
		return -1;
	return tar_end_member(p, (int64_t)len, err);
}

/* Two blocks of zeros, then what fills the record. */
static int tar_finish(struct packing *p, struct error **err)
{
	if (encoder_zeros(p->to, 2 * TAR_BLOCK, err) < 0)
		return -1;

	const int64_t over = (int64_t)(encoder_totals(p->to).in % TAR_RECORD);

	if (over && encoder_zeros(p->to, TAR_RECORD - over, err) < 0)
		return -1;
	return encoder_finish(p->to, err);
}

/* ---- zip ------------------------------------------------------------------------------------- */

static int zip_write(struct packing *p, const struct strbuf *text, struct error **err)
{
	p->offset += text->len;
	return encoder_write(p->to, text->buf, text->len, err);
}

/* Sizes and sum are known now: the header is written again. */
static int zip_complete_header(struct packing *p, const struct zip_member *m, struct error **err)
{
	AUTO(strbuf) struct strbuf head = STRBUF_INIT;
	const struct encoder_options *to = &p->options.to;

	zip_add_header(&head, m);
	if (fd_write_at(to->fd, head.buf, head.len, (off_t)m->offset) < 0)
		return error_set_errno(err, errno, "cannot write '%s'", to->path);
	return 0;
}

static struct encoder *zip_begin(struct packing *p, struct zip_member *m, struct error **err)
{
	AUTO(strbuf) struct strbuf head = STRBUF_INIT;
	struct encoder_options to = p->options.to;

	if (strlen(m->name) > ZIP_NAME_MAX) {
		error_set(err, ERROR_INVALID, "a name is too long for a zip file: %.100s", m->name);
		return NULL;
	}
	to.encoding = ENCODING_DEFLATE;
	m->offset = p->offset;
	zip_add_header(&head, m);
	return zip_write(p, &head, err) < 0 ? NULL : encoder_new(&to, err);
}

/* The content from `c`, or else from memory. */
static int zip_add(struct packing *p, struct zip_member *m, const struct file_content *c,
		   const void *data, struct error **err)
{
	AUTO(encoder) struct encoder *e = zip_begin(p, m, err);
	struct encoder_totals totals;
	int r;

	if (!e)
		return -1;
	r = c ? content_copy(c, e, p->options.progress, p->options.data, err)
	      : encoder_write(e, data, (size_t)m->size, err);
	if (r < 0 || encoder_finish(e, err) < 0)
		return -1;
	totals = encoder_totals(e);
	m->crc = totals.crc;
	m->packed = totals.out;
	p->offset += totals.out;
	return zip_complete_header(p, m, err);
}

static struct zip_member *zip_member(struct packing *p, const struct packing_entry *entry,
				     int64_t size)
{
	struct zip_member *m = vec_push(&p->members);

	*m = (struct zip_member){
		.name = xstrdup(entry->name),
		.mode = entry->mode,
		.size = (uint64_t)size,
		.is_large = zip_is_large((uint64_t)size),
	};
	return m;
}

static int zip_finish(struct packing *p, struct error **err)
{
	AUTO(strbuf) struct strbuf text = STRBUF_INIT;
	const uint64_t offset = p->offset;

	for (size_t i = 0; i < p->members.len; i++)
		zip_add_directory_entry(&text, &p->members.items[i]);
	zip_add_end(&text, p->members.len, offset, text.len);
	return zip_write(p, &text, err) < 0 ? -1 : encoder_finish(p->to, err);
}

/* ---- both ------------------------------------------------------------------------------------ */

int packing_add_file(struct packing *p, const struct packing_entry *entry, const char *path,
		     struct error **err)
{
	AUTO(file_content) struct file_content c = CONTENT_INIT;
	struct zip_member *m;

	if (content_open(&c, path, err) < 0)
		return -1;
	switch (p->options.kind) {
	case PACKING_NONE:
		return content_copy(&c, p->to, p->options.progress, p->options.data, err);
	case PACKING_TAR:
		return tar_add_file(p, entry, &c, err);
	case PACKING_ZIP:
		break;
	}
	m = zip_member(p, entry, c.size);
	if (!entry->mode)
		m->mode = c.mode;
	return zip_add(p, m, &c, NULL, err);
}

int packing_add_data(struct packing *p, const struct packing_entry *entry, const void *data,
		     size_t len, struct error **err)
{
	assert(p->options.kind != PACKING_NONE);
	if (p->options.kind == PACKING_TAR)
		return tar_add_data(p, entry, data, len, err);
	return zip_add(p, zip_member(p, entry, (int64_t)len), NULL, data, err);
}

int packing_finish(struct packing *p, struct error **err)
{
	switch (p->options.kind) {
	case PACKING_TAR:
		return tar_finish(p, err);
	case PACKING_ZIP:
		return zip_finish(p, err);
	case PACKING_NONE:
		break;
	}
	return encoder_finish(p->to, err);
}
