/* SPDX-License-Identifier: Apache-2.0 */
/* The communicator `ssh` (communicators.md 3 to 11). Its configuration is a struct comm_config. */
#pragma once

#include "core/component.h"

extern const struct comm_type comm_ssh;
