// SPDX-License-Identifier: BSD-2-Clause
#include "test.h"

#include <errno.h>

#include "core/code.h"
#include "flow/outbound.h"

/* A user agent on a stage: the test reports each event and reads each action. */
struct stage {
    struct fake_host fake;
    struct outbound *outbound;
    struct outbound_action action; /* the last that was read */
    uint32_t connection[OUTBOUND_FLOWS_MOST], request[OUTBOUND_FLOWS_MOST];
};

static void stage_with(struct stage *stage, const struct outbound_options *options)
{
    *stage = (struct stage){0};
    fake_host_create(&stage->fake);
    assert_int_equal(outbound_new(&stage->outbound, &stage->fake.host, options, stage->fake.now_ms), 0);
}

static void stage_create(struct stage *stage, size_t flows)
{
    stage_with(stage, &(struct outbound_options){.count = flows});
}

static void stage_destroy(struct stage *stage)
{
    outbound_delete(stage->outbound);
    assert_int_equal(stage->fake.allocated, 0);
}

static bool next(struct stage *stage)
{
    if (!outbound_next(stage->outbound, stage->fake.now_ms, &stage->action))
        return false;
    if (stage->action.kind == OUTBOUND_OPEN)
        stage->connection[stage->action.flow] = stage->action.serial;
    if (stage->action.kind == OUTBOUND_REGISTER)
        stage->request[stage->action.flow] = stage->action.serial;
    return true;
}

static const struct outbound_action *expect(struct stage *stage, enum outbound_action_kind kind, size_t flow)
{
    if (!next(stage))
        fail_msg("nothing to do where %s was to come", outbound_action_name(kind));
    if (stage->action.kind != kind || stage->action.flow != flow)
        fail_msg("%s on %u in place of %s on %zu: %s", outbound_action_name(stage->action.kind), stage->action.flow,
                 outbound_action_name(kind), flow, stage->action.why);
    return &stage->action;
}

static void expect_nothing(struct stage *stage)
{
    if (next(stage))
        fail_msg("%s on %u in place of nothing: %s", outbound_action_name(stage->action.kind), stage->action.flow,
                 stage->action.why);
}

static uint64_t wait_of(const struct stage *stage)
{
    return outbound_wait_ms(stage->outbound, stage->fake.now_ms);
}

/* Sleeps until there is something to do; returns how long that was. */
static uint64_t sleep_until_due(struct stage *stage)
{
    const uint64_t wait = wait_of(stage);
    assert_true(wait != OUTBOUND_NEVER);
    fake_host_advance(&stage->fake, wait);
    return wait;
}

static void open_flow(struct stage *stage, size_t flow)
{
    expect(stage, OUTBOUND_OPEN, flow);
    outbound_opened(stage->outbound, flow, stage->connection[flow], stage->fake.now_ms);
    expect(stage, OUTBOUND_REGISTER, flow);
}

static struct decision answer_with(struct stage *stage, size_t flow, struct outbound_answer answer)
{
    return outbound_answered(stage->outbound, flow, stage->request[flow], stage->fake.now_ms, &answer);
}

static struct decision answer(struct stage *stage, size_t flow, uint32_t code)
{
    return answer_with(stage, flow, (struct outbound_answer){.facts = {.code = code, .has_challenge = true}});
}

static struct decision accept_outbound(struct stage *stage, size_t flow, uint32_t flow_timer)
{
    return answer_with(
        stage, flow,
        (struct outbound_answer){.facts = {.code = SIP_OK, .requires_outbound = true, .flow_timer = flow_timer}});
}

static void registered(struct stage *stage, size_t flow)
{
    open_flow(stage, flow);
    accept_outbound(stage, flow, 0);
    expect(stage, OUTBOUND_REGISTERED, flow);
}

static void pong(struct stage *stage, size_t flow)
{
    outbound_pong(stage->outbound, flow, stage->connection[flow]);
}

/* A flow that has been good: registered, and a pong came. */
static void proven(struct stage *stage, size_t flow)
{
    registered(stage, flow);
    sleep_until_due(stage);
    expect(stage, OUTBOUND_KEEPALIVE, flow);
    pong(stage, flow);
}

static void lose(struct stage *stage, size_t flow)
{
    outbound_closed(stage->outbound, flow, stage->connection[flow], stage->fake.now_ms);
}

static uint64_t failed(struct stage *stage, size_t flow)
{
    expect(stage, OUTBOUND_FAILED, flow);
    return stage->action.wait_ms;
}

static void test_options_are_checked(void **unused)
{
    struct fake_host fake;
    struct outbound *outbound;
    (void)unused;
    fake_host_create(&fake);
    const struct outbound_options bad[] = {
        {.count = 0},
        {.count = OUTBOUND_FLOWS_MOST + 1},
        {.count = 2, .proxies = {{.reg_id = 2}, {.reg_id = 0}}},
        {.count = 2, .proxies = {{.reg_id = 7}, {.reg_id = 7}}},
        {.count = 1, .proxies = {{.reg_id = 0x80000000U}}},
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        assert_int_equal(outbound_new(&outbound, &fake.host, &bad[i], 0), -EINVAL);
        assert_null(outbound);
    }
    fake.fail_after = 1;
    assert_int_equal(outbound_new(&outbound, &fake.host, &(struct outbound_options){.count = 1}, 0), -ENOMEM);
    assert_null(outbound);
    outbound_delete(NULL);
    assert_int_equal(fake.allocated, 0);
}

static void test_every_proxy_is_registered_with_its_reg_id(void **unused)
{
    struct stage stage;
    (void)unused;
    stage_with(&stage, &(struct outbound_options){.count = 2, .proxies = {{.reg_id = 5}, {.reg_id = 9}}});
    assert_int_equal(wait_of(&stage), 0);
    for (size_t i = 0; i < 2; i++)
        assert_int_equal(expect(&stage, OUTBOUND_OPEN, i)->reg_id, i == 0 ? 5 : 9);
    expect_nothing(&stage);
    outbound_opened(stage.outbound, 1, stage.connection[1], stage.fake.now_ms);
    const struct outbound_action *action = expect(&stage, OUTBOUND_REGISTER, 1);
    assert_int_equal(action->reg_id, 9);
    assert_int_equal(action->expires, 3600);
    assert_true(action->outbound);
    assert_false(action->with_credentials);
    expect_nothing(&stage);
    stage_destroy(&stage);
}

static void test_one_flow_is_enough_to_be_reachable(void **unused)
{
    struct stage stage;
    (void)unused;
    stage_create(&stage, 2);
    registered(&stage, 0);
    assert_int_equal(stage.action.registered, 1);
    assert_true(outbound_flow_registered(stage.outbound, 0));
    assert_false(outbound_flow_registered(stage.outbound, 1));
    assert_false(outbound_flow_registered(stage.outbound, 2));
    registered(&stage, 1);
    assert_int_equal(stage.action.registered, 2);
    lose(&stage, 0);
    failed(&stage, 0);
    assert_int_equal(stage.action.registered, 1);
    lose(&stage, 1);
    failed(&stage, 1);
    assert_int_equal(stage.action.registered, 0);
    stage_destroy(&stage);
}

