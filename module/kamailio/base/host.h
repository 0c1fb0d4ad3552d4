// SPDX-License-Identifier: GPL-2.0-or-later
#ifndef REFLOW_KAMAILIO_HOST_H
#define REFLOW_KAMAILIO_HOST_H

#include "base/host.h"

/* What Kamailio lends to the layers below. Both have Kamailio's clock and log. */

/* This process's own memory, from the C library: policies, parsed messages. Bears threads. */
const struct host *ksr_host(void);

/* Shared memory: what one process writes all see; pointers are the same in each. NULL when it is full: counted. */
const struct host *ksr_shared_host(void);

/* One line, without newline, to Kamailio's log, as "reflow: ...". */
void ksr_log(enum log_level level, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
