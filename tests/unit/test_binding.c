// SPDX-License-Identifier: BSD-2-Clause
#include "test.h"

#include <errno.h>

#include "flow/binding.h"
#include "flow/token.h"

#define BOB           TEXT("sip:bob@example.com")
#define ALICE         TEXT("sip:alice@example.com")
#define PHONE         TEXT("urn:uuid:00000000-0000-1000-8000-000a95a0e128")
#define TABLET        TEXT("urn:uuid:11111111-0000-1000-8000-000a95a0e128")
#define CONTACT       TEXT("sip:bob@192.0.2.2;transport=tcp")
#define OTHER_CONTACT TEXT("sip:bob@192.0.2.3;transport=tcp")
#define NONE          ((struct text){0})

struct told {
    enum binding_event event;
    uint32_t reg_id;
    flow_id flow;
    uint32_t cseq;
};

enum { TOLD_MOST = 32 };

struct registrar {
    struct fake_host fake;
    struct binding_store *store;
    struct told told[TOLD_MOST];
    size_t told_count;
};

static void listen(void *context, enum binding_event event, const struct binding *binding)
{
    struct registrar *registrar = context;
    struct binding_view view;
    binding_read(binding, &view);
    assert_in_range(registrar->told_count, 0, TOLD_MOST - 1);
    registrar->told[registrar->told_count++] =
        (struct told){.event = event, .reg_id = view.reg_id, .flow = view.flow, .cseq = view.cseq};
}

static int registrar_open(struct registrar *registrar, const struct binding_limits *limits)
{
    memset(registrar, 0, sizeof *registrar);
    fake_host_create(&registrar->fake);
    int result = binding_store_new(&registrar->store, &registrar->fake.host, limits);
    if (result == 0)
        binding_store_listen(registrar->store, listen, registrar);
    return result;
}

static int setup(void **state)
{
    *state = malloc(sizeof(struct registrar));
    return registrar_open(*state, NULL);
}

static int teardown(void **state)
{
    struct registrar *registrar = *state;
    binding_store_delete(registrar->store);
    size_t left = registrar->fake.allocated;
    free(registrar);
    return left == 0 ? 0 : -1;
}

static struct binding_view outbound(const struct registrar *registrar, struct text instance, uint32_t reg_id,
                                    flow_id flow)
{
    return (struct binding_view){.aor = BOB,
                                 .contact = CONTACT,
                                 .instance = instance,
                                 .reg_id = reg_id,
                                 .call_id = TEXT("1@192.0.2.2"),
                                 .cseq = 1,
                                 .q = 1000,
                                 .flow = flow,
                                 .expires_at = registrar->fake.wall_s + 3600,
                                 .registered_at = registrar->fake.wall_s};
}

static struct binding_view plain(const struct registrar *registrar, struct text contact)
{
    struct binding_view view = outbound(registrar, NONE, 0, 0);
    view.contact = contact;
    return view;
}

static const struct binding *put(struct registrar *registrar, struct binding_view view)
{
    const struct binding *binding = NULL;
    assert_int_equal(binding_put(registrar->store, &view, &binding), 0);
    assert_non_null(binding);
    return binding;
}

static size_t listed(const struct registrar *registrar, struct text aor)
{
    size_t count = 0;
    for (const struct binding *binding = binding_first(registrar->store, aor); binding != NULL;
         binding = binding_next(registrar->store, binding))
        count++;
    return count;
}

static size_t on_flow(const struct registrar *registrar, flow_id flow)
{
    size_t count = 0;
    for (const struct binding *binding = binding_first_on_flow(registrar->store, flow); binding != NULL;
         binding = binding_next_on_flow(registrar->store, binding))
        count++;
    return count;
}

static void assert_text(struct text got, struct text wanted)
{
    assert_int_equal(got.length, wanted.length);
    if (wanted.length != 0)
        assert_memory_equal(got.at, wanted.at, wanted.length);
}

static void test_reads_back_what_was_put(void **state)
{
    struct registrar *registrar = *state;
    struct binding_view view = outbound(registrar, PHONE, 7, 9);
    view.path = TEXT("<sip:edge1;lr;ob>, <sip:edge2;lr>");
    view.parameters = TEXT(";audio;expires=60");
    view.cseq = 4294967295U;
    view.q = 300;
    view.state = BINDING_FLOW_GONE;
    view.transport = TRANSPORT_WSS;
    view.flow = 0;
    struct binding_view got;
    binding_read(put(registrar, view), &got);
    assert_text(got.aor, BOB);
    assert_text(got.contact, CONTACT);
    assert_text(got.instance, PHONE);
    assert_text(got.path, view.path);
    assert_text(got.call_id, view.call_id);
    assert_text(got.parameters, view.parameters);
    assert_int_equal(got.reg_id, 7);
    assert_int_equal(got.cseq, 4294967295U);
    assert_int_equal(got.q, 300);
    assert_int_equal(got.state, BINDING_FLOW_GONE);
    assert_int_equal(got.transport, TRANSPORT_WSS);
    assert_int_equal(got.flow, 0);
    assert_int_equal(got.expires_at, view.expires_at);
    assert_int_equal(got.registered_at, view.registered_at);
}

