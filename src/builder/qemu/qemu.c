/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The builder `qemu`: boots an installer or a disk image and keeps the disk.
 * What it makes, in order: output directory, disks, variables of the firmware,
 * guest. destroy() undoes them in reverse; each is in the journal before it is
 * there.
 */
#include "base/alloc.h"
#include "base/path.h"
#include "base/str.h"
#include "builder/qemu/checkpoint.h"
#include "builder/qemu/credential.h"
#include "builder/qemu/evidence.h"
#include "builder/qemu/fingerprint.h"
#include "builder/qemu/firmware.h"
#include "builder/qemu/machine.h"
#include "builder/qemu/medium.h"
#include "builder/qemu/preflight.h"
#include "builder/qemu/resume.h"
#include "builder/qemu/shutdown.h"
#include "builder/qemu/typing.h"
#include "core/outcome.h"
#include "core/output_dir.h"
#include "os/fs.h"

#include <stdlib.h>
#include <string.h>

struct image_ctx qemu_image_ctx(const struct build_ctx *ctx)
{
	return (struct image_ctx){ .journal = ctx->journal,
				   .cancel = ctx->cancel,
				   .ui = ctx->ui,
				   .environ = ctx->environ,
				   .cwd = ctx->cwd };
}

/* ---- prepare -------------------------------------------------------------------------- */

static void qemu_prepare(void *config, const struct prepare_ctx *ctx, struct diags *diags)
{
	const struct qemu_config *c = config;
	struct range at = decoded_range(ctx->decoded, "output_directory");

	qemu_config_prepare(config, ctx, diags);
	if (ctx->info->force || !fs_exists(c->output_directory) ||
	    (ctx->info->may_be_done &&
	     outcome_was_at(ctx->dirs->state, ctx->cwd, c->output_directory)))
		return;

	AUTO_FREE char *text = xasprintf("Output directory '%s' already exists. It must not exist.",
					 c->output_directory);

	diags_error(diags, &at, text, "Remove it, choose another one, or build with -force.");
}

/* ---- start ----------------------------------------------------------------------------- */

static int make_output(struct qemu_machine *m, struct build_ctx *ctx, struct error **err)
{
	const char *dir = m->config->output_directory;

	m->output = path_absolute(ctx->cwd, dir);
	if (fs_exists(m->output)) {
		if (!ctx->info->force) {
			error_set(err, ERROR_EXISTS,
				  "Output directory '%s' already exists. It must not exist.", dir);
			return error_hint(err,
					  "remove it, choose another one, or build with -force");
		}
		ui_say(ctx->ui, "Deleting previous output directory...");
		if (output_dir_clear(m->output, ctx, err) < 0)
			return -1;
	}
	if (journal_path(ctx->journal, m->output, &m->output_id, err) < 0)
		return -1;
	return fs_mkdir_all(m->output, 0755, err);
}

static int make_flash(struct qemu_machine *m, struct build_ctx *ctx, struct error **err)
{
	const struct qemu_config *c = m->config;
	AUTO_FREE char *kept = m->from ? path_join(m->from->dir, SAVED_EFIVARS) : NULL;
	const struct firmware_pair pair = { c->efi_firmware_code,
					    kept ? kept : c->efi_firmware_vars };
	AUTO_FREE char *code = path_join(ctx->temp_dir, "efi-code.fd");
	AUTO_FREE char *vars = path_join(c->output_directory, "efivars.fd");
	const struct flash_spec spec = { .arch = guest_arch_of(c->qemu_binary),
					 .pair = &pair,
					 .code_copy = code,
					 .vars_copy = vars };

	flash_release(&m->flash);
	return c->efi_boot ? flash_make(&m->flash, &spec, ctx->cancel, err) : 0;
}

