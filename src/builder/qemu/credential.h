/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Gives a guest our temporary public key without touching its disk: as a
 * systemd credential in the firmware's tables, that writes
 * /run/ingot/authorized_keys.d/USER during boot (systemd >= 252). An image
 * lets it in when its sshd has
 *   AuthorizedKeysFile .ssh/authorized_keys /run/ingot/authorized_keys.d/%u
 * Other guests do not notice.
 */
#pragma once

#include <stdbool.h>

/* The value of -smbios; NULL for a user name that is no plain file name. Heap. */
char *credential_smbios(const char *user, const char *public_line);
/* Has a machine of this emulator tables that can carry it? */
bool credential_is_possible(const char *binary);
