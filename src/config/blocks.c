/* SPDX-License-Identifier: Apache-2.0 */
#include "config/blocks.h"

#include "base/alloc.h"
#include "base/strv.h"

static const char *const name_label[] = { "name", NULL };
static const char *const type_label[] = { "type", NULL };
static const char *const type_and_name[] = { "type", "name", NULL };

/* ---- packer --------------------------------------------------------------------------------- */

static const struct attr_schema packer_attrs[] = {
	{ "required_version", .type = "string",
	  .doc = "Which versions may read the template: constraints such as `>= 1.7, < 2.0`, "
		 "compared "
		 "with the release whose templates ingot reads." },
	{ 0 },
};
static const struct block_schema packer_blocks[] = {
	{ "required_plugins", .doc = "One argument for each plugin: its name here = `{ source = "
				     "\"github.com/OWNER/NAME\", "
				     "version = \"CONSTRAINT\" }`." },
	{ 0 },
};
const struct body_schema packer_schema = { packer_attrs, packer_blocks };

/* ---- variables and locals --------------------------------------------------------------------- */

static const struct attr_schema variable_attrs[] = {
	{ "description", .type = "string", .doc = "What the variable is for." },
	{ "default", .type = "any",
	  .doc = "Its value when none is given. Without one the variable must be set; `null` is a "
		 "default, too." },
	{ "type", .type = "type",
	  .doc = "`string`, `number`, `bool`, `any`, `list(T)`, `set(T)`, `map(T)`, `tuple([T, "
		 "…])`, "
		 "`object({ name = T, other = optional(T, default) })`. Values are converted to "
		 "it." },
	{ "sensitive", .type = "bool", .doc = "Keep its value out of all output." },
	{ 0 },
};
static const struct attr_schema validation_attrs[] = {
	{ "condition", true, .type = "bool", .doc = "Must be true; refers to this variable only." },
	{ "error_message", true, .type = "string",
	  .doc = "What to say otherwise: at least one whole sentence." },
	{ 0 },
};
const struct body_schema validation_schema = { .attrs = validation_attrs };
static const struct block_schema variable_blocks[] = {
	{ "validation", .doc = "A rule for the value; there may be several.",
	  .body = &validation_schema },
	{ 0 },
};
const struct body_schema variable_schema = { variable_attrs, variable_blocks };

static const struct attr_schema local_attrs[] = {
	{ "expression", true, .type = "any", .doc = "The value." },
	{ "sensitive", .type = "bool", .doc = "Keep its value out of all output." },
	{ 0 },
};
const struct body_schema local_schema = { .attrs = local_attrs };

/* ---- component blocks -------------------------------------------------------------------------- */

#define NAME_DOC "Shown in output and in `inspect`."
#define ONLY_DOC                                                                                   \
	"Only for these sources: `TYPE.NAME`, with the local name where there is one. Not "        \
	"together "                                                                                \
	"with `except`."
#define EXCEPT_DOC "Not for these sources. Not together with `only`."

static const struct attr_schema provisioner_attrs[] = {
	{ "name", .type = "string", .doc = NAME_DOC },
	{ "only", .type = "list of string", .doc = ONLY_DOC },
	{ "except", .type = "list of string", .doc = EXCEPT_DOC },
	{ "pause_before", .type = "duration", .doc = "Wait this long before the step." },
	{ "timeout", .type = "duration", .doc = "Stop the step, and fail, after this time." },
	{ "max_retries", .type = "number", .doc = "Try a failed step again so many times." },
	{ "continue_on_error", .type = "bool", .doc = "Go on with the build when the step fails." },
	{ "override", .type = "map of object",
	  .doc = "Arguments for single sources, by their (local) name; they replace those of the "
		 "block." },
	{ "cache", .type = "bool",
	  .doc = "`false`: the step and what follows it run in each build, finished or not." },
	{ "cache_ttl", .type = "duration",
	  .doc = "How old the finished step may be to be reused: `24h`, `7d`." },
	{ "cache_inputs", .type = "list of string",
	  .doc = "Patterns of local files that the step reads besides those it names, as "
		 "`roles/**`; an empty list says that there are none." },
	{ 0 },
};
const struct body_schema provisioner_schema = { .attrs = provisioner_attrs };

static const struct attr_schema postprocessor_attrs[] = {
	{ "name", .type = "string",
	  .doc = NAME_DOC " `-except` on the command line knows it, too." },
	{ "only", .type = "list of string", .doc = ONLY_DOC },
	{ "except", .type = "list of string", .doc = EXCEPT_DOC },
	{ "keep_input_artifact", .type = "bool",
	  .doc = "Keep what it was given next to what it makes. Each kind has its own default." },
	{ 0 },
};
const struct body_schema postprocessor_schema = { .attrs = postprocessor_attrs };

static const struct attr_schema registry_attrs[] = {
	{ "bucket_name", .type = "string", .doc = "Checked, without effect." },
	{ "description", .type = "string", .doc = "Checked, without effect." },
	{ "labels", .type = "map of string", .doc = "Checked, without effect." },
	{ "bucket_labels", .type = "map of string", .doc = "Checked, without effect." },
	{ "build_labels", .type = "map of string", .doc = "Checked, without effect." },
	{ "channels", .type = "list of string", .doc = "Checked, without effect." },
	{ 0 },
};
const struct body_schema registry_schema = { .attrs = registry_attrs };

