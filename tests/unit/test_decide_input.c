// SPDX-License-Identifier: BSD-2-Clause
#include "test.h"

#include "cli/say/decide_input.h"

static size_t find(const char *name)
{
    size_t count;
    const struct option *options = decide_options(&count);
    for (size_t i = 0; i < count; i++) {
        if (strcmp(options[i].name, name) == 0)
            return i;
    }
    fail_msg("no option --%s", name);
    return 0;
}

/* Every byte of both structs, but for the code and what pads them to their alignment, is set by some option. */
static void test_every_member_has_an_option(void **unused)
{
    unsigned char covered[sizeof(struct decide_input)] = {0};
    size_t count, bare = 0;
    (void)unused;
    decide_options(&count);
    memset(covered + offsetof(struct decide_input, facts.code), 1, sizeof(uint32_t));
    for (size_t i = 0; i < count; i++) {
        const struct decide_member *member = decide_member_at(i);
        assert_int_equal(covered[member->offset], 0);
        memset(covered + member->offset, 1, member->size);
    }
    for (size_t i = 0; i < sizeof covered; i++)
        bare += covered[i] == 0;
    assert_true(bare < 2 * sizeof(uint32_t));
    assert_int_equal(covered[offsetof(struct decide_input, facts.next_server)], 1);
    assert_int_equal(covered[offsetof(struct decide_input, state.may_recurse)], 1);
    assert_null(decide_member_at(count));
}

static void test_every_option_sets_its_member_alone(void **unused)
{
    size_t count;
    const struct option *options = decide_options(&count);
    (void)unused;
    for (size_t i = 0; i < count; i++) {
        struct decide_input input = {0};
        const char *value[] = {[KIND_FLAG] = NULL,
                               [KIND_NUMBER] = "7",
                               [KIND_METHOD] = "REFER",
                               [KIND_ROLE] = "uac",
                               [KIND_ORIGIN] = "transport"};
        assert_true(decide_set(&input, i, value[decide_member_at(i)->kind]));
        for (size_t j = 0; j < count; j++) {
            bool implied = strcmp(options[i].name, "retry-after") == 0 && j == find("has-retry-after");
            assert_int_equal(decide_get(&input, j) != 0, i == j || implied);
        }
    }
}

static void test_words_are_read_and_written(void **unused)
{
    struct decide_input input = {0};
    (void)unused;
    assert_string_equal(decide_word(&input, find("role")), "proxy");
    assert_string_equal(decide_word(&input, find("origin")), "wire");
    assert_string_equal(decide_word(&input, find("method")), "other");
    assert_true(decide_set(&input, find("method"), "SUBSCRIBE"));
    assert_true(decide_set(&input, find("role"), "registrar"));
    assert_true(decide_set(&input, find("origin"), "flow_down"));
    assert_int_equal(input.facts.method, METHOD_SUBSCRIBE);
    assert_int_equal(input.facts.role, ROLE_REGISTRAR);
    assert_int_equal(input.facts.origin, ORIGIN_FLOW_DOWN);
    assert_string_equal(decide_word(&input, find("method")), "SUBSCRIBE");
    assert_true(decide_set(&input, find("method"), "PING"));
    assert_int_equal(input.facts.method, METHOD_OTHER);
    assert_null(decide_word(&input, find("flows-left")));
}

static void test_values_out_of_range_set_nothing(void **unused)
{
    const struct decide_input none = {0};
    struct decide_input input = {0};
    (void)unused;
    assert_false(decide_set(&input, find("flows-left"), "65536"));
    assert_false(decide_set(&input, find("retry-after"), "4294967296"));
    assert_false(decide_set(&input, find("retry-after"), "soon"));
    assert_false(decide_set(&input, find("role"), "b2bua"));
    assert_false(decide_set(&input, find("origin"), ""));
    assert_false(decide_set(&input, find("method"), "invite"));
    assert_false(decide_set(&input, find("method"), ""));
    assert_memory_equal(&input, &none, sizeof none);
    assert_int_equal(decide_limit(find("flows-left")), UINT16_MAX);
    assert_int_equal(decide_limit(find("retry-after")), UINT32_MAX);
    assert_int_equal(decide_limit(find("unwanted")), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_member_has_an_option),
        cmocka_unit_test(test_every_option_sets_its_member_alone),
        cmocka_unit_test(test_words_are_read_and_written),
        cmocka_unit_test(test_values_out_of_range_set_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
