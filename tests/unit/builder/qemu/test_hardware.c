/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "builder/qemu/guest.h"
#include "builder/qemu/hardware.h"
#include "lab.h"

#include <sys/socket.h>
#include <unistd.h>

/* A stopped PC of the real emulator: what its firmware would place is nowhere yet. */
static struct guest *start(const struct lab *lab)
{
	AUTO(strv) struct strv argv = STRV_INIT;
	AUTO(error) struct error *err = NULL;
	const struct guest_spec spec = {
		.argv = &argv, .temp_dir = lab->dir, .journal = lab->journal, .environ = environ
	};

	strv_pushl(&argv, "qemu-system-x86_64", "-S", "-machine", "pc,accel=tcg", "-nodefaults",
		   "-display", "none", "-m", "16", "-netdev", "user,id=user.0", "-netdev",
		   "user,id=other", "-device", "virtio-net,netdev=other", "-device",
		   "e1000,netdev=user.0,mac=52:54:00:ab:cd:ef,id=card", "-device",
		   "qemu-xhci,id=ingot-usb", NULL);

	struct guest *g = guest_start(&spec, NULL, &err);

	if (!g)
		fail_msg("%s", err->message);
	return g;
}

static void test_real_machine(void **state)
{
	struct lab lab;
	AUTO_FREE char *mac = NULL, *other = NULL, *none = NULL;
	AUTO(error) struct error *err = NULL;
	uint64_t region = 1;

	if (!lab_has("qemu-system-x86_64"))
		skip();
	lab_open(&lab);
	struct guest *g = start(&lab);
	struct qmp *q = guest_monitor(g);

	assert_int_equal(hardware_mac(q, "user.0", NULL, &mac, &err), 0);
	assert_string_equal(mac, "52:54:00:ab:cd:ef");
	assert_int_equal(hardware_mac(q, "other", NULL, &other, &err), 0);
	assert_string_equal(other, "52:54:00:12:34:56");
	assert_int_equal(hardware_mac(q, "nowhere", NULL, &none, &err), -1);
	assert_string_equal(err->message, "no network card of the guest is connected to 'nowhere'");
	error_ignore(&err, "as wanted");
	assert_int_equal(hardware_pci_region(q, "ingot-usb", NULL, &region, &err), 0);
	assert_int_equal(region, 0);
	guest_stop(g);
	lab_close(&lab);
}

/* A device behind a bridge, as on machines with PCI Express. */
static void test_pci_region(void **state)
{
	static const char answer[] =
		"{\"return\": [{\"devices\": [{\"qdev_id\": \"\", \"regions\": []},"
		" {\"qdev_id\": \"port\", \"regions\": [{\"address\": 1}], \"pci_bridge\":"
		" {\"devices\": [{\"qdev_id\": \"ingot-usb\", \"regions\":"
		" [{\"address\": 549755813888, \"size\": 16384}]}]}}]}], \"id\": 1}\n";
	int fds[2];
	uint64_t region = 0;
	AUTO(error) struct error *err = NULL;

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
	assert_int_equal(write(fds[0], answer, strlen(answer)), strlen(answer));

	AUTO(qmp) struct qmp *q = qmp_new(fds[1], NULL, NULL);

	assert_int_equal(hardware_pci_region(q, "ingot-usb", NULL, &region, &err), 0);
	assert_true(region == 0x8000000000);
	close(fds[0]);
	assert_int_equal(hardware_pci_region(q, "ingot-usb", NULL, &region, &err), -1);
	assert_int_equal(err->kind, ERROR_DISCONNECTED);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_real_machine),
		cmocka_unit_test(test_pci_region),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
