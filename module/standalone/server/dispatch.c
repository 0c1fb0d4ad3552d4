// SPDX-License-Identifier: BSD-2-Clause
#include "standalone/server/server_private.h"
#include "standalone/server/allowance.h"
#include "standalone/server/answer.h"
#include "standalone/server/authenticate.h"
#include "standalone/server/branch.h"
#include "standalone/server/caller.h"
#include "standalone/server/context.h"
#include "standalone/address/own_side.h"
#include "standalone/server/route.h"

#include <errno.h>
#include <stdio.h>

/* Dispatches received messages (RFC 3261 16.3, 17, 18). */

/* The refusal of a request before there is a transaction. status 0: not refused. */
struct refusing {
    uint32_t status;
    enum refusal reason;
    char fields[320]; /* header lines of the response */
};

/* fault NULL: nothing to add to the status. */
static void refuse(struct server *server, const struct sip_message *request, const struct peer *source,
                   const struct refusing *refusing, const struct sip_fault *fault)
{
    char detail[SIP_FAULT_SIZE] = "", phrase[SIP_FAULT_SIZE] = "";
    bool answers = sip_method(request) != METHOD_ACK;
    if (fault != NULL) {
        sip_fault_text(fault, detail, sizeof detail);
        sip_fault_phrase(fault, phrase, sizeof phrase);
    }
    struct own_answer own = {
        .status = refusing->status, .phrase = text_of(phrase), .fields = text_of(refusing->fields)};
    server_refused(server, request, source, refusing->reason, answers ? refusing->status : 0, detail);
    if (answers)
        answer_stateless(server, request, source, &own);
}

/* 3261-16.7.a, 3261-17.1.3.a */
static void drop_response(struct server *server, const struct sip_message *response, const struct peer *source,
                          enum response_match match)
{
    server->counters.unmatched++;
    server_refused(server, response, source,
                   match == RESPONSE_FOREIGN ? REFUSAL_RESPONSE_SOURCE : REFUSAL_RESPONSE_UNMATCHED, 0, NULL);
    server_may_read(server, source);
}

/* RFC 3261 16.7 step 3: without a second Via, it is no response to a request of somebody else. */
static bool lacks_way_back(const struct client_transaction *transaction, const struct sip_message *response)
{
    return client_transaction_forwards(transaction) && sip_via_count(response) < 2;
}

/* The only place where a response is matched: after it, the source is known to have received a request of this
   server. */
static void received_response(struct server *server, struct sip_message **response, const struct peer *source)
{
    enum response_match match;
    server->counters.responses++;
    struct client_transaction *transaction = client_transaction_find(server->transactions, *response, source, &match);
    if (transaction == NULL || lacks_way_back(transaction, *response)) {
        drop_response(server, *response, source, match);
        return;
    }
    server->counters.responses_other_port += match == RESPONSE_OTHER_PORT;
    client_transaction_received(transaction, response);
}

static void received_cancel(struct server *server, const struct sip_message *cancel, const struct peer *source)
{
    static const struct refusing unknown = {SIP_CALL_TRANSACTION_DOES_NOT_EXIST, REFUSAL_NO_TRANSACTION, ""};
    struct server_transaction *invite = server_transaction_find(server->transactions, cancel, METHOD_INVITE);
    if (invite == NULL) {
        refuse(server, cancel, source, &unknown, NULL);
        return;
    }
    answer_stateless(server, cancel, source, &(struct own_answer){.status = SIP_OK});
    if (server_transaction_user(invite) != NULL)
        proxy_cancel(server_transaction_user(invite));
}

/* 5393-4.a. Read only if a request has a branch parameter of this server, which most do not have. */
static uint32_t digest_of(const struct server *server, const struct sip_message *request, const struct peer *source)
{
    struct route route;
    route_read(server, request, source, &route);
    return branch_digest(server, request, &route);
}

static bool is_looped(const struct server *server, const struct sip_message *request, const struct peer *source)
{
    uint32_t own = 0;
    bool known = false;
    struct sip_value value;
    for (size_t i = 0; sip_value(request, HEADER_VIA, i, &value); i++) {
        struct text branch;
        struct branch_id id;
        if (!sip_parameter(value.parameters, TEXT("branch"), &branch) || !branch_read(branch, &id))
            continue;
        if (!known)
            own = digest_of(server, request, source);
        known = true;
        if (id.digest == own)
            return true;
    }
    return false;
}

