/* SPDX-License-Identifier: Apache-2.0 */
#include "builder/qemu/argv.h"

#include "base/alloc.h"
#include "base/str.h"
#include "base/vec.h"
#include "builder/qemu/arch.h"

#include <stdlib.h>
#include <string.h>

/* One switch and its values in order; a switch without values is a flag. */
struct argv_switch {
	char *key;
	struct strv values;
};
VEC_DECLARE(switch_list, struct argv_switch);

static void release_switches(struct switch_list *list)
{
	for (size_t i = 0; i < list->len; i++) {
		free(list->items[i].key);
		strv_release(&list->items[i].values);
	}
	vec_release(list);
}

static struct argv_switch *find(struct switch_list *list, const char *key)
{
	for (size_t i = 0; i < list->len; i++)
		if (!strcmp(list->items[i].key, key))
			return &list->items[i];
	return NULL;
}

static struct argv_switch *find_or_add(struct switch_list *list, const char *key)
{
	struct argv_switch *s = find(list, key);

	if (s)
		return s;
	s = vec_push(list);
	s->key = xstrdup(key);
	strv_init(&s->values);
	return s;
}

static void add(struct switch_list *list, const char *key, const char *value)
{
	strv_push(&find_or_add(list, key)->values, value);
}

static void add_take(struct switch_list *list, const char *key, char *value)
{
	strv_push_take(&find_or_add(list, key)->values, value);
}

char *qemu_argv_escape(const char *path)
{
	AUTO(strbuf) struct strbuf sb = STRBUF_INIT;

	strbuf_addstr(&sb, path);
	strbuf_replace(&sb, ",", ",,");
	return strbuf_detach(&sb);
}

/* ---- the machine ------------------------------------------------------------------ */

int64_t qemu_argv_cpu_product(const struct qemu_config *c)
{
	const int64_t n[] = { c->sockets, c->cores, c->threads };
	int64_t p = 0;

	for (size_t i = 0; i < ARRAY_LEN(n); i++)
		if (n[i] > 0)
			p = p ? p * n[i] : n[i];
	return p;
}

char *qemu_argv_smp(const struct qemu_config *c, int unsaid)
{
	AUTO(strbuf) struct strbuf sb = STRBUF_INIT;
	int64_t p = qemu_argv_cpu_product(c);
	int64_t count = c->cpus;

	if (!p && !count)
		return xasprintf("%d", unsaid);
	if (!count || (p && count > p))
		count = p;
	strbuf_addf(&sb, "%lld", (long long)count);
	if (c->sockets > 0)
		strbuf_addf(&sb, ",sockets=%lld", (long long)c->sockets);
	if (c->cores > 0)
		strbuf_addf(&sb, ",cores=%lld", (long long)c->cores);
	if (c->threads > 0)
		strbuf_addf(&sb, ",threads=%lld", (long long)c->threads);
	return strbuf_detach(&sb);
}

/* What needs the hardware itself is replaced by the nearest thing that software offers. */
static const char *cpu_model(const struct qemu_argv *in)
{
	const struct qemu_config *c = in->config;
	const struct guest_arch *arch = guest_arch_of(c->qemu_binary);
	bool hard = strcmp(in->accel, "tcg") && strcmp(in->accel, "none");

	if (text_is_empty(c->cpu_model)) {
		if (!guest_arch_is_bare(arch, c->machine_type))
			return NULL;
		return hard ? arch->hard_cpu : arch->soft_cpu;
	}
	if (!strcmp(in->accel, "tcg") && !strcmp(c->cpu_model, "host"))
		return arch->soft_host;
	return c->cpu_model;
}

/* An emulated processor is slow and a second one halves the time that a guest takes to boot, so a
 * template that does not say gets it where the host has one to spare. */
static int unsaid_cpus(const struct qemu_argv *in)
{
	return !strcmp(in->accel, "tcg") && in->host_cpus > 1 ? 2 : 1;
}

static void add_machine(struct switch_list *list, const struct qemu_argv *in)
{
	const struct qemu_config *c = in->config;

	add(list, "-name", c->vm_name);
	if (!strcmp(in->accel, "none"))
		add_take(list, "-machine", xasprintf("type=%s", c->machine_type));
	else
		add_take(list, "-machine",
			 xasprintf("type=%s,accel=%s", c->machine_type, in->accel));
	if (!text_is_empty(c->firmware) && !c->use_pflash)
		add(list, "-bios", c->firmware);
	if (!c->efi_boot && guest_arch_of(c->qemu_binary)->hears_boot_order)
		add(list, "-boot", c->disk_image || in->installed ? "c" : "once=d");
	add_take(list, "-m", xasprintf("%lldM", (long long)c->memory));
	add_take(list, "-smp", qemu_argv_smp(c, unsaid_cpus(in)));
	if (!text_is_empty(cpu_model(in)))
		add(list, "-cpu", cpu_model(in));
}

