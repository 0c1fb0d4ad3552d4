// SPDX-License-Identifier: BSD-2-Clause
#include "server_stage.h"

#include <unistd.h>

#include "standalone/server/server_private.h"

void stage_create(struct stage *stage)
{
    *stage = (struct stage){0};
    fake_host_create(&stage->fake);
    fake_wire_create(&stage->wire, &stage->fake);
    stage->config =
        (struct server_config){.host = &stage->fake.host,
                               .wire = &stage->wire.wire,
                               .listeners = {{TRANSPORT_UDP, 5060, "127.0.0.1"}, {TRANSPORT_TCP, 5060, "127.0.0.1"}},
                               .listener_count = 2};
    assert_int_equal(domains_new(&stage->domains, &stage->fake.host), 0);
    assert_int_equal(domains_add(stage->domains, TEXT("example.com")), 0);
    stage->config.domains = stage->domains;
}

void stage_listen_by_every_transport(struct stage *stage)
{
    stage->config.listeners[TRANSPORT_TLS] = (struct listener){TRANSPORT_TLS, 5061, "127.0.0.1"};
    stage->config.listeners[TRANSPORT_WS] = (struct listener){TRANSPORT_WS, 8080, "127.0.0.1"};
    stage->config.listeners[TRANSPORT_WSS] = (struct listener){TRANSPORT_WSS, 8443, "127.0.0.1"};
    stage->config.listener_count = TRANSPORT_COUNT;
}

void stage_open(struct stage *stage)
{
    assert_int_equal(server_new(&stage->server, &stage->config), 0);
}

void stage_destroy(struct stage *stage)
{
    fake_wire_answer_all(&stage->wire);
    server_delete(stage->server);
    stage->server = NULL;
    domains_delete(stage->domains);
    fake_wire_destroy(&stage->wire);
    if (stage->script[0] != '\0')
        unlink(stage->script);
    assert_int_equal(stage->fake.allocated, 0);
}

struct stage *stage_begin(void **state)
{
    struct stage *stage = malloc(sizeof *stage);
    assert_non_null(stage);
    stage_create(stage);
    *state = stage;
    return stage;
}

int stage_setup(void **state)
{
    struct stage *stage = stage_begin(state);
    stage_open(stage);
    return 0;
}

int stage_setup_every_transport(void **state)
{
    struct stage *stage = stage_begin(state);
    stage_listen_by_every_transport(stage);
    stage_open(stage);
    return 0;
}

int stage_setup_every_transport_and_v6(void **state)
{
    struct stage *stage = stage_begin(state);
    stage_listen_by_every_transport(stage);
    stage->config.listeners[STAGE_LISTENER_V6] = (struct listener){TRANSPORT_TCP, 5060, "[2001:db8::1]"};
    stage->config.listener_count = STAGE_LISTENER_V6 + 1;
    stage_open(stage);
    return 0;
}

const struct server_counters *stage_counters(const struct stage *stage)
{
    return &stage->server->counters;
}

int stage_teardown(void **state)
{
    stage_destroy(*state);
    free(*state);
    return 0;
}

void stage_script(struct stage *stage, const char *lua)
{
    char error[400] = "";
    struct script *script = NULL;
    if (stage->script[0] == '\0') {
        temporary_path(stage->script, sizeof stage->script, "reflow-stage-XXXXXX.lua");
        int file = mkstemps(stage->script, 4);
        assert_true(file >= 0);
        close(file);
    }
    FILE *out = fopen(stage->script, "wb");
    assert_non_null(out);
    fputs(lua, out);
    assert_int_equal(fclose(out), 0);
    /* Its own cap is what bounds a hook; a loaded machine must not. */
    const struct script_limits limits = {.time_ms = 5000, .load_ms = 20000};
    if (script_new(&script, &stage->fake.host, &limits, stage->script, error, sizeof error) != 0)
        fail_msg("%s", error);
    server_use_script(stage->server, script);
}

void stage_advance(struct stage *stage, uint64_t ms)
{
    struct timers *timers = server_timers(stage->server);
    uint64_t until = stage->fake.now_ms + ms;
    int64_t next;
    while ((next = timers_next(timers)) >= 0 && stage->fake.now_ms + (uint64_t)next <= until) {
        fake_host_advance(&stage->fake, (uint64_t)next);
        timers_run(timers);
    }
    fake_host_advance(&stage->fake, until - stage->fake.now_ms);
}

void stage_receive(struct stage *stage, const struct peer *from, const char *lines)
{
    size_t length = 0;
    char *bytes = malloc(strlen(lines) * 2 + 1);
    assert_non_null(bytes);
    for (const char *at = lines; *at != '\0'; at++) {
        if (*at == '\n')
            bytes[length++] = '\r';
        bytes[length++] = *at;
    }
    server_received(stage->server, from, bytes, length);
    free(bytes);
}

