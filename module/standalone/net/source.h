// SPDX-License-Identifier: BSD-2-Clause
#ifndef REFLOW_STANDALONE_SOURCE_H
#define REFLOW_STANDALONE_SOURCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "standalone/net/peer.h"

/*
 * A source, whose messages are counted together: one IPv4 address, or the /64 of an IPv6 address, because one host may
 * use all addresses of its /64. IPv4 addresses on an IPv6 socket (::ffff:a.b.c.d) count as IPv4.
 */
typedef uint64_t source_id;

/* Never 0: the IPv6 address :: cannot be a source, and IPv4 addresses have other numbers. */
source_id source_of(const union address *address);

/* Only 127.0.0.1 and ::1, not the rest of 127.0.0.0/8. */
bool source_is_loopback(const union address *address);

/* Returns whether the address is of a kind that leads to different hosts in different networks (private, shared,
   link-local, unique local, loopback or unspecified), and `from` is not of the same block: a peer at `from` that names
   it is behind an address translation. */
bool address_is_private_elsewhere(const union address *address, const union address *from);

/* An address or a block of addresses. */
struct cidr {
    union address address; /* without port; bits past the prefix are 0 */
    uint8_t prefix;        /* in bits; for an IPv4 address, of the IPv4 address */
};

/* Parses "192.0.2.0/24" or "2001:db8::/32", brackets allowed; without a prefix, a single address.
   "::ffff:192.0.2.0/120" is "192.0.2.0/24". Returns NULL, or the reason why the text is refused. */
const char *cidr_parse(struct text text, struct cidr *cidr);
bool cidr_read(struct text text, struct cidr *cidr); /* the same; false: it is refused */
bool cidr_has(const struct cidr *cidr, const union address *address);

enum { TRUNKS_MOST = 128 };

/* The trunks: known by their address, or by the certificate that they show over TLS. The texts are borrowed. */
struct trunks {
    struct {
        struct cidr cidr;
        struct text text; /* as it was configured */
    } addresses[TRUNKS_MOST];
    size_t address_count;
    struct text domains[TRUNKS_MOST]; /* that a certificate must contain (RFC 5922 section 7) */
    size_t domain_count;
};

/* The text of the first trunk that has the address; empty: it is not a trunk's. NULL: there are no trunks. */
struct text trunk_of_address(const struct trunks *trunks, const union address *address);

#endif
