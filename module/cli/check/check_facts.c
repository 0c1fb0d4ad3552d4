// SPDX-License-Identifier: BSD-2-Clause
#include <stdio.h>
#include <string.h>

#include "cli/check/check_private.h"
#include "core/code.h"

/* The facts with which hooks are called. */

enum { UNKNOWN_IN_CLASS = 98, OF_CLASS = SIP_OK - SIP_TRYING };

/* Which request it is about. */
struct request_kind {
    enum method method;
    bool in_dialog;
    const char *uri;
    const char *header; /* the value of header fields that the policy asks for; NULL: without them */
};

static const struct {
    enum method method;
    bool in_dialog;
} methods[] = {
    {METHOD_INVITE, false}, {METHOD_INVITE, true},   {METHOD_MESSAGE, false},
    {METHOD_BYE, true},     {METHOD_OPTIONS, false}, {METHOD_SUBSCRIBE, false},
};

static const char *const users[] = {"sip:bob@example.com", "sip:+4930123456@example.com"};

enum { METHODS = sizeof methods / sizeof methods[0], USERS = sizeof users / sizeof users[0] };

static size_t print_headers(const struct check *check, const char *value, char *out, size_t size)
{
    size_t length = 0;
    out[0] = '\0';
    for (size_t i = 0; i < check->header_count && length < size - 128; i++)
        length += (size_t)snprintf(out + length, size - length, "%s: %s\r\n", check->headers[i], value);
    return length;
}

/* A header field that the message has anyway must not occur twice. */
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
    char bytes[4096], headers[2048] = "";
    struct sip_message *message = NULL;
    struct sip_fault fault;
    const char *method = method_name(kind->method);
    const char *uri = kind->method == METHOD_REGISTER ? "sip:example.com" : kind->uri;
    if (kind->header != NULL)
        print_headers(check, kind->header, headers, sizeof headers);
    int length = snprintf(bytes, sizeof bytes,
                          "%s %s SIP/2.0\r\nVia: SIP/2.0/UDP 203.0.113.1:5060;branch=z9hG4bK1\r\n"
                          "Max-Forwards: 70\r\nFrom: <sip:alice@example.net>;tag=1\r\nTo: <%s>%s\r\n"
                          "Call-ID: check\r\nCSeq: 1 %s\r\nContact: <sip:alice@203.0.113.1>\r\n%sContent-Length: "
                          "0\r\n\r\n",
                          method, uri, kind->uri, kind->in_dialog ? ";tag=2" : "", method, headers);
    if (sip_message_new(&message, &check->host, bytes, (size_t)length, NULL, &fault) != 0) {
        sip_message_delete(message);
        return NULL;
    }
    return message;
}

