// SPDX-License-Identifier: BSD-2-Clause
#include "test.h"

#include "flow/ack_watch.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <sys/socket.h>
#include <unistd.h>

/* 5626-7.i: when a peer that acknowledges nothing makes its flow suspect. */

enum { COPIES_MOST = 16, END_MS = 60000 };

/* A path, and how Linux sends one segment over it again and again. All times in ms since the first copy. */
struct path {
    uint32_t srtt_ms, rttvar_ms; /* what the kernel has measured */
    uint32_t timeout_ms;         /* retransmission timeout */
    uint32_t trip_ms, jitter_ms; /* a round trip takes trip_ms, give or take jitter_ms */
    uint32_t loss_percent;       /* in each direction */
    bool has_probe;              /* a probe for a lost tail comes before the first timeout */
};

static const struct path lan = {.rttvar_ms = 0, .timeout_ms = 201, .trip_ms = 1, .has_probe = true};
static const struct path satellite = {
    .srtt_ms = 600, .rttvar_ms = 150, .timeout_ms = 1200, .trip_ms = 600, .jitter_ms = 300, .has_probe = true};

struct journey {
    uint32_t copies_ms[COPIES_MOST]; /* when they leave */
    uint32_t acked_ms;               /* END_MS: never */
};

static uint32_t draw(uint32_t *seed, uint32_t below)
{
    *seed = *seed * 1664525U + 1013904223U;
    return (uint32_t)((uint64_t)(*seed ^ *seed >> 16) * below >> 32);
}

static bool passes(const struct path *path, uint32_t *seed)
{
    bool arrives = draw(seed, 100) >= path->loss_percent, comes_back = draw(seed, 100) >= path->loss_percent;
    return arrives && comes_back;
}

static void travel(const struct path *path, uint32_t *seed, struct journey *journey)
{
    uint32_t wait = path->timeout_ms;
    *journey = (struct journey){.acked_ms = END_MS};
    for (unsigned i = 0; i < COPIES_MOST; i++) {
        uint32_t at = i == 0 ? 0 : journey->copies_ms[i - 1] + wait;
        uint32_t back = at + path->trip_ms - path->jitter_ms + draw(seed, 2 * path->jitter_ms + 1);
        wait *= i > (path->has_probe ? 1U : 0U) ? 2 : 1;
        journey->copies_ms[i] = at;
        if (passes(path, seed) && back < journey->acked_ms)
            journey->acked_ms = back;
    }
}

static struct ack_sample sample_at(const struct path *path, const struct journey *journey, uint32_t now_ms)
{
    struct ack_sample sample = {
        .delivered = 7, .in_flight = 1, .srtt_us = path->srtt_ms * 1000 + 300, .rttvar_us = path->rttvar_ms * 1000};
    for (unsigned i = 0; i < COPIES_MOST && journey->copies_ms[i] <= now_ms; i++) {
        sample.retransmitted = i;
        sample.last_sent_ms = now_ms - journey->copies_ms[i];
    }
    if (now_ms >= journey->acked_ms) {
        sample.in_flight = 0;
        sample.delivered++;
    }
    return sample;
}

/* When the watch calls the flow suspect; END_MS: never. */
static uint32_t suspect_at(const struct path *path, const struct journey *journey)
{
    struct ack_watch watch;
    uint32_t now = 0, again;
    struct ack_sample sample = sample_at(path, journey, now);
    ack_watch_begin(&watch, ACK_PATIENCE_MS, &sample, now);
    for (; now < END_MS; now += again) {
        sample = sample_at(path, journey, now);
        switch (ack_watch_look(&watch, &sample, now, &again)) {
        case ACK_ALL:
            return END_MS;
        case ACK_OVERDUE:
            return now;
        default:
            assert_in_range(again, 1, 200);
        }
    }
    return END_MS;
}

static uint32_t dead_at(struct path path)
{
    uint32_t seed = 1;
    struct journey journey;
    path.loss_percent = 100;
    travel(&path, &seed, &journey);
    return suspect_at(&path, &journey);
}

