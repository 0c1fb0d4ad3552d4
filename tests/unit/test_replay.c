// SPDX-License-Identifier: BSD-2-Clause
#include "replay_run.h"
#include "sip_corpus.h"
#include "test.h"
#include "test_data.h"

#include "cli/cli.h"
#include "cli/replay/replay.h"
#include "core/code.h"
#include "core/decide.h"
#include "standalone/log/decision_log.h"

/* What is decided on recorded traffic: contexts, policies, text logs, decision logs. */

static void assert_part(const char *part, const char *text)
{
    if (strstr(text, part) == NULL)
        fail_msg("'%s' is not in: %s", part, text);
}

static void assert_no_part(const char *part, const char *text)
{
    if (strstr(text, part) != NULL)
        fail_msg("'%s' is in: %s", part, text);
}

/* The nth line, from 0. */
static const char *line_at(const char *text, unsigned n, char *line, size_t size)
{
    for (; n > 0 && text != NULL; n--) {
        text = strchr(text, '\n');
        text = text != NULL ? text + 1 : NULL;
    }
    snprintf(line, size, "%.*s", text != NULL ? (int)strcspn(text, "\n") : 0, text != NULL ? text : "");
    return line;
}

/* A log of messages, one after the other with empty lines between. */
static const char *log_of(const char *name, const struct sip_words *messages, size_t count)
{
    char bytes[16384];
    size_t length = 0;
    for (size_t i = 0; i < count; i++) {
        length += sip_write(bytes + length, sizeof bytes - length - 2, &messages[i]);
        memcpy(bytes + length, "\r\n", 2);
        length += 2;
    }
    return replay_file_make(name, bytes, length);
}
#define LOG(name, ...)                                                                                                 \
    log_of(name, (const struct sip_words[]){__VA_ARGS__},                                                              \
           sizeof((const struct sip_words[]){__VA_ARGS__}) / sizeof(struct sip_words))

#define INVITE "INVITE sip:15551234@192.0.2.20 SIP/2.0"

static const char RELAY_ON_BUSY[] = "local sip = require 'reflow'\n"
                                    "sip_on_response(486, function(reply, call)\n"
                                    "  if call.method == 'INVITE' then return sip_relay('sip:4930123@media') end\n"
                                    "end)\n";
static const char NOTHING[] = "local sip = require 'reflow'\n";

static int remove_files(void **unused)
{
    (void)unused;
    replay_files_remove();
    return 0;
}

static void test_facts_come_from_the_request_and_the_branch(void **unused)
{
    char line[1024];
    (void)unused;
    const char *log =
        LOG("facts.log", {.start = INVITE, .branch = "a", .to_tag = "t"},
            {.start = "SIP/2.0 180 Ringing", .branch = "a"}, {.start = "SIP/2.0 408 Request Timeout", .branch = "a"});
    struct replay_run run = RUN(log, "--json");
    assert_int_equal(run.status, CLI_OK);
    assert_string_equal(run.err, "");
    line_at(run.out, 0, line, sizeof line);
    assert_part("\"method\":\"INVITE\"", line);
    assert_part("\"code\":180", line);
    assert_part("\"in_dialog\":true", line);
    assert_no_part("provisional_seen", line);
    line_at(run.out, 1, line, sizeof line);
    assert_part("\"code\":408", line);
    assert_part("\"provisional_seen\":true", line);
    assert_part("{\"counts\":{\"messages\":3,\"responses\":2}}", run.out);
    replay_run_destroy(&run);
}

static void test_branches_of_one_request_are_held_until_the_last_one(void **unused)
{
    char line[1024];
    (void)unused;
    const char *log = LOG("fork.log", {.start = INVITE, .branch = "a"}, {.start = INVITE, .branch = "b"},
                          {.start = "SIP/2.0 486 Busy Here", .branch = "a"},
                          {.start = "SIP/2.0 480 Temporarily Unavailable", .branch = "b"});
    struct replay_run run = RUN(log);
    assert_part(" 486 INVITE sip:15551234@example.com c1@host: hold ", line_at(run.out, 0, line, sizeof line));
    assert_part(" 480 INVITE sip:15551234@example.com c1@host: fail ", line_at(run.out, 1, line, sizeof line));
    replay_run_destroy(&run);
}

