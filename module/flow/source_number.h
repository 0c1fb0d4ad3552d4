// SPDX-License-Identifier: BSD-2-Clause
#ifndef REFLOW_FLOW_SOURCE_NUMBER_H
#define REFLOW_FLOW_SOURCE_NUMBER_H

#include <stddef.h>
#include <stdint.h>

/*
 * Whose messages are counted together: those of one IPv4 address, or of the /64 of an IPv6 address, because one host
 * may use all addresses of its /64. IPv4 addresses that an IPv6 socket shows (::ffff:a.b.c.d) count as IPv4.
 * `address`: its 4 or 16 bytes in network order. Never 0, which stands for a source that is not known.
 */
uint64_t source_number(const void *address, size_t length);

#endif
