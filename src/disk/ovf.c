/* SPDX-License-Identifier: Apache-2.0 */
#include "disk/ovf.h"

#include "base/alloc.h"
#include "base/str.h"
#include "base/xml.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* CIM_ResourceAllocationSettingData.ResourceType */
enum resource {
	RESOURCE_CPU = 3,
	RESOURCE_MEMORY = 4,
	RESOURCE_IDE = 5,
	RESOURCE_SCSI = 6,
	RESOURCE_ETHERNET = 10,
	RESOURCE_DISK = 17,
	RESOURCE_STORAGE = 20,
};

/* ---- names -------------------------------------------------------------------------------- */

/* `lsilogic` is understood by everybody, but its driver is gone from newer systems; `virtio-scsi` is
 * VirtualBox's and KVM's only. */
static const struct controller {
	const char *name;
	enum resource type;
	const char *subtype, *description;
} controllers[] = {
	{ "ide", RESOURCE_IDE, "PIIX4", "IDE controller" },
	{ "lsilogic", RESOURCE_SCSI, "lsilogic", "SCSI controller" },
	{ "lsisas", RESOURCE_SCSI, "lsilogicsas", "SAS controller" },
	{ "nvme", RESOURCE_STORAGE, "vmware.nvme.controller", "NVMe controller" },
	{ "pvscsi", RESOURCE_SCSI, "VirtualSCSI", "SCSI controller" },
	{ "sata", RESOURCE_STORAGE, "vmware.sata.ahci", "SATA controller" },
	{ "virtio-scsi", RESOURCE_STORAGE, "VirtioSCSI", "SCSI controller" },
};
const char *const ovf_controllers[] = { "ide",    "lsilogic", "lsisas",      "nvme",
					"pvscsi", "sata",     "virtio-scsi", NULL };
static_assert(ARRAY_LEN(ovf_controllers) == ARRAY_LEN(controllers) + 1, "the same names");

static const char *const nic_subtypes[] = { "E1000", "E1000e", "PCNet32", "virtio", "VmxNet3" };
const char *const ovf_nic_models[] = { "e1000", "e1000e", "pcnet32", "virtio", "vmxnet3", NULL };
static_assert(ARRAY_LEN(ovf_nic_models) == ARRAY_LEN(nic_subtypes) + 1, "the same names");

/* The first whose name begins that of the guest. The number is CIM_OperatingSystem.OSType. */
static const struct guest_os {
	const char *begin;
	int id;
	const char *virtualbox, *description;
} guest_oses[] = {
	{ "debian", 96, "Debian_64", "Debian 64-Bit" },
	{ "ubuntu", 94, "Ubuntu_64", "Ubuntu 64-Bit" },
	{ "rhel", 80, "RedHat_64", "Red Hat Enterprise Linux 64-Bit" },
	{ "centos", 107, "RedHat_64", "CentOS 64-bit" },
	{ "oracleLinux", 109, "Oracle_64", "Oracle Linux 64-bit" },
	{ "sles", 85, "OpenSUSE_64", "SLES 64-Bit" },
	{ "fedora", 101, "Fedora_64", "Linux 64-Bit" },
	{ "freebsd", 78, "FreeBSD_64", "FreeBSD 64-Bit" },
	{ "windows", 102, NULL, "Other 64-Bit" },
	{ "other-64", 102, "Other_64", "Other 64-Bit" },
	{ "otherGuest64", 102, "Other_64", "Other 64-Bit" },
	{ "", 101, "Linux26_64", "Linux 64-Bit" },
};

static const struct controller *find_controller(const char *name)
{
	size_t i = 0;

	while (strcmp(controllers[i].name, name) != 0)
		i++;
	return &controllers[i];
}

bool ovf_controller_is_ide(const char *name)
{
	return find_controller(name)->type == RESOURCE_IDE;
}

static const char *nic_subtype(const char *model)
{
	size_t i = 0;

	while (strcmp(ovf_nic_models[i], model) != 0)
		i++;
	return nic_subtypes[i];
}

