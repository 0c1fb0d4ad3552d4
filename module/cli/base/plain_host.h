// SPDX-License-Identifier: BSD-2-Clause
#ifndef REFLOW_CLI_PLAIN_HOST_H
#define REFLOW_CLI_PLAIN_HOST_H

#include "base/host.h"

/* A host for one-shot commands: the process's own allocator, clocks and random numbers, log lines to stderr, no lock.
 */
struct host plain_host(void);

#endif
