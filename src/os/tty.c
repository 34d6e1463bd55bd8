/* SPDX-License-Identifier: Apache-2.0 */
#include "os/tty.h"

#include <sys/ioctl.h>
#include <unistd.h>

bool tty_is_terminal(int fd)
{
	return isatty(fd) == 1;
}

int tty_width(int fd)
{
	struct winsize size = { 0 };

	return ioctl(fd, TIOCGWINSZ, &size) == 0 && size.ws_col ? size.ws_col : 80;
}
