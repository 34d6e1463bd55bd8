/* SPDX-License-Identifier: Apache-2.0 */
#include "os/random.h"

#include "os/fd.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/random.h>
#include <uuid/uuid.h>

/* Where there is no getrandom(), or a sandbox forbids it. */
static ssize_t read_device(void *out, size_t len)
{
	AUTO_CLOSE int fd = open("/dev/urandom", O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : fd_read(fd, out, len);

	assert(n > 0); /* a secret that can be guessed would be worse than the end */
	return n;
}

void random_bytes(void *out, size_t len)
{
	char *p = out;

	while (len) {
		ssize_t n = getrandom(p, len, 0);

		if (n < 0 && errno != EINTR)
			n = read_device(p, len);
		if (n > 0) {
			p += n;
			len -= (size_t)n;
		}
	}
}

uint32_t random_below(uint32_t n)
{
	assert(n > 0);

	uint32_t limit = UINT32_MAX - UINT32_MAX % n; /* a multiple of n */
	uint32_t r;

	do
		random_bytes(&r, sizeof(r));
	while (r >= limit);
	return r % n;
}

void random_text(char *out, size_t len, const char *alphabet)
{
	uint32_t n = (uint32_t)strlen(alphabet);

	for (size_t i = 0; i < len; i++)
		out[i] = alphabet[random_below(n)];
	out[len] = '\0';
}

void random_uuid(char out[UUID_TEXT])
{
	uuid_t id;

	uuid_generate_random(id);
	uuid_unparse_lower(id, out);
}

void uuid_v5(const unsigned char ns[16], const char *name, char out[UUID_TEXT])
{
	uuid_t id;

	uuid_generate_sha1(id, ns, name, strlen(name));
	uuid_unparse_lower(id, out);
}
