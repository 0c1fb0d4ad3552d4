// SPDX-License-Identifier: BSD-2-Clause
#ifndef REFLOW_STANDALONE_LOG_WRITER_H
#define REFLOW_STANDALONE_LOG_WRITER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/host.h"
#include "standalone/log/log_file.h"

/*
 * Writes lines to a file, or to a descriptor such as standard error, in a thread of its own, so that callers never wait
 * for the disk or for a reader. A line is dropped if the buffer is full, and lost if it cannot be written. Both are
 * counted, and the host's log gets the numbers at most once a minute; for lines that were dropped because nobody reads,
 * when there is room again.
 */

struct log_writer;

struct log_writer_config {
    const struct host *host;
    const char *name; /* name of the descriptor in the log; NULL: the file */
    int descriptor;   /* owned by the caller; stays open if nobody reads it */
    struct log_file_config file;
    size_t buffer; /* bytes; 0: 4 MiB */
};

struct log_writer_counters {
    uint64_t written; /* lines */
    uint64_t dropped; /* the buffer was full */
    uint64_t lost;    /* not written because of the disk, a missing reader, or the end */
};

enum { LOG_LINE_MOST = 65536 }; /* longer lines are dropped */

/* Opens the file, so that an invalid path is reported at start. Returns 0, the negative error of open(), -ENOMEM, or
   -EAGAIN if no thread could be started. */
int log_writer_new(struct log_writer **out, const struct log_writer_config *config);

/* Asks the thread to end, so that several can end at the same time. Nothing may be put after this. */
void log_writer_finish(struct log_writer *writer);

/* Writes the remaining lines and ends. For a descriptor that nobody reads, this takes at most half a second; the
   thread and its memory are then left until the process ends. writer may be NULL. */
void log_writer_delete(struct log_writer *writer);

/* Puts a line with its only newline; from any thread. Returns false if it was dropped. */
bool log_writer_put(struct log_writer *writer, const char *line, size_t length);

void log_writer_counters(struct log_writer *writer, struct log_writer_counters *counters);

#endif
