// SPDX-License-Identifier: BSD-2-Clause
#include "cli/say/decide_input.h"

#include <string.h>

#include "core/code.h"
#include "core/decide.h"

/* member, kind, option, placeholder of the value, help */
#define MEMBERS(M)                                                                                                     \
    M(facts.method, METHOD, "method", "METHOD", "method of the request, in capitals; default INVITE")                  \
    M(facts.role, ROLE, "role", "ROLE", "proxy (default), edge, registrar or uac")                                     \
    M(facts.origin, ORIGIN, "origin", "ORIGIN", "wire (default), timeout, transport or flow_down")                     \
    M(facts.retry_after, NUMBER, "retry-after", "SECONDS", "Retry-After of the response")                              \
    M(facts.has_retry_after, FLAG, "has-retry-after", NULL, "it has Retry-After (implied by --retry-after)")           \
    M(facts.min_expires, NUMBER, "min-expires", "SECONDS", "Min-Expires of a 423")                                     \
    M(facts.min_se, NUMBER, "min-se", "SECONDS", "Min-SE of a 422")                                                    \
    M(facts.flow_timer, NUMBER, "flow-timer", "SECONDS", "Flow-Timer of a 2xx REGISTER")                               \
    M(facts.reg_id, NUMBER, "reg-id", "N", "reg-id of the binding, or of the UAC's registration")                      \
    M(facts.flows_left, NUMBER, "flows-left", "N", "untried flows of the instance that are alive")                     \
    M(facts.via_count, NUMBER, "via-count", "N", "number of Via values in the response")                               \
    M(facts.attempts, NUMBER, "attempts", "N", "how often it was retried for this code (uac)")                         \
    M(facts.unmatched, FLAG, "unmatched", NULL, "no transaction for the response")                                     \
    M(facts.in_dialog, FLAG, "in-dialog", NULL, "the request had a To tag")                                            \
    M(facts.refresh, FLAG, "refresh", NULL, "re-INVITE, re-REGISTER, SUBSCRIBE refresh")                               \
    M(facts.provisional_seen, FLAG, "provisional-seen", NULL, "a provisional above 100 was received")                  \
    M(facts.on_flow, FLAG, "on-flow", NULL, "the branch went over an outbound flow")                                   \
    M(facts.has_instance, FLAG, "has-instance", NULL, "the target has an instance-id")                                 \
    M(facts.requires_outbound, FLAG, "requires-outbound", NULL, "response: Require: outbound")                         \
    M(facts.supports_outbound, FLAG, "supports-outbound", NULL, "request: Supported: outbound")                        \
    M(facts.unwanted, FLAG, "unwanted", NULL, "the caller gave up before this 2xx (uac)")                              \
    M(facts.owns_call_id, FLAG, "owns-call-id", NULL, "this side chose the Call-ID (uac)")                             \
    M(facts.has_service_route, FLAG, "has-service-route", NULL, "the 2xx REGISTER has Service-Route")                  \
    M(facts.has_challenge, FLAG, "has-challenge", NULL, "the 401 or 407 has a challenge")                              \
    M(facts.unacknowledged, FLAG, "unacknowledged", NULL, "flow_down: the peer acknowledged nothing")                  \
    M(facts.next_server, FLAG, "next-server", NULL, "the destination has an untried address")                          \
    M(state.branches_pending, NUMBER, "branches-pending", "N", "other branches without a final response")              \
    M(state.targets_left, NUMBER, "targets-left", "N", "untried targets")                                              \
    M(state.responses_held, NUMBER, "responses-held", "N", "final responses stored so far")                            \
    M(state.success_forwarded, FLAG, "success-forwarded", NULL, "a 2xx was forwarded")                                 \
    M(state.global_failure_seen, FLAG, "global-failure-seen", NULL, "a 6xx was received on any branch")                \
    M(state.final_forwarded, FLAG, "final-forwarded", NULL, "a final response was forwarded")                          \
    M(state.cancelled, FLAG, "cancelled", NULL, "the caller sent CANCEL")                                              \
    M(state.may_recurse, FLAG, "may-recurse", NULL, "the policy follows 3xx responses")