static void test_5626_6_f_outbound_and_plain_side_by_side(void **state)
{
    struct registrar *registrar = *state;
    put(registrar, outbound(registrar, PHONE, 1, 5));
    put(registrar, plain(registrar, CONTACT));
    struct binding_view with_instance = plain(registrar, OTHER_CONTACT);
    with_instance.instance = PHONE;
    put(registrar, with_instance);
    assert_int_equal(listed(registrar, BOB), 3);
    struct binding_view view;
    binding_read(binding_find(registrar->store, BOB, CONTACT, NONE, 0), &view);
    assert_int_equal(view.reg_id, 0);
    binding_read(binding_find(registrar->store, BOB, CONTACT, PHONE, 1), &view);
    assert_int_equal(view.reg_id, 1);
    assert_non_null(binding_find(registrar->store, BOB, OTHER_CONTACT, NONE, 0));
}

static void test_5626_6_g_key_is_aor_instance_reg_id(void **state)
{
    struct registrar *registrar = *state;
    put(registrar, outbound(registrar, PHONE, 1, 5));
    put(registrar, outbound(registrar, PHONE, 2, 6));
    put(registrar, outbound(registrar, TABLET, 1, 7));
    struct binding_view of_alice = outbound(registrar, PHONE, 1, 5);
    of_alice.aor = ALICE;
    put(registrar, of_alice);
    assert_int_equal(binding_count(registrar->store), 4);
    assert_int_equal(listed(registrar, BOB), 3);

    struct binding_view moved = outbound(registrar, PHONE, 1, 5);
    moved.contact = OTHER_CONTACT;
    moved.path = TEXT("<sip:edge;lr;ob>");
    moved.parameters = TEXT(";video");
    struct binding_view got;
    binding_read(put(registrar, moved), &got);
    assert_int_equal(binding_count(registrar->store), 4);
    assert_text(got.contact, OTHER_CONTACT);
    assert_text(got.path, moved.path);
    assert_text(got.parameters, moved.parameters);
    assert_null(binding_find(registrar->store, BOB, OTHER_CONTACT, NONE, 0));
    assert_null(binding_find(registrar->store, BOB, CONTACT, PHONE, 3));
    assert_non_null(binding_find(registrar->store, BOB, NONE, PHONE, 1));
}

static void test_5626_6_i_same_key_replaces_that_binding_alone(void **state)
{
    struct registrar *registrar = *state;
    put(registrar, outbound(registrar, PHONE, 1, 5));
    put(registrar, outbound(registrar, PHONE, 2, 6));
    registrar->told_count = 0;
    fake_host_advance(&registrar->fake, 600000);
    struct binding_view again = outbound(registrar, PHONE, 1, 8);
    again.call_id = TEXT("quite-another-call-id@192.0.2.2");
    again.cseq = 77;
    struct binding_view got;
    binding_read(put(registrar, again), &got);
    assert_text(got.call_id, again.call_id);
    assert_int_equal(got.flow, 8);
    assert_int_equal(got.registered_at, registrar->fake.wall_s);
    assert_int_equal(on_flow(registrar, 5), 0);
    assert_int_equal(on_flow(registrar, 6), 1);
    assert_int_equal(on_flow(registrar, 8), 1);
    assert_int_equal(binding_count(registrar->store), 2);
    binding_read(binding_find(registrar->store, BOB, CONTACT, PHONE, 2), &got);
    assert_int_equal(got.cseq, 1);
    assert_int_equal(got.registered_at, registrar->fake.wall_s - 600);

    assert_int_equal(registrar->told_count, 2);
    assert_int_equal(registrar->told[0].event, BINDING_REPLACED);
    assert_int_equal(registrar->told[0].flow, 5);
    assert_int_equal(registrar->told[0].cseq, 1);
    assert_int_equal(registrar->told[1].event, BINDING_UPDATED);
    assert_int_equal(registrar->told[1].flow, 8);
    assert_int_equal(registrar->told[1].cseq, 77);
}

