/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hcp_packer_registry (language.md 14.4): a hosted service of Packer's makers.
 * The block is checked as there, so that templates that have one can be used,
 * and has no effect.
 */
#include "config/blocks.h"
#include "config/loader.h"
#include "eval/eval.h"

enum { DESCRIPTION_MAX = 255, NAME_MIN = 3, NAME_MAX = 36 };

static bool is_bucket_name(const char *s)
{
	size_t len = strlen(s);
	for (size_t i = 0; i < len; i++) {
		char c = s[i];
		bool ok = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
			  (c >= '0' && c <= '9') || c == '-';
		if (!ok)
			return false;
	}
	return len >= NAME_MIN && len <= NAME_MAX;
}

static void check_texts(struct loader *l, const struct block *b, const struct content *c)
{
	const struct scope *scope = l->config->scope;
	const char *description = read_text(l, content_attr(c, "description"), scope);
	if (description && strlen(description) > DESCRIPTION_MAX)
		diags_error(l->diags, &b->header,
			    "hcp_packer_registry.description should have a maximum length of 255 "
			    "characters",
			    "%s", "");
	const char *name = read_text(l, content_attr(c, "bucket_name"), scope);
	if (name && !is_bucket_name(name))
		diags_error(l->diags, &b->header,
			    "hcp_packer_registry.bucket_name can only contain between 3 and 36 "
			    "ASCII letters, numbers and hyphens",
			    "%s", "");
}

static void check_labels(struct loader *l, const struct block *b, const struct content *c)
{
	if (!content_attr(c, "labels"))
		return;
	if (content_attr(c, "bucket_labels"))
		diags_error(l->diags, &b->header,
			    "hcp_packer_registry.labels and hcp_packer_registry.bucket_labels are "
			    "mutually exclusive; please use the recommended argument "
			    "hcp_packer_registry.bucket_labels",
			    "%s", "");
	diags_warning(l->diags, &b->header,
		      "the argument hcp_packer_registry.labels has been deprecated and will be "
		      "removed in the next minor release; please use "
		      "hcp_packer_registry.bucket_labels",
		      "%s", "");
}

void read_registry(struct loader *l, const struct block *b, bool in_build)
{
	if (in_build)
		diags_warning(l->diags, &b->header,
			      "Build block level hcp_packer_registry are deprecated",
			      "Starting with Packer 1.12.1, it is recommended to move it to the "
			      "top-level configuration instead of within a build block.");
	if (l->has_registry)
		diags_error(l->diags, &b->header, "Multiple HCP Packer registry block declaration",
			    "Multiple hcp_packer_registry blocks have been found, only one can be "
			    "defined in HCL2 templates. Starting with Packer 1.12.1, it is "
			    "recommended to move it to the top-level configuration instead of "
			    "within a build block.");
	l->has_registry = true;
	struct content c = { 0 };
	body_content(b->body, &registry_schema, l->arena, &c, l->diags);
	check_texts(l, b, &c);
	check_labels(l, b, &c);
	diags_warning(l->diags, &b->header, "Registry block without effect",
		      "Builds are not published to the HCP Packer registry.");
}
