/* SPDX-License-Identifier: Apache-2.0 */
#include "config/plugin_source.h"

#include "base/alloc.h"
#include "base/encode.h"
#include "base/str.h"
#include "base/strbuf.h"

enum { MAX_COMPONENTS = 16 };

static bool is_name_char(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
	       c == '-' || c == '_';
}

int plugin_name_check(const char *name, struct error **err)
{
	size_t len = strlen(name);
	if (len == 0)
		return error_set(err, ERROR_INVALID, "must have at least one character");
	if (strchr(name, '.'))
		return error_set(err, ERROR_INVALID, "dots are not allowed");
	if (strstr(name, "--"))
		return error_set(err, ERROR_INVALID, "cannot use multiple consecutive dashes");
	bool ok = name[0] != '-' && name[len - 1] != '-';
	for (size_t i = 0; i < len; i++)
		ok = ok && is_name_char(name[i]);
	if (!ok)
		return error_set(err, ERROR_INVALID,
				 "must contain only letters, digits, and dashes, and may not use "
				 "leading or trailing dashes: %s",
				 name);
	return 0;
}

static size_t count_components(const char *text)
{
	size_t n = 1;
	for (; *text; text++)
		n += *text == '/';
	return n;
}

/* All the mistakes of the address as a whole, one line each. */
static void list_mistakes(struct strbuf *sb, const char *text)
{
	if (text_starts_with(text, "/"))
		strbuf_addstr(sb, "* A source URL must not start with a '/' character.\n");
	if (text_ends_with(text, "/"))
		strbuf_addstr(sb, "* A source URL must not end with a '/' character.\n");
	if (count_components(text) < 3)
		strbuf_addstr(sb, "* A source URL must at least contain a host and a path with 2 "
				  "components\n");
	if (strstr(text, "://"))
		strbuf_addstr(sb, "* A source URL must not contain a scheme (e.g. https://).\n");
	if (strchr(text, '?'))
		strbuf_addstr(sb, "* A source URL must not contain a query (e.g. ?var=val)\n");
	if (strchr(text, '#'))
		strbuf_addstr(sb, "* A source URL must not contain a fragment (e.g. #anchor).\n");
}

static int check_last(const char *text, const char *name, struct error **err)
{
	AUTO(error) struct error *why = NULL;
	if (plugin_name_check(name, &why) < 0) {
		AUTO(strbuf) struct strbuf quoted = STRBUF_INIT;
		encode_go_quoted(&quoted, name, strlen(name));
		return error_set(err, ERROR_INVALID, "Invalid plugin type %s in source: %s\"",
				 quoted.buf, why->message);
	}
	int host = (int)(name - text);
	if (text_starts_with(name, "packer-plugin-"))
		return error_set(
			err, ERROR_INVALID,
			"Plugin source has a type with the prefix \"packer-plugin-\", which isn't "
			"valid.\nAlthough that prefix is often used in the names of version "
			"control repositories for Packer plugins, plugin source strings should "
			"not include it.\n\nDid you mean \"%.*s%s\"?",
			host, text, name + strlen("packer-plugin-"));
	if (text_starts_with(name, "packer-"))
		return error_set(
			err, ERROR_INVALID,
			"Plugin source has a type with the \"packer-\" prefix, which isn't "
			"valid.\nIf you are the author of this plugin, rename it to not include "
			"the prefix.\nEx: \"%.*s%s\"",
			host, text, name + strlen("packer-"));
	return 0;
}

int plugin_source_check(const char *text, struct error **err)
{
	AUTO(strbuf) struct strbuf mistakes = STRBUF_INIT;
	list_mistakes(&mistakes, text);
	if (mistakes.len > 0)
		return error_set(err, ERROR_INVALID,
				 "The provided source URL is invalid.\nThe following errors have "
				 "been discovered:\n%s\nA valid source looks like "
				 "\"github.com/hashicorp/happycloud\"",
				 mistakes.buf);
	size_t n = count_components(text);
	if (n > MAX_COMPONENTS)
		return error_set(
			err, ERROR_INVALID,
			"The source URL must have at most 16 components, and the one provided has "
			"%zu.\nThis is unsupported by Packer, please consider using a source that "
			"has less components to it.\nIf this is a blocking issue for you, please "
			"open an issue to ask for supporting more components to the source URI.",
			n);
	return check_last(text, strrchr(text, '/') + 1, err);
}
