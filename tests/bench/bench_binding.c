// SPDX-License-Identifier: BSD-2-Clause
/*
 * The binding store at a million bindings, two flows per AOR, against ten thousand: resident bytes each, lookup by AOR,
 * closing a connection that carries one binding, registrations a second. A line per figure, between tabs: figure,
 * value, baseline, ratio, target (of the ratio, or of the value where it has a unit), reached or missed; "-" where
 * there is no target.
 */
#include <inttypes.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "flow/binding.h"

enum {
    MANY = 1000000,
    FEW = 10000,
    FLOWS_PER_AOR = 2,
    BATCH = 64,
    ROUNDS = 4000,
    STORES = MANY / FEW,
    CLOSES_MOST = 20000,
    CHASES = 2000000,
    BYTES_MOST = 400,
    LINE = 64
};

static const double RATIO_MOST = 1.5;
static const double CLOSE_MOST_US = 5.0;

static uint64_t bench_now_ms(void *context)
{
    (void)context;
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

static int64_t bench_wall_s(void *context)
{
    (void)context;
    return (int64_t)time(NULL);
}

static void *bench_allocate(void *context, void *old, size_t old_size, size_t new_size)
{
    (void)context;
    (void)old_size;
    if (new_size == 0) {
        free(old);
        return NULL;
    }
    return realloc(old, new_size);
}

static uint32_t draw(uint64_t *seed)
{
    *seed = *seed * 6364136223846793005U + 1442695040888963407U;
    return (uint32_t)(*seed >> 32);
}

static uint32_t bench_random(void *context)
{
    return draw(context);
}

static void bench_log(void *context, enum log_level level, const char *line)
{
    (void)context;
    fprintf(stderr, "%d %s\n", (int)level, line);
}

static double now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC_RAW, &now);
    return (double)now.tv_sec * 1e9 + (double)now.tv_nsec;
}

static size_t resident_bytes(void)
{
    size_t pages = 0;
    FILE *file = fopen("/proc/self/statm", "r");
    if (file == NULL || fscanf(file, "%*s %zu", &pages) != 1)
        exit(1);
    fclose(file);
    return pages * (size_t)sysconf(_SC_PAGESIZE);
}

static int compare_doubles(const void *a, const void *b)
{
    double x = *(const double *)a;
    double y = *(const double *)b;
    return (x > y) - (x < y);
}

static double quantile(double *values, size_t count, double which)
{
    qsort(values, count, sizeof *values, compare_doubles);
    return values[(size_t)((double)(count - 1) * which)];
}

struct texts {
    char aor[48];
    char contact[80];
    char instance[64];
    char call_id[64];
    char path[80];
};

static struct text aor_write(char *at, size_t size, uint32_t user)
{
    return (struct text){at, (size_t)snprintf(at, size, "sip:user%07u@voip.example.com", user)};
}

/* A phone behind a NAT, every second one through an edge proxy. Every binding has a flow of its own. */
static void registration(struct texts *texts, struct binding_view *view, uint32_t user, uint32_t reg_id, int64_t now)
{
    *view = (struct binding_view){.reg_id = reg_id, .cseq = 1, .q = 1000, .registered_at = now};
    view->flow = (flow_id)user * FLOWS_PER_AOR + reg_id;
    view->expires_at = now + 3600 + user % 600;
    view->aor = aor_write(texts->aor, sizeof texts->aor, user);
    snprintf(texts->contact, sizeof texts->contact, "sip:user%07u@192.168.%03u.%03u:5060;transport=tcp", user,
             user / 200 % 200 + 20, user % 200 + 20);
    snprintf(texts->instance, sizeof texts->instance, "urn:uuid:%08x-0000-4000-8000-%012x", user * 2654435761U, user);
    snprintf(texts->call_id, sizeof texts->call_id, "%08x-%04x-4a6b-9c8d-%012x", user, reg_id, user ^ 0xabcdefU);
    snprintf(texts->path, sizeof texts->path, "<sip:%032u@edge.example.com;lr;ob>", user);
    view->contact = text_of(texts->contact);
    view->instance = text_of(texts->instance);
    view->call_id = text_of(texts->call_id);
    if (user % 2 == 1)
        view->path = text_of(texts->path);
}

static void must(bool condition, const char *what)
{
    if (condition)
        return;
    fprintf(stderr, "bench_binding: %s\n", what);
    exit(1);
}

struct filled {
    double resident; /* bytes, each */
    double texts;    /* of these, the texts themselves; an AOR counts once */
    double put_ns;   /* mean */
    double tail_ns;  /* 99.99th percentile */
};

static double took[MANY];