static bool refuse_with(struct refusing *refusing, uint32_t status, enum refusal reason)
{
    refusing->status = status;
    refusing->reason = reason;
    return false;
}

/* No extension of a proxy is supported. */
static bool no_extension(struct text tag)
{
    (void)tag;
    return false;
}

/* Where the bytes of a request count while it is kept, and for whom; 0: for nobody. */
struct keeping {
    struct holdings *holdings;
    source_id source;
};

/* A call for help has room of its own, and where that is full, counts as any other call. */
static struct keeping keeping_of(struct server *server, const struct sip_message *request, const struct peer *source)
{
    struct keeping keeping = {&server->requests_kept, caller_holder(server, request, source)};
    const source_id sender = source_of(&source->address);
    if (sip_method(request) == METHOD_INVITE && server_is_emergency(sip_request_uri(request)) &&
        holdings_fit(&server->emergencies_kept, sender, server_transaction_cost(sip_bytes(request).length)))
        keeping = (struct keeping){&server->emergencies_kept, sender};
    return keeping;
}

static bool has_room(const struct server *server, const struct sip_message *request, const struct keeping *keeping)
{
    return transactions_servers(server->transactions) < server->config.transactions_most &&
           holdings_fit(keeping->holdings, keeping->source, server_transaction_cost(sip_bytes(request).length));
}

/* RFC 3261 16.3; returns false if the request is refused. */
static bool may_enter(const struct server *server, const struct sip_message *request, const struct peer *source,
                      const struct keeping *keeping, struct refusing *refusing)
{
    if (sip_max_forwards(request) == 0)
        return refuse_with(refusing, SIP_TOO_MANY_HOPS, REFUSAL_TOO_MANY_HOPS);
    if (is_looped(server, request, source))
        return refuse_with(refusing, SIP_LOOP_DETECTED, REFUSAL_LOOP);
    if (sip_unsupported(request, HEADER_PROXY_REQUIRE, no_extension, refusing->fields, sizeof refusing->fields))
        return refuse_with(refusing, SIP_BAD_EXTENSION, REFUSAL_EXTENSION);
    if (server->draining && sip_to_tag(request).length == 0)
        return refuse_with(refusing, SIP_SERVICE_UNAVAILABLE, REFUSAL_DRAINING);
    if (!has_room(server, request, keeping)) {
        snprintf(refusing->fields, sizeof refusing->fields, "Retry-After: 10\r\n");
        return refuse_with(refusing, SIP_SERVICE_UNAVAILABLE, REFUSAL_OVERLOAD);
    }
    return true;
}

/* The next element might read it, and the values after it, and send the request there (3261-16.4.a). */
static void refuse_route(struct server *server, const struct sip_message *request, const struct peer *source)
{
    static const struct refusing refusing = {SIP_BAD_REQUEST, REFUSAL_MALFORMED, ""};
    static const struct sip_fault fault = {
        .status = SIP_BAD_REQUEST, .header = "Route", .what = "a value is not a valid address"};
    refuse(server, request, source, &refusing, &fault);
}

static void received_new(struct server *server, struct sip_message **request, const struct peer *source)
{
    struct server_transaction *transaction;
    struct refusing refusing = {0};
    struct route route;
    char user[CALLER_USER_MOST];
    const struct keeping keeping = keeping_of(server, *request, source);
    if (!may_enter(server, *request, source, &keeping, &refusing)) {
        server->counters.overloaded += refusing.status == SIP_SERVICE_UNAVAILABLE;
        refuse(server, *request, source, &refusing, NULL);
        return;
    }
    route_read(server, *request, source, &route);
    if (proxy_refuses_route(server, *request, &route, source)) {
        refuse_route(server, *request, source);
        return;
    }
    if (!authenticate_request(server, *request, source, &route, user))
        return;
    if (server_transaction_new(server->transactions, *request, source, &transaction) != 0) {
        server->counters.memory++;
        refuse_with(&refusing, SIP_SERVICE_UNAVAILABLE, REFUSAL_MEMORY);
        refuse(server, *request, source, &refusing, NULL);
        return;
    }
    server_transaction_charge(transaction, keeping.holdings, keeping.source);
    *request = NULL;
    proxy_handle(server, transaction, &route, user);
    server_transaction_give_up_request(transaction);
}

