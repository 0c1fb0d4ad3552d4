// SPDX-License-Identifier: BSD-2-Clause
#ifndef REFLOW_SERVER_STAGE_H
#define REFLOW_SERVER_STAGE_H

#include "fake_wire.h"

#include "standalone/server/server.h"

/*
 * A server on a fake wire and a fake clock, and the people around it: it listens on 127.0.0.1:5060, UDP (listener 0)
 * and TCP (listener 1), and serves example.com. Nothing moves but by the calls below.
 */

struct stage {
    struct fake_host fake;
    struct fake_wire wire;
    struct server_config config; /* to be changed between stage_create() and stage_open() */
    struct domains *domains;     /* example.com, and what a test adds */
    struct server *server;
    unsigned registers; /* CSeq of REGISTER */
    char script[64];    /* path; empty: none */
};

void stage_create(struct stage *stage);
/* Between the two: also TLS (listener 2), WS (3) and WSS (4), so that a listener's number is its transport's. */
void stage_listen_by_every_transport(struct stage *stage);
void stage_open(struct stage *stage);
/* Deletes the server and asserts that every byte was given back. */
void stage_destroy(struct stage *stage);

/* cmocka's: *state is an open stage. */
int stage_setup(void **state);
int stage_setup_every_transport(void **state);
enum { STAGE_LISTENER_V6 = TRANSPORT_COUNT };
int stage_setup_every_transport_and_v6(void **state); /* also TCP at [2001:db8::1] */
int stage_teardown(void **state);
/* For a setup of the test's own: *state is a stage that was created and is not open. */
struct stage *stage_begin(void **state);

const struct server_counters *stage_counters(const struct stage *stage);

/* Take a script in use from its text. */
void stage_script(struct stage *stage, const char *lua);

/* The clock moves from timer to timer, each fires at its instant. 0 ms: what is due now. */
void stage_advance(struct stage *stage, uint64_t ms);

/* --- what comes in --- */

/* A message as written, with \n for each CRLF. */
void stage_receive(struct stage *stage, const struct peer *from, const char *lines);

/* What is NULL or 0 gets what the comment says. */
struct request {
    const char *method;   /* INVITE */
    const char *uri;      /* sip:bob@example.com */
    const char *from;     /* alice */
    const char *to;       /* bob */
    const char *from_tag; /* the caller's port */
    const char *to_tag;   /* none */
    const char *call;     /* one */
    const char *branch;   /* made of call, CSeq and method, that of the INVITE for ACK and CANCEL */
    const char *fields;   /* more header fields, each with \n */
    unsigned cseq;        /* 1 */
    unsigned hops;        /* 70; 1000: Max-Forwards is 0 */
};
void stage_request(struct stage *stage, const struct peer *from, struct request request);

/* A response to a request that was sent, from where it was sent to; fields as above. */
void stage_response(struct stage *stage, struct sent *request, unsigned status, const char *fields);
void stage_response_from(struct stage *stage, const struct peer *from, struct sent *request, unsigned status,
                         const char *fields);

/* A registered contact: a flow where it has instance and reg_id. */
struct phone {
    const char *user;     /* bob */
    const char *instance; /* NULL: none; "1" stands for urn:uuid:1 */
    const char *more;     /* other Contact parameters: ";q=0.5" */
    unsigned reg_id;
    uint16_t port;
    bool tcp;
};
struct peer stage_phone(struct stage *stage, struct phone phone);

/* --- sent messages: each takes the oldest one, which must match --- */

#define stage_sent(stage, start) stage_sent_at(stage, start, __FILE__, __LINE__)
/* a request of this method to this port */
#define stage_sent_to(stage, method, port) stage_sent_to_at(stage, method, port, __FILE__, __LINE__)
/* a response with this status to this peer */
#define stage_status(stage, peer, status) stage_status_at(stage, peer, status, __FILE__, __LINE__)
#define stage_silent(stage)               stage_silent_at(stage, __FILE__, __LINE__)
struct sent *stage_sent_at(struct stage *stage, const char *start, const char *file, int line);
struct sent *stage_sent_to_at(struct stage *stage, const char *method, uint16_t port, const char *file, int line);
struct sent *stage_status_at(struct stage *stage, const struct peer *peer, unsigned status, const char *file, int line);
void stage_silent_at(struct stage *stage, const char *file, int line);

/* Alice calls from 127.0.0.1:5070, UDP: an INVITE to bob, its 100 taken; and what she hears. */
struct peer stage_alice(void);
void stage_call(struct stage *stage, const char *call);
#define stage_hears(stage, status) stage_hears_at(stage, status, __FILE__, __LINE__)
struct sent *stage_hears_at(struct stage *stage, unsigned status, const char *file, int line);

/* A phone refuses an INVITE, and gets its ACK. */
#define stage_refuses(stage, invite, status, fields) stage_refuses_at(stage, invite, status, fields, __FILE__, __LINE__)
void stage_refuses_at(struct stage *stage, struct sent *invite, unsigned status, const char *fields, const char *file,
                      int line);

/* Alice gives up her call "one", and hears 200 to that. */
#define stage_cancels(stage) stage_cancels_at(stage, __FILE__, __LINE__)
void stage_cancels_at(struct stage *stage, const char *file, int line);

/* A flow dies, and the server is informed. */
void stage_flow_dies(struct stage *stage, const struct peer *peer);

/* Time goes by until all has ended: nothing is left of any transaction. */
void stage_ends(struct stage *stage);

/* Takes what waits, whatever it is; returns how many. */
size_t stage_discard(struct stage *stage);

/* An INVITE to bob from this caller, its 100 taken. */
void stage_invite(struct stage *stage, const struct peer *caller, const char *call);

/* "name":NUMBER of the server's status; -1: not there. */
int64_t stage_count(struct stage *stage, const char *name);

#endif
