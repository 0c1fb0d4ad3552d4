// SPDX-License-Identifier: GPL-2.0-or-later
#ifndef REFLOW_KAMAILIO_ROUTE_H
#define REFLOW_KAMAILIO_ROUTE_H

#include "kamailio/call/targets.h"

/* A request on its way to its targets. */
struct route {
    struct sip_msg *msg;
    const char *table;
    unsigned method;        /* Kamailio's bit; all of them where a dialog has settled what is taken */
    struct aor_names names; /* of the URI that was asked for */
    struct script_verdict verdict;
    enum script_outcome outcome;
    struct load *load;    /* of the request, held; NULL: it has been sent, or there was no memory */
    bool hears_responses; /* the policy may add targets beside those that ring */
    uint64_t policy_hash; /* of the version the call begins with */
};

/* Ask the policy's request hooks. False where the request ends here: answered, or to be dropped. */
bool route_ask_policy(struct route *route);

#endif
