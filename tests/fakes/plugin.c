/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A plugin as the public SDK makes them, seen from outside (plugin-protocol.md
 * 2.9), and one that does wrong on demand: the component's name, or
 * FAKE_PLUGIN_FAULT, names a row of `faults`. What it serves is the table
 * `methods`; a row is a function from argument to reply.
 */
#include "base/alloc.h"
#include "base/str.h"
#include "os/fd.h"
#include "os/fs.h"
#include "os/wait.h"
#include "plugin/wire/broker.h"
#include "plugin/wire/rpc.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define COOKIE "d602bf8f470bc67ca7faa0386276bbdd4330efaf76d1a219cb4d6991ca9872b2"

struct plugin {
	const char *kind, *component;
	bool has_protobuf;
	struct mux *mux;
	struct broker *broker;
	struct rpc_server *server; /* broker id 0 */
};

/* ---- what it serves: add rows ---------------------------------------------------------------- */

/* Packs the reply, nil if it packs nothing; an error is the answer, too. */
typedef int (*method_fn)(struct plugin *p, const struct packed *arg, struct strbuf *reply,
			 struct error **err);

static int echo(struct plugin *p, const struct packed *arg, struct strbuf *reply,
		struct error **err)
{
	strbuf_add(reply, arg->raw, arg->raw_len);
	return 0;
}

static int fail(struct plugin *p, const struct packed *arg, struct strbuf *reply,
		struct error **err)
{
	return error_set(err, ERROR_FAILED, "this always fails\nin two lines");
}

static int die(struct plugin *p, const struct packed *arg, struct strbuf *reply, struct error **err)
{
	fputs("panic: runtime error: no such luck\n\ngoroutine 1 [running]:\nmain.main()\n",
	      stderr);
	exit(2);
}

static int hang(struct plugin *p, const struct packed *arg, struct strbuf *reply,
		struct error **err)
{
	return io_wait(mux_ended_fd(p->mux), POLLIN, DEADLINE_NEVER, NULL, err);
}

/* Text of the environment variable that is asked for. */
static int environment(struct plugin *p, const struct packed *arg, struct strbuf *reply,
		       struct error **err)
{
	pack_text(reply, getenv(arg->bytes.p));
	return 0;
}

/* How it was started: kind, component, and whether it shall speak protobuf. */
static int launch(struct plugin *p, const struct packed *arg, struct strbuf *reply,
		  struct error **err)
{
	pack_array(reply, 3);
	pack_text(reply, p->kind);
	pack_text(reply, p->component);
	pack_bool(reply, p->has_protobuf);
	return 0;
}

static int pid(struct plugin *p, const struct packed *arg, struct strbuf *reply, struct error **err)
{
	pack_int(reply, getpid());
	return 0;
}

/* How many it has open. */
static int descriptors(struct plugin *p, const struct packed *arg, struct strbuf *reply,
		       struct error **err)
{
	AUTO(strv) struct strv open = STRV_INIT;

	if (fs_list("/proc/self/fd", &open, err) < 0)
		return -1;
	pack_int(reply, (int64_t)open.len);
	return 0;
}

/* More than any pipe holds, to both outputs; then it answers. */
static int flood(struct plugin *p, const struct packed *arg, struct strbuf *reply,
		 struct error **err)
{
	for (int i = 0; i < 20000; i++) {
		fprintf(stderr, "[DEBUG] line %d of many\n", i);
		puts("what no one should read");
	}
	fflush(stdout);
	return 0;
}

static const struct method {
	const char *name;
	method_fn fn;
} methods[] = {
	{ "Fake.Descriptors", descriptors },
	{ "Fake.Pid", pid },
	{ "Fake.Die", die },
	{ "Fake.Echo", echo },
	{ "Fake.Environment", environment },
	{ "Fake.Fail", fail },
	{ "Fake.Flood", flood },
	{ "Fake.Hang", hang },
	{ "Fake.Launch", launch },
};

