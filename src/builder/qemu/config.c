/* SPDX-License-Identifier: Apache-2.0 */
#include "builder/qemu/config.h"

#include "builder/qemu/boot_command.h"

#include "base/alloc.h"
#include "base/duration.h"
#include "base/str.h"
#include "builder/qemu/firmware.h"
#include "builder/qemu/image.h"
#include "net/checksum.h"

#include <stdlib.h>
#include <string.h>

/* clang-format off */
static const struct attr img_attrs[] = {
	ATTR_STRINGS(struct qemu_img_args, convert, 0, "Further arguments of qemu-img convert."),
	ATTR_STRINGS(struct qemu_img_args, create, 0, "Further arguments of qemu-img create."),
	ATTR_STRINGS(struct qemu_img_args, resize, 0, "Further arguments of qemu-img resize."),
	ATTR_END,
};
static const struct schema img_schema = SCHEMA(struct qemu_img_args, img_attrs);

static const struct attr qemu_attrs[] = {
	ATTR_STRING(struct qemu_config, accelerator, 0, "none, kvm, tcg, xen, hax, hvf or whpx. Not set: kvm where a guest can run with it, else tcg."),
	ATTR_STRING(struct qemu_config, machine_type, 0, "QEMU machine type.", .def = "pc"),
	ATTR_STRING(struct qemu_config, cpu_model, 0, "QEMU CPU model. Not set: QEMU's default."),
	ATTR_INT(struct qemu_config, cpus, 0,
		 "Number of virtual CPUs. Not said: 1; 2 where the guest is emulated and the host "
		 "has as many.",
		 .def = "0"),
	ATTR_INT(struct qemu_config, sockets, 0, "CPU sockets.", .def = "0"),
	ATTR_INT(struct qemu_config, cores, 0, "Cores of each socket.", .def = "0"),
	ATTR_INT(struct qemu_config, threads, 0, "Threads of each core.", .def = "0"),
	ATTR_INT(struct qemu_config, memory, 0, "Memory in MiB; less than 10 means 512.", .def = "512"),
	ATTR_STRING(struct qemu_config, qemu_binary, 0, "Name or path of the emulator.", .def = "qemu-system-x86_64"),
	ATTR_TABLE(struct qemu_config, qemuargs, ATTR_LATE, "Rows of a switch and its value for the emulator; a switch replaces all of ours with that name."),
	ATTR_BOOL(struct qemu_config, headless, 0, "Do not open a window."),
	ATTR_STRING(struct qemu_config, display, 0, "Value of -display when not headless; gtk if empty."),
	ATTR_BOOL(struct qemu_config, use_default_display, 0, "Leave -display away, so that the emulator chooses."),
	ATTR_STRING(struct qemu_config, vga, 0, "Kind of graphics card."),
	ATTR_STRING(struct qemu_config, firmware, 0, "Firmware file, for -bios or, with use_pflash, a flash drive."),
	ATTR_BOOL(struct qemu_config, use_pflash, 0, "Give the firmware as a flash drive."),
	ATTR_BOOL(struct qemu_config, efi_boot, 0, "Boot with UEFI firmware; on when one of the two paths below is set."),
	ATTR_STRING(struct qemu_config, efi_firmware_code, 0, "UEFI code. Not set: that of OVMF."),
	ATTR_STRING(struct qemu_config, efi_firmware_vars, 0, "UEFI variables to start from, copied. Not set: those of OVMF."),
	ATTR_BOOL(struct qemu_config, efi_drop_efivars, 0, "Do not list efivars.fd in the artifact."),
	ATTR_BOOL(struct qemu_config, vtpm, 0, "Give the guest a TPM (needs swtpm)."),
	ATTR_BOOL(struct qemu_config, use_tpm1, 0, "TPM 1.2 instead of 2.0."),
	ATTR_STRING(struct qemu_config, tpm_device_type, 0, "Device the TPM appears as.", .def = "tpm-tis"),
	ATTR_STRING(struct qemu_config, net_device, 0, "Network card.", .def = "virtio-net"),
	ATTR_STRING(struct qemu_config, net_bridge, 0, "Host bridge to connect to instead of user networking."),
	ATTR_BOOL(struct qemu_config, run_once, ATTR_IGNORED, "Has no effect."),

	ATTR_BOOL(struct qemu_config, disk_image, 0, "The ISO is a bootable disk image: start from it."),
	ATTR_BOOL(struct qemu_config, use_backing_file, 0, "Keep the result on top of the image it started from."),
	ATTR_STRING(struct qemu_config, disk_size, 0, "Size of the main disk.", .def = "40960M"),
	ATTR_STRINGS(struct qemu_config, disk_additional_size, 0, "Sizes of further disks."),
	ATTR_STRING(struct qemu_config, disk_interface, 0, "ide, sata, scsi, sd, virtio or virtio-scsi.", .def = "virtio"),
	ATTR_STRING(struct qemu_config, disk_cache, 0, "writethrough, writeback, none, unsafe or directsync. Not set: unsafe while building, flushed at the end."),
	ATTR_STRING(struct qemu_config, disk_discard, 0, "unmap or ignore. Not set: unmap."),
	ATTR_STRING(struct qemu_config, disk_detect_zeroes, 0, "unmap, on or off. Not set: unmap."),
	ATTR_STRING(struct qemu_config, format, 0, "qcow2 or raw.", .def = "qcow2"),
	ATTR_BOOL(struct qemu_config, skip_resize_disk, 0, "Leave a disk image at its size."),
	ATTR_BOOL(struct qemu_config, skip_compaction, 0, "Do not compact the disk at the end."),
	ATTR_BOOL(struct qemu_config, disk_compression, 0, "Compress the disk at the end."),
	ATTR_BLOCK(struct qemu_config, qemu_img_args, 0, &img_schema, "Further arguments for qemu-img."),
	ATTR_STRING(struct qemu_config, vm_name, 0, "File name of the main disk. Not set: packer-NAME."),
	ATTR_STRING(struct qemu_config, output_directory, 0, "Directory for the result; must not exist. Not set: output-NAME."),
	ATTR_STRING(struct qemu_config, cdrom_interface, 0, "Bus of the CD drives. Not set: QEMU's choice."),

	ATTR_STRING(struct qemu_config, vnc_bind_address, 0, "Address of the VNC server.", .def = "127.0.0.1"),
	ATTR_INT(struct qemu_config, vnc_port_min, 0, "First port for VNC.", .def = "5900"),
	ATTR_INT(struct qemu_config, vnc_port_max, 0, "Last port for VNC.", .def = "6000"),
	ATTR_BOOL(struct qemu_config, vnc_use_password, 0, "Ask VNC viewers for a password."),
	ATTR_STRING(struct qemu_config, vnc_password, ATTR_SENSITIVE, "That password, at most 8 characters. Not set: a random one."),
	ATTR_BOOL(struct qemu_config, disable_vnc, 0, "Do not type boot steps."),
	ATTR_DURATION(struct qemu_config, boot_wait, 0, "How long to wait before typing; 0 is 10s, negative none.", .def = "0"),
	ATTR_STRINGS(struct qemu_config, boot_command, ATTR_LATE, "Keys to type when the guest has started."),
	ATTR_TABLE(struct qemu_config, boot_steps, ATTR_LATE, "Rows of keys and a description."),
	ATTR_DURATION(struct qemu_config, boot_key_interval, 0, "Pause after a key going down or up."),
	ATTR_DURATION(struct qemu_config, boot_keygroup_interval, 0, "Has no effect."),
	ATTR_BOOL(struct qemu_config, qmp_enable, 0, "Open a monitor socket for others."),
	ATTR_STRING(struct qemu_config, qmp_socket_path, 0, "Where. Not set: OUTPUT_DIRECTORY/VM_NAME.monitor."),

	ATTR_INT(struct qemu_config, host_port_min, 0, "First port to forward to the guest's communicator.", .def = "2222"),
	ATTR_INT(struct qemu_config, host_port_max, 0, "Last port to forward to the guest's communicator.", .def = "4444"),
	ATTR_INT(struct qemu_config, ssh_host_port_min, 0, "Old name of host_port_min.", .def = "0"),
	ATTR_INT(struct qemu_config, ssh_host_port_max, 0, "Old name of host_port_max.", .def = "0"),
	ATTR_BOOL(struct qemu_config, skip_nat_mapping, 0, "Forward the communicator's own port number."),
	ATTR_STRING(struct qemu_config, http_directory, 0, "Directory to serve to the guest."),
	ATTR_MAP(struct qemu_config, http_content, 0, "Texts to serve to the guest, by path."),
	ATTR_INT(struct qemu_config, http_port_min, 0, "First port of the HTTP server.", .def = "8000"),
	ATTR_INT(struct qemu_config, http_port_max, 0, "Last port of the HTTP server.", .def = "9000"),
	ATTR_STRING(struct qemu_config, http_bind_address, 0, "Address the HTTP server listens on; 127.0.0.1, which the guest reaches, when not set."),
	ATTR_STRING(struct qemu_config, http_interface, 0, "Network interface of the HTTP server."),
	ATTR_STRING(struct qemu_config, http_network_protocol, 0, "tcp, tcp4, tcp6, unix or unixpacket.", .def = "tcp"),

	ATTR_STRINGS(struct qemu_config, floppy_files, 0, "Files for a floppy disk."),
	ATTR_STRINGS(struct qemu_config, floppy_dirs, 0, "Directories for a floppy disk."),
	ATTR_MAP(struct qemu_config, floppy_content, 0, "Texts for a floppy disk, by name."),
	ATTR_STRING(struct qemu_config, floppy_label, 0, "Label of the floppy disk.", .def = "packer"),
	ATTR_STRINGS(struct qemu_config, cd_files, 0, "Files and directories for a CD."),
	ATTR_MAP(struct qemu_config, cd_content, 0, "Texts for a CD, by path."),
	ATTR_STRING(struct qemu_config, cd_label, 0, "Label of the CD.", .def = "packer"),
	ATTR_STRING(struct qemu_config, iso_url, 0, "Install medium or disk image: path or URL."),
	ATTR_STRINGS(struct qemu_config, iso_urls, 0, "The same, several places to try in order."),
	ATTR_STRING(struct qemu_config, iso_checksum, 0, "TYPE:HEX, HEX, file:PLACE or none."),
	ATTR_STRING(struct qemu_config, iso_target_path, 0, "Where to keep the download. Not set: in the cache."),
	ATTR_STRING(struct qemu_config, iso_target_extension, 0, "Extension of the cached file.", .def = "iso"),
	ATTR_BOOL(struct qemu_config, iso_skip_cache, 0, "Let the emulator read the medium over HTTP."),

	ATTR_STRING(struct qemu_config, shutdown_command, 0, "Command that shuts the guest down. Not set: its power button is pressed."),
	ATTR_DURATION(struct qemu_config, shutdown_timeout, 0, "How long the guest may take to end.", .def = "5m"),
	ATTR_INCLUDE(struct qemu_config, comm, struct comm_config, &comm_schema),
	ATTR_END,
};
const struct schema qemu_schema = SCHEMA(struct qemu_config, qemu_attrs);
/* clang-format on */

