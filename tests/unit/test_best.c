// SPDX-License-Identifier: BSD-2-Clause
#include "decide_check.h"

#include "core/best.h"

/* Codes from the wire; negative: made up here. */
static struct best best_of(enum method method, const int *codes, size_t count)
{
    struct stored_response responses[8];
    for (size_t i = 0; i < count; i++) {
        responses[i].code = (uint16_t)abs(codes[i]);
        responses[i].origin = codes[i] < 0 ? ORIGIN_TIMEOUT : ORIGIN_WIRE;
    }
    return best_choose(method, responses, count);
}

#define BEST(method, ...) best_of(method, (const int[]){__VA_ARGS__}, sizeof((const int[]){__VA_ARGS__}) / sizeof(int))

static void check(struct best best, int index, uint32_t status, const char *rule)
{
    assert_int_equal(best.index, index);
    assert_int_equal(best.status, status);
    assert_rule(best, rule);
}

static void test_3261_16_7_e_6xx_first_then_the_lowest_class(void **unused)
{
    (void)unused;
    check(BEST(METHOD_INVITE, 500, 486, 302, 603), 3, 603, "3261-16.7.e");
    check(BEST(METHOD_INVITE, 500, 486, 302), 2, 302, "3261-16.7.e");
    check(BEST(METHOD_INVITE, 500, 486, 404), 1, 486, "3261-16.7.e");
    check(BEST(METHOD_INVITE, 500, 502), 0, 500, "3261-16.7.e");
    check(BEST(METHOD_OPTIONS, 603, 200), 1, 200, "3261-16.7.e");
    check(BEST(METHOD_INVITE, 477, 500), 0, 477, "3261-16.7.e");
}

static void test_3261_16_7_e_helpful_4xx_first(void **unused)
{
    (void)unused;
    const int helpful[] = {401, 407, 415, 420, 484};
    for (size_t i = 0; i < 5; i++) {
        assert_int_equal(BEST(METHOD_INVITE, 486, helpful[i], 404).index, 1);
        assert_int_equal(BEST(METHOD_INVITE, helpful[i], 486).index, 0);
        assert_int_equal(BEST(METHOD_INVITE, helpful[i], 302).index, 1);
    }
    assert_int_equal(BEST(METHOD_INVITE, 408, 486).index, 1);
}

static void test_3261_16_7_f_nothing_received_is_408(void **unused)
{
    (void)unused;
    check(best_choose(METHOD_INVITE, NULL, 0), -1, 408, "3261-16.7.f");
    assert_int_equal(BEST(METHOD_INVITE, -408).status, 408);
    assert_int_equal(BEST(METHOD_INVITE, -408).index, -1);
}

static void test_3261_16_7_g_503_goes_up_as_500(void **unused)
{
    (void)unused;
    check(BEST(METHOD_INVITE, 503), 0, 500, "3261-16.7.g");
    check(BEST(METHOD_INVITE, -503), -1, 500, "3261-16.7.g");
    check(BEST(METHOD_INVITE, -503, 503), 1, 500, "3261-16.7.g");
}

static void test_3261_16_7_h_a_challenge_takes_all_others_along(void **unused)
{
    (void)unused;
    const struct best best = BEST(METHOD_INVITE, 486, 407, 401);
    check(best, 1, 407, "3261-16.7.h");
    assert_true(best.merge);
    assert_false(BEST(METHOD_INVITE, 486, 600, 401).merge);
}

static void test_5626_11_5_a_430_alone_is_480(void **unused)
{
    (void)unused;
    check(BEST(METHOD_INVITE, 430), 0, 480, "5626-11.5.a");
    check(BEST(METHOD_INVITE, -430, 430), 1, 480, "5626-11.5.a");
    check(BEST(METHOD_INVITE, -430), -1, 480, "5626-11.5.a");
    check(BEST(METHOD_OPTIONS, 430, -408), 0, 480, "5626-11.5.a");
}

static void test_5626_11_5_b_430_is_below_every_other_final(void **unused)
{
    (void)unused;
    check(BEST(METHOD_INVITE, 430, 486), 1, 486, "5626-11.5.b");
    for (int code = 200; code < 700; code++) {
        if (code == 430)
            continue;
        assert_int_equal(BEST(METHOD_INVITE, 430, code).index, 1);
        assert_int_equal(BEST(METHOD_INVITE, code, 430).index, 0);
    }
    assert_int_equal(BEST(METHOD_INVITE, 430, -408).status, 408);
}

static void test_4320_4_a_408_never_goes_to_a_non_invite(void **unused)
{
    (void)unused;
    for (unsigned method = 0; method < METHOD_COUNT + 1; method++) {
        if (method == METHOD_INVITE)
            continue;
        check(best_choose((enum method)method, NULL, 0), -1, 0, "4320-4.a");
        check(BEST((enum method)method, 408, -408), -1, 0, "4320-4.a");
        check(BEST((enum method)method, 408, 500), 1, 500, "3261-16.7.e");
    }
}

static void test_garbage_is_never_chosen(void **unused)
{
    (void)unused;
    check(BEST(METHOD_INVITE, 0, 100, 199, 700), -1, 408, "3261-16.7.f");
    check(BEST(METHOD_INVITE, 180, 599), 1, 599, "3261-16.7.e");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_3261_16_7_e_6xx_first_then_the_lowest_class),
        cmocka_unit_test(test_3261_16_7_e_helpful_4xx_first),
        cmocka_unit_test(test_3261_16_7_f_nothing_received_is_408),
        cmocka_unit_test(test_3261_16_7_g_503_goes_up_as_500),
        cmocka_unit_test(test_3261_16_7_h_a_challenge_takes_all_others_along),
        cmocka_unit_test(test_5626_11_5_a_430_alone_is_480),
        cmocka_unit_test(test_5626_11_5_b_430_is_below_every_other_final),
        cmocka_unit_test(test_4320_4_a_408_never_goes_to_a_non_invite),
        cmocka_unit_test(test_garbage_is_never_chosen),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
