// SPDX-License-Identifier: BSD-2-Clause
#ifndef REFLOW_SCRIPT_POLICY_PRIVATE_H
#define REFLOW_SCRIPT_POLICY_PRIVATE_H

#include "script/policy/policy.h"

enum { HISTORY_MOST = 64, SAMPLES_MOST = 64, WITHDRAWN_MOST = 64 };

/* One version, also after it has gone: the history tells of it, and a failed one is not tried again. */
struct version {
    struct policy_version record;
    struct sources *sources; /* NULL once retired */
    struct script *script;   /* NULL once retired */
    bool failed;             /* refused by its hash from now on */
    bool handed;             /* it has what the version before it saved */
    bool silent;             /* built as a shadow */
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
    struct policy_withdrawal withdrawn[WITHDRAWN_MOST]; /* a ring */
    uint64_t withdrawn_count;
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

/* policy_part.c: one tenant's part of a version. */

/* Puts `script` in the place of the version's, whose reference is given back. */
void version_exchange(struct version *version, struct script *script);
/* Tenants whose bytes failed before keep the part that the active version has. */
void version_adopt(struct policy *policy, struct version *version);
/* Builds anew what ran out of memory. */
void version_rebuild_spent(struct policy *policy, struct version *version);
/* A part failed too often here: as policy_withdraw_part(). */
void policy_take_back_part(struct policy *policy, uint64_t hash, const char *why);

void policy_keep_active(const struct policy *policy);
struct script_config policy_script_config(const struct policy *policy, bool as_shadow);

void policy_say(const struct policy *policy, enum log_level level, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

#endif