static int make_key(struct qemu_machine *m, struct build_ctx *ctx, struct error **err)
{
	const struct comm_config *comm = &m->config->comm;
	/* ours to choose: the quickest to make and to check, known to every sshd that can read a
	 * credential */
	const char *type = m->config->key_type_set ? comm->temporary_key_pair_type : "ed25519";

	if (m->saved.private_pem && comm_config_is_ssh(comm) &&
	    text_is_empty(comm->ssh_private_key_file))
		return resume_key(m, err);
	if (login_key_make(&m->key, comm, type, ctx->ui, err) < 0)
		return -1;
	if (m->key.temporary && credential_is_possible(m->config->qemu_binary))
		m->credential = credential_smbios(comm->ssh_username, m->key.pair->public_line);
	return 0;
}

/* QEMU makes it; it does not always remove it. */
static int announce_socket(struct qemu_machine *m, struct build_ctx *ctx, struct error **err)
{
	if (!m->config->qmp_enable)
		return 0;
	m->socket = path_absolute(ctx->cwd, m->config->qmp_socket_path);
	return journal_path(ctx->journal, m->socket, &m->socket_id, err);
}

static int remove_socket(struct qemu_machine *m, struct build_ctx *ctx, struct error **err)
{
	if (!m->socket_id)
		return 0;
	if (fs_remove(m->socket, err) < 0)
		return -1;
	journal_done(ctx->journal, m->socket_id);
	m->socket_id = 0;
	return 0;
}

static int launch_guest(struct qemu_machine *m, bool with_memory, struct build_ctx *ctx,
			struct error **err)
{
	free(m->console);
	m->console = path_join(ctx->temp_dir, "console.log");
	m->launch = (struct launch){
		.config = m->config,
		.disks = disks_live(&m->disks),
		.iso = m->config->disk_image ? NULL : m->source,
		.cd = m->media.cd,
		.floppy = m->media.floppy,
		.flash = m->config->efi_boot ? &m->flash : NULL,
		.console = m->console,
		.credential = m->credential,
		.host_address = m->pages.host_address,
		.mac = m->bridge.mac,
		.http_port = m->pages.port.port,
		.layered = m->disks.layers.store != NULL,
		.installed = m->from != NULL,
		.incoming = with_memory,
		.tpm_from = m->from ? m->from->dir : NULL,
		LAUNCH_INIT,
	};
	return launch(&m->launch, ctx, err);
}

/* The disk of a checkpoint alone. Nothing that has touched its memory is used again. */
static int boot_disk(struct qemu_machine *m, struct build_ctx *ctx, struct error **err)
{
	const struct image_ctx x = qemu_image_ctx(ctx);

	launch_release(&m->launch);
	if (layers_open_tops(&m->disks.layers, &x, err) < 0 || make_flash(m, ctx, err) < 0)
		return -1;
	return launch_guest(m, false, ctx, err);
}

static int launch_with_memory(struct qemu_machine *m, struct build_ctx *ctx, struct error **err)
{
	if (launch_guest(m, true, ctx, err) == 0 && resume_memory(m, ctx, err) == 0) {
		m->from->has_memory = true;
		return 0;
	}

	AUTO(error) struct error *e = NULL;

	if (cancel_check(ctx->cancel, &e) < 0)
		return -1;
	if (resume_check_disks(m, &e) < 0) {
		error_prefix(&e, "%s", (*err)->message);
		error_ignore(err, "it is part of the other one");
		return error_move(err, TAKE(e));
	}
	ui_say(ctx->ui, "The memory of the checkpoint cannot be used, its disk is booted: %s",
	       (*err)->message);
	error_ignore(err, "the disk will do");
	return boot_disk(m, ctx, err);
}

static int launch_machine(struct qemu_machine *m, struct build_ctx *ctx, struct error **err)
{
	if (resume_wants_memory(m))
		return launch_with_memory(m, ctx, err);
	return launch_guest(m, false, ctx, err);
}

static const char *named_host(const struct qemu_config *c)
{
	return text_eq(c->comm.communicator, "winrm") ? c->comm.winrm_host : c->comm.ssh_host;
}

