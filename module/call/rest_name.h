// SPDX-License-Identifier: BSD-2-Clause
#ifndef REFLOW_CALL_REST_NAME_H
#define REFLOW_CALL_REST_NAME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "call/request_view.h"
#include "core/text.h"

/* The names by which a destination rests because it asked for it or a policy wants it (3261-21.5.4.a): "address:port",
 * "address", "host:port" or "host". */

enum { REST_NAME_MOST = 255 };

/* Writes the canonical form of the name: lower case, an IPv6 address in its shortest form and in brackets. Returns
   the length; 0 if it is empty, or longer than REST_NAME_MOST. */
size_t rest_name_write(struct text name, char out[REST_NAME_MOST + 1]);

struct rest_destination {
    struct text address; /* with its port, as in reply.destination; empty: not known yet */
    struct text host;    /* from the URI of the destination; empty: a flow, or the URI has the address */
    uint32_t port;       /* of that URI, or its default */
};

/* Returns whether the destination rests under any of its names. `is_on` is called for each, as rest_name_write()
   writes it. */
bool rest_holds(const struct rest_destination *destination, bool (*is_on)(void *context, struct text name),
                void *context);

/* Writes the name by which a silent destination is remembered (3263-4.3.b): the word of the transport and "host:port",
   as in "udp:192.0.2.1:5060". The transport belongs to it, because a caller may choose one for which the destination
   has no socket. Returns as rest_name_write(). */
size_t silent_name_write(const char *transport, struct text destination, char out[REST_NAME_MOST + 1]);

/* Calls `end` with the names of the destinations that an accepted REGISTER shows to be alive: its source, and the
   nearest hop of its Path if that is at the address of the source. Such a destination is no longer tried last for
   bindings. A policy's own destination is: anybody who forges its address could delay the calls to it. */
void silent_names_end(const struct sip_message *request, const struct request_source *source,
                      void (*end)(void *context, struct text name), void *context);

#endif
