// SPDX-License-Identifier: BSD-2-Clause
#include "call_stage.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/code.h"

#define AOR TEXT("sip:bob@example.com")

static const struct target registered[] = {
    {.uri = TEXT("sip:a@192.0.2.1"), .instance = TEXT("A"), .aor = AOR, .reg_id = 1, .q = 1000, .flow = 1},
    {.uri = TEXT("sip:a@192.0.2.1"), .instance = TEXT("A"), .aor = AOR, .reg_id = 2, .q = 500, .flow = 2},
    {.uri = TEXT("sip:b@192.0.2.2"), .instance = TEXT("B"), .aor = AOR, .reg_id = 1, .q = 1000, .flow = 3},
    {.uri = TEXT("sip:b@192.0.2.2"), .instance = TEXT("B"), .aor = AOR, .reg_id = 2, .q = 500, .flow = 4},
    {.uri = TEXT("sip:p@192.0.2.3"), .q = 500},
};
static const struct target beside = {
    .uri = TEXT("sip:c@192.0.2.2"), .instance = TEXT("C"), .aor = AOR, .reg_id = 1, .q = 500, .flow = 4};
static const struct target later = {
    .uri = TEXT("sip:a@192.0.2.1"), .instance = TEXT("A"), .aor = AOR, .reg_id = 3, .q = 1000, .flow = 5};

static struct call_stage *stage_of(const struct response_context *model)
{
    return (struct call_stage *)(void *)((char *)(uintptr_t)model - offsetof(struct call_stage, model));
}

static struct stage_branch *branch_of(const struct call_branch *model)
{
    return (struct stage_branch *)(void *)((char *)(uintptr_t)model - offsetof(struct stage_branch, model));
}

static void stage_break(struct call_stage *stage, bool holds, const char *rule)
{
    if (!holds && stage->broken == NULL)
        stage->broken = rule;
}

static int instance_of(const struct target *target)
{
    return target == NULL || target->instance.length == 0 ? -1 : target->instance.at[0] - 'A';
}

/* --- memory --- */

static uint64_t stage_now(void *context)
{
    return ((struct call_stage *)context)->now_ms;
}

static void *stage_allocate(void *context, void *old, size_t old_size, size_t new_size)
{
    struct call_stage *stage = context;
    size_t size = (new_size + 15) & ~(size_t)15;
    if (new_size == 0) {
        stage->live -= old != NULL ? old_size : 0;
        if (stage->heap)
            free(old);
        return NULL;
    }
    bool fails = stage->fails_memory || ++stage->allocations == stage->fails_at;
    stage->fails_memory = false;
    if (fails || old != NULL || stage->used + size > sizeof stage->memory)
        return NULL;
    char *block = stage->heap ? malloc(new_size) : stage->memory + stage->used;
    stage->used += stage->heap ? 0 : size;
    stage->live += new_size;
    return block;
}

/* --- branches --- */

static bool lend_response(const struct call_branch *branch)
{
    return branch_of(branch)->has_response;
}

static bool lend_contact(const struct call_branch *branch)
{
    (void)branch;
    return false;
}

/* What may be started at all. */
static void stage_check_start(struct call_stage *stage, const struct target *target)
{
    int instance = instance_of(target);
    stage_break(stage, !stage->global_seen, "3261-16.7.d");
    stage_break(stage, !stage->success_seen || stage->model.method != METHOD_INVITE, "3261-16.7.c");
    stage_break(stage, stage->successes + stage->finals == 0, "3261-16.7.e");
    stage_break(stage, !stage->model.cancelled, "3261-9.a");
    stage_break(stage, stage->model.role == ROLE_PROXY, "5626-5.3.c");
    stage_break(stage, !stage->flow_dropped[target->flow], "5626-7.f");
    if (instance < 0)
        return;
    stage_break(stage, !stage->answered[instance], "5626-7.c");
    for (const struct call_branch *branch = stage->model.branches; branch != NULL; branch = branch->next)
        stage_break(stage, branch->has_final || instance_of(branch->target) != instance, "5626-7.a");
}

static bool stage_start(struct call_stage *stage, struct target *target)
{
    struct stage_branch *branch = stage_allocate(stage, NULL, 0, sizeof *branch);
    if (branch == NULL)
        return false;
    memset(branch, 0, sizeof *branch);
    branch->model.on_flow = target == NULL || target->flow != 0;
    call_branch_begin(&stage->model, &branch->model, target);
    stage->starts++;
    return true;
}