enum {
	MIN_MEMORY = 10,
	DEFAULT_MEMORY = 512,
	MIN_VNC_PORT = 5900,
	MAX_PORT = 65535,
	VNC_PASSWORD_MAX = 8,
	DEFAULT_SHUTDOWN_MINUTES = 5,
};

static const char *const accelerators[] = {
	"none", "kvm", "tcg", "xen", "hax", "hvf", "whpx", NULL
};
static const char *const interfaces[] = {
	"ide", "sata", "scsi", "sd", "virtio", "virtio-scsi", NULL
};
static const char *const caches[] = { "writethrough", "writeback",  "none",
				      "unsafe",       "directsync", NULL };
static const char *const discards[] = { "unmap", "ignore", NULL };
static const char *const zeroes[] = { "unmap", "on", "off", NULL };
static const char *const formats[] = { "qcow2", "raw", NULL };

struct check {
	struct qemu_config *c;
	const struct prepare_ctx *ctx;
	struct diags *diags;
};

PRINTF(3, 4) static void complain(struct check *k, const char *attr, const char *fmt, ...)
{
	struct range at = decoded_range(k->ctx->decoded, attr);
	AUTO(strbuf) struct strbuf text = STRBUF_INIT;
	va_list ap;

	va_start(ap, fmt);
	strbuf_vaddf(&text, fmt, ap);
	va_end(ap);
	diags_error(k->diags, &at, text.buf, "%s", "");
}

