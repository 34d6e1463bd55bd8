/* SPDX-License-Identifier: Apache-2.0 */
#include "builder/qemu/image.h"

#include "base/alloc.h"
#include "base/duration.h"
#include "base/path.h"
#include "base/str.h"
#include "os/clock.h"
#include "os/fs.h"
#include "os/proc.h"
#include "os/wait.h"

#include <errno.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
	OUTPUT_MAX = 64 * 1024, /* of qemu-img's words that are kept for a message */
	INFO_MAX = 4 * 1024 * 1024,
	READ_BYTES = 4096,
	STOP_SECONDS = 2,
	PERCENT_TEXT = 16,
};

void image_info_release(struct image_info *info)
{
	free(info->format);
	*info = (struct image_info){ 0 };
}

/* ---- running it ---------------------------------------------------------------- */

struct job {
	const struct image_ctx *x;
	const char *label; /* NULL: says no progress */
	int64_t total;     /* bytes that 100 % stands for */
	struct strbuf text;
};

/* Takes the first `(12.50/100%)` out of the text. */
static bool cut_progress(struct strbuf *text, char number[PERCENT_TEXT])
{
	const char *close = strstr(text->buf, "/100%)");
	const char *open = close ? memrchr(text->buf, '(', (size_t)(close - text->buf)) : NULL;

	if (!open || close - open > PERCENT_TEXT)
		return false;
	memcpy(number, open + 1, (size_t)(close - open) - 1);
	number[close - open - 1] = '\0';
	*strchrnul(number, '.') = '\0';
	strbuf_remove(text, (size_t)(open - text->buf), (size_t)(close - open) + strlen("/100%)"));
	return true;
}

/* `    (12.50/100%)\r`: the last one counts. They are no part of the text that is kept. */
static void take_progress(struct job *job)
{
	char number[PERCENT_TEXT] = "";
	int64_t whole = 0;

	while (cut_progress(&job->text, number))
		;
	if (*number && job->label && job->x->ui && parse_int64(number, 10, &whole))
		ui_progress(job->x->ui, job->label, job->total / 100 * whole, job->total,
			    UNIT_BYTES);
}

static int read_output(struct job *job, struct proc *p, struct error **err)
{
	char buf[READ_BYTES];

	for (;;) {
		if (io_wait(p->out_fd, POLLIN, DEADLINE_NEVER, job->x->cancel, err) < 0)
			return -1;

		ssize_t n = read(p->out_fd, buf, sizeof(buf));

		if (n == 0)
			return 0;
		if (n < 0 && errno != EINTR && errno != EAGAIN)
			return error_set_errno(err, errno, "cannot read what qemu-img says");
		if (n > 0)
			strbuf_add(&job->text, buf, (size_t)n);
		take_progress(job);
	}
}

static int judge(const struct job *job, int status, struct error **err)
{
	struct str text = str_trim((struct str){ job->text.buf, job->text.len });

	if (!status)
		return 0;
	if (strstr(job->text.buf, strerrordesc_np(ENOSPC))) {
		error_set(err, ERROR_IO, "QemuImg error: %.*s", STR_FMT(text));
		(*err)->os_errno = ENOSPC;
		return error_hint(err, "the disk that holds the output is full: make room, or "
				       "choose another output_directory");
	}
	if (!text.len)
		return error_set(err, ERROR_FAILED, "QemuImg error: exit status %d", status);
	return error_set(err, ERROR_FAILED, "QemuImg error: %.*s", STR_FMT(text));
}

static int start(const struct image_ctx *x, const struct strv *argv, struct proc *p,
		 uint64_t *ret_id, struct error **err)
{
	AUTO(strv) struct strv env = STRV_INIT;
	struct proc_spec spec = {
		.argv = argv, .env = &env, .dir = x->cwd, .out = PROC_PIPE, .merge_err = true
	};

	strv_pushv(&env, x->environ);
	strv_push(&env, "LC_ALL=C"); /* its words are looked at */
	if (journal_process(x->journal, "qemu-img", &env, ret_id, err) < 0)
		return -1;
	if (proc_start(p, &spec, err) == 0)
		return journal_started(x->journal, *ret_id, p->pid, err);
	if ((*err)->kind == ERROR_NOT_FOUND) {
		error_ignore(err, "said better below");
		error_set(err, ERROR_NOT_FOUND,
			  "Failed creating Qemu driver: exec: \"qemu-img\": "
			  "executable file not found in $PATH");
		error_hint(err, "the Debian package qemu-utils brings it");
	}
	return -1;
}

