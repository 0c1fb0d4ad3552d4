// SPDX-License-Identifier: BSD-2-Clause
#ifndef REFLOW_SCRIPT_POLICY_PRIVATE_H
#define REFLOW_SCRIPT_POLICY_PRIVATE_H

#include "script/blame.h"
#include "script/policy.h"

enum { HISTORY_MOST = 64, SAMPLES_MOST = 64 };

/* One version, also after it has gone: the history tells of it, and a failed one is not tried again. */
struct version {
    struct policy_version record;
    struct sources *sources; /* NULL once retired */
    struct script *script;   /* NULL once retired */
    uint32_t window_entries, window_failures;
    struct blame window_blame; /* whose overruns are in window_failures */
    bool failed;               /* refused by its hash from now on */
    bool spent;                /* it ran out of memory: rebuilt when idle */
    bool handed;               /* it has what the version before it saved */
    bool silent;               /* built as a shadow */
};

struct policy {
    struct policy_config config;
    struct host quiet;                     /* a shadow's: what it logs is dropped */
    struct version *history[HISTORY_MOST]; /* oldest first */
    size_t history_count;
    struct version *active, *previous, *canary, *shadow, *candidate;
    uint64_t last_number;
    uint32_t canary_share; /* thousandths */
    uint64_t agreements, differences;
    struct shadow_sample samples[SAMPLES_MOST]; /* a ring */
    uint64_t sample_count;
};

/* policy_trial.c: what an entry came to is counted, failures lead back, a shadow is compared. */
struct policy_entry {
    enum hook hook;
    const struct script_call *call;
    const struct script_reply *reply; /* HOOK_RESPONSE, HOOK_EXHAUSTED */
    const struct decision *decision;  /* HOOK_RESPONSE */
};
enum script_outcome policy_enter(struct policy_hold *hold, const struct policy_entry *entry,
                                 struct script_verdict *verdict);

/* From here on failures count against the version anew. */
void version_open_window(struct version *version);

void policy_say(const struct policy *policy, enum log_level level, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

#endif
