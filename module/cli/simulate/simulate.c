// SPDX-License-Identifier: BSD-2-Clause
#include "cli/simulate/simulate.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "cli/base/arguments.h"
#include "cli/base/whole_file.h"

enum {
    OPTION_AGENTS,
    OPTION_EDGES,
    OPTION_FLOWS,
    OPTION_FAIL,
    OPTION_AT,
    OPTION_DOWN,
    OPTION_DURATION,
    OPTION_STRATEGY,
    OPTION_CAPACITY,
    OPTION_EDGE_CAPACITY,
    OPTION_QUEUE,
    OPTION_RETRY_AFTER,
    OPTION_REFUSAL_COST,
    OPTION_FLOW_TIMER,
    OPTION_CALLS,
    OPTION_CALL_TIMEOUT,
    OPTION_SEED,
    OPTION_STEP,
    OPTION_CSV,
    OPTION_SVG,
    OPTION_COUNT
};

static const struct option options[OPTION_COUNT] = {
    [OPTION_AGENTS] = {"agents", "NUMBER", "user agents (100000)"},
    [OPTION_EDGES] = {"edges", "NUMBER", "edge proxies (10)"},
    [OPTION_FLOWS] = {"flows", "NUMBER", "of each agent, over different edges (2)"},
    [OPTION_FAIL] = {"fail", "WHAT", "edge: one dies; region: all die (region)"},
    [OPTION_AT] = {"at", "SECONDS", "when (300)"},
    [OPTION_DOWN] = {"down", "SECONDS", "how long nothing comes from there (60)"},
    [OPTION_DURATION] = {"duration", "SECONDS", "of the whole (3600)"},
    [OPTION_STRATEGY] = {"strategy", "LIST", "what is compared (rfc,fixed:30)"},
    [OPTION_CAPACITY] = {"capacity", "NUMBER", "REGISTERs/s of the registrar; 0: any (1000)"},
    [OPTION_EDGE_CAPACITY] = {"edge-capacity", "NUMBER", "... of each edge (twice its share of that)"},
    [OPTION_QUEUE] = {"queue", "SECONDS", "longest wait there; beyond it: 503 (5)"},
    [OPTION_RETRY_AFTER] = {"retry-after", "SECONDS", "in a 503; 0: it has none (0)"},
    [OPTION_REFUSAL_COST] = {"refusal-cost", "PERCENT", "of the work of a registration (10)"},
    [OPTION_FLOW_TIMER] = {"flow-timer", "SECONDS", "0: none, pings every 95 to 120 s (0)"},
    [OPTION_CALLS] = {"calls-per-second", "NUMBER", "to agents at random (100)"},
    [OPTION_CALL_TIMEOUT] = {"call-timeout", "SECONDS", "of a proxy, on a silent flow (32)"},
    [OPTION_SEED] = {"seed", "NUMBER", "another one, another course of events (1)"},
    [OPTION_STEP] = {"step", "SECONDS", "between the points of the curves (1)"},
    [OPTION_CSV] = {"csv", "FILE", "write the curves there"},
    [OPTION_SVG] = {"svg", "FILE", "draw them there, of three strategies at most"},
};

struct request {
    struct simulate_config config;
    struct strategy strategies[SIMULATE_STRATEGIES_MOST];
    size_t count;
    const char *csv, *svg;
    bool has_flows, has_edge_capacity, help;
};

static const struct request defaults = {
    .config = {.agents = 100000,
               .edges = 10,
               .flows = 2,
               .region = true,
               .at_s = 300,
               .down_s = 60,
               .duration_s = 3600,
               .step_s = 1,
               .calls_per_second = 100,
               .capacity = 1000,
               .queue_s = 5,
               .refusal_cost = 10,
               .call_timeout_s = 32,
               .seed = 1},
    .strategies = {{.kind = STRATEGY_RFC, .name = "rfc"}, {.kind = STRATEGY_FIXED, .seconds = 30, .name = "fixed:30"}},
    .count = 2,
};

