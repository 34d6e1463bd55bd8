/* SPDX-License-Identifier: Apache-2.0 */
#include "provisioner/ansible/reach.h"

#include "base/alloc.h"
#include "base/path.h"
#include "base/str.h"
#include "os/fs.h"
#include "os/log.h"
#include "os/proc.h"
#include "provisioner/ansible/version.h"

#include <pwd.h>
#include <stdlib.h>
#include <unistd.h>

/* The last version in which the docker connection is part of Ansible itself. */
enum { BUILTIN_MAJOR = 2, BUILTIN_MINOR = 9, PORT_WINRM = 5986 };

void reach_close(struct reach *r)
{
	proxy_free(r->proxy);
	ssh_files_release(&r->ssh);
	comm_route_release(&r->route);
	free(r->text);
	*r = (struct reach){ 0 };
}

/* ---- what the build knows ----------------------------------------------------------------- */

/* Borrowed; NULL: not known, or empty. */
static const char *build_text(const struct provision_ctx *ctx, const char *name)
{
	const struct value *v = ctx->generated ? value_get(ctx->generated, name) : NULL;

	if (!v || !value_is_known(v) || value_is_null(v) ||
	    type_kind(value_type(v)) != TYPE_STRING || !*value_as_string(v))
		return NULL;
	return value_as_string(v);
}

static int build_port(const struct provision_ctx *ctx, int fallback)
{
	const struct value *v = ctx->generated ? value_get(ctx->generated, "Port") : NULL;
	AUTO(strbuf) struct strbuf text = STRBUF_INIT;
	int64_t n;

	if (!v || !value_is_known(v) || value_is_null(v))
		return fallback;
	if (type_kind(value_type(v)) == TYPE_STRING)
		strbuf_addstr(&text, value_as_string(v));
	else
		value_format_json(&text, v);
	return parse_int64(text.buf, 10, &n) && n > 0 && n < 65536 ? (int)n : fallback;
}

static char *copy(const char *text)
{
	return text_is_empty(text) ? NULL : xstrdup(text);
}

/* A machine of a plugin's builder: what that told of it. */
static void route_by_values(const struct provision_ctx *ctx, struct comm_route *ret)
{
	const struct value *agent =
		ctx->generated ? value_get(ctx->generated, "SSHAgentAuth") : NULL;

	comm_route_release(ret);
	ret->kind = COMM_ROUTE_OPENSSH;
	ret->target = (struct route_host){
		.host = copy(build_text(ctx, "Host")),
		.user = copy(build_text(ctx, "User")),
		.port = build_port(ctx, 22),
		.key_file = copy(build_text(ctx, "SSHPrivateKeyFile")),
		.key_text = copy(build_text(ctx, "SSHPrivateKey")),
		.password = copy(build_text(ctx, "Password")),
		.agent = agent && value_is_known(agent) && !value_is_null(agent) &&
			 type_kind(value_type(agent)) == TYPE_BOOL && value_as_bool(agent),
	};
}

/* ---- containers --------------------------------------------------------------------------- */

static bool has_plugin(const char *folder, const char *file)
{
	AUTO_FREE char *path = xasprintf("%s/ansible_collections/%s", folder, file);

	return fs_exists(path);
}

/* In the folders of collections that Ansible looks into. */
static bool is_installed(const struct reach_options *o, const char *modules, const char *file)
{
	AUTO_FREE char *own =
		text_is_empty(o->config->collections_path)
			? NULL
			: path_absolute(o->ctx->build->cwd, o->config->collections_path);
	AUTO_FREE char *beside = modules ? path_dirname(modules) : NULL;
	AUTO_FREE char *folders = settings_paths(o->settings, &setting_collections_path,
						 "~/.ansible/collections:"
						 "/usr/share/ansible/collections",
						 o->ctx->build->cwd);
	struct str rest = str_of(folders);

	if ((own && has_plugin(own, file)) || (beside && has_plugin(beside, file)))
		return true;
	while (rest.len) {
		AUTO_FREE char *folder = str_dup(str_split(rest, ':', &rest));

		if (has_plugin(folder, file))
			return true;
	}
	return false;
}

