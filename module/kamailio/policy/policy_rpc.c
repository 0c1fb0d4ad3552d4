// SPDX-License-Identifier: GPL-2.0-or-later
#include "kamailio/base/ksr.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "core/code.h"
#include "kamailio/policy/policy_reload.h"
#include "kamailio/policy/worker_policy.h"

/* RPC commands that show the policy and change it. */

/* ctl does not send a fault of more than 255 bytes, and the caller would wait in vain. */
enum { WORD_SIZE = 1100, LISTED_MOST = 16, FAULT_MOST = 240 };

/* --- parameters --- */

/* The next parameter as text; numbers as they are written. Returns false if there is none. */
static bool next_word(rpc_t *rpc, void *context, char *out, size_t size)
{
    char *text = NULL;
    if (rpc->scan(context, "*.s", &text) < 1 || text == NULL)
        return false;
    snprintf(out, size, "%s", text);
    return true;
}

static bool is_last(rpc_t *rpc, void *context)
{
    char ignored[WORD_SIZE];
    return !next_word(rpc, context, ignored, sizeof ignored);
}

static bool has_policy(rpc_t *rpc, void *context)
{
    if (policy_share() != NULL)
        return true;
    rpc->fault(context, SIP_NOT_FOUND, "there is no policy: modparam(\"reflow\", \"policy\", PATH) names one");
    return false;
}

/* --- answers --- */

static void write_hash(uint64_t hash, char out[17])
{
    snprintf(out, 17, "%016" PRIx64, hash);
}

static int fault_code(int result)
{
    switch (result) {
    case -EBUSY:
    case -EAGAIN:
        return SIP_REQUEST_PENDING;
    case -EALREADY:
        return SIP_CONDITIONAL_REQUEST_FAILED;
    case -ENOENT:
        return SIP_NOT_FOUND;
    default:
        return SIP_SERVER_INTERNAL_ERROR;
    }
}

/* The log has the whole text of a long reason. */
static void refuse(rpc_t *rpc, void *context, int result, const struct policy_change *change)
{
    bool fits = strlen(change->error) <= FAULT_MOST;
    rpc->fault(context, fault_code(result), "%.*s%s", FAULT_MOST, change->error, fits ? "" : "...");
}

static void answer(rpc_t *rpc, void *context, int result, const struct policy_change *change)
{
    void *out;
    char hash[17];
    if (result == -EEXIST) {
        if (rpc->add(context, "{", &out) >= 0)
            rpc->struct_add(out, "ss", "result", "unchanged", "why", change->error);
        return;
    }
    if (result != 0) {
        refuse(rpc, context, result, change);
        return;
    }
    write_hash(change->hash, hash);
    if (rpc->add(context, "{", &out) >= 0)
        rpc->struct_add(out, "dsds", "version", (int)change->number, "hash", hash, "processes", (int)change->processes,
                        "result", change->done);
}

/* --- reload, rollback, shadow, canary --- */

static const char *reload_doc[] = {"Take the changed policy in use in all processes or in none. Takes the path of the "
                                   "base layer, where it shall be another one than modparam policy says.",
                                   NULL};
static const char *rollback_doc[] = {"Go back to the policy before this one, in all processes.", NULL};
static const char *shadow_doc[] = {
    "Run a policy beside the one in use, without effect, and compare. Takes its path; or "
    "off.",
    NULL};
static const char *canary_doc[] = {"Give a policy a share of the calls. Takes its path and the share in per cent, 0.1 "
                                   "to 100; or promote; or off.",
                                   NULL};
static const char *status_doc[] = {"The versions of the policy, what became of them, and each process's state.", NULL};
static const char *explain_doc[] = {"The hooks that a response goes through, in their order. Takes its code, and the "
                                    "called user as sip:user@domain where tenants have layers.",
                                    NULL};

static void rpc_reload(rpc_t *rpc, void *context)
{
    struct policy_change change;
    char path[WORD_SIZE];
    if (!has_policy(rpc, context))
        return;
    bool has_path = next_word(rpc, context, path, sizeof path);
    if (has_path && !is_last(rpc, context)) {
        rpc->fault(context, SIP_BAD_REQUEST, "reflow.reload takes one path, or nothing");
        return;
    }
    int result = policy_reload(PLACE_ACTIVE, has_path ? path : NULL, 0, &change);
    answer(rpc, context, result, &change);
}

static void rpc_rollback(rpc_t *rpc, void *context)
{
    struct policy_change change;
    if (!has_policy(rpc, context))
        return;
    if (!is_last(rpc, context)) {
        rpc->fault(context, SIP_BAD_REQUEST, "reflow.rollback takes no parameter");
        return;
    }
    int result = policy_take_back(&change);
    answer(rpc, context, result, &change);
}

static void rpc_shadow(rpc_t *rpc, void *context)
{
    struct policy_change change;
    char word[WORD_SIZE];
    if (!has_policy(rpc, context))
        return;
    if (!next_word(rpc, context, word, sizeof word) || !is_last(rpc, context)) {
        rpc->fault(context, SIP_BAD_REQUEST, "reflow.shadow takes the path of a policy, or off");
        return;
    }
    bool off = strcmp(word, "off") == 0;
    int result = off ? policy_stop_trial(PLACE_SHADOW, &change) : policy_reload(PLACE_SHADOW, word, 0, &change);
    answer(rpc, context, result, &change);
}

