/* SPDX-License-Identifier: Apache-2.0 */
#include "builder/qemu/media.h"

#include "base/alloc.h"
#include "base/path.h"
#include "base/str.h"
#include "builder/qemu/fat_image.h"
#include "builder/qemu/file_tree.h"
#include "builder/qemu/iso_image.h"
#include "os/digests.h"
#include "os/fs.h"

#include <stdlib.h>
#include <string.h>

static bool wants_cd(const struct qemu_config *c)
{
	return c->cd_files.len || c->cd_content.len;
}

static bool wants_floppy(const struct qemu_config *c)
{
	return c->floppy_files.len || c->floppy_dirs.len || c->floppy_content.len;
}

static const char *label_of(const char *label)
{
	return text_is_empty(label) ? "packer" : label;
}

/* ---- collecting -------------------------------------------------------------------- */

static int add_list(struct file_tree *t, const char *cwd, const struct text_list *list,
		    enum tree_mode mode, struct error **err)
{
	for (size_t i = 0; i < list->len; i++)
		if (file_tree_add(t, cwd, list->v[i], mode, err) < 0)
			return -1;
	return 0;
}

static int collect_cd(struct file_tree *t, const struct qemu_config *c, const char *cwd,
		      struct error **err)
{
	if (add_list(t, cwd, &c->cd_files, TREE_DEEP_OPEN, err) < 0)
		return -1;
	for (size_t i = 0; i < c->cd_content.len; i++)
		if (file_tree_add_text(t, c->cd_content.v[i].key, c->cd_content.v[i].value, err) <
		    0)
			return -1;
	return 0;
}

static int collect_floppy(struct file_tree *t, const struct qemu_config *c, const char *cwd,
			  struct error **err)
{
	if (add_list(t, cwd, &c->floppy_files, TREE_FLAT, err) < 0 ||
	    add_list(t, cwd, &c->floppy_dirs, TREE_DEEP, err) < 0)
		return -1;
	for (size_t i = 0; i < c->floppy_content.len; i++) /* a directory in the name is dropped */
		if (file_tree_add_text(t, path_basename(c->floppy_content.v[i].key),
				       c->floppy_content.v[i].value, err) < 0)
			return -1;
	return 0;
}

/* ---- making --------------------------------------------------------------------------- */

static int make_cd(struct media *m, const struct qemu_config *c, struct build_ctx *ctx,
		   struct error **err)
{
	AUTO(file_tree) struct file_tree t = FILE_TREE_INIT;

	if (!wants_cd(c))
		return 0;
	ui_say(ctx->ui, "Creating CD disk...");
	m->cd = path_join(ctx->temp_dir, "files.iso");
	if (collect_cd(&t, c, ctx->cwd, err) < 0 ||
	    iso_image_write(m->cd, label_of(c->cd_label), &t, ctx->cancel, err) < 0)
		return error_prefix(err, "Error creating CD disk");
	return 0;
}

static int make_floppy(struct media *m, const struct qemu_config *c, struct build_ctx *ctx,
		       struct error **err)
{
	AUTO(file_tree) struct file_tree t = FILE_TREE_INIT;

	if (!wants_floppy(c))
		return 0;
	ui_say(ctx->ui, "Creating floppy disk...");
	m->floppy = path_join(ctx->temp_dir, "files.img");
	if (collect_floppy(&t, c, ctx->cwd, err) < 0 ||
	    fat_image_write(m->floppy, label_of(c->floppy_label), &t, ctx->cancel, err) < 0)
		return error_prefix(err, "Error creating floppy disk");
	return 0;
}

int media_make(struct media *m, const struct qemu_config *c, struct build_ctx *ctx,
	       struct error **err)
{
	return make_floppy(m, c, ctx, err) < 0 ? -1 : make_cd(m, c, ctx, err);
}

void media_release(struct media *m)
{
	free(m->floppy);
	free(m->cd);
}

/* ---- validate --------------------------------------------------------------------------- */