static void test_5626_4_2_a_keep_alives_after_require_outbound_alone(void **unused)
{
    struct stage stage;
    (void)unused;
    stage_create(&stage, 1);
    open_flow(&stage, 0);
    struct decision decision =
        answer_with(&stage, 0, (struct outbound_answer){.facts = {.code = SIP_OK, .flow_timer = 20}});
    assert_int_equal(decision.flags & FLAG_START_KEEPALIVE, 0);
    assert_false(expect(&stage, OUTBOUND_REGISTERED, 0)->keepalive);
    for (uint64_t slept = 0; slept < 2000000; slept += sleep_until_due(&stage))
        expect_nothing(&stage);
    expect(&stage, OUTBOUND_REGISTER, 0);
    assert_int_equal(accept_outbound(&stage, 0, 0).flags & FLAG_START_KEEPALIVE, FLAG_START_KEEPALIVE);
    expect_nothing(&stage);
    sleep_until_due(&stage);
    expect(&stage, OUTBOUND_KEEPALIVE, 0);
    stage_destroy(&stage);
}

static void test_5626_4_2_a_keep_alives_end_where_outbound_is_not_required_any_more(void **unused)
{
    struct stage stage;
    (void)unused;
    stage_with(&stage, &(struct outbound_options){.count = 1, .expires = 60});
    registered(&stage, 0);
    sleep_until_due(&stage);
    expect(&stage, OUTBOUND_REGISTER, 0);
    answer(&stage, 0, SIP_OK);
    for (int i = 0; i < 20; i++) {
        sleep_until_due(&stage);
        if (next(&stage)) {
            assert_int_equal(stage.action.kind, OUTBOUND_REGISTER);
            answer(&stage, 0, SIP_OK);
        }
    }
    stage_destroy(&stage);
}

static void assert_pings(const struct outbound_options *options, uint32_t flow_timer, uint64_t least, uint64_t most)
{
    struct stage stage;
    stage_with(&stage, options);
    open_flow(&stage, 0);
    accept_outbound(&stage, 0, flow_timer);
    expect(&stage, OUTBOUND_REGISTERED, 0);
    for (int i = 0; i < 20; i++) {
        assert_in_range(sleep_until_due(&stage), least, most);
        expect(&stage, OUTBOUND_KEEPALIVE, 0);
        pong(&stage, 0);
        expect_nothing(&stage);
    }
    stage_destroy(&stage);
}

static void test_5626_4_4_a_pings_at_their_intervals(void **unused)
{
    (void)unused;
    const struct outbound_options stream = {.count = 1, .expires = 80000};
    const struct outbound_options stun = {.count = 1, .expires = 80000, .proxies = {{.keepalive = KEEPALIVE_STUN}}};
    assert_pings(&stream, 0, 95000, 120000);
    assert_pings(&stun, 0, 24000, 29000);
    assert_pings(&stream, 50, 40000, 50000);
    assert_pings(&stun, 10, 8000, 10000);
}

static void test_5626_4_4_a_a_shorter_flow_timer_counts_at_once(void **unused)
{
    struct stage stage;
    (void)unused;
    stage_with(&stage, &(struct outbound_options){.count = 1, .expires = 60});
    registered(&stage, 0);
    sleep_until_due(&stage);
    expect(&stage, OUTBOUND_REGISTER, 0);
    accept_outbound(&stage, 0, 5);
    assert_in_range(sleep_until_due(&stage), 4000, 5000);
    expect(&stage, OUTBOUND_KEEPALIVE, 0);
    stage_destroy(&stage);
}

static void test_5626_4_4_b_no_pong_fails_the_flow(void **unused)
{
    struct stage stage;
    (void)unused;
    stage_create(&stage, 1);
    proven(&stage, 0);
    sleep_until_due(&stage);
    expect(&stage, OUTBOUND_KEEPALIVE, 0);
    assert_int_equal(sleep_until_due(&stage), KEEPALIVE_PONG_MS);
    expect(&stage, OUTBOUND_CLOSE, 0);
    assert_int_equal(failed(&stage, 0), 0);
    assert_int_equal(stage.action.rule, RULE_5626_4_4_B);
    assert_int_equal(outbound_registered(stage.outbound), 0);
    assert_int_equal(expect(&stage, OUTBOUND_OPEN, 0)->reg_id, 1);
    stage_destroy(&stage);
}

static void test_5626_4_4_b_no_second_ping_while_a_pong_is_awaited(void **unused)
{
    struct stage stage;
    (void)unused;
    stage_create(&stage, 1);
    open_flow(&stage, 0);
    accept_outbound(&stage, 0, 1);
    expect(&stage, OUTBOUND_REGISTERED, 0);
    assert_in_range(sleep_until_due(&stage), 800, 1000);
    expect(&stage, OUTBOUND_KEEPALIVE, 0);
    for (int i = 0; i < 9; i++) {
        fake_host_advance(&stage.fake, 1000);
        expect_nothing(&stage);
    }
    pong(&stage, 0);
    expect(&stage, OUTBOUND_KEEPALIVE, 0);
    stage_destroy(&stage);
}

static void test_5626_4_4_b_a_pong_that_nobody_asked_for_proves_nothing(void **unused)
{
    struct stage stage;
    (void)unused;
    stage_create(&stage, 1);
    registered(&stage, 0);
    pong(&stage, 0);
    lose(&stage, 0);
    assert_true(failed(&stage, 0) >= 30000);
    stage_destroy(&stage);
}

static void mapped(struct stage *stage, const char *address)
{
    outbound_mapped(stage->outbound, 0, stage->connection[0], stage->fake.now_ms, text_of(address));
}

static void test_5626_4_4_b_another_mapped_address_fails_the_flow(void **unused)
{
    struct stage stage;
    char long_address[200];
    (void)unused;
    stage_with(&stage, &(struct outbound_options){.count = 1, .proxies = {{.keepalive = KEEPALIVE_STUN}}});
    registered(&stage, 0);
    for (int i = 0; i < 3; i++) {
        sleep_until_due(&stage);
        expect(&stage, OUTBOUND_KEEPALIVE, 0);
        mapped(&stage, "192.0.2.1:5060");
        expect_nothing(&stage);
    }
    sleep_until_due(&stage);
    expect(&stage, OUTBOUND_KEEPALIVE, 0);
    memset(long_address, 'x', sizeof long_address - 1);
    long_address[sizeof long_address - 1] = '\0';
    mapped(&stage, long_address);
    expect_nothing(&stage);
    mapped(&stage, "192.0.2.1:5062");
    expect(&stage, OUTBOUND_CLOSE, 0);
    assert_int_equal(failed(&stage, 0), 0);
    assert_int_equal(stage.action.rule, RULE_5626_4_4_B);
    registered(&stage, 0);
    sleep_until_due(&stage);
    expect(&stage, OUTBOUND_KEEPALIVE, 0);
    mapped(&stage, "192.0.2.1:5062");
    expect_nothing(&stage);
    stage_destroy(&stage);
}

