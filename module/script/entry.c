// SPDX-License-Identifier: BSD-2-Clause
#include <stdio.h>
#include <string.h>

#include "script/script.h"

/* The protected entries into a script's hooks. */

struct entry {
    enum hook hook;
    const uint16_t *rows; /* to run, in order */
    size_t count;
    struct text method; /* HOOK_REQUEST: rows for another one are passed over */
    enum object_kind arguments[3];
    int argument_count;
    struct script_verdict *verdict; /* NULL: what the hook returns is nothing to us */
};

static const char *hook_name(enum hook hook)
{
    static const char *const names[HOOK_COUNT] = {"on_request",   "on_register", "on_response",
                                                  "on_exhausted", "on_flow_up",  "on_flow_down"};
    return names[hook];
}

/* A verdict that makes sense for the hook; whether it may be carried out is for the host and the guardrails to say. */
static bool verdict_fits(enum hook hook, enum verdict_kind kind)
{
    enum {
        ON_REGISTER = 1 << VERDICT_ACCEPT | 1 << VERDICT_REPLY | 1 << VERDICT_DROP | 1 << VERDICT_FAIL,
        ON_REQUEST = ON_REGISTER | 1 << VERDICT_ROUTE | 1 << VERDICT_RELAY | 1 << VERDICT_REST,
        ON_REPLY = 1 << VERDICT_ACCEPT | 1 << VERDICT_ROUTE | 1 << VERDICT_RELAY | 1 << VERDICT_NEXT_FLOW |
                   1 << VERDICT_NEXT_TARGET | 1 << VERDICT_FAIL | 1 << VERDICT_RETRY_AFTER | 1 << VERDICT_REST
    };
    static const int fitting[HOOK_COUNT] = {[HOOK_REQUEST] = ON_REQUEST,
                                            [HOOK_REGISTER] = ON_REGISTER,
                                            [HOOK_RESPONSE] = ON_REPLY,
                                            [HOOK_EXHAUSTED] = ON_REPLY};
    return (fitting[hook] & 1 << kind) != 0;
}

static enum script_outcome complain(struct script *script, enum hook hook, enum script_outcome outcome,
                                    const char *message)
{
    char line[600];
    if (outcome == SCRIPT_OVERRUN)
        script->counters.overruns++;
    else if (outcome == SCRIPT_MEMORY)
        script->counters.memory++;
    else
        script->counters.errors++;
    snprintf(line, sizeof line, "%s: %s: %s; the core decides", script->path, hook_name(hook), message);
    for (char *at = line; *at != '\0'; at++)
        if (*at == '\n' || *at == '\r')
            *at = ' ';
    script->host->log(script->host->context, LOG_ERROR, line);
    return outcome;
}

/* What the hook returned, on top of the stack. */
static enum script_outcome read_result(struct script *script, const struct entry *entry)
{
    char reason[96];
    lua_State *L = script->L;
    if (!lua_toboolean(L, -1) || entry->verdict == NULL) // false: what `condition and verdict` gives
        return SCRIPT_DEFAULT;
    if (!verdict_read(L, -1, entry->verdict))
        snprintf(reason, sizeof reason, "returned a %s, which is no verdict", lua_typename(L, lua_type(L, -1)));
    else if (!verdict_fits(entry->hook, (enum verdict_kind)entry->verdict->kind))
        snprintf(reason, sizeof reason, "sip_%s() is no verdict here", verdict_name(entry->verdict->kind));
    else
        return SCRIPT_VERDICT;
    return complain(script, entry->hook, SCRIPT_ERROR, reason);
}

static enum script_outcome run_hook(struct script *script, const struct hook_row *row, const struct entry *entry)
{
    lua_State *L = script->L;
    lua_rawgeti(L, LUA_REGISTRYINDEX, row->reference);
    for (int i = 0; i < entry->argument_count; i++)
        object_push(L, script->state, entry->arguments[i]);
    int status = lua_pcall(L, entry->argument_count, 1, 1);
    enum script_outcome outcome = script_outcome_of(status, script->watch.overran);
    if (outcome == SCRIPT_DEFAULT)
        outcome = read_result(script, entry);
    else
        complain(script, entry->hook, outcome, script_message(script, outcome));
    lua_settop(L, 1);
    return outcome;
}

