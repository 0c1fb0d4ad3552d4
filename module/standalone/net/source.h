// SPDX-License-Identifier: BSD-2-Clause
#ifndef REFLOW_STANDALONE_SOURCE_H
#define REFLOW_STANDALONE_SOURCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "standalone/net/peer.h"

/*
 * Whose messages are counted together: those of one IPv4 address, or of the /64 of an IPv6 address, because one host
 * may use all addresses of its /64. IPv4 addresses that an IPv6 socket shows (::ffff:a.b.c.d) count as IPv4.
 */
typedef uint64_t source_id;

/* Never 0: IPv6's :: cannot be a source, and IPv4 addresses are kept apart from it. */
source_id source_of(const union address *address);

/* 127.0.0.1 or ::1 themselves, not the rest of 127.0.0.0/8. */
bool source_is_loopback(const union address *address);

/* An address or a block of addresses. */
struct cidr {
    union address address; /* without port; bits past the prefix are 0 */
    uint8_t prefix;        /* in bits; of the IPv4 address where the address is one */
};

/* "192.0.2.0/24", "2001:db8::/32", brackets allowed; without a prefix the address alone. False where it is neither, the
   prefix is too long, or bits past it are set. */
bool cidr_read(struct text text, struct cidr *cidr);
bool cidr_has(const struct cidr *cidr, const union address *address);

#endif
