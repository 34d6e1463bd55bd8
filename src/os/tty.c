/* SPDX-License-Identifier: Apache-2.0 */
#include "os/tty.h"

#include "base/strbuf.h"
#include "os/clock.h"
#include "os/fd.h"
#include "os/wait.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/ioctl.h>
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

/* Reads up to a newline, which is taken off. */
static int read_answer(int fd, struct strbuf *answer, struct cancel *c, struct error **err)
{
	for (;;) {
		char piece[512];

		if (io_wait(fd, POLLIN, DEADLINE_NEVER, c, err) < 0)
			return -1;

		ssize_t n = read(fd, piece, sizeof(piece));

		if (n < 0 && (errno == EINTR || errno == EAGAIN))
			continue;
		if (n == 0 && answer->len)
			return 0;
		if (n <= 0)
			return error_set(err, ERROR_DISCONNECTED, "the terminal was closed");

		const char *end = memchr(piece, '\n', (size_t)n);

		strbuf_add(answer, piece, end ? (size_t)(end - piece) : (size_t)n);
		if (answer->overflow)
			return error_set(err, ERROR_INVALID, "the answer is too long");
		if (end)
			return 0;
	}
}

int tty_ask(const char *question, struct cancel *c, char **ret_line, struct error **err)
{
	AUTO(strbuf) struct strbuf prompt = STRBUF_INIT;
	AUTO(strbuf) struct strbuf answer = STRBUF_INIT_MAX(ANSWER_MAX);
	AUTO_CLOSE int fd = open("/dev/tty", O_RDWR | O_NOCTTY | O_CLOEXEC);

	if (fd < 0)
		return error_set(err, ERROR_NOT_FOUND, "no available tty");
	strbuf_addf(&prompt, "%s ", question);
	if (io_write_all(fd, prompt.buf, prompt.len, DEADLINE_NEVER, c, err) < 0)
		return -1;
	if (read_answer(fd, &answer, c, err) < 0) {
		(void)!fd_write(fd, "\n", 1); /* what comes next starts on a line of its own */
		return -1;
	}
	*ret_line = strbuf_detach(&answer);
	return 0;
}
