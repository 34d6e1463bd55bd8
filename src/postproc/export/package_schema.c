/* SPDX-License-Identifier: Apache-2.0 */
/* The options of the block `ovf`. */
#include "postproc/export/package.h"

static const char *const firmwares[] = { "bios", "efi", "efi-secure", NULL };
static const char *const controllers[] = { "ide",    "lsilogic", "lsisas",      "nvme",
					   "pvscsi", "sata",     "virtio-scsi", NULL };
static const char *const models[] = { "e1000", "e1000e", "pcnet32", "virtio", "vmxnet3", NULL };

/* clang-format off */
static const struct attr nic_attrs[] = {
	ATTR_STRING(struct export_nic, model, 0, "`e1000`, `e1000e`, `pcnet32`, `virtio` or `vmxnet3`. Unset: that of the machine if it was one of these, or `vmxnet3`.", .choices = models),
	ATTR_STRING(struct export_nic, network, 0, "The network that it is connected to, by the name that whoever imports the machine is shown.", .def = "VM Network"),
	ATTR_END,
};
static const struct schema nic_schema = SCHEMA(struct export_nic, nic_attrs);

static const struct attr ovf_attrs[] = {
	ATTR_STRING(struct export_ovf, name, 0, "Of the machine. Unset: the name of the source."),
	ATTR_INT(struct export_ovf, cpus, 0, "Virtual processors. Unset: as the builder's machine had.", .min = 0, .max = 1024),
	ATTR_INT(struct export_ovf, memory, 0, "Memory in MiB. Unset: as the builder's machine had.", .min = 0, .max = 1 << 26),
	ATTR_STRING(struct export_ovf, firmware, 0, "`bios`, `efi` or `efi-secure` (Secure Boot). Unset: as the builder's machine had.", .choices = firmwares),
	ATTR_STRING(struct export_ovf, guest_os_type, 0, "VMware's name of the guest's system, for example debian12_64Guest. Unset: told by the builder, or otherLinux64Guest."),
	ATTR_INT(struct export_ovf, hardware_version, 0, "VMware's version of the virtual hardware; the default is of ESXi 6.5.", .def = "13", .min = 4, .max = 99),
	ATTR_STRING(struct export_ovf, product, 0, "Name of the product in the machine."),
	ATTR_STRING(struct export_ovf, vendor, 0, "Who makes it."),
	ATTR_STRING(struct export_ovf, version, 0, "Its version, short."),
	ATTR_STRING(struct export_ovf, full_version, 0, "Its version in full."),
	ATTR_STRING(struct export_ovf, product_url, 0, "A page about it."),
	ATTR_STRING(struct export_ovf, vendor_url, 0, "A page about who makes it."),
	ATTR_STRINGS(struct export_ovf, eula_files, ATTR_LOCAL_FILE, "Text files: licenses to accept before the machine is imported."),
	ATTR_STRING(struct export_ovf, annotation, 0, "A note on the machine."),
	ATTR_MAP(struct export_ovf, properties, 0, "What whoever deploys the machine is asked, and the answers that are proposed; the guest gets them from VMware."),
	ATTR_STRING(struct export_ovf, disk_controller, 0, "`ide`, `lsilogic`, `lsisas`, `nvme`, `pvscsi`, `sata` or `virtio-scsi`. Unset: `ide`, which works everywhere.", .choices = controllers),
	ATTR_BLOCKS(struct export_ovf, nic, 0, &nic_schema, "A network card. Unset: one."),
	ATTR_STRING(struct export_ovf, private_key_file, ATTR_LOCAL_FILE, "A private key in PEM form without a password, RSA or EC: the package is signed.", .requires_ = "certificate_file"),
	ATTR_STRING(struct export_ovf, certificate_file, ATTR_LOCAL_FILE, "Its X.509 certificate in PEM form.", .requires_ = "private_key_file"),
	ATTR_END,
};
/* clang-format on */
const struct schema export_ovf_schema = SCHEMA(struct export_ovf, ovf_attrs);
