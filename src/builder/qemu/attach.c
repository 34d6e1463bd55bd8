/* SPDX-License-Identifier: Apache-2.0 */
#include "builder/qemu/attach.h"

#include "base/alloc.h"
#include "base/duration.h"
#include "base/path.h"
#include "base/str.h"
#include "builder/qemu/accel.h"
#include "builder/qemu/arch.h"
#include "builder/qemu/argv.h"
#include "builder/qemu/checkpoint.h"
#include "builder/qemu/image.h"
#include "builder/qemu/launch.h"
#include "builder/qemu/resume.h"
#include "builder/qemu/tpm.h"
#include "cache/store.h"
#include "os/clock.h"
#include "os/fd.h"
#include "os/fs.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
	PORT_MIN = 2222,
	PORT_MAX = 4444,
	PORT_TRIES = 10,
	FLOPPY_BYTES = 1440 * 1024,
	MEMORY_SSH_SECONDS = 60, /* it runs already */
	DISK_SSH_SECONDS = 600,
	KEEP_ALIVE_SECONDS = 5,
};

/* ---- can it be used? --------------------------------------------------------------------- */

static int say_base(const char *path, const char *what, struct error **err)
{
	error_set(err, ERROR_INVALID, "the disk image below it, '%s', %s", path, what);
	return error_hint(err, "build again: the steps run on the image as it is now");
}

/* The store keeps what changed; what it stands on is a file of the user's. */
static int check_base(const struct saved *s, const char *layers_dir, struct error **err)
{
	const char *name = s->disks.items[0].base;
	AUTO_FREE char *link = name ? path_join(layers_dir, name) : NULL;
	AUTO_FREE char *path = NULL;
	struct stat st;

	if (!name || !fs_is_link(link))
		return 0;
	path = realpath(link, NULL);
	if (!path || stat(path, &st) < 0)
		return say_base(s->source ? s->source : link, "is gone", err);
	if (s->source_size && st.st_size != s->source_size)
		return say_base(path, "has changed", err);
	if (text_eq(path, s->source) && s->source_mtime && clock_ns(st.st_mtim) != s->source_mtime)
		return say_base(path, "has changed", err);
	return 0;
}

static int check(const struct attach *a, const struct build_ctx *ctx, struct error **err)
{
	const struct saved *s = &a->saved;
	AUTO_FREE char *layers = path_join(store_dir(ctx->store), "layers");

	if (strcmp(s->comm, "ssh") != 0)
		return error_set(err, ERROR_INVALID,
				 "the template has no SSH login (communicator = \"%s\")", s->comm);
	if (!s->argv.len)
		return error_set(err, ERROR_INVALID,
				 "a secret is part of the machine's command line, which was not "
				 "kept for that reason");
	return check_base(s, layers, err);
}

/* ---- what it is made of -------------------------------------------------------------------- */

static int make_disks(struct attach *a, struct build_ctx *ctx, struct error **err)
{
	const struct image_ctx x = { .journal = ctx->journal,
				     .cancel = ctx->cancel,
				     .environ = ctx->environ,
				     .cwd = ctx->cwd };

	strv_release(&a->disks);
	for (size_t i = 0; i < a->saved.disks.len; i++) {
		const struct strv *frozen = &a->saved.disks.items[i].frozen;
		AUTO_FREE char *below = xasprintf("%s/layers/%s", store_dir(ctx->store),
						  frozen->v[frozen->len - 1]);
		AUTO_FREE char *path = xasprintf("%s/disk%zu.qcow2", ctx->temp_dir, i);
		const struct image_create what = {
			.path = path, .format = "qcow2", .backing = below, .backing_format = "qcow2"
		};

		if (image_create(&x, &what, err) < 0)
			return -1;
		strv_push(&a->disks, path);
	}
	return 0;
}

