// SPDX-License-Identifier: BSD-2-Clause
#include "standalone/server_private.h"

#include <inttypes.h>
#include <stdio.h>

/*
 * Loose routing (RFC 3261 16.4, 16.12), and the two flows of a dialog. The user part of our Record-Route is
 * "d<caller's flow>.<callee's flow>.<digest>", in hexadecimal: requests inside the dialog go over the flow that is not
 * their own (5626-5.3.d). The digest is keyed, so that nobody can address a flow that is not his dialog's. With "c" in
 * place of "d" the callee has a Contact that can be reached: his flow only tells whose requests are his.
 */

enum { DIALOG_MOST = 64 };

struct dialog_flows {
    flow_id caller, callee;
    uint64_t by_contact; /* 0 or 1; no hole in what the digest is made of */
};

static uint64_t seal(const struct server *server, const struct dialog_flows *flows)
{
    return hash_seal(&server->seal_key, (struct text){(const char *)flows, sizeof *flows});
}

static void dialog_write(const struct server *server, const struct dialog_flows *flows, char out[DIALOG_MOST])
{
    snprintf(out, DIALOG_MOST, "%c%" PRIx64 ".%" PRIx64 ".%" PRIx64, flows->by_contact ? 'c' : 'd', flows->caller,
             flows->callee, seal(server, flows));
}

static bool dialog_read(const struct server *server, struct text user, struct dialog_flows *flows)
{
    char buffer[DIALOG_MOST], rest;
    uint64_t sealed;
    if (user.length < 6 || user.length >= sizeof buffer || (user.at[0] != 'd' && user.at[0] != 'c'))
        return false;
    memcpy(buffer, user.at, user.length);
    buffer[user.length] = '\0';
    *flows = (struct dialog_flows){.by_contact = user.at[0] == 'c'};
    if (sscanf(buffer + 1, "%16" SCNx64 ".%16" SCNx64 ".%16" SCNx64 "%c", &flows->caller, &flows->callee, &sealed,
               &rest) != 3)
        return false;
    /* No early exit: one comparison of the whole digest. */
    return (sealed ^ seal(server, flows)) == 0;
}

/* One of our own Route values: what its user part says is taken from the topmost that says something. */
static bool is_own_uri(const struct server *server, struct text text, const struct peer *source, struct route *route,
                       struct dialog_flows *flows)
{
    struct sip_uri uri;
    *flows = (struct dialog_flows){0};
    bool own = sip_uri_create(&uri, text) == 0 && server_is_own_route(server, &uri);
    /* A dialog's, be it of an earlier run, has dots, which no flow token has. */
    bool says = own && uri.user.length > 0 && memchr(uri.user.at, '.', uri.user.length) == NULL;
    if (own && !dialog_read(server, uri.user, flows))
        *flows = (struct dialog_flows){0};
    if (says && route->token == ROUTE_TOKEN_NONE)
        route->token = (uint8_t)edge_read_token(server, uri.user, source, &route->peer);
    sip_uri_destroy(&uri);
    return own;
}

static bool leads_to_same(struct text a, struct text b)
{
    struct sip_uri one, other;
    bool first = sip_uri_create(&one, a) == 0, second = sip_uri_create(&other, b) == 0;
    bool same = first && second && text_equal_nocase(one.host, other.host) && one.port == other.port;
    sip_uri_destroy(&one);
    sip_uri_destroy(&other);
    return same;
}

/* An address translation may give a plain phone another port during a call. What then comes from its host, and is not
   for the phone itself, is from the phone: a caller whose flow is not kept may send from any port. */
static bool is_callee_by_other_port(const struct server *server, flow_id callee, const struct peer *source,
                                    struct text uri)
{
    struct peer peer;
    const struct binding *binding = binding_first_on_flow(server->bindings, callee);
    bool same_host = binding != NULL && flow_is_datagram(callee) && source->transport == TRANSPORT_UDP &&
                     peer_of_flow(server, callee, &peer) && address_same_host(&peer.address, &source->address);
    for (; same_host && binding != NULL; binding = binding_next_on_flow(server->bindings, binding)) {
        struct binding_view view;
        binding_read(binding, &view);
        if (view.reg_id != 0 || leads_to_same(view.contact, uri))
            return false;
    }
    return same_host;
}

/* The flow of the other side: the one that the request has not come over. A user agent that has opened a new flow and
   registered over it still is who it was. */