static void test_5626_4_5_a_waits_double_with_each_failure(void **unused)
{
    struct stage stage;
    static const uint64_t most[] = {60000, 120000, 240000, 480000, 960000, 1800000, 1800000, 1800000};
    (void)unused;
    stage_create(&stage, 1);
    for (size_t i = 0; i < sizeof most / sizeof most[0]; i++) {
        expect(&stage, OUTBOUND_OPEN, 0);
        lose(&stage, 0);
        const uint64_t wait = failed(&stage, 0);
        assert_in_range(wait, most[i] / 2, most[i]);
        expect_nothing(&stage);
        assert_int_equal(sleep_until_due(&stage), wait);
    }
    stage_destroy(&stage);
}

static void test_5626_4_5_a_longer_base_where_another_flow_lives(void **unused)
{
    struct stage stage;
    (void)unused;
    stage_create(&stage, 2);
    registered(&stage, 0);
    expect(&stage, OUTBOUND_OPEN, 1);
    lose(&stage, 1);
    assert_in_range(failed(&stage, 1), 90000, 180000);
    lose(&stage, 0);
    assert_in_range(failed(&stage, 0), 30000, 60000);
    stage_destroy(&stage);
}

static void test_5626_4_5_a_failures_are_counted_for_each_proxy(void **unused)
{
    struct stage stage;
    (void)unused;
    stage_with(&stage, &(struct outbound_options){.count = 2, .times = {.answer_ms = UINT32_MAX}});
    expect(&stage, OUTBOUND_OPEN, 0);
    expect(&stage, OUTBOUND_OPEN, 1);
    for (uint64_t most = 60000; most <= 480000; most *= 2) {
        lose(&stage, 0);
        assert_in_range(failed(&stage, 0), most / 2, most);
        sleep_until_due(&stage);
        expect(&stage, OUTBOUND_OPEN, 0);
    }
    lose(&stage, 1);
    assert_in_range(failed(&stage, 1), 30000, 60000);
    stage_destroy(&stage);
}

static void test_5626_4_5_b_a_good_flow_is_opened_again_at_once_with_its_reg_id(void **unused)
{
    struct stage stage;
    (void)unused;
    stage_with(&stage, &(struct outbound_options){.count = 1, .proxies = {{.reg_id = 7}}});
    proven(&stage, 0);
    lose(&stage, 0);
    assert_int_equal(failed(&stage, 0), 0);
    assert_int_equal(expect(&stage, OUTBOUND_OPEN, 0)->reg_id, 7);
    lose(&stage, 0);
    assert_in_range(failed(&stage, 0), 30000, 60000);
    sleep_until_due(&stage);
    assert_int_equal(expect(&stage, OUTBOUND_OPEN, 0)->reg_id, 7);
    stage_destroy(&stage);
}

static void test_5626_4_5_a_flow_that_was_never_good_counts_on(void **unused)
{
    struct stage stage;
    (void)unused;
    stage_create(&stage, 1);
    for (uint64_t most = 60000; most <= 240000; most *= 2) {
        registered(&stage, 0);
        lose(&stage, 0);
        assert_in_range(failed(&stage, 0), most / 2, most);
        sleep_until_due(&stage);
    }
    stage_destroy(&stage);
}

static void test_5626_4_5_a_without_keep_alives_time_proves_a_flow(void **unused)
{
    struct stage stage;
    (void)unused;
    stage_create(&stage, 1);
    open_flow(&stage, 0);
    answer(&stage, 0, SIP_OK);
    expect(&stage, OUTBOUND_REGISTERED, 0);
    fake_host_advance(&stage.fake, 29999);
    expect_nothing(&stage);
    lose(&stage, 0);
    assert_in_range(failed(&stage, 0), 30000, 60000);
    sleep_until_due(&stage);
    open_flow(&stage, 0);
    answer(&stage, 0, SIP_OK);
    expect(&stage, OUTBOUND_REGISTERED, 0);
    assert_int_equal(sleep_until_due(&stage), 30000);
    expect_nothing(&stage);
    lose(&stage, 0);
    assert_int_equal(failed(&stage, 0), 0);
    stage_destroy(&stage);
}

static void test_5626_4_5_a_refreshes_do_not_put_the_proof_off(void **unused)
{
    struct stage stage;
    (void)unused;
    stage_with(&stage, &(struct outbound_options){.count = 1, .expires = 10});
    open_flow(&stage, 0);
    answer(&stage, 0, SIP_OK);
    expect(&stage, OUTBOUND_REGISTERED, 0);
    for (uint64_t slept = 0; slept < 30000; slept += sleep_until_due(&stage))
        if (next(&stage))
            answer(&stage, 0, SIP_OK);
    expect_nothing(&stage);
    lose(&stage, 0);
    assert_int_equal(failed(&stage, 0), 0);
    stage_destroy(&stage);
}

static void test_5626_4_5_a_times_can_be_configured(void **unused)
{
    struct stage stage;
    (void)unused;
    stage_with(&stage,
               &(struct outbound_options){
                   .count = 1, .times = {.recovery = {.base_ms = 10, .most_ms = 40}, .answer_ms = 7, .pong_ms = 3}});
    expect(&stage, OUTBOUND_OPEN, 0);
    assert_int_equal(sleep_until_due(&stage), 7);
    expect(&stage, OUTBOUND_CLOSE, 0);
    assert_in_range(failed(&stage, 0), 10, 20);
    sleep_until_due(&stage);
    registered(&stage, 0);
    sleep_until_due(&stage);
    expect(&stage, OUTBOUND_KEEPALIVE, 0);
    assert_int_equal(sleep_until_due(&stage), 3);
    expect(&stage, OUTBOUND_CLOSE, 0);
    assert_in_range(failed(&stage, 0), 20, 40);
    stage_destroy(&stage);
}

static void answer_retry_after(struct stage *stage, uint32_t code, uint32_t seconds)
{
    answer_with(stage, 0,
                (struct outbound_answer){.facts = {.code = code, .has_retry_after = true, .retry_after = seconds}});
}

static void test_5626_4_2_b_retry_after_of_a_503_is_waited(void **unused)
{
    struct stage stage;
    (void)unused;
    stage_create(&stage, 1);
    open_flow(&stage, 0);
    answer_retry_after(&stage, SIP_SERVICE_UNAVAILABLE, 5);
    expect(&stage, OUTBOUND_CLOSE, 0);
    assert_int_equal(failed(&stage, 0), 5000);
    assert_int_equal(stage.action.rule, RULE_5626_4_2_B);
    sleep_until_due(&stage);
    open_flow(&stage, 0);
    answer_retry_after(&stage, SIP_SERVICE_UNAVAILABLE, 7200);
    expect(&stage, OUTBOUND_CLOSE, 0);
    assert_int_equal(failed(&stage, 0), 7200000);
    sleep_until_due(&stage);
    open_flow(&stage, 0);
    answer_retry_after(&stage, SIP_SERVICE_UNAVAILABLE, UINT32_MAX);
    expect(&stage, OUTBOUND_CLOSE, 0);
    assert_int_equal(failed(&stage, 0), 86400000);
    stage_destroy(&stage);
}