static int make_flash(struct attach *a, struct build_ctx *ctx, struct error **err)
{
	AUTO_FREE char *vars = path_join(a->dir, SAVED_EFIVARS);
	AUTO_FREE char *code_copy = path_join(ctx->temp_dir, "efi-code.fd");
	AUTO_FREE char *vars_copy = path_join(ctx->temp_dir, "efivars.fd");
	const struct firmware_pair pair = { a->saved.efi_code, vars };
	const struct flash_spec spec = { .arch = guest_arch_of(a->saved.binary),
					 .pair = &pair,
					 .code_copy = code_copy,
					 .vars_copy = vars_copy };

	flash_release(&a->flash);
	if (!a->saved.efi_code)
		return 0;
	return flash_make(&a->flash, &spec, ctx->cancel, err);
}

/* In the place of a medium that is not there any more. */
static int make_blank(struct attach *a, struct build_ctx *ctx, struct error **err)
{
	if (a->blank)
		return 0;
	a->blank = path_join(ctx->temp_dir, "blank.img");
	if (fs_write(a->blank, "", 0, 0600, err) < 0)
		return -1;
	if (truncate(a->blank, FLOPPY_BYTES) < 0)
		return error_set_errno(err, errno, "cannot write '%s'", a->blank);
	return 0;
}

/* A new one for each try: it ends when its emulator does. */
static int start_tpm(struct attach *a, struct build_ctx *ctx, struct error **err)
{
	const struct tpm_spec spec = { .version_1 = a->saved.tpm_1,
				       .temp_dir = ctx->temp_dir,
				       .from = a->dir,
				       .from_prefix = SAVED_TPM,
				       .journal = ctx->journal,
				       .environ = ctx->environ };

	tpm_stop(TAKE(a->tpm));
	if (!a->saved.has_tpm)
		return 0;
	a->tpm = tpm_start(&spec, err);
	return a->tpm ? 0 : -1;
}

/* Without what it had, only its disk can go on. */
static int choose_accel(struct attach *a, struct build_ctx *ctx, struct error **err)
{
	struct accel_choice choice;

	if (launch_choose_accel(ctx, a->saved.binary, a->saved.accel, &choice, err) < 0)
		return -1;
	a->accel = xstrdup(choice.accel);
	if (!text_eq(a->accel, a->saved.accel) && a->saved.has_state)
		a->why_booted =
			xasprintf("it ran with %s, which does not work here", a->saved.accel);
	accel_choice_release(&choice);
	return 0;
}

/* ---- the command line ------------------------------------------------------------------------ */

static void fill_in(struct strbuf *sb, const char *name, const char *value)
{
	AUTO_FREE char *mark = xasprintf("@{%s}", name);

	strbuf_replace(sb, mark, value ? value : "");
}

/* The value of a -drive; -bios takes all as it is. */
static void fill_in_path(struct strbuf *sb, const char *name, const char *path)
{
	AUTO_FREE char *mark = xasprintf("@{%s}", name);
	AUTO_FREE char *escaped = qemu_argv_escape(path ? path : "");

	strbuf_replace(sb, mark, text_eq(sb->buf, mark) ? path : escaped);
}

static void fill_in_numbers(struct strbuf *sb, const struct attach *a)
{
	AUTO_FREE char *port = xasprintf("%d", a->port.port);
	AUTO_FREE char *tpm = xasprintf("%d", a->tpm ? tpm_fd(a->tpm) : 0);

	fill_in(sb, "comm_port", port);
	fill_in(sb, "tpm_fd", tpm);
	fill_in(sb, "http_port", "0"); /* nothing is served any more */
	fill_in(sb, "vnc_screen", "0");
}

static char *fill_in_all(const struct attach *a, const char *arg, const char *temp_dir)
{
	AUTO(strbuf) struct strbuf sb = STRBUF_INIT;
	AUTO_FREE char *socket = path_join(temp_dir, "qmp.sock");
	bool has_iso = a->saved.iso && fs_exists(a->saved.iso);

	strbuf_addstr(&sb, arg);
	for (size_t i = 0; i < a->disks.len; i++) {
		AUTO_FREE char *name = xasprintf("disk%zu", i);

		fill_in_path(&sb, name, a->disks.v[i]);
	}
	fill_in_path(&sb, "iso", has_iso ? a->saved.iso : a->blank);
	fill_in_path(&sb, "cd", a->blank);
	fill_in_path(&sb, "floppy", a->blank);
	fill_in_path(&sb, "efi_code", a->flash.code);
	fill_in_path(&sb, "efi_vars", a->flash.vars);
	fill_in_path(&sb, "firmware", a->saved.firmware);
	fill_in_path(&sb, "console", a->console);
	fill_in_path(&sb, "qmp_socket", socket);
	fill_in_path(&sb, "output", temp_dir);
	fill_in(&sb, "credential", a->saved.credential);
	fill_in(&sb, "name", a->saved.vm_name);
	fill_in(&sb, "vnc_address", "127.0.0.1");
	fill_in_numbers(&sb, a);
	return strbuf_detach(&sb);
}

