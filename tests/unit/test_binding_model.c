// SPDX-License-Identifier: BSD-2-Clause
/* The store against a plain array, with random operations; and the same operations with memory that runs out at every
   possible place. */
#include "test.h"

#include <errno.h>

#include "flow/binding.h"

enum { CONTACTS = 4, INSTANCES = 3, REG_IDS = 3, PER_AOR = 5, MODEL_MOST = 6000, STEPS = 12000, BIG_STEPS = 12000 };

/* Few names make many meetings; many names make the indexes grow. */
struct universe {
    uint32_t aors;
    uint32_t flows; /* 0 among them: no flow */
    uint32_t bindings;
};

struct entry {
    char aor[80];
    char contact[80];
    char instance[64];
    char path[80];
    uint32_t reg_id;
    uint32_t cseq;
    flow_id flow;
    int64_t expires_at;
};

struct trial {
    struct fake_host fake;
    struct universe universe;
    struct binding_store *store;
    struct entry *model; /* in order of registration */
    size_t model_count;
    size_t told;         /* events since the last operation began */
    size_t told_gone;    /* of which say that a binding goes */
    size_t mirror_count; /* what the events alone tell */
    size_t *mirror_flows;
};

static uint32_t draw(struct trial *trial, uint32_t below)
{
    return (trial->fake.host.random(&trial->fake) >> 8) % below;
}

static struct text text_in(const char *string)
{
    return string[0] ? text_of(string) : (struct text){0};
}

static bool entry_is(const struct entry *entry, const struct binding_view *view)
{
    return text_equal(text_in(entry->aor), view->aor) && text_equal(text_in(entry->contact), view->contact) &&
           text_equal(text_in(entry->instance), view->instance) && text_equal(text_in(entry->path), view->path) &&
           entry->reg_id == view->reg_id && entry->cseq == view->cseq && entry->flow == view->flow &&
           entry->expires_at == view->expires_at;
}

static struct entry *model_find(struct trial *trial, const struct entry *like)
{
    for (size_t i = 0; i < trial->model_count; i++) {
        struct entry *entry = &trial->model[i];
        if (strcmp(entry->aor, like->aor) != 0 || entry->reg_id != like->reg_id)
            continue;
        if (strcmp(like->reg_id ? like->instance : like->contact, like->reg_id ? entry->instance : entry->contact) == 0)
            return entry;
    }
    return NULL;
}

static void model_remove(struct trial *trial, struct entry *entry)
{
    size_t after = trial->model_count - (size_t)(entry - trial->model) - 1;
    memmove(entry, entry + 1, after * sizeof *entry);
    trial->model_count--;
}

/* Removed bindings are taken out of the model in the order of the events, which the store chooses. */
static void listen(void *context, enum binding_event event, const struct binding *binding)
{
    struct trial *trial = context;
    struct binding_view view;
    binding_read(binding, &view);
    trial->told++;
    bool comes = event == BINDING_ADDED || event == BINDING_UPDATED;
    trial->mirror_count += comes ? 1 : (size_t)-1;
    trial->mirror_flows[view.flow] += comes ? 1 : (size_t)-1;
    if (event != BINDING_REMOVED && event != BINDING_EXPIRED && event != BINDING_FLOW_DIED)
        return;
    trial->told_gone++;
    for (size_t i = 0; i < trial->model_count; i++) {
        if (!entry_is(&trial->model[i], &view))
            continue;
        assert_true(event != BINDING_EXPIRED || view.expires_at <= trial->fake.wall_s);
        model_remove(trial, &trial->model[i]);
        return;
    }
    fail_msg("a binding went that was not there");
}

static void trial_open(struct trial *trial, struct universe universe, uint32_t seed)
{
    *trial = (struct trial){.universe = universe};
    fake_host_create(&trial->fake);
    trial->fake.seed = seed;
    trial->model = calloc(MODEL_MOST, sizeof *trial->model);
    trial->mirror_flows = calloc(universe.flows, sizeof *trial->mirror_flows);
    struct binding_limits limits = {.bindings_per_aor = PER_AOR, .bindings = universe.bindings};
    assert_int_equal(binding_store_new(&trial->store, &trial->fake.host, &limits), 0);
    binding_store_listen(trial->store, listen, trial);
}

