// SPDX-License-Identifier: BSD-2-Clause
#include <stdio.h>
#include <string.h>

#include "cli/check/check_private.h"
#include "core/code.h"
#include "script/engine/judge.h"

/* Each hook is called with all facts that it can see, and its verdict is judged as the server would (module/call).
   Facts that it cannot see (a 6xx on another branch, a caller that has cancelled) are left out: a verdict that is
   refused only because of them is not an error of the policy. */

enum { ASKED_MOST = 64, CLOCK_STEP_MS = 200000 };

/* --- identifying the hook --- */

struct asked {
    size_t count;
    char places[ASKED_MOST][300];
    uint64_t entries[ASKED_MOST];
};

static bool note_hook(void *context, const struct script_hook_info *info)
{
    struct asked *asked = context;
    if (asked->count == ASKED_MOST)
        return false;
    snprintf(asked->places[asked->count], sizeof asked->places[0], "%.*s", (int)info->place.length, info->place.at);
    asked->entries[asked->count++] = info->entries;
    return true;
}

static void ask(struct check_entry *entry, struct asked *asked)
{
    asked->count = 0;
    script_explain(entry->check->script, entry->hook, entry->code, (enum method)entry->facts.method, entry->call.aor,
                   note_hook, asked);
}

bool check_has_hook(struct check_entry *entry)
{
    struct asked asked;
    ask(entry, &asked);
    return asked.count > 0;
}

static enum script_outcome run_hooks(struct check_entry *entry)
{
    char ha1[DIGEST_HEX_MOST];
    struct script *script = entry->check->script;
    switch (entry->hook) {
    case HOOK_REQUEST:
        return script_on_request(script, &entry->call, &entry->verdict);
    case HOOK_REGISTER:
        return script_on_register(script, &entry->call, &entry->verdict);
    case HOOK_RESPONSE:
        return script_on_response(script, &entry->call, &entry->reply, &entry->decision, &entry->verdict);
    case HOOK_EXHAUSTED:
        return script_on_exhausted(script, &entry->call, &entry->reply, &entry->verdict);
    case HOOK_CREDENTIALS:
        return script_on_credentials(script, &entry->credentials, ha1) == SCRIPT_NO_HOOK ? SCRIPT_NO_HOOK
                                                                                         : SCRIPT_DEFAULT;
    default:
        script_on_flow(script, entry->hook, &entry->flow);
        return SCRIPT_DEFAULT;
    }
}

/* A hook that failed counts as failed also if its option on_error then decided. */
static enum script_outcome enter(struct check_entry *entry)
{
    struct script_counters before, after;
    entry->check->now_ms += CLOCK_STEP_MS; /* a failure must not affect the next call: circuit breakers stay closed */
    entry->call.started_ms = entry->check->now_ms - 100;
    entry->verdict = (struct script_verdict){0};
    script_counters(entry->check->script, &before);
    enum script_outcome outcome = run_hooks(entry);
    script_counters(entry->check->script, &after);
    if (after.overruns > before.overruns)
        return SCRIPT_OVERRUN;
    if (after.memory > before.memory)
        return SCRIPT_MEMORY;
    return after.errors > before.errors ? SCRIPT_ERROR : outcome;
}

/* Runs it once more: the last hook that was entered is the one. */
static void find_place(struct check_entry *entry, char *place, size_t size)
{
    struct asked before, after;
    ask(entry, &before);
    enter(entry);
    ask(entry, &after);
    place[0] = '\0';
    for (size_t i = 0; i < before.count && i < after.count; i++) {
        if (after.entries[i] != before.entries[i])
            snprintf(place, size, "%s", after.places[i]);
    }
}

/* --- what may be carried out --- */

static enum rule_id judge(const struct check_entry *entry)
{
    switch (entry->hook) {
    case HOOK_RESPONSE:
        return verdict_guard_response(&entry->verdict, &entry->facts, &entry->state, &entry->decision);
    case HOOK_EXHAUSTED:
        return verdict_guard_exhausted(&entry->verdict, &entry->facts, &entry->state);
    case HOOK_REQUEST:
    case HOOK_REGISTER:
        return verdict_guard_answer(&entry->verdict, &entry->facts);
    default:
        return RULE_NONE;
    }
}

/* --- findings --- */

/* Removes the first word and the end of "a.lua: on_response: a.lua:3: reason; the core decides". */
static void copy_reason(const struct check_entry *entry, char *out, size_t size)
{
    const char *line = entry->check->last_error, *path = script_path(entry->check->script);
    size_t length = strlen(path);
    if (strncmp(line, path, length) == 0 && strncmp(line + length, ": ", 2) == 0)
        line += length + 2;
    snprintf(out, size, "%s", line);
    char *end = strrchr(out, ';');
    if (end != NULL)
        *end = '\0';
}

static void tell_failure(struct check_entry *entry, enum script_outcome outcome)
{
    struct finding finding = {.kind = FINDING_FAILURE};
    find_place(entry, finding.place, sizeof finding.place);
    copy_reason(entry, finding.text, sizeof finding.text);
    if (outcome == SCRIPT_OVERRUN || outcome == SCRIPT_MEMORY) {
        bool overran = outcome == SCRIPT_OVERRUN;
        finding.kind = overran ? FINDING_OVERRUN : FINDING_MEMORY;
        snprintf(finding.text, sizeof finding.text, "%s", overran ? "runs past its time" : "runs out of memory");
    }
    check_found(entry->check, &finding, entry->code, (enum method)entry->facts.method);
}

static void tell_refusal(struct check_entry *entry, enum rule_id rule)
{
    struct finding finding = {.kind = FINDING_GUARDRAIL, .rule = rule};
    struct script_verdict verdict = entry->verdict;
    find_place(entry, finding.place, sizeof finding.place);
    if (verdict.kind == VERDICT_FAIL || verdict.kind == VERDICT_REPLY)
        snprintf(finding.verdict, sizeof finding.verdict, "%s %u", verdict_name(verdict.kind), verdict.code);
    else
        snprintf(finding.verdict, sizeof finding.verdict, "%s", verdict_name(verdict.kind));
    snprintf(finding.text, sizeof finding.text, "%s", rule_at(rule)->line);
    check_found(entry->check, &finding, entry->code, (enum method)entry->facts.method);
}

void check_enter(struct check_entry *entry)
{
    struct check *check = entry->check;
    if (check->slow == SLOW_MOST) {
        check->more = true;
        return;
    }
    check->last_error[0] = '\0';
    check->tries++;
    enum script_outcome outcome = enter(entry);
    entry->slow = outcome == SCRIPT_OVERRUN || outcome == SCRIPT_MEMORY;
    check->slow += entry->slow;
    if (outcome >= SCRIPT_ERROR) {
        tell_failure(entry, outcome);
        return;
    }
    enum rule_id rule = outcome == SCRIPT_VERDICT ? judge(entry) : RULE_NONE;
    if (rule != RULE_NONE)
        tell_refusal(entry, rule);
}
