// SPDX-License-Identifier: BSD-2-Clause
#include <sys/resource.h>
#include <time.h>

#include "cli/simulate/simulate.h"
#include "test.h"

/* An hour of a million user agents whose region dies for a minute, as they meet it with RFC 5626's waits: the seconds
   that it takes to simulate, in CPU time, and the memory of the process. Two lines: figure, value, no baseline, no
   ratio, target, reached or missed. */

static double now_s(void)
{
    struct timespec time;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
    return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

int main(void)
{
    const double target_s = 60, target_mib = 128;
    const struct strategy rfc = {.kind = STRATEGY_RFC, .name = "rfc"};
    const struct simulate_config config = {.agents = 1000000,
                                           .edges = 10,
                                           .flows = 2,
                                           .region = true,
                                           .at_s = 300,
                                           .down_s = 60,
                                           .duration_s = 3600,
                                           .step_s = 1,
                                           .calls_per_second = 100,
                                           .capacity = 10000,
                                           .edge_capacity = 2000,
                                           .queue_s = 5,
                                           .refusal_cost = 10,
                                           .call_timeout_s = 32,
                                           .seed = 1};
    struct simulate_result result;
    struct rusage usage;
    const double start = now_s();
    if (simulate_run(&result, &config, &rfc) != 0 || result.flows_after_s == SIMULATE_NEVER)
        abort();
    const double took = now_s() - start;
    simulate_result_destroy(&result);
    getrusage(RUSAGE_SELF, &usage);
    const double mib = (double)usage.ru_maxrss / 1024;
    printf("simulation of 1,000,000 user agents for an hour\t%.1f s\t-\t-\t%.0f s\t%s\n", took, target_s,
           took <= target_s ? "reached" : "missed");
    printf("its memory\t%.0f MiB\t-\t-\t%.0f MiB\t%s\n", mib, target_mib, mib <= target_mib ? "reached" : "missed");
    return 0;
}
