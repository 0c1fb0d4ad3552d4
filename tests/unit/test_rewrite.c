// SPDX-License-Identifier: BSD-2-Clause
#include <errno.h>

#include "test.h"

#include "sip/rewrite.h"

struct desk {
    struct fake_host fake;
    struct sip_message *message;
    struct sip_fault fault;
    struct sip_buffer out;
};

static int open_desk(struct desk *desk, const char *text)
{
    fake_host_create(&desk->fake);
    desk->out = (struct sip_buffer){.host = &desk->fake.host};
    return sip_message_new(&desk->message, &desk->fake.host, text, strlen(text), NULL, &desk->fault);
}

static void close_desk(struct desk *desk)
{
    sip_message_delete(desk->message);
    sip_buffer_destroy(&desk->out);
    assert_int_equal(desk->fake.allocated, 0);
}

static void assert_out(const struct desk *desk, const char *expected)
{
    if (desk->out.length != strlen(expected) || memcmp(desk->out.bytes, expected, desk->out.length) != 0)
        fail_msg("got:\n%.*s\nexpected:\n%s", (int)desk->out.length, desk->out.bytes, expected);
}

#define PEOPLE                                                                                                         \
    "from: \"A, B\" <sip:alice@example.org>;tag=88\r\n"                                                                \
    "To: <sip:bob@example.com>\r\n"                                                                                    \
    "i: a84b4c@pc33\r\n"
#define INVITE                                                                                                         \
    "INVITE sip:bob@example.com SIP/2.0\r\n"                                                                           \
    "X-First:  odd   spacing \r\n"                                                                                     \
    "Record-Route: <sip:before.example.com;lr>\r\n"                                                                    \
    "vIA: SIP/2.0/UDP pc33.example.com;branch=z9hG4bK1;rport\r\n"                                                      \
    "MAX-forwards: 70\r\n" PEOPLE "CSeq: 7 INVITE\r\n"                                                                 \
    "Route: <sip:me.example.com;lr>, <sip:a.example.com;lr>\r\n"                                                       \
    "ROUTE: <sip:b.example.com;lr>\r\n"                                                                                \
    "X-Folded: one,\r\n\ttwo\r\n"                                                                                      \
    "Content-Length: 4\r\n\r\nbody"

static void test_3261_16_6_request_is_forwarded(void **state)
{
    (void)state;
    struct desk desk;
    struct sip_forward forward = {.request_uri = TEXT("sip:bob@192.0.2.4"),
                                  .via = TEXT("SIP/2.0/TCP proxy.example.com;branch=z9hG4bK2"),
                                  .record_route = TEXT("<sip:proxy.example.com;lr>"),
                                  .route = TEXT("<sip:edge.example.com;lr>"),
                                  .routes_dropped = 1,
                                  .max_forwards = 69,
                                  .received = TEXT("192.0.2.1"),
                                  .rport = 5099};
    assert_int_equal(open_desk(&desk, INVITE), 0);
    assert_int_equal(sip_forward_request(desk.message, &forward, &desk.out), 0);
    assert_out(&desk, "INVITE sip:bob@192.0.2.4 SIP/2.0\r\n"
                      "Via: SIP/2.0/TCP proxy.example.com;branch=z9hG4bK2\r\n"
                      "Record-Route: <sip:proxy.example.com;lr>\r\n"
                      "Route: <sip:edge.example.com;lr>\r\n"
                      "X-First:  odd   spacing \r\n"
                      "Record-Route: <sip:before.example.com;lr>\r\n"
                      "vIA: SIP/2.0/UDP pc33.example.com;branch=z9hG4bK1;received=192.0.2.1;rport=5099\r\n"
                      "MAX-forwards: 69\r\n" PEOPLE "CSeq: 7 INVITE\r\n"
                      "Route: <sip:a.example.com;lr>\r\n"
                      "ROUTE: <sip:b.example.com;lr>\r\n"
                      "X-Folded: one,\r\n\ttwo\r\n"
                      "Content-Length: 4\r\n\r\nbody");
    close_desk(&desk);
}

