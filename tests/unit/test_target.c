// SPDX-License-Identifier: BSD-2-Clause
#include "test.h"

#include <errno.h>

#include "flow/target.h"

#define BOB    TEXT("sip:bob@example.com")
#define ALICE  TEXT("sip:alice@example.com")
#define PHONE  TEXT("urn:uuid:00000000-0000-1000-8000-000a95a0e128")
#define TABLET TEXT("urn:uuid:11111111-0000-1000-8000-000a95a0e128")
#define URI    TEXT("sip:bob@192.0.2.2")
#define NONE   ((struct text){0})

struct proxy {
    struct fake_host fake;
    struct target_set *set;
};

static int setup(void **state)
{
    struct proxy *proxy = malloc(sizeof *proxy);
    fake_host_create(&proxy->fake);
    *state = proxy;
    return target_set_new(&proxy->set, &proxy->fake.host);
}

static int teardown(void **state)
{
    struct proxy *proxy = *state;
    target_set_delete(proxy->set);
    size_t left = proxy->fake.allocated;
    free(proxy);
    return left == 0 ? 0 : -1;
}

static int add(struct proxy *proxy, struct text uri, struct text instance, uint32_t reg_id, uint16_t q)
{
    struct target target = {.uri = uri,
                            .instance = instance,
                            .aor = BOB,
                            .reg_id = reg_id,
                            .q = q,
                            .flow = reg_id,
                            .registered_at = 1000 + reg_id};
    return target_add(proxy->set, &target);
}

static void added(struct proxy *proxy, struct text uri, struct text instance, uint32_t reg_id, uint16_t q)
{
    assert_int_equal(add(proxy, uri, instance, reg_id, q), 0);
}

static void assert_uri(const struct target *target, struct text uri)
{
    assert_non_null(target);
    assert_true(text_equal(target->uri, uri));
    assert_int_equal(target->status, TARGET_PENDING);
}

static unsigned pending_of(struct target_set *set)
{
    unsigned pending = 0;
    for (size_t i = 0; i < target_count(set); i++)
        pending += target_at(set, i)->status == TARGET_PENDING;
    return pending;
}

static void test_5626_7_a_one_flow_of_an_instance_at_a_time(void **state)
{
    struct proxy *proxy = *state;
    added(proxy, URI, PHONE, 1, 1000);
    added(proxy, URI, PHONE, 2, 1000);
    added(proxy, URI, PHONE, 3, 500);
    added(proxy, TEXT("sip:tablet"), TABLET, 1, 1000);
    struct target *phone = target_next(proxy->set, true);
    struct target *tablet = target_next(proxy->set, true);
    assert_true(text_equal(phone->instance, PHONE));
    assert_true(text_equal(tablet->instance, TABLET));
    assert_null(target_next(proxy->set, true));
    assert_int_equal(pending_of(proxy->set), 2);
    assert_int_equal(target_targets_left(proxy->set), 0);
    target_failed(proxy->set, phone);
    assert_int_equal(target_targets_left(proxy->set), 1);
    phone = target_next(proxy->set, false);
    assert_int_equal(phone->reg_id, 1);
    assert_null(target_next(proxy->set, true));
}

static void test_newest_flow_of_an_instance_first(void **state)
{
    struct proxy *proxy = *state;
    added(proxy, TEXT("sip:tablet"), TABLET, 1, 1000);
    added(proxy, URI, PHONE, 1, 1000);
    added(proxy, URI, PHONE, 3, 1000);
    added(proxy, URI, PHONE, 2, 1000);
    added(proxy, URI, PHONE, 9, 900);
    assert_uri(target_next(proxy->set, false), TEXT("sip:tablet"));
    struct target *phone = target_next(proxy->set, false);
    static const uint32_t order[] = {3, 2, 1, 9};
    for (size_t i = 0; i < 4; i++) {
        assert_int_equal(phone->reg_id, order[i]);
        assert_int_equal(target_flows_left(proxy->set, phone), 3 - i);
        phone = target_next_flow(proxy->set, phone);
    }
    assert_null(phone);
}

