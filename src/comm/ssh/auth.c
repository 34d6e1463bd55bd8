/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Order: a person, agent, key files, key in memory, password,
 * keyboard-interactive; a method only if the server lists it. Unlike the reference, which uses only
 * the first entry of a method, later keys are offered too.
 */
#include "comm/ssh/auth.h"

#include "base/alloc.h"
#include "base/redact.h"
#include "base/strbuf.h"
#include "os/clock.h"
#include "os/fd.h"
#include "os/log.h"
#include "os/wait.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/un.h>

enum {
	PASSES_MAX = 4,
	PROMPTS_MAX = 64,
	ROUNDS_MAX = 16,
	MISTAKES_MAX = 3, /* of a person */
	TEXT_MAX = 400,   /* of what a server says to a person */
};

struct login {
	struct sshlink *l;
	const struct sshauth *a;
	int64_t deadline;
	struct cancel *c;
	struct strbuf tried; /* "none publickey password" */
	const char *with;    /* what is tried now, for the log */
	bool partial;
	char *typed;      /* by a person, while it is tried */
	char *unanswered; /* heap: why a person could not be asked; NULL: was, or need not be */
};

struct attempt {
	struct login *g;
	ssh_key key;
};
typedef int (*attempt_fn)(struct attempt *t);

static void note(struct login *g, const char *method)
{
	/* once each, as the reference prints it */
	if (strstr(g->tried.buf, method))
		return;
	strbuf_addf(&g->tried, "%s%s", g->tried.len ? " " : "", method);
}

/* What a final answer means. 1: logged in, 0: not this way, -1: error. */
static int judge(struct login *g, int rc, struct error **err)
{
	const char *why;

	log_debug("ssh", "login with %s: %s", g->with,
		  rc == SSH_AUTH_SUCCESS   ? "accepted"
		  : rc == SSH_AUTH_PARTIAL ? "accepted, more is asked for"
		  : rc == SSH_AUTH_DENIED  ? "refused"
					   : ssh_get_error(g->l->session));
	if (rc == SSH_AUTH_SUCCESS)
		return 1;
	if (rc == SSH_AUTH_PARTIAL)
		g->partial = true;
	if (rc != SSH_AUTH_ERROR || ssh_is_connected(g->l->session))
		return 0;
	g->l->lost = true;
	why = ssh_get_error(g->l->session);
	if (strstr(why, "Too many authentication failures"))
		return error_set(err, ERROR_AUTH, "%s", why);
	return error_set(err, ERROR_DISCONNECTED, "SSH connection lost during authentication: %s",
			 why);
}

/* Repeats fn until there is an answer in *ret_rc. */
static int ask(struct login *g, attempt_fn fn, ssh_key key, int *ret_rc, struct error **err)
{
	struct attempt t = { g, key };

	while ((*ret_rc = fn(&t)) == SSH_AUTH_AGAIN)
		if (sshlink_wait(g->l, g->deadline, g->c, err) < 0)
			return -1;
	return 0;
}

static int attempt(struct login *g, attempt_fn fn, ssh_key key, struct error **err)
{
	int rc;

	if (ask(g, fn, key, &rc, err) < 0)
		return -1;
	return judge(g, rc, err);
}

static int try_none(struct attempt *t)
{
	return ssh_userauth_none(t->g->l->session, NULL);
}

static int try_key(struct attempt *t)
{
	return ssh_userauth_publickey(t->g->l->session, NULL, t->key);
}

static int try_password(struct attempt *t)
{
	return ssh_userauth_password(t->g->l->session, NULL, t->g->a->password);
}

static int try_interactive(struct attempt *t)
{
	return ssh_userauth_kbdint(t->g->l->session, NULL, NULL);
}

static int try_agent(struct attempt *t)
{
	return ssh_userauth_agent(t->g->l->session, NULL);
}

static bool offers(struct login *g, int method)
{
	return ssh_userauth_list(g->l->session, NULL) & method;
}

/* ---- the agent ------------------------------------------------------------------- */

/*
 * The library talks to the agent in blocking calls, and an agent may ask a
 * person. This thread closes the socket under it when the wait must end.
 */
