/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "builder/qemu/config.h"
#include "lab.h"

/* "name=value" texts, prepared as a source named `t`. */
struct prepared {
	struct arena *arena;
	struct diags diags;
	struct qemu_config config;
};

static void release(struct prepared *p)
{
	diags_release(&p->diags);
	arena_free(p->arena);
}

static void prepare(struct prepared *p, const char *const *settings)
{
	const struct component_info info = { .source_name = "t" };
	struct host_dirs dirs = { 0 };
	struct decoded decoded = { 0 };
	struct map fields;

	*p = (struct prepared){ .arena = arena_new() };
	value_map_init(&fields);
	for (; *settings; settings++) {
		struct str value;
		AUTO_FREE char *name = str_dup(str_split(str_of(*settings), '=', &value));

		map_set(&fields, name, value_string(value.p));
	}

	AUTO(value) struct value *object = value_object_take(&fields);
	const struct prepare_ctx ctx = {
		.info = &info, .decoded = &decoded, .arena = p->arena, .dirs = &dirs, .cwd = "/"
	};

	schema_decode_value(&qemu_schema, object, (struct range){ 0 }, p->arena, &decoded,
			    &p->diags);
	schema_fill(&decoded, &p->config, p->arena, &p->diags);
	qemu_config_prepare(&p->config, &ctx, &p->diags);
}

#define BASICS "iso_url=x.iso", "iso_checksum=none", "ssh_username=u"
#define SET(...)                                                                                   \
	(const char *const[])                                                                      \
	{                                                                                          \
		BASICS, __VA_ARGS__, NULL                                                          \
	}

static void test_defaults(void **state)
{
	struct prepared p;

	prepare(&p, (const char *const[]){ BASICS, NULL });
	assert_int_equal(p.diags.errors, 0);
	assert_int_equal(p.diags.len, 1); /* about the checksum */
	assert_string_equal(p.config.vm_name, "packer-t");
	assert_string_equal(p.config.output_directory, "output-t");
	assert_string_equal(p.config.disk_size, "40960M");
	assert_string_equal(p.config.format, "qcow2");
	assert_string_equal(p.config.machine_type, "pc");
	assert_int_equal(p.config.memory, 512);
	assert_int_equal(p.config.shutdown_timeout, 300LL * 1000000000);
	assert_int_equal(p.config.urls.len, 1);
	release(&p);
}

static void test_adjusted(void **state)
{
	struct prepared p;

	prepare(&p, SET("disk_size=5000", "memory=3", "format=raw", "disk_compression=true",
			"ssh_password=x", "qmp_enable=true", "shutdown_timeout=0s"));
	assert_int_equal(p.diags.errors, 0);
	assert_string_equal(p.config.disk_size, "5000M");
	assert_int_equal(p.config.memory, 512);
	assert_true(p.config.skip_compaction);
	assert_false(p.config.disk_compression);
	assert_string_equal(p.config.qmp_socket_path, "output-t/packer-t.monitor");
	release(&p);
}

/* The emulator's name decides what the template leaves open, and nothing that it says. */
static void test_other_architecture(void **state)
{
	struct prepared p;

	prepare(&p, SET("qemu_binary=qemu-system-aarch64"));
	assert_int_equal(p.diags.errors, 0);
	assert_string_equal(p.config.machine_type, "virt");
	assert_string_equal(p.config.tpm_device_type, "tpm-tis-device");
	assert_true(p.config.efi_boot);
	release(&p);
	prepare(&p, SET("qemu_binary=/opt/qemu-system-aarch64", "machine_type=raspi3b"));
	assert_string_equal(p.config.machine_type, "raspi3b");
	assert_false(p.config.efi_boot);
	release(&p);
	prepare(&p, SET("qemu_binary=qemu-system-aarch64", "efi_boot=false"));
	assert_false(p.config.efi_boot);
	release(&p);
	prepare(&p, SET("qemu_binary=qemu-system-aarch64", "firmware=QEMU_EFI.fd"));
	assert_false(p.config.efi_boot);
	release(&p);
}

static void test_half_a_pair(void **state)
{
	struct prepared p;

	prepare(&p, SET("efi_firmware_code=/usr/share/OVMF/OVMF_CODE_4M.ms.fd"));
	assert_true(p.config.efi_boot);
	assert_string_equal(p.config.efi_firmware_vars, "/usr/share/OVMF/OVMF_VARS_4M.ms.fd");
	release(&p);
	prepare(&p, SET("efi_firmware_vars=/usr/share/OVMF/OVMF_VARS_4M.snakeoil.fd"));
	assert_string_equal(p.config.efi_firmware_code, "/usr/share/OVMF/OVMF_CODE_4M.snakeoil.fd");
	release(&p);
	prepare(&p, SET("efi_firmware_code=/mine.fd"));
	assert_string_equal(p.config.efi_firmware_vars, "/usr/share/OVMF/OVMF_VARS.fd");
	release(&p);
	prepare(&p, SET("efi_firmware_code=/mine.fd", "qemu_binary=qemu-system-aarch64"));
	assert_null(p.config.efi_firmware_vars);
	release(&p);
}

