// SPDX-License-Identifier: BSD-2-Clause
#ifndef REFLOW_CORE_DECIDE_PRIVATE_H
#define REFLOW_CORE_DECIDE_PRIVATE_H

#include "core/code.h"
#include "core/decide.h"
#include "core/reaction.h"

/* The arguments of decide() after normalisation: bad values are replaced, and a missing response has a code. */
struct reading {
    const struct facts *facts;
    const struct state *state;
    const struct reaction *row;
    uint16_t code;  /* as in decision.code */
    uint8_t method; /* enum method */
    uint8_t origin; /* enum origin */
    uint8_t drop;   /* enum drop; a dead flow is dropped whatever is decided about the request (5626-7.f) */
    bool wire;      /* a response was received */
};

struct reading decide_read(const struct facts *facts, const struct state *state);

struct decision decide_proxy(const struct reading *reading);
struct decision decide_uac(const struct reading *reading);

/* Sets FLAG_ACK if the transaction sends the ACK (3261-17.a), and FLAG_END_USAGE if a usage or subscription ends. */
uint16_t decide_common_flags(const struct reading *reading);

/* ACTION_ABSORB: the response is neither forwarded nor stored. */
struct decision decide_absorb(const struct reading *reading, enum rule_id rule, const char *why);

static inline void decision_take(struct decision *decision, enum action action, enum rule_id rule, const char *why)
{
    decision->action = (uint8_t)action;
    decision->rule = (uint8_t)rule;
    decision->why = why;
}

/* True after a provisional response on a branch that is no longer wanted: it can be cancelled now (3261-9.a). */
static inline bool cancel_is_due(const struct reading *reading)
{
    const struct state *state = reading->state;
    return reading->method == METHOD_INVITE &&
           (state->cancelled || state->global_failure_seen || state->success_forwarded);
}

#endif
