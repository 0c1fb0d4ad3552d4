// SPDX-License-Identifier: BSD-2-Clause
#include "standalone/server/answer.h"
#include "standalone/server/server_private.h"
#include "standalone/address/destination.h"
#include "standalone/server/allowance.h"
#include "standalone/server/branch.h"
#include "standalone/server/context.h"
#include "standalone/server/heirs.h"
#include "standalone/address/own_side.h"
#include "standalone/address/way_back.h"
#include "script/engine/judge.h"
#include "base/writer.h"

#include <errno.h>
#include <stdio.h>

/* Responses that the server itself makes. */

enum { DATAGRAM_MOST = 65507 }; /* maximum payload of UDP over IPv4; over IPv6 it is a few bytes more */

/* The To tag must be the same for a retransmission, and for a CANCEL as for its INVITE (RFC 3261 8.2.7, 9.2), but
   not predictable: a keyed hash of values that the sender chose. The source is included: a sender that knows the tag
   has proved to be at that address, and at no other. */
static void make_tag(const struct server *server, const struct sip_message *request, const struct peer *source,
                     char tag[20])
{
    const struct hash_key *key = &server->tag_key;
    const struct sip_via *via = sip_top_via(request);
    const uint64_t numbers[] = {address_hash(key, &source->address), sip_cseq(request)};
    const struct text parts[] = {{(const char *)numbers, sizeof numbers},
                                 sip_call_id(request),
                                 sip_from_tag(request),
                                 via != NULL ? via->branch : (struct text){NULL, 0}};
    struct writer writer = writer_begin(tag, 20);
    writer_put_hex(&writer, 16, hash_texts(key, parts, sizeof parts / sizeof parts[0]));
    writer_end(&writer);
}