/* Of another acceleration, for one that boots. */
static void change_accel(const struct attach *a, struct strv *argv)
{
	AUTO_FREE char *old = xasprintf("accel=%s", a->saved.accel);
	AUTO_FREE char *new = xasprintf("accel=%s", a->accel);

	for (size_t i = 1; i < argv->len; i++) {
		AUTO(strbuf) struct strbuf sb = STRBUF_INIT;

		if (!strcmp(argv->v[i - 1], "-cpu") && text_starts_with(argv->v[i], "host"))
			strbuf_addstr(&sb, "max");
		else
			strbuf_addstr(&sb, argv->v[i]);
		strbuf_replace(&sb, old, new);
		free(argv->v[i]);
		argv->v[i] = strbuf_detach(&sb);
	}
}

/* Who looks has no screen of the machine's, and the host may have none. */
static void build_argv(const struct attach *a, const char *temp_dir, bool with_memory,
		       struct strv *argv)
{
	const struct strv *saved = &a->saved.argv;

	for (size_t i = 0; i < saved->len; i++) {
		const char *arg = saved->v[i];
		bool has_value = i + 1 < saved->len;

		if (has_value && (!strcmp(arg, "-display") || !strcmp(arg, "-vnc"))) {
			i++;
		} else if (has_value && !with_memory && !strcmp(arg, "-boot") &&
			   !strcmp(saved->v[i + 1], "once=d")) {
			strv_pushl(argv, "-boot", "c", NULL); /* it is installed */
			i++;
		} else {
			strv_push_take(argv, fill_in_all(a, arg, temp_dir));
		}
	}
	strv_pushl(argv, "-display", "none", NULL);
	if (!text_eq(a->accel, a->saved.accel))
		change_accel(a, argv);
	if (with_memory)
		strv_pushl(argv, "-incoming", "defer", NULL);
}

static bool mentions(const struct strv *argv, const char *word)
{
	for (size_t i = 0; i < argv->len; i++)
		if (strstr(argv->v[i], word))
			return true;
	return false;
}

/* ---- start --------------------------------------------------------------------------------- */

static int start_guest(struct attach *a, bool with_memory, struct build_ctx *ctx,
		       struct error **err)
{
	AUTO(strv) struct strv argv = STRV_INIT;
	struct guest_spec spec = { .argv = &argv,
				   .temp_dir = ctx->temp_dir,
				   .cwd = ctx->cwd,
				   .journal = ctx->journal,
				   .environ = ctx->environ };

	if (start_tpm(a, ctx, err) < 0)
		return -1;
	build_argv(a, ctx->temp_dir, with_memory, &argv);
	spec.tpm = a->tpm;
	spec.console = mentions(&argv, "id=ingot-console") ? a->console : NULL;
	spec.own_pvpanic = mentions(&argv, "pvpanic");
	a->guest = guest_start(&spec, ctx->cancel, err);
	return a->guest ? 0 : -1;
}

/* Somebody else may take a port between our look and QEMU's. */
static int start_with_port(struct attach *a, bool with_memory, struct build_ctx *ctx,
			   struct error **err)
{
	for (int i = 0; i < PORT_TRIES; i++) {
		fd_close(fd_take(&a->port.lock_fd));
		if (launch_reserve_port(ctx->dirs, "127.0.0.1", PORT_MIN, PORT_MAX, &a->port, err) <
		    0)
			return -1;
		if (start_guest(a, with_memory, ctx, err) == 0)
			return 0;
		if ((*err)->kind != ERROR_EXISTS || i == PORT_TRIES - 1)
			return -1;
		error_ignore(err, "another port, then");
	}
	return -1;
}