/* An invalid or missing number gives 0. */
static uint32_t next_share(rpc_t *rpc, void *context)
{
    double share = 0;
    if (rpc->scan(context, "*.f", &share) < 1 || !(share >= 0.1 && share <= 100))
        return 0;
    return (uint32_t)(share * 10 + 0.5);
}

static void rpc_canary(rpc_t *rpc, void *context)
{
    struct policy_change change;
    char word[WORD_SIZE];
    uint32_t share = 0;
    if (!has_policy(rpc, context))
        return;
    bool fine = next_word(rpc, context, word, sizeof word);
    bool promote = fine && strcmp(word, "promote") == 0, off = fine && strcmp(word, "off") == 0;
    if (fine && !promote && !off)
        fine = (share = next_share(rpc, context)) > 0;
    if (!fine || !is_last(rpc, context)) {
        rpc->fault(context, SIP_BAD_REQUEST,
                   "reflow.canary takes the path of a policy and a share of the calls, a number of per cent from 0.1 "
                   "to 100; or promote; or off");
        return;
    }
    int result = promote ? policy_promote_canary(&change)
                 : off   ? policy_stop_trial(PLACE_CANARY, &change)
                         : policy_reload(PLACE_CANARY, word, share, &change);
    answer(rpc, context, result, &change);
}

/* --- status --- */

struct sum {
    struct policy_count counts;
    uint64_t agreements, differences;
};

static void add_versions(const struct policy_report *report, uint64_t number, struct sum *sum)
{
    for (size_t i = 0; i < report->count; i++) {
        if (report->versions[i].number != number)
            continue;
        sum->counts.entries += report->versions[i].entries;
        sum->counts.failures += report->versions[i].failures;
    }
}

/* Over all processes that have answered. */
static struct sum sum_of(struct policy_share *share, uint64_t number)
{
    struct sum sum = {0};
    for (struct policy_slot *slot = share->slots; slot != NULL; slot = slot->next) {
        if (!slot->chosen || slot->result != 0)
            continue;
        add_versions(&slot->report, number, &sum);
        sum.agreements += slot->report.agreements;
        sum.differences += slot->report.differences;
    }
    return sum;
}

static void write_version(rpc_t *rpc, void *out, struct policy_share *share, const struct policy_version *version)
{
    char hash[17], since[32];
    time_t loaded = (time_t)version->loaded_at;
    struct tm parts;
    struct sum sum = sum_of(share, version->number);
    write_hash(version->hash, hash);
    gmtime_r(&loaded, &parts);
    strftime(since, sizeof since, "%Y-%m-%dT%H:%M:%SZ", &parts);
    rpc->struct_add(out, "dssdd", "version", (int)version->number, "hash", hash, "since", since, "entries",
                    (int)sum.counts.entries, "failures", (int)sum.counts.failures);
}

static const struct policy_version *version_of(const struct policy_share *share, const struct policy_blob *blob)
{
    for (size_t i = 0; blob != NULL && i < share->history_count; i++) {
        if (share->history[i].number == blob->number)
            return &share->history[i];
    }
    return NULL;
}

static void write_processes(rpc_t *rpc, void *out, struct policy_share *share)
{
    void *list, *each;
    char hash[17];
    rpc->struct_add(out, "[", "processes", &list);
    for (struct policy_slot *slot = share->slots; slot != NULL; slot = slot->next) {
        if (!policy_slot_lives(slot) || rpc->struct_add(list, "{", "process", &each) < 0)
            continue;
        bool answered = slot->chosen && slot->result == 0;
        bool follows = slot->places.active == share->use.active->hash;
        write_hash(slot->places.active, hash);
        rpc->struct_add(each, "dsss", "pid", (int)slot->pid, "name", policy_slot_name(slot), "hash", hash, "state",
                        !answered ? "does not answer"
                        : follows ? "in use"
                                  : "differs");
    }
}

static void write_trials(rpc_t *rpc, void *out, struct policy_share *share)
{
    void *trial;
    const struct policy_version *canary = version_of(share, share->use.canary);
    const struct policy_version *shadow = version_of(share, share->use.shadow);
    if (canary != NULL && rpc->struct_add(out, "{", "canary", &trial) >= 0) {
        write_version(rpc, trial, share, canary);
        rpc->struct_add(trial, "f", "percent", share->use.canary_share / 10.0);
    }
    if (shadow != NULL && rpc->struct_add(out, "{", "shadow", &trial) >= 0) {
        struct sum sum = sum_of(share, 0);
        write_version(rpc, trial, share, shadow);
        rpc->struct_add(trial, "dd", "agreements", (int)sum.agreements, "differences", (int)sum.differences);
    }
}

static void write_sample(rpc_t *rpc, void *list, const struct shadow_sample *sample)
{
    void *each;
    if (rpc->struct_add(list, "{", "difference", &each) >= 0)
        rpc->struct_add(each, "sdsss", "hook", hook_name(sample->hook), "code", (int)sample->code, "active",
                        sample->active, "shadow", sample->shadow, "call_id", sample->call_id);
}