static void warn(struct check *k, const char *attr, const char *text)
{
	struct range at = decoded_range(k->ctx->decoded, attr);

	diags_warning(k->diags, &at, text, "%s", "");
}

static bool is_one_of(const char *s, const char *const *list)
{
	for (; *list; list++)
		if (!strcmp(s, *list))
			return true;
	return false;
}

static void check_choice(struct check *k, const char *attr, const char *value,
			 const char *const *list, const char *text)
{
	if (!text_is_empty(value) && !is_one_of(value, list))
		complain(k, attr, "%s", text);
}

/* ---- defaults ------------------------------------------------------------------- */

static void set_default(const char **member, const char *value)
{
	if (text_is_empty(*member))
		*member = value;
}

static void set_names(struct check *k)
{
	struct qemu_config *c = k->c;
	const char *name = k->ctx->info->source_name;

	if (text_is_empty(c->vm_name))
		c->vm_name = arena_printf(k->ctx->arena, "packer-%s", name);
	if (text_is_empty(c->output_directory))
		c->output_directory = arena_printf(k->ctx->arena, "output-%s", name);
	if (c->qmp_enable && text_is_empty(c->qmp_socket_path))
		c->qmp_socket_path = arena_printf(k->ctx->arena, "%s/%s.monitor",
						  c->output_directory, c->vm_name);
}