/* The phone changes its transport, then the flow goes: each replaces the binding in place, without its texts. */
static void test_the_transport_of_the_flow_is_replaced_and_outlives_it(void **state)
{
    struct registrar *registrar = *state;
    struct binding_view got, view = outbound(registrar, PHONE, 1, 5);
    for (unsigned transport = TRANSPORT_UDP; transport <= TRANSPORT_WSS; transport++) {
        view.transport = (uint8_t)transport;
        view.state = BINDING_ALIVE;
        view.flow = 5U + transport;
        binding_read(put(registrar, view), &got);
        assert_int_equal(got.transport, transport);
        assert_int_equal(got.state, BINDING_ALIVE);
        view.state = BINDING_FLOW_GONE;
        view.flow = 0;
        binding_read(put(registrar, view), &got);
        assert_int_equal(got.transport, transport);
        assert_int_equal(got.state, BINDING_FLOW_GONE);
    }
}

static void test_5626_10_a_reg_id_has_31_bits(void **state)
{
    struct registrar *registrar = *state;
    put(registrar, outbound(registrar, PHONE, 0x7fffffff, 5));
    struct binding_view view = outbound(registrar, PHONE, 0x80000000U, 5);
    assert_int_equal(binding_put(registrar->store, &view, NULL), -EINVAL);
    view.reg_id = UINT32_MAX;
    assert_int_equal(binding_put(registrar->store, &view, NULL), -EINVAL);
    assert_int_equal(binding_count(registrar->store), 1);
}

static void test_bad_views_are_refused_and_nothing_is_stored(void **state)
{
    struct registrar *registrar = *state;
    char *long_text = calloc(1, 65536);
    const struct binding_view good = outbound(registrar, PHONE, 1, 5);
    struct binding_view bad[10];
    for (size_t i = 0; i < 10; i++)
        bad[i] = good;
    bad[0].aor = NONE;
    bad[1].contact = NONE;
    bad[2].instance = NONE;
    bad[3].q = 1001;
    bad[4].state = BINDING_FLOW_GONE + 1;
    bad[5].path = (struct text){long_text, 65536};
    bad[6].aor = (struct text){long_text, 65536};
    bad[7].call_id = (struct text){long_text, 65536};
    bad[8].transport = TRANSPORT_WSS + 1;
    bad[9].route = BINDING_BY_CONTACT + 1;
    size_t allocated = registrar->fake.allocated;
    for (size_t i = 0; i < 10; i++) {
        const struct binding *out = (const struct binding *)&good;
        assert_int_equal(binding_put(registrar->store, &bad[i], &out), -EINVAL);
        assert_ptr_equal(out, &good);
    }
    assert_int_equal(binding_count(registrar->store), 0);
    assert_int_equal(registrar->told_count, 0);
    assert_int_equal(registrar->fake.allocated, allocated);
    free(long_text);
}

static void test_longest_texts_are_kept_whole(void **state)
{
    struct registrar *registrar = *state;
    char *long_text = malloc(65535);
    memset(long_text, 'x', 65535);
    struct binding_view view = outbound(registrar, PHONE, 1, 5);
    view.aor = view.contact = view.instance = view.path = view.call_id = view.parameters =
        (struct text){long_text, 65535};
    struct binding_view got;
    binding_read(put(registrar, view), &got);
    assert_text(got.parameters, view.parameters);
    assert_text(got.aor, view.aor);
    assert_int_equal(listed(registrar, view.aor), 1);
    free(long_text);
}

static void test_shortest_texts_are_kept_too(void **state)
{
    struct registrar *registrar = *state;
    struct binding_view view = {.aor = TEXT("a"), .contact = TEXT("b"), .expires_at = INT64_MAX};
    struct binding_view got;
    binding_read(put(registrar, view), &got);
    assert_text(got.aor, TEXT("a"));
    assert_text(got.contact, TEXT("b"));
    assert_text(got.call_id, NONE);
    assert_int_equal(listed(registrar, TEXT("a")), 1);
    assert_int_equal(listed(registrar, TEXT("b")), 0);
}

static void test_5626_7_f_dead_flow_takes_every_binding_of_any_aor(void **state)
{
    struct registrar *registrar = *state;
    put(registrar, outbound(registrar, PHONE, 1, 5));
    put(registrar, outbound(registrar, PHONE, 2, 6));
    struct binding_view of_alice = outbound(registrar, PHONE, 1, 5);
    of_alice.aor = ALICE;
    put(registrar, of_alice);
    struct binding_view without_instance = plain(registrar, OTHER_CONTACT);
    without_instance.flow = 5;
    put(registrar, without_instance);
    registrar->told_count = 0;
    assert_int_equal(binding_flow_count(registrar->store), 2);
    assert_int_equal(binding_flow_died(registrar->store, 5, true), 3);
    assert_int_equal(registrar->told_count, 3);
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(registrar->told[i].event, BINDING_FLOW_DIED);
        assert_int_equal(registrar->told[i].flow, 5);
    }
    assert_null(binding_first_on_flow(registrar->store, 5));
    assert_int_equal(binding_flow_died(registrar->store, 5, true), 0);
    assert_int_equal(listed(registrar, ALICE), 0);
    assert_int_equal(listed(registrar, BOB), 1);
    assert_int_equal(binding_aor_count(registrar->store), 1);
    assert_int_equal(binding_flow_count(registrar->store), 1);
}

