/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Random edits of a template, of the files it names and of its variables. A model of what matters says,
 * in words of its own, what the machine is after each step; over all cases two steps must have the same key
 * if and only if these words are the same. So a reused step has had exactly the same inputs, and no
 * edit goes unnoticed.
 */
#include "key_case.h"

#include <stdio.h>
#include <sys/stat.h>

enum {
	CASES = 2500,
	STEPS_MAX = 6,
	FILES = 5,
	DIRS = 2,
	DIR_FILES = 3,
	VARS = 3,
	TEXTS = 6,
};

/* The last one looks at what scripts are told of the build. */
static const char *const texts[TEXTS] = {
	"date", "apt-get update", "echo 'a b'", "set -e", "x\\ny", "echo $PACKER_BUILD_NAME",
};
/* Of files: none of them needs quoting. */
static const char *const contents[TEXTS] = {
	"one\n", "two\n", "", "one\ntwo\n", "#!/usr/bin/env bash\n", "echo $PACKER_BUILDER_TYPE\n",
};

enum kind {
	INLINE,       /* text, and a variable */
	INLINE_LOCAL, /* a local made of a variable */
	INLINE_FILE,  /* file() */
	ENVIRONMENT,
	SCRIPT,
	UPLOAD,
	UPLOAD_DIR,
	LOCAL, /* shell-local that says what it reads */
	KINDS,
};

struct step {
	enum kind kind;
	int text, var, file, dir;
	bool slash; /* "dir/" */
	int noise;  /* what must not matter */
};

struct file {
	int content; /* -1: it is not there */
	bool executable;
};

struct model {
	struct step steps[STEPS_MAX];
	size_t len;
	struct file files[FILES];
	struct file dirs[DIRS][DIR_FILES];
	int vars[VARS];
	int source, machine; /* name of the source; what the builder is given */
	int layout;          /* of the template: nothing that matters */
	int unused;          /* content of a file that nobody reads */
};

/* ---- chance --------------------------------------------------------------------------------- */

static uint64_t chance_state = 0x9e3779b97f4a7c15u;

static int chance(int below)
{
	chance_state ^= chance_state << 13;
	chance_state ^= chance_state >> 7;
	chance_state ^= chance_state << 17;
	return (int)((chance_state >> 33) % (uint64_t)below);
}

static struct step random_step(void)
{
	return (struct step){
		.kind = (enum kind)chance(KINDS),
		.text = chance(TEXTS),
		.var = chance(VARS),
		.file = chance(FILES),
		.dir = chance(DIRS),
		.slash = chance(2),
	};
}

static void start(struct model *m)
{
	*m = (struct model){ .len = 3 };
	for (size_t i = 0; i < m->len; i++)
		m->steps[i] = random_step();
	for (int i = 0; i < FILES; i++)
		m->files[i].content = chance(TEXTS);
	for (int i = 0; i < DIRS * DIR_FILES; i++)
		m->dirs[i / DIR_FILES][i % DIR_FILES].content = i % DIR_FILES - 1;
}

/* ---- edits ------------------------------------------------------------------------------------ */

static void edit_step(struct step *s)
{
	switch (chance(7)) {
	case 0:
		s->text = chance(TEXTS);
		break;
	case 1:
		s->var = chance(VARS);
		break;
	case 2:
		s->file = chance(FILES);
		break;
	case 3:
		s->dir = chance(DIRS);
		break;
	case 4:
		s->slash = !s->slash;
		break;
	case 5:
		s->noise = chance(8);
		break;
	default:
		*s = random_step();
	}
}

static void edit_file(struct file *f, bool may_go)
{
	if (chance(4) == 0)
		f->executable = !f->executable;
	else
		f->content = chance(TEXTS + may_go) - may_go;
}

static void edit_order(struct model *m)
{
	size_t at = (size_t)chance((int)m->len);
	int what = chance(3);
	if (what == 0 && m->len < STEPS_MAX) {
		memmove(&m->steps[at + 1], &m->steps[at], (m->len - at) * sizeof(*m->steps));
		m->steps[at] = random_step();
		m->len++;
	} else if (what == 1 && m->len > 1) {
		memmove(&m->steps[at], &m->steps[at + 1], (m->len - at - 1) * sizeof(*m->steps));
		m->len--;
	} else {
		struct step first = m->steps[0];
		m->steps[0] = m->steps[at];
		m->steps[at] = first;
	}
}