/* Name of the connection plugin; NULL: there is none. */
static const char *container_plugin(const struct reach_options *o, const struct comm_route *r)
{
	const char *name = path_basename(r->program);
	AUTO(ansible_version) struct ansible_version v = { 0 };
	AUTO(error) struct error *e = NULL;
	const struct host_dirs *dirs = o->ctx->build->dirs;

	if (ansible_version_ask(o->config->command, o->settings->env->v, dirs ? dirs->cache : NULL,
				o->ctx->build->cancel, &v, &e) < 0) {
		error_ignore(&e, "the run says what is wrong");
		return NULL;
	}
	if (text_eq(name, "podman"))
		return is_installed(o, v.modules, "containers/podman/plugins/connection/podman.py")
			       ? "containers.podman.podman"
			       : NULL;
	/* The plugin looks for it by this name itself. */
	if (!text_eq(r->program, "docker"))
		return NULL;
	if (v.major < BUILTIN_MAJOR || (v.major == BUILTIN_MAJOR && v.minor <= BUILTIN_MINOR))
		return "docker";
	return is_installed(o, v.modules, "community/docker/plugins/connection/docker.py")
		       ? "community.docker.docker"
		       : NULL;
}

/* ---- which way ---------------------------------------------------------------------------- */

/* What is about the proxy was written for it. NULL: nothing. */
static const char *asks_for_proxy(const struct reach_options *o, const struct reach *r)
{
	const struct ansible_config *c = o->config;
	const char *login =
		r->route.kind == COMM_ROUTE_OPENSSH ? r->route.target.user : r->route.exec_user;

	if (c->local_port || !text_is_empty(c->ssh_host_key_file) ||
	    !text_is_empty(c->ssh_authorized_key_file))
		return "the template sets options of the proxy";
	if (!text_is_empty(c->user) && !text_eq(c->user, login))
		return "the build logs in as another user than Ansible";
	if (r->route.kind == COMM_ROUTE_CONTAINER && !text_is_empty(c->inventory_file))
		return "the inventory is the template's own";
	if (r->route.kind == COMM_ROUTE_CONTAINER && !text_is_empty(c->inventory_file_template))
		return "the line of the inventory is the template's own";
	return NULL;
}

/* NULL: straight. */
static const char *why_proxy(const struct reach_options *o, struct reach *r)
{
	const char *why = NULL;

	if (o->config->use_proxy == TRIBOOL_TRUE)
		return "use_proxy = true";
	if (r->route.kind == COMM_ROUTE_NONE)
		return r->route.why_not ? r->route.why_not
					: "only the communicator reaches the machine";
	if (o->config->use_proxy == TRIBOOL_UNSET)
		why = asks_for_proxy(o, r);
	if (why || r->route.kind != COMM_ROUTE_CONTAINER)
		return why;
	r->host.connection = container_plugin(o, &r->route);
	return r->host.connection ? NULL
				  : "this Ansible has no plugin for connections to the container";
}

static int open_container(const struct reach_options *o, struct reach *r)
{
	const char *user = o->config->user;

	r->host.kind = INVENTORY_CONTAINER;
	r->host.host = r->route.container;
	r->host.user = text_is_empty(user) ? r->route.exec_user : user;
	if (strchr(r->route.program, '/'))
		r->host.executable = r->route.program;
	return 0;
}

static int open_winrm(const struct reach_options *o, struct reach *r)
{
	r->host = (struct inventory_host){
		.kind = INVENTORY_WINRM,
		.host = build_text(o->ctx, "Host"),
		.user = text_is_empty(o->config->user) ? build_text(o->ctx, "User")
						       : o->config->user,
		.port = build_port(o->ctx, PORT_WINRM),
	};
	r->password = build_text(o->ctx, "WinRMPassword");
	if (!r->password)
		r->password = build_text(o->ctx, "Password");
	return 0;
}

/* Over OpenSSH to what r->route says. 0 with r->ssh.why_not: that cannot be said. */
static int open_ssh(const struct reach_options *o, struct reach *r, struct error **err)
{
	const char *home = o->ctx->build->dirs ? o->ctx->build->dirs->home : NULL;

	if (ssh_files_make(&r->route, o->dir, home, &r->ssh, err) < 0)
		return -1;
	r->host = (struct inventory_host){
		.kind = INVENTORY_SSH,
		.host = r->route.target.host,
		.user = text_is_empty(o->config->user) || r->proxy ? r->route.target.user
								   : o->config->user,
		.port = r->route.target.port,
		.key = r->ssh.key,
	};
	return 0;
}

/* ---- the proxy ---------------------------------------------------------------------------- */

static char *local_user(void)
{
	struct passwd pw, *found = NULL;
	char buf[4096];

	if (getpwuid_r(geteuid(), &pw, buf, sizeof(buf), &found) == 0 && found)
		return xstrdup(found->pw_name);
	return xstrdup("root");
}

