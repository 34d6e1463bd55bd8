/* SPDX-License-Identifier: Apache-2.0 */
/* What is said to a guest that stood still: a real shell, with programs of a guest that we make up. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/duration.h"
#include "builder/qemu/resume.h"
#include "core/comm.h"
#include "lab.h"

struct guest_shell {
	struct comm comm;
	struct lab lab;
	char *path;   /* of its programs */
	int64_t late; /* s that a command is under way */
	int count;
};

/* "... sh EPOCH AHEAD" as it was sent some seconds earlier. */
static char *sent_earlier(const char *command, int64_t late)
{
	const char *ahead = strrchr(command, ' '), *epoch = ahead;

	while (epoch[-1] != ' ')
		epoch--;
	return xasprintf("%.*s%lld%s", (int)(epoch - command), command,
			 (long long)(strtoll(epoch, NULL, 10) - late), ahead);
}

static int shell_exec(struct comm *m, const struct comm_cmd *cmd, struct cancel *c, int *ret_status,
		      struct error **err)
{
	struct guest_shell *g = (struct guest_shell *)m;
	AUTO_FREE char *command = sent_earlier(cmd->command, g->late);
	AUTO(strv) struct strv argv = STRV_INIT, env = STRV_INIT;
	struct strbuf output = STRBUF_INIT_MAX(4096);
	struct proc_run run = { .spec = { .argv = &argv, .env = &env, .dir = g->lab.dir },
				.input = cmd->input,
				.input_len = cmd->input_len,
				.output = &output };
	int r;

	strv_pushl(&argv, "/bin/sh", "-c", command, NULL);
	g->count++;
	strv_push(&env, g->path);
	r = proc_run(&run, c, ret_status, err);
	if (r == 0)
		cmd->output(cmd->output_data, false, output.buf, output.len);
	strbuf_release(&output);
	return r;
}

static const struct comm_ops shell_ops = { .exec = shell_exec };

/* The clock is how far it is off; only `root` may set it. */
static const char date_program[] =
	"#!/bin/sh\n"
	"off=$(cat off)\n"
	"case $2 in\n"
	"+%s) echo $(($(/bin/date +%s) + off)) ;;\n"
	"-s) [ \"${AS_ROOT:-}$(cat user)\" = 0 ] || [ \"${AS_ROOT:-}\" ] || exit 1\n"
	"    echo $((${3#@} - $(/bin/date +%s))) >off ;;\n"
	"esac\n";
static const char id_program[] = "#!/bin/sh\ncat user\n";
/* -n: where no password is asked for; -S: one line of the input is the password. */
static const char sudo_program[] = "#!/bin/sh\n"
				   "if [ $1 = -n ]; then shift; [ -e nopasswd ] || exit 1\n"
				   "else shift 3; IFS= read -r p; [ -e passwd ] && [ \"$p\" = "
				   "\"$(cat passwd)\" ] || exit 1; fi\n"
				   "AS_ROOT=1 exec \"$@\"\n";

static void put(struct guest_shell *g, const char *name, const char *text)
{
	free(lab_file(&g->lab, name, text, 0755));
}

static void open_guest(struct guest_shell *g, const char *user)
{
	*g = (struct guest_shell){ .comm = { .ops = &shell_ops } };
	lab_open(&g->lab);
	g->path = xasprintf("PATH=%s:/usr/bin:/bin", g->lab.dir);
	put(g, "date", date_program);
	put(g, "id", id_program);
	put(g, "sudo", sudo_program);
	put(g, "off", "-86400\n");
	put(g, "user", user);
}

static int64_t off_by(const struct guest_shell *g)
{
	AUTO_FREE char *path = path_join(g->lab.dir, "off");
	AUTO(strbuf) struct strbuf text = STRBUF_INIT;
	AUTO(error) struct error *err = NULL;

	if (fs_read(path, 100, &text, &err) < 0)
		fail_msg("%s", err->message);
	return strtoll(text.buf, NULL, 10);
}

static void close_guest(struct guest_shell *g)
{
	lab_close(&g->lab);
	free(g->path);
}

static void expect_right(struct guest_shell *g, const char *password)
{
	AUTO(error) struct error *err = NULL;

	if (resume_put_right(&g->comm, password, NULL, &err) < 0)
		fail_msg("%s", err->message);
	assert_in_range(off_by(g) + 60, 0, 120);
	close_guest(g);
}

