/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Plays the builds whose steps a store keeps:
 *
 *   steps STORE make KEY PARENT|- BUILD STEP INDEX [BASE-FILE]
 *           keeps a step that adds one disk layer of 64 KiB, with a file "memory"
 *   steps STORE hold KEY
 *           holds it, says "held", and lets go at the end of standard input
 *   steps STORE get KEY
 *           prints the file names of its layers, or what is wrong; exit code 1
 */
#include "base/alloc.h"
#include "base/path.h"
#include "base/str.h"
#include "cache/store.h"
#include "os/fd.h"
#include "os/fs.h"

#include <jansson.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { LAYER_BYTES = 64 * 1024, NAME_AT = 512 };

/* A header such as qcow2 has, that says what the layer stands on, and something to keep. */
static int write_layer(const char *path, const char *below, struct error **err)
{
	AUTO_FREE unsigned char *data = xcalloc(1, LAYER_BYTES);
	size_t len = below ? strlen(below) : 0;

	for (size_t i = NAME_AT; i < LAYER_BYTES; i++)
		data[i] = (unsigned char)(i * 7 + i / 256);
	memcpy(data, "QFI\xfb", 4);
	if (below) {
		data[14] = NAME_AT >> 8;
		data[19] = (unsigned char)len;
		memcpy(data + NAME_AT, below, len);
	}
	return fs_write(path, data, LAYER_BYTES, 0600, err);
}

struct step {
	const char *key, *parent, *build, *name, *index, *base;
};

static int publish(struct store *s, const struct step *step, const struct strv *layers,
		   struct error **err)
{
	struct store_stage stage;
	json_t *meta;
	int64_t index;
	int r;

	if (!parse_int64(step->index, 10, &index))
		return error_set(err, ERROR_INVALID, "INDEX is a number");
	if (store_stage(s, &stage, err) < 0)
		return -1;

	AUTO_FREE char *memory = path_join(stage.dir, "memory");

	r = fs_write(memory, step->key, strlen(step->key), 0600, err);
	if (r < 0) {
		store_discard(&stage);
		return -1;
	}
	meta = json_pack("{s:s, s:s, s:I, s:s?}", "build", step->build, "step", step->name, "index",
			 (json_int_t)index, "parent", step->parent);
	r = store_publish(s, &stage, step->key, layers, meta, NULL, err);
	json_decref(meta);
	return r;
}

static int make(struct store *s, const struct step *step, struct error **err)
{
	AUTO(store_entry) struct store_entry *parent = NULL;
	AUTO(strv) struct strv layers = STRV_INIT;
	AUTO_FREE char *path = NULL, *base = NULL;
	AUTO_CLOSE int fd = -1;
	const char *below = NULL;

	if (step->base && store_base(s, step->key, step->base, &base, err) < 0)
		return -1;
	if (step->parent && store_get(s, step->parent, NULL, &parent, err) < 0)
		return -1;
	if (parent)
		strv_pushv(&layers, parent->layers.v);
	if (layers.len)
		below = layers.v[layers.len - 1];
	else if (base)
		below = path_basename(base);
	if (store_layer_new(s, "qcow2", &path, &fd, err) < 0 || write_layer(path, below, err) < 0)
		return -1;
	strv_push(&layers, path_basename(path));
	return publish(s, step, &layers, err);
}

static int hold(struct store *s, const char *key, bool wait, struct error **err)
{
	AUTO(store_entry) struct store_entry *e = NULL;
	char byte;

	if (store_get(s, key, NULL, &e, err) < 0)
		return -1;
	if (!wait) {
		for (size_t i = 0; i < e->layers.len; i++)
			puts(e->layers.v[i]);
		return 0;
	}
	puts("held");
	(void)fflush(stdout);
	while (fd_read(STDIN_FILENO, &byte, 1) > 0)
		;
	return 0;
}

static int act(struct store *s, int argc, char **argv, struct error **err)
{
	bool makes = !strcmp(argv[2], "make");

	if (makes && (argc == 8 || argc == 9)) {
		struct step step = { .key = argv[3],
				     .parent = strcmp(argv[4], "-") != 0 ? argv[4] : NULL,
				     .build = argv[5],
				     .name = argv[6],
				     .index = argv[7],
				     .base = argc > 8 ? argv[8] : NULL };

		return make(s, &step, err);
	}
	if (!makes && argc == 4)
		return hold(s, argv[3], !strcmp(argv[2], "hold"), err);
	return error_set(err, ERROR_INVALID, "see the head of tests/tools/steps.c");
}

int main(int argc, char **argv)
{
	AUTO(store) struct store *s = NULL;
	AUTO(error) struct error *err = NULL;

	if (argc < 4 || store_open(argv[1], 0, &s, &err) < 0 || act(s, argc, argv, &err) < 0) {
		fprintf(stderr, "steps: %s\n", err ? err->message : "too few arguments");
		return 1;
	}
	return 0;
}
