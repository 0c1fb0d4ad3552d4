// SPDX-License-Identifier: BSD-2-Clause
#ifndef REFLOW_SCRIPT_STORE_H
#define REFLOW_SCRIPT_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/host.h"
#include "core/text.h"

/*
 * What policies keep, owned by C: counters, values with a time to live, sets. It outlives every version of a script and
 * is shared by all that are given it. Bounded in entries and bytes: what is full takes nothing new, and nothing that
 * lives makes room for it. Names are up to 128 bytes and share one namespace, values up to 4096; a set's members are
 * as long as names. What has expired is not there any more, whether it was removed yet or not; no call looks at
 * what lives on to find it. Hashes are keyed: names are chosen by callers.
 *
 * All memory is the host's; the host's lock, where it has one, is held around each call. 0 or a negative error:
 * -EINVAL for an empty name, -ENAMETOOLONG, -EMSGSIZE for a value, -ENOSPC, -ENOMEM, -EEXIST where the name is of
 * another kind, and what stands below. After an error the store is as it was.
 */

struct store;

enum { STORE_NAME_MOST = 128, STORE_VALUE_MOST = 4096 };

struct store_limits {
    uint32_t entries; /* 0: 65536; of all kinds, members of sets counted, and the sets beside them */
    size_t bytes;     /* of names and values; 0: 16 MiB */
};

int store_new(struct store **out, const struct host *host, const struct store_limits *limits);
void store_delete(struct store *store); /* NULL is fine */

/* Counters: add (may be negative) and read. -EOVERFLOW. One that comes to 0 takes no room: it is absent. */
int store_add(struct store *store, struct text name, int64_t amount, int64_t *value);
int store_count(const struct store *store, struct text name, int64_t *value); /* absent: 0 */

/* Values: ttl in ms, 0: until forgotten. *value is good until the next call that changes the store. -ENOENT. */
int store_put(struct store *store, struct text name, struct text value, uint64_t ttl_ms);
int store_get(const struct store *store, struct text name, struct text *value);
/* The same, copied to `buffer` of STORE_VALUE_MOST bytes: for stores that others change meanwhile. */
int store_copy(const struct store *store, struct text name, char *buffer, size_t *length);

/* Sets of texts, members with a time to live each; a member that is there gets a new one. A set is there while it has
   members. visit runs under the lock: it neither calls the store nor jumps out; false stops. */
int store_insert(struct store *store, struct text set, struct text member, uint64_t ttl_ms);
bool store_contains(const struct store *store, struct text set, struct text member);
int store_erase(struct store *store, struct text set, struct text member); /* -ENOENT */
size_t store_size(const struct store *store, struct text set);
int store_members(const struct store *store, struct text set, bool (*visit)(void *context, struct text member),
                  void *context);

/* Forget a name of any kind. -ENOENT. */
int store_forget(struct store *store, struct text name);

/* Remove what has expired, and what is left of large sets that were forgotten, at most `most`; returns how many. */
size_t store_expire(struct store *store, size_t most);

/* With what has expired or was forgotten and is not removed yet. */
size_t store_entries(const struct store *store);
size_t store_bytes(const struct store *store);

#endif