/* Everything it says ends up in job->text. */
static int run(struct job *job, const struct strv *argv, struct error **err)
{
	struct proc p = PROC_INIT;
	uint64_t id = 0;
	int status = 0;
	int r = start(job->x, argv, &p, &id, err);

	if (r == 0)
		r = read_output(job, &p, err);
	if (r == 0)
		r = proc_wait(&p, DEADLINE_NEVER, job->x->cancel, &status, err);
	if (r == 0)
		r = judge(job, status, err);
	proc_stop(&p, STOP_SECONDS * NSEC_PER_SEC);
	journal_done(job->x->journal, id);
	if (job->label && job->x->ui)
		ui_progress_end(job->x->ui, job->label);
	return r;
}

static int run_quiet(const struct image_ctx *x, const struct strv *argv, struct error **err)
{
	struct job job = { .x = x, .text = STRBUF_INIT_MAX(OUTPUT_MAX) };
	int r = run(&job, argv, err);

	strbuf_release(&job.text);
	return r;
}

static int run_with_progress(const struct image_ctx *x, const struct strv *argv, const char *label,
			     const char *source, struct error **err)
{
	struct job job = { .x = x, .label = label, .text = STRBUF_INIT_MAX(OUTPUT_MAX) };
	AUTO(error) struct error *e = NULL;

	if (fs_size(source, &job.total, &e) < 0)
		error_ignore(&e, "qemu-img will say what is wrong with it");

	int r = run(&job, argv, err);

	strbuf_release(&job.text);
	return r;
}

static void push_list(struct strv *argv, const struct text_list *list)
{
	for (size_t i = 0; list && i < list->len; i++)
		strv_push(argv, list->v[i]);
}

/* A name that could be taken for an option or a protocol becomes a plain path. */
/* A path, whatever it looks like, or a URL of an image that is read where it is. */
static void push_path(struct strv *argv, const char *path)
{
	if (*path == '/' || text_starts_with(path, "http://") || text_starts_with(path, "https://"))
		strv_push(argv, path);
	else
		strv_pushf(argv, "./%s", path);
}

/* ---- what it is asked ------------------------------------------------------------ */

static bool is_plain_qcow2(const json_t *info)
{
	const json_t *data = json_object_get(json_object_get(info, "format-specific"), "data");

	return !json_object_get(info, "backing-filename") && !json_object_get(data, "data-file") &&
	       !json_object_get(data, "encrypt") &&
	       !json_is_true(json_object_get(data, "corrupt")) &&
	       !json_array_size(json_object_get(info, "snapshots")) &&
	       !json_array_size(json_object_get(data, "bitmaps"));
}

static int take_info(const char *text, size_t len, const char *path, struct image_info *ret,
		     struct error **err)
{
	json_error_t why;
	json_t *info = json_loadb(text, len, JSON_DISABLE_EOF_CHECK, &why);
	const char *format = json_string_value(json_object_get(info, "format"));
	int64_t size = json_integer_value(json_object_get(info, "virtual-size"));

	if (!format) {
		json_decref(info);
		return error_set(err, ERROR_REMOTE, "qemu-img says nothing useful about '%s'",
				 path);
	}
	*ret = (struct image_info){
		.format = xstrdup(format),
		.virtual_size = size,
		.has_backing = json_object_get(info, "backing-filename") != NULL,
		.is_plain = !strcmp(format, "qcow2") && is_plain_qcow2(info),
	};
	json_decref(info);
	return 0;
}

int image_probe(const struct image_ctx *x, const char *path, struct image_info *ret,
		struct error **err)
{
	struct job job = { .x = x, .text = STRBUF_INIT_MAX(INFO_MAX) };
	AUTO(strv) struct strv argv = STRV_INIT;

	/* -U: somebody may be running from it */
	strv_pushl(&argv, "qemu-img", "info", "-U", "--output=json", NULL);
	push_path(&argv, path);

	int r = run(&job, &argv, err);

	if (r == 0)
		r = take_info(job.text.buf, job.text.len, path, ret, err);
	strbuf_release(&job.text);
	return r;
}

int64_t image_size_parse(const char *text)
{
	static const char units[] = "bkmgt";
	AUTO_FREE char *digits = xstrdup(text);
	size_t len = strlen(digits);
	int64_t n;
	int shift = 0;

	if (len && (digits[len - 1] < '0' || digits[len - 1] > '9')) {
		const char *unit = strchr(units, digits[len - 1] | 0x20);

		if (!unit)
			return -1;
		shift = (int)(unit - units) * 10;
		digits[len - 1] = '\0';
	}
	if (digits[0] < '0' || digits[0] > '9' || !parse_int64(digits, 10, &n))
		return -1;
	return n <= INT64_MAX >> shift ? n << shift : -1;
}

