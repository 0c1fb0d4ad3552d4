// SPDX-License-Identifier: BSD-2-Clause
#include "standalone/server_private.h"

#include <stdio.h>

/* Responses of the server's own. */

/* The same for a retransmission: drawn from the request (RFC 3261 8.2.6.2, stateless use). */
static void make_tag(const struct server *server, const struct sip_message *request, char tag[20])
{
    uint64_t digest = table_digest(server->seed, sip_call_id(request));
    digest = table_digest(digest, sip_from_tag(request)) + sip_cseq(request);
    snprintf(tag, 20, "%016llx", (unsigned long long)table_digest(server->seed, (struct text){(char *)&digest, 8}));
}

static struct text write_answer(struct server *server, const struct sip_message *request, const struct peer *source,
                                const struct own_answer *own)
{
    char tag[20], received[64];
    make_tag(server, request, tag);
    struct sip_answer answer = {.status = own->status,
                                .phrase = own->phrase,
                                .fields = own->fields,
                                .to_tag = own->status == SIP_TRYING ? (struct text){NULL, 0} : text_of(tag),
                                .rport = address_port(&source->address)};
    address_host(&source->address, received, sizeof received);
    answer.received = text_of(received);
    sip_buffer_clear(&server->out);
    if (sip_answer(request, &answer, &server->out) != 0)
        return (struct text){NULL, 0};
    return (struct text){server->out.bytes, server->out.length};
}

void answer_stateless(struct server *server, const struct sip_message *request, const struct peer *source,
                      const struct own_answer *own)
{
    struct peer peer = server_response_peer(request, source);
    struct text bytes = write_answer(server, request, source, own);
    if (bytes.length > 0)
        server->config.wire->send(server->config.wire->context, &peer, bytes.at, bytes.length);
}

void answer(struct server *server, struct server_transaction *transaction, const struct own_answer *own)
{
    struct text bytes =
        write_answer(server, server_transaction_request(transaction), server_transaction_source(transaction), own);
    server_transaction_respond(transaction, own->status, bytes);
}

void answer_status(struct server *server, struct server_transaction *transaction, uint32_t status)
{
    struct own_answer own = {.status = status};
    answer(server, transaction, &own);
}
