// SPDX-License-Identifier: BSD-2-Clause
#include "test.h"

#include "standalone/net/stun.h"

/* A binding request with the RFC's own cookie and a transaction id of 1 to 12. */
static size_t request(char *out, const char *attributes, size_t size)
{
    static const char header[20] = {0, 1, 0, 0, 0x21, 0x12, (char)0xa4, 0x42, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12};
    memcpy(out, header, sizeof header);
    out[3] = (char)size;
    memcpy(out + sizeof header, attributes, size);
    return sizeof header + size;
}

static union address source_v4(void)
{
    union address address;
    assert_true(address_read(text_of("192.0.2.1"), 32853, &address));
    return address;
}

static void test_5626_5_4_b_binding_request_is_answered_with_the_mapped_address(void **state)
{
    (void)state;
    static const unsigned char wanted[] = {1, 1, 0, 12, 0x21, 0x12, 0xa4, 0x42, 1,    2,   3,
                                           4, 5, 6, 7,  8,    9,    10,   11,   12,   0,   0x20,
                                           0, 8, 0, 1,  0xa1, 0x47, 0xe1, 0x12, 0xa6, 0x43};
    char asked[64], answer[STUN_ANSWER_MOST];
    union address from = source_v4();
    size_t length = stun_answer(asked, request(asked, "", 0), &from, answer);
    assert_int_equal(length, sizeof wanted);
    assert_memory_equal(answer, wanted, sizeof wanted);
}

static void test_5626_6_j_a_registrar_answers_over_ipv6_too(void **state)
{
    (void)state;
    char asked[64], answer[STUN_ANSWER_MOST];
    union address from;
    assert_true(address_read(text_of("2001:db8::1"), 5060, &from));
    size_t length = stun_answer(asked, request(asked, "", 0), &from, answer);
    assert_int_equal(length, 20 + 24);
    assert_int_equal(answer[25], 2);
    /* The last byte of the address is 1, of the transaction id 12. */
    assert_int_equal(answer[43], 1 ^ 12);
}

static void test_an_attribute_that_must_be_understood_and_is_not(void **state)
{
    (void)state;
    char asked[64], answer[STUN_ANSWER_MOST];
    union address from = source_v4();
    size_t length = stun_answer(asked, request(asked, "\x7f\x01\0\x02zz\0\0", 8), &from, answer);
    assert_true(length > 20);
    assert_int_equal((unsigned char)answer[1], 0x11);
    assert_int_equal(answer[26], 4);
    assert_int_equal(answer[27], 20);
    assert_int_equal((unsigned char)answer[length - 4], 0x7f);
    assert_int_equal(answer[length - 3], 1);
    assert_int_equal(stun_answer(asked, request(asked, "\x80\x22\0\x02zz\0\0", 8), &from, answer), 32);
}

static void test_garbage_is_not_answered(void **state)
{
    (void)state;
    char asked[64], answer[STUN_ANSWER_MOST];
    union address from = source_v4();
    size_t whole = request(asked, "\x00\x06\0\x04user", 8);
    assert_int_equal(stun_answer(asked, whole, &from, answer), 32);
    for (size_t cut = 0; cut < whole; cut++)
        assert_int_equal(stun_answer(asked, cut, &from, answer), 0);
    asked[23] = 40; /* an attribute longer than the message */
    assert_int_equal(stun_answer(asked, whole, &from, answer), 0);
    request(asked, "", 0);
    asked[1] = 0x11; /* an indication */
    assert_int_equal(stun_answer(asked, 20, &from, answer), 0);
    assert_false(stun_is("REGISTER sip:example.com SIP/2.0", 32));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_5626_5_4_b_binding_request_is_answered_with_the_mapped_address),
        cmocka_unit_test(test_5626_6_j_a_registrar_answers_over_ipv6_too),
        cmocka_unit_test(test_an_attribute_that_must_be_understood_and_is_not),
        cmocka_unit_test(test_garbage_is_not_answered)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
