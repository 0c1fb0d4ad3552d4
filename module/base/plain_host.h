// SPDX-License-Identifier: BSD-2-Clause
#ifndef REFLOW_BASE_PLAIN_HOST_H
#define REFLOW_BASE_PLAIN_HOST_H

#include "base/host.h"

/* What the C library and the operating system offer, for hosts to take what they do not replace. All are thread-safe;
   `context` is not used. */
uint64_t plain_now_ms(void *context); /* CLOCK_MONOTONIC */
int64_t plain_wall_s(void *context);
void *plain_allocate(void *context, void *old, size_t old_size, size_t new_size);

/* Ends the process with a message if the system has no random numbers: no caller can go on without them, and a number
   that can be guessed must not pass for one. */
uint32_t plain_random(void *context);

/* The same for a host that has a random source of its own: `error` is the result of random_fill() or
   random_pool_take(). Does nothing if it is 0. */
void plain_random_check(int error);

/* All of them; log lines up to warnings go to standard error, as "reflow: ...". No lock. */
struct host plain_host(void);

#endif
