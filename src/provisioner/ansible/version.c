/* SPDX-License-Identifier: Apache-2.0 */
#include "provisioner/ansible/version.h"

#include "base/alloc.h"
#include "base/digest.h"
#include "base/duration.h"
#include "base/path.h"
#include "base/str.h"
#include "os/clock.h"
#include "os/fs.h"
#include "os/proc.h"

#include <ctype.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

enum {
	OUTPUT_MAX = 64 * 1024,
	ASK_SECONDS = 60,
	KEPT_SECONDS = 24 * 3600,
};

void ansible_version_release(struct ansible_version *v)
{
	free(v->modules);
	*v = (struct ansible_version){ 0 };
}

/* ---- reading it --------------------------------------------------------------------------- */

static bool parse_part(const char **p, int *ret)
{
	int64_t n = 0;

	if (!isdigit((unsigned char)**p))
		return false;
	for (; isdigit((unsigned char)**p) && n < INT_MAX / 10; (*p)++)
		n = n * 10 + **p - '0';
	*ret = (int)n;
	return true;
}

/* "ansible-playbook 2.9.6", "ansible-playbook [core 2.14.18]" */
static bool find_version(struct str line, struct ansible_version *ret)
{
	AUTO_FREE char *text = str_dup(line);

	for (const char *p = strchr(text, ' '); p; p = strchr(p, ' ')) {
		const char *q = ++p;

		if (parse_part(&q, &ret->major) && *q++ == '.' && parse_part(&q, &ret->minor))
			return true;
	}
	return false;
}

static void read_line(struct str line, struct ansible_version *ret)
{
	static const char modules[] = "ansible python module location = ";
	struct str s = str_trim(line);

	if (ret->modules || !str_starts_with(s, STR(modules)))
		return;
	ret->modules = xstrndup(s.p + sizeof(modules) - 1, s.len - (sizeof(modules) - 1));
}

int ansible_version_parse(const char *output, struct ansible_version *ret, struct error **err)
{
	struct str rest = str_of(output);
	struct str line = str_split(rest, '\n', &rest);

	*ret = (struct ansible_version){ 0 };
	if (!find_version(line, ret))
		return error_set(err, ERROR_REMOTE, "Could not find ansible version in output:\n%s",
				 output);
	while (rest.len) {
		line = str_split(rest, '\n', &rest);
		read_line(line, ret);
	}
	return 0;
}

/* ---- keeping it --------------------------------------------------------------------------- */

static char *kept_path(const char *cache_dir, const char *program)
{
	AUTO(digest) struct digest *d = digest_new(DIGEST_SHA256);

	digest_add_field(d, "program", program, strlen(program));

	AUTO_FREE char *hex = digest_finish_hex(d);

	return xasprintf("%s/ansible/%.32s", cache_dir, hex);
}

/* "TIME IDENTITY\nOUTPUT"; NULL: not kept, or of another program or day. Heap. */
static char *read_kept(const char *path, const char *identity)
{
	AUTO(error) struct error *e = NULL;
	AUTO(strbuf) struct strbuf text = STRBUF_INIT_MAX(2 * OUTPUT_MAX);
	struct str rest;
	int64_t when, now = clock_wall() / 1000000000;

	if (fs_read(path, 2 * OUTPUT_MAX, &text, &e) < 0)
		return NULL;

	struct str line = str_split(str_of(text.buf), '\n', &rest), what;
	AUTO_FREE char *time = str_dup(str_split(line, ' ', &what));

	if (!parse_int64(time, 10, &when) || when < 0 || when > now || now - when > KEPT_SECONDS ||
	    !str_is(what, identity))
		return NULL;
	return str_dup(rest);
}

static void keep(const char *path, const char *identity, const char *output)
{
	AUTO(error) struct error *e = NULL;
	AUTO(strbuf) struct strbuf text = STRBUF_INIT;
	AUTO_FREE char *dir = path_dirname(path);

	strbuf_addf(&text, "%lld %s\n%s", (long long)(clock_wall() / 1000000000), identity, output);
	if (fs_mkdir_all(dir, 0700, &e) < 0 ||
	    fs_write_atomic(path, text.buf, text.len, 0600, &e) < 0)
		error_ignore(&e, "asked again next time");
}

/* ---- asking ------------------------------------------------------------------------------- */

int ansible_explain_missing(const char *command, const char *option, struct error **err)
{
	if ((*err)->kind != ERROR_NOT_FOUND)
		return -1;
	return error_hint(
		err,
		"Install Ansible on this host: apt-get install ansible (or pipx install "
		"--include-deps ansible). If it is there, say where: %s = \"/path/to/%s\".",
		option, path_basename(command));
}

static int ask(const char *command, char *const *env, struct cancel *c, struct strbuf *output,
	       struct error **err)
{
	AUTO(strv) struct strv argv = STRV_INIT, own = STRV_INIT;
	struct proc_run run = {
		.spec = { .argv = &argv, .env = env ? &own : NULL },
		.output = output,
		.deadline = clock_deadline(ASK_SECONDS * NSEC_PER_SEC),
	};

	strv_pushl(&argv, command, "--version", NULL);
	if (env)
		strv_pushv(&own, env);
	if (proc_run(&run, c, NULL, err) < 0) {
		error_prefix(err, "Error running \"%s --version\"", command);
		return ansible_explain_missing(command, "command", err);
	}
	return 0;
}

int ansible_version_ask(const char *command, char *const *env, const char *cache_dir,
			struct cancel *c, struct ansible_version *ret, struct error **err)
{
	AUTO(strbuf) struct strbuf output = STRBUF_INIT_MAX(OUTPUT_MAX);
	AUTO(error) struct error *e = NULL;
	AUTO_FREE char *program = NULL, *identity = NULL, *path = NULL, *kept = NULL;

	/* who cannot be looked up is asked, and that says what is wrong */
	if (cache_dir && proc_find(command, &program, &e) == 0 &&
	    fs_identity(program, &identity, &e) == 0) {
		path = kept_path(cache_dir, program);
		kept = read_kept(path, identity);
	}
	if (kept)
		return ansible_version_parse(kept, ret, err);
	if (ask(command, env, c, &output, err) < 0 ||
	    ansible_version_parse(output.buf, ret, err) < 0)
		return -1;
	if (path)
		keep(path, identity, output.buf);
	return 0;
}
