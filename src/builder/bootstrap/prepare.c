/* SPDX-License-Identifier: Apache-2.0 */
/* Is the configuration right? Every mistake that can be seen before the cast is told here. */
#include "base/alloc.h"
#include "base/path.h"
#include "base/suggest.h"
#include "builder/bootstrap/check.h"
#include "builder/bootstrap/config.h"
#include "builder/bootstrap/host.h"
#include "builder/bootstrap/layout.h"
#include "os/fs.h"

#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>

enum { LABEL_MAX = 16, SUITE_MAX = 64 };

struct preparation {
	struct bootstrap *b;
	const struct prepare_ctx *ctx;
	struct diags *diags;
};

PRINTF(4, 5)
static void complain(struct preparation *p, const char *attr, const char *summary, const char *fmt,
		     ...)
{
	struct range at = decoded_range(p->ctx->decoded, attr);
	va_list ap;

	va_start(ap, fmt);
	AUTO(strbuf) struct strbuf detail = STRBUF_INIT;
	strbuf_vaddf(&detail, fmt, ap);
	va_end(ap);
	diags_error(p->diags, &at, summary, "%s", detail.buf);
}

static void complain_unknown(struct preparation *p, const char *attr, const char *value,
			     const char *const *known)
{
	AUTO(strv) struct strv all = STRV_INIT;
	const char *near = suggest(value, known);
	AUTO_FREE char *summary = xasprintf("Unknown %s", attr);

	for (size_t i = 0; known[i]; i++)
		strv_push(&all, known[i]);

	AUTO_FREE char *list = strv_join(&all, ", ");

	if (near)
		complain(p, attr, summary, "There is no %s '%s'. Did you mean '%s'?", attr, value,
			 near);
	else
		complain(p, attr, summary, "There is no %s '%s'. Known are: %s.", attr, value,
			 list);
}

static const char *absolute(struct preparation *p, const char *path)
{
	AUTO_FREE char *full = path_absolute(p->ctx->cwd, path);

	return arena_strdup(p->ctx->arena, full);
}

static void default_list(struct preparation *p, struct text_list *l, const char *only)
{
	const char **v;

	if (l->len)
		return;
	v = ARENA_ARRAY(p->ctx->arena, const char *, 2);
	v[0] = only;
	*l = (struct text_list){ .v = v, .len = 1 };
}

/* Archives of one's own may have releases of any name; they are taken to look like new ones. */
static const struct distro_release *custom_release(struct preparation *p, const char *name)
{
	struct distro_release *rel = ARENA_NEW(p->ctx->arena, struct distro_release);

	*rel = (struct distro_release){
		.name = name,
		.resolved_package = true,
		.compression = "zstd",
	};
	return rel;
}

static void prepare_release(struct preparation *p, bool own_mirror)
{
	struct bootstrap *b = p->b;
	const char *names[32] = { NULL };
	size_t n = 0;

	b->rel = distro_release_find(b->distro, b->release);
	if (!b->rel && own_mirror && is_word_of(b->release, "-.+") &&
	    strlen(b->release) <= SUITE_MAX)
		b->rel = custom_release(p, b->release);
	if (b->rel)
		return;
	for (const struct distro_release *r = b->distro->releases;
	     r->name && n + 1 < ARRAY_LEN(names); r++)
		names[n++] = r->name;
	complain_unknown(p, "release", b->release, names);
}

/* Paths are appended to it, and some servers refuse double slashes. */
static const char *trim_mirror(struct preparation *p, const char *attr, const char *mirror)
{
	size_t len = strlen(mirror);

	while (len && mirror[len - 1] == '/')
		len--;
	if (len && !is_mirror(mirror))
		complain(p, attr, "Invalid mirror",
			 "'%s' is not an address like http://deb.debian.org/debian.", mirror);
	return arena_strndup(p->ctx->arena, mirror, len);
}

static void prepare_mirrors(struct preparation *p)
{
	struct bootstrap *b = p->b;
	bool own;

	b->mirror = trim_mirror(p, "mirror", b->mirror ? b->mirror : b->distro->mirror);
	own = strcmp(b->mirror, b->distro->mirror) != 0;
	prepare_release(p, own);
	if (b->security_mirror)
		b->security_mirror = trim_mirror(p, "security_mirror", b->security_mirror);
	else
		b->security_mirror = own ? "" : b->distro->security_mirror;
	if (!*b->security_mirror && !decoded_is_set(p->ctx->decoded, "security_mirror")) {
		struct range at = decoded_range(p->ctx->decoded, "mirror");

		diags_warning(p->diags, &at, "No security updates",
			      "mirror is set and security_mirror is not, so that the image gets no "
			      "security updates. Set security_mirror, or make it \"\" to say that "
			      "this is meant.");
	}
}