static void edit(struct model *m)
{
	switch (chance(10)) {
	case 0:
	case 1:
		edit_step(&m->steps[chance((int)m->len)]);
		break;
	case 2:
		edit_order(m);
		break;
	case 3:
		edit_file(&m->files[chance(FILES)], false);
		break;
	case 4:
		edit_file(&m->dirs[chance(DIRS)][chance(DIR_FILES)], true);
		break;
	case 5:
		m->vars[chance(VARS)] = chance(4);
		break;
	case 6:
		m->source = chance(3);
		break;
	case 7:
		m->machine = chance(3);
		break;
	case 8:
		m->layout = chance(6);
		break;
	default:
		m->unused = chance(TEXTS);
	}
}

/* ---- what matters, in words ---------------------------------------------------------------------- */

static void say_file(struct strbuf *sb, const char *name, const struct file *f)
{
	if (f->content >= 0)
		strbuf_addf(sb, "<%s %s %s>", name, f->executable ? "x" : "-",
			    contents[f->content]);
}

static bool asks(const char *text)
{
	return strstr(text, "PACKER_BUILD") != NULL;
}

static bool file_asks(const struct file *f)
{
	return f->content >= 0 && asks(contents[f->content]);
}

static bool dir_asks(const struct model *m, int dir)
{
	bool found = false;
	for (int i = 0; i < DIR_FILES; i++)
		found |= file_asks(&m->dirs[dir][i]);
	return found;
}

static void say_dir(struct strbuf *sb, const struct model *m, int dir)
{
	for (int i = 0; i < DIR_FILES; i++) {
		char name[] = { (char)('a' + i), '\0' };
		say_file(sb, name, &m->dirs[dir][i]);
	}
}

/* Does the step, or something it brings, look at the build's name? */
static bool step_asks(const struct model *m, const struct step *s)
{
	switch (s->kind) {
	case INLINE:
		return asks(texts[s->text]);
	case INLINE_FILE:
	case SCRIPT:
	case UPLOAD:
		return file_asks(&m->files[s->file]);
	case UPLOAD_DIR:
		return dir_asks(m, s->dir);
	case LOCAL:
		return asks(texts[s->text]) || dir_asks(m, s->dir);
	case INLINE_LOCAL:
	case ENVIRONMENT:
	case KINDS:
		break;
	}
	return false;
}

static void say_step(struct strbuf *sb, const struct model *m, const struct step *s)
{
	char name[8];
	(void)snprintf(name, sizeof(name), "f%d", s->file);
	switch (s->kind) {
	case INLINE:
		strbuf_addf(sb, "run [%s] [value %d]", texts[s->text], m->vars[s->var]);
		break;
	case INLINE_LOCAL:
		strbuf_addf(sb, "run [local value %d]", m->vars[s->var]);
		break;
	case INLINE_FILE: /* its mode is not read */
		strbuf_addf(sb, "run [%s.]", contents[m->files[s->file].content]);
		break;
	case ENVIRONMENT:
		strbuf_addf(sb, "run [env] with B=value %d", m->vars[s->var]);
		break;
	case SCRIPT:
		strbuf_addstr(sb, "script ");
		say_file(sb, name, &m->files[s->file]);
		break;
	case UPLOAD:
		strbuf_addstr(sb, "upload ");
		say_file(sb, name, &m->files[s->file]);
		break;
	case UPLOAD_DIR:
		strbuf_addf(sb, "upload %s", s->slash ? "inside" : s->dir ? "d1" : "d0");
		say_dir(sb, m, s->dir);
		break;
	case LOCAL:
		strbuf_addf(sb, "here [%s] reads d%d", texts[s->text], s->dir);
		say_dir(sb, m, s->dir);
		break;
	case KINDS:
		break;
	}
}

/* Words for the state after each step; words[0]: before the first. */
static void say_all(const struct model *m, struct strv *words)
{
	AUTO(strbuf) struct strbuf sb = STRBUF_INIT;
	bool told = false;
	strbuf_addf(&sb, "machine %d;", m->machine);
	strv_push(words, sb.buf);
	for (size_t i = 0; i < m->len; i++) {
		const struct step *s = &m->steps[i];
		bool runs_script = s->kind != UPLOAD && s->kind != UPLOAD_DIR;
		say_step(&sb, m, s);
		told |= step_asks(m, s);
		if (told && runs_script)
			strbuf_addf(&sb, " as build %d", m->source);
		strbuf_addch(&sb, ';');
		strv_push(words, sb.buf);
	}
}

