// SPDX-License-Identifier: BSD-2-Clause
#include <dirent.h>
#include <errno.h>
#include <time.h>

#include "script_fixture.h"

/*
 * Every script of tests/hostile tries to get past its limits, in the hook for 486 or while it loads. Its second line
 * says what must come of that. Each is stopped inside its budget, takes no more memory than its cap, and leaves the
 * next call unharmed, in its own version and in another one.
 *
 * Time is that of the CPU: the machine may be busy. The short budget is for scripts that may overrun it: they take at
 * most twice as long as a plain loop, in the same run, until it is stopped. One that must meet another end (an error,
 * the memory cap) has time for it however slow the sanitizers are. What takes too long is tried again, because the
 * machine may have been the reason.
 */

enum {
    SHORT_MS = 20,
    LOAD_SHORT_MS = 100,
    LONG_MS = 5000,
    ATTEMPTS = 4,
    CALIBRATIONS = 5,
    LEAST_SCRIPTS = 190,
    OUTSIDE = 64 << 10
};

/* Begins each script, on a line that it already has: what the next call needs. */
static const char good_hook[] =
    "do local accept = sip_accept sip_on_response(487, function() return accept() end) end ";

struct metered {
    struct host host; /* the fixture's, whose allocator also keeps the peak */
    struct fake_host *fake;
    size_t peak;
};

static void *metered_allocate(void *context, void *old, size_t old_size, size_t new_size)
{
    struct metered *metered = context;
    void *block = metered->fake->host.allocate(metered->fake, old, old_size, new_size);
    metered->peak = metered->fake->allocated > metered->peak ? metered->fake->allocated : metered->peak;
    return block;
}

static uint64_t metered_now_ms(void *context)
{
    return ((struct metered *)context)->fake->now_ms;
}

static int64_t metered_wall_s(void *context)
{
    return ((struct metered *)context)->fake->wall_s;
}

static uint32_t metered_random(void *context)
{
    struct metered *metered = context;
    return metered->fake->host.random(metered->fake);
}

static void metered_log(void *context, enum log_level level, const char *line)
{
    struct metered *metered = context;
    metered->fake->host.log(metered->fake, level, line);
}

struct hostile {
    struct script_fixture f;
    struct metered metered;
    char name[300];
    char text[4096];
    char expected[128]; /* words */
    size_t before;      /* bytes that were out before the script was loaded */
    double plain_loop;  /* ms until the watch stops one with the short budget */
    unsigned faults;    /* all are printed, then the test fails */
    bool took_too_long; /* the attempt did */
};

__attribute__((format(printf, 2, 3))) static void fault(struct hostile *h, const char *format, ...)
{
    va_list arguments;
    char line[900];
    va_start(arguments, format);
    vsnprintf(line, sizeof line, format, arguments);
    va_end(arguments);
    print_error("%s: %s\n", h->name, line);
    h->faults++;
}

static double cpu_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return (double)now.tv_sec * 1e3 + (double)now.tv_nsec / 1e6;
}

static const char *const outcome_words[SCRIPT_OUTCOME_COUNT] = {
    [SCRIPT_NO_HOOK] = "none",      [SCRIPT_DEFAULT] = "default", [SCRIPT_VERDICT] = "verdict",
    [SCRIPT_ERROR] = "error",       [SCRIPT_OVERRUN] = "overrun", [SCRIPT_MEMORY] = "memory",
    [SCRIPT_PREVIOUS] = "previous",
};

static void read_script(struct hostile *h, const char *name)
{
    char body[3000];
    snprintf(h->name, sizeof h->name, "tests/hostile/%s", name);
    FILE *file = fopen(h->name, "rb");
    assert_non_null(file);
    size_t length = fread(body, 1, sizeof body - 1, file);
    assert_true(length < sizeof body - 1);
    fclose(file);
    body[length] = '\0';
    const char *expected = strstr(body, "-- expect: ");
    assert_non_null(expected);
    expected += strlen("-- expect: ");
    snprintf(h->expected, sizeof h->expected, "%.*s", (int)strcspn(expected, "\n"), expected);
    snprintf(h->text, sizeof h->text, "%s%s", good_hook, body);
    fixture_write(&h->f, h->text, strlen(h->text));
}

