// SPDX-License-Identifier: GPL-2.0-or-later
#include "kamailio/base/ksr.h"

#include "kamailio/base/stats.h"

#include <ctype.h>
#include <stdio.h>

#include "core/code.h"
#include "kamailio/base/host.h"

/* The counters in Kamailio: each process adds to its own row in shared memory, and readers add the rows. The handles
   are set before the fork and only read afterwards. */

enum { NAME_MOST = 64 };

/* The results of an entry into a hook; SCRIPT_DEFAULT counts only as an entry. */
enum hook_count { HOOK_ENTRIES, HOOK_VERDICTS, HOOK_ERRORS, HOOK_OVERRUNS, HOOK_MEMORY, HOOK_PREVIOUS, HOOK_COUNTS };

static counter_handle_t events[STAT_COUNT];
static counter_handle_t classes[CLASS_GLOBAL_FAILURE + 1];
static counter_handle_t actions[ACTION_COUNT];
static counter_handle_t rules[RULE_COUNT];
/* The last one is never called in this host. */
enum { HOOKS_CALLED = HOOK_CREDENTIALS };

static counter_handle_t hooks[HOOKS_CALLED][HOOK_COUNTS];
static uint64_t *version; /* shared: the last value that any process has set */

static const struct {
    const char *name, *line;
} event_rows[STAT_COUNT] = {
    [STAT_ROUTED] = {"requests_routed", "requests that sip_route_flows() found targets for"},
    [STAT_UNREACHABLE] = {"requests_unreachable", "requests that sip_route_flows() found no target for"},
    [STAT_FAILOVERS] = {"failovers", "branches replaced by another flow of their instance"},
    [STAT_FLOWS_DOWN] = {"flows_down", "flows that were noticed dead"},
    [STAT_DEAD_SKIPPED] = {"bindings_skipped", "bindings passed over because their flow was dead"},
    [STAT_ELSEWHERE] = {"bindings_elsewhere", "bindings passed over because only another node can reach them"},
    [STAT_LOST] = {"bindings_lost", "bindings passed over because their connection ended with an earlier run"},
    [STAT_BINDINGS_DROPPED] = {"bindings_dropped", "bindings removed by a 430 or with their flow"},
    [STAT_BRANCHES_FAILED] = {"branches_failed", "waiting branches failed at once when their flow died"},
    [STAT_REGISTERED] = {"registers_accepted", "REGISTER requests carried out"},
    [STAT_REGISTER_REFUSED] = {"registers_refused", "REGISTER requests refused"},
    [STAT_VERDICTS] = {"verdicts", "verdicts of the policy that were carried out"},
    [STAT_VERDICTS_REFUSED] = {"verdicts_refused", "verdicts of the policy that a guardrail forbade"},
    [STAT_SHARED_MEMORY] = {"shared_memory_full", "times there was no shared memory left"},
    [STAT_TOKENS_FORGED] = {"tokens_forged", "requests refused with 403 for their flow token"},
    [STAT_TOKENS_DEAD] = {"tokens_dead", "requests answered with 430 for their flow was gone"},
    [STAT_SILENCES] = {"silences", "requests that their destination did not answer at all; it rests"},
    [STAT_CLIENT_TRANSACTIONS] = {"client_transactions", "requests sent on by this module's functions"},
    [STAT_LOOPS] = {"loops", "requests answered with 482: they came back for the same AOR, or too often"},
    [STAT_BREADTH_WAITS] = {"breadth_waits", "times that targets waited because Max-Breadth did not suffice"},
    [STAT_BREADTH_REFUSED] = {"breadth_refused", "requests answered with 440"},
    [STAT_OVERLOADED] = {"overloaded", "requests answered with 503: a limit, or little shared memory was left"},
    [STAT_LOAD_REQUEST] = {"load_request", "branches not begun: the request had made as many as one may"},
    [STAT_LOAD_SOURCE] = {"load_source", "branches not begun: too much of their source was in flight"},
    [STAT_LOAD_TOTAL] = {"load_total", "branches not begun: too much was in flight"},
    [STAT_ROUTES_UNSEALED] = {"routes_unsealed", "requests within a dialog whose Route has no valid seal"},
    [STAT_PEER_REQUESTS] = {"peer_requests", "requests from another node for a flow of this one"},
    [STAT_RELOADS] = {"policy_reloads", "reloads of the policy that took effect"},
    [STAT_RELOADS_UNCHANGED] = {"policy_reloads_unchanged", "reloads whose bytes were in use already"},
    [STAT_RELOADS_FAILED] = {"policy_reloads_failed", "reloads of the policy that changed nothing"},
};

static int add(counter_handle_t *handle, const char *name, const char *line)
{
    return counter_register(handle, "reflow", name, 0, NULL, NULL, line, 0);
}

static int add_event_counters(void)
{
    for (size_t i = 0; i < STAT_COUNT; i++) {
        if (add(&events[i], event_rows[i].name, event_rows[i].line) < 0)
            return -1;
    }
    return 0;
}

static int add_class_counters(void)
{
    char name[NAME_MOST];
    if (add(&classes[CLASS_MALFORMED], "codes_malformed", "responses with an invalid code, which are ignored") < 0)
        return -1;
    for (unsigned class = CLASS_PROVISIONAL; class <= CLASS_GLOBAL_FAILURE; class ++) {
        snprintf(name, sizeof name, "codes_%uxx", class);
        if (add(&classes[class], name, "responses of this class that were decided on") < 0)
            return -1;
    }
    return 0;
}

