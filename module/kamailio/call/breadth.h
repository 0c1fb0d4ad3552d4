// SPDX-License-Identifier: GPL-2.0-or-later
#ifndef REFLOW_KAMAILIO_BREADTH_H
#define REFLOW_KAMAILIO_BREADTH_H

#include "flow/load.h"
#include "kamailio/call/call.h"

/*
 * Limits what one request makes Kamailio send: Max-Breadth (RFC 5393 section 5), loops, and the loads of flow/load.h,
 * which are in shared memory here, so that a returning request is recognised in every process.
 */

int breadth_create(void); /* mod_init; 0 or -1 */

/* What is in flight now. From any process after mod_init. */
struct load_counts breadth_counts(void);

/* The load of a request, to be released with load_leave(). NULL: no shared memory, or the request has no Call-ID. */
struct load *breadth_load(struct sip_msg *msg);

/* 5393-4.a: returns whether the request was at this server before for this AOR. */
bool breadth_is_loop(struct sip_msg *msg, struct load *load, const str *aor);

/* Stores the load, which is held from now on, and the request's Max-Breadth in the call, or removes them. */
void breadth_begin_call(struct call *call, struct sip_msg *msg, struct load *load);
void breadth_end_call(struct call *call);

uint32_t breadth_of(struct sip_msg *msg); /* its Max-Breadth */

/* Returns whether so little shared memory is left that this request, which forks or has returned, must not be
   started. */
bool breadth_lacks_memory(const struct call *call, struct sip_msg *msg);

enum { BREADTH_OWN_LINES = 512 }; /* approximate size of this server's header fields in a forwarded request */

/* The branch is being sent, as a request of about this many bytes. Returns false if the request has reached its
   limit. A call without a load has no limit. */
bool breadth_take(struct call *call, struct ksr_branch *branch, size_t bytes);
/* The branch has a final response, or is gone. May be called more than once. */
void breadth_give_back(struct call *call, struct ksr_branch *branch);

/* TMCB_REQUEST_FWDED: writes the branch's share into the request. */
void breadth_write(struct sip_msg *msg, struct call *call);

int breadth_answer(struct sip_msg *msg, uint32_t status); /* 503 with Retry-After, or 440; returns 0 */

#endif
