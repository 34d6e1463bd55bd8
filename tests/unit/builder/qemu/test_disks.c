/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/duration.h"
#include "builder/qemu/disks.h"
#include "lab.h"
#include "os/fd.h"
#include "os/wait.h"

#include <unistd.h>

static const char start_key[] = "5afe5afe5afe5afe5afe5afe5afe5afe5afe5afe5afe5afe5afe5afe5afe5afe";

struct bench {
	struct lab lab;
	struct store *store;
	struct image_ctx x;
	struct ui ui;
};

static void swallow(struct event_sink *sink, const struct event *ev)
{
}

static struct event_sink silent = { .emit = swallow };

static void open_bench(struct bench *b)
{
	AUTO(error) struct error *err = NULL;

	lab_open(&b->lab);
	AUTO_FREE char *dir = path_join(b->lab.dir, "store");

	if (store_open(dir, 0, &b->store, &err) < 0)
		fail_msg("%s", err->message);
	b->ui = (struct ui){ .sink = &silent, .build = -1 };
	b->x = (struct image_ctx){
		.journal = b->lab.journal, .ui = &b->ui, .environ = environ, .cwd = b->lab.dir
	};
}

static void close_bench(struct bench *b)
{
	store_close(b->store);
	ui_release(&b->ui);
	lab_close(&b->lab);
}

static void run(const struct bench *b, ...)
{
	AUTO(strv) struct strv argv = STRV_INIT;
	AUTO(error) struct error *err = NULL;
	struct proc_run pr = { .spec = { .argv = &argv, .dir = b->lab.dir } };
	va_list ap;
	const char *arg;

	va_start(ap, b);
	while ((arg = va_arg(ap, const char *)))
		strv_push(&argv, arg);
	va_end(ap);
	if (proc_run(&pr, NULL, NULL, &err) < 0)
		fail_msg("%s", err->message);
}

/* What a disk has to be like at the end. */
struct want {
	const char *name;
	struct qemu_config config;
	const char *source; /* format of the disk image; NULL: none */
};

static void check(int r, struct error **err)
{
	if (r < 0)
		fail_msg("%s", (*err)->message);
}

/* Two steps write to it, overlapping each other and what is below. */
static void write_step(const struct bench *b, const struct disks *d, const char *format, int step)
{
	for (size_t i = 0; i < d->paths.len; i++) {
		const char *path = disks_live(d)->v[i];

		if (step == 1)
			run(b, "qemu-io", "-f", format, "-c", "write -P 1 1M 1M", "-c",
			    "write -P 2 5M 256k", path, NULL);
		else
			run(b, "qemu-io", "-f", format, "-c", "write -P 3 1536k 64k", "-c",
			    "write -z 5M 128k", path, NULL);
	}
}

/* What a checkpoint does while QEMU does not run. */
static void freeze(struct bench *b, struct disks *d)
{
	AUTO(error) struct error *err = NULL;

	for (size_t i = 0; i < d->paths.len; i++) {
		char *top;

		check(layers_make(&d->layers, i, path_basename(d->layers.live.v[i]), &b->x, &top,
				  &err),
		      &err);
		layers_freeze(&d->layers, i, top);
	}
}

static void digest_frozen(const struct bench *b, const struct disks *d, struct strv *ret)
{
	AUTO_FREE char *dir = path_join(store_dir(b->store), "layers");
	AUTO(error) struct error *err = NULL;

	for (size_t i = 0; d->layers.chains.len && i < d->layers.chains.items[0].frozen.len; i++) {
		AUTO_FREE char *path = path_join(dir, d->layers.chains.items[0].frozen.v[i]);
		char *hex;

		check(fs_digest(path, DIGEST_SHA256, NULL, &hex, &err), &err);
		strv_push_take(ret, hex);
	}
}

/* As another guest does that goes on from the same checkpoint: it is open when this returns. */
static void hold_frozen(struct bench *b, const struct disks *d, struct proc *ret)
{
	AUTO_FREE char *dir = path_join(store_dir(b->store), "layers");
	AUTO(strv) struct strv argv = STRV_INIT;
	const struct proc_spec spec = { .argv = &argv, .in = PROC_PIPE, .out = PROC_PIPE };
	AUTO(error) struct error *err = NULL;
	char c;

	if (!d->layers.chains.len)
		return;
	strv_pushl(&argv, "qemu-io", "-r", "-f", "qcow2", NULL);
	strv_push_take(&argv, path_join(dir, d->layers.chains.items[0].frozen.v[0]));
	check(proc_start(ret, &spec, &err), &err);
	/* its prompt */
	check(io_wait(ret->out_fd, POLLIN, clock_deadline(30 * NSEC_PER_SEC), NULL, &err), &err);
	assert_int_equal(fd_read(ret->out_fd, &c, 1), 1);
}

/* The same build without and with layers. */
static void make(struct bench *b, const struct want *w, bool layered, struct strv *ret)
{
	struct qemu_config c = w->config;
	struct disks d = { DISKS_INIT };
	const char *live = layered || !strcmp(c.format, "qcow2") ? "qcow2" : "raw";
	AUTO_FREE char *source = path_join(b->lab.dir, "source");
	AUTO(strv) struct strv before = STRV_INIT, after = STRV_INIT;
	struct proc other = PROC_INIT;
	AUTO(error) struct error *err = NULL;

	c.output_directory = layered ? "layered" : "plain";
	check(fs_mkdir_all(c.output_directory, 0755, &err), &err);
	if (layered) {
		d.layers.store = b->store;
		d.start_key = start_key;
	}
	disks_init(&d, &c, b->lab.dir, w->source ? source : NULL);
	check(disks_create(&d, &b->x, &err), &err);
	write_step(b, &d, live, 1);
	if (layered)
		freeze(b, &d);
	digest_frozen(b, &d, &before);
	write_step(b, &d, live, 2);
	hold_frozen(b, &d, &other);
	check(disks_finish(&d, &b->x, &err), &err);
	proc_stop(&other, NSEC_PER_SEC);
	digest_frozen(b, &d, &after);
	assert_int_equal(before.len, layered ? 1 : 0);
	for (size_t i = 0; i < before.len; i++)
		assert_string_equal(before.v[i], after.v[i]);
	strv_pushv(ret, d.paths.v);
	disks_release(&d);
}

