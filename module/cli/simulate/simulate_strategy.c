// SPDX-License-Identifier: BSD-2-Clause
#include "cli/simulate/simulate_strategy.h"

#include <string.h>

#include "cli/base/arguments.h"
#include "core/code.h"
#include "core/decide.h"
#include "flow/recovery.h"

enum { MS = 1000, SECONDS_MOST = 86400 };

static const struct word {
    const char *name;
    bool has_seconds;
} words[] = {
    [STRATEGY_RFC] = {"rfc", false},
    [STRATEGY_FIXED] = {"fixed", true},
    [STRATEGY_JITTER] = {"jitter", true},
    [STRATEGY_PACED] = {"paced", false},
};

/* No strategy waits for 0 s: an agent that is refused at once and retries at once would never let the time advance. */
static bool read_seconds(struct strategy *strategy, const char *text)
{
    uint64_t seconds;
    if (*text != ':' || !argument_number(text + 1, SECONDS_MOST, &seconds) || seconds == 0)
        return false;
    strategy->seconds = (uint32_t)seconds;
    return true;
}

bool strategy_read(struct strategy *strategy, const char *text, size_t length)
{
    *strategy = (struct strategy){0};
    if (length >= sizeof strategy->name)
        return false;
    memcpy(strategy->name, text, length);
    const size_t word_length = strcspn(strategy->name, ":");
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        if (strlen(words[i].name) != word_length || memcmp(words[i].name, strategy->name, word_length) != 0)
            continue;
        strategy->kind = (uint8_t)i;
        return words[i].has_seconds ? read_seconds(strategy, strategy->name + word_length) : word_length == length;
    }
    return false;
}

static uint32_t between(uint32_t least, uint32_t most, uint32_t random)
{
    return least + (uint32_t)(((uint64_t)most - least + 1) * random >> 32);
}

uint32_t strategy_first_wait(const struct strategy *strategy, uint32_t random)
{
    switch (strategy->kind) {
    case STRATEGY_FIXED:
        return 0;
    case STRATEGY_JITTER:
        return between(0, strategy->seconds * MS, random);
    default:
        return recovery_delay_ms(0, false, random);
    }
}

static struct decision decide_failure(const struct strategy_failure *failure)
{
    const struct facts facts = {
        .role = ROLE_UAC,
        .method = METHOD_REGISTER,
        .origin = (uint8_t)failure->origin,
        .code = SIP_SERVICE_UNAVAILABLE,
        .has_retry_after = failure->retry_after_s != 0,
        .retry_after = failure->retry_after_s,
        .attempts = (uint16_t)(failure->failures - 1),
        .flows_left = failure->any_flow_alive,
        .reg_id = failure->reg_id,
        .supports_outbound = true,
    };
    return decide(&facts, &(struct state){0});
}

uint32_t strategy_wait(const struct strategy *strategy, const struct strategy_failure *failure)
{
    if (strategy->kind == STRATEGY_FIXED)
        return strategy->seconds * MS;
    const struct decision decision = decide_failure(failure);
    if (decision.rule == RULE_5626_4_2_B)
        return between(decision.wait_min_ms, decision.wait_max_ms, failure->random);
    if (strategy->kind == STRATEGY_JITTER)
        return between(0, strategy->seconds * MS, failure->random);
    return recovery_delay_ms(failure->failures, failure->any_flow_alive, failure->random);
}
