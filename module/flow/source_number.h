// SPDX-License-Identifier: BSD-2-Clause
#ifndef REFLOW_FLOW_SOURCE_NUMBER_H
#define REFLOW_FLOW_SOURCE_NUMBER_H

#include <stddef.h>
#include <stdint.h>

/*
 * The number of a source, whose messages are counted together: one IPv4 address, or the /64 of an IPv6 address, because
 * one host may use all addresses of its /64. IPv4 addresses on an IPv6 socket (::ffff:a.b.c.d) count as IPv4. `address`
 * has 4 or 16 bytes in network order. Never 0, which means an unknown source.
 */
uint64_t source_number(const void *address, size_t length);

#endif