/* ---- the real thing ------------------------------------------------------------------------------------ */

/* What stands in the folder: only what differs is written. */
static struct map on_disk = MAP_INIT(free);

static void write_one(const char *name, const struct file *f)
{
	AUTO_FREE char *now = xasprintf("%d %d", f->content, f->executable);
	if (text_eq(map_get(&on_disk, name), now))
		return;
	map_set(&on_disk, name, xstrdup(now));
	(void)unlink(
		name); /* some file systems wait for the disk when a file is replaced in place */
	if (f->content < 0)
		return;
	write_file(name, contents[f->content], strlen(contents[f->content]));
	assert_int_equal(chmod(name, f->executable ? 0755 : 0644), 0);
}

static void write_files(const struct model *m)
{
	char name[32];
	for (int i = 0; i < FILES; i++) {
		(void)snprintf(name, sizeof(name), "f%d", i);
		write_one(name, &m->files[i]);
	}
	for (int d = 0; d < DIRS; d++)
		for (int i = 0; i < DIR_FILES; i++) {
			(void)snprintf(name, sizeof(name), "d%d/%c", d, 'a' + i);
			write_one(name, &m->dirs[d][i]);
		}
	write_one("unused", &(struct file){ .content = m->unused });
}

static void write_noise(struct strbuf *sb, int noise)
{
	static const char *const lines[] = {
		"",
		"    timeout = \"1h\"\n",
		"    max_retries = 3\n",
		"    pause_before = \"0s\"\n",
		"    name = \"n\"\n",
		"    # a comment\n\n",
		"    cache = true\n",
		"    cache_ttl = \"9h\"\n",
	};
	strbuf_addstr(sb, lines[noise]);
}

static void write_step(struct strbuf *sb, const struct step *s, int layout)
{
	static const char *const types[KINDS] = {
		[INLINE] = "shell",      [INLINE_LOCAL] = "shell", [INLINE_FILE] = "shell",
		[ENVIRONMENT] = "shell", [SCRIPT] = "shell",       [UPLOAD] = "file",
		[UPLOAD_DIR] = "file",   [LOCAL] = "shell-local",
	};
	strbuf_addf(sb, "  provisioner \"%s\" {\n", types[s->kind]);
	write_noise(sb, s->noise);
	if (s->kind == INLINE)
		strbuf_addf(sb, "    inline = [\"%s\", var.v%d]\n", texts[s->text], s->var);
	else if (s->kind == INLINE_LOCAL)
		strbuf_addf(sb, "    inline = [local.l%d]\n", s->var);
	else if (s->kind == INLINE_FILE)
		strbuf_addf(sb, "    inline = [\"${file(\"f%d\")}.\"]\n", s->file);
	else if (s->kind == ENVIRONMENT && layout % 2)
		strbuf_addf(sb, "    inline = [\"./x\"]\n    env = { B = var.v%d, A = 1 }\n",
			    s->var);
	else if (s->kind == ENVIRONMENT)
		strbuf_addf(sb,
			    "    env = {\n      A = \"1\"\n      B = \"${var.v%d}\"\n    }\n"
			    "    inline = [\"./x\"]\n",
			    s->var);
	else if (s->kind == SCRIPT)
		strbuf_addf(sb, "%s", layout % 3 ? "    scripts = []\n" : "");
	if (s->kind == SCRIPT)
		strbuf_addf(sb, "    script = \"%sf%d\"\n", layout % 2 ? "${path.root}/" : "",
			    s->file);
	if (s->kind == UPLOAD)
		strbuf_addf(sb, "    source = \"%sf%d\"\n    destination = \"/tmp/\"\n",
			    layout % 2 ? "${path.cwd}/" : "./", s->file);
	if (s->kind == UPLOAD_DIR)
		strbuf_addf(sb, "    source = \"d%d%s\"\n    destination = \"/tmp\"\n", s->dir,
			    s->slash ? "/" : "");
	if (s->kind == LOCAL)
		strbuf_addf(sb, "    inline = [\"%s\"]\n    cache_inputs = [\"d%d/**\"]\n",
			    texts[s->text], s->dir);
	strbuf_addstr(sb, "  }\n");
}

