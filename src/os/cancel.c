/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The eventfd of a token only wakes the waits; the truth is the flag. Should
 * there be no eventfd (the process is out of descriptors), waits on the token
 * look at the flag a few times a second instead.
 */
#include "os/cancel.h"

#include "base/alloc.h"
#include "base/duration.h"
#include "os/clock.h"
#include "os/fd.h"

#include <errno.h>
#include <stdatomic.h>
#include <sys/eventfd.h>
#include <unistd.h>

enum { LOOK_MSEC = 100 };

struct cancel {
	struct cancel *parent;
	int64_t deadline;
	atomic_bool triggered;
	int event_fd;
	int watch_fd;
	cancel_reason_fn reason;
	void *data;
};

struct cancel *cancel_new(struct cancel *parent, int64_t deadline)
{
	struct cancel *c = NEW(struct cancel);

	*c = (struct cancel){
		.parent = parent,
		.deadline = deadline,
		.event_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK),
		.watch_fd = -1,
	};
	atomic_init(&c->triggered, false);
	return c;
}

void cancel_free(struct cancel *c)
{
	if (!c)
		return;
	fd_close(c->event_fd);
	free(c);
}

void cancel_trigger(struct cancel *c)
{
	uint64_t one = 1;
	int saved = errno;

	atomic_store(&c->triggered, true);
	if (c->event_fd >= 0)
		(void)!write(c->event_fd, &one, sizeof(one));
	errno = saved;
}

void cancel_watch(struct cancel *c, int fd, cancel_reason_fn reason, void *data)
{
	c->watch_fd = fd;
	c->reason = reason;
	c->data = data;
}

bool cancel_is_triggered(const struct cancel *c)
{
	for (; c; c = c->parent)
		if (atomic_load(&c->triggered))
			return true;
	return false;
}

static bool is_readable(int fd)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };

	return poll(&p, 1, 0) > 0;
}

int cancel_check(struct cancel *c, struct error **err)
{
	if (cancel_is_triggered(c))
		return error_set(err, ERROR_CANCELLED, "cancelled");
	for (; c; c = c->parent) {
		if (c->watch_fd >= 0 && is_readable(c->watch_fd) && c->reason(c->data, err) < 0)
			return -1;
		if (c->deadline != DEADLINE_NEVER && clock_monotonic() >= c->deadline)
			return error_set(err, ERROR_TIMEOUT, "timed out");
	}
	return 0;
}

static void add_fd(int fd, struct pollfd *fds, size_t max, size_t *n, int64_t *deadline)
{
	if (fd >= 0 && *n < max)
		fds[(*n)++] = (struct pollfd){ .fd = fd, .events = POLLIN };
	else
		*deadline = MIN(*deadline, clock_deadline(LOOK_MSEC * NSEC_PER_MSEC));
}

void cancel_pollfds(const struct cancel *c, struct pollfd *fds, size_t max, size_t *n,
		    int64_t *deadline)
{
	for (; c; c = c->parent) {
		add_fd(c->event_fd, fds, max, n, deadline);
		if (c->watch_fd >= 0)
			add_fd(c->watch_fd, fds, max, n, deadline);
		*deadline = MIN(*deadline, c->deadline);
	}
}
