// SPDX-License-Identifier: BSD-2-Clause
#include "server_stage.h"

/* Where responses over UDP go if a request has no rport (--via-source). The caller writes port 5070 into its Via, and
   its NAT sends from port 40000. */

enum { WRITTEN = 5070, SOURCE = 40000 };

static struct stage *open_stage(bool to_source)
{
    struct stage *stage = malloc(sizeof *stage);
    assert_non_null(stage);
    stage_create(stage);
    stage->config.responses_to_source = to_source;
    stage_open(stage);
    return stage;
}

static void close_stage(struct stage *stage)
{
    stage_destroy(stage);
    free(stage);
}

static void receives(struct stage *stage, const char *method, const char *more, unsigned hops)
{
    char lines[1024];
    struct peer source = fake_udp(SOURCE);
    snprintf(lines, sizeof lines,
             "%s sip:bob@example.com SIP/2.0\nVia: SIP/2.0/UDP 127.0.0.1:5070;branch=z9hG4bKa%s\nMax-Forwards: %u\n"
             "From: <sip:alice@example.com>;tag=a\nTo: <sip:bob@example.com>\nCall-ID: c\nCSeq: 1 %s\n"
             "Content-Length: 0\n\n",
             method, more, hops, method);
    stage_receive(stage, &source, lines);
}

static void hears(struct stage *stage, unsigned status, uint16_t port)
{
    struct sent *sent = fake_wire_take(&stage->wire);
    assert_non_null(sent);
    assert_int_equal(sent_status(sent), status);
    assert_int_equal(sent_port(sent), port);
    assert_non_null(strstr(sent_header(sent, "Via", 0), ";received=127.0.0.1"));
}

/* A refusal without a transaction; a call that rings and is cancelled; its retransmission; its ACK. */
static void goes_to(bool to_source, const char *more, uint16_t port)
{
    struct stage *stage = open_stage(to_source);
    receives(stage, "OPTIONS", more, 0);
    hears(stage, 483, port);
    stage_phone(stage, (struct phone){.port = 5080});
    receives(stage, "INVITE", more, 70);
    hears(stage, 100, port);
    struct sent *invite = stage_sent_to(stage, "INVITE", 5080);
    receives(stage, "INVITE", more, 70);
    hears(stage, 100, port);
    stage_response(stage, invite, 180, NULL);
    hears(stage, 180, port);
    receives(stage, "CANCEL", more, 70);
    hears(stage, 200, port);
    stage_response(stage, stage_sent_to(stage, "CANCEL", 5080), 200, NULL);
    stage_refuses(stage, invite, 487, NULL);
    hears(stage, 487, port);
    stage_advance(stage, 499);
    receives(stage, "ACK", more, 70); /* belongs to its INVITE, wherever responses go */
    stage_advance(stage, 32000);
    stage_silent(stage);
    close_stage(stage);
}

static void test_without_rport_to_the_port_in_via(void **state)
{
    (void)state;
    goes_to(false, "", WRITTEN);
    goes_to(false, ";rport", SOURCE);
}

static void test_always_to_the_source(void **state)
{
    (void)state;
    goes_to(true, "", SOURCE);
    goes_to(true, ";rport", SOURCE);
}

/* 3261-16.7.c: also a second 2xx, after the transaction has ended. */
static void test_a_late_2xx_goes_the_same_way(void **state)
{
    (void)state;
    for (int to_source = 0; to_source < 2; to_source++) {
        struct stage *stage = open_stage(to_source == 1);
        uint16_t port = to_source == 1 ? SOURCE : WRITTEN;
        stage_phone(stage, (struct phone){.port = 5080});
        stage_phone(stage, (struct phone){.port = 5081});
        receives(stage, "INVITE", "", 70);
        hears(stage, 100, port);
        struct sent *first = stage_sent_to(stage, "INVITE", 5080), *second = stage_sent_to(stage, "INVITE", 5081);
        stage_response(stage, first, 200, NULL);
        hears(stage, 200, port);
        stage_response(stage, second, 200, NULL);
        hears(stage, 200, port);
        close_stage(stage);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_without_rport_to_the_port_in_via),
        cmocka_unit_test(test_always_to_the_source),
        cmocka_unit_test(test_a_late_2xx_goes_the_same_way),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
