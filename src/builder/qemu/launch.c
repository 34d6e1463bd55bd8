/* SPDX-License-Identifier: Apache-2.0 */
#include "builder/qemu/launch.h"

#include "base/alloc.h"
#include "base/duration.h"
#include "base/path.h"
#include "base/str.h"
#include "builder/qemu/accel.h"
#include "builder/qemu/saved.h"
#include "config/config.h"
#include "os/clock.h"
#include "os/fd.h"
#include "os/fs.h"
#include "os/log.h"
#include "os/random.h"
#include "tmpl/tmpl.h"

#include <string.h>

enum {
	PORT_TRIES = 20,
	VNC_FIRST_PORT = 5900,
	VNC_PASSWORD_BYTES = 8,
	MONITOR_SECONDS = 10,
};

int launch_reserve_port(const struct host_dirs *dirs, const char *address, int min, int max,
			struct port_reservation *ret, struct error **err)
{
	AUTO_FREE char *lock_dir = path_join(dirs->cache, "port");

	if (fs_mkdir_all(lock_dir, 0755, err) < 0)
		return -1;
	if (port_reserve(lock_dir, address, min, max, ret, err) == 0)
		return 0;
	if ((*err)->kind != ERROR_EXISTS)
		return -1;
	error_ignore(err, "said with the range below");
	return error_set(err, ERROR_EXISTS, "no free port between %d and %d on %s", min, max,
			 address);
}

/* ---- acceleration ------------------------------------------------------------------ */

int launch_choose_accel(struct build_ctx *ctx, const char *binary, const char *wanted,
			struct accel_choice *ret, struct error **err)
{
	struct accel_query q = { .binary = binary,
				 .wanted = wanted,
				 .state_dir = ctx->dirs->state,
				 .temp_dir = ctx->temp_dir,
				 .journal = ctx->journal,
				 .environ = ctx->environ };

	return accel_choose(&q, ctx->cancel, ret, err);
}

static int choose_accel(struct launch *l, struct build_ctx *ctx, struct error **err)
{
	struct accel_choice choice;

	if (launch_choose_accel(ctx, l->config->qemu_binary, l->config->accelerator, &choice, err) <
	    0)
		return -1;
	l->accel = choice.accel;
	log_debug("qemu", "accelerator %s%s%s", choice.accel, choice.why ? ": " : "",
		  choice.why ? choice.why : "");
	if (choice.why)
		ui_say(ctx->ui, "No hardware acceleration, the guest is emulated in software: %s",
		       choice.why);
	accel_choice_release(&choice);
	if (!strcmp(l->accel, "none"))
		ui_error(ctx->ui, "WARNING: The VM will be started with no hardware acceleration.\n"
				  "The installation may take considerably longer to finish.");
	return 0;
}

/* ---- qemuargs ------------------------------------------------------------------------ */

static struct value *http_content(const struct qemu_config *c)
{
	struct map texts;

	value_map_init(&texts);
	for (size_t i = 0; i < c->http_content.len; i++)
		map_set(&texts, c->http_content.v[i].key, value_string(c->http_content.v[i].value));
	return value_map_take(type_string, &texts);
}

static struct value *template_data(const struct launch *l)
{
	const struct qemu_config *c = l->config;
	struct map fields;

	value_map_init(&fields);
	map_set(&fields, "HTTPIP", value_string(l->host_address));
	map_set(&fields, "HTTPPort", value_int(l->http_port));
	map_set(&fields, "HTTPDir", value_string(c->http_directory ? c->http_directory : ""));
	map_set(&fields, "HTTPContent", http_content(c));
	map_set(&fields, "OutputDir", value_string(c->output_directory));
	map_set(&fields, "Name", value_string(c->vm_name));
	map_set(&fields, "SSHHostPort", value_int(l->comm_port.port));
	return value_object_take(&fields);
}

static int render_row(const struct text_list *row, const struct tmpl_ctx *tc, struct arena *arena,
		      struct text_list *ret, struct error **err)
{
	const char **items = ARENA_ARRAY(arena, const char *, row->len + 1);

