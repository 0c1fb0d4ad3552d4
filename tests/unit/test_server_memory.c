// SPDX-License-Identifier: BSD-2-Clause
#include "server_stage.h"

#include <osipparser2/osip_port.h>
#include <stddef.h>

/*
 * Whole scenarios with memory that runs out at the first, second, third... allocation: nothing crashes, nothing is
 * left behind, and when there is memory again nothing waits for ever. Lua has an allocator of its own.
 */

/* libosip2's allocator has no context. */
static struct fake_host *short_of_memory;

static bool is_short(void)
{
    struct fake_host *fake = short_of_memory;
    return fake != NULL && ++fake->calls >= fake->fail_after && fake->fail_after != 0;
}

/* libosip2 loses some of its own blocks when it finds no memory for the next one: they are kept in a list. */
struct osip_block {
    struct osip_block *previous, *next;
    max_align_t bytes[];
};
static struct osip_block blocks = {&blocks, &blocks};

static void *block_link(struct osip_block *block)
{
    if (block == NULL)
        return NULL;
    block->previous = &blocks;
    block->next = blocks.next;
    block->next->previous = blocks.next = block;
    return block->bytes;
}

static struct osip_block *block_unlink(void *bytes)
{
    struct osip_block *block = (struct osip_block *)((char *)bytes - offsetof(struct osip_block, bytes));
    block->previous->next = block->next;
    block->next->previous = block->previous;
    return block;
}

static void *osip_allocates(size_t size)
{
    return is_short() ? NULL : block_link(malloc(sizeof(struct osip_block) + size));
}

static void osip_frees(void *bytes)
{
    if (bytes != NULL)
        free(block_unlink(bytes));
}

static void *osip_reallocates(void *old, size_t size)
{
    if (is_short())
        return NULL;
    return block_link(realloc(old != NULL ? block_unlink(old) : NULL, sizeof(struct osip_block) + size));
}

/* With memory, nothing may be left. */
static void free_osip_blocks(bool was_short)
{
    assert_true(was_short || blocks.next == &blocks);
    while (blocks.next != &blocks)
        osip_frees(blocks.next->bytes);
}

enum { FOREVER = 400000, STEPS_MOST = 2000 };

struct scenario {
    void (*before)(struct stage *stage); /* with memory */
    void (*run)(struct stage *stage);    /* without: whatever is sent is taken as it comes */
    const char *script;                  /* NULL: none */
};

/* Phones answer what they get by this: a status for the nth request they see; 0: nothing. Each response is larger than
   all that was sent before, so that the buffer it is written in has to grow. */
static unsigned answers(struct stage *stage, const unsigned statuses[], size_t count, const char *more)
{
    char fields[6000];
    unsigned seen = 0, finals = 0;
    snprintf(fields, sizeof fields, "%sX-Large: %0*d\n", more != NULL ? more : "", 5000, 7);
    for (struct sent *sent; (sent = fake_wire_take(&stage->wire)) != NULL;) {
        bool asks = sent_starts(sent, "INVITE") || sent_starts(sent, "MESSAGE") || sent_starts(sent, "BYE");
        finals += sent_status(sent) >= 200;
        if (sent_starts(sent, "CANCEL"))
            stage_response(stage, sent, 200, NULL);
        if (asks && seen < count && statuses[seen] != 0)
            stage_response(stage, sent, statuses[seen], fields);
        seen += asks;
    }
    return finals;
}

static void nothing(struct stage *stage)
{
    (void)stage;
}

static void two_flows(struct stage *stage)
{
    stage_phone(stage, (struct phone){.port = 5080, .instance = "1", .reg_id = 1, .tcp = true});
    stage_phone(stage, (struct phone){.port = 5081, .instance = "1", .reg_id = 2, .tcp = true});
}

static void invite(struct stage *stage)
{
    struct peer caller = stage_alice();
    stage_request(stage, &caller, (struct request){.fields = "Contact: <sip:alice@127.0.0.1:5070>\n"});
}