static void test_5626_7_a_instance_of_two_aors_is_one(void **state)
{
    struct proxy *proxy = *state;
    added(proxy, URI, PHONE, 1, 1000);
    struct target of_alice = {.uri = TEXT("sip:alice@192.0.2.2"), .instance = PHONE, .aor = ALICE, .reg_id = 2, .q = 1};
    assert_int_equal(target_add(proxy->set, &of_alice), 0);
    struct target *first = target_next(proxy->set, true);
    assert_null(target_next(proxy->set, true));
    assert_int_equal(target_flows_left(proxy->set, first), 0);
    assert_null(target_next_flow(proxy->set, first));
    assert_int_equal(first->status, TARGET_FAILED);
    assert_uri(target_next(proxy->set, true), of_alice.uri);
}

static void test_5626_7_b_failed_flow_gives_way_to_another(void **state)
{
    struct proxy *proxy = *state;
    added(proxy, URI, PHONE, 1, 300);
    added(proxy, URI, PHONE, 2, 1000);
    added(proxy, TEXT("sip:tablet"), TABLET, 1, 1000);
    struct target *first = target_next(proxy->set, true);
    assert_int_equal(first->reg_id, 2);
    struct target *second = target_next_flow(proxy->set, first);
    assert_int_equal(first->status, TARGET_FAILED);
    assert_uri(second, URI);
    assert_true(text_equal(second->instance, PHONE));
    assert_int_equal(second->reg_id, 1);
    assert_null(target_next_flow(proxy->set, second));
    assert_int_equal(second->status, TARGET_FAILED);
    assert_uri(target_next(proxy->set, false), TEXT("sip:tablet"));
}

static void test_5626_7_b_plain_target_has_no_other_flow(void **state)
{
    struct proxy *proxy = *state;
    added(proxy, TEXT("sip:a"), NONE, 0, 1000);
    added(proxy, TEXT("sip:b"), NONE, 0, 1000);
    struct target *first = target_next(proxy->set, true);
    assert_int_equal(target_flows_left(proxy->set, first), 0);
    assert_null(target_next_flow(proxy->set, first));
    assert_int_equal(first->status, TARGET_FAILED);
    assert_uri(target_next(proxy->set, false), TEXT("sip:b"));
}

static void test_5626_7_c_answered_instance_is_final(void **state)
{
    struct proxy *proxy = *state;
    added(proxy, URI, PHONE, 1, 1000);
    added(proxy, URI, PHONE, 2, 1000);
    added(proxy, TEXT("sip:bob@elsewhere"), PHONE, 3, 200);
    added(proxy, TEXT("sip:tablet"), TABLET, 1, 100);
    struct target *phone = target_next(proxy->set, true);
    assert_false(target_instance_answered(proxy->set, PHONE));
    target_answered(proxy->set, phone);
    assert_true(target_instance_answered(proxy->set, PHONE));
    assert_int_equal(target_at(proxy->set, 0)->status, TARGET_SKIPPED);
    assert_int_equal(target_at(proxy->set, 1)->status, TARGET_ANSWERED);
    assert_int_equal(target_at(proxy->set, 2)->status, TARGET_SKIPPED);
    assert_int_equal(target_flows_left(proxy->set, phone), 0);
    assert_int_equal(target_targets_left(proxy->set), 1);
    assert_null(target_next_flow(proxy->set, phone));
    assert_int_equal(phone->status, TARGET_ANSWERED);
    assert_uri(target_next(proxy->set, true), TEXT("sip:tablet"));
    assert_null(target_next(proxy->set, true));
}

static void test_5626_7_c_not_after_a_redirect_either(void **state)
{
    struct proxy *proxy = *state;
    added(proxy, URI, PHONE, 1, 1000);
    target_answered(proxy->set, target_next(proxy->set, true));
    struct target redirected = {.uri = TEXT("sip:bob@elsewhere"), .instance = PHONE, .q = 1000};
    assert_int_equal(target_add(proxy->set, &redirected), -EALREADY);
    assert_int_equal(add(proxy, URI, PHONE, 2, 1000), -EALREADY);
    assert_int_equal(target_count(proxy->set), 1);
}

