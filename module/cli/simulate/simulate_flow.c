// SPDX-License-Identifier: BSD-2-Clause
#include "cli/simulate/simulate_private.h"

#include "cli/simulate/simulate_strategy.h"
#include "flow/recovery.h"

enum { MS = 1000 };

static void set(struct simulation *simulation, uint32_t number, enum flow_state state, uint32_t due_ms)
{
    simulation->flows[number].state = (uint8_t)state;
    simulate_wheel_set(&simulation->wheel, number, due_ms);
}

/* Up to here the number of unreachable agents has not changed. */
static void sum_unreachable(struct simulation *simulation)
{
    const uint64_t ms = simulation->now_ms - simulation->unreachable_since_ms;
    simulation->result->unreachable_ms += ms * simulation->tally.unreachable;
    simulation->unreachable_since_ms = simulation->now_ms;
}

static void lose_flow(struct simulation *simulation, uint32_t number)
{
    const uint32_t agent = number / simulation->config->flows;
    simulation->tally.flows_alive--;
    if (--simulation->flows_alive[agent] == 0) {
        sum_unreachable(simulation);
        simulation->tally.unreachable++;
    }
}

static void gain_flow(struct simulation *simulation, uint32_t number)
{
    const uint32_t agent = number / simulation->config->flows;
    simulation->tally.flows_alive++;
    if (simulation->flows_alive[agent]++ == 0) {
        sum_unreachable(simulation);
        simulation->tally.unreachable--;
    }
}

/* The agent's view: a flow whose failure it has not noticed is alive. */
static bool believes_alive(const struct simulation *simulation, uint32_t number)
{
    const uint32_t flows = simulation->config->flows;
    const uint32_t first = number - number % flows;
    for (uint32_t i = first; i < first + flows; i++) {
        if (i != number && simulation->flows[i].state <= FLOW_DEAD)
            return true;
    }
    return false;
}

static void watch(const struct simulation *simulation, uint32_t number)
{
    const struct flow *flow = &simulation->flows[number];
    const struct simulate_try attempt = {
        .flow = number,
        .failures = flow->failures,
        .waited_ms = simulation->now_ms - flow->since_ms,
        .now_ms = simulation->now_ms,
        .any_flow_alive = flow->any_flow_alive,
        .told_when = flow->told_when,
    };
    if (simulation->config->watch != NULL)
        simulation->config->watch(simulation->config->watch_context, &attempt);
}

/* No simulation lasts as long as what 32 bits cannot hold. */
static void recover(struct simulation *simulation, uint32_t number, uint32_t wait_ms)
{
    const uint32_t most = UINT32_MAX - simulation->now_ms;
    set(simulation, number, FLOW_RECOVERING, simulation->now_ms + (wait_ms < most ? wait_ms : most));
}

static void fail(struct simulation *simulation, uint32_t number, enum origin origin, uint32_t retry_after_s)
{
    struct flow *flow = &simulation->flows[number];
    if (flow->failures < UINT8_MAX)
        flow->failures++;
    const struct strategy_failure failure = {
        .origin = origin,
        .failures = flow->failures,
        .reg_id = number % simulation->config->flows + 1,
        .retry_after_s = retry_after_s,
        .random = simulate_random(&simulation->random_waits),
        .any_flow_alive = believes_alive(simulation, number),
    };
    flow->since_ms = simulation->now_ms;
    flow->any_flow_alive = failure.any_flow_alive;
    flow->told_when = retry_after_s != 0;
    recover(simulation, number, strategy_wait(simulation->strategy, &failure));
}

static void refuse(struct simulation *simulation, uint32_t number, struct simulate_server *server)
{
    simulation->tally.refused++;
    fail(simulation, number, ORIGIN_WIRE,
         simulation->strategy->kind == STRATEGY_PACED ? simulate_server_promise(server, simulation->now_ms)
                                                      : simulation->config->retry_after_s);
}

static uint32_t deadline(const struct flow *flow)
{
    return flow->since_ms + SIMULATE_REGISTER_TIMEOUT_MS;
}

/* A server accepts the REGISTER or not. If the agent gives up while it waits, the work is wasted. */
static void enter(struct simulation *simulation, uint32_t number, struct simulate_server *server, enum flow_state state)
{
    const struct flow *flow = &simulation->flows[number];
    uint32_t done_ms;
    enum simulate_admission admission = simulate_server_admit(server, simulation->now_ms, &done_ms);
    if (admission == SIMULATE_REFUSED) {
        refuse(simulation, number, server);
    } else if (admission == SIMULATE_IGNORED || done_ms > deadline(flow)) {
        set(simulation, number, FLOW_UNANSWERED, deadline(flow));
    } else {
        simulation->tally.waiting++;
        set(simulation, number, state, done_ms);
    }
}

