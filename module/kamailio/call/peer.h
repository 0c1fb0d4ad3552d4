// SPDX-License-Identifier: GPL-2.0-or-later
#ifndef REFLOW_KAMAILIO_PEER_H
#define REFLOW_KAMAILIO_PEER_H

#include "kamailio/call/call.h"

/*
 * Other nodes that share the bindings of usrloc (modparam peer). A flow that only its node can use (5626-7.e) is one
 * branch for each binding, so that instances, q and reg-ids are compared here, across all nodes: the request goes to
 * the peer with the AOR as its Request-URI and a mark that names the binding. The peer sends it over the flow of that
 * binding, as an edge does over the flow of a token (5626-5.3.c), and answers 430 if the flow is dead.
 *
 * The mark is a header field. Every received request loses it before any route sees it. It counts only if the request
 * came from the address of a peer, over the transport that is configured for the peer if that is a stream. A marked
 * request is never marked again, so it crosses from node to node at most once.
 */

struct peer {
    int server_id;
    str uri; /* of the parameter, valid in every process */
    struct ip_addr address;
    int proto;
};

/* A value of the parameter, "2=sip:10.0.0.2:5060", which must stay. Returns NULL, or the reason why it is refused. */
const char *peer_add(char *text);
int peer_listen(void); /* in mod_init; 0 or -1 */

/* NULL: this node, or there is no peer with this server_id. */
const struct peer *peer_of_node(int node);
/* The peer that a message came from; NULL: a stranger. */
const struct peer *peer_of_source(const struct receive_info *from);

enum { PEER_RUID_MOST = 72 };

/* The binding to which a peer sends a request. */
struct peer_mark {
    const struct peer *from;
    unsigned aor_hash;
    str ruid; /* in the message, or until the process receives another request */
};

/* Returns false if the request has no mark, or not from a peer. */
bool peer_read_mark(struct sip_msg *msg, struct peer_mark *mark);

/* TMCB_REQUEST_FWDED: marks the request of a branch to a peer; nothing for another branch, or NULL. tm has copied the
   lumps for this branch. */
void peer_write_mark(struct sip_msg *msg, const struct ksr_branch *branch);

#endif