static void check_bounds(struct hostile *h, double begin, double budget)
{
    double took = cpu_ms() - begin, most = budget * h->plain_loop / SHORT_MS * 2;
    h->took_too_long |= took > most;
    if (took > most)
        print_error("%s: took %.0f ms of %.0f\n", h->name, took, most);
    if (h->metered.peak - h->before > h->f.limits.memory + OUTSIDE)
        fault(h, "took %zu bytes", h->metered.peak - h->before);
}

static bool expects(const struct hostile *h, const char *word)
{
    char words[sizeof h->expected];
    snprintf(words, sizeof words, "%s", h->expected);
    for (char *rest = words, *each = strtok_r(words, " ", &rest); each != NULL; each = strtok_r(NULL, " ", &rest))
        if (strcmp(each, word) == 0)
            return true;
    return false;
}

static void check_outcome(struct hostile *h, const char *word)
{
    if (!expects(h, word))
        fault(h, "%s in place of %s: %s %s", word, h->expected, h->f.error, h->f.fake.last_log);
}

static void check_unharmed(struct hostile *h, struct script *script, const char *which)
{
    struct script *kept = h->f.script;
    h->f.script = script;
    fixture_set_time(&h->f, LONG_MS);
    h->f.verdict = (struct script_verdict){.kind = VERDICT_COUNT};
    enum script_outcome outcome = fixture_respond(&h->f, 487);
    if (outcome != SCRIPT_VERDICT || h->f.verdict.kind != VERDICT_ACCEPT)
        fault(h, "the next call of %s version: %s, %s", which, outcome_words[outcome], h->f.fake.last_log);
    h->f.script = kept;
}

static int load(struct hostile *h)
{
    double begin = cpu_ms();
    h->metered.peak = h->before = h->f.fake.allocated;
    h->f.error[0] = '\0';
    int error = script_new(&h->f.script, &h->metered.host, &h->f.limits, h->f.path, h->f.error, sizeof h->f.error);
    check_bounds(h, begin, h->f.limits.load_ms);
    return error;
}

static void run_script(struct hostile *h, struct script *other)
{
    uint32_t budget = expects(h, "overrun") ? SHORT_MS : LONG_MS;
    h->f.limits.load_ms = expects(h, "load") ? LOAD_SHORT_MS : LONG_MS;
    int error = load(h);
    if (error != 0) {
        assert_null(h->f.script);
        check_outcome(h, "load");
    }
    for (int i = 0; i < 2 && error == 0; i++) {
        fixture_set_time(&h->f, budget);
        double begin = cpu_ms();
        enum script_outcome outcome = fixture_respond(&h->f, 486);
        check_bounds(h, begin, budget);
        check_outcome(h, outcome_words[outcome]);
        check_unharmed(h, h->f.script, "the same");
    }
    check_unharmed(h, other, "another");
    script_release(h->f.script);
    h->f.script = NULL;
}

static void run_attempts(struct hostile *h, struct script *other)
{
    for (int i = 0; i < ATTEMPTS; i++) {
        h->took_too_long = false;
        run_script(h, other);
        if (!h->took_too_long)
            return;
    }
    fault(h, "took too long each time");
}

/* The longest of several, because the watch looks at the clock every few milliseconds. */
static void calibrate(struct hostile *h)
{
    static const char loop[] = "sip_on_response(486, function() while true do end end)\n";
    fixture_write(&h->f, loop, strlen(loop));
    assert_int_equal(script_new(&h->f.script, &h->metered.host, &h->f.limits, h->f.path, h->f.error, sizeof h->f.error),
                     0);
    fixture_set_time(&h->f, SHORT_MS);
    h->plain_loop = SHORT_MS;
    for (int i = 0; i < CALIBRATIONS; i++) {
        double begin = cpu_ms();
        assert_int_equal(fixture_respond(&h->f, 486), SCRIPT_OVERRUN);
        double took = cpu_ms() - begin;
        h->plain_loop = took > h->plain_loop ? took : h->plain_loop;
    }
    script_release(h->f.script);
    h->f.script = NULL;
}

