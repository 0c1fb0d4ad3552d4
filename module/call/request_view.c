// SPDX-License-Identifier: BSD-2-Clause
#include "call/request_view.h"

#include <stdio.h>

#include "flow/source_number.h"

struct script_call request_view(const struct sip_message *request, struct text aor, const struct request_source *source,
                                uint64_t started_ms, char source_text[SOURCE_TEXT_MOST])
{
    int transport = snprintf(source_text, SOURCE_TEXT_MOST, "%s:", source->transport);
    size_t length = (size_t)transport + address_text(source->address, source->length, source->port,
                                                     source_text + transport, SOURCE_TEXT_MOST - (size_t)transport);
    return (struct script_call){.request = request,
                                .aor = aor,
                                .source = {source_text, length},
                                .started_ms = started_ms,
                                .source_number = source_number(source->address, source->length)};
}
