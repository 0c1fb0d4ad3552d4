// SPDX-License-Identifier: GPL-2.0-or-later
#ifndef REFLOW_KAMAILIO_HOST_H
#define REFLOW_KAMAILIO_HOST_H

#include <stdbool.h>
#include <stdint.h>

#include "base/host.h"

/* The hosts for the layers below. Both use Kamailio's clock and log. */

/* Memory of this process from the C library, for policies and parsed messages. Can be used from several threads. */
const struct host *ksr_host(void);

/* Shared memory: all processes see it at the same address. NULL when it is full, which is counted. */
const struct host *ksr_shared_host(void);

/* Milliseconds on the clock of both hosts. */
uint64_t ksr_now_ms(void);

/* Less than shm_reserve percent of it are free. */
bool shared_memory_is_scarce(void);

/* One line, without newline, to Kamailio's log, as "reflow: ...". */
void ksr_log(enum log_level level, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
