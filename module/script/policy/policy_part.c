// SPDX-License-Identifier: BSD-2-Clause
#include "script/policy/policy_private.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* Reverts or rebuilds the part of one tenant; the other parts are not changed. */

enum { REBUILD_MS = 60000 };

void version_exchange(struct version *version, struct script *script)
{
    script_release(version->script);
    version->script = script;
}

/* --- parts that failed --- */

bool policy_withdrawal(const struct policy *policy, uint64_t number, struct policy_withdrawal *out)
{
    if (number >= policy->withdrawn_count || policy->withdrawn_count - number > WITHDRAWN_MOST)
        return false;
    *out = policy->withdrawn[number % WITHDRAWN_MOST];
    return true;
}

uint64_t policy_withdrawals(const struct policy *policy)
{
    return policy->withdrawn_count;
}

static bool is_withdrawn(const struct policy *policy, uint64_t hash)
{
    for (size_t i = 0; i < WITHDRAWN_MOST && i < policy->withdrawn_count; i++)
        if (policy->withdrawn[i].hash == hash)
            return true;
    return false;
}

static size_t find_part(const struct version *version, uint64_t hash)
{
    struct script_part_info info;
    for (size_t i = 1; version != NULL && version->script != NULL && i < script_part_count(version->script); i++) {
        script_part_info(version->script, i, &info);
        if (info.hash == hash)
            return i;
    }
    return 0;
}

/* Returns true if the version now has the donor's part for the tenant. */
static bool exchange_part(struct version *version, size_t index, const struct version *donor)
{
    struct script *made;
    if (donor == NULL || donor->script == NULL || script_take_part(&made, version->script, index, donor->script) != 0)
        return false;
    version_exchange(version, made);
    return true;
}

/* The name of the tenant is copied to `tenant`. */
static bool withdraw_from(struct policy *policy, struct version *version, const struct version *donor, uint64_t hash,
                          const char *why, char *tenant, size_t size)
{
    struct script_part_info info;
    size_t index = find_part(version, hash);
    if (index == 0 || donor == NULL || find_part(donor, hash) != 0)
        return false;
    script_part_info(version->script, index, &info);
    snprintf(tenant, size, "%s", info.tenant);
    if (!exchange_part(version, index, donor))
        return false;
    snprintf(version->record.why, sizeof version->record.why, "tenant %s: %s", tenant, why);
    policy_say(policy, LOG_WARNING,
               "tenant %s: its policy in version %" PRIu64 " is taken back, that of version %" PRIu64 " is in use: %s",
               tenant, version->record.number, donor->record.number, why);
    return true;
}

static bool withdraw(struct policy *policy, uint64_t hash, const char *why, bool own)
{
    struct policy_withdrawal gone = {.hash = hash, .own = own};
    bool of_active =
        withdraw_from(policy, policy->active, policy->previous, hash, why, gone.tenant, sizeof gone.tenant);
    bool of_canary = withdraw_from(policy, policy->canary, policy->active, hash, why, gone.tenant, sizeof gone.tenant);
    if (own && !of_active && !of_canary)
        return false;
    snprintf(gone.why, sizeof gone.why, "%s", why);
    policy->withdrawn[policy->withdrawn_count++ % WITHDRAWN_MOST] = gone;
    if (of_active)
        policy_keep_active(policy);
    return true;
}

void policy_take_back_part(struct policy *policy, uint64_t hash, const char *why)
{
    withdraw(policy, hash, why, true);
}

void policy_withdraw_part(struct policy *policy, uint64_t hash, const char *why)
{
    if (!is_withdrawn(policy, hash))
        withdraw(policy, hash, why, false);
}

void version_adopt(struct policy *policy, struct version *version)
{
    struct script_part_info info;
    if (policy->withdrawn_count == 0 || policy->active == NULL || policy->active == version)
        return;
    for (size_t i = 1; i < script_part_count(version->script); i++) {
        script_part_info(version->script, i, &info);
        if (is_withdrawn(policy, info.hash) && exchange_part(version, i, policy->active))
            policy_say(policy, LOG_WARNING,
                       "tenant %s: its policy failed before and is not tried again in version %" PRIu64, info.tenant,
                       version->record.number);
    }
}

int policy_good_sources(const struct policy *policy, struct sources **out)
{
    struct script_part_info info;
    if (policy->active == NULL || policy->active->sources == NULL)
        return -ENOENT;
    struct sources *good = sources_hold(policy->active->sources);
    for (size_t i = 1; i < script_part_count(policy->active->script); i++) {
        struct sources *mixed;
        script_part_info(policy->active->script, i, &info);
        if (info.sources == policy->active->sources)
            continue;
        int result = sources_mix(&mixed, good, info.sources, info.layers);
        sources_release(good);
        if (result != 0)
            return result;
        good = mixed;
    }
    *out = good;
    return 0;
}

/* --- parts without memory --- */

static void rebuild(struct policy *policy, struct version *version, size_t index, const char *tenant)
{
    char error[512], whose[160] = "";
    struct script *made;
    const struct script_config config = policy_script_config(policy, version == policy->shadow);
    if (tenant[0] != '\0')
        snprintf(whose, sizeof whose, "tenant %s: ", tenant);
    int result = script_rebuild_part(&made, version->script, index, &config, error, sizeof error);
    if (result != 0) {
        policy_say(policy, LOG_ERROR, "%spolicy version %" PRIu64 " could not be built anew: %s", whose,
                   version->record.number, error);
        return;
    }
    version_exchange(version, made);
    policy_say(policy, LOG_WARNING, "%spolicy version %" PRIu64 " ran out of memory and was built anew", whose,
               version->record.number);
}

/* A state that ran out of memory cannot be cleaned up, so the same bytes are built again for later calls. Calls wait
   meanwhile, so a tenant's part is built at most once a minute. */
void version_rebuild_spent(struct policy *policy, struct version *version)
{
    uint64_t now = policy->config.host->now_ms(policy->config.host->context);
    if (version == NULL || version->script == NULL || version->sources == NULL)
        return;
    for (size_t i = 0; i < script_part_count(version->script); i++) {
        struct script_part_info info;
        script_part_info(version->script, i, &info);
        bool waits = i > 0 && info.rebuilt_ms != 0 && now - info.rebuilt_ms < REBUILD_MS;
        if (info.spent && !waits)
            rebuild(policy, version, i, info.tenant);
    }
}
