// SPDX-License-Identifier: BSD-2-Clause
#include "flow/recovery.h"

enum {
    RECOVERY_MOST_S = 1800,
    RECOVERY_BASE_S = 30,
    RECOVERY_BASE_ALIVE_S = 90,
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

uint32_t recovery_delay_ms(uint32_t failures, bool any_flow_alive, uint32_t random)
{
    if (failures == 0)
        return 0;
    uint64_t wait = any_flow_alive ? RECOVERY_BASE_ALIVE_S : RECOVERY_BASE_S;
    for (uint32_t i = 0; i < failures && wait < RECOVERY_MOST_S; i++)
        wait *= 2;
    if (wait > RECOVERY_MOST_S)
        wait = RECOVERY_MOST_S;
    return between(wait * 500, wait * 1000, random);
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

uint32_t recovery_after_503_ms(bool has_retry_after, uint32_t retry_after, uint32_t failures, bool any_flow_alive,
                               uint32_t random)
{
    if (has_retry_after)
        return clamp_ms((uint64_t)retry_after * 1000);
    return recovery_delay_ms(failures, any_flow_alive, random);
}
