// SPDX-License-Identifier: GPL-2.0-or-later
#ifndef REFLOW_KAMAILIO_BREADTH_H
#define REFLOW_KAMAILIO_BREADTH_H

#include "kamailio/call/call.h"

/*
 * How much one request may make Kamailio send: Max-Breadth (RFC 5393 section 5), loops, and the loads of flow/load.h,
 * which are in shared memory here, so that a request is known in whatever process it comes back.
 */

int breadth_create(void); /* mod_init; 0 or -1 */

/* The load of a request, to be given back with load_leave(). NULL: no shared memory, or the request has no Call-ID. */
struct load *breadth_load(struct sip_msg *msg);

/* 5393-4.a: has the request been here for this AOR, by way of this server? */
bool breadth_is_loop(struct sip_msg *msg, struct load *load, const str *aor);

/* Puts the load, which is held from now on, and the request's Max-Breadth into the call, and takes them back. */
void breadth_begin_call(struct call *call, struct sip_msg *msg, struct load *load);
void breadth_end_call(struct call *call);

uint32_t breadth_of(struct sip_msg *msg); /* its Max-Breadth */

/* Is there so little shared memory left that this request, which forks or has come back, must not begin? */
bool breadth_lacks_memory(const struct call *call, struct sip_msg *msg);

enum { BREADTH_OWN_LINES = 512 }; /* of ours in a request that is sent on, about */

/* The leg is being sent, as a request of about so many bytes. False: more than one request may send. A call without a
   load may. */
bool breadth_take(struct call *call, struct leg *leg, size_t bytes);
/* The leg has a final response, or is gone. Once or more often. */
void breadth_give_back(struct call *call, struct leg *leg);
void breadth_forget_legs(struct call *call); /* all of them */

/* TMCB_REQUEST_FWDED: write the branch's share into it. */
void breadth_write(struct sip_msg *msg, struct call *call);

int breadth_answer(struct sip_msg *msg, uint32_t status); /* 503 with Retry-After, or 440; returns 0 */

#endif
