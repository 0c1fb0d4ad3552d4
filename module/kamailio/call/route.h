// SPDX-License-Identifier: GPL-2.0-or-later
#ifndef REFLOW_KAMAILIO_ROUTE_H
#define REFLOW_KAMAILIO_ROUTE_H

#include "kamailio/call/caller.h"
#include "kamailio/call/targets.h"

/* The state of a request that is being routed. */
struct route {
    struct sip_msg *msg;
    const char *table;
    unsigned method;        /* Kamailio's bit of the method; all bits if a dialog determines the accepted methods */
    struct aor_names names; /* of the URI that was asked for */
    struct caller caller;   /* read if there is a policy */
    struct script_verdict verdict;
    enum script_outcome outcome;
    uint8_t role;                 /* enum role of the call */
    const struct peer_mark *mark; /* of the peer that has chosen the binding; NULL: none has */
    struct load *load;            /* of the request, held; NULL: it was sent, or there was no memory */
    bool by_request_uri;          /* that is the URI that was asked for */
    bool challenges;              /* the configuration shall challenge the sender */
    bool hears_responses;         /* the policy may add targets to the pending ones */
    uint64_t policy_hash;         /* of the version with which the call begins */
};

/* Calls the policy's request hooks. Returns false if the request ends here: answered, or dropped. */
bool route_ask_policy(struct route *route);

#endif