static void trial_close(struct trial *trial)
{
    binding_store_delete(trial->store);
    assert_int_equal(trial->fake.allocated, 0);
    free(trial->model);
    free(trial->mirror_flows);
}

static void assert_aor(struct trial *trial, const char *aor)
{
    const struct binding *binding = binding_first(trial->store, text_of(aor));
    for (size_t i = 0; i < trial->model_count; i++) {
        const struct entry *entry = &trial->model[i];
        if (strcmp(entry->aor, aor) != 0 || entry->expires_at <= trial->fake.wall_s)
            continue;
        assert_non_null(binding);
        struct binding_view view;
        binding_read(binding, &view);
        assert_true(entry_is(entry, &view));
        assert_ptr_equal(binding_find(trial->store, view.aor, view.contact, view.instance, view.reg_id), binding);
        binding = binding_next(trial->store, binding);
    }
    assert_null(binding);
}

static size_t assert_flow(struct trial *trial, flow_id flow)
{
    size_t count = 0;
    for (const struct binding *binding = binding_first_on_flow(trial->store, flow); binding != NULL;
         binding = binding_next_on_flow(trial->store, binding)) {
        struct binding_view view;
        binding_read(binding, &view);
        assert_int_equal(view.flow, flow);
        count++;
    }
    size_t wanted = 0;
    for (size_t i = 0; i < trial->model_count; i++)
        wanted += trial->model[i].flow == flow;
    assert_int_equal(trial->mirror_flows[flow], wanted);
    assert_int_equal(count, flow ? wanted : 0);
    return count;
}

static bool count_visit(void *context, const struct binding *binding)
{
    (void)binding;
    ++*(size_t *)context;
    return true;
}

static void aor_name(char *at, size_t size, uint32_t number)
{
    snprintf(at, size, number % 3 ? "sip:u%u@example.com" : "sip:with-a-rather-long-name-%u@voip.example.com", number);
}

static void assert_same(struct trial *trial)
{
    char aor[80];
    size_t aors = 0;
    size_t flows = 0;
    size_t visited = 0;
    for (uint32_t i = 0; i < trial->universe.aors; i++) {
        aor_name(aor, sizeof aor, i);
        assert_aor(trial, aor);
        bool present = false;
        for (size_t k = 0; k < trial->model_count && !present; k++)
            present = strcmp(trial->model[k].aor, aor) == 0;
        aors += present;
    }
    for (flow_id flow = 0; flow < trial->universe.flows; flow++)
        flows += assert_flow(trial, flow) != 0;
    binding_each(trial->store, count_visit, &visited);
    assert_int_equal(visited, trial->model_count);
    assert_int_equal(binding_count(trial->store), trial->model_count);
    assert_int_equal(binding_aor_count(trial->store), aors);
    assert_int_equal(binding_flow_count(trial->store), flows);
    assert_int_equal(trial->mirror_count, trial->model_count);
}

static struct entry draw_entry(struct trial *trial)
{
    struct entry entry = {.cseq = draw(trial, 1000), .flow = draw(trial, trial->universe.flows)};
    aor_name(entry.aor, sizeof entry.aor, draw(trial, trial->universe.aors));
    snprintf(entry.contact, sizeof entry.contact, "sip:c%u@192.0.2.1", draw(trial, CONTACTS));
    uint32_t instance = draw(trial, INSTANCES);
    if (instance != 0) {
        snprintf(entry.instance, sizeof entry.instance, "urn:uuid:%u", instance);
        entry.reg_id = draw(trial, REG_IDS);
    }
    if (draw(trial, 3) == 0)
        snprintf(entry.path, sizeof entry.path, "<sip:edge%u.example.com;lr;ob>", draw(trial, 1000));
    int64_t far = draw(trial, 8) == 0 ? 30000 : 300;
    entry.expires_at = trial->fake.wall_s + draw(trial, (uint32_t)far) - 5;
    return entry;
}

