/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Signals as something to wait for. signals_open() blocks INT, TERM, HUP and
 * WINCH for the whole program, so it must come before the first thread; the
 * main thread polls the fd. Child processes start with nothing blocked.
 */
#pragma once

#include "base/error.h"

enum signal_kind { SIGNAL_INTERRUPT, SIGNAL_TERMINATE, SIGNAL_RESIZE };

MUST_CHECK int signals_open(int *ret_fd, struct error **err);
enum signal_kind signals_read(int fd); /* takes one out; the fd must be readable */