static void test_forwarding_changes_nothing_by_itself(void **state)
{
    (void)state;
    struct desk desk;
    struct sip_forward forward = {.max_forwards = -1};
    assert_int_equal(open_desk(&desk, INVITE " and more"), 0);
    assert_int_equal(sip_forward_request(desk.message, &forward, &desk.out), 0);
    assert_out(&desk, INVITE);
    close_desk(&desk);
}

static void test_missing_max_forwards_and_content_length_are_added(void **state)
{
    (void)state;
    struct desk desk;
    struct sip_forward forward = {.max_forwards = 0};
    assert_int_equal(
        open_desk(&desk, "MESSAGE sip:b SIP/2.0\r\nVia: SIP/2.0/UDP h\r\n" PEOPLE "CSeq: 7 MESSAGE\r\n\r\nhi"), 0);
    assert_int_equal(sip_forward_request(desk.message, &forward, &desk.out), 0);
    assert_out(&desk, "MESSAGE sip:b SIP/2.0\r\nMax-Forwards: 0\r\nVia: SIP/2.0/UDP h\r\n" PEOPLE
                      "CSeq: 7 MESSAGE\r\nContent-Length: 2\r\n\r\nhi");
    close_desk(&desk);
}

static void drop_routes(unsigned count, const char *routes)
{
    struct desk desk;
    struct sip_forward forward = {.max_forwards = -1, .routes_dropped = count};
    char expected[1024];
    const char *head = "BYE sip:b SIP/2.0\r\nVia: SIP/2.0/UDP h\r\n" PEOPLE "CSeq: 7 BYE\r\n";
    char text[1024];
    snprintf(text, sizeof text, "%sRoute: <sip:a?x=,>,\r\n \"q,\" <sip:b> , <sip:c>\r\nRoute:<sip:d>\r\nl: 0\r\n\r\n",
             head);
    snprintf(expected, sizeof expected, "%s%sl: 0\r\n\r\n", head, routes);
    assert_int_equal(open_desk(&desk, text), 0);
    assert_int_equal(sip_forward_request(desk.message, &forward, &desk.out), 0);
    assert_out(&desk, expected);
    close_desk(&desk);
}

static void test_topmost_routes_are_dropped(void **state)
{
    (void)state;
    drop_routes(0, "Route: <sip:a?x=,>,\r\n \"q,\" <sip:b> , <sip:c>\r\nRoute:<sip:d>\r\n");
    drop_routes(1, "Route: \"q,\" <sip:b> , <sip:c>\r\nRoute:<sip:d>\r\n");
    drop_routes(2, "Route: <sip:c>\r\nRoute:<sip:d>\r\n");
    drop_routes(3, "Route:<sip:d>\r\n");
    drop_routes(4, "");
    drop_routes(9, "");
}

static void set_via(const char *via, const char *received, uint32_t rport, const char *expected)
{
    struct desk desk;
    struct sip_forward forward = {.max_forwards = -1, .received = text_of(received), .rport = rport};
    char text[1024], wanted[1024];
    snprintf(text, sizeof text, "BYE sip:b SIP/2.0\r\nVia: %s\r\n" PEOPLE "CSeq: 7 BYE\r\nl: 0\r\n\r\n", via);
    snprintf(wanted, sizeof wanted, "BYE sip:b SIP/2.0\r\nVia: %s\r\n" PEOPLE "CSeq: 7 BYE\r\nl: 0\r\n\r\n", expected);
    assert_int_equal(open_desk(&desk, text), 0);
    assert_int_equal(sip_forward_request(desk.message, &forward, &desk.out), 0);
    assert_out(&desk, wanted);
    close_desk(&desk);
}

