// SPDX-License-Identifier: BSD-2-Clause
#include "test.h"

#include "flow/digest.h"

static void assert_digest(enum digest digest, const char *bytes, const char *expected)
{
    char out[DIGEST_HEX_MOST];
    assert_true(digest_hex(digest, text_of(bytes), out));
    assert_string_equal(out, expected);
}

static void test_known_hashes(void **unused)
{
    (void)unused;
    assert_digest(DIGEST_MD5, "", "d41d8cd98f00b204e9800998ecf8427e");
    assert_digest(DIGEST_MD5, "abc", "900150983cd24fb0d6963f7d28e17f72");
    assert_digest(DIGEST_SHA_256, "abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    assert_digest(DIGEST_SHA_512_256, "abc", "53048e2681941ef99b2e29b76b4c7dabe4c2d0c634fc6d46e0e2f13107e7af23");
}

static void test_no_bytes_at_all(void **unused)
{
    char out[DIGEST_HEX_MOST];
    (void)unused;
    assert_true(digest_hex(DIGEST_MD5, (struct text){NULL, 0}, out));
    assert_string_equal(out, "d41d8cd98f00b204e9800998ecf8427e");
}

static void test_names_and_what_is_none(void **unused)
{
    char out[DIGEST_HEX_MOST];
    (void)unused;
    assert_string_equal(digest_name(DIGEST_SHA_512_256), "SHA-512-256");
    assert_string_equal(digest_name(DIGEST_COUNT), "?");
    assert_false(digest_hex(DIGEST_COUNT, TEXT("abc"), out));
}

/* RFC 7616 3.9.1. */
static void assert_example(enum digest digest, const char *expected)
{
    char ha1[DIGEST_HEX_MOST], ha2[DIGEST_HEX_MOST], response[DIGEST_HEX_MOST];
    const struct text secret[] = {TEXT("Mufasa"), TEXT("http-auth@example.org"), TEXT("Circle of Life")};
    const struct text request[] = {TEXT("GET"), TEXT("/dir/index.html")};
    assert_true(digest_hex_joined(digest, secret, 3, ha1));
    assert_true(digest_hex_joined(digest, request, 2, ha2));
    const struct text parts[] = {text_of(ha1),     TEXT("7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v"),
                                 TEXT("00000001"), TEXT("f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ"),
                                 TEXT("auth"),     text_of(ha2)};
    assert_true(digest_hex_joined(digest, parts, 6, response));
    assert_string_equal(response, expected);
}

static void test_7616_a_examples_of_rfc_7616(void **unused)
{
    (void)unused;
    assert_example(DIGEST_MD5, "8ca523f5e9506fed4657c9700eebdbec");
    assert_example(DIGEST_SHA_256, "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1");
}

static void test_joined_texts_are_hashed_with_colons(void **unused)
{
    char joined[DIGEST_HEX_MOST], whole[DIGEST_HEX_MOST];
    const struct text texts[] = {TEXT("a"), {NULL, 0}, TEXT("b:c")};
    (void)unused;
    assert_true(digest_hex_joined(DIGEST_SHA_512_256, texts, 3, joined));
    assert_true(digest_hex(DIGEST_SHA_512_256, TEXT("a::b:c"), whole));
    assert_string_equal(joined, whole);
    assert_true(digest_hex_joined(DIGEST_MD5, NULL, 0, joined));
    assert_string_equal(joined, "d41d8cd98f00b204e9800998ecf8427e");
}

static void test_a_digester_computes_the_same(void **unused)
{
    char joined[DIGEST_HEX_MOST], again[DIGEST_HEX_MOST];
    const struct text texts[] = {TEXT("a"), {NULL, 0}, TEXT("b:c")};
    struct digester digester;
    (void)unused;
    assert_int_equal(digester_create(&digester), 0);
    /* One after the other, because they share a context. */
    for (int i = 0; i < 2 * DIGEST_COUNT; i++) {
        enum digest digest = (enum digest)(i % DIGEST_COUNT);
        assert_true(digest_hex_joined(digest, texts, 3, joined));
        assert_true(digester_hex_joined(&digester, digest, texts, 3, again));
        assert_string_equal(again, joined);
    }
    assert_false(digester_hex_joined(&digester, DIGEST_COUNT, texts, 3, again));
    digester_destroy(&digester);
    assert_false(digester_hex_joined(&digester, DIGEST_MD5, texts, 3, again));
    digester_destroy(&digester);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_known_hashes),
        cmocka_unit_test(test_no_bytes_at_all),
        cmocka_unit_test(test_names_and_what_is_none),
        cmocka_unit_test(test_7616_a_examples_of_rfc_7616),
        cmocka_unit_test(test_joined_texts_are_hashed_with_colons),
        cmocka_unit_test(test_a_digester_computes_the_same),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
