// SPDX-License-Identifier: BSD-2-Clause
#ifndef REFLOW_STANDALONE_PROXY_HEADER_H
#define REFLOW_STANDALONE_PROXY_HEADER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * The header of the PROXY protocol, versions 1 (a line of text) and 2 (binary), at the start of a stream: "The PROXY
 * protocol", HAProxy Technologies, 2020-03-05. The destination address and the TLVs of version 2 are skipped.
 */

enum {
    PROXY_HEADER_LINE = 107, /* longest line of version 1, with its CRLF */
    PROXY_HEADER_MOST = 4096 /* longest header of version 2 that is accepted, including TLVs */
};

enum proxy_outcome {
    PROXY_MORE,  /* incomplete: read more bytes; never for PROXY_HEADER_MOST bytes */
    PROXY_NAMED, /* it names the client */
    PROXY_OWN,   /* LOCAL, UNKNOWN, AF_UNSPEC: the connection's own address is that of the client */
    PROXY_BROKEN /* no header, or one that is not acceptable */
};

struct proxy_header {
    size_t length;       /* of the header, for PROXY_NAMED and PROXY_OWN; the stream follows */
    bool ipv6;           /* the client, for PROXY_NAMED; an IPv4 address that was written as IPv6 is an IPv4 address */
    uint8_t address[16]; /* in network order; 4 bytes for IPv4. Never unspecified, multicast or broadcast */
    uint16_t port;       /* may be 0: a balancer that changes addresses may not know the port */
    const char *fault;   /* for PROXY_BROKEN: a sentence without a full stop; a static string */
};

/* Examines the first `available` bytes of a stream, at least one. Bytes that cannot begin a header are PROXY_BROKEN at
   once, however few they are. */
enum proxy_outcome proxy_header_read(const char *bytes, size_t available, struct proxy_header *header);

#endif
