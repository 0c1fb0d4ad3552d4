// SPDX-License-Identifier: BSD-2-Clause
#include <stdio.h>
#include <string.h>

#include "cli/check/check_private.h"
#include "core/code.h"

/* The facts that hooks are run on. */

enum { UNKNOWN_IN_CLASS = 98, OF_CLASS = SIP_OK - SIP_TRYING };

/* Which request it is about. */
struct request_kind {
    enum method method;
    bool in_dialog;
    const char *user;
    bool with_headers; /* those that the policy asks for */
    const char *uri;   /* NULL: sip: with the user */
};

static const struct {
    enum method method;
    bool in_dialog;
} methods[] = {
    {METHOD_INVITE, false}, {METHOD_INVITE, true},   {METHOD_MESSAGE, false},
    {METHOD_BYE, true},     {METHOD_OPTIONS, false}, {METHOD_SUBSCRIBE, false},
};

static const char *const users[] = {"bob", "+4930123456"};

enum { METHODS = sizeof methods / sizeof methods[0], USERS = sizeof users / sizeof users[0] };

static size_t print_headers(const struct check *check, char *out, size_t size)
{
    size_t length = 0;
    out[0] = '\0';
    for (size_t i = 0; i < check->header_count && length < size - 128; i++)
        length += (size_t)snprintf(out + length, size - length, "%s: yes\r\n", check->headers[i]);
    return length;
}

/* A header that the message has anyway must not be there twice. */
static bool is_plain_header(const char *name)
{
    static const char *const own[] = {"Via",          "From",        "To",      "Call-ID",  "CSeq",
                                      "Max-Forwards", "Contact",     "Expires", "Route",    "Content-Length",
                                      "Record-Route", "Retry-After", "Require", "Supported"};
    for (size_t i = 0; i < sizeof own / sizeof own[0]; i++) {
        if (text_equal_nocase(text_of(own[i]), text_of(name)))
            return false;
    }
    return true;
}

static void drop_own_headers(struct check *check)
{
    size_t kept = 0;
    for (size_t i = 0; i < check->header_count; i++) {
        if (!is_plain_header(check->headers[i]))
            continue;
        if (kept != i)
            memcpy(check->headers[kept], check->headers[i], sizeof check->headers[0]);
        kept++;
    }
    check->header_count = kept;
}

static struct sip_message *make_request(const struct check *check, const struct request_kind *kind)
{
    char bytes[4096], headers[2048] = "", uri[128], to[128];
    struct sip_message *message = NULL;
    struct sip_fault fault;
    const char *method = method_name(kind->method);
    bool registers = kind->method == METHOD_REGISTER;
    if (kind->with_headers)
        print_headers(check, headers, sizeof headers);
    snprintf(to, sizeof to, kind->uri != NULL ? "%s" : "sip:%s@example.com",
             kind->uri != NULL ? kind->uri : kind->user);
    snprintf(uri, sizeof uri, "%s", registers ? "sip:example.com" : to);
    int length = snprintf(bytes, sizeof bytes,
                          "%s %s SIP/2.0\r\nVia: SIP/2.0/UDP 203.0.113.1:5060;branch=z9hG4bK1\r\n"
                          "Max-Forwards: 70\r\nFrom: <sip:alice@example.net>;tag=1\r\nTo: <%s>%s\r\n"
                          "Call-ID: check\r\nCSeq: 1 %s\r\nContact: <sip:alice@203.0.113.1>\r\n%sContent-Length: "
                          "0\r\n\r\n",
                          method, uri, to, kind->in_dialog ? ";tag=2" : "", method, headers);
    if (sip_message_new(&message, &check->host, bytes, (size_t)length, NULL, &fault) != 0) {
        sip_message_delete(message);
        return NULL;
    }
    return message;
}

static struct sip_message *make_response(const struct check *check, uint32_t code, enum method method, bool retry_after,
                                         bool with_headers)
{
    char bytes[4096], headers[2048] = "";
    struct sip_message *message = NULL;
    struct sip_fault fault;
    if (with_headers)
        print_headers(check, headers, sizeof headers);
    int length =
        snprintf(bytes, sizeof bytes,
                 "SIP/2.0 %u %s\r\nVia: SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bK2\r\nFrom: "
                 "<sip:alice@example.net>;tag=1\r\nTo: <sip:bob@example.com>;tag=2\r\nCall-ID: check\r\n"
                 "CSeq: 1 %s\r\n%s%sContent-Length: 0\r\n\r\n",
                 code, code_phrase(code), method_name(method), retry_after ? "Retry-After: 30\r\n" : "", headers);
    if (sip_message_new(&message, &check->host, bytes, (size_t)length, NULL, &fault) != 0) {
        sip_message_delete(message);
        return NULL;
    }
    return message;
}

