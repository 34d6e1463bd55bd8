/* SPDX-License-Identifier: Apache-2.0 */
/* The words of ssh_ciphers and ssh_key_exchange_algorithms (communicators.md 11). */
#pragma once

#include "base/strbuf.h"

enum algorithm_kind { ALGORITHM_CIPHER, ALGORITHM_KEY_EXCHANGE };

enum algorithm_state {
	ALGORITHM_UNKNOWN, /* no such word */
	ALGORITHM_ABSENT,  /* an algorithm, but we do not have it: skipped */
	ALGORITHM_USABLE,
};

enum algorithm_state algorithm_find(enum algorithm_kind kind, const char *word);
/* Appends those that can be used, separated by commas. */
void algorithm_list(enum algorithm_kind kind, struct strbuf *ret);
