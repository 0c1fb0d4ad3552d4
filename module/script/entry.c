// SPDX-License-Identifier: BSD-2-Clause
#include <stdio.h>
#include <string.h>

#include "script/layers.h"
#include "script/printable.h"
#include "script/script.h"

/* The protected entries into a script's hooks. */

struct entry {
    enum hook hook;
    const uint16_t *rows; /* to run, in order */
    size_t count;
    struct text method; /* HOOK_REQUEST: rows for another one are passed over */
    struct text aor;    /* tenants' hooks are asked for those of their domain */
    uint64_t sources[BLAME_AT_ONCE];
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
        ON_REQUEST = ON_REGISTER | 1 << VERDICT_ROUTE | 1 << VERDICT_RELAY | 1 << VERDICT_FORWARD | 1 << VERDICT_REST,
        ON_REPLY = 1 << VERDICT_ACCEPT | 1 << VERDICT_ROUTE | 1 << VERDICT_RELAY | 1 << VERDICT_NEXT_FLOW |
                   1 << VERDICT_NEXT_TARGET | 1 << VERDICT_FAIL | 1 << VERDICT_RETRY_AFTER | 1 << VERDICT_REST
    };
    static const int fitting[HOOK_COUNT] = {[HOOK_REQUEST] = ON_REQUEST,
                                            [HOOK_REGISTER] = ON_REGISTER,
                                            [HOOK_RESPONSE] = ON_REPLY,
                                            [HOOK_EXHAUSTED] = ON_REPLY};
    return (fitting[hook] & 1 << kind) != 0;
}

static void log_hook(struct script *script, enum log_level level, enum hook hook, const char *message,
                     const char *consequence)
{
    char text[400], line[900];
    printable_write(text, sizeof text, message);
    snprintf(line, sizeof line, "%s: %s: %s%s", script->path, hook_name(hook), text, consequence);
    script->host->log(script->host->context, level, line);
}

/* Help is called for, or the request is of a dialog that stands: no fault of a script refuses these. */
static bool must_pass(const struct bind_state *state)
{
    return state->call == NULL || sip_to_tag(state->call->request).length != 0 ||
           emergency_is(&state->emergency, sip_request_uri(state->call->request));
}

/* What happens in place of a hook that failed. */
static enum on_error failure_mode(const struct bind_state *state, const struct hook_row *row,
                                  enum script_outcome outcome)
{
    if (row->on_error == ON_ERROR_NEXT && outcome != SCRIPT_ERROR) // there is no time, or no memory, for another
        return ON_ERROR_CORE;
    if (row->on_error == ON_ERROR_STATUS && must_pass(state))
        return ON_ERROR_CORE;
    return (enum on_error)row->on_error;
}

static void complain(struct script *script, const struct hook_row *row, enum script_outcome outcome,
                     const char *message)
{
    char refused[40];
    static const char *const consequences[] = {"; the core decides", "; the next hook is asked",
                                               "; the version before is asked"};
    enum on_error mode = failure_mode(script->state, row, outcome);
    if (outcome > script->failure)
        script->failure = outcome;
    if (outcome == SCRIPT_OVERRUN)
        script->counters.overruns++;
    else if (outcome == SCRIPT_MEMORY)
        script->counters.memory++;
    else
        script->counters.errors++;
    snprintf(refused, sizeof refused, "; refused with %u", row->on_error_status);
    log_hook(script, LOG_ERROR, (enum hook)row->hook, message, mode < ON_ERROR_STATUS ? consequences[mode] : refused);
}

/* What the hook returned, on top of the stack; no nil and no false. */
static enum script_outcome read_result(struct script *script, const struct hook_row *row, const struct entry *entry)
{
    char reason[96];
    lua_State *L = script->L;
    if (entry->verdict == NULL)
        return SCRIPT_DEFAULT;
    if (!verdict_read(L, -1, entry->verdict))
        snprintf(reason, sizeof reason, "returned a %s, which is no verdict", lua_typename(L, lua_type(L, -1)));
    else if (!verdict_fits(entry->hook, (enum verdict_kind)entry->verdict->kind))
        snprintf(reason, sizeof reason, "sip_%s() is no verdict here", verdict_name(entry->verdict->kind));
    else
        return SCRIPT_VERDICT;
    complain(script, row, SCRIPT_ERROR, reason);
    return SCRIPT_ERROR;
}

