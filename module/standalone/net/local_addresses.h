// SPDX-License-Identifier: BSD-2-Clause
#ifndef REFLOW_STANDALONE_LOCAL_ADDRESSES_H
#define REFLOW_STANDALONE_LOCAL_ADDRESSES_H

#include "base/host.h"
#include "standalone/net/peer.h"

/*
 * The machine's own addresses, for listeners on a wildcard address: which ones there are, which one the kernel would
 * send from, and a short number for each, which flows carry. Ports do not count here. One thread.
 */

/* Numbers go from 1 to LOCAL_ADDRESSES_MOST. What the kernel said is asked for again after so long. */
enum { LOCAL_ADDRESSES_MOST = 1023, INTERFACES_MS = 5000, ROUTE_MS = 5000 };

struct local_addresses;

int local_addresses_new(struct local_addresses **out, const struct host *host); /* 0 or -ENOMEM */
void local_addresses_delete(struct local_addresses *addresses);                 /* NULL is fine */

/* The number of an address, the same from now on. When all numbers are given, the first one of the address family. 0:
   the address is a wildcard, or all numbers are given to the other family. */
uint16_t local_addresses_number(struct local_addresses *addresses, const union address *address);

/* The address with this number; false if no address has it. */
bool local_addresses_get(const struct local_addresses *addresses, uint16_t number, union address *address);

/* Whether an interface has the address now. */
bool local_addresses_have(struct local_addresses *addresses, const union address *address);

/* The number of an address of an interface, whose scope need not be known; 0: no interface has it now. */
uint16_t local_addresses_find(struct local_addresses *addresses, const union address *address);

/* The number of the address that the kernel sends from on its way to `to`; 0: there is no way. */
uint16_t local_addresses_route(struct local_addresses *addresses, const union address *to);

/* The interfaces have changed: nothing that was read before counts. */
void local_addresses_refresh(struct local_addresses *addresses);

#endif
