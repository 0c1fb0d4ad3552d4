// SPDX-License-Identifier: BSD-2-Clause
#include "standalone/server/route.h"
#include "standalone/server/server_private.h"
#include "standalone/address/destination.h"
#include "standalone/server/edge.h"
#include "standalone/server/flows.h"
#include "standalone/server/heirs.h"
#include "standalone/address/own_side.h"

#include "base/writer.h"

#include <ctype.h>
#include <stdio.h>

/*
 * Loose routing (RFC 3261 16.4, 16.12) and the seal of a dialog (3261-16.4.a). The user part of this server's
 * Record-Route is a dialog token (flow/token.h). The token names the flows of both sides, because requests inside the
 * dialog use the flow of the other side (5626-5.3.d). It is sealed for the Call-ID, because the Route is also a right:
 * the server relays for everybody who presents the seal. A side without a flow of its own is reached by its Contact or
 * by a proxy beyond this server. Then the seal covers that next hop; otherwise a participant could send to any address
 * through this server.
 *
 * The callee gets the token in the request. When the response returns it, the next hop to the callee is known, and the
 * caller gets a token of its own (16.7 step 8).
 *
 * A callee over TLS may have an address as its Contact, which few certificates contain. The domain for which its
 * certificate was verified is then a parameter of the Record-Route, which the seal covers. A new connection to that
 * address must prove the same domain.
 */

enum { HOP_MOST = 320, DOMAIN_MOST = 128 };

static const struct text domain_mark = {"proven", 6};

static void write_lower(struct text text, char *out)
{
    for (size_t i = 0; i < text.length; i++)
        out[i] = (char)tolower((unsigned char)text.at[i]);
    out[text.length] = '\0';
}

static size_t write_hop(enum transport transport, const char *host, uint16_t port, char out[HOP_MOST])
{
    struct writer writer = writer_begin(out, HOP_MOST);
    writer_put_text(&writer, text_of(transport_word(transport)));
    writer_put(&writer, ' ');
    writer_put_text(&writer, text_of(host));
    writer_put(&writer, ' ');
    writer_put_number(&writer, port);
    return writer_end(&writer);
}

/* Transport, host and port of a URI in canonical form, for sealing and comparing; empty: nothing can be sent to it. */
static struct text hop_name(struct text text, char out[HOP_MOST])
{
    struct sip_uri uri;
    union address numeric;
    enum transport transport;
    char host[256];
    size_t length = 0;
    if (sip_uri_create(&uri, text) == 0 && uri_transport(&uri, &transport) && uri.host.length < sizeof host) {
        if (address_read(uri.host, 0, &numeric))
            address_host(&numeric, host, sizeof host);
        else
            write_lower(uri.host, host);
        length = write_hop(transport, host, uri_port(&uri, transport), out);
    }
    sip_uri_destroy(&uri);
    return (struct text){out, length};
}

/* The same of the other side of a datagram flow. */
static struct text hop_of_flow(const struct token_flow *flow, char out[HOP_MOST])
{
    char host[INET6_ADDRSTRLEN];
    union address address;
    edge_remote_address(flow, &address);
    address_host(&address, host, sizeof host);
    return (struct text){out, write_hop((enum transport)flow->transport, host, flow->remote_port, out)};
}

struct text route_hop(const struct route *route)
{
    return route->next.length > 0 ? route->next : route->uri;
}

/* --- reading --- */

struct reading {
    const struct server *server;
    const struct sip_message *request;
    const struct peer *source;
    struct route *route;
};

/* The domain in a Record-Route or Route value of this server. */
static struct text domain_in(struct text uri)
{
    struct text domain = {NULL, 0};
    const char *parameters = uri.length > 0 ? memchr(uri.at, ';', uri.length) : NULL;
    if (parameters != NULL)
        sip_parameter((struct text){parameters, uri.length - (size_t)(parameters - uri.at)}, domain_mark, &domain);
    return domain;
}

