/* SPDX-License-Identifier: Apache-2.0 */
/* Records of runs: what events tell, what is left of a torn one, which go first. */
#include "base/alloc.h"
#include "base/duration.h"
#include "base/path.h"
#include "core/record.h"
#include "core/records.h"
#include "core/story.h"
#include "os/fs.h"
#include "os/random.h"

#include <jansson.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static char *state_dir;

static int set_up(void **state)
{
	AUTO(error) struct error *e = NULL;

	(void)state;
	return fs_temp_dir("/tmp", "ingot-record-test-", &state_dir, &e);
}

static int tear_down(void **state)
{
	AUTO(error) struct error *e = NULL;
	int r = fs_remove_tree(state_dir, &e);

	(void)state;
	free(state_dir);
	return r;
}

/* ---- stories ------------------------------------------------------------------------ */

static void tell(json_t *story, const char *event)
{
	json_t *o = json_loads(event, 0, NULL);

	story_add(story, o);
	json_decref(o);
}

static void expect(json_t *got, const char *want)
{
	AUTO_FREE char *text =
		json_dumps(got, JSON_COMPACT | JSON_ENCODE_ANY | JSON_REAL_PRECISION(6));

	assert_string_equal(text, want);
}

static void test_story(void **state)
{
	json_t *story = story_new();

	(void)state;
	tell(story, "{\"event\":\"error\",\"text\":\"warned\"}");
	tell(story, "{\"event\":\"build-start\",\"build\":\"a\",\"steps\":3}");
	tell(story, "{\"event\":\"build-start\",\"build\":\"b\",\"steps\":3}");
	tell(story, "{\"event\":\"error\",\"text\":\"not about the template\"}");
	tell(story, "{\"event\":\"step-start\",\"build\":\"a\",\"text\":\"shell\"}");
	tell(story, "{\"event\":\"step-end\",\"build\":\"a\",\"text\":\"shell\",\"ok\":false,"
		    "\"seconds\":2.5}");
	tell(story, "{\"event\":\"step-start\",\"build\":\"b\",\"text\":\"start\"}");
	tell(story, "{\"event\":\"output\",\"build\":\"c\",\"text\":\"x\"}");
	tell(story, "{\"event\":\"build-end\",\"build\":\"a\",\"ok\":false,\"seconds\":3.0,"
		    "\"text\":\"no\"}");
	expect(json_object_get(story, "errors"), "[\"warned\"]");
	expect(json_object_get(story, "builds"),
	       "[{\"name\":\"a\",\"steps\":[{\"name\":\"shell\",\"ok\":false,\"seconds\":2.5}],"
	       "\"status\":\"failed\",\"seconds\":3.0,\"error\":{\"message\":\"no\"}},"
	       "{\"name\":\"b\",\"steps\":[{\"name\":\"start\"}]}]");
	json_decref(story);
}

/* What somebody else may have written into the file. */
static void test_story_of_nonsense(void **state)
{
	static const char *const events[] = {
		"[]",
		"{}",
		"{\"event\":1,\"build\":\"a\"}",
		"{\"event\":\"step-end\",\"build\":\"a\"}",
		"{\"event\":\"step-start\",\"build\":\"a\"}",
		"{\"event\":\"error\",\"text\":7}",
	};
	json_t *story = story_new();

	(void)state;
	story_add(story, NULL);
	for (size_t i = 0; i < ARRAY_LEN(events); i++)
		tell(story, events[i]);
	assert_int_equal(json_array_size(json_object_get(story, "builds")), 1);
	json_decref(story);
}

/* ---- records ------------------------------------------------------------------------- */

/* A run of that second that said `text` and ended; NULL: it was killed. */
static void make_record(int second, const char *text, const char *end)
{
	AUTO(record) struct record *r = NULL;
	AUTO(error) struct error *e = NULL;
	char uuid[UUID_TEXT], *arguments[] = { NULL };
	struct event ev = { .kind = EVENT_ERROR, .text = text };
	const struct record_facts facts = { "1", "/t", "/", arguments };

	random_uuid(uuid);
	assert_int_equal(record_open(state_dir, uuid, second * NSEC_PER_SEC, &r, &e), 0);
	record_facts(r, &facts);
	record_event(r, &ev);
	record_flush(r);
	if (end)
		record_end(r, RUN_FAILED);
	assert_null(record_take_error(r));
}

static void list(struct record_list *ret)
{
	AUTO(error) struct error *e = NULL;

	assert_int_equal(records_list(state_dir, ret, &e), 0);
}

static int prune(int64_t keep, int64_t max_bytes)
{
	AUTO(error) struct error *e = NULL;
	int removed = -1;

	assert_int_equal(records_prune(state_dir, keep, max_bytes, &removed, &e), 0);
	return removed;
}

