/* SPDX-License-Identifier: Apache-2.0 */
#include "builder/bootstrap/host.h"

#include "base/alloc.h"
#include "base/path.h"
#include "base/str.h"
#include "os/fs.h"
#include "os/host.h"
#include "os/proc.h"

#include <errno.h>
#include <inttypes.h>
#include <linux/magic.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <sys/statfs.h>
#include <sys/statvfs.h>
#include <sys/utsname.h>
#include <unistd.h>

/* Programs of administrators, which users rarely have in PATH. */
#define SYSTEM_PATH "/usr/local/sbin:/usr/sbin:/sbin"

enum {
	SUBID_FILE_MAX = 1024 * 1024,
	SUBID_NEEDED = 65536,
	MEMORY_FACTOR = 2, /* of the tree: others want memory too */
};

struct tool {
	const char *program, *package;
	bool unprivileged_only, uefi_only, qcow2_only;
};

static const struct tool tools[] = {
	{ "mmdebstrap", "mmdebstrap" },
	{ "unshare", "util-linux" },
	{ "mke2fs", "e2fsprogs" },
	{ "sfdisk", "fdisk" },
	{ "grub-mkimage", "grub-common" },
	{ "mkfs.vfat", "dosfstools", .uefi_only = true },
	{ "mcopy", "mtools", .uefi_only = true },
	{ "qemu-img", "qemu-utils", .qcow2_only = true },
	{ "newuidmap", "uidmap", .unprivileged_only = true },
	{ "newgidmap", "uidmap", .unprivileged_only = true },
};

static bool have_program(const char *name)
{
	static const char *const dirs[] = { "/usr/local/sbin", "/usr/sbin", "/sbin" };
	AUTO(error) struct error *e = NULL;
	AUTO_FREE char *path = NULL;

	if (proc_find(name, &path, &e) == 0)
		return true;
	for (size_t i = 0; i < ARRAY_LEN(dirs); i++) {
		AUTO_FREE char *full = path_join(dirs[i], name);

		if (access(full, X_OK) == 0)
			return true;
	}
	return false;
}

static void missing(struct diags *diags, const struct range *at, const char *what,
		    const char *package)
{
	AUTO_FREE char *summary = xasprintf("'%s' is not installed", what);

	diags_error(diags, at, summary,
		    "The source type bootstrap needs it on this host. Debian's package %s brings "
		    "it: apt-get install %s",
		    package, package);
}

static void check_tools(const struct bootstrap *b, const struct range *at, struct diags *diags)
{
	for (size_t i = 0; i < ARRAY_LEN(tools); i++) {
		const struct tool *t = &tools[i];

		if ((t->unprivileged_only && geteuid() == 0) || (t->uefi_only && !b->uefi) ||
		    (t->qcow2_only && text_eq(b->format, "raw")))
			continue;
		if (!have_program(t->program))
			missing(diags, at, t->program, t->package);
	}
}

static void check_grub(const struct bootstrap *b, const struct range *at, struct diags *diags)
{
	if (!b->arch)
		return;
	if (b->bios && !fs_exists("/usr/lib/grub/i386-pc/boot.img"))
		missing(diags, at, "/usr/lib/grub/i386-pc/boot.img", "grub-pc-bin");
	if (b->uefi) {
		AUTO_FREE char *dir = xasprintf("/usr/lib/grub/%s", b->arch->efi_platform);

		if (!fs_exists(dir))
			missing(diags, at, dir, b->arch->efi_package);
	}
}

static void check_arch(const struct bootstrap *b, const struct range *at, struct diags *diags)
{
	struct utsname host;

	if (!b->arch || uname(&host) < 0 || !strcmp(host.machine, b->arch->machine))
		return;

	AUTO_FREE char *entry = xasprintf("/proc/sys/fs/binfmt_misc/%s", b->arch->binfmt);

	if (!fs_exists(entry))
		diags_error(diags, at, "This host cannot run programs of that architecture",
			    "The packages of %s run while they are installed. Install the emulator "
			    "(apt-get install qemu-user-static binfmt-support) or use a host of "
			    "that architecture.",
			    b->arch->name);
}

static void check_keyring(const struct bootstrap *b, const struct prepare_ctx *ctx,
			  struct diags *diags)
{
	struct range at = decoded_range(ctx->decoded, "keyring");

	if (b->keyring && !fs_exists(b->keyring))
		diags_error(diags, &at, "The keyring does not exist", "There is no file '%s'.",
			    b->keyring);
	else if (!b->keyring && b->distro && !fs_exists(b->distro->host_keyring))
		missing(diags, &at, b->distro->host_keyring, b->distro->keyring_package);
}

/* A line NAME:START:COUNT with enough ids for `user`. */
static bool line_grants(struct str line, const char *user, const char *uid)
{
	struct str rest, count;
	struct str name = str_split(line, ':', &rest);
	int64_t n;

	(void)str_split(rest, ':', &count);

	AUTO_FREE char *digits = str_dup(str_trim(count));

	return (str_is(name, user) || str_is(name, uid)) && parse_int64(digits, 10, &n) &&
	       n >= SUBID_NEEDED;
}

static bool has_subids(const char *path, const char *user, const char *uid)
{
	AUTO(strbuf) struct strbuf text = STRBUF_INIT_MAX(SUBID_FILE_MAX);
	AUTO(error) struct error *e = NULL;

	if (fs_read(path, SUBID_FILE_MAX, &text, &e) < 0)
		return false;
	for (struct str rest = { text.buf, text.len }; rest.len;) {
		struct str line = str_split(rest, '\n', &rest);

		if (line_grants(line, user, uid))
			return true;
	}
	return false;
}

