// SPDX-License-Identifier: BSD-2-Clause
#include "test.h"

#include <errno.h>

#include "core/code.h"
#include "script/engine/explainer.h"

static struct explainer *made(void)
{
    char error[256] = "";
    struct explainer *explainer = NULL;
    assert_int_equal(explainer_new(&explainer, error, sizeof error), 0);
    assert_string_equal(error, "");
    return explainer;
}

static void test_every_code_is_told_in_both_languages(void **unused)
{
    struct explainer *explainer = made();
    struct text languages[] = {TEXT("en"), TEXT("es")};
    char error[256], title[128];
    (void)unused;
    for (size_t i = 0; i < code_count(); i++) {
        for (size_t j = 0; j < 2; j++) {
            struct explained told;
            const struct code *code = code_at(i);
            assert_int_equal(explainer_tell(explainer, code->number, languages[j], &told, error, sizeof error), 0);
            snprintf(title, sizeof title, "%u %s", code->number, code->phrase);
            assert_true(text_equal(told.title, text_of(title)));
            assert_true(told.description.length > 20);
            assert_int_equal(strlen(told.whole.at), told.whole.length);
            assert_int_equal(strncmp(told.whole.at, title, strlen(title)), 0);
        }
    }
    explainer_delete(explainer);
}

static void test_what_is_no_code_or_no_language_is_refused_in_words(void **unused)
{
    struct explainer *explainer = made();
    struct explained told;
    char error[256];
    (void)unused;
    assert_int_equal(explainer_tell(explainer, 99, TEXT("en"), &told, error, sizeof error), -EINVAL);
    assert_non_null(strstr(error, "not a SIP status code"));
    assert_int_equal(explainer_tell(explainer, 430, TEXT("xx"), &told, error, sizeof error), -EINVAL);
    assert_non_null(strstr(error, "no texts in 'xx'"));
    assert_int_equal(explainer_tell(explainer, 430, TEXT("a very long language"), &told, error, sizeof error), -EINVAL);
    assert_int_equal(explainer_tell(explainer, 430, TEXT("en"), &told, error, sizeof error), 0);
    explainer_delete(explainer);
    explainer_delete(NULL);
}

static void test_a_language_is_known_by_its_catalog(void **unused)
{
    (void)unused;
    assert_true(explainer_knows(TEXT("en")));
    assert_true(explainer_knows(TEXT("es")));
    assert_false(explainer_knows(TEXT("en_words")));
    assert_false(explainer_knows(TEXT("")));
    assert_false(explainer_knows(TEXT("fr")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_code_is_told_in_both_languages),
        cmocka_unit_test(test_what_is_no_code_or_no_language_is_refused_in_words),
        cmocka_unit_test(test_a_language_is_known_by_its_catalog),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