static int check_version(const struct attach *a, struct build_ctx *ctx, struct error **err)
{
	AUTO_FREE char *version = NULL;

	if (qemu_version(a->guest, ctx, &version, err) < 0)
		return -1;
	if (text_eq(version, a->saved.qemu))
		return 0;
	return error_set(err, ERROR_INVALID, "it is of QEMU %s, this is %s", a->saved.qemu,
			 version);
}

static int start_memory(struct attach *a, struct build_ctx *ctx, struct error **err)
{
	AUTO_CLOSE int first = -1;

	if (start_with_port(a, true, ctx, err) < 0)
		return -1;
	if (check_version(a, ctx, err) < 0 ||
	    resume_load(a->guest, &a->saved, ctx, &first, err) < 0)
		return -1;
	a->has_memory = true;
	return 0;
}

static void set_login(struct attach *a)
{
	int seconds = a->has_memory ? MEMORY_SSH_SECONDS : DISK_SSH_SECONDS;

	a->comm = (struct comm_config){
		.communicator = "ssh",
		.ssh_username = a->saved.user,
		.ssh_port = a->port.port,
		.ssh_timeout = seconds * NSEC_PER_SEC,
		.ssh_handshake_attempts = 1,
		.ssh_keep_alive_interval = KEEP_ALIVE_SECONDS * NSEC_PER_SEC,
		.ssh_disable_agent_forwarding = true,
	};
	if (a->saved.key_file && fs_exists(a->saved.key_file))
		a->comm.ssh_private_key_file = a->saved.key_file;
	a->target = (struct comm_target){
		.host = "127.0.0.1",
		.port = a->port.port,
		.private_key = a->saved.private_pem,
		.public_key = a->saved.public_line,
	};
}

static int boot_disk(struct attach *a, struct build_ctx *ctx, struct error **err)
{
	guest_stop(TAKE(a->guest));
	a->has_memory = false;
	if (make_disks(a, ctx, err) < 0 || make_flash(a, ctx, err) < 0 ||
	    start_with_port(a, false, ctx, err) < 0)
		return -1;
	set_login(a);
	return 0;
}

int attach_boot(struct attach *a, const char *why, struct build_ctx *ctx, struct error **err)
{
	free(a->why_booted);
	a->why_booted = xstrdup(why);
	return boot_disk(a, ctx, err);
}

static int go_on(struct attach *a, struct build_ctx *ctx, struct error **err)
{
	AUTO(error) struct error *e = NULL;

	if (!a->saved.has_state || a->why_booted)
		return boot_disk(a, ctx, err);
	if (make_disks(a, ctx, err) < 0 || make_flash(a, ctx, err) < 0)
		return -1;
	if (start_memory(a, ctx, &e) == 0) {
		set_login(a);
		return 0;
	}
	if (cancel_check(ctx->cancel, err) < 0)
		return -1;
	return attach_boot(a, e->message, ctx, err);
}

int attach_start(struct attach *a, const char *dir, struct build_ctx *ctx, struct error **err)
{
	a->dir = xstrdup(dir);
	a->console = path_join(ctx->temp_dir, "console.log");
	if (saved_read(dir, &a->saved, err) < 0 || check(a, ctx, err) < 0)
		return -1;
	if (guest_find_binary(a->saved.binary, err) < 0 || choose_accel(a, ctx, err) < 0 ||
	    make_blank(a, ctx, err) < 0)
		return -1;
	return go_on(a, ctx, err);
}

void attach_release(struct attach *a)
{
	guest_stop(TAKE(a->guest));
	tpm_stop(TAKE(a->tpm));
	fd_close(fd_take(&a->port.lock_fd));
	flash_release(&a->flash);
	strv_release(&a->disks);
	saved_release(&a->saved);
	free(a->blank);
	free(a->console);
	free(a->accel);
	free(a->dir);
	free(a->why_booted);
	*a = (struct attach)ATTACH_INIT;
}
