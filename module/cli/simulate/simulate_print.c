// SPDX-License-Identifier: BSD-2-Clause
#include "cli/simulate/simulate.h"

#include <inttypes.h>

enum { MS = 1000 };

const char *simulate_number(char text[SIMULATE_NUMBER_SIZE], uint64_t number)
{
    char digits[SIMULATE_NUMBER_SIZE];
    int length = snprintf(digits, sizeof digits, "%" PRIu64, number);
    char *at = text;
    for (int i = 0; i < length; i++) {
        *at++ = digits[i];
        if (i + 1 < length && (length - i - 1) % 3 == 0)
            *at++ = ',';
    }
    *at = '\0';
    return text;
}

void simulate_print_title(FILE *out, const struct simulate_config *config)
{
    char agents[SIMULATE_NUMBER_SIZE];
    fprintf(out,
            "%s user agent%s, %" PRIu32 " flow%s each over %" PRIu32 " edge%s: %s at %" PRIu32 " s for %" PRIu32 " s",
            simulate_number(agents, config->agents), config->agents == 1 ? "" : "s", config->flows,
            config->flows == 1 ? "" : "s", config->edges, config->edges == 1 ? "" : "s",
            config->region ? "the region dies" : "one edge dies", config->at_s, config->down_s);
}

static void print_after(FILE *out, int width, uint32_t seconds)
{
    char text[SIMULATE_NUMBER_SIZE];
    fprintf(out, "%*s", width, seconds == SIMULATE_NEVER ? "not yet" : simulate_number(text, seconds));
}

static void print_row(FILE *out, int width, const struct strategy *strategy, const struct simulate_result *result)
{
    char text[SIMULATE_NUMBER_SIZE];
    fprintf(out, "%-*s%11s", width, strategy->name, simulate_number(text, result->peak_asked));
    fprintf(out, "%11s", simulate_number(text, result->peak_served));
    print_after(out, 9, result->reachable_after_s);
    print_after(out, 9, result->flows_after_s);
    fprintf(out, "%16s", simulate_number(text, result->unreachable_ms / MS));
    fprintf(out, "%11s\n", simulate_number(text, result->calls_lost));
}

void simulate_print_summary(FILE *out, const struct simulate_report *report)
{
    const int width = 12;
    simulate_print_title(out, report->config);
    fprintf(out, "\n\n%-*s%22s%18s%16s%11s\n", width, "", "registrations/s", "99 % back after s", "agent-seconds",
            "calls");
    fprintf(out, "%-*s%11s%11s%9s%9s%16s%11s\n", width, "strategy", "peak asked", "served", "agents", "flows",
            "unreachable", "lost");
    for (size_t i = 0; i < report->count; i++)
        print_row(out, width, &report->strategies[i], &report->results[i]);
}

/* A count in a step as a rate; whole where the step is a second. */
static void print_rate(FILE *out, uint64_t count, uint32_t length_s)
{
    if (length_s == 1)
        fprintf(out, ",%" PRIu64, count);
    else
        fprintf(out, ",%.3f", (double)count / length_s);
}

static void print_sample(FILE *out, const struct strategy *strategy, const struct simulate_sample *sample,
                         uint32_t agents)
{
    const uint64_t rates[] = {sample->asked,     sample->served,         sample->refused,
                              sample->timed_out, sample->calls_answered, sample->calls_failed_over,
                              sample->calls_lost};
    fprintf(out, "%s,%" PRIu32, strategy->name, sample->time_s);
    for (size_t i = 0; i < sizeof rates / sizeof rates[0]; i++)
        print_rate(out, rates[i], sample->length_s);
    fprintf(out, ",%.6f,%" PRIu32 ",%" PRIu32 ",%" PRIu32 "\n", agents > 0 ? (double)sample->unreachable / agents : 0.0,
            sample->flows_alive, sample->waiting, sample->calls_waiting);
}

void simulate_print_csv(FILE *out, const struct simulate_report *report)
{
    fputs("strategy,time_s,registrations_asked_per_s,registrations_served_per_s,registrations_refused_per_s,"
          "registrations_timed_out_per_s,calls_answered_per_s,calls_failed_over_per_s,calls_lost_per_s,"
          "unreachable_share,flows_alive,registrations_queued,calls_waiting\n",
          out);
    for (size_t i = 0; i < report->count; i++) {
        const struct simulate_result *result = &report->results[i];
        for (size_t j = 0; j < result->count; j++)
            print_sample(out, &report->strategies[i], &result->samples[j], report->config->agents);
    }
}