static struct text write_answer(struct server *server, const struct sip_message *request, const struct peer *source,
                                const struct own_answer *own)
{
    char tag[20] = "", received[64];
    if (own->status != SIP_TRYING)
        make_tag(server, request, source, tag);
    struct sip_answer answer = {.status = own->status,
                                .phrase = own->phrase,
                                .fields = own->fields,
                                .to_tag = text_of(tag),
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
    struct peer peer = server_response_peer(request, source, server->config.responses_to_source);
    if (!own->counted && !server_may_answer(server, request, source, own->status))
        return;
    struct text bytes = write_answer(server, request, source, own);
    struct cause cause = cause_of(source, sip_bytes(request).length);
    if (bytes.length > 0)
        amplification_send(&server->amplification, &cause, &peer, bytes);
}

static bool answer_is_allowed(struct server *server, const struct server_transaction *transaction, size_t length)
{
    const struct sip_message *request = server_transaction_request(transaction);
    const struct peer *source = server_transaction_source(transaction);
    struct peer peer = server_response_peer(request, source, server->config.responses_to_source);
    if (!transport_connects(peer.transport) && length > DATAGRAM_MOST)
        return false;
    return amplification_allows(&server->amplification, server_transaction_cause(transaction), &peer, length);
}

bool answer_is_acknowledged(const struct server *server, const struct sip_message *ack, const struct peer *source)
{
    char tag[20];
    make_tag(server, ack, source, tag);
    return text_equal(sip_to_tag(ack), text_of(tag));
}

static struct text write_own(struct server *server, const struct server_transaction *transaction,
                             const struct own_answer *own)
{
    return write_answer(server, server_transaction_request(transaction), server_transaction_source(transaction), own);
}

void answer(struct server *server, struct server_transaction *transaction, const struct own_answer *own)
{
    server_transaction_respond(transaction, own->status, write_own(server, transaction, own));
}

bool answer_if_allowed(struct server *server, struct server_transaction *transaction, const struct own_answer *own)
{
    struct text bytes = write_own(server, transaction, own);
    if (!answer_is_allowed(server, transaction, bytes.length))
        return false;
    server_transaction_respond(transaction, own->status, bytes);
    return true;
}

void answer_status(struct server *server, struct server_transaction *transaction, uint32_t status)
{
    struct own_answer own = {.status = status};
    answer(server, transaction, &own);
}

/* --- responses whose connection is gone (3261-18.2.2.a) --- */

static bool is_as_safe_as(const struct peer *peer, const struct peer *other)
{
    return transport_is_secure(peer->transport) || !transport_is_secure(other->transport);
}

/* The sender may have registered over a new connection since. */
static bool find_heir(const struct server *server, const struct server_transaction *transaction, struct peer *back)
{
    char aor[512];
    struct peer peer;
    const struct peer *source = server_transaction_source(transaction);
    int length =
        sip_aor(sip_from_uri(server_transaction_request(transaction)), server->config.aor_case, aor, sizeof aor);
    const struct former former = {.aor = {aor, length > 0 ? (size_t)length : 0}};
    flow_id heir = length > 0 ? heirs_find(server, peer_flow(source), &former) : 0;
    if (heir == 0 || !peer_of_flow(server, heir, &peer) || !transport_connects(peer.transport) ||
        !is_as_safe_as(&peer, source))
        return false;
    *back = peer;
    return true;
}

/* The request chooses only the port: the address is the one that the lost connection has proved. The name in its Via
   counts only where no connection to that address opens (way_back.h). */
bool answer_reopen(void *context, const struct server_transaction *transaction, struct peer *back)
{
    const struct server *server = context;
    const struct wire *wire = server->config.wire;
    const struct peer *source = server_transaction_source(transaction);
    const struct sip_via *via = sip_top_via(server_transaction_request(transaction));
    struct peer peer = *source;
    if (find_heir(server, transaction, back))
        return true;
    if (!transport_may_be_called(source->transport) || via == NULL || wire->reopen == NULL)
        return false;
    if (way_back_find(server, source, via, back))
        return true;
    peer.connection = 0;
    peer.named_by = source_that_names(server, source);
    address_set_port(&peer.address, via->port != 0 ? (uint16_t)via->port : transport_port(source->transport));
    if (wire->reopen(wire->context, &peer, via->host) != 0)
        return false;
    *back = peer;
    return true;
}

/* A trunk that was known by its certificate is no longer known by its connection. */
static source_id holder_of(const struct server *server, const struct server_transaction *transaction)
{
    const struct context *context = server_transaction_user(transaction);
    if (context != NULL && context->caller.trunk.length > 0)
        return 0;
    return caller_holder(server, server_transaction_request(transaction), server_transaction_source(transaction));
}

/* A flow with bindings is open: the sender has registered over it. */
void answer_reopened(void *context, const struct server_transaction *transaction, const struct peer *back, int result,
                     struct text bytes)
{
    struct server *server = context;
    const struct way_back_response response = {.source = server_transaction_source(transaction),
                                               .via = sip_top_via(server_transaction_request(transaction)),
                                               .holder = holder_of(server, transaction),
                                               .connection = result == 0 ? back->connection : 0,
                                               .bytes = bytes};
    bool unsent = result == -EPIPE;
    bool opening = result == 0 && binding_first_on_flow(server->bindings, back->connection) == NULL;
    if (response.via != NULL && (unsent || opening))
        way_back_keep(server, &response);
}

/* --- a policy's response to a request --- */

void verdict_note_refused(struct server *server, const struct script_verdict *verdict, enum rule_id rule)
{
    char line[160];
    const struct host *host = server->config.host;
    server->counters.verdicts_refused++;
    snprintf(line, sizeof line, "verdict %s refused: it would break rule %s", verdict_name(verdict->kind),
             rule_at(rule)->id);
    host->log(host->context, LOG_WARNING, line);
}

bool verdict_may_answer(struct server *server, const struct facts *request, const struct script_verdict *verdict)
{
    enum rule_id rule = verdict_guard_answer(verdict, request);
    if (rule != RULE_NONE)
        verdict_note_refused(server, verdict, rule);
    return rule == RULE_NONE;
}

/* The domain in which a user could answer: of the AOR that is registered, of the caller, or of who is called. */
static bool find_realm(const struct server *server, const struct sip_message *request, enum auth_role role, char *realm,
                       size_t size)
{
    const struct text uris[] = {role == AUTH_REGISTRAR ? sip_to_uri(request) : sip_from_uri(request),
                                sip_request_uri(request), sip_to_uri(request)};
    int length = 0;
    for (size_t i = 0; i < sizeof uris / sizeof uris[0] && length <= 0; i++) {
        struct sip_uri uri;
        if (sip_uri_create(&uri, uris[i]) == 0 && server_is_own_name(server, uri.host))
            length = sip_host_write(uri.host, realm, size - 1);
        sip_uri_destroy(&uri);
    }
    realm[length > 0 ? length : 0] = '\0';
    return length > 0;
}

size_t answer_invite_credentials(struct server *server, const struct sip_message *request, const struct peer *source,
                                 char *out, size_t size)
{
    char realm[256];
    struct text own = server->config.realm;
    if (server->config.auth == NULL)
        return 0;
    if (find_realm(server, request, AUTH_PROXY, realm, sizeof realm))
        own = text_of(realm);
    if (own.length == 0 || !server_is_own_name(server, own))
        return 0;
    server->counters.challenged++;
    const struct nonce_scope scope = {own, source_of(&source->address)};
    return auth_challenge(server->config.auth, AUTH_PROXY, &scope, false, out, size);
}

static void refuse_challenge(struct server *server, struct server_transaction *transaction, const char *why)
{
    const struct sip_message *request = server_transaction_request(transaction);
    const struct host *host = server->config.host;
    host->log(host->context, LOG_ERROR, why);
    server_refused(server, request, server_transaction_source(transaction), REFUSAL_POLICY, SIP_FORBIDDEN, NULL);
    answer_status(server, transaction, SIP_FORBIDDEN);
}

void verdict_challenge(struct server *server, struct server_transaction *transaction, enum auth_role role)
{
    char realm[256], fields[AUTH_CHALLENGE_SIZE];
    if (server->config.auth == NULL) {
        refuse_challenge(server, transaction,
                         "verdict challenge: this server does not authenticate; the request is refused");
    } else if (!find_realm(server, server_transaction_request(transaction), role, realm, sizeof realm)) {
        refuse_challenge(server, transaction,
                         "verdict challenge: neither From nor To is in a domain of this server; the request is "
                         "refused");
    } else {
        const struct nonce_scope scope = {text_of(realm), source_of(&server_transaction_source(transaction)->address)};
        size_t length = auth_challenge(server->config.auth, role, &scope, false, fields, sizeof fields);
        server->counters.challenged++;
        answer(server, transaction,
               &(struct own_answer){.status =
                                        role == AUTH_REGISTRAR ? SIP_UNAUTHORIZED : SIP_PROXY_AUTHENTICATION_REQUIRED,
                                    .fields = {fields, length}});
    }
}
