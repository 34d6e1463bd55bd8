/* SPDX-License-Identifier: Apache-2.0 */
/* Randomness from the kernel, and UUIDs (the only place that sees libuuid). */
#pragma once

#include <stddef.h>
#include <stdint.h>

void random_bytes(void *out, size_t len);
uint32_t random_below(uint32_t n); /* unbiased, n > 0 */
/* len characters from `alphabet`, plus NUL. */
void random_text(char *out, size_t len, const char *alphabet);
enum { UUID_TEXT = 37 };
void random_uuid(char out[UUID_TEXT]); /* v4, lower case */
void uuid_v5(const unsigned char ns[16], const char *name, char out[UUID_TEXT]);
