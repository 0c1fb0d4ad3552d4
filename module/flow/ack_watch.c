// SPDX-License-Identifier: BSD-2-Clause
#include "flow/ack_watch.h"

#include <stdbool.h>

/*
 * When is silence too long? There are two mistakes to avoid: a call that waits on a dead flow, and a living flow that
 * is aborted.
 *
 * If nothing is acknowledged, Linux sends a single segment again after 1, 2, 4 and 8 retransmission timeouts, counted
 * from the first copy (the first of these is the probe for a lost tail). The timeout is srtt + 4 * rttvar, and at least
 * srtt + 200 ms. The same sum without that lower bound is called a round trip here. A living peer practically always
 * acknowledges within it.
 *
 * - Fast paths, with round trips below 150 ms: on a LAN copies leave at 0, 200 and 400 ms. ACK_PATIENCE_MS leaves the
 *   last of them more than 300 ms, and the call a quarter of a second to reach another flow within a second. If 2 % of
 *   the packets are lost in each direction, all three copies or their acknowledgements are lost once in 16,000 calls
 *   (0.04^3). The call then takes the other flow, and the phone registers this one again.
 * - Slow paths: four retransmissions take eight timeouts, and the last one has a round trip for its acknowledgement.
 *   With the same loss a living flow is aborted once in 10 million calls (0.04^5).
 *
 * A peer that delays its acknowledgements (by at most 500 ms, RFC 1122) acknowledges a second copy at once. A peer that
 * does not read is alive: it acknowledges what fits into its window, and then nothing is in flight.
 */

enum {
    ROUND_TRIPS = 6,           /* without an acknowledgement, at least */
    RETRANSMISSIONS_LEAST = 2, /* on a fast path */
    RETRANSMISSIONS_MOST = 4,  /* on a slow path */
    FAST_MS = 150,             /* one more is required for each of these in a round trip */
    UNMEASURED_MS = 1000,      /* RFC 6298 2.1 */
    LOOK_MS = 200,             /* between looks, before the time is over */
    OVERDUE_MS = 50            /* and after */
};

static uint32_t round_trip_ms(const struct ack_sample *sample)
{
    uint64_t us = sample->srtt_us + 4ULL * sample->rttvar_us;
    return sample->srtt_us == 0 ? UNMEASURED_MS : (uint32_t)(us / 1000);
}

static bool has_retransmitted_enough(const struct ack_watch *watch, const struct ack_sample *sample, uint32_t trip_ms)
{
    uint32_t needed = RETRANSMISSIONS_LEAST + trip_ms / FAST_MS;
    uint32_t since = sample->retransmitted - watch->retransmitted;
    if (needed > RETRANSMISSIONS_MOST)
        needed = RETRANSMISSIONS_MOST;
    return since >= needed || sample->timeouts >= needed;
}

static void restart(struct ack_watch *watch, const struct ack_sample *sample, uint64_t now_ms)
{
    watch->since_ms = now_ms;
    watch->delivered = sample->delivered;
    watch->retransmitted = sample->retransmitted;
}

void ack_watch_begin(struct ack_watch *watch, uint32_t patience_ms, const struct ack_sample *sample, uint64_t now_ms)
{
    watch->patience_ms = patience_ms;
    restart(watch, sample, now_ms);
}

static uint64_t due_ms(const struct ack_watch *watch, uint32_t trip_ms)
{
    uint64_t trips_ms = (uint64_t)trip_ms * ROUND_TRIPS;
    return watch->since_ms + (trips_ms > watch->patience_ms ? trips_ms : watch->patience_ms);
}

enum ack_state ack_watch_look(struct ack_watch *watch, const struct ack_sample *sample, uint64_t now_ms,
                              uint32_t *again_ms)
{
    if (sample->in_flight == 0 && sample->unsent == 0)
        return ACK_ALL;
    if (sample->in_flight == 0 || sample->delivered != watch->delivered)
        restart(watch, sample, now_ms);
    uint32_t trip_ms = round_trip_ms(sample);
    uint64_t due = due_ms(watch, trip_ms);
    if (now_ms < due) {
        *again_ms = due - now_ms < LOOK_MS ? (uint32_t)(due - now_ms) : LOOK_MS;
        return ACK_WAITING;
    }
    *again_ms = OVERDUE_MS;
    bool last_had_time = sample->last_sent_ms >= trip_ms;
    return last_had_time && has_retransmitted_enough(watch, sample, trip_ms) ? ACK_OVERDUE : ACK_WAITING;
}