/* However the Vias are written, the same branches belong together. */
static void test_vias_on_one_line(void **unused)
{
    char bytes[2048], line[1024];
    (void)unused;
    static const char *const branches[] = {"a", "b"};
    size_t length = 0;
    for (int i = 0; i < 4; i++)
        length += (size_t)snprintf(
            bytes + length, sizeof bytes - length,
            "%s\n"
            "v: SIP/2.0/UDP h;branch=z9hG4bK%s , SIP/2.0/UDP \n c;x=\"1,2;branch=no\" ;Branch=z9hG4bKup\n"
            "f: <sip:a@b>;tag=1\nt: <sip:b@c>\ni: one\nCSeq: 1 INVITE\n\n",
            i < 2 ? INVITE : "SIP/2.0 486 Busy Here", branches[i % 2]);
    struct replay_run run = RUN(replay_file_make("line.log", bytes, length));
    assert_string_equal(run.err, "");
    assert_part(": hold ", line_at(run.out, 0, line, sizeof line));
    assert_part(": fail ", line_at(run.out, 1, line, sizeof line));
    replay_run_destroy(&run);
}

static void test_what_a_proxy_sent_up_is_the_callers(void **unused)
{
    char line[1024];
    (void)unused;
    const char *log = LOG("relayed.log", {.start = INVITE}, {.start = INVITE, .branch = "a"},
                          {.start = "SIP/2.0 200 OK", .branch = "a"}, {.start = "SIP/2.0 200 OK"});
    struct replay_run run = RUN(log, "--json");
    assert_part("\"role\":\"proxy\",\"action\":\"forward\"", line_at(run.out, 0, line, sizeof line));
    assert_part("\"role\":\"uac\",\"action\":\"ack\"", line_at(run.out, 1, line, sizeof line));
    replay_run_destroy(&run);
    run = RUN(log);
    assert_no_part("(", line_at(run.out, 0, line, sizeof line));
    assert_part(": ack 3261-13.2.a (uac)", line_at(run.out, 1, line, sizeof line));
    replay_run_destroy(&run);
}

static void test_standard_input_is_read_as_a_file(void **unused)
{
    const char *log =
        LOG("input.log", {.start = INVITE, .branch = "a"}, {.start = "SIP/2.0 486 Busy Here", .branch = "a"});
    const char *const words[] = {"-", NULL};
    (void)unused;
    struct replay_run expected = RUN(log), run = replay_run_from(fopen(log, "rb"), words);
    assert_int_equal(run.status, CLI_OK);
    assert_string_equal(run.out, expected.out);
    assert_string_equal(run.err, expected.err);
    replay_run_destroy(&expected);
    replay_run_destroy(&run);
    char memory[] = "no message\n";
    run = replay_run_from(fmemopen(memory, sizeof memory - 1, "r"), words);
    assert_int_equal(run.status, CLI_USAGE);
    assert_part("reflow replay: standard input: neither a capture nor a log", run.err);
    replay_run_destroy(&run);
}

static void test_layers_and_tenants_belong_to_the_policy(void **unused)
{
    char tenant[256], layer[256];
    const char *log = LOG("layers.log", {.start = "INVITE sip:bob@blue.example SIP/2.0", .branch = "a"},
                          {.start = "SIP/2.0 486 Busy Here", .branch = "a"});
    const char *base = replay_file_text("base.lua", NOTHING), *above = replay_file_text("above.lua", RELAY_ON_BUSY);
    (void)unused;
    snprintf(tenant, sizeof tenant, "blue.example=%s", above);
    snprintf(layer, sizeof layer, "site:5=%s", above);
    struct replay_run run = RUN(log, "--policy", base, "--tenant", tenant);
    assert_part("; policy: relay sip:4930123@media", run.out);
    replay_run_destroy(&run);
    run = RUN(log, "--policy", base, "--layer", layer, "--against", base);
    assert_int_equal(run.status, 1);
    assert_part(": core -> relay sip:4930123@media", run.out);
    replay_run_destroy(&run);
    run = RUN(log, "--layer", layer);
    assert_int_equal(run.status, CLI_USAGE);
    assert_part("reflow replay: --layer and --tenant need --policy", run.err);
    replay_run_destroy(&run);
    run = RUN(log, "--policy", base, "--tenant", "sip:x=y");
    assert_int_equal(run.status, CLI_USAGE);
    assert_part("reflow replay: --tenant sip:x=y: expected a domain name", run.err);
    replay_run_destroy(&run);
    const char *broken = replay_file_text("broken.lua", "\nsip_on_response(486,\n");
    run = RUN(log, "--policy", broken);
    assert_int_equal(run.status, CLI_USAGE);
    assert_memory_equal(run.err, broken, strlen(broken));
    assert_part("broken.lua:3: unexpected symbol", run.err);
    replay_run_destroy(&run);
}