static void test_5626_7_c_late_answer_of_a_failed_flow_ends_the_instance(void **state)
{
    struct proxy *proxy = *state;
    added(proxy, URI, PHONE, 1, 1000);
    added(proxy, URI, PHONE, 2, 1000);
    added(proxy, URI, PHONE, 3, 1000);
    struct target *first = target_next(proxy->set, true);
    struct target *second = target_next_flow(proxy->set, first);
    target_answered(proxy->set, first);
    assert_null(target_next_flow(proxy->set, second));
    assert_null(target_next(proxy->set, true));
    target_failed(proxy->set, first);
    assert_int_equal(first->status, TARGET_ANSWERED);
}

static void test_targets_that_wait_are_skipped(void **state)
{
    struct proxy *proxy = *state;
    added(proxy, TEXT("sip:a"), NONE, 0, 1000);
    added(proxy, TEXT("sip:b"), NONE, 0, 1000);
    added(proxy, TEXT("sip:c"), NONE, 0, 500);
    struct target *first = target_next(proxy->set, true);
    target_skip_untried(proxy->set);
    assert_int_equal(first->status, TARGET_PENDING);
    assert_int_equal(target_targets_left(proxy->set), 0);
    assert_null(target_next(proxy->set, true));
    added(proxy, TEXT("sip:d"), NONE, 0, 1000);
    assert_non_null(target_next(proxy->set, true));
}

static void test_3261_16_7_i_each_uri_at_most_once(void **state)
{
    struct proxy *proxy = *state;
    added(proxy, TEXT("sip:a"), NONE, 0, 1000);
    assert_int_equal(add(proxy, TEXT("sip:a"), NONE, 0, 500), -EALREADY);
    struct target *first = target_next(proxy->set, true);
    target_answered(proxy->set, first);
    assert_int_equal(add(proxy, TEXT("sip:a"), NONE, 0, 1000), -EALREADY);
    added(proxy, URI, PHONE, 1, 1000);
    assert_int_equal(add(proxy, URI, PHONE, 1, 1000), -EALREADY);
    assert_int_equal(add(proxy, URI, NONE, 0, 1000), -EALREADY);
    added(proxy, URI, PHONE, 2, 1000);
    assert_int_equal(target_count(proxy->set), 3);
}

static void test_phones_behind_two_nats_share_a_uri(void **state)
{
    struct proxy *proxy = *state;
    added(proxy, URI, PHONE, 1, 1000);
    added(proxy, URI, TABLET, 2, 1000);
    struct target over_an_edge = {.uri = URI, .instance = PHONE, .aor = BOB, .reg_id = 3, .flow = 1};
    assert_int_equal(target_add(proxy->set, &over_an_edge), -EALREADY);
    over_an_edge.path = TEXT("<sip:token@edge;lr;ob>");
    assert_int_equal(target_add(proxy->set, &over_an_edge), 0);
}

static void test_equal_uris_behind_two_edges_are_two_targets(void **state)
{
    struct proxy *proxy = *state;
    struct target target = {.uri = URI, .path = TEXT("<sip:edge1;lr>"), .aor = BOB};
    assert_int_equal(target_add(proxy->set, &target), 0);
    target.path = TEXT("<sip:edge2;lr>");
    assert_int_equal(target_add(proxy->set, &target), 0);
    assert_int_equal(target_add(proxy->set, &target), -EALREADY);
    assert_int_equal(add(proxy, URI, NONE, 0, 1000), -EALREADY);
}

static void test_classes_open_when_told_and_from_the_highest(void **state)
{
    struct proxy *proxy = *state;
    added(proxy, TEXT("sip:low"), NONE, 0, 100);
    added(proxy, TEXT("sip:high1"), NONE, 0, 1000);
    added(proxy, TEXT("sip:middle"), NONE, 0, 500);
    added(proxy, TEXT("sip:high2"), NONE, 0, 1000);
    assert_int_equal(target_targets_left(proxy->set), 4);
    assert_uri(target_next(proxy->set, false), TEXT("sip:high1"));
    assert_uri(target_next(proxy->set, false), TEXT("sip:high2"));
    assert_null(target_next(proxy->set, false));
    assert_int_equal(target_targets_left(proxy->set), 2);
    assert_uri(target_next(proxy->set, true), TEXT("sip:middle"));
    assert_null(target_next(proxy->set, false));
    added(proxy, TEXT("sip:redirected"), NONE, 0, 700);
    assert_uri(target_next(proxy->set, false), TEXT("sip:redirected"));
    assert_null(target_next(proxy->set, false));
    assert_uri(target_next(proxy->set, true), TEXT("sip:low"));
    assert_null(target_next(proxy->set, true));
    assert_int_equal(pending_of(proxy->set), 5);
}

