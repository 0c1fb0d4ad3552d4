// SPDX-License-Identifier: BSD-2-Clause
#include "test.h"

#include "call_stage.h"

/*
 * Every sequence of events, to a depth, over the model of the call: a state that was seen before with as much depth
 * left is not entered again. After each event the stage has checked the guardrails; from each new state the call must
 * end by itself when nothing but timeouts comes, and give all memory back.
 */

enum { DEPTH = 6, PENDING_MOST = 3, STEPS_TO_END = 40 };

enum step_kind {
    STEP_EVENT,
    STEP_LATE_SUCCESS,
    STEP_CANCEL,
    STEP_RING,
    STEP_REGISTER,
    STEP_FAIL,
    STEP_MEMORY,
    STEP_LAST
};

struct step {
    uint8_t kind; /* enum step_kind */
    struct stage_event event;
};

#define WIRE(code)                                                                                                     \
    STEP_EVENT,                                                                                                        \
    {                                                                                                                  \
        code, ORIGIN_WIRE, VERDICT_COUNT, 0                                                                            \
    }
#define NONE(origin)                                                                                                   \
    STEP_EVENT,                                                                                                        \
    {                                                                                                                  \
        0, origin, VERDICT_COUNT, 0                                                                                    \
    }
#define SAYS(code, verdict, up)                                                                                        \
    STEP_EVENT,                                                                                                        \
    {                                                                                                                  \
        code, ORIGIN_WIRE, verdict, up                                                                                 \
    }
#define LOST(origin, verdict)                                                                                          \
    STEP_EVENT,                                                                                                        \
    {                                                                                                                  \
        0, origin, verdict, 0                                                                                          \
    }
#define OTHER(kind, verdict)                                                                                           \
    kind,                                                                                                              \
    {                                                                                                                  \
        0, 0, verdict, 0                                                                                               \
    }

/* Of the branch in turn: each kind of event that the rules tell apart, */
static const struct step branch_steps[] = {
    {WIRE(180)},
    {WIRE(200)},
    {WIRE(302)},
    {WIRE(430)},
    {WIRE(486)},
    {WIRE(503)},
    {WIRE(603)},
    {NONE(ORIGIN_TIMEOUT)},
    {NONE(ORIGIN_FLOW_DOWN)},
    {SAYS(486, VERDICT_NEXT_TARGET, 0)},
    {SAYS(486, VERDICT_RELAY, 0)},
    {SAYS(486, VERDICT_FAIL, 480)},
    /* ... and, with less depth, their variants and the verdicts that are refused. */
    {WIRE(401)},
    {WIRE(404)},
    {WIRE(408)},
    {WIRE(699)},
    {NONE(ORIGIN_TRANSPORT)},
    {SAYS(180, VERDICT_RELAY, 0)},
    {SAYS(180, VERDICT_NEXT_TARGET, 0)},
    {SAYS(180, VERDICT_NEXT_FLOW, 0)},
    {SAYS(180, VERDICT_FAIL, 480)},
    {SAYS(200, VERDICT_FAIL, 404)},
    {SAYS(200, VERDICT_RELAY, 0)},
    {SAYS(302, VERDICT_NEXT_TARGET, 0)},
    {SAYS(430, VERDICT_FAIL, 430)},
    {SAYS(486, VERDICT_NEXT_FLOW, 0)},
    {SAYS(486, VERDICT_ROUTE, 0)},
    {SAYS(486, VERDICT_FAIL, 408)},
    {SAYS(486, VERDICT_FAIL, 600)},
    {SAYS(503, VERDICT_RETRY_AFTER, 0)},
    {SAYS(603, VERDICT_RELAY, 0)},
    {SAYS(603, VERDICT_FAIL, 480)},
    {LOST(ORIGIN_TIMEOUT, VERDICT_NEXT_FLOW)},
    {LOST(ORIGIN_FLOW_DOWN, VERDICT_RELAY)},
};

static const struct step other_steps[] = {
    {OTHER(STEP_CANCEL, VERDICT_COUNT)},       {OTHER(STEP_REGISTER, VERDICT_COUNT)}, {OTHER(STEP_FAIL, VERDICT_COUNT)},
    {OTHER(STEP_MEMORY, VERDICT_COUNT)},       {OTHER(STEP_RING, VERDICT_COUNT)},     {OTHER(STEP_LAST, VERDICT_RELAY)},
    {OTHER(STEP_LATE_SUCCESS, VERDICT_COUNT)}, {OTHER(STEP_LAST, VERDICT_FAIL)},      {OTHER(STEP_LAST, VERDICT_ROUTE)},
};

enum {
    BRANCH_STEPS = sizeof branch_steps / sizeof branch_steps[0],
    OTHER_STEPS = sizeof other_steps / sizeof other_steps[0],
    BRANCH_KINDS = 12, /* of the steps, those that are taken at every depth */
    OTHER_KINDS = 6,
    STEPS = BRANCH_STEPS * PENDING_MOST + OTHER_STEPS,
    DEPTH_MOST = 16
};

