// SPDX-License-Identifier: BSD-2-Clause
#ifndef REFLOW_FAKE_WIRE_H
#define REFLOW_FAKE_WIRE_H

#include "test.h"

#include "standalone/net/wire.h"

/* A network that is a list: what is sent is kept with its destination and the instant, connections are opened and
   closed by the test, sends are refused where the test says so, and names are resolved when it answers. */

enum { FAKE_CONNECTIONS = 512, FAKE_LOOKUPS = 16, FAKE_REFUSALS = 16 };

struct sent {
    struct sent *next, *older; /* older: all there were, to free them */
    struct peer peer;
    uint64_t at_ms;
    char scratch[8192]; /* of sent_header() */
    size_t used, length;
    char bytes[]; /* with a NUL behind them */
};

struct fake_connection {
    struct peer peer; /* its number is the place in the array, from 1 */
    bool open, close_asked, aborted, unopened;
    struct ack_sample acks; /* zero: everything is acknowledged */
    unsigned pings;         /* keep-alives that were sent over it */
    bool silent;            /* ... and are not answered */
    char domain[64];        /* that a TLS server must prove to be */
};

struct fake_lookup {
    struct peer source; /* of the request */
    char host[256];
    struct locate_query query; /* its host is not valid */
    locate_done *done;         /* NULL: answered */
    void *again;
};

struct fake_refusal {
    flow_id flow;
    int error; /* 0: none */
};

struct fake_wire {
    struct wire wire;
    struct fake_host *fake;
    struct sent *first, **last, *all;
    struct fake_connection connections[FAKE_CONNECTIONS];
    size_t connection_count;
    struct fake_lookup lookups[FAKE_LOOKUPS];
    size_t lookup_count;
    struct fake_refusal refusals[FAKE_REFUSALS];
    int locate_error;  /* of the next look-ups */
    int reopen_error;  /* of connections for responses; 0: they are opened */
    unsigned reopened; /* how many of them were asked for */
    int connect_error; /* of the next connections that are asked for */
    uint32_t path_mtu; /* over UDP; 0: unknown */
};

void fake_wire_create(struct fake_wire *wire, struct fake_host *fake);
/* Answers what is still looked up, by "no such name". */
void fake_wire_answer_all(struct fake_wire *wire);
void fake_wire_destroy(struct fake_wire *wire);

/* 127.0.0.1:port as the server sees it: a datagram's source at listener 0, a new open connection at listener 1. */
struct peer fake_udp(uint16_t port);
struct peer fake_tcp(struct fake_wire *wire, uint16_t port);
/* The same over any stream transport, at that listener. */
struct peer fake_stream(struct fake_wire *wire, enum transport transport, uint8_t listener, uint16_t port);
/* The same from another host than 127.0.0.1. */
struct peer fake_stream_from(struct fake_wire *wire, enum transport transport, uint8_t listener, const char *host,
                             uint16_t port);

/* From now on this is known about the acknowledgements on the connection. */
void fake_wire_acks(struct fake_wire *wire, const struct peer *peer, struct ack_sample sample);
bool fake_wire_is_aborted(const struct fake_wire *wire, const struct peer *peer);

/* The connection is no more, though nobody has been told. */
void fake_wire_close(struct fake_wire *wire, flow_id connection);
/* The same, because it could not be opened: its peer is known until the end. */
void fake_wire_leave_unopened(struct fake_wire *wire, flow_id connection);
/* Sends over this flow fail with `error`; 0: they succeed again. */
void fake_wire_refuse(struct fake_wire *wire, const struct peer *peer, int error);

/* Answer the oldest open look-up, which must be of this host, with 127.0.0.1 and these ports, by the transport of the
   query; 0 ends them. */
void fake_wire_resolve(struct fake_wire *wire, const char *host, const uint16_t *ports);
/* The same with these places. */
void fake_wire_locate(struct fake_wire *wire, const char *host, const struct place *places, size_t count);
/* 127.0.0.1 at this port, by this transport. */
struct place fake_place(enum transport transport, uint16_t port);

/* The oldest message that was not yet taken; NULL: none. Good until fake_wire_destroy(). */
struct sent *fake_wire_take(struct fake_wire *wire);

/* The value of the nth header field of this name, "" where there is none; good as long as the message. */
const char *sent_header(struct sent *sent, const char *name, unsigned nth);
/* How many fields of this name there are. */
unsigned sent_count(const struct sent *sent, const char *name);
bool sent_starts(const struct sent *sent, const char *start);
unsigned sent_status(const struct sent *sent); /* 0: a request */
uint16_t sent_port(const struct sent *sent);   /* of the destination */

#endif
