// SPDX-License-Identifier: GPL-2.0-or-later
#ifndef REFLOW_KAMAILIO_FLOWS_H
#define REFLOW_KAMAILIO_FLOWS_H

#include "kamailio/base/ksr.h"

#include "base/transport.h"
#include "flow/binding.h"

/*
 * The bindings of usrloc on each flow, in shared memory, because usrloc has no such index (5626-7.f). usrloc's
 * callbacks maintain it, so that it includes bindings that other modules insert. A flow is the way on which a binding
 * was made, unless a Path leads to it: for a stream the id of the connection; for UDP a digest of local socket and
 * remote address with the top bit set. usrloc reports no event for bindings that it loads from its database at start.
 * The streams among them ended with the previous run. A UDP binding enters the index with its next REGISTER; until then
 * only usrloc ends it, when its keep-alives stop.
 */

enum { FLOW_RUID_MOST = 72 };

/* The values with which usrloc finds a binding. */
struct flow_binding {
    const str *table;
    unsigned int aor_hash;
    int ruid_length;
    char ruid[FLOW_RUID_MOST];
};

/* In mod_init: creates the table (2^size_log2 buckets) and the callbacks. Returns 0, or -1 with a line in the log. */
int flows_create(unsigned size_log2);
int flows_listen(void);
void flows_destroy(void);

/* 0: no flow: a Path leads to the binding, only another node can use it (flow_is_elsewhere), or its connection belongs
   to an earlier run or is not known. */
flow_id flow_of_contact(const ucontact_t *contact);
flow_id flow_of_source(const struct receive_info *rcv);
flow_id flow_of_connection(int connection_id);
/* Whether a message from there came over the flow on which the binding was made. A stream binding whose connection is
   not known, for example after a restart, has no flow: the address is compared then. */
bool flow_is_of_contact(const ucontact_t *contact, const struct receive_info *from);

/* True if only another node can use the flow: the binding is foreign, no Path leads to it, and this node does not
   listen on the UDP address on which it was made. */
bool flow_is_elsewhere(const ucontact_t *contact);

/* FLOW_USABLE: a request may be sent to the binding from here: over its flow, along its Path, or, for a plain binding,
   to its Contact or `received` (3261-10.a). FLOW_LOST: its connection belongs to an earlier run, and nothing else leads
   to it (5626-7.e). FLOW_ELSEWHERE: only another node can reach it. */
enum flow_use { FLOW_USABLE, FLOW_LOST, FLOW_ELSEWHERE };
enum flow_use flow_use_of(const ucontact_t *contact);
/* True if the source address of the binding belongs to a connection that this node does not have, and its Contact is
   called instead. */
bool received_is_stale(const ucontact_t *contact);

/* 3261-10.a: true for a plain binding whose Contact can be called over a new connection after its flow is gone. Its
   host is an address, or a name that DNS may know; over TLS a name. WebSocket clients cannot be called, and no
   names without `contact_names`. With usrloc's handle_lost_tcp, a binding ends with its connection. */
bool contact_may_be_called(const ucontact_t *contact);

/* False for a URI to which no connection can be opened: that of a WebSocket client, or a name under .invalid. */
bool uri_may_be_called(const struct ksr_sip_uri *uri);
/* True if Kamailio looks up its host in DNS to send there. */
bool uri_has_host_name(const struct ksr_sip_uri *uri);
bool uri_has_ob(const struct ksr_sip_uri *uri); /* the parameter of RFC 5626: reached over its flow only */

#define FLOW_DATAGRAM (UINT64_C(1) << 63)
static inline bool flow_is_datagram(flow_id flow)
{
    return (flow & FLOW_DATAGRAM) != 0;
}

/* Returns false if nothing sent over the flow can arrive: the connection is gone or bad, or the flow was marked.
   True for any other UDP flow. From any process but TCP main. */
bool flow_lives(flow_id flow);

/* Marks a flow as dead: flow_lives() returns false from now on. From any process; bounded work. Ids of connections
   are not reused in one run; a UDP flow is alive again after the next REGISTER over it. */
void flow_mark_dead(flow_id flow);

/* Lists at most `most` bindings on a flow; returns how many there are. */
size_t flow_bindings(flow_id flow, struct flow_binding *bindings, size_t most);
bool flow_is_outbound(flow_id flow); /* one of them has a reg-id */
/* Every stream flow that carries bindings, at most `most`, from *cursor on (0 first; 0 again at the end). */
size_t flow_list(unsigned *cursor, flow_id *flows, size_t most);

struct flow_counts {
    size_t bindings;               /* on flows of this node */
    size_t flows[TRANSPORT_COUNT]; /* with bindings */
    size_t memory;                 /* bytes of shared memory that the index of flows takes */
};
struct flow_counts flow_counts(void);

/* "tcp 127.0.0.1:5060-127.0.0.1:40112 #17" of a binding's flow, as policies see it; returns the length. */
size_t flow_describe(const ucontact_t *contact, char *out, size_t size);

/* "tcp" and "127.0.0.1:40112" of the same flow; "" and 0 where a Path leads to the binding, or they are not known. */
const char *flow_transport(const ucontact_t *contact);
size_t flow_remote(const ucontact_t *contact, char *out, size_t size);

#endif
