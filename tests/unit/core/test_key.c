/* SPDX-License-Identifier: Apache-2.0 */
/* What decides a step, and what does not. */
#include "key_case.h"

#include <sys/stat.h>

static void put(const char *name, const char *text)
{
	write_file(name, text, strlen(text));
}

static void use(struct key_case *c, const char *text)
{
	put("t.pkr.hcl", text);
	key_case_load(c, ".", case_dir, NULL, 0);
	key_case_make(c, 0, case_dir, case_dir);
}

/* The key after the last step; "" when there is none. */
static char *last_key(const char *text)
{
	struct key_case c;
	use(&c, text);
	assert_non_null(c.keys[0].hex);
	const struct step_key *k = &c.keys[c.len - 1];
	assert_true(!k->hex || !k->never);
	char *hex = xstrdup(k->hex ? k->hex : "");
	key_case_release(&c);
	return hex;
}

/* Why the last step is never reused; "" when it may be. */
static char *reason(const char *text)
{
	struct key_case c;
	use(&c, text);
	const struct step_key *k = &c.keys[c.len - 1];
	assert_true(!k->hex == !!k->never);
	char *why = xstrdup(k->never ? k->never : "");
	key_case_release(&c);
	return why;
}

static void assert_reason(const char *text, const char *want)
{
	AUTO_FREE char *why = reason(text);
	assert_string_equal(why, want);
}

static bool same_key(const char *a, const char *b)
{
	AUTO_FREE char *first = last_key(a), *second = last_key(b);
	assert_string_not_equal(first, "");
	return text_eq(first, second);
}

#define HEAD                                                                                       \
	"source \"file\" \"a\" {\n  target = \"x\"\n  content = \"y\"\n}\n"                        \
	"build {\n  sources = [\"file.a\"]\n"
#define PROVISIONER(type, body) "  provisioner \"" type "\" {\n" body "\n  }\n"
#define STEP(type, body)        HEAD PROVISIONER(type, body) "}\n"
#define SHELL(body)             STEP("shell", body)

/* ---- configuration -------------------------------------------------------------------------- */

static void test_chain(void **state)
{
	(void)state;
	struct key_case a, b;
	use(&a,
	    HEAD PROVISIONER("shell", "inline = [\"1\"]") PROVISIONER("shell", "inline = [\"2\"]")
		    PROVISIONER("shell", "inline = [\"3\"]") "}\n");
	use(&b,
	    HEAD PROVISIONER("shell", "inline = [\"1\"]") PROVISIONER("shell", "inline = [\"x\"]")
		    PROVISIONER("shell", "inline = [\"3\"]") "}\n");
	assert_string_equal(a.keys[0].hex, b.keys[0].hex);
	assert_string_equal(a.keys[1].hex, b.keys[1].hex);
	assert_string_not_equal(a.keys[2].hex, b.keys[2].hex);
	assert_string_not_equal(a.keys[3].hex, b.keys[3].hex);
	assert_string_not_equal(a.artifact.hex, b.artifact.hex);
	key_case_release(&a);
	key_case_release(&b);
}

static void test_options(void **state)
{
	(void)state;
	assert_true(same_key(SHELL("inline = [\"a\", \"b\"]"), SHELL("inline = [\"a\", \"b\"]")));
	assert_false(same_key(SHELL("inline = [\"a\", \"b\"]"), SHELL("inline = [\"a\\nb\"]")));
	assert_false(
		same_key(SHELL("inline = [\"a\"]"), SHELL("inline = [\"a\"]\nskip_clean = true")));
	assert_false(same_key(SHELL("inline = [\"a\"]\nenv = {A = \"1\", B = \"2\"}"),
			      SHELL("inline = [\"a\"]\nenv = {A = \"1\", B = \"3\"}")));
	assert_true(same_key(SHELL("inline = [\"a\"]\nenv = {A = \"1\", B = \"2\"}"),
			     SHELL("inline = [\"a\"]\nenv = {B = \"2\", A = \"1\"}")));
	/* What acts on this host only. */
	assert_true(
		same_key(SHELL("inline = [\"a\"]"),
			 SHELL("inline = [\"a\"]\nname = \"n\"\ntimeout = \"1h\"\nmax_retries = 2\n"
			       "pause_before = \"1s\"\nstart_retry_timeout = \"9m\"\n"
			       "cache_ttl = \"1h\"\nonly = [\"file.a\"]")));
	assert_false(same_key(SHELL("inline = [\"a\"]"),
			      SHELL("inline = [\"a\"]\nvalid_exit_codes = [1]")));
}