static void check_error(const char *setting, const char *want)
{
	struct prepared p;

	prepare(&p, SET(setting));
	assert_int_equal(p.diags.errors, 1);
	for (size_t i = 0; i < p.diags.len; i++)
		if (p.diags.items[i].severity == DIAG_ERROR)
			assert_string_equal(p.diags.items[i].summary, want);
	release(&p);
}

static void test_errors(void **state)
{
	static const struct {
		const char *setting, *want;
	} rows[] = {
		{ "disk_size=12X", "Invalid disk size." },
		{ "format=vmdk", "invalid format, only 'qcow2' or 'raw' are allowed" },
		{ "accelerator=fast",
		  "invalid accelerator, only 'kvm', 'tcg', 'xen', 'hax', 'hvf', "
		  "'whpx', or 'none' are allowed" },
		{ "disk_interface=floppy", "unrecognized disk interface type" },
		{ "disk_interface=sata", "QEMU has no disk_interface \"sata\"" },
		{ "cdrom_interface=sata", "QEMU has no cdrom_interface \"sata\"" },
		{ "disk_cache=no", "unrecognized disk cache type" },
		{ "disk_discard=no", "unrecognized disk discard type" },
		{ "disk_detect_zeroes=no", "unrecognized disk detect zeroes setting" },
		{ "skip_resize_disk=true",
		  "skip_resize_disk can only be used when disk_image is true" },
		{ "use_backing_file=true", "use_backing_file can only be enabled for QCOW2 images "
					   "and when disk_image is true" },
		{ "cpus=-1", "cpus must be a positive number" },
		{ "threads=-2", "threads must be a positive number" },
		{ "host_port_min=5000", "host_port_min must be less than host_port_max" },
		{ "vnc_port_min=80", "vnc_port_min cannot be below 5900" },
		{ "vnc_port_max=5899", "vnc_port_min must be less than vnc_port_max" },
		{ "vnc_port_max=70000", "vmc_port_min and vnc_port_max must both be below 65535 to "
					"be valid TCP ports" },
		{ "vnc_password=123456789",
		  "Error finding VNC password: password length is longer than expected 9 > 8" },
		{ "http_network_protocol=udp", "http_network_protocol is invalid. Must be one of: "
					       "[tcp tcp4 tcp6 unix unixpacket]" },
		{ "http_bind_address=eth0",
		  "http_bind_address 'eth0' is not an IP address of this host" },
		{ "iso_urls=y.iso", "Only one of iso_url or iso_urls must be specified" },
		{ "iso_checksum=", "A checksum must be specified" },
		{ "iso_checksum=x.iso",
		  "Error parsing checksum: .iso is not a valid checksum ending" },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		check_error(rows[i].setting, rows[i].want);
}

/* A second processor count that contradicts the first; a socket in too deep a place. */
static void test_contradictions(void **state)
{
	struct prepared p;
	char deep[128];

	prepare(&p, SET("cpus=2", "cores=4"));
	assert_int_equal(p.diags.errors, 1);
	release(&p);
	prepare(&p, SET("cpus=6", "cores=4")); /* one socket of four, as the reference counts */
	assert_int_equal(p.diags.errors, 0);
	release(&p);
	memset(deep, 'd', sizeof(deep));
	memcpy(deep, "vm_name=", strlen("vm_name="));
	deep[sizeof(deep) - 1] = '\0';
	prepare(&p, SET("qmp_enable=true", deep));
	assert_int_equal(p.diags.errors, 1);
	release(&p);
	prepare(&p, SET("vnc_use_password=true", deep)); /* needs no such socket */
	assert_int_equal(p.diags.errors, 0);
	release(&p);
}

static void test_without_effect(void **state)
{
	struct prepared p;

	prepare(&p, SET("http_interface=eth0", "run_once=true", "boot_keygroup_interval=1s"));
	assert_int_equal(p.diags.errors, 0);
	assert_int_equal(p.diags.len, 4); /* and one about the checksum */
	release(&p);
}

static void test_several_errors_at_once(void **state)
{
	struct prepared p;

	prepare(&p, (const char *const[]){ "format=x", "cpus=-1", NULL });
	/* and: no medium, no checksum, no user */
	assert_int_equal(p.diags.errors, 5);
	release(&p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_defaults),
		cmocka_unit_test(test_adjusted),
		cmocka_unit_test(test_other_architecture),
		cmocka_unit_test(test_half_a_pair),
		cmocka_unit_test(test_errors),
		cmocka_unit_test(test_contradictions),
		cmocka_unit_test(test_without_effect),
		cmocka_unit_test(test_several_errors_at_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