static void test_3261_10_a_a_binding_with_another_route_outlives_its_flow(void **state)
{
    struct registrar *registrar = *state;
    struct binding_view got, view = plain(registrar, OTHER_CONTACT);
    put(registrar, outbound(registrar, PHONE, 1, 5));
    view.flow = 5;
    view.route = BINDING_BY_FLOW_FIRST;
    put(registrar, view);
    registrar->told_count = 0;
    assert_int_equal(binding_flow_died(registrar->store, 5, false), 1);
    assert_int_equal(registrar->told_count, 1);
    binding_read(binding_first_on_flow(registrar->store, 5), &got);
    assert_text(got.contact, OTHER_CONTACT);
    assert_int_equal(got.route, BINDING_BY_FLOW_FIRST);
    assert_int_equal(binding_flow_died(registrar->store, 5, true), 0);
    assert_int_equal(registrar->told_count, 3);
    assert_int_equal(registrar->told[1].event, BINDING_REPLACED);
    assert_int_equal(registrar->told[1].flow, 5);
    assert_int_equal(registrar->told[2].event, BINDING_UPDATED);
    assert_int_equal(registrar->told[2].flow, 0);
    assert_null(binding_first_on_flow(registrar->store, 5));
    binding_read(binding_first(registrar->store, BOB), &got);
    assert_int_equal(got.route, BINDING_BY_CONTACT);
    assert_int_equal(listed(registrar, BOB), 1);
    assert_int_equal(binding_flow_count(registrar->store), 0);
}

static void test_flow_zero_is_no_flow(void **state)
{
    struct registrar *registrar = *state;
    put(registrar, outbound(registrar, PHONE, 1, 0));
    put(registrar, outbound(registrar, PHONE, 2, 4));
    put(registrar, outbound(registrar, PHONE, 2, 0));
    assert_int_equal(binding_flow_count(registrar->store), 0);
    assert_null(binding_first_on_flow(registrar->store, 0));
    assert_int_equal(binding_flow_died(registrar->store, 0, true), 0);
    assert_int_equal(binding_count(registrar->store), 2);
    assert_null(binding_next_on_flow(registrar->store, binding_first(registrar->store, BOB)));
}

static void test_5626_7_g_one_binding_goes_and_nothing_else(void **state)
{
    struct registrar *registrar = *state;
    put(registrar, outbound(registrar, PHONE, 1, 5));
    put(registrar, outbound(registrar, PHONE, 2, 5));
    put(registrar, outbound(registrar, TABLET, 1, 7));
    registrar->told_count = 0;
    binding_remove(registrar->store, binding_find(registrar->store, BOB, CONTACT, PHONE, 1));
    assert_int_equal(registrar->told_count, 1);
    assert_int_equal(registrar->told[0].event, BINDING_REMOVED);
    assert_int_equal(registrar->told[0].reg_id, 1);
    assert_null(binding_find(registrar->store, BOB, CONTACT, PHONE, 1));
    assert_non_null(binding_find(registrar->store, BOB, CONTACT, PHONE, 2));
    assert_non_null(binding_find(registrar->store, BOB, CONTACT, TABLET, 1));
    assert_int_equal(on_flow(registrar, 5), 1);
    assert_int_equal(binding_remove_aor(registrar->store, BOB), 2);
    assert_int_equal(binding_remove_aor(registrar->store, BOB), 0);
    assert_int_equal(binding_count(registrar->store), 0);
    assert_int_equal(binding_aor_count(registrar->store), 0);
    assert_int_equal(binding_flow_count(registrar->store), 0);
}

static void test_aor_lists_in_order_of_first_registration(void **state)
{
    struct registrar *registrar = *state;
    for (uint32_t reg_id = 4; reg_id > 0; reg_id--)
        put(registrar, outbound(registrar, PHONE, reg_id, reg_id));
    struct binding_view moved = outbound(registrar, PHONE, 3, 9);
    moved.contact = OTHER_CONTACT;
    put(registrar, moved);
    put(registrar, outbound(registrar, PHONE, 2, 9));
    uint32_t reg_id = 4;
    for (const struct binding *binding = binding_first(registrar->store, BOB); binding != NULL;
         binding = binding_next(registrar->store, binding)) {
        struct binding_view view;
        binding_read(binding, &view);
        assert_int_equal(view.reg_id, reg_id--);
    }
    assert_int_equal(reg_id, 0);
}