static void test_late_templates(void **state)
{
	(void)state;
#define LATE(user, text)                                                                           \
	"{\"variables\": {\"u\": \"" user "\"}, \"builders\": [{\"type\": \"file\", "              \
	"\"target\": \"x\", \"content\": \"y\"}], \"provisioners\": [{\"type\": \"shell\", "       \
	"\"inline\": [\"x\"], \"execute_command\": \"" text "\"}]}"
	static const char *const texts[] = {
		LATE("a", "{{.Vars}} {{user `u`}} {{.Path}}"),
		LATE("b", "{{.Vars}} {{user `u`}} {{.Path}}"),
		LATE("a", "{{.Path}} {{user `u`}} {{.Vars}}"),
		LATE("a", "{{if .Path}}{{user `u`}}{{end}}"),
		LATE("b", "{{if .Path}}{{user `u`}}{{end}}"),
	};
	AUTO(strv) struct strv keys = STRV_INIT;
	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		struct key_case c;
		put("l.json", texts[i]);
		key_case_load(&c, "l.json", case_dir, NULL, 0);
		key_case_make(&c, 0, case_dir, case_dir);
		assert_non_null(c.keys[1].hex);
		assert_false(strv_contains(&keys, c.keys[1].hex));
		strv_push(&keys, c.keys[1].hex);
		key_case_release(&c);
	}
}

/* ---- files ------------------------------------------------------------------------------------- */

static void test_scripts(void **state)
{
	(void)state;
	put("s/one.sh", "echo 1\n");
	put("s/two.sh", "echo 1\n");
	AUTO_FREE char *before = last_key(SHELL("script = \"s/one.sh\""));
	put("other/one.sh", "echo 1\n");
	AUTO_FREE char *moved = last_key(SHELL("script = \"other/one.sh\""));
	assert_string_equal(before, moved);
	AUTO_FREE char *absolute = last_key(SHELL("script = abspath(\"s/one.sh\")"));
	assert_string_equal(before, absolute);
	put("s/one.sh", "echo 2\n");
	AUTO_FREE char *edited = last_key(SHELL("script = \"s/one.sh\""));
	assert_string_not_equal(before, edited);
	assert_false(same_key(SHELL("scripts = [\"s/one.sh\", \"s/two.sh\"]"),
			      SHELL("scripts = [\"s/two.sh\", \"s/one.sh\"]")));
	assert_false(same_key(SHELL("scripts = [\"s/one.sh\"]"),
			      SHELL("scripts = [\"s/one.sh\", \"s/one.sh\"]")));
	AUTO_FREE char *read = last_key(SHELL("inline = [file(\"s/one.sh\")]"));
	put("s/one.sh", "echo 3\n");
	AUTO_FREE char *read_again = last_key(SHELL("inline = [file(\"s/one.sh\")]"));
	assert_string_not_equal(read, read_again);
}

/* The content counts as it is when the key is made, not as it was when the template was read. */
static void test_present_content(void **state)
{
	(void)state;
	AUTO(error) struct error *err = NULL;
	struct key_case c;
	struct step_key again;
	put("now.txt", "1");
	use(&c, SHELL("inline = [file(\"now.txt\")]"));
	put("now.txt", "2");
	struct build_ctx ctx = { .info = &c.plan->builds[0].info, .cwd = case_dir };
	const struct key_maker m = key_case_maker(&c, &ctx, 0);
	assert_int_equal(key_step(&m, 0, &c.keys[0], &again, &err), 0);
	assert_string_not_equal(c.keys[1].hex, again.hex);
	step_key_release(&again);
	key_case_release(&c);
}

