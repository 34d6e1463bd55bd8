/* SPDX-License-Identifier: Apache-2.0 */
#include "plugin/host/transfer.h"

#include "base/alloc.h"
#include "base/path.h"
#include "os/clock.h"
#include "os/fd.h"
#include "os/wait.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static void tell(struct transfer_file *f, ssize_t n)
{
	f->at += n;
	if (f->up->progress)
		f->up->progress(f->up->progress_data, f->at, f->total);
}

static ssize_t read_file(void *data, void *buf, size_t len, struct error **err)
{
	struct transfer_file *f = data;
	ssize_t n = fd_read(f->fd, buf, len);

	if (n < 0)
		return error_set_errno(err, errno, "cannot read '%s'", f->up->path);
	tell(f, n);
	return n;
}

static ssize_t read_memory(void *data, void *buf, size_t len, struct error **err)
{
	struct transfer_file *f = data;
	size_t n = MIN(len, (size_t)(f->total - f->at));

	if (n)
		memcpy(buf, (const char *)f->up->data + f->at, n);
	tell(f, (ssize_t)n);
	return (ssize_t)n;
}

int transfer_file_open(struct transfer_file *f, const struct comm_upload *up, struct error **err)
{
	struct stat st = { 0 };

	*f = (struct transfer_file){ .up = up, .fd = -1, .total = (int64_t)up->len };
	if (up->path) {
		f->fd = open(up->path, O_RDONLY | O_CLOEXEC);
		if (f->fd < 0 || fstat(f->fd, &st) < 0) {
			error_set_errno(err, errno, "cannot read '%s'", up->path);
			fd_close(f->fd);
			return -1;
		}
		f->total = st.st_size;
		f->name = xstrdup(path_basename(up->path));
	}
	f->source = (struct comm_source){
		.fd = f->fd,
		.read = f->fd >= 0 ? read_file : read_memory,
		.data = f,
		.name = f->name ? f->name : "data",
		.size = f->total,
		.mode = up->mode     ? up->mode
			: f->fd >= 0 ? st.st_mode & 0777
				     : 0644,
	};
	return 0;
}

void transfer_file_close(struct transfer_file *f)
{
	fd_close(f->fd);
	free(f->name);
}

void transfer_pack_upload(struct strbuf *arg, const struct comm_source *from, const char *dst,
			  uint32_t id)
{
	pack_map(arg, 3);
	pack_text(arg, "Path");
	pack_text(arg, dst);
	pack_text(arg, "ReaderStreamId");
	pack_uint(arg, id);
	pack_text(arg, "FileInfo");
	if (!from->name) {
		pack_nil(arg);
		return;
	}
	pack_map(arg, 4);
	pack_text(arg, "N");
	pack_text(arg, from->name);
	pack_text(arg, "S");
	pack_int(arg, from->size);
	pack_text(arg, "M");
	pack_uint(arg, from->mode);
	pack_text(arg, "T");
	pack_nil(arg);
}

int transfer_write_fd(void *data, const void *bytes, size_t len, struct error **err)
{
	if (io_write_all(*(const int *)data, bytes, len, DEADLINE_NEVER, NULL, err) == 0)
		return 0;
	return error_prefix(err, "a file that comes");
}
