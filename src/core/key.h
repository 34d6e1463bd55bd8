/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Step keys (docs/internals/keys.md): a digest of everything that decides the state of a machine after a step.
 *
 *   key(0) = H(format, builder type, builder.fingerprint, communicator's login)
 *   key(n) = H(key(n-1), provisioner type, resolved configuration, content of the local files it reads)
 *
 * Not in it: the clock, the path of the folder, temporary keys and ports, and what does not act inside of the
 * machine (name, only, timeout, max_retries, pause_before). A text that holds a secret of the run takes part as
 * HMAC with the secret of this host. A key is worth what the files say when it is made: the engine makes the key
 * of a step right before it runs and again after it, and keeps nothing if the two differ.
 */
#pragma once

#include "base/vec.h"
#include "core/plan.h"

#include <stdbool.h>

/* One thing that takes part, for people: `plan` tells which of them changed. */
struct key_input {
	char *name;   /* "inline", "script harden.sh", "base image" */
	char *digest; /* hex */
	/* Of a text: 8 hex digits per line, made with the secret of this host: tells which line changed without
	 * keeping the text. NULL: not a text, or too long. */
	char *lines;
};
VEC_DECLARE(key_inputs, struct key_input);

struct step_key {
	char *hex;   /* NULL: unknown, or something before it is; always where there is a `never` */
	char *never; /* why the state after this step is not reused, in words; NULL: it may be */
	bool has_secret; /* its configuration or a file holds a secret: memory is not kept from here on */
	/* Differs once a local file that takes part was touched, even if its content is the same. */
	char *stamp;
	/* Something up to here names what scripts are told of the build: its name takes part in the
	 * keys of steps that run scripts. */
	bool names_build;
	struct key_inputs inputs;
};
void step_key_release(struct step_key *k);

struct key_maker {
	const struct plan *plan;
	const struct plan_build *build;
	struct build_ctx *ctx;       /* cwd, cancel, temp_dir; of a build or of `plan` */
	const unsigned char *secret; /* STORE_SECRET bytes */
	struct redactor *redactor;
};
/* The state before the first provisioner. */
MUST_CHECK int key_start(const struct key_maker *m, struct step_key *ret, struct error **err);
/* After provisioner `i`. `before`: the key before it. If that has no hex, ret has none (inputs are filled
 * all the same, and `never` only says what is this step's own reason). */
MUST_CHECK int key_step(const struct key_maker *m, size_t i, const struct step_key *before,
			struct step_key *ret, struct error **err);
/* The finished artifact: key of the last step and what finish() makes of it (all options of the builder).
 * Post-processors: the key before (artifact or post-processor) and its configuration and files. */
MUST_CHECK int key_artifact(const struct key_maker *m, const struct step_key *before,
			    struct step_key *ret, struct error **err);
MUST_CHECK int key_post(const struct key_maker *m, const struct plan_post *post,
			const struct step_key *before, struct step_key *ret, struct error **err);