static bool lend_start(struct response_context *context, struct target *target)
{
    struct call_stage *stage = stage_of(context);
    stage_check_start(stage, target);
    bool fails = stage->fails_start;
    stage->fails_start = false;
    return !fails && stage_start(stage, target);
}

static bool lend_next_server(struct call_branch *branch)
{
    (void)branch;
    return false;
}

static void lend_beside(struct response_context *context)
{
    call_start_beside(context);
}

static void lend_ring_later(struct response_context *context)
{
    stage_of(context)->rings_later = true;
}

static void lend_cancel_pending(struct response_context *context, const struct call_branch *except)
{
    for (struct call_branch *branch = context->branches; branch != NULL; branch = branch->next)
        branch_of(branch)->cancelled |= branch != except && !branch->has_final;
}

static void lend_forward(struct call_event *event)
{
    struct call_stage *stage = stage_of(event->context);
    const uint32_t code = event->decision.code;
    if (!code_is_final(code))
        return;
    stage->status = (uint16_t)(event->decision.status != 0 ? event->decision.status : code);
    stage_break(stage, code_class(code) == CLASS_SUCCESS, "3261-16.7.e");
    stage->successes++;
}

static bool lend_move(struct call_branch *branch, struct target *target)
{
    struct call_stage *stage = stage_of(branch->context);
    if (stage->flow_dead[target->flow])
        return false;
    stage->moved_to = (uint8_t)target->flow;
    return true;
}

/* --- the target set --- */

static int stage_add(struct call_stage *stage, const struct target *target)
{
    if (stage->flow_dropped[target->flow]) /* it has no bindings any more */
        return 0;
    int error = target_add(stage->model.targets, target);
    return error == 0 ? 1 : error;
}

static int lend_add_uri(struct response_context *context, struct text uri)
{
    return stage_add(stage_of(context), &(struct target){.uri = uri, .q = 1000});
}

static int lend_add_aor(struct response_context *context, struct text aor)
{
    struct call_stage *stage = stage_of(context);
    int added = 0;
    (void)aor;
    for (size_t i = 0; i < sizeof registered / sizeof registered[0]; i++)
        added += stage_add(stage, &registered[i]) > 0;
    if (stage->starts > 0)
        added += stage_add(stage, &beside) > 0;
    if (stage->registers_flow)
        added += stage_add(stage, &later) > 0;
    return added;
}

static int lend_add_flows(struct response_context *context, const struct target *target)
{
    struct call_stage *stage = stage_of(context);
    return stage->registers_flow && instance_of(target) == 0 ? stage_add(stage, &later) : 0;
}

static int lend_add_contacts(struct call_event *event)
{
    return stage_add(stage_of(event->context), &(struct target){.uri = TEXT("sip:moved@192.0.2.9"), .q = 700});
}

/* --- dropped flows and rests, logs --- */

static void lend_drop_flow(struct call_branch *branch)
{
    struct call_stage *stage = stage_of(branch->context);
    stage->flow_dropped[branch->target->flow] = stage->flow_dead[branch->target->flow] = true;
}

static void lend_drop_binding(struct call_branch *branch)
{
    (void)branch;
}

static void lend_rest_branch(struct call_branch *branch, uint32_t seconds)
{
    (void)branch;
    (void)seconds;
}

static void lend_rest(struct response_context *context, struct text tenant, const char *destination, uint32_t seconds)
{
    (void)context;
    (void)tenant;
    (void)destination;
    (void)seconds;
}

static void lend_decided(struct call_event *event)
{
    (void)event;
}

static void lend_count(struct response_context *context, enum call_counter counter)
{
    stage_of(context)->counted[counter]++;
}

static void lend_log(struct response_context *context, enum log_level level, const char *line)
{
    struct call_stage *stage = stage_of(context);
    (void)level;
    snprintf(stage->logged, sizeof stage->logged, "%s", line);
}

/* The event's verdict was put there by call_stage_event(). */
static enum script_outcome lend_ask(struct call_event *event)
{
    struct call_stage *stage = stage_of(event->context);
    if (event->hook == HOOK_EXHAUSTED) {
        event->verdict = (struct script_verdict){.kind = stage->last_verdict, .code = SIP_NOT_FOUND};
        memcpy(event->verdict.uri, "sip:last@192.0.2.8", sizeof "sip:last@192.0.2.8");
        stage->last_verdict = VERDICT_COUNT;
    }
    return event->verdict.kind < VERDICT_COUNT ? SCRIPT_VERDICT : SCRIPT_NO_HOOK;
}