int image_create(const struct image_ctx *x, const struct image_create *what, struct error **err)
{
	AUTO(strv) struct strv argv = STRV_INIT;

	strv_pushl(&argv, "qemu-img", "create", "-q", "-f", what->format, NULL);
	if (what->unchecked)
		strv_push(&argv, "-u");
	if (what->backing)
		strv_pushl(&argv, "-b", what->backing, "-F", what->backing_format, NULL);
	push_list(&argv, what->extra);
	push_path(&argv, what->path);
	if (what->size)
		strv_push(&argv, what->size);
	return run_quiet(x, &argv, err);
}

int image_resize(const struct image_ctx *x, const struct image_resize *what, struct error **err)
{
	AUTO(strv) struct strv argv = STRV_INIT;

	strv_pushl(&argv, "qemu-img", "resize", "-q", "-f", what->format, NULL);
	push_list(&argv, what->extra);
	push_path(&argv, what->path);
	strv_push(&argv, what->size);
	return run_quiet(x, &argv, err);
}

int image_convert(const struct image_ctx *x, const struct image_convert *what, struct error **err)
{
	AUTO(strv) struct strv argv = STRV_INIT;

	strv_pushl(&argv, "qemu-img", "convert", "-p", NULL);
	if (what->compress)
		strv_pushl(&argv, "-c", "-W", NULL);
	if (what->is_remote)
		strv_pushl(&argv, "-m", "1", NULL);
	push_list(&argv, what->extra);
	if (what->from_format)
		strv_pushl(&argv, "-f", what->from_format, NULL);
	strv_pushl(&argv, "-O", what->to_format, NULL);
	push_path(&argv, what->from);
	push_path(&argv, what->to);
	return run_with_progress(x, &argv, what->label, what->from, err);
}

static int rebase_onto(const struct image_ctx *x, const char *overlay, const char *base,
		       struct error **err)
{
	AUTO(strv) struct strv argv = STRV_INIT;

	/* -u: only the name of the base changes, its bytes are the same */
	strv_pushl(&argv, "qemu-img", "rebase", "-q", "-u", "-f", "qcow2", "-F", "qcow2", "-b",
		   base, NULL);
	push_path(&argv, overlay);
	return run_quiet(x, &argv, err);
}

static void say_copied(void *data, int64_t done, int64_t total)
{
	const struct image_ctx *x = data;

	if (x->ui)
		ui_progress(x->ui, "copying the base", done, total, UNIT_BYTES);
}

int image_copy_base(const struct image_ctx *x, const char *base, const char *to, struct error **err)
{
	int r = fs_copy(base, to, 0644, say_copied, (void *)x, x->cancel, err);

	if (x->ui)
		ui_progress_end(x->ui, "copying the base");
	return r;
}

int image_merge(const struct image_ctx *x, const struct image_merge *what, struct error **err)
{
	AUTO_FREE char *to = path_absolute(x->cwd, what->to);
	AUTO(strv) struct strv argv = STRV_INIT;

	if (image_copy_base(x, what->base, to, err) < 0 ||
	    rebase_onto(x, what->overlay, to, err) < 0)
		return -1;
	/* -d: the overlay need not be emptied afterwards, it goes away */
	strv_pushl(&argv, "qemu-img", "commit", "-q", "-p", "-d", "-f", "qcow2", NULL);
	push_path(&argv, what->overlay);
	return run_with_progress(x, &argv, "writing the changes", what->overlay, err);
}

/* ---- chains ---------------------------------------------------------------------- */

/* Nobody writes to a shared one; a lock on it would keep guests from starting that stand on it. */
static json_t *describe_layer(const char *path, bool is_shared)
{
	return json_pack("{s:s, s:{s:s, s:s, s:s}}", "driver", "qcow2", "file", "driver", "file",
			 "filename", path, "locking", is_shared ? "off" : "auto");
}

/* The chain with another bottom than its files name. Heap. */
static char *describe_chain(const struct image_chain *what)
{
	AUTO(strbuf) struct strbuf sb = STRBUF_INIT;
	json_t *below = describe_layer(what->to, false);

	for (size_t i = 0; i < what->layers->len; i++) {
		json_t *layer = describe_layer(what->layers->v[i], i + 1 < what->layers->len);

		json_object_set_new(layer, "backing", below);
		below = layer;
	}

	char *text = json_dumps(below, JSON_COMPACT);

	assert(text);
	strbuf_addf(&sb, "json:%s", text);
	free(text);
	json_decref(below);
	return strbuf_detach(&sb);
}

int image_write_chain(const struct image_ctx *x, const struct image_chain *what, struct error **err)
{
	AUTO_FREE char *chain = describe_chain(what);
	AUTO(strv) struct strv argv = STRV_INIT;

	strv_pushl(&argv, "qemu-img", "commit", "-q", "-p", "-d", "-b", what->to, chain, NULL);
	return run_with_progress(x, &argv, "writing the changes",
				 what->layers->v[what->layers->len - 1], err);
}
