// SPDX-License-Identifier: BSD-2-Clause
#include "cli/simulate/simulate_private.h"

#include <errno.h>
#include <stdlib.h>

#include "core/code.h"
#include "core/decide.h"
#include "flow/target.h"

enum { MS = 1000, ARENA_SIZE = 16 * 1024 };

/* Reuses the block of a target set for the next one; freeing does nothing. */
struct arena {
    unsigned char *bytes;
    size_t used;
};

static void *arena_allocate(void *context, void *old, size_t old_size, size_t new_size)
{
    struct arena *arena = context;
    (void)old_size;
    const size_t size = (new_size + 15) / 16 * 16;
    if (old != NULL || size > ARENA_SIZE - arena->used)
        return NULL;
    arena->used += size;
    return arena->bytes + arena->used - size;
}

int simulate_calls_create(struct calls *calls, const struct simulate_config *config)
{
    /* No call waits longer than once for each flow. */
    calls->room = ((size_t)config->calls_per_second * config->call_timeout_s + 1) * config->flows;
    calls->ring = malloc(calls->room * sizeof *calls->ring);
    calls->arena = malloc(ARENA_SIZE);
    return calls->ring == NULL || calls->arena == NULL ? -ENOMEM : 0;
}

void simulate_calls_destroy(struct calls *calls)
{
    free(calls->ring);
    free(calls->arena);
}

static void wait_for_edge(struct simulation *simulation, const struct waiting_call *call)
{
    struct calls *calls = &simulation->calls;
    struct waiting_call *place = &calls->ring[(calls->first + calls->count++) % calls->room];
    *place = *call;
    place->due_ms = simulation->now_ms + simulation->config->call_timeout_s * MS;
    simulation->tally.calls_waiting++;
}

static int add_flows(const struct simulation *simulation, const struct waiting_call *call, struct target_set *set)
{
    const uint32_t flows = simulation->config->flows;
    int status = 0;
    for (uint32_t i = 0; i < flows && status == 0; i++) {
        const struct target target = {
            .uri = TEXT("sip:agent@192.0.2.1"),
            .instance = TEXT("urn:uuid:1"),
            .aor = TEXT("sip:agent@example.com"),
            .reg_id = i + 1,
            .q = 1000,
            .flow = i + 1,
            .registered_at = simulation->flows[call->agent * flows + i].registered_ms,
        };
        if ((call->bound & ~call->tried) >> i & 1)
            status = target_add(set, &target);
    }
    return status;
}

/* A flow that was registered again since the call began is another flow: its old token leads nowhere (5626-5.3.c). */
static bool is_newer(const struct simulation *simulation, const struct waiting_call *call, uint32_t number)
{
    return simulation->flows[number].registered_ms > call->begun_ms;
}

/* The result of a branch: 200, 430 at once from a living edge, or no response. */
static enum origin meet(const struct simulation *simulation, const struct waiting_call *call, uint32_t number,
                        uint32_t *code)
{
    const bool alive = simulation->flows[number].state == FLOW_ALIVE && !is_newer(simulation, call, number);
    *code = alive ? SIP_OK : SIP_FLOW_FAILED;
    return simulation->edges[edge_of(simulation, number)].down ? ORIGIN_TIMEOUT : ORIGIN_WIRE;
}

static struct decision decide_branch(const struct target_set *set, const struct target *target, enum origin origin,
                                     uint32_t code)
{
    const struct facts facts = {
        .role = ROLE_PROXY,
        .method = METHOD_INVITE,
        .origin = (uint8_t)origin,
        .code = code,
        .reg_id = target->reg_id,
        .flows_left = (uint16_t)target_flows_left(set, target),
        .on_flow = true,
        .has_instance = true,
    };
    return decide(&facts, &(struct state){.targets_left = (uint16_t)target_targets_left(set)});
}

static void end(struct simulation *simulation, const struct waiting_call *call, bool answered)
{
    struct simulate_sample *tally = &simulation->tally;
    const bool first = (call->tried & (call->tried - 1)) == 0;
    *(!answered ? &tally->calls_lost : first ? &tally->calls_answered : &tally->calls_failed_over) += 1;
}

/* Handles one branch. Returns true if the next flow must be tried at once. */
static bool try_flow(struct simulation *simulation, struct waiting_call *call, const struct target_set *set,
                     const struct target *target)
{
    const uint32_t number = call->agent * simulation->config->flows + target->reg_id - 1;
    uint32_t code;
    const enum origin origin = meet(simulation, call, number, &code);
    const struct decision decision = decide_branch(set, target, origin, code);
    call->tried |= (uint8_t)(1U << (target->reg_id - 1));
    if (decision.drop == DROP_BINDING && !is_newer(simulation, call, number))
        simulation->flows[number].bound = false;
    call->goes_on = decision.action == ACTION_NEXT_FLOW;
    if (origin == ORIGIN_TIMEOUT)
        wait_for_edge(simulation, call);
    else if (!call->goes_on)
        end(simulation, call, decision.action == ACTION_FORWARD);
    return origin != ORIGIN_TIMEOUT && call->goes_on;
}

/* Tries the remaining flows until one answers or keeps silent. */
static void go_on(struct simulation *simulation, struct waiting_call *call)
{
    struct arena arena = {.bytes = simulation->calls.arena};
    const struct host host = {.context = &arena, .allocate = arena_allocate};
    struct target_set *set;
    if (target_set_new(&set, &host) != 0 || add_flows(simulation, call, set) != 0) {
        simulation->error = -ENOMEM;
        return;
    }
    struct target *target = target_next(set, true);
    while (target != NULL && try_flow(simulation, call, set, target))
        target = target_next_flow(set, target);
    if (target == NULL)
        end(simulation, call, false);
    target_set_delete(set);
}

static void begin(struct simulation *simulation)
{
    const struct simulate_config *config = simulation->config;
    struct waiting_call call = {
        .agent = (uint32_t)((uint64_t)simulate_random(&simulation->random_calls) * config->agents >> 32),
        .begun_ms = simulation->now_ms,
    };
    for (uint32_t i = 0; i < config->flows; i++)
        call.bound |= (uint8_t)(simulation->flows[call.agent * config->flows + i].bound << i);
    simulation->result->calls_begun++;
    go_on(simulation, &call);
}

static void resume(struct simulation *simulation)
{
    struct calls *calls = &simulation->calls;
    struct waiting_call call = calls->ring[calls->first];
    calls->first = (calls->first + 1) % calls->room;
    calls->count--;
    simulation->tally.calls_waiting--;
    if (call.goes_on)
        go_on(simulation, &call);
    else
        end(simulation, &call, false);
}

void simulate_calls_turn(struct simulation *simulation)
{
    const struct simulate_config *config = simulation->config;
    const struct calls *calls = &simulation->calls;
    const uint64_t due = ((uint64_t)simulation->now_ms * config->calls_per_second + MS - 1) / MS;
    while (calls->count > 0 && calls->ring[calls->first].due_ms == simulation->now_ms)
        resume(simulation);
    while (config->agents > 0 && simulation->result->calls_begun < due)
        begin(simulation);
}