static void test_5626_4_2_b_retry_after_0_means_now_and_no_endless_loop(void **unused)
{
    struct stage stage;
    (void)unused;
    stage_create(&stage, 1);
    open_flow(&stage, 0);
    answer_retry_after(&stage, SIP_SERVICE_UNAVAILABLE, 0);
    expect(&stage, OUTBOUND_CLOSE, 0);
    assert_int_equal(failed(&stage, 0), 0);
    open_flow(&stage, 0);
    answer_retry_after(&stage, SIP_SERVICE_UNAVAILABLE, 0);
    expect(&stage, OUTBOUND_CLOSE, 0);
    assert_in_range(failed(&stage, 0), 60000, 120000);
    sleep_until_due(&stage);
    proven(&stage, 0);
    while (!next(&stage) || stage.action.kind != OUTBOUND_REGISTER) {
        pong(&stage, 0);
        sleep_until_due(&stage);
    }
    answer_retry_after(&stage, SIP_SERVICE_UNAVAILABLE, 0);
    assert_int_equal(failed(&stage, 0), 0);
    expect(&stage, OUTBOUND_REGISTER, 0);
    stage_destroy(&stage);
}

static void test_5626_4_2_b_without_retry_after_the_recovery_wait(void **unused)
{
    struct stage stage;
    (void)unused;
    stage_create(&stage, 1);
    open_flow(&stage, 0);
    answer(&stage, 0, SIP_SERVICE_UNAVAILABLE);
    expect(&stage, OUTBOUND_CLOSE, 0);
    assert_in_range(failed(&stage, 0), 30000, 60000);
    assert_int_equal(stage.action.code, SIP_SERVICE_UNAVAILABLE);
    stage_destroy(&stage);
}

static void test_5626_4_2_c_439_without_outbound(void **unused)
{
    struct stage stage;
    (void)unused;
    stage_create(&stage, 1);
    open_flow(&stage, 0);
    answer(&stage, 0, SIP_FIRST_HOP_LACKS_OUTBOUND_SUPPORT);
    assert_false(expect(&stage, OUTBOUND_REGISTER, 0)->outbound);
    accept_outbound(&stage, 0, 10);
    assert_false(expect(&stage, OUTBOUND_REGISTERED, 0)->keepalive);
    lose(&stage, 0);
    failed(&stage, 0);
    sleep_until_due(&stage);
    open_flow(&stage, 0);
    assert_true(stage.action.outbound);
    stage_destroy(&stage);
}

static void test_5626_4_2_c_439_goes_through_another_first_hop_where_one_lives(void **unused)
{
    struct stage stage;
    (void)unused;
    stage_create(&stage, 2);
    registered(&stage, 0);
    open_flow(&stage, 1);
    answer(&stage, 1, SIP_FIRST_HOP_LACKS_OUTBOUND_SUPPORT);
    expect(&stage, OUTBOUND_CLOSE, 1);
    assert_in_range(failed(&stage, 1), 90000, 180000);
    assert_int_equal(stage.action.rule, RULE_5626_4_2_C);
    stage_destroy(&stage);
}

static void test_5626_4_2_c_439_waits_for_a_first_hop_that_may_come_to_life(void **unused)
{
    struct stage stage;
    (void)unused;
    stage_create(&stage, 2);
    expect(&stage, OUTBOUND_OPEN, 0);
    expect(&stage, OUTBOUND_OPEN, 1);
    for (size_t i = 0; i < 2; i++) {
        outbound_opened(stage.outbound, i, stage.connection[i], stage.fake.now_ms);
        expect(&stage, OUTBOUND_REGISTER, i);
    }
    answer(&stage, 0, SIP_FIRST_HOP_LACKS_OUTBOUND_SUPPORT);
    expect(&stage, OUTBOUND_CLOSE, 0);
    assert_in_range(failed(&stage, 0), 30000, 60000);
    answer(&stage, 1, SIP_FIRST_HOP_LACKS_OUTBOUND_SUPPORT);
    assert_false(expect(&stage, OUTBOUND_REGISTER, 1)->outbound);
    stage_destroy(&stage);
}

static void test_5626_4_2_c_a_plain_binding_makes_way_for_an_outbound_one(void **unused)
{
    struct stage stage;
    (void)unused;
    stage_create(&stage, 2);
    expect(&stage, OUTBOUND_OPEN, 0);
    lose(&stage, 0);
    const uint64_t wait = failed(&stage, 0);
    open_flow(&stage, 1);
    answer(&stage, 1, SIP_FIRST_HOP_LACKS_OUTBOUND_SUPPORT);
    expect(&stage, OUTBOUND_REGISTER, 1);
    answer(&stage, 1, SIP_OK);
    expect(&stage, OUTBOUND_REGISTERED, 1);
    fake_host_advance(&stage.fake, wait);
    registered(&stage, 0);
    assert_int_equal(expect(&stage, OUTBOUND_REGISTER, 1)->expires, 0);
    assert_false(stage.action.outbound);
    expect_nothing(&stage);
    answer(&stage, 1, SIP_OK);
    expect(&stage, OUTBOUND_CLOSE, 1);
    expect(&stage, OUTBOUND_UNREGISTERED, 1);
    assert_int_equal(stage.action.registered, 1);
    expect_nothing(&stage);
    for (;;) {
        assert_true(sleep_until_due(&stage) > 0);
        pong(&stage, 0);
        if (next(&stage) && stage.action.flow == 1)
            break;
    }
    assert_int_equal(stage.action.kind, OUTBOUND_OPEN);
    assert_in_range(stage.fake.now_ms, 1000000 + wait + 90000, 1000000 + wait + 180000);
    stage_destroy(&stage);
}

static void test_5626_4_2_c_439_never_without_outbound_where_told_so(void **unused)
{
    struct stage stage;
    (void)unused;
    stage_with(&stage, &(struct outbound_options){.count = 1, .always_outbound = true});
    open_flow(&stage, 0);
    answer(&stage, 0, SIP_FIRST_HOP_LACKS_OUTBOUND_SUPPORT);
    expect(&stage, OUTBOUND_CLOSE, 0);
    assert_in_range(failed(&stage, 0), 30000, 60000);
    stage_destroy(&stage);
}

static void answer_brief(struct stage *stage, uint32_t least)
{
    answer_with(stage, 0, (struct outbound_answer){.facts = {.code = SIP_INTERVAL_TOO_BRIEF, .min_expires = least}});
}

