// SPDX-License-Identifier: BSD-2-Clause
#ifndef REFLOW_CALL_REQUEST_VIEW_H
#define REFLOW_CALL_REQUEST_VIEW_H

#include "base/address_text.h"
#include "script/engine/engine.h"

/* What policies see of a request. */

enum { SOURCE_TEXT_MOST = 80 };

/* Where a request came from. */
struct request_source {
    const char *transport; /* "udp" */
    const void *address;   /* its 4 or 16 bytes in network order */
    size_t length;
    uint16_t port;
};

/* Returns what policy hooks see as `call`. The result borrows the request, the AOR and `source_text`, which receives
   call.source: "udp:192.0.2.1:5060". */
struct script_call request_view(const struct sip_message *request, struct text aor, const struct request_source *source,
                                uint64_t started_ms, char source_text[SOURCE_TEXT_MOST]);

#endif