/* --- responses --- */

enum {
    VARY_FLOWS_LEFT = 1,
    VARY_TARGETS_LEFT = 2,
    VARY_PENDING = 4,
    VARY_PROVISIONAL = 8,
    VARY_PLAIN = 16,
    VARY_ALL = 32
};

/* One of the 32 situations in which a response comes. */
static void situation(struct check_entry *entry, unsigned vary)
{
    bool plain = (vary & VARY_PLAIN) != 0; /* a trunk, not a flow of an instance */
    const struct text none = {0};
    struct facts *facts = &entry->facts;
    facts->flows_left = !plain && (vary & VARY_FLOWS_LEFT) != 0;
    facts->provisional_seen = (vary & VARY_PROVISIONAL) != 0;
    facts->on_flow = facts->has_instance = !plain;
    facts->reg_id = !plain;
    entry->state = (struct state){.branches_pending = (vary & VARY_PENDING) != 0,
                                  .targets_left = (vary & VARY_TARGETS_LEFT) != 0,
                                  .responses_held = (vary & VARY_TARGETS_LEFT) == 0};
    entry->reply.branches = 1 + ((vary & VARY_PENDING) != 0);
    entry->reply.flow = plain ? none : TEXT("tcp 198.51.100.1:20001 #1");
    entry->reply.instance = plain ? none : TEXT("urn:uuid:1");
    entry->reply.destination = plain ? TEXT("127.0.0.1:5092") : TEXT("198.51.100.1:20001");
}

static void run_situations(struct check_entry *entry)
{
    for (unsigned vary = 0; vary < VARY_ALL && !entry->slow; vary++) {
        situation(entry, vary);
        entry->reply.facts = &entry->facts;
        entry->reply.state = &entry->state;
        entry->decision = decide(&entry->facts, &entry->state);
        if (entry->decision.code != SIP_TRYING && entry->decision.code != 0)
            check_enter(entry);
    }
}

/* The reply as it comes from the wire, with and without Retry-After; or what stands for one. */
static void run_response(struct check_entry *entry, uint32_t code, enum origin origin, bool with_headers)
{
    const struct facts request = entry->facts;
    for (int retry_after = 0; retry_after < (origin == ORIGIN_WIRE ? 2 : 1); retry_after++) {
        struct sip_message *response =
            origin == ORIGIN_WIRE
                ? make_response(entry->check, code, (enum method)request.method, retry_after, with_headers)
                : NULL;
        entry->facts = request;
        if (response != NULL)
            sip_facts(response, &entry->facts);
        entry->facts.origin = (uint8_t)origin;
        entry->facts.method = request.method;
        entry->reply.message = response;
        run_situations(entry);
        sip_message_delete(response);
    }
    entry->facts = request;
}

static void run_code(struct check_entry *entry, uint32_t code, bool with_headers)
{
    entry->code = code;
    entry->slow = false;
    if (!check_has_hook(entry))
        return;
    run_response(entry, code, ORIGIN_WIRE, with_headers);
    if (code == SIP_REQUEST_TIMEOUT)
        run_response(entry, code, ORIGIN_TIMEOUT, with_headers);
    if (code == SIP_SERVICE_UNAVAILABLE)
        run_response(entry, code, ORIGIN_TRANSPORT, with_headers);
    if (code == SIP_FLOW_FAILED)
        run_response(entry, code, ORIGIN_FLOW_DOWN, with_headers);
}

/* All that are registered, and one of each class that is not. */
static void run_codes(struct check_entry *entry, bool with_headers)
{
    entry->hook = HOOK_RESPONSE;
    for (size_t i = 0; i < code_count(); i++)
        run_code(entry, code_at(i)->number, with_headers);
    for (uint32_t first = SIP_TRYING; first <= SIP_BUSY_EVERYWHERE; first += OF_CLASS)
        run_code(entry, first + UNKNOWN_IN_CLASS, with_headers);
}

