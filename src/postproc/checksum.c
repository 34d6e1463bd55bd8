/* SPDX-License-Identifier: Apache-2.0 */
/* The post-processor `checksum`: writes digests of an artifact's files (post-processors.md 4). */
#include "base/alloc.h"
#include "base/path.h"
#include "base/str.h"
#include "base/strbuf.h"
#include "core/component.h"
#include "os/fd.h"
#include "os/fs.h"
#include "os/wait.h"
#include "postproc/output.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define DEFAULT_OUTPUT "packer_{{.BuildName}}_{{.BuilderType}}_{{.ChecksumType}}.checksum"

struct checksum {
	struct text_list checksum_types;
	const char *output;
};

static const struct attr checksum_attrs[] = {
	ATTR_STRINGS(struct checksum, checksum_types, 0,
		     "Any of md5, sha1, sha224, sha256, sha384, sha512.", .def = "md5"),
	ATTR_STRING(struct checksum, output, ATTR_LATE, "The file to add to.",
		    .def = DEFAULT_OUTPUT),
	ATTR_END,
};
static const struct schema checksum_schema = SCHEMA(struct checksum, checksum_attrs);

static void checksum_prepare(void *config, const struct prepare_ctx *ctx, struct diags *diags)
{
	struct checksum *c = config;
	struct range at = decoded_range(ctx->decoded, "checksum_types");
	enum digest_type type;

	if (text_is_empty(c->output))
		c->output = DEFAULT_OUTPUT;
	for (size_t i = 0; i < c->checksum_types.len; i++)
		if (!digest_from_name(c->checksum_types.v[i], &type))
			diags_error(
				diags, &at, "Unrecognized checksum type",
				"Unrecognized checksum type: %s. Use md5, sha1, sha224, sha256, "
				"sha384 or sha512.",
				c->checksum_types.v[i]);
	output_check(ctx, "output", c->output, diags);
}

static int append(const char *path, const struct strbuf *lines, struct build_ctx *ctx,
		  bool *ret_is_new, struct error **err)
{
	AUTO_FREE char *dir = path_dirname(path);

	if (fs_mkdir_all(dir, 0755, err) < 0)
		return -1;

	const int how = O_WRONLY | O_APPEND | O_CLOEXEC;
	AUTO_CLOSE int fd = open(path, how | O_CREAT | O_EXCL, 0644);
	bool is_new = fd >= 0;

	if (fd < 0 && errno == EEXIST)
		fd = open(path, how | O_CREAT, 0644); /* also where a link leads */
	if (fd < 0)
		return error_set_errno(err, errno, "cannot open '%s'", path);

	off_t before = lseek(fd, 0, SEEK_END);

	if (io_write_all(fd, lines->buf, lines->len, DEADLINE_NEVER, ctx->cancel, err) == 0) {
		*ret_is_new = is_new;
		return 0;
	}
	/* what others wrote stays, half a line of ours does not */
	if (is_new)
		(void)unlink(path);
	else if (before >= 0)
		(void)!ftruncate(fd, before);
	return error_prefix(err, "cannot write '%s'", path);
}

static int write_type(const struct checksum *c, const char *type_name, struct build_ctx *ctx,
		      struct artifact *input, struct strv *outputs, struct error **err)
{
	AUTO(strbuf) struct strbuf lines = STRBUF_INIT;
	AUTO_FREE char *path = output_render(c->output, ctx, input, type_name, err);
	enum digest_type type;

	if (!path)
		return -1;
	(void)digest_from_name(type_name, &type);
	for (size_t i = 0; i < input->files.len; i++) {
		AUTO_FREE char *hex = NULL;

		if (fs_digest(input->files.v[i], type, ctx->cancel, &hex, err) < 0)
			return -1;
		strbuf_addf(&lines, "%s\t%s\n", hex, path_basename(input->files.v[i]));
	}
	bool is_new = false;

	if (append(path, &lines, ctx, &is_new, err) < 0)
		return -1;
	if (is_new && !strv_contains(outputs, path))
		strv_push(outputs, path);
	return 0;
}

static int checksum_run(const void *config, struct build_ctx *ctx, struct artifact *input,
			struct postproc_result *ret, struct error **err)
{
	const struct checksum *c = config;
	AUTO(strv) struct strv files = STRV_INIT;

	strv_pushv(&files, input->files.v);
	for (size_t i = 0; i < c->checksum_types.len; i++)
		if (write_type(c, c->checksum_types.v[i], ctx, input, &files, err) < 0)
			return -1;

	AUTO_FREE char *names = strv_join(&files, ", ");
	AUTO_FREE char *text = xasprintf("Created artifact from files: %s", names);
	struct artifact *a = artifact_new("packer.post-processor.checksum", "", text);

	strv_pushv(&a->files, files.v);
	a->destroy = artifact_destroy_files;
	*ret = (struct postproc_result){ a, .keep = true, .force_keep = true };
	return 0;
}

const struct postproc_type postproc_checksum = {
	.name = "checksum",
	.doc = "Write checksums of the artifact's files.",
	.schema = &checksum_schema,
	.prepare = checksum_prepare,
	.run = checksum_run,
};
