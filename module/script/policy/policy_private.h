// SPDX-License-Identifier: BSD-2-Clause
#ifndef REFLOW_SCRIPT_POLICY_PRIVATE_H
#define REFLOW_SCRIPT_POLICY_PRIVATE_H

#include "script/policy/policy.h"

enum { HISTORY_MOST = 64, SAMPLES_MOST = 64, WITHDRAWN_MOST = 64 };

/* One version, also after it has been replaced: the history lists it, and a failed one is not tried again. */
struct version {
    struct policy_version record;
    struct sources *sources; /* NULL once retired */
    struct script *script;   /* NULL once retired */
    bool failed;             /* refused by its hash from now on */
    bool handed;             /* it has received the data that the previous version saved */
    bool silent;             /* built as a shadow */
};

struct policy {
    struct policy_config config;
    struct host quiet;                     /* the host of a shadow, which drops its log */
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

/* policy_trial.c: counts the results of entries, rolls back after failures, and compares with a shadow. */
struct policy_entry {
    enum hook hook;
    const struct script_call *call;
    const struct script_reply *reply;             /* HOOK_RESPONSE, HOOK_EXHAUSTED */
    const struct decision *decision;              /* HOOK_RESPONSE */
    const struct script_credentials *credentials; /* HOOK_CREDENTIALS, which has no call and no verdict */
    char *ha1;
};

/* policy_part.c: the part of one tenant in a version. */

/* Replaces the version's script by `script` and releases the old one. */
void version_exchange(struct version *version, struct script *script);
/* Tenants whose bytes have failed before keep the part of the active version. */
void version_adopt(struct policy *policy, struct version *version);
/* Rebuilds the parts that ran out of memory. */
void version_rebuild_spent(struct policy *policy, struct version *version);
/* Handles a part that failed too often here, as policy_withdraw_part() does. */
void policy_take_back_part(struct policy *policy, uint64_t hash, const char *why);

void policy_keep_active(const struct policy *policy);
struct script_config policy_script_config(const struct policy *policy, bool as_shadow);

void policy_say(const struct policy *policy, enum log_level level, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

#endif