	for (size_t i = 0; i < row->len; i++) {
		AUTO_FREE char *text = tmpl_render(row->v[i], tc, err);

		if (!text)
			return error_prefix(err, "cannot render qemuargs");
		items[i] = arena_strdup(arena, text);
	}
	*ret = (struct text_list){ .v = items, .len = row->len };
	return 0;
}

static int render_overrides(const struct launch *l, const struct component_info *info,
			    struct arena *arena, struct text_table *ret, struct error **err)
{
	const struct text_table *in = &l->config->qemuargs;
	struct text_list *rows = ARENA_ARRAY(arena, struct text_list, in->len + 1);
	AUTO(value) struct value *data = template_data(l);
	const struct tmpl_ctx tc = {
		.data = data,
		.data_type = "qemu.qemuArgsTemplateData",
		.build_name = info->source_name,
		.build_type = info->builder_type,
		.user = info->user_variables,
		.world = info->world,
		.packer_version = COMPAT_VERSION,
	};

	for (size_t i = 0; i < in->len; i++)
		if (render_row(&in->v[i], &tc, arena, &rows[i], err) < 0)
			return -1;
	*ret = (struct text_table){ .v = rows, .len = in->len };
	return 0;
}

/* ---- one try ---------------------------------------------------------------------------- */

/* A new one for each try: it ends when its emulator does. */
static int start_tpm(struct launch *l, struct build_ctx *ctx, struct error **err)
{
	const struct tpm_spec spec = { .version_1 = l->config->use_tpm1,
				       .temp_dir = ctx->temp_dir,
				       .from = l->tpm_from,
				       .from_prefix = SAVED_TPM,
				       .journal = ctx->journal,
				       .environ = ctx->environ };

	tpm_stop(TAKE(l->tpm));
	if (!l->config->vtpm)
		return 0;
	l->tpm = tpm_start(&spec, err);
	return l->tpm ? 0 : -1;
}

static struct qemu_argv argv_inputs(const struct launch *l)
{
	return (struct qemu_argv){
		.config = l->config,
		.accel = l->accel,
		.host_cpus = host_cpus(),
		.disks = l->disks,
		.iso = l->iso,
		.cd = l->cd,
		.floppy = l->floppy,
		.flash = l->flash,
		.host_port = l->comm_port.port,
		.mac = l->mac,
		.vnc_port = l->vnc_port.port,
		.console = l->console,
		.credential = l->credential,
		.layered = l->layered,
		.installed = l->installed,
		.incoming = l->incoming,
	};
}

static int start_guest(struct launch *l, struct build_ctx *ctx, struct error **err)
{
	AUTO(arena) struct arena *arena = arena_new();
	AUTO(strv) struct strv argv = STRV_INIT;
	struct text_table overrides = { 0 };
	struct qemu_argv in = argv_inputs(l);

	if (render_overrides(l, ctx->info, arena, &overrides, err) < 0 ||
	    start_tpm(l, ctx, err) < 0)
		return -1;
	in.overrides = &overrides;
	in.tpm_fd = l->tpm ? tpm_fd(l->tpm) : 0;
	qemu_argv_build(&in, &argv, &l->facts);

	const struct guest_spec spec = { .argv = &argv,
					 .temp_dir = ctx->temp_dir,
					 .console = l->facts.own_console ? l->console : NULL,
					 .own_pvpanic = l->facts.own_pvpanic,
					 .tpm = l->tpm,
					 .cwd = ctx->cwd,
					 .journal = ctx->journal,
					 .environ = ctx->environ };

	l->guest = guest_start(&spec, ctx->cancel, err);
	return l->guest ? 0 : -1;
}

/* ---- the same for any run ---------------------------------------------------------------- */

/* Numbers that stand for what is not known yet: no port is as high. */
enum { ANY_COMM_PORT = 7000001, ANY_VNC_SCREEN, ANY_TPM_FD, ANY_HTTP_PORT };

static const struct {
	int number;
	const char *name;
} any_numbers[] = {
	{ ANY_COMM_PORT, "@{comm_port}" },
	{ ANY_VNC_SCREEN, "@{vnc_screen}" },
	{ ANY_TPM_FD, "@{tpm_fd}" },
	{ ANY_HTTP_PORT, "@{http_port}" },
};

