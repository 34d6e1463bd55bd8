/* SPDX-License-Identifier: Apache-2.0 */
#include "builder/qemu/trial.h"

#include "base/alloc.h"
#include "base/path.h"
#include "base/str.h"
#include "builder/qemu/accel.h"
#include "builder/qemu/argv.h"
#include "builder/qemu/flash.h"
#include "builder/qemu/launch.h"
#include "comm/ssh/probe.h"
#include "os/fd.h"
#include "os/fs.h"

#include <stdlib.h>
#include <string.h>

enum {
	PORT_MIN = 2222,
	PORT_MAX = 4444,
	PORT_TRIES = 10,
};

/* What is made before the guest. */
struct stage {
	const struct trial_spec *spec;
	const struct guest_arch *arch;
	char *disk;
	bool uefi;
	struct flash flash; /* empty: no UEFI */
};

static void release_stage(struct stage *s)
{
	free(s->disk);
	flash_release(&s->flash);
}

static int make_disk(struct trial *t, struct stage *s, struct cancel *c, struct error **err)
{
	const struct trial_spec *spec = s->spec;
	const struct image_ctx x = {
		.journal = spec->journal, .cancel = c, .environ = spec->environ, .cwd = spec->cwd
	};
	AUTO_FREE char *image = path_absolute(spec->cwd, spec->image);

	if (!fs_exists(image))
		return error_set(err, ERROR_NOT_FOUND, "image '%s' does not exist", spec->image);
	if (image_probe(&x, image, &t->info, err) < 0)
		return error_prefix(err, "cannot use '%s'", spec->image);
	s->disk = path_join(spec->temp_dir, "disk.qcow2");

	const struct image_create over = { .path = s->disk,
					   .format = "qcow2",
					   .backing = image,
					   .backing_format = t->info.format };

	return image_create(&x, &over, err);
}

static int make_flash(struct stage *s, struct cancel *c, struct error **err)
{
	struct firmware_pair pair;
	AUTO_FREE char *code = path_join(s->spec->temp_dir, "efi-code.fd");
	AUTO_FREE char *vars = path_join(s->spec->temp_dir, "efivars.fd");
	const struct flash_spec spec = {
		.arch = s->arch, .pair = &pair, .code_copy = code, .vars_copy = vars
	};

	s->uefi = s->spec->uefi || s->arch->needs_uefi;
	if (!s->uefi)
		return 0;
	if (firmware_find(s->arch, &pair, err) < 0)
		return -1;
	return flash_make(&s->flash, &spec, c, err);
}

static int choose_accel(struct trial *t, const struct trial_spec *spec, struct cancel *c,
			struct error **err)
{
	const struct accel_query q = { .binary = spec->binary,
				       .wanted = spec->accelerator,
				       .state_dir = spec->dirs->state,
				       .temp_dir = spec->temp_dir,
				       .journal = spec->journal,
				       .environ = spec->environ };
	struct accel_choice choice;

	if (accel_choose(&q, c, &choice, err) < 0)
		return -1;
	t->accel = choice.accel;
	t->why_slow = choice.why;
	return 0;
}

static void push_flash(struct strv *argv, const struct stage *s)
{
	if (!s->uefi)
		return;

	AUTO_FREE char *code = flash_code_drive(&s->flash);
	AUTO_FREE char *vars = flash_vars_drive(&s->flash);

	strv_pushl(argv, "-drive", code, "-drive", vars, NULL);
}

static void push_network(struct strv *argv, const struct trial_spec *spec)
{
	AUTO(strbuf) struct strbuf net = STRBUF_INIT;

	strbuf_addstr(&net, "user,id=user.0");
	for (size_t i = 0; i < spec->forwards->len; i++)
		strbuf_addf(&net, ",hostfwd=tcp:127.0.0.1:%d-:%d", spec->forwards->items[i].host,
			    spec->forwards->items[i].guest);
	strv_pushl(argv, "-netdev", net.buf, "-device", "virtio-net,netdev=user.0", NULL);
}

static void build_argv(struct strv *argv, const struct trial *t, const struct stage *s)
{
	const struct trial_spec *spec = s->spec;
	AUTO_FREE char *disk = qemu_argv_escape(s->disk);
	AUTO_FREE char *console = qemu_argv_escape(t->console);

	strv_pushl(argv, spec->binary, "-name", "ingot-run", "-machine", NULL);
	strv_pushf(argv, "type=%s,accel=%s", s->arch->machine, t->accel);
	if (!strcmp(t->accel, "kvm"))
		strv_pushl(argv, "-cpu", "host", NULL);
	else if (s->arch->soft_cpu)
		strv_pushl(argv, "-cpu", s->arch->soft_cpu, NULL);
	strv_push(argv, "-m");
	strv_pushf(argv, "%lldM", (long long)spec->memory);
	strv_push(argv, "-smp");
	strv_pushf(argv, "%lld", (long long)spec->cpus);
	strv_pushl(argv, "-display", "none", NULL);
	push_network(argv, spec);
	strv_pushl(argv, "-device", "virtio-rng-pci", "-drive", NULL);
	strv_pushf(argv, "file=%s,if=virtio,cache=unsafe,format=qcow2", disk);
	push_flash(argv, s);
	strv_push(argv, "-chardev");
	strv_pushf(argv, "file,id=console,path=%s", console);
	strv_pushl(argv, "-serial", "chardev:console", NULL);
	if (spec->credential)
		strv_pushl(argv, "-smbios", spec->credential, NULL);
}

