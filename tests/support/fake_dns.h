// SPDX-License-Identifier: BSD-2-Clause
#ifndef REFLOW_FAKE_DNS_H
#define REFLOW_FAKE_DNS_H

#include <uv.h>

#include "test.h"

#include "standalone/net/peer.h"

/*
 * A name server on 127.0.0.1, UDP and TCP, on the test's loop. The first label of a name, up to a digit, says how it
 * answers:
 *   good, short   192.0.2.1 with a TTL of 600 s or 1 s; good has 2001:db8::1 too
 *   many          20 addresses of each family, in TCP: UDP gets a truncated answer
 *   six           2001:db8::1 alone
 *   half          192.0.2.1, and silence where AAAA is asked for
 *   late          as good, after 300 ms
 *   silent        never
 *   missing       NXDOMAIN
 *   empty         no record of the type
 *   failing       SERVFAIL
 *   cut           truncated, and TCP closes without an answer
 *   id            as good, with another query id
 *   question      as good, for another question
 *   owner         an address of another name
 *   alias         as good, by an alias; the alias has a TTL of 2 s
 *   circle        two aliases that name each other
 *   pointer       a record whose name points to itself
 *   garbage       bytes that are no record
 *   header        a header that announces a record, and nothing else
 *   nothing       a datagram of 0 bytes
 * None of them has SRV or NAPTR records. A name with records in the zone is answered from there, and
 * so are the services of a host with records; an answer of more than 512 bytes over TCP alone.
 */
enum { FAKE_A = 1, FAKE_CNAME = 5, FAKE_SOA = 6, FAKE_AAAA = 28, FAKE_SRV = 33, FAKE_NAPTR = 35 };

/* A record of the zone. Names have no dot at the end; the root is "". */
struct fake_record {
    const char *name;
    uint16_t type;
    uint32_t ttl;
    uint16_t priority, weight, port;          /* SRV; of NAPTR the order and the preference */
    const char *target;                       /* SRV, NAPTR, CNAME; an address of A and AAAA */
    const char *flags, *service, *expression; /* NAPTR; NULL: "s", none, "" */
    const char *fault; /* NULL: none; otherwise queries of this name and type are answered as the word above says */
};

struct fake_dns {
    uv_udp_t udp;
    uv_tcp_t tcp;
    union address address;
    unsigned asked; /* queries for A records */
    unsigned asked_tcp, asked_srv, asked_naptr;
    const struct fake_record *zone;
    size_t zone_count;
    uint32_t soa_ttl, soa_minimum; /* of negative answers from the zone; 0: they have no SOA record */
};

void fake_dns_create(struct fake_dns *dns, uv_loop_t *loop);
void fake_dns_close(struct fake_dns *dns); /* run the loop until it is empty */

#endif
