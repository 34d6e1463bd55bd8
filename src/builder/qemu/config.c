/* SPDX-License-Identifier: Apache-2.0 */
#include "builder/qemu/config.h"

#include "base/alloc.h"
#include "base/str.h"
#include "builder/qemu/argv.h"
#include "builder/qemu/boot_command.h"
#include "builder/qemu/defaults.h"
#include "builder/qemu/image.h"
#include "builder/qemu/media.h"
#include "net/checksum.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>
#include <sys/un.h>

enum {
	MIN_VNC_PORT = 5900,
	MAX_PORT = 65535,
	VNC_PASSWORD_MAX = 8,
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

/* QEMU reads it over HTTP, as it is there. */
static void check_skip_cache(struct check *k)
{
	const struct qemu_config *c = k->c;
	const char *attr = c->iso_urls.len ? "iso_urls" : "iso_url";

	for (size_t i = 0; c->iso_skip_cache && i < c->urls.len; i++)
		if (!text_starts_with(c->urls.v[i], "http://") &&
		    !text_starts_with(c->urls.v[i], "https://"))
			complain(k, attr,
				 "iso_skip_cache: '%s' is not a URL of http or https, which is "
				 "what the emulator can read without a copy",
				 c->urls.v[i]);
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
	check_skip_cache(k);
	check_checksum(k);
	if (text_is_empty(c->iso_checksum))
		complain(k, "iso_checksum", "A checksum must be specified");
	else if (!strcmp(c->iso_checksum, "none") && !c->iso_skip_cache)
		warn(k, "iso_checksum",
		     "A checksum of 'none' was specified. Since ISO files are so big,\n"
		     "a checksum is highly recommended.");
}

/* QEMU would refuse it when everything is downloaded; drives of the template's own do not ask us. */
static void check_sata(struct check *k, const char *attr, const char *value)
{
	struct range at = decoded_range(k->ctx->decoded, attr);
	AUTO_FREE char *text = xasprintf("QEMU has no %s \"sata\"", attr);

	for (size_t i = 0; i < k->c->qemuargs.len; i++)
		if (k->c->qemuargs.v[i].len && !strcmp(k->c->qemuargs.v[i].v[0], "-drive"))
			return;
	if (text_eq(value, "sata"))
		diags_error(k->diags, &at, text,
			    "Use \"ide\"; with machine_type = \"q35\" that is a SATA controller.");
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
	check_sata(k, "disk_interface", k->c->disk_interface);
	check_sata(k, "cdrom_interface", k->c->cdrom_interface);
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

	int64_t product = qemu_argv_cpu_product(k->c);

	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		if (rows[i].n < 0)
			complain(k, rows[i].name, "%s must be a positive number", rows[i].name);
	if (k->c->cpus > 0 && k->c->cpus < product && !qemu_config_overrides(k->c, "-smp"))
		complain(k, "cpus",
			 "cpus (%lld) is less than sockets, cores and threads make (%lld): QEMU "
			 "does not start such a machine",
			 (long long)k->c->cpus, (long long)product);
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

/* What a guest can get to: no socket in the file system, and on a bridge not our loopback. */
static void check_http_address(struct check *k)
{
	static const char *const known[] = { "tcp", "tcp4", "tcp6", "unix", "unixpacket", NULL };
	const struct qemu_config *c = k->c;
	const char *protocol = c->http_network_protocol ? c->http_network_protocol : "tcp";
	const char *address = c->http_bind_address;
	struct in6_addr six;
	struct in_addr four;
	bool is_six, is_four;

	if (!is_one_of(protocol, known))
		complain(k, "http_network_protocol",
			 "http_network_protocol is invalid. Must be one of: "
			 "[tcp tcp4 tcp6 unix unixpacket]");
	else if (text_starts_with(protocol, "unix"))
		complain(k, "http_network_protocol",
			 "http_network_protocol \"%s\": no guest can reach a socket in the file "
			 "system of this host",
			 protocol);
	if (text_is_empty(address))
		return;
	is_six = inet_pton(AF_INET6, address, &six) == 1;
	is_four = inet_pton(AF_INET, address, &four) == 1;
	if (!is_six && !is_four)
		complain(k, "http_bind_address",
			 "http_bind_address '%s' is not an IP address of this host", address);
	else if ((is_six && !strcmp(protocol, "tcp4")) || (is_four && !strcmp(protocol, "tcp6")))
		complain(k, "http_bind_address", "http_bind_address '%s' is no address for %s",
			 address, protocol);
	if (!text_is_empty(c->net_bridge) &&
	    (text_starts_with(address, "127.") || !strcmp(address, "::1")))
		warn(k, "http_bind_address",
		     "A guest on a bridge does not reach the loopback address of this host.");
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
	check_http_address(k);
}

/* The path of a UNIX socket is a field of fixed size in the kernel's interface. */
static void check_socket(struct check *k)
{
	const struct qemu_config *c = k->c;
	const size_t most = sizeof(((struct sockaddr_un *)NULL)->sun_path) - 1;

	if (c->qmp_enable && strlen(c->qmp_socket_path) > most)
		complain(k,
			 decoded_is_set(k->ctx->decoded, "qmp_socket_path") ? "qmp_socket_path"
									    : "qmp_enable",
			 "qmp_socket_path '%s' has %zu bytes; the path of a socket has at most %zu",
			 c->qmp_socket_path, strlen(c->qmp_socket_path), most);
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

void qemu_config_prepare(void *config, const struct prepare_ctx *ctx, struct diags *diags)
{
	struct qemu_config *c = config;
	struct check k = { .c = c, .ctx = ctx, .diags = diags };

	c->key_type_set = decoded_is_set(ctx->decoded, "temporary_key_pair_type");
	qemu_config_set_defaults(c, ctx);
	set_old_ports(&k);
	check_disk_size(&k);
	media_check(c, ctx, diags);
	check_iso(&k);
	comm_config_prepare(&c->comm, ctx, diags);
	check_disk_rules(&k);
	check_cpus(&k);
	check_ports(&k);
	check_boot_keys(&k);
	check_socket(&k);
	check_http(&k);
}

bool qemu_config_overrides(const struct qemu_config *c, const char *key)
{
	for (size_t i = 0; i < c->qemuargs.len; i++)
		if (c->qemuargs.v[i].len && !strcmp(c->qemuargs.v[i].v[0], key))
			return true;
	return false;
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
