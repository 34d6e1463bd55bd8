/* SPDX-License-Identifier: Apache-2.0 */
/* The source type `bootstrap`: a bootable disk from the distribution's package archive. */
#pragma once

#include "core/component.h"

extern const struct builder_type builder_bootstrap;