static void prepare_archive(struct preparation *p)
{
	struct bootstrap *b = p->b;

	b->distro = distro_find(b->distribution);
	if (!b->distro) {
		complain_unknown(p, "distribution", b->distribution, distro_names());
		return;
	}
	prepare_mirrors(p);
	if (b->keyring)
		b->keyring = absolute(p, b->keyring);
	default_list(p, &b->components, "main");
	for (size_t i = 0; i < b->components.len; i++)
		if (!is_word_of(b->components.v[i], "-/"))
			complain(p, "components", "Invalid component",
				 "'%s' is not the name of a component like main.",
				 b->components.v[i]);
}

static void prepare_firmware(struct preparation *p)
{
	struct bootstrap *b = p->b;
	const char *want = b->firmware ? b->firmware : b->arch->bios_platform ? "both" : "uefi";

	b->firmware = want;
	b->bios = strcmp(want, "uefi") != 0;
	b->uefi = strcmp(want, "bios") != 0;
	if (b->bios && !b->arch->bios_platform) {
		complain(p, "firmware", "No such firmware",
			 "Machines of architecture %s have no "
			 "BIOS: use firmware = \"uefi\".",
			 b->arch->name);
		b->bios = false;
	}
}

static void prepare_machine(struct preparation *p)
{
	struct bootstrap *b = p->b;
	struct utsname host = { 0 };

	if (b->architecture)
		b->arch = arch_find(b->architecture);
	else if (uname(&host) == 0)
		b->arch = arch_of_machine(host.machine);
	if (!b->arch) {
		complain_unknown(p, "architecture",
				 b->architecture ? b->architecture : host.machine, arch_names());
		return;
	}
	b->architecture = b->arch->name;
	prepare_firmware(p);
	if (!b->kernel_package)
		b->kernel_package = b->arch->kernel_package;
	if (!is_package_name(b->kernel_package))
		complain(p, "kernel_package", "Invalid package name",
			 "'%s' is not the name of a package.", b->kernel_package);
	for (size_t i = 0; i < b->packages.len; i++)
		if (!is_package_name(b->packages.v[i]))
			complain(p, "packages", "Invalid package name",
				 "'%s' is not the name of a package.", b->packages.v[i]);
	for (size_t i = 0; i < b->kernel_options.len; i++)
		if (!is_word_of(b->kernel_options.v[i], "_.,:=/@+-"))
			complain(p, "kernel_options", "Invalid kernel option",
				 "'%s' is not one plain word.", b->kernel_options.v[i]);
}

/* Names of sources may have underscores, host names not. */
static const char *default_hostname(struct preparation *p)
{
	char *name = arena_strdup(p->ctx->arena, p->ctx->info->source_name);

	for (char *c = name; *c; c++)
		if (*c == '_')
			*c = '-';
	return name;
}

static void prepare_system(struct preparation *p)
{
	struct bootstrap *b = p->b;

	if (!b->hostname)
		b->hostname = default_hostname(p);
	if (!is_hostname(b->hostname))
		complain(p, "hostname", "Invalid host name",
			 "'%s' must be letters, digits and inner hyphens.", b->hostname);
	if (!is_locale(b->locale))
		complain(p, "locale", "Invalid locale",
			 "'%s' is not a locale like C.UTF-8 or de_DE.UTF-8.", b->locale);
	if (!is_word_of(b->timezone, "/_+-") || strstr(b->timezone, "//") || b->timezone[0] == '/')
		complain(p, "timezone", "Invalid time zone",
			 "'%s' is not a name like Etc/UTC or Europe/Berlin.", b->timezone);
	else if (fs_exists("/usr/share/zoneinfo/Etc/UTC")) {
		AUTO_FREE char *zone = path_join("/usr/share/zoneinfo", b->timezone);

		if (!fs_exists(zone))
			complain(p, "timezone", "Unknown time zone",
				 "'%s' is not in this host's zoneinfo database.", b->timezone);
	}
}