struct guard {
	pthread_t thread;
	int agent_fd, done_fd;
	int64_t deadline;
	struct cancel *c;
};

static void *guard_thread(void *data)
{
	struct guard *k = data;
	AUTO(error) struct error *e = NULL;

	if (io_wait(k->done_fd, POLLIN, k->deadline, k->c, &e) < 0)
		(void)shutdown(k->agent_fd, SHUT_RDWR);
	return NULL;
}

static int connect_agent(const char *path, struct error **err)
{
	struct sockaddr_un sa = { .sun_family = AF_UNIX };
	AUTO_CLOSE int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (strlen(path) >= sizeof(sa.sun_path))
		return error_set(err, ERROR_INVALID, "path of the SSH agent's socket is too long");
	memcpy(sa.sun_path, path, strlen(path) + 1);
	if (fd < 0 || connect(fd, (struct sockaddr *)&sa, sizeof(sa)) < 0)
		return error_set_errno(err, errno, "cannot connect to the SSH agent at '%s'", path);
	return fd_take(&fd);
}

static int login_agent(struct login *g, struct error **err)
{
	AUTO_CLOSE int fd = connect_agent(g->a->agent_socket, err);
	AUTO_CLOSE int done = eventfd(0, EFD_CLOEXEC);
	uint64_t one = 1;
	int r;

	if (fd < 0)
		return -1;

	int theirs = fcntl(fd, F_DUPFD_CLOEXEC, 0); /* the library closes it */
	struct guard k = { .agent_fd = fd, .done_fd = done, .deadline = g->deadline, .c = g->c };

	if (theirs < 0 || ssh_set_agent_socket(g->l->session, theirs) != SSH_OK)
		return error_set(err, ERROR_FAILED, "cannot use the SSH agent");
	r = pthread_create(&k.thread, NULL, guard_thread, &k);
	if (r != 0)
		return error_set_errno(err, r, "cannot start a thread");
	note(g, "publickey");
	g->with = "the keys of the agent";
	r = attempt(g, try_agent, NULL, err);
	(void)!write(done, &one, sizeof(one));
	pthread_join(k.thread, NULL);
	/* a refusal may only mean that the guard ended the conversation */
	if (r == 0 && cancel_check(g->c, err) < 0)
		return -1;
	return r;
}

/* ---- keys ------------------------------------------------------------------------ */

static int add_certificate(ssh_key key, const char *path, struct error **err)
{
	ssh_key cert = NULL;
	int rc;

	if (!path || !*path)
		return 0;
	if (ssh_pki_import_cert_file(path, &cert) != SSH_OK)
		return error_set(err, ERROR_INVALID, "Error loading certificate '%s'", path);
	rc = ssh_pki_copy_cert_to_privkey(cert, key);
	ssh_key_free(cert);
	if (rc != SSH_OK)
		return error_set(err, ERROR_INVALID, "certificate '%s' does not fit the key", path);
	return 0;
}

static int login_key(struct login *g, ssh_key key, struct error **err)
{
	int r = add_certificate(key, g->a->certificate_file, err);

	if (r == 0) {
		note(g, "publickey");
		r = attempt(g, try_key, key, err);
	}
	ssh_key_free(key);
	return r;
}

static int login_key_file(struct login *g, const char *path, struct error **err)
{
	AUTO_FREE char *with = log_is_on ? xasprintf("the key in '%s'", path) : NULL;
	ssh_key key = NULL;
	int r;

	if (ssh_pki_import_privkey_file(path, NULL, NULL, NULL, &key) != SSH_OK)
		return error_set(err, ERROR_INVALID, "cannot read private key '%s'", path);
	g->with = with;
	r = login_key(g, key, err);
	g->with = NULL;
	return r;
}

static int login_keys(struct login *g, struct error **err)
{
	const struct sshauth *a = g->a;
	ssh_key key = NULL;
	int r = 0;

	if (a->agent_socket)
		r = login_agent(g, err);
	for (size_t i = 0; i < ARRAY_LEN(a->key_files) && r == 0; i++)
		if (a->key_files[i] && *a->key_files[i])
			r = login_key_file(g, a->key_files[i], err);
	if (r != 0 || !a->key_pem)
		return r;
	if (ssh_pki_import_privkey_base64(a->key_pem, NULL, NULL, NULL, &key) != SSH_OK)
		return error_set(err, ERROR_INVALID, "cannot read the generated private key");
	g->with = "the generated key";
	return login_key(g, key, err);
}

