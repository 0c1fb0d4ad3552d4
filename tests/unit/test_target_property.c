// SPDX-License-Identifier: BSD-2-Clause
/* Whatever the bindings, the classes and the order of events: the guardrails of the target set hold. The judge keeps
   its own record of what was handed out and what answered, and asks the set only for its next move. */
#include "test.h"

#include <errno.h>

#include "flow/target.h"

enum { TRIALS = 3000, EVENTS = 60, AORS = 2, INSTANCES = 5, URIS = 6, FLOWS = 9, CLASSES = 4 };

struct judge {
    struct fake_host fake;
    struct target_set *set;
    struct target *taken[TARGETS_MOST];
    bool pending[TARGETS_MOST];
    size_t taken_count;
    bool answered[INSTANCES]; /* by the number in the name; 0 is no instance */
    uint16_t class_q;         /* the lowest class opened so far; 0 when that of silent targets is */
};

static uint32_t draw(struct judge *judge, uint32_t below)
{
    return (judge->fake.host.random(&judge->fake) >> 8) % below;
}

static uint32_t instance_number(const struct target *target)
{
    return target->instance.length ? (uint32_t)(target->instance.at[target->instance.length - 1] - '0') : 0;
}

static int add_random(struct judge *judge)
{
    char uri[32];
    char instance[32];
    uint32_t number = draw(judge, INSTANCES);
    snprintf(uri, sizeof uri, "sip:%u@192.0.2.1", draw(judge, URIS));
    snprintf(instance, sizeof instance, "urn:uuid:%u", number);
    struct target target = {.uri = text_of(uri),
                            .instance = number ? text_of(instance) : (struct text){0},
                            .aor = draw(judge, AORS) ? TEXT("sip:bob@example.com") : TEXT("sip:alice@example.com"),
                            .reg_id = draw(judge, 4),
                            .q = (uint16_t)(draw(judge, CLASSES) * 300),
                            .flow = draw(judge, FLOWS),
                            .registered_at = draw(judge, 50)};
    int result = target_add(judge->set, &target);
    assert_true(result == 0 || result == -EALREADY || result == -ENOSPC);
    assert_true(result != 0 || !judge->answered[number]);
    return result;
}

/* Everything that must be so of a target that is handed out. */
static void accept_taken(struct judge *judge, struct target *target)
{
    uint32_t number = instance_number(target);
    assert_int_equal(target->status, TARGET_PENDING);
    assert_false(number != 0 && judge->answered[number]);
    for (size_t i = 0; i < judge->taken_count; i++) {
        const struct target *other = judge->taken[i];
        assert_ptr_not_equal(other, target);
        assert_false(judge->pending[i] && number != 0 && instance_number(other) == number);
        if (text_equal(other->uri, target->uri))
            assert_true(other->flow != target->flow &&
                        ((number != 0 && instance_number(other) != 0) || (other->flow != 0 && target->flow != 0)));
    }
    judge->pending[judge->taken_count] = true;
    judge->taken[judge->taken_count++] = target;
}

/* Destinations fall silent and answer again, whatever the call does. */
static void change_silence(struct judge *judge)
{
    for (size_t i = 0; i < target_count(judge->set); i++)
        target_at(judge->set, i)->silent = draw(judge, 3) == 0;
}

/* 3263-4.3.b: no target may be left that would have come first. */
static void assert_last(struct judge *judge)
{
    for (size_t i = 0; i < target_count(judge->set); i++) {
        const struct target *target = target_at(judge->set, i);
        bool waits = false;
        for (size_t j = 0; j < judge->taken_count; j++)
            waits |= judge->pending[j] && instance_number(target) != 0 &&
                     instance_number(judge->taken[j]) == instance_number(target);
        assert_true(target->silent || waits || target->status != TARGET_UNTRIED);
    }
}

static void take_next(struct judge *judge)
{
    bool open = draw(judge, 3) == 0;
    unsigned left = target_targets_left(judge->set);
    struct target *target = target_next(judge->set, open);
    assert_true(target == NULL || left > 0);
    assert_true(target != NULL || left == 0 || !open);
    if (target == NULL)
        return;
    bool first = judge->taken_count == 0;
    assert_true(open || first || target->q >= judge->class_q);
    if (target->silent)
        assert_last(judge);
    if (first || target->silent || target->q < judge->class_q)
        judge->class_q = target->silent ? 0 : target->q;
    accept_taken(judge, target);
}

