// SPDX-License-Identifier: GPL-2.0-or-later
#include "kamailio/base/ksr.h"

#include "kamailio/flow/flows.h"

#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/hash.h"
#include "kamailio/base/host.h"
#include "kamailio/flow/connection.h"
#include "kamailio/flow/flow_index.h"
#include "kamailio/flow/keeper.h"
#include "kamailio/flow/spellings.h"
#include "kamailio/base/module_config.h"

/* The identity of flows, and whether they are alive. flow_index.c has the bindings on them. */

enum { FLOW_MARKS = 4096 };

/* Dead flows, by a digest of their number: about the last FLOW_MARKS of them. A stream needs no mark after its
   connection is gone; for a UDP flow nothing else shows that it is dead. */
static struct flow_state {
    struct hash_key key;
    time_t started_at;
    _Atomic flow_id dead[FLOW_MARKS];
} * state;

int flows_create(unsigned size_log2)
{
    state = shm_malloc(sizeof *state);
    if (state == NULL || flow_index_create(size_log2) < 0) {
        ksr_log(LOG_ERROR, "no shared memory for the index of flows");
        return -1;
    }
    memset(state, 0, sizeof *state);
    hash_key_draw(&state->key, ksr_host());
    state->started_at = time(NULL);
    return 0;
}

/* --- the number of a flow --- */

static flow_id digest(const struct socket_info *local, const struct ip_addr *remote, unsigned port)
{
    unsigned char bytes[sizeof local->su.sin6.sin6_addr * 2 + 4] = {0};
    memcpy(bytes, local->address.u.addr, local->address.len);
    memcpy(bytes + 16, remote->u.addr, remote->len);
    bytes[32] = (unsigned char)(local->port_no >> 8);
    bytes[33] = (unsigned char)local->port_no;
    bytes[34] = (unsigned char)(port >> 8);
    bytes[35] = (unsigned char)port;
    return hash_seal(&state->key, (struct text){(const char *)bytes, sizeof bytes}) | FLOW_DATAGRAM;
}

/* Where usrloc sends: to the address from which the REGISTER came, or else to its Contact. Returns false if that is
   a name. */
static bool remote_of_contact(const ucontact_t *contact, struct ip_addr *address, unsigned *port, int *proto)
{
    const str *text = contact->received.len > 0 ? &contact->received : &contact->c;
    struct ksr_sip_uri uri;
    if (parse_uri(text->s, text->len, &uri) < 0)
        return false;
    if (str2ipxbuf(&uri.host, address) != 0)
        return false;
    *port = GET_URI_PORT(&uri);
    *proto = uri.proto;
    return true;
}

/* The number of a connection is valid for one run. usrloc reads it back only if it keeps all bindings in a database
   (db_mode 3). For a REGISTER in the second in which this run began, or in the one before (databases round down),
   the address decides. */
static bool is_of_this_run(const ucontact_t *contact)
{
    struct ip_addr remote;
    unsigned port;
    int proto;
    if (ul.db_mode != DB_ONLY || contact->last_modified > state->started_at)
        return true;
    return contact->last_modified >= state->started_at - 1 && remote_of_contact(contact, &remote, &port, &proto) &&
           !connection_is_elsewhere(contact->tcpconn_id, &remote, port);
}

flow_id flow_of_contact(const ucontact_t *contact)
{
    struct ip_addr remote;
    unsigned port;
    int proto;
    if (contact->path.len > 0 || flow_is_elsewhere(contact))
        return 0;
    if (contact->tcpconn_id > 0)
        return is_of_this_run(contact) ? (flow_id)contact->tcpconn_id : 0;
    if (contact->sock == NULL || contact->sock->proto != PROTO_UDP ||
        !remote_of_contact(contact, &remote, &port, &proto))
        return 0;
    return digest(contact->sock, &remote, port);
}

flow_id flow_of_source(const struct receive_info *rcv)
{
    if (rcv->proto != PROTO_UDP &&
        rcv->proto != PROTO_SCTP) /* the number of an SCTP association is not that of a connection */
        return rcv->proto_reserved1 > 0 ? (flow_id)rcv->proto_reserved1 : 0;
    return rcv->bind_address != NULL ? digest(rcv->bind_address, &rcv->src_ip, rcv->src_port) : 0;
}

flow_id flow_of_connection(int connection_id)
{
    return connection_id > 0 ? (flow_id)connection_id : 0;
}