static const struct call_host stage_host = {.has_contact = lend_contact,
                                            .has_response = lend_response,
                                            .ask = lend_ask,
                                            .decided = lend_decided,
                                            .count = lend_count,
                                            .log = lend_log,
                                            .add_uri = lend_add_uri,
                                            .add_aor = lend_add_aor,
                                            .add_flows = lend_add_flows,
                                            .add_contacts = lend_add_contacts,
                                            .start = lend_start,
                                            .start_next_server = lend_next_server,
                                            .beside = lend_beside,
                                            .ring_later = lend_ring_later,
                                            .cancel_pending = lend_cancel_pending,
                                            .forward = lend_forward,
                                            .move = lend_move,
                                            .drop_flow = lend_drop_flow,
                                            .drop_binding = lend_drop_binding,
                                            .rest_branch = lend_rest_branch,
                                            .rest = lend_rest};

/* --- forwarded responses --- */

static bool is_stored(const struct call_stage *stage, uint16_t code)
{
    for (const struct call_branch *branch = stage->model.branches; branch != NULL; branch = branch->next)
        if (branch->has_final && branch->code == code)
            return true;
    return false;
}

/* A final response that somebody has sent, other than 408 and 430, and that is not followed as a 3xx. */
static bool has_answer(const struct call_stage *stage)
{
    for (const struct call_branch *branch = stage->model.branches; branch != NULL; branch = branch->next)
        if (branch->has_final && branch->origin == ORIGIN_WIRE && branch->code != 0 &&
            branch->code != SIP_REQUEST_TIMEOUT && branch->code != SIP_FLOW_FAILED)
            return true;
    return false;
}

static void stage_check_upstream(struct call_stage *stage, const struct call_upstream *upstream)
{
    const struct response_context *model = &stage->model;
    const uint16_t status = upstream->status;
    const bool own = model->fail_status != 0;
    if (upstream->kind == UPSTREAM_SILENCE) {
        stage_break(stage, model->method != METHOD_INVITE && !has_answer(stage), "4320-4.a");
        return;
    }
    stage_break(stage, status != SIP_FLOW_FAILED || model->role == ROLE_EDGE, "5626-11.5.a");
    stage_break(stage, status != SIP_REQUEST_TIMEOUT || model->method == METHOD_INVITE, "4320-4.a");
    stage_break(stage, !stage->global_seen || code_class(status) == CLASS_GLOBAL_FAILURE, "3261-16.7.d");
    stage_break(stage, status >= 300 && code_is_final(status), "3261-8.1.3.a");
    if (own || stage->global_seen)
        return;
    stage_break(stage,
                status != SIP_TEMPORARILY_UNAVAILABLE || !has_answer(stage) ||
                    is_stored(stage, SIP_TEMPORARILY_UNAVAILABLE),
                "5626-11.5.b");
    stage_break(stage,
                (status != SIP_UNAUTHORIZED && status != SIP_PROXY_AUTHENTICATION_REQUIRED) ||
                    (upstream->kind == UPSTREAM_RELAY && upstream->merges),
                "3261-16.7.h");
}

/* As a host does when no branch is pending. */
static void stage_finish(struct call_stage *stage)
{
    struct response_context *model = &stage->model;
    if (model->final_forwarded || call_pending(model, NULL) > 0)
        return;
    const struct call_best best = call_best(model);
    struct call_event event = {.context = model, .branch = best.branch};
    if (call_ask_exhausted(&event, best.best.status)) {
        call_start_more(model);
        if (call_pending(model, NULL) > 0)
            return;
    }
    const struct call_upstream upstream = call_choose(model);
    stage_check_upstream(stage, &upstream);
    model->final_forwarded = true;
    stage->finals++;
    stage->status = upstream.status;
    stage->silent = upstream.kind == UPSTREAM_SILENCE;
    stage->merged = upstream.merges;
}

/* What must hold after every event. */
static void stage_check(struct call_stage *stage)
{
    uint32_t breadth = 0;
    for (const struct call_branch *branch = stage->model.branches; branch != NULL; branch = branch->next) {
        breadth += branch->has_final ? 0 : branch->breadth;
        stage_break(stage, branch->has_final || branch->breadth > 0, "5393-5.a");
    }
    stage_break(stage, breadth <= stage->model.max_breadth, "5393-5.a");
    stage_break(stage, stage->finals <= 1 && (stage->finals == 0 || stage->successes == 0 || stage->success_seen),
                "3261-16.7.e");
    stage_break(stage, call_pending(&stage->model, NULL) > 0 || stage->model.final_forwarded, "3261-16.7.e");
}

