// SPDX-License-Identifier: GPL-2.0-or-later
#ifndef REFLOW_KAMAILIO_TARGETS_H
#define REFLOW_KAMAILIO_TARGETS_H

#include "call/rest_name.h"
#include "kamailio/call/call.h"
#include "kamailio/call/lookup.h"

/* The names of one AOR. */
struct aor_names {
    str uri; /* "sip:bob@example.com", or the result of sip_aor() for another URI */
    str key; /* usrloc's; empty for a URI that has no bindings: of another scheme, except tel: without use_domain */
    char uri_text[512], key_text[512];
};

/* 0, or -1: a SIP URI without a user, no URI, or too long. */
int aor_names_read(struct aor_names *names, const str *uri);

/* The memory that a call with these targets needs. */
size_t targets_room(const struct lookup *lookup);

/* Adds the bindings as targets, except those on dead flows, which are reported. Returns the number of targets. */
size_t targets_add(struct call *call, const struct lookup *lookup, const str *aor);

/* The same for another AOR whose bindings are called together with those in the destination set. */
size_t targets_add_beside(struct call *call, const struct lookup *lookup, const str *aor);
/* Returns whether one of the bindings has a branch already. */
bool targets_know(struct call *call, const struct lookup *lookup);

/* Adds the flows that the instance of the target has registered since the call began (5626-7.b). Under tm's reply
   lock, or before the transaction. Returns their number. */
size_t targets_add_flows(struct call *call, const struct target *target);

/* Returns whether a branch can be added to the destination set. */
bool targets_set_is_full(void);
/* Returns true if its destination does not rest (3261-21.5.4.a) and its flow is not dead. */
bool targets_may_be_sent_to(const struct call *call, const struct ksr_branch *branch);

/* silent_name_write() for the URI to which requests on the branch are sent (3263-4.3.b). Returns the length, or 0. */
size_t targets_silent_name(const struct ksr_branch *branch, char out[REST_NAME_MOST + 1]);

/* 3261-10.a: another branch of the same target, to its Contact over a new connection because the flow of `branch` is
   gone. NULL: the Contact cannot be called or was called already, or no memory. */
struct ksr_branch *targets_branch_by_contact(struct call *call, struct ksr_branch *branch);

#endif