/* retry_after: in seconds; NULL: none */
static struct sip_message *make_response(const struct check *check, uint32_t code, enum method method,
                                         const char *retry_after, const char *header)
{
    char bytes[4096], headers[2048] = "";
    struct sip_message *message = NULL;
    struct sip_fault fault;
    size_t used =
        retry_after != NULL ? (size_t)snprintf(headers, sizeof headers, "Retry-After: %s\r\n", retry_after) : 0;
    if (header != NULL)
        print_headers(check, header, headers + used, sizeof headers - used);
    int length = snprintf(bytes, sizeof bytes,
                          "SIP/2.0 %u %s\r\nVia: SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bK2\r\nFrom: "
                          "<sip:alice@example.net>;tag=1\r\nTo: <sip:bob@example.com>;tag=2\r\nCall-ID: check\r\n"
                          "CSeq: 1 %s\r\n%sContent-Length: 0\r\n\r\n",
                          code, code_phrase(code), method_name(method), headers);
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

/* One of the 32 situations in which a response may arrive. */
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

static void run_reply(struct check_entry *entry, struct sip_message *response, enum origin origin)
{
    const struct facts request = entry->facts;
    if (response != NULL)
        sip_facts(response, &entry->facts);
    entry->facts.origin = (uint8_t)origin;
    entry->facts.method = request.method;
    entry->reply.message = response;
    run_situations(entry);
    sip_message_delete(response);
    entry->facts = request;
}

/* Without Retry-After, with it, and with the numbers that the policy compares with. */
static void run_wire(struct check_entry *entry, uint32_t code, const char *header)
{
    struct check *check = entry->check;
    enum method method = (enum method)entry->facts.method;
    run_reply(entry, make_response(check, code, method, NULL, header), ORIGIN_WIRE);
    run_reply(entry, make_response(check, code, method, "30", header), ORIGIN_WIRE);
    for (size_t i = 0; method == METHOD_INVITE && header == NULL && i < check->numbers.count; i++) {
        check->trying = check->numbers.texts[i];
        run_reply(entry, make_response(check, code, method, check->trying, header), ORIGIN_WIRE);
        check->trying = NULL;
    }
}

/* A reply that was not received. */
static void run_response(struct check_entry *entry, enum origin origin)
{
    run_reply(entry, NULL, origin);
}

static void run_code(struct check_entry *entry, uint32_t code, const char *header)
{
    entry->code = code;
    entry->slow = false;
    if (!check_has_hook(entry))
        return;
    run_wire(entry, code, header);
    if (code == SIP_REQUEST_TIMEOUT)
        run_response(entry, ORIGIN_TIMEOUT);
    if (code == SIP_SERVICE_UNAVAILABLE)
        run_response(entry, ORIGIN_TRANSPORT);
    if (code == SIP_FLOW_FAILED)
        run_response(entry, ORIGIN_FLOW_DOWN);
}

struct code_set {
    bool has[CHECK_CODES];
};

static bool note_code(void *context, const struct script_hook_info *info)
{
    struct code_set *codes = context;
    if (info->hook == HOOK_RESPONSE && info->code < CHECK_CODES)
        codes->has[info->code] = true;
    return true;
}

/* All that are registered, one of each class that is not, and those that the policy names. */
static void run_codes(struct check_entry *entry, const char *header)
{
    struct code_set codes = {0};
    entry->hook = HOOK_RESPONSE;
    script_each_hook(entry->check->script, note_code, &codes);
    for (size_t i = 0; i < code_count(); i++)
        codes.has[code_at(i)->number] = true;
    for (uint32_t first = SIP_TRYING; first <= SIP_BUSY_EVERYWHERE; first += OF_CLASS)
        codes.has[first + UNKNOWN_IN_CLASS] = true;
    for (uint32_t code = SIP_TRYING; code < CHECK_CODES; code++) {
        if (codes.has[code])
            run_code(entry, code, header);
    }
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

/* What a policy does for a user or a trunk may fail, although nothing fails for a stranger. */
static void enter_as_everybody(struct check_entry *entry)
{
    check_enter(entry);
    entry->call.user = TEXT("alice@example.com");
    entry->call.registered = true;
    check_enter(entry);
    entry->call.user = (struct text){NULL, 0};
    entry->call.registered = false;
    entry->call.trunk = TEXT("203.0.113.0/24");
    check_enter(entry);
    entry->call.trunk = (struct text){NULL, 0};
}

static void run_request(struct check *check, const struct request_kind *kind)
{
    char aor[256];
    struct sip_message *request = make_request(check, kind);
    int length = sip_aor(text_of(kind->uri), AOR_ANY_CASE, aor, sizeof aor);
    if (request == NULL || length < 0) {
        sip_message_delete(request);
        return;
    }
    struct check_entry entry = {
        .check = check,
        .hook = HOOK_REQUEST,
        .facts = {.method = (uint8_t)kind->method, .in_dialog = kind->in_dialog},
        .call = {.request = request, .aor = {aor, (size_t)length}, .source = TEXT("udp:203.0.113.1:5060")}};
    if (kind->method == METHOD_REGISTER) {
        entry.hook = HOOK_REGISTER;
        enter_as_everybody(&entry); /* one without outbound */
        entry.facts.reg_id = 1;
        entry.facts.supports_outbound = true;
    }
    if (!kind->in_dialog)
        enter_as_everybody(&entry);
    if (kind->method != METHOD_REGISTER) {
        run_codes(&entry, kind->header);
        if (!kind->in_dialog)
            run_exhausted(&entry);
    }
    sip_message_delete(request);
}

/* A request outside a dialog, before anything was answered. */
static void run_hook_request(struct check *check, enum method method, const char *uri)
{
    char aor[256];
    struct sip_message *request = make_request(check, &(struct request_kind){method, .uri = uri});
    int length = sip_aor(text_of(uri), AOR_ANY_CASE, aor, sizeof aor);
    if (request != NULL && length > 0) {
        struct check_entry entry = {
            .check = check,
            .hook = HOOK_REQUEST,
            .facts = {.method = (uint8_t)method},
            .call = {.request = request, .aor = {aor, (size_t)length}, .source = TEXT("udp:203.0.113.1:5060")}};
        enter_as_everybody(&entry);
    }
    sip_message_delete(request);
}

/* A hook that expects a SIP URI fails for an emergency call. */
static void run_schemes(struct check *check)
{
    static const char *const uris[] = {"tel:+4930123456", "tel:112;phone-context=+49", "urn:service:sos",
                                       "urn:service:sos.police"};
    for (size_t i = 0; i < sizeof uris / sizeof uris[0]; i++)
        run_hook_request(check, METHOD_INVITE, uris[i]);
}

/* Methods that a hook names, beside those that are tried with every code. */
static bool run_method(void *context, const struct script_hook_info *info)
{
    enum method method = method_find(info->method.at, info->method.length);
    if (info->hook == HOOK_REQUEST && method != METHOD_OTHER && method != METHOD_ACK && method != METHOD_CANCEL)
        run_hook_request(context, method, users[0]);
    return true;
}

static void run_requests(struct check *check, const char *uri, const char *header)
{
    for (size_t i = 0; i < METHODS; i++)
        run_request(check, &(struct request_kind){methods[i].method, methods[i].in_dialog, uri, header});
    run_request(check, &(struct request_kind){METHOD_REGISTER, false, uri, header});
}

/* What the policy compares with, in calls and registrations. */
static void run_compared(struct check *check)
{
    for (size_t i = 0; i < check->uris.count; i++) {
        check->trying = check->uris.texts[i];
        run_request(check, &(struct request_kind){METHOD_INVITE, false, check->trying, NULL});
        run_request(check, &(struct request_kind){METHOD_MESSAGE, false, check->trying, NULL});
        run_request(check, &(struct request_kind){METHOD_REGISTER, false, check->trying, NULL});
    }
    for (size_t i = 0; check->header_count > 0 && i < check->values.count + check->numbers.count; i++) {
        bool number = i >= check->values.count;
        check->trying = number ? check->numbers.texts[i - check->values.count] : check->values.texts[i];
        run_request(check, &(struct request_kind){METHOD_INVITE, false, users[0], check->trying});
        run_request(check, &(struct request_kind){METHOD_REGISTER, false, users[0], check->trying});
    }
    check->trying = NULL;
}

/* --- flows --- */

static void run_flows(struct check *check, const char *aor)
{
    static const char *const reasons[] = {"closed", "icmp", "keepalive", "unacknowledged", "430"};
    enum { REASONS = sizeof reasons / sizeof reasons[0] };
    struct check_entry entry = {.check = check, .call = {.aor = text_of(aor)}};
    for (unsigned i = 0; i < 4 * REASONS; i++) {
        bool bound = i % 2 == 0;
        entry.hook = i < 2 * REASONS ? HOOK_FLOW_UP : HOOK_FLOW_DOWN;
        entry.flow = (struct script_flow){.flow = TEXT("tcp 198.51.100.1:20001 #1"), .aor = text_of(aor)};
        if (bound) {
            entry.flow.instance = TEXT("urn:uuid:1");
            entry.flow.reg_id = 1;
        }
        if (entry.hook == HOOK_FLOW_DOWN)
            entry.flow.reason = text_of(reasons[i / 2 % REASONS]);
        check_enter(&entry);
    }
}

/* --- credentials --- */

static void ask_credentials(struct check *check, const char *domain, struct text user)
{
    char uri[160];
    snprintf(uri, sizeof uri, "sip:%s", domain);
    struct check_entry entry = {.check = check,
                                .hook = HOOK_CREDENTIALS,
                                .call = {.aor = text_of(uri)},
                                .credentials = {.user = user, .realm = text_of(domain)}};
    for (int algorithm = 0; algorithm < DIGEST_COUNT && !entry.slow; algorithm++) {
        entry.credentials.algorithm = (enum digest)algorithm;
        check_enter(&entry);
    }
}

/* A stranger may send any bytes as a digest username. */
static void run_credentials(struct check *check, const char *domain)
{
    char aor[160];
    if (!script_has_hook(check->script, HOOK_CREDENTIALS))
        return;
    snprintf(aor, sizeof aor, "bob@%s", domain);
    const struct text names[] = {TEXT("bob"), text_of(aor), TEXT("unknown"), TEXT(""), TEXT("b\303\266b\0%")};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        ask_credentials(check, domain, names[i]);
    for (size_t i = 0; i < check->values.count; i++) {
        check->trying = check->values.texts[i];
        ask_credentials(check, domain, text_of(check->trying));
    }
    check->trying = NULL;
}

/* The hooks of a tenant are asked for its own domain alone. */
static void run_tenants(struct check *check)
{
    const struct sources *sources = script_sources(check->script);
    for (size_t i = 0; i < sources_layer_count(sources); i++) {
        char uri[160];
        const char *tenant = sources_layer(sources, i)->tenant;
        if (tenant[0] == '\0')
            continue;
        snprintf(uri, sizeof uri, "sip:bob@%s", tenant);
        run_requests(check, uri, NULL);
        if (check->header_count > 0)
            run_requests(check, uri, "yes");
        run_flows(check, uri);
        run_credentials(check, tenant);
    }
}

/* --- hooks that nothing led to --- */

static bool tell_unasked(void *context, const struct script_hook_info *info)
{
    struct check *check = context;
    struct finding finding = {.kind = FINDING_HOOK};
    if (info->entries > 0 ||
        (info->method.length > 0 && method_find(info->method.at, info->method.length) == METHOD_OTHER))
        return true;
    snprintf(finding.place, sizeof finding.place, "%.*s", (int)info->place.length, info->place.at);
    snprintf(finding.text, sizeof finding.text,
             "this hook is never asked: no request or response leads to it, or hooks that are asked before it always "
             "return a verdict");
    check_found(check, &finding, 0, METHOD_OTHER);
    return true;
}

static bool has_hooks(const struct script *script)
{
    bool has = false;
    for (int hook = 0; hook < HOOK_COUNT; hook++)
        has |= script_has_hook(script, (enum hook)hook);
    return has;
}

static void tell_unused(struct check *check)
{
    struct finding finding = {.kind = FINDING_HOOK};
    if (has_hooks(check->script)) {
        script_each_hook(check->script, tell_unasked, check);
        return;
    }
    snprintf(finding.place, sizeof finding.place, "%s", script_path(check->script));
    snprintf(finding.text, sizeof finding.text, "the policy registers no hooks: the core decides everything");
    check_found(check, &finding, 0, METHOD_OTHER);
}

void check_hooks(struct check *check)
{
    drop_own_headers(check);
    for (size_t user = 0; user < USERS; user++) {
        run_requests(check, users[user], NULL);
        if (check->header_count > 0)
            run_requests(check, users[user], "yes");
    }
    run_schemes(check);
    run_flows(check, users[0]);
    run_credentials(check, "example.com");
    run_tenants(check);
    script_each_hook(check->script, run_method, check);
    run_compared(check);
    if (check->slow < SLOW_MOST)
        tell_unused(check);
}
