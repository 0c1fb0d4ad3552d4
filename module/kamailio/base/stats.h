// SPDX-License-Identifier: GPL-2.0-or-later
#ifndef REFLOW_KAMAILIO_STATS_H
#define REFLOW_KAMAILIO_STATS_H

#include "core/decide.h"
#include "script/engine/engine.h"

/* Counters of the group "reflow": `kamcmd stats.get_statistics reflow:`. From any process, at any time after
   mod_init. */

enum stat {
    STAT_ROUTED,           /* requests that sip_route_flows() gave targets */
    STAT_UNREACHABLE,      /* ... found none for */
    STAT_FAILOVERS,        /* branches replaced by another flow of their instance */
    STAT_FLOWS_DOWN,       /* flows that were found dead */
    STAT_DEAD_SKIPPED,     /* bindings skipped because their flow was dead */
    STAT_ELSEWHERE,        /* bindings skipped because only another node can reach them */
    STAT_LOST,             /* bindings skipped because their connection belongs to an earlier run */
    STAT_BINDINGS_DROPPED, /* removed by a 430 or with their flow */
    STAT_BRANCHES_FAILED,  /* waiting branches failed at once when their flow died */
    STAT_REGISTERED,
    STAT_REGISTER_REFUSED,
    STAT_VERDICTS,            /* of policies, carried out */
    STAT_VERDICTS_REFUSED,    /* a guardrail forbade them */
    STAT_SHARED_MEMORY,       /* times it was full */
    STAT_TOKENS_FORGED,       /* 403 at the edge */
    STAT_TOKENS_DEAD,         /* 430 at the edge */
    STAT_SILENCES,            /* requests that their destination did not answer at all */
    STAT_CLIENT_TRANSACTIONS, /* branches of requests with a record */
    STAT_LOOPS,               /* 482 */
    STAT_BREADTH_WAITS,       /* times that targets waited for Max-Breadth */
    STAT_BREADTH_REFUSED,     /* 440 */
    STAT_OVERLOADED,          /* 503: too much in flight, or shared memory is kept for other calls */
    STAT_LOAD_REQUEST,        /* branches not begun: enum load_refusal */
    STAT_LOAD_SOURCE,
    STAT_LOAD_TOTAL,
    STAT_ROUTES_UNSEALED, /* requests within a dialog whose Route has no valid seal */
    STAT_PEER_REQUESTS,   /* requests that a peer has sent for one of its bindings */
    STAT_RELOADS,
    STAT_RELOADS_UNCHANGED,
    STAT_RELOADS_FAILED,
    STAT_COUNT
};

int stats_create(void); /* mod_init; 0 or -1 */
void stats_count(enum stat stat);
void stats_decision(const struct decision *decision); /* by class, action and rule */
void stats_hook(enum hook hook, enum script_outcome outcome);
void stats_version(uint64_t number); /* the version of the policy in use in this process */
uint64_t stats_version_in_use(void); /* the last value of stats_version() in any process; 0: none */
void stats_reset(void);

#endif
