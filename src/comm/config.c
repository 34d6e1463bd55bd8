/* SPDX-License-Identifier: Apache-2.0 */
/* The communicator's options: the table, defaults and cross-checks (communicators.md 2, 3). */
#include "comm/config.h"

#include "base/alloc.h"
#include "base/duration.h"
#include "base/str.h"
#include "comm/algorithms.h"
#include "comm/hops.h"
#include "comm/key.h"
#include "os/fs.h"

#include <errno.h>
#include <sys/stat.h>

/* clang-format off */
static const struct attr comm_attrs[] = {
	ATTR_STRING(struct comm_config, communicator, 0, "How provisioners reach the machine: ssh or none.", .def = "ssh"),
	ATTR_DURATION(struct comm_config, pause_before_connecting, ATTR_OUTSIDE, "After the first successful connection, wait this long and connect again."),
	ATTR_STRING(struct comm_config, ssh_host, ATTR_OUTSIDE, "Address to connect to; builders usually know it."),
	ATTR_INT(struct comm_config, ssh_port, ATTR_OUTSIDE, "TCP port of the SSH server.", .def = "22", .min = 0, .max = 65535),
	ATTR_STRING(struct comm_config, ssh_username, 0, "User to log in as."),
	ATTR_STRING(struct comm_config, ssh_password, ATTR_SENSITIVE | ATTR_OUTSIDE, "Password for password and keyboard-interactive authentication."),
	ATTR_STRING(struct comm_config, ssh_private_key_file, ATTR_OUTSIDE, "Private key file to authenticate with; not encrypted."),
	ATTR_STRING(struct comm_config, ssh_certificate_file, ATTR_OUTSIDE, "OpenSSH user certificate that belongs to the private key."),
	ATTR_STRING(struct comm_config, ssh_keypair_name, ATTR_OUTSIDE, "Name of an existing key pair at the cloud provider."),
	ATTR_STRING(struct comm_config, temporary_key_pair_name, ATTR_OUTSIDE, "Name of the temporary key pair at the cloud provider."),
	ATTR_STRING(struct comm_config, temporary_key_pair_type, ATTR_OUTSIDE, "Algorithm of the temporary key: rsa, ecdsa or ed25519.", .def = "rsa"),
	ATTR_INT(struct comm_config, temporary_key_pair_bits, ATTR_OUTSIDE, "Size of the temporary key; 0 is the algorithm's default.", .def = "0"),
	ATTR_BOOL(struct comm_config, ssh_clear_authorized_keys, 0, "Remove the temporary key from authorized_keys at the end."),
	ATTR_BOOL(struct comm_config, ssh_pty, 0, "Run commands in a pseudo terminal."),
	ATTR_DURATION(struct comm_config, ssh_timeout, ATTR_OUTSIDE, "How long to wait for SSH; 5m when neither this nor ssh_handshake_attempts is set."),
	ATTR_INT(struct comm_config, ssh_handshake_attempts, ATTR_OUTSIDE, "How many refused logins end the wait; 10 when neither this nor ssh_timeout is set."),
	ATTR_DURATION(struct comm_config, ssh_wait_timeout, ATTR_DEPRECATED | ATTR_OUTSIDE, "Old name of ssh_timeout.", .replacement = "ssh_timeout"),
	ATTR_BOOL(struct comm_config, ssh_agent_auth, ATTR_OUTSIDE, "Authenticate with the keys of the running SSH agent."),
	ATTR_BOOL(struct comm_config, ssh_disable_agent_forwarding, ATTR_OUTSIDE, "Do not offer the local SSH agent to the machine."),
	ATTR_STRINGS(struct comm_config, ssh_ciphers, ATTR_OUTSIDE, "Ciphers to offer instead of the default set."),
	ATTR_STRINGS(struct comm_config, ssh_key_exchange_algorithms, ATTR_OUTSIDE, "Key exchange algorithms to offer instead of the default set."),
	ATTR_STRING(struct comm_config, ssh_file_transfer_method, ATTR_OUTSIDE, "scp or sftp. Not set: scp, and sftp where the machine has no scp."),
	ATTR_DURATION(struct comm_config, ssh_keep_alive_interval, ATTR_OUTSIDE, "How often to ask the server for a sign of life; negative: never.", .def = "5s"),
	ATTR_DURATION(struct comm_config, ssh_read_write_timeout, ATTR_OUTSIDE, "Give a connection up that is silent for this long; 0: off."),
	ATTR_STRING(struct comm_config, ssh_bastion_host, ATTR_OUTSIDE, "Jump host, as [USER@]HOST[:PORT]; several, separated by commas, are passed one after another."),
	ATTR_INT(struct comm_config, ssh_bastion_port, ATTR_OUTSIDE, "Port of jump hosts that do not name one.", .def = "22", .min = 0, .max = 65535),
	ATTR_STRING(struct comm_config, ssh_bastion_username, ATTR_OUTSIDE, "User on jump hosts that do not name one."),
	ATTR_STRING(struct comm_config, ssh_bastion_password, ATTR_SENSITIVE | ATTR_OUTSIDE, "Password on the jump host."),
	ATTR_STRING(struct comm_config, ssh_bastion_private_key_file, ATTR_OUTSIDE, "Private key for the jump host."),
	ATTR_STRING(struct comm_config, ssh_bastion_certificate_file, ATTR_OUTSIDE, "Certificate for the jump host's key."),
	ATTR_BOOL(struct comm_config, ssh_bastion_agent_auth, ATTR_OUTSIDE, "Use the SSH agent for the jump host."),
	ATTR_BOOL(struct comm_config, ssh_bastion_interactive, ATTR_OUTSIDE, "Ask on the terminal what the jump host asks."),
	ATTR_STRING(struct comm_config, ssh_proxy_host, ATTR_OUTSIDE, "SOCKS5 proxy."),
	ATTR_INT(struct comm_config, ssh_proxy_port, ATTR_OUTSIDE, "Port of the SOCKS5 proxy.", .def = "1080", .min = 0, .max = 65535),
	ATTR_STRING(struct comm_config, ssh_proxy_username, ATTR_OUTSIDE, "User at the SOCKS5 proxy."),
	ATTR_STRING(struct comm_config, ssh_proxy_password, ATTR_SENSITIVE | ATTR_OUTSIDE, "Password at the SOCKS5 proxy."),
	ATTR_STRINGS(struct comm_config, ssh_local_tunnels, ATTR_OUTSIDE, "PORT:HOST:PORT: listen here, connect from the machine."),
	ATTR_STRINGS(struct comm_config, ssh_remote_tunnels, ATTR_OUTSIDE, "PORT:HOST:PORT: listen on the machine, connect from here."),
	ATTR_STRING(struct comm_config, winrm_username, ATTR_OUTSIDE, "User for WinRM."),
	ATTR_STRING(struct comm_config, winrm_password, ATTR_SENSITIVE | ATTR_OUTSIDE, "Password for WinRM."),
	ATTR_STRING(struct comm_config, winrm_host, ATTR_OUTSIDE, "Address for WinRM."),
	ATTR_INT(struct comm_config, winrm_port, ATTR_OUTSIDE, "Port for WinRM."),
	ATTR_DURATION(struct comm_config, winrm_timeout, ATTR_OUTSIDE, "How long to wait for WinRM."),
	ATTR_BOOL(struct comm_config, winrm_use_ssl, ATTR_OUTSIDE, "WinRM over HTTPS."),
	ATTR_BOOL(struct comm_config, winrm_insecure, ATTR_OUTSIDE, "Accept any certificate."),
	ATTR_BOOL(struct comm_config, winrm_use_ntlm, ATTR_OUTSIDE, "NTLM instead of Basic authentication."),
	ATTR_BOOL(struct comm_config, winrm_no_proxy, ATTR_OUTSIDE, "Ignore proxies of the environment."),
	ATTR_END,
};
/* clang-format on */
const struct schema comm_schema = SCHEMA(struct comm_config, comm_attrs);

