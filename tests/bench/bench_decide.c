// SPDX-License-Identifier: BSD-2-Clause
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "core/code.h"
#include "core/decide.h"

/* decide() over the replies that a proxy and a user agent really see, beside a call of a function of the same shape
   that does nothing. Allocations are counted by standing in for malloc. */

enum { MIX = 1024, ROUNDS = 64, SAMPLES = 401 };

static unsigned long allocations;
static volatile unsigned kept; /* so that no call is optimised away */

void *__libc_malloc(size_t size);
void *__libc_calloc(size_t count, size_t size);
void *__libc_realloc(void *old, size_t size);

#if !defined(__SANITIZE_ADDRESS__)
void *malloc(size_t size)
{
    allocations++;
    return __libc_malloc(size);
}

void *calloc(size_t count, size_t size)
{
    allocations++;
    return __libc_calloc(count, size);
}

void *realloc(void *old, size_t size)
{
    allocations++;
    return __libc_realloc(old, size);
}
#endif

typedef struct decision decider(const struct facts *facts, const struct state *state);

static struct decision decide_nothing(const struct facts *facts, const struct state *state)
{
    (void)facts;
    (void)state;
    return (struct decision){0};
}

/* Calls as they come: mostly 100, 180, 200, then failures, and now and then a flow that dies. */
static void fill(struct facts *facts, struct state *states)
{
    static const uint16_t codes[] = {100, 180, 200, 100, 183, 200, 486, 100, 180, 487, 200, 401,
                                     200, 404, 430, 503, 408, 302, 480, 603, 200, 477, 491, 423};
    static const uint8_t methods[] = {METHOD_INVITE, METHOD_INVITE,  METHOD_INVITE,   METHOD_BYE,
                                      METHOD_INVITE, METHOD_OPTIONS, METHOD_REGISTER, METHOD_SUBSCRIBE};
    uint32_t random = 1;
    for (unsigned i = 0; i < MIX; i++) {
        random = random * 1664525 + 1013904223;
        const uint32_t bits = random >> 8;
        facts[i] = (struct facts){
            .code = codes[bits % (sizeof(codes) / sizeof(codes[0]))],
            .method = methods[bits >> 5 & 7],
            .role = bits >> 8 & 3 ? ROLE_PROXY : ROLE_UAC,
            .origin = bits >> 10 & 15 ? ORIGIN_WIRE : ORIGIN_FLOW_DOWN,
            .flows_left = bits >> 14 & 1,
            .on_flow = bits >> 15 & 1,
            .has_instance = bits >> 15 & 1,
            .provisional_seen = bits >> 16 & 1,
            .has_challenge = true,
            .via_count = 1,
        };
        states[i] = (struct state){.branches_pending = bits >> 17 & 1, .targets_left = bits >> 18 & 1};
    }
}

static int compare(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec * 1e9 + (double)now.tv_nsec;
}

static double median_ns(decider *volatile function, const struct facts *facts, const struct state *states)
{
    static double samples[SAMPLES];
    for (unsigned sample = 0; sample < SAMPLES; sample++) {
        decider *const call = function;
        const double start = now_ns();
        unsigned sum = 0;
        for (unsigned round = 0; round < ROUNDS; round++) {
            for (unsigned i = 0; i < MIX; i++) {
                const struct decision decision = call(&facts[i], &states[i]);
                sum += decision.action + decision.flags;
            }
        }
        samples[sample] = (now_ns() - start) / (ROUNDS * MIX);
        kept = sum;
    }
    qsort(samples, SAMPLES, sizeof(samples[0]), compare);
    return samples[SAMPLES / 2];
}

int main(void)
{
    static struct facts facts[MIX];
    static struct state states[MIX];
    fill(facts, states);
    const double baseline = median_ns(decide_nothing, facts, states);
    const unsigned long before = allocations;
    for (unsigned i = 0; i < MIX; i++)
        kept = decide(&facts[i], &states[i]).action;
    const unsigned long allocated = allocations - before;
    const double value = median_ns(decide, facts, states);
    printf("decide() median, ns\t%.1f\t%.1f (empty function)\t%.1f\t25 ns\t%s\n", value, baseline, value / baseline,
           value <= 25 ? "reached" : "missed");
    printf("decide() allocations in %d calls\t%lu\t0 (empty function)\t-\t0\t%s\n", MIX, allocated,
           allocated ? "missed" : "reached");
    return 0;
}