static void kill_flows(struct stage *stage, size_t most)
{
    for (size_t i = 0; i < stage->wire.connection_count && i < most; i++) {
        if (stage->wire.connections[i].open) {
            stage->wire.connections[i].open = false;
            server_flow_down(stage->server, i + 1, "closed");
        }
    }
}

/* --- scenarios --- */

static void registers(struct stage *stage)
{
    struct peer bob = fake_udp(5080);
    stage_request(stage, &bob,
                  (struct request){.method = "REGISTER",
                                   .uri = "sip:example.com",
                                   .fields = "Supported: outbound, path\nPath: <sip:127.0.0.1:5090;lr;ob>\n"
                                             "Contact: <sip:b@192.0.2.1>;+sip.instance=\"<urn:uuid:1>\";reg-id=1\n"});
    stage_request(stage, &bob,
                  (struct request){.method = "REGISTER",
                                   .uri = "sip:example.com",
                                   .cseq = 2,
                                   .fields = "Contact: <sip:b@192.0.2.1>;x=y, <sip:c@192.0.2.2>;expires=0\n"});
    stage_request(stage, &bob,
                  (struct request){
                      .method = "REGISTER", .uri = "sip:example.com", .cseq = 3, .fields = "Expires: 0\nContact: *\n"});
}

static void fails_over(struct stage *stage)
{
    invite(stage);
    answers(stage, (const unsigned[]){100}, 1, NULL);
    kill_flows(stage, 1);
    stage_advance(stage, 0);
    answers(stage, (const unsigned[]){180}, 1, NULL);
    kill_flows(stage, 2);
    stage_advance(stage, 10);
    answers(stage, (const unsigned[]){200}, 1, NULL);
}

static void answers_430_then_486(struct stage *stage)
{
    invite(stage);
    answers(stage, (const unsigned[]){430, 486}, 2, NULL);
    struct peer caller = stage_alice();
    stage_request(stage, &caller, (struct request){.method = "ACK"});
}

static void is_cancelled(struct stage *stage)
{
    struct peer caller = stage_alice();
    invite(stage);
    answers(stage, (const unsigned[]){180}, 1, NULL);
    stage_request(stage, &caller, (struct request){.method = "CANCEL"});
    stage_advance(stage, 600);
    answers(stage, (const unsigned[]){487}, 1, NULL);
}

static void talks(struct stage *stage)
{
    char route[256] = "";
    struct peer caller = stage_alice();
    invite(stage);
    for (struct sent *sent; (sent = fake_wire_take(&stage->wire)) != NULL;) {
        if (sent_starts(sent, "INVITE"))
            stage_response(stage, sent, 200, "Contact: <sip:bob@192.0.2.1>\n");
        if (sent_status(sent) == 200)
            snprintf(route, sizeof route, "Route: %s\n", sent_header(sent, "Record-Route", 0));
    }
    stage_request(
        stage, &caller,
        (struct request){.method = "ACK", .uri = "sip:b@name.example", .branch = "z9hG4bKx", .fields = route});
    stage_request(
        stage, &caller,
        (struct request){.method = "BYE", .uri = "sip:b@192.0.2.1", .to_tag = "p", .cseq = 2, .fields = route});
    answers(stage, (const unsigned[]){200}, 1, NULL);
    fake_wire_answer_all(&stage->wire);
}

static void plain_phones(struct stage *stage)
{
    stage_phone(stage, (struct phone){.port = 5080});
    stage_phone(stage, (struct phone){.port = 5081});
    stage_phone(stage, (struct phone){.port = 5082, .more = ";q=0.1"});
}

static void forks_and_merges_challenges(struct stage *stage)
{
    invite(stage);
    answers(stage, (const unsigned[]){401, 407, 503}, 3,
            "WWW-Authenticate: Digest realm=\"x\"\nRetry-After: 5\nContact: <sip:c@127.0.0.1:5090>\n");
    stage_advance(stage, 100);
    answers(stage, (const unsigned[]){404, 404}, 2, NULL);
}

