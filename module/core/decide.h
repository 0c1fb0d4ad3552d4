// SPDX-License-Identifier: BSD-2-Clause
#ifndef REFLOW_CORE_DECIDE_H
#define REFLOW_CORE_DECIDE_H

#include <stdbool.h>
#include <stdint.h>

#include "core/facts.h"
#include "core/rule.h"

enum action {
    ACTION_ABSORB,      /* the response is neither forwarded nor stored */
    ACTION_FORWARD,     /* send this response up, now */
    ACTION_HOLD,        /* store it: other branches may still answer */
    ACTION_NEXT_FLOW,   /* replace the branch by another flow of the same instance */
    ACTION_NEXT_TARGET, /* continue with the next targets (next q class, or after a pause) */
    ACTION_RETRY,       /* send the request again, changed as `change` says, after `wait` */
    ACTION_RECURSE,     /* add the Contacts of a 3xx to the target set */
    ACTION_FAIL,        /* no more targets: choose the best stored response, this one among them, and send it up */
    ACTION_ACK,         /* UAC: acknowledge, the request succeeded */
    ACTION_REREGISTER,  /* UAC: register again, after `wait` */
    ACTION_COUNT
};

enum decision_flag {
    FLAG_ACK = 1 << 0,              /* the response must be acknowledged */
    FLAG_CANCEL_REST = 1 << 1,      /* cancel the pending branches */
    FLAG_END_USAGE = 1 << 2,        /* this dialog usage or subscription is over (RFC 5057) */
    FLAG_RESET_TIMER_C = 1 << 3,    /* start timer C of the branch again */
    FLAG_MERGE_CHALLENGES = 1 << 4, /* if it is forwarded: merge all 401/407 challenges into it */
    FLAG_BYE = 1 << 5,              /* end the unwanted dialog after the ACK */
    FLAG_STORE_BINDING = 1 << 6,    /* REGISTER succeeded: binding and flow are active */
    FLAG_START_KEEPALIVE = 1 << 7,  /* outbound was applied: keep-alives start */
    FLAG_STOP_OUTBOUND = 1 << 8,    /* register without outbound, or through another first hop */
    FLAG_DROP_SERVICE_ROUTE = 1 << 9,
    FLAG_SET_SERVICE_ROUTE = 1 << 10,
    FLAG_SUBSCRIPTION_STANDS = 1 << 11, /* subscription accepted or kept */
    FLAG_NEVER_REPEAT = 1 << 12,        /* the same request must not be sent again */
    FLAG_NEXT_SERVER = 1 << 13,         /* RFC 3263: the next address of the same destination */
    FLAG_ANSWERED = 1 << 14             /* the instance has answered: no request to it any more (5626-7.c) */
};

/* What to drop before going on. */
enum drop {
    DROP_NONE,
    DROP_BINDING, /* the one binding of this branch (5626-7.g) */
    DROP_FLOW     /* every binding on the flow, whatever its AOR (5626-7.f) */
};

/* What a retry changes; bits. Same Call-ID, CSeq + 1 (3261-8.1.3.d). */
enum change {
    CHANGE_NONE = 0,
    CHANGE_CREDENTIALS = 1 << 0,
    CHANGE_BODY_SMALLER = 1 << 1,
    CHANGE_BODY_TYPE = 1 << 2,
    CHANGE_URI_SCHEME = 1 << 3,
    CHANGE_EXTENSIONS_LESS = 1 << 4,
    CHANGE_EXTENSIONS_MORE = 1 << 5,
    CHANGE_EXPIRES = 1 << 6,
    CHANGE_SESSION_INTERVAL = 1 << 7,
    CHANGE_ETAG = 1 << 8,
    CHANGE_RESOURCE_PRIORITY = 1 << 9,
    CHANGE_LOCATION = 1 << 10,
    CHANGE_IDENTITY = 1 << 11,
    CHANGE_SECURITY = 1 << 12,
    CHANGE_CONSENT = 1 << 13,
    CHANGE_BREADTH = 1 << 14,
    CHANGE_PRIVACY = 1 << 15,
    CHANGE_OUTBOUND = 1 << 16,
    CHANGE_INFO_PACKAGE = 1 << 17,
    CHANGE_REFERRER = 1 << 18
};

/*
 * A decision, as a record that a person can read. What a host does with the less obvious ones:
 * - ACTION_HOLD after ORIGIN_FLOW_DOWN or ORIGIN_TRANSPORT with a provisional seen: nothing is stored; the branch
 * itself waits for its instance until its timer expires (5626-7.h), even if no other branch is pending.
 * - FLAG_NEXT_SERVER: the branch is replaced by one to the next address of the same destination (3263-4.3.a); it comes
 *   with ACTION_NEXT_TARGET (proxy) or ACTION_RETRY (user agent), which then mean that address and not a new target.
 * - ACTION_ABSORB of a final response: it is not stored. If it was the last branch, the response context ends silently.
 * - FLAG_CANCEL_REST with a provisional: the branch may now be cancelled, and should be (3261-9.a).
 * - A user agent's ACTION_FORWARD and ACTION_FAIL pass the response to its application. With ACTION_FAIL, `change` has
 *   what the user would have to agree to, and `wait` the time before a new attempt; nothing is sent automatically.
 * - Only an edge proxy answers a dead flow with 430 (5626-5.3.c), which is for the authoritative proxy.
 */
struct decision {
    uint32_t change;      /* enum change bits, with ACTION_RETRY */
    uint32_t wait_min_ms; /* a wait is drawn uniformly from this range; both 0: at once */
    uint32_t wait_max_ms;
    uint32_t rest_s; /* seconds for which the destination rests; 0: it does not rest */
    uint32_t value;  /* s: Min-Expires, Min-SE to retry with; Flow-Timer with FLAG_START_KEEPALIVE; else 0 */
    uint16_t flags;  /* enum decision_flag bits */
    uint16_t code;   /* the code as read: folded 0 if malformed, else what came or what it acts as (408, 503) */
    uint16_t status; /* FORWARD, FAIL: forwarded in place of it (503 -> 500, 430 -> 480); else 0 */
    uint8_t action;  /* enum action */
    uint8_t drop;    /* enum drop */
    uint8_t rule;    /* enum rule_id: the rule carried out */
    const char *why; /* one sentence, static */
};

/*
 * Decides what a response, or its absence, means. Pure: it allocates nothing, reads no clock, keeps no state, and may
 * be called in any thread. All values of the arguments give a decision; a code outside 100-699 gives ACTION_ABSORB.
 * The decision never breaks a guardrail.
 */
struct decision decide(const struct facts *facts, const struct state *state);

/* True if no other flow of the instance is known (`flows_left` is 0) and decide() would use one if there were. Call it
   before decide(): if it is true, look for flows that the instance has registered since the target set was made
   (5626-7.b), and set `flows_left` accordingly. */
bool decide_lacks_flow(const struct facts *facts, const struct state *state);

/* The name that scripts and logs use, such as "next_flow". Never NULL. */
const char *action_name(enum action action);
const char *drop_name(enum drop drop);
const char *role_name(unsigned role);     /* "proxy"; "unknown" for any other number */
const char *origin_name(unsigned origin); /* "flow_down"; likewise */

/* The same words in the order of the enum; NULL ends them. */
extern const char *const role_names[ROLE_COUNT + 1], *const origin_names[ORIGIN_COUNT + 1];

/* The name of the lowest set bit ("ack", "cancel_rest", "credentials", ...); NULL for 0 or an unknown bit. */
const char *decision_flag_name(uint32_t bit);
const char *change_name(uint32_t bit);

#endif