static void test_3261_16_7_a_a_repeated_final_concerns_nobody(void **unused)
{
    char line[1024];
    (void)unused;
    const char *policy = replay_file_text("busy.lua", RELAY_ON_BUSY);
    const char *log =
        LOG("repeated.log", {.start = INVITE, .branch = "a"}, {.start = "SIP/2.0 486 Busy Here", .branch = "a"},
            {.start = "SIP/2.0 486 Busy Here", .branch = "a"});
    struct replay_run run = RUN(log, "--policy", policy);
    assert_part("; policy: relay sip:4930123@media", line_at(run.out, 0, line, sizeof line));
    assert_part(": absorb 3261-16.7.a", line_at(run.out, 1, line, sizeof line));
    assert_no_part("policy", line);
    assert_part("3 messages, 2 responses, 1 verdict, 1 retransmitted response\n", run.out);
    replay_run_destroy(&run);
}

static void test_a_response_without_its_request_is_counted_and_asked_about(void **unused)
{
    (void)unused;
    const char *policy = replay_file_text(
        "stray.lua", "sip_on_response(486, function(reply, call)\n"
                     "  return sip_relay('sip:' .. call.method .. '@' .. call.call_id:gsub('@', '.'))\n"
                     "end)\n");
    const char *log = LOG("stray.log", {.start = "SIP/2.0 486 Busy Here", .branch = "a"});
    struct replay_run run = RUN(log, "--policy", policy);
    assert_part("; policy: relay sip:INVITE@c1.host", run.out);
    assert_part("1 response without its request", run.out);
    replay_run_destroy(&run);
}

static void test_3261_16_7_d_a_policy_is_held_to_the_guardrails(void **unused)
{
    (void)unused;
    const char *policy =
        replay_file_text("global.lua", "sip_on_response(600, function() return sip_relay('sip:a@b') end)\n"
                                       "sip_on_response(486, function() error('oops') end)\n");
    const char *log =
        LOG("global.log", {.start = INVITE, .branch = "a"}, {.start = "SIP/2.0 600 Busy Everywhere", .branch = "a"},
            {.start = INVITE, .branch = "b", .call = "c2"},
            {.start = "SIP/2.0 486 Busy Here", .branch = "b", .call = "c2"});
    struct replay_run run = RUN(log, "--policy", policy);
    assert_part("; policy: refused relay sip:a@b (3261-16.7.d)", run.out);
    assert_part("; policy: error", run.out);
    assert_part("1 verdict refused, 1 failed hook", run.out);
    assert_part("oops", run.err);
    replay_run_destroy(&run);
}

static void test_against_shows_exactly_what_differs(void **unused)
{
    char line[1024];
    (void)unused;
    const char *busy = replay_file_text("new.lua", RELAY_ON_BUSY), *nothing = replay_file_text("old.lua", NOTHING);
    const char *log =
        LOG("differs.log", {.start = INVITE, .branch = "a"}, {.start = "SIP/2.0 486 Busy Here", .branch = "a"},
            {.start = INVITE, .branch = "b", .call = "c2"},
            {.start = "SIP/2.0 480 Temporarily Unavailable", .branch = "b", .call = "c2"});
    struct replay_run run = RUN(log, "--policy", busy, "--against", nothing);
    assert_int_equal(run.status, 1);
    assert_part("486 INVITE sip:15551234@example.com c1@host: core -> relay sip:4930123@media (core: fail 3261-16.7.e)",
                line_at(run.out, 0, line, sizeof line));
    assert_string_equal(line_at(run.out, 1, line, sizeof line), "4 messages, 2 responses, 1 difference, 1 verdict");
    replay_run_destroy(&run);
    run = RUN(log, "--policy", busy, "--against", busy);
    assert_int_equal(run.status, CLI_OK);
    assert_string_equal(run.out, "4 messages, 2 responses, 0 differences, 1 verdict\n");
    replay_run_destroy(&run);
    run = RUN(log, "--against", busy, "--json");
    assert_int_equal(run.status, 1);
    assert_part("\"against\":\"relay sip:4930123@media\",\"policy\":\"core\"}\n", run.out);
    replay_run_destroy(&run);
}

