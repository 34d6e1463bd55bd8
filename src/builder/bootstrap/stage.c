/* SPDX-License-Identifier: Apache-2.0 */
#include "builder/bootstrap/stage.h"

#include "base/alloc.h"
#include "base/path.h"
#include "base/str.h"
#include "builder/bootstrap/archive.h"
#include "builder/bootstrap/files.h"
#include "os/fs.h"

#include <stdlib.h>
#include <string.h>

/* What goes into every image: a text of files/, where, its mode. */
static const struct {
	const char *file, *path, *mode;
} contents[] = {
	{ "grub.cfg", "boot/grub/grub.cfg", "0644" },
	{ "fstab", "etc/fstab", "0644" },
	{ "hosts", "etc/hosts", "0644" },
	{ "dhcp.network", "etc/systemd/network/80-ingot-dhcp.network", "0644" },
	{ "sshd.conf", "etc/ssh/sshd_config.d/10-ingot.conf", "0644" },
	{ "host-keys", "usr/local/lib/ingot/host-keys", "0755" },
	{ "host-keys.service", "etc/systemd/system/ingot-host-keys.service", "0644" },
	{ "grow-root", "usr/local/lib/ingot/grow-root", "0755" },
	{ "grow-root.service", "etc/systemd/system/ingot-grow-root.service", "0644" },
	{ "initrd-hook", "etc/initramfs-tools/hooks/ingot", "0755" },
	{ "initrd.conf", "etc/initramfs-tools/conf.d/ingot", "0644" },
};
static const char *const hooks[] = { "init.sh", "setup.sh", "essential.sh", "customize.sh",
				     "pack.sh" };

const char *embedded_text(const char *name)
{
	const struct embedded_file *f = embedded_files;

	while (f->name && strcmp(f->name, name) != 0)
		f++;
	assert(f->name);
	return f->text;
}

static char *join_words(const char *const *words)
{
	AUTO(strv) struct strv all = STRV_INIT;

	for (; *words; words++)
		strv_push(&all, *words);
	return strv_join(&all, " ");
}

char *stage_render(const struct bootstrap *b, const struct disk_ids *ids, const char *file)
{
	struct strbuf text = STRBUF_INIT;
	AUTO(strbuf) struct strbuf options = STRBUF_INIT;
	AUTO_FREE char *modules = join_words(initrd_modules);
	AUTO_FREE char *timeout = xasprintf("%lld", (long long)b->boot_timeout);

	if (bootstrap_is_virtual(b) && b->arch->virtual_options)
		strbuf_addf(&options, " %s", b->arch->virtual_options);
	for (size_t i = 0; i < b->kernel_options.len; i++)
		strbuf_addf(&options, " %s", b->kernel_options.v[i]);

	const struct {
		const char *name, *value;
	} words[] = {
		{ "@ROOT@", ids->filesystem },
		{ "@HOSTNAME@", b->hostname },
		{ "@TITLE@", b->distro->title },
		{ "@SERIAL@", b->arch->serial },
		{ "@OPTIONS@", options.buf },
		{ "@TIMEOUT@", timeout },
		{ "@MODULES@", modules },
		/* kernels for virtual machines need few drivers; others may run anywhere */
		{ "@KIND@", bootstrap_is_virtual(b) ? "list" : "most" },
		{ "@COMPRESS@", b->rel->compression },
	};

	strbuf_addstr(&text, embedded_text(file));
	for (size_t i = 0; i < ARRAY_LEN(words); i++)
		strbuf_replace(&text, words[i].name, words[i].value);
	return strbuf_detach(&text);
}

struct stage {
	const struct bootstrap *b;
	const char *dir;
	struct strbuf list; /* overlay.list */
};

static int write_file(const struct stage *s, const char *name, const char *text, mode_t mode,
		      struct error **err)
{
	AUTO_FREE char *path = path_join(s->dir, name);
	AUTO_FREE char *parent = path_dirname(path);

	if (fs_mkdir_all(parent, 0755, err) < 0)
		return -1;
	return fs_write(path, text, strlen(text), mode, err);
}

static int add_content(struct stage *s, const char *path, const char *text, const char *mode,
		       struct error **err)
{
	AUTO_FREE char *name = path_join("overlay", path);

	strbuf_addf(&s->list, "%s %s\n", mode, path);
	return write_file(s, name, text, 0600, err);
}

static int add_line(struct stage *s, const char *path, const char *line, struct error **err)
{
	AUTO_FREE char *text = xasprintf("%s\n", line);

	return add_content(s, path, text, "0644", err);
}

static int add_locale(struct stage *s, struct error **err)
{
	const char *locale = s->b->locale;
	AUTO_FREE char *lang = xasprintf("LANG=%s", locale);
	AUTO_FREE char *gen = xasprintf("%s UTF-8", locale);

	/* new releases read the first, older ones the second */
	if (add_line(s, "etc/locale.conf", lang, err) < 0 ||
	    add_line(s, "etc/default/locale", lang, err) < 0)
		return -1;
	if (!bootstrap_needs_locales(s->b))
		return 0;
	return add_line(s, "etc/locale.gen", gen, err);
}