static size_t text_bytes(const struct binding_view *view)
{
    size_t bytes = view->contact.length + view->instance.length + view->call_id.length + view->path.length;
    return bytes + (view->reg_id == 1 ? view->aor.length : 0);
}

/* Every AOR registers its first flow, then every AOR its second: the two do not lie side by side. */
static struct filled fill(struct binding_store *store, uint32_t count)
{
    struct filled filled = {0};
    struct texts texts;
    struct binding_view view;
    int64_t now = (int64_t)time(NULL);
    memset(took, 1, sizeof took);
    size_t before = resident_bytes();
    for (uint32_t i = 0; i < count; i++) {
        uint32_t users = count / FLOWS_PER_AOR;
        registration(&texts, &view, i % users, i / users + 1, now);
        double start = now_ns();
        must(binding_put(store, &view, NULL) == 0, "binding_put failed");
        took[i] = now_ns() - start;
        filled.put_ns += took[i] / count;
        filled.texts += (double)text_bytes(&view) / count;
    }
    filled.resident = (double)(resident_bytes() - before) / count;
    filled.tail_ns = quantile(took, count, 0.9999);
    must(binding_count(store) == count, "bindings are missing");
    return filled;
}

/* The same registrations again, an hour on: no text changes. */
static double refresh_ns(struct binding_store *store, uint32_t count)
{
    struct texts texts;
    struct binding_view view;
    uint64_t seed = 5;
    double spent = 0;
    int64_t now = (int64_t)time(NULL);
    for (uint32_t i = 0; i < CLOSES_MOST; i++) {
        registration(&texts, &view, draw(&seed) % (count / FLOWS_PER_AOR), 1 + (draw(&seed) & 1), now + 60);
        double start = now_ns();
        must(binding_put(store, &view, NULL) == 0, "binding_put failed");
        spent += now_ns() - start;
    }
    return spent / CLOSES_MOST;
}

/* One lookup after another, in one of the stores at random, of AORs at random whose texts are fresh as from a parser.
   In batches, because a single lookup costs about what the clock does. */
static double lookup_ns(struct binding_store *const *stores, uint32_t store_count, uint32_t count)
{
    static double rounds[ROUNDS];
    uint64_t seed = 7;
    struct text aors[BATCH];
    char texts[BATCH][48];
    const struct binding_store *chosen[BATCH];
    for (size_t round = 0; round < ROUNDS; round++) {
        for (size_t i = 0; i < BATCH; i++) {
            aors[i] = aor_write(texts[i], sizeof texts[i], draw(&seed) % (count / FLOWS_PER_AOR));
            chosen[i] = stores[draw(&seed) % store_count];
        }
        size_t found = 0;
        double start = now_ns();
        for (size_t i = 0; i < BATCH; i++)
            found += binding_first(chosen[i], aors[i]) != NULL;
        rounds[round] = (now_ns() - start) / BATCH;
        must(found == BATCH, "an AOR was not found");
    }
    return quantile(rounds, ROUNDS, 0.5);
}

struct line {
    size_t next;
    char rest[LINE - sizeof(size_t)];
};

/* What one access costs that waits for the one before, in a working set of so many bytes: a random cycle through its
   cache lines. */
static double chase_ns(size_t bytes)
{
    size_t count = bytes / LINE;
    struct line *lines = malloc(count * sizeof *lines);
    must(lines != NULL, "no memory");
    uint64_t seed = 3;
    for (size_t i = 0; i < count; i++)
        lines[i].next = i;
    for (size_t i = count - 1; i > 0; i--) {
        size_t other = draw(&seed) % i;
        size_t swapped = lines[i].next;
        lines[i].next = lines[other].next;
        lines[other].next = swapped;
    }
    size_t at = 0;
    for (size_t i = 0; i < count; i++)
        at = lines[at].next;
    double start = now_ns();
    for (size_t i = 0; i < CHASES; i++)
        at = lines[at].next;
    double each = (now_ns() - start) / CHASES;
    must(at < count, "the cycle is broken");
    free(lines);
    return each;
}

struct closed {
    double median_us;
    double p99_us;
};

/* Flows at random, each closed once. */
static struct closed close_flows(struct binding_store *store, uint32_t count)
{
    static double closes[CLOSES_MOST];
    size_t tries = count / 4 < CLOSES_MOST ? count / 4 : CLOSES_MOST;
    for (size_t i = 0; i < tries; i++) {
        flow_id flow = (flow_id)(i * 7919 % (count / FLOWS_PER_AOR)) * FLOWS_PER_AOR + 1 + i % 2;
        double start = now_ns();
        size_t removed = binding_flow_died(store, flow, true);
        closes[i] = (now_ns() - start) / 1000;
        must(removed == 1, "a flow did not carry one binding");
    }
    return (struct closed){.p99_us = quantile(closes, tries, 0.99), .median_us = quantile(closes, tries, 0.5)};
}

