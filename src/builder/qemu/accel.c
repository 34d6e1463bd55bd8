/* SPDX-License-Identifier: Apache-2.0 */
#include "builder/qemu/accel.h"

#include "base/alloc.h"
#include "base/duration.h"
#include "base/path.h"
#include "base/str.h"
#include "builder/qemu/accel_rom.h"
#include "builder/qemu/arch.h"
#include "os/clock.h"
#include "os/fd.h"
#include "os/fs.h"
#include "os/lock.h"
#include "os/proc.h"
#include "os/wait.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <unistd.h>

enum {
	PROBE_SECONDS = 3, /* 0.2 s where it works; a busy host may need more */
	KILL_SECONDS = 2,
	TEXT_MAX = 1024 * 1024,
};

void accel_choice_release(struct accel_choice *choice)
{
	free(choice->why);
	*choice = (struct accel_choice){ 0 };
}

/* ---- what needs no probe ----------------------------------------------------- */

/* Does the first `flags` line name one of the two virtualization extensions? Other processors than
 * x86 have no such line. */
static bool cpuinfo_virtualizes(const char *text)
{
	const char *flags = strstr(text, "\nflags");

	if (!flags)
		return true;

	struct str rest = str_split(str_of(flags + 1), '\n', &(struct str){ 0 });

	while (rest.len) {
		struct str word = str_split(rest, ' ', &rest);

		if (str_is(word, "vmx") || str_is(word, "svm"))
			return true;
	}
	return false;
}

/* NULL when only a probe can tell. */
static char *rule_out(const struct accel_query *q, const char *device)
{
	const char *cpuinfo = q->cpuinfo ? q->cpuinfo : "/proc/cpuinfo";
	AUTO(strbuf) struct strbuf text = STRBUF_INIT_MAX(TEXT_MAX);
	AUTO(error) struct error *e = NULL;
	struct utsname host;

	if (uname(&host) < 0)
		return xstrdup("the host's architecture is unknown");
	if (!guest_arch_is_native(q->binary))
		return xasprintf("this is a %s host, the guest is %s", host.machine,
				 guest_arch_named(q->binary));

	AUTO_CLOSE int fd = open(device, O_RDWR | O_CLOEXEC);

	if (fd < 0 && errno == EACCES)
		return xasprintf("no permission to use %s (is this user in the group kvm?)",
				 device);
	if (fd < 0)
		return xasprintf("%s cannot be opened: %s", device, strerrordesc_np(errno));
	if (fs_read(cpuinfo, TEXT_MAX, &text, &e) < 0) {
		error_ignore(&e, "then the probe tells");
		return NULL;
	}
	if (!cpuinfo_virtualizes(text.buf))
		return xstrdup("this processor does not offer virtualization (no vmx or svm flag)");
	return NULL;
}

/* ---- the probe ----------------------------------------------------------------- */

static const struct accel_rom *probe_rom(const struct accel_query *q)
{
	return accel_rom_of(guest_arch_of(q->binary));
}

static int write_rom(const struct accel_rom *rom, const char *path, struct error **err)
{
	AUTO_FREE unsigned char *bytes = xcalloc(1, rom->size);

	for (size_t i = 0; i < ARRAY_LEN(rom->pieces) && rom->pieces[i].bytes; i++)
		memcpy(bytes + rom->pieces[i].at, rom->pieces[i].bytes, rom->pieces[i].len);
	return fs_write(path, bytes, rom->size, 0600, err);
}

static void probe_argv(struct strv *argv, const struct accel_query *q, const char *accel,
		       const char *bios)
{
	strv_pushl(argv, q->binary, "-accel", accel, "-m", "16", "-nodefaults", "-no-user-config",
		   "-display", "none", "-bios", bios, NULL);
	for (const char *const *word = probe_rom(q)->argv; *word; word++)
		strv_push(argv, *word);
}

/* Ends it whatever it hangs in; a process that the kernel cannot end is left to the journal. */
static bool kill_probe(struct proc *p)
{
	AUTO(error) struct error *e = NULL;
	int status;

	proc_signal(p, SIGKILL);
	if (proc_wait(p, clock_deadline(KILL_SECONDS * NSEC_PER_SEC), NULL, &status, &e) == 0)
		return true;
	error_ignore(&e, "it stays open in the journal");
	return false;
}

static char *probe_verdict(int status, int ran, const char *accel, const char *log)
{
	AUTO(strbuf) struct strbuf text = STRBUF_INIT_MAX(4096);
	AUTO(error) struct error *e = NULL;

	if (status == ran)
		return NULL;
	if (fs_read(log, 4096, &text, &e) < 0)
		error_ignore(&e, "then without its words");
	strbuf_rtrim(&text);

	const char *last = strrchr(text.buf, '\n');

	last = last ? last + 1 : text.buf;
	if (*last)
		return xasprintf("%s starts no guest: %s", accel, last);
	return xasprintf("%s starts no guest (exit status %d)", accel, status);
}

static int run_probe(const struct accel_query *q, const char *accel, const char *dir,
		     struct cancel *c, char **ret_why, struct error **err)
{
	AUTO(strv) struct strv argv = STRV_INIT;
	AUTO(strv) struct strv env = STRV_INIT;
	AUTO_FREE char *rom = path_join(dir, "probe.rom");
	AUTO_FREE char *log = path_join(dir, "probe.log");
	struct proc p = PROC_INIT;
	int64_t patience = q->patience ? q->patience : PROBE_SECONDS * NSEC_PER_SEC;
	uint64_t id = 0;
	int status = 0;

