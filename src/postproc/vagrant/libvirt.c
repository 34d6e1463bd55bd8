/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Boxes of qcow2 disks, for vagrant-libvirt and vagrant-qemu. Both read
 * box_0.img, box_1.img, … as metadata.json lists them; a single disk for
 * vagrant-qemu is box.img, which its older versions read as well.
 */
#include "base/alloc.h"
#include "base/bytes.h"
#include "base/path.h"
#include "base/str.h"
#include "os/fd.h"
#include "os/qcow2.h"
#include "postproc/vagrant/provider.h"

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

/* What of a qcow2 header is looked at. */
enum { AT_BACKING = 8, AT_SIZE = 24, HEADER = 32, GIB_SHIFT = 30 };

struct disk {
	const char *path; /* borrowed */
	bool is_qcow2, has_backing;
	uint64_t size;
};
VEC_DECLARE(disk_list, struct disk);

static int look(struct disk *d, struct error **err)
{
	unsigned char head[HEADER];
	AUTO_CLOSE int fd = open(d->path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	ssize_t n = fd < 0 ? -1 : fd_read_at(fd, head, sizeof(head), 0);

	if (n < 0)
		return error_set_errno(err, errno, "cannot read '%s'", d->path);
	d->is_qcow2 = n == HEADER && !memcmp(head, QCOW2_MAGIC, 4);
	if (d->is_qcow2) {
		d->has_backing = get_be(head + AT_BACKING, 8) != 0;
		d->size = get_be(head + AT_SIZE, 8);
	}
	return 0;
}

/* v, v-1, v-2, v-10: as the builder numbers them. */
static int by_number(const void *a, const void *b)
{
	const char *x = path_basename(((const struct disk *)a)->path);
	const char *y = path_basename(((const struct disk *)b)->path);
	const size_t m = strlen(x), n = strlen(y);

	return m != n ? (m < n ? -1 : 1) : strcmp(x, y);
}

static int no_disk(const struct box_plan *p, const char *name, struct error **err)
{
	if (name)
		return error_set(err, ERROR_INVALID,
				 "the artifact has no disk: no file's name begins with '%s'", name);
	error_set(err, ERROR_INVALID,
		  "the artifact has no disk: none of its %zu files is a qcow2 image",
		  p->input->files.len);
	return error_hint(err,
			  "name the disks in a post-processor artifice, or make them with export");
}

/* Those that the builder calls so; of others, which have no state, all qcow2 images. */
static int find_disks(const struct box_plan *p, struct disk_list *ret, struct error **err)
{
	const char *name = box_plan_state(p, "diskName");

	for (size_t i = 0; i < p->input->files.len; i++) {
		struct disk d = { .path = p->input->files.v[i] };

		if (name && strncmp(path_basename(d.path), name, strlen(name)) != 0)
			continue;
		if (look(&d, err) < 0)
			return -1;
		if (name || d.is_qcow2)
			*vec_push(ret) = d;
	}
	if (!ret->len)
		return no_disk(p, name, err);
	if (name)
		qsort(ret->items, ret->len, sizeof(*ret->items), by_number);
	return 0;
}

static int check(const struct disk *d, struct error **err)
{
	if (!d->is_qcow2) {
		error_set(err, ERROR_INVALID,
			  "'%s' is not a qcow2 image, and the provider reads no other", d->path);
		return error_hint(err, "set the builder's format to qcow2, or put the "
				       "post-processor export before this one");
	}
	if (d->has_backing) {
		error_set(err, ERROR_INVALID,
			  "'%s' stands on another image, which is not in the box", d->path);
		return error_hint(err, "set skip_compaction or use_backing_file to false");
	}
	return 0;
}

static int add_disks(struct box_plan *p, const struct disk_list *disks, struct error **err)
{
	json_t *list = json_array();

	json_object_set_new(p->metadata, "disks", list);
	for (size_t i = 0; i < disks->len; i++) {
		AUTO_FREE char *name = xasprintf("box_%zu.img", i);

		if (check(&disks->items[i], err) < 0 ||
		    box_plan_add(p, name, disks->items[i].path, err) < 0)
			return -1;
		json_array_append_new(list,
				      json_pack("{s:s,s:s}", "format", "qcow2", "path", name));
	}
	return 0;
}

static int add_single_disk(struct box_plan *p, const struct disk *d, struct error **err)
{
	const uint64_t gib = UINT64_C(1) << GIB_SHIFT;

	if (check(d, err) < 0 || box_plan_add(p, "box.img", d->path, err) < 0)
		return -1;
	json_object_set_new(p->metadata, "format", json_string("qcow2"));
	json_object_set_new(p->metadata, "virtual_size",
			    json_integer((json_int_t)(d->size / gib + (d->size % gib != 0))));
	return 0;
}

/* ---- libvirt ------------------------------------------------------------------------------------ */

static const char *driver_for(const char *domain)
{
	static const char *const emulated[] = { "none", "tcg", "hvf" };

	for (size_t i = 0; i < ARRAY_LEN(emulated); i++)
		if (!strcmp(domain, emulated[i]))
			return "qemu";
	return strcmp(domain, "kvm") != 0 ? NULL : "kvm";
}

static int add_driver(struct box_plan *p, struct error **err)
{
	const char *domain = box_plan_state(p, "domainType"), *driver;

	if (!domain || !*domain) /* no guest was started: the plugin's own default is right */
		return 0;
	driver = driver_for(domain);
	if (!driver)
		return error_set(err, ERROR_INVALID, "Unknown libvirt domain type: %s", domain);
	strbuf_addf(&p->vagrantfile,
		    "Vagrant.configure(\"2\") do |config|\n"
		    "  config.vm.provider :libvirt do |libvirt|\n"
		    "    libvirt.driver = \"%s\"\n"
		    "  end\n"
		    "end\n",
		    driver);
	return 0;
}

static int fill_libvirt(struct box_plan *p, struct error **err)
{
	struct disk_list disks = { 0 };
	int r = add_driver(p, err);

	if (r == 0)
		r = find_disks(p, &disks, err);
	if (r == 0)
		r = add_disks(p, &disks, err);
	vec_release(&disks);
	return r;
}

/* ---- qemu --------------------------------------------------------------------------------------- */

/* The plugin takes an ARM guest on a Mac for granted. What it finds on the host where the box is used is
 * looked for there. */
static void add_machine(struct box_plan *p)
{
	const bool is_arm = !strcmp(p->architecture, "arm64");

	strbuf_addf(&p->vagrantfile,
		    "Vagrant.configure(\"2\") do |config|\n"
		    "  config.vm.provider :qemu do |qemu|\n"
		    "    qemu.arch = \"%s\"\n",
		    is_arm                             ? "aarch64"
		    : !strcmp(p->architecture, "i386") ? "i386"
						       : "x86_64");
	if (!is_arm)
		strbuf_addstr(
			&p->vagrantfile,
			"    qemu.machine = \"q35\"\n"
			"    qemu.machine += \",accel=kvm:tcg\" if File.writable?(\"/dev/kvm\")\n"
			"    qemu.cpu = \"max\"\n"
			"    qemu.net_device = \"virtio-net-pci\"\n");
	strbuf_addstr(&p->vagrantfile, "    if File.directory?(\"/usr/share/qemu\")\n"
				       "      qemu.qemu_dir = \"/usr/share/qemu\"\n"
				       "    end\n"
				       "  end\n"
				       "end\n");
}

static int fill_qemu(struct box_plan *p, struct error **err)
{
	struct disk_list disks = { 0 };
	int r = find_disks(p, &disks, err);

	add_machine(p);
	if (r == 0)
		r = disks.len == 1 ? add_single_disk(p, &disks.items[0], err)
				   : add_disks(p, &disks, err);
	vec_release(&disks);
	return r;
}

static const char *const libvirt_ids[] = { "transcend.qemu", "ingot.bootstrap", NULL };
static const char *const no_ids[] = { NULL };

const struct box_provider box_libvirt = {
	.name = "libvirt",
	.builder_ids = libvirt_ids,
	.fill = fill_libvirt,
};
const struct box_provider box_qemu = {
	.name = "qemu",
	.builder_ids = no_ids,
	.fill = fill_qemu,
};