static void times_out(struct stage *stage)
{
    invite(stage);
    stage_advance(stage, 40000);
    answers(stage, NULL, 0, NULL);
}

static void sends_a_message(struct stage *stage)
{
    struct peer caller = stage_alice();
    stage_request(stage, &caller, (struct request){.method = "MESSAGE"});
    answers(stage, (const unsigned[]){200}, 1, NULL);
}

static void goes_to_a_name(struct stage *stage)
{
    invite(stage);
    for (size_t i = 0; i < stage->wire.lookup_count; i++) {
        if (stage->wire.lookups[i].done != NULL)
            fake_wire_resolve(&stage->wire, "trunk.example.net", (const uint16_t[]){5090, 5091, 5092, 0});
    }
    answers(stage, (const unsigned[]){503, 503, 302}, 3, "Contact: <sip:x@127.0.0.1:5093>\nRetry-After: 9\n");
    stage_advance(stage, 100);
    answers(stage, (const unsigned[]){503, 200}, 2, NULL);
}

static bool run_once(const struct scenario *scenario, uint64_t step)
{
    struct stage stage;
    stage_create(&stage);
    stage_open(&stage);
    scenario->before(&stage);
    if (scenario->script != NULL)
        stage_script(&stage, scenario->script);
    stage_discard(&stage);
    uint64_t first = stage.fake.calls;
    stage.fake.fail_after = first + step;
    short_of_memory = &stage.fake;
    scenario->run(&stage);
    short_of_memory = NULL;
    bool ran_short = stage.fake.calls >= first + step;
    stage.fake.fail_after = 0;
    fake_wire_answer_all(&stage.wire);
    stage_advance(&stage, FOREVER);
    assert_int_equal(stage_count(&stage, "transactions"), 0);
    assert_int_equal(stage_count(&stage, "client_transactions"), 0);
    assert_int_equal(stage_count(&stage, "response_contexts"), 0);
    assert_int_equal(stage_count(&stage, "unanswered"), 0);
    stage_destroy(&stage);
    free_osip_blocks(ran_short);
    return ran_short;
}

static void step_through(struct scenario scenario)
{
    uint64_t step = 1;
    while (run_once(&scenario, step)) {
        step++;
        assert_true(step < STEPS_MOST);
    }
    assert_true(step > 10); /* else nothing has been tried */
}

static void test_a_registration(void **state)
{
    (void)state;
    step_through((struct scenario){.before = nothing, .run = registers});
}

static void test_a_call_that_fails_over(void **state)
{
    (void)state;
    step_through((struct scenario){.before = two_flows, .run = fails_over});
}

static void test_a_call_with_430_and_486(void **state)
{
    (void)state;
    step_through((struct scenario){.before = two_flows, .run = answers_430_then_486});
}

static void test_a_call_that_is_cancelled(void **state)
{
    (void)state;
    step_through((struct scenario){.before = two_flows, .run = is_cancelled});
}

static void test_a_dialog(void **state)
{
    (void)state;
    step_through((struct scenario){.before = two_flows, .run = talks});
    step_through((struct scenario){.before = plain_phones, .run = talks});
}

static void test_a_forked_call(void **state)
{
    (void)state;
    step_through((struct scenario){.before = plain_phones, .run = forks_and_merges_challenges});
}

static void test_a_call_that_nobody_answers(void **state)
{
    (void)state;
    step_through((struct scenario){.before = plain_phones, .run = times_out});
}

static void test_a_non_invite(void **state)
{
    (void)state;
    step_through((struct scenario){.before = plain_phones, .run = sends_a_message});
}