static void test_code_423_again_with_min_expires(void **unused)
{
    struct stage stage;
    (void)unused;
    stage_with(&stage, &(struct outbound_options){.count = 1, .expires = 60});
    open_flow(&stage, 0);
    answer_brief(&stage, 300);
    assert_int_equal(expect(&stage, OUTBOUND_REGISTER, 0)->expires, 300);
    answer_brief(&stage, 600);
    expect(&stage, OUTBOUND_CLOSE, 0);
    assert_in_range(failed(&stage, 0), 30000, 60000);
    sleep_until_due(&stage);
    open_flow(&stage, 0);
    assert_int_equal(stage.action.expires, 300);
    answer_brief(&stage, 200);
    expect(&stage, OUTBOUND_CLOSE, 0);
    failed(&stage, 0);
    sleep_until_due(&stage);
    open_flow(&stage, 0);
    answer_brief(&stage, 0);
    expect(&stage, OUTBOUND_CLOSE, 0);
    failed(&stage, 0);
    stage_destroy(&stage);
}

static void test_3261_8_1_3_d_a_challenge_is_answered_once(void **unused)
{
    struct stage stage;
    static const uint32_t codes[] = {SIP_UNAUTHORIZED, SIP_PROXY_AUTHENTICATION_REQUIRED};
    (void)unused;
    for (size_t i = 0; i < 2; i++) {
        stage_create(&stage, 1);
        open_flow(&stage, 0);
        answer(&stage, 0, codes[i]);
        assert_true(expect(&stage, OUTBOUND_REGISTER, 0)->with_credentials);
        answer(&stage, 0, codes[i]);
        expect(&stage, OUTBOUND_CLOSE, 0);
        assert_in_range(failed(&stage, 0), 30000, 60000);
        sleep_until_due(&stage);
        open_flow(&stage, 0);
        assert_false(stage.action.with_credentials);
        stage_destroy(&stage);
    }
}

static void test_3261_8_1_3_d_proxy_and_registrar_may_both_challenge(void **unused)
{
    struct stage stage;
    (void)unused;
    stage_create(&stage, 1);
    open_flow(&stage, 0);
    answer(&stage, 0, SIP_PROXY_AUTHENTICATION_REQUIRED);
    expect(&stage, OUTBOUND_REGISTER, 0);
    answer(&stage, 0, SIP_UNAUTHORIZED);
    assert_true(expect(&stage, OUTBOUND_REGISTER, 0)->with_credentials);
    accept_outbound(&stage, 0, 0);
    expect(&stage, OUTBOUND_REGISTERED, 0);
    stage_destroy(&stage);
}

static void test_3261_8_1_3_d_a_stale_nonce_is_no_wrong_password(void **unused)
{
    struct stage stage;
    unsigned answered = 0;
    const struct outbound_answer stale = {.facts = {.code = SIP_UNAUTHORIZED, .has_challenge = true}, .stale = true};
    (void)unused;
    stage_create(&stage, 1);
    open_flow(&stage, 0);
    answer(&stage, 0, SIP_UNAUTHORIZED);
    expect(&stage, OUTBOUND_REGISTER, 0);
    answer_with(&stage, 0, stale);
    assert_true(expect(&stage, OUTBOUND_REGISTER, 0)->with_credentials);
    do {
        answer_with(&stage, 0, stale);
        next(&stage);
        answered++;
    } while (stage.action.kind == OUTBOUND_REGISTER && answered < 10);
    assert_int_equal(stage.action.kind, OUTBOUND_CLOSE);
    assert_in_range(answered, 1, 5);
    stage_destroy(&stage);
}

static void test_3261_8_1_3_d_no_challenge_no_credentials(void **unused)
{
    struct stage stage;
    (void)unused;
    stage_create(&stage, 1);
    open_flow(&stage, 0);
    answer_with(&stage, 0, (struct outbound_answer){.facts = {.code = SIP_UNAUTHORIZED}});
    expect(&stage, OUTBOUND_CLOSE, 0);
    failed(&stage, 0);
    stage_destroy(&stage);
}

static void test_a_refresh_may_be_challenged_anew(void **unused)
{
    struct stage stage;
    (void)unused;
    stage_with(&stage, &(struct outbound_options){.count = 1, .expires = 60});
    open_flow(&stage, 0);
    for (int i = 0; i < 8; i++) {
        answer(&stage, 0, SIP_UNAUTHORIZED);
        expect(&stage, OUTBOUND_REGISTER, 0);
        answer(&stage, 0, SIP_OK);
        if (i == 0)
            expect(&stage, OUTBOUND_REGISTERED, 0);
        while (!next(&stage))
            sleep_until_due(&stage);
        assert_int_equal(stage.action.kind, OUTBOUND_REGISTER);
        assert_true(stage.action.with_credentials);
    }
    stage_destroy(&stage);
}

static void test_refusals_give_the_proxy_up_for_the_recovery_wait(void **unused)
{
    struct stage stage;
    static const uint32_t codes[] = {SIP_FORBIDDEN,
                                     SIP_NOT_FOUND,
                                     SIP_BAD_REQUEST,
                                     SIP_FLOW_FAILED,
                                     SIP_BAD_EXTENSION,
                                     SIP_MOVED_TEMPORARILY,
                                     SIP_SERVER_INTERNAL_ERROR,
                                     SIP_BUSY_EVERYWHERE,
                                     SIP_DECLINE,
                                     SIP_REQUEST_TIMEOUT,
                                     499,
                                     699};
    (void)unused;
    for (size_t i = 0; i < sizeof codes / sizeof codes[0]; i++) {
        stage_create(&stage, 1);
        open_flow(&stage, 0);
        answer(&stage, 0, codes[i]);
        expect(&stage, OUTBOUND_CLOSE, 0);
        assert_in_range(failed(&stage, 0), 30000, 60000);
        assert_int_equal(stage.action.code, codes[i]);
        expect_nothing(&stage);
        stage_destroy(&stage);
    }
}

static void test_3261_20_33_a_a_longer_retry_after_is_waited(void **unused)
{
    struct stage stage;
    (void)unused;
    stage_create(&stage, 1);
    open_flow(&stage, 0);
    answer_retry_after(&stage, SIP_DECLINE, 500);
    expect(&stage, OUTBOUND_CLOSE, 0);
    assert_int_equal(failed(&stage, 0), 500000);
    sleep_until_due(&stage);
    open_flow(&stage, 0);
    answer_retry_after(&stage, SIP_DECLINE, 1);
    expect(&stage, OUTBOUND_CLOSE, 0);
    assert_in_range(failed(&stage, 0), 60000, 120000);
    stage_destroy(&stage);
}

static void test_a_success_that_binds_nothing_is_none(void **unused)
{
    struct stage stage;
    (void)unused;
    stage_create(&stage, 1);
    open_flow(&stage, 0);
    answer_with(&stage, 0, (struct outbound_answer){.facts = {.code = SIP_OK}, .has_expires = true});
    expect(&stage, OUTBOUND_CLOSE, 0);
    assert_in_range(failed(&stage, 0), 30000, 60000);
    stage_destroy(&stage);
}

