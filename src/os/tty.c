/* SPDX-License-Identifier: Apache-2.0 */
#include "os/tty.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

enum { ANSWER_MAX = 64 * 1024 };

bool tty_is_terminal(int fd)
{
	return isatty(fd) == 1;
}

int tty_width(int fd)
{
	struct winsize size = { 0 };

	if (ioctl(fd, TIOCGWINSZ, &size) < 0 || !size.ws_col)
		return TTY_WIDTH_DEFAULT;
	return size.ws_col;
}

int tty_open(int *ret_fd, struct error **err)
{
	int fd = open("/dev/tty", O_RDWR | O_NOCTTY | O_CLOEXEC);

	if (fd < 0)
		return error_set(err, ERROR_NOT_FOUND, "no available tty");
	*ret_fd = fd;
	return 0;
}

bool tty_show_typing(int fd, bool show)
{
	struct termios t;

	if (tcgetattr(fd, &t) < 0 || show == !!(t.c_lflag & ECHO))
		return false;
	if (show)
		t.c_lflag |= ECHO;
	else
		t.c_lflag &= ~(tcflag_t)ECHO;
	return tcsetattr(fd, TCSANOW, &t) == 0;
}

int tty_read_line(int fd, struct strbuf *line, bool *ret_complete, struct error **err)
{
	char piece[512];
	ssize_t n = read(fd, piece, sizeof(piece));
	const char *end;

	*ret_complete = false;
	if (n < 0 && (errno == EINTR || errno == EAGAIN))
		return 0;
	if (n == 0 && line->len) {
		*ret_complete = true;
		return 0;
	}
	if (n <= 0)
		return error_set(err, ERROR_DISCONNECTED, "the terminal was closed");
	end = memchr(piece, '\n', (size_t)n);
	if (line->len + (size_t)n > ANSWER_MAX)
		return error_set(err, ERROR_INVALID, "the answer is too long");
	strbuf_add(line, piece, end ? (size_t)(end - piece) : (size_t)n);
	*ret_complete = end != NULL;
	return 0;
}
