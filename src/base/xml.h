/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Writing XML: elements, attributes and text, escaped and indented. What XML cannot hold (control
 * characters, bad UTF-8) becomes U+FFFD. The caller knows the names; they are not checked.
 */
#pragma once

#include "base/strbuf.h"

struct xml {
	struct strbuf *out; /* UTF-8 */
	const char *open[16];
	int depth;
};

/* Attributes are pairs of names and values, NULL-terminated; a pair whose value is NULL is left out:
 *
 *   xml_open(x, "Disk", XML("ovf:diskId", "one"), XML("ovf:capacity", size));
 */
struct xml_attr {
	const char *name, *value;
};
#define XML(name_, value_) ((struct xml_attr){ (name_), (value_) })

#define xml_open(x, name, ...)                                                                     \
	xml_open_(x, name, (const struct xml_attr[]){ __VA_ARGS__ __VA_OPT__(, ){ NULL, NULL } })
#define xml_empty(x, name, ...)                                                                    \
	xml_empty_(x, name, (const struct xml_attr[]){ __VA_ARGS__ __VA_OPT__(, ){ NULL, NULL } })
#define xml_text(x, name, text, ...)                                                               \
	xml_text_(x, name, text,                                                                   \
		  (const struct xml_attr[]){ __VA_ARGS__ __VA_OPT__(, ){ NULL, NULL } })

/* The line at the top of a file. */
void xml_begin(struct xml *x, struct strbuf *out);
void xml_open_(struct xml *x, const char *name, const struct xml_attr *attrs);
void xml_close(struct xml *x); /* the innermost */
void xml_empty_(struct xml *x, const char *name, const struct xml_attr *attrs);
/* <name>text</name> */
void xml_text_(struct xml *x, const char *name, const char *text, const struct xml_attr *attrs);
