// SPDX-License-Identifier: BSD-2-Clause
#include "flow/recovery.h"

#include <stddef.h>

enum {
    RECOVERY_MOST_MS = 1800000,
    RECOVERY_BASE_MS = 30000,
    RECOVERY_BASE_ALIVE_MS = 90000,
    STREAM_PING_LEAST_MS = 95000,
    STREAM_PING_MOST_MS = 120000,
    STUN_PING_LEAST_MS = 24000,
    STUN_PING_MOST_MS = 29000
};

static uint32_t clamp_ms(uint64_t ms)
{
    return ms > UINT32_MAX ? UINT32_MAX : (uint32_t)ms;
}

static uint32_t between(uint64_t least, uint64_t most, uint32_t random)
{
    return clamp_ms(least + ((most - least + 1) * random >> 32));
}

static uint64_t chosen(uint32_t given, uint32_t otherwise)
{
    return given != 0 ? given : otherwise;
}

uint32_t recovery_wait_ms(const struct recovery_times *times, uint32_t failures, bool any_flow_alive, uint32_t random)
{
    static const struct recovery_times by_rfc;
    const struct recovery_times *given = times != NULL ? times : &by_rfc;
    const uint64_t most = chosen(given->most_ms, RECOVERY_MOST_MS);
    if (failures == 0)
        return 0;
    uint64_t wait = any_flow_alive ? chosen(given->base_alive_ms, RECOVERY_BASE_ALIVE_MS)
                                   : chosen(given->base_ms, RECOVERY_BASE_MS);
    for (uint32_t i = 0; i < failures && wait < most; i++)
        wait *= 2;
    if (wait > most)
        wait = most;
    return between(wait / 2, wait, random);
}

uint32_t recovery_delay_ms(uint32_t failures, bool any_flow_alive, uint32_t random)
{
    return recovery_wait_ms(NULL, failures, any_flow_alive, random);
}

uint32_t keepalive_interval_ms(enum keepalive_kind kind, uint32_t flow_timer, uint32_t random)
{
    if (flow_timer != 0)
        return between((uint64_t)flow_timer * 800, (uint64_t)flow_timer * 1000, random);
    if (kind == KEEPALIVE_STUN)
        return between(STUN_PING_LEAST_MS, STUN_PING_MOST_MS, random);
    return between(STREAM_PING_LEAST_MS, STREAM_PING_MOST_MS, random);
}

uint32_t keepalive_grace_ms(uint32_t flow_timer)
{
    uint64_t timer = (uint64_t)flow_timer * 1000;
    if (timer == 0)
        return 0;
    return clamp_ms(timer + (timer / 4 > KEEPALIVE_PONG_MS ? timer / 4 : KEEPALIVE_PONG_MS));
}
