/* SPDX-License-Identifier: Apache-2.0 */
/* The options of the source type `bootstrap`. */
#include "builder/bootstrap/config.h"

static const char *const variants[] = {
	"apt", "required", "minbase", "important", "standard", NULL
};
static const char *const firmwares[] = { "bios", "uefi", "both", NULL };
static const char *const formats[] = { "qcow2", "raw", NULL };

/* clang-format off */
static const struct attr user_attrs[] = {
	ATTR_STRINGS(struct bootstrap_user, ssh_authorized_keys, 0,
		"Public keys that may log in as this user, in OpenSSH's one-line form."),
	ATTR_STRING(struct bootstrap_user, password_hash, ATTR_SENSITIVE,
		"Password as a crypt(5) hash, for example from `mkpasswd`. Unset: no password login."),
	ATTR_STRINGS(struct bootstrap_user, groups, 0, "Further groups of the user."),
	ATTR_BOOL(struct bootstrap_user, sudo, 0, "May become root with sudo, without a password."),
	ATTR_STRING(struct bootstrap_user, shell, 0, "Login shell.", .def = "/bin/bash"),
	ATTR_INT(struct bootstrap_user, uid, 0, "Numeric user id; 0 takes the next free one.",
		.min = 0, .max = 60000),
	ATTR_END,
};
static const struct schema user_schema =
	SCHEMA_LABELLED(struct bootstrap_user, user_attrs, "name", name);

static const struct attr attrs[] = {
	ATTR_STRING(struct bootstrap, distribution, 0, "The distribution.", .def = "debian"),
	ATTR_STRING(struct bootstrap, release, 0, "Code name or suite of the release.", .def = "bookworm"),
	ATTR_STRING(struct bootstrap, mirror, 0,
		"Address of the package archive; unset: the distribution's own. An address of a "
		"snapshot of the archive makes the image repeatable for ever."),
	ATTR_STRING(struct bootstrap, security_mirror, 0,
		"Address of the archive with security updates; unset: the distribution's own, or none "
		"when `mirror` is set; empty: none."),
	ATTR_STRING(struct bootstrap, keyring, ATTR_LOCAL_FILE,
		"File with the public keys that sign the archive; unset: the distribution's."),
	ATTR_BOOL(struct bootstrap, updates, 0,
		"Use the suite with updates between point releases too.", .def = "true"),
	ATTR_BOOL(struct bootstrap, check_valid_until, 0,
		"Refuse an archive whose index has expired; false for snapshots.", .def = "true"),
	ATTR_STRINGS(struct bootstrap, components, 0, "Components of the archive; unset: main."),
	ATTR_STRINGS(struct bootstrap, packages, 0,
		"Packages to install beyond what a bootable machine needs."),
	ATTR_STRING(struct bootstrap, variant, 0, "How many packages the system starts from.",
		.def = "minbase", .choices = variants),
	ATTR_STRING(struct bootstrap, architecture, 0,
		"Processor architecture as Debian calls it; unset: that of this host."),
	ATTR_STRING(struct bootstrap, kernel_package, 0,
		"The kernel; unset: the one for virtual machines."),
	ATTR_BOOL(struct bootstrap, install_recommends, 0, "Install recommended packages too."),
	ATTR_STRING(struct bootstrap, hostname, 0, "Name of the machine; unset: the source's name."),
	ATTR_STRING(struct bootstrap, locale, 0, "Locale of the system.", .def = "C.UTF-8"),
	ATTR_STRING(struct bootstrap, timezone, 0, "Time zone, as in the zoneinfo database.",
		.def = "Etc/UTC"),
	ATTR_BLOCKS(struct bootstrap, user, 0, &user_schema, "A user account; the label is its name."),
	ATTR_STRING(struct bootstrap, disk_size, 0,
		"Size of the disk, with suffix M, G or T; without one MiB.", .def = "4G"),
	ATTR_STRING(struct bootstrap, root_label, 0, "Label of the root file system.", .def = "root"),
	ATTR_STRING(struct bootstrap, firmware, 0,
		"What can boot the disk; unset: all that the architecture has.", .choices = firmwares),
	ATTR_STRINGS(struct bootstrap, kernel_options, 0, "Further words for the kernel's command line."),
	ATTR_INT(struct bootstrap, boot_timeout, 0, "Seconds that the boot menu waits.",
		.def = "0", .min = 0, .max = 3600),
	ATTR_STRING(struct bootstrap, format, 0, "Format of the disk image.",
		.def = "qcow2", .choices = formats),
	ATTR_BOOL(struct bootstrap, disk_compression, 0, "Compress the clusters of a qcow2 image."),
	ATTR_STRING(struct bootstrap, output_directory, 0,
		"Where the image is written; unset: output-NAME. Must not exist without -force."),
	ATTR_STRING(struct bootstrap, vm_name, 0,
		"Name of the image file without its suffix; unset: the source's name."),
	ATTR_STRING(struct bootstrap, seed, 0,
		"Text that the identifiers of the disk and its parts are made from; unset: made from the "
		"other options."),
	ATTR_END,
};
/* clang-format on */

