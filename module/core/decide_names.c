// SPDX-License-Identifier: BSD-2-Clause
#include "core/decide.h"

#include <stddef.h>

/* The names that scripts and logs use. */

const char *action_name(enum action action)
{
    static const char *const names[ACTION_COUNT] = {
        [ACTION_ABSORB] = "absorb",
        [ACTION_FORWARD] = "forward",
        [ACTION_HOLD] = "hold",
        [ACTION_NEXT_FLOW] = "next_flow",
        [ACTION_NEXT_TARGET] = "next_target",
        [ACTION_RETRY] = "retry",
        [ACTION_RECURSE] = "recurse",
        [ACTION_FAIL] = "fail",
        [ACTION_ACK] = "ack",
        [ACTION_REREGISTER] = "reregister",
    };
    return (unsigned)action < ACTION_COUNT ? names[action] : "unknown";
}

const char *drop_name(enum drop drop)
{
    static const char *const names[] = {
        [DROP_NONE] = "none",
        [DROP_BINDING] = "binding",
        [DROP_FLOW] = "flow",
    };
    return (unsigned)drop < sizeof(names) / sizeof(names[0]) ? names[drop] : "unknown";
}

const char *const role_names[ROLE_COUNT + 1] = {
    [ROLE_PROXY] = "proxy", [ROLE_EDGE] = "edge", [ROLE_REGISTRAR] = "registrar", [ROLE_UAC] = "uac"};

const char *const origin_names[ORIGIN_COUNT + 1] = {[ORIGIN_WIRE] = "wire",
                                                    [ORIGIN_TIMEOUT] = "timeout",
                                                    [ORIGIN_TRANSPORT] = "transport",
                                                    [ORIGIN_FLOW_DOWN] = "flow_down"};

const char *role_name(unsigned role)
{
    return role < ROLE_COUNT ? role_names[role] : "unknown";
}

const char *origin_name(unsigned origin)
{
    return origin < ORIGIN_COUNT ? origin_names[origin] : "unknown";
}

static const char *lowest_name(const char *const *names, size_t count, uint32_t bits)
{
    for (size_t bit = 0; bits && bit < count; bit++) {
        if (bits >> bit & 1)
            return names[bit];
    }
    return NULL;
}

const char *decision_flag_name(uint32_t bit)
{
    static const char *const names[] = {
        "ack",
        "cancel_rest",
        "end_usage",
        "reset_timer_c",
        "merge_challenges",
        "bye",
        "store_binding",
        "start_keepalive",
        "stop_outbound",
        "drop_service_route",
        "set_service_route",
        "subscription_stands",
        "never_repeat",
        "next_server",
        "answered",
    };
    return lowest_name(names, sizeof(names) / sizeof(names[0]), bit);
}

const char *change_name(uint32_t bit)
{
    static const char *const names[] = {
        "credentials",     "body_smaller", "body_type",        "uri_scheme", "extensions_less",
        "extensions_more", "expires",      "session_interval", "etag",       "resource_priority",
        "location",        "identity",     "security",         "consent",    "breadth",
        "privacy",         "outbound",     "info_package",     "referrer",
    };
    return lowest_name(names, sizeof(names) / sizeof(names[0]), bit);
}
