// SPDX-License-Identifier: BSD-2-Clause
#include "standalone/server_private.h"

#include <errno.h>
#include <stdio.h>

/* What has arrived goes to where it belongs (RFC 3261 16.3, 17, 18). */

bool server_is_own_address(const struct server *server, struct text host, uint32_t port)
{
    char bracketed[72];
    if (host.length > 0 && host.length < sizeof bracketed - 2 && memchr(host.at, ':', host.length) != NULL &&
        host.at[0] != '[') {
        bracketed[0] = '[';
        memcpy(bracketed + 1, host.at, host.length);
        bracketed[host.length + 1] = ']';
        host = (struct text){bracketed, host.length + 2};
    }
    for (size_t i = 0; i < server->config.listener_count; i++) {
        const struct listener *listener = &server->config.listeners[i];
        if (text_equal_nocase(text_of(listener->host), host) && listener->port == (port ? port : 5060))
            return true;
    }
    return false;
}

static bool is_listener_port(const struct server *server, uint32_t port)
{
    for (size_t i = 0; i < server->config.listener_count; i++) {
        if (server->config.listeners[i].port == port)
            return true;
    }
    return false;
}

/* An address without port, as in an AOR, is ours on whatever port we listen. */
static bool is_listener_host(const struct server *server, struct text host)
{
    for (size_t i = 0; i < server->config.listener_count; i++) {
        if (server_is_own_address(server, host, server->config.listeners[i].port))
            return true;
    }
    return false;
}

bool server_is_own_domain(const struct server *server, const struct sip_uri *uri)
{
    if (uri->port != 0 && !is_listener_port(server, uri->port))
        return false;
    return domains_have(server->config.domains, uri->host) || is_listener_host(server, uri->host);
}

bool server_is_own_route(const struct server *server, const struct sip_uri *uri)
{
    bool by_name =
        domains_have(server->config.domains, uri->host) && (uri->port == 0 || is_listener_port(server, uri->port));
    return by_name || server_is_own_address(server, uri->host, uri->port);
}

const struct listener *server_listener(const struct server *server, const struct peer *peer)
{
    size_t index = peer->listener < server->config.listener_count ? peer->listener : 0;
    return &server->config.listeners[index];
}

/* phrase NULL: the table's. */
static void refuse(struct server *server, const struct sip_message *request, const struct peer *source, uint32_t status,
                   const char *phrase, const char *fields)
{
    struct own_answer own = {.status = status, .phrase = text_of(phrase), .fields = text_of(fields)};
    if (sip_method(request) != METHOD_ACK)
        answer_stateless(server, request, source, &own);
}

static void received_response(struct server *server, struct sip_message **response)
{
    server->counters.responses++;
    struct client_transaction *transaction = client_transaction_find(server->transactions, *response);
    if (transaction == NULL)
        server->counters.unmatched++; /* 3261-16.7.a */
    else
        client_transaction_received(transaction, response);
}

static void received_cancel(struct server *server, const struct sip_message *cancel, const struct peer *source)
{
    struct server_transaction *invite = server_transaction_find(server->transactions, cancel, METHOD_INVITE);
    refuse(server, cancel, source, invite != NULL ? SIP_OK : SIP_CALL_TRANSACTION_DOES_NOT_EXIST, NULL, NULL);
    if (invite != NULL && server_transaction_user(invite) != NULL)
        proxy_cancel(server_transaction_user(invite));
}

static bool is_looped(const struct server *server, const struct sip_message *request)
{
    uint32_t own = branch_digest(server, request);
    struct sip_value value;
    for (size_t i = 0; sip_value(request, HEADER_VIA, i, &value); i++) {
        struct text branch;
        uint64_t number;
        uint32_t digest;
        if (sip_parameter(value.parameters, TEXT("branch"), &branch) && branch_read(branch, &number, &digest) &&
            digest == own)
            return true;
    }
    return false;
}

/* 16.3; the status to refuse with, or 0. *fields gets header lines that go along. */
static uint32_t check(const struct server *server, const struct sip_message *request, char *fields, size_t size)
{
    fields[0] = '\0';
    if (sip_max_forwards(request) == 0)
        return SIP_TOO_MANY_HOPS;
    if (is_looped(server, request))
        return SIP_LOOP_DETECTED;
    const struct sip_field *required = sip_field(request, HEADER_PROXY_REQUIRE, 0);
    if (required != NULL && required->value.length > 0) {
        snprintf(fields, size, "Unsupported: %.*s\r\n",
                 (int)(required->value.length < 256 ? required->value.length : 256), required->value.at);
        return SIP_BAD_EXTENSION;
    }
    if (server->draining && sip_to_tag(request).length == 0)
        return SIP_SERVICE_UNAVAILABLE;
    return 0;
}

static void received_new(struct server *server, struct sip_message **request, const struct peer *source)
{
    char fields[320];
    struct server_transaction *transaction;
    uint32_t status = check(server, *request, fields, sizeof fields);
    if (status == 0 && transactions_servers(server->transactions) >= server->config.transactions_most) {
        status = SIP_SERVICE_UNAVAILABLE;
        snprintf(fields, sizeof fields, "Retry-After: 10\r\n");
    }
    if (status != 0) {
        server->counters.overloaded += status == SIP_SERVICE_UNAVAILABLE;
        refuse(server, *request, source, status, NULL, fields);
        return;
    }
    if (server_transaction_new(server->transactions, *request, source, &transaction) != 0) {
        server->counters.memory++;
        refuse(server, *request, source, SIP_SERVER_INTERNAL_ERROR, NULL, NULL);
        return;
    }
    *request = NULL;
    proxy_handle(server, transaction);
}

static void received_request(struct server *server, struct sip_message **request, const struct peer *source)
{
    enum method method = sip_method(*request);
    struct server_transaction *known;
    server->counters.requests++;
    if (method == METHOD_CANCEL) {
        received_cancel(server, *request, source);
        return;
    }
    known = server_transaction_find(server->transactions, *request, method);
    if (known != NULL && !(method == METHOD_ACK && server_transaction_is_accepted(known))) {
        server->counters.retransmissions += method != METHOD_ACK;
        server_transaction_again(known, *request);
    } else if (method == METHOD_ACK) {
        proxy_forward_ack(server, *request, source);
    } else {
        received_new(server, request, source);
    }
}

static void received_malformed(struct server *server, const struct sip_message *message, const struct peer *source,
                               const struct sip_fault *fault)
{
    char phrase[SIP_FAULT_SIZE];
    bool answerable =
        message != NULL && sip_is_request(message) && sip_method(message) != METHOD_ACK && code_is_final(fault->status);
    if (!answerable) {
        server->counters.malformed_dropped++;
        return;
    }
    server->counters.malformed_answered++;
    refuse(server, message, source, fault->status, sip_fault_phrase(fault, phrase, sizeof phrase), NULL);
}

void server_received(struct server *server, const struct peer *source, const char *bytes, size_t length)
{
    struct sip_message *message = NULL;
    struct sip_fault fault = {0};
    int error = sip_message_new(&message, server->config.host, bytes, length, &server->config.limits, &fault);
    if (error == -ENOMEM)
        server->counters.memory++;
    else if (error != 0)
        received_malformed(server, message, source, &fault);
    else if (sip_is_request(message))
        received_request(server, &message, source);
    else
        received_response(server, &message);
    sip_message_delete(message);
}

/* What only a stream needs: a datagram has its length, and its sender knew how much fits. */
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
