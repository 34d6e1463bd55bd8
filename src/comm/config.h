/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The options that every builder with a communicator accepts (communicators.md
 * 2, 3, 12). A builder includes them in its own table:
 *
 *   struct qemu { …; struct comm_config comm; };
 *   ATTR_INCLUDE(struct qemu, comm, struct comm_config, &comm_schema),
 *
 * and calls comm_config_prepare() from its prepare(), which fills in defaults
 * and reports what is wrong. After that the struct is immutable; the connect
 * step reads it through `machine.comm_config`.
 */
#pragma once

#include "core/component.h"
#include "schema/schema.h"

#include <stdbool.h>
#include <stdint.h>

struct comm_config {
	const char *communicator; /* "ssh" when not set */
	int64_t pause_before_connecting;

	const char *ssh_host; /* NULL: the builder knows */
	int64_t ssh_port;
	const char *ssh_username;
	const char *ssh_password;
	const char *ssh_private_key_file; /* `~` expanded by prepare */
	const char *ssh_certificate_file; /* likewise */
	const char *ssh_keypair_name;
	const char *temporary_key_pair_name;
	const char *temporary_key_pair_type;
	int64_t temporary_key_pair_bits; /* 0: the type's default */
	bool ssh_clear_authorized_keys;
	bool ssh_pty;
	int64_t ssh_timeout;            /* ns; 0: for ever */
	int64_t ssh_handshake_attempts; /* 0: unlimited */
	int64_t ssh_wait_timeout;
	bool ssh_agent_auth;
	bool ssh_disable_agent_forwarding;
	struct text_list ssh_ciphers;
	struct text_list ssh_key_exchange_algorithms;
	const char *ssh_file_transfer_method; /* NULL: scp, then sftp where scp is missing */
	int64_t ssh_keep_alive_interval;      /* ns; < 0: off */
	int64_t ssh_read_write_timeout;       /* ns; 0: off */

	const char *ssh_bastion_host;
	int64_t ssh_bastion_port;
	const char *ssh_bastion_username;
	const char *ssh_bastion_password;
	const char *ssh_bastion_private_key_file;
	const char *ssh_bastion_certificate_file;
	bool ssh_bastion_agent_auth;
	bool ssh_bastion_interactive;
	const char *ssh_proxy_host;
	int64_t ssh_proxy_port;
	const char *ssh_proxy_username;
	const char *ssh_proxy_password;
	struct text_list ssh_local_tunnels;
	struct text_list ssh_remote_tunnels;

	const char *winrm_username;
	const char *winrm_password;
	const char *winrm_host;
	int64_t winrm_port;
	int64_t winrm_timeout;
	bool winrm_use_ssl;
	bool winrm_insecure;
	bool winrm_use_ntlm;
	bool winrm_no_proxy;
};

extern const struct schema comm_schema;

void comm_config_prepare(struct comm_config *c, const struct prepare_ctx *ctx, struct diags *diags);
/* Whether the machine is reached over SSH. */
bool comm_config_is_ssh(const struct comm_config *c);
/* "PORT:HOST:PORT", HOST may be an IPv6 address in brackets. Host is heap. */
MUST_CHECK int comm_parse_tunnel(const char *text, int *ret_listen, char **ret_host, int *ret_port,
				 struct error **err);
