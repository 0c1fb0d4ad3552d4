// SPDX-License-Identifier: BSD-2-Clause
#include "script/policy/policy_private.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "script/base/printable.h"

/* Enters a policy's hooks, counts the results, rolls back after failures, and runs and compares a shadow. */

static enum script_outcome enter(struct script *script, const struct policy_entry *entry,
                                 struct script_verdict *verdict)
{
    switch (entry->hook) {
    case HOOK_REQUEST:
        return script_on_request(script, entry->call, verdict);
    case HOOK_REGISTER:
        return script_on_register(script, entry->call, verdict);
    case HOOK_RESPONSE:
        return script_on_response(script, entry->call, entry->reply, entry->decision, verdict);
    case HOOK_CREDENTIALS:
        return script_on_credentials(script, entry->credentials, entry->ha1);
    default:
        return script_on_exhausted(script, entry->call, entry->reply, verdict);
    }
}

static bool is_failure(enum script_outcome outcome)
{
    return outcome >= SCRIPT_ERROR;
}

/* The version with this part of the script; NULL if the call began with a version that no longer exists. */
static struct version *version_of(const struct policy *policy, const struct script *script, size_t part)
{
    struct version *const versions[] = {policy->active, policy->canary, policy->previous};
    for (size_t i = 0; i < sizeof versions / sizeof versions[0]; i++) {
        if (versions[i] != NULL && versions[i]->script != NULL && script_has_part(script, part, versions[i]->script))
            return versions[i];
    }
    return NULL;
}

/* Ends a canary, or replaces the active version by the previous one. */
static void take_back(struct policy *policy, struct version *version, const char *why)
{
    if (version == policy->canary) {
        version->failed = true;
        snprintf(version->record.why, sizeof version->record.why, "%s", why);
        policy_say(policy, LOG_WARNING, "canary version %" PRIu64 " ended: %s", version->record.number, why);
        policy_end_trial(policy, PLACE_CANARY);
    } else if (version == policy->active) {
        policy_rollback(policy, why, true);
    }
}

/* If too large a share of the window has failed, withdraws the version, or the tenant's part of it. */
static void judge(struct policy *policy, struct version *version, struct script_window *window, size_t part)
{
    char why[160];
    struct script_part_info info;
    if (window->failures * 1000ULL <= (uint64_t)policy->config.rollback_window * policy->config.rollback_share)
        return;
    snprintf(why, sizeof why, "%u of %u entries failed", window->failures, window->entries);
    *window = (struct script_window){0};
    script_part_info(version->script, part, &info);
    if (part == 0)
        take_back(policy, version, why);
    else if (version != policy->previous)
        policy_take_back_part(policy, info.hash, why);
}

/* Failures that a source can cause deliberately (exceeded time and memory) count once for each source in a window.
   An error counts each time, because the policy itself causes it. */
static bool failure_counts(struct script_window *window, const struct policy_entry *entry, enum script_outcome outcome)
{
    const uint64_t sources[BLAME_AT_ONCE] = {entry->call != NULL ? entry->call->source_number : 0,
                                             entry->reply != NULL ? entry->reply->source_number : 0};
    return outcome == SCRIPT_ERROR || blame_add(&window->blame, sources);
}

/* `outcome` is the result of this part's hooks. */
static void count_part(const struct policy_hold *hold, size_t part, const struct policy_entry *entry,
                       enum script_outcome outcome)
{
    struct policy *policy = hold->policy;
    struct version *version = version_of(policy, hold->script, part);
    if (version == NULL)
        return;
    struct script_window *window = script_window(hold->script, part);
    if (window->entries == policy->config.rollback_window)
        *window = (struct script_window){0};
    window->entries++;
    if (!is_failure(outcome))
        return;
    window->failures += failure_counts(window, entry, outcome);
    judge(policy, version, window, part);
}

