// SPDX-License-Identifier: BSD-2-Clause
#include <errno.h>

#include "test.h"

#include "call/message_cache.h"

/* Each parse allocates, so the allocations of the fake host count the parses. */

struct cache_test {
    struct fake_host fake;
    struct message_cache cache;
};

static int setup(void **state)
{
    struct cache_test *test = calloc(1, sizeof *test);
    fake_host_create(&test->fake);
    message_cache_create(&test->cache, &test->fake.host);
    *state = test;
    return 0;
}

static int teardown(void **state)
{
    struct cache_test *test = *state;
    message_cache_destroy(&test->cache);
    size_t left = test->fake.allocated;
    free(test);
    return left == 0 ? 0 : -1;
}

static size_t write_request(char *out, size_t size, unsigned nth, size_t body)
{
    int length = snprintf(out, size,
                          "INVITE sip:bob@example.com SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.4;branch=z9hG4bK%u\r\n"
                          "From: <sip:alice@example.com>;tag=a\r\nTo: <sip:bob@example.com>\r\nMax-Forwards: 70\r\n"
                          "Call-ID: call\r\nCSeq: 1 INVITE\r\nContent-Length: %zu\r\n\r\n%0*d",
                          nth, body, (int)body, 0);
    assert_in_range(length, 1, size - 1);
    return (size_t)length;
}

static bool parses(struct cache_test *test, unsigned nth, struct sip_message **out)
{
    char bytes[1024];
    struct sip_fault fault;
    uint64_t calls = test->fake.calls;
    size_t length = write_request(bytes, sizeof bytes, nth, 4);
    assert_int_equal(message_cache_take(&test->cache, bytes, length, out, &fault), 0);
    memset(bytes, 'x', sizeof bytes); /* the message does not live on the host's bytes */
    char branch[32];
    snprintf(branch, sizeof branch, "z9hG4bK%u", nth);
    assert_true(text_equal(sip_top_via(*out)->branch, text_of(branch)));
    assert_true(text_equal(sip_call_id(*out), TEXT("call")));
    return test->fake.calls != calls;
}

static void test_a_message_is_parsed_once(void **state)
{
    struct cache_test *test = *state;
    struct sip_message *message;
    assert_true(parses(test, 1, &message));
    message_cache_return(&test->cache, message);
    for (unsigned i = 0; i < 100; i++) {
        assert_false(parses(test, 1, &message));
        message_cache_return(&test->cache, message);
    }
}

/* One byte more or less, or another one, is another message. */
static void test_another_message_is_parsed(void **state)
{
    struct cache_test *test = *state;
    struct sip_message *message;
    for (unsigned nth = 1; nth < 2 * MESSAGE_CACHE_SLOTS; nth++) {
        assert_true(parses(test, nth, &message));
        message_cache_return(&test->cache, message);
        assert_false(parses(test, nth, &message));
        message_cache_return(&test->cache, message);
    }
}

/* The calls of one process take turns. */
static void test_several_calls_have_room(void **state)
{
    struct cache_test *test = *state;
    struct sip_message *message;
    unsigned parsed = 0;
    for (unsigned round = 0; round < 10; round++) {
        for (unsigned nth = 1; nth <= 8; nth++) {
            parsed += parses(test, nth, &message);
            message_cache_return(&test->cache, message);
        }
    }
    assert_in_range(parsed, 8, 40);
}

static void test_a_message_in_use_is_not_shared(void **state)
{
    struct cache_test *test = *state;
    struct sip_message *first, *second;
    assert_true(parses(test, 1, &first));
    assert_true(parses(test, 1, &second));
    assert_ptr_not_equal(first, second);
    message_cache_return(&test->cache, first);
    message_cache_return(&test->cache, second);
    assert_false(parses(test, 1, &second));
    message_cache_return(&test->cache, second);
    message_cache_return(&test->cache, NULL);
}

static void test_a_long_message_is_not_kept(void **state)
{
    struct cache_test *test = *state;
    static char bytes[20000];
    struct sip_message *message;
    struct sip_fault fault;
    size_t length = write_request(bytes, sizeof bytes, 1, MESSAGE_CACHE_LONGEST);
    size_t before = test->fake.allocated;
    assert_int_equal(message_cache_take(&test->cache, bytes, length, &message, &fault), 0);
    message_cache_return(&test->cache, message);
    assert_int_equal(test->fake.allocated, before);
}

static void test_an_error_leaves_no_message(void **state)
{
    struct cache_test *test = *state;
    struct sip_message *message;
    struct sip_fault fault;
    static const char broken[] = "INVITE sip:bob@example.com SIP/2.0\r\nVia: SIP/2.0/UDP h;branch=z9hG4bK1\r\n"
                                 "CSeq: 1 INVITE\r\n\r\n";
    assert_int_equal(message_cache_take(&test->cache, broken, sizeof broken - 1, &message, &fault), -EBADMSG);
    assert_null(message);
    char bytes[1024];
    size_t length = write_request(bytes, sizeof bytes, 1, 0);
    bool failed = true;
    for (unsigned nth = 1; failed; nth++) {
        test->fake.fail_after = test->fake.calls + nth;
        int error = message_cache_take(&test->cache, bytes, length, &message, &fault);
        test->fake.fail_after = 0;
        failed = error != 0;
        assert_true(!failed || (error == -ENOMEM && message == NULL));
    }
    message_cache_return(&test->cache, message);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_a_message_is_parsed_once),   TEST(test_another_message_is_parsed),
        TEST(test_several_calls_have_room),    TEST(test_a_message_in_use_is_not_shared),
        TEST(test_a_long_message_is_not_kept), TEST(test_an_error_leaves_no_message),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