static void check_user_details(struct preparation *p, const struct bootstrap_user *u)
{
	for (size_t i = 0; i < u->ssh_authorized_keys.len; i++)
		if (!is_authorized_key(u->ssh_authorized_keys.v[i]))
			complain(p, "user", "Invalid SSH key",
				 "Key %zu of user '%s' is not one line like ssh-ed25519 AAAA… "
				 "comment. Private keys do not belong here.",
				 i + 1, u->name);
	if (u->password_hash && !is_password_hash(u->password_hash))
		complain(p, "user", "Invalid password hash",
			 "The password_hash of user '%s' is not a crypt(5) hash. Make one with: "
			 "mkpasswd --method=yescrypt",
			 u->name);
	for (size_t i = 0; i < u->groups.len; i++)
		if (!is_user_name(u->groups.v[i]))
			complain(p, "user", "Invalid group name", "'%s' cannot name a group.",
				 u->groups.v[i]);
	if (u->shell[0] != '/' || !is_word_of(u->shell, "/._-"))
		complain(p, "user", "Invalid shell", "'%s' is not an absolute path.", u->shell);
}

static void prepare_users(struct preparation *p)
{
	const struct bootstrap *b = p->b;
	bool reachable = false;

	for (size_t i = 0; i < b->user.len; i++) {
		const struct bootstrap_user *u = bootstrap_user_at(b, i);

		if (!is_user_name(u->name))
			complain(p, "user", "Invalid user name",
				 "'%s' must be small letters, digits, _ and -.", u->name);
		for (size_t k = 0; k < i; k++)
			if (!strcmp(bootstrap_user_at(b, k)->name, u->name))
				complain(p, "user", "User named twice",
					 "There are two blocks for the user '%s'.", u->name);
		check_user_details(p, u);
		reachable |= u->ssh_authorized_keys.len || u->password_hash;
	}
	if (!reachable) {
		struct range at = decoded_range(p->ctx->decoded, "user");

		diags_warning(p->diags, &at, "Nobody can log in",
			      "No user has ssh_authorized_keys or a password_hash, so that the "
			      "image cannot be entered once it runs.");
	}
}

static void prepare_disk(struct preparation *p)
{
	struct bootstrap *b = p->b;

	if (!parse_disk_size(b->disk_size, &b->disk_bytes))
		complain(p, "disk_size", "Invalid disk size",
			 "'%s' is not a size like 4G or 2048M.", b->disk_size);
	else if (b->disk_bytes < LAYOUT_DISK_MIN)
		complain(p, "disk_size", "The disk is too small",
			 "%s is less than the %lld MiB that the smallest system needs.",
			 b->disk_size, (long long)(LAYOUT_DISK_MIN >> 20));
	if (strlen(b->root_label) > LABEL_MAX || !is_word_of(b->root_label, "_.-"))
		complain(p, "root_label", "Invalid label",
			 "'%s' must be 1 to %d letters, digits, dots, _ or -.", b->root_label,
			 LABEL_MAX);
}

static void prepare_output(struct preparation *p)
{
	struct bootstrap *b = p->b;
	const struct component_info *info = p->ctx->info;
	const char *dir = b->output_directory;

	if (text_is_empty(dir))
		dir = arena_printf(p->ctx->arena, "output-%s", info->source_name);
	b->output_directory = dir;
	b->output_dir = absolute(p, dir);
	if (text_is_empty(b->vm_name))
		b->vm_name = info->source_name;
	if (strchr(b->vm_name, '/') || b->vm_name[0] == '.')
		complain(p, "vm_name", "Invalid image name",
			 "'%s' must be the name of a file, without directories.", b->vm_name);
	b->image_name = arena_printf(p->ctx->arena, "%s.%s", b->vm_name, b->format);
	/* -force replaces the directory as a whole */
	if (path_is_below(p->ctx->cwd, b->output_dir) ||
	    (p->ctx->dirs->home && path_is_below(p->ctx->dirs->home, b->output_dir)))
		complain(p, "output_directory", "Output directory holds other things",
			 "The working directory or your home directory lies in '%s'. Name a "
			 "directory for this image alone.",
			 dir);
	else if (!info->force && fs_exists(b->output_dir))
		complain(p, "output_directory", "Output directory exists",
			 "Output directory '%s' already exists. It must not exist. Use -force to "
			 "replace it.",
			 dir);
}

void bootstrap_prepare(void *config, const struct prepare_ctx *ctx, struct diags *diags)
{
	struct preparation p = { .b = config, .ctx = ctx, .diags = diags };

	prepare_archive(&p);
	prepare_machine(&p);
	prepare_system(&p);
	prepare_users(&p);
	prepare_disk(&p);
	prepare_output(&p);
	host_check(p.b, ctx, diags);
}