/* The variable and the range of a numeric option. */
static const struct number {
    size_t offset;
    uint32_t least, most;
} numbers[OPTION_COUNT] = {
#define NUMBER(member) offsetof(struct simulate_config, member)
    [OPTION_AGENTS] = {NUMBER(agents), 0, 10000000},
    [OPTION_EDGES] = {NUMBER(edges), 1, 10000},
    [OPTION_FLOWS] = {NUMBER(flows), 1, SIMULATE_FLOWS_MOST},
    [OPTION_AT] = {NUMBER(at_s), 0, 604799},
    [OPTION_DOWN] = {NUMBER(down_s), 0, 604800},
    [OPTION_DURATION] = {NUMBER(duration_s), 1, 604800},
    [OPTION_CAPACITY] = {NUMBER(capacity), 0, 1000000000},
    [OPTION_EDGE_CAPACITY] = {NUMBER(edge_capacity), 0, 1000000000},
    [OPTION_QUEUE] = {NUMBER(queue_s), 0, 3600},
    [OPTION_RETRY_AFTER] = {NUMBER(retry_after_s), 0, 86400},
    [OPTION_REFUSAL_COST] = {NUMBER(refusal_cost), 0, 100},
    [OPTION_FLOW_TIMER] = {NUMBER(flow_timer_s), 0, 86400},
    [OPTION_CALLS] = {NUMBER(calls_per_second), 0, 100000},
    [OPTION_CALL_TIMEOUT] = {NUMBER(call_timeout_s), 1, 3600},
    [OPTION_SEED] = {NUMBER(seed), 0, UINT32_MAX},
    [OPTION_STEP] = {NUMBER(step_s), 1, 604800},
#undef NUMBER
};

static void print_help(FILE *out)
{
    fputs("Usage: reflow simulate [OPTIONS]\n\n"
          "Computes what happens when edge proxies fail, second by second: user agents\n"
          "(RFC 5626) notice it by their keep-alives and register again; edges and the\n"
          "registrar accept what they can and refuse or ignore the rest; calls are\n"
          "answered, fail over to another flow, or are lost. The core decides about each\n"
          "response.\n\n"
          "Strategies of the user agents, separated by commas:\n"
          "  rfc             at once, then after the growing random waits of RFC 5626\n"
          "  fixed:SECONDS   at once, then every SECONDS, whatever the response says\n"
          "  jitter:SECONDS  each time after a random wait of 0 to SECONDS\n"
          "  paced           as rfc; each 503 says in Retry-After when to try again\n\n",
          out);
    arguments_help(out, options, OPTION_COUNT);
    fputs("\nThe same options and seed give the same files, byte for byte. The simulation\n"
          "leaves out network delay and the refreshing of registrations, which needs\n"
          "additional capacity. Exit status: 0 success, 1 out of memory or unwritable file,\n"
          "2 wrong usage.\n",
          out);
}

static int read_number(struct cli *cli, struct request *request, size_t index, const char *value)
{
    const struct number *number = &numbers[index];
    uint64_t read;
    if (!argument_number(value, number->most, &read) || read < number->least)
        return cli_usage(cli, "simulate", "--%s takes a number from %" PRIu32 " to %" PRIu32 ", not '%s'",
                         options[index].name, number->least, number->most, value);
    *(uint32_t *)(void *)((char *)&request->config + number->offset) = (uint32_t)read;
    request->has_flows |= index == OPTION_FLOWS;
    request->has_edge_capacity |= index == OPTION_EDGE_CAPACITY;
    return CLI_OK;
}

static bool is_known(const struct request *request, const struct strategy *strategy)
{
    for (size_t i = 0; i < request->count; i++) {
        if (strcmp(request->strategies[i].name, strategy->name) == 0)
            return true;
    }
    return false;
}

static int read_strategies(struct cli *cli, struct request *request, const char *value)
{
    request->count = 0;
    for (const char *at = value;; at++) {
        const size_t length = strcspn(at, ",");
        struct strategy strategy;
        if (!strategy_read(&strategy, at, length))
            return cli_usage(cli, "simulate", "unknown strategy '%.*s' (see reflow simulate --help)", (int)length, at);
        if (is_known(request, &strategy))
            return cli_usage(cli, "simulate", "strategy '%s' is there twice", strategy.name);
        if (request->count == SIMULATE_STRATEGIES_MOST)
            return cli_usage(cli, "simulate", "more than %d strategies", SIMULATE_STRATEGIES_MOST);
        request->strategies[request->count++] = strategy;
        at += length;
        if (*at == '\0')
            return CLI_OK;
    }
}

static int read_option(struct cli *cli, struct request *request, size_t index, const char *value)
{
    switch (index) {
    case OPTION_STRATEGY:
        return read_strategies(cli, request, value);
    case OPTION_CSV:
        request->csv = value;
        return CLI_OK;
    case OPTION_SVG:
        request->svg = value;
        return CLI_OK;
    case OPTION_FAIL:
        request->config.region = strcmp(value, "region") == 0;
        if (!request->config.region && strcmp(value, "edge") != 0)
            return cli_usage(cli, "simulate", "--fail takes edge or region, not '%s'", value);
        return CLI_OK;
    default:
        return read_number(cli, request, index, value);
    }
}

