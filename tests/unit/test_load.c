// SPDX-License-Identifier: BSD-2-Clause
#include "test.h"

#include "flow/breadth.h"
#include "flow/load.h"

/* Max-Breadth, and what one request makes a proxy send. */

static void test_5393_5_a_the_value(void **unused)
{
    (void)unused;
    assert_int_equal(breadth_read((struct text){NULL, 0}), 60);
    assert_int_equal(breadth_read(TEXT("0")), 0);
    assert_int_equal(breadth_read(TEXT("1")), 1);
    assert_int_equal(breadth_read(TEXT("060")), 60);
    assert_int_equal(breadth_read(TEXT("61")), 60);
    assert_int_equal(breadth_read(TEXT("99999999999999999999999999")), 60);
    assert_int_equal(breadth_read(TEXT("-1")), 60);
    assert_int_equal(breadth_read(TEXT("7, 8")), 60);
    assert_int_equal(breadth_read(TEXT("7 8")), 60);
}

static void test_5393_5_a_the_shares_are_all_that_there_is(void **unused)
{
    (void)unused;
    for (uint32_t breadth = 0; breadth <= 60; breadth++) {
        for (uint32_t branches = 1; branches <= 64; branches++) {
            uint32_t left = breadth, given = 0;
            for (uint32_t i = 0; i < branches; i++) {
                uint32_t share = breadth_share(left, branches - i);
                assert_true((share > 0) == (left > 0));
                given += share > 0;
                left -= share;
            }
            assert_int_equal(left, 0);
            assert_int_equal(given, breadth < branches ? breadth : branches);
        }
    }
}

/* --- load --- */

struct fixture {
    struct fake_host fake;
    struct load_table *table;
};

static int setup(void **state)
{
    static const struct load_limits limits = {
        .transactions = 100, .source_transactions = 70, .bytes = 3000000, .source_bytes = 2000000};
    struct fixture *fixture = calloc(1, sizeof *fixture);
    if (fixture == NULL)
        return -1;
    fake_host_create(&fixture->fake);
    *state = fixture;
    return load_table_new(&fixture->table, &fixture->fake.host, &limits);
}

static int teardown(void **state)
{
    struct fixture *fixture = *state;
    load_table_delete(fixture->table);
    assert_int_equal(fixture->fake.allocated, 0);
    free(fixture);
    return 0;
}

static struct load *enter(struct fixture *fixture, const char *call, uint64_t source)
{
    struct load *load = NULL;
    const struct load_request request = {
        .call_id = text_of(call), .from_tag = TEXT("a"), .method = TEXT("INVITE"), .cseq = 1, .source = source};
    assert_int_equal(load_enter(fixture->table, &request, &load), 0);
    return load;
}

static void begin(struct load *load, unsigned count, size_t bytes)
{
    for (unsigned i = 0; i < count; i++) {
        assert_int_equal(load_check(load, bytes), LOAD_FINE);
        load_begin(load, bytes);
    }
}

static void end(struct load *load, unsigned count, size_t bytes)
{
    while (count-- > 0)
        load_end(load, bytes);
}

static void test_a_request_that_comes_again_is_the_same(void **state)
{
    struct fixture *fixture = *state;
    struct load *load = enter(fixture, "one", 7), *again = enter(fixture, "one", 8), *other = NULL;
    assert_ptr_equal(load, again);
    const struct load_request requests[] = {
        {TEXT("one"), TEXT("b"), TEXT("INVITE"), 1, 7},
        {TEXT("one"), TEXT("a"), TEXT("INVITE"), 2, 7},
        {TEXT("one"), TEXT("a"), TEXT("MESSAGE"), 1, 7},
        {TEXT("onea"), TEXT(""), TEXT("INVITE"), 1, 7},
    };
    for (size_t i = 0; i < sizeof requests / sizeof requests[0]; i++) {
        assert_int_equal(load_enter(fixture->table, &requests[i], &other), 0);
        assert_ptr_not_equal(other, load);
        load_leave(other);
    }
    assert_int_equal(load_count(fixture->table).requests, 1);
    assert_int_equal(load_count(fixture->table).sources, 1);
    load_leave(load);
    assert_int_equal(load_count(fixture->table).requests, 1);
    load_leave(again);
    assert_int_equal(load_count(fixture->table).requests, 0);
    assert_int_equal(load_count(fixture->table).sources, 0);
}

/* What has ended counts too: targets in sequence are no way round the limit. */
static void test_one_request_makes_sixty_transactions(void **state)
{
    struct fixture *fixture = *state;
    struct load *load = enter(fixture, "one", 0);
    for (unsigned i = 0; i < LOAD_TRANSACTIONS_MOST; i++) {
        begin(load, 1, 100);
        end(load, 1, 100);
    }
    assert_int_equal(load_check(load, 100), LOAD_OF_REQUEST);
    struct load *other = enter(fixture, "two", 0);
    assert_int_equal(load_check(other, 100), LOAD_FINE);
    load_leave(other);
    load_leave(load);
}

static void test_one_request_sends_a_million_bytes(void **state)
{
    struct fixture *fixture = *state;
    struct load *load = enter(fixture, "one", 0);
    begin(load, 2, 300000);
    assert_true(load_send(load, 300000));
    assert_false(load_send(load, 300000));
    assert_int_equal(load_check(load, 300000), LOAD_OF_REQUEST);
    assert_true(load_send(load, 100000));
    assert_int_equal(load_check(load, 1), LOAD_OF_REQUEST);
    end(load, 2, 300000);
    load_leave(load);
}

