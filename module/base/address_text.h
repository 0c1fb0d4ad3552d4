// SPDX-License-Identifier: BSD-2-Clause
#ifndef REFLOW_BASE_ADDRESS_TEXT_H
#define REFLOW_BASE_ADDRESS_TEXT_H

#include <stddef.h>
#include <stdint.h>

enum { ADDRESS_TEXT_MOST = 54 }; /* "[...]:65535" and the NUL */

/* Both take an address of 4 or 16 bytes in network order, write it into `out` with a NUL, and return the length. A text
   that does not fit is cut; of 0 bytes nothing is written. Their speed matters: they run many times for each call. */

/* "192.0.2.1", "2001:db8::1" (RFC 5952) */
size_t host_text(const void *address, size_t length, char *out, size_t size);

/* "192.0.2.1:5060", "[2001:db8::1]:5060"; ADDRESS_TEXT_MOST bytes are always enough. */
size_t address_text(const void *address, size_t length, uint16_t port, char *out, size_t size);

#endif