#define UPLOAD(source) STEP("file", "source = \"" source "\"\ndestination = \"/d/\"")

static void test_directories(void **state)
{
	(void)state;
	put("tree/a/one", "1");
	put("tree/b", "2");
	AUTO_FREE char *first = last_key(UPLOAD("tree"));
	AUTO_FREE char *inside = last_key(UPLOAD("tree/"));
	assert_string_not_equal(first, inside);
	put("tree/a/two", "");
	AUTO_FREE char *added = last_key(UPLOAD("tree"));
	assert_string_not_equal(first, added);
	assert_int_equal(unlink("tree/a/two"), 0);
	AUTO_FREE char *back = last_key(UPLOAD("tree"));
	assert_string_equal(first, back);
	assert_int_equal(chmod("tree/b", 0755), 0);
	AUTO_FREE char *mode = last_key(UPLOAD("tree"));
	assert_string_not_equal(first, mode);
	assert_int_equal(chmod("tree/b", 0644), 0);
	assert_int_equal(symlink("..", "tree/a/up"), 0); /* a circle ends */
	AUTO_FREE char *circle = last_key(UPLOAD("tree"));
	assert_string_not_equal(first, circle);
	assert_int_equal(unlink("tree/a/up"), 0);
	assert_int_equal(symlink("../b", "tree/a/link"), 0);
	AUTO_FREE char *linked = last_key(UPLOAD("tree"));
	put("tree/b", "3");
	AUTO_FREE char *behind = last_key(UPLOAD("tree"));
	assert_string_not_equal(linked, behind);
	assert_int_equal(unlink("tree/a/link"), 0);
	assert_int_equal(mkfifo("tree/pipe", 0600), 0); /* is not waited for */
	AUTO_FREE char *pipe = last_key(UPLOAD("tree"));
	assert_string_not_equal(pipe, "");
	assert_int_equal(unlink("tree/pipe"), 0);
}

static void test_missing_files(void **state)
{
	(void)state;
	struct key_case c;
	use(&c,
	    HEAD PROVISIONER("file", "source = \"later/x\"\ndestination = \"/d\"\ngenerated = true")
		    PROVISIONER("shell", "inline = [\"a\"]") "}\n");
	assert_null(c.keys[1].hex);
	assert_string_equal(c.keys[1].never, "'later/x' is not there yet");
	assert_null(c.keys[2].hex);
	assert_null(c.keys[2].never); /* only its own reasons */
	assert_true(c.keys[2].inputs.len > 0);
	key_case_release(&c);
	put("later/x", "made");
	assert_reason(STEP("file", "source = \"later/x\"\ndestination = \"/d\"\ngenerated = true"),
		      "");
}

static void test_unreadable_files(void **state)
{
	(void)state;
	AUTO(error) struct error *err = NULL;
	AUTO(strbuf) struct strbuf text = STRBUF_INIT, name = STRBUF_INIT;
	struct key_case c;
	strbuf_addchars(&name, 'n', 300); /* longer than a name can be */
	strbuf_addf(&text,
		    HEAD "  provisioner \"file\" {\n    source = \"%s\"\n"
			 "    destination = \"/d\"\n    generated = true\n  }\n}\n",
		    name.buf);
	put("t.pkr.hcl", text.buf);
	key_case_load(&c, ".", case_dir, NULL, 0);
	struct build_ctx ctx = { .info = &c.plan->builds[0].info, .cwd = case_dir };
	const struct key_maker m = key_case_maker(&c, &ctx, 0);
	struct step_key k, before = { .hex = (char *)"00" };
	assert_int_equal(key_step(&m, 0, &before, &k, &err), -1);
	assert_non_null(strstr(err->message, name.buf));
	key_case_release(&c);
}

/* ---- what stands against it ------------------------------------------------------------------------ */

