// SPDX-License-Identifier: BSD-2-Clause
#include "server_stage.h"

/* CANCEL: whom it reaches, and when. Alice is the caller, at 5070. */

enum { T1_64 = 32000 };

static void test_3261_9_a_cancel_waits_for_a_provisional(void **state)
{
    struct stage *stage = *state;
    stage_phone(stage, (struct phone){.port = 5080});
    stage_call(stage, "one");
    struct sent *invite = stage_sent(stage, "INVITE");
    stage_cancels(stage);
    stage_advance(stage, 400);
    stage_silent(stage);
    stage_response(stage, invite, 100, NULL);
    struct sent *cancel = stage_sent_to(stage, "CANCEL", 5080);
    stage_response(stage, cancel, 200, NULL);
    stage_refuses(stage, invite, 487, NULL);
    stage_hears(stage, 487);
    stage_ends(stage);
}

static void test_3261_9_a_cancel_reaches_all_that_ring_and_starts_no_other(void **state)
{
    struct stage *stage = *state;
    stage_phone(stage, (struct phone){.port = 5080});
    stage_phone(stage, (struct phone){.port = 5081});
    stage_phone(stage, (struct phone){.port = 5082, .more = ";q=0.1"});
    stage_call(stage, "one");
    struct sent *first = stage_sent_to(stage, "INVITE", 5080), *second = stage_sent_to(stage, "INVITE", 5081);
    stage_response(stage, first, 180, NULL);
    stage_hears(stage, 180);
    stage_response(stage, second, 180, NULL);
    stage_hears(stage, 180);
    stage_cancels(stage);
    struct sent *cancels[] = {stage_sent(stage, "CANCEL"), stage_sent(stage, "CANCEL")};
    assert_int_not_equal(sent_port(cancels[0]), sent_port(cancels[1]));
    stage_refuses(stage, first, 487, NULL);
    stage_silent(stage);
    stage_refuses(stage, second, 486, NULL);
    struct sent *refusal = stage_hears(stage, 486);
    assert_non_null(refusal);
    stage_silent(stage);
}

static void test_3261_9_a_cancel_after_a_failover_reaches_the_branch_that_lives(void **state)
{
    struct stage *stage = *state;
    stage_phone(stage, (struct phone){.port = 5080, .instance = "1", .reg_id = 1, .tcp = true});
    stage_phone(stage, (struct phone){.port = 5081, .instance = "1", .reg_id = 2, .tcp = true});
    stage_call(stage, "one");
    struct sent *first = stage_sent(stage, "INVITE");
    struct peer dead = first->peer;
    stage_flow_dies(stage, &dead);
    struct sent *second = stage_sent(stage, "INVITE");
    stage_response(stage, second, 180, NULL);
    stage_hears(stage, 180);
    stage_cancels(stage);
    stage_sent_to(stage, "CANCEL", sent_port(second));
    stage_silent(stage);
    stage_refuses(stage, second, 487, NULL);
    stage_hears(stage, 487);
    stage_ends(stage);
}

static void test_3261_9_a_cancel_of_one_that_rang_on_a_flow_now_dead(void **state)
{
    struct stage *stage = *state;
    struct peer first = stage_phone(stage, (struct phone){.port = 5080, .instance = "1", .reg_id = 1, .tcp = true});
    struct peer second = stage_phone(stage, (struct phone){.port = 5081, .instance = "1", .reg_id = 2, .tcp = true});
    stage_call(stage, "one");
    struct sent *invite = stage_sent(stage, "INVITE");
    struct peer used = invite->peer, other = used.connection == first.connection ? second : first;
    stage_response(stage, invite, 180, NULL);
    stage_hears(stage, 180);
    stage_flow_dies(stage, &used);
    stage_cancels(stage);
    stage_sent_to(stage, "CANCEL", address_port(&other.address));
    stage_hears(stage, 487);
    stage_ends(stage);
}

/* The phone has registered over `now` since it rang. If the old flow is dead, alice need not wait for its 487. */
static void cancelled_where_it_is(struct stage *stage, struct sent *invite, const struct peer *now)
{
    bool acknowledged = false, heard = false;
    struct peer alice = stage_alice();
    struct sent *sent;
    stage_cancels(stage);
    struct sent *cancel = stage_sent_to(stage, "CANCEL", address_port(&now->address));
    assert_string_equal(sent_header(cancel, "Via", 0), sent_header(invite, "Via", 0));
    stage_response(stage, cancel, 200, NULL);
    stage_response_from(stage, now, invite, 487, NULL);
    while ((sent = fake_wire_take(&stage->wire)) != NULL) {
        acknowledged |= sent_starts(sent, "ACK ") && peer_flow(&sent->peer) == peer_flow(now);
        heard |= sent_status(sent) == 487 && peer_flow(&sent->peer) == peer_flow(&alice);
    }
    assert_true(acknowledged);
    assert_true(heard);
    stage_ends(stage);
}

