// SPDX-License-Identifier: BSD-2-Clause
#include "server_stage.h"
#include "test_data.h"

#include <errno.h>

/*
 * REGISTERs and INVITEs as devices write them (tests/data/devices). The mark of each is "NAME TRANSPORT OUTCOME: NOTE".
 * Outcomes of a REGISTER: "callable" (200, the Contact is returned as given, and a call reaches the phone over the flow
 * on which it registered), or a status, after which nothing is registered. Outcomes of an INVITE: "forwarded" to a
 * registered phone, "by-policy" (forwarded by a script, with the Request-URI as it is), or a status. What is forwarded
 * has every header field and the body as written; only Via, Max-Forwards and Route may differ.
 */

enum { ROWS = 63, SOURCE_PORT = 5080, BOB_PORT = 5091 };

struct row {
    const struct message_sample *sample;
    char name[80];
    char transport[8], outcome[16];
};

static struct message_samples samples;
static struct row rows[ROWS];

/* --- the text of a message --- */

/* A header field as written, with its folded lines and without the CRLF at its end. */
static bool next_field(const char **at, struct text *field)
{
    const char *end = strstr(*at, "\r\n");
    while (end != NULL && (end[2] == ' ' || end[2] == '\t'))
        end = strstr(end + 2, "\r\n");
    if (end == NULL || end == *at)
        return false;
    *field = (struct text){*at, (size_t)(end - *at)};
    *at = end + 2;
    return true;
}

static const char *fields_of(const char *message)
{
    return strstr(message, "\r\n") + 2;
}

static bool is_named(struct text field, const char *name, const char *compact)
{
    size_t length = strcspn(field.at, ": \t");
    struct text found = {field.at, length};
    return text_equal_nocase(found, text_of(name)) || text_equal_nocase(found, text_of(compact));
}

static struct text field_named(const char *message, const char *name, const char *compact)
{
    const char *at = fields_of(message);
    struct text field;
    while (next_field(&at, &field))
        if (is_named(field, name, compact))
            return field;
    return (struct text){0};
}

/* The URI between the angle brackets of a field, or behind its colon. */
static void uri_of(struct text field, char *out, size_t size)
{
    const char *bracket = memchr(field.at, '<', field.length);
    const char *start = bracket != NULL ? bracket + 1 : strchr(field.at, ':') + 1;
    start += strspn(start, " ");
    snprintf(out, size, "%.*s", (int)strcspn(start, bracket != NULL ? ">" : ";\r"), start);
}

/* --- the device --- */

/* Where a device without rport is must be where its Via says, but for the host, which a translator has changed. */
static uint16_t source_port(const char *message)
{
    struct text via = field_named(message, "Via", "v");
    const char *sent_by = strchr(strchr(via.at, '/') + 5, ' ') + 1;
    const char *colon = sent_by + strcspn(sent_by, ":;\r");
    if (memmem(via.at, via.length, "rport", 5) != NULL)
        return SOURCE_PORT;
    return *colon == ':' ? (uint16_t)atoi(colon + 1) : 5060;
}

static struct peer device_peer(struct stage *stage, const struct row *row)
{
    enum transport transport;
    assert_true(transport_of_word(text_of(row->transport), &transport));
    if (transport != TRANSPORT_UDP)
        return fake_stream(&stage->wire, transport, (uint8_t)transport, SOURCE_PORT);
    struct peer peer = {.transport = TRANSPORT_UDP};
    assert_true(address_read(TEXT("203.0.113.77"), source_port(row->sample->text.at), &peer.address));
    return peer;
}

static void receive(struct stage *stage, const struct peer *from, const char *bytes)
{
    server_received(stage->server, from, bytes, strlen(bytes));
}

static struct sent *sent_over(struct stage *stage, const char *start, const struct peer *peer)
{
    struct sent *sent = stage_sent(stage, start);
    if (peer_flow(&sent->peer) != peer_flow(peer))
        fail_msg("sent to %u by %s, not to the flow of %u:\n%s", sent_port(sent), transport_name(sent->peer.transport),
                 address_port(&peer->address), sent->bytes);
    return sent;
}

/* --- REGISTER --- */

