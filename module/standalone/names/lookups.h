// SPDX-License-Identifier: BSD-2-Clause
#ifndef REFLOW_STANDALONE_LOOKUPS_H
#define REFLOW_STANDALONE_LOOKUPS_H

#include "standalone/names/names.h"

/*
 * Lookups of single names, with the limits and the cache that names.h describes. Requests for records that are being
 * looked up share the answer. For names.c.
 */

struct lookups;

/* The answer, held for the call; NULL: there was no lookup, because of a limit or the end of the server. */
typedef void lookup_done(void *again, struct name_answer *answer);

/* Borrows the counters. Returns 0 or -ENOMEM. */
int lookups_new(struct lookups **out, const struct names_config *config, struct names_counters *counters);
void lookups_set_family(struct lookups *lookups, int family);

/* The cached answer, which belongs to the cache: hold it to keep it. NULL: nothing is cached. */
struct name_answer *lookups_known(struct lookups *lookups, enum name_kind kind, const char *name);

/* Whom a lookup counts for. */
struct lookup_owner {
    source_id source; /* 0: a source without a limit */
    bool chosen;      /* nobody but the policy has named the host */
};

/* Looks up what lookups_known() does not have, for this owner, until `due_ms` of the host's clock. `done` is called
   once, later, unless a negative errno is returned: -EAGAIN: too many requests wait; -ENOMEM; -ECANCELED:
   lookups_close(). */
int lookups_ask(struct lookups *lookups, struct lookup_owner owner, enum name_kind kind, const char *name,
                uint64_t due_ms, lookup_done *done, void *again);

/* Whether the hosts file of the machine has the name. */
bool lookups_hosts_file_has(struct lookups *lookups, const char *name);

/* Cancels all lookups and calls their `done` now. Run the loop until it is empty, then delete. */
void lookups_close(struct lookups *lookups);
void lookups_delete(struct lookups *lookups); /* NULL is fine */

#endif