static const struct guest_os *find_guest_os(const char *type)
{
	const struct guest_os *os = guest_oses;

	while (strncmp(type, os->begin, strlen(os->begin)) != 0)
		os++;
	return os;
}

/* ---- files, disks, networks ------------------------------------------------------------------ */

struct number {
	char text[40];
};

static const char *number(struct number *n, uint64_t value)
{
	(void)snprintf(n->text, sizeof(n->text), "%" PRIu64, value);
	return n->text;
}

/* "file1" */
static const char *numbered(struct number *n, const char *what, size_t i)
{
	(void)snprintf(n->text, sizeof(n->text), "%s%zu", what, i + 1);
	return n->text;
}

static void add_references(struct xml *x, const struct ovf_disk *disks, size_t n)
{
	xml_open(x, "References");
	for (size_t i = 0; i < n; i++) {
		struct number id, size;

		xml_empty(x, "File", XML("ovf:href", disks[i].file),
			  XML("ovf:id", numbered(&id, "file", i)),
			  XML("ovf:size", number(&size, disks[i].file_size)));
	}
	xml_close(x);
}

static void add_disks(struct xml *x, const struct ovf_disk *disks, size_t n)
{
	xml_open(x, "DiskSection");
	xml_text(x, "Info", "Virtual disks");
	for (size_t i = 0; i < n; i++) {
		struct number id, file, capacity, populated;

		xml_empty(x, "Disk", XML("ovf:capacity", number(&capacity, disks[i].capacity)),
			  XML("ovf:capacityAllocationUnits", "byte"),
			  XML("ovf:diskId", numbered(&id, "vmdisk", i)),
			  XML("ovf:fileRef", numbered(&file, "file", i)),
			  XML("ovf:format", "http://www.vmware.com/interfaces/specifications/"
					    "vmdk.html#streamOptimized"),
			  XML("ovf:populatedSize", number(&populated, disks[i].populated)));
	}
	xml_close(x);
}

static bool is_first_of_network(const struct ovf_machine *m, size_t at)
{
	for (size_t i = 0; i < at; i++)
		if (strcmp(m->nics[i].network, m->nics[at].network) == 0)
			return false;
	return true;
}

static void add_networks(struct xml *x, const struct ovf_machine *m)
{
	xml_open(x, "NetworkSection");
	xml_text(x, "Info", "Logical networks");
	for (size_t i = 0; i < m->nic_count; i++) {
		if (!is_first_of_network(m, i))
			continue;
		xml_open(x, "Network", XML("ovf:name", m->nics[i].network));
		xml_text(x, "Description", m->nics[i].network);
		xml_close(x);
	}
	xml_close(x);
}

/* ---- hardware ----------------------------------------------------------------------------- */

/* The elements of an item stand in the order of the alphabet: the schema has it so. */
struct item {
	const char *address, *address_on_parent, *units, *automatic, *connection, *description;
	const char *name, *host_resource;
	unsigned id, parent; /* parent 0: none */
	const char *subtype;
	enum resource type;
	int64_t quantity; /* 0: none */
};

static void add_part(struct xml *x, const char *name, const char *text)
{
	if (text)
		xml_text(x, name, text);
}

static void add_item(struct xml *x, const struct item *i)
{
	struct number id, parent, type, quantity;

	xml_open(x, "Item");
	add_part(x, "rasd:Address", i->address);
	add_part(x, "rasd:AddressOnParent", i->address_on_parent);
	add_part(x, "rasd:AllocationUnits", i->units);
	add_part(x, "rasd:AutomaticAllocation", i->automatic);
	add_part(x, "rasd:Connection", i->connection);
	add_part(x, "rasd:Description", i->description);
	add_part(x, "rasd:ElementName", i->name);
	add_part(x, "rasd:HostResource", i->host_resource);
	add_part(x, "rasd:InstanceID", number(&id, i->id));
	add_part(x, "rasd:Parent", i->parent ? number(&parent, i->parent) : NULL);
	add_part(x, "rasd:ResourceSubType", i->subtype);
	add_part(x, "rasd:ResourceType", number(&type, i->type));
	if (i->quantity)
		add_part(x, "rasd:VirtualQuantity", number(&quantity, (uint64_t)i->quantity));
	xml_close(x);
}

