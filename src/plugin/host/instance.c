/* SPDX-License-Identifier: Apache-2.0 */
#include "plugin/host/instance.h"

#include "base/alloc.h"
#include "base/duration.h"
#include "base/str.h"
#include "os/clock.h"
#include "os/fd.h"
#include "os/wait.h"
#include "plugin/host/serve.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

enum {
	DEPTH_MAX = 16,      /* pumps within pumps: a question within a question */
	ASIDE_MAX = 1024,    /* requests that wait for the build */
	DIALLED_MSEC = 5000, /* how long a plugin that is to stop may take to call us */
};

static void watch_fd(struct instance *in, int fd)
{
	struct epoll_event ev = { .events = EPOLLIN, .data.fd = fd };

	if (fd >= 0)
		(void)epoll_ctl(in->epoll_fd, EPOLL_CTL_ADD, fd, &ev);
}

static void forget_fd(struct instance *in, int fd)
{
	if (fd >= 0)
		(void)epoll_ctl(in->epoll_fd, EPOLL_CTL_DEL, fd, NULL);
}

struct instance *instance_new(struct plugin_process *process, struct error **err)
{
	int fd = epoll_create1(EPOLL_CLOEXEC);
	struct instance *in;

	if (fd < 0) {
		error_set_errno(err, errno, "cannot watch the plugin %s",
				plugin_process_name(process));
		plugin_process_stop(process);
		return NULL;
	}
	in = NEW(struct instance);
	*in = (struct instance){ .refs = 1, .process = process, .epoll_fd = fd };
	serve_ui_init(in);
	watch_fd(in, plugin_process_ended_fd(process));
	return in;
}

struct instance *instance_ref(struct instance *in)
{
	in->refs++;
	return in;
}

static void free_service(struct service *s)
{
	rpc_server_free(s->server);
	free(s);
}

void instance_unref(struct instance *in)
{
	if (!in || --in->refs)
		return;
	rpc_call_free(in->call);
	for (size_t i = in->aside_at; i < in->aside.len; i++)
		rpc_request_free(in->aside.items[i].request);
	vec_release(&in->aside);
	for (size_t i = 0; i < in->services.len; i++)
		free_service(in->services.items[i]);
	vec_release(&in->services);
	serve_ui_release(in);
	plugin_process_stop(in->process);
	fd_close(in->epoll_fd);
	if (in->free_state)
		in->free_state(in->state);
	free(in);
}

/* ---- services ----------------------------------------------------------------------------- */

static bool is_awaited(const struct instance *in)
{
	for (size_t i = 0; i < in->services.len; i++)
		if (in->services.items[i]->id)
			return true;
	return false;
}

struct service *instance_offer(struct instance *in, const struct service_row *rows)
{
	struct broker *b = plugin_process_broker(in->process);
	struct service *s = NEW(struct service);

	if (!is_awaited(in))
		watch_fd(in, broker_fd(b));
	*s = (struct service){ .id = broker_expect(b), .rows = rows };
	*vec_push(&in->services) = s;
	return s;
}

/* Requests that were put aside go with the stream they came on. */
static void drop_aside(struct instance *in, const struct rpc_server *server)
{
	size_t kept = in->aside_at;

	for (size_t i = in->aside_at; i < in->aside.len; i++) {
		if (in->aside.items[i].server == server)
			rpc_request_free(in->aside.items[i].request);
		else
			in->aside.items[kept++] = in->aside.items[i];
	}
	in->aside.len = kept;
}

static void unlist(struct instance *in, const struct service *s)
{
	size_t kept = 0;

	for (size_t i = 0; i < in->services.len; i++)
		if (in->services.items[i] != s)
			in->services.items[kept++] = in->services.items[i];
	in->services.len = kept;
}

static bool is_listed(const struct instance *in, const struct service *s)
{
	for (size_t i = 0; i < in->services.len; i++)
		if (in->services.items[i] == s)
			return true;
	return false;
}

void instance_withdraw(struct instance *in, struct service *s)
{
	struct broker *b = plugin_process_broker(in->process);

	if (!s || !is_listed(in, s))
		return;
	unlist(in, s);
	if (s->id) {
		broker_forget(b, s->id);
		if (!is_awaited(in))
			forget_fd(in, broker_fd(b));
	} else {
		forget_fd(in, rpc_server_fd(s->server));
		drop_aside(in, s->server);
	}
	free_service(s);
}

