// SPDX-License-Identifier: GPL-2.0-or-later
#ifndef REFLOW_KAMAILIO_WAITS_H
#define REFLOW_KAMAILIO_WAITS_H

#include "kamailio/ksr.h"

#include "flow/binding.h"

/*
 * Branches that wait for a response over a stream connection, in shared memory, by the other side's address: when it
 * closes they fail at once and not when a timer fires (5626-7.h). A wait is part of the call's record; its transaction
 * is found again by number, so that one which has ended meanwhile is none.
 */

struct wait {
    struct wait *next, **previous; /* under the lock of its bucket */
    uint64_t place;                /* digest of transport and remote address */
    unsigned hash_index, label;    /* of the transaction */
    char ruid[72];                 /* of the branch: tm's uac[].ruid */
    int ruid_length;
    bool added;
};

int waits_create(void); /* mod_init */
void waits_destroy(void);

/* 0: not a stream, nothing to wait for. */
uint64_t wait_place(const union sockaddr_union *remote, int proto);

/* Nothing happens where it was added before, or place is 0. remove: where it was not added. Any process. */
void wait_add(struct wait *wait, uint64_t place, const struct cell *t, const str *ruid);
void wait_remove(struct wait *wait);

/* Copies of those at a place, at most `most`; returns how many there are. */
size_t wait_list(uint64_t place, struct wait *copies, size_t most);
size_t wait_count(void);
/* The places that have any, at most `most`: for hosts without events. */
size_t wait_places(uint64_t *places, size_t most);

#endif
