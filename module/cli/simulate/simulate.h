// SPDX-License-Identifier: BSD-2-Clause
#ifndef REFLOW_CLI_SIMULATE_H
#define REFLOW_CLI_SIMULATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

/*
 * A discrete-event simulation of the failure of edge proxies. User agents with flows over several edges notice it by
 * their keep-alives (5626-4.4.a, b) and register again by a strategy; edges and a registrar have a limited capacity;
 * calls arrive meanwhile. decide() decides about each response, and the target set chooses the flow of a call. The
 * clock has milliseconds; the same seed gives the same result. Left out: network delay, refreshes of registrations, and
 * keep-alives that find their edge alive, which change nothing.
 */

enum {
    SIMULATE_FLOWS_MOST = 8,
    SIMULATE_STRATEGIES_MOST = 8,
    SIMULATE_PLOT_MOST = 3,               /* strategies that one plot can show legibly */
    SIMULATE_REGISTER_TIMEOUT_MS = 32000, /* timer F: a REGISTER without an answer has failed */
    SIMULATE_NEVER = UINT32_MAX
};

enum strategy_kind {
    STRATEGY_RFC,    /* at once, then the waits of 5626-4.5.a, b; Retry-After as decide() says */
    STRATEGY_FIXED,  /* at once, then every `seconds`, whatever the answer says */
    STRATEGY_JITTER, /* after 0 to `seconds`, also the first time; Retry-After as decide() says */
    STRATEGY_PACED   /* as STRATEGY_RFC, and a refused agent gets the time of its turn in Retry-After */
};

struct strategy {
    uint8_t kind; /* enum strategy_kind */
    uint32_t seconds;
    char name[24]; /* as it was asked for: "fixed:30" */
};

/* One registration attempt, for observers of the simulation. */
struct simulate_try {
    uint32_t flow;      /* agent x flows + which */
    uint32_t failures;  /* consecutive ones before it; 0: the first since the flow died */
    uint32_t waited_ms; /* since the failure, or since the death was noticed */
    uint32_t now_ms;
    bool any_flow_alive; /* as the agent believed when the wait began */
    bool told_when;      /* a 503 had Retry-After */
};

struct simulate_config {
    uint32_t agents, edges, flows; /* flows of each agent, each over another edge */
    uint32_t region;               /* all edges die, else the first */
    uint32_t at_s, down_s, duration_s, step_s;
    uint32_t calls_per_second;
    uint32_t capacity;       /* registrations a second of the registrar; 0: without limit */
    uint32_t edge_capacity;  /* of each edge; 0: without limit */
    uint32_t queue_s;        /* a request that would wait longer is refused; beyond twice this, nothing is answered */
    uint32_t refusal_cost;   /* per cent of a registration's work that a refusal takes */
    uint32_t retry_after_s;  /* in a 503; 0: it has none */
    uint32_t flow_timer_s;   /* 0: none, pings at 95 to 120 s */
    uint32_t call_timeout_s; /* how long a proxy waits on a flow whose edge says nothing */
    uint32_t seed;
    void (*watch)(void *context, const struct simulate_try *attempt); /* NULL: nobody watches */
    void *watch_context;
};

/* One step of the curves: the counts in the step, and the state at its end. */
struct simulate_sample {
    uint32_t time_s, length_s; /* its end; its length */
    uint64_t asked, served, refused, timed_out;
    uint32_t unreachable; /* agents without a living flow */
    uint32_t flows_alive;
    uint32_t waiting; /* registrations in queues */
    uint64_t calls_answered, calls_failed_over, calls_lost;
    uint32_t calls_waiting; /* for a silent edge */
};

struct simulate_result {
    struct simulate_sample *samples;
    size_t count, room;
    uint64_t peak_asked, peak_served; /* of a step, per second */
    uint32_t reachable_after_s;       /* from the failure until 99 % of agents stay reachable, or NEVER */
    uint32_t flows_after_s;           /* from the failure until 99 % of flows stay alive */
    uint64_t unreachable_ms;          /* summed over agents */
    uint64_t calls_begun, calls_answered, calls_failed_over, calls_lost;
};

/* "rfc", "paced", "fixed:SECONDS", "jitter:SECONDS"; false: something else. */
bool strategy_read(struct strategy *strategy, const char *text, size_t length);

/* Runs the simulation. Returns 0, or -ENOMEM; *result then needs no destroying. */
int simulate_run(struct simulate_result *result, const struct simulate_config *config, const struct strategy *strategy);
void simulate_result_destroy(struct simulate_result *result);

/* A description of the run, for output. */
struct simulate_report {
    const struct simulate_config *config;
    const struct strategy *strategies;
    const struct simulate_result *results;
    size_t count;
};

void simulate_print_summary(FILE *out, const struct simulate_report *report);
void simulate_print_csv(FILE *out, const struct simulate_report *report);
void simulate_print_svg(FILE *out, const struct simulate_report *report);

/* "1,000,000 user agents, ...: the region fails at 300 s for 60 s". */
void simulate_print_title(FILE *out, const struct simulate_config *config);

/* 1234567 as "1,234,567". */
enum { SIMULATE_NUMBER_SIZE = 32 };
const char *simulate_number(char text[SIMULATE_NUMBER_SIZE], uint64_t number);

#endif