/* --- states that were seen --- */

struct seen {
    uint64_t *hashes; /* 0: free */
    uint8_t *depths;  /* that were left */
    size_t size, count;
};

static void seen_create(struct seen *seen, size_t size)
{
    *seen = (struct seen){calloc(size, sizeof(uint64_t)), calloc(size, 1), size, 0};
    assert_non_null(seen->hashes);
    assert_non_null(seen->depths);
}

static void seen_destroy(struct seen *seen)
{
    free(seen->hashes);
    free(seen->depths);
}

static size_t seen_place(const struct seen *seen, uint64_t hash)
{
    size_t place = (size_t)hash & (seen->size - 1);
    while (seen->hashes[place] != 0 && seen->hashes[place] != hash)
        place = (place + 1) & (seen->size - 1);
    return place;
}

static void seen_grow(struct seen *seen)
{
    struct seen larger;
    seen_create(&larger, seen->size * 2);
    for (size_t i = 0; i < seen->size; i++) {
        if (seen->hashes[i] == 0)
            continue;
        size_t place = seen_place(&larger, seen->hashes[i]);
        larger.hashes[place] = seen->hashes[i];
        larger.depths[place] = seen->depths[i];
    }
    larger.count = seen->count;
    seen_destroy(seen);
    *seen = larger;
}

/* True where the state has to be entered; *fresh: it is new. */
static bool seen_enter(struct seen *seen, uint64_t hash, unsigned left, bool *fresh)
{
    if (seen->count * 2 > seen->size)
        seen_grow(seen);
    size_t place = seen_place(seen, hash | 1);
    *fresh = seen->hashes[place] == 0;
    if (!*fresh && seen->depths[place] >= left)
        return false;
    seen->count += *fresh;
    seen->hashes[place] = hash | 1;
    seen->depths[place] = (uint8_t)left;
    return true;
}

/* --- the walk --- */

struct walk {
    struct call_stage *stage;
    struct call_stage *kept[DEPTH_MOST + 1]; /* the stage as it was at each depth */
    struct seen seen;
    unsigned depth;
    bool kinds_only;           /* without the variants */
    unsigned path[DEPTH_MOST]; /* the steps that led here */
};

static size_t stage_bytes(const struct call_stage *stage)
{
    return offsetof(struct call_stage, memory) + stage->used;
}

static void keep(struct walk *walk, unsigned depth)
{
    memcpy(walk->kept[depth], walk->stage, stage_bytes(walk->stage));
}

static void put_back(struct walk *walk, unsigned depth)
{
    memcpy(walk->stage, walk->kept[depth], stage_bytes(walk->kept[depth]));
}

static bool take_branch_step(struct call_stage *stage, unsigned number)
{
    struct stage_branch *branch = call_stage_branch(stage, number / BRANCH_STEPS, false);
    if (branch == NULL)
        return false;
    call_stage_event(stage, branch, &branch_steps[number % BRANCH_STEPS].event);
    return true;
}

static bool set_once(bool *flag)
{
    bool changes = !*flag;
    *flag = true;
    return changes;
}

static bool take_other_step(struct call_stage *stage, const struct step *step)
{
    static const struct stage_event late = {200, ORIGIN_WIRE, VERDICT_COUNT, 0};
    struct stage_branch *branch = call_stage_branch(stage, 0, true);
    switch (step->kind) {
    case STEP_LATE_SUCCESS:
        if (branch == NULL || stage->finals > 0)
            return false;
        call_stage_event(stage, branch, &late);
        return true;
    case STEP_CANCEL:
        if (stage->model.cancelled || stage->model.final_forwarded || stage->model.method != METHOD_INVITE)
            return false;
        call_stage_cancel(stage);
        return true;
    case STEP_RING:
        if (!stage->rings_later)
            return false;
        call_stage_ring(stage);
        return true;
    case STEP_REGISTER:
        return set_once(&stage->registers_flow);
    case STEP_FAIL:
        return set_once(&stage->fails_start);
    case STEP_MEMORY:
        return set_once(&stage->fails_memory);
    default:
        if (stage->last_verdict != VERDICT_COUNT)
            return false;
        stage->last_verdict = step->event.verdict;
        return true;
    }
}

static bool is_variant(unsigned number)
{
    if (number < BRANCH_STEPS * PENDING_MOST)
        return number % BRANCH_STEPS >= BRANCH_KINDS;
    return number - BRANCH_STEPS * PENDING_MOST >= OTHER_KINDS;
}

static bool take_step(struct call_stage *stage, unsigned number)
{
    if (stage->model.final_forwarded && call_pending(&stage->model, NULL) == 0)
        return false;
    if (number < BRANCH_STEPS * PENDING_MOST)
        return take_branch_step(stage, number);
    return take_other_step(stage, &other_steps[number - BRANCH_STEPS * PENDING_MOST]);
}

