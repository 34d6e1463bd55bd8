/* SPDX-License-Identifier: Apache-2.0 */
#include "builder/qemu/boot_command.h"

#include "base/duration.h"
#include "base/str.h"
#include "base/utf8.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

static const struct special {
	const char *name, *qcode;
} specials[] = {
	{ "bs", "backspace" },
	{ "del", "delete" },
	{ "down", "down" },
	{ "end", "end" },
	{ "enter", "ret" },
	{ "esc", "esc" },
	{ "f1", "f1" },
	{ "f2", "f2" },
	{ "f3", "f3" },
	{ "f4", "f4" },
	{ "f5", "f5" },
	{ "f6", "f6" },
	{ "f7", "f7" },
	{ "f8", "f8" },
	{ "f9", "f9" },
	{ "f10", "f10" },
	{ "f11", "f11" },
	{ "f12", "f12" },
	{ "home", "home" },
	{ "insert", "insert" },
	{ "left", "left" },
	{ "leftalt", "alt" },
	{ "leftcommand", "alt" }, /* the same key code as there */
	{ "leftctrl", "ctrl" },
	{ "leftoption", "meta_l" },
	{ "leftshift", "shift" },
	{ "leftsuper", "meta_l" },
	{ "menu", "menu" },
	{ "pagedown", "pgdn" },
	{ "pageup", "pgup" },
	{ "return", "ret" },
	{ "right", "right" },
	{ "rightalt", "alt_r" },
	{ "rightcommand", "alt_r" },
	{ "rightctrl", "ctrl_r" },
	{ "rightoption", "meta_r" },
	{ "rightshift", "shift_r" },
	{ "rightsuper", "meta_r" },
	{ "spacebar", "spc" },
	{ "tab", "tab" },
	{ "up", "up" },
};

/* Keys in order of what they make without and with shift. */
static const struct punctuation {
	char plain, shifted;
	const char *qcode;
} punctuations[] = {
	{ '`', '~', "grave_accent" },
	{ '1', '!', "1" },
	{ '2', '@', "2" },
	{ '3', '#', "3" },
	{ '4', '$', "4" },
	{ '5', '%', "5" },
	{ '6', '^', "6" },
	{ '7', '&', "7" },
	{ '8', '*', "8" },
	{ '9', '(', "9" },
	{ '0', ')', "0" },
	{ '-', '_', "minus" },
	{ '=', '+', "equal" },
	{ '[', '{', "bracket_left" },
	{ ']', '}', "bracket_right" },
	{ '\\', '|', "backslash" },
	{ ';', ':', "semicolon" },
	{ '\'', '"', "apostrophe" },
	{ ',', '<', "comma" },
	{ '.', '>', "dot" },
	{ '/', '?', "slash" },
	{ ' ', '\0', "spc" },
};

static const char letters[26][2] = { "a", "b", "c", "d", "e", "f", "g", "h", "i",
				     "j", "k", "l", "m", "n", "o", "p", "q", "r",
				     "s", "t", "u", "v", "w", "x", "y", "z" };

enum action { PRESS, DOWN, UP };

struct parser {
	const char *p;
	struct boot_events *out;
	size_t untyped;
	struct error **err;
};

static void add_key(struct parser *ps, const char *qcode, bool down)
{
	*vec_push(ps->out) = (struct boot_event){ .qcode = qcode, .down = down };
}

static void add_action(struct parser *ps, const char *qcode, enum action action)
{
	if (action != UP)
		add_key(ps, qcode, true);
	if (action != DOWN)
		add_key(ps, qcode, false);
}

/* The key that makes a character, or NULL. */
static const char *key_of(uint32_t c, bool *ret_shift)
{
	*ret_shift = c >= 'A' && c <= 'Z';
	if (*ret_shift)
		return letters[c - 'A'];
	if (c >= 'a' && c <= 'z')
		return letters[c - 'a'];
	for (size_t i = 0; c && i < ARRAY_LEN(punctuations); i++) {
		const struct punctuation *k = &punctuations[i];

		*ret_shift = c == (unsigned char)k->shifted;
		if (*ret_shift || c == (unsigned char)k->plain)
			return k->qcode;
	}
	return NULL;
}

static void add_character(struct parser *ps, uint32_t c, enum action action)
{
	bool shift;
	const char *qcode = key_of(c, &shift);

	if (!qcode) {
		ps->untyped += c != '\n'; /* templates spread over lines have them everywhere */
		return;
	}
	if (shift && action != UP)
		add_key(ps, "shift", true);
	add_action(ps, qcode, action);
	if (shift && action != DOWN)
		add_key(ps, "shift", false);
}

/* ---- <wait…> ------------------------------------------------------------------------------- */

