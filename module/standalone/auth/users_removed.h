// SPDX-License-Identifier: BSD-2-Clause
#ifndef REFLOW_STANDALONE_USERS_REMOVED_H
#define REFLOW_STANDALONE_USERS_REMOVED_H

#include <stdbool.h>
#include <stddef.h>

#include "base/host.h"
#include "core/text.h"

/*
 * Finds the users that were removed from the users file: compares its AORs with those of the last time. A pass reads
 * them in the order of their bytes, in slices, because a file with many users must not hold up the server. Who is
 * missing in a slice is reported at once. One thread.
 */

enum { USERS_FOUND_MOST = 16 << 20 }; /* bytes of `found`; more are forgotten */

/* AORs in the order of their bytes, each with its NUL. */
struct users_names {
    char *bytes;
    size_t length, size;
};

struct users_removed {
    const struct host *host;
    void (*report)(void *context, const char *aor); /* may report a user again that was reported before */
    void *context;
    struct users_names known; /* of the last complete pass */
    struct users_names read;  /* of this pass */
    struct users_names found; /* in no order, since the last pass began; known to the next one */
    size_t compared;          /* bytes of `known` that this pass has reached */
    size_t last;              /* where in `read` the last AOR begins */
    size_t seen;              /* AORs of this slice */
    bool reads;               /* a pass is in progress */
    bool again;               /* the file has changed since it began */
    bool failed;              /* this pass: out of memory, or the AORs are not in order */
};

/* In place. Nobody is known yet, so that the first pass reports nobody. */
void users_removed_create(struct users_removed *removed, const struct host *host);
void users_removed_destroy(struct users_removed *removed); /* also all zero */

/* This user was found in the file since the last pass began, and the next pass looks for it, too: whoever was added and
   removed between two passes would be in neither. Call it before users_removed_begin(); context: struct users_removed.
 */
void users_removed_found(void *context, struct text aor);

/* The file has changed: begins a pass, at once or after the present one. */
void users_removed_begin(struct users_removed *removed);

/* The next slice is of the AORs after this one, which is "" at first. */
const char *users_removed_after(const struct users_removed *removed);

/* Takes the next AOR of a slice; context: struct users_removed. */
void users_removed_see(void *context, const char *aor);

/* Ends a slice. `most`: AORs that it could have had; the slice with fewer is the last one of the pass. A pass that has
   failed is given up, until the next change. */
void users_removed_end_slice(struct users_removed *removed, size_t most);

/* Gives up a pass. */
void users_removed_give_up(struct users_removed *removed);

#endif
