/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A machine whose disk is a text: what its layers hold, one after the other. It is kept and goes
 * on from there as a real one, in no time. Of a template:
 *
 *   source "text" "NAME" { text, output }
 *   provisioner "append" { word, file, flags… }    adds a word to the text of the machine
 *
 * What is done is added to the log, a file: "start", "+WORD", "finish". What goes wrong is set by
 * the members of text_world, or by files: a step with `fails = "F"` fails as long as F exists.
 */
#pragma once

#include "core/component.h"

#include <stdatomic.h>

/* One per process; zero: nothing goes wrong. Names are relative to the working directory. */
struct text_world {
	atomic_int progress;      /* counts everything that is done … */
	atomic_int *shared;       /* … here too, if not NULL */
	int checkpoint_error;     /* an errno for checkpoint(): ENOSPC */
	int checkpoint_good;      /* that many of them work before */
	int late_error;           /* an errno for what is done beside the machine */
	bool bad_checkpoint;      /* start(): ERROR_INVALID for each … */
	const char *bad_text;     /* … whose text is that, if not NULL */
	bool deaf;                /* connect() fails when the memory goes on … */
	const char *deaf_text;    /* … or with this disk, too */
	bool resume_fails;        /* resumed(): ERROR_AUTH */
	bool forgets;             /* checkpoints have no memory */
	atomic_int memory_starts; /* machines that went on with their memory */
	atomic_int disk_starts;   /* booted from the disk of a checkpoint */
	atomic_int memories;      /* checkpoints with memory */
	atomic_int held;          /* machines that were not destroyed */
};
extern struct text_world text_world;

extern const struct components text_components;