static void test_limit_of_an_aor(void **state)
{
    struct registrar *registrar = *state;
    for (uint32_t reg_id = 1; reg_id <= 32; reg_id++)
        put(registrar, outbound(registrar, PHONE, reg_id, reg_id));
    registrar->told_count = 0;
    struct binding_view more = outbound(registrar, PHONE, 33, 33);
    assert_int_equal(binding_put(registrar->store, &more, NULL), -ENOSPC);
    assert_int_equal(registrar->told_count, 0);
    assert_int_equal(binding_count(registrar->store), 32);
    more.reg_id = 32;
    assert_int_equal(binding_put(registrar->store, &more, NULL), 0);
    more.reg_id = 33;
    more.aor = ALICE;
    assert_int_equal(binding_put(registrar->store, &more, NULL), 0);
    fake_host_advance(&registrar->fake, 3600000);
    put(registrar, outbound(registrar, PHONE, 40, 40));
}

static void test_limit_of_the_store(void **state)
{
    struct registrar registrar;
    (void)state;
    assert_int_equal(registrar_open(&registrar, &(struct binding_limits){.bindings_per_aor = 2, .bindings = 3}), 0);
    put(&registrar, outbound(&registrar, PHONE, 1, 1));
    put(&registrar, outbound(&registrar, PHONE, 2, 2));
    struct binding_view more = outbound(&registrar, PHONE, 3, 3);
    assert_int_equal(binding_put(registrar.store, &more, NULL), -ENOSPC);
    more.aor = ALICE;
    assert_int_equal(binding_put(registrar.store, &more, NULL), 0);
    more.reg_id = 4;
    assert_int_equal(binding_put(registrar.store, &more, NULL), -ENOSPC);
    more.reg_id = 3;
    assert_int_equal(binding_put(registrar.store, &more, NULL), 0);
    assert_int_equal(binding_count(registrar.store), 3);
    binding_store_delete(registrar.store);
    assert_int_equal(registrar.fake.allocated, 0);
}

static void put_until(struct registrar *registrar, uint32_t reg_id, int64_t seconds)
{
    struct binding_view view = outbound(registrar, PHONE, reg_id, reg_id);
    view.expires_at = registrar->fake.wall_s + seconds;
    put(registrar, view);
}

static void test_expired_are_skipped_before_they_are_removed(void **state)
{
    struct registrar *registrar = *state;
    put_until(registrar, 1, 60);
    put_until(registrar, 2, 120);
    put_until(registrar, 3, 60);
    fake_host_advance(&registrar->fake, 59000);
    assert_int_equal(listed(registrar, BOB), 3);
    assert_int_equal(binding_expire(registrar->store, 10), 0);
    fake_host_advance(&registrar->fake, 1000);
    assert_int_equal(listed(registrar, BOB), 1);
    assert_null(binding_find(registrar->store, BOB, CONTACT, PHONE, 1));
    assert_int_equal(binding_count(registrar->store), 3);
    assert_int_equal(on_flow(registrar, 1), 1);
    registrar->told_count = 0;
    assert_int_equal(binding_expire(registrar->store, 10), 2);
    assert_int_equal(registrar->told_count, 2);
    assert_int_equal(registrar->told[0].event, BINDING_EXPIRED);
    assert_int_equal(binding_count(registrar->store), 1);
    assert_int_equal(on_flow(registrar, 1), 0);
    assert_int_equal(listed(registrar, BOB), 1);
}

static void test_registering_over_an_expired_one_is_new(void **state)
{
    struct registrar *registrar = *state;
    put_until(registrar, 1, 60);
    put_until(registrar, 2, 600);
    fake_host_advance(&registrar->fake, 60000);
    registrar->told_count = 0;
    put_until(registrar, 1, 60);
    assert_int_equal(registrar->told_count, 2);
    assert_int_equal(registrar->told[0].event, BINDING_EXPIRED);
    assert_int_equal(registrar->told[1].event, BINDING_ADDED);
    assert_int_equal(binding_count(registrar->store), 2);
    struct binding_view view;
    binding_read(binding_first(registrar->store, BOB), &view);
    assert_int_equal(view.reg_id, 2);
}

static void test_expiry_takes_no_more_than_asked(void **state)
{
    struct registrar *registrar = *state;
    for (uint32_t reg_id = 1; reg_id <= 20; reg_id++)
        put_until(registrar, reg_id, 10 + reg_id % 3);
    fake_host_advance(&registrar->fake, 100000);
    registrar->told_count = 0;
    assert_int_equal(binding_expire(registrar->store, 0), 0);
    assert_int_equal(binding_expire(registrar->store, 7), 7);
    assert_int_equal(binding_expire(registrar->store, 7), 7);
    assert_int_equal(binding_expire(registrar->store, 7), 6);
    assert_int_equal(binding_expire(registrar->store, 7), 0);
    assert_int_equal(binding_count(registrar->store), 0);
}