static void test_3261_8_1_3_b_no_answer_fails_the_flow(void **unused)
{
    struct stage stage;
    (void)unused;
    stage_create(&stage, 1);
    open_flow(&stage, 0);
    assert_int_equal(sleep_until_due(&stage), 32000);
    expect(&stage, OUTBOUND_CLOSE, 0);
    assert_in_range(failed(&stage, 0), 30000, 60000);
    assert_int_equal(stage.action.code, 0);
    sleep_until_due(&stage);
    open_flow(&stage, 0);
    answer_with(&stage, 0, (struct outbound_answer){.facts = {.origin = ORIGIN_TRANSPORT}});
    expect(&stage, OUTBOUND_CLOSE, 0);
    assert_in_range(failed(&stage, 0), 60000, 120000);
    stage_destroy(&stage);
}

static void test_3261_8_1_3_c_what_is_not_for_us_changes_nothing(void **unused)
{
    struct stage stage;
    const struct outbound_answer foreign = {.facts = {.code = SIP_OK, .via_count = 2}};
    const struct outbound_answer good = {.facts = {.code = SIP_OK}};
    (void)unused;
    stage_create(&stage, 1);
    open_flow(&stage, 0);
    assert_int_equal(answer_with(&stage, 0, foreign).action, ACTION_ABSORB);
    assert_int_equal(answer(&stage, 0, 7).action, ACTION_ABSORB);
    answer(&stage, 0, SIP_TRYING);
    answer(&stage, 0, 199);
    assert_int_equal(outbound_answered(stage.outbound, 0, 77, stage.fake.now_ms, &good).action, ACTION_ABSORB);
    assert_int_equal(outbound_answered(stage.outbound, 9, 1, stage.fake.now_ms, &good).action, ACTION_ABSORB);
    outbound_closed(stage.outbound, 0, 99, stage.fake.now_ms);
    outbound_closed(stage.outbound, 9, 1, stage.fake.now_ms);
    outbound_opened(stage.outbound, 0, stage.connection[0], stage.fake.now_ms);
    expect_nothing(&stage);
    accept_outbound(&stage, 0, 0);
    expect(&stage, OUTBOUND_REGISTERED, 0);
    assert_int_equal(answer(&stage, 0, SIP_FORBIDDEN).action, ACTION_ABSORB);
    expect_nothing(&stage);
    stage_destroy(&stage);
}

static void test_an_answer_that_comes_late_is_not_taken_for_another(void **unused)
{
    struct stage stage;
    (void)unused;
    stage_create(&stage, 1);
    open_flow(&stage, 0);
    const uint32_t old = stage.request[0];
    sleep_until_due(&stage);
    expect(&stage, OUTBOUND_CLOSE, 0);
    failed(&stage, 0);
    sleep_until_due(&stage);
    open_flow(&stage, 0);
    const struct outbound_answer late = {.facts = {.code = SIP_OK}};
    assert_int_equal(outbound_answered(stage.outbound, 0, old, stage.fake.now_ms, &late).action, ACTION_ABSORB);
    expect_nothing(&stage);
    assert_int_equal(outbound_registered(stage.outbound), 0);
    stage_destroy(&stage);
}

static void test_registrations_are_renewed_before_they_expire_and_not_all_at_once(void **unused)
{
    struct stage stage;
    uint64_t least = UINT64_MAX, most = 0;
    (void)unused;
    stage_with(&stage, &(struct outbound_options){.count = 1, .expires = 90});
    open_flow(&stage, 0);
    answer(&stage, 0, SIP_OK);
    expect(&stage, OUTBOUND_REGISTERED, 0);
    for (int i = 0; i < 200; i++) {
        uint64_t slept = 0;
        while (!next(&stage))
            slept += sleep_until_due(&stage);
        assert_int_equal(stage.action.kind, OUTBOUND_REGISTER);
        assert_in_range(slept, 63000, 81000);
        least = slept < least ? slept : least;
        most = slept > most ? slept : most;
        answer(&stage, 0, SIP_OK);
    }
    assert_true(most - least > 12000);
    answer_with(&stage, 0, (struct outbound_answer){.facts = {.code = SIP_OK}});
    stage_destroy(&stage);
}

static void test_what_was_granted_counts_and_at_most_a_day(void **unused)
{
    struct stage stage;
    static const uint32_t granted[] = {20, 40000, UINT32_MAX};
    static const uint64_t most[] = {18000, 36000000, 77760000};
    (void)unused;
    for (size_t i = 0; i < 3; i++) {
        stage_create(&stage, 1);
        open_flow(&stage, 0);
        answer_with(&stage, 0,
                    (struct outbound_answer){.facts = {.code = SIP_OK}, .has_expires = true, .expires = granted[i]});
        assert_int_equal(expect(&stage, OUTBOUND_REGISTERED, 0)->expires, granted[i]);
        uint64_t slept = 0;
        while (!next(&stage))
            slept += sleep_until_due(&stage);
        assert_int_equal(stage.action.kind, OUTBOUND_REGISTER);
        assert_in_range(slept, most[i] * 7 / 9, most[i]);
        stage_destroy(&stage);
    }
}

static void test_a_refresh_that_succeeds_after_a_refusal_is_news(void **unused)
{
    struct stage stage;
    (void)unused;
    stage_with(&stage, &(struct outbound_options){.count = 1, .expires = 3600, .times = {.recovery = {.base_ms = 10}}});
    open_flow(&stage, 0);
    for (int i = 0; i < 3; i++) {
        answer(&stage, 0, SIP_OK);
        expect(&stage, OUTBOUND_REGISTERED, 0);
        for (int j = 0; j < 2; j++) {
            while (!next(&stage))
                sleep_until_due(&stage);
            assert_int_equal(stage.action.kind, OUTBOUND_REGISTER);
            if (j == 0) {
                answer(&stage, 0, SIP_SERVER_INTERNAL_ERROR);
                failed(&stage, 0);
            }
        }
    }
    stage_destroy(&stage);
}

/* RFC 5626 section 4.2.2. */
static void test_a_refused_refresh_leaves_flow_and_registration_until_it_expires(void **unused)
{
    struct stage stage;
    (void)unused;
    stage_create(&stage, 1);
    proven(&stage, 0);
    while (!next(&stage) || stage.action.kind != OUTBOUND_REGISTER) {
        pong(&stage, 0);
        sleep_until_due(&stage);
    }
    answer(&stage, 0, SIP_SERVER_INTERNAL_ERROR);
    assert_in_range(failed(&stage, 0), 30000, 60000);
    assert_int_equal(stage.action.registered, 1);
    bool unregistered = false;
    for (int i = 0; i < 100 && !unregistered; i++) {
        sleep_until_due(&stage);
        while (next(&stage)) {
            assert_true(stage.action.kind != OUTBOUND_OPEN);
            if (stage.action.kind == OUTBOUND_REGISTER)
                answer(&stage, 0, SIP_SERVER_INTERNAL_ERROR);
            unregistered = unregistered || stage.action.kind == OUTBOUND_UNREGISTERED;
        }
        pong(&stage, 0);
    }
    assert_true(unregistered);
    assert_int_equal(outbound_registered(stage.outbound), 0);
    while (stage.action.kind != OUTBOUND_REGISTER) {
        sleep_until_due(&stage);
        next(&stage);
        assert_true(stage.action.kind != OUTBOUND_KEEPALIVE);
    }
    accept_outbound(&stage, 0, 0);
    expect(&stage, OUTBOUND_REGISTERED, 0);
    stage_destroy(&stage);
}