static void print_figure(const char *figure, double value, double baseline, const char *target, const char *outcome)
{
    printf("%s\t%.1f\t%.1f\t%.2f\t%s\t%s\n", figure, value, baseline, value / baseline, target, outcome);
}

static const char *outcome(bool reached)
{
    return reached ? "reached" : "missed";
}

/* The bytes that lookups touch: of each AOR its record, and a bucket of the index for every three. */
static size_t lookup_bytes(uint32_t count)
{
    return (size_t)count / FLOWS_PER_AOR * (LINE + LINE / 3);
}

/* A million bindings in one store, and ten thousand in each of a hundred: the caches are as cold for both, so that the
   one's ratio to the other is the growth of the lookup itself, and the rest of the raw ratio is the caches'. */
static void print_lookups(struct binding_store *many, struct binding_store **few)
{
    double among_many = lookup_ns(&many, 1, MANY);
    double among_few = lookup_ns(few, 1, FEW);
    double as_cold = lookup_ns(few, STORES, FEW);
    double chase[2] = {chase_ns(lookup_bytes(MANY)), chase_ns(lookup_bytes(FEW))};
    print_figure(
        "lookup by AOR among 1,000,000 bindings, median ns (baseline: among 10,000, which stay in the L2 cache)",
        among_many, among_few, "1.5", outcome(among_many / among_few <= RATIO_MOST));
    print_figure(
        "lookup by AOR among 1,000,000 bindings, median ns (baseline: among 10,000, in a hundred stores in turn, "
        "so that the caches hold as little of them)",
        among_many, as_cold, "1.5", outcome(among_many / as_cold <= RATIO_MOST));
    print_figure(
        "cache effects: ns that a lookup among 1,000,000 takes longer (baseline: that two memory accesses, one "
        "after the other, take longer in its working set)",
        among_many - among_few, 2 * (chase[0] - chase[1]), "-", "-");
}

static void print_closes(struct binding_store *many, struct binding_store *few)
{
    struct closed m = close_flows(many, MANY);
    struct closed f = close_flows(few, FEW);
    print_figure("flow with 1 binding closes among 1,000,000, median us (baseline: among 10,000)", m.median_us,
                 f.median_us, "5 us", outcome(m.median_us <= CLOSE_MOST_US));
    print_figure("flow with 1 binding closes among 1,000,000, 99th percentile us (baseline: among 10,000)", m.p99_us,
                 f.p99_us, "5 us", outcome(m.p99_us <= CLOSE_MOST_US));
}

static void print_all(struct binding_store *many, struct binding_store **few)
{
    struct filled m = fill(many, MANY);
    struct filled f = fill(few[0], FEW);
    for (size_t i = 1; i < STORES; i++)
        fill(few[i], FEW);
    print_figure("resident bytes per binding, 1,000,000 bindings, 2 flows per AOR (baseline: its texts alone)",
                 m.resident, m.texts, "400 bytes", outcome(m.resident <= BYTES_MOST));
    print_lookups(many, few);
    print_closes(many, few[0]);
    print_figure("new registrations while growing to 1,000,000, thousands a second (baseline: to 10,000)",
                 1e6 / m.put_ns, 1e6 / f.put_ns, "-", "-");
    print_figure("registrations refreshed among 1,000,000, thousands a second (baseline: among 10,000)",
                 1e6 / refresh_ns(many, MANY), 1e6 / refresh_ns(few[1], FEW), "-", "-");
    print_figure("longest of 9,999 in 10,000 registrations while growing to 1,000,000, us (baseline: to 10,000)",
                 m.tail_ns / 1000, f.tail_ns / 1000, "-", "-");
}

int main(void)
{
    uint64_t seed = (uint64_t)time(NULL);
    struct host host = {.context = &seed,
                        .now_ms = bench_now_ms,
                        .wall_s = bench_wall_s,
                        .allocate = bench_allocate,
                        .random = bench_random,
                        .log = bench_log};
    struct binding_store *many;
    struct binding_store *few[STORES];
    must(binding_store_new(&many, &host, NULL) == 0, "no memory");
    for (size_t i = 0; i < STORES; i++)
        must(binding_store_new(&few[i], &host, NULL) == 0, "no memory");
    print_all(many, few);
    for (size_t i = 0; i < STORES; i++)
        binding_store_delete(few[i]);
    binding_store_delete(many);
    return 0;
}