static const char *or_else(const char *given, const char *standard)
{
    return given != NULL ? given : standard;
}

void stage_request(struct stage *stage, const struct peer *from, struct request request)
{
    char message[8192], branch[128], from_tag[24], to_tag[128] = "";
    uint16_t port = address_port(&from->address);
    const char *method = or_else(request.method, "INVITE");
    const char *call = or_else(request.call, "one");
    const char *transaction = strcmp(method, "ACK") == 0 || strcmp(method, "CANCEL") == 0 ? "INVITE" : method;
    unsigned cseq = request.cseq != 0 ? request.cseq : 1;
    unsigned hops = request.hops == 0 ? 70 : request.hops == 1000 ? 0 : request.hops;
    snprintf(branch, sizeof branch, "z9hG4bK-%s-%u-%s-%u", call, cseq, transaction, port);
    snprintf(from_tag, sizeof from_tag, "%u", port);
    if (request.to_tag != NULL)
        snprintf(to_tag, sizeof to_tag, ";tag=%s", request.to_tag);
    int length = snprintf(message, sizeof message,
                          "%s %s SIP/2.0\nVia: SIP/2.0/%s 127.0.0.1:%u;branch=%s;rport\nMax-Forwards: %u\n"
                          "From: <sip:%s@example.com>;tag=%s\nTo: <sip:%s@example.com>%s\nCall-ID: %s\n"
                          "CSeq: %u %s\n%sContent-Length: 0\n\n",
                          method, or_else(request.uri, "sip:bob@example.com"), transport_name(from->transport), port,
                          or_else(request.branch, branch), hops, or_else(request.from, "alice"),
                          or_else(request.from_tag, from_tag), or_else(request.to, "bob"), to_tag, call, cseq, method,
                          or_else(request.fields, ""));
    assert_in_range(length, 1, sizeof message - 1);
    stage_receive(stage, from, message);
}

void stage_response_from(struct stage *stage, const struct peer *from, struct sent *request, unsigned status,
                         const char *fields)
{
    static const char *const copied[] = {"Via", "Record-Route", "From", "To", "Call-ID", "CSeq"};
    char message[8192];
    size_t length = (size_t)snprintf(message, sizeof message, "SIP/2.0 %u Whatever\n", status);
    for (size_t i = 0; i < sizeof copied / sizeof copied[0]; i++) {
        for (unsigned nth = 0; nth < sent_count(request, copied[i]); nth++) {
            const char *value = sent_header(request, copied[i], nth);
            bool tags = strcmp(copied[i], "To") == 0 && strstr(value, ";tag=") == NULL && status > 100;
            length += (size_t)snprintf(message + length, sizeof message - length, "%s: %s", copied[i], value);
            if (tags)
                length += (size_t)snprintf(message + length, sizeof message - length, ";tag=p%u",
                                           address_port(&request->peer.address));
            message[length++] = '\n';
        }
    }
    length +=
        (size_t)snprintf(message + length, sizeof message - length, "%sContent-Length: 0\n\n", or_else(fields, ""));
    assert_true(length < sizeof message);
    stage_receive(stage, from, message);
}

void stage_response(struct stage *stage, struct sent *request, unsigned status, const char *fields)
{
    struct peer from = request->peer;
    stage_response_from(stage, &from, request, status, fields);
}

struct peer stage_phone(struct stage *stage, struct phone phone)
{
    char fields[512], flow[160] = "", call[64];
    struct peer peer = phone.tcp ? fake_tcp(&stage->wire, phone.port) : fake_udp(phone.port);
    const char *user = or_else(phone.user, "bob");
    if (phone.instance != NULL)
        snprintf(flow, sizeof flow, ";+sip.instance=\"<urn:uuid:%s>\"", phone.instance);
    if (phone.reg_id != 0)
        snprintf(flow + strlen(flow), sizeof flow - strlen(flow), ";reg-id=%u", phone.reg_id);
    snprintf(call, sizeof call, "register-%u", phone.port);
    snprintf(fields, sizeof fields, "Supported: outbound, path\nContact: <sip:%s@127.0.0.1:%u%s>%s%s\n", user,
             phone.port, phone.tcp ? ";transport=tcp" : "", flow, or_else(phone.more, ""));
    stage_request(stage, &peer,
                  (struct request){.method = "REGISTER",
                                   .uri = "sip:example.com",
                                   .from = user,
                                   .to = user,
                                   .call = call,
                                   .cseq = ++stage->registers,
                                   .fields = fields});
    stage_status(stage, &peer, 200);
    return peer;
}

