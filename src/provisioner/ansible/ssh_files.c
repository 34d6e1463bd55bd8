/* SPDX-License-Identifier: Apache-2.0 */
#include "provisioner/ansible/ssh_files.h"

#include "base/alloc.h"
#include "base/encode.h"
#include "base/path.h"
#include "base/str.h"
#include "os/fs.h"
#include "provisioner/ansible/settings.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* What Ansible passes when nobody says anything else. */
#define DEFAULT_ARGS "-C -o ControlMaster=auto -o ControlPersist=60s"
/* Names by which host keys and prompts know the servers; no address can be the same. */
#define MACHINE "ingot-machine"
#define HOP     "ingot-hop"

void ssh_files_release(struct ssh_files *f)
{
	free(f->config);
	free(f->key);
	free(f->askpass);
	free(f->why_not);
	*f = (struct ssh_files){ 0 };
}

/* ---- the configuration -------------------------------------------------------------------- */

struct writing {
	const struct comm_route *route;
	const char *dir;
	struct strbuf config;
	struct strbuf answers; /* the middle of the program that answers prompts */
	bool unsayable;
};

static void line(struct writing *w, const char *name, const char *value)
{
	if (strpbrk(value, "\"\n\r"))
		w->unsayable = true;
	strbuf_addf(&w->config, "  %s \"%s\"\n", name, value);
}

/* In file names % begins a token. */
static void path_line(struct writing *w, const char *name, const char *path)
{
	AUTO(strbuf) struct strbuf sb = STRBUF_INIT;

	strbuf_addstr(&sb, path);
	strbuf_replace(&sb, "%", "%%");
	line(w, name, sb.buf);
}

static void plain(struct writing *w, const char *text)
{
	strbuf_addf(&w->config, "  %s\n", text);
}

static int write_secret(const char *path, const char *text, struct error **err)
{
	AUTO(strbuf) struct strbuf sb = STRBUF_INIT;

	strbuf_addstr(&sb, text);
	if (!text_ends_with(text, "\n"))
		strbuf_addch(&sb, '\n');
	return fs_write(path, sb.buf, sb.len, 0600, err);
}

static int add_answer(struct writing *w, const char *alias, const char *password,
		      struct error **err)
{
	AUTO_FREE char *path = xasprintf("%s/%s.password", w->dir, alias);

	if (strpbrk(password, "\n\r"))
		w->unsayable = true;
	strbuf_addf(&w->answers, "*@%s*)\n\texec cat ", alias);
	encode_shell_word(&w->answers, path);
	strbuf_addstr(&w->answers, "\n\t;;\n");
	return write_secret(path, password, err);
}

/* How to log in; *ret_key is heap, NULL when there is no key. */
static int add_login(struct writing *w, const struct route_host *h, const char *alias,
		     char **ret_key, struct error **err)
{
	AUTO_FREE char *key = xstrdup(h->key_file);

	line(w, "HostKeyAlias", alias);
	if (!key && h->key_text) {
		key = xasprintf("%s/%s.key", w->dir, alias);
		if (write_secret(key, h->key_text, err) < 0)
			return -1;
	}
	if (!h->agent) {
		plain(w, "IdentityAgent none");
		plain(w, "IdentitiesOnly yes");
	}
	if (key)
		path_line(w, "IdentityFile", key);
	if (h->certificate_file)
		path_line(w, "CertificateFile", h->certificate_file);
	if (h->password) {
		plain(w, "PreferredAuthentications publickey,password,keyboard-interactive");
		plain(w, "NumberOfPasswordPrompts 1");
		if (add_answer(w, alias, h->password, err) < 0)
			return -1;
	}
	*ret_key = TAKE(key);
	return 0;
}

static void add_algorithms(struct writing *w)
{
	if (w->route->ciphers)
		line(w, "Ciphers", w->route->ciphers);
	if (w->route->key_exchange)
		line(w, "KexAlgorithms", w->route->key_exchange);
	/* Old guests know nothing better. */
	plain(w, "IgnoreUnknown PubkeyAcceptedAlgorithms");
	plain(w, "PubkeyAcceptedAlgorithms +ssh-rsa");
}

/* The key that our own connection saw, and no other. */
static int add_host_key(struct writing *w, struct error **err)
{
	const char *key = w->route->host_key;
	AUTO_FREE char *path = xasprintf("%s/known_hosts", w->dir);
	AUTO_FREE char *text = xasprintf("%s %s\n", MACHINE, key ? key : "");
	AUTO_FREE char *type = key ? xstrndup(key, strcspn(key, " ")) : NULL;

	plain(w, "GlobalKnownHostsFile /dev/null");
	plain(w, "CheckHostIP no");
	if (!key) {
		plain(w, "StrictHostKeyChecking no");
		plain(w, "UserKnownHostsFile /dev/null");
		plain(w, "LogLevel ERROR");
		plain(w, "HostKeyAlgorithms +ssh-rsa");
		return 0;
	}
	plain(w, "StrictHostKeyChecking yes");
	plain(w, "UpdateHostKeys no");
	path_line(w, "UserKnownHostsFile", path);
	line(w, "HostKeyAlgorithms",
	     text_eq(type, "ssh-rsa") ? "rsa-sha2-512,rsa-sha2-256,ssh-rsa" : type);
	return fs_write(path, text, strlen(text), 0600, err);
}

