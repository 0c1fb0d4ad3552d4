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
 * The registrations of one user agent under one AOR: a flow to each of its outbound proxies, each with its own reg-id
 * (RFC 5626 section 4). There are no sockets, clock or messages here. The host reports events, carries out the actions
 * that it is given, and calls again at the given time:
 *
 *     outbound_opened(outbound, action.flow, action.serial, now);   (report an event)
 *     while (outbound_next(outbound, now, &action))                 (get the actions)
 *         carry_out(&action);
 *     wake_after(outbound_wait_ms(outbound, now));                  (when to call again if nothing happens before)
 *
 * - Only one REGISTER is in progress on a flow at a time.
 * - Keep-alives are sent only after Require: outbound (5626-4.2.a), at the intervals of 5626-4.4.a. A missing pong or
 *   another mapped address fails the flow (5626-4.4.b).
 * - A flow that was registered and fails is opened again at once, any other after the recovery wait (5626-4.5.a b).
 * - decide() interprets the responses. If the refresh of an active registration is refused, the flow is kept and the
 *   refresh is tried again over it (RFC 5626 section 4.2.2).
 *
 * `now` is in milliseconds of a clock that never goes back. `serial` links an event to its action: OUTBOUND_OPEN for
 * events of the connection, OUTBOUND_REGISTER for a response. Events that come late, or for an unknown flow, change
 * nothing. Only outbound_new() can fail. One thread at a time for each object.
 */

struct outbound;

enum { OUTBOUND_FLOWS_MOST = 8 };

/* Milliseconds; 0: the default. */
struct outbound_times {
    struct recovery_times recovery;
    uint32_t answer_ms; /* time after which a REGISTER or a connection attempt has failed: 32 s (timer F) */
    uint32_t pong_ms;   /* KEEPALIVE_PONG_MS */
};

struct outbound_proxy {
    uint32_t reg_id;               /* 1 to 2^31-1 (5626-10.a); 0: its place in the list, from 1 */
    enum keepalive_kind keepalive; /* the kind of keep-alive for its transport */
};

struct outbound_options {
    struct outbound_proxy proxies[OUTBOUND_FLOWS_MOST];
    size_t count;         /* at least 1 */
    uint32_t expires;     /* seconds to request; 0: 3600 */
    bool always_outbound; /* 439: never register without outbound, wait for another first hop (5626-4.2.c) */
    struct outbound_times times;
};

enum outbound_action_kind {
    OUTBOUND_OPEN,        /* resolve the proxy again and connect; report opened or closed */
    OUTBOUND_CLOSE,       /* close the connection and give up its REGISTER; report no more events of it */
    OUTBOUND_REGISTER,    /* send REGISTER; report the response, or that sending failed */
    OUTBOUND_KEEPALIVE,   /* send CRLF CRLF or a STUN binding request; report pong or mapped */
    OUTBOUND_REGISTERED,  /* report: the registration is active */
    OUTBOUND_FAILED,      /* report: a flow, an attempt or a refresh has failed; has `why` and the wait until the next
                             attempt */
    OUTBOUND_UNREGISTERED /* report: unregistered by outbound_stop(), or expired */
};

struct outbound_action {
    enum outbound_action_kind kind;
    uint8_t flow;          /* index in the list of proxies, from 0 */
    uint32_t reg_id;       /* the reg-id of the flow, which never changes */
    uint32_t serial;       /* of the action; for reports, that of the connection */
    bool outbound;         /* REGISTER: with reg-id and Supported: outbound (5626-4.2.c) */
    bool with_credentials; /* REGISTER: answer the challenge that was last seen on this flow */
    uint32_t expires;      /* REGISTER: the time to request, 0 to unregister; REGISTERED: the granted time */
    bool keepalive;        /* REGISTERED: outbound was applied, keep-alives start (5626-4.2.a) */
    uint64_t wait_ms;      /* FAILED: until the next attempt; OUTBOUND_NEVER if there will be none */
    uint16_t code;         /* FAILED: the code of the response, 0 if there was none */
    uint16_t registered;   /* number of registered flows; 0: the user agent cannot be reached */
    enum rule_id rule;     /* FAILED: the rule carried out */
    const char *why;       /* FAILED: one sentence, static */
};

#define OUTBOUND_NEVER UINT64_MAX

/* A response to REGISTER. These members of `facts` are read: code, retry_after, min_expires, flow_timer,
   requires_outbound, has_service_route, has_challenge, via_count; and origin if there was no response. */
struct outbound_answer {
    struct facts facts;
    uint32_t expires; /* granted for the Contact if has_expires; else the requested time counts */
    bool has_expires;
    bool stale; /* the challenge has stale=true: the password was right, but the nonce was too old */
};

/* Creates the object; every flow is due at `now`. Returns 0 and sets *out, or returns -EINVAL (count, a reg-id out
   of range or used twice) or -ENOMEM. Only the host's allocator and random source are used. */
int outbound_new(struct outbound **out, const struct host *host, const struct outbound_options *options, uint64_t now);
void outbound_delete(struct outbound *outbound); /* outbound may be NULL; unregisters nothing */

/* Reports of events. */
void outbound_opened(struct outbound *outbound, size_t flow, uint32_t serial, uint64_t now);
/* The connection was closed by the peer, has failed, or could not be opened. */
void outbound_closed(struct outbound *outbound, size_t flow, uint32_t serial, uint64_t now);
void outbound_pong(struct outbound *outbound, size_t flow, uint32_t serial);
/* A STUN success response: a pong with the mapped address, in any spelling of up to 64 bytes that is always the same
   (5626-4.4.b). */
void outbound_mapped(struct outbound *outbound, size_t flow, uint32_t serial, uint64_t now, struct text address);
/* Returns the decision that is carried out, for logs and for its flags about Service-Route (code-3608);
   ACTION_ABSORB if no response is expected. Provisional responses may be reported and change nothing. */
struct decision outbound_answered(struct outbound *outbound, size_t flow, uint32_t serial, uint64_t now,
                                  const struct outbound_answer *answer);

/* Unregisters every registered flow over the flow itself, and closes everything. Nothing is opened again. */
void outbound_stop(struct outbound *outbound, uint64_t now);

/* Returns true and the next action, or false if there is none for now. */
bool outbound_next(struct outbound *outbound, uint64_t now, struct outbound_action *action);

/* The time until the next call of outbound_next(): 0 for now, OUTBOUND_NEVER only after outbound_stop() when
   everything is closed. */
uint64_t outbound_wait_ms(const struct outbound *outbound, uint64_t now);

/* The number of registered flows; one is enough to be reachable. */
size_t outbound_registered(const struct outbound *outbound);
bool outbound_flow_registered(const struct outbound *outbound, size_t flow);

/* The name for logs and scripts: "open", "register" and so on. Never NULL. */
const char *outbound_action_name(enum outbound_action_kind kind);

#endif