static void test_barriers(void **state)
{
	(void)state;
	static const char local[] =
		"shell-local may read anything: declare what it reads with cache_inputs";
	assert_reason(SHELL("inline = [\"a\"]"), "");
	assert_reason(SHELL("inline = [\"a\"]\ncache = true"), "");
	assert_reason(SHELL("inline = [\"a\"]\ncache = false"), "cache = false");
	assert_reason(STEP("shell-local", "inline = [\"a\"]"), local);
	assert_reason(STEP("shell-local", "inline = [\"a\"]\ncache_inputs = []"), "");
	assert_reason(STEP("breakpoint", ""), "it waits for a person");
	assert_reason(STEP("breakpoint", "disable = true"), "");
	assert_reason(
		STEP("file", "direction = \"download\"\nsource = \"/etc\"\ndestination = \"o\""),
		"it brings a file from the machine to this host");
	assert_reason(HEAD
		      "  # ingot: cache=false\n" PROVISIONER("shell", "inline = [\"a\"]") "}\n",
		      "cache = false");
}

static void test_cache_inputs(void **state)
{
	(void)state;
	static const char step[] = STEP(
		"shell-local", "inline = [\"a\"]\ncache_inputs = [\"roles/**\", \"{a,b}.yml\"]");
	put("roles/x/main.yml", "1");
	put("a.yml", "1");
	AUTO_FREE char *first = last_key(step);
	put("roles/x/main.yml", "2");
	AUTO_FREE char *edited = last_key(step);
	put("roles/x/y/new.yml", "");
	AUTO_FREE char *added = last_key(step);
	put("b.yml", "");
	AUTO_FREE char *second = last_key(step);
	put("c.yml", "");
	AUTO_FREE char *other = last_key(step);
	assert_string_not_equal(first, edited);
	assert_string_not_equal(edited, added);
	assert_string_not_equal(added, second);
	assert_string_equal(second, other);
	/* A folder without a pattern means all in it. */
	AUTO_FREE char *folder =
		last_key(STEP("shell-local", "inline = [\"a\"]\ncache_inputs = [\"roles\"]"));
	put("roles/x/y/new.yml", "x");
	AUTO_FREE char *changed =
		last_key(STEP("shell-local", "inline = [\"a\"]\ncache_inputs = [\"roles\"]"));
	assert_string_not_equal(folder, changed);
}

static void test_run_time_values(void **state)
{
	(void)state;
	static const char id[] = "it uses build.ID, which is known only while the build runs";
	assert_reason(SHELL("inline = [\"${build.ID}\"]"), id);
	assert_reason(SHELL("inline = [\"${sha256(build[\"ID\"])}\"]"), id);
	assert_reason(SHELL("inline = [\"{{ build `ID` }}\"]"), id);
	assert_reason(SHELL("inline = [\"a\"]\nexecute_command = \"{{ .ID }} {{ .Path }}\""), id);
	assert_reason(SHELL("inline = [\"a\"]\nenv = {A = \"{{ .ID }}\"}"), id);
	assert_reason(SHELL("inline = [\"${jsonencode(build)}\"]"),
		      "it uses build, which is known only while the build runs");
	assert_reason(SHELL("inline = [\"{{ . }}\"]"),
		      "it uses build, which is known only while the build runs");
	assert_reason(SHELL("inline = [\"${build.User} ${build.ConnType} ${build.name}\"]"), "");
}

static void test_new_each_time(void **state)
{
	(void)state;
#define NEW_IN_EACH(what) "it uses " what ", which is new in each run"
	assert_reason(SHELL("inline = [timestamp()]"), NEW_IN_EACH("timestamp()"));
	assert_reason(SHELL("inline = [\"${uuidv4()}\"]"), NEW_IN_EACH("uuidv4()"));
	assert_reason(SHELL("inline = [\"{{ timestamp }}\"]"), NEW_IN_EACH("{{ timestamp }}"));
	assert_reason("locals {\n  at   = timestamp()\n  name = \"x-${local.at}\"\n}\n" SHELL(
			      "inline = [local.name]"),
		      NEW_IN_EACH("timestamp()"));
	assert_reason("locals {\n  at   = timestamp()\n  name = \"x\"\n}\n" SHELL(
			      "inline = [local.name]"),
		      "");
	assert_reason(SHELL("inline = [\"{{ upper `a` }} ${upper(\"a\")}\"]"), "");
}