/* A policy may be a folder, whose files run in the order of their names. */
static void test_a_policy_of_several_files(void **unused)
{
    char folder[256];
    (void)unused;
    const char *first = replay_file_text("10-none.lua", NOTHING);
    replay_file_text("20-busy.lua", RELAY_ON_BUSY);
    snprintf(folder, sizeof folder, "%.*s", (int)(strrchr(first, '/') - first), first);
    const char *log =
        LOG("folder.log", {.start = INVITE, .branch = "a"}, {.start = "SIP/2.0 486 Busy Here", .branch = "a"});
    struct replay_run run = RUN(log, "--policy", folder);
    assert_string_equal(run.err, "");
    assert_part("; policy: relay sip:4930123@media\n", run.out);
    replay_run_destroy(&run);
}

/* A policy sees the same AOR as in a server. */
static void test_request_uris_of_other_schemes(void **unused)
{
    (void)unused;
    const char *policy =
        replay_file_text("schemes.lua", "sip_on_response(486, function(reply, call)\n"
                                        "  if call.aor == 'urn:service:sos' then return sip_relay('sip:psap@h') end\n"
                                        "  if call.aor == 'tel:+15550100' then return sip_relay('sip:pstn@h') end\n"
                                        "end)\n");
    const char *log = LOG("schemes.log", {.start = "INVITE URN:service:SOS SIP/2.0", .branch = "a", .call = "c1"},
                          {.start = "SIP/2.0 486 Busy Here", .branch = "a", .call = "c1"},
                          {.start = "INVITE tel:+1-555-0100 SIP/2.0", .branch = "b", .call = "c2"},
                          {.start = "SIP/2.0 486 Busy Here", .branch = "b", .call = "c2"});
    struct replay_run run = RUN(log, "--policy", policy);
    assert_string_equal(run.err, "");
    assert_part("relay sip:psap@h", run.out);
    assert_part("relay sip:pstn@h", run.out);
    replay_run_destroy(&run);
}

static void test_numbers_are_masked_where_asked(void **unused)
{
    (void)unused;
    const char *busy = replay_file_text("mask.lua", RELAY_ON_BUSY);
    const char *log =
        LOG("mask.log", {.start = INVITE, .branch = "a"}, {.start = "SIP/2.0 486 Busy Here", .branch = "a"});
    for (int json = 0; json < 2; json++) {
        struct replay_run run = RUN(log, "--mask", "--policy", busy, json ? "--json" : "--mask");
        assert_part("sip:xxxxxxxx@example.com", run.out);
        assert_part("relay sip:xxxxxxx@media", run.out);
        assert_no_part("15551234", run.out);
        assert_no_part("4930123", run.out);
        replay_run_destroy(&run);
    }
}

static const char BODY_LOG[] = "----------------------------------------------- 2026-11-22 13:00:00.123456\n"
                               "UDP message sent (300 bytes):\n"
                               "\n"
                               "INVITE sip:bob@192.0.2.4 SIP/2.0\n"
                               "Via: SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bKx\n"
                               "From: <sip:a@b>;tag=1\n"
                               "To: <sip:bob@c>\n"
                               "Call-ID: sipp-1\n"
                               "CSeq: 1 INVITE\n"
                               "Content-Type: application/sdp\n"
                               "Content-Length: 14\n"
                               "\n"
                               "v=0\n"
                               "s=- x --\n"
                               "\n"
                               "----------------------------------------------- 2026-11-22 13:00:01.500000\n"
                               "UDP message received [200] bytes :\n"
                               "\n"
                               "SIP/2.0 486 Busy Here\n"
                               "Via: SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bKx\n"
                               "From: <sip:a@b>;tag=1\n"
                               "To: <sip:bob@c>;tag=2\n"
                               "Call-ID: sipp-1\n"
                               "CSeq: 1 INVITE\n"
                               "Content-Length: 0\n"
                               "\n";

static void test_a_log_of_sipp(void **unused)
{
    char line[1024];
    (void)unused;
    struct replay_run run = RUN(replay_file_text("sipp.log", BODY_LOG));
    assert_string_equal(run.err, "");
    assert_string_equal(line_at(run.out, 0, line, sizeof line),
                        "13:00:01.500 486 INVITE sip:bob@c sipp-1: fail 3261-16.7.e");
    assert_string_equal(line_at(run.out, 1, line, sizeof line), "2 messages, 1 response");
    replay_run_destroy(&run);
}

