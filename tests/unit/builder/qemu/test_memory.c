/* SPDX-License-Identifier: Apache-2.0 */
/* Differences between states, of streams as QEMU writes them and of others. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/error.h"
#include "base/strbuf.h"
#include "builder/qemu/memory.h"
#include "os/fd.h"

#include <endian.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

enum { PAGE = 4096, PAGES = 300, RANDOM_CASES = 200 };

static int file_of(const void *bytes, size_t size)
{
	int fd = memfd_create("test", MFD_CLOEXEC);

	assert_true(fd >= 0);
	assert_int_equal(fd_write_at(fd, bytes, size, 0), 0);
	return fd;
}

static void read_all(int fd, struct strbuf *ret)
{
	char buf[PAGE];
	ssize_t n;

	for (off_t at = 0; (n = fd_read_at(fd, buf, sizeof(buf), at)) > 0; at += n)
		strbuf_add(ret, buf, (size_t)n);
}

static void add_head(struct strbuf *sb, uint64_t page, uint64_t flags)
{
	uint64_t head = htobe64(page * PAGE | flags);

	strbuf_add(sb, &head, sizeof(head));
}

/* seed 0: a page of zeros */
static void add_page(struct strbuf *sb, uint64_t page, unsigned seed)
{
	unsigned char bytes[PAGE];

	add_head(sb, page, seed ? 0x28 : 0x22);
	if (!seed) {
		strbuf_add(sb, "", 1);
		return;
	}
	for (size_t i = 0; i < PAGE; i++)
		bytes[i] = (unsigned char)(seed * 31 + page * 7 + i * (seed | 1));
	strbuf_add(sb, bytes, PAGE);
}

static void add_state(struct strbuf *sb, const unsigned *seeds)
{
	strbuf_addf(sb, "QEVM header");
	for (uint64_t i = 0; i < PAGES; i++)
		add_page(sb, i, seeds[i]);
	strbuf_addf(sb, "devices");
}

/* How many bytes of the later one were new. */
static int64_t there_and_back(const struct strbuf *before, const struct strbuf *state)
{
	AUTO_CLOSE int a = file_of(before->buf, before->len), b = file_of(state->buf, state->len);
	AUTO_CLOSE int diff = -1, back = -1;
	AUTO(strbuf) struct strbuf text = STRBUF_INIT;
	AUTO(error) struct error *err = NULL;
	int64_t added;

	if (memory_diff(a, b, NULL, &diff, &added, &err) < 0 ||
	    memory_apply(a, diff, NULL, &back, &err) < 0)
		fail_msg("%s", err->message);
	read_all(back, &text);
	assert_int_equal(text.len, state->len);
	assert_memory_equal(text.buf, state->buf, state->len);
	return added;
}

static void test_pages(void **state)
{
	AUTO(strbuf) struct strbuf before = STRBUF_INIT, same = STRBUF_INIT, later = STRBUF_INIT;
	unsigned seeds[PAGES];
	int64_t texts = (int64_t)strlen("QEVM header"
					"devices");

	for (unsigned i = 0; i < PAGES; i++)
		seeds[i] = i % 3;
	add_state(&before, seeds);
	add_state(&same, seeds);
	assert_int_equal(there_and_back(&before, &same), texts);
	seeds[10] = 77;  /* another content */
	seeds[150] = 78; /* from zeros */
	seeds[151] = 0;  /* to zeros */
	add_state(&later, seeds);
	assert_int_equal(there_and_back(&before, &later), texts + 2 * (PAGE + 8) + 9);
}

/* Between two rounds of pages stands the head of a section; with what follows it looks like a page whose content
 * are hundreds of short ones. */
static void test_sections(void **state)
{
	static const unsigned char end[] = { 0, 0, 0, 0, 0, 0, 0, 0x10, 0x7e,
					     0, 0, 0, 2, 2, 0, 0, 0,    2 };
	AUTO(strbuf) struct strbuf before = STRBUF_INIT, later = STRBUF_INIT;

	for (uint64_t i = 0x28000; i < 0x29000; i++) {
		add_page(&before, i, i % 2048 == 2047);
		if (i == 0x28201)
			strbuf_add(&later, end, sizeof(end));
		add_page(&later, i, i % 2048 == 2047);
	}
	assert_int_equal(there_and_back(&before, &later), sizeof(end));
}

