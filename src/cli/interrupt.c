/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/interrupt.h"

#include "os/clock.h"
#include "os/fd.h"
#include "os/signals.h"

static int on_signal(void *data, struct error **err)
{
	struct interrupt *i = data;
	enum signal_kind kind = signals_read(i->signal_fd);

	if (kind != SIGNAL_INTERRUPT && kind != SIGNAL_TERMINATE)
		return 0;
	cancel_trigger(i->cancel); /* it stays told */
	return error_set(err, ERROR_CANCELLED, "interrupted");
}

void interrupt_init(struct interrupt *i)
{
	*i = (struct interrupt){ cancel_new(NULL, DEADLINE_NEVER), -1 };
}

int interrupt_open(struct interrupt *i, struct error **err)
{
	interrupt_init(i);
	return interrupt_watch(i, err);
}

int interrupt_watch(struct interrupt *i, struct error **err)
{
	if (signals_open(&i->signal_fd, err) < 0)
		return -1;
	cancel_watch(i->cancel, i->signal_fd, on_signal, i);
	return 0;
}

void interrupt_stop(struct interrupt *i)
{
	cancel_watch(i->cancel, -1, NULL, NULL);
	fd_close(fd_take(&i->signal_fd));
}

void interrupt_release(struct interrupt *i)
{
	if (i->cancel)
		cancel_free(i->cancel);
	i->cancel = NULL;
	fd_close(fd_take(&i->signal_fd));
}