static void test_null_builder(void **state)
{
	(void)state;
	struct key_case c;
	use(&c,
	    "source \"null\" \"a\" {\n  communicator = \"none\"\n}\n"
	    "build {\n  sources = [\"null.a\"]\n" PROVISIONER("shell", "inline = [\"a\"]") "}\n");
	assert_null(c.keys[0].hex);
	assert_string_equal(c.keys[0].never, "a null build has no machine of its own");
	assert_null(c.keys[1].hex);
	assert_null(c.artifact.hex);
	key_case_release(&c);
}

/* ---- what scripts are told of the build --------------------------------------------------------------- */

#define FLAVOURS(steps)                                                                            \
	"source \"file\" \"a\" {\n  target = \"x\"\n  content = \"y\"\n}\n"                        \
	"source \"file\" \"b\" {\n  target = \"x\"\n  content = \"y\"\n}\n"                        \
	"build {\n  sources = [\"file.a\", \"file.b\"]\n" steps "}\n"

/* How many steps two builds of other names share. */
static size_t shared(const char *text)
{
	struct key_case a, b;
	put("t.pkr.hcl", text);
	key_case_load(&a, ".", case_dir, NULL, 0);
	key_case_make(&a, 0, case_dir, case_dir);
	key_case_load(&b, ".", case_dir, NULL, 0);
	key_case_make(&b, 1, case_dir, case_dir);
	size_t n = 0;
	while (n + 1 < a.len && text_eq(a.keys[n + 1].hex, b.keys[n + 1].hex))
		n++;
	key_case_release(&a);
	key_case_release(&b);
	return n;
}

#define INLINE(text) PROVISIONER("shell", "inline = [\"" text "\"]")

static void test_flavours(void **state)
{
	(void)state;
	static const char *const plain[] = {
		"a",
		"set -e",
		"export A=1",
		"env A=1 ./x",
		"environment",
		"printf 'env x'",
		"#!/usr/bin/env python3\\nx",
		"declare -a list",
		"envoy run",
		"a.environs",
		"# the data set\\nx",
		"sudo env {{ .Vars }} ./x",
		"# to export\\nx",
	};
	static const char *const asking[] = {
		"echo $PACKER_BUILD_NAME",
		"env",
		"env | sort",
		"printenv",
		"export -p",
		"declare -x",
		"set",
		"x; set | grep A",
		"cat /proc/self/environ",
		"$(env)",
		"compgen -v",
		"x = os.environ",
		"export",
		"sudo env > /tmp/x",
		"ENV.each",
		"if x; then set; fi",
		"bash -c 'set'",
		"x && export -p",
		"env -0",
	};
	for (size_t i = 0; i < ARRAY_LEN(plain); i++) {
		AUTO_FREE char *text = xasprintf(
			FLAVOURS("  provisioner \"shell\" {\n    inline = [\"%s\"]\n  }\n"),
			plain[i]);
		if (shared(text) != 1)
			fail_msg("'%s' keeps flavours apart", plain[i]);
	}
	for (size_t i = 0; i < ARRAY_LEN(asking); i++) {
		AUTO_FREE char *text = xasprintf(
			FLAVOURS("  provisioner \"shell\" {\n    inline = [\"%s\"]\n  }\n"),
			asking[i]);
		if (shared(text) != 0)
			fail_msg("'%s' is not seen", asking[i]);
	}
	/* Something that was brought before may look, too. */
	put("tool.sh", "#!/bin/sh\necho $PACKER_BUILD_NAME\n");
	assert_int_equal(shared(FLAVOURS(INLINE("a") PROVISIONER(
				 "file", "source = \"tool.sh\"\ndestination = \"/t\"") INLINE("/t")
						 INLINE("b"))),
			 2);
	write_file("tool.bin",
		   "\x7f"
		   "ELF\0\1",
		   6);
	assert_int_equal(
		shared(FLAVOURS(PROVISIONER("shell", "script = \"tool.bin\"\nbinary = true"))), 0);
	assert_int_equal(shared(FLAVOURS(INLINE("${source.name}"))), 0);
}

