/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Functions with a better replacement here become compile errors. Included by
 * the build for every file (-include base/banned.h); system headers come first.
 */
#pragma once

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>
#include <unistd.h>

#pragma GCC poison strcpy strcat strncpy strncat sprintf vsprintf gets strtok atoi atol atoll atof
#pragma GCC poison localtime gmtime ctime asctime popen tmpnam mktemp usleep
