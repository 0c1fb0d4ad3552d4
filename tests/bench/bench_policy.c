// SPDX-License-Identifier: BSD-2-Clause
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "script/policy/policy.h"

/* What a reload costs the thread that calls run on: the version was built elsewhere, the swap is here. And how many
   hooks a shadow adds. */

enum { SWAPS = 1000, DECISIONS = 1000 };

static double microseconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec * 1e6 + (double)now.tv_nsec / 1e3;
}

static uint64_t host_now(void *context)
{
    (void)context;
    return (uint64_t)(microseconds() / 1000);
}

static int64_t host_wall(void *context)
{
    (void)context;
    return time(NULL);
}

static void *host_allocate(void *context, void *old, size_t old_size, size_t new_size)
{
    (void)context;
    (void)old_size;
    if (new_size == 0) {
        free(old);
        return NULL;
    }
    return realloc(old, new_size);
}

static uint32_t host_random(void *context)
{
    (void)context;
    return (uint32_t)random();
}

static void host_log(void *context, enum log_level level, const char *line)
{
    (void)context;
    (void)level;
    (void)line;
}

static const struct host host = {
    .now_ms = host_now, .wall_s = host_wall, .allocate = host_allocate, .random = host_random, .log = host_log};

static void fail(const char *what)
{
    fprintf(stderr, "bench_policy: %s\n", what);
    exit(1);
}

/* Two hundred lines of a policy, which differ by `number`. */
static struct sources *version(const char *path, unsigned number)
{
    char error[256];
    struct sources *sources;
    struct layer layer = {.name = "base"};
    FILE *file = fopen(path, "wb");
    if (file == NULL)
        fail("no file");
    fprintf(file, "local version = %u\n", number);
    for (unsigned code = 400; code < 460; code++)
        fprintf(file,
                "sip_on_response(%u, function(reply, call)\n  if call.aor == 'sip:%u@x' then return sip_fail(480) "
                "end\nend)\n",
                code, code);
    fprintf(file, "sip_on_request(function() return sip_route() end)\n");
    fclose(file);
    snprintf(layer.path, sizeof layer.path, "%s", path);
    if (sources_read(&sources, &host, &layer, 1, NULL, error, sizeof error) != 0)
        fail(error);
    return sources;
}

static struct policy_build *built(struct policy *policy, const char *path, unsigned number)
{
    char error[256];
    struct policy_build *build;
    struct sources *sources = version(path, number);
    if (policy_build_begin(&build, policy, sources, error, sizeof error) != 0)
        fail(error);
    sources_release(sources);
    policy_build_run(build);
    return build;
}

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static void measure_swaps(struct policy *policy, const char *path)
{
    char error[256];
    static double swaps[SWAPS], builds[SWAPS];
    for (unsigned i = 0; i < SWAPS; i++) {
        double start = microseconds();
        struct policy_build *build = built(policy, path, i);
        double middle = microseconds();
        if (policy_build_end(build, error, sizeof error) != 0 ||
            policy_commit(policy, PLACE_ACTIVE, 0, error, sizeof error) != 0)
            fail(error);
        swaps[i] = microseconds() - middle;
        builds[i] = middle - start;
    }
    qsort(swaps, SWAPS, sizeof swaps[0], by_value);
    qsort(builds, SWAPS, sizeof builds[0], by_value);
    double p99 = swaps[SWAPS * 99 / 100], build = builds[SWAPS / 2];
    printf("pause of a worker at the swap, 99th percentile of %d (baseline: building the version, median, on another "
           "thread)\t%.0f us\t%.0f us\t%.2f\t1000 us\t%s\n",
           SWAPS, p99, build, p99 / build, p99 <= 1000 ? "reached" : "missed");
}

static uint64_t entries(const struct policy *policy)
{
    struct policy_version versions[64];
    uint64_t sum = 0;
    size_t count = policy_history(policy, versions, 64);
    for (size_t i = 0; i < count; i++)
        sum += versions[i].entries;
    return sum;
}

static uint64_t decide_all(struct policy *policy)
{
    static const char text[] =
        "INVITE sip:bob@example.com SIP/2.0\r\nVia: SIP/2.0/UDP 127.0.0.1:5070;branch=z9hG4bK1\r\n"
        "From: <sip:a@example.com>;tag=1\r\nTo: <sip:bob@example.com>\r\nCall-ID: bench\r\n"
        "CSeq: 1 INVITE\r\nContent-Length: 0\r\n\r\n";
    struct sip_message *request;
    struct sip_fault fault;
    if (sip_message_new(&request, &host, text, sizeof text - 1, NULL, &fault) != 0)
        fail(fault.what);
    const struct script_call call = {.request = request, .aor = TEXT("sip:bob@example.com")};
    uint64_t before = entries(policy);
    for (int i = 0; i < DECISIONS; i++) {
        struct policy_hold hold;
        struct script_verdict verdict;
        policy_take(policy, TEXT("bench"), &hold);
        policy_on_request(&hold, &call, &verdict);
        policy_release(&hold);
    }
    sip_message_delete(request);
    return entries(policy) - before;
}

static void measure_shadow(struct policy *policy, const char *path)
{
    char error[256];
    uint64_t alone = decide_all(policy);
    if (policy_build_end(built(policy, path, SWAPS), error, sizeof error) != 0 ||
        policy_commit(policy, PLACE_SHADOW, 0, error, sizeof error) != 0)
        fail(error);
    uint64_t beside = decide_all(policy);
    double more = (double)(beside - alone) / DECISIONS;
    printf("hook calls that a shadow adds to a decision\t%.2f\t%.2f\t%.2f\t1.00\t%s\n", more, (double)alone / DECISIONS,
           (double)beside / (double)alone, more <= 1.0 ? "reached" : "missed");
}

int main(void)
{
    char path[] = "/tmp/reflow-bench-XXXXXX.lua";
    struct policy *policy = NULL;
    const struct policy_config config = {.host = &host};
    int file = mkstemps(path, 4);
    if (file < 0 || policy_new(&policy, &config) != 0)
        fail("cannot start");
    close(file);
    measure_swaps(policy, path);
    measure_shadow(policy, path);
    policy_delete(policy);
    unlink(path);
    return 0;
}
