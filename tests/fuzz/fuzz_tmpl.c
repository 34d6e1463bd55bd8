/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Anything at all to the template engine. Besides not crashing and coming to
 * an end: the printed form of a tree parses, and prints as itself.
 */
#include "base/alloc.h"
#include "tmpl/func.h"
#include "tmpl/node.h"
#include "value/jsontext.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool is_function(const void *data, struct str name)
{
	(void)data;
	return tmpl_func_find(NULL, name) != NULL;
}

/* NULL if it does not parse. */
static char *print(const char *text)
{
	static const struct tmpl_names names = { is_function, NULL };
	AUTO(arena) struct arena *arena = arena_new();
	AUTO(error) struct error *e = NULL;
	struct strbuf sb = STRBUF_INIT;
	struct tmpl_tree *tree = tmpl_parse(text, &names, arena, &e);

	if (!tree)
		return NULL;
	for (const struct node *n = tree->main.body; n; n = n->next)
		node_print(&sb, n);
	return strbuf_detach(&sb);
}

/* Texts that were trimmed can touch what stood apart before. */
static bool is_stable(const char *text)
{
	return !strstr(text, "{{-") && !strstr(text, "-}}") && !strstr(text, "/*") &&
	       !strstr(text, "{{{") && !strstr(text, "define") && !strstr(text, "block");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char fields[] = "{\"A\":\"x\",\"L\":[1,2.5,true,null],\"M\":{\"k\":\"v\"}}";
	AUTO_FREE char *text = xstrndup((const char *)data, size);
	AUTO(error) struct error *e = NULL;
	AUTO(value) struct value *object = jsontext_decode(fields, strlen(fields), &e);
	const struct func_world world = { .cwd = "/" };
	const struct tmpl_ctx ctx = { .data = object, .world = &world };
	AUTO_FREE char *out = tmpl_render(text, &ctx, &e);
	AUTO_FREE char *once = print(text);
	AUTO_FREE char *twice = once && is_stable(text) ? print(once) : NULL;

	if (twice && strcmp(once, twice) != 0)
		abort();
	if (out && !once && strstr(text, "{{"))
		abort();
	return 0;
}
