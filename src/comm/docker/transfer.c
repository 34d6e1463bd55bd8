/* SPDX-License-Identifier: Apache-2.0 */
#include "comm/docker/transfer.h"

#include "base/alloc.h"
#include "base/map.h"
#include "base/str.h"

#include <string.h>

/* More layers than an image can have. */
enum { LAYERS_MAX = 1000, ID_HEX = 12 };

struct transfer {
	struct ui *ui;
	const char *what;
	struct map layers; /* ID -> NULL while it is on its way, then this struct */
	size_t done;
};

/* ---- lines ---------------------------------------------------------------------------------- */

static bool starts_with_any(const char *text, const char *const *starts)
{
	for (; *starts; starts++)
		if (text_starts_with(text, *starts))
			return true;
	return false;
}

/* "3da95a905ed5: Pull complete" */
static bool docker_line(const char *line, struct str *ret_id, bool *ret_done)
{
	static const char *const states[] = {
		"Pulling fs layer",
		"Waiting",
		"Downloading",
		"Verifying Checksum",
		"Download complete",
		"Extracting",
		"Preparing",
		"Pushing",
		"Retrying in",
		"Layer ",
		"Pull complete",
		"Already exists",
		"Pushed",
		"Mounted from",
		NULL,
	};
	static const char *const last[] = {
		"Pull complete", "Already exists", "Layer already exists",
		"Pushed",        "Mounted from",   NULL,
	};

	if (strspn(line, "0123456789abcdef") != ID_HEX || !text_starts_with(line + ID_HEX, ": "))
		return false;

	const char *state = line + ID_HEX + 2;

	if (!starts_with_any(state, states))
		return false;
	*ret_id = (struct str){ line, ID_HEX };
	*ret_done = starts_with_any(state, last);
	return true;
}

/* "Copying blob sha256:3da9… done": Podman tells of each when it begins, or when it is there. */
static bool podman_line(const char *line, struct str *ret_id, bool *ret_done)
{
	static const char start[] = "Copying blob ";
	const char *id = line + strlen(start);

	if (!text_starts_with(line, start))
		return false;
	if (text_starts_with(id, "sha256:"))
		id += strlen("sha256:");

	size_t len = strspn(id, "0123456789abcdef");

	if (len < ID_HEX || (id[len] && id[len] != ' '))
		return false;
	*ret_id = (struct str){ id, len };
	*ret_done = strstr(id, "done") || strstr(id, "skipped");
	return true;
}

bool docker_layer_line(const char *line, struct str *ret_id, bool *ret_done)
{
	return docker_line(line, ret_id, ret_done) || podman_line(line, ret_id, ret_done);
}

/* ---- running --------------------------------------------------------------------------------- */

static void note(struct transfer *t, struct str id, bool done)
{
	AUTO_FREE char *name = str_dup(id);
	bool known = map_has(&t->layers, name);

	if (!known && t->layers.len >= LAYERS_MAX)
		return;
	if (done && map_get(&t->layers, name) != t) {
		t->done++;
		map_set(&t->layers, name, t);
	} else if (!known) {
		map_set(&t->layers, name, NULL);
	}
	ui_progress(t->ui, t->what, (int64_t)t->done, (int64_t)t->layers.len, UNIT_ITEMS);
}

static void take_line(void *data, bool is_stderr, const char *line)
{
	struct transfer *t = data;
	struct str id;
	bool done;

	if (docker_layer_line(line, &id, &done))
		note(t, id, done);
	else
		ui_output(t->ui, is_stderr, line);
}

int docker_transfer(const struct docker_client *client, const struct strv *argv, const char *what,
		    struct error **err)
{
	struct transfer t = { .ui = client->ctx->ui, .what = what };
	const struct docker_call call = {
		.client = client, .argv = argv, .line = take_line, .line_data = &t
	};

	map_init(&t.layers, NULL);

	int r = docker_run(&call, err);

	if (t.layers.len)
		ui_progress_end(t.ui, what);
	map_release(&t.layers);
	return r;
}