static void test_a_call_to_a_name(void **state)
{
    (void)state;
    step_through((struct scenario){
        .before = nothing,
        .run = goes_to_a_name,
        .script = "sip_on_request(function(r) return sip_relay('sip:b@trunk.example.net', {recurse = true}) end)\n"
                  "sip_on_response(302, function(r) return sip_rest(r.destination, 5) end)\n"
                  "sip_on_exhausted(function(r) return sip_relay('sip:vm@127.0.0.1:5099') end)\n"});
}

/* --- what is sent --- */

struct refused_case {
    struct request request;
    unsigned status; /* with memory */
};

/* The final answer to one request from a phone, 0: none; with memory from `step` on short. */
static unsigned answer_to(const struct request *request, uint64_t step, bool *ran_short)
{
    struct stage stage;
    unsigned status = 0;
    struct peer bob = fake_udp(5080);
    stage_create(&stage);
    stage_open(&stage);
    stage_phone(&stage, (struct phone){.port = 5080});
    stage_discard(&stage);
    uint64_t first = stage.fake.calls;
    stage.fake.fail_after = step != 0 ? first + step : 0;
    short_of_memory = &stage.fake;
    stage_request(&stage, &bob, *request);
    stage_advance(&stage, 0);
    *ran_short = stage.fake.calls >= first + step;
    short_of_memory = NULL;
    stage.fake.fail_after = 0;
    for (struct sent *sent; (sent = fake_wire_take(&stage.wire)) != NULL;) {
        if (sent_status(sent) >= 200)
            status = sent_status(sent);
    }
    fake_wire_answer_all(&stage.wire);
    stage_advance(&stage, FOREVER);
    stage_destroy(&stage);
    free_osip_blocks(step != 0);
    return status;
}

/* Nobody hears that his request is wrong because there was no memory to read it. */
static void test_without_memory_the_answer_is_503_or_none(void **state)
{
    static const struct refused_case requests[] = {
        {{.method = "REGISTER", .uri = "sip:example.com", .fields = "Contact: <sip:b@192.0.2.1:5080>\n"}, 200},
        {{.method = "REGISTER",
          .uri = "sip:example.com",
          .fields = "Supported: outbound, path\nPath: <sip:127.0.0.1:5090;lr;ob>, <sip:127.0.0.1:5091;lr>\n"
                    "Contact: <sip:b@192.0.2.1>;+sip.instance=\"<urn:uuid:1>\";reg-id=1\n"},
         200},
        {{.method = "REGISTER", .uri = "sip:example.com"}, 200},
        {{.method = "OPTIONS", .uri = "sip:example.com"}, 200},
        {{.method = "INVITE", .uri = "sip:nobody@example.com"}, 480},
        {{.method = "MESSAGE", .uri = "tel:+15551234"}, 416},
    };
    (void)state;
    for (size_t i = 0; i < sizeof requests / sizeof requests[0]; i++) {
        bool ran_short = true;
        assert_int_equal(answer_to(&requests[i].request, 0, &ran_short), requests[i].status);
        uint64_t step = 1;
        for (;; step++) {
            unsigned status = answer_to(&requests[i].request, step, &ran_short);
            if (!ran_short)
                break;
            if (status != 0 && status != 503 && status != requests[i].status)
                fail_msg("%s %s, allocation %u fails: answered with %u", requests[i].request.method,
                         requests[i].request.uri, (unsigned)step, status);
        }
        assert_true(step > 3);
    }
}

int main(void)
{
    osip_set_allocators(osip_allocates, osip_reallocates, osip_frees);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_registration),
        cmocka_unit_test(test_a_call_that_fails_over),
        cmocka_unit_test(test_a_call_with_430_and_486),
        cmocka_unit_test(test_a_call_that_is_cancelled),
        cmocka_unit_test(test_a_dialog),
        cmocka_unit_test(test_a_forked_call),
        cmocka_unit_test(test_a_call_that_nobody_answers),
        cmocka_unit_test(test_a_non_invite),
        cmocka_unit_test(test_a_call_to_a_name),
        cmocka_unit_test(test_without_memory_the_answer_is_503_or_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
