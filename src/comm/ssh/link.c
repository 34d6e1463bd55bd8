/* SPDX-License-Identifier: Apache-2.0 */
#include "comm/ssh/link.h"

#include "base/alloc.h"
#include "base/duration.h"
#include "os/fd.h"
#include "os/log.h"
#include "os/wait.h"

#include <errno.h>
#include <fcntl.h>
#include <libssh/server.h>

enum {
	MISSED_MAX = 12,  /* an emulated guest on a busy host may be deaf for half a minute */
	PUMP_ROUNDS = 64, /* the library reads 4 KiB a round */
};

/* AES-GCM first: with AES instructions it is several times faster than the
 * library's own first choice, ChaCha20. */
static const char default_ciphers[] =
	"aes128-gcm@openssh.com,aes256-gcm@openssh.com,chacha20-poly1305@openssh.com,"
	"aes128-ctr,aes192-ctr,aes256-ctr";

static int set_algorithms(struct sshlink *l, const struct text_list *list, const char *what,
			  enum ssh_options_e a, enum ssh_options_e b, struct error **err)
{
	AUTO(strbuf) struct strbuf names = STRBUF_INIT;

	for (size_t i = 0; i < list->len; i++)
		strbuf_addf(&names, "%s%s", i ? "," : "", list->v[i]);
	if (ssh_options_set(l->session, a, names.buf) < 0 ||
	    ssh_options_set(l->session, b, names.buf) < 0) {
		error_set(err, ERROR_INVALID, "%s: none of '%s' is supported", what, names.buf);
		return -1;
	}
	return 0;
}

static int set_options(struct sshlink *l, const struct sshlink_options *o, struct error **err)
{
	int no = 0;
	int fd = fcntl(l->fd, F_DUPFD_CLOEXEC, 0);

	/* The library sometimes closes its descriptor and sometimes does not; so it gets
	 * one of its own, which ssh_free() closes if that is still to be done. */
	if (fd < 0)
		return error_set_errno(err, errno, "cannot duplicate a descriptor");
	ssh_options_set(l->session, SSH_OPTIONS_FD, &fd);
	ssh_options_set(l->session, SSH_OPTIONS_PROCESS_CONFIG, &no);
	ssh_options_set(l->session, SSH_OPTIONS_HOST, "machine");
	ssh_options_set(l->session, SSH_OPTIONS_USER, o->user);
	/* Old guests know nothing better than ssh-rsa. */
	ssh_options_set(l->session, SSH_OPTIONS_HOSTKEYS,
			"ssh-ed25519,ecdsa-sha2-nistp256,ecdsa-sha2-nistp384,ecdsa-sha2-nistp521,"
			"rsa-sha2-512,rsa-sha2-256,ssh-rsa");
	ssh_options_set(l->session, SSH_OPTIONS_CIPHERS_C_S, default_ciphers);
	ssh_options_set(l->session, SSH_OPTIONS_CIPHERS_S_C, default_ciphers);
	if (o->ciphers && o->ciphers->len &&
	    set_algorithms(l, o->ciphers, "ssh_ciphers", SSH_OPTIONS_CIPHERS_C_S,
			   SSH_OPTIONS_CIPHERS_S_C, err) < 0)
		return -1;
	if (o->key_exchange && o->key_exchange->len &&
	    set_algorithms(l, o->key_exchange, "ssh_key_exchange_algorithms",
			   SSH_OPTIONS_KEY_EXCHANGE, SSH_OPTIONS_KEY_EXCHANGE, err) < 0)
		return -1;
	ssh_set_counters(l->session, &l->traffic, NULL);
	ssh_set_blocking(l->session, 0);
	return 0;
}

int sshlink_new(int fd, const struct sshlink_options *o, struct sshlink **ret, struct error **err)
{
	AUTO(sshlink) struct sshlink *l = NEW(struct sshlink);

	l->fd = fd;
	l->keep_alive = o->keep_alive;
	l->silence_max = o->silence_max;
	l->session = ssh_new();
	if (!l->session)
		return error_set(err, ERROR_FAILED, "cannot make an SSH session");
	if (set_options(l, o, err) < 0)
		return -1;
	sshlink_refresh(l);
	*ret = TAKE(l);
	return 0;
}

void sshlink_free(struct sshlink *l)
{
	if (!l)
		return;
	for (size_t i = l->side_count; i-- > 0;)
		l->sides[i].free(l->sides[i].data);
	if (l->event) {
		ssh_event_remove_session(l->event, l->session);
		ssh_event_free(l->event);
	}
	if (l->session) {
		ssh_silent_disconnect(l->session);
		ssh_free(l->session);
	}
	fd_close(l->fd);
	free(l);
}

