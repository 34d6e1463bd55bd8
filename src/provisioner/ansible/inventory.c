/* SPDX-License-Identifier: Apache-2.0 */
#include "provisioner/ansible/inventory.h"

#include "base/alloc.h"
#include "base/encode.h"
#include "base/str.h"
#include "provisioner/late.h"

#include <string.h>

/* Values with blanks and the like stand in quotes, as in a shell. */
static void add(struct strbuf *sb, const char *name, const char *value)
{
	if (text_is_empty(value))
		return;
	strbuf_addf(sb, " %s=", name);
	encode_shell_word(sb, value);
}

static void add_port(struct strbuf *sb, const char *name, int port)
{
	if (port)
		strbuf_addf(sb, " %s=%d", name, port);
}

static void host_line(const char *alias, const struct inventory_host *h, struct strbuf *sb)
{
	strbuf_addstr(sb, alias);
	add(sb, h->old_names ? "ansible_ssh_host" : "ansible_host", h->host);
	add(sb, h->old_names ? "ansible_ssh_user" : "ansible_user", h->user);
	if (h->kind != INVENTORY_CONTAINER)
		add_port(sb, h->old_names ? "ansible_ssh_port" : "ansible_port", h->port);
	if (h->kind == INVENTORY_SSH)
		add(sb, "ansible_ssh_private_key_file", h->key);
	if (h->kind == INVENTORY_CONTAINER) {
		add(sb, "ansible_connection", h->connection);
		add(sb, "ansible_podman_executable", h->executable);
	}
	if (h->kind == INVENTORY_WINRM)
		strbuf_addstr(sb, " ansible_connection=winrm ansible_winrm_transport=basic "
				  "ansible_shell_type=powershell");
	strbuf_addch(sb, '\n');
}

static int from_template(const struct ansible_config *c, const struct inventory_host *h,
			 const struct provision_ctx *ctx, struct strbuf *sb, struct error **err)
{
	AUTO_FREE char *port = xasprintf("%d", h->port);
	const struct late_field fields[] = {
		{ "HostAlias", c->host_alias },
		{ "Host", h->host ? h->host : "" },
		{ "User", h->user ? h->user : "" },
		{ "Port", port },
		{ NULL, NULL },
	};
	AUTO_FREE char *text = late_render(c->inventory_file_template, "inventory_file_template",
					   ctx, fields, err);

	if (!text)
		return -1;
	strbuf_addf(sb, "%s%s", text, text_ends_with(text, "\n") ? "" : "\n");
	return 0;
}

int inventory_text(const struct ansible_config *c, const struct inventory_host *h,
		   const struct provision_ctx *ctx, struct strbuf *ret, struct error **err)
{
	AUTO(strbuf) struct strbuf host = STRBUF_INIT;

	if (text_is_empty(c->inventory_file_template))
		host_line(c->host_alias, h, &host);
	else if (from_template(c, h, ctx, &host, err) < 0)
		return -1;
	strbuf_addstr(ret, host.buf);
	for (size_t i = 0; i < c->groups.len; i++)
		strbuf_addf(ret, "[%s]\n%s", c->groups.v[i], host.buf);
	for (size_t i = 0; i < c->empty_groups.len; i++)
		strbuf_addf(ret, "[%s]\n", c->empty_groups.v[i]);
	return 0;
}
