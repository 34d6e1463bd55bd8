/* SPDX-License-Identifier: Apache-2.0 */
/* Boxes for Vagrant's own docker provider: they name an image and have no files. */
#include "postproc/vagrant/provider.h"

#include "comm/docker/artifact.h"

/* A text in single quotes, where Ruby knows only \\ and \'. */
static void add_quoted(struct strbuf *sb, const char *text)
{
	strbuf_addch(sb, '\'');
	for (; *text; text++) {
		if (*text == '\'' || *text == '\\')
			strbuf_addch(sb, '\\');
		strbuf_addch(sb, *text);
	}
	strbuf_addch(sb, '\'');
}

static int fill(struct box_plan *p, struct error **err)
{
	if (!*p->input->id)
		return error_set(err, ERROR_INVALID, "the artifact is no image: it has no name");
	strbuf_addstr(&p->vagrantfile, "Vagrant.configure(\"2\") do |config|\n"
				       "  config.vm.provider :docker do |docker|\n"
				       "    docker.image = ");
	add_quoted(&p->vagrantfile, p->input->id);
	strbuf_addstr(&p->vagrantfile, "\n  end\nend\n");
	return 0;
}

static const char *const ids[] = {
	DOCKER_IMPORT_ID,
	DOCKER_TAG_ID,
	"packer.post-processor.docker-push",
	NULL,
};

const struct box_provider box_docker = {
	.name = "docker",
	.builder_ids = ids,
	.fill = fill,
	.keeps_input = true,
};
