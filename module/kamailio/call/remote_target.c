// SPDX-License-Identifier: GPL-2.0-or-later
#include "kamailio/base/ksr.h"

#include "kamailio/call/remote_target.h"

#include <limits.h>
#include <string.h>

#include "core/code.h"
#include "kamailio/call/call.h"
#include "kamailio/call/lookup.h"
#include "kamailio/call/targets.h"
#include "kamailio/flow/connection.h"
#include "kamailio/flow/flows.h"
#include "kamailio/base/host.h"
#include "kamailio/base/module_config.h"
#include "kamailio/base/stats.h"

enum { BY_FLOW = 1, BY_URI = 2, ANSWERED = 0, FAILED = -1 };
enum { ALIAS_MOST = 128 };

/* An address that a URI names. */
struct place {
    struct ip_addr address;
    unsigned port;
    int proto;
};

struct remote_target {
    char uri_text[MAX_URI_SIZE], alias_text[ALIAS_MOST];
    str uri;            /* the Request-URI without the alias */
    str alias;          /* "sip:192.0.2.4:40112;transport=tcp" */
    struct place place; /* of the alias */
};

static bool read_place(const str *text, struct place *place)
{
    struct ksr_sip_uri uri;
    if (parse_uri(text->s, text->len, &uri) < 0)
        return false;
    const struct ip_addr *address = str2ip(&uri.host);
    if (address == NULL)
        address = str2ip6(&uri.host);
    if (address == NULL)
        return false;
    *place = (struct place){.address = *address, .port = GET_URI_PORT(&uri), .proto = uri.proto};
    if (place->proto == PROTO_NONE)
        place->proto = PROTO_UDP;
    return true;
}

static bool place_equal(struct place *a, struct place *b)
{
    return a->port == b->port && a->proto == b->proto && ip_addr_cmp(&a->address, &b->address);
}

static bool place_is_stream(const struct place *place)
{
    return transport_connects(transport_of_proto(place->proto));
}

/* Returns false if the Request-URI has no alias, or none that can be read. */
static bool read_target(struct sip_msg *msg, struct remote_target *target)
{
    target->uri = (str){target->uri_text, sizeof target->uri_text};
    target->alias = (str){target->alias_text, sizeof target->alias_text};
    return uri_restore_rcv_alias(GET_RURI(msg), &target->uri, &target->alias) == 0 &&
           read_place(&target->alias, &target->place);
}

/* --- over a flow --- */

static bool place_is_connected(struct place *place)
{
    bool open;
    struct dest_info to;
    init_dest_info(&to);
    to.proto = (char)place->proto;
    init_su(&to.to, &place->address, (unsigned short)place->port);
    return connection_of_destination(&to, &open) > 0;
}

/* A stream is used as it is: nothing listens at the other end. */
static int send_over(struct sip_msg *msg, str *destination, struct socket_info *socket, bool stream)
{
    if (set_dst_uri(msg, destination) < 0)
        return FAILED;
    ruri_mark_new();
    if (socket != NULL)
        set_force_socket(msg, socket);
    if (stream)
        msg->fwd_send_flags.f |= SND_F_FORCE_CON_REUSE;
    return BY_FLOW;
}

/* --- the bindings of the other side --- */

static bool is_candidate(const struct found *found, const str *uri)
{
    return found->path.len <= 0 && found->flow != 0 && flow_lives(found->flow) &&
           cmp_uri_light_str((str *)uri, (str *)&found->uri) == 0;
}

static bool is_at(const struct found *found, struct place *place)
{
    struct place own;
    return read_place(found->received.len > 0 ? &found->received : &found->uri, &own) && place_equal(&own, place);
}

/* The newest of them; NULL if they belong to several instances. */
static const struct found *choose_newest(const struct lookup *lookup, const str *uri)
{
    const struct found *chosen = NULL;
    for (size_t i = 0; i < lookup->count; i++) {
        const struct found *found = &lookup->found[i];
        if (!is_candidate(found, uri))
            continue;
        if (chosen != NULL && !text_equal(text_of_str(chosen->instance), text_of_str(found->instance)))
            return NULL;
        if (chosen == NULL || found->registered_at > chosen->registered_at)
            chosen = found;
    }
    return chosen;
}