static void test_expiry_days_ahead_and_after_a_long_sleep(void **state)
{
    struct registrar *registrar = *state;
    put_until(registrar, 1, 7 * 86400);
    put_until(registrar, 2, 86400);
    put_until(registrar, 3, 8192);
    put_until(registrar, 4, INT32_MAX);
    for (int64_t hour = 0; hour < 24; hour++) {
        assert_int_equal(binding_expire(registrar->store, 10), hour == 3 ? 1 : 0);
        fake_host_advance(&registrar->fake, 3600000);
    }
    assert_int_equal(binding_expire(registrar->store, 10), 1);
    fake_host_advance(&registrar->fake, (uint64_t)30 * 86400000);
    assert_int_equal(binding_expire(registrar->store, 10), 1);
    assert_int_equal(binding_count(registrar->store), 1);
}

static void test_expiry_with_a_clock_set_back(void **state)
{
    struct registrar *registrar = *state;
    fake_host_advance(&registrar->fake, 7200000);
    assert_int_equal(binding_expire(registrar->store, 10), 0);
    registrar->fake.wall_s -= 7200;
    assert_int_equal(binding_expire(registrar->store, 10), 0);
    put_until(registrar, 1, 60);
    fake_host_advance(&registrar->fake, 59000);
    assert_int_equal(binding_expire(registrar->store, 10), 0);
    fake_host_advance(&registrar->fake, 1000);
    assert_int_equal(binding_expire(registrar->store, 10), 1);
}

static void test_already_expired_goes_at_the_next_look(void **state)
{
    struct registrar *registrar = *state;
    fake_host_advance(&registrar->fake, 10000);
    assert_int_equal(binding_expire(registrar->store, 10), 0);
    put_until(registrar, 1, -500);
    put_until(registrar, 2, 0);
    assert_int_equal(listed(registrar, BOB), 0);
    assert_int_equal(binding_expire(registrar->store, 10), 2);
}

static void test_refresh_asks_for_no_memory(void **state)
{
    struct registrar *registrar = *state;
    put(registrar, outbound(registrar, PHONE, 1, 5));
    uint64_t calls = registrar->fake.calls;
    size_t allocated = registrar->fake.allocated;
    for (uint32_t i = 0; i < 5; i++) {
        fake_host_advance(&registrar->fake, 60000);
        struct binding_view view = outbound(registrar, PHONE, 1, 5);
        view.cseq = i + 2;
        put(registrar, view);
    }
    assert_int_equal(registrar->fake.calls, calls);
    assert_int_equal(registrar->fake.allocated, allocated);
}

static void test_view_of_the_store_may_be_put_back(void **state)
{
    struct registrar *registrar = *state;
    struct binding_view view = outbound(registrar, PHONE, 1, 5);
    view.path = TEXT("<sip:edge;lr>");
    binding_read(put(registrar, view), &view);
    view.expires_at += 60;
    binding_read(put(registrar, view), &view);
    assert_text(view.contact, CONTACT);
    view.path = view.contact;
    view.contact = view.call_id;
    binding_read(put(registrar, view), &view);
    assert_text(view.path, CONTACT);
    assert_text(view.contact, TEXT("1@192.0.2.2"));
    assert_text(view.aor, BOB);
    fake_host_advance(&registrar->fake, 7200000);
    view.expires_at = registrar->fake.wall_s + 60;
    binding_read(put(registrar, view), &view);
    assert_text(view.path, CONTACT);
    assert_text(view.aor, BOB);
}

static bool count_visits(void *context, const struct binding *binding)
{
    (void)binding;
    size_t *left = context;
    return --*left > 0;
}

static void test_each_visits_all_until_told_to_stop(void **state)
{
    struct registrar *registrar = *state;
    for (uint32_t reg_id = 1; reg_id <= 10; reg_id++)
        put_until(registrar, reg_id, reg_id * 1000);
    size_t left = 100;
    binding_each(registrar->store, count_visits, &left);
    assert_int_equal(left, 90);
    left = 4;
    binding_each(registrar->store, count_visits, &left);
    assert_int_equal(left, 0);
}