static int take_streams(struct instance *in, struct error **err)
{
	struct broker *b = plugin_process_broker(in->process);

	for (size_t i = 0; i < in->services.len; i++) {
		struct service *s = in->services.items[i];
		struct stream *stream = s->id ? broker_accept_now(b, s->id, err) : NULL;

		if (!stream && *err)
			return -1;
		if (!stream)
			continue;
		s->id = 0;
		s->server = rpc_server_new(stream);
		watch_fd(in, rpc_server_fd(s->server));
		if (!is_awaited(in))
			forget_fd(in, broker_fd(b));
	}
	return 0;
}

/* "Ui.Say" belongs to the row "Ui"; numbered ones ("Ui<id>.Add") to the same. */
static const struct service_row *row_of(const struct service *s, const char *method)
{
	const char *dot = strrchr(method, '.');
	const struct service_row *prefix = NULL;

	for (const struct service_row *row = s->rows; dot && row->name; row++) {
		size_t len = strlen(row->name);

		if (strncmp(method, row->name, len) != 0)
			continue;
		if (dot - method == (ptrdiff_t)len)
			return row;
		prefix = row;
	}
	return prefix && text_eq(prefix->name, "Ui") ? prefix : NULL;
}

static int refuse(struct instance *in, struct rpc_server *server, struct rpc_request *taken,
		  struct error **err)
{
	AUTO(rpc_request) struct rpc_request *r = taken;
	const char *dot = strrchr(r->method, '.');
	int len = dot ? (int)(dot - r->method) : 0;
	AUTO_FREE char *text = xasprintf("rpc: can't find service %.*s.%s", len, r->method,
					 dot ? dot + 1 : r->method);

	return rpc_reply_error(server, r, text, NULL, err);
}

/* A stream that ends, or that nobody can read any more, is done with. */
static int serve_requests(struct instance *in, struct service *s, struct error **err)
{
	struct rpc_request *r = NULL;
	int n = 0;

	while (is_listed(in, s) && (n = rpc_next(s->server, &r, err)) > 0) {
		const struct service_row *row = row_of(s, r->method);

		s->is_used = true;
		if (row ? row->fn(in, s->server, r, row->data, err) < 0
			: refuse(in, s->server, r, err) < 0)
			n = -1;
		if (n < 0)
			break;
	}
	if (n >= 0 || !is_listed(in, s))
		return 0;
	if (*err)
		error_ignore(err, "what the stream carried fails by itself");
	instance_withdraw(in, s);
	return 1;
}

/* ---- waiting ------------------------------------------------------------------------------- */

void instance_watch(struct instance *in, struct cancel *c)
{
	cancel_watch(c, in->epoll_fd, instance_pump, in);
}

static int serve(struct instance *in, struct error **err)
{
	if (take_streams(in, err) < 0)
		return -1;
	for (size_t i = 0; i < in->services.len; i++) {
		struct service *s = in->services.items[i];

		/* The list may be another one afterwards: from the start again. */
		if (s->server && serve_requests(in, s, err) > 0)
			i = (size_t)-1;
	}
	return 0;
}

/* The answer to the long call, if it has come. */
static int look_for_answer(struct instance *in, struct error **err)
{
	int r;

	if (!in->call || in->is_answered)
		return 0;
	r = rpc_poll(in->call, err);
	if (r < 0)
		return -1;
	if (r > 0) {
		in->is_answered = true;
		forget_fd(in, rpc_caller_fd(plugin_process_main(in->process)));
	}
	return 0;
}

static bool has_news(const struct instance *in)
{
	return in->is_answered || in->aside_at < in->aside.len;
}

int instance_pump(void *instance, struct error **err)
{
	struct instance *in = instance;
	int r;

	if (in->depth >= DEPTH_MAX)
		return 0;
	in->depth++;
	r = serve(in, err);
	if (r == 0)
		r = look_for_answer(in, err);
	in->depth--;
	/* What broke says less than why the process ended. */
	if (r < 0)
		error_free(TAKE(*err));
	if (plugin_process_why_ended(in->process, err) < 0)
		return -1;
	if (r < 0)
		return error_set(err, ERROR_GONE, "the plugin %s does not keep to the protocol",
				 plugin_process_name(in->process));
	if (in->is_idle && has_news(in))
		return error_set(err, ERROR_GONE, "the plugin %s has ended its work",
				 plugin_process_name(in->process));
	return 0;
}