static void write_samples(rpc_t *rpc, void *out, struct policy_share *share)
{
    void *list;
    size_t count = 0;
    if (share->use.shadow == NULL || rpc->struct_add(out, "[", "samples", &list) < 0)
        return;
    for (struct policy_slot *slot = share->slots; slot != NULL; slot = slot->next) {
        for (size_t i = 0; slot->chosen && i < slot->report.sample_count && count < LISTED_MOST; i++, count++)
            write_sample(rpc, list, &slot->report.samples[i]);
    }
}

static void write_history(rpc_t *rpc, void *out, struct policy_share *share)
{
    void *list, *each;
    rpc->struct_add(out, "[", "history", &list);
    for (size_t i = 0; i < share->history_count && i < LISTED_MOST; i++) {
        const struct policy_version *version = &share->history[i];
        if (rpc->struct_add(list, "{", "version", &each) < 0)
            continue;
        write_version(rpc, each, share, version);
        rpc->struct_add(each, "ss", "state", version->state, "why", version->why);
    }
}

static void rpc_status(rpc_t *rpc, void *context)
{
    struct policy_change change;
    struct policy_share *share = policy_share();
    void *out;
    if (!has_policy(rpc, context))
        return;
    if (!is_last(rpc, context)) {
        rpc->fault(context, SIP_BAD_REQUEST, "reflow.status takes no parameter");
        return;
    }
    int result = policy_reports(&change);
    if (result != 0) {
        refuse(rpc, context, result, &change);
        return;
    }
    const struct policy_version *active = version_of(share, share->use.active);
    if (rpc->add(context, "{", &out) >= 0) {
        if (active != NULL)
            write_version(rpc, out, share, active);
        write_trials(rpc, out, share);
        write_samples(rpc, out, share);
        write_processes(rpc, out, share);
        write_history(rpc, out, share);
    }
    policy_coordinate_end(share);
}

/* --- explain --- */

struct listing {
    rpc_t *rpc;
    void *list;
    unsigned count;
};

static bool write_hook(void *context, const struct script_hook_info *info)
{
    struct listing *listing = context;
    void *each;
    str place = {(char *)info->place.at, (int)info->place.length},
        layer = {(char *)info->layer.at, (int)info->layer.length};
    str selector = {(char *)info->selector.at, (int)info->selector.length};
    str on_error = {(char *)info->on_error.at, (int)info->on_error.length};
    listing->count++;
    if (listing->rpc->struct_add(listing->list, "{", "hook", &each) < 0)
        return false;
    listing->rpc->struct_add(each, "SSSddSs", "place", &place, "selector", &selector, "layer", &layer, "layer_priority",
                             (int)info->layer_priority, "priority", (int)info->priority, "on_error", &on_error, "state",
                             info->off ? "turned off" : "on");
    return true;
}

static uint32_t next_code(rpc_t *rpc, void *context)
{
    char word[WORD_SIZE], *end;
    if (!next_word(rpc, context, word, sizeof word))
        return 0;
    unsigned long code = strtoul(word, &end, 10);
    return *end == '\0' && word[0] != '-' && code >= CODE_LEAST && code <= CODE_MOST ? (uint32_t)code : 0;
}

static void rpc_explain(rpc_t *rpc, void *context)
{
    char aor[WORD_SIZE] = "";
    void *out;
    struct listing listing = {.rpc = rpc};
    if (!has_policy(rpc, context))
        return;
    uint32_t code = next_code(rpc, context);
    bool has_aor = code != 0 && next_word(rpc, context, aor, sizeof aor);
    if (code == 0 || (has_aor && (strncmp(aor, "sip", 3) != 0 || !is_last(rpc, context)))) {
        rpc->fault(context, SIP_BAD_REQUEST,
                   "reflow.explain takes a response code from 100 to 699, and the called user as sip:user@domain");
        return;
    }
    if (!worker_policy_present()) {
        rpc->fault(context, SIP_SERVICE_UNAVAILABLE, "this process has no policy: ask by kamcmd");
        return;
    }
    if (rpc->add(context, "{", &out) < 0)
        return;
    rpc->struct_add(out, "ds[", "code", (int)code, "phrase", code_phrase(code), "hooks", &listing.list);
    worker_policy_explain(code, text_of(aor), write_hook, &listing);
    rpc->struct_add(out, "s", "then",
                    listing.count == 0 ? "no hook is asked: the core decides"
                                       : "the first that returns a verdict decides; after the last, the core");
}

const rpc_export_t policy_rpc[] = {{"reflow.reload", rpc_reload, reload_doc, 0},
                                   {"reflow.rollback", rpc_rollback, rollback_doc, 0},
                                   {"reflow.status", rpc_status, status_doc, 0},
                                   {"reflow.shadow", rpc_shadow, shadow_doc, 0},
                                   {"reflow.canary", rpc_canary, canary_doc, 0},
                                   {"reflow.explain", rpc_explain, explain_doc, 0},
                                   {0, 0, 0, 0}};
