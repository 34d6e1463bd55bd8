/* SPDX-License-Identifier: Apache-2.0 */
#include "base/alloc.h"
#include "base/duration.h"
#include "base/str.h"
#include "comm/config.h"
#include "comm/key.h"
#include "os/fs.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

struct fixture {
	struct arena *arena;
	struct comm_config cfg;
	struct diags diags;
	struct map ranges;
	struct decoded decoded;
	struct host_dirs dirs;
	char home[64];
};

static int setup(void **state)
{
	struct fixture *f = NEW(struct fixture);

	f->arena = arena_new();
	map_init(&f->ranges, NULL);
	f->decoded = (struct decoded){ .schema = &comm_schema, .ranges = &f->ranges };
	(void)snprintf(f->home, sizeof(f->home), "/tmp/comm-config.XXXXXX");
	assert_non_null(mkdtemp(f->home));
	f->dirs.home = f->home;
	f->cfg = (struct comm_config){ .ssh_username = "root" };
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;
	AUTO(error) struct error *e = NULL;

	assert_int_equal(fs_remove_tree(f->home, &e), 0);
	diags_release(&f->diags);
	map_release(&f->ranges);
	arena_free(f->arena);
	free(f);
	return 0;
}

static void prepare(struct fixture *f)
{
	const struct prepare_ctx ctx = {
		.decoded = &f->decoded,
		.arena = f->arena,
		.dirs = &f->dirs,
	};

	comm_config_prepare(&f->cfg, &ctx, &f->diags);
}

static void expect(struct fixture *f, const char *text)
{
	prepare(f);
	if (f->diags.len != 1 || !text_eq(f->diags.items[0].summary, text))
		fail_msg("%zu: %s", f->diags.len, f->diags.len ? f->diags.items[0].summary : "");
}

static void put(struct fixture *f, const char *name, const char *text)
{
	AUTO_FREE char *path = xasprintf("%s/%s", f->home, name);
	AUTO(error) struct error *e = NULL;

	assert_int_equal(fs_write(path, text, strlen(text), 0600, &e), 0);
}

static void test_defaults(void **state)
{
	struct fixture *f = *state;

	prepare(f);
	assert_int_equal(f->diags.len, 0);
	assert_string_equal(f->cfg.communicator, "ssh");
	assert_int_equal(f->cfg.ssh_port, 22);
	assert_int_equal(f->cfg.ssh_timeout, 300 * NSEC_PER_SEC);
	assert_int_equal(f->cfg.ssh_handshake_attempts, 10);
	assert_int_equal(f->cfg.ssh_keep_alive_interval, 5 * NSEC_PER_SEC);
}

/* Only when neither is set do both get a default. */
static void test_timeout_alone(void **state)
{
	struct fixture *f = *state;

	f->cfg.ssh_timeout = 3600 * NSEC_PER_SEC;
	prepare(f);
	assert_int_equal(f->cfg.ssh_handshake_attempts, 0);
}

static void test_attempts_alone(void **state)
{
	struct fixture *f = *state;

	f->cfg.ssh_handshake_attempts = 3;
	prepare(f);
	assert_int_equal(f->cfg.ssh_timeout, 0);
}

static void test_old_timeout_wins(void **state)
{
	struct fixture *f = *state;

	f->cfg.ssh_wait_timeout = 7 * NSEC_PER_SEC;
	prepare(f);
	assert_int_equal(f->cfg.ssh_timeout, 7 * NSEC_PER_SEC);
	assert_int_equal(f->cfg.ssh_handshake_attempts, 10);
}

static void test_user(void **state)
{
	struct fixture *f = *state;

	f->cfg.ssh_username = NULL;
	expect(f, "An ssh_username must be specified\n  Note: some builders used to default "
		  "ssh_username to \"root\".");
}

static void test_none_needs_nothing(void **state)
{
	struct fixture *f = *state;

	f->cfg = (struct comm_config){ .communicator = "none" };
	prepare(f);
	assert_int_equal(f->diags.len, 0);
}

static void test_unknown_type(void **state)
{
	struct fixture *f = *state;

	f->cfg.communicator = "telnet";
	expect(f, "Communicator type telnet is invalid");
}

static void test_winrm(void **state)
{
	struct fixture *f = *state;

	f->cfg.communicator = "winrm";
	expect(f, "communicator 'winrm' is not supported yet");
}

static void test_transfer_method(void **state)
{
	struct fixture *f = *state;

	f->cfg.ssh_file_transfer_method = "ftp";
	expect(f, "ssh_file_transfer_method ('ftp') is invalid, valid methods: sftp, scp");
}

static void test_missing_key(void **state)
{
	struct fixture *f = *state;
	AUTO_FREE char *want =
		xasprintf("ssh_private_key_file is invalid: stat %s/id: no such file "
			  "or directory",
			  f->home);

	f->cfg.ssh_private_key_file = "~/id";
	expect(f, want);
}

static void test_key_in_home(void **state)
{
	struct fixture *f = *state;
	AUTO(keypair) struct keypair *k = NULL;
	AUTO(error) struct error *e = NULL;
	AUTO_FREE char *want = xasprintf("%s/id", f->home);

	assert_int_equal(keypair_generate("ed25519", 0, &k, &e), 0);
	put(f, "id", k->private_pem);
	f->cfg.ssh_private_key_file = "~/id";
	prepare(f);
	assert_int_equal(f->diags.len, 0);
	assert_string_equal(f->cfg.ssh_private_key_file, want);
}

