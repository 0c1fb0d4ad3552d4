// SPDX-License-Identifier: BSD-2-Clause
#include "standalone/server/server_private.h"
#include "standalone/server/allowance.h"

void server_refused(struct server *server, const struct sip_message *request, const struct peer *source,
                    enum refusal reason, uint32_t status, const char *detail)
{
    const struct refused refused = {
        .source = source, .request = request, .reason = reason, .status = status, .detail = detail};
    refusals_note(&server->refusals, &refused);
}

void server_connection_refused(struct server *server, const struct peer *source, enum refusal reason, uint32_t status,
                               const char *detail)
{
    server_refused(server, NULL, source, reason, status, detail);
}
