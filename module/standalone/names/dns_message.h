// SPDX-License-Identifier: BSD-2-Clause
#ifndef REFLOW_STANDALONE_DNS_MESSAGE_H
#define REFLOW_STANDALONE_DNS_MESSAGE_H

#include "standalone/names/name_answer.h"

/*
 * Reads the answer of a DNS server to a query for SRV (RFC 2782) or NAPTR records (RFC 3403), because c-ares returns
 * neither their TTLs nor that of a negative answer. Records of other names are ignored, aliases (CNAME) are followed
 * within the message, at most DNS_ALIASES_MOST of them. A TTL above 2^31 - 1 is 0 (RFC 2181 8). Of NAPTR records only
 * those are taken that RFC 3263 defines for a transport by which this server can call. Pure; never reads past `length`.
 */

enum {
    DNS_CLASS_IN = 1,
    DNS_TYPE_CNAME = 5,
    DNS_TYPE_SOA = 6,
    DNS_TYPE_SRV = 33,
    DNS_TYPE_NAPTR = 35,
    DNS_ALIASES_MOST = 8
};

/* NULL: no memory. NAME_NOT_FOUND with has_ttl: the lifetime of the negative answer, by its SOA record. */
struct name_answer *dns_message_read(const struct host *host, enum name_kind kind, const char *name,
                                     const uint8_t *bytes, size_t length);

#endif
