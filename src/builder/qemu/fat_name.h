/* SPDX-License-Identifier: Apache-2.0 */
/* Names on a FAT file system: a long one in UTF-16 and its alias of 8 and 3 characters. */
#pragma once

#include "base/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Directory entries that a file of this name takes; -1 when FAT has no such name. */
MUST_CHECK int fat_name_slots(const char *name, struct error **err);
/* Ignoring case; of paths, the last element counts. */
bool fat_name_same(const char *a, const char *b);
/* One that none of the `count` entries has; as stored, "NAME    EXT". */
void fat_name_alias(const char *name, const uint8_t *entries, size_t count, char ret[static 11]);
/* The entries that come before the one with the alias, if the name needs any; returns their end. */
uint8_t *fat_name_put_long(uint8_t *at, const char *name, const char alias[static 11]);