static struct target *silent_at(struct proxy *proxy, size_t index)
{
    struct target *target = target_at(proxy->set, index);
    target->silent = true;
    return target;
}

static void add_of_alice(struct proxy *proxy, struct text uri, uint16_t q, int lift)
{
    const struct target target = {.uri = uri, .aor = ALICE, .q = q, .lift = (int16_t)lift};
    assert_int_equal(target_add(proxy->set, &target), 0);
}

static void test_classes_of_a_second_aor_begin_with_the_open_one(void **state)
{
    struct proxy *proxy = *state;
    assert_int_equal(target_lift(proxy->set, 1000), 0);
    added(proxy, TEXT("sip:bob-desk"), NONE, 0, 500);
    added(proxy, TEXT("sip:bob-home"), NONE, 0, 100);
    struct target *desk = target_next(proxy->set, true);
    const int lift = target_lift(proxy->set, 1000);
    assert_int_equal(lift, -500);
    add_of_alice(proxy, TEXT("sip:alice-desk"), 1000, lift);
    add_of_alice(proxy, TEXT("sip:alice-home"), 300, lift);
    struct target *other_desk = target_next(proxy->set, false);
    assert_uri(other_desk, TEXT("sip:alice-desk"));
    assert_null(target_next(proxy->set, false));
    target_answered(proxy->set, desk);
    target_answered(proxy->set, other_desk);
    assert_uri(target_next(proxy->set, true), TEXT("sip:bob-home"));
    assert_null(target_next(proxy->set, false));
    assert_uri(target_next(proxy->set, true), TEXT("sip:alice-home"));
}

static void test_a_second_aor_with_lower_q_begins_with_the_open_class_too(void **state)
{
    struct proxy *proxy = *state;
    added(proxy, TEXT("sip:bob-desk"), NONE, 0, 1000);
    added(proxy, TEXT("sip:bob-home"), NONE, 0, 900);
    target_next(proxy->set, true);
    add_of_alice(proxy, TEXT("sip:alice-desk"), 200, target_lift(proxy->set, 200));
    assert_int_equal(target_class_left(proxy->set), 1);
    assert_uri(target_next(proxy->set, false), TEXT("sip:alice-desk"));
    assert_null(target_next(proxy->set, false));
}

static void test_3263_4_3_b_a_silent_target_is_below_all_classes(void **state)
{
    struct proxy *proxy = *state;
    added(proxy, TEXT("sip:a"), NONE, 0, 1000);
    added(proxy, TEXT("sip:b"), NONE, 0, 500);
    added(proxy, TEXT("sip:c"), NONE, 0, 0);
    added(proxy, TEXT("sip:d"), NONE, 0, 1000);
    silent_at(proxy, 0);
    silent_at(proxy, 2);
    assert_uri(target_next(proxy->set, false), TEXT("sip:d"));
    assert_null(target_next(proxy->set, false)); /* b would wait for a */
    assert_int_equal(target_class_left(proxy->set), 0);
    assert_uri(target_next(proxy->set, true), TEXT("sip:b"));
    assert_null(target_next(proxy->set, false));
    assert_int_equal(target_targets_left(proxy->set), 2);
    assert_uri(target_next(proxy->set, true), TEXT("sip:a"));
    assert_null(target_next(proxy->set, false));
    assert_uri(target_next(proxy->set, true), TEXT("sip:c"));
    assert_null(target_next(proxy->set, true));
}

static void test_3263_4_3_b_a_silent_target_rings_with_the_last_class(void **state)
{
    struct proxy *proxy = *state;
    added(proxy, TEXT("sip:a"), NONE, 0, 500);
    added(proxy, TEXT("sip:b"), NONE, 0, 1000);
    added(proxy, TEXT("sip:c"), NONE, 0, 500);
    silent_at(proxy, 0);
    assert_uri(target_next(proxy->set, false), TEXT("sip:b"));
    assert_uri(target_next(proxy->set, true), TEXT("sip:c"));
    assert_int_equal(target_class_left(proxy->set), 1);
    assert_uri(target_next(proxy->set, false), TEXT("sip:a"));
    assert_null(target_next(proxy->set, true));
}

