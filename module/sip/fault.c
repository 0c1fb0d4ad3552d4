// SPDX-License-Identifier: BSD-2-Clause
#include <stdio.h>

#include "core/code.h"
#include "sip/internal.h"

/* Describes what is wrong with a message. All parts of the text are static, so that it contains nothing that a peer
   sent. */

void sip_fault_set(struct sip_fault *fault, const struct sip_message *message, const char *at, uint16_t status,
                   const char *what)
{
    if (fault->status != 0)
        return;
    fault->status = status;
    fault->header = NULL;
    fault->what = what;
    fault->offset = at > message->bytes.at ? (uint32_t)(at - message->bytes.at) : 0;
}

void sip_fault_set_header(struct sip_fault *fault, const struct sip_message *message, const char *header,
                          const char *at, const char *what)
{
    if (fault->status != 0)
        return;
    sip_fault_set(fault, message, at, SIP_BAD_REQUEST, what);
    fault->header = header;
}

const char *sip_fault_text(const struct sip_fault *fault, char *out, size_t size)
{
    char where[32] = "";
    const char *what = fault->what != NULL ? fault->what : "this is not a SIP message";
    if (fault->offset > 0 || fault->header == NULL)
        snprintf(where, sizeof where, " at byte %lu", (unsigned long)fault->offset);
    snprintf(out, size, "%s%s%s%s", fault->header != NULL ? fault->header : "", fault->header != NULL ? ": " : "", what,
             where);
    return out;
}

const char *sip_fault_phrase(const struct sip_fault *fault, char *out, size_t size)
{
    char text[SIP_FAULT_SIZE];
    snprintf(out, size, "%s: %s", code_phrase(fault->status), sip_fault_text(fault, text, sizeof text));
    return out;
}