void sshlink_add_side(struct sshlink *l, struct sshlink_side side)
{
	assert(l->side_count < SSHLINK_SIDES_MAX);
	l->sides[l->side_count++] = side;
}

void sshlink_remove_side(struct sshlink *l, const void *data)
{
	size_t n = 0;

	for (size_t i = 0; i < l->side_count; i++)
		if (l->sides[i].data != data)
			l->sides[n++] = l->sides[i];
	l->side_count = n;
}

size_t sshlink_serve_sides(struct sshlink *l, struct pollfd *fds, size_t max)
{
	size_t n = 0;

	for (size_t i = 0; i < l->side_count; i++)
		n += l->sides[i].serve(l->sides[i].data, fds + n, max - n);
	return n;
}

const char *sshlink_side_loss(struct sshlink *l)
{
	const char *why = NULL;

	for (size_t i = 0; i < l->side_count && !why; i++)
		if (l->sides[i].loss)
			why = l->sides[i].loss(l->sides[i].data);
	return why;
}

void sshlink_refresh(struct sshlink *l)
{
	l->last_heard = clock_monotonic();
	l->bytes_at_ask = UINT64_MAX;
	l->missed = 0;
	l->next_ask = l->keep_alive > 0 ? clock_deadline(l->keep_alive) : DEADLINE_NEVER;
}

int sshlink_set_lost(struct sshlink *l, struct error **err)
{
	const char *why = sshlink_side_loss(l);

	if (!why)
		why = ssh_get_error(l->session);
	if (!l->lost)
		log_debug("ssh", "connection lost: %s", *why ? why : "no reason");
	l->lost = true;
	return error_set(err, ERROR_DISCONNECTED, "SSH connection lost%s%s", *why ? ": " : "", why);
}

bool sshlink_write_pending(const struct sshlink *l)
{
	return ssh_get_status(l->session) & SSH_WRITE_PENDING;
}

/* The library reads in the middle of many calls, so its counter tells, not poll(). */
static void note_traffic(struct sshlink *l)
{
	if (l->traffic.in_bytes == l->heard_bytes)
		return;
	l->heard_bytes = l->traffic.in_bytes;
	l->last_heard = clock_monotonic();
}

/* A global request that wants a reply; any reply will do, and any other byte too. */
static int ask_for_life(struct sshlink *l, struct error **err)
{
	if (l->traffic.in_bytes == l->bytes_at_ask)
		l->missed++;
	else
		l->missed = 0;
	if (l->missed)
		log_debug("ssh", "no sign of life, %d of %d", l->missed, (int)MISSED_MAX);
	if (l->missed >= MISSED_MAX) {
		AUTO(strbuf) struct strbuf time = STRBUF_INIT;

		l->lost = true;
		duration_format(&time, clock_monotonic() - l->last_heard);
		return error_set(err, ERROR_DISCONNECTED,
				 "SSH connection lost: no sign of life for %s", time.buf);
	}
	l->bytes_at_ask = l->traffic.in_bytes;
	/* The first call only collects the reply to the one before. */
	ssh_send_keepalive(l->session);
	if (l->missed == 0)
		ssh_send_keepalive(l->session);
	l->next_ask = clock_deadline(l->keep_alive);
	return 0;
}

static int64_t silence_deadline(const struct sshlink *l)
{
	return l->silence_max > 0 ? l->last_heard + l->silence_max : DEADLINE_NEVER;
}

/* What is due at this moment; 0 when the wait should go on. */
static int on_timer(struct sshlink *l, int64_t deadline, struct error **err)
{
	int64_t now = clock_monotonic();

	if (now >= silence_deadline(l)) {
		l->lost = true;
		return error_set(err, ERROR_DISCONNECTED,
				 "SSH connection lost: ssh_read_write_timeout passed");
	}
	if (now >= l->next_ask && l->event)
		return ask_for_life(l, err);
	if (now >= deadline)
		return error_set(err, ERROR_TIMEOUT, "no answer from the SSH server");
	return 0;
}

static int wait_once(struct sshlink *l, int64_t until, struct cancel *c, bool *ret_ready,
		     struct error **err)
{
	AUTO(error) struct error *e = NULL;
	struct pollfd fds[SSHLINK_POLL_MAX];
	size_t n = 1 + sshlink_serve_sides(l, fds + 1, SSHLINK_POLL_MAX - 1);

	bool write = ssh_get_poll_flags(l->session) & SSH_WRITE_PENDING;