static void ask(struct simulation *simulation, uint32_t number)
{
    struct flow *flow = &simulation->flows[number];
    struct simulate_server *edge = &simulation->edges[edge_of(simulation, number)];
    watch(simulation, number);
    simulation->tally.asked++;
    flow->since_ms = simulation->now_ms;
    if (edge->down)
        set(simulation, number, FLOW_UNANSWERED, deadline(flow));
    else
        enter(simulation, number, edge, FLOW_AT_EDGE);
}

/* 5626-4.4.b: the agent has noticed. */
static void notice(struct simulation *simulation, uint32_t number)
{
    struct flow *flow = &simulation->flows[number];
    const uint32_t random = simulate_random(&simulation->random_waits);
    flow->failures = 0;
    flow->since_ms = simulation->now_ms;
    flow->told_when = false;
    flow->any_flow_alive = believes_alive(simulation, number);
    recover(simulation, number, strategy_first_wait(simulation->strategy, random));
}

/* The connection that the REGISTER came by died with the edge. */
static bool edge_died_meanwhile(const struct simulation *simulation, uint32_t number)
{
    const uint32_t died_ms = simulation->edges[edge_of(simulation, number)].died_ms;
    return died_ms > simulation->flows[number].since_ms && died_ms <= simulation->now_ms;
}

static void leave_edge(struct simulation *simulation, uint32_t number)
{
    simulation->tally.waiting--;
    if (edge_died_meanwhile(simulation, number))
        set(simulation, number, FLOW_UNANSWERED, deadline(&simulation->flows[number]));
    else
        enter(simulation, number, &simulation->registrar, FLOW_AT_REGISTRAR);
}

/* The binding is stored; the edge decides whether its flow is alive. */
static void leave_registrar(struct simulation *simulation, uint32_t number)
{
    struct flow *flow = &simulation->flows[number];
    simulation->tally.waiting--;
    simulation->tally.served++;
    flow->bound = true;
    flow->registered_ms = simulation->now_ms;
    if (edge_died_meanwhile(simulation, number)) {
        set(simulation, number, FLOW_UNANSWERED, deadline(flow));
        return;
    }
    flow->state = FLOW_ALIVE;
    gain_flow(simulation, number);
}

static void give_up(struct simulation *simulation, uint32_t number)
{
    simulation->tally.timed_out++;
    fail(simulation, number, ORIGIN_TIMEOUT, 0);
}

void simulate_flow_fire(void *context, uint32_t number)
{
    static void (*const fire[])(struct simulation *, uint32_t) = {
        [FLOW_DEAD] = notice,        [FLOW_RECOVERING] = ask,
        [FLOW_AT_EDGE] = leave_edge, [FLOW_AT_REGISTRAR] = leave_registrar,
        [FLOW_UNANSWERED] = give_up,
    };
    struct simulation *simulation = context;
    fire[simulation->flows[number].state](simulation, number);
}

/* The time to the next keep-alive from a random moment: a long interval is more likely to contain that moment, and
   every position in it is equally likely. */
static uint32_t next_ping(struct simulation *simulation)
{
    const uint32_t timer = simulation->config->flow_timer_s;
    const uint32_t most = keepalive_interval_ms(KEEPALIVE_STREAM, timer, UINT32_MAX);
    uint32_t interval;
    do
        interval = keepalive_interval_ms(KEEPALIVE_STREAM, timer, simulate_random(&simulation->random_pings));
    while ((uint64_t)simulate_random(&simulation->random_pings) * most >> 32 >= interval);
    return (uint32_t)((uint64_t)simulate_random(&simulation->random_pings) * interval >> 32);
}

/* Silence fails a flow 10 s after the ping; an edge that has restarted does not know the connection and closes it at
 * once.
 */
static void die(struct simulation *simulation, uint32_t number)
{
    const struct simulate_config *config = simulation->config;
    const uint32_t ping_ms = next_ping(simulation);
    const bool silent = ping_ms < config->down_s * MS;
    lose_flow(simulation, number);
    set(simulation, number, FLOW_DEAD, simulation->now_ms + ping_ms + (silent ? KEEPALIVE_PONG_MS : 0));
}

void simulate_flows_die(struct simulation *simulation, uint32_t edge)
{
    for (uint32_t i = 0; i < simulation->flow_count; i++) {
        if (edge_of(simulation, i) == edge && simulation->flows[i].state == FLOW_ALIVE)
            die(simulation, i);
    }
}
