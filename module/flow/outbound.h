// SPDX-License-Identifier: BSD-2-Clause
#ifndef REFLOW_FLOW_OUTBOUND_H
#define REFLOW_FLOW_OUTBOUND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/host.h"
#include "core/decide.h"
#include "core/text.h"
#include "flow/recovery.h"

/*
 * The registrations of one user agent under one AOR: a flow to each of its outbound proxies, each with a reg-id of its
 * own (RFC 5626 section 4). No sockets, no clock, no messages: the host tells what happened, asks what is to be done,
 * does it, and comes again when it was told to:
 *
 *     outbound_opened(outbound, action.flow, action.serial, now);   (what happened)
 *     while (outbound_next(outbound, now, &action))                 (what is to be done)
 *         carry_out(&action);
 *     wake_after(outbound_wait_ms(outbound, now));                  (when to ask again, if nothing happens before)
 *
 * What is kept: one REGISTER at a time on a flow; keep-alives from Require: outbound on, and without it none
 * (5626-4.2.a), at their intervals (5626-4.4.a); a pong missing or another mapped address fails the flow (5626-4.4.b);
 * a flow that had been good and fails is opened again at once, and else after the recovery wait (5626-4.5.a b); what
 * an answer means is decide()'s to say. A registration that stands and whose refresh is refused keeps its flow, and is
 * tried again over it (RFC 5626 section 4.2.2).
 *
 * `now` is the host's, in milliseconds that never go back. `serial` names what an event belongs to: for events of the
 * connection that of its OUTBOUND_OPEN, for an answer that of its OUTBOUND_REGISTER; what comes late, or for a flow
 * that there is not, changes nothing. No call fails but outbound_new. One thread at a time for each.
 */

struct outbound;

enum { OUTBOUND_FLOWS_MOST = 8 };

/* Milliseconds; 0: the default. */
struct outbound_times {
    struct recovery_times recovery;
    uint32_t answer_ms; /* a REGISTER, or a connection, that has not come to anything has failed: 32 s (timer F) */
    uint32_t pong_ms;   /* KEEPALIVE_PONG_MS */
};

struct outbound_proxy {
    uint32_t reg_id;               /* 1 to 2^31-1 (5626-10.a); 0: its place in the list, from 1 */
    enum keepalive_kind keepalive; /* of the transport that leads to it */
};

struct outbound_options {
    struct outbound_proxy proxies[OUTBOUND_FLOWS_MOST];
    size_t count;         /* 1 and more */
    uint32_t expires;     /* seconds to ask for; 0: 3600 */
    bool always_outbound; /* 439: never register without outbound, wait for another first hop (5626-4.2.c) */
    struct outbound_times times;
};

enum outbound_action_kind {
    OUTBOUND_OPEN,        /* resolve the proxy anew and connect; tell opened or closed */
    OUTBOUND_CLOSE,       /* drop the connection, its REGISTER among it; nothing more is told of it */
    OUTBOUND_REGISTER,    /* send REGISTER; tell what is answered, or that nothing could be sent */
    OUTBOUND_KEEPALIVE,   /* CRLF CRLF, or a STUN binding request; tell pong or mapped */
    OUTBOUND_REGISTERED,  /* news: the registration stands */
    OUTBOUND_FAILED,      /* news: a flow, an attempt or a refresh has failed; `why`, and the wait until the next */
    OUTBOUND_UNREGISTERED /* news: gone as asked for by outbound_stop(), or expired */
};

struct outbound_action {
    enum outbound_action_kind kind;
    uint8_t flow;          /* place in the list of proxies, from 0 */
    uint32_t reg_id;       /* its own, never changes */
    uint32_t serial;       /* of the action; of news: the connection's */
    bool outbound;         /* REGISTER: with reg-id and Supported: outbound (5626-4.2.c) */
    bool with_credentials; /* REGISTER: answer the challenge that was last seen on this flow */
    uint32_t expires;      /* REGISTER: to ask for, 0 to unregister; REGISTERED: granted */
    bool keepalive;        /* REGISTERED: outbound was applied, keep-alives start (5626-4.2.a) */
    uint64_t wait_ms;      /* FAILED: until the next try; OUTBOUND_NEVER where there will be none */
    uint16_t code;         /* FAILED: what was answered, 0 where nothing was */
    uint16_t registered;   /* flows registered now; 0: nobody reaches this user agent */
    enum rule_id rule;     /* FAILED: the rule carried out */
    const char *why;       /* FAILED: one sentence, static */
};

#define OUTBOUND_NEVER UINT64_MAX

/* A response to REGISTER. Of `facts` the response's own are read: code, retry_after, min_expires, flow_timer,
   requires_outbound, has_service_route, has_challenge, via_count; origin where none came. */
struct outbound_answer {
    struct facts facts;
    uint32_t expires; /* granted for the Contact, with has_expires; else as asked for */
    bool has_expires;
    bool stale; /* the challenge says stale=true: the password was right, the nonce too old */
};

/* Every flow is due at `now`. 0 and *out, or -EINVAL (count, a reg-id out of range or given twice), -ENOMEM. Only the
   host's allocator and random are used. */
int outbound_new(struct outbound **out, const struct host *host, const struct outbound_options *options, uint64_t now);
void outbound_delete(struct outbound *outbound); /* NULL is fine; unregisters nothing */

/* What happened. */
void outbound_opened(struct outbound *outbound, size_t flow, uint32_t serial, uint64_t now);
/* Closed by the other side or broken, or it could not be opened. */
void outbound_closed(struct outbound *outbound, size_t flow, uint32_t serial, uint64_t now);
void outbound_pong(struct outbound *outbound, size_t flow, uint32_t serial);
/* A STUN success: a pong, with the mapped address in any spelling of up to 64 bytes, always the same (5626-4.4.b). */
void outbound_mapped(struct outbound *outbound, size_t flow, uint32_t serial, uint64_t now, struct text address);
/* The decision that is carried out, for logs and for its flags about Service-Route (code-3608); ACTION_ABSORB where the
   answer is not awaited. Provisional responses may be told, and change nothing. */
struct decision outbound_answered(struct outbound *outbound, size_t flow, uint32_t serial, uint64_t now,
                                  const struct outbound_answer *answer);

/* Unregister what is registered, over its own flow, and close everything; nothing is opened again. */
void outbound_stop(struct outbound *outbound, uint64_t now);

/* What is to be done: true and *action, until nothing is left for now. */
bool outbound_next(struct outbound *outbound, uint64_t now, struct outbound_action *action);

/* When to ask again: 0 now, OUTBOUND_NEVER only where it has been stopped and everything is closed. */
uint64_t outbound_wait_ms(const struct outbound *outbound, uint64_t now);

/* How many flows are registered; one is enough to be reachable. */
size_t outbound_registered(const struct outbound *outbound);
bool outbound_flow_registered(const struct outbound *outbound, size_t flow);

/* "open", "register", ... as logs and scripts call it. Never NULL. */
const char *outbound_action_name(enum outbound_action_kind kind);

#endif
