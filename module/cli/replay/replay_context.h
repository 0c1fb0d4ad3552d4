// SPDX-License-Identifier: BSD-2-Clause
#ifndef REFLOW_CLI_REPLAY_CONTEXT_H
#define REFLOW_CLI_REPLAY_CONTEXT_H

#include "cli/replay/replay.h"
#include "core/decide.h"

/*
 * Which request a response belongs to: by Call-ID, CSeq and the branch of its top Via (RFC 3261 17.1.3); and which
 * branches belong together: those whose next Via is the same, for a proxy forked them from one request. Tables of a
 * bounded size: the oldest is given up for a new one.
 */

struct replay_contexts;

/* A request as a policy may ask for it. */
struct replay_call {
    struct sip_message *request;
    struct replay_address source, destination;
    int64_t time_us;
    bool tcp;
};

struct replay_branch {
    uint64_t group;   /* key of its group; 0: none */
    uint64_t relayed; /* key that the group has where the request was relayed further; 0: not worth a look */
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

/* The branch of a message, made where it is new. Good until the next call. */
struct replay_branch *replay_branch_of(struct replay_contexts *contexts, const struct sip_message *message);
/* The same for a record of a decision log: its target stands for the branch. */
struct replay_branch *replay_branch_of_record(struct replay_contexts *contexts, const struct replay_record *record);
/* Its group; NULL: it has none, or was given up. */
struct replay_group *replay_group_of(struct replay_contexts *contexts, const struct replay_branch *branch);

/* A request was seen. `call`: what to keep of it for policies, or NULL; taken over, freed where it is of no use. */
void replay_request_seen(struct replay_contexts *contexts, const struct sip_message *request, struct replay_call *call);
/* Somebody relayed this very request further: the response goes to the one who asked first. */
bool replay_was_relayed(const struct replay_contexts *contexts, const struct replay_branch *branch);

#endif