static bool pick_pending(struct judge *judge, size_t *index)
{
    for (unsigned tries = 0; tries < 20 && judge->taken_count != 0; tries++) {
        *index = draw(judge, (uint32_t)judge->taken_count);
        if (judge->pending[*index])
            return true;
    }
    return false;
}

static void fail_flow(struct judge *judge, size_t index)
{
    struct target *failed = judge->taken[index];
    unsigned left = target_flows_left(judge->set, failed);
    judge->pending[index] = false;
    struct target *target = target_next_flow(judge->set, failed);
    assert_int_equal(failed->status, TARGET_FAILED);
    assert_int_equal(target != NULL, left > 0);
    if (target == NULL)
        return;
    assert_int_equal(instance_number(target), instance_number(failed));
    assert_true(text_equal(target->aor, failed->aor));
    accept_taken(judge, target);
    assert_int_equal(target_flows_left(judge->set, target), left - 1);
}

static void answer(struct judge *judge, size_t index)
{
    struct target *target = judge->taken[index];
    judge->pending[index] = false;
    judge->answered[instance_number(target)] = true;
    judge->answered[0] = false;
    target_answered(judge->set, target);
    assert_int_equal(target_flows_left(judge->set, target), 0);
}

static unsigned pending_of(struct target_set *set)
{
    unsigned pending = 0;
    for (size_t i = 0; i < target_count(set); i++)
        pending += target_at(set, i)->status == TARGET_PENDING;
    return pending;
}

static void assert_counts(struct judge *judge)
{
    unsigned pending = 0;
    for (size_t i = 0; i < judge->taken_count; i++) {
        pending += judge->pending[i];
        assert_int_equal(judge->pending[i], judge->taken[i]->status == TARGET_PENDING);
    }
    assert_int_equal(pending_of(judge->set), pending);
    for (size_t i = 0; i < target_count(judge->set); i++) {
        const struct target *target = target_at(judge->set, i);
        uint32_t number = instance_number(target);
        assert_false(number != 0 && judge->answered[number] && target->status == TARGET_UNTRIED);
        assert_int_equal(target_instance_answered(judge->set, target->instance), judge->answered[number]);
    }
}

static void one_event(struct judge *judge)
{
    size_t index;
    uint32_t kind = draw(judge, 13);
    if (kind < 3)
        add_random(judge);
    else if (kind < 7)
        take_next(judge);
    else if (kind == 12)
        change_silence(judge);
    else if (kind == 7)
        target_flow_died(judge->set, draw(judge, FLOWS));
    else if (!pick_pending(judge, &index))
        return;
    else if (kind < 10)
        fail_flow(judge, index);
    else if (kind == 10)
        answer(judge, index);
    else {
        judge->pending[index] = false;
        target_failed(judge->set, judge->taken[index]);
    }
}

/* Each trial ends by trying everything: the set then returns no more targets. */
static void exhaust(struct judge *judge)
{
    for (size_t i = 0; i < judge->taken_count; i++) {
        if (judge->pending[i])
            target_failed(judge->set, judge->taken[i]);
        judge->pending[i] = false;
    }
    for (struct target *target; (target = target_next(judge->set, true)) != NULL;) {
        accept_taken(judge, target);
        judge->pending[judge->taken_count - 1] = false;
        target_failed(judge->set, target);
    }
    assert_int_equal(target_targets_left(judge->set), 0);
    for (size_t i = 0; i < target_count(judge->set); i++)
        assert_int_not_equal(target_at(judge->set, i)->status, TARGET_UNTRIED);
}

static void test_5626_7_a_7_c_and_3261_16_7_i_whatever_happens(void **state)
{
    (void)state;
    for (uint32_t trial = 0; trial < TRIALS; trial++) {
        struct judge judge = {0};
        fake_host_create(&judge.fake);
        judge.fake.seed = trial * 2654435761U + 1;
        assert_int_equal(target_set_new(&judge.set, &judge.fake.host), 0);
        for (unsigned i = draw(&judge, 20); i > 0; i--)
            add_random(&judge);
        for (unsigned i = 0; i < EVENTS; i++) {
            one_event(&judge);
            assert_counts(&judge);
        }
        exhaust(&judge);
        assert_counts(&judge);
        target_set_delete(judge.set);
        assert_int_equal(judge.fake.allocated, 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_5626_7_a_7_c_and_3261_16_7_i_whatever_happens),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