static void test_oldest_go_first(void **state)
{
	AUTO(record_list) struct record_list all = { 0 };
	AUTO_FREE char *text = xcalloc(1, 3000), *evidence = NULL, *file = NULL;
	AUTO(error) struct error *e = NULL;

	(void)state;
	memset(text, 'x', 2999);
	make_record(30, text, "end");
	make_record(10, text, "end");
	make_record(20, text, "end");
	list(&all);
	assert_int_equal(all.len, 3);
	assert_int_equal(record_wall(&all.items[0]), 30 * NSEC_PER_SEC);
	assert_int_equal(record_wall(&all.items[2]), 10 * NSEC_PER_SEC);

	assert_int_equal(prune(3, 30000), 0);
	evidence = path_join(all.items[0].dir, RECORD_EVIDENCE "/b");
	file = path_join(evidence, "console.log");
	assert_int_equal(fs_mkdir_all(evidence, 0700, &e), 0);
	assert_int_equal(fs_write(file, text, 2999, 0600, &e), 0);
	assert_int_equal(truncate(file, 20000), 0);
	assert_int_equal(prune(3, 30000), 2); /* of the newest, but it is the older that go */
	assert_true(fs_exists(all.items[0].dir));
	assert_int_equal(prune(1, INT64_MAX), 0);
	assert_int_equal(prune(0, INT64_MAX), 1);
}

/* A build that prints without end must not fill the disk; its own words are kept. */
static void test_chatter_is_cut(void **state)
{
	AUTO(record_list) struct record_list all = { 0 };
	AUTO(record) struct record *r = NULL;
	AUTO(error) struct error *e = NULL;
	AUTO_FREE char *megabyte = xcalloc(1, 1024 * 1024), *events = NULL;
	struct event output = { .kind = EVENT_OUTPUT, .text = megabyte, .build_name = "b" };
	struct event word = { .kind = EVENT_STEP_START, .text = "late", .build_name = "b" };
	int64_t full, size;

	(void)state;
	memset(megabyte, 'x', 1024 * 1024 - 1);
	assert_int_equal(record_open(state_dir, "6f1b5c4e-0000-4000-8000-000000000001", 1, &r, &e),
			 0);
	list(&all);
	events = path_join(all.items[0].dir, RECORD_EVENTS);
	for (int i = 0; i < 55; i++)
		record_event(r, &output);
	assert_int_equal(fs_size(events, &full, &e), 0);
	assert_in_range(full, 50 << 20, 52 << 20);
	record_event(r, &word);
	record_event(r, &output);
	record_flush(r);
	assert_int_equal(fs_size(events, &size, &e), 0);
	assert_in_range(size - full, 1, 1000);
	record_close(TAKE(r));
	assert_int_equal(prune(0, INT64_MAX), 1);
}

static void test_run_in_progress_stays(void **state)
{
	AUTO(record_list) struct record_list all = { 0 };
	struct record *r = NULL;
	AUTO(error) struct error *e = NULL;

	(void)state;
	assert_int_equal(record_open(state_dir, "6f1b5c4e-0000-4000-8000-000000000000", 1, &r, &e),
			 0);
	list(&all);
	assert_int_equal(prune(0, 0), 0);
	assert_int_equal(record_remove(&all.items[0], &e), -1);
	assert_int_equal(e->kind, ERROR_EXISTS);
	record_close(r);
	assert_int_equal(prune(0, 0), 1);
}

static void test_torn_record(void **state)
{
	AUTO(record_list) struct record_list all = { 0 };
	AUTO_FREE char *events = NULL, *run_path = NULL;
	json_t *run;

	(void)state;
	make_record(1767323045, "the one", NULL);
	list(&all);
	events = path_join(all.items[0].dir, RECORD_EVENTS);
	run_path = path_join(all.items[0].dir, RECORD_RUN);
	for (off_t len = 200; len >= 0; len -= 7) {
		assert_int_equal(truncate(events, len), 0);
		assert_int_equal(truncate(run_path, len), 0);
		run = record_read(&all.items[0], true);
		expect(json_object_get(run, "start"), "\"2026-01-02T03:04:05Z\"");
		expect(json_object_get(run, "result"), "\"interrupted\"");
		json_decref(run);
		if (len > 120)
			len = 120;
	}
	assert_int_equal(prune(0, 0), 1);
}

static void test_no_record_at_all(void **state)
{
	const struct event ev = { .kind = EVENT_SAY, .text = "x" };
	const struct record_facts facts = { 0 };

	(void)state;
	record_facts(NULL, &facts);
	record_event(NULL, &ev);
	record_flush(NULL);
	record_results(NULL, NULL, 0, NULL);
	record_end(NULL, RUN_FAILED);
	record_close(NULL);
	assert_null(record_take_error(NULL));
	assert_null(record_evidence_dir(NULL));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_story),
		cmocka_unit_test(test_story_of_nonsense),
		cmocka_unit_test(test_oldest_go_first),
		cmocka_unit_test(test_chatter_is_cut),
		cmocka_unit_test(test_run_in_progress_stays),
		cmocka_unit_test(test_torn_record),
		cmocka_unit_test(test_no_record_at_all),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
