// SPDX-License-Identifier: BSD-2-Clause
#ifndef REFLOW_FLOW_RECOVERY_H
#define REFLOW_FLOW_RECOVERY_H

#include <stdbool.h>
#include <stdint.h>

/*
 * When a user agent tries again, and when it pings (RFC 5626 sections 4.4, 4.5). Pure: `random` is any 32 bits,
 * drawn uniformly by the caller. Milliseconds out, seconds in; what 32 bits of milliseconds cannot hold becomes the
 * most they can.
 */

/* The wait before the next try of a flow after `failures` consecutive ones (1 and more; 0 gives 0): uniform between
   50 % and 100 % of min(1800 s, base x 2^failures), base 90 s where another flow lives, else 30 s (5626-4.5.a b). */
uint32_t recovery_delay_ms(uint32_t failures, bool any_flow_alive, uint32_t random);

/* The three times of that formula, which a user agent may be configured with; milliseconds, 0: the RFC's. */
struct recovery_times {
    uint32_t base_ms;       /* no other flow lives: 30 s */
    uint32_t base_alive_ms; /* one does: 90 s */
    uint32_t most_ms;       /* 1800 s */
};

/* The same with times of one's own; NULL: the RFC's. */
uint32_t recovery_wait_ms(const struct recovery_times *times, uint32_t failures, bool any_flow_alive, uint32_t random);

enum keepalive_kind { KEEPALIVE_STREAM, KEEPALIVE_STUN };

/* The wait before the next ping: with a Flow-Timer (seconds, not 0) uniform between 80 and 100 % of it; without,
   95 to 120 s on streams and 24 to 29 s for STUN (5626-4.4.a). */
uint32_t keepalive_interval_ms(enum keepalive_kind kind, uint32_t flow_timer, uint32_t random);

/* A pong that has not come after this has failed the flow (5626-4.4.b). */
enum { KEEPALIVE_PONG_MS = 10000 };

/* How long a server that sent Flow-Timer waits for a ping before it acts: longer than the timer by a quarter of it, at
   least by KEEPALIVE_PONG_MS (5626-5.4.c); 0 for 0: no Flow-Timer was sent, nothing is watched. */
uint32_t keepalive_grace_ms(uint32_t flow_timer);

/* The wait that a 503 to a REGISTER asks for: Retry-After where there is one, 0 meaning now (5626-4.2.b), else the
   recovery delay. */
uint32_t recovery_after_503_ms(bool has_retry_after, uint32_t retry_after, uint32_t failures, bool any_flow_alive,
                               uint32_t random);

#endif
