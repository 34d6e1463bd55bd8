/* SPDX-License-Identifier: Apache-2.0 */
/* The files of the machine, and the beginning and end of a cast. disk.c makes the disk. */
#include "builder/bootstrap/cast.h"

#include "base/alloc.h"
#include "base/path.h"
#include "base/str.h"
#include "builder/bootstrap/debs.h"
#include "builder/bootstrap/host.h"
#include "builder/bootstrap/progress.h"
#include "builder/bootstrap/stage.h"
#include "builder/bootstrap/tool.h"
#include "core/output_dir.h"
#include "os/fs.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct cast *cast_new(const struct bootstrap *b, struct build_ctx *ctx)
{
	struct cast *c = NEW(struct cast);
	AUTO_FREE char *parent = path_dirname(b->output_dir);
	const char *memory = host_memory_dir(b->disk_bytes);

	c->config = b;
	c->ctx = ctx;
	c->stage = path_join(ctx->temp_dir, "stage");
	/* the files must fit on the disk, so its size bounds theirs */
	c->home = xasprintf("%s/ingot-%s.tree", memory ? memory : ctx->temp_dir,
			    journal_run_id(ctx->journal));
	c->tree = path_join(c->home, "tree");
	c->work = xasprintf("%s/.%s.%s", parent, path_basename(b->output_dir),
			    journal_run_id(ctx->journal));
	c->disk = path_join(c->work, "disk.partial");
	c->paths = (struct cast_paths){
		.stage = c->stage,
		.tree = c->tree,
		.disk = c->disk,
		.as_root = geteuid() == 0,
	};
	return c;
}

void cast_free(struct cast *c)
{
	if (!c)
		return;
	free(c->stage);
	free(c->home);
	free(c->tree);
	free(c->work);
	free(c->disk);
	archive_state_release(&c->archive);
	free(c);
}

/* The seed, or all that decides the disk and so may not look like another one's. */
static char *seed_of(const struct bootstrap *b)
{
	AUTO(digest) struct digest *d = NULL;

	if (!text_is_empty(b->seed))
		return xstrdup(b->seed);
	d = digest_new(DIGEST_SHA256);
	bootstrap_digest(b, d);
	return digest_finish_hex(d);
}

int cast_plan(struct cast *c, struct error **err)
{
	const struct bootstrap *b = c->config;
	AUTO_FREE char *indexes = path_join(c->ctx->temp_dir, "indexes");
	AUTO_FREE char *seed = seed_of(b);

	if (!c->ctx->info->force && fs_exists(b->output_dir)) {
		error_set(err, ERROR_EXISTS, "output directory '%s' already exists",
			  b->output_directory);
		return error_hint(err, "remove it, or use -force to replace it");
	}
	if (archive_look(b, c->ctx, indexes, &c->archive, err) < 0)
		return -1;
	c->epoch = c->ctx->source_date_epoch >= 0 ? c->ctx->source_date_epoch : c->archive.epoch;
	disk_ids_make(&c->ids, seed);
	layout_plan(&c->layout, b->disk_bytes, b->bios, b->uefi);
	return 0;
}

static void give_line(void *data, bool is_stderr, const char *line)
{
	(void)is_stderr;
	progress_line(data, line);
}

static int explain(const struct progress *p, int status, struct error **err)
{
	AUTO(strbuf) struct strbuf tail = STRBUF_INIT;

	progress_tail(p, &tail);
	error_set(err, ERROR_FAILED, "mmdebstrap exited with status %d%s%s", status,
		  p->cause ? ": " : "", p->cause ? p->cause : "");
	if (strstr(tail.buf, "unshare failed") || strstr(tail.buf, "unshare: "))
		return error_hint(err, "this host does not let us make name spaces; a container "
				       "needs --privileged or --security-opt seccomp=unconfined");
	return error_hint(err, "the last lines it printed:\n%s", tail.buf);
}

static int run_mmdebstrap(struct cast *c, struct error **err)
{
	AUTO(strv) struct strv argv = STRV_INIT;
	AUTO(strv) struct strv env = STRV_INIT;
	struct progress progress = { .ui = c->ctx->ui };
	int status = 0;
	struct tool_call call = {
		.ctx = c->ctx,
		.what = "mmdebstrap",
		.argv = &argv,
		.more_env = &env,
		.epoch = c->epoch,
		.line = give_line,
		.line_data = &progress,
		.ret_status = &status,
	};

	argv_mmdebstrap(c->config, &c->paths, &argv);
	strv_pushf(&env, "INGOT_STAGE=%s", c->stage);
	strv_pushf(&env, "INGOT_TIMEZONE=%s", c->config->timezone);

	int r = tool_run(&call, err);

	if (r == 0 && status)
		r = explain(&progress, status, err);
	progress_release(&progress);
	return r;
}

/* A cache that fails costs time, never the cast. */
static void keep_debs(struct cast *c)
{
	AUTO_FREE char *used = path_join(c->stage, "used");
	AUTO(error) struct error *e = NULL;

	if (debs_keep(c->config, c->ctx, used, &e) < 0)
		ui_error(c->ctx->ui, "warning: cannot cache the packages: %s", e->message);
	error_free(TAKE(e));
	if (fs_remove_tree(used, &e) < 0)
		error_ignore(&e, "it goes with the temporary directory");
}

