// SPDX-License-Identifier: BSD-2-Clause
#ifndef REFLOW_CORE_REACTION_H
#define REFLOW_CORE_REACTION_H

#include <stdint.h>

#include "core/facts.h"
#include "core/rule.h"

/*
 * The values of the columns of codes.def: what each role does after a code unless the facts say otherwise. Each list
 * here defines an enum together with the names of its values.
 */

/* A proxy (16.7). */
#define PROXY_REACTIONS(WORD)                                                                                          \
    WORD(PROXY, ABSORB, "absorb")                                                                                      \
    WORD(PROXY, RELAY, "relay")                                                                                        \
    WORD(PROXY, SUCCESS, "success")                                                                                    \
    WORD(PROXY, REDIRECT, "redirect")                                                                                  \
    WORD(PROXY, ANSWER, "answer")                                                                                      \
    WORD(PROXY, CHALLENGE, "challenge")                                                                                \
    WORD(PROXY, TIMEOUT, "timeout")                                                                                    \
    WORD(PROXY, FLOW_FAILED, "flow_failed")                                                                            \
    WORD(PROXY, UNAVAILABLE, "unavailable")                                                                            \
    WORD(PROXY, GLOBAL, "global_failure")

/* A user agent client, to any request. */
#define UAC_REACTIONS(WORD)                                                                                            \
    WORD(UAC, ABSORB, "absorb")                                                                                        \
    WORD(UAC, PROGRESS, "progress")                                                                                    \
    WORD(UAC, SUCCESS, "success")                                                                                      \
    WORD(UAC, REDIRECT, "redirect")                                                                                    \
    WORD(UAC, FAIL, "fail")                                                                                            \
    WORD(UAC, REFUSED, "never_repeat")                                                                                 \
    WORD(UAC, RETRY, "retry")                                                                                          \
    WORD(UAC, CHALLENGE, "answer_challenge")                                                                           \
    WORD(UAC, INTERVAL, "longer_interval")                                                                             \
    WORD(UAC, GLARE, "retry_after_glare")                                                                              \
    WORD(UAC, UNAVAILABLE, "next_server")

/* A user agent client to INVITE: which transaction sends the ACK (13.2, 17). */
#define INVITE_REACTIONS(WORD)                                                                                         \
    WORD(INVITE, NO_ACK, "no_ack")                                                                                     \
    WORD(INVITE, NEW_ACK, "ack_new_transaction")                                                                       \
    WORD(INVITE, SAME_ACK, "ack_same_transaction")

/* A user agent client to REGISTER. */
#define REGISTER_REACTIONS(WORD)                                                                                       \
    WORD(REGISTER, WAIT, "wait")                                                                                       \
    WORD(REGISTER, BOUND, "bound")                                                                                     \
    WORD(REGISTER, REFUSED, "refused")                                                                                 \
    WORD(REGISTER, LATER, "register_later")                                                                            \
    WORD(REGISTER, WITHOUT_OUTBOUND, "register_without_outbound")

/* A user agent client to a SUBSCRIBE refresh or a NOTIFY (RFC 6665). */
#define SUBSCRIPTION_REACTIONS(WORD)                                                                                   \
    WORD(SUBSCRIPTION, WAITS, "waits")                                                                                 \
    WORD(SUBSCRIPTION, STANDS, "stands")                                                                               \
    WORD(SUBSCRIPTION, KEPT, "kept_until_it_expires")                                                                  \
    WORD(SUBSCRIPTION, ENDS, "ends")

/* The effect on a dialog usage (RFC 5057). BY_METHOD: ends the usage if it belongs to the method of the request. */
#define USAGE_REACTIONS(WORD)                                                                                          \
    WORD(USAGE, LIVES, "lives")                                                                                        \
    WORD(USAGE, BY_METHOD, "ends_by_method")                                                                           \
    WORD(USAGE, ENDS, "usage_ends")                                                                                    \
    WORD(USAGE, DIALOG_ENDS, "dialog_ends")

/* Retry-After: SERVER, a condition of the server that will have passed by then, so that an automatic retry makes sense;
   CALLEE, a condition of the callee, after which only a person should try again. */
#define RETRY_AFTER_REACTIONS(WORD)                                                                                    \
    WORD(RETRY_AFTER, IGNORED, "ignored")                                                                              \
    WORD(RETRY_AFTER, SERVER, "server")                                                                                \
    WORD(RETRY_AFTER, CALLEE, "callee")

/* The rank among the stored final responses of the class (16.7 step 6); LAST is below every other response. */
#define BEST_RANKS(WORD)                                                                                               \
    WORD(BEST, HELPS, "helps")                                                                                         \
    WORD(BEST, PLAIN, "plain")                                                                                         \
    WORD(BEST, LATE, "late")                                                                                           \
    WORD(BEST, LAST, "last")

#define REACTION_ENUMERATOR(kind, word, name) kind##_##word,
enum proxy_reaction { PROXY_REACTIONS(REACTION_ENUMERATOR) PROXY_REACTION_COUNT };
enum uac_reaction { UAC_REACTIONS(REACTION_ENUMERATOR) UAC_REACTION_COUNT };
enum invite_reaction { INVITE_REACTIONS(REACTION_ENUMERATOR) INVITE_REACTION_COUNT };
enum register_reaction { REGISTER_REACTIONS(REACTION_ENUMERATOR) REGISTER_REACTION_COUNT };
enum subscription_reaction { SUBSCRIPTION_REACTIONS(REACTION_ENUMERATOR) SUBSCRIPTION_REACTION_COUNT };
enum usage_reaction { USAGE_REACTIONS(REACTION_ENUMERATOR) USAGE_REACTION_COUNT };
enum retry_after_reaction { RETRY_AFTER_REACTIONS(REACTION_ENUMERATOR) RETRY_AFTER_REACTION_COUNT };
enum best_rank { BEST_RANKS(REACTION_ENUMERATOR) BEST_RANK_COUNT };
#undef REACTION_ENUMERATOR

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

/* The name of a column's value; "?" for a number outside the enum. */
const char *proxy_reaction_name(enum proxy_reaction reaction);
const char *uac_reaction_name(enum uac_reaction reaction);
const char *invite_reaction_name(enum invite_reaction reaction);
const char *register_reaction_name(enum register_reaction reaction);
const char *subscription_reaction_name(enum subscription_reaction reaction);
const char *usage_reaction_name(enum usage_reaction reaction);
const char *retry_after_reaction_name(enum retry_after_reaction reaction);
const char *best_rank_name(enum best_rank rank);

#endif