/* On a bridge the guest's own address and port, else the forwarded ones of this host. */
static void set_target(struct qemu_machine *m)
{
	const struct qemu_config *c = m->config;
	const char *host = named_host(c);
	bool bridged = m->bridge.neighbours;

	if (text_is_empty(host))
		host = bridged ? m->bridge.guest_address : "127.0.0.1";
	m->machine.target = (struct comm_target){
		.host = host,
		.port = bridged ? qemu_config_guest_port(c) : m->launch.comm_port.port,
		.private_key = m->key.temporary ? m->key.pair->private_pem : NULL,
		.public_key = m->key.pair ? m->key.pair->public_line : NULL,
		.sign = &netwatch_ops,
		.sign_data = &m->netwatch,
	};
}

static int find_guest(struct qemu_machine *m, struct build_ctx *ctx, struct error **err)
{
	const struct qemu_config *c = m->config;

	if (m->bridge.neighbours && qemu_config_has_comm(c) && text_is_empty(named_host(c)) &&
	    bridge_wait(&m->bridge, c, m->launch.guest, ctx, err) < 0)
		return -1;
	netwatch_init(&m->netwatch, guest_monitor(m->launch.guest), ctx->temp_dir);
	set_target(m);
	return 0;
}

/* Fields of the templates in boot_command (qemu-builder.md 8.1). */
static struct value *boot_fields(const struct qemu_machine *m)
{
	struct map fields;

	value_map_init(&fields);
	map_set(&fields, "HTTPIP", value_string(m->pages.host_address));
	map_set(&fields, "HTTPPort", value_int(m->pages.port.port));
	map_set(&fields, "Name", value_string(m->config->vm_name));
	map_set(&fields, "SSHPublicKey", value_string(m->key.pair ? m->key.pair->public_line : ""));
	return value_object_take(&fields);
}

static int type_keys(struct qemu_machine *m, struct build_ctx *ctx, struct error **err)
{
	AUTO(value) struct value *fields = boot_fields(m);
	const struct typing t = { .config = m->config,
				  .guest = m->launch.guest,
				  .keyboard = m->launch.facts.keyboard,
				  .data = fields };

	return type_boot_command(&t, ctx, err);
}

static int make_disks(struct qemu_machine *m, struct build_ctx *ctx, struct error **err)
{
	const struct image_ctx x = qemu_image_ctx(ctx);

	disks_init(&m->disks, m->config, ctx->cwd, m->config->disk_image ? m->source : NULL);
	if (!m->from)
		return disks_create(&m->disks, &x, err);
	return disks_resume(&m->disks, &x, err);
}

/* What the guest will have, outside of it. */
static int make_surroundings(struct qemu_machine *m, struct build_ctx *ctx, struct error **err)
{
	if (make_key(m, ctx, err) < 0 || make_flash(m, ctx, err) < 0 ||
	    media_make(&m->media, m->config, ctx, err) < 0 ||
	    bridge_open(&m->bridge, m->config, ctx, err) < 0)
		return -1;
	pages_set_host(&m->pages, m->config, m->bridge.neighbours ? m->bridge.host.text : NULL);
	if (pages_serve(&m->pages, m->config, ctx, err) < 0)
		return -1;
	return announce_socket(m, ctx, err);
}

static int qemu_boot(struct machine *machine, struct build_ctx *ctx, struct error **err)
{
	struct qemu_machine *m = (struct qemu_machine *)machine;

	if (m->from && resume_open(m, err) < 0)
		return -1;
	if (preflight(m->config, ctx, err) < 0 ||
	    medium_fetch(m->config, ctx, &m->source, err) < 0 || make_output(m, ctx, err) < 0)
		return -1;
	if (make_disks(m, ctx, err) < 0 || make_surroundings(m, ctx, err) < 0 ||
	    launch_machine(m, ctx, err) < 0)
		return -1;
	m->machine.watch_fd = guest_watch_fd(m->launch.guest);
	pages_describe(&m->pages, &m->machine.generated);
	if ((!m->from && type_keys(m, ctx, err) < 0) || find_guest(m, ctx, err) < 0)
		return guest_explain(m->launch.guest, err);
	return 0;
}

