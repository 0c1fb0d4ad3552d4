// SPDX-License-Identifier: BSD-2-Clause
#ifndef REFLOW_STANDALONE_LOG_WRITER_H
#define REFLOW_STANDALONE_LOG_WRITER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/host.h"
#include "standalone/log/log_file.h"

/*
 * Lines into a file, or into a descriptor such as standard error, by a thread of its own: who puts one never waits for
 * the disk or for a reader. A line that finds the buffer full is dropped, one that is not written is lost; both
 * are counted, and the host's log has the numbers once a minute at most. Where lines were dropped for want of a reader,
 * that is when there is room again.
 */

struct log_writer;

struct log_writer_config {
    const struct host *host;
    const char *name; /* of a descriptor, as the log calls it; NULL: the file */
    int descriptor;   /* the caller's, which outlives the process where nobody reads it */
    struct log_file_config file;
    size_t buffer; /* bytes; 0: 4 MiB */
};

struct log_writer_counters {
    uint64_t written; /* lines */
    uint64_t dropped; /* the buffer was full */
    uint64_t lost;    /* not written: the disk, no reader, the end */
};

enum { LOG_LINE_MOST = 65536 }; /* a longer one is dropped */

/* Opens the file, so that a name that cannot be written is told at the start. 0, the negative error of open(), or
   -ENOMEM, -EAGAIN for want of a thread. */
int log_writer_new(struct log_writer **out, const struct log_writer_config *config);

/* Ask the thread to end, so that several end at the same time. Nothing may be put after this. */
void log_writer_finish(struct log_writer *writer);

/* Writes what is left, and ends. For a descriptor that nobody reads this takes half a second at most; the thread and
   its memory are then left for the end of the process. NULL is fine. */
void log_writer_delete(struct log_writer *writer);

/* A line with its newline, the only one in it; by any thread. False where it was dropped. */
bool log_writer_put(struct log_writer *writer, const char *line, size_t length);

void log_writer_counters(struct log_writer *writer, struct log_writer_counters *counters);

#endif
