/* SPDX-License-Identifier: Apache-2.0 */
#include "disk/ova.h"

#include "base/alloc.h"
#include "base/digest.h"
#include "base/encode.h"
#include "base/signature.h"
#include "base/strv.h"
#include "disk/sink.h"
#include "disk/stream_vmdk.h"
#include "pack/tar_header.h"

#include <stdlib.h>
#include <string.h>

enum { NAME_MAX_LEN = TAR_NAME_MAX - 24 /* "-diskNNN.vmdk" */, DISKS_MAX = 255 };

struct member {
	char *file;
	char *sha256; /* NULL: not finished */
	uint64_t header_at;
};

struct ova {
	struct ova_spec spec;
	char *name;
	struct sink sink;
	size_t ovf_len; /* of the room for the descriptor */
	struct member *members;
	struct ovf_disk *disks; /* the same, as the descriptor tells them */
	size_t begun;
};

/* ---- members ----------------------------------------------------------------------------- */

static char *name_within(const char *name)
{
	char *s = xstrndup(name, NAME_MAX_LEN);

	for (char *p = s; *p; p++)
		if (!strchr("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-",
			    *p))
			*p = '-';
	if (!*s || *s == '.' || *s == '-') {
		char *t = xasprintf("vm%s", s);

		free(s);
		return t;
	}
	return s;
}

static int write_header(struct ova *o, const char *file, uint64_t size, struct error **err)
{
	unsigned char h[TAR_BLOCK];

	tar_ustar_header(h, file, size);
	return sink_write(&o->sink, h, sizeof(h), err);
}

static int write_member(struct ova *o, const char *file, const struct strbuf *text,
			struct error **err)
{
	if (write_header(o, file, text->len, err) < 0 ||
	    sink_write(&o->sink, text->buf, text->len, err) < 0)
		return -1;
	return sink_align(&o->sink, 0, TAR_BLOCK, err);
}

/* ---- the descriptor ------------------------------------------------------------------------- */

/* With the longest numbers there are. */
static size_t longest_descriptor(const struct ova *o)
{
	AUTO(strbuf) struct strbuf text = STRBUF_INIT;
	size_t n = o->spec.disk_count;
	AUTO_FREE struct ovf_disk *disks = xcalloc(MAX(n, 1), sizeof(*disks));

	for (size_t i = 0; i < n; i++)
		disks[i] =
			(struct ovf_disk){ o->members[i].file, UINT64_MAX, UINT64_MAX, UINT64_MAX };
	ovf_render(&text, o->spec.machine, disks, n);
	return text.len;
}

static int reserve_descriptor(struct ova *o, struct error **err)
{
	AUTO_FREE char *file = xasprintf("%s.ovf", o->name);

	o->ovf_len = longest_descriptor(o);
	if (write_header(o, file, o->ovf_len, err) < 0 || sink_zeros(&o->sink, o->ovf_len, err) < 0)
		return -1;
	return sink_align(&o->sink, 0, TAR_BLOCK, err);
}

static int write_descriptor(struct ova *o, char **ret_sha256, struct error **err)
{
	AUTO(strbuf) struct strbuf text = STRBUF_INIT;
	AUTO(digest) struct digest *d = digest_new(DIGEST_SHA256);

	ovf_render(&text, o->spec.machine, o->disks, o->spec.disk_count);
	assert(text.len <= o->ovf_len);
	strbuf_addchars(&text, ' ', o->ovf_len - text.len);
	digest_add(d, text.buf, text.len);
	*ret_sha256 = digest_finish_hex(d);
	return sink_patch(&o->sink, TAR_BLOCK, text.buf, text.len, err);
}

/* ---- manifest and signature ------------------------------------------------------------------ */

static int write_signature(struct ova *o, const char *manifest_file, const struct strbuf *manifest,
			   struct error **err)
{
	AUTO(strbuf) struct strbuf raw = STRBUF_INIT;
	AUTO(strbuf) struct strbuf text = STRBUF_INIT;
	AUTO_FREE char *file = xasprintf("%s.cert", o->name);

	if (!o->spec.private_key)
		return 0;
	if (signature_make(o->spec.private_key, manifest->buf, manifest->len, &raw, err) < 0)
		return error_prefix(err, "cannot sign the manifest");
	strbuf_addf(&text, "SHA256(%s)= ", manifest_file);
	encode_hex(&text, raw.buf, raw.len);
	strbuf_addf(&text, "\n%s", o->spec.certificate);
	return write_member(o, file, &text, err);
}

static int write_manifest(struct ova *o, const char *ovf_sha256, struct error **err)
{
	AUTO(strbuf) struct strbuf text = STRBUF_INIT;
	AUTO_FREE char *file = xasprintf("%s.mf", o->name);

	strbuf_addf(&text, "SHA256(%s.ovf)= %s\n", o->name, ovf_sha256);
	for (size_t i = 0; i < o->spec.disk_count; i++)
		strbuf_addf(&text, "SHA256(%s)= %s\n", o->members[i].file, o->members[i].sha256);
	if (write_member(o, file, &text, err) < 0)
		return -1;
	return write_signature(o, file, &text, err);
}

/* ---- disks ------------------------------------------------------------------------------------ */

