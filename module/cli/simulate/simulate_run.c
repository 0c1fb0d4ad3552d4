// SPDX-License-Identifier: BSD-2-Clause
#include "cli/simulate/simulate_private.h"

#include <errno.h>
#include <stdlib.h>

enum { MS = 1000, GOOD_PER_CENT = 99 };

/* SplitMix64, of which the upper half is used. */
uint32_t simulate_random(uint64_t *state)
{
    uint64_t z = *state += UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return (uint32_t)((z ^ z >> 31) >> 32);
}

static void *make(size_t count, size_t size)
{
    return calloc(count > 0 ? count : 1, size);
}

static void create_flows(struct simulation *simulation)
{
    const struct simulate_config *config = simulation->config;
    for (uint32_t i = 0; i < simulation->flow_count; i++)
        simulation->flows[i] = (struct flow){.state = FLOW_ALIVE, .bound = true};
    for (uint32_t i = 0; i < config->agents; i++)
        simulation->flows_alive[i] = (uint8_t)config->flows;
    simulation->tally.flows_alive = simulation->flow_count;
}

static int simulation_create(struct simulation *simulation)
{
    const struct simulate_config *config = simulation->config;
    simulation->flow_count = config->agents * config->flows;
    simulation->flows = make(simulation->flow_count, sizeof *simulation->flows);
    simulation->flows_alive = make(config->agents, 1);
    simulation->edges = make(config->edges, sizeof *simulation->edges);
    simulation->result->room = (config->duration_s + config->step_s - 1) / config->step_s;
    simulation->result->samples = make(simulation->result->room, sizeof *simulation->result->samples);
    if (simulation->flows == NULL || simulation->flows_alive == NULL || simulation->edges == NULL ||
        simulation->result->samples == NULL || simulate_wheel_create(&simulation->wheel, simulation->flow_count) != 0 ||
        simulate_calls_create(&simulation->calls, config) != 0)
        return -ENOMEM;
    create_flows(simulation);
    for (uint32_t i = 0; i < config->edges; i++)
        simulate_server_create(&simulation->edges[i], config, config->edge_capacity);
    simulate_server_create(&simulation->registrar, config, config->capacity);
    uint64_t seeds = config->seed;
    simulation->random_pings = (uint64_t)simulate_random(&seeds) << 32;
    simulation->random_waits = (uint64_t)simulate_random(&seeds) << 32;
    simulation->random_calls = (uint64_t)simulate_random(&seeds) << 32;
    return 0;
}

static void simulation_destroy(struct simulation *simulation)
{
    simulate_calls_destroy(&simulation->calls);
    simulate_wheel_destroy(&simulation->wheel);
    free(simulation->edges);
    free(simulation->flows_alive);
    free(simulation->flows);
}

static uint32_t dying_edges(const struct simulate_config *config)
{
    return config->region ? config->edges : 1;
}

static void turn_edges(struct simulation *simulation)
{
    const struct simulate_config *config = simulation->config;
    const uint64_t at_ms = (uint64_t)config->at_s * MS;
    for (uint32_t i = 0; simulation->now_ms == at_ms && i < dying_edges(config); i++) {
        simulate_server_die(&simulation->edges[i], simulation->now_ms);
        simulate_flows_die(simulation, i);
    }
    for (uint32_t i = 0; simulation->now_ms == at_ms + (uint64_t)config->down_s * MS && i < dying_edges(config); i++)
        simulate_server_return(&simulation->edges[i]);
}

/* How late the last moment is at which too few were well. */
static void look(struct simulation *simulation)
{
    const struct simulate_config *config = simulation->config;
    const struct simulate_sample *tally = &simulation->tally;
    const uint64_t bad = 100 - GOOD_PER_CENT;
    if ((uint64_t)tally->unreachable * 100 > config->agents * bad)
        simulation->agents_late_ms = simulation->now_ms + 1;
    if ((uint64_t)tally->flows_alive * 100 < (uint64_t)simulation->flow_count * GOOD_PER_CENT)
        simulation->flows_late_ms = simulation->now_ms + 1;
}

static uint64_t most(uint64_t a, uint64_t b)
{
    return a > b ? a : b;
}

static void sample(struct simulation *simulation)
{
    struct simulate_result *result = simulation->result;
    struct simulate_sample *tally = &simulation->tally;
    tally->time_s = (simulation->now_ms + 1) / MS;
    tally->length_s = tally->time_s - (result->count > 0 ? result->samples[result->count - 1].time_s : 0);
    result->samples[result->count++] = *tally;
    result->peak_asked = most(result->peak_asked, tally->asked / tally->length_s);
    result->peak_served = most(result->peak_served, tally->served / tally->length_s);
    result->calls_answered += tally->calls_answered;
    result->calls_failed_over += tally->calls_failed_over;
    result->calls_lost += tally->calls_lost;
    *tally = (struct simulate_sample){
        .unreachable = tally->unreachable,
        .flows_alive = tally->flows_alive,
        .waiting = tally->waiting,
        .calls_waiting = tally->calls_waiting,
    };
}

static uint32_t after_death(const struct simulate_config *config, uint32_t late_ms)
{
    if (late_ms == config->duration_s * MS)
        return SIMULATE_NEVER;
    return late_ms == 0 ? 0 : (late_ms + MS - 1) / MS - config->at_s;
}

static void finish(struct simulation *simulation)
{
    struct simulate_result *result = simulation->result;
    const struct simulate_config *config = simulation->config;
    result->unreachable_ms +=
        (uint64_t)(config->duration_s * MS - simulation->unreachable_since_ms) * simulation->tally.unreachable;
    result->reachable_after_s = after_death(config, simulation->agents_late_ms);
    result->flows_after_s = after_death(config, simulation->flows_late_ms);
}

static void go_through_time(struct simulation *simulation)
{
    const struct simulate_config *config = simulation->config;
    const uint32_t end_ms = config->duration_s * MS;
    const uint32_t step_ms = config->step_s * MS;
    for (simulation->now_ms = 0; simulation->now_ms < end_ms; simulation->now_ms++) {
        turn_edges(simulation);
        simulate_wheel_turn(&simulation->wheel, simulation->now_ms, simulate_flow_fire, simulation);
        simulate_calls_turn(simulation);
        look(simulation);
        if ((simulation->now_ms + 1) % step_ms == 0 || simulation->now_ms + 1 == end_ms)
            sample(simulation);
    }
    finish(simulation);
}

int simulate_run(struct simulate_result *result, const struct simulate_config *config, const struct strategy *strategy)
{
    struct simulation simulation = {.config = config, .strategy = strategy, .result = result};
    *result = (struct simulate_result){0};
    int status = simulation_create(&simulation);
    if (status == 0) {
        go_through_time(&simulation);
        status = simulation.error;
    }
    simulation_destroy(&simulation);
    if (status != 0)
        simulate_result_destroy(result);
    return status;
}

void simulate_result_destroy(struct simulate_result *result)
{
    free(result->samples);
    result->samples = NULL;
}