static void test_3263_4_3_b_if_all_are_silent_their_order_stays(void **state)
{
    struct proxy *proxy = *state;
    added(proxy, TEXT("sip:a"), NONE, 0, 500);
    added(proxy, TEXT("sip:b"), NONE, 0, 1000);
    added(proxy, TEXT("sip:c"), NONE, 0, 1000);
    for (size_t i = 0; i < 3; i++)
        silent_at(proxy, i);
    assert_uri(target_next(proxy->set, false), TEXT("sip:b"));
    assert_uri(target_next(proxy->set, false), TEXT("sip:c"));
    assert_null(target_next(proxy->set, false));
    assert_uri(target_next(proxy->set, true), TEXT("sip:a"));
}

/* The flows of one instance lead over two edges. */
static void test_3263_4_3_b_of_an_instance_the_silent_flow_is_last(void **state)
{
    struct proxy *proxy = *state;
    added(proxy, URI, PHONE, 1, 1000);
    added(proxy, URI, PHONE, 2, 1000);
    added(proxy, URI, PHONE, 3, 500);
    silent_at(proxy, 1); /* otherwise the first, because it is newer */
    struct target *phone = target_next(proxy->set, true);
    assert_int_equal(phone->reg_id, 1);
    phone = target_next_flow(proxy->set, phone);
    assert_int_equal(phone->reg_id, 3);
    phone = target_next_flow(proxy->set, phone);
    assert_int_equal(phone->reg_id, 2);
}

static void test_3261_16_7_i_one_contact_behind_two_nats_is_two_places(void **state)
{
    struct proxy *proxy = *state;
    struct target bob = {.uri = TEXT("sip:x@192.168.1.10"), .aor = BOB, .q = 1000, .flow = 1};
    struct target alice = bob, redirected = {.uri = bob.uri, .q = 1000};
    alice.aor = ALICE;
    assert_int_equal(target_add(proxy->set, &bob), 0);
    assert_int_equal(target_add(proxy->set, &alice), -EALREADY);
    alice.flow = 2;
    assert_int_equal(target_add(proxy->set, &alice), 0);
    assert_int_equal(target_add(proxy->set, &redirected), -EALREADY);
}

static void test_dead_flow_is_not_tried(void **state)
{
    struct proxy *proxy = *state;
    added(proxy, URI, PHONE, 1, 1000);
    added(proxy, URI, PHONE, 2, 1000);
    added(proxy, TEXT("sip:unknown-flow"), NONE, 0, 1000);
    struct target *first = target_next(proxy->set, true);
    assert_int_equal(first->flow, 2);
    target_flow_died(proxy->set, 2);
    assert_int_equal(first->status, TARGET_PENDING);
    target_flow_died(proxy->set, 0);
    target_flow_died(proxy->set, 1);
    assert_int_equal(target_flows_left(proxy->set, first), 0);
    assert_null(target_next_flow(proxy->set, first));
    assert_uri(target_next(proxy->set, true), TEXT("sip:unknown-flow"));
}

static void test_texts_are_copies(void **state)
{
    struct proxy *proxy = *state;
    char uri[] = "sip:a";
    char path[] = "<sip:edge;lr>";
    struct target target = {.uri = text_of(uri), .path = text_of(path), .instance = PHONE, .aor = BOB, .status = 4};
    assert_int_equal(target_add(proxy->set, &target), 0);
    memset(uri, 'x', sizeof uri);
    memset(path, 'x', sizeof path);
    struct target *stored = target_at(proxy->set, 0);
    assert_true(text_equal(stored->uri, TEXT("sip:a")));
    assert_true(text_equal(stored->path, TEXT("<sip:edge;lr>")));
    assert_true(text_equal(stored->instance, PHONE));
    assert_true(text_equal(stored->aor, BOB));
    assert_int_equal(stored->status, TARGET_UNTRIED);
    assert_null(target_at(proxy->set, 1));
}