static bool all_are_cancelled(const struct call_stage *stage)
{
    for (const struct call_branch *branch = stage->model.branches; branch != NULL; branch = branch->next)
        if (!branch->has_final && !branch_of(branch)->cancelled)
            return false;
    return true;
}

/* --- events --- */

void call_stage_begin(struct call_stage *stage, enum method method, enum role role, uint32_t max_breadth,
                      uint32_t ring_next_ms)
{
    const bool heap = stage->heap;
    const uint64_t fails_at = stage->fails_at;
    memset(stage, 0, offsetof(struct call_stage, memory));
    stage->heap = heap;
    stage->fails_at = fails_at;
    stage->host = (struct host){.context = stage, .now_ms = stage_now, .allocate = stage_allocate};
    stage->last_verdict = VERDICT_COUNT;
    stage->model = (struct response_context){.host = &stage_host,
                                             .aor = AOR,
                                             .method = (uint8_t)method,
                                             .role = (uint8_t)role,
                                             .may_recurse = true,
                                             .max_breadth = max_breadth != 0 ? max_breadth : 60,
                                             .ring_next_ms = ring_next_ms};
    if (role == ROLE_EDGE) {
        stage_start(stage, NULL);
    } else if (target_set_new(&stage->model.targets, &stage->host) == 0) {
        lend_add_aor(&stage->model, AOR);
        call_start_more(&stage->model);
    }
    stage_finish(stage);
}

void call_stage_end(struct call_stage *stage)
{
    struct call_branch *next;
    for (struct call_branch *branch = stage->model.branches; branch != NULL; branch = next) {
        next = branch->next;
        stage_allocate(stage, branch_of(branch), sizeof(struct stage_branch), 0);
    }
    target_set_delete(stage->model.targets);
}

static bool ends_search(const struct call_stage *stage, const struct stage_event *event)
{
    return code_class(event->code) == CLASS_GLOBAL_FAILURE && !stage->model.plain_6xx;
}

static void note_answer(struct call_stage *stage, const struct stage_branch *branch, const struct stage_event *event)
{
    int instance = instance_of(branch->model.target);
    if (event->origin != ORIGIN_WIRE || event->code < CODE_FINAL_LEAST)
        return;
    stage->global_seen |= ends_search(stage, event);
    stage->success_seen |= code_class(event->code) == CLASS_SUCCESS;
    if (instance >= 0 && event->code != SIP_REQUEST_TIMEOUT && event->code != SIP_FLOW_FAILED)
        stage->answered[instance] = true;
}

/* 3261-16.7.c d: what an INVITE's 2xx and 6xx do at once. */
static void check_end_of_search(struct call_stage *stage, const struct stage_event *event, unsigned successes)
{
    if (event->origin != ORIGIN_WIRE || stage->model.method != METHOD_INVITE)
        return;
    if (code_class(event->code) == CLASS_SUCCESS)
        stage_break(stage, stage->successes == successes + 1 && all_are_cancelled(stage), "3261-16.7.c");
    if (ends_search(stage, event))
        stage_break(stage, all_are_cancelled(stage), "3261-16.7.d");
}

void call_stage_event(struct call_stage *stage, struct stage_branch *branch, const struct stage_event *event)
{
    struct call_event given = {.branch = &branch->model,
                               .facts = {.code = event->code, .origin = event->origin},
                               .verdict = {.kind = event->verdict, .code = event->status, .seconds = 30}};
    const unsigned successes = stage->successes;
    const struct target *target = branch->model.target;
    bool dead = event->origin == ORIGIN_FLOW_DOWN && target != NULL && target->flow != 0;
    memcpy(given.verdict.uri, "sip:vm@192.0.2.7", sizeof "sip:vm@192.0.2.7");
    if (dead)
        stage->flow_dead[target->flow] = true;
    note_answer(stage, branch, event);
    if (call_decide(&given)) {
        branch->has_response = event->origin == ORIGIN_WIRE;
        call_follow(&branch->model);
    } else {
        call_pass(&given);
    }
    stage_break(stage, !dead || stage->flow_dropped[target->flow], "5626-7.f");
    stage_finish(stage);
    check_end_of_search(stage, event, successes);
    stage_check(stage);
}