static struct token_scope scope_of(const struct sip_message *message, struct text uri)
{
    return (struct token_scope){.call_id = sip_call_id(message), .domain = domain_in(uri)};
}

/* Of several values with a valid seal, the last one counts. */
static bool read_seal(struct reading *reading, const struct sip_uri *uri, struct text text)
{
    struct route *route = reading->route;
    struct token_scope scope = scope_of(reading->request, text);
    if (!token_read_dialog(reading->server->config.token_keys, uri->user, &scope, &route->dialog))
        return false;
    route->sealed = true;
    route->proven = scope.domain;
    own_side_of_uri(reading->server, uri, &route->near);
    return true;
}

/* Handles a Route value of this server. The last one with a seal is nearest to the other side; of the flow tokens,
   the topmost one counts. */
static bool is_own_uri(struct reading *reading, struct text text)
{
    struct sip_uri uri;
    struct route *route = reading->route;
    bool own = sip_uri_create(&uri, text) == 0 && server_is_own_route(reading->server, &uri);
    if (own && token_is_dialog(uri.user))
        read_seal(reading, &uri, text);
    else if (own && uri.user.length > 0 && route->token == ROUTE_TOKEN_NONE)
        route->token = (uint8_t)edge_read_token(reading->server, uri.user, reading->source, &route->peer);
    sip_uri_destroy(&uri);
    return own;
}

/* Returns whether the Request-URI is a Record-Route or Path value of this server. A foreign token may be the user
   part of any URI. */
static bool is_given_by_us(struct reading *reading)
{
    struct peer peer;
    struct route *route = reading->route;
    const struct sip_uri *uri = sip_request_target(reading->request);
    bool given = false;
    if (uri != NULL && uri->lr && server_is_own_address(reading->server, uri->host, uri->port)) {
        given = read_seal(reading, uri, route->uri);
        enum route_token token =
            given ? ROUTE_TOKEN_NONE : edge_read_token(reading->server, uri->user, reading->source, &peer);
        if (token != ROUTE_TOKEN_NONE && token != ROUTE_TOKEN_FORGED) {
            route->token = (uint8_t)token;
            route->peer = peer;
            given = true;
        }
    }
    return given;
}

/* A strict router has put this server's Record-Route into the Request-URI and the target last into Route (16.4). */
static bool undo_strict_route(struct reading *reading)
{
    struct sip_value value, last = {0};
    bool marked = is_given_by_us(reading);
    for (size_t i = 0; marked && sip_value(reading->request, HEADER_ROUTE, i, &value); i++)
        last = value;
    if (last.uri.length == 0)
        return false;
    reading->route->uri = last.uri;
    return true;
}

/* The side to which the request is sent. The holder of the token is the sender, whatever socket it sends from: a NAT
   may have given the port of the other side's former flow to it. */
static enum token_side side_to(const struct reading *reading)
{
    return reading->route->dialog.holder == TOKEN_CALLER ? TOKEN_CALLEE : TOKEN_CALLER;
}

/* Accepts the hop that was sealed for the holder or, in either direction, the address of that side. */
static bool is_hop_sealed(const struct reading *reading, enum token_side to)
{
    char name[HOP_MOST], address[HOP_MOST];
    const struct token_dialog *dialog = &reading->route->dialog;
    const struct token_flow *flow = &dialog->flows[to];
    struct text hop = hop_name(route_hop(reading->route), name);
    if (hop.length == 0)
        return false;
    if (dialog->holder != to && token_dialog_leads_to(reading->server->config.token_keys, dialog, hop))
        return true;
    return !transport_connects(flow->transport) && text_equal(hop, hop_of_flow(flow, address));
}

static bool is_local_net(const struct server *server, const union address *address)
{
    const struct advertising *advertising = &server->config.advertising;
    for (size_t i = 0; i < advertising->local_net_count; i++) {
        if (cidr_has(&advertising->local_nets[i], address))
            return true;
    }
    return false;
}