static int open_proxy(const struct reach_options *o, struct reach *r, struct error **err)
{
	const struct ansible_config *c = o->config;
	AUTO_FREE char *user = text_is_empty(c->user) ? local_user() : xstrdup(c->user);
	const struct proxy_options options = {
		.user = user,
		.authorized_key_file = c->ssh_authorized_key_file,
		.host_key_file = c->ssh_host_key_file,
		.key_type = c->ansible_proxy_key_type,
		.port = (int)c->local_port,
		.sftp_command = c->sftp_command,
	};

	ui_say(o->ctx->build->ui, "Setting up proxy adapter for Ansible....");
	comm_route_release(&r->route);
	ssh_files_release(&r->ssh);
	if (proxy_start(&options, o->ctx->comm, o->ctx->build, &r->proxy, err) < 0)
		return -1;
	r->route.kind = COMM_ROUTE_OPENSSH;
	r->route.target = (struct route_host){
		.host = xstrdup("127.0.0.1"),
		.user = TAKE(user),
		.port = proxy_port(r->proxy),
		.key_file = copy(proxy_key_file(r->proxy)),
		/* the other half of ssh_authorized_key_file is where the user has it */
		.agent = !proxy_key_file(r->proxy),
	};
	r->route.host_key = copy(proxy_host_key(r->proxy));
	if (open_ssh(o, r, err) < 0)
		return -1;
	if (r->ssh.why_not)
		return error_set(err, ERROR_INVALID, "cannot use the proxy for Ansible: %s",
				 r->ssh.why_not);
	return 0;
}

/* ---- all together ------------------------------------------------------------------------- */

/* What the reference needs the template to ask for: a plugin's machine, by what is told of it. */
static bool takes_values(const struct reach_options *o, struct reach *r)
{
	const char *type = build_text(o->ctx, "ConnType");

	if (o->config->use_proxy != TRIBOOL_FALSE || r->route.kind != COMM_ROUTE_NONE ||
	    r->route.why_not || !build_text(o->ctx, "Host"))
		return false;
	if (text_eq(type, "ssh"))
		route_by_values(o->ctx, &r->route);
	return text_eq(type, "winrm");
}

int reach_open(const struct reach_options *o, struct reach *ret, struct error **err)
{
	struct reach *r = ret;
	const char *why;

	*r = (struct reach){ 0 };
	if (o->config->use_proxy != TRIBOOL_TRUE &&
	    comm_route(o->ctx->comm, &r->route, o->ctx->build->cancel, err) < 0)
		return -1;
	if (takes_values(o, r))
		return open_winrm(o, r);
	why = why_proxy(o, r);
	if (!why && r->route.kind == COMM_ROUTE_CONTAINER)
		return open_container(o, r);
	if (!why && open_ssh(o, r, err) < 0)
		return -1;
	if (!why)
		why = r->ssh.why_not;
	if (!why)
		return 0;
	log_debug("ansible", "through the proxy: %s", why);
	if (o->config->use_proxy == TRIBOOL_FALSE)
		ui_error(o->ctx->build->ui,
			 "warning: use_proxy = false, but Ansible cannot go straight to the "
			 "machine: %s. It goes through the proxy.",
			 why);
	return open_proxy(o, r, err);
}

static bool user_says(const struct reach_options *o, const struct setting *which)
{
	return settings_get(o->settings, which) != NULL;
}

void reach_export(const struct reach *r, const struct reach_options *o, struct strv *env)
{
	if (!user_says(o, &setting_pipelining))
		env_put(env, "ANSIBLE_PIPELINING", "True");
	if (r->host.kind != INVENTORY_SSH)
		return;
	env_default(env, "ANSIBLE_PARAMIKO_HOST_KEY_CHECKING", "False");
	/* Hosts of the user's own inventory are reached as the user says. */
	if (text_is_empty(o->config->inventory_file) || r->proxy) {
		AUTO_FREE char *args =
			ssh_files_args(&r->ssh, settings_get(o->settings, &setting_ssh_args));

		env_put(env, "ANSIBLE_SSH_ARGS", args);
		ssh_files_export(&r->ssh, env);
	} else {
		env_default(env, "ANSIBLE_HOST_KEY_CHECKING", "False");
	}
	if (o->sockets && !user_says(o, &setting_control_path))
		env_put(env, "ANSIBLE_SSH_CONTROL_PATH_DIR", o->sockets);
	/* dd needs nothing on the machine but what is always there */
	if (r->proxy && !o->config->use_sftp && !user_says(o, &setting_transfer))
		env_put(env, "ANSIBLE_SSH_TRANSFER_METHOD", "piped");
}