static uint64_t now_ms(const struct script *script)
{
    return script->host->now_ms(script->host->context);
}

static void place_of(const struct hook_row *row, char *out, size_t size)
{
    if (row->file != NULL)
        snprintf(out, size, "%s:%u", row->file, row->line);
    else
        snprintf(out, size, "a function in C");
}

/* A line is logged when the breaker turns the hook off. */
static void count_failure(struct script *script, const struct hook_row *row, struct hook_health *health,
                          const uint64_t sources[BLAME_AT_ONCE])
{
    char place[300], message[400];
    if (!hook_has_breaker(row))
        health->failures++;
    if (!hook_has_breaker(row) || !hook_failed(health, now_ms(script), sources))
        return;
    place_of(row, place, sizeof place);
    snprintf(message, sizeof message, "the hook at %s failed %u times in a row: it is off for %d s", place,
             health->streak, BREAKER_OFF_MS / 1000);
    log_hook(script, LOG_ERROR, (enum hook)row->hook, message, "");
}

static void count_success(struct script *script, const struct hook_row *row, struct hook_health *health)
{
    char place[300], message[400];
    if (!hook_succeeded(health))
        return;
    place_of(row, place, sizeof place);
    snprintf(message, sizeof message, "the hook at %s works again: it is on", place);
    log_hook(script, LOG_NOTICE, (enum hook)row->hook, message, "");
}

static enum script_outcome call_hook(struct script *script, const struct hook_row *row, const struct entry *entry)
{
    lua_State *L = script->L;
    lua_rawgeti(L, LUA_REGISTRYINDEX, row->reference);
    object_push(L, script->state, entry->arguments[0]);
    for (int i = 1; i < entry->argument_count; i++)
        object_push(L, script->state, entry->arguments[i]);
    int status = lua_pcall(L, entry->argument_count, 1, 1);
    enum script_outcome outcome = SCRIPT_DEFAULT;
    if (status != LUA_OK || script->watch.overran) {
        outcome = script_outcome_of(status, script->watch.overran);
        complain(script, row, outcome, script_message(script, outcome));
    } else if (lua_toboolean(L, -1)) { // false: what `condition and verdict` gives
        outcome = read_result(script, row, entry);
    }
    lua_settop(L, 1);
    return outcome;
}

/* SCRIPT_ERROR of a hook that is off is neither logged nor counted again. */
static enum script_outcome run_hook(struct script *script, const struct hook_row *row, const struct entry *entry)
{
    struct hook_health *health = &script->state->hooks.health[row->registration];
    if (health->off_until != 0 && !hook_is_on(health, now_ms(script)))
        return SCRIPT_ERROR;
    health->entries++;
    enum script_outcome outcome = call_hook(script, row, entry);
    if (outcome >= SCRIPT_ERROR)
        count_failure(script, row, health, entry->sources);
    else if (health->streak != 0)
        count_success(script, row, health);
    return outcome;
}

/* The refusal that a hook declares for when it fails. */
static enum script_outcome refuse(const struct hook_row *row, const struct entry *entry)
{
    bool of_request = row->hook == HOOK_REQUEST || row->hook == HOOK_REGISTER;
    *entry->verdict = (struct script_verdict){.kind = of_request ? VERDICT_REPLY : VERDICT_FAIL,
                                              .code = row->on_error_status,
                                              .file = row->file,
                                              .line = row->line};
    return SCRIPT_VERDICT;
}

/* How an entry goes through its hooks. */
struct course {
    enum script_outcome outcome; /* where no hook has a verdict */
    bool failed;                 /* the core or the version before decides, unless a hook refuses */
    bool spent;                  /* no time or no memory is left to run a hook */
};

/* True if it has a verdict. */
static bool ask(struct script *script, const struct hook_row *row, const struct entry *entry, struct course *course)
{
    enum script_outcome now = course->spent ? SCRIPT_OVERRUN : run_hook(script, row, entry);
    if (now != SCRIPT_DEFAULT && entry->verdict != NULL) {
        entry->verdict->file = row->file;
        entry->verdict->line = row->line;
    }
    if (now < SCRIPT_ERROR) {
        if (now == SCRIPT_VERDICT || (!course->failed && course->outcome != SCRIPT_ERROR))
            course->outcome = now;
        return now == SCRIPT_VERDICT;
    }
    enum on_error mode = failure_mode(script->state, row, now);
    if (mode == ON_ERROR_STATUS && entry->verdict != NULL) {
        course->outcome = refuse(row, entry);
        return true;
    }
    if (!course->failed)
        course->outcome = mode == ON_ERROR_PREVIOUS ? SCRIPT_PREVIOUS : now;
    course->failed |= mode != ON_ERROR_NEXT;
    course->spent |= now != SCRIPT_ERROR;
    return false;
}

