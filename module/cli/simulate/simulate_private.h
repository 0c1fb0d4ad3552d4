// SPDX-License-Identifier: BSD-2-Clause
#ifndef REFLOW_CLI_SIMULATE_PRIVATE_H
#define REFLOW_CLI_SIMULATE_PRIVATE_H

#include "cli/simulate/simulate.h"
#include "cli/simulate/simulate_server.h"
#include "cli/simulate/simulate_wheel.h"

enum flow_state {
    FLOW_ALIVE,
    FLOW_DEAD,       /* and its agent has not noticed it yet */
    FLOW_RECOVERING, /* the agent waits before it registers again */
    FLOW_AT_EDGE,    /* its REGISTER is in the edge's queue */
    FLOW_AT_REGISTRAR,
    FLOW_UNANSWERED /* there will be no response, and the agent waits for timer F */
};

/* One record in one cache line: an event touches all of it. A flow has one timer at most, with its own number. */
struct flow {
    uint32_t since_ms;      /* of the wait or of the REGISTER that it is at */
    uint32_t registered_ms; /* when its binding was made; 0: before the simulation */
    uint8_t state;          /* enum flow_state */
    uint8_t failures;       /* consecutive */
    bool bound;             /* the registrar has a binding for it */
    bool any_flow_alive;    /* when the wait began */
    bool told_when;
};

/* A call that waits at a silent edge. */
struct waiting_call {
    uint32_t agent, begun_ms, due_ms;
    uint8_t bound; /* the flows it was begun with, a bit each */
    uint8_t tried;
    bool goes_on; /* the decision about the silence */
};

struct calls {
    struct waiting_call *ring; /* in the order of due_ms: all wait equally long */
    size_t room, first, count;
    unsigned char *arena; /* one target set at a time */
};

struct simulation {
    const struct simulate_config *config;
    const struct strategy *strategy;
    struct simulate_result *result;
    uint32_t now_ms;
    uint32_t flow_count;
    struct flow *flows;
    uint8_t *flows_alive; /* of each agent */
    struct simulate_wheel wheel;
    struct simulate_server *edges;
    struct simulate_server registrar;
    struct calls calls;
    struct simulate_sample tally;
    uint64_t random_pings, random_waits, random_calls; /* apart: strategies meet the same pings and calls */
    uint32_t unreachable_since_ms;                     /* up to when result->unreachable_ms is summed */
    uint32_t agents_late_ms, flows_late_ms;            /* the last moment below 99 % */
    int error;
};

/* 32 bits of a seeded sequence. */
uint32_t simulate_random(uint64_t *state);

/* The edges of an agent's flows are neighbours, so that no two are the same. */
static inline uint32_t edge_of(const struct simulation *simulation, uint32_t flow)
{
    const struct simulate_config *config = simulation->config;
    return (flow / config->flows + flow % config->flows) % config->edges;
}

/* A flow's timer came. */
void simulate_flow_fire(void *simulation, uint32_t flow);

/* Every flow over this edge dies with it. */
void simulate_flows_die(struct simulation *simulation, uint32_t edge);

/* Calls. 0 or -ENOMEM; destroying is safe after both. */
int simulate_calls_create(struct calls *calls, const struct simulate_config *config);
void simulate_calls_destroy(struct calls *calls);

/* The calls that begin now and those that have waited long enough. */
void simulate_calls_turn(struct simulation *simulation);

#endif
