// SPDX-License-Identifier: BSD-2-Clause
#ifndef REFLOW_STANDALONE_BINDING_LIST_H
#define REFLOW_STANDALONE_BINDING_LIST_H

#include "standalone/server/server.h"

/* The bindings of the server, for an operator. */

enum { BINDING_LIST_STANDARD = 1000, BINDING_LIST_MOST = 100000 };

struct binding_list_query {
    const char *aor; /* an address, with or without "sip:"; NULL: all */
    uint32_t limit;  /* how many are listed at most; 0: BINDING_LIST_STANDARD */
    bool json;       /* one object, otherwise one line for each binding */
};

/* Appends the list to `out`. As text, a line for each binding: AOR, instance, reg-id, transport, remote address, age
   and expiry in seconds, "-" for what there is not; a last line says how many are left out. Returns 0, -EINVAL if the
   AOR is not an address, -ENOENT if it has no bindings, or -ENOMEM. */
int binding_list(struct server *server, const struct host *host, const struct binding_list_query *query,
                 struct sip_buffer *out);

#endif
