// SPDX-License-Identifier: BSD-2-Clause
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "sip_corpus.h"
#include "test.h"
#include "test_data.h"

/* Random changes to messages, read and sent on: fuzz_message [SECONDS [SEED]] or [--runs N] [--seed S]. Built with
   libFuzzer
   (-DREFLOW_LIBFUZZER -fsanitize=fuzzer) it takes its bytes from there. */

enum { CAPACITY = 65536, DEFAULT_RUNS = 200000, PROGRESS = 50000 };

static void show(const char *problem, const char *bytes, size_t length)
{
    fprintf(stderr, "fuzz_message: %s, with these bytes:\n", problem);
    fwrite(bytes, 1, length, stderr);
    fputc('\n', stderr);
}

#ifdef REFLOW_LIBFUZZER

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fake_host fake;
    uint16_t status;
    fake_host_create(&fake);
    const char *problem = sip_exercise(&fake.host, (const char *)data, size, &status);
    if (problem != NULL || fake.allocated != 0) {
        show(problem != NULL ? problem : "memory is lost", (const char *)data, size);
        abort();
    }
    return 0;
}

#else

enum { FOLDERS = 5 };
static const char *const FOLDER[FOLDERS] = {"messages/rfc4475", "messages/rfc5118", "messages/rfc3665",
                                            "messages/rfc5626", "devices"};

/* The built-in messages and those of tests/data. */
struct corpus {
    struct message_samples samples[FOLDERS];
    struct text *texts;
    size_t count;
};

static void add(struct corpus *corpus, struct text text)
{
    corpus->texts = realloc(corpus->texts, (corpus->count + 1) * sizeof *corpus->texts);
    if (corpus->texts == NULL)
        abort();
    corpus->texts[corpus->count++] = text;
}

static void collect(struct corpus *corpus)
{
    for (size_t i = 0; i < sip_corpus_count(); i++)
        add(corpus, sip_corpus_at(i));
    for (size_t folder = 0; folder < FOLDERS; folder++) {
        struct message_samples *samples = &corpus->samples[folder];
        message_samples_create(samples, FOLDER[folder]);
        for (size_t i = 0; i < samples->count; i++)
            add(corpus, samples->at[i].text);
    }
}

static void release(struct corpus *corpus)
{
    for (size_t folder = 0; folder < FOLDERS; folder++)
        message_samples_destroy(&corpus->samples[folder]);
    free(corpus->texts);
}

struct plan {
    uint64_t runs, seconds, seed; /* runs or seconds, whichever is given; neither: DEFAULT_RUNS */
};

static struct plan read_arguments(int argc, char **argv)
{
    struct plan plan = {.seed = 1};
    uint64_t *places[] = {&plan.seconds, &plan.seed};
    for (int i = 1, place = 0; i < argc; i++) {
        if (strcmp(argv[i], "--runs") == 0 && i + 1 < argc)
            plan.runs = strtoull(argv[++i], NULL, 10);
        else if (strcmp(argv[i], "--seed") == 0 && i + 1 < argc)
            plan.seed = strtoull(argv[++i], NULL, 10);
        else if (place < 2)
            *places[place++] = strtoull(argv[i], NULL, 10);
    }
    if (plan.runs == 0 && plan.seconds == 0)
        plan.runs = DEFAULT_RUNS;
    return plan;
}

static bool goes_on(const struct plan *plan, uint64_t number, time_t start)
{
    return plan->runs > 0 ? number < plan->runs : (uint64_t)(time(NULL) - start) < plan->seconds;
}

/* One change to one message. False: something went as it must not, and was shown. */
static bool run(const struct corpus *corpus, struct guard *guard, uint64_t number, uint32_t *seed, uint64_t *read)
{
    static const size_t HALF = CAPACITY / 2;
    struct fake_host fake;
    uint16_t status = 0;
    struct text from = corpus->texts[number % corpus->count];
    struct text other = corpus->texts[(number * 7 + *seed) % corpus->count];
    size_t length = from.length < HALF ? from.length : HALF;
    char *bytes = malloc(CAPACITY);
    if (bytes == NULL)
        abort();
    memcpy(bytes, from.at, length);
    length = sip_mutate(bytes, length, CAPACITY, other, seed);
    fake_host_create(&fake);
    if (number % 5 == 4)
        fake.fail_after = 1 + number / 5 % 7;
    const char *problem = sip_exercise(&fake.host, guard_put(guard, bytes, length), length, &status);
    if (problem == NULL && fake.allocated != 0)
        problem = "memory is lost";
    if (problem != NULL)
        show(problem, bytes, length);
    *read += status == 0;
    free(bytes);
    return problem == NULL;
}

int main(int argc, char **argv)
{
    struct plan plan = read_arguments(argc, argv);
    uint32_t seed = (uint32_t)plan.seed;
    uint64_t runs = 0, read = 0;
    time_t start = time(NULL);
    struct corpus corpus = {0};
    struct guard guard;
    bool sound = true;
    collect(&corpus);
    guard_create(&guard, CAPACITY);
    for (; sound && goes_on(&plan, runs, start); runs++) {
        sound = run(&corpus, &guard, runs, &seed, &read);
        if ((runs + 1) % PROGRESS == 0)
            printf("fuzz_message: %llu runs\n", (unsigned long long)runs + 1);
    }
    printf("fuzz_message: %llu runs from seed %llu over %zu messages, %llu read whole: %s\n", (unsigned long long)runs,
           (unsigned long long)plan.seed, corpus.count, (unsigned long long)read, sound ? "passed" : "FAILED");
    guard_destroy(&guard);
    release(&corpus);
    return sound ? 0 : 1;
}

#endif