static void test_5626_7_i_a_dead_flow_is_suspect_within_a_second(void **state)
{
    (void)state;
    struct path path = lan;
    assert_in_range(dead_at(path), ACK_PATIENCE_MS, ACK_PATIENCE_MS + 50);
    path.has_probe = false;
    assert_in_range(dead_at(path), ACK_PATIENCE_MS, ACK_PATIENCE_MS + 50);
    path = (struct path){.srtt_ms = 50, .rttvar_ms = 5, .timeout_ms = 250, .trip_ms = 50, .has_probe = true};
    assert_in_range(dead_at(path), ACK_PATIENCE_MS, ACK_PATIENCE_MS + 50);
    path = (struct path){.srtt_ms = 120, .rttvar_ms = 5, .timeout_ms = 320, .trip_ms = 120, .has_probe = true};
    assert_in_range(dead_at(path), 6 * 140, 6 * 140 + 50);
}

static void test_5626_7_i_a_slow_path_has_five_copies_and_a_round_trip_for_the_last(void **state)
{
    (void)state;
    assert_in_range(dead_at(satellite), 8 * 1200 + 1200, 9 * 1200 + 50);
    struct path path = {.srtt_ms = 150, .rttvar_ms = 5, .timeout_ms = 350, .trip_ms = 150, .has_probe = true};
    assert_in_range(dead_at(path), 4 * 350 + 170, 4 * 350 + 220);
}

/* The path of the rule's figure: 600 ms, 300 ms of jitter, 2 % loss. */
static void test_5626_7_i_no_living_flow_is_suspect_on_a_slow_path_with_loss(void **state)
{
    (void)state;
    uint32_t seed = 20261129, lost = 0;
    struct path path = satellite;
    path.loss_percent = 2;
    for (unsigned i = 0; i < 10000; i++) {
        struct journey journey;
        travel(&path, &seed, &journey);
        lost += journey.acked_ms > path.timeout_ms;
        assert_int_equal(suspect_at(&path, &journey), END_MS);
    }
    assert_in_range(lost, 300, 500); /* the loss is there */
}

static void test_5626_7_i_a_living_flow_of_a_lan_survives_the_loss_of_two_copies(void **state)
{
    (void)state;
    struct path path = lan;
    struct journey journey;
    uint32_t seed = 1;
    path.loss_percent = 100;
    travel(&path, &seed, &journey);
    journey.acked_ms = journey.copies_ms[2] + path.trip_ms;
    assert_int_equal(suspect_at(&path, &journey), END_MS);
}

static void test_5626_7_i_every_acknowledgement_begins_the_time_anew(void **state)
{
    (void)state;
    struct ack_watch watch;
    uint32_t again;
    struct ack_sample sample = {.delivered = UINT32_MAX, .in_flight = 2, .srtt_us = 1000};
    ack_watch_begin(&watch, ACK_PATIENCE_MS, &sample, 0);
    sample.retransmitted = 3;
    sample.last_sent_ms = 20;
    sample.delivered = 0; /* the numbers wrap */
    assert_int_equal(ack_watch_look(&watch, &sample, 700, &again), ACK_WAITING);
    assert_int_equal(ack_watch_look(&watch, &sample, ACK_PATIENCE_MS, &again), ACK_WAITING);
    sample.retransmitted = 5;
    assert_int_equal(ack_watch_look(&watch, &sample, 700 + ACK_PATIENCE_MS - 1, &again), ACK_WAITING);
    assert_int_equal(again, 1);
    assert_int_equal(ack_watch_look(&watch, &sample, 700 + ACK_PATIENCE_MS, &again), ACK_OVERDUE);
}

/* A stall of this process is no silence of the peer: without retransmissions, time proves nothing. */
static void test_5626_7_i_time_alone_makes_no_flow_suspect(void **state)
{
    (void)state;
    struct ack_watch watch;
    uint32_t again;
    struct ack_sample sample = {.in_flight = 1, .srtt_us = 1000, .retransmitted = 90};
    ack_watch_begin(&watch, ACK_PATIENCE_MS, &sample, 0);
    sample.retransmitted = 91;
    sample.last_sent_ms = 100;
    assert_int_equal(ack_watch_look(&watch, &sample, 30000, &again), ACK_WAITING);
    sample.retransmitted = 92;
    sample.last_sent_ms = 0;
    assert_int_equal(ack_watch_look(&watch, &sample, 30000, &again), ACK_WAITING);
    sample.last_sent_ms = 1;
    assert_int_equal(ack_watch_look(&watch, &sample, 30001, &again), ACK_OVERDUE);
}

