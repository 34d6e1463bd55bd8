/* SPDX-License-Identifier: Apache-2.0 */
#include "builder/docker/config.h"

/* clang-format off */
static const struct attr dockerfile_attrs[] = {
	ATTR_STRING(struct dockerfile, path, ATTR_REQUIRED, "The Dockerfile."),
	ATTR_STRING(struct dockerfile, build_dir, 0, "Directory whose files it may take; unset: the current one.", .def = "."),
	ATTR_MAP(struct dockerfile, arguments, 0, "Values of its `ARG` instructions."),
	ATTR_STRING(struct dockerfile, platform, 0, "Platform of the image, as `linux/arm64`; unset: the source's."),
	ATTR_BOOL(struct dockerfile, pull, 0, "Look for a newer one of the image that it starts from.", .def = "true"),
	ATTR_BOOL(struct dockerfile, compress, 0, "Compress the files on their way to the daemon."),
	ATTR_END,
};
static const struct schema dockerfile_schema = SCHEMA(struct dockerfile, dockerfile_attrs);

static const struct attr docker_attrs[] = {
	ATTR_STRING(struct docker_config, docker_path, 0, "The command line of Docker, or of Podman.", .def = "docker"),
	ATTR_STRING(struct docker_config, image, 0, "The image to start from, as `docker pull` takes it."),
	ATTR_BLOCK(struct docker_config, build, 0, &dockerfile_schema, "Make the image to start from of a Dockerfile, instead of naming one in `image`."),
	ATTR_BOOL(struct docker_config, pull, 0, "Pull the image before; false: it is on this host.", .def = "true"),
	ATTR_STRING(struct docker_config, platform, 0, "Platform of the image, as `linux/arm64`."),
	ATTR_INCLUDE(struct docker_config, login, struct docker_login, &docker_login_schema),

	ATTR_STRINGS(struct docker_config, run_command, ATTR_LATE, "Arguments of `docker run`; `{{ .Image }}` is the image. Unset: `-d -i -t --entrypoint=/bin/sh -- {{ .Image }}`."),
	ATTR_STRINGS(struct docker_config, device, 0, "Devices of this host that the container gets."),
	ATTR_STRINGS(struct docker_config, cap_add, 0, "Capabilities that it gets on top."),
	ATTR_STRINGS(struct docker_config, cap_drop, 0, "Capabilities that it does not get."),
	ATTR_STRINGS(struct docker_config, tmpfs, 0, "Places in memory, as `--tmpfs` takes them."),
	ATTR_BOOL(struct docker_config, privileged, 0, "Let it do what this host can."),
	ATTR_STRING(struct docker_config, runtime, 0, "Runtime of the container, as `runsc`."),
	ATTR_MAP(struct docker_config, volumes, 0, "Paths of this host that it gets, and where."),
	ATTR_STRING(struct docker_config, container_dir, 0, "Where a directory of the build is seen in it; unset: nowhere."),
	ATTR_BOOL(struct docker_config, windows_container, 0, "Not supported."),
	ATTR_STRING(struct docker_config, exec_user, 0, "USER or USER:GROUP that commands run as; unset: the image's."),
	ATTR_BOOL(struct docker_config, pty, 0, "Run commands in a terminal."),
	ATTR_BOOL(struct docker_config, fix_upload_owner, 0, "What is uploaded belongs to the user that commands run as; false: to the numbers of its owner here.", .def = "true"),

	ATTR_BOOL(struct docker_config, commit, 0, "Make an image of the container."),
	ATTR_STRING(struct docker_config, export_path, 0, "Write its files to this tar file instead."),
	ATTR_BOOL(struct docker_config, discard, 0, "Throw it away: only what provisioners brought out counts."),
	ATTR_STRINGS(struct docker_config, changes, 0, "Instructions of a Dockerfile for the image, as `USER app`."),
	ATTR_STRING(struct docker_config, author, 0, "Author of the image."),
	ATTR_STRING(struct docker_config, message, 0, "What changed, for the history of the image."),
	ATTR_INCLUDE(struct docker_config, comm, struct comm_config, &comm_schema),
	ATTR_END,
};
const struct schema docker_schema = SCHEMA(struct docker_config, docker_attrs);
/* clang-format on */