enum {
	DEFAULT_SSH_PORT = 22,
	DEFAULT_SOCKS_PORT = 1080,
	DEFAULT_HANDSHAKE_ATTEMPTS = 10,
};

struct check {
	struct comm_config *c;
	const struct prepare_ctx *ctx;
	struct diags *diags;
};

static void PRINTF(3, 4) complain(struct check *k, const char *attr, const char *fmt, ...)
{
	struct range at = decoded_range(k->ctx->decoded, attr);
	AUTO(strbuf) struct strbuf text = STRBUF_INIT;
	va_list ap;

	va_start(ap, fmt);
	strbuf_vaddf(&text, fmt, ap);
	va_end(ap);
	diags_error(k->diags, &at, text.buf, "%s", "");
}

bool comm_config_is_ssh(const struct comm_config *c)
{
	return text_is_empty(c->communicator) || text_eq(c->communicator, "ssh");
}

int comm_parse_tunnel(const char *text, int *ret_listen, char **ret_host, int *ret_port,
		      struct error **err)
{
	struct str rest, listen = str_split(str_of(text), ':', &rest);
	struct str host = { 0 }, port = { 0 };
	int64_t from = 0, to = 0;

	if (rest.len > 0 && rest.p[0] == '[') {
		rest.p++, rest.len--;
		host = str_split(rest, ']', &port);
		if (port.len > 0 && port.p[0] == ':')
			port.p++, port.len--;
		else
			port.len = 0;
	} else if (rest.len > 0) {
		host = str_split(rest, ':', &port);
	}
	AUTO_FREE char *listen_text = str_dup(listen);
	AUTO_FREE char *port_text = str_dup(port);
	if (host.len == 0 || !parse_int64(listen_text, 10, &from) || from < 0 || from > 65535 ||
	    !parse_int64(port_text, 10, &to) || to < 1 || to > 65535)
		return error_set(err, ERROR_INVALID, "expected PORT:HOST:PORT");
	*ret_listen = (int)from;
	*ret_host = str_dup(host);
	*ret_port = (int)to;
	return 0;
}

