/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The descriptor of an OVF package (DSP0243 1.1, as VMware's ovftool writes it): a virtual machine
 * and its disks, for VMware, VirtualBox and those that read what these two write. What only one of
 * them understands is marked as not required.
 */
#pragma once

#include "base/strbuf.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct ovf_disk {
	const char *file; /* name in the package */
	uint64_t file_size, capacity, populated;
};

struct ovf_nic {
	const char *model;   /* a name of ovf_nic_models */
	const char *network; /* that it is connected to */
};

/* NULL: is not said. */
struct ovf_product {
	const char *product, *vendor, *version, *full_version;
	const char *product_url, *vendor_url, *app_url;
};

/* What the machine may be told by who deploys it. */
struct ovf_property {
	const char *key, *value;
};

struct ovf_machine {
	const char *name;
	int64_t cpus, memory; /* MiB */
	bool is_efi, secure_boot;
	const char *guest_os_type; /* VMware's name: "debian12_64Guest" */
	int64_t hardware_version;  /* vmx-N */
	const char *controller;    /* a name of ovf_controllers */
	const struct ovf_nic *nics;
	size_t nic_count;
	struct ovf_product product;
	const struct ovf_property *properties;
	size_t property_count;
	const char *const *eulas; /* texts */
	size_t eula_count;
	const char *annotation; /* or NULL */
};

/* NULL-terminated. */
extern const char *const ovf_controllers[];
extern const char *const ovf_nic_models[];
bool ovf_controller_is_ide(const char *name);

void ovf_render(struct strbuf *out, const struct ovf_machine *m, const struct ovf_disk *disks,
		size_t disk_count);
