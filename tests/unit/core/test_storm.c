/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Programs that are killed while two of their builds keep states: what they leave is whole or not
 * there, never wrong, and the next run does what its template says.
 */
#include "keep_case.h"

#include <signal.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/wait.h>

/* A whole run does about 35 things; some end before they are killed. */
enum { KILLS = 50, STEPS = 3, THINGS = 36, SPINS_MAX = 2000, SEED = 20261129 };

static unsigned seed = SEED;

static unsigned dice(unsigned n)
{
	seed = seed * 1103515245u + 12345u;
	return (seed >> 16) % n;
}

/* What the two builds are to make. */
struct model {
	char words[STEPS + 1];
	char text[2][STEPS + 3];
};

static void add_step(struct strbuf *sb, const char *more, char word, bool keyed)
{
	strbuf_addf(sb, "  provisioner \"append\" {\n%s    word  = \"%c\"\n    cache = %s\n  }\n",
		    more, word, keyed ? "true" : "false");
}

/* Steps of few words, so that some of them are kept: sometimes the last one of them is a barrier. */
static void make_template(struct model *m)
{
	AUTO(strbuf) struct strbuf sb = STRBUF_INIT;
	bool keyed = dice(4) != 0;

	for (int i = 1; i <= 2; i++)
		strbuf_addf(
			&sb,
			"source \"text\" \"m%d\" {\n  text   = \"0\"\n  output = \"out%d\"\n}\n", i,
			i);
	strbuf_addstr(&sb, "build {\n  sources = [\"source.text.m1\", \"source.text.m2\"]\n");
	for (int i = 0; i < STEPS; i++) {
		m->words[i] = (char)('a' + dice(i ? 3 : 2));
		add_step(&sb, "", m->words[i], keyed || i + 1 < STEPS);
	}
	add_step(&sb, "    only  = [\"text.m1\"]\n", '1', true);
	add_step(&sb, "    only  = [\"text.m2\"]\n", '2', true);
	strbuf_addstr(&sb, "}\n");
	put("t.pkr.hcl", sb.buf);
	m->words[STEPS] = '\0';
	for (int i = 0; i < 2; i++)
		(void)snprintf(m->text[i], sizeof(m->text[i]), "0%s%d", m->words, i + 1);
}

/* Waits until `things` are done and a bit more. */
static void run_and_kill(struct keep_case *c, atomic_int *done, int things, int spins)
{
	atomic_store(done, 0);
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (!pid) {
		text_world.shared = done;
		run(c);
		_exit(0);
	}
	while (atomic_load(done) < things && waitpid(pid, NULL, WNOHANG) == 0)
		usleep(20);
	for (int i = 0; i < spins; i++)
		(void)atomic_load(done);
	if (kill(pid, SIGKILL) == 0)
		(void)waitpid(pid, NULL, 0);
}

/* Of its disk; the memory says the same. Are the words in an order that templates have? */
static void check_text(struct keep_case *c, const struct store_entry *e)
{
	AUTO(error) struct error *err = NULL;
	AUTO(strbuf) struct strbuf text = STRBUF_INIT;
	AUTO_FREE char *path = path_join(e->dir, "memory");
	AUTO_FREE char *memory = get(path);

	for (size_t i = 0; i < e->layers.len; i++) {
		AUTO_FREE char *layer = xasprintf("%s/layers/%s", c->store_dir, e->layers.v[i]);

		must(fs_read(layer, FILE_MAX, &text, &err), err);
	}
	assert_string_equal(text.buf, memory);
	assert_true(text.buf[0] == '0' && text.len <= 2 + STEPS);
	assert_true(strspn(text.buf + 1, "abc") >= MIN(text.len - 1, (size_t)STEPS));
}

/* Every entry can be had, or is said to be of no use. How many layers are named. */
static void check_entries(struct keep_case *c, size_t *ret_layers)
{
	AUTO(error) struct error *err = NULL;
	AUTO(strv) struct strv keys = STRV_INIT, layers = STRV_INIT;

	must(store_list(c->store, &keys, &err), err);
	for (size_t i = 0; i < keys.len; i++) {
		AUTO(store_entry) struct store_entry *e = NULL;
		AUTO(error) struct error *refused = NULL;

		if (store_get(c->store, keys.v[i], NULL, &e, &refused) < 0) {
			assert_int_equal(refused->kind, ERROR_INVALID);
			continue;
		}
		check_text(c, e);
		for (size_t k = 0; k < e->layers.len; k++)
			if (!strv_contains(&layers, e->layers.v[k]))
				strv_push(&layers, e->layers.v[k]);
	}
	*ret_layers = layers.len;
}

static size_t count_files(const struct keep_case *c, const char *folder)
{
	AUTO(error) struct error *err = NULL;
	AUTO(strv) struct strv names = STRV_INIT;
	AUTO_FREE char *dir = path_join(c->store_dir, folder);

	must(fs_list(dir, &names, &err), err);
	return names.len;
}

static void check_results(struct keep_case *c, const struct model *m)
{
	for (int i = 0; i < 2; i++) {
		AUTO_FREE char *path = xasprintf("out%d/text", i + 1), *text = get(path);

		if (!c->results[i].ok)
			fail_msg("%s", c->results[i].error);
		assert_string_equal(text, m->text[i]);
	}
}

static void check_garbage(struct keep_case *c)
{
	AUTO(error) struct error *err = NULL;
	size_t layers;
	int removed;

	must(store_collect(c->store, 0, INT64_MAX, &removed, &err), err);
	check_entries(c, &layers);
	assert_int_equal(count_files(c, "staging"), 0);
	assert_int_equal(count_files(c, "locks"), 0);
	assert_int_equal(count_files(c, "layers"), layers);
}

static void test_kills(void **state)
{
	struct keep_case *c = *state;
	atomic_int *done = mmap(NULL, sizeof(*done), PROT_READ | PROT_WRITE,
				MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	assert_true(done != MAP_FAILED);
	for (int i = 0; i < KILLS; i++) {
		struct model m;
		size_t layers;
		unsigned was = seed;

		make_template(&m);
		run_and_kill(c, done, 1 + (int)dice(THINGS), (int)dice(SPINS_MAX));
		store_close(c->store);
		open_store(c);
		check_entries(c, &layers);
		run(c);
		check_results(c, &m);
		check_garbage(c);
		if (c->said.len && strstr(c->said.buf, "warning"))
			fail_msg("round %d, seed %u: %s", i, was, c->said.buf);
	}
	(void)munmap(done, sizeof(*done));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_kills, keep_case_begin, keep_case_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