enum { ID_CPU = 1, ID_MEMORY, ID_CONTROLLER, ID_DISK };

static void add_processor_and_memory(struct xml *x, const struct ovf_machine *m)
{
	AUTO_FREE char *cpus = xasprintf("%" PRId64 " virtual CPU(s)", m->cpus);
	AUTO_FREE char *memory = xasprintf("%" PRId64 "MB of memory", m->memory);

	add_item(x, &(struct item){ .units = "hertz * 10^6",
				    .description = "Number of virtual CPUs",
				    .name = cpus,
				    .id = ID_CPU,
				    .type = RESOURCE_CPU,
				    .quantity = m->cpus });
	add_item(x, &(struct item){ .units = "byte * 2^20",
				    .description = "Memory size",
				    .name = memory,
				    .id = ID_MEMORY,
				    .type = RESOURCE_MEMORY,
				    .quantity = m->memory });
}

static void add_storage(struct xml *x, const struct ovf_machine *m, size_t disk_count)
{
	const struct controller *c = find_controller(m->controller);

	add_item(x, &(struct item){ .address = "0",
				    .description = c->description,
				    .name = c->description,
				    .id = ID_CONTROLLER,
				    .subtype = c->type == RESOURCE_IDE ? NULL : c->subtype,
				    .type = c->type });
	for (size_t i = 0; i < disk_count; i++) {
		AUTO_FREE char *at = xasprintf("%zu", i);
		AUTO_FREE char *name = xasprintf("Hard disk %zu", i + 1);
		AUTO_FREE char *resource = xasprintf("ovf:/disk/vmdisk%zu", i + 1);

		add_item(x, &(struct item){ .address_on_parent = at,
					    .name = name,
					    .host_resource = resource,
					    .id = ID_DISK + (unsigned)i,
					    .parent = ID_CONTROLLER,
					    .type = RESOURCE_DISK });
	}
}

static void add_nics(struct xml *x, const struct ovf_machine *m, unsigned first_id)
{
	for (size_t i = 0; i < m->nic_count; i++) {
		const char *network = m->nics[i].network;
		const char *subtype = nic_subtype(m->nics[i].model);
		AUTO_FREE char *at = xasprintf("%zu", i + 7); /* where VMware has them */
		AUTO_FREE char *name = xasprintf("Ethernet %zu", i + 1);
		AUTO_FREE char *text = xasprintf("%s adapter on \"%s\"", subtype, network);

		add_item(x, &(struct item){ .address_on_parent = at,
					    .automatic = "true",
					    .connection = network,
					    .description = text,
					    .name = name,
					    .id = first_id + (unsigned)i,
					    .subtype = subtype,
					    .type = RESOURCE_ETHERNET });
	}
}

static void add_setting(struct xml *x, const char *key, const char *value)
{
	xml_empty(x, "vmw:Config", XML("ovf:required", "false"), XML("vmw:key", key),
		  XML("vmw:value", value));
}

static void add_hardware(struct xml *x, const struct ovf_machine *m, size_t disk_count)
{
	AUTO_FREE char *type = xasprintf("vmx-%02" PRId64, m->hardware_version);

	xml_open(x, "VirtualHardwareSection",
		 XML("ovf:transport", m->property_count ? "com.vmware.guestInfo" : NULL));
	xml_text(x, "Info", "Virtual hardware");
	xml_open(x, "System");
	xml_text(x, "vssd:ElementName", "Virtual Hardware Family");
	xml_text(x, "vssd:InstanceID", "0");
	xml_text(x, "vssd:VirtualSystemIdentifier", m->name);
	xml_text(x, "vssd:VirtualSystemType", type);
	xml_close(x);
	add_processor_and_memory(x, m);
	add_storage(x, m, disk_count);
	add_nics(x, m, ID_DISK + (unsigned)disk_count);
	add_setting(x, "firmware", m->is_efi ? "efi" : "bios");
	if (m->is_efi)
		add_setting(x, "bootOptions.efiSecureBootEnabled",
			    m->secure_boot ? "true" : "false");
	xml_close(x);
}