/* True if another node made the binding: usrloc's server_id shows it. If that is not configured (0), a binding without
   a socket of this node counts as foreign. Bindings that this node gets back from its database or its peers are its
   own. */
static bool is_foreign(const ucontact_t *contact)
{
    return contact->server_id != server_id || (server_id == 0 && contact->sock == NULL);
}

/* A UDP flow ends at an address and not in a process: the node that listens on the address has the flow. */
bool flow_is_elsewhere(const ucontact_t *contact)
{
    const bool listens = contact->sock != NULL && contact->sock->proto == PROTO_UDP;
    return contact->path.len == 0 && !listens && is_foreign(contact);
}

/* --- whether a flow is alive --- */

static _Atomic flow_id *mark_of(flow_id flow)
{
    return &state->dead[hash_number(&state->key, flow) % FLOW_MARKS];
}

bool flow_lives(flow_id flow)
{
    if (atomic_load(mark_of(flow)) == flow)
        return false;
    return flow_is_datagram(flow) || connection_state((int)flow) != CONNECTION_GONE;
}

void flow_mark_dead(flow_id flow)
{
    if (flow != 0)
        atomic_store(mark_of(flow), flow);
}

bool flow_is_of_contact(const ucontact_t *contact, const struct receive_info *from)
{
    struct ip_addr remote;
    unsigned port;
    int proto;
    const flow_id flow = flow_of_contact(contact), source = flow_of_source(from);
    if (flow != 0 || source == 0)
        return flow != 0 && flow == source;
    return contact->path.len == 0 && contact->tcpconn_id <= 0 && !is_foreign(contact) && contact->sock != NULL &&
           contact->sock->proto == from->proto && remote_of_contact(contact, &remote, &port, &proto) &&
           port == from->src_port && ip_addr_cmp(&remote, (struct ip_addr *)&from->src_ip) != 0;
}

/* A REGISTER was received over it. */
static void flow_mark_alive(flow_id flow)
{
    flow_id dead = flow;
    if (atomic_load(mark_of(flow)) == flow)
        atomic_compare_exchange_strong(mark_of(flow), &dead, 0);
}

static bool is_outbound(const ucontact_t *contact)
{
    return contact->reg_id != 0 && contact->instance.len > 0;
}

/* The addresses in a row that an operator has made, by the command ul.add or in the database (where this Call-ID is
   the default), are there to be called, and never those of a connection. */
static bool is_operators(const ucontact_t *contact)
{
    static const struct text made_by_rpc = TEXT("@kamailio.rpc"), made_in_database = TEXT("Default-Call-ID");
    const struct text call_id = {contact->callid.s, contact->callid.len > 0 ? (size_t)contact->callid.len : 0};
    if (is_outbound(contact) || text_equal(call_id, made_in_database))
        return !is_outbound(contact);
    return call_id.length > made_by_rpc.length &&
           text_equal_nocase((struct text){call_id.at + call_id.length - made_by_rpc.length, made_by_rpc.length},
                             made_by_rpc);
}

/* Its flow was a connection that no longer exists, for example after a restart, or one of another node. */
static bool has_lost_stream(const ucontact_t *contact)
{
    struct ip_addr remote;
    unsigned port;
    int proto = PROTO_NONE;
    const bool elsewhere = flow_is_elsewhere(contact);
    if (contact->path.len > 0 || is_operators(contact) ||
        (!elsewhere && contact->tcpconn_id > 0 && is_of_this_run(contact)))
        return false;
    if (contact->sock != NULL)
        return contact->sock->proto != PROTO_UDP;
    return remote_of_contact(contact, &remote, &port, &proto) && proto != PROTO_NONE && proto != PROTO_UDP;
}

/* A WebSocket starts on a TCP or TLS listener, so contact->sock does not show it. */
static bool came_by_websocket(const ucontact_t *contact)
{
    struct ksr_sip_uri uri;
    return contact->received.len > 0 && parse_uri(contact->received.s, contact->received.len, &uri) == 0 &&
           !transport_may_be_called(transport_of_proto(uri.proto));
}

/* The registrar of another node may have stored an address in `received` that accepts connections. */
static bool received_may_be_called(const ucontact_t *contact)
{
    return contact->sock == NULL && is_foreign(contact) && !came_by_websocket(contact);
}