static void name_numbers(const struct strv *argv, struct strv *ret)
{
	for (size_t i = 0; i < argv->len; i++) {
		AUTO(strbuf) struct strbuf text = STRBUF_INIT;

		strbuf_addstr(&text, argv->v[i]);
		for (size_t j = 0; j < ARRAY_LEN(any_numbers); j++) {
			AUTO_FREE char *digits = xasprintf("%d", any_numbers[j].number);

			strbuf_replace(&text, digits, any_numbers[j].name);
		}
		strv_push(ret, text.buf ? text.buf : "");
	}
}

/* A file of the template, wherever it lies. */
static void name_file(const char **path, const char *name)
{
	if (!text_is_empty(*path))
		*path = name;
}

int launch_describe(const struct launch *l, struct build_ctx *ctx, struct strv *ret,
		    struct error **err)
{
	AUTO(arena) struct arena *arena = arena_new();
	AUTO(strv) struct strv argv = STRV_INIT, disks = STRV_INIT;
	struct qemu_config c = *l->config;
	struct flash flash = l->flash ? *l->flash : (struct flash){ 0 };
	struct text_table overrides = { 0 };
	struct qemu_argv_facts facts;
	struct launch any = *l;
	struct qemu_argv in;

	for (size_t i = 0; i < l->disks->len; i++)
		strv_pushf(&disks, "@{disk%zu}", i);
	c.vm_name = "@{name}";
	c.vnc_bind_address = "@{vnc_address}";
	c.output_directory = "@{output}";
	name_file(&c.qmp_socket_path, "@{qmp_socket}");
	name_file(&c.firmware, "@{firmware}");
	flash.code = (char *)"@{efi_code}";
	flash.vars = (char *)"@{efi_vars}";
	any.config = &c;
	any.disks = &disks;
	any.flash = l->flash ? &flash : NULL;
	name_file(&any.iso, "@{iso}");
	name_file(&any.cd, "@{cd}");
	name_file(&any.floppy, "@{floppy}");
	name_file(&any.console, "@{console}");
	name_file(&any.credential, "@{credential}");
	any.http_port = l->http_port ? ANY_HTTP_PORT : 0;
	any.comm_port.port = l->comm_port.port ? ANY_COMM_PORT : 0;
	any.vnc_port.port = VNC_FIRST_PORT + ANY_VNC_SCREEN;
	any.incoming = any.installed = false;
	if (render_overrides(&any, ctx->info, arena, &overrides, err) < 0)
		return -1;
	in = argv_inputs(&any);
	in.overrides = &overrides;
	in.tpm_fd = l->tpm ? ANY_TPM_FD : 0;
	qemu_argv_build(&in, &argv, &facts);
	name_numbers(&argv, ret);
	return 0;
}

/* Ports that QEMU could not have are held until a try succeeds, so as not to meet them again. */
struct refused {
	int fds[2 * PORT_TRIES];
	size_t len;
};

static void refuse(struct refused *r, struct port_reservation *p)
{
	if (p->lock_fd >= 0 && r->len < ARRAY_LEN(r->fds))
		r->fds[r->len++] = fd_take(&p->lock_fd);
	p->port = 0;
}

static int reserve_comm(struct launch *l, struct build_ctx *ctx, struct error **err)
{
	const struct qemu_config *c = l->config;

	if (!qemu_config_has_comm(c)) {
		ui_say(ctx->ui, "No communicator is set; skipping port forwarding setup.");
		return 0;
	}
	if (!text_is_empty(c->net_bridge)) {
		ui_say(ctx->ui, "The guest is on a bridge; skipping port forwarding setup.");
		return 0;
	}
	if (c->skip_nat_mapping) {
		int port = qemu_config_guest_port(c);

		if (launch_reserve_port(ctx->dirs, "127.0.0.1", port, port, &l->comm_port, err) < 0)
			return error_hint(err,
					  "skip_nat_mapping takes the guest's own port on this "
					  "host, too: end what listens there, or leave it away");
		return 0;
	}
	if (launch_reserve_port(ctx->dirs, "127.0.0.1", (int)c->host_port_min,
				(int)c->host_port_max, &l->comm_port, err) < 0)
		return error_hint(err, "widen host_port_min and host_port_max, or end what listens "
				       "there");
	ui_say(ctx->ui, "Found port for communicator (SSH, WinRM, etc): %d.", l->comm_port.port);
	return 0;
}

