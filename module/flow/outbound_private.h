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
    bool close;                   /* the connection is to be dropped */
    bool pending;                 /* a REGISTER waits for its answer */
    bool leaving;                 /* ... and it unregisters */
    bool registered;              /* the binding stands */
    bool retiring;                /* a plain binding that an outbound one has made one too many: it unregisters */
    bool plain;                   /* without outbound from now on (5626-4.2.c) */
    bool with_credentials;        /* a challenge is to be answered */
    bool keepalive;               /* 5626-4.2.a */
    bool proven;                  /* this flow has been good: what comes next is not yet another failure */
    bool hurried;                 /* Retry-After: 0 was honoured since it was last registered */
    uint32_t connection;          /* serial of its OPEN */
    uint32_t request;             /* serial of its REGISTER */
    uint32_t failures;            /* consecutive */
    uint32_t flow_timer;          /* s, as told; 0: none */
    uint32_t granted;             /* s */
    uint64_t due_at;              /* to open, or to send REGISTER where the connection is there */
    uint64_t deadline;            /* of what is opening or pending */
    uint64_t expires_at;          /* of the binding */
    uint64_t proven_at;           /* where no pong proves it */
    uint64_t ping_at;             /* next keep-alive */
    uint64_t pong_by;             /* the pong that is awaited */
    uint16_t mended[MENDED_MOST]; /* codes that this request was mended for */
    uint8_t mended_count;
    uint8_t mapped_length;
    char mapped[MAPPED_MOST];
    enum news news; /* not yet told, and what it says */
    enum rule_id rule;
    const char *why;
    uint16_t code;
};

struct outbound {
    const struct host *host;
    struct outbound_options options; /* with its defaults */
    uint32_t serial;                 /* of the last action */
    bool stopping;
    struct flow flows[OUTBOUND_FLOWS_MOST];
};

/* What has become of an attempt or a flow. */
struct setback {
    enum rule_id rule;
    const char *why;
    uint16_t code;
};

/* The connection is of no use any more: opened again at once where it had been good, else after the recovery wait. */
void flow_lost(struct outbound *outbound, struct flow *flow, uint64_t now, struct setback setback);

/* An attempt to register has come to nothing; where the registration stands, its flow is kept. */
void flow_refused(struct outbound *outbound, struct flow *flow, uint64_t now, struct setback setback, uint64_t wait);

/* The wait after the failure that is being counted (5626-4.5.a b). */
uint64_t flow_recovery(struct outbound *outbound, const struct flow *flow);

void flow_close(struct flow *flow);
void flow_pong(struct flow *flow);

/* What time alone has brought about. */
void flow_tick(struct outbound *outbound, struct flow *flow, uint64_t now);

/* The earliest moment at which flow_tick or flow_next has something to do. */
uint64_t flow_wake_at(const struct outbound *outbound, const struct flow *flow);

/* The next action for this flow, if any. */
bool flow_next(struct outbound *outbound, struct flow *flow, uint64_t now, struct outbound_action *action);

struct decision flow_answered(struct outbound *outbound, struct flow *flow, uint64_t now,
                              const struct outbound_answer *answer);

/* Uniform, both ends included. */
uint64_t outbound_between(const struct outbound *outbound, uint64_t least, uint64_t most);

#endif
