/* SPDX-License-Identifier: Apache-2.0 */
#include "os/signals.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <sys/signalfd.h>
#include <unistd.h>

int signals_open(int *ret_fd, struct error **err)
{
	static const int watched[] = { SIGINT, SIGTERM, SIGHUP, SIGWINCH };
	sigset_t set;

	sigemptyset(&set);
	for (size_t i = 0; i < ARRAY_LEN(watched); i++)
		sigaddset(&set, watched[i]);

	int r = pthread_sigmask(SIG_BLOCK, &set, NULL);

	if (r)
		return error_set_errno(err, r, "cannot block signals");
	*ret_fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	if (*ret_fd < 0)
		return error_set_errno(err, errno, "cannot watch signals");
	return 0;
}

enum signal_kind signals_read(int fd)
{
	struct signalfd_siginfo info;

	if (read(fd, &info, sizeof(info)) != (ssize_t)sizeof(info))
		return SIGNAL_RESIZE;
	switch (info.ssi_signo) {
	case SIGINT:
		return SIGNAL_INTERRUPT;
	case SIGWINCH:
		return SIGNAL_RESIZE;
	default:
		return SIGNAL_TERMINATE;
	}
}