static void test_no_key(void **state)
{
	struct fixture *f = *state;
	AUTO_FREE char *want = xasprintf("ssh_private_key_file is invalid: Failed to read key "
					 "'%s/id': no key found",
					 f->home);

	put(f, "id", "ssh-ed25519 AAAA me\n");
	f->cfg.ssh_private_key_file = "~/id";
	expect(f, want);
	assert_true(f->diags.items[0].detail[0] != '\0');
}

static void test_encrypted_key(void **state)
{
	struct fixture *f = *state;
	AUTO_FREE char *want = xasprintf("ssh_private_key_file is invalid: Failed to read key "
					 "'%s/id': password protected keys are\nnot supported. "
					 "Please decrypt the key prior to use.",
					 f->home);

	put(f, "id",
	    "-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\n\nAAAA\n"
	    "-----END RSA PRIVATE KEY-----\n");
	f->cfg.ssh_private_key_file = "~/id";
	expect(f, want);
}

static void test_certificate_without_key(void **state)
{
	struct fixture *f = *state;

	f->cfg.ssh_certificate_file = "x";
	expect(f, "ssh_private_key_file must be specified if ssh_certificate_file is specified");
}

static void test_bastion_credentials(void **state)
{
	struct fixture *f = *state;

	f->cfg.ssh_bastion_host = "jump";
	expect(f, "ssh_bastion_password, ssh_bastion_private_key_file or ssh_bastion_agent_auth "
		  "must be specified");
}

static void test_bastion_and_proxy(void **state)
{
	struct fixture *f = *state;

	f->cfg.ssh_bastion_host = "jump";
	f->cfg.ssh_bastion_agent_auth = true;
	f->cfg.ssh_proxy_host = "socks";
	expect(f, "please specify either ssh_bastion_host or ssh_proxy_host, not both");
}

static void test_tunnels(void **state)
{
	struct fixture *f = *state;
	static const char *const bad[] = { "8080:x", NULL };

	f->cfg.ssh_local_tunnels = (struct text_list){ bad, 1 };
	expect(f, "ssh_local_tunnels ('8080:x') is invalid: expected PORT:HOST:PORT");
}

static void test_bad_chain(void **state)
{
	struct fixture *f = *state;

	f->cfg.ssh_bastion_host = "edge,inner:x";
	f->cfg.ssh_bastion_password = "p";
	expect(f, "ssh_bastion_host ('edge,inner:x') is invalid: 'x' is not a port");
}

static void test_interactive_bastion(void **state)
{
	struct fixture *f = *state;

	f->cfg.ssh_bastion_host = "edge";
	f->cfg.ssh_bastion_interactive = true;
	prepare(f);
	assert_int_equal(f->diags.len, 0);
}

static void test_algorithms(void **state)
{
	struct fixture *f = *state;
	static const char *const words[] = { "aes256-ctr", "aes256-crt" };

	f->cfg.ssh_ciphers = (struct text_list){ words, 2 };
	expect(f, "ssh_ciphers ('aes256-crt') is invalid: no such algorithm");
	assert_non_null(strstr(f->diags.items[0].detail, "3des-cbc"));
}

static void test_absent_algorithm(void **state)
{
	struct fixture *f = *state;
	static const char *const words[] = { "sntrup761x25519-sha512", "curve25519-sha256" };

	f->cfg.ssh_key_exchange_algorithms = (struct text_list){ words, 2 };
	expect(f, "ssh_key_exchange_algorithms ('sntrup761x25519-sha512') is not available");
	assert_false(diags_has_errors(&f->diags));
	f->cfg.ssh_key_exchange_algorithms.len = 1;
	prepare(f);
	assert_true(diags_has_errors(&f->diags));
}

static void test_parse_tunnel(void **state)
{
	AUTO(error) struct error *e = NULL;
	AUTO_FREE char *host = NULL, *v6 = NULL;
	int from, to;

	(void)state;
	assert_int_equal(comm_parse_tunnel("8080:web.local:80", &from, &host, &to, &e), 0);
	assert_int_equal(from, 8080);
	assert_string_equal(host, "web.local");
	assert_int_equal(to, 80);
	assert_int_equal(comm_parse_tunnel("1:[::1]:2", &from, &v6, &to, &e), 0);
	assert_string_equal(v6, "::1");
	assert_int_equal(to, 2);
}

#define CASE(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(test_defaults),
		CASE(test_timeout_alone),
		CASE(test_attempts_alone),
		CASE(test_old_timeout_wins),
		CASE(test_user),
		CASE(test_none_needs_nothing),
		CASE(test_unknown_type),
		CASE(test_winrm),
		CASE(test_transfer_method),
		CASE(test_missing_key),
		CASE(test_key_in_home),
		CASE(test_no_key),
		CASE(test_encrypted_key),
		CASE(test_certificate_without_key),
		CASE(test_bastion_credentials),
		CASE(test_bastion_and_proxy),
		CASE(test_bad_chain),
		CASE(test_interactive_bastion),
		CASE(test_algorithms),
		CASE(test_absent_algorithm),
		CASE(test_tunnels),
		cmocka_unit_test(test_parse_tunnel),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
