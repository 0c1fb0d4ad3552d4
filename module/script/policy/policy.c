// SPDX-License-Identifier: BSD-2-Clause
#include "script/policy/policy_private.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/hash.h"
#include "base/memory.h"
#include "script/store/tenants.h"

enum { EXPIRED_MOST = 1000 };

void policy_say(const struct policy *policy, enum log_level level, const char *format, ...)
{
    char line[512];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(line, sizeof line, format, arguments);
    va_end(arguments);
    policy->config.host->log(policy->config.host->context, level, line);
}

static void drop_line(void *context, enum log_level level, const char *line)
{
    (void)context;
    (void)level;
    (void)line;
}

int policy_new(struct policy **out, const struct policy_config *config)
{
    const struct host *host = config->host;
    struct policy *policy = host->allocate(host->context, NULL, 0, sizeof *policy);
    if (policy == NULL)
        return -ENOMEM;
    *policy = (struct policy){.config = *config, .quiet = *host};
    policy->quiet.log = drop_line;
    if (policy->config.rollback_window == 0)
        policy->config.rollback_window = 100;
    if (policy->config.rollback_share == 0)
        policy->config.rollback_share = 200;
    *out = policy;
    return 0;
}

/* --- versions --- */

static void let_go(struct version *version)
{
    script_release(version->script);
    sources_release(version->sources);
    version->script = NULL;
    version->sources = NULL;
}

static void delete_version(struct policy *policy, struct version *version)
{
    let_go(version);
    memory_delete(policy->config.host, version, sizeof *version);
}

static void set_state(struct version *version, const char *state)
{
    snprintf(version->record.state, sizeof version->record.state, "%s", state);
}

static bool is_in_use(const struct policy *policy, const struct version *version)
{
    return version == policy->active || version == policy->previous || version == policy->canary ||
           version == policy->shadow || version == policy->candidate;
}

static void forget_oldest(struct policy *policy)
{
    size_t oldest = 0;
    while (oldest < policy->history_count && is_in_use(policy, policy->history[oldest]))
        oldest++;
    if (oldest == policy->history_count)
        return;
    delete_version(policy, policy->history[oldest]);
    policy->history_count--;
    memmove(&policy->history[oldest], &policy->history[oldest + 1],
            (policy->history_count - oldest) * sizeof(struct version *));
}

static struct version *version_new(struct policy *policy, struct sources *sources, uint64_t hash)
{
    const struct host *host = policy->config.host;
    struct version *version = host->allocate(host->context, NULL, 0, sizeof *version);
    if (version == NULL)
        return NULL;
    if (policy->history_count == HISTORY_MOST)
        forget_oldest(policy);
    *version = (struct version){
        .record = {.number = ++policy->last_number, .hash = hash, .loaded_at = host->wall_s(host->context)}};
    version->sources = sources != NULL ? sources_hold(sources) : NULL;
    policy->history[policy->history_count++] = version;
    return version;
}

static void retire(struct policy *policy, struct version *version)
{
    if (version == NULL || is_in_use(policy, version))
        return;
    set_state(version, version->failed ? "failed" : "retired");
    let_go(version);
}

static void mark_failed(struct version *version, const char *why)
{
    version->failed = true;
    set_state(version, "failed");
    snprintf(version->record.why, sizeof version->record.why, "%s", why);
}

void policy_delete(struct policy *policy)
{
    if (policy == NULL)
        return;
    while (policy->history_count > 0)
        delete_version(policy, policy->history[--policy->history_count]);
    memory_delete(policy->config.host, policy, sizeof *policy);
}

/* --- reloading --- */

static const struct version *failed_before(const struct policy *policy, uint64_t hash)
{
    for (size_t i = policy->history_count; i-- > 0;) {
        if (policy->history[i]->failed && policy->history[i]->record.hash == hash)
            return policy->history[i];
    }
    return NULL;
}

struct script_config policy_script_config(const struct policy *policy, bool as_shadow)
{
    return (struct script_config){.host = as_shadow ? &policy->quiet : policy->config.host,
                                  .no_credentials = policy->config.no_credentials,
                                  .limits = policy->config.limits,
                                  .store = as_shadow ? NULL : policy->config.store,
                                  .tenants = as_shadow ? NULL : policy->config.tenants};
}

static int build(struct policy *policy, struct version *version, bool as_shadow, char *error, size_t error_size)
{
    struct script *script;
    const struct script_config config = policy_script_config(policy, as_shadow);
    int result = script_new_of(&script, &config, version->sources, error, error_size);
    if (result != 0)
        return result;
    version_exchange(version, script);
    if (!as_shadow)
        version_adopt(policy, version);
    return 0;
}

