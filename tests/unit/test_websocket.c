// SPDX-License-Identifier: BSD-2-Clause
#include "test.h"

#include "standalone/websocket/websocket.h"

enum { ROOM = 200000 };

struct scene {
    struct fake_host fake;
    struct websocket *websocket;
    char sent[ROOM];
    size_t sent_length;
    char message[ROOM];
    size_t message_length;
    unsigned messages, begun, pings;
};

static void on_send(void *context, const char *bytes, size_t length)
{
    struct scene *scene = context;
    assert_true(scene->sent_length + length <= sizeof scene->sent);
    memcpy(scene->sent + scene->sent_length, bytes, length);
    scene->sent_length += length;
}

static void on_message(void *context, const char *bytes, size_t length)
{
    struct scene *scene = context;
    memcpy(scene->message, bytes, length);
    scene->message_length = length;
    scene->messages++;
}

static void on_began(void *context)
{
    ((struct scene *)context)->begun++;
}

static void on_pinged(void *context)
{
    ((struct scene *)context)->pings++;
}

static const char request[] = "GET / HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                              "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n"
                              "Sec-WebSocket-Protocol: sip\r\n\r\n";

static int begin(void **state)
{
    static struct scene scene;
    memset(&scene, 0, sizeof scene);
    fake_host_create(&scene.fake);
    const struct websocket_events events = {&scene, on_send, on_began, on_message, on_pinged};
    scene.websocket = websocket_new(&scene.fake.host, &events, NULL, 1000);
    assert_non_null(scene.websocket);
    *state = &scene;
    return 0;
}

static int end(void **state)
{
    struct scene *scene = *state;
    websocket_delete(scene->websocket);
    assert_int_equal(scene->fake.allocated, 0);
    return 0;
}

static void open_it(struct scene *scene)
{
    assert_int_equal(websocket_put(scene->websocket, request, sizeof request - 1), WEBSOCKET_OK);
    assert_memory_equal(scene->sent, "HTTP/1.1 101 ", 13);
    scene->sent_length = 0;
}

/* A masked frame, the mask all zero, so that the payload stands as it is. Returns its length. */
static size_t frame(char *out, unsigned first, const char *payload, size_t length)
{
    size_t at = 0;
    out[at++] = (char)first;
    if (length < 126) {
        out[at++] = (char)(0x80 | length);
    } else {
        out[at++] = (char)(0x80 | 126);
        out[at++] = (char)(length >> 8);
        out[at++] = (char)(length & 0xff);
    }
    memset(out + at, 0, 4);
    memcpy(out + at + 4, payload, length);
    return at + 4 + length;
}

static enum websocket_outcome put(struct scene *scene, unsigned first, const char *payload)
{
    char bytes[2048];
    size_t length = frame(bytes, first, payload, strlen(payload));
    return websocket_put(scene->websocket, bytes, length);
}

static void test_the_answer_to_the_opening_request(void **state)
{
    struct scene *scene = *state;
    assert_true(websocket_is_unfinished(scene->websocket));
    assert_false(websocket_send(scene->websocket, "early", 5));
    websocket_put(scene->websocket, request, sizeof request - 1);
    scene->sent[scene->sent_length] = '\0';
    /* The example of RFC 6455 section 1.3. */
    assert_non_null(strstr(scene->sent, "\r\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n"));
    assert_non_null(strstr(scene->sent, "\r\nSec-WebSocket-Protocol: sip\r\n"));
    assert_false(websocket_is_unfinished(scene->websocket));
}