static int try_put(struct trial *trial, const struct entry *entry)
{
    struct binding_view view = {.aor = text_in(entry->aor),
                                .contact = text_in(entry->contact),
                                .instance = text_in(entry->instance),
                                .path = text_in(entry->path),
                                .call_id = TEXT("call-id"),
                                .reg_id = entry->reg_id,
                                .cseq = entry->cseq,
                                .flow = entry->flow,
                                .expires_at = entry->expires_at};
    const struct binding *out = NULL;
    int result = binding_put(trial->store, &view, &out);
    if (result == 0) {
        struct binding_view got;
        binding_read(out, &got);
        assert_true(entry_is(entry, &got));
    }
    return result;
}

static int model_put(struct trial *trial, const struct entry *entry)
{
    struct entry *old = model_find(trial, entry);
    if (old != NULL && old->expires_at > trial->fake.wall_s) {
        *old = *entry;
        return 0;
    }
    size_t living = 0;
    for (size_t i = 0; i < trial->model_count; i++)
        living += strcmp(trial->model[i].aor, entry->aor) == 0 && trial->model[i].expires_at > trial->fake.wall_s;
    if (trial->model_count - (old != NULL) >= trial->universe.bindings || living >= PER_AOR)
        return -ENOSPC;
    if (old != NULL)
        model_remove(trial, old);
    trial->model[trial->model_count++] = *entry;
    return 0;
}

/* With `starve`, memory runs out at the first, second, ... allocation until there is enough; each time nothing may have
   changed. */
static void do_put(struct trial *trial, bool starve)
{
    struct entry entry = draw_entry(trial);
    struct entry *old = model_find(trial, &entry);
    struct entry expired = old != NULL && old->expires_at <= trial->fake.wall_s ? *old : (struct entry){0};
    int result = -ENOMEM;
    for (uint64_t at = 1; starve && result == -ENOMEM; at++) {
        size_t allocated = trial->fake.allocated;
        size_t told = trial->told;
        trial->fake.fail_after = trial->fake.calls + at;
        result = try_put(trial, &entry);
        trial->fake.fail_after = 0;
        if (result != -ENOMEM)
            break;
        assert_int_equal(trial->told, told);
        assert_true(trial->fake.allocated >= allocated);
        assert_same(trial);
    }
    if (!starve)
        result = try_put(trial, &entry);
    /* The listener has taken an expired one out already; the model's own judgement needs it back. */
    if (result == 0 && expired.aor[0] != '\0')
        assert_null(model_find(trial, &entry));
    assert_int_equal(model_put(trial, &entry), result);
}

static void do_remove(struct trial *trial)
{
    struct entry like = draw_entry(trial);
    struct text instance = like.reg_id != 0 ? text_in(like.instance) : (struct text){0};
    const struct binding *binding =
        binding_find(trial->store, text_in(like.aor), text_in(like.contact), instance, like.reg_id);
    const struct entry *entry = model_find(trial, &like);
    assert_int_equal(binding != NULL, entry != NULL && entry->expires_at > trial->fake.wall_s);
    if (binding != NULL)
        binding_remove(trial->store, binding);
    assert_int_equal(trial->told_gone, binding != NULL);
}

static void do_remove_aor(struct trial *trial)
{
    char aor[80];
    aor_name(aor, sizeof aor, draw(trial, trial->universe.aors));
    size_t wanted = 0;
    for (size_t i = 0; i < trial->model_count; i++)
        wanted += strcmp(trial->model[i].aor, aor) == 0;
    assert_int_equal(binding_remove_aor(trial->store, text_of(aor)), wanted);
    assert_int_equal(trial->told_gone, wanted);
}

static void do_flow_died(struct trial *trial)
{
    flow_id flow = draw(trial, trial->universe.flows);
    size_t wanted = 0;
    for (size_t i = 0; i < trial->model_count; i++)
        wanted += flow != 0 && trial->model[i].flow == flow;
    assert_int_equal(binding_flow_died(trial->store, flow, true), wanted);
    assert_int_equal(trial->told_gone, wanted);
}