/* Another state of the archive than the one that the identifiers and the date are from. */
static void compare_indexes(struct cast *c)
{
	AUTO_FREE char *lists = path_join(c->stage, "lists");
	AUTO_FREE char *indexes = path_join(c->ctx->temp_dir, "indexes");
	AUTO(strv) struct strv used = STRV_INIT;
	AUTO(strv) struct strv seen = STRV_INIT;
	AUTO(strv) struct strv digests = STRV_INIT;
	AUTO(error) struct error *e = NULL;

	if (fs_walk_files(lists, &used, &e) < 0 || fs_walk_files(indexes, &seen, &e) < 0) {
		error_ignore(&e, "only a warning depends on it");
		return;
	}
	for (size_t i = 0; i < seen.len + used.len; i++) {
		bool first = i < seen.len;
		AUTO_FREE char *hex = NULL;

		if (fs_digest(first ? seen.v[i] : used.v[i - seen.len], DIGEST_SHA256,
			      c->ctx->cancel, &hex, &e) < 0) {
			error_ignore(&e, "only a warning depends on it");
			return;
		}
		if (first) {
			strv_push(&digests, hex);
		} else if (!strv_contains(&digests, hex)) {
			ui_error(c->ctx->ui, "warning: the package archive changed during the "
					     "build; a repetition may give other bytes");
			return;
		}
	}
}

int cast_tree(struct cast *c, struct error **err)
{
	const struct bootstrap *b = c->config;
	AUTO_FREE char *debs = path_join(c->stage, "debs");
	AUTO(error) struct error *e = NULL;
	size_t cached = 0;

	if (stage_write(b, &c->ids, c->stage, err) < 0)
		return -1;
	if (debs_take(b, c->ctx, debs, &cached, &e) < 0) {
		if (e->kind == ERROR_CANCELLED)
			return error_move(err, TAKE(e));
		ui_error(c->ctx->ui, "warning: cannot use the package cache: %s", e->message);
	}
	if (journal_path(c->ctx->journal, c->home, &c->home_id, err) < 0 ||
	    fs_mkdir_all(c->home, 0700, err) < 0)
		return -1;
	ui_say(c->ctx->ui, "Installing %s %s (%s) from %s", b->distro->title, b->release,
	       b->architecture, b->mirror);
	if (cached)
		ui_say(c->ctx->ui, "%zu packages of earlier builds are at hand", cached);
	if (run_mmdebstrap(c, err) < 0)
		return error_prefix(err, "cannot install the system");
	keep_debs(c);
	compare_indexes(c);
	return 0;
}

static int replace_output(struct cast *c, struct error **err)
{
	const struct bootstrap *b = c->config;

	if (c->ctx->info->force && output_dir_clear(b->output_dir, c->ctx, err) < 0)
		return -1;
	if (fs_rename(c->work, b->output_dir, err) < 0) {
		if ((*err)->kind == ERROR_EXISTS)
			error_hint(err, "it appeared while the image was made");
		return -1;
	}
	c->published = true;
	journal_done(c->ctx->journal, c->work_id);
	c->work_id = 0;
	return 0;
}

int cast_publish(struct cast *c, struct error **err)
{
	const struct bootstrap *b = c->config;
	AUTO_FREE char *image = path_join(c->work, b->image_name);
	AUTO(strv) struct strv argv = STRV_INIT;
	struct tool_call call = {
		.ctx = c->ctx,
		.what = "qemu-img",
		.argv = &argv,
		.epoch = c->epoch,
	};

	if (!strcmp(b->format, "raw")) {
		if (fs_rename(c->disk, image, err) < 0)
			return -1;
		return replace_output(c, err);
	}
	ui_say(c->ctx->ui, "Converting the disk to %s...", b->format);
	argv_qemu_img(b, c->disk, image, &argv);
	if (tool_run(&call, err) < 0)
		return error_prefix(err, "cannot convert the disk");
	if (fs_remove(c->disk, err) < 0)
		return -1;
	return replace_output(c, err);
}

static int remove_tree(struct cast *c, struct error **err)
{
	AUTO(strv) struct strv argv = STRV_INIT;
	struct tool_call call = { .ctx = c->ctx, .what = "rm", .argv = &argv, .epoch = -1 };

	if (c->paths.as_root)
		return fs_remove_tree(c->tree, err);
	argv_remove_tree(&c->paths, &argv);
	return tool_run(&call, err);
}

int cast_clean(struct cast *c, struct error **err)
{
	if (c->home_id) {
		if (fs_exists(c->tree) && remove_tree(c, err) < 0)
			return -1;
		if (fs_remove_tree(c->home, err) < 0)
			return -1;
		journal_done(c->ctx->journal, c->home_id);
		c->home_id = 0;
	}
	if (c->work_id) {
		if (fs_remove_tree(c->work, err) < 0)
			return -1;
		journal_done(c->ctx->journal, c->work_id);
		c->work_id = 0;
	}
	return 0;
}
