// SPDX-License-Identifier: BSD-2-Clause
#include "server_stage.h"

#include "script/engine/judge.h"
#include "digest_client.h"
#include "script_fixture.h"
#include "standalone/auth/auth.h"

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

static int find_user(void *context, struct text user, struct text realm, enum auth_algorithm algorithm,
                     char ha1[HA1_SIZE])
{
    (void)context;
    digest_client_ha1(user, realm, "secret", algorithm, ha1);
    return 1;
}

static struct auth *open_with_users(struct stage *stage)
{
    struct auth *auth = NULL;
    stage_create(stage);
    const struct auth_config config = {
        .host = &stage->fake.host, .find = find_user, .algorithms = {AUTH_SHA256}, .algorithm_count = 1};
    assert_int_equal(auth_new(&auth, &config), 0);
    stage->config.auth = auth;
    stage_open(stage);
    return auth;
}

/* MESSAGE from another domain. */
static void send_message(struct stage *stage, const struct peer *from, unsigned cseq, const char *fields)
{
    char message[4096];
    snprintf(message, sizeof message,
             "MESSAGE sip:carol@example.com SIP/2.0\nVia: SIP/2.0/UDP 127.0.0.1:5070;branch=z9hG4bK%u\n"
             "From: <sip:bob@far.example>;tag=1\nTo: <sip:carol@example.com>\nCall-ID: one\nCSeq: %u MESSAGE\n"
             "Max-Forwards: 70\n%sContent-Length: 0\n\n",
             cseq, cseq, fields);
    stage_receive(stage, from, message);
}

/* The server by itself asks only those who claim to be its users. */
static void test_3261_22_a_a_foreign_caller_is_challenged(void **state)
{
    struct stage stage;
    struct auth *auth = open_with_users(&stage);
    struct peer bob = stage_alice();
    char field[2048];
    (void)state;
    stage_script(&stage, "sip_on_request(function(request, call)\n"
                         "  if not call.user then return sip_challenge() end\n"
                         "  return sip_reply(603, call.user)\n"
                         "end)\n");
    send_message(&stage, &bob, 1, "");
    struct sent *sent = stage_status(&stage, &bob, 407);
    assert_int_equal(sent_count(sent, "Proxy-Authenticate"), 1);
    assert_non_null(strstr(sent_header(sent, "Proxy-Authenticate", 0), "realm=\"example.com\""));
    struct digest_client client = {
        .user = "bob", .method = "MESSAGE", .uri = "sip:carol@example.com", .algorithm = AUTH_SHA256};
    digest_client_challenged(&client, sent->bytes);
    send_message(&stage, &bob, 2, digest_client_field(&client, "Proxy-Authorization", "\n", field, sizeof field));
    assert_true(sent_starts(stage_status(&stage, &bob, 603), "SIP/2.0 603 bob@example.com\r\n"));
    auth_delete(auth);
    stage_destroy(&stage);
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
        cmocka_unit_test(test_3261_22_a_a_foreign_caller_is_challenged),
        cmocka_unit_test(test_a_user_who_has_authenticated_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