static bool is_kernel_switch(const char *path, char value)
{
	AUTO(strbuf) struct strbuf text = STRBUF_INIT_MAX(64);
	AUTO(error) struct error *e = NULL;

	return fs_read(path, 64, &text, &e) == 0 && text.buf[0] == value;
}

/* Only without root: a range of ids of our own, and a kernel that lets us use it. */
static void check_namespaces(const struct range *at, struct diags *diags)
{
	struct passwd pw, *found = NULL;
	char buf[4096];
	AUTO_FREE char *uid = xasprintf("%u", (unsigned)geteuid());
	const char *user = uid;

	if (geteuid() == 0)
		return;
	if (getpwuid_r(geteuid(), &pw, buf, sizeof(buf), &found) == 0 && found)
		user = found->pw_name;
	if (!has_subids("/etc/subuid", user, uid) || !has_subids("/etc/subgid", user, uid))
		diags_error(diags, at, "This user has no range of subordinate ids",
			    "Without root, the owners of an image's files are mapped to ids in "
			    "/etc/subuid and /etc/subgid. An administrator adds them with: usermod "
			    "--add-subuids 100000-165535 --add-subgids 100000-165535 %s",
			    user);
	if (is_kernel_switch("/proc/sys/kernel/unprivileged_userns_clone", '0'))
		diags_error(diags, at, "User name spaces are switched off",
			    "An administrator allows them with: sysctl "
			    "kernel.unprivileged_userns_clone=1");
	if (is_kernel_switch("/proc/sys/user/max_user_namespaces", '0'))
		diags_error(diags, at, "User name spaces are switched off",
			    "An administrator allows them with: sysctl "
			    "user.max_user_namespaces=15000");
	if (is_kernel_switch("/proc/sys/kernel/apparmor_restrict_unprivileged_userns", '1'))
		diags_warning(diags, at, "AppArmor restricts user name spaces",
			      "If the build fails with 'Operation not permitted', an administrator "
			      "allows them with: sysctl "
			      "kernel.apparmor_restrict_unprivileged_userns=0");
}

void host_check(const struct bootstrap *b, const struct prepare_ctx *ctx, struct diags *diags)
{
	struct range at = decoded_range(ctx->decoded, "");
	struct range arch_at = decoded_range(ctx->decoded, "architecture");

	check_tools(b, &at, diags);
	check_grub(b, &at, diags);
	check_arch(b, &arch_at, diags);
	check_keyring(b, ctx, diags);
	check_namespaces(&at, diags);
}

/* Variables that would change what the tools do, or that are set below. */
static const char *const dropped[] = {
	"LANG",           "LANGUAGE",      "TMPDIR",   "TZ",       "SOURCE_DATE_EPOCH",
	"APT_CONFIG",     "MKE2FS_CONFIG", "MTOOLSRC", "PERL5LIB", "PERL5OPT",
	"DPKG_ROOT",      "PATH",          "ENV",      "BASH_ENV", "E2FSPROGS_FAKE_TIME",
	"QEMU_LD_PREFIX", "PKR_VAR",       NULL,
};

static bool is_dropped(const char *entry)
{
	if (text_starts_with(entry, "LC_") || text_starts_with(entry, "PKR_VAR_"))
		return true;
	for (size_t i = 0; dropped[i]; i++) {
		size_t len = strlen(dropped[i]);

		if (!strncmp(entry, dropped[i], len) && entry[len] == '=')
			return true;
	}
	return false;
}

void host_environment(char *const *own, const char *temp_dir, int64_t epoch, struct strv *ret)
{
	const char *path = "/usr/local/bin:/usr/bin:/bin";

	for (; own && *own; own++) {
		if (text_starts_with(*own, "PATH="))
			path = *own + strlen("PATH=");
		if (!is_dropped(*own))
			strv_push(ret, *own);
	}
	strv_pushf(ret, "PATH=%s:" SYSTEM_PATH, path);
	strv_pushf(ret, "TMPDIR=%s", temp_dir);
	strv_pushl(ret, "LC_ALL=C.UTF-8", "TZ=UTC", "DEBIAN_FRONTEND=noninteractive",
		   "MTOOLS_SKIP_CHECK=1", (char *)NULL);
	if (epoch < 0)
		return;
	strv_pushf(ret, "SOURCE_DATE_EPOCH=%lld", (long long)epoch);
	strv_pushf(ret, "E2FSPROGS_FAKE_TIME=%lld", (long long)epoch);
}

void host_namespace(struct strv *argv, bool as_root)
{
	strv_push(argv, "unshare");
	if (!as_root)
		strv_pushl(argv, "--map-root-user", "--map-auto", (char *)NULL);
	strv_pushl(argv, "--mount", "--pid", "--fork", "--kill-child", "--mount-proc",
		   (char *)NULL);
}

const char *host_memory_dir(int64_t size)
{
	static const char dir[] = "/dev/shm";
	struct statfs fs;
	struct statvfs vfs;
	int64_t free_bytes;

	if (statfs(dir, &fs) < 0 || fs.f_type != TMPFS_MAGIC || statvfs(dir, &vfs) < 0 ||
	    vfs.f_flag & (ST_NOEXEC | ST_RDONLY) || access(dir, W_OK) < 0)
		return NULL;
	free_bytes = (int64_t)vfs.f_bavail * (int64_t)vfs.f_frsize;
	return MIN(free_bytes, host_memory_available()) >= MEMORY_FACTOR * size ? dir : NULL;
}
