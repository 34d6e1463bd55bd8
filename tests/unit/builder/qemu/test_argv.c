/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whole command lines against tests/data/argv/NAME.txt, one argument per line.
 * REGENERATE=1 rewrites the files; the reviewer reads the difference.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "builder/qemu/argv.h"
#include "lab.h"

/* As prepare() leaves a template that says nothing but the names. */
static struct qemu_config plain(void)
{
	return (struct qemu_config){
		.machine_type = "pc",
		.memory = 512,
		.qemu_binary = "qemu-system-x86_64",
		.headless = true,
		.net_device = "virtio-net",
		.disk_interface = "virtio",
		.disk_cache = "unsafe",
		.disk_discard = "unmap",
		.disk_detect_zeroes = "unmap",
		.format = "qcow2",
		.vm_name = "v",
		.output_directory = "o",
		.vnc_bind_address = "127.0.0.1",
		.comm = { .communicator = "ssh", .ssh_port = 22 },
	};
}

static struct qemu_argv input(const struct qemu_config *c, const struct strv *disks)
{
	return (struct qemu_argv){ .config = c,
				   .accel = "kvm",
				   .disks = disks,
				   .iso = "x.iso",
				   .host_port = 3456,
				   .vnc_port = 5912,
				   .console = "/tmp/b/console.log" };
}

static void check_golden(const char *name, const char *got)
{
	AUTO_FREE char *path = xasprintf("%s/tests/data/argv/%s.txt", getenv("SRCDIR"), name);
	AUTO(strbuf) struct strbuf want = STRBUF_INIT;
	AUTO(error) struct error *err = NULL;

	if (getenv("REGENERATE")) {
		assert_int_equal(fs_write(path, got, strlen(got), 0644, &err), 0);
		return;
	}
	if (fs_read(path, FS_READ_MAX, &want, &err) < 0)
		fail_msg("%s", err->message);
	assert_string_equal(got, want.buf);
}

static void check(const char *name, const struct qemu_argv *in)
{
	AUTO(strv) struct strv argv = STRV_INIT;
	static const char *const keyboards[] = { [QEMU_KEYBOARD_PS2] = "ps2",
						 [QEMU_KEYBOARD_USB] = "usb",
						 [QEMU_KEYBOARD_UNKNOWN] = "unknown" };
	struct qemu_argv_facts facts;

	qemu_argv_build(in, &argv, &facts);

	AUTO_FREE char *lines = strv_join(&argv, "\n");
	AUTO_FREE char *text =
		xasprintf("%s\n# console: %s\n# keyboard: %s\n", lines,
			  facts.own_console ? "ours" : "the template's", keyboards[facts.keyboard]);

	check_golden(name, text);
}

static void test_plain(void **state)
{
	AUTO(strv) struct strv disks = STRV_INIT;
	struct qemu_config c = plain();
	struct qemu_argv in = input(&c, &disks);

	strv_push(&disks, "o/v");
	check("qemu-plain", &in);
}

static void test_scsi_efi_disk_image(void **state)
{
	AUTO(strv) struct strv disks = STRV_INIT;
	struct qemu_config c = plain();
	struct qemu_argv in = input(&c, &disks);

	strv_pushl(&disks, "o/v", "o/v-1", NULL);
	c.machine_type = "q35";
	c.memory = 2048;
	c.cpus = 2;
	c.cpu_model = "host";
	c.disk_interface = "virtio-scsi";
	c.disk_cache = "writeback";
	c.disk_discard = "ignore";
	c.disk_detect_zeroes = "off";
	c.disk_image = true;
	c.efi_boot = true;
	c.qmp_enable = true;
	c.qmp_socket_path = "o/v.monitor";
	in.iso = NULL;
	in.accel = "tcg";
	in.flash = &(const struct flash){ .code = (char[]){ "/fw/code,4M.fd" },
					  .vars = (char[]){ "o/efivars.fd" },
					  .code_format = "raw",
					  .vars_format = "raw" };
	in.credential = "type=11,value=io.systemd.credential.binary:x=eA==";
	check("qemu-scsi-efi-disk-image", &in);
}

static void test_odds_and_ends(void **state)
{
	AUTO(strv) struct strv disks = STRV_INIT;
	struct qemu_config c = plain();
	struct qemu_argv in = input(&c, &disks);

	strv_push(&disks, "o,dd/v");
	c.headless = false;
	c.display = "none";
	c.vga = "qxl";
	c.firmware = "bios.bin";
	c.cdrom_interface = "virtio-scsi";
	c.vnc_use_password = true;
	c.comm.communicator = "none";
	c.tpm_device_type = "tpm-crb";
	in.tpm_fd = 7;
	in.host_port = 0;
	in.accel = "none";
	in.iso = "a,b.iso";
	check("qemu-odds-and-ends", &in);
	c.use_pflash = true;
	c.use_default_display = true;
	c.cdrom_interface = "ide";
	check("qemu-odds-and-ends-2", &in);
}

