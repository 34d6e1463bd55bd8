/* SPDX-License-Identifier: Apache-2.0 */
/* Copies files to the machine or from it (provisioners.md 5). */
#pragma once

#include "core/component.h"

struct file_config {
	const char *direction;
	const char *source;
	struct text_list sources;
	const char *content;
	const char *destination;
	bool generated;
};

extern const struct schema file_provisioner_schema;
extern const struct provisioner_type provisioner_file;