static void test_limits_of_a_source_and_in_total(void **state)
{
    struct fixture *fixture = *state;
    struct load *loads[] = {enter(fixture, "one", 7), enter(fixture, "two", 7), enter(fixture, "three", 8)};
    begin(loads[0], 50, 10);
    begin(loads[1], 20, 10);
    assert_int_equal(load_check(loads[0], 10), LOAD_OF_SOURCE);
    begin(loads[2], 30, 10);
    assert_int_equal(load_check(loads[2], 10), LOAD_IN_TOTAL);
    assert_int_equal(load_count(fixture->table).transactions, 100);
    assert_int_equal(load_count(fixture->table).bytes, 1000);
    end(loads[1], 20, 10);
    assert_int_equal(load_check(loads[2], 10), LOAD_FINE);
    assert_int_equal(load_check(loads[1], 10), LOAD_FINE);
    end(loads[0], 50, 10);
    end(loads[2], 30, 10);
    for (size_t i = 0; i < 3; i++)
        load_leave(loads[i]);
    assert_int_equal(load_count(fixture->table).bytes, 0);
}

static void test_limits_of_bytes_in_flight(void **state)
{
    struct fixture *fixture = *state;
    struct load *loads[] = {enter(fixture, "one", 7), enter(fixture, "two", 7), enter(fixture, "three", 7),
                            enter(fixture, "four", 0), enter(fixture, "five", 0)};
    begin(loads[0], 1, 900000);
    begin(loads[1], 1, 900000);
    assert_int_equal(load_check(loads[2], 900000), LOAD_OF_SOURCE);
    begin(loads[3], 1, 900000);
    assert_int_equal(load_check(loads[4], 900000), LOAD_IN_TOTAL);
    for (size_t i = 0; i < 5; i++) {
        if (i != 2 && i != 4)
            end(loads[i], 1, 900000);
        load_leave(loads[i]);
    }
}

static void test_5393_4_a_an_aor_is_visited_once(void **state)
{
    struct fixture *fixture = *state;
    struct load *load = enter(fixture, "one", 7), *other = enter(fixture, "two", 7);
    assert_true(load_visit(load, TEXT("sip:a@example.com"), TEXT("z9hG4bK1")));
    assert_true(load_visit(load, TEXT("sip:b@example.com"), TEXT("z9hG4bK2")));
    assert_true(load_visit(other, TEXT("sip:a@example.com"), TEXT("z9hG4bK3")));
    /* a retransmission */
    assert_true(load_visit(load, TEXT("sip:a@example.com"), TEXT("z9hG4bK1")));
    assert_false(load_visit(load, TEXT("sip:a@example.com"), TEXT("z9hG4bK4")));
    load_leave(load);
    load_leave(other);
}

static void test_5393_4_a_a_chain_has_an_end(void **state)
{
    struct fixture *fixture = *state;
    struct load *load = enter(fixture, "one", 7);
    char aor[32];
    unsigned visited = 0;
    for (unsigned i = 0; i < 100; i++) {
        snprintf(aor, sizeof aor, "sip:%u@example.com", i);
        visited += load_visit(load, text_of(aor), TEXT("z9hG4bK1"));
    }
    assert_int_equal(visited, 16);
    load_leave(load);
}

static void test_without_memory_nothing_is_kept(void **state)
{
    struct fixture *fixture = *state;
    const struct load_request request = {TEXT("one"), TEXT("a"), TEXT("INVITE"), 1, 7};
    struct load *load = NULL;
    for (uint64_t failing = 1; load == NULL; failing++) {
        fixture->fake.fail_after = fixture->fake.calls + failing;
        if (load_enter(fixture->table, &request, &load) == 0)
            break;
        assert_null(load);
        assert_int_equal(load_count(fixture->table).sources, 0);
        assert_int_equal(load_count(fixture->table).requests, 0);
    }
    fixture->fake.fail_after = fixture->fake.calls + 1;
    assert_false(load_visit(load, TEXT("sip:a@example.com"), TEXT("z9hG4bK1")));
    fixture->fake.fail_after = 0;
    load_leave(load);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_5393_5_a_the_value),
        cmocka_unit_test(test_5393_5_a_the_shares_are_all_that_there_is),
        cmocka_unit_test_setup_teardown(test_a_request_that_comes_again_is_the_same, setup, teardown),
        cmocka_unit_test_setup_teardown(test_one_request_makes_sixty_transactions, setup, teardown),
        cmocka_unit_test_setup_teardown(test_one_request_sends_a_million_bytes, setup, teardown),
        cmocka_unit_test_setup_teardown(test_limits_of_a_source_and_in_total, setup, teardown),
        cmocka_unit_test_setup_teardown(test_limits_of_bytes_in_flight, setup, teardown),
        cmocka_unit_test_setup_teardown(test_5393_4_a_an_aor_is_visited_once, setup, teardown),
        cmocka_unit_test_setup_teardown(test_5393_4_a_a_chain_has_an_end, setup, teardown),
        cmocka_unit_test_setup_teardown(test_without_memory_nothing_is_kept, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