static void test_code_3608_flags_about_service_route_are_told(void **unused)
{
    struct stage stage;
    (void)unused;
    stage_create(&stage, 1);
    open_flow(&stage, 0);
    const struct outbound_answer routed = {.facts = {.code = SIP_OK, .has_service_route = true}};
    assert_int_equal(answer_with(&stage, 0, routed).flags & FLAG_SET_SERVICE_ROUTE, FLAG_SET_SERVICE_ROUTE);
    expect(&stage, OUTBOUND_REGISTERED, 0);
    while (!next(&stage))
        sleep_until_due(&stage);
    assert_int_equal(answer(&stage, 0, SIP_FORBIDDEN).flags & FLAG_DROP_SERVICE_ROUTE, FLAG_DROP_SERVICE_ROUTE);
    stage_destroy(&stage);
}

static void test_stop_unregisters_and_closes(void **unused)
{
    struct stage stage;
    (void)unused;
    stage_create(&stage, 3);
    registered(&stage, 0);
    open_flow(&stage, 1);
    expect(&stage, OUTBOUND_OPEN, 2);
    outbound_stop(stage.outbound, stage.fake.now_ms);
    assert_int_equal(expect(&stage, OUTBOUND_REGISTER, 0)->expires, 0);
    expect(&stage, OUTBOUND_CLOSE, 2);
    expect_nothing(&stage);
    answer(&stage, 0, SIP_UNAUTHORIZED);
    assert_int_equal(expect(&stage, OUTBOUND_REGISTER, 0)->expires, 0);
    assert_true(stage.action.with_credentials);
    answer(&stage, 0, SIP_OK);
    expect(&stage, OUTBOUND_CLOSE, 0);
    expect(&stage, OUTBOUND_UNREGISTERED, 0);
    accept_outbound(&stage, 1, 0);
    expect(&stage, OUTBOUND_REGISTERED, 1);
    assert_int_equal(expect(&stage, OUTBOUND_REGISTER, 1)->expires, 0);
    sleep_until_due(&stage);
    expect(&stage, OUTBOUND_CLOSE, 1);
    expect(&stage, OUTBOUND_UNREGISTERED, 1);
    expect_nothing(&stage);
    assert_true(wait_of(&stage) == OUTBOUND_NEVER);
    stage_destroy(&stage);
}

static void test_stop_takes_a_refusal_for_an_answer(void **unused)
{
    struct stage stage;
    static const uint32_t codes[] = {SIP_FORBIDDEN, SIP_SERVICE_UNAVAILABLE, SIP_UNAUTHORIZED};
    (void)unused;
    stage_create(&stage, 3);
    for (size_t i = 0; i < 3; i++)
        registered(&stage, i);
    outbound_stop(stage.outbound, stage.fake.now_ms);
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(expect(&stage, OUTBOUND_REGISTER, i)->expires, 0);
        answer_with(&stage, i, (struct outbound_answer){.facts = {.code = codes[i]}});
        expect(&stage, OUTBOUND_CLOSE, i);
        expect(&stage, OUTBOUND_UNREGISTERED, i);
    }
    expect_nothing(&stage);
    assert_true(wait_of(&stage) == OUTBOUND_NEVER);
    stage_destroy(&stage);
}

static void test_names_of_actions(void **unused)
{
    (void)unused;
    assert_string_equal(outbound_action_name(OUTBOUND_OPEN), "open");
    assert_string_equal(outbound_action_name(OUTBOUND_UNREGISTERED), "unregistered");
    assert_string_equal(outbound_action_name((enum outbound_action_kind)77), "?");
}

/* What the world knows of each flow, kept beside the machine. */
struct model {
    struct stage stage;
    uint32_t seed;
    size_t count;
    bool open[OUTBOUND_FLOWS_MOST], pending[OUTBOUND_FLOWS_MOST], outbound[OUTBOUND_FLOWS_MOST];
    bool stopped;
};

static uint32_t draw(struct model *model, uint32_t below)
{
    model->seed = model->seed * 1664525U + 1013904223U;
    return (model->seed ^ model->seed >> 16) % below;
}

static void check_action(struct model *model, const struct outbound_action *action)
{
    const size_t flow = action->flow;
    assert_int_equal(action->reg_id, flow + 1);
    switch (action->kind) {
    case OUTBOUND_OPEN:
        assert_false(model->open[flow]);
        assert_false(model->stopped);
        model->open[flow] = true;
        break;
    case OUTBOUND_CLOSE:
        model->open[flow] = model->pending[flow] = model->outbound[flow] = false;
        break;
    case OUTBOUND_REGISTER:
        assert_true(model->open[flow]);
        assert_false(model->pending[flow]);
        assert_true(action->expires != 0 || model->stopped || !action->outbound);
        model->pending[flow] = true;
        break;
    case OUTBOUND_KEEPALIVE:
        assert_true(model->open[flow] && model->outbound[flow]);
        break;
    case OUTBOUND_FAILED:
        assert_true(model->stopped || action->wait_ms <= 86400000);
        assert_non_null(action->why);
        break;
    default:
        break;
    }
}

static void random_answer(struct model *model, size_t flow)
{
    static const uint32_t codes[] = {SIP_OK,
                                     SIP_OK,
                                     SIP_OK,
                                     SIP_OK,
                                     SIP_UNAUTHORIZED,
                                     SIP_INTERVAL_TOO_BRIEF,
                                     SIP_FIRST_HOP_LACKS_OUTBOUND_SUPPORT,
                                     SIP_SERVICE_UNAVAILABLE,
                                     SIP_FORBIDDEN,
                                     SIP_TRYING,
                                     SIP_DECLINE,
                                     0,
                                     999};
    const struct outbound_answer random = {
        .facts = {.code = codes[draw(model, sizeof codes / sizeof codes[0])],
                  .requires_outbound = draw(model, 4) != 0,
                  .flow_timer = draw(model, 2) ? 0 : draw(model, 200),
                  .min_expires = draw(model, 7200),
                  .has_retry_after = draw(model, 2) != 0,
                  .retry_after = draw(model, 3) ? draw(model, 300) : draw(model, 2) * UINT32_MAX,
                  .has_challenge = draw(model, 4) != 0,
                  .via_count = draw(model, 20) ? 1 : 2,
                  .origin = draw(model, 10) ? ORIGIN_WIRE : (uint8_t)draw(model, ORIGIN_COUNT)},
        .has_expires = draw(model, 2) != 0,
        .expires = draw(model, 4000),
        .stale = draw(model, 3) == 0};
    const struct decision decision = answer_with(&model->stage, flow, random);
    if (decision.flags & FLAG_STORE_BINDING)
        model->outbound[flow] = (decision.flags & FLAG_START_KEEPALIVE) != 0;
    if (decision.action != ACTION_ABSORB && (decision.code >= SIP_OK || random.facts.origin != ORIGIN_WIRE))
        model->pending[flow] = false;
}