static void set_old_ports(struct check *k)
{
	struct qemu_config *c = k->c;

	if (c->ssh_host_port_min) {
		c->host_port_min = c->ssh_host_port_min;
		warn(k, "ssh_host_port_min",
		     "ssh_host_port_min is deprecated and is being replaced by host_port_min. "
		     "Please, update your template to use host_port_min.");
	}
	if (c->ssh_host_port_max) {
		c->host_port_max = c->ssh_host_port_max;
		warn(k, "ssh_host_port_max",
		     "ssh_host_port_max is deprecated and is being replaced by host_port_max. "
		     "Please, update your template to use host_port_max.");
	}
}

/* Where both are ours to choose, a pair that exists; else the reference's names. */
static void set_firmware(struct qemu_config *c)
{
	struct firmware_pair pair;
	AUTO(error) struct error *e = NULL;

	if (!text_is_empty(c->efi_firmware_code) || !text_is_empty(c->efi_firmware_vars))
		c->efi_boot = true;
	else if (c->efi_boot && firmware_find(&pair, &e) == 0)
		c->efi_firmware_code = pair.code, c->efi_firmware_vars = pair.vars;
	if (!c->efi_boot)
		return;
	set_default(&c->efi_firmware_code, "/usr/share/OVMF/OVMF_CODE.fd");
	set_default(&c->efi_firmware_vars, "/usr/share/OVMF/OVMF_VARS.fd");
}