static int add_action_counters(void)
{
    char name[NAME_MOST];
    for (size_t i = 0; i < ACTION_COUNT; i++) {
        snprintf(name, sizeof name, "action_%s", action_name((enum action)i));
        if (add(&actions[i], name, "decisions with this action") < 0)
            return -1;
    }
    return 0;
}

/* "5626-7.b" becomes rule_5626_7_b, because names of metrics allow no other characters. */
static int add_rule_counters(void)
{
    char name[NAME_MOST];
    for (size_t i = RULE_NONE; i < RULE_COUNT; i++) {
        const struct rule *rule = rule_at((enum rule_id)i);
        snprintf(name, sizeof name, "rule_%s", rule->id);
        for (char *at = name; *at != '\0'; at++)
            *at = (char)(isalnum((unsigned char)*at) ? tolower((unsigned char)*at) : '_');
        if (add(&rules[i], name, rule->line) < 0)
            return -1;
    }
    return 0;
}

static int add_hook_counters(void)
{
    static const char *const count_words[HOOK_COUNTS] = {
        [HOOK_ENTRIES] = "entries",   [HOOK_VERDICTS] = "verdicts", [HOOK_ERRORS] = "errors",
        [HOOK_OVERRUNS] = "overruns", [HOOK_MEMORY] = "memory",     [HOOK_PREVIOUS] = "previous"};
    char name[NAME_MOST];
    for (size_t i = 0; i < HOOKS_CALLED; i++) {
        for (size_t j = 0; j < HOOK_COUNTS; j++) {
            snprintf(name, sizeof name, "hook_%s_%s", hook_name((unsigned)i), count_words[j]);
            if (add(&hooks[i][j], name, "entries of the policy's hooks of this kind, or what became of them") < 0)
                return -1;
        }
    }
    return 0;
}

static counter_val_t read_version(counter_handle_t handle, void *context)
{
    (void)handle;
    return (counter_val_t)__atomic_load_n((uint64_t *)context, __ATOMIC_RELAXED);
}

static int add_version(void)
{
    version = shm_malloc(sizeof *version);
    if (version == NULL)
        return -1;
    *version = 0;
    return counter_register(NULL, "reflow", "policy_version", CNT_F_NO_RESET, read_version, version,
                            "number of the policy's version that is in use; 0: none", 0);
}

int stats_create(void)
{
    if (add_event_counters() == 0 && add_class_counters() == 0 && add_action_counters() == 0 &&
        add_rule_counters() == 0 && add_hook_counters() == 0 && add_version() == 0)
        return 0;
    ksr_log(LOG_ERROR, "the counters of group \"reflow\" cannot be registered");
    return -1;
}

/* `kamailio -c` checks policies without statistics. */
void stats_count(enum stat stat)
{
    if ((unsigned)stat < STAT_COUNT && version != NULL)
        counter_inc(events[stat]);
}

void stats_decision(const struct decision *decision)
{
    counter_inc(classes[code_class(decision->code)]);
    if (decision->action < ACTION_COUNT)
        counter_inc(actions[decision->action]);
    if (decision->rule < RULE_COUNT)
        counter_inc(rules[decision->rule]);
}

void stats_hook(enum hook hook, enum script_outcome outcome)
{
    static const uint8_t counts[SCRIPT_OUTCOME_COUNT] = {
        [SCRIPT_DEFAULT] = HOOK_ENTRIES,  [SCRIPT_VERDICT] = HOOK_VERDICTS, [SCRIPT_ERROR] = HOOK_ERRORS,
        [SCRIPT_OVERRUN] = HOOK_OVERRUNS, [SCRIPT_MEMORY] = HOOK_MEMORY,    [SCRIPT_PREVIOUS] = HOOK_PREVIOUS};
    if ((unsigned)hook >= HOOKS_CALLED || outcome == SCRIPT_NO_HOOK || (unsigned)outcome >= SCRIPT_OUTCOME_COUNT)
        return;
    counter_inc(hooks[hook][HOOK_ENTRIES]);
    if (counts[outcome] != HOOK_ENTRIES)
        counter_inc(hooks[hook][counts[outcome]]);
}

void stats_version(uint64_t number)
{
    __atomic_store_n(version, number, __ATOMIC_RELAXED);
}

uint64_t stats_version_in_use(void)
{
    return __atomic_load_n(version, __ATOMIC_RELAXED);
}

/* An increment between reading and resetting a counter is lost, which is acceptable. */
void stats_reset(void)
{
    for (size_t i = 0; i < STAT_COUNT; i++)
        counter_reset(events[i]);
    for (size_t i = 0; i <= CLASS_GLOBAL_FAILURE; i++)
        counter_reset(classes[i]);
    for (size_t i = 0; i < ACTION_COUNT; i++)
        counter_reset(actions[i]);
    for (size_t i = 0; i < RULE_COUNT; i++)
        counter_reset(rules[i]);
    for (size_t i = 0; i < HOOKS_CALLED; i++) {
        for (size_t j = 0; j < HOOK_COUNTS; j++)
            counter_reset(hooks[i][j]);
    }
}