	if (write_rom(probe_rom(q), rom, err) < 0)
		return -1;

	AUTO_CLOSE int log_fd = open(log, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	struct proc_spec spec = { .argv = &argv,
				  .env = &env,
				  .out = PROC_FD,
				  .err = PROC_FD,
				  .out_fd = log_fd,
				  .err_fd = log_fd };

	if (log_fd < 0)
		return error_set_errno(err, errno, "cannot write '%s'", log);
	probe_argv(&argv, q, accel, rom);
	strv_pushv(&env, q->environ);
	if (journal_process(q->journal, "acceleration probe", &env, &id, err) < 0)
		return -1;

	int r = proc_start(&p, &spec, err);

	if (r == 0)
		r = journal_started(q->journal, id, p.pid, err);
	if (r == 0)
		r = proc_wait(&p, clock_deadline(patience), c, &status, err);
	if (r == 0) {
		*ret_why = probe_verdict(status, probe_rom(q)->ran, accel, log);
	} else if ((*err)->kind == ERROR_TIMEOUT) {
		error_ignore(err, "the verdict of a probe that hangs");
		*ret_why = xasprintf("a guest started with %s hangs", accel);
		r = 0;
	}
	if (p.pid <= 0 || p.reaped || kill_probe(&p))
		journal_done(q->journal, id);
	proc_release(&p);
	return r;
}

int accel_probe(const struct accel_query *q, const char *accel, struct cancel *c, char **ret_why,
		struct error **err)
{
	AUTO_FREE char *dir = NULL;
	AUTO(error) struct error *e = NULL;

	*ret_why = NULL;
	if (!probe_rom(q)) /* then the device that could be opened is all there is to know */
		return 0;
	if (fs_temp_dir(q->temp_dir, "probe", &dir, err) < 0)
		return -1;

	int r = run_probe(q, accel, dir, c, ret_why, err);

	if (fs_remove_tree(dir, &e) < 0)
		error_ignore(&e, "it lies in the build's own temporary directory");
	return r;
}

/* ---- memory of the outcome ------------------------------------------------------- */

/* First line: what the outcome depends on; second: the reason, or empty. */
static char *memory_key(const struct accel_query *q, const char *device)
{
	AUTO_FREE char *binary = NULL;
	AUTO(error) struct error *e = NULL;
	struct stat dev = { 0 }, bin = { 0 };

	(void)stat(device, &dev);
	if (proc_find(q->binary, &binary, &e) < 0)
		error_ignore(&e, "the probe will say so");
	else
		(void)stat(binary, &bin);
	return xasprintf("%s %s %ju %s %ju %ju.%09ld\n", proc_boot_id(), device,
			 (uintmax_t)dev.st_rdev, binary ? binary : q->binary, (uintmax_t)bin.st_ino,
			 (uintmax_t)bin.st_mtim.tv_sec, bin.st_mtim.tv_nsec);
}

static bool recall(const char *path, const char *key, char **ret_why)
{
	AUTO(strbuf) struct strbuf text = STRBUF_INIT_MAX(8192);
	AUTO(error) struct error *e = NULL;

	if (fs_read(path, 8192, &text, &e) < 0) {
		error_ignore(&e, "nothing remembered");
		return false;
	}
	if (!text_starts_with(text.buf, key))
		return false;
	strbuf_remove(&text, 0, strlen(key));
	strbuf_rtrim(&text);
	*ret_why = text.len ? strbuf_detach(&text) : NULL;
	return true;
}

static void remember(const char *path, const char *key, const char *why)
{
	AUTO_FREE char *text = xasprintf("%s%s\n", key, why ? why : "");
	AUTO(error) struct error *e = NULL;

	if (fs_write_atomic(path, text, strlen(text), 0644, &e) < 0)
		error_ignore(&e, "the next build probes again");
}

static int probe_once(const struct accel_query *q, const char *device, struct cancel *c,
		      char **ret_why, struct error **err)
{
	AUTO_FREE char *path = path_join(q->state_dir, "acceleration");
	AUTO_FREE char *lock = path_join(q->state_dir, "acceleration.lock");
	AUTO_FREE char *key = memory_key(q, device);
	AUTO_CLOSE int lock_fd = -1;

	if (recall(path, key, ret_why))
		return 0;
	if (fs_mkdir_all(q->state_dir, 0755, err) < 0 ||
	    lock_acquire(lock, DEADLINE_NEVER, c, &lock_fd, err) < 0)
		return -1;
	if (recall(path, key, ret_why))
		return 0;
	if (accel_probe(q, "kvm", c, ret_why, err) < 0)
		return -1;
	remember(path, key, *ret_why);
	return 0;
}

int accel_choose(const struct accel_query *q, struct cancel *c, struct accel_choice *ret,
		 struct error **err)
{
	const char *device = q->device ? q->device : "/dev/kvm";

	*ret = (struct accel_choice){ 0 };
	if (!text_is_empty(q->wanted) && strcmp(q->wanted, "kvm") != 0) {
		ret->accel = q->wanted;
		return 0;
	}

	char *why = rule_out(q, device);

	if (!why && probe_once(q, device, c, &why, err) < 0)
		return -1;
	*ret = (struct accel_choice){ .accel = why ? "tcg" : "kvm", .why = why };
	return 0;
}