static void test_a_message_begins_with_its_first_frame_alone(void **state)
{
    struct scene *scene = *state;
    open_it(scene);
    assert_int_equal(put(scene, 0x89, "ping"), WEBSOCKET_OK);
    assert_int_equal(scene->begun, 0);
    assert_int_equal(put(scene, 0x01, "one"), WEBSOCKET_OK);
    assert_int_equal(scene->begun, 1);
    assert_int_equal(put(scene, 0x89, "ping"), WEBSOCKET_OK);
    assert_int_equal(put(scene, 0x00, "two"), WEBSOCKET_OK);
    assert_int_equal(put(scene, 0x80, "three"), WEBSOCKET_OK);
    assert_int_equal(scene->messages, 1);
    assert_int_equal(scene->begun, 1);
    assert_int_equal(put(scene, 0x81, "next"), WEBSOCKET_OK);
    assert_int_equal(scene->begun, 2);
}

static void test_every_cut_of_request_and_message(void **state)
{
    struct scene *scene = *state;
    char all[1024];
    memcpy(all, request, sizeof request - 1);
    size_t length = sizeof request - 1;
    length += frame(all + length, 0x01, "REGISTER ", 9);
    length += frame(all + length, 0x89, "ping", 4);
    length += frame(all + length, 0x80, "sip:a", 5);
    const struct websocket_events events = {scene, on_send, on_began, on_message, on_pinged};
    for (size_t cut = 0; cut <= length; cut++) {
        scene->sent_length = scene->messages = scene->pings = 0;
        struct websocket *websocket = websocket_new(&scene->fake.host, &events, NULL, 1000);
        assert_int_equal(websocket_put(websocket, all, cut), WEBSOCKET_OK);
        assert_int_equal(websocket_put(websocket, all + cut, length - cut), WEBSOCKET_OK);
        assert_int_equal(scene->messages, 1);
        assert_int_equal(scene->pings, 1);
        assert_int_equal(scene->message_length, 14);
        assert_memory_equal(scene->message, "REGISTER sip:a", 14);
        assert_memory_equal(scene->sent + scene->sent_length - 6, "\x8a\x04ping", 6);
        websocket_delete(websocket);
    }
}

static void test_text_where_it_is_utf8_else_binary(void **state)
{
    static const struct {
        const char *bytes;
        unsigned first;
    } cases[] = {{"a", 0x81},
                 {"\xc3\xa4", 0x81},
                 {"\xe2\x82\xac", 0x81},
                 {"\xf0\x9f\x93\x9e", 0x81},
                 {"\xf4\x8f\xbf\xbf", 0x81},
                 {"\x80", 0x82},
                 {"\xc3", 0x82},
                 {"\xc0\x80", 0x82},
                 {"\xc1\xbf", 0x82},
                 {"\xe0\x9f\xbf", 0x82},
                 {"\xe2\x82", 0x82},
                 {"\xed\xa0\x80", 0x82},
                 {"\xf0\x8f\xbf\xbf", 0x82},
                 {"\xf4\x90\x80\x80", 0x82},
                 {"\xf5\x80\x80\x80", 0x82},
                 {"\xe2(\xa1", 0x82},
                 {"\xff", 0x82}};
    struct scene *scene = *state;
    open_it(scene);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        size_t length = strlen(cases[i].bytes);
        char *exact = malloc(length); /* so that a byte too far is noticed */
        memcpy(exact, cases[i].bytes, length);
        scene->sent_length = 0;
        assert_true(websocket_send(scene->websocket, exact, length));
        if ((unsigned char)scene->sent[0] != cases[i].first)
            fail_msg("number %zu: %02x", i, (unsigned char)scene->sent[0]);
        assert_int_equal(scene->sent_length, length + 2);
        free(exact);
    }
}

static void test_the_limit_of_a_message(void **state)
{
    struct scene *scene = *state;
    char payload[1002], bytes[1100];
    memset(payload, 'x', sizeof payload);
    open_it(scene);
    assert_int_equal(websocket_put(scene->websocket, bytes, frame(bytes, 0x81, payload, 1000)), WEBSOCKET_OK);
    assert_int_equal(scene->message_length, 1000);
    assert_int_equal(websocket_put(scene->websocket, bytes, frame(bytes, 0x81, payload, 1001)), WEBSOCKET_BROKEN);
    assert_int_equal(scene->messages, 1);
    assert_memory_equal(scene->sent, "\x88", 1);
}