/* A disk is a VMDK in a member of the tar file. */
struct ova_disk {
	struct disk_writer writer;
	struct ova *ova;
	size_t number;
	bool is_only; /* the OVA is its own, and ends with it */
	struct disk_writer *vmdk;
};

static int disk_write(struct disk_writer *w, uint64_t offset, const void *bytes, size_t len,
		      struct cancel *c, struct error **err)
{
	struct disk_writer *vmdk = ((struct ova_disk *)w)->vmdk;

	return vmdk->ops->write(vmdk, offset, bytes, len, c, err);
}

/* Now its size is known. */
static int complete_header(struct ova *o, const struct member *m, uint64_t size, struct error **err)
{
	unsigned char h[TAR_BLOCK];

	tar_ustar_header(h, m->file, size);
	return sink_patch(&o->sink, m->header_at, h, sizeof(h), err);
}

static int disk_finish(struct disk_writer *w, struct cancel *c, struct error **err)
{
	struct ova_disk *d = (struct ova_disk *)w;
	struct ova *o = d->ova;
	struct member *m = &o->members[d->number];
	struct ovf_disk *said = &o->disks[d->number];

	if (d->vmdk->ops->finish(d->vmdk, c, err) < 0)
		return -1;
	m->sha256 = xstrdup(stream_vmdk_sha256(d->vmdk));
	said->file_size = o->sink.at - m->header_at - TAR_BLOCK;
	said->populated = stream_vmdk_populated(d->vmdk);
	if (complete_header(o, m, said->file_size, err) < 0)
		return -1;
	return d->is_only ? ova_finish(o, err) : 0;
}

static void disk_free(struct disk_writer *w)
{
	struct ova_disk *d = (struct ova_disk *)w;

	disk_writer_free(d->vmdk);
	if (d->is_only)
		ova_free(d->ova);
	free(d);
}

static const struct disk_writer_ops ops = {
	.write = disk_write,
	.finish = disk_finish,
	.free = disk_free,
};

struct disk_writer *ova_disk(struct ova *o, uint64_t size, int threads, struct error **err)
{
	size_t n = o->begun++;
	struct member *m = &o->members[n];
	const struct disk_target target = { .size = size, .threads = threads };
	const struct stream_vmdk_spec vmdk = {
		.name = m->file,
		.is_ide = ovf_controller_is_ide(o->spec.machine->controller),
		.hardware_version = (int)o->spec.machine->hardware_version,
		.level = o->spec.level,
	};

	assert(n < o->spec.disk_count);
	o->disks[n] = (struct ovf_disk){ .file = m->file, .capacity = stream_vmdk_capacity(size) };
	m->header_at = o->sink.at;
	if (write_header(o, m->file, 0, err) < 0)
		return NULL;

	struct disk_writer *made = stream_vmdk_into(&o->sink, &target, &vmdk, err);

	if (!made)
		return NULL;

	struct ova_disk *d = NEW(struct ova_disk);

	*d = (struct ova_disk){ { &ops }, o, n, false, made };
	return &d->writer;
}

/* ---- the whole -------------------------------------------------------------------------------- */

struct ova *ova_new(const char *path, const struct ova_spec *spec, struct error **err)
{
	struct ova *o = NEW(struct ova);

	assert(spec->disk_count <= DISKS_MAX);
	o->spec = *spec;
	o->name = name_within(spec->name);
	o->sink = (struct sink)SINK_INIT;
	o->members = xcalloc(MAX(spec->disk_count, 1), sizeof(*o->members));
	o->disks = xcalloc(MAX(spec->disk_count, 1), sizeof(*o->disks));
	for (size_t i = 0; i < spec->disk_count; i++)
		o->members[i].file = xasprintf("%s-disk%zu.vmdk", o->name, i + 1);
	if ((spec->private_key &&
	     signature_check_pair(spec->private_key, spec->certificate, err) < 0) ||
	    sink_open(&o->sink, path, err) < 0 || reserve_descriptor(o, err) < 0) {
		ova_free(o);
		return NULL;
	}
	return o;
}

int ova_finish(struct ova *o, struct error **err)
{
	AUTO_FREE char *ovf_sha256 = NULL;

	if (write_descriptor(o, &ovf_sha256, err) < 0 || write_manifest(o, ovf_sha256, err) < 0 ||
	    sink_zeros(&o->sink, 2 * TAR_BLOCK, err) < 0)
		return -1;
	return sink_close(&o->sink, err);
}

void ova_free(struct ova *o)
{
	if (!o)
		return;
	for (size_t i = 0; i < o->spec.disk_count; i++) {
		free(o->members[i].file);
		free(o->members[i].sha256);
	}
	free(o->members);
	free(o->disks);
	sink_release(&o->sink);
	arena_free(o->spec.arena);
	free(o->name);
	free(o);
}

struct disk_writer *ova_writer_new(const struct disk_target *target, const struct ova_spec *spec,
				   struct error **err)
{
	struct ova *o = ova_new(target->path, spec, err);
	struct disk_writer *w = o ? ova_disk(o, target->size, target->threads, err) : NULL;

	if (!w) {
		ova_free(o);
		return NULL;
	}
	((struct ova_disk *)w)->is_only = true;
	return w;
}
