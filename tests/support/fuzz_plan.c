// SPDX-License-Identifier: BSD-2-Clause
#include "fuzz_plan.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "sip_corpus.h"

enum { CAPACITY = 16384, SECONDS = 10, RUNS_AT_ONCE = 256 };

static void show(const struct fuzz *fuzz, const char *problem, const char *bytes, size_t length)
{
    fprintf(stderr, "%s: %s, with %zu bytes:", fuzz->name, problem, length);
    for (size_t i = 0; i < length; i++)
        fprintf(stderr, " %02x", (unsigned char)bytes[i]);
    fputc('\n', stderr);
}

static bool run(const struct fuzz *fuzz, struct guard *guard, uint64_t number, uint32_t *seed)
{
    static char bytes[CAPACITY];
    struct text from = fuzz->texts[number % fuzz->count];
    size_t length = from.length < sizeof bytes / 2 ? from.length : sizeof bytes / 2;
    memcpy(bytes, from.at, length);
    /* Some as they are: they have to go well. */
    if (number % 64 >= fuzz->count)
        length = sip_mutate(bytes, length, sizeof bytes, fuzz->texts[(number * 7 + *seed) % fuzz->count], seed);
    const char *problem = fuzz->exercise(guard_put(guard, bytes, length), length);
    if (problem != NULL)
        show(fuzz, problem, bytes, length);
    return problem == NULL;
}

int fuzz_run(const struct fuzz *fuzz, int argc, char **argv)
{
    time_t end = time(NULL) + (argc > 1 ? atoi(argv[1]) : SECONDS);
    uint32_t seed = argc > 2 ? (uint32_t)strtoul(argv[2], NULL, 10) : 1, first = seed;
    uint64_t runs = 0;
    bool sound = true;
    struct guard guard;
    guard_create(&guard, CAPACITY);
    while (sound && time(NULL) < end) {
        for (unsigned i = 0; sound && i < RUNS_AT_ONCE; i++)
            sound = run(fuzz, &guard, runs++, &seed);
    }
    guard_destroy(&guard);
    printf("%s: %" PRIu64 " runs from seed %" PRIu32 ": %s\n", fuzz->name, runs, first, sound ? "passed" : "FAILED");
    return sound ? 0 : 1;
}
