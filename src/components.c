/* SPDX-License-Identifier: Apache-2.0 */
/* The list of built-in components: sorted by name (a unit test checks it), NULL-terminated. */
#include "builder/bootstrap/bootstrap.h"
#include "comm/docker/docker.h"
#include "comm/ssh/ssh.h"
#include "core/component.h"
#include "provisioner/ansible/local.h"
#include "provisioner/chef.h"
#include "provisioner/file.h"
#include "provisioner/puppet.h"
#include "provisioner/shell.h"
#include "provisioner/shell_local.h"

extern const struct builder_type builder_docker, builder_file, builder_null, builder_qemu;
extern const struct datasource_type datasource_http, datasource_null;
extern const struct provisioner_type provisioner_ansible, provisioner_breakpoint, provisioner_sleep;
extern const struct postproc_type postproc_artifice, postproc_checksum, postproc_compress,
	postproc_docker_import, postproc_docker_push, postproc_docker_save, postproc_docker_tag,
	postproc_export, postproc_manifest, postproc_vagrant;

static const struct builder_type *const builders[] = {
	&builder_bootstrap, &builder_docker, &builder_file, &builder_null, &builder_qemu, NULL,
};
static const struct provisioner_type *const provisioners[] = {
	&provisioner_ansible,    &provisioner_ansible_local,
	&provisioner_breakpoint, &provisioner_chef_solo,
	&provisioner_file,       &provisioner_puppet_masterless,
	&provisioner_shell,      &provisioner_shell_local,
	&provisioner_sleep,      NULL,
};
static const struct postproc_type *const postprocs[] = {
	&postproc_artifice,    &postproc_checksum,    &postproc_compress,   &postproc_docker_import,
	&postproc_docker_push, &postproc_docker_save, &postproc_docker_tag, &postproc_export,
	&postproc_manifest,    &postproc_shell_local, &postproc_vagrant,    NULL,
};
static const struct comm_type *const comms[] = { &comm_docker, &comm_ssh, NULL };
static const struct datasource_type *const datasources[] = {
	&datasource_http,
	&datasource_null,
	NULL,
};

const struct components builtin_components = {
	.builders = builders,
	.provisioners = provisioners,
	.postprocs = postprocs,
	.comms = comms,
	.datasources = datasources,
};
