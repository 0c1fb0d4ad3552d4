// SPDX-License-Identifier: GPL-2.0-or-later
#ifndef REFLOW_KAMAILIO_WAITS_H
#define REFLOW_KAMAILIO_WAITS_H

#include "kamailio/base/ksr.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

/*
 * Branches that wait for a response over a stream connection, in shared memory, by the connection's number: when it
 * dies they fail at once and not when a timer fires (5626-7.h). A wait is part of the call's record; its transaction
 * is found again by number, so that one which has ended meanwhile is none.
 */

struct wait {
    struct wait *next, **previous; /* under the lock of its bucket */
    int connection;                /* 0: it was gone when the branch had been sent, or it was not sent */
    unsigned hash_index, label;    /* of the transaction */
    unsigned branch;               /* of it */
    bool opening;                  /* only until the connection is open */
    bool added;                    /* under that lock too */
    atomic_bool claimed;           /* by the one process that adds it; never again */
};

int waits_create(void); /* mod_init */
void waits_destroy(void);

/* After a branch was sent (TMCB_REQUEST_OUT), or tm keeps it for its timer because that failed (failure_exec_mode):
   then it fails at once as well. Nothing happens where it goes over no stream, or was added before. `own_flow`: the
   connection is the binding's flow; otherwise it is watched only while Kamailio opens it, for a response may come over
   another. remove: nothing happens where it was not added. Any process. */
void wait_add(struct wait *wait, const struct cell *t, unsigned branch, bool own_flow);
void wait_remove(struct wait *wait);

/* Take those on a dead connection out, at most `most`, and give copies; returns how many. */
size_t wait_take(int connection, struct wait *copies, size_t most);
bool wait_is_on(int connection);
/* The connection is open: those that waited for that alone are taken out. */
void wait_opened(int connection);
size_t wait_count(void);
/* The connections that have any, at most `most` of them, from *cursor on (0 first; 0 again at the end). */
size_t wait_connections(unsigned *cursor, int *connections, size_t most);

/* The keeper's: it is about to sleep for long, until the first wait is added. Readable then: wait_bell(). */
void waits_arm_bell(void);
int wait_bell(void);
void waits_quiet_bell(void);

#endif