static void test_a_dump_with_dots_for_carriage_returns(void **unused)
{
    char line[1024];
    (void)unused;
    const char *policy =
        replay_file_text("rest.lua", "sip_on_response(503, function(reply, call)\n"
                                     "  if call.source ~= 'udp:192.0.2.1:5060' then error(call.source) end\n"
                                     "  return sip_rest(reply.destination, 30)\n"
                                     "end)\n");
    const char *dump = replay_file_text("dump.log", "interface: any\n#\n"
                                                    "U 2026/11/22 13:00:00.000100 192.0.2.1:5060 -> 192.0.2.2:5070 #1\n"
                                                    "INVITE sip:bob@c SIP/2.0.\n"
                                                    "Via: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bKn.\n"
                                                    "f: <sip:a@b>;tag=1.\n"
                                                    "t: <sip:bob@c>.\n"
                                                    "i: dump-1.\n"
                                                    "CSeq: 7 INVITE.\n"
                                                    "l: 5.\n"
                                                    ".\n"
                                                    "v=0.\n"
                                                    "\n#\n"
                                                    "U 2026/11/22 13:00:00.200000 192.0.2.2:5070 -> 192.0.2.1:5060 #2\n"
                                                    "SIP/2.0 503 Service Unavailable.\n"
                                                    "Via: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bKn.\n"
                                                    "f: <sip:a@b>;tag=1.\n"
                                                    "t: <sip:bob@c>;tag=2.\n"
                                                    "i: dump-1.\n"
                                                    "CSeq: 7 INVITE.\n"
                                                    ".\n"
                                                    "\n");
    struct replay_run run = RUN(dump, "--policy", policy);
    assert_string_equal(run.err, "");
    line_at(run.out, 0, line, sizeof line);
    assert_part("13:00:00.200 503 INVITE sip:bob@c dump-1: fail", line);
    assert_part("; policy: rest 192.0.2.2:5070 30", line);
    assert_string_equal(line_at(run.out, 1, line, sizeof line), "2 messages, 1 response, 1 verdict");
    replay_run_destroy(&run);
}

static void test_half_a_message_is_told_and_counted(void **unused)
{
    (void)unused;
    char half[sizeof BODY_LOG];
    memcpy(half, BODY_LOG, sizeof half);
    *strstr(half, "Call-ID") = '\0';
    struct replay_run run = RUN(replay_file_text("half.log", half));
    assert_int_equal(run.status, CLI_OK);
    assert_part("half.log:7: ", run.err);
    assert_string_equal(run.out, "1 message, 0 responses, 1 broken\n");
    replay_run_destroy(&run);
}

static void test_what_is_no_input_is_refused(void **unused)
{
    (void)unused;
    struct replay_run run = RUN(replay_file_make("garbage", "\x7f\x45\x4c\x46\0\0\1\xff garbage", 16));
    assert_int_equal(run.status, CLI_USAGE);
    assert_part("neither a capture nor a log", run.err);
    replay_run_destroy(&run);
    run = RUN("/nonexistent/file");
    assert_int_equal(run.status, CLI_USAGE);
    assert_part("/nonexistent/file: No such file or directory", run.err);
    replay_run_destroy(&run);
    run = RUN("/");
    assert_int_equal(run.status, CLI_USAGE);
    replay_run_destroy(&run);
    run = RUN("--json");
    assert_string_equal(run.err, "reflow replay: a file is missing (see reflow replay --help)\n");
    assert_int_equal(run.status, CLI_USAGE);
    replay_run_destroy(&run);
    run = RUN("x", "--policy", "/nonexistent.lua");
    assert_int_equal(run.status, CLI_USAGE);
    replay_run_destroy(&run);
    run = RUN("--help");
    assert_int_equal(run.status, CLI_OK);
    assert_part("Exit status: 0 success, 1 differences", run.out);
    replay_run_destroy(&run);
}

static void test_lines_of_a_decision_log(void **unused)
{
    char line[1024];
    (void)unused;
    const char *policy = replay_file_text("log.lua", "sip_on_flow_failed(function(reply, call)\n"
                                                     "  if reply.flow and call.aor == 'sip:bob@c' then\n"
                                                     "    return sip_next_flow()\n"
                                                     "  end\n"
                                                     "end)\n");
    const char *log = replay_file_text(
        "decisions.log",
        "{\"time_ms\":1763816400250,\"ms\":3,\"call\":\"x1\",\"method\":\"INVITE\",\"origin\":\"flow_down\",\"code\":"
        "430,"
        "\"action\":\"next_flow\",\"aor\":\"sip:bob@c\",\"target\":\"sip:bob@1.2.3.4\",\"instance\":\"urn:uuid:1\","
        "\"reg_id\":1,\"flow\":\"tcp #17\",\"flows_left\":1}\n"
        "no json\n"
        "{\"time_ms\":1,\"call\":\"x2\",\"method\":\"INVITE\",\"code\":486,\"facts\":{\"code\":486,\"method\":"
        "\"INVITE\","
        "\"provisional_seen\":true,\"branches_pending\":1}}\n"
        "{\"call\":\"x3\"}\n");
    struct replay_run run = RUN(log, "--policy", policy);
    assert_int_equal(run.status, CLI_OK);
    line_at(run.out, 0, line, sizeof line);
    assert_part("--- INVITE sip:bob@c x1: next_flow 5626-7.h; policy: next_flow", line);
    assert_part("486 INVITE  x2: hold", line_at(run.out, 1, line, sizeof line));
    assert_part("2 lines of decision logs", run.out);
    assert_part("2 broken", run.out);
    assert_part("decisions.log:2: no line of a decision log", run.err);
    assert_part("decisions.log:4: no line of a decision log", run.err);
    replay_run_destroy(&run);
}

