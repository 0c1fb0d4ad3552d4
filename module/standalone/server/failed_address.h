// SPDX-License-Identifier: BSD-2-Clause
#ifndef REFLOW_STANDALONE_FAILED_ADDRESS_H
#define REFLOW_STANDALONE_FAILED_ADDRESS_H

#include "standalone/server/server.h"

/*
 * Addresses that only a policy named and that have failed: by a transport error, by a 503, or by silence (3263-4.3.a).
 * Each is tried after the other addresses of its name (3263-4.3.b), until something is received from it. So that no
 * caller has to find out, the server itself sends an OPTIONS to it from time to time. Addresses that strangers can name
 * get no such request (rest.h). An address is forgotten after a day in which no request wanted it. There are at most
 * FAILED_MOST; further ones are not stored.
 */

enum { FAILED_MOST = 1024 };

struct branch;

struct failure {
    struct text name; /* that led to the address, as silent_name_write() writes it; empty: the URI has the address */
    bool silent;      /* nothing at all was received */
    bool name_silent; /* nor from any other address of the name */
};

/* Stores the address of the branch, or updates it. */
void failed_address_note(const struct branch *branch, const struct failure *failure);

/* Something was received from the address. Over TLS, the address stays failed for other domains than the one that it
   has proved. */
void failed_address_end(struct server *server, enum transport transport, const union address *address,
                        struct text domain);
/* Something was received from an address of the name. */
void failed_name_end(struct server *server, struct text name);

enum address_state { ADDRESS_FINE, ADDRESS_FAILED, ADDRESS_SILENT };
enum address_state failed_address_state(const struct server *server, enum transport transport,
                                        const union address *address, struct text domain);
bool failed_name_is_silent(const struct server *server, struct text name);
/* A request wants the address: if it has failed, it is kept for another day. */
void failed_address_want(struct server *server, enum transport transport, const union address *address,
                         struct text domain);

size_t failed_address_count(const struct server *server);
size_t failed_address_silent(const struct server *server);
void failed_addresses_clear(struct server *server);

#endif