static void add_surroundings(struct switch_list *list, const struct qemu_argv *in)
{
	const struct qemu_config *c = in->config;
	const char *display = c->display;

	if (!text_is_empty(c->net_bridge)) {
		AUTO_FREE char *name = qemu_argv_escape(c->net_bridge);

		add_take(list, "-netdev", xasprintf("bridge,id=" QEMU_NETDEV_ID ",br=%s", name));
	} else if (in->host_port)
		add_take(list, "-netdev",
			 xasprintf("user,id=" QEMU_NETDEV_ID ",hostfwd=tcp:127.0.0.1:%d-:%d",
				   in->host_port, qemu_config_guest_port(c)));
	else
		add(list, "-netdev", "user,id=" QEMU_NETDEV_ID);
	add_take(list, "-vnc",
		 xasprintf(strchr(c->vnc_bind_address, ':') ? "[%s]:%d%s" : "%s:%d%s",
			   c->vnc_bind_address, in->vnc_port - 5900,
			   c->vnc_use_password ? ",password=on" : ""));
	if (c->qmp_enable) {
		AUTO_FREE char *path = qemu_argv_escape(c->qmp_socket_path);

		add_take(list, "-qmp", xasprintf("unix:%s,server=on,wait=off", path));
	}
	if (in->tpm_fd) {
		add_take(list, "-chardev", xasprintf("socket,id=vtpm,fd=%d", in->tpm_fd));
		add(list, "-tpmdev", "emulator,id=tpm0,chardev=vtpm");
	}
	if (in->floppy)
		add(list, "-fda", in->floppy);
	if (text_is_empty(display) || !strcmp(display, "none"))
		display = c->use_default_display ? NULL : "gtk";
	if (!c->headless && display)
		add(list, "-display", display);
	if (!text_is_empty(c->vga))
		add(list, "-vga", c->vga);
}

/* ---- drives ------------------------------------------------------------------------- */

static void add_disk(struct switch_list *list, const struct qemu_argv *in, size_t nr)
{
	const struct qemu_config *c = in->config;
	AUTO(strbuf) struct strbuf drive = STRBUF_INIT;
	AUTO_FREE char *file = qemu_argv_escape(in->disks->v[nr]);

	if (!strcmp(c->disk_interface, "virtio-scsi")) {
		if (nr == 0)
			add(list, "-device", "virtio-scsi-pci,id=scsi0");
		add_take(list, "-device", xasprintf("scsi-hd,bus=scsi0.0,drive=drive%zu", nr));
		strbuf_addf(&drive, "if=none,file=%s,id=drive%zu", file, nr);
	} else {
		strbuf_addf(&drive, "file=%s,if=%s", file, c->disk_interface);
	}
	strbuf_addf(&drive, ",cache=%s,discard=%s,format=%s", c->disk_cache, c->disk_discard,
		    in->layered ? "qcow2" : c->format);
	if (strcmp(c->disk_detect_zeroes, "off") != 0)
		strbuf_addf(&drive, ",detect-zeroes=%s", c->disk_detect_zeroes);
	add(list, "-drive", drive.buf);
}

static bool is_overridden(const struct qemu_argv *in, const char *key)
{
	for (size_t i = 0; in->overrides && i < in->overrides->len; i++)
		if (in->overrides->v[i].len && !strcmp(in->overrides->v[i].v[0], key))
			return true;
	return false;
}

/* NULL: QEMU's choice, which on "virt" is a disk that cannot be written to. Better a real CD drive,
 * but that is a device, and a template that has its own ones drops all of ours. */
static const char *cdrom_interface(const struct qemu_argv *in)
{
	const struct qemu_config *c = in->config;
	const struct guest_arch *arch = guest_arch_of(c->qemu_binary);

	if (!text_is_empty(c->cdrom_interface))
		return c->cdrom_interface;
	if (guest_arch_is_bare(arch, c->machine_type) && !is_overridden(in, "-device"))
		return arch->cdrom;
	return NULL;
}

/* The first index on the bus that no disk has: QEMU refuses two drives in one place. */
static size_t first_free(const struct qemu_argv *in, const char *bus)
{
	return text_eq(in->config->disk_interface, bus) ? in->disks->len : 0;
}