static int answer(struct plugin *p, const struct rpc_request *r, struct error **err)
{
	AUTO(strbuf) struct strbuf reply = STRBUF_INIT;
	AUTO(error) struct error *e = NULL;

	for (size_t i = 0; i < ARRAY_LEN(methods); i++) {
		if (!text_eq(methods[i].name, r->method))
			continue;
		if (methods[i].fn(p, r->arg, &reply, &e) < 0)
			return rpc_reply_error(p->server, r, e->message, NULL, err);
		return rpc_reply(p->server, r, reply.len ? &reply : NULL, NULL, err);
	}

	AUTO_FREE char *text = xasprintf("rpc: can't find method %s", r->method);

	return rpc_reply_error(p->server, r, text, NULL, err);
}

static int serve(struct plugin *p, struct error **err)
{
	for (;;) {
		AUTO(rpc_request) struct rpc_request *r = NULL;
		int n = rpc_next(p->server, &r, err);

		if (n < 0)
			return *err ? -1 : 0;
		if (n == 0 &&
		    io_wait(rpc_server_fd(p->server), POLLIN, DEADLINE_NEVER, NULL, err) < 0)
			return -1;
		if (n > 0 && answer(p, r, err) < 0)
			return -1;
	}
}

/* ---- what it does wrong: add rows ------------------------------------------------------------- */

static int say_nothing(struct plugin *p)
{
	pause();
	return 0;
}

static const struct fault {
	const char *name;
	const char *stderr_text;          /* first of all */
	const char *handshake;            /* instead of the right one */
	int (*instead)(struct plugin *p); /* of a handshake and all else */
	/* bytes that the connection begins with, instead of a session; then it waits */
	const char *bytes;
	size_t bytes_len;
	int status; /* it exits with it, where nothing else is said */
} faults[] = {
	{ .name = "exit-at-once", .stderr_text = "cannot load the settings\n", .status = 3 },
	{ .name = "exit-with-much", .stderr_text = "one\ntwo\n\x1b[1mthree\n", .status = 1 },
	{ .name = "silent", .stderr_text = "still waking up\n", .instead = say_nothing },
	{ .name = "old", .handshake = "5|unix|/tmp/x\n" },
	{ .name = "new", .handshake = "6|0|unix|/tmp/x\n" },
	{ .name = "chatty", .handshake = "Hello, I am\ta plugin\n" },
	{ .name = "nowhere", .handshake = "5|0|unix|/nonexistent/socket\n" },
	{ .name = "remote", .handshake = "5|0|tcp|example.com:80\n" },
	{ .name = "endless-line" },
#define ACK      "\0\1\0\2\0\0\0\1\0\0\0\0"
#define ECHO     "\0\0\0\0\0\0\0\1\0\0\0\4\0\0\0\0"
#define BYTES(b) .bytes = (b), .bytes_len = sizeof(b) - 1
	{ .name = "exit-late", BYTES(ACK), .status = 4 },
	{ .name = "wrong-echo", BYTES(ACK "\0\0\0\0\0\0\0\1\0\0\0\4\7\0\0\0") },
	{ .name = "wrong-frame", BYTES(ACK ECHO "\0\11\0\0\0\0\0\1\0\0\0\0") },
	{ .name = "huge-length", BYTES(ACK ECHO "\0\0\0\0\0\0\0\1\377\377\377\377") },
	{ .name = "second-fin",
	  BYTES(ACK ECHO "\0\1\0\4\0\0\0\1\0\0\0\0\0\1\0\4\0\0\0\1\0\0\0\0") },
	{ .name = "no-message", BYTES(ACK ECHO "\0\0\0\0\0\0\0\1\0\0\0\1\301") },
	{ .name = "mute", BYTES(ACK ECHO) }, /* no answer to anything, pings included */
};

static const struct fault *find_fault(const char *component)
{
	const char *name = getenv("FAKE_PLUGIN_FAULT");

	for (size_t i = 0; i < ARRAY_LEN(faults); i++)
		if (text_eq(faults[i].name, component) || text_eq(faults[i].name, name))
			return &faults[i];
	return NULL;
}

static void write_endless_line(void)
{
	for (int i = 0; i < 100000; i++)
		fputs("and so on ", stdout);
	fflush(stdout);
}

static int misbehave_before(struct plugin *p, const struct fault *f)
{
	if (f->stderr_text)
		fputs(f->stderr_text, stderr);
	if (f->instead)
		return f->instead(p);
	if (f->status)
		return f->status;
	if (f->handshake)
		fputs(f->handshake, stdout);
	else
		write_endless_line();
	fflush(stdout);
	pause();
	return 0;
}