/* Keys of the user's own go along; *ret (heap): where the image has them. */
static int add_keyring(struct stage *s, char **ret, struct error **err)
{
	AUTO(strbuf) struct strbuf keys = STRBUF_INIT_MAX(FS_READ_MAX);
	AUTO_FREE char *folder = path_join(s->dir, "overlay/etc/apt/keyrings");

	if (!s->b->keyring) {
		*ret = xstrdup(s->b->distro->image_keyring);
		return 0;
	}

	const char *name = path_basename(s->b->keyring);
	AUTO_FREE char *to = path_join(folder, name);

	if (fs_mkdir_all(folder, 0755, err) < 0 ||
	    fs_read(s->b->keyring, FS_READ_MAX, &keys, err) < 0 ||
	    fs_write(to, keys.buf, keys.len, 0600, err) < 0)
		return -1;
	strbuf_addf(&s->list, "0644 etc/apt/keyrings/%s\n", name);
	*ret = xasprintf("/etc/apt/keyrings/%s", name);
	return 0;
}

/* The archive as the machine will see it, in deb822 form. */
static int add_sources(struct stage *s, struct error **err)
{
	struct archive_source sources[ARCHIVE_SOURCES_MAX];
	size_t n = archive_sources(s->b, sources);
	AUTO(strbuf) struct strbuf text = STRBUF_INIT;
	AUTO_FREE char *keyring = NULL;
	AUTO_FREE char *path = xasprintf("etc/apt/sources.list.d/%s.sources", s->b->distro->name);

	if (add_keyring(s, &keyring, err) < 0)
		return -1;
	for (size_t i = 0; i < n; i++) {
		strbuf_addf(&text, "%sTypes: deb\nURIs: %s\nSuites: %s\nComponents:", i ? "\n" : "",
			    sources[i].uri, sources[i].suite);
		for (size_t k = 0; k < s->b->components.len; k++)
			strbuf_addf(&text, " %s", s->b->components.v[k]);
		strbuf_addf(&text, "\nSigned-By: %s\n", keyring);
		if (!s->b->check_valid_until)
			strbuf_addstr(&text, "Check-Valid-Until: no\n");
	}
	return add_content(s, path, text.buf, "0644", err);
}

static int add_user(struct stage *s, const struct bootstrap_user *u, struct strbuf *users,
		    struct strbuf *passwords, struct error **err)
{
	AUTO(strbuf) struct strbuf keys = STRBUF_INIT;
	AUTO_FREE char *keys_path = xasprintf("keys/%s", u->name);
	AUTO_FREE char *sudo_path = xasprintf("etc/sudoers.d/90-ingot-%s", u->name);
	AUTO_FREE char *rule = xasprintf("%s ALL=(ALL:ALL) NOPASSWD: ALL\n", u->name);

	strbuf_addf(users, "%s:", u->name);
	if (u->uid)
		strbuf_addf(users, "%lld", (long long)u->uid);
	strbuf_addf(users, ":%s:", u->shell);
	for (size_t i = 0; i < u->groups.len; i++)
		strbuf_addf(users, "%s%s", i ? "," : "", u->groups.v[i]);
	strbuf_addch(users, '\n');
	if (u->password_hash)
		strbuf_addf(passwords, "%s:%s\n", u->name, u->password_hash);
	for (size_t i = 0; i < u->ssh_authorized_keys.len; i++) {
		struct str key = str_trim(str_of(u->ssh_authorized_keys.v[i]));

		strbuf_addf(&keys, "%.*s\n", STR_FMT(key));
	}
	if (keys.len && write_file(s, keys_path, keys.buf, 0600, err) < 0)
		return -1;
	if (u->sudo && add_content(s, sudo_path, rule, "0440", err) < 0)
		return -1;
	return 0;
}

static int add_users(struct stage *s, struct error **err)
{
	AUTO(strbuf) struct strbuf users = STRBUF_INIT;
	AUTO(strbuf) struct strbuf passwords = STRBUF_INIT;

	for (size_t i = 0; i < s->b->user.len; i++)
		if (add_user(s, bootstrap_user_at(s->b, i), &users, &passwords, err) < 0)
			return -1;
	if (write_file(s, "users", users.buf, 0600, err) < 0)
		return -1;
	return write_file(s, "passwords", passwords.buf, 0600, err);
}

static int add_all(struct stage *s, const struct disk_ids *ids, struct error **err)
{
	for (size_t i = 0; i < ARRAY_LEN(contents); i++) {
		AUTO_FREE char *text = stage_render(s->b, ids, contents[i].file);

		if (add_content(s, contents[i].path, text, contents[i].mode, err) < 0)
			return -1;
	}
	if (add_line(s, "etc/hostname", s->b->hostname, err) < 0 ||
	    add_line(s, "etc/timezone", s->b->timezone, err) < 0 || add_locale(s, err) < 0 ||
	    add_sources(s, err) < 0 || add_users(s, err) < 0)
		return -1;
	for (size_t i = 0; i < ARRAY_LEN(hooks); i++)
		if (write_file(s, hooks[i], embedded_text(hooks[i]), 0600, err) < 0)
			return -1;
	if (s->b->rel->prefer_is_merged &&
	    write_file(s, "preferences", embedded_text("preferences"), 0644, err) < 0)
		return -1;
	if (write_file(s, "mke2fs.conf", embedded_text("mke2fs.conf"), 0600, err) < 0)
		return -1;

	AUTO_FREE char *early = stage_render(s->b, ids, "early.cfg");

	return write_file(s, "early.cfg", early, 0600, err);
}

int stage_write(const struct bootstrap *b, const struct disk_ids *ids, const char *dir,
		struct error **err)
{
	struct stage s = { .b = b, .dir = dir, .list = STRBUF_INIT };
	AUTO_FREE char *debs = path_join(dir, "debs");
	int r = fs_mkdir_all(debs, 0700, err);

	if (r == 0)
		r = add_all(&s, ids, err);
	if (r == 0)
		r = write_file(&s, "overlay.list", s.list.buf, 0600, err);
	strbuf_release(&s.list);
	return r;
}
