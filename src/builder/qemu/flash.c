/* SPDX-License-Identifier: Apache-2.0 */
#include "builder/qemu/flash.h"

#include "base/alloc.h"
#include "builder/qemu/argv.h"
#include "os/fd.h"
#include "os/fs.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { VARS_MODE = 0660 };

/* Some distributions pack the pair as qcow2, which as raw bytes is no program. */
static const char *format_of(const char *path)
{
	static const char magic[] = { 'Q', 'F', 'I', '\xfb' };
	char head[sizeof(magic)] = { 0 };
	AUTO_CLOSE int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0 || fd_read(fd, head, sizeof(head)) != (ssize_t)sizeof(head))
		return "raw";
	return memcmp(head, magic, sizeof(magic)) ? "raw" : "qcow2";
}

static int pad(const char *path, int64_t size, struct error **err)
{
	AUTO_CLOSE int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, VARS_MODE);
	int64_t now;

	if (fd < 0)
		return error_set_errno(err, errno, "cannot write '%s'", path);
	if (fs_size(path, &now, err) < 0)
		return -1;
	if (now < size && ftruncate(fd, size) < 0)
		return error_set_errno(err, errno, "cannot enlarge '%s'", path);
	return 0;
}

static int make_code(struct flash *f, const struct flash_spec *spec, struct cancel *c,
		     struct error **err)
{
	int64_t want = firmware_flash_size(spec->arch);
	int64_t size;

	f->code_format = format_of(spec->pair->code);
	if (fs_size(spec->pair->code, &size, err) < 0)
		return -1;
	if (size >= want || strcmp(f->code_format, "raw") != 0) {
		f->code = xstrdup(spec->pair->code);
		return 0;
	}
	f->code = xstrdup(spec->code_copy);
	if (fs_copy(spec->pair->code, f->code, VARS_MODE, NULL, NULL, c, err) < 0)
		return -1;
	return pad(f->code, want, err);
}

static int make_vars(struct flash *f, const struct flash_spec *spec, struct cancel *c,
		     struct error **err)
{
	const char *from = spec->pair->vars;

	f->vars = xstrdup(spec->vars_copy);
	f->vars_format = from ? format_of(from) : "raw";
	if (from && fs_copy(from, f->vars, VARS_MODE, NULL, NULL, c, err) < 0)
		return -1;
	return strcmp(f->vars_format, "raw") ? 0
					     : pad(f->vars, firmware_flash_size(spec->arch), err);
}

int flash_make(struct flash *ret, const struct flash_spec *spec, struct cancel *c,
	       struct error **err)
{
	*ret = (struct flash){ 0 };
	if (firmware_check(spec->arch, spec->pair, err) == 0 && make_code(ret, spec, c, err) == 0 &&
	    make_vars(ret, spec, c, err) == 0)
		return 0;
	flash_release(ret);
	return -1;
}

void flash_release(struct flash *f)
{
	free(f->code);
	free(f->vars);
	*f = (struct flash){ 0 };
}

char *flash_code_drive(const struct flash *f)
{
	AUTO_FREE char *file = qemu_argv_escape(f->code);

	return xasprintf("file=%s,if=pflash,unit=0,format=%s,readonly=on", file, f->code_format);
}

char *flash_vars_drive(const struct flash *f)
{
	AUTO_FREE char *file = qemu_argv_escape(f->vars);

	return xasprintf("file=%s,if=pflash,unit=1,format=%s", file, f->vars_format);
}
