// SPDX-License-Identifier: BSD-2-Clause
#ifndef REFLOW_CALL_REQUEST_VIEW_H
#define REFLOW_CALL_REQUEST_VIEW_H

#include "script/engine/engine.h"

/* What policies see of a request. */

enum { SOURCE_TEXT_MOST = 80, ADDRESS_TEXT_MOST = 64 };

/* Where a request came from. */
struct request_source {
    const char *transport; /* "udp" */
    const void *address;   /* its 4 or 16 bytes in network order */
    size_t length;
    uint16_t port;
};

/* Writes "192.0.2.1:5060" or "[2001:db8::1]:5060" (RFC 5952) into `out`, with a NUL, and returns the length. The text
   is cut if it does not fit; ADDRESS_TEXT_MOST bytes are always enough. */
size_t address_text(const void *address, size_t length, uint16_t port, char *out, size_t size);

/* Returns what policy hooks see as `call`. The result borrows the request, the AOR and `source_text`, which receives
   call.source: "udp:192.0.2.1:5060". */
struct script_call request_view(const struct sip_message *request, struct text aor, const struct request_source *source,
                                uint64_t started_ms, char source_text[SOURCE_TEXT_MOST]);

#endif