static const struct machine_ops qemu_ops;

static const char *why_no_checkpoints(const struct qemu_config *c, const struct build_ctx *ctx)
{
	if (!ctx->store || !ctx->start_key)
		return "steps are not kept";
	if (!text_is_empty(c->net_bridge))
		return "it is on a bridge, where its address can be only once";
	return disks_why_no_layers(c);
}

static struct machine *qemu_start(const void *config, struct build_ctx *ctx,
				  struct checkpoint *from, struct error **err)
{
	struct qemu_machine *m = NEW(struct qemu_machine);

	(void)err;
	*m = (struct qemu_machine){
		.config = config,
		.machine = { .ops = &qemu_ops, .watch_fd = -1 },
		.launch = { LAUNCH_INIT },
		.disks = { DISKS_INIT },
		.pages = { PAGES_INIT },
		.bridge = { BRIDGE_INIT },
		.from = from,
		.saved = SAVED_INIT,
		.nodes = STRV_INIT,
		.memory = { .fd = -1, .spare_fd = -1 },
	};
	m->cannot_save = why_no_checkpoints(config, ctx);
	if (!m->cannot_save) {
		m->disks.layers.store = ctx->store;
		m->disks.start_key = ctx->start_key;
	}
	m->machine.comm_config = &m->config->comm;
	m->machine.comm_type = m->config->comm.communicator;
	value_map_init(&m->machine.generated);
	return &m->machine;
}

/* ---- finish ---------------------------------------------------------------------------- */

static struct value *disk_paths(const struct disks *d)
{
	struct value **items = xcalloc(d->paths.len, sizeof(*items));

	for (size_t i = 0; i < d->paths.len; i++)
		items[i] = value_string(d->paths.v[i]);

	struct value *list = value_list_take(type_string, items, d->paths.len);

	free(items);
	return list;
}

/* What the machine was, for a post-processor that describes it to another hypervisor. */
static void add_definition(struct map *state, const struct qemu_config *c)
{
	int64_t product = qemu_argv_cpu_product(c), cpus = c->cpus;

	if (!cpus || (product && cpus > product))
		cpus = MAX(product, 1);
	map_set(state, "cpus", value_int(cpus));
	map_set(state, "memory", value_int(c->memory));
	map_set(state, "firmware", value_string(c->efi_boot ? "efi" : "bios"));
	map_set(state, "secureBoot",
		value_bool(c->efi_boot && c->efi_firmware_code &&
			   firmware_needs_smm(c->efi_firmware_code)));
	map_set(state, "diskInterface", value_string(c->disk_interface));
	map_set(state, "netDevice", value_string(c->net_device ? c->net_device : ""));
	map_set(state, "architecture", value_string(guest_arch_of(c->qemu_binary)->name));
}

static struct value *artifact_state(const struct qemu_machine *m)
{
	struct map state;

	value_map_init(&state);
	map_set(&state, "diskName", value_string(m->config->vm_name));
	map_set(&state, "diskPaths", disk_paths(&m->disks));
	map_set(&state, "diskType", value_string(m->config->format));
	map_set(&state, "diskSize", value_string(m->config->disk_size));
	map_set(&state, "domainType", value_string(m->launch.accel));
	add_definition(&state, m->config);
	return value_object_take(&state);
}

static int make_artifact(const struct qemu_machine *m, struct artifact **ret, struct error **err)
{
	const char *dir = m->config->output_directory;
	AUTO_FREE char *text = xasprintf("VM files in directory: %s", dir);
	AUTO(strv) struct strv files = STRV_INIT;

	if (fs_walk_files(dir, &files, err) < 0)
		return -1;
	*ret = artifact_new("transcend.qemu", "VM", text);
	for (size_t i = 0; i < files.len; i++)
		if (!m->config->efi_drop_efivars ||
		    strcmp(path_basename(files.v[i]), "efivars.fd") != 0)
			strv_push(&(*ret)->files, files.v[i]);
	(*ret)->state = artifact_state(m);
	(*ret)->destroy = artifact_destroy_tree;
	(*ret)->destroy_path = xstrdup(dir);
	return 0;
}

