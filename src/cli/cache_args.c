/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/cache_args.h"

#include "base/alloc.h"
#include "base/duration.h"
#include "base/path.h"
#include "base/str.h"
#include "os/fs.h"

#include <string.h>

static const int64_t default_ttl = 7 * 24 * 3600 * NSEC_PER_SEC;

/* ---- sizes ------------------------------------------------------------------------------- */

/* 10 * k for the unit; false: there is no such one. */
static bool read_unit(struct str unit, int *ret_bits)
{
	static const char letters[] = "kmgtp";
	const char *letter;

	*ret_bits = 0;
	if (!unit.len || str_is(unit, "B") || str_is(unit, "b"))
		return true;
	letter = strchr(letters, unit.p[0] | ' ');
	if (!letter || !*letter)
		return false;
	*ret_bits = 10 * (int)(letter - letters + 1);
	unit.p++;
	unit.len--;
	return !unit.len || str_is(unit, "B") || str_is(unit, "b") || str_is(unit, "iB") ||
	       str_is(unit, "ib");
}

static bool parse_size(const char *text, int64_t *ret)
{
	struct str s = str_trim(str_of(text)), number = s, fraction;
	int64_t whole, part = 0, scale = 1;
	int bits;

	for (number.len = 0; number.len < s.len && strchr("0123456789.", s.p[number.len]);)
		number.len++;

	struct str unit = str_trim((struct str){ s.p + number.len, s.len - number.len });
	bool has_dot = memchr(number.p, '.', number.len) != NULL;

	number = str_split(number, '.', &fraction);

	AUTO_FREE char *digits = str_dup(number), *after = str_dup(fraction);

	if (!parse_int64(digits, 10, &whole) || !read_unit(unit, &bits) ||
	    has_dot != !!fraction.len)
		return false;
	if (fraction.len && (fraction.len > 6 || !bits || !parse_int64(after, 10, &part)))
		return false;
	for (size_t i = 0; i < fraction.len; i++)
		scale *= 10;
	if (whole > INT64_MAX >> (bits + 1))
		return false;
	*ret = (whole << bits) +
	       (int64_t)((double)part / (double)scale * (double)(INT64_C(1) << bits));
	return true;
}

int cache_parse_size(const char *text, int64_t *ret, struct error **err)
{
	if (parse_size(text, ret))
		return 0;
	return error_set(err, ERROR_INVALID, "'%s' is no size, such as 30G or 500M", text);
}

/* ---- the environment ----------------------------------------------------------------------- */

int cache_ttl(int64_t *ret, struct error **err)
{
	const char *text = command_env("CACHE_TTL");
	AUTO(error) struct error *e = NULL;

	*ret = default_ttl;
	if (!text || duration_parse_age(text, ret, &e) == 0)
		return 0;
	error_ignore(&e, "said in words that fit");
	return error_set(err, ERROR_INVALID,
			 "INGOT_CACHE_TTL is '%s', not a time such as 7d or 24h", text);
}

/* 0: the default of the store. */
static int read_size(int64_t *ret, struct error **err)
{
	const char *text = command_env("CACHE_SIZE");

	*ret = 0;
	if (!text || (parse_size(text, ret) && *ret > 0))
		return 0;
	error_set(err, ERROR_INVALID, "INGOT_CACHE_SIZE is '%s', not a size such as 30G or 500M",
		  text);
	return error_hint(err, "'-no-cache' keeps nothing");
}

static int open_store(const struct command_ctx *ctx, bool make, struct store **ret,
		      struct error **err)
{
	AUTO_FREE char *dir = path_join(ctx->dirs.cache, "steps");
	AUTO_FREE char *secret = path_join(dir, "secret"); /* the last that is made of a new one */
	int64_t size;

	*ret = NULL;
	if (read_size(&size, err) < 0)
		return -1;
	if (!make && !fs_exists(secret))
		return 0;
	if (store_open(dir, size, ret, err) < 0)
		return error_prefix(err, "cannot open the store of finished steps");
	return 0;
}

int cache_open(const struct command_ctx *ctx, struct store **ret, struct error **err)
{
	return open_store(ctx, true, ret, err);
}

int cache_open_existing(const struct command_ctx *ctx, struct store **ret, struct error **err)
{
	return open_store(ctx, false, ret, err);
}