static void test_received_and_rport(void **state)
{
    (void)state;
    set_via("SIP/2.0/UDP h;branch=1", NULL, 0, "SIP/2.0/UDP h;branch=1");
    set_via("SIP/2.0/UDP h;branch=1", "192.0.2.1", 0, "SIP/2.0/UDP h;branch=1;received=192.0.2.1");
    set_via("SIP/2.0/UDP h;branch=1", "192.0.2.1", 5099, "SIP/2.0/UDP h;branch=1;received=192.0.2.1");
    set_via("SIP/2.0/UDP h;rport;branch=1", "192.0.2.1", 5099, "SIP/2.0/UDP h;branch=1;received=192.0.2.1;rport=5099");
    set_via("SIP/2.0/UDP h;rport=1;branch=1", NULL, 5099, "SIP/2.0/UDP h;branch=1;rport=5099");
    set_via("SIP/2.0/UDP h;rport;branch=1", "192.0.2.1", 0, "SIP/2.0/UDP h;rport;branch=1;received=192.0.2.1");
    set_via("SIP/2.0/UDP h;RECEIVED=6.6.6.6;x", "::1", 0, "SIP/2.0/UDP h;x;received=::1");
    set_via("SIP/2.0/UDP h", "192.0.2.1", 0, "SIP/2.0/UDP h;received=192.0.2.1");
    set_via("SIP/2.0/UDP h ;\r\n branch=1,\r\n SIP/2.0/TCP i;rport", "192.0.2.1", 7,
            "SIP/2.0/UDP h;   branch=1;received=192.0.2.1, SIP/2.0/TCP i;rport");
}

#define RESPONSE_PEOPLE                                                                                                \
    "From: <sip:alice@example.org>;tag=88\r\n"                                                                         \
    "To: <sip:bob@example.com>;tag=99\r\n"                                                                             \
    "Call-ID: a84b4c@pc33\r\nCSeq: 7 INVITE\r\n"

static void go_up(const char *vias, const char *expected_vias)
{
    struct desk desk;
    struct sip_upward upward = {0};
    char text[1024], expected[1024];
    snprintf(text, sizeof text, "SIP/2.0 200 Fine, thanks\r\nX: y\r\n%s" RESPONSE_PEOPLE "l: 2\r\n\r\nab", vias);
    snprintf(expected, sizeof expected, "SIP/2.0 200 Fine, thanks\r\nX: y\r\n%s" RESPONSE_PEOPLE "l: 2\r\n\r\nab",
             expected_vias);
    assert_int_equal(open_desk(&desk, text), 0);
    assert_int_equal(sip_forward_response(desk.message, &upward, &desk.out), 0);
    assert_out(&desk, expected);
    close_desk(&desk);
}

static void test_fields_put_in_place_of_others(void **state)
{
    struct desk desk;
    struct sip_upward upward = {.fields = TEXT("Retry-After: 9\r\n"), .left_out = HEADER_RETRY_AFTER};
    (void)state;
    assert_int_equal(open_desk(&desk, "SIP/2.0 480 Out\r\nRetry-After: 5 (x)\r\nX: y\r\nVia: SIP/2.0/UDP a\r\n"
                                      "retry-after:\r\n 6\r\n" RESPONSE_PEOPLE "l: 0\r\n\r\n"),
                     0);
    assert_int_equal(sip_forward_response(desk.message, &upward, &desk.out), 0);
    assert_out(&desk, "SIP/2.0 480 Out\r\nX: y\r\n" RESPONSE_PEOPLE "l: 0\r\nRetry-After: 9\r\n\r\n");
    close_desk(&desk);
}

