/* SPDX-License-Identifier: Apache-2.0 */
#include "builder/qemu/iso_image.h"

#include "base/alloc.h"
#include "os/archive.h"
#include "os/fd.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

enum {
	CHUNK = 256 * 1024,
	SECTOR = 2048,
	PRIMARY_SECTOR = 16,
	LABEL_AT = 40, /* in the volume descriptor */
	DATES_AT = 813,
	DATE_LEN = 17,
	FIXED_TIME = 315532800, /* 1980-01-01, the oldest that every file system can say */
};

struct iso {
	const struct archive_library *lib;
	struct archive *a;
	const char *path;
	struct cancel *cancel;
};

static int iso_error(struct iso *iso, struct error **err)
{
	int number = iso->lib->errno_(iso->a);

	if (number == ENOSPC) {
		error_set_errno(err, number, "cannot write '%s'", iso->path);
		return error_hint(err, "free some space on that file system");
	}
	return error_set(err, ERROR_IO, "cannot write '%s': %s", iso->path,
			 iso->lib->error_string(iso->a));
}

static int copy_content(struct iso *iso, const struct file_node *n, struct error **err)
{
	AUTO_CLOSE int fd = open(n->source, O_RDONLY | O_CLOEXEC);
	AUTO_FREE char *buf = xmalloc(CHUNK);
	ssize_t got;

	if (fd < 0)
		return error_set_errno(err, errno, "cannot read '%s'", n->source);
	while ((got = fd_read(fd, buf, CHUNK)) > 0) {
		if (cancel_check(iso->cancel, err) < 0)
			return -1;
		if (iso->lib->write_data(iso->a, buf, (size_t)got) < 0)
			return iso_error(iso, err);
	}
	return got < 0 ? error_set_errno(err, errno, "cannot read '%s'", n->source) : 0;
}

static int add_node(struct iso *iso, const char *name, const struct file_node *n,
		    struct error **err)
{
	struct archive_entry *entry = iso->lib->entry_new();

	iso->lib->entry_set_pathname(entry, name);
	iso->lib->entry_set_size(entry, n->size);
	iso->lib->entry_set_filetype(entry, n->is_dir ? AE_IFDIR : AE_IFREG);
	iso->lib->entry_set_perm(entry, n->is_dir ? 0755 : 0644);
	iso->lib->entry_set_uid(entry, 0);
	iso->lib->entry_set_gid(entry, 0);
	iso->lib->entry_set_mtime(entry, FIXED_TIME, 0);

	int ok = iso->lib->write_header(iso->a, entry);

	iso->lib->entry_free(entry);
	if (ok != ARCHIVE_OK)
		return iso_error(iso, err);
	if (n->text && n->size && iso->lib->write_data(iso->a, n->text, (size_t)n->size) < 0)
		return iso_error(iso, err);
	return n->source ? copy_content(iso, n, err) : 0;
}

static int write_image(struct iso *iso, const char *label, const struct file_tree *t,
		       struct error **err)
{
	const struct archive_library *lib = iso->lib;

	if (lib->write_set_format_iso9660(iso->a) != ARCHIVE_OK ||
	    lib->write_set_format_option(iso->a, "iso9660", "volume-id", label) != ARCHIVE_OK ||
	    lib->write_open_filename(iso->a, iso->path) != ARCHIVE_OK)
		return iso_error(iso, err);
	for (size_t i = 0; i < t->nodes.len; i++)
		if (add_node(iso, t->nodes.entries[i].key, t->nodes.entries[i].value, err) < 0)
			return -1;
	return lib->write_close(iso->a) == ARCHIVE_OK ? 0 : iso_error(iso, err);
}

static int patch(int fd, const char *path, const void *data, size_t len, off_t at,
		 struct error **err)
{
	return fd_write_at(fd, data, len, at) < 0
		       ? error_set_errno(err, errno, "cannot write '%s'", path)
		       : 0;
}

/*
 * The library writes the label in upper case, as the standard has it. Guests
 * read it as it stands (and some look for `cidata`), so it is put in place.
 * The dates of the volume are those of its files.
 */
static int finish_descriptors(const char *path, const char *label, struct error **err)
{
	AUTO_CLOSE int fd = open(path, O_WRONLY | O_CLOEXEC);
	char field[ISO_LABEL_MAX];
	const char date[DATE_LEN + 1] = "1980010100000000"; /* then UTC: a zero byte */
	const off_t primary = (off_t)PRIMARY_SECTOR * SECTOR;

	if (fd < 0)
		return error_set_errno(err, errno, "cannot write '%s'", path);
	memset(field, ' ', sizeof(field));
	memcpy(field, label, strnlen(label, sizeof(field)));
	if (patch(fd, path, field, sizeof(field), primary + LABEL_AT, err) < 0)
		return -1;
	for (off_t d = primary; d <= primary + SECTOR; d += SECTOR)
		for (off_t i = 0; i < 2; i++) /* made, changed */
			if (patch(fd, path, date, DATE_LEN, d + DATES_AT + i * DATE_LEN, err) < 0)
				return -1;
	return 0;
}

int iso_image_write(const char *path, const char *label, struct file_tree *t, struct cancel *c,
		    struct error **err)
{
	struct iso iso = { .lib = archive_library_load(err), .path = path, .cancel = c };

	if (!iso.lib)
		return -1;
	file_tree_sort(t);
	iso.a = iso.lib->write_new();

	int r = write_image(&iso, label, t, err);

	iso.lib->write_free(iso.a);
	return r < 0 ? r : finish_descriptors(path, label, err);
}