static const struct option options[] = {
#define OPTION(member, kind, name, value, help) {name, value, help},
    MEMBERS(OPTION)
#undef OPTION
};

static const struct decide_member members[] = {
#define MEMBER(member, kind, name, value, help)                                                                        \
    {KIND_##kind, sizeof(((struct decide_input *)NULL)->member), offsetof(struct decide_input, member)},
    MEMBERS(MEMBER)
#undef MEMBER
};

enum { MEMBER_COUNT = sizeof members / sizeof members[0] };

const struct option *decide_options(size_t *count)
{
    *count = MEMBER_COUNT;
    return options;
}

const struct decide_member *decide_member_at(size_t index)
{
    return index < MEMBER_COUNT ? &members[index] : NULL;
}

uint64_t decide_limit(size_t index)
{
    if (members[index].kind != KIND_NUMBER)
        return 0;
    return members[index].size == sizeof(uint32_t) ? UINT32_MAX : UINT16_MAX;
}

static bool find_word(const char *const *words, size_t count, const char *value, uint64_t *number)
{
    for (size_t i = 0; i < count; i++) {
        if (strcmp(words[i], value) == 0) {
            *number = i;
            return true;
        }
    }
    return false;
}

/* A method that the core does not know is METHOD_OTHER, but it must be a token. */
static bool read_method(const char *value, uint64_t *number)
{
    if (*value == '\0' || value[strspn(value, "ABCDEFGHIJKLMNOPQRSTUVWXYZ-_.")] != '\0')
        return false;
    *number = method_find(value, strlen(value));
    return true;
}

static bool read_value(const struct decide_member *member, const char *value, uint64_t *number)
{
    switch (member->kind) {
    case KIND_METHOD:
        return read_method(value, number);
    case KIND_ROLE:
        return find_word(role_names, ROLE_COUNT, value, number);
    case KIND_ORIGIN:
        return find_word(origin_names, ORIGIN_COUNT, value, number);
    case KIND_NUMBER:
        return argument_number(value, decide_limit((size_t)(member - members)), number);
    default:
        *number = 1;
        return true;
    }
}

static void store(struct decide_input *input, const struct decide_member *member, uint64_t number)
{
    void *at = (char *)input + member->offset;
    if (member->kind == KIND_FLAG) {
        *(bool *)at = number != 0;
    } else if (member->size == sizeof(uint32_t)) {
        *(uint32_t *)at = (uint32_t)number;
    } else if (member->size == sizeof(uint16_t)) {
        *(uint16_t *)at = (uint16_t)number;
    } else {
        *(uint8_t *)at = (uint8_t)number;
    }
}

bool decide_set(struct decide_input *input, size_t index, const char *value)
{
    uint64_t number;
    if (!read_value(&members[index], value, &number))
        return false;
    store(input, &members[index], number);
    if (members[index].offset == offsetof(struct decide_input, facts.retry_after))
        input->facts.has_retry_after = true;
    return true;
}

uint64_t decide_get(const struct decide_input *input, size_t index)
{
    const struct decide_member *member = &members[index];
    const void *at = (const char *)input + member->offset;
    if (member->kind == KIND_FLAG)
        return *(const bool *)at;
    if (member->size == sizeof(uint32_t))
        return *(const uint32_t *)at;
    if (member->size == sizeof(uint16_t))
        return *(const uint16_t *)at;
    return *(const uint8_t *)at;
}

const char *decide_word(const struct decide_input *input, size_t index)
{
    uint64_t number = decide_get(input, index);
    switch (members[index].kind) {
    case KIND_METHOD:
        return number == METHOD_OTHER ? "other" : method_name((enum method)number);
    case KIND_ROLE:
        return number < ROLE_COUNT ? role_names[number] : NULL;
    case KIND_ORIGIN:
        return number < ORIGIN_COUNT ? origin_names[number] : NULL;
    default:
        return NULL;
    }
}