static void test_3261_16_7_topmost_via_is_removed(void **state)
{
    (void)state;
    go_up("Via: SIP/2.0/UDP a;branch=1\r\nVia: SIP/2.0/UDP b\r\n", "Via: SIP/2.0/UDP b\r\n");
    go_up("v: SIP/2.0/UDP a;x=\",\", SIP/2.0/UDP b,SIP/2.0/UDP c\r\nVia: SIP/2.0/UDP d\r\n",
          "v: SIP/2.0/UDP b,SIP/2.0/UDP c\r\nVia: SIP/2.0/UDP d\r\n");
    go_up("Via: SIP/2.0/UDP a\r\n ,SIP/2.0/UDP\r\n b\r\n", "Via: SIP/2.0/UDP\r\n b\r\n");
    go_up("Via: SIP/2.0/UDP a\r\n", "");
}

static void test_status_is_changed_and_challenges_are_added(void **state)
{
    (void)state;
    struct desk desk;
    struct sip_upward upward = {.status = 500, .fields = TEXT("Proxy-Authenticate: Digest realm=\"b\"\r\n")};
    assert_int_equal(
        open_desk(&desk, "SIP/2.0 503 Busy here\r\nVia: SIP/2.0/UDP a\r\nv:SIP/2.0/UDP b\r\n" RESPONSE_PEOPLE "\r\nab"),
        0);
    assert_int_equal(sip_forward_response(desk.message, &upward, &desk.out), 0);
    assert_out(&desk, "SIP/2.0 500 Server Internal Error\r\nv:SIP/2.0/UDP b\r\n" RESPONSE_PEOPLE
                      "Proxy-Authenticate: Digest realm=\"b\"\r\nContent-Length: 2\r\n\r\nab");
    close_desk(&desk);
}

static void test_3261_8_2_6_answer(void **state)
{
    (void)state;
    struct desk desk;
    struct sip_answer answer = {.status = 486,
                                .to_tag = TEXT("new"),
                                .fields = TEXT("Retry-After: 5\r\n"),
                                .received = TEXT("192.0.2.1"),
                                .rport = 5099};
    assert_int_equal(open_desk(&desk, INVITE), 0);
    assert_int_equal(sip_answer(desk.message, &answer, &desk.out), 0);
    assert_out(&desk, "SIP/2.0 486 Busy Here\r\n"
                      "vIA: SIP/2.0/UDP pc33.example.com;branch=z9hG4bK1;received=192.0.2.1;rport=5099\r\n"
                      "from: \"A, B\" <sip:alice@example.org>;tag=88\r\n"
                      "To: <sip:bob@example.com>;tag=new\r\n"
                      "i: a84b4c@pc33\r\n"
                      "CSeq: 7 INVITE\r\n"
                      "Retry-After: 5\r\n"
                      "Content-Length: 0\r\n\r\n");
    close_desk(&desk);
}

/* A user agent that read the empty tag first would find no dialog in the answer. */
static void test_an_answer_has_one_tag_where_the_request_had_an_empty_one(void **state)
{
    (void)state;
    static const char *const ROWS[][2] = {
        {"To: A/B <sip:t@h>;tag=\r\n", "To: A/B <sip:t@h>;tag=new\r\n"},
        {"To: <sip:t@h>;x=\"a;tag=\" ; tag ;;y\r\n", "To: <sip:t@h>;x=\"a;tag=\" ;;y;tag=new\r\n"},
        {"To: sip:t@h;TAG=\"\";tag=\r\n", "To: sip:t@h;tag=new\r\n"},
    };
    for (size_t i = 0; i < sizeof ROWS / sizeof ROWS[0]; i++) {
        struct desk desk;
        char request[256], expected[256];
        struct sip_answer answer = {.status = 200, .to_tag = TEXT("new")};
        snprintf(request, sizeof request,
                 "BYE sip:b SIP/2.0\r\nVia: SIP/2.0/UDP a\r\nFrom: <sip:f@h>;tag=1\r\n%sCall-ID: c\r\n"
                 "CSeq: 7 BYE\r\n\r\n",
                 ROWS[i][0]);
        snprintf(expected, sizeof expected,
                 "SIP/2.0 200 OK\r\nVia: SIP/2.0/UDP a\r\nFrom: <sip:f@h>;tag=1\r\n%sCall-ID: c\r\n"
                 "CSeq: 7 BYE\r\nContent-Length: 0\r\n\r\n",
                 ROWS[i][1]);
        assert_int_equal(open_desk(&desk, request), 0);
        assert_int_equal(sip_answer(desk.message, &answer, &desk.out), 0);
        assert_out(&desk, expected);
        close_desk(&desk);
    }
}