/* ---- secrets -------------------------------------------------------------------------------------------- */

#define SECRET "variable \"pw\" {\n  default   = \"hunter2\"\n  sensitive = true\n}\n"

static const struct key_input *input_of(const struct step_key *k, const char *name)
{
	for (size_t i = 0; i < k->inputs.len; i++)
		if (text_eq(k->inputs.items[i].name, name))
			return &k->inputs.items[i];
	fail_msg("no input '%s'", name);
	return NULL;
}

static void test_secrets(void **state)
{
	(void)state;
	struct key_case c;
	put("conf", "a = 1\npassword = hunter2\n");
	use(&c, SECRET HEAD INLINE("plain\\ntext") INLINE("echo ${var.pw}") INLINE("more")
			PROVISIONER("file", "source = \"conf\"\ndestination = \"/d\"") "}\n");
	assert_false(c.keys[1].has_secret);
	assert_int_equal(strlen(input_of(&c.keys[1], "inline")->lines), 2 * 8);
	assert_true(c.keys[2].has_secret);
	assert_null(input_of(&c.keys[2], "inline")->lines);
	assert_true(c.keys[3].has_secret); /* the memory still holds it */
	assert_null(input_of(&c.keys[4], "source conf")->lines);
	/* It is this host's own: nobody can try passwords with it. */
	AUTO(digest) struct digest *d = digest_new(DIGEST_SHA256);
	digest_add(d, "echo hunter2\n", 13);
	AUTO_FREE char *plain = digest_finish_hex(d);
	assert_string_not_equal(input_of(&c.keys[2], "inline")->digest, plain);
	key_case_release(&c);
	use(&c, SECRET HEAD PROVISIONER("file", "source = \"conf\"\ndestination = \"/d\"") "}\n");
	assert_true(c.keys[1].has_secret);
	key_case_release(&c);
	AUTO_FREE char *one = last_key(SECRET SHELL("inline = [\"echo ${var.pw}\"]"));
	AUTO_FREE char *two = last_key(
		"variable \"pw\" {\n  default = \"hunter3\"\n  sensitive = true\n}\n" SHELL(
			"inline = [\"echo ${var.pw}\"]"));
	assert_string_not_equal(one, two);
}

/* ---- the machine --------------------------------------------------------------------------- */

#define GUEST(more)                                                                                \
	"source \"qemu\" \"a\" {\n  disk_image = true\n  iso_url = \"base.img\"\n"                 \
	"  iso_checksum = \"none\"\n  ssh_username = \"root\"\n  ssh_password = \"root\"\n" more   \
	"\n}\nbuild {\n  sources = [\"qemu.a\"]\n"

#define GUEST_STEP(more) GUEST(more) "}\n"

