// SPDX-License-Identifier: BSD-2-Clause
#include "standalone/server/allowance.h"
#include "standalone/server/server_private.h"
#include "standalone/server/caller.h"
#include "standalone/server/context.h"

#include "script/base/emergency.h"
#include "sip/frame.h"

/* What a source may still send, and whether it gets responses (source_limits.h); what is refused is counted and logged.
 */

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

/* Over a stream the source is banned now, and its accepted connections are closed. The message may have come over a
   connection that this server opened. */
static bool source_may_use(struct server *server, const struct peer *source, enum source_use use, enum refusal reason,
                           const char *detail)
{
    const struct wire *wire = server->config.wire;
    if (caller_trunk(server, source).length > 0 || source_may(server->config.sources, source, use))
        return true;
    server_refused(server, NULL, source, reason, 0, detail);
    if (transport_connects(source->transport))
        wire->close(wire->context, source->connection);
    return false;
}

bool server_may_read(struct server *server, const struct peer *source)
{
    return source_may_use(server, source, SOURCE_REQUEST, REFUSAL_REQUEST_LIMIT, NULL);
}

bool server_may_keep_alive(struct server *server, const struct peer *source)
{
    return source_may_use(server, source, SOURCE_KEEPALIVE, REFUSAL_REQUEST_LIMIT, "keep-alives");
}

/* The first line without its end. */
static struct text start_line(const char *bytes, size_t length)
{
    size_t skipped = sip_padding_length(bytes, length);
    struct text line = {bytes + skipped, length - skipped};
    const char *end = line.length > 0 ? memchr(line.at, '\r', line.length) : NULL;
    return end != NULL ? (struct text){line.at, (size_t)(end - line.at)} : line;
}

bool server_is_emergency(struct text uri)
{
    static const struct emergency no_numbers; /* the numbers of a policy are not known here */
    return emergency_is(&no_numbers, uri);
}

enum message_start message_start(const char *bytes, size_t length)
{
    struct text line = start_line(bytes, length);
    const char *first = line.length > 0 ? memchr(line.at, ' ', line.length) : NULL;
    const char *last = line.length > 0 ? memrchr(line.at, ' ', line.length) : NULL;
    if (line.length > 4 && text_equal_nocase((struct text){line.at, 4}, TEXT("SIP/")))
        return START_RESPONSE;
    if (first != last && server_is_emergency((struct text){first + 1, (size_t)(last - first) - 1}))
        return START_EMERGENCY;
    return START_OTHER;
}

static bool is_failure(uint32_t status)
{
    return status == SIP_BAD_REQUEST || status == SIP_UNAUTHORIZED || status == SIP_FORBIDDEN ||
           status == SIP_NOT_FOUND;
}

bool server_may_fail(struct server *server, const struct peer *source, bool proved)
{
    bool datagram = !transport_connects(source->transport);
    return source_may_use(server, source, datagram && proved ? SOURCE_PROVED_FAILURE : SOURCE_FAILURE,
                          REFUSAL_FAILURE_LIMIT, NULL);
}

bool server_may_answer(struct server *server, const struct sip_message *request, const struct peer *source,
                       uint32_t status)
{
    if (!is_failure(status) || server_is_emergency(sip_request_uri(request)))
        return true;
    return server_may_fail(server, source, false);
}