static void test_answer_keeps_a_tag_and_the_order_of_vias(void **state)
{
    (void)state;
    struct desk desk;
    struct sip_answer answer = {.status = 200, .phrase = TEXT("Sure"), .to_tag = TEXT("new")};
    assert_int_equal(open_desk(&desk,
                               "BYE sip:b SIP/2.0\r\nVia: SIP/2.0/UDP a, SIP/2.0/UDP b\r\nFrom: <sip:f@h>;tag=1\r\n"
                               "v:  SIP/2.0/UDP c\r\nTimestamp: 54\r\nTo: <sip:t@h>;tag=2\r\nCall-ID: c\r\n"
                               "CSeq: 7 BYE\r\n\r\n"),
                     0);
    assert_int_equal(sip_answer(desk.message, &answer, &desk.out), 0);
    assert_out(&desk, "SIP/2.0 200 Sure\r\nVia: SIP/2.0/UDP a, SIP/2.0/UDP b\r\nv:  SIP/2.0/UDP c\r\n"
                      "From: <sip:f@h>;tag=1\r\nTo: <sip:t@h>;tag=2\r\nCall-ID: c\r\nCSeq: 7 BYE\r\n"
                      "Content-Length: 0\r\n\r\n");
    close_desk(&desk);
}

static void test_3261_8_2_6_1_trying_copies_timestamp(void **state)
{
    (void)state;
    struct desk desk;
    struct sip_answer answer = {.status = 100};
    assert_int_equal(open_desk(&desk, "INVITE sip:b SIP/2.0\r\nVia: SIP/2.0/UDP a\r\nFrom: <sip:f@h>;tag=1\r\n"
                                      "timestamp: 54\r\nTo: <sip:t@h>\r\nCall-ID: c\r\nCSeq: 7 INVITE\r\n\r\n"),
                     0);
    assert_int_equal(sip_answer(desk.message, &answer, &desk.out), 0);
    assert_out(&desk, "SIP/2.0 100 Trying\r\nVia: SIP/2.0/UDP a\r\nFrom: <sip:f@h>;tag=1\r\nTo: <sip:t@h>\r\n"
                      "Call-ID: c\r\nCSeq: 7 INVITE\r\ntimestamp: 54\r\nContent-Length: 0\r\n\r\n");
    close_desk(&desk);
}

static void test_answer_to_a_malformed_request(void **state)
{
    (void)state;
    struct desk desk;
    struct sip_answer answer = {
        .status = 400, .phrase = TEXT("CSeq method differs"), .to_tag = TEXT("new"), .received = TEXT("192.0.2.1")};
    assert_int_equal(open_desk(&desk, "INVITE sip:b SIP/2.0\r\nVia: SIP/2.0/UDP a\r\nVia: SIP/2.0/UDP b\rX: c\r\n"
                                      "From: <sip:f@h\r\nTo: <sip:t@h>\nTo: twice\r\n\tfolded\r\nCall-ID: c\r\n"
                                      "CSeq: 99999999999 BYE\r\n\r\n"),
                     -EBADMSG);
    assert_non_null(desk.message);
    assert_int_equal(sip_answer(desk.message, &answer, &desk.out), 0);
    assert_out(&desk, "SIP/2.0 400 CSeq method differs\r\nVia: SIP/2.0/UDP a;received=192.0.2.1\r\n"
                      "Via: SIP/2.0/UDP b X: c\r\nFrom: <sip:f@h\r\nTo: <sip:t@h>;tag=new\r\nCall-ID: c\r\n"
                      "CSeq: 99999999999 BYE\r\nContent-Length: 0\r\n\r\n");
    close_desk(&desk);
}