static void test_guest(void **state)
{
	(void)state;
	static const char *const outside[] = {
		"headless = true",
		"output_directory = \"elsewhere\"",
		"vm_name = \"v\"",
		"ssh_timeout = \"1h\"",
		"vnc_port_min = 5910",
		"host_port_min = 3000",
		"accelerator = \"tcg\"",
		"format = \"raw\"",
		"disk_compression = true",
		"http_port_min = 8100",
		"shutdown_command = \"halt\"",
	};
	static const char *const inside[] = {
		"memory = 1024",
		"cpus = 4",
		"disk_size = \"9G\"",
		"skip_resize_disk = true",
		"disk_additional_size = [\"1G\"]",
		"net_device = \"e1000\"",
		"boot_command = [\"<enter>\"]",
		"boot_command = [\"<tab> ks={{ .HTTPIP }}\"]",
		"cd_content = { a = \"b\" }",
		"http_content = { \"/a\" = \"b\" }",
		"http_directory = \"www\"",
		"qemuargs = [[\"-smbios\", \"type=1\"]]",
		"qemuargs = [[\"-drive\", \"if=virtio,file=seed.img\"]]",
		"ssh_pty = true",
		"ssh_file_transfer_method = \"scp\"",
	};
	put("base.img", "base");
	put("seed.img", "seed");
	put("www/ks.cfg", "text");
	AUTO_FREE char *plain = last_key(GUEST_STEP(""));
	AUTO(strv) struct strv keys = STRV_INIT;
	strv_push(&keys, plain);
	for (size_t i = 0; i < ARRAY_LEN(outside); i++) {
		AUTO_FREE char *text = xasprintf(GUEST_STEP("%s"), outside[i]);
		AUTO_FREE char *key = last_key(text);
		if (!text_eq(key, plain))
			fail_msg("'%s' decides", outside[i]);
	}
	for (size_t i = 0; i < ARRAY_LEN(inside); i++) {
		AUTO_FREE char *text = xasprintf(GUEST_STEP("%s"), inside[i]);
		AUTO_FREE char *key = last_key(text);
		if (strv_contains(&keys, key))
			fail_msg("'%s' does not decide", inside[i]);
		strv_push(&keys, key);
	}
}

/* What the machine is given, and by which name people are told of it. */
static void test_guest_files(void **state)
{
	(void)state;
	static const struct {
		const char *option, *file, *input;
	} rows[] = {
		{ "", "base.img", "base image" },
		{ "http_directory = \"www\"", "www/ks.cfg", "http_directory ks.cfg" },
		{ "cd_files = [\"www/*\"]", "www/ks.cfg", "CD file ks.cfg" },
		{ "floppy_files = [\"seed.img\"]", "seed.img", "floppy file seed.img" },
		{ "qemuargs = [[\"-drive\", \"file=seed.img\"]]", "seed.img", "file in qemuargs" },
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		AUTO_FREE char *text = xasprintf(GUEST_STEP("%s"), rows[i].option);
		struct key_case before, after;
		put("base.img", "base");
		put("seed.img", "seed");
		put("www/ks.cfg", "text\n");
		use(&before, text);
		put(rows[i].file, "other\n");
		use(&after, text);
		const struct key_input *x = input_of(&before.keys[0], rows[i].input);
		const struct key_input *y = input_of(&after.keys[0], rows[i].input);
		assert_string_not_equal(x->digest, y->digest);
		assert_string_not_equal(before.keys[0].hex, after.keys[0].hex);
		key_case_release(&before);
		key_case_release(&after);
	}
}

static void test_guest_values(void **state)
{
	(void)state;
	put("base.img", "base");
	assert_reason(GUEST("") INLINE("${build.Host} ${build.User}") "}\n", "");
	assert_reason(GUEST("") INLINE("${build.Port}") "}\n",
		      "it uses build.Port, which is known only while the build runs");
	assert_false(same_key(GUEST("") INLINE("${build.User == \"root\" ? 1 : 2}") "}\n",
			      GUEST("") INLINE("${build.User == \"root\" ? 3 : 2}") "}\n"));
	/* The name of the machine where it is typed. */
	assert_false(same_key(GUEST_STEP("vm_name = \"a\"\nboot_command = [\"{{ .Name }}\"]"),
			      GUEST_STEP("vm_name = \"b\"\nboot_command = [\"{{ .Name }}\"]")));
	/* The login's own password is no secret to the machine. */
	struct key_case c;
	use(&c, GUEST("") INLINE("echo root") "}\n");
	assert_false(c.keys[1].has_secret);
	key_case_release(&c);
}