static void apply_defaults(struct comm_config *c)
{
	if (text_is_empty(c->communicator))
		c->communicator = "ssh";
	if (c->ssh_port == 0)
		c->ssh_port = DEFAULT_SSH_PORT;
	if (c->ssh_bastion_port == 0)
		c->ssh_bastion_port = DEFAULT_SSH_PORT;
	if (c->ssh_proxy_port == 0)
		c->ssh_proxy_port = DEFAULT_SOCKS_PORT;
	/* Only when neither is set do both get a default (communicators.md 19.2). */
	if (c->ssh_timeout == 0 && c->ssh_handshake_attempts == 0) {
		c->ssh_timeout = 5 * 60 * NSEC_PER_SEC;
		c->ssh_handshake_attempts = DEFAULT_HANDSHAKE_ATTEMPTS;
	}
	if (c->ssh_wait_timeout != 0)
		c->ssh_timeout = c->ssh_wait_timeout;
	if (c->ssh_keep_alive_interval == 0)
		c->ssh_keep_alive_interval = 5 * NSEC_PER_SEC;
	if (text_is_empty(c->temporary_key_pair_type))
		c->temporary_key_pair_type = "rsa";
	/* A bastion without a key of its own uses the machine's. */
	if (!text_is_empty(c->ssh_bastion_host) && text_is_empty(c->ssh_bastion_private_key_file)) {
		c->ssh_bastion_private_key_file = c->ssh_private_key_file;
		if (text_is_empty(c->ssh_bastion_certificate_file))
			c->ssh_bastion_certificate_file = c->ssh_certificate_file;
	}
}

/* Expands `~` and makes the path absolute; false after complaining. */
static bool expand(struct check *k, const char *attr, const char **path)
{
	AUTO(error) struct error *e = NULL;
	AUTO_FREE char *full = NULL;

	if (fs_expand_home(*path, k->ctx->dirs ? k->ctx->dirs->home : NULL, &full, &e) < 0) {
		complain(k, attr, "%s is invalid: %s", attr, e->message);
		return false;
	}
	*path = arena_strdup(k->ctx->arena, full);
	return true;
}

static void check_key_file(struct check *k, const char *attr, const char **key, const char **cert)
{
	AUTO(error) struct error *e = NULL;
	struct stat st;

	if (text_is_empty(*key) || !expand(k, attr, key))
		return;
	if (!text_is_empty(*cert) && !expand(k, attr, cert))
		return;
	if (stat(*key, &st) < 0) {
		complain(k, attr, "%s is invalid: stat %s: %s", attr, *key, fs_reason(errno));
		return;
	}
	if (key_check_file(*key, &e) < 0 ||
	    (!text_is_empty(*cert) && key_check_certificate(*cert, &e) < 0)) {
		struct range at = decoded_range(k->ctx->decoded, attr);
		AUTO_FREE char *text = xasprintf("%s is invalid: %s", attr, e->message);

		diags_error(k->diags, &at, text, "%s", e->hint ? e->hint : "");
	}
}

static void check_bastion(struct check *k)
{
	AUTO(hops) struct hop_list hops = { 0 };
	AUTO(error) struct error *e = NULL;
	struct comm_config *c = k->c;

	if (text_is_empty(c->ssh_bastion_host))
		return;
	if (hops_parse(c->ssh_bastion_host, &hops, &e) < 0)
		complain(k, "ssh_bastion_host", "ssh_bastion_host ('%s') is invalid: %s",
			 c->ssh_bastion_host, e->message);
	if (c->ssh_bastion_private_key_file != c->ssh_private_key_file)
		check_key_file(k, "ssh_bastion_private_key_file", &c->ssh_bastion_private_key_file,
			       &c->ssh_bastion_certificate_file);
	if (text_is_empty(c->ssh_bastion_password) &&
	    text_is_empty(c->ssh_bastion_private_key_file) && !c->ssh_bastion_agent_auth &&
	    !c->ssh_bastion_interactive)
		complain(k, "ssh_bastion_host",
			 "ssh_bastion_password, ssh_bastion_private_key_file or "
			 "ssh_bastion_agent_auth must be specified");
}

