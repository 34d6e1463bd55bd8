/* SPDX-License-Identifier: Apache-2.0 */
/* Rules for machines on hypervisors. */
#include "config/fix/rows.h"

#include "base/macro.h"

#include <string.h>

int fix_guest_additions(struct map *o, struct error **err)
{
	const struct value *attach = option_flag(o, "guest_additions_attach");
	const char *mode;

	if (!attach)
		return 0;
	mode = value_as_bool(attach) ? "attach" : "upload";
	map_remove(o, "guest_additions_attach");
	option_put_text(o, "guest_additions_mode", mode);
	return 0;
}

int fix_virtualbox_type(struct map *o, struct error **err)
{
	option_put_text(o, "type", "virtualbox-iso");
	return 0;
}

int fix_vmware_type(struct map *o, struct error **err)
{
	option_put_text(o, "type", "vmware-iso");
	return 0;
}

int fix_proxmox_type(struct map *o, struct error **err)
{
	option_put_text(o, "type", "proxmox-iso");
	return 0;
}

int fix_virtualbox_override(struct map *o, struct error **err)
{
	AUTO(map) struct map members = { 0 };
	const struct value *override = map_get(o, "override");

	if (!override || value_is_null(override))
		return 0;
	if (!option_object(o, "override"))
		return error_set(err, ERROR_INVALID, "'' expected a map, got '%s'",
				 fix_kind_name(override));
	if (!value_get(override, "virtualbox"))
		return 0;
	object_open(&members, override);
	option_rename(&members, "virtualbox", "virtualbox-iso");
	option_put_object(o, "override", &members);
	return 0;
}

int fix_vagrant_override(struct map *o, struct error **err)
{
	static const char *const providers[] = { "aws", "digitalocean", "virtualbox", "vmware" };
	AUTO(map) struct map members = { 0 };

	value_map_init(&members);
	for (size_t i = 0; i < ARRAY_LEN(providers); i++) {
		struct value *v = map_get(o, providers[i]);

		if (!v)
			continue;
		map_set(&members, providers[i], value_ref(v));
		map_remove(o, providers[i]);
	}
	if (members.len)
		option_put_object(o, "override", &members);
	return 0;
}

int fix_vmware_compaction(struct map *o, struct error **err)
{
	const char *remote = option_text(o, "remote_type");
	const char *disk = option_text(o, "disk_type_id");
	const struct value *skip = map_get(o, "skip_compaction");
	bool is_off = !skip || (option_flag(o, "skip_compaction") && !value_as_bool(skip));

	if (!remote || strcmp(remote, "esx5") != 0)
		return 0;
	if (!map_has(o, "disk_type_id")) {
		option_put_text(o, "disk_type_id", "zeroedthick");
		disk = "zeroedthick";
	}
	if (disk && strcmp(disk, "thin") != 0 && is_off)
		value_map_put(o, "skip_compaction", value_bool(true));
	return 0;
}

/* Moves the options there are into a new first element of the list. */
static void move_into(struct map *o, const char *list, const char *const *options)
{
	AUTO(map) struct map members = { 0 };

	if (map_has(o, list) && !option_array(o, list))
		return;
	value_map_init(&members);
	for (size_t i = 0; options[i]; i++) {
		struct value *v = map_get(o, options[i]);

		if (!v)
			continue;
		map_set(&members, options[i], value_ref(v));
		map_remove(o, options[i]);
	}
	if (members.len)
		option_prepend(o, list, &members);
}

int fix_vsphere_network(struct map *o, struct error **err)
{
	static const char *const options[] = { "network", "network_card", NULL };

	if (map_has(o, "network_card"))
		map_remove(o, "networkCard");
	else
		option_rename(o, "networkCard", "network_card");
	move_into(o, "network_adapters", options);
	return 0;
}

int fix_vsphere_disk(struct map *o, struct error **err)
{
	static const char *const options[] = { "disk_size", "disk_thin_provisioned",
					       "disk_eagerly_scrub", NULL };

	move_into(o, "storage", options);
	return 0;
}