struct policy_build {
    struct policy *policy;
    struct sources *sources;
    struct script_config config;
    struct script *script;
    int result;
    char error[1024];
};

/* Returns whether these bytes need to be built. */
static int check_hash(const struct policy *policy, uint64_t hash, char *error, size_t error_size)
{
    const struct version *failed = failed_before(policy, hash);
    if (failed != NULL) {
        snprintf(error, error_size, "these bytes failed before, as version %" PRIu64 ": %s", failed->record.number,
                 failed->record.why);
        return -EALREADY;
    }
    if (policy->active != NULL && policy->active->record.hash == hash) {
        snprintf(error, error_size, "these bytes are in use, as version %" PRIu64, policy->active->record.number);
        return -EEXIST;
    }
    return 0;
}

int policy_build_begin(struct policy_build **out, struct policy *policy, struct sources *sources, char *error,
                       size_t error_size)
{
    const struct host *host = policy->config.host;
    int result = check_hash(policy, sources_hash(sources), error, error_size);
    if (result != 0)
        return result;
    struct policy_build *made = host->allocate(host->context, NULL, 0, sizeof *made);
    if (made == NULL) {
        snprintf(error, error_size, "out of memory");
        return -ENOMEM;
    }
    *made = (struct policy_build){.policy = policy, .config = policy_script_config(policy, false)};
    made->sources = sources_hold(sources);
    *out = made;
    return 0;
}

void policy_build_as_shadow(struct policy_build *made)
{
    made->config = policy_script_config(made->policy, true);
}

void policy_build_run(struct policy_build *made)
{
    made->result = script_new_of(&made->script, &made->config, made->sources, made->error, sizeof made->error);
}

int policy_build_end(struct policy_build *made, char *error, size_t error_size)
{
    struct policy *policy = made->policy;
    const struct host *host = policy->config.host;
    int result = made->result;
    policy_abort(policy, "another version was prepared", false);
    snprintf(error, error_size, "%s", made->error);
    struct version *version = version_new(policy, made->sources, sources_hash(made->sources));
    if (version == NULL) {
        snprintf(error, error_size, "out of memory");
        script_release(result == 0 ? made->script : NULL);
        result = -ENOMEM;
    } else {
        set_state(version, "candidate");
        policy->candidate = version;
        version->script = result == 0 ? made->script : NULL;
        version->silent = made->config.host == &policy->quiet;
        if (result != 0)
            policy_abort(policy, error, result != -ENOMEM);
        else if (!version->silent)
            version_adopt(policy, version);
    }
    sources_release(made->sources);
    memory_delete(host, made, sizeof *made);
    return result;
}

int policy_prepare(struct policy *policy, struct sources *sources, char *error, size_t error_size)
{
    struct policy_build *made;
    int result = policy_build_begin(&made, policy, sources, error, error_size);
    if (result != 0)
        return result;
    policy_build_run(made);
    return policy_build_end(made, error, error_size);
}

void policy_abort(struct policy *policy, const char *why, bool remember)
{
    struct version *version = policy->candidate;
    if (version == NULL)
        return;
    policy->candidate = NULL;
    if (remember)
        mark_failed(version, why);
    else
        snprintf(version->record.why, sizeof version->record.why, "%s", why);
    retire(policy, version);
}

/* A new version may refuse the data. But if the old version cannot save, this must not stop its correction from
   being loaded. */
static int carry_over(struct policy *policy, struct version *to, char *error, size_t error_size)
{
    struct text saved = {NULL, 0};
    if (policy->active == NULL || policy->active->script == NULL)
        return 0;
    int result = script_save(policy->active->script, &saved, error, error_size);
    if (result != 0) {
        policy_say(policy, LOG_ERROR, "what version %" PRIu64 " keeps is lost: %s", policy->active->record.number,
                   error);
        return 0;
    }
    if (saved.length > 0)
        result = script_restore(to->script, saved, error, error_size);
    script_saved_free(policy->active->script, saved);
    return result;
}

void policy_keep_active(const struct policy *policy)
{
    struct sources *sources;
    if (policy->config.keep == NULL || policy_good_sources(policy, &sources) != 0)
        return;
    policy->config.keep(policy->config.keep_context, sources);
    sources_release(sources);
}