static void happen(struct model *model)
{
    struct stage *stage = &model->stage;
    const size_t flow = draw(model, (uint32_t)model->count);
    const uint64_t now = stage->fake.now_ms;
    const uint32_t serial = draw(model, 8) ? stage->connection[flow] : draw(model, 50);
    switch (draw(model, 8)) {
    case 0:
        lose(stage, flow);
        model->open[flow] = model->pending[flow] = model->outbound[flow] = false;
        break;
    case 1:
        outbound_pong(stage->outbound, flow, serial);
        break;
    case 2:
        outbound_mapped(stage->outbound, flow, stage->connection[flow], now, text_of(draw(model, 4) ? "a:1" : "b:2"));
        break;
    case 3:
    case 4:
        random_answer(model, flow);
        break;
    default:
        outbound_opened(stage->outbound, flow, stage->connection[flow], now);
    }
}

static void assert_something_is_coming(struct model *model)
{
    const uint64_t wait = wait_of(&model->stage);
    bool closed = true;
    for (size_t i = 0; i < model->count; i++)
        closed = closed && !model->open[i];
    if (wait == OUTBOUND_NEVER)
        assert_true(model->stopped && closed);
    else
        assert_true(wait > 0 && wait <= 86400000);
}

static void live(uint32_t seed)
{
    struct model model = {.seed = seed, .count = 1 + seed % OUTBOUND_FLOWS_MOST};
    stage_create(&model.stage, model.count);
    model.stage.fake.seed = seed;
    for (int step = 0; step < 400; step++) {
        unsigned actions = 0;
        while (next(&model.stage)) {
            check_action(&model, &model.stage.action);
            assert_true(++actions < 6 * OUTBOUND_FLOWS_MOST);
        }
        assert_something_is_coming(&model);
        const uint64_t wait = wait_of(&model.stage);
        if (draw(&model, 3) == 0 && wait != OUTBOUND_NEVER)
            fake_host_advance(&model.stage.fake, draw(&model, 2) ? wait : wait / 2);
        else
            happen(&model);
        if (step == 350) {
            outbound_stop(model.stage.outbound, model.stage.fake.now_ms);
            model.stopped = true;
        }
    }
    stage_destroy(&model.stage);
}

static void test_property_whatever_happens(void **unused)
{
    (void)unused;
    for (uint32_t seed = 1; seed <= 2000; seed++)
        live(seed);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_options_are_checked),
        cmocka_unit_test(test_every_proxy_is_registered_with_its_reg_id),
        cmocka_unit_test(test_one_flow_is_enough_to_be_reachable),
        cmocka_unit_test(test_5626_4_2_a_keep_alives_after_require_outbound_alone),
        cmocka_unit_test(test_5626_4_2_a_keep_alives_end_where_outbound_is_not_required_any_more),
        cmocka_unit_test(test_5626_4_4_a_pings_at_their_intervals),
        cmocka_unit_test(test_5626_4_4_a_a_shorter_flow_timer_counts_at_once),
        cmocka_unit_test(test_5626_4_4_b_no_pong_fails_the_flow),
        cmocka_unit_test(test_5626_4_4_b_no_second_ping_while_a_pong_is_awaited),
        cmocka_unit_test(test_5626_4_4_b_a_pong_that_nobody_asked_for_proves_nothing),
        cmocka_unit_test(test_5626_4_4_b_another_mapped_address_fails_the_flow),
        cmocka_unit_test(test_5626_4_5_a_waits_double_with_each_failure),
        cmocka_unit_test(test_5626_4_5_a_longer_base_where_another_flow_lives),
        cmocka_unit_test(test_5626_4_5_a_failures_are_counted_for_each_proxy),
        cmocka_unit_test(test_5626_4_5_b_a_good_flow_is_opened_again_at_once_with_its_reg_id),
        cmocka_unit_test(test_5626_4_5_a_flow_that_was_never_good_counts_on),
        cmocka_unit_test(test_5626_4_5_a_without_keep_alives_time_proves_a_flow),
        cmocka_unit_test(test_5626_4_5_a_refreshes_do_not_put_the_proof_off),
        cmocka_unit_test(test_5626_4_5_a_times_can_be_configured),
        cmocka_unit_test(test_5626_4_2_b_retry_after_of_a_503_is_waited),
        cmocka_unit_test(test_5626_4_2_b_retry_after_0_means_now_and_no_endless_loop),
        cmocka_unit_test(test_5626_4_2_b_without_retry_after_the_recovery_wait),
        cmocka_unit_test(test_5626_4_2_c_439_without_outbound),
        cmocka_unit_test(test_5626_4_2_c_439_goes_through_another_first_hop_where_one_lives),
        cmocka_unit_test(test_5626_4_2_c_439_waits_for_a_first_hop_that_may_come_to_life),
        cmocka_unit_test(test_5626_4_2_c_a_plain_binding_makes_way_for_an_outbound_one),
        cmocka_unit_test(test_5626_4_2_c_439_never_without_outbound_where_told_so),
        cmocka_unit_test(test_code_423_again_with_min_expires),
        cmocka_unit_test(test_3261_8_1_3_d_a_challenge_is_answered_once),
        cmocka_unit_test(test_3261_8_1_3_d_proxy_and_registrar_may_both_challenge),
        cmocka_unit_test(test_3261_8_1_3_d_a_stale_nonce_is_no_wrong_password),
        cmocka_unit_test(test_3261_8_1_3_d_no_challenge_no_credentials),
        cmocka_unit_test(test_a_refresh_may_be_challenged_anew),
        cmocka_unit_test(test_refusals_give_the_proxy_up_for_the_recovery_wait),
        cmocka_unit_test(test_3261_20_33_a_a_longer_retry_after_is_waited),
        cmocka_unit_test(test_a_success_that_binds_nothing_is_none),
        cmocka_unit_test(test_3261_8_1_3_b_no_answer_fails_the_flow),
        cmocka_unit_test(test_3261_8_1_3_c_what_is_not_for_us_changes_nothing),
        cmocka_unit_test(test_an_answer_that_comes_late_is_not_taken_for_another),
        cmocka_unit_test(test_registrations_are_renewed_before_they_expire_and_not_all_at_once),
        cmocka_unit_test(test_what_was_granted_counts_and_at_most_a_day),
        cmocka_unit_test(test_a_refresh_that_succeeds_after_a_refusal_is_news),
        cmocka_unit_test(test_a_refused_refresh_leaves_flow_and_registration_until_it_expires),
        cmocka_unit_test(test_code_3608_flags_about_service_route_are_told),
        cmocka_unit_test(test_stop_unregisters_and_closes),
        cmocka_unit_test(test_stop_takes_a_refusal_for_an_answer),
        cmocka_unit_test(test_names_of_actions),
        cmocka_unit_test(test_property_whatever_happens),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