static const struct found *choose(const struct lookup *lookup, struct remote_target *target)
{
    for (size_t i = 0; i < lookup->count; i++)
        if (is_candidate(&lookup->found[i], &target->uri) && is_at(&lookup->found[i], &target->place))
            return &lookup->found[i];
    return choose_newest(lookup, &target->uri);
}

static int send_over_binding(struct sip_msg *msg, const struct found *found)
{
    char text[96];
    str destination = found->received.len > 0 ? found->received : found->uri;
    const bool stream = !flow_is_datagram(found->flow);
    if (stream && found->received.len <= 0)
        destination = (str){text, (int)connection_remote_uri(found->connection_id, text, sizeof text)};
    return destination.len > 0 ? send_over(msg, &destination, found->socket, stream) : BY_URI;
}

/* BY_URI: there is no such binding. */
static int send_to_registered(struct sip_msg *msg, const str *table, struct remote_target *target)
{
    char name[64];
    struct aor_names names;
    struct lookup lookup;
    int result = BY_URI;
    if ((size_t)table->len >= sizeof name || parse_to_header(msg) < 0 ||
        aor_names_read(&names, &get_to(msg)->uri) < 0 || names.key.len == 0)
        return BY_URI;
    memcpy(name, table->s, (size_t)table->len);
    name[table->len] = '\0';
    if (lookup_create(&lookup, name, &names.key, UINT_MAX) < 0)
        return BY_URI;
    const struct found *found = choose(&lookup, target);
    if (found != NULL)
        result = send_over_binding(msg, found);
    lookup_delete(&lookup);
    return result;
}

/* --- to the Request-URI --- */

/* RFC 1918, 6598, 3927 and 4193. */
static bool is_private(const struct ip_addr *address)
{
    const unsigned char *bytes = address->u.addr;
    if (address->af == AF_INET6)
        return (bytes[0] & 0xfe) == 0xfc;
    return bytes[0] == 10 || (bytes[0] == 172 && (bytes[1] & 0xf0) == 16) || (bytes[0] == 192 && bytes[1] == 168) ||
           (bytes[0] == 100 && (bytes[1] & 0xc0) == 64) || (bytes[0] == 169 && bytes[1] == 254);
}

/* A private address that is not the one from which the Contact came is behind a NAT. */
static bool is_behind_nat(struct remote_target *target)
{
    struct place own;
    return read_place(&target->uri, &own) && is_private(&own.address) &&
           !ip_addr_cmp(&own.address, &target->place.address);
}

/* 3261-16.6.b: only an outbound flow ends with its connection. */
static bool may_connect(struct remote_target *target)
{
    struct ksr_sip_uri uri;
    return transport_may_be_called(transport_of_proto(target->place.proto)) && !is_behind_nat(target) &&
           parse_uri(target->uri.s, target->uri.len, &uri) == 0 && uri_may_be_called(&uri) && !uri_has_ob(&uri);
}

static int answer_gone(struct sip_msg *msg)
{
    str phrase = {(char *)code_phrase(SIP_TEMPORARILY_UNAVAILABLE),
                  (int)strlen(code_phrase(SIP_TEMPORARILY_UNAVAILABLE))};
    if (msg->REQ_METHOD != KSR_METHOD_ACK && slb.freply(msg, SIP_TEMPORARILY_UNAVAILABLE, &phrase) < 0)
        ksr_log(LOG_ERROR, "sip_handle_alias: the 480 could not be sent");
    return ANSWERED;
}

int sip_handle_alias(struct sip_msg *msg, const str *table)
{
    struct remote_target target;
    if (!read_target(msg, &target))
        return BY_URI;
    const bool stream = place_is_stream(&target.place);
    if (rewrite_uri(msg, &target.uri) < 0)
        return FAILED;
    if (stream && place_is_connected(&target.place))
        return send_over(msg, &target.alias, NULL, true);
    if (send_to_registered(msg, table, &target) == BY_FLOW)
        return BY_FLOW;
    if (!stream)
        return send_over(msg, &target.alias, NULL, false);
    return may_connect(&target) ? BY_URI : answer_gone(msg);
}