/* CD drive number `nr`, counted from 0. */
static void add_cdrom(struct switch_list *list, const struct qemu_argv *in, const char *path,
		      size_t nr)
{
	const char *bus = cdrom_interface(in);
	AUTO_FREE char *file = qemu_argv_escape(path);
	bool scsi_disks = !strcmp(in->config->disk_interface, "virtio-scsi");

	if (!bus) {
		add_take(list, "-drive", xasprintf("file=%s,media=cdrom", file));
		return;
	}
	if (strcmp(bus, "virtio-scsi") != 0) {
		add_take(list, "-drive",
			 xasprintf("file=%s,if=%s,index=%zu,id=cdrom%zu,media=cdrom", file, bus,
				   first_free(in, bus) + nr, nr));
		return;
	}
	if (!scsi_disks && nr == 0)
		add(list, "-device", "virtio-scsi-pci,id=scsi0");
	add_take(list, "-device", xasprintf("scsi-cd,drive=cdrom%zu", nr));
	add_take(list, "-drive",
		 xasprintf("file=%s,if=none,index=%zu,id=cdrom%zu,media=cdrom", file,
			   first_free(in, bus) + nr, nr));
}

static void add_cdroms(struct switch_list *list, const struct qemu_argv *in)
{
	if (in->iso)
		add_cdrom(list, in, in->iso, 0);
	if (in->cd)
		add_cdrom(list, in, in->cd, in->iso ? 1 : 0);
}

static void add_flash(struct switch_list *list, const struct qemu_argv *in)
{
	const struct qemu_config *c = in->config;

	if (!text_is_empty(c->firmware) && c->use_pflash) {
		AUTO_FREE char *file = qemu_argv_escape(c->firmware);

		add_take(list, "-drive",
			 xasprintf("file=%s,if=pflash,format=raw,readonly=on", file));
	}
	if (in->flash) {
		add_take(list, "-drive", flash_code_drive(in->flash));
		add_take(list, "-drive", flash_vars_drive(in->flash));
	}
}

static char *network_card(const struct qemu_argv *in)
{
	return xasprintf("%s,netdev=" QEMU_NETDEV_ID "%s%s", in->config->net_device,
			 in->mac ? ",mac=" : "", in->mac ? in->mac : "");
}

static void add_devices(struct switch_list *list, const struct qemu_argv *in)
{
	/* before -drive: the network card gets the same slot, so the guest's name for it stays */
	(void)find_or_add(list, "-device");
	for (size_t i = 0; i < in->disks->len; i++)
		add_disk(list, in, i);
	add_take(list, "-device", network_card(in));
	add_cdroms(list, in);
	add_flash(list, in);
	if (in->tpm_fd)
		add_take(list, "-device", xasprintf("%s,tpmdev=tpm0", in->config->tpm_device_type));
}

/* ---- qemuargs ------------------------------------------------------------------------ */

static void read_overrides(struct switch_list *list, const struct text_table *table)
{
	for (size_t i = 0; table && i < table->len; i++) {
		const struct text_list *row = &table->v[i];
		AUTO(strbuf) struct strbuf value = STRBUF_INIT;

		if (!row->len)
			continue;
		for (size_t j = 1; j < row->len; j++)
			strbuf_addstr(&value, row->v[j]);

		struct argv_switch *s = find_or_add(list, row->v[0]);

		if (value.len)
			strv_push(&s->values, value.buf);
	}
}

static void emit(struct strv *ret, const struct argv_switch *s)
{
	if (!s->values.len)
		strv_push(ret, s->key);
	for (size_t i = 0; i < s->values.len; i++)
		strv_pushl(ret, s->key, s->values.v[i], NULL);
}

/* The guest keeps its network card unless the user's own devices mention one like it. */
static void keep_network_card(struct switch_list *user, const struct qemu_argv *in)
{
	struct argv_switch *devices = find(user, "-device");

	if (!devices)
		return;

	AUTO_FREE char *all = strv_join(&devices->values, "");

	if (!strstr(all, in->config->net_device))
		strv_push_take(&devices->values, network_card(in));
}

/* In the order of our table; the user's switches take the place of ours, new ones follow. */
static void merge(struct strv *ret, struct switch_list *ours, struct switch_list *user)
{
	for (size_t i = 0; i < ours->len; i++) {
		const struct argv_switch *theirs = find(user, ours->items[i].key);

		emit(ret, theirs ? theirs : &ours->items[i]);
	}
	for (size_t i = 0; i < user->len; i++)
		if (!find(ours, user->items[i].key))
			emit(ret, &user->items[i]);
}

/* ---- what is ours in any case: no default of the reference, so nothing to replace ---------- */