static void count(const struct policy_hold *hold, const struct script_last *last, const struct policy_entry *entry,
                  enum script_outcome outcome)
{
    struct version *version = version_of(hold->policy, hold->script, 0);
    if (outcome == SCRIPT_NO_HOOK)
        return;
    if (version != NULL) {
        version->record.entries++;
        version->record.failures += is_failure(outcome);
    }
    for (size_t i = 0; i < sizeof last->ran / sizeof last->ran[0]; i++) {
        if (last->ran[i])
            count_part(hold, i == 0 ? 0 : last->tenant, entry, last->failed[i] ? outcome : SCRIPT_DEFAULT);
    }
}

static void describe(enum script_outcome outcome, const struct script_verdict *verdict, char out[48])
{
    char text[200], place[200];
    printable_write(text, sizeof text, verdict->uri);
    printable_write(place, sizeof place, verdict->destination);
    if (outcome == SCRIPT_NO_HOOK || outcome == SCRIPT_DEFAULT)
        snprintf(out, 48, "default");
    else if (is_failure(outcome))
        snprintf(out, 48, "failed");
    else if (verdict->kind == VERDICT_REPLY || verdict->kind == VERDICT_FAIL)
        snprintf(out, 48, "%s %u", verdict_name(verdict->kind), verdict->code);
    else if (verdict->kind == VERDICT_REST || verdict->kind == VERDICT_RETRY_AFTER)
        snprintf(out, 48, "%s %us %.24s", verdict_name(verdict->kind), verdict->seconds,
                 verdict->kind == VERDICT_REST ? place : "");
    else
        snprintf(out, 48, "%s %.32s", verdict_name(verdict->kind), text);
}

/* Accepting explicitly is the same as the core's default. */
static bool is_plain(enum script_outcome outcome, const struct script_verdict *verdict)
{
    return outcome == SCRIPT_NO_HOOK || outcome == SCRIPT_DEFAULT ||
           (outcome == SCRIPT_VERDICT && verdict->kind == VERDICT_ACCEPT);
}

static bool agree(enum script_outcome a, const struct script_verdict *x, enum script_outcome b,
                  const struct script_verdict *y)
{
    if (is_plain(a, x) || is_plain(b, y))
        return is_plain(a, x) && is_plain(b, y);
    if (a != SCRIPT_VERDICT || b != SCRIPT_VERDICT)
        return is_failure(a) && is_failure(b);
    return x->kind == y->kind && x->code == y->code && x->seconds == y->seconds && x->next_after == y->next_after &&
           x->recurse == y->recurse && strcmp(x->uri, y->uri) == 0 && strcmp(x->destination, y->destination) == 0;
}

static void compare(struct policy_hold *hold, const struct policy_entry *entry, enum script_outcome outcome,
                    const struct script_verdict *verdict)
{
    struct policy *policy = hold->policy;
    struct script_verdict other = {0};
    enum script_outcome shadow = enter(hold->shadow, entry, &other);
    if (shadow == SCRIPT_NO_HOOK && outcome == SCRIPT_NO_HOOK)
        return;
    if (policy->shadow != NULL && policy->shadow->script == hold->shadow) {
        policy->shadow->record.entries++;
        policy->shadow->record.failures += is_failure(shadow);
    }
    if (agree(outcome, verdict, shadow, &other)) {
        policy->agreements++;
        return;
    }
    policy->differences++;
    struct shadow_sample *sample = &policy->samples[policy->sample_count++ % SAMPLES_MOST];
    char raw[sizeof sample->call_id];
    struct text call_id = sip_call_id(entry->call->request);
    *sample = (struct shadow_sample){.hook = (uint8_t)entry->hook,
                                     .code = entry->decision != NULL ? entry->decision->code : 0};
    describe(outcome, verdict, sample->active);
    describe(shadow, &other, sample->shadow);
    snprintf(raw, sizeof raw, "%.*s", (int)(call_id.length < sizeof raw ? call_id.length : sizeof raw - 1), call_id.at);
    printable_write(sample->call_id, sizeof sample->call_id, raw); // a stranger wrote it
}

