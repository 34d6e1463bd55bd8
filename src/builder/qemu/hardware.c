/* SPDX-License-Identifier: Apache-2.0 */
#include "builder/qemu/hardware.h"

#include "base/alloc.h"
#include "base/duration.h"
#include "base/str.h"
#include "os/clock.h"

#include <jansson.h>
#include <string.h>

static const int64_t ANSWER = 10 * NSEC_PER_SEC;

/* ---- PCI ---------------------------------------------------------------------------- */

static const json_t *find_device(const json_t *devices, const char *id)
{
	size_t i;
	const json_t *device;

	json_array_foreach (devices, i, device) {
		const char *name = json_string_value(json_object_get(device, "qdev_id"));
		const json_t *behind =
			json_object_get(json_object_get(device, "pci_bridge"), "devices");

		if (name && !strcmp(name, id))
			return device;
		if (behind && (device = find_device(behind, id)))
			return device;
	}
	return NULL;
}

int hardware_pci_region(struct qmp *q, const char *id, struct cancel *c, uint64_t *ret,
			struct error **err)
{
	const struct qmp_call call = { .name = "query-pci" };
	const json_t *bus, *device = NULL;
	json_t *busses;
	size_t i;

	*ret = 0;
	if (qmp_ask(q, &call, clock_deadline(ANSWER), c, &busses, err) < 0)
		return -1;
	json_array_foreach (busses, i, bus) {
		if (!device)
			device = find_device(json_object_get(bus, "devices"), id);
	}

	const json_t *region = json_array_get(json_object_get(device, "regions"), 0);
	json_int_t address = json_integer_value(json_object_get(region, "address"));

	/* -1: not mapped */
	*ret = address > 0 ? (uint64_t)address : 0;
	json_decref(busses);
	return 0;
}

/* ---- network card ---------------------------------------------------------------------- */

/* The object tree of QEMU: a child's path is its parent's and its name. */
static int list(struct qmp *q, const char *path, struct cancel *c, json_t **ret, struct error **err)
{
	const struct qmp_call call = { "qom-list", json_pack("{s:s}", "path", path) };

	return qmp_ask(q, &call, clock_deadline(ANSWER), c, ret, err);
}

static int get(struct qmp *q, const char *path, const char *property, struct cancel *c, char **ret,
	       struct error **err)
{
	const struct qmp_call call = { "qom-get", json_pack("{s:s, s:s}", "path", path, "property",
							    property) };
	json_t *value;

	if (qmp_ask(q, &call, clock_deadline(ANSWER), c, &value, err) < 0)
		return -1;
	*ret = xstrdup(json_string_value(value));
	json_decref(value);
	return 0;
}

static bool has_property(const json_t *properties, const char *name)
{
	const json_t *p;
	size_t i;

	json_array_foreach (properties, i, p) {
		if (text_eq(json_string_value(json_object_get(p, "name")), name))
			return true;
	}
	return false;
}

/* *ret stays NULL when the device is no card on that netdev. */
static int mac_of_device(struct qmp *q, const char *path, const char *netdev, struct cancel *c,
			 char **ret, struct error **err)
{
	json_t *properties;
	AUTO_FREE char *connected = NULL;

	if (list(q, path, c, &properties, err) < 0)
		return -1;

	bool is_card = has_property(properties, "netdev") && has_property(properties, "mac");

	json_decref(properties);
	if (!is_card)
		return 0;
	if (get(q, path, "netdev", c, &connected, err) < 0)
		return -1;
	return text_eq(connected, netdev) ? get(q, path, "mac", c, ret, err) : 0;
}

static int search(struct qmp *q, const char *parent, const char *netdev, struct cancel *c,
		  char **ret, struct error **err)
{
	json_t *children;
	const json_t *child;
	size_t i;
	int r = 0;

	if (list(q, parent, c, &children, err) < 0)
		return -1;
	json_array_foreach (children, i, child) {
		const char *type = json_string_value(json_object_get(child, "type"));
		const char *name = json_string_value(json_object_get(child, "name"));

		if (r == 0 && !*ret && type && name && text_starts_with(type, "child<")) {
			AUTO_FREE char *path = xasprintf("%s/%s", parent, name);

			r = mac_of_device(q, path, netdev, c, ret, err);
		}
	}
	json_decref(children);
	return r;
}

int hardware_mac(struct qmp *q, const char *netdev, struct cancel *c, char **ret,
		 struct error **err)
{
	/* devices with an id, and those without */
	static const char *const parents[] = { "/machine/peripheral", "/machine/peripheral-anon" };

	*ret = NULL;
	for (size_t i = 0; i < ARRAY_LEN(parents) && !*ret; i++)
		if (search(q, parents[i], netdev, c, ret, err) < 0)
			return -1;
	if (*ret)
		return 0;
	return error_set(err, ERROR_NOT_FOUND, "no network card of the guest is connected to '%s'",
			 netdev);
}
