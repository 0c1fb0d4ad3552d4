// SPDX-License-Identifier: BSD-2-Clause
#ifndef REFLOW_CORE_REACTION_H
#define REFLOW_CORE_REACTION_H

#include <stdint.h>

#include "core/facts.h"
#include "core/rule.h"

/* The values of the columns of codes.def: what each role does after a code unless the facts say otherwise. */

/* A proxy (16.7). */
enum proxy_reaction {
    PROXY_ABSORB,
    PROXY_RELAY,
    PROXY_SUCCESS,
    PROXY_REDIRECT,
    PROXY_ANSWER,
    PROXY_CHALLENGE,
    PROXY_TIMEOUT,
    PROXY_FLOW_FAILED,
    PROXY_UNAVAILABLE,
    PROXY_GLOBAL,
    PROXY_REACTION_COUNT
};

/* A user agent client, to any request. */
enum uac_reaction {
    UAC_ABSORB,
    UAC_PROGRESS,
    UAC_SUCCESS,
    UAC_REDIRECT,
    UAC_FAIL,
    UAC_REFUSED,
    UAC_RETRY,
    UAC_CHALLENGE,
    UAC_INTERVAL,
    UAC_GLARE,
    UAC_UNAVAILABLE,
    UAC_REACTION_COUNT
};

/* A user agent client to INVITE: which transaction sends the ACK (13.2, 17). */
enum invite_reaction { INVITE_NO_ACK, INVITE_NEW_ACK, INVITE_SAME_ACK, INVITE_REACTION_COUNT };

/* A user agent client to REGISTER. */
enum register_reaction {
    REGISTER_WAIT,
    REGISTER_BOUND,
    REGISTER_REFUSED,
    REGISTER_LATER,
    REGISTER_WITHOUT_OUTBOUND,
    REGISTER_REACTION_COUNT
};

/* A user agent client to a SUBSCRIBE refresh or a NOTIFY (RFC 6665). */
enum subscription_reaction {
    SUBSCRIPTION_WAITS,
    SUBSCRIPTION_STANDS,
    SUBSCRIPTION_KEPT,
    SUBSCRIPTION_ENDS,
    SUBSCRIPTION_REACTION_COUNT
};

/* The effect on a dialog usage (RFC 5057). BY_METHOD: ends the usage if it belongs to the method of the request. */
enum usage_reaction { USAGE_LIVES, USAGE_BY_METHOD, USAGE_ENDS, USAGE_DIALOG_ENDS, USAGE_REACTION_COUNT };

/* Retry-After: SERVER, a condition of the server that will have passed by then, so that an automatic retry makes sense;
   CALLEE, a condition of the callee, after which only a person should try again. */
enum retry_after_reaction { RETRY_AFTER_IGNORED, RETRY_AFTER_SERVER, RETRY_AFTER_CALLEE, RETRY_AFTER_REACTION_COUNT };

/* The rank among the stored final responses of the class (16.7 step 6); LAST is below every other response. */
enum best_rank { BEST_HELPS, BEST_PLAIN, BEST_LATE, BEST_LAST, BEST_RANK_COUNT };

struct reaction {
    uint8_t proxy;        /* enum proxy_reaction */
    uint8_t uac;          /* enum uac_reaction */
    uint8_t invite;       /* enum invite_reaction */
    uint8_t to_register;  /* enum register_reaction */
    uint8_t subscription; /* enum subscription_reaction */
    uint8_t usage;        /* enum usage_reaction */
    uint8_t retry_after;  /* enum retry_after_reaction */
    uint8_t best;         /* enum best_rank */
    uint8_t retry_method; /* enum method: the only one that is retried; METHOD_OTHER: any */
    uint8_t rule;         /* enum rule_id of the UAC's reaction */
    uint16_t number;      /* number of the row: the code itself, or the code that it acts as; 0: malformed */
    uint16_t sent_as;     /* what a proxy forwards in its place; 0: the code itself */
    uint32_t change;      /* enum change bits of a retry */
    const char *why;      /* one sentence */
};

/* The row that decides for any number, folded by code_fold(); the row of 0 outside 100-699. Never NULL. */
const struct reaction *reaction_find(uint32_t number);

#endif