/* After a hook with on_error = "previous" has failed, the previous version decides. */
static enum script_outcome ask_previous(const struct policy_hold *hold, const struct script_last *last,
                                        const struct policy_entry *entry, struct script_verdict *verdict)
{
    const struct version *previous = hold->policy->previous;
    size_t failed = last->failed[0] ? 0 : last->tenant;
    if (previous == NULL || previous->script == NULL || script_has_part(previous->script, failed, hold->script))
        return SCRIPT_ERROR;
    enum script_outcome outcome = enter(previous->script, entry, verdict);
    return outcome == SCRIPT_PREVIOUS ? SCRIPT_ERROR : outcome;
}

static enum script_outcome policy_enter(struct policy_hold *hold, const struct policy_entry *entry,
                                        struct script_verdict *verdict)
{
    enum script_outcome outcome = SCRIPT_NO_HOOK;
    if (hold->script != NULL) {
        outcome = enter(hold->script, entry, verdict);
        const struct script_last last = *script_last(hold->script);
        if (outcome == SCRIPT_PREVIOUS) {
            enum script_outcome before = ask_previous(hold, &last, entry, verdict);
            count(hold, &last, entry, last.failure >= SCRIPT_ERROR ? last.failure : SCRIPT_ERROR);
            outcome = before;
        } else {
            count(hold, &last, entry, outcome);
        }
    }
    if (hold->shadow != NULL)
        compare(hold, entry, outcome, verdict);
    return outcome;
}

enum script_outcome policy_on_request(struct policy_hold *hold, const struct script_call *call,
                                      struct script_verdict *verdict)
{
    const struct policy_entry entry = {.hook = HOOK_REQUEST, .call = call};
    return policy_enter(hold, &entry, verdict);
}

enum script_outcome policy_on_register(struct policy_hold *hold, const struct script_call *call,
                                       struct script_verdict *verdict)
{
    const struct policy_entry entry = {.hook = HOOK_REGISTER, .call = call};
    return policy_enter(hold, &entry, verdict);
}

enum script_outcome policy_on_response(struct policy_hold *hold, const struct script_call *call,
                                       const struct script_reply *reply, const struct decision *decision,
                                       struct script_verdict *verdict)
{
    const struct policy_entry entry = {.hook = HOOK_RESPONSE, .call = call, .reply = reply, .decision = decision};
    return policy_enter(hold, &entry, verdict);
}

enum script_outcome policy_on_exhausted(struct policy_hold *hold, const struct script_call *call,
                                        const struct script_reply *best, struct script_verdict *verdict)
{
    const struct policy_entry entry = {.hook = HOOK_EXHAUSTED, .call = call, .reply = best};
    return policy_enter(hold, &entry, verdict);
}

enum script_outcome policy_on_credentials(struct policy *policy, const struct script_credentials *credentials,
                                          char ha1[DIGEST_HEX_MOST]) // NOLINT: it is written through the entry
{
    struct policy_hold hold = {.policy = policy};
    const struct policy_entry entry = {.hook = HOOK_CREDENTIALS, .credentials = credentials, .ha1 = ha1};
    if (!policy_hears(policy, HOOK_CREDENTIALS))
        return SCRIPT_NO_HOOK;
    hold.script = script_hold(policy->active->script);
    enum script_outcome outcome = policy_enter(&hold, &entry, NULL);
    policy_release(&hold);
    return outcome;
}

bool policy_hears(const struct policy *policy, enum hook hook)
{
    return policy->active != NULL && policy->active->script != NULL && script_has_hook(policy->active->script, hook);
}

bool policy_may_hear(const struct policy *policy, enum hook hook)
{
    const struct version *const versions[] = {policy->active, policy->canary, policy->shadow};
    for (size_t i = 0; i < sizeof versions / sizeof versions[0]; i++) {
        if (versions[i] != NULL && versions[i]->script != NULL && script_has_hook(versions[i]->script, hook))
            return true;
    }
    return false;
}

void policy_on_flow(struct policy *policy, enum hook hook, const struct script_flow *flow)
{
    if (policy_hears(policy, hook))
        script_on_flow(policy->active->script, hook, flow);
}
