// SPDX-License-Identifier: BSD-2-Clause
#ifndef REFLOW_SCRIPT_STORE_H
#define REFLOW_SCRIPT_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/host.h"
#include "core/text.h"

/*
 * The values that policies keep: counters, values with a time to live, and sets. The store belongs to C code, survives
 * every version of a script and is shared by all of them. It is limited in entries and bytes; when it is full, new
 * entries are refused, and no living entry is removed for them. Names have up to 128 bytes and share one namespace;
 * values have up to 4096 bytes; members of sets are limited like names. Expired entries are no longer visible, whether
 * they have been removed or not, and no call scans living entries to find them. Hashes are keyed, because callers
 * choose names.
 *
 * All memory is the host's. The host's lock, if there is one, is held during each call. Functions return 0 or a
 * negative error: -EINVAL for an empty name, -ENAMETOOLONG, -EMSGSIZE for a value, -ENOSPC, -ENOMEM, -EEXIST if the
 * name belongs to another kind, and those named below. After an error the store is unchanged.
 */

struct store;

enum { STORE_NAME_MOST = 128, STORE_VALUE_MOST = 4096 };

struct store_limits {
    uint32_t entries; /* 0: 65536; all kinds, including sets and their members */
    size_t bytes;     /* of names and values; 0: 16 MiB */
};

int store_new(struct store **out, const struct host *host, const struct store_limits *limits);
void store_delete(struct store *store); /* NULL is fine */

/* Counters: add (a negative number is allowed) and read. -EOVERFLOW. A counter that becomes 0 is removed and takes
   no room. */
int store_add(struct store *store, struct text name, int64_t amount, int64_t *value);
int store_count(const struct store *store, struct text name, int64_t *value); /* absent: 0 */

/* Values: ttl in ms; 0: until forgotten. *value is valid until the next call that changes the store. -ENOENT. */
int store_put(struct store *store, struct text name, struct text value, uint64_t ttl_ms);
/* Copies the value to `buffer` of STORE_VALUE_MOST bytes, because others may change the store meanwhile. -ENOENT. */
int store_copy(const struct store *store, struct text name, char *buffer, size_t *length);

/* Sets of texts. Each member has a time to live; inserting an existing member sets a new one. A set exists while it
   has members. visit runs under the lock, must neither call the store nor leave by a jump, and returns false to
   stop. */
int store_insert(struct store *store, struct text set, struct text member, uint64_t ttl_ms);
bool store_contains(const struct store *store, struct text set, struct text member);
int store_erase(struct store *store, struct text set, struct text member); /* -ENOENT */
size_t store_size(const struct store *store, struct text set);
int store_members(const struct store *store, struct text set, bool (*visit)(void *context, struct text member),
                  void *context);

/* Deletes a name of any kind. -ENOENT. */
int store_forget(struct store *store, struct text name);

/* Removes at most `most` expired entries and remaining members of large deleted sets; returns the number. */
size_t store_expire(struct store *store, size_t most);

/* Includes entries that have expired or were deleted but not yet removed. */
size_t store_entries(const struct store *store);

#endif
