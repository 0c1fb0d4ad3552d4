// SPDX-License-Identifier: BSD-2-Clause
#ifndef REFLOW_STANDALONE_DOMAINS_H
#define REFLOW_STANDALONE_DOMAINS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/host.h"
#include "core/text.h"

/*
 * The domains that a server is responsible for: a set of names, compared without regard to case and to a dot at the
 * end. IPv6 addresses, with or without brackets, are compared by value (5954-4.a).
 */

enum { DOMAINS_MOST = 4096 };

struct domains;

int domains_new(struct domains **out, const struct host *host); /* 0 or -ENOMEM */
void domains_delete(struct domains *domains);                   /* NULL is fine */

/* Returns 0, also if the name exists already; -EINVAL: not a host name or address; -ENOSPC: there are DOMAINS_MOST
   already; -ENOMEM. On failure the set is unchanged. */
int domains_add(struct domains *domains, struct text name);

/* Adds the names in a file, one on each line. Blank lines, text after a # and a CR at the end of a line are ignored.
   Returns 0, or a negative errno with one line in `error` that names the file and the line; some of the names may
   then have been added. */
int domains_add_file(struct domains *domains, const char *path, char *error, size_t error_size);

/* Also false for NULL domains. */
bool domains_have(const struct domains *domains, struct text host);
size_t domains_count(const struct domains *domains);

#endif