/* Hook after hook until one has a verdict. When a hook fails that neither refuses nor lets the next one be asked, those
   behind it that declare a status are asked nevertheless, and refuse if nothing is left to run them with: nobody gets
   past them by the fault of another hook. */
static enum script_outcome run_hooks(struct script *script, const struct entry *entry, uint64_t layers,
                                     struct course course)
{
    for (size_t i = 0; i < entry->count; i++) {
        const struct hook_row *row = &script->state->hooks.rows[entry->rows[i]];
        if ((layers >> row->layer & 1) == 0 ||
            (row->method[0] != '\0' && !text_equal(text_of(row->method), entry->method)))
            continue;
        if ((!course.failed || row->on_error == ON_ERROR_STATUS) && ask(script, row, entry, &course))
            break;
    }
    return course.outcome;
}

static enum script_outcome run_watched(struct script *script, const struct entry *entry, uint64_t layers)
{
    struct bind_state *state = script->state;
    enum script_outcome outcome;
    script->counters.entries++;
    state->generation++; // the objects of the entry are there from here to the next count
    if (watch_begin(&script->watch, script->limits.time_ms) == 0) {
        outcome = run_hooks(script, entry, layers, (struct course){.outcome = SCRIPT_NO_HOOK});
        watch_end(&script->watch);
    } else {
        script->counters.errors++;
        log_hook(script, LOG_ERROR, entry->hook, "no timer to watch it with, so it was not run", "; the core decides");
        outcome =
            run_hooks(script, entry, layers, (struct course){.outcome = SCRIPT_ERROR, .failed = true, .spent = true});
    }
    state->generation++;
    return outcome;
}

static enum script_outcome enter(struct script *script, const struct entry *entry)
{
    struct bind_state *state = script->state;
    enum script_outcome outcome = SCRIPT_NO_HOOK;
    uint64_t layers = state->hooks.tenants ? layers_for(script->sources, entry->aor) : UINT64_MAX;
    script->failure = SCRIPT_DEFAULT;
    if (entry->count != 0)
        outcome = run_watched(script, entry, layers);
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
                          .aor = call->aor,
                          .sources = {call->source_number},
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
    bool plain = reply->facts->origin == ORIGIN_WIRE && reply->facts->code - CODE_FIRST < HOOK_CODES;
    script->state->reply_code = plain ? (uint16_t)reply->facts->code : reply_code(reply->facts);
}

enum script_outcome script_on_response(struct script *script, const struct script_call *call,
                                       const struct script_reply *reply, const struct decision *decision,
                                       struct script_verdict *verdict)
{
    struct entry entry = {.hook = HOOK_RESPONSE,
                          .aor = call->aor,
                          .sources = {call->source_number, reply->source_number},
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
    struct entry entry = {.hook = HOOK_EXHAUSTED,
                          .aor = call->aor,
                          .sources = {call->source_number, best->source_number},
                          .arguments = {OBJECT_REPLY, OBJECT_CALL},
                          .argument_count = 2,
                          .verdict = verdict};
    set_reply(script, call, best);
    entry.rows = hooks_for(&script->state->hooks, HOOK_EXHAUSTED, &entry.count);
    return enter(script, &entry);
}

/* FNV-1a: a user's flows are one source. */
static uint64_t hash_of(struct text text)
{
    uint64_t hash = 14695981039346656037U;
    for (size_t i = 0; i < text.length; i++)
        hash = (hash ^ (unsigned char)text.at[i]) * 1099511628211U;
    return hash;
}

enum script_outcome script_failure(const struct script *script)
{
    return script->failure;
}

void script_on_flow(struct script *script, enum hook hook, const struct script_flow *flow)
{
    struct entry entry = {.hook = hook,
                          .aor = flow->aor,
                          .sources = {hash_of(flow->aor)},
                          .arguments = {OBJECT_FLOW},
                          .argument_count = 1};
    script->state->flow = flow;
    entry.rows = hooks_for(&script->state->hooks, hook, &entry.count);
    enter(script, &entry);
}
