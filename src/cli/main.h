/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* The whole program; returns the exit code (cli.md 11). May reorder argv. */
int cli_main(int argc, char **argv, char **environ);