/* ---- the other sections ---------------------------------------------------------------------- */

static void add_guest_os(struct xml *x, const struct ovf_machine *m)
{
	const struct guest_os *os = find_guest_os(m->guest_os_type);
	struct number id;

	xml_open(x, "OperatingSystemSection", XML("ovf:id", number(&id, (uint64_t)os->id)),
		 XML("vmw:osType", m->guest_os_type));
	xml_text(x, "Info", "The operating system of the guest");
	xml_text(x, "Description", os->description);
	if (os->virtualbox)
		xml_text(x, "vbox:OSType", os->virtualbox, XML("ovf:required", "false"));
	xml_close(x);
}

static void add_product(struct xml *x, const struct ovf_machine *m)
{
	const struct ovf_product *p = &m->product;

	if (!p->product && !p->vendor && !p->version && !p->full_version && !p->product_url &&
	    !p->vendor_url && !p->app_url && !m->property_count)
		return;
	xml_open(x, "ProductSection");
	xml_text(x, "Info", "About the software");
	add_part(x, "Product", p->product);
	add_part(x, "Vendor", p->vendor);
	add_part(x, "Version", p->version);
	add_part(x, "FullVersion", p->full_version);
	add_part(x, "ProductUrl", p->product_url);
	add_part(x, "VendorUrl", p->vendor_url);
	add_part(x, "AppUrl", p->app_url);
	for (size_t i = 0; i < m->property_count; i++)
		xml_empty(x, "Property", XML("ovf:key", m->properties[i].key),
			  XML("ovf:type", "string"), XML("ovf:userConfigurable", "true"),
			  XML("ovf:value", m->properties[i].value));
	xml_close(x);
}

static void add_texts(struct xml *x, const struct ovf_machine *m)
{
	for (size_t i = 0; i < m->eula_count; i++) {
		xml_open(x, "EulaSection");
		xml_text(x, "Info", "An end-user license agreement");
		xml_text(x, "License", m->eulas[i]);
		xml_close(x);
	}
	if (!m->annotation)
		return;
	xml_open(x, "AnnotationSection");
	xml_text(x, "Info", "A note on the machine");
	xml_text(x, "Annotation", m->annotation);
	xml_close(x);
}

void ovf_render(struct strbuf *out, const struct ovf_machine *m, const struct ovf_disk *disks,
		size_t disk_count)
{
	struct xml x;

	xml_begin(&x, out);
	xml_open(&x, "Envelope", XML("xmlns", "http://schemas.dmtf.org/ovf/envelope/1"),
		 XML("xmlns:ovf", "http://schemas.dmtf.org/ovf/envelope/1"),
		 XML("xmlns:rasd", "http://schemas.dmtf.org/wbem/wscim/1/cim-schema/2/"
				   "CIM_ResourceAllocationSettingData"),
		 XML("xmlns:vssd", "http://schemas.dmtf.org/wbem/wscim/1/cim-schema/2/"
				   "CIM_VirtualSystemSettingData"),
		 XML("xmlns:vmw", "http://www.vmware.com/schema/ovf"),
		 XML("xmlns:vbox", "http://www.virtualbox.org/ovf/machine"));
	add_references(&x, disks, disk_count);
	add_disks(&x, disks, disk_count);
	add_networks(&x, m);
	xml_open(&x, "VirtualSystem", XML("ovf:id", m->name));
	xml_text(&x, "Info", "A virtual machine");
	xml_text(&x, "Name", m->name);
	add_guest_os(&x, m);
	add_hardware(&x, m, disk_count);
	add_product(&x, m);
	add_texts(&x, m);
	xml_close(&x);
	xml_close(&x);
}