	fds[0] = (struct pollfd){ .fd = l->fd, .events = POLLIN | (write ? POLLOUT : 0) };
	if (io_wait_many(fds, n, until, c, &e) < 0) {
		if (e->kind != ERROR_TIMEOUT || clock_monotonic() < until)
			return error_move(err, TAKE(e));
		if (cancel_check(c, err) < 0)
			return -1;
	}
	if (fds[0].revents & POLLIN)
		l->last_heard = clock_monotonic();
	note_traffic(l);
	for (size_t i = 0; i < n; i++)
		*ret_ready |= fds[i].revents != 0;
	return 0;
}

int sshlink_wait(struct sshlink *l, int64_t deadline, struct cancel *c, struct error **err)
{
	bool ready = false;

	if (l->lost)
		return sshlink_set_lost(l, err);
	while (!ready) {
		int64_t until = MIN(deadline, silence_deadline(l));

		if (l->event)
			until = MIN(until, l->next_ask);
		if (wait_once(l, until, c, &ready, err) < 0)
			return -1;
		if (!ready && on_timer(l, deadline, err) < 0)
			return -1;
	}
	if (l->keep_alive > 0 && l->event && clock_monotonic() >= l->next_ask)
		return ask_for_life(l, err);
	return 0;
}

int sshlink_pump(struct sshlink *l, struct error **err)
{
	for (int i = 0; i < PUMP_ROUNDS && !l->lost; i++) {
		if (ssh_event_dopoll(l->event, 0) != SSH_OK)
			break;
		if (!ssh_is_connected(l->session))
			break;
	}
	if (!ssh_is_connected(l->session) ||
	    (ssh_get_status(l->session) & (SSH_CLOSED | SSH_CLOSED_ERROR)))
		return sshlink_set_lost(l, err);
	return 0;
}

int sshlink_step(struct sshlink *l, int64_t deadline, struct cancel *c, struct error **err)
{
	if (sshlink_wait(l, deadline, c, err) < 0)
		return -1;
	return sshlink_pump(l, err);
}

static const char *or_none(const char *text)
{
	return text ? text : "none";
}

/* What both sides agreed on. */
static void log_session(const struct sshlink *l)
{
	const char *cipher_out = ssh_get_cipher_out(l->session);
	ssh_key key = NULL;
	unsigned char *hash = NULL;
	size_t len = 0;
	char *print = NULL;

	log_write("ssh", "server %s, key exchange %s, ciphers %s and %s, MAC %s",
		  or_none(ssh_get_serverbanner(l->session)), or_none(ssh_get_kex_algo(l->session)),
		  or_none(cipher_out), or_none(ssh_get_cipher_in(l->session)),
		  or_none(ssh_get_hmac_out(l->session)));
	if (ssh_get_server_publickey(l->session, &key) != SSH_OK)
		return;
	if (ssh_get_publickey_hash(key, SSH_PUBLICKEY_HASH_SHA256, &hash, &len) == 0)
		print = ssh_get_fingerprint_hash(SSH_PUBLICKEY_HASH_SHA256, hash, len);
	log_write("ssh", "host key %s %s", ssh_key_type_to_char(ssh_key_type(key)), or_none(print));
	ssh_string_free_char(print);
	ssh_clean_pubkey_hash(&hash);
	ssh_key_free(key);
}

char *sshlink_host_key(const struct sshlink *l)
{
	ssh_key key = NULL;
	char *base64 = NULL, *text = NULL;

	if (ssh_get_server_publickey(l->session, &key) != SSH_OK)
		return NULL;
	if (ssh_pki_export_pubkey_base64(key, &base64) == SSH_OK) {
		text = xasprintf("%s %s", ssh_key_type_to_char(ssh_key_type(key)), base64);
		ssh_string_free_char(base64);
	}
	ssh_key_free(key);
	return text;
}

int sshlink_handshake(struct sshlink *l, int64_t deadline, struct cancel *c, struct error **err)
{
	int rc;

	while ((rc = ssh_connect(l->session)) == SSH_AGAIN) {
		/* The library makes the socket blocking when it "connects". */
		if (fd_set_nonblocking(l->fd, true, err) < 0 ||
		    sshlink_wait(l, deadline, c, err) < 0)
			return error_prefix(err, "ssh: handshake failed");
	}
	if (rc != SSH_OK) {
		const char *why = sshlink_side_loss(l);

		l->lost = true;
		return error_set(err, ERROR_DISCONNECTED, "ssh: handshake failed: %s",
				 why ? why : ssh_get_error(l->session));
	}
	l->event = ssh_event_new();
	if (!l->event || ssh_event_add_session(l->event, l->session) != SSH_OK)
		return error_set(err, ERROR_FAILED, "ssh: cannot watch the connection");
	if (log_is_on)
		log_session(l);
	return fd_set_nonblocking(l->fd, true, err);
}