static uint32_t next_random(uint32_t *seed)
{
    *seed = *seed * 1664525U + 1013904223U;
    return *seed >> 8;
}

static void some_input(struct facts *facts, struct state *state, uint32_t *seed)
{
    *facts = (struct facts){.code = 100 + next_random(seed) % 600,
                            .method = (uint8_t)(1 + next_random(seed) % (METHOD_COUNT - 1)),
                            .role = (uint8_t)(next_random(seed) % ROLE_COUNT),
                            .origin = (uint8_t)(next_random(seed) % ORIGIN_COUNT),
                            .flows_left = (uint16_t)(next_random(seed) % 2),
                            .reg_id = next_random(seed) % 2,
                            .in_dialog = next_random(seed) % 2,
                            .provisional_seen = next_random(seed) % 2,
                            .on_flow = next_random(seed) % 2,
                            .has_instance = next_random(seed) % 2,
                            .has_retry_after = next_random(seed) % 2,
                            .next_server = next_random(seed) % 2,
                            .unmatched = next_random(seed) % 16 == 0};
    facts->retry_after = facts->has_retry_after ? next_random(seed) % 100 : 0;
    *state = (struct state){.branches_pending = (uint16_t)(next_random(seed) % 2),
                            .targets_left = (uint16_t)(next_random(seed) % 2),
                            .responses_held = (uint16_t)(next_random(seed) % 2),
                            .success_forwarded = next_random(seed) % 4 == 0,
                            .cancelled = next_random(seed) % 4 == 0,
                            .may_recurse = next_random(seed) % 2};
}

/* What the server logged is decided alike: the lines have all that the core was given. */
static void test_what_the_server_logs_replays(void **unused)
{
    enum { LINES = 500 };
    struct fake_host fake;
    char bytes[1024], line[2048], part[160];
    struct sip_message *request;
    struct sip_fault fault;
    static struct decision decisions[LINES];
    uint32_t seed = 5;
    (void)unused;
    fake_host_create(&fake);
    const struct sip_words words = {.start = INVITE};
    assert_int_equal(sip_message_new(&request, &fake.host, bytes, sip_write(bytes, sizeof bytes, &words), NULL, &fault),
                     0);
    struct sip_buffer out = {.host = &fake.host};
    for (int i = 0; i < LINES; i++) {
        struct facts facts;
        struct state state;
        some_input(&facts, &state, &seed);
        decisions[i] = decide(&facts, &state);
        const struct decided decided = {.decision = &decisions[i],
                                        .facts = &facts,
                                        .state = &state,
                                        .request = request,
                                        .aor = TEXT("sip:+4930123456@example.com"),
                                        .target = TEXT("sip:a@192.0.2.9:5060"),
                                        .flow = TEXT("tcp #1")};
        decision_log_line(&decided, 1763816400000 + i, i % 2 == 0, &out);
    }
    struct replay_run run = RUN(replay_file_make("server.log", out.bytes, out.length), "--json");
    assert_string_equal(run.err, "");
    for (unsigned i = 0; i < LINES; i++) {
        snprintf(part, sizeof part, "\"action\":\"%s\",\"rule\":\"%s\"", action_name((enum action)decisions[i].action),
                 rule_at((enum rule_id)decisions[i].rule)->id);
        assert_part(part, line_at(run.out, i, line, sizeof line));
    }
    replay_run_destroy(&run);
    sip_buffer_destroy(&out);
    sip_message_delete(request);
    assert_int_equal(fake.allocated, 0);
}