#define SENT                                                                                                           \
    "INVITE sip:bob@192.0.2.4 SIP/2.0\r\n"                                                                             \
    "Via: SIP/2.0/TCP proxy.example.com;branch=z9hG4bK2\r\n"                                                           \
    "Via: SIP/2.0/UDP pc33.example.com;branch=z9hG4bK1\r\n"                                                            \
    "Max-Forwards: 69\r\n" PEOPLE "CSeq: 7 INVITE\r\n"                                                                 \
    "Route: <sip:a.example.com;lr>\r\nRoute: <sip:b.example.com;lr>\r\n"                                               \
    "Require: x\r\nContent-Length: 4\r\n\r\nbody"

static void test_3261_17_1_1_3_ack(void **state)
{
    (void)state;
    struct desk desk, reply;
    assert_int_equal(open_desk(&desk, SENT), 0);
    assert_int_equal(open_desk(&reply, "SIP/2.0 486 Busy\r\nVia: SIP/2.0/UDP a\r\n" RESPONSE_PEOPLE "\r\n"), 0);
    assert_int_equal(sip_ack(desk.message, reply.message, &desk.out), 0);
    assert_out(&desk, "ACK sip:bob@192.0.2.4 SIP/2.0\r\n"
                      "Via: SIP/2.0/TCP proxy.example.com;branch=z9hG4bK2\r\n"
                      "Max-Forwards: 70\r\n"
                      "Route: <sip:a.example.com;lr>\r\nRoute: <sip:b.example.com;lr>\r\n"
                      "from: \"A, B\" <sip:alice@example.org>;tag=88\r\n"
                      "To: <sip:bob@example.com>;tag=99\r\n"
                      "i: a84b4c@pc33\r\n"
                      "CSeq: 7 ACK\r\n"
                      "Content-Length: 0\r\n\r\n");
    assert_int_equal(sip_ack(reply.message, reply.message, &desk.out), -EINVAL);
    close_desk(&reply);
    close_desk(&desk);
}

static void test_3261_9_1_cancel(void **state)
{
    (void)state;
    struct desk desk;
    assert_int_equal(open_desk(&desk, SENT), 0);
    assert_int_equal(sip_cancel(desk.message, &desk.out), 0);
    assert_out(&desk, "CANCEL sip:bob@192.0.2.4 SIP/2.0\r\n"
                      "Via: SIP/2.0/TCP proxy.example.com;branch=z9hG4bK2\r\n"
                      "Max-Forwards: 70\r\n"
                      "Route: <sip:a.example.com;lr>\r\nRoute: <sip:b.example.com;lr>\r\n"
                      "from: \"A, B\" <sip:alice@example.org>;tag=88\r\n"
                      "To: <sip:bob@example.com>\r\n"
                      "i: a84b4c@pc33\r\n"
                      "CSeq: 7 CANCEL\r\n"
                      "Content-Length: 0\r\n\r\n");
    close_desk(&desk);
}

static void test_buffer_grows_and_is_kept(void **state)
{
    (void)state;
    struct fake_host fake;
    fake_host_create(&fake);
    struct sip_buffer buffer = {.host = &fake.host};
    for (int i = 0; i < 1000; i++)
        sip_append(&buffer, TEXT("0123456789"));
    assert_int_equal(buffer.length, 10000);
    size_t capacity = buffer.capacity;
    sip_buffer_clear(&buffer);
    assert_int_equal(buffer.length, 0);
    sip_append_number(&buffer, 0);
    sip_append_number(&buffer, UINT64_MAX);
    assert_memory_equal(buffer.bytes, "018446744073709551615", 21);
    assert_int_equal(buffer.capacity, capacity);
    sip_buffer_destroy(&buffer);
    assert_int_equal(fake.allocated, 0);
}