static void test_unknown_and_empty_are_not_found(void **state)
{
    struct registrar *registrar = *state;
    put(registrar, outbound(registrar, PHONE, 1, 5));
    assert_null(binding_first(registrar->store, NONE));
    assert_null(binding_first(registrar->store, ALICE));
    assert_null(binding_find(registrar->store, ALICE, CONTACT, PHONE, 1));
    assert_null(binding_find(registrar->store, NONE, NONE, NONE, 0));
    assert_null(binding_first_on_flow(registrar->store, 6));
    assert_int_equal(binding_remove_aor(registrar->store, NONE), 0);
    binding_store_delete(NULL);
}

/* --- Contacts that are equal without having the same bytes --- */

static uint32_t key_nocase(struct text uri)
{
    return (uint32_t)uri.length; /* others share it */
}

static bool equal_nocase(struct text a, struct text b)
{
    return text_equal_nocase(a, b);
}

static void compare_nocase(struct registrar *registrar)
{
    binding_store_compare(registrar->store, &(struct contact_rules){key_nocase, equal_nocase});
}

static void assert_told(const struct registrar *registrar, size_t nth, enum binding_event event)
{
    assert_in_range(nth + 1, 1, registrar->told_count);
    assert_int_equal(registrar->told[nth].event, event);
}

static void test_3261_10_3_a_an_equal_contact_is_replaced_by_the_newest(void **state)
{
    struct registrar *registrar = *state;
    struct binding_view got, named = plain(registrar, TEXT("sip:bob@EXAMPLE"));
    compare_nocase(registrar);
    put(registrar, plain(registrar, TEXT("sip:carol@example")));
    put(registrar, plain(registrar, TEXT("sip:bob@example")));
    put(registrar, plain(registrar, TEXT("sip:dave@example")));
    registrar->told_count = 0;
    binding_read(put(registrar, named), &got);
    assert_text(got.contact, named.contact);
    assert_int_equal(got.contact_key, key_nocase(named.contact));
    assert_int_equal(listed(registrar, BOB), 3);
    /* Whoever keeps bindings by the bytes of their Contact learns of both. */
    assert_told(registrar, 0, BINDING_REMOVED);
    assert_told(registrar, 1, BINDING_ADDED);
    assert_int_equal(registrar->told_count, 2);
    put(registrar, named);
    assert_told(registrar, 2, BINDING_REPLACED);
    assert_told(registrar, 3, BINDING_UPDATED);
    binding_read(binding_find(registrar->store, BOB, TEXT("SIP:BOB@example"), NONE, 0), &got);
    assert_text(got.contact, named.contact);
    assert_null(binding_find(registrar->store, BOB, TEXT("sip:eve@example"), NONE, 0));
    /* It keeps its place. */
    binding_read(binding_next(registrar->store, binding_first(registrar->store, BOB)), &got);
    assert_text(got.contact, named.contact);
}

static uint32_t key_one(struct text uri)
{
    (void)uri;
    return 1;
}

/* Not transitive: a "*" in the place of a character equals any other. */
static bool equal_but_for_stars(struct text a, struct text b)
{
    bool equal = a.length == b.length;
    for (size_t i = 0; equal && i < a.length; i++)
        equal = a.at[i] == b.at[i] || a.at[i] == '*' || b.at[i] == '*';
    return equal;
}

static struct text found(const struct registrar *registrar, struct text contact)
{
    struct binding_view view;
    const struct binding *binding = binding_find(registrar->store, BOB, contact, NONE, 0);
    assert_non_null(binding);
    binding_read(binding, &view);
    return view.contact;
}

static void test_3261_10_3_a_of_equal_contacts_one_that_lives_with_the_same_bytes_is_meant(void **state)
{
    struct registrar *registrar = *state;
    struct binding_view brief = plain(registrar, TEXT("sip:a@h"));
    binding_store_compare(registrar->store, &(struct contact_rules){key_one, equal_but_for_stars});
    brief.expires_at = registrar->fake.wall_s + 60;
    put(registrar, brief);
    put(registrar, plain(registrar, TEXT("sip:b@h")));
    assert_text(found(registrar, TEXT("sip:b@h")), TEXT("sip:b@h"));
    assert_text(found(registrar, TEXT("sip:*@h")), TEXT("sip:a@h"));
    fake_host_advance(&registrar->fake, 61000);
    assert_text(found(registrar, TEXT("sip:*@h")), TEXT("sip:b@h"));
    assert_null(binding_find(registrar->store, BOB, TEXT("sip:a@h"), NONE, 0));
}

