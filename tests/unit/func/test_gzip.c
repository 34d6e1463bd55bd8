/* SPDX-License-Identifier: Apache-2.0 */
#include "base/encode.h"
#include "func/gzip.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

/* The wanted texts were decompressed by gzip(1). */
static void expect_base64(const char *text, size_t len, const char *want)
{
	AUTO(strbuf) struct strbuf bytes = STRBUF_INIT;
	AUTO(strbuf) struct strbuf out = STRBUF_INIT;

	gzip_compress(&bytes, text, len);
	encode_base64(&out, bytes.buf, bytes.len);
	assert_string_equal(out.buf, want);
}

static void test_known_streams(void **state)
{
	static const char golden[] = "golden golden golden images";

	expect_base64("", 0, "H4sIAAAAAAAA/wMAAAAAAAAAAAA=");
	expect_base64(golden, strlen(golden), "H4sIAAAAAAAA/0vPz0lJzVNApTJzE9NTiwFNed4lGwAAAA==");
}

static void test_repeated_text_gets_short(void **state)
{
	AUTO(strbuf) struct strbuf text = STRBUF_INIT;
	AUTO(strbuf) struct strbuf out = STRBUF_INIT;

	strbuf_addchars(&text, 'a', 100000);
	gzip_compress(&out, text.buf, text.len);
	assert_true(out.len < 1000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_known_streams),
		cmocka_unit_test(test_repeated_text_gets_short),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