/* The remote address of a side's flow; false if its connection is gone, or was not known when the token was made. */
static bool far_address(const struct server *server, const struct token_flow *flow, union address *far)
{
    struct peer peer;
    const struct wire *wire = server->config.wire;
    if (!transport_connects(flow->transport)) {
        edge_remote_address(flow, far);
        return true;
    }
    bool open = flow->connection != 0 && wire->connection(wire->context, flow->connection, &peer);
    if (open)
        *far = peer.address;
    return open;
}

/* 3261-10.a: the other side is a user agent behind an address translation and has a private address as its Contact, so
   that only its flow leads to it. The Contact is read from the Request-URI each time, because a side may change it
   within the dialog. Beyond an edge, the flow is that of a server, which the Contact is not of. */
static bool is_hidden(const struct reading *reading, const struct token_flow *flow)
{
    struct sip_uri uri;
    union address contact, far;
    const struct route *route = reading->route;
    if (route->dialog.edge || route->next.length > 0 || !far_address(reading->server, flow, &far))
        return false;
    bool hidden = sip_uri_create(&uri, route->uri) == 0 && address_read(uri.host, 0, &contact) &&
                  address_is_private_elsewhere(&contact, &far) && !is_local_net(reading->server, &contact);
    sip_uri_destroy(&uri);
    return hidden;
}

static void read_other_side(const struct reading *reading)
{
    struct route *route = reading->route;
    enum token_side to = side_to(reading);
    const struct token_flow *flow = &route->dialog.flows[to];
    route->to = (uint8_t)to;
    route->hop_sealed = is_hop_sealed(reading, to);
    if (!transport_connects(flow->transport))
        edge_find_own_side(reading->server, flow, &route->near);
    if (to != TOKEN_CALLEE)
        route->proven = (struct text){NULL, 0};
    if (route->dialog.by_hop[to] && !is_hidden(reading, flow))
        return;
    if (transport_connects(flow->transport))
        route->flow = flow->connection;
    else if (edge_find_datagram(reading->server, flow, &route->far))
        route->flow = peer_flow(&route->far);
    else
        route->flow_lost = true;
}

void route_read(const struct server *server, const struct sip_message *request, const struct peer *source,
                struct route *route)
{
    struct sip_value value, after;
    struct reading reading = {.server = server, .request = request, .source = source, .route = route};
    *route = (struct route){.uri = sip_request_uri(request), .near = {.listener = source->listener}};
    bool undone = undo_strict_route(&reading);
    while (sip_value(request, HEADER_ROUTE, route->dropped, &value)) {
        bool is_target = undone && !sip_value(request, HEADER_ROUTE, route->dropped + 1, &after);
        if (!is_target && value.whole.length > 0 && !is_own_uri(&reading, value.uri)) {
            route->next = value.uri;
            route->malformed = value.uri.length == 0;
            break;
        }
        route->dropped++;
        if (is_target)
            break;
    }
    if (route->sealed)
        read_other_side(&reading);
}

/* --- Record-Route of a request --- */

/* The caller's flow is recorded if the messages come over a connection, through a NAT, or over a flow with a
   registration. */
static bool has_caller_flow(const struct server *server, const struct sip_message *request, const struct peer *from)
{
    union address named;
    const struct sip_via *via = sip_top_via(request);
    if (transport_connects(from->transport) ||
        binding_first_on_flow(server->bindings, server_flow_of(server, from)) != NULL)
        return true;
    bool as_named = address_read(via->host, (uint16_t)(via->port ? via->port : 5060), &named) &&
                    address_equal(&named, &from->address);
    return !as_named && sip_via_count(request) <= 1;
}

/* The next hop to the sender of a message: the previous proxy, or the sender's Contact. */
static struct text hop_back(const struct sip_message *message, char out[HOP_MOST])
{
    struct sip_value value;
    bool found = sip_value(message, HEADER_RECORD_ROUTE, 0, &value) || sip_value(message, HEADER_CONTACT, 0, &value);
    return found ? hop_name(value.uri, out) : (struct text){NULL, 0};
}

