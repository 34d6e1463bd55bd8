/* SPDX-License-Identifier: Apache-2.0 */
#include "builder/qemu/evidence.h"

#include "base/alloc.h"
#include "base/duration.h"
#include "base/path.h"
#include "builder/qemu/qmp.h"
#include "os/clock.h"
#include "os/fs.h"

enum { SCREEN_SECONDS = 5 };

/* QEMU writes the file itself; `format` NULL: the old one. */
static int dump_screen(struct guest *g, struct build_ctx *ctx, const struct qmp_screen *screen,
		       struct error **err)
{
	return qmp_screendump(guest_monitor(g), screen,
			      clock_deadline(SCREEN_SECONDS * NSEC_PER_SEC), ctx->cancel, err);
}

static void keep_screen(struct guest *g, struct build_ctx *ctx, const char *dir)
{
	AUTO_FREE char *png = path_join(dir, "screen.png");
	AUTO_FREE char *ppm = path_join(dir, "screen.ppm");
	AUTO(error) struct error *e = NULL;

	if (guest_has_ended(g) || dump_screen(g, ctx, &(struct qmp_screen){ png, "png" }, &e) == 0)
		return;
	if (e->kind != ERROR_REMOTE) {
		error_ignore(&e, "it is ending");
		return;
	}
	error_ignore(&e, "an older QEMU, or a guest without a screen");
	if (dump_screen(g, ctx, &(struct qmp_screen){ ppm, NULL }, &e) < 0)
		error_ignore(&e, "then there is no picture");
}

/* The guest prints what it likes, so its words are filtered as ours are. */
static int keep_log(const char *from, const char *to, struct build_ctx *ctx, struct error **err)
{
	AUTO(strbuf) struct strbuf text = STRBUF_INIT;
	AUTO(error) struct error *e = NULL;

	if (!from || !fs_exists(from))
		return 0;
	if (fs_read(from, FS_READ_MAX, &text, &e) < 0) {
		error_ignore(&e, "too long for anybody to read");
		return 0;
	}
	if (!text.len)
		return 0;
	if (ctx->ui->redactor)
		redactor_filter(ctx->ui->redactor, &text);
	return fs_write(to, text.buf, text.len, 0600, err);
}

int evidence_keep(struct guest *g, struct build_ctx *ctx, const char *dir, struct error **err)
{
	AUTO_FREE char *console = path_join(dir, "console.log");
	AUTO_FREE char *log = path_join(dir, "qemu.log");

	if (keep_log(guest_console(g), console, ctx, err) < 0 ||
	    keep_log(guest_log(g), log, ctx, err) < 0)
		return -1;
	keep_screen(g, ctx, dir);
	return 0;
}