/* For a look nothing is fetched. */
static void test_guest_not_here(void **state)
{
	(void)state;
	AUTO(error) struct error *err = NULL;
	struct key_case c;
	struct step_key k;
	put("t.pkr.hcl",
	    "source \"qemu\" \"a\" {\n  disk_image = true\n  iso_url = \"http://127.0.0.1:9/x\"\n"
	    "  iso_checksum = \"none\"\n  ssh_username = \"root\"\n  ssh_password = \"root\"\n}\n"
	    "build {\n  sources = [\"qemu.a\"]\n}\n");
	key_case_load(&c, ".", case_dir, NULL, 0);
	const struct host_dirs dirs = { .cache = case_dir };
	struct build_ctx ctx = {
		.info = &c.plan->builds[0].info, .cwd = case_dir, .dirs = &dirs, .look_only = true
	};
	const struct key_maker m = key_case_maker(&c, &ctx, 0);
	if (key_start(&m, &k, &err) < 0)
		fail_msg("%s", err->message);
	assert_null(k.hex);
	assert_string_equal(k.never, "the base image is not at hand: it has to be downloaded");
	step_key_release(&k);
	key_case_release(&c);
}

/* ---- inputs, for people ------------------------------------------------------------------------------------ */

static void test_lines(void **state)
{
	(void)state;
	struct key_case a, b;
	put("s.sh", "one\ntwo\nthree\n");
	use(&a, SHELL("script = \"s.sh\""));
	put("s.sh", "one\n2\nthree\n");
	use(&b, SHELL("script = \"s.sh\""));
	const char *x = input_of(&a.keys[1], "script s.sh")->lines;
	const char *y = input_of(&b.keys[1], "script s.sh")->lines;
	assert_int_equal(strlen(x), 3 * 8);
	assert_memory_equal(x, y, 8);
	assert_true(memcmp(x + 8, y + 8, 8) != 0);
	assert_memory_equal(x + 16, y + 16, 8);
	key_case_release(&a);
	key_case_release(&b);
}

/* ---- artifacts and what follows ---------------------------------------------------------------------------- */

static char *post_key(const char *post, char **ret_never)
{
	AUTO(error) struct error *err = NULL;
	AUTO_FREE char *text = xasprintf("%s  post-processor %s\n}\n", HEAD, post);
	struct key_case c;
	struct step_key k;
	use(&c, text);
	struct build_ctx ctx = { .info = &c.plan->builds[0].info, .cwd = case_dir };
	const struct key_maker m = key_case_maker(&c, &ctx, 0);
	assert_int_equal(key_post(&m, &m.build->chains[0].items[0], &c.artifact, &k, &err), 0);
	char *hex = xstrdup(k.hex ? k.hex : "");
	if (ret_never)
		*ret_never = xstrdup(k.never ? k.never : "");
	step_key_release(&k);
	key_case_release(&c);
	return hex;
}

static void test_posts(void **state)
{
	(void)state;
	AUTO_FREE char *a = post_key("\"compress\" {\n    output = \"o.tar.gz\"\n  }", NULL);
	AUTO_FREE char *b = post_key("\"compress\" {\n    output = \"p.tar.gz\"\n  }", NULL);
	AUTO_FREE char *why = NULL;
	assert_string_not_equal(a, "");
	assert_string_not_equal(a, b);
	AUTO_FREE char *local = post_key("\"shell-local\" {\n    inline = [\"a\"]\n  }", &why);
	assert_string_equal(local, "");
	assert_string_equal(why, "shell-local may read anything");
}

static int setup(void **state)
{
	(void)state;
	case_begin();
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	case_end();
	return 0;
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_chain),           TEST(test_options),
		TEST(test_late_templates),  TEST(test_scripts),
		TEST(test_present_content), TEST(test_directories),
		TEST(test_missing_files),   TEST(test_unreadable_files),
		TEST(test_barriers),        TEST(test_cache_inputs),
		TEST(test_run_time_values), TEST(test_new_each_time),
		TEST(test_null_builder),    TEST(test_flavours),
		TEST(test_secrets),         TEST(test_lines),
		TEST(test_guest),           TEST(test_guest_files),
		TEST(test_guest_values),    TEST(test_guest_not_here),
		TEST(test_posts),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
