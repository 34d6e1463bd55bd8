/* SPDX-License-Identifier: Apache-2.0 */
/* Functions on network prefixes. An address is 4 or 16 bytes, big-endian. */
#include "base/str.h"
#include "func/args.h"
#include "func/rows.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <string.h>

struct prefix {
	unsigned char ip[16];
	int bytes; /* 4 or 16 */
	int bits;
};

static bool has_leading_zero(const char *ip)
{
	for (const char *p = ip; *p; p++)
		if ((p == ip || p[-1] == '.') && p[0] == '0' && isdigit((unsigned char)p[1]))
			return true;
	return false;
}

static bool parse_prefix(const struct func_call *call, struct prefix *ret, struct error **err)
{
	const char *text = arg_text(call, 0), *slash = strchr(text, '/');
	AUTO_FREE char *ip = slash ? xstrndup(text, (size_t)(slash - text)) : NULL;
	int64_t bits = -1;

	*ret = (struct prefix){ 0 };
	if (ip && inet_pton(AF_INET, ip, ret->ip) == 1 && !has_leading_zero(ip))
		ret->bytes = 4;
	else if (ip && inet_pton(AF_INET6, ip, ret->ip) == 1)
		ret->bytes = 16;
	if (ret->bytes && isdigit((unsigned char)slash[1]) && strlen(slash) <= 4)
		(void)parse_int64(slash + 1, 10, &bits);
	if (bits < 0 || bits > ret->bytes * 8) {
		fail(err, "invalid CIDR expression: invalid CIDR address: %s", text);
		return false;
	}
	ret->bits = (int)bits;
	for (int i = ret->bits; i < ret->bytes * 8; i++)
		ret->ip[i / 8] &= (unsigned char)~(0x80 >> i % 8);
	return true;
}

/* ::ffff:1.2.3.4 is written as 1.2.3.4, and its prefix as one of IPv4. */
static bool is_mapped(const struct prefix *p)
{
	static const unsigned char start[12] = { [10] = 0xff, [11] = 0xff };

	return p->bytes == 16 && !memcmp(p->ip, start, sizeof(start));
}

static void format_ip(struct strbuf *sb, const struct prefix *p)
{
	char text[INET6_ADDRSTRLEN];

	if (is_mapped(p))
		inet_ntop(AF_INET, p->ip + 12, text, sizeof(text));
	else
		inet_ntop(p->bytes == 4 ? AF_INET : AF_INET6, p->ip, text, sizeof(text));
	strbuf_addstr(sb, text);
}

static struct value *prefix_value(const struct prefix *p)
{
	AUTO(strbuf) struct strbuf sb = STRBUF_INIT;

	format_ip(&sb, p);
	strbuf_addf(&sb, "/%d", is_mapped(p) && p->bits >= 96 ? p->bits - 96 : p->bits);
	return value_string_len(sb.buf, sb.len);
}

/* Adds n << shift to the address; false: beyond its end. */
static bool add_shifted(struct prefix *p, uint64_t n, int shift)
{
	unsigned carry = 0;

	for (int i = 0; i < p->bytes; i++) {
		int bit = i * 8 - shift; /* of n, that comes into byte i from the right */
		uint64_t part = 0;

		if (bit >= 0 && bit < 64)
			part = n >> bit;
		else if (bit < 0 && bit > -8)
			part = n << -bit;

		unsigned sum = p->ip[p->bytes - 1 - i] + (unsigned)(part & 0xff) + carry;

		p->ip[p->bytes - 1 - i] = (unsigned char)sum;
		carry = sum >> 8;
	}
	return !carry;
}

/* Whether n can be written in that many bits. */
static bool fits_bits(uint64_t n, int bits)
{
	return bits >= 64 || n < UINT64_C(1) << bits;
}

static struct value *call_cidrhost(const struct func_call *call, struct error **err)
{
	AUTO(strbuf) struct strbuf sb = STRBUF_INIT;
	struct prefix p;
	int64_t host, shown;
	int room;

	if (!arg_int(call, 1, &host, err) || !parse_prefix(call, &p, err))
		return NULL;
	room = p.bytes * 8 - p.bits;
	/* The number that the message of the released tool shows. */
	shown = host < 0 && room < 62 ? host + (INT64_C(1) << room) : host;
	if (!fits_bits(host < 0 ? (uint64_t) - (host + 1) : (uint64_t)host, room))
		return fail(err, "prefix of %d does not accommodate a host numbered %lld", p.bits,
			    (long long)shown);
	if (host < 0) {
		/* From the end: all ones, minus what is one less. */
		for (int i = p.bits; i < p.bytes * 8; i++)
			p.ip[i / 8] |= (unsigned char)(0x80 >> i % 8);
		for (int i = 0; i < 8 && i < p.bytes; i++)
			p.ip[p.bytes - 1 - i] ^=
				(unsigned char)((uint64_t) - (host + 1) >> (8 * i));
	} else {
		add_shifted(&p, (uint64_t)host, 0);
	}
	format_ip(&sb, &p);
	return value_string_len(sb.buf, sb.len);
}

static struct value *call_cidrnetmask(const struct func_call *call, struct error **err)
{
	AUTO(strbuf) struct strbuf sb = STRBUF_INIT;
	struct prefix p;

	if (!parse_prefix(call, &p, err))
		return NULL;
	memset(p.ip, 0, sizeof(p.ip));
	for (int i = 0; i < p.bits; i++)
		p.ip[i / 8] |= (unsigned char)(0x80 >> i % 8);
	format_ip(&sb, &p);
	return value_string_len(sb.buf, sb.len);
}