static int add_hop(struct writing *w, size_t i, struct error **err)
{
	const struct route_host *h = &w->route->hops.items[i];
	AUTO_FREE char *alias = xasprintf("%s-%zu", HOP, i + 1);
	AUTO_FREE char *before = i ? xasprintf("%s-%zu", HOP, i) : NULL, *key = NULL;

	strbuf_addf(&w->config, "Host %s\n", alias);
	line(w, "HostName", h->host);
	strbuf_addf(&w->config, "  Port %d\n", h->port);
	if (h->user)
		line(w, "User", h->user);
	if (before)
		line(w, "ProxyJump", before);
	plain(w, "StrictHostKeyChecking no");
	plain(w, "UserKnownHostsFile /dev/null");
	plain(w, "GlobalKnownHostsFile /dev/null");
	plain(w, "LogLevel ERROR");
	plain(w, "ControlMaster no");
	plain(w, "ControlPath none");
	add_algorithms(w);
	return add_login(w, h, alias, &key, err);
}

static int add_target(struct writing *w, char **ret_key, struct error **err)
{
	const struct comm_route *r = w->route;

	strbuf_addf(&w->config, "Host %s\n", r->target.host);
	if (strpbrk(r->target.host, "\" \n\r*?!,"))
		w->unsayable = true;
	if (r->hops.len) {
		AUTO_FREE char *last = xasprintf("%s-%zu", HOP, r->hops.len);

		line(w, "ProxyJump", last);
	}
	/* A machine that hangs: as our own connection notices it. */
	plain(w, "ServerAliveInterval 5");
	plain(w, "ServerAliveCountMax 12");
	plain(w, r->forward_agent ? "ForwardAgent yes" : "ForwardAgent no");
	add_algorithms(w);
	if (add_host_key(w, err) < 0)
		return -1;
	return add_login(w, &r->target, MACHINE, ret_key, err);
}

/* Hosts of the playbook's own. */
static void add_others(struct writing *w, const char *home)
{
	strbuf_addf(&w->config, "Host * !%s", w->route->target.host);
	for (size_t i = 0; i < w->route->hops.len; i++)
		strbuf_addf(&w->config, " !%s-%zu", HOP, i + 1);
	strbuf_addch(&w->config, '\n');
	plain(w, "StrictHostKeyChecking no");
	if (home && !strpbrk(home, "\"\n\r*?["))
		strbuf_addf(&w->config, "  Include \"%s/.ssh/config\"\n", home);
	plain(w, "Include /etc/ssh/ssh_config");
}

/* ---- all of it ---------------------------------------------------------------------------- */

static int write_askpass(const struct writing *w, struct ssh_files *f, struct error **err)
{
	AUTO_FREE char *path = xasprintf("%s/askpass", w->dir);
	AUTO_FREE char *text = xasprintf("#!/bin/sh\n# The prompt tells who asks.\n"
					 "case $1 in\n%sesac\nexit 1\n",
					 w->answers.buf);

	if (fs_write(path, text, strlen(text), 0700, err) < 0)
		return -1;
	if (access(path, X_OK) < 0)
		f->why_not = xasprintf("no program can be run in '%s', where one would have to "
				       "tell OpenSSH the password",
				       w->dir);
	f->askpass = TAKE(path);
	return 0;
}

static int write_all(struct writing *w, const char *home, struct ssh_files *f, struct error **err)
{
	if (add_target(w, &f->key, err) < 0)
		return -1;
	for (size_t i = 0; i < w->route->hops.len; i++)
		if (add_hop(w, i, err) < 0)
			return -1;
	add_others(w, home);
	/* ssh starts itself for a jump host, with the name of the file unquoted */
	if (w->route->hops.len && strpbrk(w->dir, " '\"$`\\%"))
		w->unsayable = true;
	if (w->unsayable) {
		f->why_not = xstrdup("OpenSSH's configuration cannot express it");
		return 0;
	}
	f->config = xasprintf("%s/ssh_config", w->dir);
	f->pinned = w->route->host_key != NULL;
	if (w->answers.len && write_askpass(w, f, err) < 0)
		return -1;
	return fs_write(f->config, w->config.buf, w->config.len, 0600, err);
}

int ssh_files_make(const struct comm_route *r, const char *dir, const char *home,
		   struct ssh_files *ret, struct error **err)
{
	struct writing w = {
		.route = r, .dir = dir, .config = STRBUF_INIT, .answers = STRBUF_INIT
	};

	*ret = (struct ssh_files){ 0 };

	int result = write_all(&w, home, ret, err);

	strbuf_release(&w.config);
	strbuf_release(&w.answers);
	return result;
}

char *ssh_files_args(const struct ssh_files *f, const char *users)
{
	AUTO(strbuf) struct strbuf sb = STRBUF_INIT;

	strbuf_addstr(&sb, "-F ");
	encode_shell_word(&sb, f->config);
	/* Without a password of its own Ansible tells ssh to ask for none; what comes first counts. */
	if (f->askpass)
		strbuf_addstr(&sb,
			      " -o PasswordAuthentication=yes -o "
			      "KbdInteractiveAuthentication=yes -o "
			      "PreferredAuthentications=publickey,password,keyboard-interactive");
	strbuf_addf(&sb, " %s", users ? users : DEFAULT_ARGS);
	return strbuf_detach(&sb);
}

void ssh_files_export(const struct ssh_files *f, struct strv *env)
{
	if (!f->askpass)
		return;
	env_put(env, "SSH_ASKPASS", f->askpass);
	env_put(env, "SSH_ASKPASS_REQUIRE", "force");
}
