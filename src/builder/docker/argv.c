/* SPDX-License-Identifier: Apache-2.0 */
#include "builder/docker/argv.h"

#include "base/alloc.h"
#include "base/str.h"

#include <jansson.h>
#include <string.h>
#include <strings.h>

static const char *const default_words[] = {
	"-d", "-i", "-t", "--entrypoint=/bin/sh", "--", "{{ .Image }}", NULL,
};
const struct text_list docker_default_run_command = { default_words, ARRAY_LEN(default_words) - 1 };

bool docker_names_container(const struct strv *command)
{
	for (size_t i = 0; i < command->len; i++) {
		if (!strcmp(command->v[i], "--"))
			return false;
		if (!strcmp(command->v[i], "--name") || text_starts_with(command->v[i], "--name="))
			return true;
	}
	return false;
}

void argv_docker_pull(struct strv *ret, const struct docker_config *c)
{
	strv_pushl(ret, c->docker_path, "pull", c->image, NULL);
	if (!text_is_empty(c->platform))
		strv_pushl(ret, "--platform", c->platform, NULL);
}

void argv_docker_build(struct strv *ret, const struct docker_config *c, const struct dockerfile *d,
		       const char *id_file)
{
	const char *platform = text_is_empty(d->platform) ? c->platform : d->platform;

	/* --force-rm: containers of its steps are not left behind when one of them fails */
	strv_pushl(ret, c->docker_path, "build", "--force-rm", "--iidfile", id_file, "-f", d->path,
		   NULL);
	if (d->pull)
		strv_push(ret, "--pull");
	if (d->compress)
		strv_push(ret, "--compress");
	if (!text_is_empty(platform))
		strv_pushl(ret, "--platform", platform, NULL);
	for (size_t i = 0; i < d->arguments.len; i++) {
		strv_push(ret, "--build-arg");
		strv_pushf(ret, "%s=%s", d->arguments.v[i].key, d->arguments.v[i].value);
	}
	strv_push(ret, d->build_dir);
}

static void add_each(struct strv *ret, const char *flag, const struct text_list *values)
{
	for (size_t i = 0; i < values->len; i++)
		strv_pushl(ret, flag, values->v[i], NULL);
}

void argv_docker_start(struct strv *ret, const struct docker_config *c, const char *name,
		       const char *shared, const struct strv *command)
{
	/* -d: a run_command without it would never come back */
	strv_pushl(ret, c->docker_path, "run", "-d", "--name", name, NULL);
	add_each(ret, "--device", &c->device);
	add_each(ret, "--cap-add", &c->cap_add);
	add_each(ret, "--cap-drop", &c->cap_drop);
	if (c->privileged)
		strv_push(ret, "--privileged");
	if (!text_is_empty(c->runtime))
		strv_pushl(ret, "--runtime", c->runtime, NULL);
	if (!text_is_empty(c->platform))
		strv_pushl(ret, "--platform", c->platform, NULL);
	add_each(ret, "--tmpfs", &c->tmpfs);
	for (size_t i = 0; i < c->volumes.len; i++) {
		strv_push(ret, "-v");
		strv_pushf(ret, "%s:%s", c->volumes.v[i].key, c->volumes.v[i].value);
	}
	if (shared) {
		strv_push(ret, "-v");
		strv_pushf(ret, "%s:%s", shared, c->container_dir);
	}
	strv_pushv(ret, command->v);
}

void docker_started_facts(const struct strv *command, const char *image, struct docker_facts *ret)
{
	for (size_t i = 0; i < command->len && strcmp(command->v[i], "--"); i++)
		if (text_starts_with(command->v[i], "--entrypoint"))
			strv_push(&ret->entrypoint, command->v[i]);
	if (command->len && !text_eq(command->v[command->len - 1], image))
		strv_push(&ret->cmd, command->v[command->len - 1]);
}

