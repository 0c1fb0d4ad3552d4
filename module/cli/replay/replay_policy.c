// SPDX-License-Identifier: BSD-2-Clause
#include "cli/replay/replay_policy.h"

#include <stdio.h>
#include <string.h>

#include "core/code.h"
#include "core/rule.h"
#include "script/engine/judge.h"

bool replay_policy_is_asked(const struct facts *facts, const struct decision *decision)
{
    return decision->code != SIP_TRYING && decision->code != 0 && !facts->unmatched && facts->role == ROLE_PROXY &&
           facts->method != METHOD_CANCEL && facts->method != METHOD_ACK;
}

/* --- asking --- */

/* The destination of the request: from the capture, else from the Request-URI. */
static size_t describe_destination(const struct replay_call *call, char *out, size_t size)
{
    size_t length = replay_address_format(&call->destination, out, size);
    const struct sip_uri *uri = length == 0 ? sip_request_target(call->request) : NULL;
    if (uri == NULL || uri->host.length == 0 || uri->host.length > size - 10)
        return length;
    enum { SIP_PORT = 5060 };
    bool ipv6 = memchr(uri->host.at, ':', uri->host.length) != NULL;
    return (size_t)snprintf(out, size, ipv6 ? "[%.*s]:%u" : "%.*s:%u", (int)uri->host.length, uri->host.at,
                            uri->port != 0 ? (unsigned)uri->port : (unsigned)SIP_PORT);
}

static struct text aor_of(const struct sip_message *request, char *out, size_t size)
{
    int length = sip_aor(sip_request_uri(request), AOR_ANY_CASE, out, size);
    return (struct text){out, length > 0 ? (size_t)length : 0};
}

static enum script_outcome enter(struct script *script, const struct replay_subject *subject,
                                 struct script_verdict *verdict)
{
    char aor[512], source[80] = "udp:", destination[256];
    struct script_call call = {.request = subject->call->request,
                               .aor = subject->aor,
                               .started_ms = (uint64_t)(subject->call->time_us / 1000)};
    struct script_reply reply = {.message = subject->response,
                                 .facts = subject->facts,
                                 .state = subject->state,
                                 .destination = subject->destination,
                                 .flow = subject->flow,
                                 .instance = subject->instance,
                                 .branches = 1};
    if (call.aor.length == 0)
        call.aor = aor_of(call.request, aor, sizeof aor);
    if (subject->call->tcp)
        memcpy(source, "tcp:", sizeof "tcp:");
    size_t length = replay_address_format(&subject->call->source, source + 4, sizeof source - 4);
    call.source = (struct text){source, length > 0 ? length + 4 : 0};
    if (reply.destination.length == 0)
        reply.destination =
            (struct text){destination, describe_destination(subject->call, destination, sizeof destination)};
    return script_on_response(script, &call, &reply, subject->decision, verdict);
}

/* --- judging --- */

static void judge(const struct replay_subject *subject, struct replay_answer *answer)
{
    answer->refused = verdict_guard_response(&answer->verdict, subject->facts, subject->state, subject->decision);
    answer->inside = answer->refused == RULE_NONE && subject->facts->in_dialog &&
                     verdict_adds_branch((enum verdict_kind)answer->verdict.kind);
}

void replay_policy_ask(struct script *script, const struct replay_subject *subject, struct replay_answer *answer)
{
    answer->outcome = SCRIPT_NO_HOOK;
    answer->refused = RULE_NONE;
    answer->inside = false;
    if (script == NULL || !script_has_hook(script, HOOK_RESPONSE))
        return;
    memset(&answer->verdict, 0, sizeof answer->verdict);
    answer->outcome = enter(script, subject, &answer->verdict);
    if (answer->outcome == SCRIPT_VERDICT)
        judge(subject, answer);
}

/* --- words --- */

void replay_mask(char *uri)
{
    char *start = strchr(uri, ':');
    start = start != NULL ? start + 1 : uri;
    char *end = strrchr(start, '@');
    if (end == NULL && strncasecmp(uri, "tel:", 4) == 0)
        end = start + strcspn(start, ";");
    for (; end != NULL && start < end; start++)
        if (*start >= '0' && *start <= '9')
            *start = 'x';
}

