// SPDX-License-Identifier: GPL-2.0-or-later
#ifndef REFLOW_KAMAILIO_ARENA_H
#define REFLOW_KAMAILIO_ARENA_H

#include "kamailio/base/ksr.h"

#include "base/host.h"
#include "core/text.h"

/*
 * Memory that grows and is freed all at once: a call needs one block of shared memory for itself, its targets and their
 * texts, and only a call that gets targets later needs more.
 */

struct arena_block;

struct arena {
    struct host host; /* allocates from here; freed blocks are returned together with the rest */
    const struct host *parent;
    char *at;
    size_t left;
    struct arena_block *blocks; /* beside the first */
};

/* `first` belongs to the caller and outlives the arena, which must not move. */
void arena_create(struct arena *arena, const struct host *parent, void *first, size_t size);
void arena_destroy(struct arena *arena);

void *arena_take(struct arena *arena, size_t size);    /* not zeroed; NULL without memory */
str arena_copy(struct arena *arena, struct text text); /* s is NULL without memory, or if the text is empty */

#endif
