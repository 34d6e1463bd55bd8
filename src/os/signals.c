/* SPDX-License-Identifier: Apache-2.0 */
#include "os/signals.h"

#include "os/log.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

static bool is_ignored(int sig)
{
	struct sigaction now;

	return sigaction(sig, NULL, &now) == 0 && now.sa_handler == SIG_IGN;
}

static void make_set(sigset_t *set)
{
	sigemptyset(set);
	sigaddset(set, SIGINT);
	sigaddset(set, SIGTERM);
	sigaddset(set, SIGWINCH);
	if (!is_ignored(SIGHUP))
		sigaddset(set, SIGHUP);
}

int signals_open(int *ret_fd, struct error **err)
{
	const struct sigaction ignore = { .sa_handler = SIG_IGN };
	sigset_t set;

	make_set(&set);

	int fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);

	if (fd < 0)
		return error_set_errno(err, errno, "cannot watch for signals");
	pthread_sigmask(SIG_BLOCK, &set, NULL);
	sigaction(SIGPIPE, &ignore, NULL);
	*ret_fd = fd;
	return 0;
}

int signals_watch_stop(int fd, bool on, struct error **err)
{
	sigset_t all, more;

	make_set(&all);
	sigemptyset(&more);
	sigaddset(&more, SIGTSTP);
	sigaddset(&more, SIGQUIT);
	if (on) {
		sigaddset(&all, SIGTSTP);
		sigaddset(&all, SIGQUIT);
	}
	if (signalfd(fd, &all, SFD_CLOEXEC | SFD_NONBLOCK) < 0)
		return error_set_errno(err, errno, "cannot watch for signals");
	pthread_sigmask(on ? SIG_BLOCK : SIG_UNBLOCK, &more, NULL);
	return 0;
}

enum signal_kind signals_read(int fd)
{
	struct signalfd_siginfo info;
	ssize_t n;

	do
		n = read(fd, &info, sizeof(info));
	while (n < 0 && errno == EINTR);
	if (n != sizeof(info))
		return SIGNAL_NONE;
	if (info.ssi_signo != SIGWINCH)
		log_debug("signal", "%s from process %d", sigdescr_np((int)info.ssi_signo),
			  (int)info.ssi_pid);
	switch (info.ssi_signo) {
	case SIGINT:
		return SIGNAL_INTERRUPT;
	case SIGWINCH:
		return SIGNAL_RESIZE;
	case SIGTSTP:
		return SIGNAL_STOP;
	default:
		return SIGNAL_TERMINATE;
	}
}
