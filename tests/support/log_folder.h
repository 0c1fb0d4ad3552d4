// SPDX-License-Identifier: BSD-2-Clause
#ifndef REFLOW_LOG_FOLDER_H
#define REFLOW_LOG_FOLDER_H

#include "test.h"

/* A folder of its own with a log in it. */
struct log_folder {
    char path[64], log[96];
};

void log_folder_create(struct log_folder *folder);
void log_folder_destroy(struct log_folder *folder); /* with all that is in it */

/* The log, or with a number above 0 an older one, is what is expected; NULL: is not there. */
void assert_log(const struct log_folder *folder, unsigned number, const char *expected);

#endif