static void fail_with_path(const struct walk *walk, unsigned depth, const char *what)
{
    char text[400];
    int length = snprintf(text, sizeof text, "%s after", what);
    for (unsigned i = 0; i <= depth && length > 0 && (size_t)length < sizeof text; i++) {
        unsigned number = walk->path[i];
        const struct step *step = number < BRANCH_STEPS * PENDING_MOST
                                      ? &branch_steps[number % BRANCH_STEPS]
                                      : &other_steps[number - BRANCH_STEPS * PENDING_MOST];
        length +=
            snprintf(text + length, sizeof text - (size_t)length, " [%u: kind %u code %u origin %u verdict %u]",
                     number / BRANCH_STEPS, step->kind, step->event.code, step->event.origin, step->event.verdict);
    }
    fail_msg("%s", text);
}

/* The call ends when nothing comes any more, something or deliberate silence has gone upstream once, nothing leaks. */
static void check_end(struct walk *walk, unsigned depth)
{
    static const struct stage_event timeout = {0, ORIGIN_TIMEOUT, VERDICT_COUNT, 0};
    struct call_stage *stage = walk->stage;
    struct stage_branch *branch;
    unsigned steps = 0;
    while ((branch = call_stage_branch(stage, 0, false)) != NULL && steps++ < STEPS_TO_END)
        call_stage_event(stage, branch, &timeout);
    if (stage->broken != NULL)
        fail_with_path(walk, depth, stage->broken);
    if (branch != NULL || !call_stage_is_over(stage))
        fail_with_path(walk, depth, "the call does not end");
    call_stage_end(stage);
    if (stage->live != 0)
        fail_with_path(walk, depth, "memory is left");
}

static void explore(struct walk *walk, unsigned depth)
{
    bool fresh;
    keep(walk, depth);
    for (unsigned number = 0; number < STEPS; number++) {
        walk->path[depth] = number;
        if ((walk->kinds_only && is_variant(number)) || !take_step(walk->stage, number))
            continue;
        if (walk->stage->broken != NULL)
            fail_with_path(walk, depth, walk->stage->broken);
        uint64_t hash = call_stage_hash(walk->stage);
        if (seen_enter(&walk->seen, hash, walk->depth - depth - 1, &fresh)) {
            if (fresh) {
                keep(walk, depth + 1);
                check_end(walk, depth);
                put_back(walk, depth + 1);
            }
            if (depth + 1 < walk->depth)
                explore(walk, depth + 1);
        }
        put_back(walk, depth);
    }
}

struct setting {
    const char *name;
    enum method method;
    enum role role;
    uint32_t max_breadth, ring_next_ms;
};

static size_t explore_setting(const struct setting *setting, unsigned depth, bool kinds_only)
{
    struct walk walk = {.stage = calloc(1, sizeof *walk.stage), .depth = depth, .kinds_only = kinds_only};
    assert_non_null(walk.stage);
    for (unsigned i = 0; i <= depth; i++)
        assert_non_null(walk.kept[i] = malloc(sizeof *walk.stage));
    seen_create(&walk.seen, 1 << 16);
    call_stage_begin(walk.stage, setting->method, setting->role, setting->max_breadth, setting->ring_next_ms);
    explore(&walk, 0);
    size_t states = walk.seen.count;
    print_message("%s, depth %u: %zu states\n", setting->name, depth, states);
    seen_destroy(&walk.seen);
    for (unsigned i = 0; i <= depth; i++)
        free(walk.kept[i]);
    free(walk.stage);
    return states;
}

static unsigned wanted_depth(void)
{
    const char *text = getenv("REFLOW_EXPLORE_DEPTH");
    unsigned depth = text != NULL ? (unsigned)strtoul(text, NULL, 10) : DEPTH;
    return depth > 0 && depth < DEPTH_MOST ? depth : DEPTH;
}

/* 5626-7.a, 5626-7.c, 5626-7.f, 5626-11.5.a, 5626-11.5.b, 3261-16.7.c, 3261-16.7.d, 3261-16.7.h, 4320-4.a, 5393-5.a */
static void test_no_sequence_of_events_breaks_a_guardrail(void **state)
{
    static const struct setting settings[] = {
        {"INVITE", METHOD_INVITE, ROLE_PROXY, 0, 0},
        {"INVITE in turn", METHOD_INVITE, ROLE_PROXY, 1, 0},
        {"INVITE, next_after", METHOD_INVITE, ROLE_PROXY, 2, 20000},
        {"MESSAGE", METHOD_MESSAGE, ROLE_PROXY, 0, 0},
        {"INVITE at an edge", METHOD_INVITE, ROLE_EDGE, 0, 0},
    };
    const unsigned depth = wanted_depth();
    size_t states = 0;
    (void)state;
    for (size_t i = 0; i < sizeof settings / sizeof settings[0]; i++)
        states += explore_setting(&settings[i], depth, true) + explore_setting(&settings[i], depth / 2, false);
    print_message("%zu states in all, depth %u\n", states, depth);
    if (depth >= DEPTH)
        assert_true(states >= 100000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_no_sequence_of_events_breaks_a_guardrail)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