static struct value *call_cidrsubnet(const struct func_call *call, struct error **err)
{
	int64_t newbits, netnum;
	struct prefix p;

	if (!arg_int(call, 1, &newbits, err) || !arg_int(call, 2, &netnum, err) ||
	    !parse_prefix(call, &p, err))
		return NULL;
	if (newbits > 32)
		return fail(err, "may not extend prefix by more than 32 bits");
	if (newbits < 0 || p.bits + newbits > p.bytes * 8)
		return fail(err, "insufficient address space to extend prefix of %d by %lld",
			    p.bits, (long long)newbits);
	if (netnum < 0 || !fits_bits((uint64_t)netnum, (int)newbits))
		return fail(err,
			    "prefix extension of %lld does not accommodate a subnet numbered %lld",
			    (long long)newbits, (long long)netnum);
	p.bits += (int)newbits;
	add_shifted(&p, (uint64_t)netnum, p.bytes * 8 - p.bits);
	return prefix_value(&p);
}

/* Checks one extension of cidrsubnets(). */
static bool extension_fits(const struct func_call *call, size_t i, const struct prefix *base,
			   int64_t *newbits, struct error **err)
{
	if (!arg_int(call, i, newbits, err)) {
		*call->ret_bad_arg = (int)i;
		return false;
	}
	if (*newbits < 1)
		fail_arg(call, i, err, "must extend prefix by at least one bit");
	else if (*newbits > 32)
		fail_arg(call, i, err, "may not extend prefix by more than 32 bits");
	else if (base->bits + *newbits > base->bytes * 8)
		fail_arg(call, i, err,
			 "would extend prefix to %lld bits, which is too long for an %s address",
			 (long long)(base->bits + *newbits), base->bytes == 4 ? "IPv4" : "IPv6");
	else
		return true;
	return false;
}

static bool is_inside(const struct prefix *p, const struct prefix *base)
{
	for (int i = 0; i < base->bits; i++)
		if ((p->ip[i / 8] ^ base->ip[i / 8]) & (0x80 >> i % 8))
			return false;
	return true;
}

/* The first prefix of `bits` behind `last`; false: it is not in `base`. */
static bool next_subnet(struct prefix *last, int bits, const struct prefix *base, bool first)
{
	struct prefix p = *last;

	if (!first && !add_shifted(&p, 1, p.bytes * 8 - p.bits))
		return false;
	/* Rounded up to the coarser grid. */
	for (int i = bits; i < p.bytes * 8; i++) {
		if (!(p.ip[i / 8] & (0x80 >> i % 8)))
			continue;
		for (; i < p.bytes * 8; i++)
			p.ip[i / 8] &= (unsigned char)~(0x80 >> i % 8);
		if (!add_shifted(&p, 1, p.bytes * 8 - bits))
			return false;
	}
	p.bits = bits;
	if (!is_inside(&p, base))
		return false;
	*last = p;
	return true;
}

static struct value *call_cidrsubnets(const struct func_call *call, struct error **err)
{
	AUTO(value_vec) struct value_vec nets = { 0 };
	struct prefix base, last;

	if (!parse_prefix(call, &base, err)) {
		*call->ret_bad_arg = 0;
		return NULL;
	}
	last = base;
	for (size_t i = 1; i < call->argc; i++) {
		AUTO(value) struct value *before = prefix_value(&last);
		int64_t newbits;
		int bits;

		if (!extension_fits(call, i, &base, &newbits, err))
			return NULL;
		bits = base.bits + (int)newbits;
		if (!next_subnet(&last, bits, &base, i == 1))
			return fail_arg(call, i, err,
					"not enough remaining address space for a subnet with a "
					"prefix of %d bits after %s",
					bits, value_as_string(before));
		*vec_push(&nets) = prefix_value(&last);
	}
	return value_vec_list(&nets, type_string);
}

const struct func_def func_cidrhost = {
	.name = "cidrhost",
	.params = PARAMS({ "prefix", &type_string, 0 }, { "hostnum", &type_number, 0 }),
	.call = call_cidrhost,
	.returns = &type_string,
	.doc = "Gives the address of a host in a network; a negative number counts from the end.",
	.example = "cidrhost(\"10.0.0.0/24\", 5)",
	.result = "\"10.0.0.5\"",
};

const struct func_def func_cidrnetmask = {
	.name = "cidrnetmask",
	.params = PARAMS({ "prefix", &type_string, 0 }),
	.call = call_cidrnetmask,
	.returns = &type_string,
	.doc = "Gives the mask of a network as an address.",
	.example = "cidrnetmask(\"10.0.0.0/12\")",
	.result = "\"255.240.0.0\"",
};

const struct func_def func_cidrsubnet = {
	.name = "cidrsubnet",
	.params = PARAMS({ "prefix", &type_string, 0 }, { "newbits", &type_number, 0 },
			 { "netnum", &type_number, 0 }),
	.call = call_cidrsubnet,
	.returns = &type_string,
	.doc = "Gives a numbered subnet of a network.",
	.example = "cidrsubnet(\"10.0.0.0/8\", 8, 2)",
	.result = "\"10.2.0.0/16\"",
};

const struct func_def func_cidrsubnets = {
	.name = "cidrsubnets",
	.params = PARAMS({ "prefix", &type_string, 0 }),
	.variadic = VARIADIC("newbits", &type_number, 0),
	.call = call_cidrsubnets,
	.returns = &type_list_string,
	.doc = "Lays out subnets of the given sizes one after the other.",
	.example = "cidrsubnets(\"10.0.0.0/8\", 8, 4)",
	.result = "[\"10.0.0.0/16\", \"10.16.0.0/12\"]",
};