/* ---- password ---------------------------------------------------------------------- */

/* What a server says, made fit for a terminal: one line, cut, printable. */
static void add_words(struct strbuf *out, const char *text)
{
	size_t limit = out->len + TEXT_MAX;

	for (const char *p = text ? text : ""; *p && out->len < limit; p++)
		strbuf_addch(out, (unsigned char)*p < ' ' || *p == 0x7f ? ' ' : *p);
	strbuf_rtrim(out);
}

/* 1 with *ret_answer (to be wiped), 0 when there is nobody, -1 for the token's reason. */
static int ask_person(struct login *g, const char *prompt, bool hidden, char **ret_answer,
		      struct error **err)
{
	AUTO(strbuf) struct strbuf text = STRBUF_INIT;
	AUTO(error) struct error *e = NULL;
	int r;

	strbuf_addf(&text, "%s, user '%s': ", g->a->who, g->a->user);
	add_words(&text, prompt);
	r = hidden ? ui_ask_hidden(g->a->ui, text.buf, g->c, ret_answer, &e)
		   : ui_ask(g->a->ui, text.buf, g->c, ret_answer, &e);
	g->deadline = clock_deadline(g->a->answer_max); /* people take their time */
	if (r == 0)
		return 1;
	if (cancel_check(g->c, err) < 0)
		return -1;
	free(g->unanswered);
	g->unanswered = xstrdup(e->message);
	return 0;
}

/* 1: all are answered, 0: not, -1: error. */
static int answer_prompts(struct login *g, struct error **err)
{
	ssh_session session = g->l->session;
	int n = ssh_userauth_kbdint_getnprompts(session);

	for (int i = 0; i < MIN(n, (int)PROMPTS_MAX); i++) {
		char echo = 0, *answer = NULL;
		const char *prompt = ssh_userauth_kbdint_getprompt(session, (unsigned)i, &echo);
		int r = 1;

		if (g->a->ui)
			r = ask_person(g, prompt, !echo, &answer, err);
		if (r > 0 && ssh_userauth_kbdint_setanswer(session, (unsigned)i,
							   answer ? answer : g->a->password) < 0)
			r = 0;
		secret_free(answer);
		if (r <= 0)
			return r;
	}
	return 1;
}

/* What stands above the prompts. */
static void show_instruction(struct login *g)
{
	AUTO(strbuf) struct strbuf text = STRBUF_INIT;

	add_words(&text, ssh_userauth_kbdint_getinstruction(g->l->session));
	if (g->a->ui && text.len)
		ui_say(g->a->ui, "%s: %s", g->a->who, text.buf);
}

static int login_interactive(struct login *g, struct error **err)
{
	note(g, "keyboard-interactive");
	g->with = "keyboard-interactive";
	for (int round = 0; round < ROUNDS_MAX; round++) {
		int rc, r;

		if (ask(g, try_interactive, NULL, &rc, err) < 0)
			return -1;
		if (rc != SSH_AUTH_INFO)
			return judge(g, rc, err);
		show_instruction(g);
		r = answer_prompts(g, err);
		if (r <= 0)
			return r;
	}
	return 0;
}

static int try_typed(struct attempt *t)
{
	return ssh_userauth_password(t->g->l->session, NULL, t->g->typed);
}

static int login_typed(struct login *g, struct error **err)
{
	int r = ask_person(g, "password:", true, &g->typed, err);

	if (r > 0) {
		note(g, "password");
		r = attempt(g, try_typed, NULL, err);
	}
	secret_free(TAKE(g->typed));
	return r;
}

/* By what a person types; a mistake may be made good. */
static int login_person(struct login *g, struct error **err)
{
	for (int i = 0; i < MISTAKES_MAX && !g->unanswered && !g->partial; i++) {
		int r = 0;

		if (offers(g, SSH_AUTH_METHOD_INTERACTIVE))
			r = login_interactive(g, err);
		else if (offers(g, SSH_AUTH_METHOD_PASSWORD))
			r = login_typed(g, err);
		else
			break;
		if (r != 0)
			return r;
	}
	return 0;
}

