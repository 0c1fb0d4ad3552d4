// SPDX-License-Identifier: GPL-2.0-or-later
#ifndef REFLOW_KAMAILIO_LOOKUP_H
#define REFLOW_KAMAILIO_LOOKUP_H

#include "kamailio/base/ksr.h"

#include "flow/binding.h"

/* A copy of usrloc's data about an AOR, so that nothing else is done under its lock. */

struct peer;
struct peer_mark;

struct found {
    str uri, received, path, instance, ruid, user_agent; /* instance without < > */
    sr_xavp_t *attributes; /* a copy of those of usrloc's xavp_contact, which belongs to the lookup; NULL: none */
    struct socket_info *socket;
    flow_id flow;
    time_t registered_at;
    unsigned aor_hash, reg_id, branch_flags;
    int connection_id;
    uint16_t q;
    const struct peer *peer; /* the node that has its flow; NULL: this one */
    bool contact_left;       /* if its flow is gone, its Contact can be called (3261-10.a) */
};

struct lookup {
    size_t count, text_bytes;
    unsigned lost, elsewhere, other_methods; /* bindings left out: enum flow_use, or they do not allow the method */
    int other_node;                          /* server_id of the last one of `elsewhere` */
    bool known;                              /* lookup_binding(): usrloc has it */
    struct found *found;
    struct found_block *block; /* the memory of `found`, and of the texts */
};

/* Finds the bindings to which a request of this method may be sent: without expired ones, and without those that
   cannot be reached from here (flow_use_of()). Returns 0, or -1: no such table, or no
   memory. Delete after success. */
int lookup_create(struct lookup *lookup, const char *table, const str *key, unsigned method);

/* Counts and logs the bindings of the AOR that were left out, and those of `found` whose flow is dead. */
void lookup_report(const struct lookup *lookup, const str *aor, unsigned dead, bool has_target);

/* Finds the one binding that a peer has named, if this node can reach it itself. Returns as lookup_create(). */
int lookup_binding(struct lookup *lookup, const char *table, const struct peer_mark *mark);
void lookup_delete(struct lookup *lookup);

#endif
