// SPDX-License-Identifier: BSD-2-Clause
#include "core/best.h"

#include <stdbool.h>

#include "core/code.h"
#include "core/reaction.h"

/* A lower rank is better; WORTHLESS is never sent. */
enum { RANKS = BEST_RANK_COUNT * 2, RANK_430 = RANKS * (CLASS_GLOBAL_FAILURE + 2), WORTHLESS = RANK_430 + 2 };

/* Orders by class (2xx and 6xx before 3xx, 4xx, 5xx), then by the rank in the code table, then received responses
   before those that this server made. Of equal responses the first one wins. */
static unsigned rank_of(enum method method, const struct stored_response *response)
{
    const struct reaction *row = reaction_find(response->code);
    const enum code_class class = code_class(response->code);
    const unsigned made_up = response->origin != ORIGIN_WIRE;
    if (!code_is_final(response->code))
        return WORTHLESS;
    if (row->number == SIP_REQUEST_TIMEOUT && method != METHOD_INVITE)
        return WORTHLESS;
    if (row->best == BEST_LAST)
        return RANK_430 + made_up;
    const unsigned place = class == CLASS_SUCCESS ? 0 : class == CLASS_GLOBAL_FAILURE ? 1 : (unsigned)class;
    return RANKS * place + row->best * 2U + made_up;
}

static enum rule_id rule_of(uint32_t code, bool passed_430)
{
    switch (code) {
    case SIP_UNAUTHORIZED:
    case SIP_PROXY_AUTHENTICATION_REQUIRED:
        return RULE_3261_16_7_H;
    case SIP_SERVICE_UNAVAILABLE:
        return RULE_3261_16_7_G;
    case SIP_FLOW_FAILED:
        return RULE_5626_11_5_A;
    default:
        return passed_430 ? RULE_5626_11_5_B : RULE_3261_16_7_E;
    }
}

struct best best_choose(enum method method, const struct stored_response *responses, size_t count)
{
    unsigned least = WORTHLESS;
    size_t winner = 0;
    bool has_430 = false;
    for (size_t i = 0; i < count; i++) {
        const unsigned rank = rank_of(method, &responses[i]);
        has_430 |= rank >= RANK_430 && rank < WORTHLESS;
        if (rank < least) {
            least = rank;
            winner = i;
        }
    }
    if (least == WORTHLESS && method != METHOD_INVITE)
        return (struct best){.index = -1, .rule = RULE_4320_4_A};
    if (least == WORTHLESS)
        return (struct best){.index = -1, .status = SIP_REQUEST_TIMEOUT, .rule = RULE_3261_16_7_F};
    const struct stored_response *response = &responses[winner];
    const struct reaction *row = reaction_find(response->code);
    return (struct best){
        .index = response->origin == ORIGIN_WIRE ? (int)winner : -1,
        .status = row->sent_as ? row->sent_as : response->code,
        .rule = (uint8_t)rule_of(response->code, has_430),
        .merge = row->proxy == PROXY_CHALLENGE,
    };
}
