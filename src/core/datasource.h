/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reads the `data` blocks of a template while it is loaded: config/ asks
 * through its callback, this finds the component, decodes the block and either
 * lets the component read or says what type of object it would give.
 */
#pragma once

#include "config/config.h"
#include "core/component.h"

struct datasource_reader {
	struct config_data_reader pub; /* for config_options */
	const struct components *components;
	struct datasource_ctx ctx;
	struct redactor *redactor; /* sensitive attributes are registered here */
	bool is_dry;               /* blocks are checked, their outputs stay unknown */
};
/* Sets `pub`; the rest is the caller's. */
void datasource_reader_init(struct datasource_reader *r);

struct type *datasource_output_type(const struct datasource_type *t); /* object; owned */
