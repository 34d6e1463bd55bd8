/* SPDX-License-Identifier: Apache-2.0 */
#include "builder/qemu/layers.h"

#include "base/alloc.h"
#include "base/path.h"
#include "os/fd.h"

#include <stdlib.h>

struct layer_chain *layers_add(struct layers *l)
{
	struct layer_chain *c = vec_push(&l->chains);

	strv_init(&c->frozen);
	return c;
}

int layers_make(struct layers *l, size_t nr, const char *below, const struct image_ctx *x,
		char **ret_path, struct error **err)
{
	const struct layer_chain *c = &l->chains.items[nr];
	AUTO_FREE char *path = NULL, *size = xasprintf("%lld", (long long)c->size);
	bool on_base = !c->frozen.len && c->base;
	int fd;

	if (store_layer_new(l->store, "qcow2", &path, &fd, err) < 0)
		return -1;
	*vec_push(&l->held) = fd;

	const struct image_create what = {
		.path = path,
		.format = "qcow2",
		.size = size,
		.backing = below,
		.backing_format = !below                        ? NULL
				  : on_base && below == c->base ? c->base_format
								: "qcow2",
		.unchecked = below != NULL,
	};

	if (image_create(x, &what, err) < 0)
		return -1;
	*ret_path = TAKE(path);
	return 0;
}

int layers_hold(struct layers *l, struct error **err)
{
	for (size_t i = 0; i < l->chains.len; i++) {
		const struct strv *frozen = &l->chains.items[i].frozen;

		for (size_t j = 0; j < frozen->len; j++) {
			int fd;

			if (store_layer_hold(l->store, frozen->v[j], &fd, err) < 0) {
				if ((*err)->kind == ERROR_NOT_FOUND)
					(*err)->kind = ERROR_INVALID;
				return -1;
			}
			*vec_push(&l->held) = fd;
		}
	}
	return 0;
}

int layers_open_tops(struct layers *l, const struct image_ctx *x, struct error **err)
{
	strv_release(&l->live);
	for (size_t i = 0; i < l->chains.len; i++) {
		const struct layer_chain *c = &l->chains.items[i];
		const char *below = c->frozen.len ? c->frozen.v[c->frozen.len - 1] : c->base;
		char *path;

		if (layers_make(l, i, below, x, &path, err) < 0)
			return -1;
		strv_push_take(&l->live, path);
	}
	return 0;
}

void layers_freeze(struct layers *l, size_t nr, char *path)
{
	strv_push(&l->chains.items[nr].frozen, path_basename(l->live.v[nr]));
	free(l->live.v[nr]);
	l->live.v[nr] = path;
}

void layers_paths(const struct layers *l, size_t nr, struct strv *ret)
{
	const struct strv *frozen = &l->chains.items[nr].frozen;
	AUTO_FREE char *dir = path_dirname(l->live.v[nr]);

	for (size_t i = 0; i < frozen->len; i++)
		strv_push_take(ret, path_join(dir, frozen->v[i]));
	strv_push(ret, l->live.v[nr]);
}

void chains_copy(struct chain_list *ret, const struct chain_list *from)
{
	for (size_t i = 0; i < from->len; i++) {
		const struct layer_chain *in = &from->items[i];
		struct layer_chain *out = vec_push(ret);

		*out = (struct layer_chain){ .base = xstrdup(in->base),
					     .base_format = xstrdup(in->base_format),
					     .frozen = STRV_INIT,
					     .size = in->size };
		strv_pushv(&out->frozen, in->frozen.v);
	}
}

void chains_release(struct chain_list *list)
{
	for (size_t i = 0; i < list->len; i++) {
		free(list->items[i].base);
		free(list->items[i].base_format);
		strv_release(&list->items[i].frozen);
	}
	vec_release(list);
}

void layers_release(struct layers *l)
{
	chains_release(&l->chains);
	strv_release(&l->live);
	for (size_t i = 0; i < l->held.len; i++)
		fd_close(l->held.items[i]);
	vec_release(&l->held);
}
