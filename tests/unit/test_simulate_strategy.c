// SPDX-License-Identifier: BSD-2-Clause
#include "test.h"

#include "cli/simulate/simulate_strategy.h"
#include "flow/recovery.h"

static struct strategy named(const char *name)
{
    struct strategy strategy;
    assert_true(strategy_read(&strategy, name, strlen(name)));
    assert_string_equal(strategy.name, name);
    return strategy;
}

static void test_names(void **unused)
{
    (void)unused;
    static const char *const broken[] = {
        "",       "rf",       "rfcs",     "rfc:",     "rfc:30",      "fixed",
        "fixed:", "fixed:0",  "fixed:-1", "fixed:1s", "fixed: 30",   "fixed30",
        "jitter", "jitter:0", "paced:1",  "FIXED:30", "fixed:86401", "fixed:99999999999999999999"};
    struct strategy strategy;
    assert_int_equal(named("rfc").kind, STRATEGY_RFC);
    assert_int_equal(named("paced").kind, STRATEGY_PACED);
    assert_int_equal(named("fixed:30").seconds, 30);
    assert_int_equal(named("jitter:86400").seconds, 86400);
    for (size_t i = 0; i < sizeof broken / sizeof broken[0]; i++)
        assert_false(strategy_read(&strategy, broken[i], strlen(broken[i])));
}

static struct strategy_failure failure_of(enum origin origin, uint32_t failures, bool alive, uint32_t random)
{
    return (struct strategy_failure){
        .origin = origin, .failures = failures, .any_flow_alive = alive, .random = random, .reg_id = 1};
}

static void test_5626_4_5_a_rfc_waits_as_the_recovery_delay_says(void **unused)
{
    (void)unused;
    const struct strategy rfc = named("rfc");
    assert_int_equal(strategy_first_wait(&rfc, UINT32_MAX), 0);
    for (uint32_t failures = 1; failures < 255; failures++) {
        for (int alive = 0; alive <= 1; alive++) {
            const uint32_t random = failures * 16843009U;
            struct strategy_failure failure = failure_of(ORIGIN_TIMEOUT, failures, alive, random);
            assert_int_equal(strategy_wait(&rfc, &failure), recovery_delay_ms(failures, alive, random));
            failure.origin = ORIGIN_WIRE;
            assert_int_equal(strategy_wait(&rfc, &failure), recovery_delay_ms(failures, alive, random));
        }
    }
}

static void test_5626_4_2_b_retry_after_counts_but_for_those_who_do_not_listen(void **unused)
{
    (void)unused;
    struct strategy_failure failure = failure_of(ORIGIN_WIRE, 3, false, 12345);
    failure.retry_after_s = 7;
    const struct strategy rfc = named("rfc"), paced = named("paced"), jitter = named("jitter:60");
    const struct strategy fixed = named("fixed:30");
    assert_int_equal(strategy_wait(&rfc, &failure), 7000);
    assert_int_equal(strategy_wait(&paced, &failure), 7000);
    assert_int_equal(strategy_wait(&jitter, &failure), 7000);
    assert_int_equal(strategy_wait(&fixed, &failure), 30000);
}

static void test_jitter_covers_its_range_and_fixed_does_not_vary(void **unused)
{
    (void)unused;
    const struct strategy jitter = named("jitter:60"), fixed = named("fixed:30");
    assert_int_equal(strategy_first_wait(&jitter, 0), 0);
    assert_int_equal(strategy_first_wait(&jitter, UINT32_MAX), 60000);
    assert_int_equal(strategy_first_wait(&fixed, UINT32_MAX), 0);
    struct strategy_failure failure = failure_of(ORIGIN_TIMEOUT, 9, false, 1U << 31);
    assert_int_equal(strategy_wait(&jitter, &failure), 30000);
    assert_int_equal(strategy_wait(&fixed, &failure), 30000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_names),
        cmocka_unit_test(test_5626_4_5_a_rfc_waits_as_the_recovery_delay_says),
        cmocka_unit_test(test_5626_4_2_b_retry_after_counts_but_for_those_who_do_not_listen),
        cmocka_unit_test(test_jitter_covers_its_range_and_fixed_does_not_vary),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