static void compare(struct bench *b, const struct want *w, const char *plain, const char *layered)
{
	AUTO(image_info) struct image_info was = { 0 }, is = { 0 };
	AUTO(error) struct error *err = NULL;
	int64_t old_size, new_size;

	run(b, "qemu-img", "compare", "-q", plain, layered, NULL);
	check(image_probe(&b->x, plain, &was, &err), &err);
	check(image_probe(&b->x, layered, &is, &err), &err);
	assert_string_equal(was.format, is.format);
	assert_int_equal(was.virtual_size, is.virtual_size);
	assert_int_equal(was.has_backing, is.has_backing);
	assert_int_equal(was.is_plain, is.is_plain);
	check(fs_size(plain, &old_size, &err), &err);
	check(fs_size(layered, &new_size, &err), &err);
	if (new_size > old_size)
		fail_msg("%s: %lld bytes became %lld", w->name, (long long)old_size,
			 (long long)new_size);
}

/* The result is the same file, however it came about. */
static void check_result(const struct want *w)
{
	struct bench b;
	AUTO(strv) struct strv plain = STRV_INIT, layered = STRV_INIT;
	AUTO_FREE char *was = fs_cwd();
	AUTO(error) struct error *err = NULL;

	open_bench(&b);
	assert_return_code(chdir(b.lab.dir), 0);
	if (w->source) {
		run(&b, "qemu-img", "create", "-q", "-f", w->source, "source", "8M", NULL);
		run(&b, "qemu-io", "-f", w->source, "-c", "write -P 9 0 3M", "source", NULL);
	}
	make(&b, w, false, &plain);
	make(&b, w, true, &layered);
	assert_int_equal(plain.len, 1 + w->config.disk_additional_size.len);
	for (size_t i = 0; i < plain.len; i++)
		compare(&b, w, plain.v[i], layered.v[i]);
	if (w->source)
		run(&b, "qemu-io", "-f", w->source, "-c", "read -P 9 0 3M", "source", NULL);
	assert_return_code(chdir(was), 0);
	close_bench(&b);
}

static const char *more_disks[] = { "6M" };

static void test_results(void **state)
{
	const struct text_list more = { more_disks, 1 };
	const struct want wants[] = {
		{ "merged", { .format = "qcow2", .disk_image = true }, "qcow2" },
		{ "of a raw image", { .format = "qcow2", .disk_image = true }, "raw" },
		{ "compressed",
		  { .format = "qcow2", .disk_image = true, .disk_compression = true },
		  "qcow2" },
		{ "on the image it came from",
		  { .format = "qcow2",
		    .disk_image = true,
		    .use_backing_file = true,
		    .skip_compaction = true },
		  "qcow2" },
		{ "raw",
		  { .format = "raw", .disk_image = true, .skip_compaction = true },
		  "qcow2" },
		{ "installed", { .format = "qcow2", .disk_additional_size = more }, NULL },
		{ "installed, as it is", { .format = "qcow2", .skip_compaction = true }, NULL },
		{ "installed, raw",
		  { .format = "raw", .skip_compaction = true, .disk_additional_size = more },
		  NULL },
	};

	if (!lab_has("qemu-io"))
		skip();
	for (size_t i = 0; i < ARRAY_LEN(wants); i++) {
		struct want w = wants[i];

		w.config.vm_name = "disk";
		w.config.disk_size = "16M";
		check_result(&w);
	}
}

/* The lower layers of a chain belong to others, too. */
static void test_lost_layer(void **state)
{
	struct bench b;
	struct disks d = { DISKS_INIT };
	const struct qemu_config c = {
		.format = "qcow2", .vm_name = "disk", .output_directory = "out", .disk_size = "16M"
	};
	AUTO(error) struct error *err = NULL;
	struct layer_chain *chain;

	open_bench(&b);
	d.layers.store = b.store;
	d.start_key = start_key;
	disks_init(&d, &c, b.lab.dir, NULL);
	chain = layers_add(&d.layers);
	strv_push(&chain->frozen, "00000000000000000000.qcow2");
	chain->size = 1 << 24;
	assert_int_equal(disks_resume(&d, &b.x, &err), -1);
	assert_int_equal(err->kind, ERROR_INVALID);
	disks_release(&d);
	close_bench(&b);
}

static void test_no_layers(void **state)
{
	const char *drive[] = { "-drive", "file=x" };
	const char *path[] = { "-device", "x,file={{ .OutputDir }}/y" };
	const char *harmless[] = { "-cpu", "max" };
	struct text_list row = { harmless, 2 };
	struct qemu_config c = { .output_directory = "out", .qemuargs = { &row, 1 } };

	assert_null(disks_why_no_layers(&c));
	row.v = drive;
	assert_non_null(strstr(disks_why_no_layers(&c), "qemuargs"));
	row.v = path;
	assert_non_null(strstr(disks_why_no_layers(&c), "qemuargs"));
	row.v = harmless;
	c.disk_image = c.iso_skip_cache = true;
	assert_non_null(strstr(disks_why_no_layers(&c), "iso_skip_cache"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_results),
		cmocka_unit_test(test_lost_layer),
		cmocka_unit_test(test_no_layers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