static struct sent *rings(struct stage *stage)
{
    stage_call(stage, "one");
    struct sent *invite = stage_sent(stage, "INVITE");
    stage_response(stage, invite, 180, NULL);
    stage_hears(stage, 180);
    return invite;
}

/* Whichever comes first: the new flow, or the end of the old one; over the same reg-id or another. */
static void test_3261_9_a_cancel_follows_a_phone_to_its_new_flow(void **state)
{
    struct stage *stage = *state;
    for (unsigned i = 0; i < 8; i++) {
        bool registers_first = i % 2 != 0, tcp = i < 4;
        unsigned reg_id = i / 2 % 2 + 1;
        uint16_t port = (uint16_t)(5080 + 2 * i);
        struct phone old = {.port = port, .instance = "1", .reg_id = 1, .tcp = tcp};
        struct phone new = {.port = (uint16_t)(port + 1), .instance = "1", .reg_id = reg_id, .tcp = tcp};
        struct peer now = {0}, used = stage_phone(stage, old);
        struct sent *invite = rings(stage);
        if (registers_first)
            now = stage_phone(stage, new);
        if (tcp || reg_id == 2)
            stage_flow_dies(stage, &used);
        if (!registers_first)
            now = stage_phone(stage, new);
        cancelled_where_it_is(stage, invite, &now);
        binding_remove_aor(server_bindings(stage->server), TEXT("sip:bob@example.com"));
    }
}

/* A phone without outbound, whose address translation has given it another port. */
static void plain_phone_moves(struct stage *stage, const char *const contacts[2])
{
    struct peer ports[] = {fake_udp(5080), fake_udp(5081)};
    struct sent *invite = NULL;
    for (unsigned i = 0; i < 2; i++) {
        stage_request(stage, &ports[i],
                      (struct request){.method = "REGISTER",
                                       .uri = "sip:example.com",
                                       .from = "bob",
                                       .call = "register",
                                       .cseq = ++stage->registers,
                                       .fields = contacts[i]});
        stage_status(stage, &ports[i], 200);
        if (i == 0)
            invite = rings(stage);
    }
    cancelled_where_it_is(stage, invite, &ports[1]);
}

static void test_3261_9_a_cancel_follows_a_plain_phone_to_its_new_port(void **state)
{
    plain_phone_moves(*state,
                      (const char *const[]){"Contact: <sip:bob@192.0.2.4>\n", "Contact: <sip:bob@192.0.2.4>\n"});
}

static void test_3261_10_3_a_cancel_follows_a_phone_that_spells_its_contact_anew(void **state)
{
    plain_phone_moves(*state, (const char *const[]){"Contact: <sip:bob@phone.invalid;transport=UDP;x=1>\n",
                                                    "Contact: <SIP:bob@PHONE.invalid;ob;transport=udp>\n"});
}

static void test_instance_a_cancel_follows_a_phone_with_another_contact(void **state)
{
    plain_phone_moves(*state, (const char *const[]){"Contact: <sip:bob@192.0.2.4>;+sip.instance=\"<urn:uuid:1>\"\n",
                                                    "Contact: <sip:bob@192.0.2.5>;+sip.instance=\"<urn:uuid:1>\"\n"});
}

/* So does the CANCEL for those that ring beside the one that answers. */
static void test_3261_16_7_c_the_cancel_of_a_fork_follows_a_phone_to_its_new_flow(void **state)
{
    struct stage *stage = *state;
    struct peer used = stage_phone(stage, (struct phone){.port = 5080, .instance = "1", .reg_id = 1, .tcp = true});
    stage_phone(stage, (struct phone){.port = 5082});
    stage_call(stage, "one");
    struct sent *first = stage_sent_to(stage, "INVITE", 5080), *second = stage_sent_to(stage, "INVITE", 5082);
    stage_response(stage, first, 180, NULL);
    stage_hears(stage, 180);
    stage_flow_dies(stage, &used);
    stage_phone(stage, (struct phone){.port = 5081, .instance = "1", .reg_id = 1, .tcp = true});
    stage_response(stage, second, 200, NULL);
    stage_hears(stage, 200);
    stage_sent_to(stage, "CANCEL", 5081);
}