static void verdict_words(const struct script_verdict *verdict, bool mask, char *out, size_t size)
{
    const char *name = verdict_name((enum verdict_kind)verdict->kind);
    char uri[sizeof verdict->uri];
    memcpy(uri, verdict->uri, sizeof uri);
    if (mask)
        replay_mask(uri);
    switch (verdict->kind) {
    case VERDICT_ROUTE:
    case VERDICT_RELAY:
        snprintf(out, size, "%s%s%s%s", name, uri[0] != '\0' ? " " : "", uri,
                 verdict->recurse ? " following redirections" : "");
        break;
    case VERDICT_REPLY:
    case VERDICT_FAIL:
        snprintf(out, size, "%s %u%s%s", name, verdict->code, verdict->phrase[0] != '\0' ? " " : "", verdict->phrase);
        break;
    case VERDICT_RETRY_AFTER:
        snprintf(out, size, "%s %u", name, (unsigned)verdict->seconds);
        break;
    case VERDICT_REST:
        snprintf(out, size, "%s %s %u", name, verdict->destination, (unsigned)verdict->seconds);
        break;
    default:
        snprintf(out, size, "%s", name);
    }
}

static const char *outcome_words(enum script_outcome outcome)
{
    static const char *const words[SCRIPT_OUTCOME_COUNT] = {[SCRIPT_NO_HOOK] = "core",
                                                            [SCRIPT_DEFAULT] = "core",
                                                            [SCRIPT_VERDICT] = "verdict",
                                                            [SCRIPT_ERROR] = "error",
                                                            [SCRIPT_OVERRUN] = "overrun",
                                                            [SCRIPT_MEMORY] = "out of memory",
                                                            [SCRIPT_PREVIOUS] = "error, the version before is asked"};
    return (unsigned)outcome < SCRIPT_OUTCOME_COUNT ? words[outcome] : "core";
}

void replay_answer_words(const struct replay_answer *answer, bool mask, char *out, size_t size)
{
    char words[1024];
    if (answer->outcome != SCRIPT_VERDICT || answer->verdict.kind == VERDICT_ACCEPT) {
        snprintf(out, size, "%s", answer->outcome == SCRIPT_VERDICT ? "core" : outcome_words(answer->outcome));
        return;
    }
    verdict_words(&answer->verdict, mask, words, sizeof words);
    if (answer->refused != RULE_NONE)
        snprintf(out, size, "refused %s (%s)", words, rule_at(answer->refused)->id);
    else if (answer->inside)
        snprintf(out, size, "refused %s (inside a dialog nothing is forked)", words);
    else
        snprintf(out, size, "%s", words);
}

/* --- synthetic requests --- */

static struct sip_message *make(const struct host *host, const char *bytes, int length, size_t size)
{
    struct sip_message *message = NULL;
    struct sip_fault fault;
    if (length <= 0 || (size_t)length >= size)
        return NULL;
    if (sip_message_new(&message, host, bytes, (size_t)length, NULL, &fault) != 0) {
        sip_message_delete(message);
        return NULL;
    }
    return message;
}

static struct text field_of(const struct sip_message *message, enum sip_header header)
{
    const struct sip_field *field = sip_field(message, header, 0);
    return field != NULL ? field->value : (struct text){0};
}

#define SPREAD(text) (int)(text).length, (text).at

struct sip_message *replay_request_like(const struct host *host, const struct sip_message *response)
{
    char bytes[8192];
    struct text via = field_of(response, HEADER_VIA), from = field_of(response, HEADER_FROM);
    struct text to = sip_to_uri(response), method = sip_method_text(response), call_id = sip_call_id(response);
    int length = snprintf(bytes, sizeof bytes,
                          "%.*s %.*s SIP/2.0\r\nVia: %.*s\r\nFrom: %.*s\r\nTo: <%.*s>\r\nCall-ID: %.*s\r\n"
                          "CSeq: %u %.*s\r\n\r\n",
                          SPREAD(method), SPREAD(to), SPREAD(via), SPREAD(from), SPREAD(to), SPREAD(call_id),
                          (unsigned)sip_cseq(response), SPREAD(method));
    return make(host, bytes, length, sizeof bytes);
}

struct sip_message *replay_request_for(const struct host *host, const struct replay_record *record)
{
    char bytes[4096];
    const char *aor = record->aor[0] != '\0' ? record->aor : "sip:unknown.invalid";
    const char *target = record->target[0] != '\0' ? record->target : aor;
    int length = snprintf(bytes, sizeof bytes,
                          "%s %s SIP/2.0\r\nVia: SIP/2.0/UDP unknown.invalid;branch=z9hG4bK0\r\n"
                          "From: <sip:unknown.invalid>;tag=0\r\nTo: <%s>\r\nCall-ID: %s\r\nCSeq: 1 %s\r\n\r\n",
                          record->method[0] != '\0' ? record->method : "INVITE", target, aor,
                          record->call_id[0] != '\0' ? record->call_id : "unknown",
                          record->method[0] != '\0' ? record->method : "INVITE");
    return make(host, bytes, length, sizeof bytes);
}
