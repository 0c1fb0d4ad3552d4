// SPDX-License-Identifier: BSD-2-Clause
#ifndef REFLOW_FLOW_RECOVERY_H
#define REFLOW_FLOW_RECOVERY_H

#include <stdbool.h>
#include <stdint.h>

/*
 * When a user agent tries again, and when it sends keep-alives (RFC 5626 sections 4.4, 4.5). Pure: `random` is any 32
 * bits that the caller has drawn uniformly. Results are in milliseconds, arguments in seconds. A result that does not
 * fit into 32 bits becomes the largest value.
 */

/* The wait before a flow is tried again after `failures` consecutive failures (0 gives 0): uniform between 50 % and
   100 % of min(1800 s, base x 2^failures), where base is 90 s if another flow is alive, else 30 s (5626-4.5.a b). */
uint32_t recovery_delay_ms(uint32_t failures, bool any_flow_alive, uint32_t random);

/* The three times of that formula, in milliseconds; 0: the value of the RFC. */
struct recovery_times {
    uint32_t base_ms;       /* no other flow is alive: 30 s */
    uint32_t base_alive_ms; /* another flow is alive: 90 s */
    uint32_t most_ms;       /* 1800 s */
};

/* The same with other times; NULL: those of the RFC. */
uint32_t recovery_wait_ms(const struct recovery_times *times, uint32_t failures, bool any_flow_alive, uint32_t random);

enum keepalive_kind { KEEPALIVE_STREAM, KEEPALIVE_STUN };

/* The wait before the next keep-alive: with a Flow-Timer (seconds, not 0), uniform between 80 and 100 % of it;
   without, 95 to 120 s on streams and 24 to 29 s for STUN (5626-4.4.a). */
uint32_t keepalive_interval_ms(enum keepalive_kind kind, uint32_t flow_timer, uint32_t random);

/* If no pong has come after this time, the flow has failed (5626-4.4.b). */
enum { KEEPALIVE_PONG_MS = 10000 };

/* How long a server that has sent Flow-Timer waits for a keep-alive before it acts: the timer plus a quarter of it,
   at least plus KEEPALIVE_PONG_MS (5626-5.4.c). 0 for 0: no Flow-Timer was sent, and nothing is watched. */
uint32_t keepalive_grace_ms(uint32_t flow_timer);

#endif