static void test_out_of_memory_is_told(void **state)
{
    (void)state;
    struct desk desk;
    struct sip_forward forward = {.max_forwards = 69};
    struct sip_answer answer = {.status = 400, .to_tag = TEXT("x"), .received = TEXT("192.0.2.1")};
    assert_int_equal(open_desk(&desk, INVITE), 0);
    desk.fake.fail_after = desk.fake.calls + 1;
    assert_int_equal(sip_forward_request(desk.message, &forward, &desk.out), -ENOMEM);
    assert_true(desk.out.failed);
    sip_buffer_clear(&desk.out);
    assert_int_equal(sip_answer(desk.message, &answer, &desk.out), -ENOMEM);
    sip_buffer_clear(&desk.out);
    assert_int_equal(sip_cancel(desk.message, &desk.out), -ENOMEM);
    desk.fake.fail_after = 0;
    sip_buffer_clear(&desk.out);
    assert_int_equal(sip_cancel(desk.message, &desk.out), 0);
    close_desk(&desk);
}

static void test_3261_16_6_a_a_request_line_has_no_headers_and_no_method(void **state)
{
    static const char *const uris[][2] = {
        {"sip:a@b.example?Subject=x&Route=%3Csip:c%3E", "sip:a@b.example"},
        {"sip:a@b.example:5070;x=1;method=INVITE;y?Subject=x", "sip:a@b.example:5070;x=1;y"},
        {"sips:a?b;c@b.example;METHOD=BYE", "sips:a?b;c@b.example"},
        {"sip:a@b.example;x;%6dethod=BYE;y", "sip:a@b.example;x;y"},
        {"sip:b.example;methods=1", "sip:b.example;methods=1"},
        {"sip:[2001:db8::1]:5060?a=b", "sip:[2001:db8::1]:5060"},
        {"tel:+1555;method=x?a", "tel:+1555;method=x?a"}};
    (void)state;
    for (size_t i = 0; i < sizeof uris / sizeof uris[0]; i++) {
        struct desk desk;
        char start[128];
        assert_int_equal(open_desk(&desk, INVITE), 0);
        struct sip_forward forward = {.request_uri = text_of(uris[i][0]), .max_forwards = -1};
        assert_int_equal(sip_forward_request(desk.message, &forward, &desk.out), 0);
        snprintf(start, sizeof start, "INVITE %s SIP/2.0\r\n", uris[i][1]);
        assert_memory_equal(desk.out.bytes, start, strlen(start));
        close_desk(&desk);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_3261_16_6_request_is_forwarded),
        cmocka_unit_test(test_3261_16_6_a_a_request_line_has_no_headers_and_no_method),
        cmocka_unit_test(test_forwarding_changes_nothing_by_itself),
        cmocka_unit_test(test_missing_max_forwards_and_content_length_are_added),
        cmocka_unit_test(test_topmost_routes_are_dropped),
        cmocka_unit_test(test_received_and_rport),
        cmocka_unit_test(test_fields_put_in_place_of_others),
        cmocka_unit_test(test_3261_16_7_topmost_via_is_removed),
        cmocka_unit_test(test_status_is_changed_and_challenges_are_added),
        cmocka_unit_test(test_3261_8_2_6_answer),
        cmocka_unit_test(test_an_answer_has_one_tag_where_the_request_had_an_empty_one),
        cmocka_unit_test(test_answer_keeps_a_tag_and_the_order_of_vias),
        cmocka_unit_test(test_3261_8_2_6_1_trying_copies_timestamp),
        cmocka_unit_test(test_answer_to_a_malformed_request),
        cmocka_unit_test(test_3261_17_1_1_3_ack),
        cmocka_unit_test(test_3261_9_1_cancel),
        cmocka_unit_test(test_buffer_grows_and_is_kept),
        cmocka_unit_test(test_out_of_memory_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
