// SPDX-License-Identifier: BSD-2-Clause
#include "server_stage.h"

#include "script/engine/judge.h"
#include "script_fixture.h"

/* sip.challenge(): what comes of the verdict. */

#define CHALLENGE_ALL                                                                                                  \
    "sip_on_request(function() return sip_challenge() end)\n"                                                          \
    "sip_on_register(function() return sip_challenge() end)\n"

static void test_without_authentication_the_request_is_refused(void **state)
{
    struct stage *stage = *state;
    struct peer alice = stage_alice();
    stage_script(stage, CHALLENGE_ALL);
    stage_request(stage, &alice, (struct request){0});
    stage_status(stage, &alice, 100);
    stage_status(stage, &alice, 403);
    assert_int_equal(stage->fake.logged[LOG_ERROR], 1);
    stage_request(stage, &alice, (struct request){.method = "MESSAGE", .call = "two"});
    stage_status(stage, &alice, 403);
    stage_request(stage, &alice,
                  (struct request){.method = "REGISTER",
                                   .call = "three",
                                   .uri = "sip:example.com",
                                   .fields = "Contact: <sip:bob@127.0.0.1:5070>\n"});
    stage_status(stage, &alice, 403);
    assert_int_equal(stage->fake.logged[LOG_ERROR], 3);
    assert_int_equal(stage_count(stage, "bindings"), 0);
    stage_silent(stage);
}

static void test_3261_22_a_an_emergency_call_is_never_challenged(void **state)
{
    struct stage *stage = *state;
    struct peer alice = stage_alice();
    stage_script(stage, CHALLENGE_ALL);
    stage_request(stage, &alice, (struct request){.uri = "urn:service:sos.police"});
    stage_status(stage, &alice, 100);
    stage_status(stage, &alice, 416); /* as without a verdict: the URI names no server */
    assert_int_equal(stage->fake.logged[LOG_ERROR], 0);
    assert_true(stage->fake.logged[LOG_WARNING] > 0);
}

static enum script_outcome settle(struct script_fixture *fixture)
{
    fixture->verdict = (struct script_verdict){.kind = VERDICT_CHALLENGE};
    enum script_outcome outcome = SCRIPT_VERDICT;
    verdict_settle_challenge(&fixture->fake.host, &fixture->call, &outcome, &fixture->verdict);
    return outcome;
}

/* Another challenge would be answered by the same credentials, without end. */
static void test_a_user_who_has_authenticated_is_refused(void **state)
{
    struct script_fixture fixture;
    (void)state;
    fixture_create(&fixture);
    assert_int_equal(settle(&fixture), SCRIPT_VERDICT);
    assert_int_equal(fixture.verdict.kind, VERDICT_CHALLENGE);
    assert_int_equal(fixture.fake.logged[LOG_WARNING], 0);
    fixture.call.user = TEXT("alice@example.com");
    assert_int_equal(settle(&fixture), SCRIPT_VERDICT);
    assert_int_equal(fixture.verdict.kind, VERDICT_REPLY);
    assert_int_equal(fixture.verdict.code, 403);
    assert_int_equal(fixture.fake.logged[LOG_WARNING], 1);
    fixture.verdict = (struct script_verdict){.kind = VERDICT_DROP};
    enum script_outcome outcome = SCRIPT_VERDICT;
    verdict_settle_challenge(&fixture.fake.host, &fixture.call, &outcome, &fixture.verdict);
    assert_int_equal(fixture.verdict.kind, VERDICT_DROP);
    fixture.call.user = (struct text){0};
    fixture_destroy(&fixture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_without_authentication_the_request_is_refused, stage_setup,
                                        stage_teardown),
        cmocka_unit_test_setup_teardown(test_3261_22_a_an_emergency_call_is_never_challenged, stage_setup,
                                        stage_teardown),
        cmocka_unit_test(test_a_user_who_has_authenticated_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