/* And the answer, of whatever kind, over a flow that came after the old one had died. */
static void test_5626_7_h_an_answer_over_a_flow_registered_since(void **state)
{
    static const unsigned codes[] = {200, 486};
    struct stage *stage = *state;
    for (unsigned i = 0; i < 2; i++) {
        for (unsigned reg_id = 1; reg_id <= 2; reg_id++) {
            struct peer used =
                stage_phone(stage, (struct phone){.port = 5080, .instance = "1", .reg_id = 1, .tcp = true});
            struct sent *invite = rings(stage);
            stage_flow_dies(stage, &used);
            struct peer now =
                stage_phone(stage, (struct phone){.port = 5081, .instance = "1", .reg_id = reg_id, .tcp = true});
            stage_response_from(stage, &now, invite, codes[i], NULL);
            if (codes[i] == 486)
                stage_sent_to(stage, "ACK", 5081);
            stage_hears(stage, codes[i]);
            stage_ends(stage);
            binding_remove_aor(server_bindings(stage->server), TEXT("sip:bob@example.com"));
        }
    }
}

static void test_3261_9_a_a_2xx_that_crosses_the_cancel_goes_up(void **state)
{
    struct stage *stage = *state;
    stage_phone(stage, (struct phone){.port = 5080});
    stage_call(stage, "one");
    struct sent *invite = stage_sent(stage, "INVITE");
    stage_response(stage, invite, 180, NULL);
    stage_hears(stage, 180);
    stage_cancels(stage);
    stage_sent_to(stage, "CANCEL", 5080);
    stage_response(stage, invite, 200, NULL);
    stage_hears(stage, 200);
    stage_ends(stage);
}

static void test_3261_9_a_a_cancelled_phone_that_never_answers_is_given_up(void **state)
{
    struct stage *stage = *state;
    stage_phone(stage, (struct phone){.port = 5080, .tcp = true});
    stage_call(stage, "one");
    struct sent *invite = stage_sent(stage, "INVITE");
    stage_response(stage, invite, 180, NULL);
    stage_hears(stage, 180);
    stage_cancels(stage);
    stage_sent_to(stage, "CANCEL", 5080);
    stage_advance(stage, T1_64 - 1);
    stage_silent(stage);
    stage_advance(stage, 1);
    stage_hears(stage, 487);
    stage_ends(stage);
}

static void test_3261_9_a_a_retransmitted_cancel_is_answered_alike(void **state)
{
    struct stage *stage = *state;
    struct peer caller = stage_alice();
    stage_phone(stage, (struct phone){.port = 5080});
    stage_call(stage, "one");
    stage_response(stage, stage_sent(stage, "INVITE"), 180, NULL);
    stage_hears(stage, 180);
    stage_request(stage, &caller, (struct request){.method = "CANCEL"});
    struct sent *first = stage_hears(stage, 200);
    stage_sent(stage, "CANCEL");
    stage_request(stage, &caller, (struct request){.method = "CANCEL"});
    assert_string_equal(stage_hears(stage, 200)->bytes, first->bytes);
    stage_silent(stage);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, stage_setup, stage_teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_3261_9_a_cancel_waits_for_a_provisional),
        TEST(test_3261_9_a_cancel_reaches_all_that_ring_and_starts_no_other),
        TEST(test_3261_9_a_cancel_after_a_failover_reaches_the_branch_that_lives),
        TEST(test_3261_9_a_cancel_of_one_that_rang_on_a_flow_now_dead),
        TEST(test_3261_9_a_cancel_follows_a_phone_to_its_new_flow),
        TEST(test_3261_9_a_cancel_follows_a_plain_phone_to_its_new_port),
        TEST(test_3261_10_3_a_cancel_follows_a_phone_that_spells_its_contact_anew),
        TEST(test_instance_a_cancel_follows_a_phone_with_another_contact),
        TEST(test_3261_16_7_c_the_cancel_of_a_fork_follows_a_phone_to_its_new_flow),
        TEST(test_5626_7_h_an_answer_over_a_flow_registered_since),
        TEST(test_3261_9_a_a_2xx_that_crosses_the_cancel_goes_up),
        TEST(test_3261_9_a_a_cancelled_phone_that_never_answers_is_given_up),
        TEST(test_3261_9_a_a_retransmitted_cancel_is_answered_alike),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
