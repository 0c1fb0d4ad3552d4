// SPDX-License-Identifier: BSD-2-Clause
#ifndef REFLOW_CORE_FACTS_H
#define REFLOW_CORE_FACTS_H

#include <stdbool.h>
#include <stdint.h>

/*
 * The interface between SIP and the decision: plain values, no parser, no Lua, no host. A host that has received a
 * response (or knows that none will come) fills a struct facts about the reply and its branch, and a struct state about
 * the response context, and calls decide(). Zero is a valid value of every member and means "no", "none" or "unknown",
 * so that a designated initializer sets only the known members.
 */

enum method {
    METHOD_OTHER,
    METHOD_INVITE,
    METHOD_ACK,
    METHOD_BYE,
    METHOD_CANCEL,
    METHOD_REGISTER,
    METHOD_OPTIONS,
    METHOD_SUBSCRIBE,
    METHOD_NOTIFY,
    METHOD_PUBLISH,
    METHOD_INFO,
    METHOD_UPDATE,
    METHOD_PRACK,
    METHOD_REFER,
    METHOD_MESSAGE,
    METHOD_COUNT
};

enum role {
    ROLE_PROXY,     /* authoritative proxy: forks to bindings */
    ROLE_EDGE,      /* edge proxy (RFC 5626 section 5): relays over one flow */
    ROLE_REGISTRAR, /* answers REGISTER; the response is its own */
    ROLE_UAC,       /* the user agent that sent the request */
    ROLE_COUNT
};

enum origin {
    ORIGIN_WIRE,      /* a response was received */
    ORIGIN_TIMEOUT,   /* timer B, C or F expired; acts as 408 */
    ORIGIN_TRANSPORT, /* the request could not be sent; acts as 503, or as 430 on a flow */
    ORIGIN_FLOW_DOWN, /* the flow of the branch is dead: closed, ICMP, keep-alive lost */
    ORIGIN_COUNT
};

/* One reply and the branch on which it was received. */
struct facts {
    uint32_t code;         /* as on the wire; below 100 or above 699 is malformed; ignored unless origin is wire */
    uint32_t retry_after;  /* s, with has_retry_after */
    uint32_t min_expires;  /* s, Min-Expires of a 423; 0: absent */
    uint32_t min_se;       /* s, Min-SE of a 422; 0: absent */
    uint32_t flow_timer;   /* s, Flow-Timer of a 2xx REGISTER; 0: absent */
    uint32_t reg_id;       /* of the binding the branch went to (UAC: of the registration); 0: none */
    uint16_t flows_left;   /* untried living flows of the branch's own instance */
    uint16_t via_count;    /* Via values in the response; 0: not counted */
    uint16_t attempts;     /* UAC: how often this request was already retried for this code */
    uint8_t method;        /* enum method, of the request */
    uint8_t role;          /* enum role */
    uint8_t origin;        /* enum origin */
    bool unmatched;        /* no transaction for this response */
    bool in_dialog;        /* the request had a To tag */
    bool refresh;          /* SUBSCRIBE refresh, re-INVITE, re-REGISTER */
    bool provisional_seen; /* above 100, on this branch */
    bool on_flow;          /* the branch went over a flow of a binding with instance-id and reg-id */
    bool has_instance;     /* the branch's target has an instance-id */
    bool has_retry_after;
    bool requires_outbound; /* response: Require: outbound */
    bool supports_outbound; /* request: Supported: outbound */
    bool unwanted;          /* UAC: the caller gave up before this 2xx */
    bool owns_call_id;      /* UAC: we chose the Call-ID (491) */
    bool has_service_route; /* 2xx REGISTER */
    bool has_challenge;     /* 401, 407: at least one challenge is there */
    bool unacknowledged;    /* ORIGIN_FLOW_DOWN: aborted because its peer acknowledged nothing (5626-7.i) */
    bool next_server;       /* the destination has another untried address (RFC 3263), or its flow is dead and its
                               Contact can be called over a new connection (3261-10.a) */
};

/* The response context: all branches of one request. */
struct state {
    uint16_t branches_pending; /* others that have no final response yet */
    uint16_t targets_left;     /* untried targets that may still be used: this or later q classes, other instances */
    uint16_t responses_held;   /* finals stored so far, 408 and 430 among them; not this one */
    bool success_forwarded;    /* a 2xx was forwarded */
    bool global_failure_seen;  /* a 6xx was received, on any branch */
    bool final_forwarded;      /* a final response was forwarded */
    bool cancelled;            /* the caller sent CANCEL */
    bool may_recurse;          /* the policy follows 3xx responses */
};

#endif