/* ---- ports ---------------------------------------------------------------------------- */

static void give_back(struct trial *t)
{
	for (size_t i = 0; i < t->ports.len; i++)
		fd_close(t->ports.items[i].lock_fd);
	vec_release(&t->ports);
}

static int reserve(struct trial *t, const struct trial_spec *spec, struct trial_forward *f,
		   struct error **err)
{
	int min = f->host ? f->host : PORT_MIN;
	int max = f->host ? f->host : PORT_MAX;
	struct port_reservation r = { .lock_fd = -1 };

	if (launch_reserve_port(spec->dirs, "127.0.0.1", min, max, &r, err) < 0) {
		if (f->host && (*err)->kind == ERROR_EXISTS)
			error_hint(err,
				   "something listens there: choose another port, or 0 for any");
		return -1;
	}
	*vec_push(&t->ports) = r;
	f->host = r.port;
	return 0;
}

static int reserve_all(struct trial *t, const struct trial_spec *spec, struct error **err)
{
	for (size_t i = 0; i < spec->forwards->len; i++)
		if (reserve(t, spec, &spec->forwards->items[i], err) < 0)
			return -1;
	return 0;
}

static int boot(struct trial *t, const struct stage *s, struct cancel *c, struct error **err)
{
	AUTO(strv) struct strv argv = STRV_INIT;
	const struct guest_spec spec = { .argv = &argv,
					 .temp_dir = s->spec->temp_dir,
					 .console = t->console,
					 .cwd = s->spec->cwd,
					 .journal = s->spec->journal,
					 .environ = s->spec->environ };

	build_argv(&argv, t, s);
	t->guest = guest_start(&spec, c, err);
	return t->guest ? 0 : -1;
}

/* Another program may take a port between our look and the emulator's: once more then. */
static int boot_with_ports(struct trial *t, const struct stage *s, struct cancel *c,
			   struct error **err)
{
	struct trial_forwards *forwards = s->spec->forwards;
	AUTO_FREE struct trial_forward *wanted =
		xmemdup(forwards->items, forwards->len * sizeof(*wanted));

	for (int i = 0; i < PORT_TRIES; i++) {
		if (reserve_all(t, s->spec, err) < 0)
			return -1;
		if (boot(t, s, c, err) == 0)
			return 0;
		if ((*err)->kind != ERROR_EXISTS || i == PORT_TRIES - 1)
			return -1;
		error_ignore(err, "another port may be free");
		give_back(t);
		memcpy(forwards->items, wanted, forwards->len * sizeof(*wanted));
	}
	return -1;
}

int trial_start(struct trial *ret, const struct trial_spec *spec, struct cancel *c,
		struct error **err)
{
	struct stage s = { .spec = spec, .arch = guest_arch_of(spec->binary) };
	int r = -1;

	*ret = (struct trial){ .console = spec->console
						  ? path_absolute(spec->cwd, spec->console)
						  : path_join(spec->temp_dir, "console.log") };
	if (guest_find_binary(spec->binary, err) == 0 && make_disk(ret, &s, c, err) == 0 &&
	    make_flash(&s, c, err) == 0 && choose_accel(ret, spec, c, err) == 0)
		r = boot_with_ports(ret, &s, c, err);
	release_stage(&s);
	if (r < 0)
		trial_release(ret);
	return r;
}

void trial_release(struct trial *t)
{
	guest_stop(t->guest);
	give_back(t);
	image_info_release(&t->info);
	free(t->console);
	free(t->why_slow);
	*t = (struct trial){ 0 };
}

/* ---- SSH ------------------------------------------------------------------------------- */

static int say_no_ssh(struct trial *t, struct error **err)
{
	AUTO(strbuf) struct strbuf tail = STRBUF_INIT;

	if ((*err)->kind != ERROR_TIMEOUT)
		return -1;
	error_ignore(err, "said better below");
	error_set(err, ERROR_TIMEOUT, "timeout waiting for SSH");
	guest_console_tail(t->guest, &tail);
	if (tail.len)
		error_hint(err, "the last lines of the serial console:\n%s", tail.buf);
	return -1;
}

int trial_wait_ssh(struct trial *t, int port, int64_t deadline, struct cancel *c,
		   struct error **err)
{
	const struct probe_options o = { .host = "127.0.0.1", .port = port, .deadline = deadline };
	struct probe_report report = { 0 };
	AUTO_CLOSE int fd = -1;

	return probe_connect(&o, c, &report, &fd, err) < 0 ? say_no_ssh(t, err) : 0;
}
