/* SPDX-License-Identifier: Apache-2.0 */
#include "base/suggest.h"

#include "base/alloc.h"
#include "base/utf8.h"

#include <stdint.h>
#include <string.h>

enum { SUGGEST_DISTANCE = 3 };

static uint32_t *code_points(const char *s, size_t *ret_len)
{
	size_t left = strlen(s), n = 0;
	uint32_t *points = xreallocarray(NULL, left, sizeof(*points));

	while (left) {
		size_t len = utf8_decode(s, left, &points[n]);

		if (!len) {
			points[n] = (unsigned char)*s;
			len = 1;
		}
		n++;
		s += len;
		left -= len;
	}
	*ret_len = n;
	return points;
}

size_t levenshtein(const char *a, const char *b)
{
	size_t a_len, b_len;
	AUTO_FREE uint32_t *pa = code_points(a, &a_len);
	AUTO_FREE uint32_t *pb = code_points(b, &b_len);
	AUTO_FREE size_t *row = xreallocarray(NULL, b_len + 1, sizeof(*row));

	for (size_t j = 0; j <= b_len; j++)
		row[j] = j;
	for (size_t i = 0; i < a_len; i++) {
		size_t diagonal = row[0];

		row[0] = i + 1;
		for (size_t j = 0; j < b_len; j++) {
			size_t best = diagonal + (pa[i] != pb[j]);

			diagonal = row[j + 1];
			best = MIN(best, diagonal + 1);
			row[j + 1] = MIN(best, row[j] + 1);
		}
	}
	return row[b_len];
}

const char *suggest(const char *given, const char *const *candidates)
{
	size_t len = strlen(given);

	/* Names of very different length need no comparing, so a huge one costs nothing. */
	for (; *candidates; candidates++) {
		size_t other = strlen(*candidates);

		if (len > 4 * (other + SUGGEST_DISTANCE) || other > 4 * (len + SUGGEST_DISTANCE))
			continue;
		if (levenshtein(given, *candidates) < SUGGEST_DISTANCE)
			return *candidates;
	}
	return NULL;
}