static int reserve_vnc(struct launch *l, struct build_ctx *ctx, struct error **err)
{
	const struct qemu_config *c = l->config;

	ui_say(ctx->ui, "Looking for available port between %d and %d on %s", (int)c->vnc_port_min,
	       (int)c->vnc_port_max, c->vnc_bind_address);
	if (launch_reserve_port(ctx->dirs, c->vnc_bind_address, (int)c->vnc_port_min,
				(int)c->vnc_port_max, &l->vnc_port, err) < 0)
		return error_hint(err, "widen vnc_port_min and vnc_port_max, or end what listens "
				       "there");
	return 0;
}

static int try_ports(struct launch *l, struct build_ctx *ctx, struct error **err)
{
	struct refused refused = { .len = 0 };
	int r = -1;

	for (int i = 0; i < PORT_TRIES && r < 0; i++) {
		if (reserve_comm(l, ctx, err) < 0 || reserve_vnc(l, ctx, err) < 0)
			break;
		r = start_guest(l, ctx, err);
		if (r == 0 || (*err)->kind != ERROR_EXISTS || i == PORT_TRIES - 1)
			break;
		error_ignore(err, "somebody took a port between our look and QEMU's: another one");
		refuse(&refused, &l->comm_port);
		refuse(&refused, &l->vnc_port);
	}
	for (size_t i = 0; i < refused.len; i++)
		fd_close(refused.fds[i]);
	return r;
}

/* ---- around it ---------------------------------------------------------------------------- */

static void say_screen(const struct launch *l, struct build_ctx *ctx, const char *password)
{
	const struct qemu_config *c = l->config;

	if (!c->headless)
		return;
	if (!c->vnc_use_password) {
		ui_say(ctx->ui,
		       "The VM will be run headless, without a GUI. If you want to\n"
		       "view the screen of the VM, connect via VNC without a password to\n"
		       "vnc://%s:%d",
		       c->vnc_bind_address, l->vnc_port.port);
		return;
	}
	/* a password of the template is known to whoever may know it */
	ui_say(ctx->ui,
	       "The VM will be run headless, without a GUI. If you want to\n"
	       "view the screen of the VM, connect via VNC with the password \"%s\" to\n"
	       "vnc://%s:%d",
	       password, c->vnc_bind_address, l->vnc_port.port);
}

static int set_vnc_password(struct launch *l, struct build_ctx *ctx, struct error **err)
{
	const struct qemu_config *c = l->config;
	char random[VNC_PASSWORD_BYTES + 1];
	const char *password = c->vnc_password;

	if (text_is_empty(password)) {
		random_text(random, VNC_PASSWORD_BYTES,
			    "012345689abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ");
		password = random;
	}
	say_screen(l, ctx, password);
	if (!c->vnc_use_password)
		return 0;
	return qmp_command_arg(guest_monitor(l->guest), "change-vnc-password",
			       &(const struct qmp_arg){ "password", password },
			       clock_deadline(MONITOR_SECONDS * NSEC_PER_SEC), ctx->cancel, err);
}

int launch(struct launch *l, struct build_ctx *ctx, struct error **err)
{
	const struct qemu_config *c = l->config;

	if (choose_accel(l, ctx, err) < 0)
		return -1;
	ui_say(ctx->ui, "%s",
	       l->incoming                     ? "Starting VM from its checkpoint"
	       : c->disk_image || l->installed ? "Starting VM, booting disk image"
					       : "Starting VM, booting from CD-ROM");
	if (c->qemuargs.len)
		ui_say(ctx->ui,
		       "Overriding default Qemu arguments with qemuargs template option...");
	if (try_ports(l, ctx, err) < 0 || set_vnc_password(l, ctx, err) < 0) {
		guest_stop(TAKE(l->guest));
		return -1;
	}
	return 0;
}

void launch_release(struct launch *l)
{
	guest_stop(TAKE(l->guest));
	tpm_stop(TAKE(l->tpm));
	fd_close(fd_take(&l->comm_port.lock_fd));
	fd_close(fd_take(&l->vnc_port.lock_fd));
}
