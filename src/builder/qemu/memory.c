/* SPDX-License-Identifier: Apache-2.0 */
#include "builder/qemu/memory.h"

#include "base/alloc.h"
#include "base/vec.h"
#include "os/fd.h"

#include <endian.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

/*
 * QEMU's stream (migration/ram.c, version 3): a page is its address as 64 bits, big-endian, with flags in the
 * low 12, and its content; a page of zeros is that with a single byte.
 */
enum {
	PAGE = 4096,
	HEAD = 8,
	FULL_PAGE = 0x08 | 0x20, /* content follows; of the same block as the page before */
	ZERO_PAGE = 0x02 | 0x20,
	ZERO_SIZE = HEAD + 1,
	FULL_SIZE = HEAD + PAGE,
	RESYNC = 64, /* pages that are looked through where the streams part, */
	CATCH_UP =
		8192, /* and so many whose addresses are lower: something is missing in the later one */
	ADDRESS_BITS =
		40, /* what is beyond is the head of a section with bytes of a page behind it */
	PARTS_MAX = 1 << 24,
	CHECK_EVERY = 1 << 14,
};
static const uint64_t LITERAL = UINT64_MAX;

struct view {
	const unsigned char *bytes;
	size_t size;
};

struct part {
	uint64_t from; /* place in the earlier state; LITERAL */
	uint64_t size;
};
VEC_DECLARE(part_list, struct part);

/* Of the file of a difference: then the parts, then the bytes. */
struct diff_head {
	char magic[8];
	uint64_t before_size, size, parts;
};
static const char MAGIC[8] = "INGOTMD1";

static int view_open(struct view *v, int fd, struct error **err)
{
	struct stat st;
	void *p;

	*v = (struct view){ 0 };
	if (fstat(fd, &st) < 0)
		return error_set_errno(err, errno, "cannot examine the memory of a machine");
	if (!st.st_size)
		return 0;
	p = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_SHARED, fd, 0);
	if (p == MAP_FAILED)
		return error_set_errno(err, errno, "cannot read the memory of a machine");
	*v = (struct view){ p, (size_t)st.st_size };
	return 0;
}

static void view_close(struct view *v)
{
	if (v->bytes)
		(void)munmap((void *)v->bytes, v->size);
	*v = (struct view){ 0 };
}

/* ---- pages --------------------------------------------------------------------------------- */

/* How long the page at `at` is; 0: there is none. */
static size_t page_at(const struct view *v, size_t at, uint64_t *ret_address)
{
	uint64_t head;
	size_t size;

	if (v->size - at < HEAD)
		return 0;
	memcpy(&head, v->bytes + at, HEAD);
	head = be64toh(head);
	size = (head & (PAGE - 1)) == FULL_PAGE   ? FULL_SIZE
	       : (head & (PAGE - 1)) == ZERO_PAGE ? ZERO_SIZE
						  : 0;
	if (!size || head >> ADDRESS_BITS || v->size - at < size)
		return 0;
	*ret_address = head / PAGE;
	return size;
}

/* The next page from `at` on; its place, or the end. */
static size_t next_page(const struct view *v, size_t at, uint64_t *ret_address, size_t *ret_size)
{
	while (at < v->size) {
		*ret_size = page_at(v, at, ret_address);
		if (*ret_size)
			return at;
		at++;
	}
	*ret_size = 0;
	return v->size;
}

/* From `at` on in the earlier state, the page with that address; false: not near. */
static bool find_page(const struct view *v, size_t *at, uint64_t address, size_t *ret_size)
{
	size_t here = *at;

	for (int before = 0, behind = 0; before < CATCH_UP && behind < RESYNC;) {
		uint64_t found;

		here = next_page(v, here, &found, ret_size);
		if (!*ret_size)
			return false;
		if (found == address) {
			*at = here;
			return true;
		}
		before += found < address;
		behind += found > address;
		here += *ret_size;
	}
	*ret_size = 0;
	return false;
}

static void add_part(struct part_list *parts, uint64_t from, size_t size)
{
	struct part *last = parts->len ? &parts->items[parts->len - 1] : NULL;

	if (!size)
		return;
	if (last && (from == LITERAL ? last->from == LITERAL
				     : last->from != LITERAL && last->from + last->size == from))
		last->size += size;
	else
		*vec_push(parts) = (struct part){ from, size };
}

static int compare(const struct view *before, const struct view *state, struct part_list *parts,
		   struct cancel *c, struct error **err)
{
	size_t at = 0, near = 0;

	for (unsigned n = 0; at < state->size; n++) {
		uint64_t address;
		size_t size, there = near, old_size = 0, page;

		if (n % CHECK_EVERY == 0 && cancel_check(c, err) < 0)
			return -1;
		page = next_page(state, at, &address, &size);
		add_part(parts, LITERAL, page - at);
		at = page + size;
		if (!size)
			break;
		if (find_page(before, &there, address, &old_size))
			near = there + old_size;
		if (old_size == size && !memcmp(before->bytes + there, state->bytes + page, size))
			add_part(parts, there, size);
		else
			add_part(parts, LITERAL, size);
	}
	return 0;
}

/* ---- files --------------------------------------------------------------------------------- */