static void test_no_more_targets_than_the_most(void **state)
{
    struct proxy *proxy = *state;
    char uri[32];
    for (unsigned i = 0; i < TARGETS_MOST; i++) {
        snprintf(uri, sizeof uri, "sip:%u", i);
        added(proxy, text_of(uri), NONE, 0, 1000);
    }
    assert_int_equal(add(proxy, TEXT("sip:more"), NONE, 0, 1000), -ENOSPC);
    assert_int_equal(add(proxy, TEXT("sip:7"), NONE, 0, 1000), -EALREADY);
    assert_int_equal(target_count(proxy->set), TARGETS_MOST);
}

static struct binding_store *registered(struct proxy *proxy, struct text aor, uint32_t flows)
{
    struct binding_store *store = NULL;
    assert_int_equal(binding_store_new(&store, &proxy->fake.host, &(struct binding_limits){.bindings_per_aor = 100}),
                     0);
    for (uint32_t i = 1; i <= flows; i++) {
        struct binding_view view = {.aor = aor,
                                    .contact = URI,
                                    .instance = PHONE,
                                    .path = TEXT("<sip:edge;lr>"),
                                    .reg_id = i,
                                    .q = 700,
                                    .flow = 100 + i,
                                    .expires_at = proxy->fake.wall_s + 60 * i,
                                    .registered_at = proxy->fake.wall_s};
        assert_int_equal(binding_put(store, &view, NULL), 0);
    }
    return store;
}

static void test_living_bindings_of_an_aor_become_targets(void **state)
{
    struct proxy *proxy = *state;
    struct binding_store *store = registered(proxy, BOB, 4);
    struct binding_view gone;
    binding_read(binding_find(store, BOB, URI, PHONE, 3), &gone);
    gone.state = BINDING_FLOW_GONE;
    gone.flow = 0;
    assert_int_equal(binding_put(store, &gone, NULL), 0);
    fake_host_advance(&proxy->fake, 60000);
    assert_int_equal(target_add_aor(proxy->set, store, BOB), 2);
    assert_int_equal(target_add_aor(proxy->set, store, BOB), 0);
    assert_int_equal(target_add_aor(proxy->set, store, ALICE), 0);
    const struct target *target = target_at(proxy->set, 0);
    assert_int_equal(target->reg_id, 2);
    assert_int_equal(target->q, 700);
    assert_int_equal(target->flow, 102);
    assert_int_equal(target->registered_at, gone.registered_at);
    assert_true(text_equal(target->uri, URI));
    assert_true(text_equal(target->path, TEXT("<sip:edge;lr>")));
    assert_true(text_equal(target->instance, PHONE));
    assert_true(text_equal(target->aor, BOB));
    assert_int_equal(target_at(proxy->set, 1)->reg_id, 4);
    binding_store_delete(store);
    assert_true(text_equal(target->aor, BOB));
}

static void test_5626_7_b_flows_that_an_instance_registered_later_are_added(void **state)
{
    struct proxy *proxy = *state;
    struct binding_store *store = registered(proxy, BOB, 2);
    assert_int_equal(target_add_aor(proxy->set, store, BOB), 2);
    struct target *target = target_at(proxy->set, 0);
    assert_int_equal(target_add_flows(proxy->set, store, target), 0);

    struct binding_view later = {.aor = BOB,
                                 .contact = URI,
                                 .instance = PHONE,
                                 .reg_id = target->reg_id,
                                 .q = 700,
                                 .flow = 900,
                                 .expires_at = proxy->fake.wall_s + 600,
                                 .registered_at = proxy->fake.wall_s};
    assert_int_equal(binding_put(store, &later, NULL), 0);
    later.instance = TABLET;
    later.flow = 901;
    assert_int_equal(binding_put(store, &later, NULL), 0);
    assert_int_equal(target_add_flows(proxy->set, store, target), 1);
    assert_int_equal(target_add_flows(proxy->set, store, target), 0);
    assert_int_equal(target_at(proxy->set, 2)->flow, 900);
    assert_true(text_equal(target_at(proxy->set, 2)->instance, PHONE));
    assert_true(target_is_known(proxy->set, target_at(proxy->set, 2)));

    added(proxy, TEXT("sip:plain"), NONE, 0, 1000);
    assert_int_equal(target_add_flows(proxy->set, store, target_at(proxy->set, 3)), 0);
    binding_store_delete(store);
}