static void set_defaults(struct check *k)
{
	struct qemu_config *c = k->c;

	if (c->memory < MIN_MEMORY)
		c->memory = DEFAULT_MEMORY;
	if (c->shutdown_timeout == 0)
		c->shutdown_timeout = DEFAULT_SHUTDOWN_MINUTES * 60 * NSEC_PER_SEC;
	set_default(&c->machine_type, "pc");
	set_default(&c->qemu_binary, "qemu-system-x86_64");
	set_default(&c->tpm_device_type, "tpm-tis");
	set_default(&c->net_device, "virtio-net");
	set_default(&c->disk_interface, "virtio");
	/* A build that is cut short is thrown away, so the guest need not wait for the host's disk;
	 * unused blocks need not be kept, so there is less to compact. */
	set_default(&c->disk_cache, "unsafe");
	set_default(&c->disk_discard, "unmap");
	set_default(&c->disk_detect_zeroes, "unmap");
	set_default(&c->format, "qcow2");
	set_default(&c->vnc_bind_address, "127.0.0.1");
	set_default(&c->iso_target_extension, "iso");
	set_firmware(c);
	if (!strcmp(c->format, "raw")) {
		c->skip_compaction = true;
		c->disk_compression = false;
	}
	if (c->use_backing_file)
		c->skip_compaction = true;
	if (!text_is_empty(c->net_bridge) || c->vnc_use_password)
		c->qmp_enable = true;
	set_names(k);
	set_old_ports(k);
}

/* ---- checks, in the order of qemu-builder.md 3 ------------------------------------ */

static void check_disk_size(struct check *k)
{
	struct qemu_config *c = k->c;
	size_t len;

	if (text_is_empty(c->disk_size) || !strcmp(c->disk_size, "0"))
		c->disk_size = "40960M";
	if (image_size_parse(c->disk_size) < 0) {
		complain(k, "disk_size", "Invalid disk size.");
		return;
	}
	len = strlen(c->disk_size);
	if (c->disk_size[len - 1] >= '0' && c->disk_size[len - 1] <= '9')
		c->disk_size = arena_printf(k->ctx->arena, "%sM", c->disk_size);
}

/* A file of checksums is read when the build starts; all other forms tell now. */
static void check_checksum(struct check *k)
{
	const struct qemu_config *c = k->c;
	const struct checksum_context how = { .cwd = k->ctx->cwd };
	AUTO_FREE char *canonical = NULL;
	AUTO(error) struct error *e = NULL;

	if (text_is_empty(c->iso_checksum) || text_starts_with(c->iso_checksum, "file:"))
		return;
	if (checksum_resolve(c->iso_checksum, &how, NULL, &canonical, &e) < 0)
		complain(k, "iso_checksum", "%s", e->message);
}

static void check_iso(struct check *k)
{
	struct qemu_config *c = k->c;
	const char **one;

	if (c->iso_skip_cache)
		c->iso_checksum = "none";
	if (!text_is_empty(c->iso_url) && c->iso_urls.len) {
		complain(k, "iso_urls", "Only one of iso_url or iso_urls must be specified");
	} else if (!text_is_empty(c->iso_url)) {
		one = ARENA_ARRAY(k->ctx->arena, const char *, 2);
		one[0] = c->iso_url;
		c->urls = (struct text_list){ .v = one, .len = 1 };
	} else if (c->iso_urls.len) {
		c->urls = c->iso_urls;
	} else {
		complain(k, "iso_url", "One of iso_url or iso_urls must be specified");
	}
	check_checksum(k);
	if (text_is_empty(c->iso_checksum))
		complain(k, "iso_checksum", "A checksum must be specified");
	else if (!strcmp(c->iso_checksum, "none") && !c->iso_skip_cache)
		warn(k, "iso_checksum",
		     "A checksum of 'none' was specified. Since ISO files are so big,\n"
		     "a checksum is highly recommended.");
}

