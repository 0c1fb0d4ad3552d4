// SPDX-License-Identifier: BSD-2-Clause
#include "call/request_view.h"

#include <string.h>

#include "flow/source_number.h"

struct script_call request_view(const struct sip_message *request, struct text aor, const struct request_source *source,
                                uint64_t started_ms, char source_text[SOURCE_TEXT_MOST])
{
    size_t length = strlen(source->transport);
    memcpy(source_text, source->transport, length);
    source_text[length++] = ':';
    length +=
        address_text(source->address, source->length, source->port, source_text + length, SOURCE_TEXT_MOST - length);
    return (struct script_call){.request = request,
                                .aor = aor,
                                .source = {source_text, length},
                                .started_ms = started_ms,
                                .source_number = source_number(source->address, source->length)};
}