static void write_template(const struct model *m)
{
	AUTO(strbuf) struct strbuf sb = STRBUF_INIT;
	for (int i = 0; i < VARS; i++)
		strbuf_addf(&sb, "variable \"v%d\" {\n  default = \"never\"\n}\n", i);
	strbuf_addstr(&sb, "locals {\n");
	for (int i = 0; i < VARS; i++)
		strbuf_addf(&sb, "  l%d = \"local ${var.v%d}\"\n", i, i);
	strbuf_addf(&sb, "  unused = timestamp()\n}\n%s", m->layout % 2 ? "# a comment\n" : "");
	strbuf_addf(
		&sb,
		"source \"file\" \"s%d\" {\n  target  = \"out\"\n  content = \"machine %d\"\n}\n"
		"build {\n  name    = \"%s\"\n  sources = [\"file.s%d\"]\n",
		m->source, m->machine, m->layout > 3 ? "named" : "", m->source);
	for (size_t i = 0; i < m->len; i++)
		write_step(&sb, &m->steps[i], m->layout);
	strbuf_addstr(&sb, "}\n");
	(void)unlink("t.pkr.hcl");
	write_file("t.pkr.hcl", sb.buf, sb.len);
}

static void make_keys(const struct model *m, struct key_case *c, int64_t now)
{
	AUTO(strv) struct strv vars = STRV_INIT;
	for (int i = 0; i < VARS; i++)
		strv_pushf(&vars, "v%d=value %d", i, m->vars[i]);
	write_files(m);
	write_template(m);
	key_case_load(c, ".", case_dir, &vars, now);
	key_case_make(c, 0, case_dir, NULL);
}

/* The folder gets another name. */
static void move_folder(int i)
{
	AUTO(error) struct error *err = NULL;
	static const char prefix[] = "/tmp/ingot-test-XXXXXX";
	char *to = xasprintf("%.*s-%d", (int)strlen(prefix), case_dir, i);
	assert_int_equal(chdir("/"), 0);
	assert_int_equal(fs_rename(case_dir, to, &err), 0);
	assert_int_equal(chdir(to), 0);
	free(case_dir);
	case_dir = to;
}

/* ---- comparison ------------------------------------------------------------------------------------------- */

struct seen {
	struct map keys;  /* words -> key */
	struct map words; /* key -> words */
};

static void compare(struct seen *seen, const struct strv *words, const struct key_case *c, int i)
{
	assert_int_equal(words->len, c->len);
	for (size_t k = 0; k < c->len; k++) {
		const char *hex = c->keys[k].hex, *said = words->v[k];
		if (!hex)
			fail_msg("case %d: no key after step %zu: %s", i, k, c->keys[k].never);
		const char *known = map_get(&seen->keys, said);
		const char *meant = map_get(&seen->words, hex);
		if (known && strcmp(known, hex) != 0)
			fail_msg("case %d: the same inputs, another key: %s", i, said);
		if (meant && strcmp(meant, said) != 0)
			fail_msg("case %d: other inputs, the same key: %s AND %s", i, meant, said);
		if (!known)
			map_set(&seen->keys, said, xstrdup(hex));
		if (!meant)
			map_set(&seen->words, hex, xstrdup(said));
	}
}

static void test_random_edits(void **state)
{
	(void)state;
	struct seen seen = { MAP_INIT(free), MAP_INIT(free) };
	struct model m;
	size_t found_again = 0, steps = 0;
	start(&m);
	for (int i = 0; i < CASES; i++) {
		AUTO(strv) struct strv words = STRV_INIT;
		struct key_case c;
		if (i % 50 == 49)
			start(&m);
		else
			edit(&m);
		if (i % 20 == 0)
			move_folder(i);
		say_all(&m, &words);
		for (size_t k = 1; k < words.len; k++, steps++)
			found_again += map_has(&seen.keys, words.v[k]);
		make_keys(&m, &c, 1000000000ll * i);
		compare(&seen, &words, &c, i);
		key_case_release(&c);
	}
	/* Both happen often, or nothing was tested. */
	assert_true(found_again > steps / 10 && steps - found_again > steps / 10);
	map_release(&seen.keys);
	map_release(&seen.words);
	map_release(&on_disk);
}

static int setup(void **state)
{
	(void)state;
	case_begin();
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	case_end();
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_random_edits, setup, teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