static flow_id other_side(const struct server *server, const struct dialog_flows *flows, const struct peer *source,
                          struct text uri)
{
    flow_id own = server_flow_of(server, source);
    if (own != flows->caller && (own == flows->callee || heirs_moved(server, flows->callee, own) ||
                                 is_callee_by_other_port(server, flows->callee, source, uri)))
        return flows->caller;
    bool callers = own == flows->caller || flows->caller == 0 || heirs_moved(server, flows->caller, own);
    return callers && !flows->by_contact ? flows->callee : 0;
}

/* Is the Request-URI a Record-Route or Path value that we gave? A token that is not ours may be anybody's user. */
static bool is_given_by_us(const struct server *server, const struct peer *source, struct route *route,
                           struct dialog_flows *flows)
{
    struct sip_uri uri;
    struct peer peer;
    bool given = false;
    if (sip_uri_create(&uri, route->uri) == 0 && uri.lr && server_is_own_address(server, uri.host, uri.port)) {
        given = dialog_read(server, uri.user, flows);
        enum route_token token = given ? ROUTE_TOKEN_NONE : edge_read_token(server, uri.user, source, &peer);
        if (token != ROUTE_TOKEN_NONE && token != ROUTE_TOKEN_FORGED) {
            *flows = (struct dialog_flows){0};
            route->token = (uint8_t)token;
            route->peer = peer;
            given = true;
        }
    }
    sip_uri_destroy(&uri);
    return given;
}

/* A strict router put our Record-Route into the Request-URI and the target last into Route (16.4). */
static bool undo_strict_route(const struct server *server, const struct sip_message *request, const struct peer *source,
                              struct route *route)
{
    struct dialog_flows flows = {0};
    struct sip_value value, last = {0};
    bool marked = is_given_by_us(server, source, route, &flows);
    for (size_t i = 0; marked && sip_value(request, HEADER_ROUTE, i, &value); i++)
        last = value;
    if (last.uri.length == 0)
        return false;
    route->uri = last.uri;
    route->had_own = true;
    route->flow = other_side(server, &flows, source, route->uri);
    return true;
}

void route_read(const struct server *server, const struct sip_message *request, const struct peer *source,
                struct route *route)
{
    struct sip_value value, after;
    *route = (struct route){.uri = sip_request_uri(request)};
    bool undone = undo_strict_route(server, request, source, route);
    while (sip_value(request, HEADER_ROUTE, route->dropped, &value)) {
        struct dialog_flows flows;
        bool is_target = undone && !sip_value(request, HEADER_ROUTE, route->dropped + 1, &after);
        if (!is_target && !is_own_uri(server, value.uri, source, route, &flows)) {
            route->next = value.uri;
            break;
        }
        route->dropped++;
        if (is_target)
            break;
        route->had_own = true;
        if (route->flow == 0)
            route->flow = other_side(server, &flows, source, route->uri);
    }
}

/* The caller's flow is worth keeping where his messages come over a connection, through an address translation, or over
   a flow that he registered. */
static flow_id caller_flow(const struct server *server, const struct sip_message *request, const struct peer *from)
{
    flow_id flow = server_flow_of(server, from);
    union address named;
    const struct sip_via *via = sip_top_via(request);
    if (from->transport != TRANSPORT_UDP || binding_first_on_flow(server->bindings, flow) != NULL)
        return flow;
    bool as_named = address_read(via->host, (uint16_t)(via->port ? via->port : 5060), &named) &&
                    address_equal(&named, &from->address);
    return as_named || sip_via_count(request) > 1 ? 0 : flow;
}

static size_t record_one(const struct sip_message *request, const struct own_side *side, const char *token,
                         const char *separator, char *out, size_t size)
{
    const struct listener *listener = side->listener;
    int length = snprintf(out, size, "%s<%s:%s@%s:%u%s;lr>", separator, route_scheme(request, listener), token,
                          side->host, listener->port, transport_uri_parameter(listener->transport));
    return length < 0 || (size_t)length >= size ? 0 : (size_t)length;
}

/* Where the two sides differ in transport or address, each gets the value that leads it back (RFC 5658). */
size_t route_record(const struct server *server, const struct sip_message *request, const struct peer *from,
                    const struct peer *to, bool to_flow, char *out, size_t size)
{
    char token[DIALOG_MOST];
    struct own_side upstream, downstream;
    struct dialog_flows flows = {.caller = caller_flow(server, request, from), .callee = peer_flow(to)};
    flows.by_contact = !to_flow && to->transport == TRANSPORT_UDP;
    dialog_write(server, &flows, token);
    own_side_read(server, from, &upstream);
    own_side_read(server, to, &downstream);
    size_t length = record_one(request, &downstream, token, "", out, size);
    if (!own_side_is_same(server, from, to) && length > 0)
        length += record_one(request, &upstream, token, ", ", out + length, size - length);
    return length;
}