static void check_disk_rules(struct check *k)
{
	struct qemu_config *c = k->c;

	check_choice(k, "format", c->format, formats,
		     "invalid format, only 'qcow2' or 'raw' are allowed");
	if (c->use_backing_file && (!c->disk_image || strcmp(c->format, "qcow2") != 0))
		complain(
			k, "use_backing_file",
			"use_backing_file can only be enabled for QCOW2 images and when disk_image "
			"is true");
	if (c->skip_resize_disk && !c->disk_image)
		complain(k, "skip_resize_disk",
			 "skip_resize_disk can only be used when disk_image is true");
	check_choice(
		k, "accelerator", c->accelerator, accelerators,
		"invalid accelerator, only 'kvm', 'tcg', 'xen', 'hax', 'hvf', 'whpx', or 'none' "
		"are allowed");
	check_choice(k, "disk_interface", c->disk_interface, interfaces,
		     "unrecognized disk interface type");
	check_choice(k, "disk_cache", c->disk_cache, caches, "unrecognized disk cache type");
	check_choice(k, "disk_discard", c->disk_discard, discards,
		     "unrecognized disk discard type");
	check_choice(k, "disk_detect_zeroes", c->disk_detect_zeroes, zeroes,
		     "unrecognized disk detect zeroes setting");
}