static void test_root(void **state)
{
	struct guest_shell g;

	open_guest(&g, "0");
	expect_right(&g, NULL);
}

static void test_sudo(void **state)
{
	struct guest_shell g;

	open_guest(&g, "1000");
	put(&g, "nopasswd", "");
	expect_right(&g, NULL);
}

static void test_password(void **state)
{
	struct guest_shell g;

	open_guest(&g, "1000");
	put(&g, "passwd", "it's a \"secret\" $HOME\n");
	expect_right(&g, "it's a \"secret\" $HOME");
}

static void test_may_not(void **state)
{
	struct guest_shell g;
	AUTO(error) struct error *err = NULL;

	open_guest(&g, "1000");
	put(&g, "passwd", "right\n");
	assert_int_equal(resume_put_right(&g.comm, "wrong", NULL, &err), -1);
	assert_int_equal(err->kind, ERROR_AUTH);
	close_guest(&g);
}

/* Nothing to set, so nobody needs a right to. */
static void test_right_already(void **state)
{
	struct guest_shell g;

	open_guest(&g, "1000");
	put(&g, "off", "0\n");
	expect_right(&g, NULL);
}

/* A busy guest: who looks at the time that the command has with it would set the clock back by as much. */
static void test_late_command(void **state)
{
	struct guest_shell g;

	open_guest(&g, "1000");
	put(&g, "off", "0\n");
	g.late = 300;
	expect_right(&g, NULL);
	assert_int_equal(g.count, 1);
}

/* Of an hour that the guest is behind, all is made up for, although sudo takes a minute: that passes for the
 * guest, too. */
static void test_slow_sudo(void **state)
{
	struct guest_shell g;
	AUTO(error) struct error *err = NULL;

	open_guest(&g, "1000");
	put(&g, "nopasswd", "");
	put(&g, "off", "-3600\n");
	put(&g, "sudo",
	    "#!/bin/sh\nshift; [ $1 = true ] && exit 0\n"
	    "[ $(cat passed) = 0 ] || exit 1\n"
	    "echo 60 >passed; exec \"$@\"\n");
	put(&g, "passed", "0\n");
	put(&g, "date",
	    "#!/bin/sh\nnow=$(($(/bin/date +%s) + $(cat passed)))\n"
	    "case $2 in\n+%s) echo $((now + $(cat off))) ;;\n"
	    "-s) echo $((${3#@} - now)) >off ;;\nesac\n");
	assert_int_equal(resume_put_right(&g.comm, NULL, NULL, &err),
			 -1); /* the minute has not passed here */
	assert_in_range(off_by(&g) + 2, 0, 4);
	close_guest(&g);
}

static void test_ahead(void **state)
{
	struct guest_shell g;

	open_guest(&g, "0");
	put(&g, "off", "86400\n");
	expect_right(&g, NULL);
	assert_int_equal(g.count, 2);
}

static void test_may_not_set_back(void **state)
{
	struct guest_shell g;
	AUTO(error) struct error *err = NULL;

	open_guest(&g, "1000");
	put(&g, "off", "86400\n");
	assert_int_equal(resume_put_right(&g.comm, NULL, NULL, &err), -1);
	assert_int_equal(err->kind, ERROR_AUTH);
	close_guest(&g);
}

/* Not a shell that we know: nothing is known of its clock. */
static void test_no_shell(void **state)
{
	struct guest_shell g;
	AUTO(error) struct error *err = NULL;

	open_guest(&g, "1000");
	put(&g, "sh", "#!/bin/sh\necho \"'sh' is not recognized\"\nexit 1\n");
	put(&g, "off", "0\n");
	assert_int_equal(resume_put_right(&g.comm, NULL, NULL, &err), -1);
	assert_int_equal(err->kind, ERROR_AUTH);
	close_guest(&g);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_root),          cmocka_unit_test(test_sudo),
		cmocka_unit_test(test_password),      cmocka_unit_test(test_may_not),
		cmocka_unit_test(test_right_already), cmocka_unit_test(test_no_shell),
		cmocka_unit_test(test_late_command),  cmocka_unit_test(test_ahead),
		cmocka_unit_test(test_slow_sudo),     cmocka_unit_test(test_may_not_set_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
