/* SPDX-License-Identifier: Apache-2.0 */
/* Terminals. */
#pragma once

#include <stdbool.h>

bool tty_is_terminal(int fd);
int tty_width(int fd); /* columns; 80 when it cannot be told */
