/* SPDX-License-Identifier: Apache-2.0 */
/* Descriptors as golden files in tests/data/ovf; REGENERATE=1 rewrites them. Other readers look at them in
 * tests/integration. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "disk/ovf.h"
#include "os/fs.h"

static void compare(const char *name, const struct ovf_machine *m, const struct ovf_disk *disks,
		    size_t n)
{
	AUTO(error) struct error *err = NULL;
	AUTO(strbuf) struct strbuf got = STRBUF_INIT;
	AUTO(strbuf) struct strbuf want = STRBUF_INIT;
	AUTO_FREE char *path = xasprintf("%s/tests/data/ovf/%s.ovf", getenv("SRCDIR"), name);

	ovf_render(&got, m, disks, n);
	if (getenv("REGENERATE"))
		assert_int_equal(fs_write(path, got.buf, got.len, 0644, &err), 0);
	assert_int_equal(fs_read(path, FS_READ_MAX, &want, &err), 0);
	assert_string_equal(got.buf, want.buf);
}

static void test_a_plain_machine(void **state)
{
	const struct ovf_nic nic = { "e1000", "VM Network" };
	const struct ovf_machine m = {
		.name = "web",
		.cpus = 2,
		.memory = 1024,
		.guest_os_type = "otherLinux64Guest",
		.hardware_version = 10,
		.controller = "sata",
		.nics = &nic,
		.nic_count = 1,
	};
	const struct ovf_disk disk = { "web-disk1.vmdk", 12345, UINT64_C(20) << 30, 65536 };

	compare("plain", &m, &disk, 1);
}

static void test_all_there_is(void **state)
{
	const struct ovf_nic nics[] = { { "vmxnet3", "front" },
					{ "virtio", "back & \"rear\"" },
					{ "e1000e", "front" } };
	const struct ovf_property properties[] = { { "hostname", "" }, { "user", "<none>" } };
	const char *const eulas[] = { "You & we:\n  1 < 2.\n", "Second" };
	const struct ovf_machine m = {
		.name = "web & <more>",
		.cpus = 64,
		.memory = 524288,
		.is_efi = true,
		.secure_boot = true,
		.guest_os_type = "debian12_64Guest",
		.hardware_version = 20,
		.controller = "pvscsi",
		.nics = nics,
		.nic_count = ARRAY_LEN(nics),
		.product = { "Web", "Example & Sons", "1.2", "1.2-3", "https://p.example",
			     "https://v.example", "https://${ip}/" },
		.properties = properties,
		.property_count = ARRAY_LEN(properties),
		.eulas = eulas,
		.eula_count = ARRAY_LEN(eulas),
		.annotation = "Built\nby night",
	};
	const struct ovf_disk disks[] = { { "a-disk1.vmdk", 1, 2 << 20, 3 },
					  { "a-disk2.vmdk", 4, 5 << 20, 6 } };

	compare("full", &m, disks, ARRAY_LEN(disks));
}

static void test_controllers_and_network_cards(void **state)
{
	static const char *const want[] = {
		"<rasd:ResourceType>5<",
		"<rasd:ResourceSubType>lsilogic<",
		"<rasd:ResourceSubType>lsilogicsas<",
		"<rasd:ResourceSubType>vmware.nvme.controller<",
		"<rasd:ResourceSubType>VirtualSCSI<",
		"<rasd:ResourceSubType>vmware.sata.ahci<",
		"<rasd:ResourceSubType>VirtioSCSI<",
	};
	static const char *const want_nic[] = { "E1000", "E1000e", "PCNet32", "virtio", "VmxNet3" };

	for (size_t i = 0; ovf_controllers[i]; i++) {
		AUTO(strbuf) struct strbuf got = STRBUF_INIT;
		const struct ovf_nic nic = { ovf_nic_models[i % ARRAY_LEN(want_nic)], "n" };
		const struct ovf_machine m = { .name = "m",
					       .guest_os_type = "x",
					       .controller = ovf_controllers[i],
					       .nics = &nic,
					       .nic_count = 1 };
		AUTO_FREE char *subtype =
			xasprintf("<rasd:ResourceSubType>%s<", want_nic[i % ARRAY_LEN(want_nic)]);

		ovf_render(&got, &m, NULL, 0);
		assert_non_null(strstr(got.buf, want[i]));
		assert_non_null(strstr(got.buf, subtype));
		assert_int_equal(ovf_controller_is_ide(ovf_controllers[i]), i == 0);
	}
}

static void test_the_guest_is_known_by_its_name(void **state)
{
	static const struct {
		const char *type, *id, *virtualbox;
	} cases[] = {
		{ "ubuntu64Guest", "\"94\"", ">Ubuntu_64<" },
		{ "rhel9_64Guest", "\"80\"", ">RedHat_64<" },
		{ "windows2019srv_64Guest", "\"102\"", NULL },
		{ "somethingNew", "\"101\"", ">Linux26_64<" },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		AUTO(strbuf) struct strbuf got = STRBUF_INIT;
		const struct ovf_machine m = { .name = "m",
					       .guest_os_type = cases[i].type,
					       .controller = "ide" };
		AUTO_FREE char *section =
			xasprintf("<OperatingSystemSection ovf:id=%s vmw:osType=\"%s\">",
				  cases[i].id, cases[i].type);

		ovf_render(&got, &m, NULL, 0);
		assert_non_null(strstr(got.buf, section));
		if (cases[i].virtualbox)
			assert_non_null(strstr(got.buf, cases[i].virtualbox));
		else
			assert_null(strstr(got.buf, "vbox:OSType"));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_plain_machine),
		cmocka_unit_test(test_all_there_is),
		cmocka_unit_test(test_controllers_and_network_cards),
		cmocka_unit_test(test_the_guest_is_known_by_its_name),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