/* RFC 5923. Nobody else has this server's own address. */
static void note_alias(const struct server *server, const struct sip_message *request, const struct peer *source)
{
    const struct wire *wire = server->config.wire;
    const struct sip_via *via = sip_top_via(request);
    uint16_t port = via->port != 0 ? (uint16_t)via->port : transport_port(source->transport);
    bool asked = via->has_alias && text_equal_nocase(via->transport, text_of(transport_name(source->transport)));
    if (asked && wire->alias != NULL && !server_is_own_address(server, via->host, port))
        wire->alias(wire->context, source->connection, via->host, port);
}

static void received_request(struct server *server, struct sip_message **request, const struct peer *source)
{
    enum method method = sip_method(*request);
    struct server_transaction *known;
    server->counters.requests++;
    note_alias(server, *request, source);
    if (method == METHOD_CANCEL) {
        received_cancel(server, *request, source);
        return;
    }
    bool acknowledges = method == METHOD_ACK && answer_is_acknowledged(server, *request, source);
    if (acknowledges)
        amplification_prove(&server->amplification, source);
    known = server_transaction_find(server->transactions, *request, method);
    if (known != NULL && !(method == METHOD_ACK && server_transaction_is_accepted(known))) {
        server->counters.retransmissions += method != METHOD_ACK;
        server_transaction_again(known, *request);
    } else if (acknowledges) {
        return; /* of a refusal without a transaction */
    } else if (method == METHOD_ACK) {
        proxy_forward_ack(server, *request, source);
    } else {
        received_new(server, request, source);
    }
}

static void received_malformed(struct server *server, const struct sip_message *message, const struct peer *source,
                               const struct sip_fault *fault)
{
    char detail[SIP_FAULT_SIZE];
    bool response = message != NULL && !sip_is_request(message);
    bool answerable = message != NULL && !response && sip_method(message) != METHOD_ACK && code_is_final(fault->status);
    bool large = fault->status == SIP_REQUEST_ENTITY_TOO_LARGE || fault->status == SIP_REQUEST_URI_TOO_LONG;
    const struct refusing refusing = {fault->status, large ? REFUSAL_TOO_LARGE : REFUSAL_MALFORMED, ""};
    server->counters.malformed_answered += answerable;
    server->counters.malformed_dropped += !answerable;
    if (answerable)
        refuse(server, message, source, &refusing, fault);
    else if (!response)
        server_refused(server, message, source, refusing.reason, 0, sip_fault_text(fault, detail, sizeof detail));
}

/* Emergency calls are not limited. Responses are counted only if they match no request, so that somebody who forges
   a peer's address cannot keep its responses away. */
void server_received(struct server *server, const struct peer *source, const char *bytes, size_t length)
{
    struct sip_message *message = NULL;
    struct sip_fault fault = {0};
    enum message_start start = message_start(bytes, length);
    if (start == START_OTHER && !server_may_read(server, source))
        return;
    int error = sip_message_new(&message, server->config.host, bytes, length, &server->config.limits, &fault);
    bool stray = error != 0 && start == START_RESPONSE;
    if (error == -ENOMEM)
        server->counters.memory++;
    else if (stray && !server_may_read(server, source))
        server->counters.malformed_dropped++;
    else if (error != 0)
        received_malformed(server, message, source, &fault);
    else if (sip_is_request(message))
        received_request(server, &message, source);
    else
        received_response(server, &message, source);
    sip_message_delete(message);
}

/* For streams only: a datagram has a length, and its sender knew how much fits. */
static struct sip_fault fault_of_stream(uint16_t status, size_t length)
{
    if (status == SIP_BAD_REQUEST)
        return (struct sip_fault){
            .status = status, .header = "Content-Length", .what = "a stream needs one, and it has to be a number"};
    return (struct sip_fault){.status = status, .offset = (uint32_t)length, .what = "the message is too long"};
}

void server_received_fault(struct server *server, const struct peer *source, const char *bytes, size_t length,
                           uint16_t status)
{
    struct sip_message *message = NULL;
    struct sip_fault fault = {0};
    int error = sip_message_new(&message, server->config.host, bytes, length, &server->config.limits, &fault);
    if (fault.status != status)
        fault = fault_of_stream(status, length);
    if (error == -ENOMEM)
        server->counters.memory++;
    else
        received_malformed(server, message, source, &fault);
    sip_message_delete(message);
}