static void do_expire(struct trial *trial, size_t most)
{
    size_t wanted = 0;
    for (size_t i = 0; i < trial->model_count; i++)
        wanted += trial->model[i].expires_at <= trial->fake.wall_s;
    wanted = wanted < most ? wanted : most;
    assert_int_equal(binding_expire(trial->store, most), wanted);
    assert_int_equal(trial->told_gone, wanted);
}

static void do_clock(struct trial *trial)
{
    uint32_t kind = draw(trial, 20);
    if (kind == 0)
        trial->fake.wall_s -= draw(trial, 1000);
    else
        fake_host_advance(&trial->fake, (uint64_t)draw(trial, kind == 1 ? 20000 : 20) * 1000);
    if (kind == 0)
        do_expire(trial, SIZE_MAX);
}

static void do_step(struct trial *trial, bool starve)
{
    uint32_t kind = draw(trial, 100);
    trial->told = trial->told_gone = 0;
    if (kind < 70)
        do_put(trial, starve);
    else if (kind < 78)
        do_remove(trial);
    else if (kind < 80)
        do_remove_aor(trial);
    else if (kind < 84)
        do_flow_died(trial);
    else if (kind < 90)
        do_expire(trial, draw(trial, 4) ? SIZE_MAX : draw(trial, 3));
    else
        do_clock(trial);
}

static void test_random_operations_against_an_array(void **state)
{
    (void)state;
    struct trial trial;
    for (uint32_t seed = 1; seed <= 4; seed++) {
        trial_open(&trial, (struct universe){.aors = 5, .flows = 5, .bindings = 16}, seed);
        for (unsigned step = 0; step < STEPS / 4; step++) {
            do_step(&trial, false);
            assert_same(&trial);
        }
        trial_close(&trial);
    }
}

static void test_random_operations_while_the_indexes_grow(void **state)
{
    (void)state;
    struct trial trial;
    trial_open(&trial, (struct universe){.aors = 3000, .flows = 4000, .bindings = MODEL_MOST - 1}, 77);
    for (unsigned step = 0; step < BIG_STEPS; step++) {
        trial.told = trial.told_gone = 0;
        if (draw(&trial, 50) == 0)
            do_flow_died(&trial);
        else
            do_put(&trial, false);
    }
    assert_in_range(binding_count(trial.store), 2000, MODEL_MOST);
    assert_same(&trial);
    fake_host_advance(&trial.fake, 40000000);
    trial.told_gone = 0;
    do_expire(&trial, SIZE_MAX);
    assert_same(&trial);
    trial_close(&trial);
}

static void test_no_memory_changes_nothing(void **state)
{
    (void)state;
    struct trial trial;
    trial_open(&trial, (struct universe){.aors = 6, .flows = 6, .bindings = 20}, 5);
    for (unsigned step = 0; step < STEPS / 10; step++) {
        do_step(&trial, true);
        assert_same(&trial);
    }
    trial_close(&trial);
}

static void test_no_memory_for_a_store(void **state)
{
    (void)state;
    struct fake_host fake;
    int result = -ENOMEM;
    uint64_t failures = 0;
    while (result == -ENOMEM) {
        struct binding_store *store = NULL;
        fake_host_create(&fake);
        fake.fail_after = failures + 1;
        result = binding_store_new(&store, &fake.host, NULL);
        if (result == -ENOMEM) {
            failures++;
            assert_null(store);
        }
        binding_store_delete(store);
        assert_int_equal(fake.allocated, 0);
    }
    assert_int_equal(result, 0);
    assert_in_range(failures, 3, 20);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_random_operations_against_an_array),
        cmocka_unit_test(test_random_operations_while_the_indexes_grow),
        cmocka_unit_test(test_no_memory_changes_nothing),
        cmocka_unit_test(test_no_memory_for_a_store),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