static int qemu_finish(struct machine *machine, struct build_ctx *ctx, struct artifact **ret,
		       struct error **err)
{
	struct qemu_machine *m = (struct qemu_machine *)machine;
	const struct image_ctx x = qemu_image_ctx(ctx);
	const struct shutdown s = { .config = m->config,
				    .guest = m->launch.guest,
				    .comm = machine->comm };

	guest_expect_end(m->launch.guest);
	if (!guest_has_ended(m->launch.guest) &&
	    login_key_forget(&m->key, machine->comm, ctx->ui, ctx->cancel, err) < 0)
		return -1;
	if (shutdown_guest(&s, ctx, err) < 0)
		return -1;
	ui_wait_end(ctx->ui);
	/* the ended guest stays: the build's token still watches its (now silent) fd */
	if (remove_socket(m, ctx, err) < 0 || disks_finish(&m->disks, &x, err) < 0)
		return -1;
	return make_artifact(m, ret, err);
}

/* ---- destroy --------------------------------------------------------------------------- */

static void remove_output(struct qemu_machine *m, struct build_ctx *ctx)
{
	AUTO(error) struct error *e = NULL;

	ui_say(ctx->ui, "Deleting output directory...");
	if (fs_remove_tree(m->output, &e) == 0)
		return;
	ui_error(ctx->ui, "warning: %s", e->message);
	m->output_id = 0; /* stays in the journal for gc */
}

static void qemu_destroy(struct machine *machine, struct build_ctx *ctx, bool keep_output)
{
	struct qemu_machine *m = (struct qemu_machine *)machine;

	AUTO(error) struct error *e = NULL;

	launch_release(&m->launch);
	if (remove_socket(m, ctx, &e) < 0)
		ui_error(ctx->ui, "warning: %s", e->message);
	pages_release(&m->pages);
	bridge_release(&m->bridge);
	if (m->output_id && !keep_output)
		remove_output(m, ctx);
	journal_done(ctx->journal, m->output_id);
	disks_release(&m->disks);
	saved_release(&m->saved);
	strv_release(&m->nodes);
	memory_forget(&m->memory);
	memory_drop_spare(&m->memory);
	login_key_release(&m->key);
	free(m->source);
	media_release(&m->media);
	free(m->console);
	free(m->socket);
	flash_release(&m->flash);
	free(m->credential);
	free(m->output);
	map_release(&machine->generated);
	free(m);
}

static int qemu_why_ended(void *machine, struct error **err)
{
	const struct qemu_machine *m = machine;

	return guest_check(m->launch.guest, m->machine.comm != NULL, err);
}

static void qemu_console_tail(struct machine *machine, struct strbuf *ret)
{
	const struct qemu_machine *m = (struct qemu_machine *)machine;

	if (m->launch.guest)
		guest_console_tail(m->launch.guest, ret);
}

static int qemu_evidence(struct machine *machine, struct build_ctx *ctx, const char *dir,
			 struct error **err)
{
	const struct qemu_machine *m = (struct qemu_machine *)machine;

	return m->launch.guest ? evidence_keep(m->launch.guest, ctx, dir, err) : 0;
}

static const struct machine_ops qemu_ops = {
	.boot = qemu_boot,
	.finish = qemu_finish,
	.destroy = qemu_destroy,
	.why_ended = qemu_why_ended,
	.console_tail = qemu_console_tail,
	.evidence = qemu_evidence,
	.checkpoint = qemu_checkpoint,
	.resumed = qemu_resumed,
};

const struct builder_type builder_qemu = {
	.name = "qemu",
	.doc = "Boot an installer or a disk image in QEMU and keep the disk.",
	.schema = &qemu_schema,
	.prepare = qemu_prepare,
	.fingerprint = qemu_fingerprint,
	.known = qemu_known,
	.start = qemu_start,
	.start_step = "stepRun",
	.finish_step = "stepShutdown",
	.checkpoints = true,
};
