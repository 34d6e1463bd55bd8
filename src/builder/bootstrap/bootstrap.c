/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The source type `bootstrap`: a bootable disk made from the distribution's
 * package archive, without an installer, a boot, a loop device, a mount of the
 * host or root. start() installs the files of the machine, finish() makes the
 * disk. docs/internals/bootstrap.md tells how, and why each byte is the same
 * the next time.
 */
#include "builder/bootstrap/bootstrap.h"
#include "base/alloc.h"
#include "base/duration.h"
#include "base/path.h"
#include "builder/bootstrap/cast.h"
#include "os/clock.h"
#include "os/fs.h"

#include <stdlib.h>
#include <string.h>

struct bootstrap_machine {
	struct machine machine;
	struct cast *cast;
};

static int bootstrap_fingerprint(const void *config, struct build_ctx *ctx, struct digest *d,
				 struct error **err)
{
	AUTO_FREE char *dir = path_join(ctx->temp_dir, "fingerprint");
	struct archive_state state = { 0 };

	bootstrap_digest(config, d);
	if (ctx->look_only)
		return error_set(err, ERROR_NOT_FOUND,
				 "only the package archive knows what it holds now");
	if (archive_look(config, ctx, dir, &state, err) < 0)
		return -1;
	digest_add_field(d, "archive", state.digest, strlen(state.digest));
	digest_add_field(d, "epoch", &ctx->source_date_epoch, sizeof(ctx->source_date_epoch));
	archive_state_release(&state);
	return 0;
}

static void set_text(struct map *state, const char *key, const char *text)
{
	map_set(state, key, value_string(text));
}

static struct artifact *make_artifact(const struct cast *c)
{
	const struct bootstrap *b = c->config;
	AUTO_FREE char *text = xasprintf("VM files in directory: %s", b->output_directory);
	AUTO_FREE char *file = path_join(b->output_directory, b->image_name);
	struct artifact *a = artifact_new("ingot.bootstrap", "VM", text);
	struct map state;

	value_map_init(&state);
	set_text(&state, "diskName", b->image_name);
	set_text(&state, "diskType", b->format);
	set_text(&state, "domainType", "");
	set_text(&state, "distribution", b->distribution);
	set_text(&state, "release", b->release);
	set_text(&state, "architecture", b->architecture);
	set_text(&state, "rootUUID", c->ids.filesystem);
	set_text(&state, "archiveDigest", c->archive.digest);
	set_text(&state, "firmware", b->bios ? "bios" : "efi");
	map_set(&state, "diskSize", value_int(b->disk_bytes));
	map_set(&state, "sourceDateEpoch", value_int(c->epoch));
	a->state = value_object_take(&state);
	strv_push(&a->files, file);
	a->destroy = artifact_destroy_tree;
	a->destroy_path = xstrdup(b->output_dir);
	return a;
}

static int bootstrap_finish(struct machine *m, struct build_ctx *ctx, struct artifact **ret,
			    struct error **err)
{
	struct cast *c = ((struct bootstrap_machine *)m)->cast;

	c->ctx = ctx;
	if (cast_disk(c, err) < 0 || cast_publish(c, err) < 0)
		return -1;
	*ret = make_artifact(c);
	return 0;
}

static void clean(struct cast *c)
{
	AUTO(error) struct error *e = NULL;

	if (cast_clean(c, &e) < 0)
		ui_error(c->ctx->ui, "warning: %s", e->message);
}

static void bootstrap_destroy(struct machine *m, struct build_ctx *ctx, bool keep_output)
{
	struct bootstrap_machine *bm = (struct bootstrap_machine *)m;
	AUTO(error) struct error *e = NULL;

	bm->cast->ctx = ctx;
	clean(bm->cast);
	if (!keep_output && bm->cast->published &&
	    fs_remove_tree(bm->cast->config->output_dir, &e) < 0)
		ui_error(ctx->ui, "warning: %s", e->message);
	cast_free(bm->cast);
	map_release(&m->generated);
	free(bm);
}

static const struct machine_ops bootstrap_ops = {
	.finish = bootstrap_finish,
	.destroy = bootstrap_destroy,
};

/* The build's own token may have ended: the cleaning has one of its own. */
static void clean_after_failure(struct cast *c)
{
	AUTO(cancel) struct cancel *fresh = cancel_new(NULL, clock_deadline(60 * NSEC_PER_SEC));
	struct build_ctx ctx = *c->ctx;
	struct build_ctx *before = c->ctx;

	ctx.cancel = fresh;
	c->ctx = &ctx;
	clean(c);
	c->ctx = before;
}

static struct machine *bootstrap_start(const void *config, struct build_ctx *ctx,
				       struct checkpoint *from, struct error **err)
{
	AUTO(cast) struct cast *c = cast_new(config, ctx);

	(void)from;
	if (cast_plan(c, err) < 0 || cast_tree(c, err) < 0) {
		clean_after_failure(c);
		return NULL;
	}

	struct bootstrap_machine *bm = NEW(struct bootstrap_machine);

	bm->cast = TAKE(c);
	bm->machine = (struct machine){
		.ops = &bootstrap_ops,
		.watch_fd = -1,
		.comm_type = "none",
	};
	value_map_init(&bm->machine.generated);
	return &bm->machine;
}

const struct builder_type builder_bootstrap = {
	.name = "bootstrap",
	.doc = "Make a bootable disk from the distribution's package archive.",
	.schema = &bootstrap_schema,
	.prepare = bootstrap_prepare,
	.fingerprint = bootstrap_fingerprint,
	.start = bootstrap_start,
	.start_step = "StepInstall",
	.finish_step = "StepMakeDisk",
};
