// SPDX-License-Identifier: BSD-2-Clause
#include "test.h"

#include "sip/frame.h"
#include "sip_corpus.h"

#define HEAD "OPTIONS sip:a@b SIP/2.0\r\nVia: x\r\n"

static enum frame cut(const char *bytes, size_t available, size_t *length)
{
    size_t resume = 0;
    return sip_frame(bytes, available, NULL, &resume, length);
}

static void assert_frame(const char *text, enum frame frame, size_t length)
{
    size_t actual = 12345;
    enum frame found = cut(text, strlen(text), &actual);
    if (found != frame || actual != length)
        fail_msg("frame %d of %zu, expected %d of %zu: %s", found, actual, frame, length, text);
}

static void test_keep_alives(void **state)
{
    (void)state;
    assert_frame("", FRAME_MORE, 0);
    assert_frame("\r", FRAME_MORE, 0);
    assert_frame("\r\n", FRAME_MORE, 0);
    assert_frame("\r\n\r", FRAME_MORE, 0);
    assert_frame("\r\n\r\n", FRAME_PING, 4);
    assert_frame("\r\n\r\n\r\n", FRAME_PING, 4);
    assert_frame("\r\n\r\nOPTIONS", FRAME_PING, 4);
    assert_frame("\r\nOPTIONS", FRAME_PONG, 2);
    assert_frame("\r\n\rX", FRAME_PONG, 2);
}

static void test_whole_messages(void **state)
{
    (void)state;
    assert_frame(HEAD "Content-Length: 0\r\n\r\n", FRAME_MESSAGE, strlen(HEAD) + 21);
    assert_frame(HEAD "l:4\r\n\r\nbody\r\n\r\n", FRAME_MESSAGE, strlen(HEAD) + 11);
    assert_frame(HEAD "CONTENT-LENGTH \t:\r\n 4\r\n\r\nbodyOPTIONS", FRAME_MESSAGE, strlen(HEAD) + 29);
    assert_frame(HEAD "X: a\r\n Content-Length: 9\r\nL: 0\r\n\r\n", FRAME_MESSAGE, strlen(HEAD) + 34);
}

static void test_parts_of_messages(void **state)
{
    (void)state;
    assert_frame("O", FRAME_MORE, 0);
    assert_frame(HEAD, FRAME_MORE, 0);
    assert_frame(HEAD "Content-Length: 4\r\n", FRAME_MORE, 0);
    assert_frame(HEAD "Content-Length: 4\r\n\r", FRAME_MORE, 0);
    assert_frame(HEAD "Content-Length: 4\r\n\r\n", FRAME_MORE, 0);
    assert_frame(HEAD "Content-Length: 4\r\n\r\nbod", FRAME_MORE, 0);
}

static void test_streams_that_are_broken(void **state)
{
    (void)state;
    assert_frame(HEAD "\r\n", FRAME_BROKEN, strlen(HEAD) + 2);
    assert_frame(HEAD "Content-Length: x\r\n\r\nbody", FRAME_BROKEN, strlen(HEAD) + 21);
    assert_frame(HEAD "Content-Length: -4\r\n\r\nbody", FRAME_BROKEN, strlen(HEAD) + 22);
    assert_frame(HEAD "Content-Length:\r\n\r\nbody", FRAME_BROKEN, strlen(HEAD) + 19);
    assert_frame(HEAD "l: 4\r\nl: 4\r\n\r\nbody", FRAME_BROKEN, strlen(HEAD) + 14);
    assert_frame(HEAD "l: 0\n", FRAME_BROKEN, strlen(HEAD) + 5);
    assert_frame(HEAD "l: 0\r\n\n", FRAME_BROKEN, strlen(HEAD) + 7);
    assert_frame("\x16\x03\x01", FRAME_BROKEN, 3);
    assert_frame("(x", FRAME_BROKEN, 2);
}

static void test_stray_bytes_are_skipped(void **state)
{
    (void)state;
    size_t length = 0;
    assert_frame("\n", FRAME_STRAY, 1);
    assert_frame("\n\nOPTIONS", FRAME_STRAY, 2);
    assert_frame(" \t x", FRAME_STRAY, 3);
    assert_frame("\rX", FRAME_STRAY, 1);
    assert_frame("\r\r\n\r\n", FRAME_STRAY, 1);
    assert_frame("\n\r\n\r\n", FRAME_STRAY, 1);
    assert_frame("\r\n\n", FRAME_PONG, 2);
    assert_frame("\r\n \r\n", FRAME_PONG, 2);
    assert_frame("\r\n\r\n ", FRAME_PING, 4);
    assert_int_equal(cut("\0\0 \0OPTIONS", 11, &length), FRAME_STRAY);
    assert_int_equal(length, 4);
    assert_int_equal(cut("\0", 1, &length), FRAME_STRAY);
    assert_int_equal(length, 1);
}