/* What the server logs about an AOR is what the replay reads, whatever its bytes are. */
static void test_an_aor_of_any_bytes_survives(void **unused)
{
    static const struct {
        const char *aor, *json, *text;
    } cases[] = {
        {"sip:j\xc3\xbcrgen@example.com", "\"to\":\"sip:j\xc3\xbcrgen@example.com\"",
         " sip:j\xc3\xbcrgen@example.com "},
        {"sip:\xe7\x94\xb0\xf0\x9f\x93\x9e@example.com", "\"to\":\"sip:\xe7\x94\xb0\xf0\x9f\x93\x9e@example.com\"",
         " sip:\xe7\x94\xb0\xf0\x9f\x93\x9e@example.com "},
        {"sip:a\"b\\@example.com", "\"to\":\"sip:a\\\"b\\\\@example.com\"", " sip:a\"b\\@example.com "},
        {"sip:c\x1b\xc2\x85@example.com", "\"to\":\"sip:c\\u001b\\u0085@example.com\"", " sip:c??@example.com "},
        {"sip:j\xfcrgen@example.com", "\"to\":\"sip:j\xef\xbf\xbdrgen@example.com\"",
         " sip:j\xef\xbf\xbdrgen@example.com "},
    };
    struct fake_host fake;
    char bytes[1024];
    struct sip_message *request;
    struct sip_fault fault;
    const struct decision decision = {.code = SIP_BUSY_HERE, .why = ""};
    const struct facts facts = {.code = SIP_BUSY_HERE, .method = METHOD_INVITE};
    (void)unused;
    fake_host_create(&fake);
    const struct sip_words words = {.start = INVITE};
    assert_int_equal(sip_message_new(&request, &fake.host, bytes, sip_write(bytes, sizeof bytes, &words), NULL, &fault),
                     0);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct sip_buffer out = {.host = &fake.host};
        const struct decided decided = {
            .decision = &decision, .facts = &facts, .request = request, .aor = text_of(cases[i].aor)};
        decision_log_line(&decided, 1763816400000, false, &out);
        const char *log = replay_file_make("server.log", out.bytes, out.length);
        struct replay_run run = RUN(log, "--json");
        assert_string_equal(run.err, "");
        assert_part(cases[i].json, run.out);
        replay_run_destroy(&run);
        run = RUN(log);
        assert_part(cases[i].text, run.out);
        replay_run_destroy(&run);
        sip_buffer_destroy(&out);
    }
    sip_message_delete(request);
    assert_int_equal(fake.allocated, 0);
}

/* More requests that wait than are remembered: the oldest are given up, and that is counted. */
static void test_memory_is_bounded(void **unused)
{
    char bytes[1024], call[32];
    char *text = NULL;
    size_t text_length;
    (void)unused;
    struct cli cli = {.out = open_memstream(&text, &text_length), .err = stderr};
    const struct replay_config config = {
        .cli = &cli, .contexts = 64, .policy = replay_file_text("b.lua", RELAY_ON_BUSY)};
    struct replay *replay;
    assert_int_equal(replay_new(&replay, &config), CLI_OK);
    for (int i = 0; i < 1000; i++) {
        snprintf(call, sizeof call, "call-%d", i);
        const struct sip_words words = {.start = INVITE, .branch = "a", .call = call};
        const struct replay_message message = {.bytes = {bytes, sip_write(bytes, sizeof bytes, &words)}};
        replay_message(replay, &message);
    }
    replay_finish(replay);
    assert_int_equal(replay_counts(replay)->messages, 1000);
    assert_true(replay_counts(replay)->forgotten >= 1000 - 64);
    assert_true(replay_counts(replay)->forgotten < 1000);
    replay_delete(replay);
    fclose(cli.out);
    free(text);
}

/* Tables grow while requests wait, and every response still finds its own. */
static void test_many_requests_that_wait_are_all_found(void **unused)
{
    enum { CALLS = 20000 };
    char bytes[1024], call[32];
    char *text = NULL;
    size_t text_length;
    (void)unused;
    struct cli cli = {.out = open_memstream(&text, &text_length), .err = stderr};
    const struct replay_config config = {.cli = &cli};
    struct replay *replay;
    assert_int_equal(replay_new(&replay, &config), CLI_OK);
    for (int i = 0; i < 2 * CALLS; i++) {
        snprintf(call, sizeof call, "call-%d", i % CALLS);
        const struct sip_words words = {.start = i < CALLS ? INVITE : "SIP/2.0 200 OK", .branch = "a", .call = call};
        const struct replay_message message = {.bytes = {bytes, sip_write(bytes, sizeof bytes, &words)}};
        replay_message(replay, &message);
    }
    replay_finish(replay);
    assert_int_equal(replay_counts(replay)->responses, CALLS);
    assert_int_equal(replay_counts(replay)->forgotten, replay_counts(replay)->strays);
    assert_true(replay_counts(replay)->strays < CALLS / 100);
    replay_delete(replay);
    fclose(cli.out);
    free(text);
}

