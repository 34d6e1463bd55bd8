/* SPDX-License-Identifier: Apache-2.0 */
/* Runs a fuzz target over the files of its corpus, without a fuzzer. */
#include "base/alloc.h"
#include "os/fs.h"

#include <stdint.h>
#include <stdio.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int main(int argc, char **argv)
{
	AUTO(strv) struct strv files = STRV_INIT;
	AUTO(error) struct error *err = NULL;

	if (argc != 2 || fs_walk_files(argv[1], &files, &err) < 0) {
		fprintf(stderr, "usage: %s FOLDER\n", argv[0]);
		return 2;
	}
	for (size_t i = 0; i < files.len; i++) {
		AUTO(strbuf) struct strbuf text = STRBUF_INIT;

		if (fs_read(files.v[i], FS_READ_MAX, &text, &err) < 0) {
			fprintf(stderr, "%s\n", err->message);
			return 1;
		}
		/* A copy of exactly this size, so that tools see a read beyond it. */
		AUTO_FREE uint8_t *data = xmemdup(text.buf, text.len);

		LLVMFuzzerTestOneInput(data, text.len);
	}
	printf("%zu inputs\n", files.len);
	return files.len ? 0 : 1;
}
