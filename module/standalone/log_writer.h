// SPDX-License-Identifier: BSD-2-Clause
#ifndef REFLOW_STANDALONE_LOG_WRITER_H
#define REFLOW_STANDALONE_LOG_WRITER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "host/host.h"
#include "standalone/log_file.h"

/*
 * Lines into a file by a thread of its own: who puts one never waits, neither for the disk nor for a lock. A line that
 * finds the buffer full is dropped, one that the file does not take is lost; both are counted, and told to the host's
 * log once a minute at most.
 */

struct log_writer;

struct log_writer_config {
    const struct host *host;
    struct log_file_config file;
    size_t buffer; /* bytes; 0: 4 MiB */
};

struct log_writer_counters {
    uint64_t written; /* lines */
    uint64_t dropped; /* the buffer was full */
    uint64_t lost;    /* the file did not take them */
};

enum { LOG_LINE_MOST = 65536 }; /* a longer one is dropped */

/* Opens the file, so that a name that cannot be written is told at the start. 0, the negative error of open(), or
   -ENOMEM, -EAGAIN for want of a thread. */
int log_writer_new(struct log_writer **out, const struct log_writer_config *config);

/* Writes what is left, and ends. NULL is fine. */
void log_writer_delete(struct log_writer *writer);

/* A line with its newline, the only one in it; by one thread. False where it was dropped. */
bool log_writer_put(struct log_writer *writer, const char *line, size_t length);

void log_writer_counters(const struct log_writer *writer, struct log_writer_counters *counters);

#endif