static int by_name(const struct dirent **a, const struct dirent **b)
{
    return strcmp((*a)->d_name, (*b)->d_name);
}

static int is_script(const struct dirent *entry)
{
    return strstr(entry->d_name, ".lua") != NULL;
}

static int setup(void **state)
{
    struct hostile *h = calloc(1, sizeof *h);
    fixture_create(&h->f);
    h->f.limits = (struct script_limits){.time_ms = LONG_MS, .load_ms = LONG_MS, .memory = 8 << 20};
    h->metered = (struct metered){.fake = &h->f.fake};
    h->metered.host = (struct host){.context = &h->metered,
                                    .now_ms = metered_now_ms,
                                    .wall_s = metered_wall_s,
                                    .allocate = metered_allocate,
                                    .random = metered_random,
                                    .log = metered_log};
    *state = h;
    return 0;
}

static int teardown(void **state)
{
    struct hostile *h = *state;
    fixture_destroy(&h->f);
    free(h);
    return 0;
}

static void test_no_hostile_script_gets_past_its_limits(void **state)
{
    struct hostile *h = *state;
    struct dirent **entries;
    struct script *other;
    int count = scandir("tests/hostile", &entries, is_script, by_name);
    assert_true(count >= LEAST_SCRIPTS);
    calibrate(h);
    fixture_write(&h->f, good_hook, strlen(good_hook));
    assert_int_equal(load(h), 0);
    other = h->f.script;
    h->f.script = NULL;
    for (int i = 0; i < count; i++) {
        read_script(h, entries[i]->d_name);
        run_attempts(h, other);
        free(entries[i]);
    }
    free(entries);
    script_release(other);
    assert_int_equal(h->faults, 0);
}

/* A file of jumps, each looked for among all the others: the compiler would take seconds for it. */
static void test_a_program_that_takes_the_compiler_long_is_stopped(void **state)
{
    struct hostile *h = *state;
    enum { SIZE = 1 << 20 };
    calibrate(h);
    char *text = malloc(SIZE);
    size_t length = 0;
    for (unsigned i = 0; length < SIZE - 32; i++)
        length += (size_t)snprintf(text + length, SIZE - length, "goto a%x ", i);
    for (unsigned i = 0; i < 2; i++) {
        fixture_write(&h->f, text, length);
        h->f.limits.load_ms = LOAD_SHORT_MS;
        h->took_too_long = false;
        int error = load(h);
        assert_false(h->took_too_long);
        assert_true(error == -ETIME || error == -ENOMEM || error == -EINVAL);
        assert_int_equal(h->faults, 0);
        length = 0;
        for (unsigned k = 0; length < SIZE - 32; k++)
            length += (size_t)snprintf(text + length, SIZE - length, "::a%x::", k);
    }
    free(text);
}

/* What the corpus must show is that the limits hold, not that all scripts fail: this one uses what there is. */
static void test_a_script_inside_its_limits_is_left_alone(void **state)
{
    struct hostile *h = *state;
    static const char text[] =
        "sip_on_response(486, function()\n"
        "  local t = {} for i = 1, 2000 do t[i] = ('%d'):format(i * 7919 % 2003) end table.sort(t)\n"
        "  local s = table.concat(t, ','):gsub('%d+', function(d) return #d end)\n"
        "  local ok, why = pcall(error, 'x') assert(not ok and why == 'x')\n"
        "  local closed = false\n"
        "  do local _ <close> = setmetatable({}, {__close = function() closed = true end}) end\n"
        "  if closed and #s == 3999 then return sip_accept() end\n"
        "end)\n";
    char whole[2000];
    snprintf(whole, sizeof whole, "%s%s", good_hook, text);
    h->plain_loop = SHORT_MS;
    fixture_write(&h->f, whole, strlen(whole));
    assert_int_equal(load(h), 0);
    assert_int_equal(fixture_respond(&h->f, 486), SCRIPT_VERDICT);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_no_hostile_script_gets_past_its_limits),
        TEST(test_a_program_that_takes_the_compiler_long_is_stopped),
        TEST(test_a_script_inside_its_limits_is_left_alone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
