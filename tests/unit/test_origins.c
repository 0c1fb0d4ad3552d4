// SPDX-License-Identifier: BSD-2-Clause
#include "test.h"

#include <errno.h>

#include "standalone/websocket/origins.h"

static void test_scheme_and_host_have_no_case_and_standard_ports_are_equal(void **state)
{
    struct origins origins = {.count = 0};
    (void)state;
    assert_int_equal(origins_add(&origins, TEXT("https://Phone.Example.com")), 0);
    assert_int_equal(origins_add(&origins, TEXT("http://intern.example.com:8080")), 0);
    assert_int_equal(origins_add(&origins, TEXT("http://[2001:db8::1]")), 0);
    assert_int_equal(origins_add(&origins, TEXT("capacitor://localhost")), 0);
    static const char *const good[] = {"https://phone.example.com",     "HTTPS://PHONE.EXAMPLE.COM",
                                       "https://phone.example.com:443", "http://intern.example.com:8080",
                                       "http://[2001:DB8::1]:80",       "capacitor://localhost"};
    static const char *const bad[] = {"http://phone.example.com",
                                      "https://phone.example.com:8443",
                                      "https://phone.example.com:80",
                                      "https://phone.example.com.evil.example",
                                      "https://evil.example/https://phone.example.com",
                                      "https://phone.example.com@evil.example",
                                      "https://phone.example.com/",
                                      "https://phone.example.com,https://evil.example",
                                      "https://phone.example.com https://evil.example",
                                      "https://phone.example.com:",
                                      "https://phone.example.com:443x",
                                      "https://phone.example.com:4294967739",
                                      "https://",
                                      "phone.example.com",
                                      "//phone.example.com",
                                      "://phone.example.com",
                                      "https:",
                                      "https:/",
                                      "http://intern.example.com",
                                      "http://[2001:db8::1",
                                      "http://[2001:db8::1]x",
                                      "capacitor://localhost:80",
                                      "null",
                                      ""};
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        if (!origins_have(&origins, text_of(good[i])))
            fail_msg("%s", good[i]);
    }
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        if (origins_have(&origins, text_of(bad[i])))
            fail_msg("%s", bad[i]);
    }
}

static void test_without_origins_all_are_allowed(void **state)
{
    const struct origins origins = {.count = 0};
    (void)state;
    assert_true(origins_have(NULL, TEXT("https://evil.example")));
    assert_true(origins_have(&origins, TEXT("null")));
}

static void test_what_is_no_origin_is_refused(void **state)
{
    struct origins origins = {.count = 0};
    static const char *const bad[] = {"",          "null",       "*",           "example.com",     "https://a/",
                                      "https://*", "https://a:", "https://a:0", "https://a:65536", "https://u@a",
                                      "1s://a",    "https://a?", "https://a b"};
    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        if (origins_add(&origins, text_of(bad[i])) != -EINVAL)
            fail_msg("%s", bad[i]);
    }
    assert_int_equal(origins.count, 0);
    for (size_t i = 0; i < ORIGINS_MOST; i++)
        assert_int_equal(origins_add(&origins, TEXT("https://a")), 0);
    assert_int_equal(origins_add(&origins, TEXT("https://a")), -ENOSPC);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_scheme_and_host_have_no_case_and_standard_ports_are_equal),
        cmocka_unit_test(test_without_origins_all_are_allowed),
        cmocka_unit_test(test_what_is_no_origin_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
