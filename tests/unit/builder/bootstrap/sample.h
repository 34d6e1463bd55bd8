/* SPDX-License-Identifier: Apache-2.0 */
/* A configuration as prepare() leaves it, for the tests of this folder. */
#pragma once

#include "builder/bootstrap/config.h"

static const char *const sample_components[] = { "main", NULL };
static const char *const sample_packages[] = { "nginx-light", "less", NULL };
static const char *const sample_options[] = { "net.ifnames=0", NULL };

static inline struct bootstrap sample_config(void)
{
	const struct distro *debian = distro_find("debian");
	const struct arch *amd64 = arch_find("amd64");

	return (struct bootstrap){
		.distribution = "debian",
		.release = "bookworm",
		.mirror = debian->mirror,
		.security_mirror = debian->security_mirror,
		.updates = true,
		.check_valid_until = true,
		.components = { .v = sample_components, .len = 1 },
		.packages = { .v = sample_packages, .len = 2 },
		.variant = "minbase",
		.architecture = "amd64",
		.kernel_package = amd64->kernel_package,
		.hostname = "web",
		.locale = "C.UTF-8",
		.timezone = "Etc/UTC",
		.disk_size = "4G",
		.root_label = "root",
		.firmware = "both",
		.kernel_options = { .v = sample_options, .len = 1 },
		.format = "qcow2",
		.output_directory = "output-web",
		.vm_name = "web",
		.distro = debian,
		.rel = distro_release_find(debian, "bookworm"),
		.arch = amd64,
		.disk_bytes = INT64_C(4) << 30,
		.bios = true,
		.uefi = true,
		.output_dir = "/w/output-web",
		.image_name = "web.qcow2",
	};
}