static const struct binding *find_on_flow(const struct binding_store *store, flow_id flow, struct text aor)
{
    const struct binding *first = binding_first_on_flow(store, flow);
    const struct binding *binding = first != NULL ? binding_first(store, aor) : NULL;
    for (; binding != NULL; binding = binding_next(store, binding)) {
        struct binding_view view;
        binding_read(binding, &view);
        if (view.flow == flow)
            return binding;
    }
    return first;
}

/* The user agent on a flow: of several bindings, and there may be thousands, one of the AOR in From or To. */
static const struct binding *find_owner(const struct server *server, const struct peer *peer, struct text uri)
{
    char bytes[512];
    flow_id flow = server_flow_of(server, peer);
    int length = sip_aor(uri, server->config.aor_case, bytes, sizeof bytes);
    struct text aor = {bytes, length > 0 ? (size_t)length : 0};
    const struct binding *binding = find_on_flow(server->bindings, flow, aor);
    return binding != NULL ? binding : find_on_flow(server->passed, flow, aor);
}

static void set_owner(const struct server *server, const struct binding_view *view, enum token_side side,
                      struct token_dialog *dialog)
{
    dialog->owners[side] = token_owner(server->config.token_keys, 0, view->aor, user_agent_name(view));
    dialog->outbound[side] = view->reg_id != 0;
}

/* A side that is reached by its next hop has no flow that somebody owns. */
static void find_and_set_owner(const struct server *server, const struct peer *peer, struct text uri,
                               enum token_side side, struct token_dialog *dialog)
{
    struct binding_view view;
    const struct binding *binding = dialog->by_hop[side] ? NULL : find_owner(server, peer, uri);
    if (binding == NULL)
        return;
    binding_read(binding, &view);
    set_owner(server, &view, side, dialog);
}

static void set_owners(const struct server *server, const struct recorded *recorded, struct token_dialog *dialog)
{
    const struct target *target = recorded->target;
    find_and_set_owner(server, recorded->from, sip_from_uri(recorded->request), TOKEN_CALLER, dialog);
    if (target != NULL && target->aor.length > 0 && !dialog->by_hop[TOKEN_CALLEE]) {
        struct binding_view view = {
            .aor = target->aor, .instance = target->instance, .contact = target->uri, .reg_id = target->reg_id};
        set_owner(server, &view, TOKEN_CALLEE, dialog);
    } else if (dialog->edge) {
        find_and_set_owner(server, recorded->to, sip_to_uri(recorded->request), TOKEN_CALLEE, dialog);
    }
}

/* 5626-5.3.d and 5.3.e: in both directions, later requests must find the flow of the user agent. */
static void set_ways(const struct server *server, const struct recorded *recorded, struct token_dialog *dialog)
{
    const struct peer *to = recorded->to;
    bool outward = recorded->way == WAY_OUTWARD && edge_is_first_hop(recorded->request);
    dialog->edge = outward || recorded->way == WAY_INWARD;
    if (dialog->edge) {
        dialog->by_hop[TOKEN_CALLER] = !outward;
        dialog->by_hop[TOKEN_CALLEE] = outward;
        return;
    }
    dialog->by_hop[TOKEN_CALLER] = !has_caller_flow(server, recorded->request, recorded->from);
    dialog->by_hop[TOKEN_CALLEE] = transport_connects(to->transport) ? to->connection == 0 : !recorded->to_flow;
}

