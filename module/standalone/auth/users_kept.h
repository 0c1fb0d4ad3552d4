// SPDX-License-Identifier: BSD-2-Clause
#ifndef REFLOW_STANDALONE_USERS_KEPT_H
#define REFLOW_STANDALONE_USERS_KEPT_H

#include "base/host.h"
#include "base/table.h"
#include "standalone/auth/users_aor.h"

/* Secrets that were read from the users file, so that the file is not read for each request. The owner empties them
   when the file changes. If there is no room, the secret that was kept first goes. One thread. */

enum { USERS_KEPT_DEFAULT = 65536 };

struct kept_secret;

struct users_kept {
    const struct host *host;
    size_t most;
    struct table table;
    struct kept_secret *oldest, *newest; /* in the order in which they were kept */
};

/* Which secret: of this user, for this algorithm, and for a digest username of this kind. */
struct users_key {
    struct text aor;
    enum auth_algorithm algorithm;
    enum users_name name;
};

/* In place. most: secrets; 0: USERS_KEPT_DEFAULT. Returns 0 or -ENOMEM. */
int users_kept_create(struct users_kept *kept, const struct host *host, size_t most);
void users_kept_destroy(struct users_kept *kept); /* also all zero */

/* Overwrites all of them. */
void users_kept_clear(struct users_kept *kept);

/* Replaces the secret of this key. Without memory, none is kept for it. */
void users_kept_put(struct users_kept *kept, const struct users_key *key, const char *ha1);
void users_kept_remove(struct users_kept *kept, const struct users_key *key);

/* Calls `each` with the AOR of every secret; a user with several secrets has several calls. */
void users_kept_each(const struct users_kept *kept, void (*each)(void *context, struct text aor), void *context);

bool users_kept_find(const struct users_kept *kept, const struct users_key *key, char ha1[HA1_SIZE]);

#endif
