/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Inside of `fix` only. The options of a component are a map from names to
 * owned values (value_map_init()), which the rules change in place. What is
 * not of the expected type stays as it is.
 */
#pragma once

#include "base/error.h"
#include "base/map.h"
#include "config/fix/fix.h"
#include "value/value.h"

#include <stdbool.h>

enum fix_list { FIX_BUILDERS, FIX_PROVISIONERS, FIX_POST_PROCESSORS, FIX_LIST_COUNT };

typedef int (*fix_options_fn)(struct map *o, struct error **err);

struct fixer_change {
	enum fix_list list;
	const char *types; /* separated by spaces; one that ends in * is a prefix; "*": all */
	fix_options_fn fix;
	/* Without `fix`: the option is renamed, or removed if `to` is NULL. */
	const char *from, *to;
	enum fix_only { FIX_ANY, FIX_TEXT, FIX_FLAG } only; /* if its value is of that kind */
	enum fix_clash {
		FIX_OVERWRITE,
		FIX_KEEP, /* if there is an option `to` already, `from` is only removed … */
		FIX_DROP, /* … whatever it is */
	} clash;
};

/* Types that `types` of a row names; `type` NULL matches "*" only. */
bool fix_matches(const char *types, const char *type);

/* Kind of a value in messages: `map`, `slice`, `float64`, … */
const char *fix_kind_name(const struct value *v);

/* NULL if absent or not of that kind. */
const char *option_text(const struct map *o, const char *name);
struct value *option_flag(const struct map *o, const char *name);
struct value *option_object(const struct map *o, const char *name);
struct value *option_array(const struct map *o, const char *name);
void option_put_text(struct map *o, const char *name, const char *text);
/* Whatever it is; an option `to` is replaced. */
void option_rename(struct map *o, const char *from, const char *to);
/* The members of an object as a map to change; option_put_object() empties it. */
void object_open(struct map *ret, const struct value *object);
void option_put_object(struct map *o, const char *name, struct map *members);
/* Puts an object in front of the array `name`, which may be absent; false: it is something else. */
bool option_prepend(struct map *o, const char *name, struct map *members);

/* Rules that are more than a renaming, by topic. */
int fix_iso_md5(struct map *o, struct error **err);
int fix_iso_checksum(struct map *o, struct error **err);
int fix_qemu_disk_size(struct map *o, struct error **err);
int fix_create_time(struct map *o, struct error **err);
int fix_clean_image_name(struct map *o, struct error **err);
int fix_powershell_escapes(struct map *o, struct error **err);

int fix_guest_additions(struct map *o, struct error **err);
int fix_virtualbox_type(struct map *o, struct error **err);
int fix_virtualbox_override(struct map *o, struct error **err);
int fix_vagrant_override(struct map *o, struct error **err);
int fix_vmware_type(struct map *o, struct error **err);
int fix_vmware_compaction(struct map *o, struct error **err);
int fix_vsphere_network(struct map *o, struct error **err);
int fix_vsphere_disk(struct map *o, struct error **err);
int fix_proxmox_type(struct map *o, struct error **err);

int fix_amazon_private_ip(struct map *o, struct error **err);
int fix_amazon_source_cidrs(struct map *o, struct error **err);
int fix_azure_latest(struct map *o, struct error **err);
int fix_docker_tags(struct map *o, struct error **err);
