// SPDX-License-Identifier: BSD-2-Clause
#ifndef REFLOW_CLI_REPLAY_CONTEXT_H
#define REFLOW_CLI_REPLAY_CONTEXT_H

#include "cli/replay/replay.h"
#include "core/decide.h"

/*
 * Finds the request of a response by Call-ID, CSeq and the branch of the topmost Via (RFC 3261 17.1.3), and the
 * branches that belong together: those with the same next Via, because a proxy forked them from one request. The tables
 * are bounded: the oldest entry is removed for a new one.
 */

struct replay_contexts;

/* A request, for policies. */
struct replay_call {
    struct sip_message *request;
    struct replay_address source, destination;
    int64_t time_us;
    bool tcp;
};

struct replay_branch {
    uint64_t group;   /* key of its group; 0: none */
    uint64_t relayed; /* key of the group if the request was relayed further; 0: not needed */
    struct replay_call *call;
    uint32_t group_number; /* where it was */
    bool request_seen, in_dialog, provisional_seen, has_final;
};

struct replay_group {
    struct state state; /* branches_pending counts all of them here */
};

int replay_contexts_new(struct replay_contexts **out, const struct host *host, uint32_t size);
void replay_contexts_delete(struct replay_contexts *contexts); /* NULL is fine */
uint64_t replay_contexts_forgotten(const struct replay_contexts *contexts);

/* The branch of a message, created if it is new. Valid until the next call. */
struct replay_branch *replay_branch_of(struct replay_contexts *contexts, const struct sip_message *message);
/* The same for a record of a decision log: its target identifies the branch. */
struct replay_branch *replay_branch_of_record(struct replay_contexts *contexts, const struct replay_record *record);
/* The group of the branch; NULL: none, or removed. */
struct replay_group *replay_group_of(struct replay_contexts *contexts, const struct replay_branch *branch);

/* Records a request. `call` is its data for policies, or NULL; it is taken over, and freed if it is not needed. */
void replay_request_seen(struct replay_contexts *contexts, const struct sip_message *request, struct replay_call *call);
/* Another proxy relayed this request further: the response belongs to its first sender. */
bool replay_was_relayed(const struct replay_contexts *contexts, const struct replay_branch *branch);

#endif