static size_t record_one(const struct sip_message *request, const struct own_side *side, const char *user, bool edge,
                         const char *domain, char *out, size_t size)
{
    const struct listener *listener = side->listener;
    struct writer writer = writer_begin(out, size);
    writer_put(&writer, '<');
    writer_put_text(&writer, text_of(route_scheme(request, listener)));
    writer_put(&writer, ':');
    writer_put_text(&writer, text_of(user));
    writer_put(&writer, '@');
    writer_put_text(&writer, text_of(side->host));
    writer_put(&writer, ':');
    writer_put_number(&writer, side->port);
    writer_put_text(&writer, text_of(transport_uri_parameter(listener->transport)));
    writer_put_text(&writer, TEXT(";lr"));
    writer_put_text(&writer, text_of(edge ? ";ob" : ""));
    writer_put_text(&writer, text_of(domain));
    writer_put(&writer, '>');
    return writer_end(&writer);
}

/* The parameter with the domain; empty if no domain was proved, or if it would not help. */
static struct text write_domain(struct text domain, char out[DOMAIN_MOST + 16])
{
    union address numeric;
    out[0] = '\0';
    if (domain.length == 0 || domain.length > DOMAIN_MOST || address_read(domain, 0, &numeric))
        return (struct text){NULL, 0};
    snprintf(out, DOMAIN_MOST + 16, ";%s=%.*s", domain_mark.at, (int)domain.length, domain.at);
    return domain;
}

/* If the two sides differ in transport or address, each gets the value that leads back to it (RFC 5658). */
static size_t record(const struct server *server, const struct recorded *recorded, struct token_dialog *dialog,
                     struct text domain, char *out, size_t size)
{
    char token[TOKEN_DIALOG_MOST], hop[HOP_MOST], parameter[DOMAIN_MOST + 16];
    struct own_side upstream, downstream;
    const struct sip_message *request = recorded->request;
    const struct token_scope scope = {.call_id = sip_call_id(request), .domain = write_domain(domain, parameter)};
    dialog->holder = TOKEN_CALLEE;
    if (token_write_dialog(server->config.token_keys, dialog, &scope, hop_back(request, hop), token, sizeof token) == 0)
        return 0;
    own_side_read(server, recorded->from, &upstream);
    own_side_read(server, recorded->to, &downstream);
    size_t length = record_one(request, &downstream, token, dialog->edge, parameter, out, size);
    if (own_side_is_same(&upstream, &downstream) || length == 0 || length + 2 >= size)
        return length;
    memcpy(out + length, ", ", 3);
    return length + 2 +
           record_one(request, &upstream, token, dialog->edge, parameter, out + length + 2, size - length - 2);
}

size_t route_record(const struct server *server, const struct recorded *recorded, char *out, size_t size)
{
    struct token_dialog dialog = {.flows = {edge_flow_of(server, recorded->from), edge_flow_of(server, recorded->to)}};
    set_ways(server, recorded, &dialog);
    set_owners(server, recorded, &dialog);
    return record(server, recorded, &dialog, recorded->domain, out, size);
}

/* The sender of this request is the caller of the new token, whichever side of the dialog it is. */
size_t route_record_again(const struct server *server, const struct recorded *recorded, char *out, size_t size)
{
    struct route route;
    const struct peer *to = recorded->to;
    route_read(server, recorded->request, recorded->from, &route);
    if (!route.sealed)
        return 0;
    const struct token_dialog *known = &route.dialog;
    unsigned from = route.to == TOKEN_CALLEE ? TOKEN_CALLER : TOKEN_CALLEE;
    bool unopened = transport_connects(to->transport) && to->connection == 0;
    struct token_dialog dialog = {.flows = {edge_flow_of(server, recorded->from), edge_flow_of(server, to)},
                                  .owners = {known->owners[from], known->owners[route.to]},
                                  .outbound = {known->outbound[from], known->outbound[route.to]},
                                  .by_hop = {known->by_hop[from], known->by_hop[route.to] || unopened},
                                  .edge = known->edge};
    /* The digest of an owner is valid only under the key with which it was made. */
    find_and_set_owner(server, recorded->from, sip_from_uri(recorded->request), TOKEN_CALLER, &dialog);
    find_and_set_owner(server, to, sip_to_uri(recorded->request), TOKEN_CALLEE, &dialog);
    return record(server, recorded, &dialog, recorded->domain.length > 0 ? recorded->domain : route.proven, out, size);
}

