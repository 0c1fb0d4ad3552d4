// SPDX-License-Identifier: GPL-2.0-or-later
#ifndef REFLOW_KAMAILIO_CALLER_H
#define REFLOW_KAMAILIO_CALLER_H

#include "kamailio/base/ksr.h"

#include "script/engine/engine.h"

/* Who has sent a request, as policies see it: call.user, call.registered, call.trunk. */

enum { CALLER_USER_MOST = 256 };

struct caller {
    char user[CALLER_USER_MOST]; /* the authenticated AOR without its scheme; empty: not authenticated */
    struct text trunk;           /* as the parameter `trunk` has it, valid in every process; empty: no trunk */
    bool registered;             /* a current binding of the AOR in From was made over the flow of the request */
};

/* Reads all of it, with the bindings of this table. The message has not been changed since it came. */
void caller_read(struct sip_msg *msg, const char *table, struct caller *caller);
/* Sets the values in *call, which borrows the caller. */
void caller_show(const struct caller *caller, struct script_call *call);

/* 3261-16.3.a: no policy may send the request to anything but bindings. */
bool caller_is_bound(const struct caller *caller, struct sip_msg *msg);

/* A value of the parameter `trunk`, which must stay. Returns NULL, or the reason why it is refused. */
const char *caller_add_trunk(char *text);

/* Notes that an authentication module has accepted the credentials of this message, whose user is call.user from now
   on. Returns 1, or -1: no authentication module has looked at any. Kamailio itself does not keep the outcome: the
   credentials count as authorized for $au as soon as their realm was found, before the password is checked. */
int sip_authenticated(struct sip_msg *msg);

#endif