/* The ISO and a CD made from files; no two drives in one place. */
static void test_cd_drives(void **state)
{
	static const struct {
		const char *name, *disk, *cdrom;
		bool disk_image;
	} rows[] = {
		{ "qemu-cd-plain", "virtio", "", false },
		{ "qemu-cd-disk-image", "virtio", "", true },
		{ "qemu-cd-scsi", "virtio", "virtio-scsi", false },
		{ "qemu-cd-scsi-scsi", "virtio-scsi", "virtio-scsi", false },
		{ "qemu-cd-ide-ide", "ide", "ide", false },
		{ "qemu-cd-virtio-virtio", "virtio", "virtio", true },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		AUTO(strv) struct strv disks = STRV_INIT;
		struct qemu_config c = plain();
		struct qemu_argv in = input(&c, &disks);

		strv_push(&disks, "o/v");
		c.disk_interface = rows[i].disk;
		c.cdrom_interface = rows[i].cdrom;
		in.cd = "/tmp/b/files.iso";
		in.floppy = rows[i].disk_image ? "/tmp/b/files.img" : NULL;
		if (rows[i].disk_image)
			in.iso = NULL;
		check(rows[i].name, &in);
	}
}

#define ROW(...)                                                                                   \
	{                                                                                          \
		.v = (const char *const[]){ __VA_ARGS__, NULL },                                   \
		.len = sizeof((const char *const[]){ __VA_ARGS__ }) / sizeof(char *)               \
	}

static void test_overrides(void **state)
{
	const struct text_list rows[] = {
		ROW("-drive", "file=mine.qcow2,if=virtio"),
		ROW("-usb"),
		ROW("-device", "virtio-rng", "-pci"),
		ROW("-serial", "stdio"),
		ROW("-machine", "q35,accel=tcg"),
		ROW("-drive", "file=seed.iso,media=cdrom"),
		ROW("-display", "none"),
	};
	const struct text_table table = { .v = rows, .len = ARRAY_LEN(rows) };
	AUTO(strv) struct strv disks = STRV_INIT;
	struct qemu_config c = plain();
	struct qemu_argv in = input(&c, &disks);

	strv_push(&disks, "o/v");
	in.overrides = &table;
	check("qemu-overrides", &in);
}

/* Emulated guests get a second processor unless the template counts them itself. */
static void test_unsaid_cpus(void **state)
{
	static const struct {
		const char *accel;
		int host;
		int64_t cpus;
		const char *want;
	} rows[] = {
		{ "tcg", 8, 0, "2" },
		{ "tcg", 1, 0, "1" },
		{ "tcg", 8, 1, "1" },
		{ "kvm", 8, 0, "1" },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		AUTO(strv) struct strv disks = STRV_INIT;
		AUTO(strv) struct strv argv = STRV_INIT;
		struct qemu_config c = plain();
		struct qemu_argv in = input(&c, &disks);
		struct qemu_argv_facts facts;

		strv_push(&disks, "o/v");
		c.cpus = rows[i].cpus;
		in.accel = rows[i].accel;
		in.host_cpus = rows[i].host;
		qemu_argv_build(&in, &argv, &facts);

		size_t at = 0;

		while (strcmp(argv.v[at], "-smp"))
			at++;
		assert_string_equal(argv.v[at + 1], rows[i].want);
	}
}

static void test_own_network_card(void **state)
{
	const struct text_list rows[] = {
		ROW("-netdev", "user,id=n0"),
		ROW("-device", "virtio-net-pci,netdev=n0"),
	};
	const struct text_table table = { .v = rows, .len = ARRAY_LEN(rows) };
	AUTO(strv) struct strv disks = STRV_INIT;
	struct qemu_config c = plain();
	struct qemu_argv in = input(&c, &disks);

	strv_push(&disks, "o/v");
	in.overrides = &table;
	check("qemu-own-network-card", &in);
}

static void test_smp(void **state)
{
	static const struct {
		int64_t cpus, sockets, cores, threads;
		const char *want;
	} rows[] = {
		{ 0, 0, 0, 0, "1" },
		{ 4, 0, 0, 0, "4" },
		{ 0, 2, 3, 0, "6,sockets=2,cores=3" },
		{ 8, 1, 2, 2, "4,sockets=1,cores=2,threads=2" },
		{ 2, 0, 4, 0, "2,cores=4" },
		{ 0, 0, 0, 2, "2,threads=2" },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		const struct qemu_config c = { .cpus = rows[i].cpus,
					       .sockets = rows[i].sockets,
					       .cores = rows[i].cores,
					       .threads = rows[i].threads };
		AUTO_FREE char *got = qemu_argv_smp(&c, 1);

		assert_string_equal(got, rows[i].want);
	}
}