static void test_half_a_message_is_unfinished(void **state)
{
    struct scene *scene = *state;
    open_it(scene);
    assert_int_equal(put(scene, 0x01, "INVITE"), WEBSOCKET_OK);
    assert_true(websocket_is_unfinished(scene->websocket));
    assert_int_equal(put(scene, 0x89, ""), WEBSOCKET_OK);
    assert_true(websocket_is_unfinished(scene->websocket));
    assert_int_equal(put(scene, 0x80, ""), WEBSOCKET_OK);
    assert_false(websocket_is_unfinished(scene->websocket));
}

static void test_after_the_end_nothing_is_sent_or_told(void **state)
{
    struct scene *scene = *state;
    open_it(scene);
    websocket_end(scene->websocket);
    assert_memory_equal(scene->sent, "\x88\x02\x03\xe9", 4);
    size_t length = scene->sent_length;
    assert_false(websocket_send(scene->websocket, "late", 4));
    assert_false(websocket_ping(scene->websocket));
    websocket_end(scene->websocket);
    put(scene, 0x81, "late");
    assert_int_equal(scene->messages, 0);
    assert_int_equal(scene->sent_length, length);
}

/* Whatever comes, of a request and frames that were changed in places: an outcome, no crash, no leak. */
static void test_changed_bytes(void **state)
{
    struct scene *scene = *state;
    const struct websocket_events events = {scene, on_send, on_began, on_message, on_pinged};
    char all[1024];
    unsigned outcomes[WEBSOCKET_BROKEN + 1] = {0};
    srand(7);
    for (unsigned round = 0; round < 20000; round++) {
        memcpy(all, request, sizeof request - 1);
        size_t length = sizeof request - 1, begin_at = round % 2 ? 0 : length;
        length += frame(all + length, 0x01, "REGISTER ", 9);
        length += frame(all + length, 0x89, "ping", 4);
        length += frame(all + length, 0x80, "sip:a", 5);
        for (unsigned change = round % 5; change < 5; change++)
            all[begin_at + (size_t)rand() % (length - begin_at)] = (char)rand();
        scene->sent_length = 0;
        struct websocket *websocket = websocket_new(&scene->fake.host, &events, NULL, 1000);
        outcomes[websocket_put(websocket, all, length)]++;
        websocket_delete(websocket);
    }
    assert_true(outcomes[WEBSOCKET_OK] > 100 && outcomes[WEBSOCKET_REFUSED] > 100 && outcomes[WEBSOCKET_BROKEN] > 100);
}

static void test_no_memory_is_told(void **state)
{
    struct scene *scene = *state;
    const struct websocket_events events = {scene, on_send, on_began, on_message, on_pinged};
    for (uint64_t call = 1; call <= 2; call++) {
        scene->fake.calls = 0;
        scene->fake.fail_after = call;
        assert_null(websocket_new(&scene->fake.host, &events, NULL, 1000));
    }
    scene->fake.fail_after = 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_the_answer_to_the_opening_request, begin, end),
        cmocka_unit_test_setup_teardown(test_a_message_begins_with_its_first_frame_alone, begin, end),
        cmocka_unit_test_setup_teardown(test_every_cut_of_request_and_message, begin, end),
        cmocka_unit_test_setup_teardown(test_text_where_it_is_utf8_else_binary, begin, end),
        cmocka_unit_test_setup_teardown(test_the_limit_of_a_message, begin, end),
        cmocka_unit_test_setup_teardown(test_half_a_message_is_unfinished, begin, end),
        cmocka_unit_test_setup_teardown(test_after_the_end_nothing_is_sent_or_told, begin, end),
        cmocka_unit_test_setup_teardown(test_changed_bytes, begin, end),
        cmocka_unit_test_setup_teardown(test_no_memory_is_told, begin, end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
