/* SPDX-License-Identifier: Apache-2.0 */
#include "comm/login_key.h"

#include "base/alloc.h"
#include "base/duration.h"
#include "base/str.h"
#include "os/clock.h"

enum { FORGET_SECONDS = 30, OUTPUT_MAX = 16 * 1024 };

int login_key_make(struct login_key *ret, const struct comm_config *c, const char *type,
		   struct ui *ui, struct error **err)
{
	*ret = (struct login_key){ 0 };
	if (!comm_config_is_ssh(c))
		return 0;
	if (!text_is_empty(c->ssh_private_key_file)) {
		ui_say(ui, "Using existing SSH private key");
		return keypair_load(c->ssh_private_key_file, &ret->pair, err);
	}
	ui_say(ui, "Creating temporary %s SSH key for instance...", keypair_type_title(type));
	ret->temporary = true;
	return keypair_generate(type, c->temporary_key_pair_bits, &ret->pair, err);
}

int login_key_adopt(struct login_key *ret, const char *pem, struct error **err)
{
	*ret = (struct login_key){ .temporary = true };
	return keypair_parse(pem, &ret->pair, err);
}

void login_key_release(struct login_key *k)
{
	keypair_free(k->pair);
	*k = (struct login_key){ 0 };
}

/*
 * FILE KEY: writes the other lines beside the file first, so that a full disk
 * costs nobody a key, and prints the name of a file that it changed. Quoted in
 * '' below, so it has none itself.
 */
#define FORGET                                                                                     \
	"f=$1; [ -f \"$f\" ] && grep -qF \"$2\" \"$f\" || exit 0; umask 077; t=$f.$$; "            \
	"grep -vF \"$2\" \"$f\" >\"$t\"; [ $? -le 1 ] && cat \"$t\" >\"$f\" && echo \"$f\"; "      \
	"r=$?; rm -f \"$t\"; exit $r"

static char *forget_command(struct str key)
{
	return xasprintf("s='" FORGET "'; sh -c \"$s\" sh \"$HOME/.ssh/authorized_keys\" '%.*s'; "
			 "r=$?; [ \"$(id -u)\" = 0 ] || sudo -n sh -c \"$s\" sh "
			 "/root/.ssh/authorized_keys '%.*s' 2>/dev/null; exit $r",
			 STR_FMT(key), STR_FMT(key));
}

static void keep_output(void *data, bool is_stderr, const void *bytes, size_t len)
{
	struct strbuf *sb = data;

	if (!is_stderr && sb->len + len < OUTPUT_MAX)
		strbuf_add(sb, bytes, len);
}

static void say_forgotten(struct ui *ui, const struct strbuf *files)
{
	struct str rest = str_of(files->buf), line;

	while (rest.len) {
		line = str_split(rest, '\n', &rest);
		if (line.len)
			ui_say(ui, "Removed the temporary SSH key from %.*s", STR_FMT(line));
	}
}

int login_key_forget(const struct login_key *k, struct comm *comm, struct ui *ui, struct cancel *c,
		     struct error **err)
{
	AUTO(strbuf) struct strbuf files = STRBUF_INIT;
	AUTO(error) struct error *e = NULL;
	AUTO_FREE char *command = NULL;
	struct comm_cmd cmd = { .output = keep_output, .output_data = &files };
	AUTO(cancel)
	struct cancel *limit = cancel_new(c, clock_deadline(FORGET_SECONDS * NSEC_PER_SEC));
	int status = 0;

	if (!k->temporary || !comm)
		return 0;
	/* without the algorithm's name, whose options may stand before it */
	struct str blob, rest;

	str_split(str_trim(str_of(k->pair->public_line)), ' ', &rest);
	blob = str_split(rest, ' ', &rest);
	command = forget_command(blob);
	cmd.command = command;
	if (comm->ops->exec(comm, &cmd, limit, &status, &e) < 0) {
		if (cancel_check(c, err) < 0)
			return -1;
		ui_error(ui, "warning: the temporary SSH key may be left in authorized_keys: %s",
			 e->message);
		return 0;
	}
	say_forgotten(ui, &files);
	if (status == 1 || status == 2)
		ui_error(ui, "warning: the temporary SSH key may be left in authorized_keys");
	return 0;
}