static struct sent *refuse(const struct sent *sent, const char *wanted, const char *file, int line)
{
    print_error("wanted %s, but sent was %s\n", wanted, sent != NULL ? sent->bytes : "nothing");
    _fail(file, line);
    return NULL;
}

struct sent *stage_sent_at(struct stage *stage, const char *start, const char *file, int line)
{
    struct sent *sent = fake_wire_take(&stage->wire);
    return sent != NULL && sent_starts(sent, start) ? sent : refuse(sent, start, file, line);
}

struct sent *stage_sent_to_at(struct stage *stage, const char *method, uint16_t port, const char *file, int line)
{
    char wanted[64];
    struct sent *sent = fake_wire_take(&stage->wire);
    snprintf(wanted, sizeof wanted, "%s to %u", method, port);
    size_t length = strlen(method);
    bool is = sent != NULL && sent_starts(sent, method) && sent->bytes[length] == ' ' && sent_port(sent) == port;
    return is ? sent : refuse(sent, wanted, file, line);
}

struct sent *stage_status_at(struct stage *stage, const struct peer *peer, unsigned status, const char *file, int line)
{
    char wanted[64];
    struct sent *sent = fake_wire_take(&stage->wire);
    snprintf(wanted, sizeof wanted, "%u to %u", status, address_port(&peer->address));
    bool is = sent != NULL && sent_status(sent) == status && peer_flow(&sent->peer) == peer_flow(peer);
    return is ? sent : refuse(sent, wanted, file, line);
}

void stage_silent_at(struct stage *stage, const char *file, int line)
{
    const struct sent *sent = fake_wire_take(&stage->wire);
    if (sent != NULL)
        refuse(sent, "nothing", file, line);
}

size_t stage_discard(struct stage *stage)
{
    size_t count = 0;
    while (fake_wire_take(&stage->wire) != NULL)
        count++;
    return count;
}

void stage_invite(struct stage *stage, const struct peer *caller, const char *call)
{
    stage_request(stage, caller, (struct request){.call = call, .fields = "Contact: <sip:alice@127.0.0.1:5070>\n"});
    stage_status(stage, caller, 100);
}

struct peer stage_alice(void)
{
    return fake_udp(5070);
}

void stage_call(struct stage *stage, const char *call)
{
    struct peer alice = stage_alice();
    stage_invite(stage, &alice, call);
}

struct sent *stage_hears_at(struct stage *stage, unsigned status, const char *file, int line)
{
    struct peer alice = stage_alice();
    return stage_status_at(stage, &alice, status, file, line);
}

void stage_refuses_at(struct stage *stage, struct sent *invite, unsigned status, const char *fields, const char *file,
                      int line)
{
    stage_response(stage, invite, status, fields);
    stage_sent_to_at(stage, "ACK", sent_port(invite), file, line);
}

void stage_cancels_at(struct stage *stage, const char *file, int line)
{
    struct peer alice = stage_alice();
    stage_request(stage, &alice, (struct request){.method = "CANCEL"});
    assert_string_equal(sent_header(stage_hears_at(stage, 200, file, line), "CSeq", 0), "1 CANCEL");
}

void stage_flow_dies(struct stage *stage, const struct peer *peer)
{
    if (peer->transport != TRANSPORT_UDP)
        fake_wire_close(&stage->wire, peer->connection);
    server_flow_down(stage->server, peer_flow(peer), "closed");
}

void stage_ends(struct stage *stage)
{
    enum { LONG_MS = 400000 };
    stage_advance(stage, LONG_MS);
    stage_discard(stage);
    stage_advance(stage, LONG_MS);
    assert_null(fake_wire_take(&stage->wire));
    assert_int_equal(stage_count(stage, "transactions"), 0);
    assert_int_equal(stage_count(stage, "client_transactions"), 0);
    assert_int_equal(stage_count(stage, "response_contexts"), 0);
    assert_int_equal(stage_count(stage, "unanswered"), 0);
}

int64_t stage_count(struct stage *stage, const char *name)
{
    char member[80];
    int64_t value = -1;
    struct sip_buffer out = {.host = &stage->fake.host};
    assert_int_equal(server_status(stage->server, &out), 0);
    sip_append(&out, (struct text){"", 1}); /* its NUL */
    snprintf(member, sizeof member, "\"%s\":", name);
    const char *found = strstr(out.bytes, member);
    if (found != NULL)
        value = strtoll(found + strlen(member), NULL, 10);
    sip_buffer_destroy(&out);
    return value;
}
