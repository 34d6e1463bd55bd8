/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A small gzip writer (RFC 1951, 1952): one block with the fixed codes and
 * repeated text found through a hash table. For user data of a few kilobytes;
 * files go through libarchive.
 */
#pragma once

#include "base/strbuf.h"

#include <stddef.h>

void gzip_compress(struct strbuf *out, const void *data, size_t len);
