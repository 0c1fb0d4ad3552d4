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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_known_hashes),
        cmocka_unit_test(test_no_bytes_at_all),
        cmocka_unit_test(test_names_and_what_is_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
