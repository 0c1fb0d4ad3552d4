// SPDX-License-Identifier: GPL-2.0-or-later
#ifndef REFLOW_KAMAILIO_WAITS_H
#define REFLOW_KAMAILIO_WAITS_H

#include "kamailio/base/ksr.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

/*
 * Branches that wait for a response over a stream connection, in shared memory, by the number of the connection: when
 * it dies they fail at once and not after a timer (5626-7.h). A wait is part of the call's record. Its transaction is
 * found by number, so that one that has ended meanwhile is not found.
 */

struct wait {
    struct wait *next, **previous; /* under the lock of its bucket */
    int connection;                /* 0: the connection was gone after the branch was sent, or it was not sent */
    unsigned hash_index, label;    /* of the transaction */
    unsigned branch;               /* of it */
    bool opening;                  /* only until the connection is open */
    bool added;                    /* under that lock too */
    atomic_bool claimed;           /* set by the process that adds it; never changed */
};

int waits_create(void); /* mod_init */
void waits_destroy(void);

/* Adds a wait after a branch was sent (TMCB_REQUEST_OUT), or after sending failed and tm keeps it for its timer
   (failure_exec_mode): then it fails at once as well. Does nothing if the branch does not use a stream or was added
   before. `own_flow`: the connection is the binding's flow; otherwise it is watched only while Kamailio opens it,
   because a response may arrive over another one. remove does nothing if it was not added. From any process. */
void wait_add(struct wait *wait, const struct cell *t, unsigned branch, bool own_flow);
void wait_remove(struct wait *wait);

/* Removes at most `most` waits on a dead connection and copies them; returns their number. */
size_t wait_take(int connection, struct wait *copies, size_t most);
bool wait_is_on(int connection);
/* Reports that the connection is open: waits for that event only are removed. */
void wait_opened(int connection);
size_t wait_count(void);
/* Lists at most `most` connections with waits, from *cursor on (0 first; 0 again at the end). */
size_t wait_connections(unsigned *cursor, int *connections, size_t most);

/* For the keeper, before a long sleep until the first wait is added; wait_bell() is then readable. */
void waits_arm_bell(void);
int wait_bell(void);
void waits_quiet_bell(void);

#endif