enum flow_use flow_use_of(const ucontact_t *contact)
{
    if (flow_is_elsewhere(contact) && is_outbound(contact))
        return FLOW_ELSEWHERE;
    if (!has_lost_stream(contact))
        return FLOW_USABLE;
    const bool lost = is_outbound(contact) || (contact->received.len > 0 && !contact_may_be_called(contact) &&
                                               !received_may_be_called(contact));
    if (!lost)
        return FLOW_USABLE;
    return flow_is_elsewhere(contact) ? FLOW_ELSEWHERE : FLOW_LOST;
}

bool received_is_stale(const ucontact_t *contact)
{
    return contact->received.len > 0 && has_lost_stream(contact) && contact_may_be_called(contact);
}

/* RFC 6761: never an address. WebSocket clients use such names (RFC 7118). */
static bool is_invalid_name(str host)
{
    static const char invalid[] = ".invalid";
    const int length = sizeof invalid - 1;
    return host.len >= length && strncasecmp(host.s + host.len - length, invalid, (size_t)length) == 0;
}

bool uri_may_be_called(const struct ksr_sip_uri *uri)
{
    return transport_may_be_called(transport_of_proto(uri->proto)) && !is_invalid_name(uri->host);
}

bool uri_has_host_name(const struct ksr_sip_uri *uri)
{
    return str2ipx((str *)&uri->host) == NULL;
}

bool uri_has_ob(const struct ksr_sip_uri *uri)
{
    param_hooks_t hooks;
    param_t *params;
    str text = uri->params; /* parse_params() moves it */
    memset(&hooks, 0, sizeof hooks);
    if (text.len <= 0 || parse_params(&text, CLASS_URI, &hooks, &params) != 0)
        return false;
    free_params(params);
    return hooks.uri.ob != NULL;
}

bool contact_may_be_called(const ucontact_t *contact)
{
    struct ksr_sip_uri uri;
    if (contact->reg_id != 0 || (module_removes_lost && contact->tcpconn_id > 0) || came_by_websocket(contact) ||
        parse_uri(contact->c.s, contact->c.len, &uri) < 0 || !uri_may_be_called(&uri) ||
        (uri_has_host_name(&uri) && !module_config.contact_names))
        return false;
    const bool came_by_tls = contact->sock != NULL && transport_is_secure(transport_of_proto(contact->sock->proto));
    const bool secure = uri.type == SIPS_URI_T || transport_is_secure(transport_of_proto(uri.proto)) || came_by_tls;
    return !secure || uri_has_host_name(&uri);
}

/* --- its transport --- */

/* `received` is stored only if it differs from the Contact. */
static bool names_websocket(const ucontact_t *contact)
{
    const str *text = contact->received.len > 0 ? &contact->received : &contact->c;
    struct ksr_sip_uri uri;
    return parse_uri(text->s, text->len, &uri) == 0 && transport_is_websocket(transport_of_proto(uri.proto));
}

static int proto_of_contact(const ucontact_t *contact)
{
    const int proto = connection_proto(contact->tcpconn_id);
    if (proto != PROTO_NONE || contact->sock == NULL)
        return proto;
    return names_websocket(contact) ? proto_at_listener(PROTO_WS, contact->sock) : contact->sock->proto;
}

static enum transport transport_of_flow(const ucontact_t *contact, flow_id flow)
{
    const int proto = flow_is_datagram(flow) ? PROTO_UDP : proto_of_contact(contact);
    return transport_of_proto(proto != PROTO_NONE ? proto : PROTO_TCP);
}

/* --- usrloc's news --- */

static bool is_cut_short(const ucontact_t *contact)
{
    int64_t promised = flow_index_expires(&contact->ruid);
    return promised > 0 && contact->expires > 0 && contact->expires < promised;
}

/* dmq_usrloc sends bindings to other nodes without their sockets and connections. A node that asks its peers for all
   bindings (the parameter sync) also gets copies of those that were made with it meanwhile. A REGISTER has a socket. */
static bool is_copy_of_own(const ucontact_t *contact)
{
    return server_id != 0 && contact->server_id == server_id && contact->sock == NULL && contact->tcpconn_id <= 0 &&
           contact->path.len <= 0 && !is_operators(contact);
}

static struct socket_info *socket_of_datagram(const ucontact_t *contact, flow_id flow)
{
    struct ip_addr remote;
    unsigned port;
    int proto;
    if (!remote_of_contact(contact, &remote, &port, &proto))
        return NULL;
    struct socket_info *socket = *get_sock_info_list(PROTO_UDP);
    while (socket != NULL && digest(socket, &remote, port) != flow)
        socket = socket->next;
    return socket;
}