/* A part that is gone costs nothing but itself. */
static void test_gap(void **state)
{
	AUTO(strbuf) struct strbuf before = STRBUF_INIT, later = STRBUF_INIT;

	for (uint64_t i = 0; i < 4000; i++) {
		add_page(&before, i, i % 3);
		if (i < 1000 || i >= 2000)
			add_page(&later, i, i % 3);
	}
	assert_int_equal(there_and_back(&before, &later), 0);
}

static void test_nothing_alike(void **state)
{
	AUTO(strbuf) struct strbuf before = STRBUF_INIT, later = STRBUF_INIT, none = STRBUF_INIT;

	strbuf_addf(&before, "something");
	strbuf_addf(&later, "else");
	assert_int_equal(there_and_back(&before, &later), 4);
	assert_int_equal(there_and_back(&none, &later), 4);
	assert_int_equal(there_and_back(&before, &none), 0);
}

/* Bytes that look like pages where there are none, pages that are missing, twice there or in another order. */
static void test_any_stream(void **state)
{
	srand(6);
	for (int i = 0; i < RANDOM_CASES; i++) {
		AUTO(strbuf) struct strbuf one = STRBUF_INIT, two = STRBUF_INIT;

		for (int j = 0; j < 40; j++) {
			uint64_t page = (uint64_t)(rand() % 64);
			unsigned seed = (unsigned)(rand() % 4);

			if (rand() % 8)
				add_page(&one, page, seed);
			if (rand() % 8)
				add_page(&two, page, rand() % 4 ? seed : seed + 1);
			if (!(rand() % 4))
				add_head(&two, page, 0x28);
		}
		(void)there_and_back(&one, &two);
	}
}

static void expect_refused(int before, const struct strbuf *diff, size_t len)
{
	AUTO_CLOSE int fd = file_of(diff->buf, len);
	AUTO(error) struct error *err = NULL;
	int back;

	assert_int_equal(memory_apply(before, fd, NULL, &back, &err), -1);
	assert_int_equal(err->kind, ERROR_INVALID);
}

/* Whatever a file of the store says. */
static void test_damage(void **state)
{
	AUTO(strbuf) struct strbuf before = STRBUF_INIT, later = STRBUF_INIT, diff = STRBUF_INIT;
	AUTO(error) struct error *err = NULL;
	int64_t added;
	int fd;

	add_page(&before, 1, 1);
	add_page(&before, 2, 2);
	add_page(&later, 1, 1);
	add_page(&later, 2, 3);

	AUTO_CLOSE int a = file_of(before.buf, before.len), b = file_of(later.buf, later.len);

	assert_int_equal(memory_diff(a, b, NULL, &fd, &added, &err), 0);
	read_all(fd, &diff);
	fd_close(fd);
	for (size_t len = 0; len < diff.len; len += len < 80 ? 1 : 500)
		expect_refused(a, &diff, len);
	for (size_t at = 0; at < 32; at++) { /* the head */
		diff.buf[at] ^= 0x55;
		expect_refused(a, &diff, diff.len);
		diff.buf[at] ^= 0x55;
	}
	for (size_t at = 32; at < 32 + 2 * 16; at++) { /* the parts: a place far away, a size */
		char was = diff.buf[at];

		diff.buf[at] = 0x7f;
		if (at % 8 >= 2)
			expect_refused(a, &diff, diff.len);
		diff.buf[at] = was;
	}
	assert_int_equal(ftruncate(a, 100), 0); /* another one than it was made from */
	expect_refused(a, &diff, diff.len);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_pages),      cmocka_unit_test(test_sections),
		cmocka_unit_test(test_gap),        cmocka_unit_test(test_nothing_alike),
		cmocka_unit_test(test_any_stream), cmocka_unit_test(test_damage),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
