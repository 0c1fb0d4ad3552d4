// SPDX-License-Identifier: BSD-2-Clause
#ifndef REFLOW_TEST_DATA_H
#define REFLOW_TEST_DATA_H

#include <stdbool.h>
#include <stddef.h>

#include "core/text.h"

/*
 * The files of tests/data. Programs run in the project's root. A file that is missing ends the program with a message,
 * so that no test can pass or be skipped without its data.
 */

/* The bytes of tests/data/NAME with a NUL behind them, from malloc. */
struct text test_data_load(const char *name);

/* A table: one row a line, fields separated by tabs, no quoting. */
struct data_table {
    const char *name; /* of the caller, who keeps it */
    char *bytes, *next;
};
void data_table_open(struct data_table *table, const char *name, bool has_header);

/* Sets fields[0..count-1], which live until the table is closed, and returns whether there was another row. A row with
   another number of fields ends the program. */
bool data_table_next(struct data_table *table, const char **fields, size_t count);
void data_table_close(struct data_table *table);

/*
 * Messages of a folder below tests/data, in the order of their names: every .dat file as it is, and every message of
 * the other files, which are text with LF at the end of a line. A line "=== MARK" is put before each of their messages,
 * and lines before the first one are comments. These messages get CRLF. A folder without messages ends the program.
 */
struct message_sample {
    char name[80];  /* "wsinv", or "3.01-session/2" */
    char mark[200]; /* "2 emil > nora" */
    struct text text;
};
struct message_samples {
    struct message_sample *at;
    size_t count;
};
void message_samples_create(struct message_samples *samples, const char *folder);
void message_samples_destroy(struct message_samples *samples);

#endif