/* Whatever stands in a file: an exit status, no crash. */
static void test_broken_logs_are_survived(void **unused)
{
    char bytes[sizeof BODY_LOG + 256];
    uint32_t seed = 7;
    (void)unused;
    for (int i = 0; i < 300; i++) {
        memcpy(bytes, BODY_LOG, sizeof BODY_LOG - 1);
        size_t length =
            sip_mutate(bytes, sizeof BODY_LOG - 1, sizeof bytes, (struct text){BODY_LOG, sizeof BODY_LOG - 1}, &seed);
        struct replay_run run = RUN(replay_file_make("mutated.log", bytes, length), "--json");
        assert_true(run.status == CLI_OK || run.status == CLI_USAGE);
        replay_run_destroy(&run);
        replay_files_remove();
    }
}

/* All flows of a folder as one log. */
static char *flows_log(const char *folder, size_t *length)
{
    struct message_samples samples;
    char *log = malloc(1 << 20);
    assert_non_null(log);
    *length = 0;
    message_samples_create(&samples, folder);
    for (size_t i = 0; i < samples.count; i++) {
        memcpy(log + *length, samples.at[i].text.at, samples.at[i].text.length);
        *length += samples.at[i].text.length;
    }
    message_samples_destroy(&samples);
    return log;
}

/* The flows of RFC 3665 in their order: every response finds its request. */
static void test_the_flows_of_rfc_3665(void **unused)
{
    size_t length;
    char *log = flows_log("messages/rfc3665", &length);
    (void)unused;
    struct replay_run run = RUN(replay_file_make("rfc3665.log", log, length));
    free(log);
    assert_int_equal(run.status, CLI_OK);
    assert_string_equal(run.err, "");
    assert_no_part("without", run.out);
    assert_no_part("broken", run.out);
    assert_part("486 INVITE", run.out);
    replay_run_destroy(&run);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(test_facts_come_from_the_request_and_the_branch, remove_files),
        cmocka_unit_test_teardown(test_branches_of_one_request_are_held_until_the_last_one, remove_files),
        cmocka_unit_test_teardown(test_vias_on_one_line, remove_files),
        cmocka_unit_test_teardown(test_what_a_proxy_sent_up_is_the_callers, remove_files),
        cmocka_unit_test_teardown(test_standard_input_is_read_as_a_file, remove_files),
        cmocka_unit_test_teardown(test_layers_and_tenants_belong_to_the_policy, remove_files),
        cmocka_unit_test_teardown(test_3261_16_7_a_a_repeated_final_concerns_nobody, remove_files),
        cmocka_unit_test_teardown(test_a_response_without_its_request_is_counted_and_asked_about, remove_files),
        cmocka_unit_test_teardown(test_3261_16_7_d_a_policy_is_held_to_the_guardrails, remove_files),
        cmocka_unit_test_teardown(test_against_shows_exactly_what_differs, remove_files),
        cmocka_unit_test_teardown(test_a_policy_of_several_files, remove_files),
        cmocka_unit_test_teardown(test_request_uris_of_other_schemes, remove_files),
        cmocka_unit_test_teardown(test_numbers_are_masked_where_asked, remove_files),
        cmocka_unit_test_teardown(test_a_log_of_sipp, remove_files),
        cmocka_unit_test_teardown(test_a_dump_with_dots_for_carriage_returns, remove_files),
        cmocka_unit_test_teardown(test_half_a_message_is_told_and_counted, remove_files),
        cmocka_unit_test_teardown(test_what_is_no_input_is_refused, remove_files),
        cmocka_unit_test_teardown(test_lines_of_a_decision_log, remove_files),
        cmocka_unit_test_teardown(test_what_the_server_logs_replays, remove_files),
        cmocka_unit_test_teardown(test_an_aor_of_any_bytes_survives, remove_files),
        cmocka_unit_test_teardown(test_memory_is_bounded, remove_files),
        cmocka_unit_test_teardown(test_many_requests_that_wait_are_all_found, remove_files),
        cmocka_unit_test_teardown(test_broken_logs_are_survived, remove_files),
        cmocka_unit_test_teardown(test_the_flows_of_rfc_3665, remove_files),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
