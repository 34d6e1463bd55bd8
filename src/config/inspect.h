/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/strbuf.h"
#include "config/config.h"

/* What `inspect` prints (cli.md 6.2, HCL2 mode). */
void config_inspect(struct strbuf *sb, const struct config *c);
