// SPDX-License-Identifier: BSD-2-Clause
#ifndef REFLOW_FLOW_OUTBOUND_PRIVATE_H
#define REFLOW_FLOW_OUTBOUND_PRIVATE_H

#include "flow/outbound.h"

enum { MAPPED_MOST = 64, MENDED_MOST = 6 };

enum link { LINK_CLOSED, LINK_OPENING, LINK_OPEN };
enum news { NEWS_NONE, NEWS_REGISTERED, NEWS_FAILED, NEWS_UNREGISTERED };

/* Times are the host's milliseconds; OUTBOUND_NEVER: not due. */
struct flow {
    struct outbound_proxy proxy;
    enum link link;
    bool close;                   /* the connection must be closed */
    bool pending;                 /* a REGISTER waits for its response */
    bool leaving;                 /* the pending REGISTER unregisters */
    bool registered;              /* the binding is active */
    bool retiring;                /* an outbound binding has made this plain binding superfluous: it unregisters */
    bool plain;                   /* registers without outbound from now on (5626-4.2.c) */
    bool with_credentials;        /* a challenge must be answered */
    bool keepalive;               /* 5626-4.2.a */
    bool proven;                  /* this flow has worked: its next failure is the first of a new series */
    bool hurried;                 /* Retry-After: 0 was honoured since it was last registered */
    uint32_t connection;          /* serial of its OPEN */
    uint32_t request;             /* serial of its REGISTER */
    uint32_t failures;            /* consecutive */
    uint32_t flow_timer;          /* s, as received; 0: none */
    uint32_t granted;             /* s */
    uint64_t due_at;              /* when to connect, or to send REGISTER if there is a connection */
    uint64_t deadline;            /* of the pending connection attempt or REGISTER */
    uint64_t expires_at;          /* of the binding */
    uint64_t proven_at;           /* when the flow counts as working if there are no pongs */
    uint64_t ping_at;             /* next keep-alive */
    uint64_t pong_by;             /* when the expected pong is due */
    uint16_t mended[MENDED_MOST]; /* codes for which this request was already changed */
    uint8_t mended_count;
    uint8_t mapped_length;
    char mapped[MAPPED_MOST];
    enum news news; /* a report that was not delivered yet, and its values */
    enum rule_id rule;
    const char *why;
    uint16_t code;
};

struct outbound {
    const struct host *host;
    struct outbound_options options; /* with defaults filled in */
    uint32_t serial;                 /* of the last action */
    bool stopping;
    struct flow flows[OUTBOUND_FLOWS_MOST];
};

/* The outcome of an attempt or a flow. */
struct setback {
    enum rule_id rule;
    const char *why;
    uint16_t code;
};

/* The connection has failed. It is opened again at once if it had worked, otherwise after the recovery wait. */
void flow_lost(struct outbound *outbound, struct flow *flow, uint64_t now, struct setback setback);

void flow_close(struct flow *flow);
void flow_pong(struct flow *flow);

/* Handles what has become due by `now`. */
void flow_tick(struct outbound *outbound, struct flow *flow, uint64_t now);

/* The earliest time at which flow_tick() or flow_next() has something to do. */
uint64_t flow_wake_at(const struct outbound *outbound, const struct flow *flow);

/* The next action for this flow, if there is one. */
bool flow_next(struct outbound *outbound, struct flow *flow, uint64_t now, struct outbound_action *action);

struct decision flow_answered(struct outbound *outbound, struct flow *flow, uint64_t now,
                              const struct outbound_answer *answer);

/* Uniform, both ends included. */
uint64_t outbound_between(const struct outbound *outbound, uint64_t least, uint64_t most);

#endif
