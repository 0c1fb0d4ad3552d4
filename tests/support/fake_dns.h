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
 */
struct fake_dns {
    uv_udp_t udp;
    uv_tcp_t tcp;
    union address address;
    unsigned asked; /* queries for A records */
    unsigned asked_tcp;
};

void fake_dns_create(struct fake_dns *dns, uv_loop_t *loop);
void fake_dns_close(struct fake_dns *dns); /* run the loop until it is empty */

#endif