static bool sets(const struct docker_config *c, const char *instruction)
{
	size_t len = strlen(instruction);

	for (size_t i = 0; i < c->changes.len; i++) {
		const char *text = c->changes.v[i] + strspn(c->changes.v[i], " \t");

		if (!strncasecmp(text, instruction, len) && (text[len] == ' ' || text[len] == '\t'))
			return true;
	}
	return false;
}

/* An empty list would leave the container's: one empty word is what stands for none. */
static void add_words(struct strv *ret, const char *instruction, const struct strv *source,
		      const struct strv *now)
{
	json_t *list = json_array();

	for (size_t i = 0; i < source->len; i++)
		(void)json_array_append_new(list, json_string(source->v[i]));
	if (!source->len)
		(void)json_array_append_new(list, json_string(""));

	AUTO_FREE char *text = json_dumps(list, JSON_COMPACT | JSON_ENSURE_ASCII);

	json_decref(list);
	if (!source->len && !now->len)
		return;
	strv_push(ret, "--change");
	strv_pushf(ret, "%s %s", instruction, text);
}

void argv_docker_commit(struct strv *ret, const struct docker_config *c,
			const struct docker_facts *source, const struct docker_facts *now)
{
	strv_pushl(ret, c->docker_path, "commit", NULL);
	if (!text_is_empty(c->author))
		strv_pushl(ret, "--author", c->author, NULL);
	add_each(ret, "--change", &c->changes);
	/* the entry point first: it resets the command */
	if (!sets(c, "ENTRYPOINT"))
		add_words(ret, "ENTRYPOINT", &source->entrypoint, &now->entrypoint);
	if (!sets(c, "CMD"))
		add_words(ret, "CMD", &source->cmd, &now->cmd);
	if (!text_is_empty(c->message)) {
		/* the other format has no place for one */
		if (docker_is_podman(c->docker_path))
			strv_pushl(ret, "--format", "docker", NULL);
		strv_pushl(ret, "--message", c->message, NULL);
	}
	strv_push(ret, now->id);
}

void argv_docker_keep(struct strv *ret, const struct docker_config *c, const char *container,
		      const char *name)
{
	strv_pushl(ret, c->docker_path, "commit", "--pause=true", NULL);
	/* the other format has no place for some of what the image may say */
	if (docker_is_podman(c->docker_path))
		strv_pushl(ret, "--format", "docker", NULL);
	strv_pushl(ret, container, name, NULL);
}

/* How many words it takes; 0: it is none. Of "-itv" the last letter counts. */
static size_t volume_words(const char *word)
{
	static const char *const flags[] = { "--volume", "--mount", "--volumes-from" };

	for (size_t i = 0; i < ARRAY_LEN(flags); i++) {
		size_t len = strlen(flags[i]);

		if (!strncmp(word, flags[i], len) && (!word[len] || word[len] == '='))
			return word[len] ? 1 : 2;
	}
	if (word[0] != '-' || word[1] == '-')
		return 0;
	word += 1 + strspn(word + 1, "ditPq");
	return *word != 'v' ? 0 : word[1] ? 1 : 2;
}

bool docker_drop_volumes(struct strv *command)
{
	bool found = false;

	for (size_t i = 0; i < command->len && strcmp(command->v[i], "--") != 0;) {
		size_t n = volume_words(command->v[i]);

		/* what stands behind the image is its own command */
		if (!n && strstr(command->v[i], ".Image"))
			break;
		i += !n;
		found |= n > 0;
		for (; n && i < command->len; n--)
			strv_remove(command, i);
	}
	return found;
}

void argv_docker_remove(struct strv *ret, const struct docker_config *c, const char *container)
{
	strv_pushl(ret, c->docker_path, "rm", "--force", "--volumes", NULL);
	/* Podman would give it ten seconds to end by itself */
	if (docker_is_podman(c->docker_path))
		strv_pushl(ret, "--time", "0", NULL);
	strv_push(ret, container);
}

void argv_docker_export(struct strv *ret, const struct docker_config *c, const char *container)
{
	strv_pushl(ret, c->docker_path, "export", container, NULL);
}