/* --- Record-Route of a response --- */

static struct text user_of(struct text uri)
{
    const char *at = uri.length > 0 ? memchr(uri.at, '@', uri.length) : NULL;
    const char *colon = at != NULL ? memchr(uri.at, ':', (size_t)(at - uri.at)) : NULL;
    return colon != NULL ? (struct text){colon + 1, (size_t)(at - colon - 1)} : (struct text){NULL, 0};
}

/* The callee's token in a value of this server, to be sealed for the caller. */
static bool read_answered(const struct server *server, const struct sip_message *response, struct text text,
                          struct text *user, struct token_dialog *dialog)
{
    struct sip_uri uri;
    struct token_scope scope = scope_of(response, text);
    *user = user_of(text);
    if (!token_read_dialog(server->config.token_keys, *user, &scope, dialog) || dialog->holder != TOKEN_CALLEE)
        return false;
    bool own = sip_uri_create(&uri, text) == 0 && server_is_own_route(server, &uri);
    sip_uri_destroy(&uri);
    return own;
}

/* A connection that was opened for the request has a number only now. It leads to a Contact behind an address
   translation (is_hidden()). */
static void note_connection(struct token_flow *flow, const struct peer *from)
{
    if (from != NULL && flow->transport == from->transport && flow->connection == 0)
        flow->connection = from->connection;
}

/* Rewrites the user part of the value for the caller. `from` is the sender if the next hop is its Contact, else NULL.
   Returns false if the value is not one of this server, or does not change. */
static bool append_answered(struct server *server, const struct sip_message *response, const struct sip_value *value,
                            struct text hop, const struct peer *from)
{
    char token[TOKEN_DIALOG_MOST];
    struct text user;
    struct token_dialog dialog;
    if (!read_answered(server, response, value->uri, &user, &dialog))
        return false;
    dialog.holder = TOKEN_CALLER;
    note_connection(&dialog.flows[TOKEN_CALLEE], from);
    struct token_scope scope = scope_of(response, value->uri);
    size_t length = token_write_dialog(server->config.token_keys, &dialog, &scope, hop, token, sizeof token);
    if (length == 0)
        return false;
    const char *end = value->whole.at + value->whole.length, *after = user.at + user.length;
    sip_append(&server->routes, (struct text){value->whole.at, (size_t)(user.at - value->whole.at)});
    sip_append(&server->routes, (struct text){token, length});
    sip_append(&server->routes, (struct text){after, (size_t)(end - after)});
    return true;
}

/* The topmost value is nearest to the callee. Two values of this server with the same token are one hop (RFC 5658). */
struct text route_answer(struct server *server, const struct sip_message *response, const struct peer *from)
{
    char name[HOP_MOST];
    struct sip_value value, contact;
    struct text hop = {NULL, 0}, before = {NULL, 0};
    bool changed = false;
    struct sip_values values = sip_values(response, HEADER_RECORD_ROUTE);
    sip_buffer_clear(&server->routes);
    if (sip_status(response) <= SIP_TRYING || sip_status(response) >= SIP_MULTIPLE_CHOICES)
        return hop;
    if (sip_value(response, HEADER_CONTACT, 0, &contact))
        hop = contact.uri;
    for (; sip_values_next(&values, &value); before = value.uri) {
        if (before.length > 0) {
            sip_append(&server->routes, TEXT(", "));
            if (!text_equal(user_of(before), user_of(value.uri))) {
                hop = before;
                from = NULL;
            }
        }
        if (append_answered(server, response, &value, hop_name(hop, name), from))
            changed = true;
        else
            sip_append(&server->routes, value.whole);
    }
    return (struct text){server->routes.bytes, changed ? server->routes.length : 0};
}
