// SPDX-License-Identifier: GPL-2.0-or-later
#ifndef REFLOW_KAMAILIO_LOOKUP_H
#define REFLOW_KAMAILIO_LOOKUP_H

#include "kamailio/base/ksr.h"

#include "flow/binding.h"

/* A copy of usrloc's data about an AOR, so that nothing else is done under its lock. */

struct found {
    str uri, received, path, instance, ruid; /* instance without < > */
    struct socket_info *socket;
    flow_id flow;
    time_t registered_at;
    unsigned aor_hash, reg_id, branch_flags;
    int connection_id;
    uint16_t q;
    bool contact_left; /* if its flow is gone, its Contact can be called (3261-10.a) */
};

struct lookup {
    size_t count, text_bytes;
    bool other_methods; /* a binding was left out because it does not allow the method */
    struct found *found;
};

/* Finds the bindings to which a request of this method may be sent: without expired ones, and without those that
   only a flow of another node or of an earlier run leads to (5626-7.e). Returns 0, or -1: no such table, or no
   memory. Delete after success. */
int lookup_create(struct lookup *lookup, const char *table, const str *key, unsigned method);
void lookup_delete(struct lookup *lookup);

#endif
