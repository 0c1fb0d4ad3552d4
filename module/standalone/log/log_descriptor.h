// SPDX-License-Identifier: BSD-2-Clause
#ifndef REFLOW_STANDALONE_LOG_DESCRIPTOR_H
#define REFLOW_STANDALONE_LOG_DESCRIPTOR_H

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Writes lines to a descriptor that others share, such as standard error: a pipe, a terminal, a file or the socket of
 * journald. The mode of the descriptor is not changed, because O_NONBLOCK would affect all processes that have it. For
 * log_writer.c, whose thread waits here for the reader.
 */

struct log_descriptor {
    int descriptor; /* borrowed */
    atomic_uint_fast64_t give_up_ms;
};

void log_descriptor_create(struct log_descriptor *sink, int descriptor);

/* Ends log_descriptor_write() at this time of CLOCK_MONOTONIC. From any thread. */
void log_descriptor_give_up(struct log_descriptor *sink, uint64_t at_ms);

/* Writes everything, and waits while nobody reads. Returns 0, -ETIMEDOUT after log_descriptor_give_up(), or the
   negative error of write(); *lost is then the number of lines that were not written completely. */
int log_descriptor_write(struct log_descriptor *sink, const char *lines, size_t length, size_t *lost);

#endif