static void check_callable(struct stage *stage, const struct row *row, const struct peer *device)
{
    char contact[300], to[300], called[340], line[400];
    uri_of(field_named(row->sample->text.at, "Contact", "m"), contact, sizeof contact);
    uri_of(field_named(row->sample->text.at, "To", "t"), to, sizeof to);
    const char *user = strchr(to, ':') + 1;
    snprintf(called, sizeof called, "sip:%.*s@example.com", (int)strcspn(user, "@"), user);
    struct sent *answer = sent_over(stage, "SIP/2.0 200 ", device);
    if (strstr(answer->bytes, contact) == NULL)
        fail_msg("%s is not in\n%s", contact, answer->bytes);
    struct peer alice = stage_alice();
    stage_request(stage, &alice, (struct request){.uri = called, .fields = "Contact: <sip:alice@127.0.0.1:5070>\n"});
    stage_status(stage, &alice, 100);
    snprintf(line, sizeof line, "INVITE %s SIP/2.0\r\n", contact);
    struct sent *invite = sent_over(stage, line, device);
    stage_response(stage, invite, 486, NULL);
    sent_over(stage, "ACK ", device);
    stage_status(stage, &alice, 486);
}

static void check_register(struct stage *stage, const struct row *row)
{
    struct peer device = device_peer(stage, row);
    char start[32];
    receive(stage, &device, row->sample->text.at);
    if (strcmp(row->outcome, "callable") == 0) {
        assert_int_equal(stage_count(stage, "bindings"), 1);
        check_callable(stage, row, &device);
        return;
    }
    snprintf(start, sizeof start, "SIP/2.0 %s ", row->outcome);
    sent_over(stage, start, &device);
    assert_int_equal(stage_count(stage, "bindings"), 0);
}

/* --- INVITE --- */

static struct peer register_bob(struct stage *stage)
{
    struct peer bob = fake_stream(&stage->wire, TRANSPORT_TLS, TRANSPORT_TLS, BOB_PORT);
    stage_request(stage, &bob,
                  (struct request){.method = "REGISTER",
                                   .uri = "sip:example.com",
                                   .from = "bob",
                                   .call = "bob",
                                   .fields = "Supported: outbound, path\nContact: <sips:bob@127.0.0.1:5091>;reg-id=1;"
                                             "+sip.instance=\"<urn:uuid:0>\"\n"});
    stage_status(stage, &bob, 200);
    return bob;
}

/* A server may change these: the topmost Via, of which received and rport are its business, and the others. */
static bool may_change(struct text field, bool first_via)
{
    return is_named(field, "Max-Forwards", "Max-Forwards") || is_named(field, "Route", "Route") ||
           (first_via && is_named(field, "Via", "v"));
}

static const char *find_field(const char *from, struct text field)
{
    const char *found = from;
    while ((found = memmem(found, strlen(found), field.at, field.length)) != NULL) {
        if (memcmp(found - 2, "\r\n", 2) == 0 && memcmp(found + field.length, "\r\n", 2) == 0)
            return found;
        found++;
    }
    return NULL;
}

static void assert_unchanged(const char *written, const struct sent *forwarded)
{
    const char *at = fields_of(written), *to = fields_of(forwarded->bytes);
    struct text field;
    bool first_via = true;
    while (next_field(&at, &field)) {
        bool exempt = may_change(field, first_via);
        first_via = first_via && !is_named(field, "Via", "v");
        if (exempt)
            continue;
        const char *found = find_field(to, field);
        if (found == NULL)
            fail_msg("%.*s\nis changed, or in another place, in\n%s", (int)field.length, field.at, forwarded->bytes);
        to = found + field.length;
    }
    assert_string_equal(strstr(forwarded->bytes, "\r\n\r\n"), strstr(written, "\r\n\r\n"));
}

/* 486 with the fields that a response copies, in whatever form they are written. */
static void refuse(struct stage *stage, const struct sent *invite)
{
    static const char *const copied[][2] = {
        {"Via", "v"}, {"From", "f"}, {"To", "t"}, {"Call-ID", "i"}, {"CSeq", "CSeq"}};
    char answer[8192];
    size_t length = (size_t)snprintf(answer, sizeof answer, "SIP/2.0 486 Busy Here\r\n");
    const char *at = fields_of(invite->bytes);
    struct text field;
    while (next_field(&at, &field))
        for (size_t i = 0; i < sizeof copied / sizeof copied[0]; i++)
            if (is_named(field, copied[i][0], copied[i][1]))
                length +=
                    (size_t)snprintf(answer + length, sizeof answer - length, "%.*s\r\n", (int)field.length, field.at);
    snprintf(answer + length, sizeof answer - length, "Content-Length: 0\r\n\r\n");
    struct peer from = invite->peer;
    receive(stage, &from, answer);
}