static void test_5626_7_c_no_flow_is_added_for_an_instance_that_answered(void **state)
{
    struct proxy *proxy = *state;
    struct binding_store *store = registered(proxy, BOB, 2);
    added(proxy, TEXT("sip:old"), PHONE, 9, 1000);
    struct target *target = target_next(proxy->set, true);
    target_answered(proxy->set, target);
    assert_int_equal(target_add_flows(proxy->set, store, target), 0);
    assert_int_equal(target_count(proxy->set), 1);
    binding_store_delete(store);
}

static void test_too_many_bindings_leave_the_first_ones(void **state)
{
    struct proxy *proxy = *state;
    struct binding_store *store = registered(proxy, BOB, 100);
    assert_int_equal(target_add_aor(proxy->set, store, BOB), -ENOSPC);
    assert_int_equal(target_count(proxy->set), TARGETS_MOST);
    binding_store_delete(store);
}

static void test_no_memory_adds_nothing(void **state)
{
    struct proxy *proxy = *state;
    struct binding_store *store = registered(proxy, BOB, 5);
    added(proxy, TEXT("sip:a"), NONE, 0, 1000);
    size_t allocated = proxy->fake.allocated;
    for (uint64_t at = 1; at <= 5; at++) {
        proxy->fake.fail_after = proxy->fake.calls + at;
        assert_int_equal(target_add_aor(proxy->set, store, BOB), -ENOMEM);
        assert_int_equal(target_count(proxy->set), 1);
        assert_int_equal(proxy->fake.allocated, allocated);
    }
    assert_int_equal(add(proxy, TEXT("sip:b"), NONE, 0, 1000), -ENOMEM);
    struct target_set *none = NULL;
    assert_int_equal(target_set_new(&none, &proxy->fake.host), -ENOMEM);
    assert_null(none);
    proxy->fake.fail_after = 0;
    assert_int_equal(target_add_aor(proxy->set, store, BOB), 5);
    binding_store_delete(store);
    target_set_delete(NULL);
}

int main(void)
{
#define SET_TEST(test) cmocka_unit_test_setup_teardown(test, setup, teardown)
    const struct CMUnitTest tests[] = {
        SET_TEST(test_5626_7_a_one_flow_of_an_instance_at_a_time),
        SET_TEST(test_newest_flow_of_an_instance_first),
        SET_TEST(test_5626_7_a_instance_of_two_aors_is_one),
        SET_TEST(test_5626_7_b_failed_flow_gives_way_to_another),
        SET_TEST(test_5626_7_b_plain_target_has_no_other_flow),
        SET_TEST(test_5626_7_c_answered_instance_is_final),
        SET_TEST(test_5626_7_c_not_after_a_redirect_either),
        SET_TEST(test_5626_7_c_late_answer_of_a_failed_flow_ends_the_instance),
        SET_TEST(test_targets_that_wait_are_skipped),
        SET_TEST(test_3261_16_7_i_each_uri_at_most_once),
        SET_TEST(test_phones_behind_two_nats_share_a_uri),
        SET_TEST(test_equal_uris_behind_two_edges_are_two_targets),
        SET_TEST(test_classes_open_when_told_and_from_the_highest),
        SET_TEST(test_classes_of_a_second_aor_begin_with_the_open_one),
        SET_TEST(test_a_second_aor_with_lower_q_begins_with_the_open_class_too),
        SET_TEST(test_3263_4_3_b_a_silent_target_is_below_all_classes),
        SET_TEST(test_3263_4_3_b_a_silent_target_rings_with_the_last_class),
        SET_TEST(test_3263_4_3_b_if_all_are_silent_their_order_stays),
        SET_TEST(test_3263_4_3_b_of_an_instance_the_silent_flow_is_last),
        SET_TEST(test_3261_16_7_i_one_contact_behind_two_nats_is_two_places),
        SET_TEST(test_dead_flow_is_not_tried),
        SET_TEST(test_texts_are_copies),
        SET_TEST(test_no_more_targets_than_the_most),
        SET_TEST(test_living_bindings_of_an_aor_become_targets),
        SET_TEST(test_5626_7_b_flows_that_an_instance_registered_later_are_added),
        SET_TEST(test_5626_7_c_no_flow_is_added_for_an_instance_that_answered),
        SET_TEST(test_too_many_bindings_leave_the_first_ones),
        SET_TEST(test_no_memory_adds_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