int instance_wait(struct instance *in, int64_t deadline, struct cancel *outer, struct error **err)
{
	AUTO(cancel) struct cancel *c = cancel_new(outer, DEADLINE_NEVER);
	bool was_idle = in->is_idle;
	int r = 0;

	instance_watch(in, c);
	in->is_idle = true;
	if (!has_news(in))
		r = io_pause(deadline, c, err);
	in->is_idle = was_idle;
	if (r < 0 && has_news(in) && !cancel_is_triggered(outer)) {
		error_free(TAKE(*err));
		return 0;
	}
	if (r == 0 && !has_news(in))
		return error_set(err, ERROR_TIMEOUT, "timed out");
	return r;
}

/* ---- calls ----------------------------------------------------------------------------------- */

const struct packed *instance_ask(struct instance *in, const char *method, const struct strbuf *arg,
				  struct arena *arena, int64_t deadline, struct cancel *outer,
				  struct error **err)
{
	AUTO(cancel) struct cancel *c = cancel_new(outer, DEADLINE_NEVER);
	const struct packed *reply;

	instance_watch(in, c);
	reply = rpc(plugin_process_main(in->process), method, arg, arena, deadline, c, err);
	if (!reply)
		plugin_process_explain(in->process, err);
	if (!reply && (*err)->kind == ERROR_TIMEOUT && !cancel_is_triggered(outer))
		error_prefix(err, "the plugin %s does not answer %s",
			     plugin_process_name(in->process), method);
	return reply;
}

int instance_start(struct instance *in, const char *method, const struct strbuf *arg,
		   struct cancel *c, struct error **err)
{
	struct rpc_caller *caller = plugin_process_main(in->process);

	rpc_call_free(TAKE(in->call));
	in->is_answered = false;
	in->call = rpc_start(caller, method, arg, c, err);
	if (!in->call)
		return -1;
	watch_fd(in, rpc_caller_fd(caller));
	return 0;
}

int instance_answer(struct instance *in, const struct packed **ret, struct error **err)
{
	assert(in->is_answered);
	return rpc_finish(in->call, DEADLINE_NEVER, NULL, ret, err);
}

struct rpc_request *instance_next_aside(struct instance *in, struct rpc_server **ret_server)
{
	struct put_aside *p;

	if (in->aside_at == in->aside.len) {
		in->aside_at = in->aside.len = 0;
		return NULL;
	}
	p = &in->aside.items[in->aside_at++];
	*ret_server = p->server;
	return p->request;
}

void instance_put_aside(struct instance *in, struct rpc_server *s, struct rpc_request *r)
{
	if (in->aside.len - in->aside_at >= ASIDE_MAX) {
		AUTO(error) struct error *e = NULL;

		if (rpc_reply_error(s, r, "too many requests at once", NULL, &e) < 0)
			error_ignore(&e, "it has ended");
		rpc_request_free(r);
		return;
	}
	*vec_push(&in->aside) = (struct put_aside){ s, r };
}

/* A plugin that is told to stop before it has called us crashes (6.10). */
void instance_cancel(struct instance *in, const char *service, const struct service *s)
{
	AUTO_FREE char *method = xasprintf("%s.Cancel", service);
	int64_t deadline = clock_deadline(DIALLED_MSEC * NSEC_PER_MSEC);
	AUTO(error) struct error *e = NULL;

	while (is_listed(in, s) && s->id && !in->is_answered && clock_monotonic() < deadline) {
		if (instance_wait(in, clock_deadline(100 * NSEC_PER_MSEC), NULL, &e) < 0 &&
		    e->kind != ERROR_TIMEOUT)
			return;
		error_free(TAKE(e));
		/* nothing that is put aside is answered any more */
		if (in->aside_at < in->aside.len)
			break;
	}
	if (is_listed(in, s) && !s->is_used && !in->is_answered &&
	    instance_wait(in, clock_deadline(100 * NSEC_PER_MSEC), NULL, &e) < 0)
		error_free(TAKE(e));
	if (in->is_answered)
		return;

	struct rpc_call *call = rpc_start(plugin_process_main(in->process), method, NULL, NULL, &e);

	rpc_call_free(call);
	if (e)
		error_ignore(&e, "it has ended");
}
