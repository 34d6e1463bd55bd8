/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Only refused logins count as attempts (ssh_handshake_attempts); whatever
 * else a booting machine does is tried again until ssh_timeout.
 */
#include "comm/ssh/connect.h"

#include "base/duration.h"
#include "base/str.h"
#include "os/log.h"
#include "os/wait.h"

enum { RETRY_SEC = 2 };

struct waiting {
	struct dialer *d;
	int64_t deadline;
	int tries;        /* connections on which SSH was spoken, or that nobody answered */
	int64_t attempts; /* logins that were refused */
	struct probe_report report;
	struct error *last; /* of the farthest try, for the cause guess */
};

static int timed_out(struct waiting *w, struct error **err)
{
	AUTO(strbuf) struct strbuf why = STRBUF_INIT;

	/* A bastion says itself how far it got. */
	if (w->last && !text_is_empty(w->d->cfg->ssh_bastion_host)) {
		error_set(err, ERROR_TIMEOUT, "Timeout waiting for SSH.");
		return error_hint(err, "The last try: %s", w->last->message);
	}
	if (w->report.seen != PROBE_NOTHING)
		probe_describe(&w->report, &why);
	if (w->last && w->last->kind == ERROR_AUTH)
		strbuf_addf(&why, " It refused the login %lld time(s): %s", (long long)w->attempts,
			    w->last->hint ? w->last->hint : w->last->message);
	else if (w->last && w->report.seen == PROBE_BANNER)
		strbuf_addf(&why, " The login did not get through: %s.", w->last->message);
	else if (w->last && w->report.seen == PROBE_NOTHING)
		strbuf_addf(&why, "The last try: %s.", w->last->message);
	error_set(err, ERROR_TIMEOUT, "Timeout waiting for SSH.");
	return error_hint(err, "%s", why.buf);
}

static int refused(struct waiting *w, struct error **err)
{
	error_set(err, ERROR_AUTH,
		  "Error waiting for SSH: ingot experienced an authentication error when trying to "
		  "connect via SSH. This can happen if your username/password are wrong. You may "
		  "want to double-check your credentials as part of your debugging process. "
		  "original error: %s",
		  w->last->message);
	return w->last->hint ? error_hint(err, "%s", w->last->hint) : -1;
}

static void log_try(const struct waiting *w, int64_t since, const struct error *e)
{
	AUTO(strbuf) struct strbuf time = STRBUF_INIT;

	log_add_time(&time, since);
	if (!e)
		log_write("ssh", "attempt %d: logged in%s", w->tries, time.buf);
	else
		log_write("ssh", "attempt %d: failed%s: %s%s%s", w->tries, time.buf, e->message,
			  e->hint ? ": " : "", e->hint ? e->hint : "");
}

/* 1: connected, 0: try again, -1: that was it. */
static int try_once(struct waiting *w, struct cancel *c, struct sshlink **ret, struct error **err)
{
	int64_t limit = w->d->cfg->ssh_handshake_attempts;
	int64_t since = clock_monotonic();
	struct error *e = NULL;
	int r;

	log_debug("ssh", "attempt %d: %s port %d as '%s'", ++w->tries, w->d->host, w->d->port,
		  w->d->cfg->ssh_username ? w->d->cfg->ssh_username : "");
	r = dialer_dial(w->d, false, w->deadline, c, &w->report, ret, &e);
	if (log_is_on)
		log_try(w, since, e);
	if (r == 0)
		return 1;
	if (cancel_check(c, err) < 0 || e->kind == ERROR_CANCELLED || e->kind == ERROR_GONE) {
		if (*err)
			error_free(e);
		else
			error_move(err, e);
		return -1;
	}
	if (e->kind == ERROR_INVALID) {
		error_move(err, e);
		return error_prefix(err, "Error waiting for SSH");
	}
	if (clock_monotonic() >= w->deadline) {
		error_ignore(&e, "says only that the time is over");
		return timed_out(w, err);
	}
	error_free(w->last);
	w->last = e;
	if (e->kind == ERROR_AUTH)
		w->attempts++;
	if (limit > 0 && w->attempts >= limit)
		return refused(w, err);
	return 0;
}

static int wait_login(struct dialer *d, struct cancel *c, struct sshlink **ret, struct error **err)
{
	int64_t timeout = d->cfg->ssh_timeout;
	struct waiting w = {
		.d = d,
		.deadline = timeout > 0 ? clock_deadline(timeout) : DEADLINE_NEVER,
	};
	int r;

	while ((r = try_once(&w, c, ret, err)) == 0) {
		int64_t until = MIN(w.deadline, clock_deadline(RETRY_SEC * NSEC_PER_SEC));

		r = io_pause(until, c, err);
		if (r < 0)
			break;
		if (clock_monotonic() >= w.deadline) {
			r = timed_out(&w, err);
			break;
		}
	}
	error_free(w.last);
	return r < 0 ? -1 : 0;
}

static int connect_step(struct dialer *d, struct ui *ui, struct cancel *c, struct sshlink **ret,
			struct error **err)
{
	ui_say(ui, "Using SSH communicator to connect: %s", d->host);
	ui_say(ui, "Waiting for SSH to become available...");
	ui_wait(ui, "SSH at %s:%d", d->host, d->port);
	if (wait_login(d, c, ret, err) < 0)
		return -1;
	ui_wait_end(ui);
	ui_say(ui, "Connected to SSH!");
	return 0;
}

int ssh_wait_connect(struct dialer *d, struct ui *ui, struct cancel *c, struct sshlink **ret,
		     struct error **err)
{
	int64_t pause = d->cfg->pause_before_connecting;
	AUTO(sshlink) struct sshlink *first = NULL;
	AUTO(strbuf) struct strbuf text = STRBUF_INIT;

	if (pause <= 0)
		return connect_step(d, ui, c, ret, err);
	if (connect_step(d, ui, c, &first, err) < 0)
		return -1;
	duration_format(&text, pause);
	ui_say(ui, "Pausing %s before connecting...", text.buf);
	if (io_pause(clock_deadline(pause), c, err) < 0)
		return -1;
	return connect_step(d, ui, c, ret, err);
}
