/* SPDX-License-Identifier: Apache-2.0 */
#include "lang/diag.h"

#include "base/alloc.h"
#include "base/strbuf.h"
#include "base/vec.h"

#include <stdlib.h>

void diags_release(struct diags *d)
{
	for (size_t i = 0; i < d->len; i++) {
		free(d->items[i].summary);
		free(d->items[i].detail);
		free(d->items[i].values);
	}
	vec_release(d);
	d->errors = 0;
}

static struct diag *diags_add(struct diags *d, enum diag_severity severity,
			      const struct range *subject, const char *summary, char *detail)
{
	struct diag *item = vec_push(d);

	*item = (struct diag){
		.severity = severity,
		.summary = xstrdup(summary),
		.detail = detail,
		.subject = subject ? *subject : (struct range){ 0 },
	};
	d->errors += severity == DIAG_ERROR;
	return item;
}

static char *format_detail(const char *fmt, va_list ap)
{
	AUTO(strbuf) struct strbuf sb = STRBUF_INIT;

	strbuf_vaddf(&sb, fmt, ap);
	return strbuf_detach(&sb);
}

struct diag *diags_error(struct diags *d, const struct range *subject, const char *summary,
			 const char *detail_fmt, ...)
{
	va_list ap;

	va_start(ap, detail_fmt);
	char *detail = format_detail(detail_fmt, ap);
	va_end(ap);
	return diags_add(d, DIAG_ERROR, subject, summary, detail);
}

struct diag *diags_warning(struct diags *d, const struct range *subject, const char *summary,
			   const char *detail_fmt, ...)
{
	va_list ap;

	va_start(ap, detail_fmt);
	char *detail = format_detail(detail_fmt, ap);
	va_end(ap);
	return diags_add(d, DIAG_WARNING, subject, summary, detail);
}

void diags_from_error(struct diags *d, const struct range *subject, const struct error *e)
{
	diags_add(d, DIAG_ERROR, subject, e->message, xstrdup(e->hint ? e->hint : ""));
}

void diags_move(struct diags *to, struct diags *from)
{
	for (size_t i = 0; i < from->len; i++)
		*vec_push(to) = from->items[i];
	to->errors += from->errors;
	vec_release(from);
	from->errors = 0;
}

void diags_format_error(struct strbuf *sb, const struct diags *d)
{
	if (d->len == 0) {
		strbuf_addstr(sb, "no diagnostics");
		return;
	}

	const struct diag *first = &d->items[0];

	if (first->subject.source)
		range_format(sb, first->subject);
	else
		strbuf_addstr(sb, "<nil>");
	strbuf_addf(sb, ": %s; %s", first->summary, first->detail);
	if (d->len > 1)
		strbuf_addf(sb, ", and %zu other diagnostic(s)", d->len - 1);
}