static void check_answer(const char *written, const struct sent *answer)
{
    static const char *const kept[][2] = {{"From", "f"}, {"Call-ID", "i"}, {"CSeq", "CSeq"}};
    for (size_t i = 0; i < sizeof kept / sizeof kept[0]; i++) {
        struct text field = field_named(written, kept[i][0], kept[i][1]);
        if (find_field(answer->bytes, field) == NULL)
            fail_msg("%.*s\nis changed in\n%s", (int)field.length, field.at, answer->bytes);
    }
}

static void check_forwarded(struct stage *stage, const struct row *row, const struct peer *caller,
                            const struct peer *callee, const char *start)
{
    receive(stage, caller, row->sample->text.at);
    sent_over(stage, "SIP/2.0 100 ", caller);
    struct sent *invite = sent_over(stage, start, callee);
    assert_unchanged(row->sample->text.at, invite);
    refuse(stage, invite);
    sent_over(stage, "ACK ", callee);
    check_answer(row->sample->text.at, sent_over(stage, "SIP/2.0 486 ", caller));
}

static void check_invite(struct stage *stage, const struct row *row)
{
    struct peer caller = device_peer(stage, row), bob = register_bob(stage);
    const char *written = row->sample->text.at;
    char start[300];
    if (strcmp(row->outcome, "forwarded") == 0) {
        check_forwarded(stage, row, &caller, &bob, "INVITE sips:bob@127.0.0.1:5091 SIP/2.0\r\n");
    } else if (strcmp(row->outcome, "by-policy") == 0) {
        stage_script(stage, "sip_on_request(function() return sip_forward('sip:127.0.0.1:5092') end)");
        struct peer next = fake_udp(5092);
        snprintf(start, sizeof start, "%.*s\r\n", (int)strcspn(written, "\r"), written);
        check_forwarded(stage, row, &caller, &next, start);
    } else {
        snprintf(start, sizeof start, "SIP/2.0 %s ", row->outcome);
        receive(stage, &caller, written);
        struct sent *answer = fake_wire_take(&stage->wire);
        if (answer != NULL && sent_status(answer) == 100)
            answer = fake_wire_take(&stage->wire);
        assert_non_null(answer);
        assert_true(sent_starts(answer, start));
    }
}

/* --- the table --- */

static void test_device(void **state)
{
    const struct row *row = *state;
    struct stage stage;
    stage_create(&stage);
    stage_listen_by_every_transport(&stage);
    stage_open(&stage);
    stage.wire.connect_error = -ECONNREFUSED; /* the phones that are called listen on UDP alone */
    if (strncmp(row->sample->text.at, "REGISTER ", 9) == 0)
        check_register(&stage, row);
    else
        check_invite(&stage, row);
    stage_silent(&stage);
    stage_destroy(&stage);
}

static bool row_read(struct row *row, const struct message_sample *sample)
{
    char name[40];
    row->sample = sample;
    int fields = sscanf(sample->mark, "%39s %7s %15[^:]:", name, row->transport, row->outcome);
    snprintf(row->name, sizeof row->name, "%.*s: %s by %s", (int)strcspn(sample->name, "/"), sample->name, name,
             row->transport);
    return fields == 3;
}

int main(void)
{
    struct CMUnitTest tests[ROWS];
    message_samples_create(&samples, "devices");
    if (samples.count != ROWS) {
        fprintf(stderr, "tests/data/devices: %zu messages, not %d\n", samples.count, ROWS);
        return 1;
    }
    for (size_t i = 0; i < ROWS; i++) {
        if (!row_read(&rows[i], &samples.at[i])) {
            fprintf(stderr, "%s: the mark is not NAME TRANSPORT OUTCOME: NOTE\n", samples.at[i].name);
            return 1;
        }
        tests[i] = (struct CMUnitTest){.name = rows[i].name, .test_func = test_device, .initial_state = &rows[i]};
    }
    int failed = cmocka_run_group_tests_name("devices", tests, NULL, NULL);
    message_samples_destroy(&samples);
    return failed;
}