/* Checks combinations of options, and computes the values that follow from others. */
static int settle(struct cli *cli, struct request *request)
{
    struct simulate_config *config = &request->config;
    if (!request->has_flows && config->flows > config->edges)
        config->flows = config->edges;
    if (config->flows > config->edges)
        return cli_usage(cli, "simulate", "%" PRIu32 " flows over different edges, but --edges is %" PRIu32,
                         config->flows, config->edges);
    if (config->at_s >= config->duration_s)
        return cli_usage(cli, "simulate", "--at %" PRIu32 " is not before the end, --duration %" PRIu32, config->at_s,
                         config->duration_s);
    if (request->svg != NULL && request->count > SIMULATE_PLOT_MOST)
        return cli_usage(cli, "simulate", "a plot shows %d strategies at most", SIMULATE_PLOT_MOST);
    if (request->svg != NULL && request->csv != NULL && strcmp(request->svg, request->csv) == 0)
        return cli_usage(cli, "simulate", "--csv and --svg name the same file");
    if (!request->has_edge_capacity)
        config->edge_capacity = (2 * config->capacity + config->edges - 1) / config->edges;
    return CLI_OK;
}

static int read_arguments(struct cli *cli, int argc, char **argv, struct request *request)
{
    struct arguments arguments = {.cli = cli, .argc = argc, .argv = argv, .options = options, .count = OPTION_COUNT};
    enum argument argument;
    const char *value;
    size_t index;
    while ((argument = argument_next(&arguments, &index, &value)) != ARGUMENT_END) {
        if (argument == ARGUMENT_BAD)
            return CLI_USAGE;
        if (argument == ARGUMENT_PLAIN)
            return cli_usage(cli, "simulate", "'%s' is one argument too many (see reflow simulate --help)", value);
        if (argument == ARGUMENT_HELP) {
            request->help = true;
            return CLI_OK;
        }
        int status = read_option(cli, request, index, value);
        if (status != CLI_OK)
            return status;
    }
    return settle(cli, request);
}

static int tell_failure(struct cli *cli, const char *what, int error)
{
    fprintf(cli->err, "reflow simulate: %s: %s\n", what, strerror(error));
    return CLI_FAILED;
}

/* Before the work begins, so that a wrong path does not waste a run. */
static int check_file(struct cli *cli, const char *path)
{
    int error = path != NULL ? whole_file_check(path) : 0;
    return error == 0 ? CLI_OK : tell_failure(cli, path, -error);
}

static int write_file(struct cli *cli, const char *path, const struct simulate_report *report,
                      void (*print)(FILE *out, const struct simulate_report *report))
{
    struct whole_file file;
    int error = path != NULL ? whole_file_open(&file, path) : 0;
    if (path != NULL && error == 0) {
        print(file.out, report);
        error = whole_file_close(&file);
    }
    return error == 0 ? CLI_OK : tell_failure(cli, path, -error);
}

static int run_all(struct cli *cli, const struct request *request, struct simulate_result *results)
{
    for (size_t i = 0; i < request->count; i++) {
        int status = simulate_run(&results[i], &request->config, &request->strategies[i]);
        if (status != 0)
            return tell_failure(cli, request->strategies[i].name, -status);
    }
    return CLI_OK;
}

static int run(struct cli *cli, const struct request *request)
{
    struct simulate_result results[SIMULATE_STRATEGIES_MOST] = {0};
    const struct simulate_report report = {&request->config, request->strategies, results, request->count};
    int status = check_file(cli, request->csv);
    if (status == CLI_OK)
        status = check_file(cli, request->svg);
    if (status == CLI_OK)
        status = run_all(cli, request, results);
    if (status == CLI_OK) {
        simulate_print_summary(cli->out, &report);
        int csv_status = write_file(cli, request->csv, &report, simulate_print_csv);
        int svg_status = write_file(cli, request->svg, &report, simulate_print_svg);
        status = csv_status != CLI_OK ? csv_status : svg_status;
    }
    for (size_t i = 0; i < request->count; i++)
        simulate_result_destroy(&results[i]);
    return status;
}

int command_simulate(struct cli *cli, int argc, char **argv)
{
    struct request request = defaults;
    int status = read_arguments(cli, argc, argv, &request);
    if (status != CLI_OK)
        return status;
    if (request.help) {
        print_help(cli->out);
        return CLI_OK;
    }
    return run(cli, &request);
}
