/* SPDX-License-Identifier: Apache-2.0 */
/* The connect step: waits until the machine lets us in (communicators.md 4). */
#pragma once

#include "comm/ssh/dial.h"

MUST_CHECK int ssh_wait_connect(struct dialer *d, struct ui *ui, struct cancel *c,
				struct sshlink **ret, struct error **err);