/* Hook after hook until one has a verdict, or fails without its option to go on. */
static enum script_outcome run_hooks(struct script *script, const struct entry *entry)
{
    enum script_outcome outcome = SCRIPT_NO_HOOK;
    for (size_t i = 0; i < entry->count; i++) {
        const struct hook_row *row = &script->state->hooks.rows[entry->rows[i]];
        if (row->method[0] != '\0' && !text_equal(text_of(row->method), entry->method))
            continue;
        enum script_outcome now = run_hook(script, row, entry);
        if (now == SCRIPT_VERDICT)
            return now;
        if (now != SCRIPT_DEFAULT && !(now == SCRIPT_ERROR && row->go_on))
            return now;
        if (outcome != SCRIPT_ERROR)
            outcome = now;
    }
    return outcome;
}

/* The objects of the entry are there from the first count of the generation to the second. */
static enum script_outcome enter(struct script *script, const struct entry *entry)
{
    struct bind_state *state = script->state;
    enum script_outcome outcome = SCRIPT_NO_HOOK;
    if (entry->count != 0) {
        script->counters.entries++;
        state->generation++;
        if (watch_begin(&script->watch, script->limits.time_ms) == 0) {
            outcome = run_hooks(script, entry);
            watch_end(&script->watch);
        } else {
            outcome = complain(script, entry->hook, SCRIPT_ERROR, "no timer to watch it with, so it was not run");
        }
        state->generation++;
    }
    state->call = NULL;
    state->reply = NULL;
    state->decision = NULL;
    state->flow = NULL;
    return outcome;
}

static enum script_outcome enter_with_call(struct script *script, enum hook hook, const struct script_call *call,
                                           struct script_verdict *verdict)
{
    struct entry entry = {.hook = hook,
                          .method = sip_method_text(call->request),
                          .arguments = {OBJECT_CALL, OBJECT_CALL},
                          .argument_count = 2,
                          .verdict = verdict};
    entry.rows = hooks_for(&script->state->hooks, hook, &entry.count);
    script->state->call = call;
    return enter(script, &entry);
}

enum script_outcome script_on_request(struct script *script, const struct script_call *call,
                                      struct script_verdict *verdict)
{
    return enter_with_call(script, HOOK_REQUEST, call, verdict);
}

enum script_outcome script_on_register(struct script *script, const struct script_call *call,
                                       struct script_verdict *verdict)
{
    return enter_with_call(script, HOOK_REGISTER, call, verdict);
}

static void set_reply(struct script *script, const struct script_call *call, const struct script_reply *reply)
{
    script->state->call = call;
    script->state->reply = reply;
    script->state->reply_code = reply_code(reply->facts);
}

enum script_outcome script_on_response(struct script *script, const struct script_call *call,
                                       const struct script_reply *reply, const struct decision *decision,
                                       struct script_verdict *verdict)
{
    struct entry entry = {.hook = HOOK_RESPONSE,
                          .arguments = {OBJECT_REPLY, OBJECT_CALL, OBJECT_DECISION},
                          .argument_count = 3,
                          .verdict = verdict};
    set_reply(script, call, reply);
    script->state->decision = decision;
    entry.rows = hooks_for_code(&script->state->hooks, script->state->reply_code, &entry.count);
    return enter(script, &entry);
}

enum script_outcome script_on_exhausted(struct script *script, const struct script_call *call,
                                        const struct script_reply *best, struct script_verdict *verdict)
{
    struct entry entry = {
        .hook = HOOK_EXHAUSTED, .arguments = {OBJECT_REPLY, OBJECT_CALL}, .argument_count = 2, .verdict = verdict};
    set_reply(script, call, best);
    entry.rows = hooks_for(&script->state->hooks, HOOK_EXHAUSTED, &entry.count);
    return enter(script, &entry);
}

void script_on_flow(struct script *script, enum hook hook, const struct script_flow *flow)
{
    struct entry entry = {.hook = hook, .arguments = {OBJECT_FLOW}, .argument_count = 1};
    script->state->flow = flow;
    entry.rows = hooks_for(&script->state->hooks, hook, &entry.count);
    enter(script, &entry);
}
