/* SPDX-License-Identifier: Apache-2.0 */
/* The published vectors of AWS's signing test suite. */
#include "base/alloc.h"
#include "base/str.h"
#include "cloud/sigv4.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

struct vector {
	const char *method, *path, *query, *headers[5], *body, *session, *names, *signature;
};

static const char long_session[] =
	"AQoDYXdzEPT//////////wEXAMPLEtc764bNrC9SAPBSM22wDOk4x4HIZ8j4FZTwdQWLWsKWHGBuFqwAeMicRXmx"
	"fpSPfIeoIYRqTflfKD8YUuwthAx7mSEI/qkPpKPi/kMcGdQrmGdeehM4IC1NtBmUpp2wUE8phUZampKsburEDy0K"
	"PkyQDYwT7WZ0wq5VSXDvp75YU9HFvlRd8Tx6q6fE8YQcHNVXAkiY9q6d+xo0rKwT38xVqr7ZD0u0iPPkUL64lIZb"
	"qBAz+scqKmlzm8FDrypNC9Yjc8fPOLn9FX9KSYvKTr4rvx3iSIlTJabIQwj2ICCR/oLxBA==";

static const struct vector vectors[] = {
	{ .method = "GET",
	  .path = "/",
	  .names = "host;x-amz-date",
	  .signature = "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31" },
	{ .method = "GET",
	  .path = "/./",
	  .names = "host;x-amz-date",
	  .signature = "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31" },
	{ .method = "GET",
	  .path = "/",
	  .query = "Param1=value1",
	  .names = "host;x-amz-date",
	  .signature = "a67d582fa61cc504c4bae71f336f98b97f1ea3c7a6bfe1b6e45aec72011b9aeb" },
	{ .method = "GET",
	  .path = "/",
	  .query = "Param2=value2&Param1=value1",
	  .names = "host;x-amz-date",
	  .signature = "b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500" },
	{ .method = "GET",
	  .path = "/-._~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz",
	  .names = "host;x-amz-date",
	  .signature = "07ef7494c76fa4850883e2b006601f940f8a34d404d0cfa977f52a65bbf5f24f" },
	{ .method = "GET",
	  .path = "/\u1234",
	  .names = "host;x-amz-date",
	  .signature = "8318018e0b0f223aa2bbf98705b62bb787dc9c0e678f255a891fd03141be5d85" },
	{ .method = "GET",
	  .path = "/",
	  .headers = { "My-Header1: value1", "My-Header2: \"a   b   c\"" },
	  .names = "host;my-header1;my-header2;x-amz-date",
	  .signature = "acc3ed3afb60bb290fc8d2dd0098b9911fcaa05412b367055dee359757a9c736" },
	{ .method = "POST",
	  .path = "/",
	  .headers = { "My-Header1:value1" },
	  .names = "host;my-header1;x-amz-date",
	  .signature = "c5410059b04c1ee005303aed430f6e6645f61f4dc9e1461ec8f8916fdf18852c" },
	{ .method = "POST",
	  .path = "/",
	  .session = long_session,
	  .names = "host;x-amz-date;x-amz-security-token",
	  .signature = "85d96828115b5dc0cfc3bd16ad9e210dd772bbebba041836c64533a82be05ead" },
	{ .method = "POST",
	  .path = "/",
	  .headers = { "Content-Type:application/x-www-form-urlencoded", "Content-Length:13",
		       "x-amz-content-sha256:"
		       "9095672bbd1f56dfc5b65f3e153adc8731a4a654192329106275f4c7b24d0b6e" },
	  .body = "Param1=value1",
	  .names = "content-length;content-type;host;x-amz-content-sha256;x-amz-date",
	  .signature = "d3875051da38690788ef43de4db0d8f280229d82040bfac253562e56c3f20e0b" },
};

static void sign(const struct vector *v, struct strv *ret)
{
	AUTO(strv) struct strv headers = STRV_INIT;
	const struct sigv4_request req = {
		.method = v->method,
		.host = "example.amazonaws.com",
		.path = v->path,
		.query = v->query,
		.headers = &headers,
		.body = v->body,
		.body_len = v->body ? strlen(v->body) : 0,
	};
	const struct sigv4_key key = { "AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY",
				       v->session };
	const struct sigv4_scope scope = { "us-east-1", "service",
					   INT64_C(1440938160) * 1000000000 };

	for (size_t i = 0; v->headers[i]; i++)
		strv_push(&headers, v->headers[i]);
	sigv4_sign(&req, &key, &scope, ret);
}

static void test_published_vectors(void **state)
{
	for (size_t i = 0; i < ARRAY_LEN(vectors); i++) {
		AUTO(strv) struct strv got = STRV_INIT;
		AUTO_FREE char *want = xasprintf(
			"Authorization: AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/"
			"service/aws4_request, SignedHeaders=%s, Signature=%s",
			vectors[i].names, vectors[i].signature);

		sign(&vectors[i], &got);
		assert_string_equal(got.v[0], "X-Amz-Date: 20150830T123600Z");
		assert_string_equal(got.v[got.len - 1], want);
		assert_int_equal(got.len, vectors[i].session ? 3 : 2);
	}
}

static void test_canonical_request(void **state)
{
	AUTO(strv) struct strv headers = STRV_INIT;
	const struct sigv4_request req = {
		.method = "PUT",
		.host = "h:8000",
		.path = "//a/../b c/",
		.query = "z&a=%20&&a=1",
		.headers = &headers,
	};

	strv_pushl(&headers, "X-B:  two   words ", "x-a:1", NULL);

	AUTO_FREE char *text = sigv4_canonical_request(&req);

	assert_string_equal(text,
			    "PUT\n/b%20c/\na=%20&a=1&z=\nhost:h:8000\nx-a:1\nx-b:two words\n\n"
			    "host;x-a;x-b\n"
			    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_published_vectors),
		cmocka_unit_test(test_canonical_request),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