const struct schema bootstrap_schema = SCHEMA(struct bootstrap, attrs);

/* These name or wrap the disk and do not change its bytes. */
static const char *const outside[] = {
	"output_directory", "vm_name", "format", "disk_compression", NULL,
};

static bool is_outside(const char *name)
{
	for (size_t i = 0; outside[i]; i++)
		if (!strcmp(outside[i], name))
			return true;
	return false;
}

static void digest_struct(const struct schema *s, const char *base, struct digest *d);

static void digest_list(const char *name, const struct text_list *l, struct digest *d)
{
	for (size_t i = 0; i < l->len; i++)
		digest_add_field(d, name, l->v[i], strlen(l->v[i]));
}

static void digest_attr(const struct attr *a, const char *member, struct digest *d)
{
	const char *text;
	struct block_list blocks;

	switch (a->kind) {
	case ATTR_KIND_STRING:
		text = *(const char *const *)member;
		if (text)
			digest_add_field(d, a->name, text, strlen(text));
		break;
	case ATTR_KIND_INT:
		digest_add_field(d, a->name, member, sizeof(int64_t));
		break;
	case ATTR_KIND_BOOL:
		digest_add_field(d, a->name, member, sizeof(bool));
		break;
	case ATTR_KIND_STRINGS:
		digest_list(a->name, (const struct text_list *)member, d);
		break;
	case ATTR_KIND_BLOCKS:
		blocks = *(const struct block_list *)member;
		for (size_t i = 0; i < blocks.len; i++) {
			digest_add_field(d, a->name, "", 0);
			digest_struct(a->sub, (const char *)blocks.v + i * a->sub->size, d);
		}
		break;
	default:
		assert(!"an option of a kind that the digest does not know");
	}
}

static void digest_struct(const struct schema *s, const char *base, struct digest *d)
{
	if (s->label_name) {
		const char *label = *(const char *const *)(base + s->label_offset);

		digest_add_field(d, s->label_name, label, strlen(label));
	}
	for (const struct attr *a = s->attrs; a->kind != ATTR_KIND_END; a++)
		if (!is_outside(a->name))
			digest_attr(a, base + a->offset, d);
}

void bootstrap_digest(const struct bootstrap *b, struct digest *d)
{
	digest_struct(&bootstrap_schema, (const char *)b, d);
}

const struct bootstrap_user *bootstrap_user_at(const struct bootstrap *b, size_t i)
{
	return (const struct bootstrap_user *)b->user.v + i;
}

bool bootstrap_is_virtual(const struct bootstrap *b)
{
	return strstr(b->kernel_package, "cloud") != NULL;
}

bool bootstrap_needs_locales(const struct bootstrap *b)
{
	return strcmp(b->locale, "C") != 0 && strcmp(b->locale, "POSIX") != 0 &&
	       strcmp(b->locale, "C.UTF-8") != 0;
}
