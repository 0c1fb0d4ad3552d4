// SPDX-License-Identifier: BSD-2-Clause
#include <stdio.h>
#include <string.h>

#include "base/hash.h"
#include "script/engine/asked.h"
#include "script/base/printable.h"

/* The protected entries into a script's hooks. */

/* The initializers of what runs for each call name every member: clearing the rest would cost as much as all else
   around the hook. */
struct entry {
    uint8_t hook; /* enum hook */
    uint16_t reply_code;
    struct text aor; /* hooks of tenants are called only for AORs of their domain */
    const struct script_flow *flow;
    const struct decision *decision;
    const struct script_reply *reply;
    const struct script_call *call;
    const struct script_credentials *credentials; /* its texts are the arguments */
    char *ha1;                                    /* the result of such a hook */
    uint64_t sources[BLAME_AT_ONCE];
    struct script_verdict *verdict; /* NULL: the result of the hook is ignored */
};

/* The objects that a hook gets: an enum object_kind in each byte, the first one in the lowest. */
static const uint32_t arguments_of[HOOK_COUNT] = {[HOOK_REQUEST] = OBJECT_CALL | OBJECT_CALL << 8,
                                                  [HOOK_REGISTER] = OBJECT_CALL | OBJECT_CALL << 8,
                                                  [HOOK_RESPONSE] =
                                                      OBJECT_REPLY | OBJECT_CALL << 8 | OBJECT_DECISION << 16,
                                                  [HOOK_EXHAUSTED] = OBJECT_REPLY | OBJECT_CALL << 8,
                                                  [HOOK_FLOW_UP] = OBJECT_FLOW,
                                                  [HOOK_FLOW_DOWN] = OBJECT_FLOW};

/* Returns whether the verdict is allowed in this kind of hook; the host and the guardrails check whether it may be
   carried out. */