/* Does a value of the switch mention one of the words? NULL ends them. */
static bool mentions(struct switch_list *list, const char *key, const char *const *words)
{
	const struct argv_switch *s = find(list, key);

	for (size_t i = 0; s && i < s->values.len; i++)
		for (const char *const *w = words; *w; w++)
			if (strstr(s->values.v[i], *w))
				return true;
	return false;
}

/* A machine that the template describes by itself has only what that says. */
static void push_pvpanic(const struct qemu_argv *in, struct switch_list *user, struct strv *ret,
			 struct qemu_argv_facts *facts)
{
	static const char *const pvpanic[] = { "pvpanic", NULL };
	const struct guest_arch *arch = guest_arch_of(in->config->qemu_binary);

	facts->own_pvpanic = guest_arch_has_pvpanic(arch, in->config->machine_type) &&
			     !find(user, "-machine") && !find(user, "-M") &&
			     !find(user, "-action") && !mentions(user, "-device", pvpanic);
	if (facts->own_pvpanic)
		strv_pushl(ret, "-device", arch->pvpanic, NULL);
}

/* Tells a kernel that it goes on in another time and place: it must not use its random numbers
 * again. It is no device on a bus, and what is on one keeps its place. */
static void push_generation(const struct qemu_argv *in, struct switch_list *user, struct strv *ret)
{
	static const char *const same[] = { "vmgenid", NULL };
	const struct qemu_config *c = in->config;

	if (in->layered && guest_arch_has_vmgenid(guest_arch_of(c->qemu_binary), c->machine_type) &&
	    !find(user, "-machine") && !find(user, "-M") && !mentions(user, "-device", same))
		strv_pushl(ret, "-device", "vmgenid,guid=auto", NULL);
}

static void push_console(const struct qemu_argv *in, struct switch_list *user, struct strv *ret,
			 struct qemu_argv_facts *facts)
{
	AUTO_FREE char *file = qemu_argv_escape(in->console);

	facts->own_console = !find(user, "-serial");
	if (!facts->own_console)
		return;
	strv_pushf(ret, "-chardev");
	strv_pushf(ret, "file,id=ingot-console,path=%s", file);
	strv_pushl(ret, "-serial", "chardev:ingot-console", NULL);
}

/*
 * A screen to watch and a keyboard to type on, where the machine has none. The
 * screen is one that firmware and every kernel can use without a driver.
 */
static void push_screen_and_keyboard(const struct qemu_argv *in, struct switch_list *user,
				     struct strv *ret, struct qemu_argv_facts *facts)
{
	static const char *const screens[] = { "gpu", "vga", "VGA", "ramfb", "bochs", "qxl", NULL };
	static const char *const keyboards[] = { "-kbd", "keyboard", NULL };
	static const char *const virt[] = { "virt", NULL };
	const struct qemu_config *c = in->config;
	const struct guest_arch *arch = guest_arch_of(c->qemu_binary);
	bool own_keyboard = mentions(user, "-device", keyboards);

	facts->keyboard = QEMU_KEYBOARD_UNKNOWN;
	if (arch->has_ps2 && !own_keyboard)
		facts->keyboard = QEMU_KEYBOARD_PS2;
	if (!guest_arch_is_bare(arch, c->machine_type) ||
	    (find(user, "-machine") && !mentions(user, "-machine", virt)) || find(user, "-M"))
		return;
	if (text_is_empty(c->vga) && !find(user, "-vga") && !mentions(user, "-device", screens))
		strv_pushl(ret, "-device", "ramfb", NULL);
	if (own_keyboard)
		return;
	strv_pushl(ret, "-device", "qemu-xhci,id=" QEMU_USB_ID, "-device",
		   "usb-kbd,bus=" QEMU_USB_ID ".0", NULL);
	facts->keyboard = QEMU_KEYBOARD_USB;
}

void qemu_argv_build(const struct qemu_argv *in, struct strv *ret, struct qemu_argv_facts *facts)
{
	struct switch_list ours = { 0 }, user = { 0 };

	read_overrides(&user, in->overrides);
	keep_network_card(&user, in);
	add_machine(&ours, in);
	add_surroundings(&ours, in);
	add_devices(&ours, in);
	strv_push(ret, in->config->qemu_binary);
	merge(ret, &ours, &user);
	push_screen_and_keyboard(in, &user, ret, facts);
	push_console(in, &user, ret, facts);
	push_pvpanic(in, &user, ret, facts);
	push_generation(in, &user, ret);
	if (in->credential)
		strv_pushl(ret, "-smbios", in->credential, NULL);
	if (in->incoming)
		strv_pushl(ret, "-incoming", "defer", NULL);
	release_switches(&ours);
	release_switches(&user);
}