/* ---- build ------------------------------------------------------------------------------------- */

static const struct attr_schema source_use_attrs[] = {
	{ "name", .type = "string",
	  .doc = "Local name in this build, for `only`, `except`, `override` and output." },
	{ 0 },
};
const struct body_schema source_use_schema = { .attrs = source_use_attrs };

static const struct block_schema chain_blocks[] = {
	{ "post-processor", type_label,
	  .doc = "One link of the chain: it gets what the one before made.",
	  .body = &postprocessor_schema },
	{ 0 },
};
const struct body_schema chain_schema = { .blocks = chain_blocks };

static const struct attr_schema build_attrs[] = {
	{ "name", .type = "string", .doc = "First part of the names of its builds." },
	{ "description", .type = "string", .doc = "For people; `inspect` shows it." },
	{ "sources", .type = "list of string",
	  .doc = "The sources to build: `source.TYPE.NAME` or `TYPE.NAME`." },
	{ 0 },
};
static const struct block_schema build_blocks[] = {
	{ "source", type_label,
	  .doc = "One more source, named `source.TYPE.NAME`, with arguments that are added to "
		 "those of "
		 "its own block.",
	  .body = &source_use_schema },
	{ "provisioner", type_label,
	  .doc = "A step that changes the machine; steps run in the order of the file. Arguments "
		 "beside "
		 "these are the component's.",
	  .body = &provisioner_schema },
	{ "error-cleanup-provisioner", type_label,
	  .doc = "A step that runs when another failed, before the machine goes away; at most one.",
	  .body = &provisioner_schema },
	{ "post-processor", type_label,
	  .doc = "Something to do with the finished artifact. Arguments beside these are the "
		 "component's.",
	  .body = &postprocessor_schema },
	{ "post-processors", .doc = "A chain of post-processors.", .body = &chain_schema },
	{ "hcp_packer_registry", .doc = "Accepted; ingot has no hosted registry.",
	  .body = &registry_schema },
	{ 0 },
};
const struct body_schema build_schema = { build_attrs, build_blocks };

/* ---- a file ------------------------------------------------------------------------------------ */

static const struct block_schema template_blocks[] = {
	{ "packer", .doc = "What the template needs of the tool.", .body = &packer_schema },
	{ "source", type_and_name,
	  .doc = "How a machine is made, for `build` blocks to use. All arguments are the "
		 "builder's "
		 "and its communicator's." },
	{ "variables", .doc = "Variables in short: `NAME = DEFAULT`." },
	{ "variable", name_label,
	  .doc = "A value that is set from outside: by `-var`, `-var-file`, `*.auto.pkrvars.hcl`, "
		 "`PKR_VAR_NAME`; used as `var.NAME`.",
	  .body = &variable_schema },
	{ "locals", .doc = "Values computed here: `NAME = EXPRESSION`, used as `local.NAME`." },
	{ "local", name_label, .doc = "One local, when it must be kept secret.",
	  .body = &local_schema },
	{ "data", type_and_name,
	  .doc = "Something to look up before the build, used as `data.TYPE.NAME`. All arguments "
		 "are "
		 "the data source's." },
	{ "build", .doc = "Sources, and what is done with each.", .body = &build_schema },
	{ "hcp_packer_registry", .doc = "Accepted; ingot has no hosted registry.",
	  .body = &registry_schema },
	{ "communicator", type_and_name, .doc = "Accepted, without effect." },
	{ 0 },
};
const struct body_schema template_schema = { .blocks = template_blocks };

/* ---- the manual -------------------------------------------------------------------------------- */

static void add_arguments(struct strbuf *sb, const struct attr_schema *attrs)
{
	strbuf_addstr(sb, "| Argument | Type | | Meaning |\n|---|---|---|---|\n");
	for (; attrs->name; attrs++)
		strbuf_addf(sb, "| `%s` | %s | %s | %s |\n", attrs->name, attrs->type,
			    attrs->required ? "**required**" : "", attrs->doc);
	strbuf_addch(sb, '\n');
}

static void add_blocks(struct strbuf *sb, const struct body_schema *s, const struct strv *path)
{
	for (const struct block_schema *b = s->blocks; b && b->type; b++) {
		AUTO(strv) struct strv below = STRV_INIT;

		for (size_t i = 0; i < path->len; i++)
			strv_push(&below, path->v[i]);
		strv_push(&below, b->type);
		strbuf_addchars(sb, '#', below.len + 1);
		strbuf_addstr(sb, " ");
		for (size_t i = 0; i < below.len; i++)
			strbuf_addf(sb, "%s`%s`", i ? " / " : "", below.v[i]);
		for (size_t i = 0; b->labels && b->labels[i]; i++)
			strbuf_addf(sb, " \"%s\"", b->labels[i]);
		strbuf_addf(sb, "\n\n%s\n\n", b->doc);
		if (b->body && b->body->attrs)
			add_arguments(sb, b->body->attrs);
		if (b->body)
			add_blocks(sb, b->body, &below);
	}
}

void blocks_document(struct strbuf *sb)
{
	AUTO(strv) struct strv top = STRV_INIT;

	add_blocks(sb, &template_schema, &top);
}