static void test_3261_10_3_a_the_binding_to_replace_may_be_named(void **state)
{
    struct registrar *registrar = *state;
    struct binding_view got, other = plain(registrar, OTHER_CONTACT);
    put(registrar, plain(registrar, CONTACT));
    const struct binding *binding = put(registrar, plain(registrar, TEXT("sip:bob@192.0.2.4")));
    registrar->told_count = 0;
    assert_int_equal(binding_put_unlimited(registrar->store, &other, &binding), 0);
    binding_read(binding, &got);
    assert_text(got.contact, OTHER_CONTACT);
    assert_int_equal(listed(registrar, BOB), 2);
    assert_told(registrar, 0, BINDING_REMOVED);
    assert_told(registrar, 1, BINDING_ADDED);
    binding = NULL;
    assert_int_equal(binding_put_unlimited(registrar->store, &other, &binding), 0);
    assert_int_equal(listed(registrar, BOB), 2);
    registrar->fake.fail_after = registrar->fake.calls + 1;
    other.contact = CONTACT;
    assert_int_equal(binding_put_unlimited(registrar->store, &other, &binding), -ENOMEM);
    registrar->fake.fail_after = 0;
    binding_read(binding, &got);
    assert_text(got.contact, OTHER_CONTACT);
}

static void test_instance_a_a_plain_binding_is_found_by_its_instance(void **state)
{
    struct registrar *registrar = *state;
    struct binding_view got, view = plain(registrar, CONTACT);
    put(registrar, outbound(registrar, PHONE, 1, 5));
    assert_null(binding_find(registrar->store, BOB, OTHER_CONTACT, PHONE, 0));
    view.instance = PHONE;
    view.expires_at = registrar->fake.wall_s + 60;
    put(registrar, view);
    view.instance = TABLET;
    view.contact = OTHER_CONTACT;
    put(registrar, view);
    binding_read(binding_find(registrar->store, BOB, TEXT("sip:bob@192.0.2.9"), PHONE, 0), &got);
    assert_text(got.contact, CONTACT);
    /* The Contact comes first. */
    binding_read(binding_find(registrar->store, BOB, OTHER_CONTACT, PHONE, 0), &got);
    assert_text(got.instance, TABLET);
    assert_null(binding_find(registrar->store, BOB, TEXT("sip:bob@192.0.2.9"), NONE, 0));
    assert_null(binding_find(registrar->store, BOB, TEXT("sip:bob@192.0.2.9"), PHONE, 2));
    fake_host_advance(&registrar->fake, 61000);
    assert_null(binding_find(registrar->store, BOB, TEXT("sip:bob@192.0.2.9"), PHONE, 0));
}

int main(void)
{
#define STORE_TEST(test) cmocka_unit_test_setup_teardown(test, setup, teardown)
    const struct CMUnitTest tests[] = {
        STORE_TEST(test_reads_back_what_was_put),
        STORE_TEST(test_5626_6_f_outbound_and_plain_side_by_side),
        STORE_TEST(test_5626_6_g_key_is_aor_instance_reg_id),
        STORE_TEST(test_5626_6_i_same_key_replaces_that_binding_alone),
        STORE_TEST(test_the_transport_of_the_flow_is_replaced_and_outlives_it),
        STORE_TEST(test_5626_10_a_reg_id_has_31_bits),
        STORE_TEST(test_bad_views_are_refused_and_nothing_is_stored),
        STORE_TEST(test_longest_texts_are_kept_whole),
        STORE_TEST(test_shortest_texts_are_kept_too),
        STORE_TEST(test_5626_7_f_dead_flow_takes_every_binding_of_any_aor),
        STORE_TEST(test_3261_10_a_a_binding_with_another_route_outlives_its_flow),
        STORE_TEST(test_flow_zero_is_no_flow),
        STORE_TEST(test_5626_7_g_one_binding_goes_and_nothing_else),
        STORE_TEST(test_aor_lists_in_order_of_first_registration),
        STORE_TEST(test_limit_of_an_aor),
        cmocka_unit_test(test_limit_of_the_store),
        STORE_TEST(test_expired_are_skipped_before_they_are_removed),
        STORE_TEST(test_registering_over_an_expired_one_is_new),
        STORE_TEST(test_expiry_takes_no_more_than_asked),
        STORE_TEST(test_expiry_days_ahead_and_after_a_long_sleep),
        STORE_TEST(test_expiry_with_a_clock_set_back),
        STORE_TEST(test_already_expired_goes_at_the_next_look),
        STORE_TEST(test_refresh_asks_for_no_memory),
        STORE_TEST(test_view_of_the_store_may_be_put_back),
        STORE_TEST(test_each_visits_all_until_told_to_stop),
        STORE_TEST(test_unknown_and_empty_are_not_found),
        STORE_TEST(test_3261_10_3_a_an_equal_contact_is_replaced_by_the_newest),
        STORE_TEST(test_3261_10_3_a_of_equal_contacts_one_that_lives_with_the_same_bytes_is_meant),
        STORE_TEST(test_3261_10_3_a_the_binding_to_replace_may_be_named),
        STORE_TEST(test_instance_a_a_plain_binding_is_found_by_its_instance),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