static void activate(struct policy *policy, struct version *version)
{
    struct version *oldest = policy->previous;
    policy->previous = policy->active;
    policy->active = version;
    if (policy->previous != NULL)
        set_state(policy->previous, "previous");
    set_state(version, "active");
    for (size_t i = 0; i < script_part_count(version->script); i++)
        *script_window(version->script, i) = (struct script_window){0};
    retire(policy, oldest);
    policy_keep_active(policy);
}

int policy_hand_over(struct policy *policy, char *error, size_t error_size)
{
    struct version *version = policy->candidate != NULL ? policy->candidate : policy->canary;
    if (version == NULL) {
        snprintf(error, error_size, "nothing was prepared");
        return -ENOENT;
    }
    int result = carry_over(policy, version, error, error_size);
    version->handed = result == 0;
    return result;
}

static int commit_active(struct policy *policy, struct version *version, char *error, size_t error_size)
{
    int result = version->handed ? 0 : carry_over(policy, version, error, error_size);
    version->handed = false;
    if (result != 0)
        return result;
    activate(policy, version);
    policy_say(policy, policy->previous != NULL ? LOG_NOTICE : LOG_INFO, "policy version %" PRIu64 " is in use",
               version->record.number);
    return 0;
}

static int commit_shadow(struct policy *policy, struct version *version, char *error, size_t error_size)
{
    int result = version->silent ? 0 : build(policy, version, true, error, error_size);
    if (result != 0)
        return result;
    policy_end_trial(policy, PLACE_SHADOW);
    policy->shadow = version;
    policy->agreements = policy->differences = policy->sample_count = 0;
    set_state(version, "shadow");
    return 0;
}

static void commit_canary(struct policy *policy, struct version *version, uint32_t share)
{
    policy_end_trial(policy, PLACE_CANARY);
    policy->canary = version;
    policy->canary_share = share;
    set_state(version, "canary");
}

int policy_commit(struct policy *policy, enum policy_place place, uint32_t canary_share, char *error, size_t error_size)
{
    struct version *version = policy->candidate;
    int result = 0;
    if (version == NULL) {
        snprintf(error, error_size, "nothing was prepared");
        return -ENOENT;
    }
    if (place == PLACE_CANARY)
        commit_canary(policy, version, canary_share);
    else if (place == PLACE_SHADOW)
        result = commit_shadow(policy, version, error, error_size);
    else
        result = commit_active(policy, version, error, error_size);
    if (result != 0)
        policy_abort(policy, error, false);
    policy->candidate = NULL;
    return result;
}

int policy_use(struct policy *policy, struct script *script)
{
    struct version *version = version_new(policy, NULL, script_hash(script));
    if (version == NULL)
        return -ENOMEM;
    version->script = script;
    activate(policy, version);
    return 0;
}

int policy_rollback(struct policy *policy, const char *why, bool remember)
{
    struct version *version = policy->active;
    if (policy->previous == NULL)
        return -ENOENT;
    policy->active = policy->previous;
    policy->previous = NULL;
    set_state(policy->active, "active");
    if (remember)
        mark_failed(version, why);
    snprintf(version->record.why, sizeof version->record.why, "%s", why);
    retire(policy, version);
    policy_keep_active(policy);
    policy_say(policy, LOG_WARNING, "policy version %" PRIu64 " taken back, version %" PRIu64 " is in use: %s",
               version->record.number, policy->active->record.number, why);
    return 0;
}

void policy_withdraw(struct policy *policy, uint64_t hash, const char *why)
{
    struct version **const places[] = {&policy->previous, &policy->canary, &policy->shadow};
    if (policy->active != NULL && policy->active->record.hash == hash)
        policy_rollback(policy, why, true);
    for (size_t i = 0; i < sizeof places / sizeof places[0]; i++) {
        struct version *version = *places[i];
        if (version == NULL || version->record.hash != hash)
            continue;
        mark_failed(version, why);
        *places[i] = NULL;
        retire(policy, version);
    }
}

int policy_promote(struct policy *policy, char *error, size_t error_size)
{
    struct version **trial = policy->canary != NULL ? &policy->canary : &policy->shadow;
    struct version *version = *trial;
    if (version == NULL) {
        snprintf(error, error_size, "there is no canary and no shadow");
        return -ENOENT;
    }
    int result = trial == &policy->shadow ? build(policy, version, false, error, error_size) : 0;
    if (result == 0)
        result = commit_active(policy, version, error, error_size);
    if (result == 0)
        *trial = NULL;
    return result;
}