static void run_exhausted(struct check_entry *entry)
{
    const struct facts request = entry->facts;
    entry->hook = HOOK_EXHAUSTED;
    entry->code = 0;
    entry->slow = false;
    for (size_t i = 0; check_has_hook(entry) && i < code_count() && !entry->slow; i++) {
        uint32_t code = code_at(i)->number;
        if (code_class(code) < CLASS_REDIRECT)
            continue;
        for (uint32_t branches = 0; branches < 3; branches++) {
            entry->code = code;
            entry->facts = (struct facts){.code = code, .method = request.method};
            entry->state = (struct state){0};
            entry->reply = (struct script_reply){.facts = &entry->facts, .state = &entry->state, .branches = branches};
            check_enter(entry);
        }
        entry->code = 0;
    }
    entry->facts = request;
}

/* --- requests --- */

static void run_request(struct check *check, const struct request_kind *kind)
{
    char aor[96];
    struct sip_message *request = make_request(check, kind);
    if (request == NULL)
        return;
    snprintf(aor, sizeof aor, "sip:%s@example.com", kind->user);
    struct check_entry entry = {
        .check = check,
        .hook = HOOK_REQUEST,
        .facts = {.method = (uint8_t)kind->method, .in_dialog = kind->in_dialog},
        .call = {.request = request, .aor = text_of(aor), .source = TEXT("udp:203.0.113.1:5060")}};
    if (kind->method == METHOD_REGISTER) {
        entry.hook = HOOK_REGISTER;
        check_enter(&entry); /* one without outbound */
        entry.facts.reg_id = 1;
        entry.facts.supports_outbound = true;
    }
    if (!kind->in_dialog)
        check_enter(&entry);
    if (kind->method != METHOD_REGISTER) {
        run_codes(&entry, kind->with_headers);
        if (!kind->in_dialog)
            run_exhausted(&entry);
    }
    sip_message_delete(request);
}

/* A hook that expects a SIP URI fails on the call for help. */
static void run_schemes(struct check *check)
{
    static const char *const uris[] = {"tel:+4930123456", "tel:112;phone-context=+49", "urn:service:sos",
                                       "urn:service:sos.police"};
    for (size_t i = 0; i < sizeof uris / sizeof uris[0]; i++) {
        char aor[96];
        struct sip_message *request = make_request(check, &(struct request_kind){METHOD_INVITE, .uri = uris[i]});
        int length = sip_aor(text_of(uris[i]), aor, sizeof aor);
        if (request == NULL || length < 0)
            return;
        struct check_entry entry = {
            .check = check,
            .hook = HOOK_REQUEST,
            .facts = {.method = METHOD_INVITE},
            .call = {.request = request, .aor = {aor, (size_t)length}, .source = TEXT("udp:203.0.113.1:5060")}};
        check_enter(&entry);
        sip_message_delete(request);
    }
}

static void run_requests(struct check *check, const char *user, bool with_headers)
{
    for (size_t i = 0; i < METHODS; i++)
        run_request(check, &(struct request_kind){methods[i].method, methods[i].in_dialog, user, with_headers, NULL});
    run_request(check, &(struct request_kind){METHOD_REGISTER, false, user, with_headers, NULL});
}

/* --- flows --- */

static void run_flows(struct check *check)
{
    static const char *const reasons[] = {"closed", "icmp", "keepalive", "430"};
    struct check_entry entry = {.check = check, .call = {.aor = TEXT("sip:bob@example.com")}};
    for (unsigned i = 0; i < 8; i++) {
        bool bound = i % 2 == 0;
        entry.hook = i < 4 ? HOOK_FLOW_UP : HOOK_FLOW_DOWN;
        entry.flow =
            (struct script_flow){.flow = TEXT("tcp 198.51.100.1:20001 #1"), .aor = TEXT("sip:bob@example.com")};
        if (bound) {
            entry.flow.instance = TEXT("urn:uuid:1");
            entry.flow.reg_id = 1;
        }
        if (entry.hook == HOOK_FLOW_DOWN)
            entry.flow.reason = text_of(reasons[i % 4]);
        check_enter(&entry);
    }
}

void check_hooks(struct check *check)
{
    drop_own_headers(check);
    for (size_t user = 0; user < USERS; user++) {
        run_requests(check, users[user], false);
        if (check->header_count > 0)
            run_requests(check, users[user], true);
    }
    run_schemes(check);
    run_flows(check);
}