/* Length of `-1.5s`, or 0. */
static size_t unit_length(const char *s)
{
	static const char *const units[] = { "ns", "us", "\xc2\xb5s", "\xce\xbcs",
					     "ms", "s",  "m",         "h" };
	const char *p = s + (*s == '-');
	size_t digits = strspn(p, "0123456789");

	if (!digits)
		return 0;
	p += digits;
	if (*p == '.') {
		size_t fraction = strspn(p + 1, "0123456789");

		if (!fraction)
			return 0;
		p += 1 + fraction;
	}
	for (size_t i = 0; i < ARRAY_LEN(units); i++)
		if (text_starts_with(p, units[i]))
			return (size_t)(p - s) + strlen(units[i]);
	return 0;
}

static int add_wait(struct parser *ps, const char *text, size_t len)
{
	AUTO_FREE char *copy = str_dup((struct str){ text, len });
	int64_t ns;

	if (duration_parse(copy, &ns, ps->err) < 0)
		return -1;
	if (ns <= 0)
		return error_set(ps->err, ERROR_INVALID, "Expecting a positive wait value. Got %s",
				 copy);
	*vec_push(ps->out) = (struct boot_event){ .wait = ns };
	return 0;
}

/* Whole seconds: `0`, or digits that begin with another; 0 is taken as 1, as it always was. */
static int add_seconds(struct parser *ps, const char *text, size_t len)
{
	AUTO_FREE char *copy = str_dup((struct str){ text, len });
	int64_t n = 1;

	if (len && (!parse_int64(copy, 10, &n) || n > INT64_MAX / NSEC_PER_SEC))
		return error_set(ps->err, ERROR_INVALID, "cannot wait %s seconds", copy);
	*vec_push(ps->out) = (struct boot_event){ .wait = (n ? n : 1) * NSEC_PER_SEC };
	return 0;
}

/* 1: it was one and is added; 0: it is something else. */
static int take_wait(struct parser *ps)
{
	const char *s = ps->p;
	size_t n, len = 0;

	if (!text_starts_with(s, "<wait"))
		return 0;
	s += strlen("<wait");
	while ((n = unit_length(s + len)))
		len += n;
	if (len && s[len] == '>') {
		ps->p = s + len + 1;
		return add_wait(ps, s, len) < 0 ? -1 : 1;
	}
	len = strspn(s, "0123456789");
	if (s[len] != '>' || (len > 1 && *s == '0'))
		return 0;
	ps->p = s + len + 1;
	return add_seconds(ps, s, len) < 0 ? -1 : 1;
}

/* ---- <key>, <keyOn>, <keyOff> --------------------------------------------------------------- */

/* What stands before `>`: nothing, `on` or `off`; NULL if something else. */
static const char *after_action(const char *s, enum action *ret)
{
	*ret = PRESS;
	if (!strncasecmp(s, "on", 2) && s[2] == '>')
		*ret = DOWN, s += 2;
	else if (!strncasecmp(s, "off", 3) && s[3] == '>')
		*ret = UP, s += 3;
	return *s == '>' ? s + 1 : NULL;
}

static bool take_toggle(struct parser *ps)
{
	enum action action;
	uint32_t c;
	size_t n = *ps->p == '<' ? utf8_decode(ps->p + 1, strlen(ps->p + 1), &c) : 0;
	const char *end = n ? after_action(ps->p + 1 + n, &action) : NULL;

	if (!end || action == PRESS)
		return false;
	add_character(ps, c, action);
	ps->p = end;
	return true;
}

static bool take_special(struct parser *ps)
{
	for (size_t i = 0; *ps->p == '<' && i < ARRAY_LEN(specials); i++) {
		size_t len = strlen(specials[i].name);
		enum action action;
		const char *end;

		if (strncasecmp(ps->p + 1, specials[i].name, len))
			continue;
		end = after_action(ps->p + 1 + len, &action);
		if (!end)
			continue;
		add_action(ps, specials[i].qcode, action);
		ps->p = end;
		return true;
	}
	return false;
}

static void take_literal(struct parser *ps)
{
	uint32_t c;
	size_t n = utf8_decode(ps->p, strlen(ps->p), &c);

	add_character(ps, n ? c : UINT32_MAX, PRESS);
	ps->p += n ? n : 1;
}

int boot_command_parse(const char *text, struct boot_events *ret, size_t *ret_untyped,
		       struct error **err)
{
	struct parser ps = { .p = text, .out = ret, .err = err };

	while (*ps.p) {
		int r = take_wait(&ps);

		if (r < 0)
			return -1;
		if (r == 0 && !take_toggle(&ps) && !take_special(&ps))
			take_literal(&ps);
	}
	if (ret_untyped)
		*ret_untyped = ps.untyped;
	return 0;
}