void call_stage_cancel(struct call_stage *stage)
{
    if (stage->model.final_forwarded)
        return;
    lend_cancel_pending(&stage->model, NULL);
    call_cancel(&stage->model);
    stage->rings_later = false;
    stage_finish(stage);
    stage_check(stage);
}

void call_stage_ring(struct call_stage *stage)
{
    stage->rings_later = false;
    stage->now_ms += stage->model.ring_next_ms;
    call_start_beside(&stage->model);
    stage_check(stage);
}

struct stage_branch *call_stage_branch(const struct call_stage *stage, unsigned place, bool ended)
{
    for (struct call_branch *branch = stage->model.branches; branch != NULL; branch = branch->next)
        if (branch->has_final == ended && place-- == 0)
            return branch_of(branch);
    return NULL;
}

/* --- the hash of a state --- */

static void mix(uint64_t *sum, uint64_t value)
{
    *sum = (*sum ^ value) * 0x9e3779b97f4a7c15ULL;
    *sum ^= *sum >> 29;
}

static size_t place_of(const struct call_stage *stage, const struct target *target)
{
    size_t place = 0;
    while (target != NULL && target_at(stage->model.targets, place) != target)
        place++;
    return target != NULL ? place + 1 : 0;
}

static void mix_targets(uint64_t *sum, const struct call_stage *stage)
{
    const struct target_set *targets = stage->model.targets;
    for (size_t i = 0; targets != NULL && i < target_count(targets); i++) {
        const struct target *target = target_at((struct target_set *)(uintptr_t)targets, i);
        mix(sum, target->status | (uint64_t)target->q << 8 | target->flow << 24 | (uint64_t)target->uri.length << 32 |
                     (uint64_t)(unsigned char)target->uri.at[4] << 48);
    }
    if (targets != NULL)
        mix(sum, target_class_left(targets));
}

static uint64_t pending_hash(const struct call_stage *stage, const struct call_branch *branch)
{
    uint64_t sum = 2;
    mix(&sum, place_of(stage, branch->target) | (uint64_t)branch->provisional_seen << 33 |
                  (uint64_t)branch->flow_died << 34 | (uint64_t)branch_of(branch)->cancelled << 35 |
                  (uint64_t)branch->breadth << 40);
    return sum;
}

static uint64_t final_hash(const struct call_branch *branch)
{
    uint64_t sum = 3;
    mix(&sum, branch->code | (uint64_t)(branch->origin != ORIGIN_WIRE) << 16);
    return sum;
}

static bool is_repeated(const struct call_branch *branch)
{
    for (const struct call_branch *older = branch->next; older != NULL; older = older->next)
        if (older->has_final && final_hash(older) == final_hash(branch))
            return true;
    return false;
}

/* In whatever order they were begun. Final responses count once, and not at all when one has gone upstream. */
static void mix_branches(uint64_t *sum, const struct call_stage *stage)
{
    uint64_t all = 0;
    for (const struct call_branch *branch = stage->model.branches; branch != NULL; branch = branch->next) {
        if (!branch->has_final)
            all += pending_hash(stage, branch);
        else if (!stage->model.final_forwarded && !is_repeated(branch))
            all += final_hash(branch);
    }
    mix(sum, all);
}

uint64_t call_stage_hash(const struct call_stage *stage)
{
    uint64_t sum = 1;
    const struct response_context *model = &stage->model;
    mix(&sum, model->fail_status | (uint64_t)model->success_forwarded << 16 |
                  (uint64_t)model->global_failure_seen << 17 | (uint64_t)model->final_forwarded << 18 |
                  (uint64_t)model->cancelled << 19 | (uint64_t)model->waits << 20 |
                  (uint64_t)model->has_retry_after << 21 | (uint64_t)stage->registers_flow << 22 |
                  (uint64_t)stage->fails_start << 23 | (uint64_t)stage->fails_memory << 24 |
                  (uint64_t)stage->rings_later << 25 | (uint64_t)stage->answered[0] << 26 |
                  (uint64_t)stage->answered[1] << 27 | (uint64_t)stage->last_verdict << 28 |
                  (uint64_t)(stage->successes > 0) << 34 | (uint64_t)stage->finals << 35 |
                  (uint64_t)(stage->broken != NULL) << 40 | (uint64_t)stage->answered[2] << 41);
    for (size_t i = 0; i < STAGE_FLOWS; i++)
        mix(&sum, (uint64_t)stage->flow_dead[i] << 1 | stage->flow_dropped[i]);
    mix_targets(&sum, stage);
    mix_branches(&sum, stage);
    return sum;
}