static void check_list(const struct prepare_ctx *ctx, const char *attr, const char *what,
		       const struct text_list *list, struct diags *diags)
{
	struct range at = decoded_range(ctx->decoded, attr);

	for (size_t i = 0; i < list->len; i++) {
		AUTO(error) struct error *e = NULL;

		if (file_tree_check(ctx->cwd, list->v[i], &e) == 0)
			continue;

		AUTO_FREE char *text = xasprintf("Bad %s '%s': %s", what, list->v[i], e->message);

		diags_error(diags, &at, text, "%s", "");
	}
}

static void check_label(const struct prepare_ctx *ctx, const char *attr, const char *label,
			size_t max, struct diags *diags)
{
	struct range at = decoded_range(ctx->decoded, attr);

	if (!label || strlen(label) <= max)
		return;

	AUTO_FREE char *text = xasprintf("%s '%s' is too long", attr, label);

	diags_error(diags, &at, text, "A volume's name has at most %zu bytes, this one has %zu.",
		    max, strlen(label));
}

void media_check(const struct qemu_config *c, const struct prepare_ctx *ctx, struct diags *diags)
{
	check_list(ctx, "floppy_files", "Floppy disk file", &c->floppy_files, diags);
	check_list(ctx, "floppy_dirs", "Floppy disk directory", &c->floppy_dirs, diags);
	check_label(ctx, "floppy_label", c->floppy_label, FAT_LABEL_MAX, diags);
	check_list(ctx, "cd_files", "CD disk file", &c->cd_files, diags);
	check_label(ctx, "cd_label", c->cd_label, ISO_LABEL_MAX, diags);
}

/* ---- fingerprint ------------------------------------------------------------------------ */

enum { TEXT_MAX = 256 * 1024 }; /* what is told apart by lines */

/* A small file takes part as a text, so that people can be told what changed in it. */
static int add_file(struct digest *d, const char *field, const struct file_node *n,
		    struct build_ctx *ctx, struct error **err)
{
	AUTO(strbuf) struct strbuf text = STRBUF_INIT;
	AUTO_FREE char *hex = NULL;

	if (n->size <= TEXT_MAX) {
		if (fs_read(n->source, 4 * (size_t)TEXT_MAX, &text, err) < 0)
			return -1;
		digest_add_field(d, field, text.buf, text.len);
		return 0;
	}
	if (digests_of_file(ctx->dirs->cache, n->source, DIGEST_SHA256, ctx->cancel, &hex, err) < 0)
		return -1;
	digest_add_field(d, field, hex, strlen(hex));
	return 0;
}

int media_fingerprint_tree(struct digest *d, const char *what, struct file_tree *t,
			   struct build_ctx *ctx, struct error **err)
{
	file_tree_sort(t);
	for (size_t i = 0; i < t->nodes.len; i++) {
		const struct file_node *n = t->nodes.entries[i].value;
		AUTO_FREE char *field =
			xasprintf("%s %s%s", what, t->nodes.entries[i].key, n->is_dir ? "/" : "");

		if (n->is_dir)
			digest_add_field(d, field, "", 0);
		else if (!n->source)
			digest_add_field(d, field, n->text, (size_t)n->size);
		else if (add_file(d, field, n, ctx, err) < 0)
			return -1;
	}
	return 0;
}

static void add_label(struct digest *d, const char *name, const char *label)
{
	digest_add_field(d, name, label, strlen(label));
}

int media_fingerprint(const struct qemu_config *c, struct build_ctx *ctx, struct digest *d,
		      struct error **err)
{
	AUTO(file_tree) struct file_tree floppy = FILE_TREE_INIT, cd = FILE_TREE_INIT;

	if (collect_floppy(&floppy, c, ctx->cwd, err) < 0 || collect_cd(&cd, c, ctx->cwd, err) < 0)
		return -1;
	if (wants_floppy(c))
		add_label(d, "floppy_label", label_of(c->floppy_label));
	if (media_fingerprint_tree(d, "floppy file", &floppy, ctx, err) < 0)
		return -1;
	if (wants_cd(c))
		add_label(d, "cd_label", label_of(c->cd_label));
	return media_fingerprint_tree(d, "CD file", &cd, ctx, err);
}