int policy_end_trial(struct policy *policy, enum policy_place place)
{
    struct version **trial = place == PLACE_SHADOW ? &policy->shadow : &policy->canary;
    struct version *version = *trial;
    if (version == NULL || place == PLACE_ACTIVE)
        return -ENOENT;
    *trial = NULL;
    retire(policy, version);
    return 0;
}

/* --- calls --- */

/* The same call has the same share in every worker. */
static uint32_t thousandth(struct text call_id)
{
    return (uint32_t)(hash_fixed(call_id) % 1000);
}

static void take(struct policy *policy, const struct version *version, struct policy_hold *hold)
{
    *hold = (struct policy_hold){.policy = policy};
    if (version != NULL && version->script != NULL) {
        hold->script = script_hold(version->script);
        hold->version = version->record.number;
        hold->hash = version->record.hash;
    }
    if (policy->shadow != NULL)
        hold->shadow = script_hold(policy->shadow->script);
}

void policy_take(struct policy *policy, struct text call_id, struct policy_hold *hold)
{
    bool for_canary = policy->canary != NULL && thousandth(call_id) < policy->canary_share;
    take(policy, for_canary ? policy->canary : policy->active, hold);
}

void policy_take_version(struct policy *policy, uint64_t hash, struct policy_hold *hold)
{
    const struct version *const others[] = {policy->canary, policy->previous};
    const struct version *version = policy->active;
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) {
        bool is_active = version != NULL && version->record.hash == hash;
        if (!is_active && others[i] != NULL && others[i]->record.hash == hash)
            version = others[i];
    }
    take(policy, version, hold);
}

void policy_release(struct policy_hold *hold)
{
    script_release(hold->script);
    script_release(hold->shadow);
    *hold = (struct policy_hold){0};
}

bool policy_has_hook(const struct policy_hold *hold, enum hook hook)
{
    return (hold->script != NULL && script_has_hook(hold->script, hook)) ||
           (hold->shadow != NULL && script_has_hook(hold->shadow, hook));
}

bool policy_hears_response(const struct policy_hold *hold, const struct facts *facts)
{
    return (hold->script != NULL && script_hears(hold->script, facts)) ||
           (hold->shadow != NULL && script_hears(hold->shadow, facts));
}

/* --- status --- */

static uint64_t hash_of(const struct version *version)
{
    return version != NULL ? version->record.hash : 0;
}

struct policy_places policy_places(const struct policy *policy)
{
    return (struct policy_places){.active = hash_of(policy->active),
                                  .previous = hash_of(policy->previous),
                                  .canary = hash_of(policy->canary),
                                  .shadow = hash_of(policy->shadow)};
}

void policy_number_next(struct policy *policy, uint64_t number)
{
    policy->last_number = number - 1;
}

size_t policy_history(const struct policy *policy, struct policy_version *versions, size_t most)
{
    size_t count = 0;
    for (size_t i = policy->history_count; i-- > 0 && count < most;)
        versions[count++] = policy->history[i]->record;
    return count;
}

uint32_t policy_canary_share(const struct policy *policy)
{
    return policy->canary != NULL ? policy->canary_share : 0;
}

uint64_t policy_agreements(const struct policy *policy)
{
    return policy->agreements;
}

uint64_t policy_differences(const struct policy *policy)
{
    return policy->differences;
}

size_t policy_samples(const struct policy *policy, struct shadow_sample *samples, size_t most)
{
    size_t kept = policy->sample_count < SAMPLES_MOST ? (size_t)policy->sample_count : SAMPLES_MOST, count = 0;
    for (; count < kept && count < most; count++)
        samples[count] = policy->samples[(policy->sample_count - 1 - count) % SAMPLES_MOST];
    return count;
}

struct script *policy_active(const struct policy *policy)
{
    return policy->active != NULL ? policy->active->script : NULL;
}

/* --- time --- */

void policy_idle(struct policy *policy)
{
    struct version *const versions[] = {policy->active, policy->previous, policy->canary, policy->shadow};
    for (size_t i = 0; i < sizeof versions / sizeof versions[0]; i++) {
        version_rebuild_spent(policy, versions[i]);
        if (versions[i] != NULL && versions[i]->script != NULL)
            script_idle(versions[i]->script);
    }
    if (policy->config.store != NULL)
        store_expire(policy->config.store, EXPIRED_MOST);
    if (policy->config.tenants != NULL)
        tenants_expire(policy->config.tenants, EXPIRED_MOST);
}