/* Says its bytes once stream 1 was opened and named, and waits for the other side to go. */
static int misbehave_connected(const struct fault *f, int fd)
{
	enum { OPENED_AND_NAMED = 12 + 16 };
	char buf[4096];

	if (recv(fd, buf, OPENED_AND_NAMED, MSG_WAITALL) != OPENED_AND_NAMED)
		return 1;
	if (write(fd, f->bytes, f->bytes_len) != (ssize_t)f->bytes_len)
		return 1;
	if (f->status) {
		fputs("connected, and that is all\n", stderr);
		return f->status;
	}
	if (text_eq(f->name, "mute"))
		pause();
	while (read(fd, buf, sizeof(buf)) > 0)
		;
	return 0;
}

/* ---- the process ------------------------------------------------------------------------------ */

static int describe(void)
{
	puts("{\"version\":\"1.0.0\",\"sdk_version\":\"0.6.10\",\"api_version\":\"x5.0\","
	     "\"builders\":[\"-packer-default-plugin-name-\"],\"post_processors\":[],"
	     "\"provisioners\":[\"-packer-default-plugin-name-\"],\"datasources\":[],"
	     "\"protocol_version\":\"v2\"}");
	return 0;
}

/* Listens, tells, and takes the one connection. */
static int accept_core(void)
{
	const char *dir = getenv("TMPDIR") ?: "/tmp";
	struct sockaddr_un un = { .sun_family = AF_UNIX };
	int listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int n = snprintf(un.sun_path, sizeof(un.sun_path), "%s/packer-plugin%010d", dir,
			 (int)getpid());

	if (listener < 0 || n >= (int)sizeof(un.sun_path) ||
	    bind(listener, (struct sockaddr *)&un, sizeof(un)) < 0 || listen(listener, 1) < 0) {
		fprintf(stderr, "cannot listen in %s\n", dir);
		return -1;
	}
	printf("5|0|unix|%s\n", un.sun_path);
	fflush(stdout);

	int fd = accept(listener, NULL, NULL);

	unlink(un.sun_path);
	close(listener);
	return fd;
}

static int run(struct plugin *p, int fd)
{
	AUTO(error) struct error *err = NULL;
	struct stream *s = NULL;
	int r = -1;

	p->mux = mux_new(fd, MUX_SERVER, "core", &err);
	if (p->mux)
		p->broker = broker_new(p->mux, &err);
	if (p->broker)
		s = broker_accept(p->broker, 0, NULL, &err);
	if (s) {
		p->server = rpc_server_new(s);
		r = serve(p, &err);
	}
	/* the core closes the connection when it is done */
	if (err && err->kind == ERROR_GONE)
		r = 0;
	if (r < 0 && err)
		fprintf(stderr, "%s\n", err->message);
	rpc_server_free(p->server);
	broker_free(p->broker);
	mux_free(p->mux);
	return r < 0;
}

static int start(struct plugin *p)
{
	const struct fault *f = find_fault(p->component);

	if (!text_eq(getenv("PACKER_PLUGIN_MAGIC_COOKIE"), COOKIE)) {
		fputs("this is a plugin, it is not run by hand\n", stderr);
		return 1;
	}
	if (f && !f->bytes)
		return misbehave_before(p, f);

	int fd = accept_core();

	if (fd < 0)
		return 1;
	signal(SIGINT, SIG_IGN);
	signal(SIGTERM, SIG_IGN);
	return f ? misbehave_connected(f, fd) : run(p, fd);
}

int main(int argc, char **argv)
{
	struct plugin p = { 0 };
	const char *words[3] = { 0 };
	size_t n = 0;

	for (int i = 1; i < argc && n < ARRAY_LEN(words); i++) {
		if (text_eq(argv[i], "--protobuf"))
			p.has_protobuf = true;
		else
			words[n++] = argv[i];
	}
	if (n == 1 && text_eq(words[0], "describe"))
		return describe();
	if (n != 3 || !text_eq(words[0], "start")) {
		fputs("usage: packer-plugin-fake describe | start KIND [--protobuf] NAME\n",
		      stderr);
		return 1;
	}
	p.kind = words[1];
	p.component = words[2];
	return start(&p);
}
