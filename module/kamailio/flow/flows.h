// SPDX-License-Identifier: GPL-2.0-or-later
#ifndef REFLOW_KAMAILIO_FLOWS_H
#define REFLOW_KAMAILIO_FLOWS_H

#include "kamailio/base/ksr.h"

#include "flow/binding.h"

/*
 * Which bindings of usrloc stand on which flow, in shared memory: usrloc has no such index (5626-7.f). Kept by usrloc's
 * own callbacks, so that it also holds what other modules insert. A flow is the way a binding came, where no Path
 * leads to it: for a stream the connection's id; for UDP a digest of local socket and remote address, top bit set.
 *
 * What usrloc loads from its database at start it tells nobody of. Streams among that are lost with the run before;
 * a UDP binding enters the index with its next REGISTER, and till then usrloc ends it alone when its keep-alives stop.
 */

enum { FLOW_RUID_MOST = 72 };

/* A binding, by what usrloc finds it again with. */
struct flow_binding {
    const str *table;
    unsigned int aor_hash;
    int ruid_length;
    char ruid[FLOW_RUID_MOST];
};

/* In mod_init: the table (2^size_log2 buckets), and the callbacks. 0 or -1 with a line in the log. */
int flows_create(unsigned size_log2);
int flows_listen(void);
void flows_destroy(void);

/* 0: none: a Path leads to it, or it came from another node (flow_is_foreign), or its connection belongs to an earlier
   run or is not known. */
flow_id flow_of_contact(const ucontact_t *contact);
flow_id flow_of_source(const struct receive_info *rcv);
flow_id flow_of_connection(int connection_id);

/* Made at another node and replicated here: no flow of this node leads to it. Told by usrloc's server_id; where that is
   not configured (0), a binding without a socket of this node is taken for another's. What this node gets back from its
   database or its peers is its own. */
bool flow_is_foreign(const ucontact_t *contact);

/* A flow of this node's own, over a stream of an earlier run: nothing else leads to it (5626-7.e). A plain binding may
   still be reached by its Contact (3261-10.a), and one behind a Path by that. */
bool flow_is_lost(const ucontact_t *contact);
/* The address that the binding came from belongs to a connection of an earlier run. */
bool received_is_stale(const ucontact_t *contact);

/* 3261-10.a: a plain binding whose Contact leaves another way once its flow is gone, over a new connection. Its host is
   an address, or a name that DNS may know; over TLS a name; nobody connects to a client on WebSocket. */
bool contact_may_be_called(const ucontact_t *contact);

#define FLOW_DATAGRAM (UINT64_C(1) << 63)
static inline bool flow_is_datagram(flow_id flow)
{
    return (flow & FLOW_DATAGRAM) != 0;
}

/* False where it is known that nothing sent over it can arrive: the connection is gone or bad, or the flow was marked.
   True for UDP otherwise. Any process but TCP main. */
bool flow_lives(flow_id flow);

/* From now on flow_lives() is false. Any process; bounded work. Connection ids are not used again in one run; a UDP
   flow lives again with the next REGISTER that comes over it. */
void flow_mark_dead(flow_id flow);

/* The bindings on a flow, at most `most` of them; returns how many there are. */
size_t flow_bindings(flow_id flow, struct flow_binding *bindings, size_t most);
bool flow_is_outbound(flow_id flow); /* one of them has a reg-id */
/* Every stream flow that carries bindings, at most `most`, from *cursor on (0 first; 0 again at the end). */
size_t flow_list(unsigned *cursor, flow_id *flows, size_t most);

/* "tcp 127.0.0.1:5060-127.0.0.1:40112 #17" of a binding's flow, as policies see it; returns the length. */
size_t flow_describe(const ucontact_t *contact, char *out, size_t size);

/* "tcp" and "127.0.0.1:40112" of the same flow; "" and 0 where a Path leads to the binding, or they are not known. */
const char *flow_transport(const ucontact_t *contact);
size_t flow_remote(const ucontact_t *contact, char *out, size_t size);

#endif