/* A keep-alive was lost before: the kernel waits long between its retransmissions, which count. */
static void test_5626_7_i_timeouts_from_before_the_invite_count(void **state)
{
    (void)state;
    struct ack_watch watch;
    uint32_t again;
    const struct ack_sample sample = {
        .in_flight = 1, .srtt_us = 1000, .retransmitted = 9, .timeouts = 5, .last_sent_ms = 4000, .unsent = 400};
    ack_watch_begin(&watch, ACK_PATIENCE_MS, &sample, 0);
    assert_int_equal(ack_watch_look(&watch, &sample, ACK_PATIENCE_MS - 1, &again), ACK_WAITING);
    assert_int_equal(ack_watch_look(&watch, &sample, ACK_PATIENCE_MS, &again), ACK_OVERDUE);
}

static void test_5626_7_i_a_peer_that_does_not_read_is_alive(void **state)
{
    (void)state;
    struct ack_watch watch;
    uint32_t again, now = 0;
    const struct ack_sample sample = {.unsent = 400, .srtt_us = 1000, .timeouts = 9, .last_sent_ms = 20000};
    ack_watch_begin(&watch, ACK_PATIENCE_MS, &sample, now);
    for (; now < 20000; now += again)
        assert_int_equal(ack_watch_look(&watch, &sample, now, &again), ACK_WAITING);
}

static void test_5626_7_i_without_a_measured_round_trip_the_time_is_six_seconds(void **state)
{
    (void)state;
    struct ack_watch watch;
    uint32_t again;
    struct ack_sample sample = {.in_flight = 1};
    ack_watch_begin(&watch, ACK_PATIENCE_MS, &sample, 0);
    sample.retransmitted = 4;
    sample.last_sent_ms = 1000;
    assert_int_equal(ack_watch_look(&watch, &sample, 5999, &again), ACK_WAITING);
    assert_int_equal(ack_watch_look(&watch, &sample, 6000, &again), ACK_OVERDUE);
}

static void test_the_kernel_shows_what_is_delivered(void **state)
{
    (void)state;
    struct ack_sample before, after;
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof address;
    int listener = socket(AF_INET, SOCK_STREAM, 0), client = socket(AF_INET, SOCK_STREAM, 0);
    assert_int_equal(bind(listener, (struct sockaddr *)&address, sizeof address), 0);
    assert_int_equal(listen(listener, 1), 0);
    assert_int_equal(getsockname(listener, (struct sockaddr *)&address, &size), 0);
    assert_int_equal(connect(client, (struct sockaddr *)&address, sizeof address), 0);
    int accepted = accept(listener, NULL, NULL);
    assert_int_equal(ack_sample_read(accepted, &before), 0);
    assert_true(before.srtt_us > 0);
    assert_int_equal(write(accepted, "INVITE", 6), 6);
    do
        assert_int_equal(ack_sample_read(accepted, &after), 0);
    while (after.in_flight > 0 || after.unsent > 0);
    assert_int_equal(after.delivered, before.delivered + 1);
    assert_int_equal(ack_sample_read(-1, &after), -EBADF);
    int datagram = socket(AF_INET, SOCK_DGRAM, 0);
    assert_true(ack_sample_read(datagram, &after) < 0);
    close(datagram);
    close(accepted);
    close(client);
    close(listener);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_5626_7_i_a_dead_flow_is_suspect_within_a_second),
        cmocka_unit_test(test_5626_7_i_a_slow_path_has_five_copies_and_a_round_trip_for_the_last),
        cmocka_unit_test(test_5626_7_i_no_living_flow_is_suspect_on_a_slow_path_with_loss),
        cmocka_unit_test(test_5626_7_i_a_living_flow_of_a_lan_survives_the_loss_of_two_copies),
        cmocka_unit_test(test_5626_7_i_every_acknowledgement_begins_the_time_anew),
        cmocka_unit_test(test_5626_7_i_time_alone_makes_no_flow_suspect),
        cmocka_unit_test(test_5626_7_i_timeouts_from_before_the_invite_count),
        cmocka_unit_test(test_5626_7_i_a_peer_that_does_not_read_is_alive),
        cmocka_unit_test(test_5626_7_i_without_a_measured_round_trip_the_time_is_six_seconds),
        cmocka_unit_test(test_the_kernel_shows_what_is_delivered),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