/* On a bridge: nothing is forwarded; the card's own address where another guest has QEMU's. */
static void test_bridge(void **state)
{
	const struct text_list rows[] = { ROW("-device", "virtio-rng-pci") };
	const struct text_table table = { .v = rows, .len = ARRAY_LEN(rows) };
	AUTO(strv) struct strv disks = STRV_INIT;
	struct qemu_config c = plain();
	struct qemu_argv in = input(&c, &disks);

	strv_push(&disks, "o/v");
	c.net_bridge = "br0";
	in.host_port = 0;
	in.mac = "52:54:00:12:34:57";
	check("qemu-bridge", &in);
	in.overrides = &table;
	check("qemu-bridge-own-devices", &in);
}

/* ARM's machine: no boot order, a processor of 64 bits, a screen and a keyboard of ours. */
static struct qemu_config arm(void)
{
	struct qemu_config c = plain();

	c.qemu_binary = "qemu-system-aarch64";
	c.machine_type = "virt";
	c.efi_boot = true;
	return c;
}

static const struct flash arm_flash = { .code = (char[]){ "/tmp/b/efi-code.fd" },
					.vars = (char[]){ "o/efivars.fd" },
					.code_format = "raw",
					.vars_format = "qcow2" };

static void test_aarch64(void **state)
{
	AUTO(strv) struct strv disks = STRV_INIT;
	struct qemu_config c = arm();
	struct qemu_argv in = input(&c, &disks);

	strv_push(&disks, "o/v");
	in.accel = "tcg";
	in.flash = &arm_flash;
	check("qemu-aarch64", &in);
}

static void test_aarch64_own_devices(void **state)
{
	const struct text_list rows[] = {
		ROW("-device", "virtio-gpu-pci"),
		ROW("-device", "qemu-xhci"),
		ROW("-device", "usb-kbd"),
	};
	const struct text_table table = { .v = rows, .len = ARRAY_LEN(rows) };
	AUTO(strv) struct strv disks = STRV_INIT;
	struct qemu_config c = arm();
	struct qemu_argv in = input(&c, &disks);

	strv_push(&disks, "o/v");
	in.accel = "kvm";
	in.flash = &arm_flash;
	in.overrides = &table;
	check("qemu-aarch64-own-devices", &in);
}

/* What "host" and nothing become, by machine and acceleration; NULL: no -cpu. */
static void test_cpu_models(void **state)
{
	static const struct {
		const char *binary, *machine, *accel, *cpu, *want;
	} rows[] = {
		{ "qemu-system-x86_64", "pc", "tcg", NULL, NULL },
		{ "qemu-system-x86_64", "pc", "tcg", "host", "max" },
		{ "qemu-system-x86_64", "pc", "kvm", "host", "host" },
		{ "qemu-system-x86_64", "pc", "tcg", "qemu64", "qemu64" },
		{ "qemu-system-aarch64", "virt", "tcg", NULL, "cortex-a57" },
		{ "qemu-system-aarch64", "virt-7.2", "none", NULL, "cortex-a57" },
		{ "qemu-system-aarch64", "virt", "kvm", NULL, "host" },
		{ "qemu-system-aarch64", "virt", "tcg", "host", "max,pauth-impdef=on" },
		{ "qemu-system-aarch64", "raspi3b", "tcg", NULL, NULL },
		{ "qemu-system-ppc64", "pseries", "tcg", "host", NULL },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		AUTO(strv) struct strv disks = STRV_INIT;
		AUTO(strv) struct strv argv = STRV_INIT;
		struct qemu_config c = plain();
		struct qemu_argv in = input(&c, &disks);
		struct qemu_argv_facts facts;
		const char *got = NULL;

		strv_push(&disks, "o/v");
		c.qemu_binary = rows[i].binary;
		c.machine_type = rows[i].machine;
		c.cpu_model = rows[i].cpu;
		in.accel = rows[i].accel;
		qemu_argv_build(&in, &argv, &facts);
		for (size_t at = 0; at + 1 < argv.len; at++)
			if (!strcmp(argv.v[at], "-cpu"))
				got = argv.v[at + 1];
		if (rows[i].want)
			assert_string_equal(got, rows[i].want);
		else
			assert_null(got);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_plain),
		cmocka_unit_test(test_scsi_efi_disk_image),
		cmocka_unit_test(test_odds_and_ends),
		cmocka_unit_test(test_cd_drives),
		cmocka_unit_test(test_overrides),
		cmocka_unit_test(test_own_network_card),
		cmocka_unit_test(test_smp),
		cmocka_unit_test(test_unsaid_cpus),
		cmocka_unit_test(test_bridge),
		cmocka_unit_test(test_aarch64),
		cmocka_unit_test(test_aarch64_own_devices),
		cmocka_unit_test(test_cpu_models),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
