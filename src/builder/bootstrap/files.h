/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The texts of the folder files/: what goes into an image, and the hooks that
 * mmdebstrap runs. They are part of the program, so that it works from
 * anywhere; embed.py makes the table.
 */
#pragma once

struct embedded_file {
	const char *name; /* NULL ends the table */
	const char *text;
};
extern const struct embedded_file embedded_files[];

/* The text of a file that must exist. */
const char *embedded_text(const char *name);