static int login_password(struct login *g, struct error **err)
{
	int r = 0;

	if (offers(g, SSH_AUTH_METHOD_PASSWORD)) {
		note(g, "password");
		g->with = "a password";
		r = attempt(g, try_password, NULL, err);
	}
	if (r == 0 && offers(g, SSH_AUTH_METHOD_INTERACTIVE))
		r = login_interactive(g, err);
	return r;
}

static int login_pass(struct login *g, struct error **err)
{
	int r = 0;

	if (g->a->ui)
		r = login_person(g, err);
	if (r == 0 && !g->partial && offers(g, SSH_AUTH_METHOD_PUBLICKEY))
		r = login_keys(g, err);
	if (r == 0 && g->a->password && *g->a->password)
		r = login_password(g, err);
	return r;
}

static void describe_offer(struct login *g, struct strbuf *out)
{
	static const struct {
		int bit;
		const char *name;
	} methods[] = {
		{ SSH_AUTH_METHOD_PUBLICKEY, "publickey" },
		{ SSH_AUTH_METHOD_PASSWORD, "password" },
		{ SSH_AUTH_METHOD_INTERACTIVE, "keyboard-interactive" },
		{ SSH_AUTH_METHOD_HOSTBASED, "hostbased" },
		{ SSH_AUTH_METHOD_GSSAPI_MIC, "gssapi-with-mic" },
	};
	bool first = true;

	for (size_t i = 0; i < ARRAY_LEN(methods); i++) {
		if (!offers(g, methods[i].bit))
			continue;
		strbuf_addf(out, "%s%s", first ? "" : ", ", methods[i].name);
		first = false;
	}
}

static void log_offer(struct login *g)
{
	AUTO(strbuf) struct strbuf offer = STRBUF_INIT;

	describe_offer(g, &offer);
	log_write("ssh", "the server accepts: %s", offer.buf);
}

static int refused(struct login *g, struct error **err)
{
	AUTO(strbuf) struct strbuf offer = STRBUF_INIT;
	const struct sshauth *a = g->a;
	bool has_password = a->password && *a->password;
	bool has_key = a->agent_socket || a->key_pem || a->key_files[0] || a->key_files[1];
	bool has_any = has_password || has_key || a->ui;

	describe_offer(g, &offer);
	error_set(err, ERROR_AUTH,
		  "ssh: handshake failed: ssh: unable to authenticate, attempted methods [%s], no "
		  "supported methods remain",
		  g->tried.buf);
	if (has_password && !has_key &&
	    !offers(g, SSH_AUTH_METHOD_PASSWORD | SSH_AUTH_METHOD_INTERACTIVE))
		return error_hint(err,
				  "%s takes no passwords (it accepts: %s). Use a key, or set "
				  "PasswordAuthentication yes in its sshd_config.",
				  a->who, offer.buf);
	if (g->unanswered)
		return error_hint(err,
				  "%s has questions to user '%s', but nobody can be asked: %s.",
				  a->who, a->user, g->unanswered);
	return error_hint(err, "%s refused user '%s'; it accepts: %s.%s%s%s", a->who, a->user,
			  offer.buf, has_any ? "" : " Set ", has_any ? "" : a->options,
			  has_any ? "" : ".");
}

int sshauth_login(struct sshlink *l, const struct sshauth *a, int64_t deadline, struct cancel *c,
		  struct error **err)
{
	struct login g = { .l = l, .a = a, .deadline = deadline, .c = c, .tried = STRBUF_INIT };
	int r;

	note(&g, "none");
	g.with = "no credentials";
	r = attempt(&g, try_none, NULL, err);
	if (r == 0 && log_is_on)
		log_offer(&g);
	/* "partial success" asks for another method: start over with the new list. */
	for (int pass = 0; r == 0 && pass < PASSES_MAX; pass++) {
		g.partial = false;
		r = login_pass(&g, err);
		if (!g.partial)
			break;
	}
	if (r == 0)
		refused(&g, err);
	strbuf_release(&g.tried);
	free(g.unanswered);
	return r == 1 ? 0 : -1;
}