/* The same frames, however the bytes arrive; the strays add up to the same number. */
static void test_5626_5_4_a_pings_are_found_among_stray_bytes(void **state)
{
    static const char BYTES[] = " \0\r\n\r\n\n\r\r\n\r\n" HEAD "l: 0\r\n\r\n\0\n" HEAD "l: 1\r\n\r\nb \r\n\r\n";
    (void)state;
    for (size_t step = 1; step < sizeof BYTES; step++) {
        size_t used = 0, available = 0, resume = 0, strays = 0, pings = 0, messages = 0, length;
        while (available < sizeof BYTES - 1) {
            available = available + step < sizeof BYTES - 1 ? available + step : sizeof BYTES - 1;
            enum frame frame;
            while ((frame = sip_frame(BYTES + used, available - used, NULL, &resume, &length)) != FRAME_MORE) {
                assert_true(frame == FRAME_PING || frame == FRAME_STRAY || frame == FRAME_MESSAGE);
                strays += frame == FRAME_STRAY ? length : 0;
                pings += frame == FRAME_PING;
                messages += frame == FRAME_MESSAGE;
                used += length;
            }
        }
        assert_int_equal(used, sizeof BYTES - 1);
        assert_int_equal(strays, 7);
        assert_int_equal(pings, 3);
        assert_int_equal(messages, 2);
    }
}

static void test_limits(void **state)
{
    (void)state;
    static const char TEXT_[] = HEAD "Content-Length: 10\r\n\r\n0123456789";
    struct sip_limits limits = {.message = sizeof TEXT_ - 1};
    size_t resume = 0, length = 0;
    assert_int_equal(sip_frame(TEXT_, sizeof TEXT_ - 1, &limits, &resume, &length), FRAME_MESSAGE);
    limits.message--;
    resume = 0;
    assert_int_equal(sip_frame(TEXT_, sizeof TEXT_ - 1, &limits, &resume, &length), FRAME_TOO_LONG);
    assert_int_equal(length, sizeof TEXT_ - 11);
    resume = 0;
    assert_int_equal(sip_frame(TEXT_, sizeof TEXT_ - 11, &limits, &resume, &length), FRAME_TOO_LONG);
    limits.message = 20;
    resume = 0;
    assert_int_equal(sip_frame(TEXT_, 20, &limits, &resume, &length), FRAME_MORE);
    assert_int_equal(sip_frame(TEXT_, 21, &limits, &resume, &length), FRAME_TOO_LONG);
    assert_int_equal(length, 21);
    assert_frame(HEAD "Content-Length: 18446744073709551616\r\n\r\n", FRAME_TOO_LONG, strlen(HEAD) + 40);
    assert_frame(HEAD "Content-Length: 65536\r\n\r\n", FRAME_TOO_LONG, strlen(HEAD) + 25);
}

static void test_byte_by_byte(void **state)
{
    (void)state;
    struct guard guard;
    guard_create(&guard, 4096);
    for (size_t i = 0; i < sip_corpus_count(); i++) {
        struct text text = sip_corpus_at(i);
        size_t resume = 0, length = 0;
        if (cut(text.at, text.length, &length) != FRAME_MESSAGE)
            continue;
        for (size_t part = 0; part < text.length; part++)
            assert_int_equal(sip_frame(guard_put(&guard, text.at, part), part, NULL, &resume, &length), FRAME_MORE);
        assert_int_equal(sip_frame(guard_put(&guard, text.at, text.length), text.length, NULL, &resume, &length),
                         FRAME_MESSAGE);
        assert_int_equal(length, text.length);
        assert_int_equal(resume, 0);
    }
    guard_destroy(&guard);
}

/* A body in single bytes behind long headers: were the headers read for each of them, this would take minutes. */
static void test_headers_are_read_once(void **state)
{
    (void)state;
    enum { HEADERS = 30000, BODY = 30000, ROUNDS = 10 };
    char *bytes = malloc(HEADERS + BODY + 64);
    size_t header = 0, length = 0;
    while (header < HEADERS)
        header += (size_t)sprintf(bytes + header, "X:\r\n");
    header += (size_t)sprintf(bytes + header, "l: %d\r\n\r\n", BODY);
    memset(bytes + header, 'b', BODY);
    for (int round = 0; round < ROUNDS; round++) {
        size_t resume = 0;
        for (size_t part = 0; part < BODY; part++)
            assert_int_equal(sip_frame(bytes, header + part, NULL, &resume, &length), FRAME_MORE);
        assert_int_equal(sip_frame(bytes, header + BODY, NULL, &resume, &length), FRAME_MESSAGE);
        assert_int_equal(length, header + BODY);
    }
    free(bytes);
}

static void test_pipelined_messages(void **state)
{
    (void)state;
    static const char STREAM[] = "\r\n\r\n" HEAD "l: 2\r\n\r\nab" HEAD "l: 0\r\n\r\n\r\n" HEAD "l: 1\r\n\r\nc";
    static const enum frame EXPECTED[] = {FRAME_PING, FRAME_MESSAGE, FRAME_MESSAGE, FRAME_PONG, FRAME_MESSAGE};
    size_t at = 0, resume = 0, length = 0;
    for (size_t i = 0; i < sizeof EXPECTED / sizeof EXPECTED[0]; i++) {
        assert_int_equal(sip_frame(STREAM + at, sizeof STREAM - 1 - at, NULL, &resume, &length), EXPECTED[i]);
        at += length;
    }
    assert_int_equal(at, sizeof STREAM - 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_keep_alives),
        cmocka_unit_test(test_whole_messages),
        cmocka_unit_test(test_parts_of_messages),
        cmocka_unit_test(test_streams_that_are_broken),
        cmocka_unit_test(test_stray_bytes_are_skipped),
        cmocka_unit_test(test_5626_5_4_a_pings_are_found_among_stray_bytes),
        cmocka_unit_test(test_limits),
        cmocka_unit_test(test_byte_by_byte),
        cmocka_unit_test(test_headers_are_read_once),
        cmocka_unit_test(test_pipelined_messages),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