static void check_tunnels(struct check *k, const char *attr, const struct text_list *list)
{
	for (size_t i = 0; i < list->len; i++) {
		AUTO(error) struct error *e = NULL;
		AUTO_FREE char *host = NULL;
		int from, to;

		if (comm_parse_tunnel(list->v[i], &from, &host, &to, &e) < 0)
			complain(k, attr, "%s ('%s') is invalid: %s", attr, list->v[i], e->message);
	}
}

/* A wrong word is told before anything starts; one of another library is skipped, as it is there. */
static void check_algorithms(struct check *k, const char *attr, enum algorithm_kind kind,
			     const struct text_list *list)
{
	struct range at = decoded_range(k->ctx->decoded, attr);
	AUTO(strbuf) struct strbuf known = STRBUF_INIT;
	size_t usable = 0, unknown = 0;

	algorithm_list(kind, &known);
	for (size_t i = 0; i < list->len; i++) {
		enum algorithm_state state = algorithm_find(kind, list->v[i]);
		AUTO_FREE char *text =
			xasprintf("%s ('%s') is %s", attr, list->v[i],
				  state == ALGORITHM_UNKNOWN ? "invalid: no such algorithm"
							     : "not available");

		usable += state == ALGORITHM_USABLE;
		unknown += state == ALGORITHM_UNKNOWN;
		if (state == ALGORITHM_UNKNOWN)
			diags_error(k->diags, &at, text, "Known are %s.", known.buf);
		else if (state == ALGORITHM_ABSENT)
			diags_warning(k->diags, &at, text, "It is skipped. Available are %s.",
				      known.buf);
	}
	if (list->len > 0 && usable == 0 && unknown == 0) {
		AUTO_FREE char *text = xasprintf("%s: none of these is available", attr);

		diags_error(k->diags, &at, text, "Add one of %s.", known.buf);
	}
}

/* Order of the checks as in communicators.md 3. */
static void check_ssh(struct check *k)
{
	struct comm_config *c = k->c;
	bool shared = !text_is_empty(c->ssh_bastion_host) &&
		      c->ssh_bastion_private_key_file == c->ssh_private_key_file;

	if (!text_is_empty(c->ssh_certificate_file) && text_is_empty(c->ssh_private_key_file))
		complain(k, "ssh_certificate_file",
			 "ssh_private_key_file must be specified if ssh_certificate_file is "
			 "specified");
	if (text_is_empty(c->ssh_username))
		complain(k, "ssh_username",
			 "An ssh_username must be specified\n  Note: some builders used to default "
			 "ssh_username to \"root\".");
	check_key_file(k, "ssh_private_key_file", &c->ssh_private_key_file,
		       &c->ssh_certificate_file);
	if (shared) {
		c->ssh_bastion_private_key_file = c->ssh_private_key_file;
		c->ssh_bastion_certificate_file = c->ssh_certificate_file;
	}
	check_bastion(k);
	if (c->ssh_file_transfer_method && !text_eq(c->ssh_file_transfer_method, "scp") &&
	    !text_eq(c->ssh_file_transfer_method, "sftp"))
		complain(k, "ssh_file_transfer_method",
			 "ssh_file_transfer_method ('%s') is invalid, valid methods: sftp, scp",
			 c->ssh_file_transfer_method);
	if (!text_is_empty(c->ssh_bastion_host) && !text_is_empty(c->ssh_proxy_host))
		complain(k, "ssh_proxy_host",
			 "please specify either ssh_bastion_host or ssh_proxy_host, not both");
	check_algorithms(k, "ssh_ciphers", ALGORITHM_CIPHER, &c->ssh_ciphers);
	check_algorithms(k, "ssh_key_exchange_algorithms", ALGORITHM_KEY_EXCHANGE,
			 &c->ssh_key_exchange_algorithms);
	check_tunnels(k, "ssh_local_tunnels", &c->ssh_local_tunnels);
	check_tunnels(k, "ssh_remote_tunnels", &c->ssh_remote_tunnels);
}

static const char *const communicator_names[] = {
	"ssh", "winrm", "none", "docker", "dockerWindowsContainer", NULL,
};

static bool is_known(const char *name)
{
	for (size_t i = 0; communicator_names[i]; i++)
		if (text_eq(communicator_names[i], name))
			return true;
	return false;
}

void comm_config_prepare(struct comm_config *c, const struct prepare_ctx *ctx, struct diags *diags)
{
	struct check k = { .c = c, .ctx = ctx, .diags = diags };

	apply_defaults(c);
	if (!is_known(c->communicator)) {
		complain(&k, "communicator", "Communicator type %s is invalid", c->communicator);
	} else if (text_eq(c->communicator, "winrm")) {
		struct range at = decoded_range(ctx->decoded, "communicator");

		diags_error(diags, &at, "communicator 'winrm' is not supported yet",
			    "Windows machines can be reached with communicator = \"ssh\" if they "
			    "run OpenSSH.");
	} else if (comm_config_is_ssh(c)) {
		check_ssh(&k);
	}
}