/* 5626-7.e: such a copy does not take the flow from the binding. */
static void keep_flow(ucontact_t *contact)
{
    const flow_id flow = flow_index_flow(&contact->ruid);
    if (flow == 0 || !flow_lives(flow))
        return;
    const bool datagram = flow_is_datagram(flow);
    struct socket_info *socket = datagram ? socket_of_datagram(contact, flow) : connection_socket((int)flow);
    if (socket == NULL)
        return;
    contact->sock = socket;
    contact->tcpconn_id = datagram ? -1 : (int)flow;
}

/* Under usrloc's lock of the binding's slot: functions called here must not call usrloc. */
static void on_contact(ucontact_t *contact, int type, void *param)
{
    (void)param;
    if (state == NULL)
        return;
    if ((type & UL_CONTACT_UPDATE) != 0 && is_copy_of_own(contact))
        keep_flow(contact);
    flow_id flow = flow_of_contact(contact);
    if ((type & (UL_CONTACT_INSERT | UL_CONTACT_UPDATE)) != 0) {
        if (flow_is_datagram(flow))
            flow_mark_alive(flow);
        flow_index_put(contact, flow, transport_of_flow(contact, flow));
        if (contact->aor != NULL && contact->domain != NULL)
            spelling_note(contact->domain, contact->aor);
        return;
    }
    /* usrloc does not report missing keep-alives or lost connections: it moves the time of expiry forward
       (5626-7.f). */
    if (type == UL_CONTACT_EXPIRE && flow != 0 && is_cut_short(contact)) {
        flow_mark_dead(flow);
        keeper_flow_down(flow, FLOW_KEEPALIVE);
    }
    flow_index_remove(&contact->ruid);
}

int flows_listen(void)
{
    if (ul.register_ulcb(UL_CONTACT_INSERT | UL_CONTACT_UPDATE | UL_CONTACT_DELETE | UL_CONTACT_EXPIRE, on_contact,
                         NULL) >= 0)
        return 0;
    ksr_log(LOG_ERROR, "usrloc does not take our callback");
    return -1;
}

/* usrloc may still flush and call back; the memory is freed with all shared memory. */
void flows_destroy(void)
{
    state = NULL;
}

/* --- for people --- */

/* Host and port of the URI in usrloc, or all of it if it is not a URI. */
static int print_remote(const ucontact_t *contact, char *out, size_t size)
{
    const str *text = contact->received.len > 0 ? &contact->received : &contact->c;
    struct ksr_sip_uri uri;
    if (parse_uri(text->s, text->len, &uri) < 0)
        return snprintf(out, size, "%.*s", text->len, text->s);
    return snprintf(out, size, "%.*s:%u", uri.host.len, uri.host.s, uri.port_no != 0 ? uri.port_no : SIP_PORT);
}

const char *flow_transport(const ucontact_t *contact)
{
    if (contact->path.len > 0)
        return "";
    const int proto = proto_of_contact(contact);
    return proto != PROTO_NONE ? proto_word(proto) : contact->tcpconn_id > 0 ? "tcp" : "";
}

size_t flow_remote(const ucontact_t *contact, char *out, size_t size)
{
    out[0] = '\0';
    return contact->path.len > 0 ? 0 : text_printed(print_remote(contact, out, size), size);
}

size_t flow_describe(const ucontact_t *contact, char *out, size_t size)
{
    char address[256] = "";
    const struct socket_info *local = contact->sock;
    const int id = contact->tcpconn_id;
    const char *proto = flow_transport(contact)[0] != '\0' ? flow_transport(contact) : "sip";
    if (contact->path.len > 0)
        return text_printed(snprintf(out, size, "path %.*s", contact->path.len, contact->path.s), size);
    if (id > 0 && connection_describe(id, address, sizeof address) > 0)
        return text_printed(snprintf(out, size, "%s #%d", address, id), size);
    print_remote(contact, address, sizeof address);
    if (local == NULL)
        return text_printed(snprintf(out, size, "%s %s", proto, address), size);
    int length = snprintf(out, size, "%s %.*s:%u-%s", proto, local->address_str.len, local->address_str.s,
                          local->port_no, address);
    if (id > 0 && length > 0 && (size_t)length < size)
        length += snprintf(out + length, size - (size_t)length, " #%d", id);
    return text_printed(length, size);
}
