// SPDX-License-Identifier: BSD-2-Clause
#ifndef REFLOW_SCRIPT_HOOK_H
#define REFLOW_SCRIPT_HOOK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/decide.h"
#include "core/facts.h"
#include "core/text.h"
#include "flow/digest.h"
#include "sip/message.h"

/* The kinds of hooks, what a hook gets, and what comes of it. */

enum hook {
    HOOK_REQUEST,     /* sip_on_request([method,] f) */
    HOOK_REGISTER,    /* sip_on_register(f) */
    HOOK_RESPONSE,    /* sip_on_response(selector, f), sip_on_success, sip_on_flow_failed */
    HOOK_EXHAUSTED,   /* sip_on_exhausted(f): no target is left, before the best response is forwarded */
    HOOK_FLOW_UP,     /* sip_on_flow_up(f): a REGISTER made a binding on a new flow */
    HOOK_FLOW_DOWN,   /* sip_on_flow_down(f) */
    HOOK_CREDENTIALS, /* sip_on_credentials(f): the secret of a user, for digest authentication */
    HOOK_COUNT
};

enum script_outcome {
    SCRIPT_NO_HOOK,  /* no hook is registered: the core decides */
    SCRIPT_DEFAULT,  /* the hook ran and returned nothing: the core decides */
    SCRIPT_VERDICT,  /* *verdict is filled */
    SCRIPT_ERROR,    /* it failed, or returned a value that is not a verdict: the core decides; logged and counted */
    SCRIPT_OVERRUN,  /* it exceeded its time: likewise */
    SCRIPT_MEMORY,   /* it exceeded its memory: likewise, and this version should be rebuilt */
    SCRIPT_PREVIOUS, /* it failed, and the previous version shall be asked (on_error = "previous") */
    SCRIPT_OUTCOME_COUNT
};

enum verdict_kind {
    VERDICT_ACCEPT,      /* sip_accept(): REGISTER: bind by the rules; a reply: the core's decision, explicitly */
    VERDICT_ROUTE,       /* sip_route([aor [, options]]): targets from the bindings */
    VERDICT_RELAY,       /* sip_relay(uri): one more target; for a reply, try it now */
    VERDICT_REPLY,       /* sip_reply(code [, phrase]) */
    VERDICT_DROP,        /* sip_drop() */
    VERDICT_NEXT_FLOW,   /* sip_next_flow() */
    VERDICT_NEXT_TARGET, /* sip_next_target() */
    VERDICT_FAIL,        /* sip_fail(code): end with this status */
    VERDICT_RETRY_AFTER, /* sip_retry_after(s): the best response is forwarded with this Retry-After */
    VERDICT_FORWARD,     /* sip_forward(uri): the request is sent unchanged to this next hop */
    VERDICT_REST, /* sip_rest(destination, s): the destination is not used for this time; apart from that, the core's
                     decision */
    VERDICT_CHALLENGE, /* sip_challenge(): 401 or 407, so that the sender authenticates */
    VERDICT_COUNT
};

struct script_verdict {
    uint8_t kind;        /* enum verdict_kind */
    uint16_t code;       /* REPLY, FAIL: 200-699 (300-699 for FAIL) */
    uint32_t seconds;    /* RETRY_AFTER, REST */
    uint32_t next_after; /* ROUTE option next_after: ms after which the next target is called in addition; 0: one after
                            the other */
    bool recurse;        /* ROUTE, RELAY option recurse: follow 3xx responses (3261-16.7.i) */
    char uri[512];       /* RELAY, FORWARD; ROUTE: the AOR, empty: the Request-URI's */
    char phrase[128];    /* REPLY, empty: the table's */
    char destination[256]; /* REST: "host:port" or "host" as reply.destination gives it */
    const char
        *tenant; /* the tenant whose hook decided, valid as long as the script; empty: the site's. NULL: not known */
    const char *file; /* the file of the hook that decided or failed, valid as long as the script. NULL: not known */
    uint32_t line;
};

/* The values of `request` and `call` in a hook. Borrowed for the duration of the entry; a script that uses the
   object later gets an error. */
struct script_call {
    const struct sip_message *request; /* call:header(name), call.method, call.uri, call.from, call.to, call.call_id */
    struct text aor;                   /* call.aor: canonical AOR of the Request-URI, or of To for a REGISTER */
    struct text source;                /* call.source: "udp:127.0.0.1:5070" */
    uint64_t started_ms;               /* call.age: now - this */
    uint64_t source_number;            /* the source of the request: see source_number.h; 0: not known */
    struct text user;                  /* call.user: the authenticated AOR without scheme; empty: nil */
    struct text trunk;                 /* call.trunk: as it was configured; empty: nil */
    bool registered;                   /* call.registered */
};

/* The values of `reply` in a hook. */
struct script_reply {
    const struct sip_message *message; /* NULL: timeout, transport error, dead flow; reply:header() is nil then */
    const struct facts *facts;         /* reply.code, .method, .retry_after, .reg_id, .flows_left, .provisional_seen */
    const struct state *state;
    struct text destination; /* reply.destination: "127.0.0.1:5070" */
    struct text flow;        /* reply.flow: "tcp 127.0.0.1:5060-127.0.0.1:40112 #17"; empty: none */
    struct text instance;
    uint32_t branches;      /* number of branches so far */
    uint64_t source_number; /* the source of the response, as in script_call; 0: unknown */
};

struct script_flow {
    struct text flow; /* as above */
    struct text aor;
    struct text instance;
    uint32_t reg_id;
    struct text reason; /* DOWN: "closed", "icmp", "keepalive", "unacknowledged", "430" */
};

/* What HOOK_CREDENTIALS is asked: HA1 of a digest username in a realm. */
struct script_credentials {
    struct text user, realm; /* the realm is a domain */
    enum digest algorithm;
};

const char *verdict_name(enum verdict_kind kind);
const char *hook_name(unsigned hook); /* "response", as in sip_on_response(); "?" for a number that is no hook */

/* Whose hook decided; empty: the site's. */
static inline struct text verdict_tenant(const struct script_verdict *verdict)
{
    return text_of(verdict->tenant != NULL ? verdict->tenant : "");
}

#endif