static int new_file(const char *name, int *ret_fd, struct error **err)
{
	*ret_fd = memfd_create(name, MFD_CLOEXEC);
	return *ret_fd < 0 ? error_set_errno(err, errno, "cannot make a file in memory") : 0;
}

static int put(int fd, off_t *at, const void *data, size_t size, struct error **err)
{
	if (fd_write_at(fd, data, size, *at) < 0)
		return error_set_errno(err, errno, "cannot write the memory of a machine");
	*at += (off_t)size;
	return 0;
}

static int write_diff(int fd, const struct diff_head *head, const struct part_list *parts,
		      const struct view *state, int64_t *ret_new, struct error **err)
{
	off_t at = 0;
	size_t from = 0;

	*ret_new = 0;
	if (put(fd, &at, head, sizeof(*head), err) < 0 ||
	    put(fd, &at, parts->items, parts->len * sizeof(*parts->items), err) < 0)
		return -1;
	for (size_t i = 0; i < parts->len; i++) {
		const struct part *p = &parts->items[i];

		if (p->from == LITERAL) {
			if (put(fd, &at, state->bytes + from, p->size, err) < 0)
				return -1;
			*ret_new += (int64_t)p->size;
		}
		from += p->size;
	}
	return 0;
}

int memory_diff(int before_fd, int state_fd, struct cancel *c, int *ret_fd, int64_t *ret_new,
		struct error **err)
{
	struct view before, state = { 0 };
	struct part_list parts = { 0 };
	AUTO_CLOSE int fd = -1;
	int r = view_open(&before, before_fd, err);

	if (r == 0)
		r = view_open(&state, state_fd, err);
	if (r == 0)
		r = compare(&before, &state, &parts, c, err);
	if (r == 0)
		r = new_file("ingot-memory", &fd, err);
	if (r == 0) {
		struct diff_head head = { .before_size = before.size,
					  .size = state.size,
					  .parts = parts.len };

		memcpy(head.magic, MAGIC, sizeof(MAGIC));
		r = write_diff(fd, &head, &parts, &state, ret_new, err);
	}
	view_close(&before);
	view_close(&state);
	vec_release(&parts);
	if (r == 0)
		*ret_fd = fd_take(&fd);
	return r;
}

/* ---- back ---------------------------------------------------------------------------------- */

static int invalid(struct error **err)
{
	return error_set(err, ERROR_INVALID, "its memory does not fit to that of the step before");
}

/* All sizes are looked at before anything is written. */
static int check_diff(const struct view *before, const struct view *diff, struct diff_head *head,
		      struct error **err)
{
	const unsigned char *at = diff->bytes + sizeof(*head);
	uint64_t size = 0, literal = 0, room;

	if (diff->size < sizeof(*head))
		return invalid(err);
	memcpy(head, diff->bytes, sizeof(*head));
	if (memcmp(head->magic, MAGIC, sizeof(MAGIC)) != 0 || head->before_size != before->size ||
	    head->parts > PARTS_MAX ||
	    diff->size - sizeof(*head) < head->parts * sizeof(struct part))
		return invalid(err);
	room = diff->size - sizeof(*head) - head->parts * sizeof(struct part);
	for (uint64_t i = 0; i < head->parts; i++, at += sizeof(struct part)) {
		struct part p;

		memcpy(&p, at, sizeof(p));
		if (p.size > head->size - size ||
		    (p.from == LITERAL ? p.size > room - literal
				       : p.from > before->size || p.size > before->size - p.from))
			return invalid(err);
		size += p.size;
		literal += p.from == LITERAL ? p.size : 0;
	}
	return size == head->size && literal == room ? 0 : invalid(err);
}

static int write_state(int fd, const struct view *before, const struct view *diff,
		       const struct diff_head *head, struct cancel *c, struct error **err)
{
	const unsigned char *part = diff->bytes + sizeof(*head);
	const unsigned char *literal = part + head->parts * sizeof(struct part);
	off_t at = 0;

	for (uint64_t i = 0; i < head->parts; i++, part += sizeof(struct part)) {
		struct part p;

		if (i % CHECK_EVERY == 0 && cancel_check(c, err) < 0)
			return -1;
		memcpy(&p, part, sizeof(p));
		if (put(fd, &at, p.from == LITERAL ? literal : before->bytes + p.from, p.size,
			err) < 0)
			return -1;
		literal += p.from == LITERAL ? p.size : 0;
	}
	return 0;
}

int memory_apply(int before_fd, int diff_fd, struct cancel *c, int *ret_fd, struct error **err)
{
	struct view before, diff = { 0 };
	struct diff_head head;
	AUTO_CLOSE int fd = -1;
	int r = view_open(&before, before_fd, err);

	if (r == 0)
		r = view_open(&diff, diff_fd, err);
	if (r == 0)
		r = check_diff(&before, &diff, &head, err);
	if (r == 0)
		r = new_file("ingot-memory", &fd, err);
	if (r == 0)
		r = write_state(fd, &before, &diff, &head, c, err);
	view_close(&before);
	view_close(&diff);
	if (r == 0)
		*ret_fd = fd_take(&fd);
	return r;
}
