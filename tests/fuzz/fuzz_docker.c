/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Anything at all as the engine's answer to `inspect`, and as a note on an image
 * that the store may have removed: only one of ours, and it reads back the same.
 */
#include "base/alloc.h"
#include "base/str.h"
#include "comm/docker/inspect.h"
#include "core/away_image.h"

#include <jansson.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool ok)
{
	if (!ok)
		abort();
}

static void read_note(const json_t *note)
{
	struct away_image i, again;

	if (!away_image_read(note, &i))
		return;
	require(text_starts_with(i.name, AWAY_IMAGE_REPOSITORY ":") && *i.tool);

	json_t *written = away_image_note(&i, NULL);

	require(written && away_image_read(written, &again));
	require(text_eq(i.name, again.name) && text_eq(i.tool, again.tool));
	require(text_eq(i.image, again.image) && text_eq(i.daemon, again.daemon));
	require(i.bytes == again.bytes);
	json_decref(written);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	AUTO_FREE char *text = xstrndup((const char *)data, size);
	AUTO(docker_facts) struct docker_facts facts = DOCKER_FACTS_INIT;
	AUTO(error) struct error *err = NULL;
	json_t *note = json_loadb((const char *)data, size, 0, NULL);

	if (docker_parse_facts(text, &facts, &err) == 0)
		require(docker_same_id(facts.id, facts.id));
	else
		require(!facts.id && !facts.cmd.len);
	read_note(note);
	json_decref(note);
	return 0;
}