static bool verdict_fits(enum hook hook, enum verdict_kind kind)
{
    enum {
        ON_REGISTER =
            1 << VERDICT_ACCEPT | 1 << VERDICT_REPLY | 1 << VERDICT_DROP | 1 << VERDICT_FAIL | 1 << VERDICT_CHALLENGE,
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

static void log_hook(struct script_part *part, enum log_level level, enum hook hook, const char *message,
                     const char *consequence)
{
    char text[400], line[900];
    printable_write(text, sizeof text, message);
    snprintf(line, sizeof line, "%s: on_%s: %s%s", part->path, hook_name(hook), text, consequence);
    part->memory.capped.log(&part->memory, level, line);
}

/* True for emergency calls and for requests inside a dialog, which are never refused because a script has failed.
   The emergency numbers of the site also apply to tenants. */
static bool must_pass(const struct script_part *part)
{
    const struct script_call *call = part->state->call;
    return call == NULL || sip_to_tag(call->request).length != 0 ||
           emergency_is(&part->state->emergency, sip_request_uri(call->request)) ||
           emergency_is(&part->site->emergency, sip_request_uri(call->request));
}

/* What happens after a hook has failed. */
static enum on_error failure_mode(const struct script_part *part, const struct hook_row *row,
                                  enum script_outcome outcome)
{
    if (row->on_error == ON_ERROR_NEXT && outcome != SCRIPT_ERROR) // there is no time, or no memory, for another
        return ON_ERROR_CORE;
    if (row->on_error == ON_ERROR_STATUS && must_pass(part))
        return ON_ERROR_CORE;
    return (enum on_error)row->on_error;
}

static void complain(struct script_part *part, const struct hook_row *row, enum script_outcome outcome,
                     const char *message)
{
    char refused[40];
    static const char *const consequences[] = {"; the core decides", "; the next hook is asked",
                                               "; the version before is asked"};
    enum on_error mode = failure_mode(part, row, outcome);
    if (outcome > part->failure)
        part->failure = outcome;
    part->spent |= outcome == SCRIPT_MEMORY;
    if (outcome == SCRIPT_OVERRUN)
        part->counters.overruns++;
    else if (outcome == SCRIPT_MEMORY)
        part->counters.memory++;
    else
        part->counters.errors++;
    snprintf(refused, sizeof refused, "; refused with %u", row->on_error_status);
    const char *consequence = mode < ON_ERROR_STATUS ? consequences[mode] : refused;
    if (row->hook == HOOK_CREDENTIALS && mode == ON_ERROR_CORE)
        consequence = "; the answer is 503";
    log_hook(part, LOG_ERROR, (enum hook)row->hook, message, consequence);
}

/* Another result than a hash must not pass for "no such user": the next hook would be asked. */
static enum script_outcome read_ha1(struct script_part *part, const struct hook_row *row, const struct entry *entry)
{
    char reason[96];
    lua_State *L = part->L;
    struct text ha1 = {0};
    if (lua_type(L, -1) == LUA_TSTRING)
        ha1.at = lua_tolstring(L, -1, &ha1.length);
    if (ha1.at != NULL && digest_is_hex(entry->credentials->algorithm, ha1)) {
        memcpy(entry->ha1, ha1.at, ha1.length + 1);
        return SCRIPT_VERDICT;
    }
    if (ha1.at != NULL)
        snprintf(reason, sizeof reason,
                 "returned %zu bytes, which are not HA1 for %s: %d lower-case hexadecimal digits", ha1.length,
                 digest_name(entry->credentials->algorithm), entry->credentials->algorithm == DIGEST_MD5 ? 32 : 64);
    else
        snprintf(reason, sizeof reason, "returned a %s, which is not HA1", lua_typename(L, lua_type(L, -1)));
    complain(part, row, SCRIPT_ERROR, reason);
    return SCRIPT_ERROR;
}

/* Handles the result of the hook on top of the stack, which is neither nil nor false. */
static enum script_outcome read_result(struct script_part *part, const struct hook_row *row, const struct entry *entry)
{
    char reason[96];
    lua_State *L = part->L;
    if (entry->credentials != NULL)
        return read_ha1(part, row, entry);
    if (entry->verdict == NULL)
        return SCRIPT_DEFAULT;
    if (!verdict_read(L, -1, entry->verdict))
        snprintf(reason, sizeof reason, "returned a %s, which is not a verdict", lua_typename(L, lua_type(L, -1)));
    else if (!verdict_fits((enum hook)entry->hook, (enum verdict_kind)entry->verdict->kind))
        snprintf(reason, sizeof reason, "sip_%s() is not a verdict for this hook", verdict_name(entry->verdict->kind));
    else
        return SCRIPT_VERDICT;
    complain(part, row, SCRIPT_ERROR, reason);
    return SCRIPT_ERROR;
}

static uint64_t now_ms(const struct script_part *part)
{
    return part->host->now_ms(part->host->context);
}

static void place_of(const struct hook_row *row, char *out, size_t size)
{
    if (row->file != NULL)
        snprintf(out, size, "%s:%u", row->file, row->line);
    else
        snprintf(out, size, "a function in C");
}

/* The log line when the circuit breaker turns the hook off. */
static void count_failure(struct script_part *part, const struct hook_row *row, struct hook_health *health,
                          const uint64_t sources[BLAME_AT_ONCE])
{
    char place[300], message[400];
    if (!hook_has_breaker(row))
        health->failures++;
    if (!hook_has_breaker(row) || !hook_failed(health, now_ms(part), sources))
        return;
    place_of(row, place, sizeof place);
    snprintf(message, sizeof message, "the hook at %s failed %u times in a row: it is off for %d s", place,
             health->streak, BREAKER_OFF_MS / 1000);
    log_hook(part, LOG_ERROR, (enum hook)row->hook, message, "");
}

static void count_success(struct script_part *part, const struct hook_row *row, struct hook_health *health)
{
    char place[300], message[400];
    if (!hook_succeeded(health))
        return;
    place_of(row, place, sizeof place);
    snprintf(message, sizeof message, "the hook at %s works again: it is on", place);
    log_hook(part, LOG_NOTICE, (enum hook)row->hook, message, "");
}

/* Within a protected call, because texts take memory: calls the hook at 1 with the texts of the credentials at 2. */
static int call_with_texts(lua_State *L)
{
    const struct script_credentials *credentials = lua_touserdata(L, 2);
    lua_settop(L, 1);
    lua_pushlstring(L, credentials->user.at, credentials->user.length);
    lua_pushlstring(L, credentials->realm.at, credentials->realm.length);
    lua_pushstring(L, digest_name(credentials->algorithm));
    lua_call(L, 3, 1);
    return 1;
}

static int call_protected(struct script_part *part, const struct hook_row *row, const struct entry *entry)
{
    lua_State *L = part->L;
    if (entry->credentials != NULL) {
        lua_pushcfunction(L, call_with_texts);
        lua_rawgeti(L, LUA_REGISTRYINDEX, row->reference);
        lua_pushlightuserdata(L, (void *)(size_t)entry->credentials); // NOLINT
        return lua_pcall(L, 2, 1, 1);
    }
    lua_rawgeti(L, LUA_REGISTRYINDEX, row->reference);
    const uint64_t generation = part->state->generation;
    uint32_t kinds = arguments_of[entry->hook];
    int count = 0;
    for (; kinds != 0; kinds >>= 8, count++)
        object_push(L, generation, (enum object_kind)(kinds & 0xff));
    return lua_pcall(L, count, 1, 1);
}

static enum script_outcome call_hook(struct script_part *part, const struct hook_row *row, const struct entry *entry)
{
    lua_State *L = part->L;
    int status = call_protected(part, row, entry);
    enum script_outcome outcome = SCRIPT_DEFAULT;
    if (status != LUA_OK || part->watch.overran) {
        outcome = script_outcome_of(status, part->watch.overran);
        complain(part, row, outcome, script_message(part, outcome));
    } else if (lua_toboolean(L, -1)) { // false: what `condition and verdict` gives
        outcome = read_result(part, row, entry);
    }
    lua_settop(L, 1);
    return outcome;
}

/* The SCRIPT_ERROR of a hook that is turned off is neither logged nor counted again. */
static enum script_outcome run_hook(struct script_part *part, const struct hook_row *row, const struct entry *entry)
{
    struct hook_health *health = &part->state->hooks.health[row->registration];
    if (health->off_until != 0 && !hook_is_on(health, now_ms(part)))
        return SCRIPT_ERROR;
    health->entries++;
    enum script_outcome outcome = call_hook(part, row, entry);
    if (outcome >= SCRIPT_ERROR)
        count_failure(part, row, health, entry->sources);
    else if (health->streak != 0)
        count_success(part, row, health);
    return outcome;
}

/* The refusal that a hook declares in on_error. */
static enum script_outcome refuse(const struct hook_row *row, const struct entry *entry)
{
    bool of_request = row->hook == HOOK_REQUEST || row->hook == HOOK_REGISTER;
    *entry->verdict = (struct script_verdict){.kind = of_request ? VERDICT_REPLY : VERDICT_FAIL,
                                              .code = row->on_error_status,
                                              .tenant = entry->verdict->tenant,
                                              .file = row->file,
                                              .line = row->line};
    return SCRIPT_VERDICT;
}

/* The state of one part during an entry. */
struct turn {
    struct script_part *part; /* NULL: none of its hooks was called yet */
    bool watched;             /* its watch runs */
    bool spent;               /* no time or no memory is left for its hooks */
};

/* The state of an entry while it calls its hooks. */
struct course {
    enum script_outcome outcome; /* if no hook returns a verdict */
    struct script_part *failed_part;
    bool failed; /* the core or the previous version decides, unless a hook refuses */
};

/* True if it has a verdict. */
static bool ask(struct turn *turn, const struct hook_row *row, const struct entry *entry, struct course *course)
{
    struct script_part *part = turn->part;
    enum script_outcome now = turn->spent ? SCRIPT_OVERRUN : run_hook(part, row, entry);
    if (now != SCRIPT_DEFAULT && entry->verdict != NULL) {
        entry->verdict->file = row->file;
        entry->verdict->line = row->line;
        entry->verdict->tenant = part->tenant;
    }
    if (now < SCRIPT_ERROR) {
        if (now == SCRIPT_VERDICT || (!course->failed && course->outcome != SCRIPT_ERROR))
            course->outcome = now;
        return now == SCRIPT_VERDICT;
    }
    enum on_error mode = failure_mode(part, row, now);
    if (mode == ON_ERROR_STATUS && entry->verdict != NULL) {
        course->outcome = refuse(row, entry);
        return true;
    }
    if (!course->failed) {
        course->outcome = mode == ON_ERROR_PREVIOUS ? SCRIPT_PREVIOUS : now;
        course->failed_part = part;
    }
    course->failed |= mode != ON_ERROR_NEXT;
    turn->spent |= now != SCRIPT_ERROR;
    return false;
}

/* The objects of the entry are valid from here to turn_end(). */
static void turn_begin(struct turn *turn, struct script_part *part, const struct entry *entry,
                       const struct script *script)
{
    struct bind_state *state = part->state;
    turn->part = part;
    turn->part->counters.entries++;
    turn->part->failure = SCRIPT_DEFAULT;
    turn->part->site = script->parts[0]->state;
    state->generation++;
    state->call = entry->call;
    state->reply = entry->reply;
    state->decision = entry->decision;
    state->flow = entry->flow;
    state->reply_code = entry->reply_code;
}

static void turn_end(struct turn *turn)
{
    struct bind_state *state = turn->part->state;
    state->generation++;
    state->call = NULL;
    state->reply = NULL;
    state->decision = NULL;
    state->flow = NULL;
}

/* Each part has its own time. The time of the site is reset if it has hooks before and after those of a tenant. */
static void turn_resume(struct turn *turn, const struct entry *entry, struct course *course)
{
    turn->watched = watch_begin(&turn->part->watch, turn->part->limits.time_ms) == 0;
    if (turn->watched || turn->spent)
        return;
    turn->part->counters.errors++;
    log_hook(turn->part, LOG_ERROR, (enum hook)entry->hook, "no timer to watch it with, so it was not run",
             "; the core decides");
    turn->spent = course->failed = true;
    course->outcome = SCRIPT_ERROR;
    course->failed_part = turn->part;
}

static void turn_pause(struct turn *turn)
{
    if (turn != NULL && turn->watched)
        watch_end(&turn->part->watch);
}

/* Calls the hooks in order until one returns a verdict. If a hook fails and neither refuses nor allows the next one,
   the later hooks with a status in on_error are called nevertheless, and refuse if there is no time or memory left
   to run them. So nobody can bypass a screening hook by making another hook fail. */
static struct course run_hooks(const struct script *script, struct asked *asked, struct turn turns[ASKED_PARTS],
                               const struct entry *entry)
{
    struct course course = {.outcome = SCRIPT_NO_HOOK};
    struct turn *running = NULL;
    const struct hook_row *row;
    size_t part;
    bool decided = false;
    while (!decided && (row = asked_next(asked, &part)) != NULL) {
        struct turn *turn = &turns[part];
        if (course.failed && row->on_error != ON_ERROR_STATUS)
            continue;
        if (turn->part == NULL)
            turn_begin(turn, asked->parts[part].part, entry, script);
        if (turn != running) {
            turn_pause(running);
            turn_resume(running = turn, entry, &course);
        }
        if (!course.failed || row->on_error == ON_ERROR_STATUS)
            decided = ask(turn, row, entry, &course);
    }
    turn_pause(running);
    return course;
}

static enum script_outcome enter(struct script *script, const struct entry *entry)
{
    struct turn turns[ASKED_PARTS] = {0};
    struct script_last *last = &script->last;
    struct asked asked;
    struct text method = {NULL, 0};
    if (entry->hook == HOOK_REQUEST && entry->call != NULL)
        method = sip_method_text(entry->call->request);
    asked_create(&asked, script, (enum hook)entry->hook, entry->reply_code, method, entry->aor);
    const struct course course = run_hooks(script, &asked, turns, entry);
    *last = (struct script_last){.tenant = asked.tenant, .failure = SCRIPT_DEFAULT};
    for (size_t i = 0; i < ASKED_PARTS; i++) {
        if (turns[i].part == NULL)
            continue;
        turn_end(&turns[i]);
        last->ran[i] = true;
        last->failed[i] = turns[i].part == course.failed_part;
        if (turns[i].part->failure > last->failure)
            last->failure = turns[i].part->failure;
    }
    return course.outcome;
}

static enum script_outcome enter_with_call(struct script *script, enum hook hook, const struct script_call *call,
                                           struct script_verdict *verdict)
{
    const struct entry entry = {.hook = (uint8_t)hook,
                                .reply_code = 0,
                                .aor = call->aor,
                                .call = call,
                                .reply = NULL,
                                .decision = NULL,
                                .flow = NULL,
                                .credentials = NULL,
                                .ha1 = NULL,
                                .sources = {call->source_number, 0},
                                .verdict = verdict};
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

static uint16_t code_of(const struct script_reply *reply)
{
    bool plain = reply->facts->origin == ORIGIN_WIRE && reply->facts->code - CODE_FIRST < HOOK_CODES;
    return plain ? (uint16_t)reply->facts->code : reply_code(reply->facts);
}

enum script_outcome script_on_response(struct script *script, const struct script_call *call,
                                       const struct script_reply *reply, const struct decision *decision,
                                       struct script_verdict *verdict)
{
    const struct entry entry = {.hook = HOOK_RESPONSE,
                                .aor = call->aor,
                                .call = call,
                                .reply = reply,
                                .decision = decision,
                                .flow = NULL,
                                .credentials = NULL,
                                .ha1 = NULL,
                                .reply_code = code_of(reply),
                                .sources = {call->source_number, reply->source_number},
                                .verdict = verdict};
    return enter(script, &entry);
}

enum script_outcome script_on_exhausted(struct script *script, const struct script_call *call,
                                        const struct script_reply *best, struct script_verdict *verdict)
{
    const struct entry entry = {.hook = HOOK_EXHAUSTED,
                                .aor = call->aor,
                                .call = call,
                                .reply = best,
                                .reply_code = code_of(best),
                                .sources = {call->source_number, best->source_number},
                                .verdict = verdict};
    return enter(script, &entry);
}

void script_on_flow(struct script *script, enum hook hook, const struct script_flow *flow)
{
    const struct entry entry = {.hook = (uint8_t)hook,
                                .aor = flow->aor,
                                .flow = flow,
                                .sources = {hash_fixed(flow->aor)}}; /* a user's flows are one source */
    enter(script, &entry);
}

enum script_outcome script_on_credentials(struct script *script, const struct script_credentials *credentials,
                                          char ha1[DIGEST_HEX_MOST]) // NOLINT: it is written through the entry
{
    char aor[300];
    const struct text realm = credentials->realm;
    bool ipv6 = realm.length > 0 && memchr(realm.at, ':', realm.length) != NULL;
    int length = snprintf(aor, sizeof aor, ipv6 ? "sip:[%.*s]" : "sip:%.*s", (int)realm.length, realm.at);
    struct text domain = {aor, length > 0 && (size_t)length < sizeof aor ? (size_t)length : 0};
    const struct entry entry = {.hook = HOOK_CREDENTIALS,
                                .aor = domain,
                                .credentials = credentials,
                                .ha1 = ha1,
                                .sources = {hash_fixed(realm)}};
    return enter(script, &entry);
}
