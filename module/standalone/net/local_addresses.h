// SPDX-License-Identifier: BSD-2-Clause
#ifndef REFLOW_STANDALONE_LOCAL_ADDRESSES_H
#define REFLOW_STANDALONE_LOCAL_ADDRESSES_H

#include "base/host.h"
#include "standalone/net/peer.h"

/*
 * The addresses of the machine, for listeners on a wildcard address: the existing ones, the one from which the kernel
 * would send, and a short number for each, which flows contain. Ports do not count here. One thread.
 */

/* Numbers are 1 to LOCAL_ADDRESSES_MOST. Information from the kernel is read again after this time. */
enum { LOCAL_ADDRESSES_MOST = 1023, INTERFACES_MS = 5000, ROUTE_MS = 5000 };

struct local_addresses;

int local_addresses_new(struct local_addresses **out, const struct host *host); /* 0 or -ENOMEM */
void local_addresses_delete(struct local_addresses *addresses);                 /* NULL is fine */

/* The number of an address, which never changes. If all numbers are in use, the first one of the address family. 0:
   a wildcard address, or all numbers belong to the other family. */
uint16_t local_addresses_number(struct local_addresses *addresses, const union address *address);

/* The address with this number; false if no address has it. */
bool local_addresses_get(const struct local_addresses *addresses, uint16_t number, union address *address);

/* Returns whether an interface has the address now. */
bool local_addresses_have(struct local_addresses *addresses, const union address *address);

/* The number of an address of an interface, whose scope need not be known; 0: no interface has it now. */
uint16_t local_addresses_find(struct local_addresses *addresses, const union address *address);

/* The number of the address from which the kernel would send to `to`; 0: there is no route. */
uint16_t local_addresses_route(struct local_addresses *addresses, const union address *to);

/* Reports that the interfaces have changed, so that everything is read again. */
void local_addresses_refresh(struct local_addresses *addresses);

#endif