static void check_cpus(struct check *k)
{
	const struct {
		const char *name;
		int64_t n;
	} rows[] = {
		{ "cpus", k->c->cpus },
		{ "sockets", k->c->sockets },
		{ "cores", k->c->cores },
		{ "threads", k->c->threads },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		if (rows[i].n < 0)
			complain(k, rows[i].name, "%s must be a positive number", rows[i].name);
}

static void check_ports(struct check *k)
{
	const struct qemu_config *c = k->c;

	if (c->host_port_min > c->host_port_max)
		complain(k, "host_port_min", "host_port_min must be less than host_port_max");
	if (c->host_port_min < 0)
		complain(k, "host_port_min", "host_port_min must be positive");
	if (c->vnc_port_min < MIN_VNC_PORT)
		complain(k, "vnc_port_min", "vnc_port_min cannot be below 5900");
	if (c->vnc_port_min > MAX_PORT || c->vnc_port_max > MAX_PORT)
		complain(k, "vnc_port_max",
			 "vmc_port_min and vnc_port_max must both be below 65535 to be valid TCP "
			 "ports");
	if (c->vnc_port_min > c->vnc_port_max)
		complain(k, "vnc_port_min", "vnc_port_min must be less than vnc_port_max");
	if (c->vnc_password && strlen(c->vnc_password) > VNC_PASSWORD_MAX)
		complain(k, "vnc_password",
			 "Error finding VNC password: password length is longer than expected %zu "
			 "> 8",
			 strlen(c->vnc_password));
}

char *qemu_config_boot_command(const struct qemu_config *c)
{
	AUTO(strbuf) struct strbuf all = STRBUF_INIT;

	for (size_t i = 0; i < c->boot_command.len; i++)
		strbuf_addstr(&all, c->boot_command.v[i]);
	return strbuf_detach(&all);
}

/* The text as it stands: `{{ }}` in it is rendered when the guest runs. */
static void check_boot_grammar(struct check *k)
{
	AUTO_FREE char *text = qemu_config_boot_command(k->c);
	AUTO(error) struct error *e = NULL;
	struct boot_events events = { 0 };

	if (boot_command_parse(text, &events, NULL, &e) < 0)
		complain(k, "boot_command", "%s", e->message);
	vec_release(&events);
}

static void check_http(struct check *k)
{
	const struct qemu_config *c = k->c;

	if (!text_is_empty(c->http_directory) && c->http_content.len)
		complain(k, "http_content",
			 "http_content cannot be used in conjunction with http_dir. Consider using "
			 "the file function to load a file and serve it with http_content");
	if (c->http_port_min > c->http_port_max)
		complain(k, "http_port_min", "http_port_min must be less than http_port_max");
	if (!text_is_empty(c->http_interface) && !text_is_empty(c->http_bind_address))
		complain(k, "http_interface",
			 "either http_interface or http_bind_address can be specified");
	if (c->http_network_protocol && strncmp(c->http_network_protocol, "tcp", 3))
		complain(k, "http_network_protocol",
			 "http_network_protocol is invalid. Must be one of: tcp, tcp4, tcp6");
}

static void check_boot_keys(struct check *k)
{
	const struct qemu_config *c = k->c;

	check_boot_grammar(k);

	if (c->boot_command.len && c->disable_vnc)
		complain(k, "boot_command", "A boot command cannot be used when vnc is disabled.");
	if (c->boot_command.len && c->boot_steps.len)
		complain(k, "boot_steps", "boot_command and boot_steps cannot be used together");
}

/* Rows of the table that this version knows but cannot act on: better refused than ignored. */
static void check_unsupported(struct check *k)
{
	const struct qemu_config *c = k->c;
	const struct {
		const char *name;
		bool set;
	} rows[] = {
		{ "floppy_files", c->floppy_files.len > 0 },
		{ "floppy_dirs", c->floppy_dirs.len > 0 },
		{ "floppy_content", c->floppy_content.len > 0 },
		{ "cd_files", c->cd_files.len > 0 },
		{ "cd_content", c->cd_content.len > 0 },
		{ "vtpm", c->vtpm },
		{ "net_bridge", !text_is_empty(c->net_bridge) },
		{ "iso_skip_cache", c->iso_skip_cache },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct range at = decoded_range(k->ctx->decoded, rows[i].name);
		AUTO_FREE char *text = xasprintf("%s is not supported yet", rows[i].name);

		if (rows[i].set)
			diags_error(
				k->diags, &at, text,
				"This version of the qemu builder cannot do what \"%s\" asks for.",
				rows[i].name);
	}
}

void qemu_config_prepare(void *config, const struct prepare_ctx *ctx, struct diags *diags)
{
	struct qemu_config *c = config;
	struct check k = { .c = c, .ctx = ctx, .diags = diags };

	c->key_type_set = decoded_is_set(ctx->decoded, "temporary_key_pair_type");
	set_defaults(&k);
	check_disk_size(&k);
	check_iso(&k);
	comm_config_prepare(&c->comm, ctx, diags);
	check_disk_rules(&k);
	check_cpus(&k);
	check_ports(&k);
	check_boot_keys(&k);
	check_http(&k);
	check_unsupported(&k);
}

const struct qemu_img_args *qemu_config_img_args(const struct qemu_config *c)
{
	static const struct qemu_img_args none;

	return c->qemu_img_args ? c->qemu_img_args : &none;
}

bool qemu_config_has_comm(const struct qemu_config *c)
{
	return text_is_empty(c->comm.communicator) || strcmp(c->comm.communicator, "none") != 0;
}

int qemu_config_guest_port(const struct qemu_config *c)
{
	enum { WINRM_PORT = 5985, WINRM_TLS_PORT = 5986 };

	if (text_eq(c->comm.communicator, "winrm")) {
		if (c->comm.winrm_port)
			return (int)c->comm.winrm_port;
		return c->comm.winrm_use_ssl ? WINRM_TLS_PORT : WINRM_PORT;
	}
	return (int)c->comm.ssh_port;
}

bool qemu_config_wants_key(const struct qemu_config *c)
{
	return comm_config_is_ssh(&c->comm) && text_is_empty(c->comm.ssh_password) &&
	       text_is_empty(c->comm.ssh_private_key_file) && !c->comm.ssh_agent_auth;
}
