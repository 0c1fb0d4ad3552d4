// SPDX-License-Identifier: GPL-2.0-or-later
#include "kamailio/base/ksr.h"

#include "kamailio/call/remote_target.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/code.h"
#include "kamailio/call/call.h"
#include "kamailio/call/forced.h"
#include "kamailio/call/lookup.h"
#include "kamailio/call/seal.h"
#include "kamailio/call/targets.h"
#include "kamailio/flow/connection.h"
#include "kamailio/flow/flows.h"
#include "kamailio/base/host.h"
#include "kamailio/base/module_config.h"

enum { BY_FLOW = 1, BY_URI = 2, ANSWERED = 0, FAILED = -1 };
enum {
    ALIAS_MOST = 128,
    OWNER_NAME = sizeof REMOTE_TARGET_OWNER - 1,
    OWNER_LENGTH = OWNER_NAME + REMOTE_TARGET_OWNER_DIGITS
};

/* An address that a URI names. */
struct place {
    struct ip_addr address;
    unsigned port;
    int proto;
};

struct remote_target {
    char bare_text[MAX_URI_SIZE], uri_text[MAX_URI_SIZE], alias_text[ALIAS_MOST];
    str uri;            /* the Request-URI without the parameters of this server */
    str alias;          /* "sip:192.0.2.4:40112;transport=tcp"; empty: no alias */
    struct place place; /* of the alias, or else of the URI */
    uint32_t owner;     /* 0: unknown */
};

static bool read_place(const str *text, struct place *place)
{
    struct ksr_sip_uri uri;
    if (parse_uri(text->s, text->len, &uri) < 0)
        return false;
    const struct ip_addr *address = str2ipx(&uri.host);
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

static char *find_owner(char *uri)
{
    char *at = strstr(uri, REMOTE_TARGET_OWNER);
    if (at == NULL || strspn(at + OWNER_NAME, "0123456789abcdef") != REMOTE_TARGET_OWNER_DIGITS)
        return NULL;
    return strchr(";?", at[OWNER_LENGTH]) != NULL ? at : NULL; /* or the end */
}

/* Copies the URI without `owner`, and reads that. Returns false if the URI is too long. */
static bool take_owner(const str *uri, struct remote_target *target)
{
    char digits[REMOTE_TARGET_OWNER_DIGITS + 1] = "";
    if (uri->len <= 0 || (size_t)uri->len >= sizeof target->bare_text)
        return false;
    memcpy(target->bare_text, uri->s, (size_t)uri->len);
    target->bare_text[uri->len] = '\0';
    target->uri = (str){target->bare_text, uri->len};
    target->owner = 0;
    char *at = find_owner(target->bare_text);
    if (at == NULL)
        return true;
    memcpy(digits, at + OWNER_NAME, REMOTE_TARGET_OWNER_DIGITS);
    target->owner = (uint32_t)strtoul(digits, NULL, 16);
    memmove(at, at + OWNER_LENGTH, strlen(at + OWNER_LENGTH) + 1);
    target->uri.len -= OWNER_LENGTH;
    return true;
}

/* Returns false if the Request-URI has neither parameter. */
static bool read_target(struct sip_msg *msg, struct remote_target *target)
{
    str without = {target->uri_text, sizeof target->uri_text}, alias = {target->alias_text, sizeof target->alias_text};
    target->alias = (str){NULL, 0};
    if (!take_owner(GET_RURI(msg), target))
        return false;
    if (uri_restore_rcv_alias(&target->uri, &without, &alias) == 0) {
        target->uri = without;
        target->alias = alias;
        return read_place(&target->alias, &target->place);
    }
    return target->owner != 0 && read_place(&target->uri, &target->place);
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

/* A stream is used as it is: nothing listens at the other end. An ACK has no transaction, so nothing shows whether the
   script names another next hop for it, to which a connection may be opened. */
static int send_over(struct sip_msg *msg, str *destination, struct socket_info *socket, bool stream)
{
    if (set_dst_uri(msg, destination) < 0)
        return FAILED;
    ruri_mark_new();
    if (socket != NULL)
        set_force_socket(msg, socket);
    if (stream && msg->REQ_METHOD != KSR_METHOD_ACK)
        forced_first(msg);
    return BY_FLOW;
}

/* --- the bindings of the other side --- */

/* The AOR and the target whose bindings are looked through. */
struct search {
    struct remote_target *target;
    struct text aor;
    bool by_owner; /* and not by Contact, which another user agent may give as well */
};

static bool is_owner(const struct search *search, const struct found *found)
{
    return search->target->owner != 0 && found->instance.len > 0 &&
           seal_owner(search->aor, text_of_str(found->instance)) == search->target->owner;
}

/* Without a flow, the Contact of the binding is the address of its user agent. */
static bool is_candidate(const struct search *search, const struct found *found)
{
    if (found->peer != NULL || found->path.len > 0 || (found->flow != 0 && !flow_lives(found->flow)))
        return false;
    return is_owner(search, found) || (found->flow != 0 && !search->by_owner &&
                                       cmp_uri_light_str((str *)&search->target->uri, (str *)&found->uri) == 0);
}

static bool is_at(const struct found *found, struct place *place)
{
    struct place own;
    return read_place(found->received.len > 0 ? &found->received : &found->uri, &own) && place_equal(&own, place);
}

/* The newest of them, which is the last one of a second; NULL if they belong to several instances. */
static const struct found *choose_newest(const struct lookup *lookup, const struct search *search)
{
    const struct found *chosen = NULL;
    for (size_t i = 0; i < lookup->count; i++) {
        const struct found *found = &lookup->found[i];
        if (!is_candidate(search, found))
            continue;
        if (chosen != NULL && !text_equal(text_of_str(chosen->instance), text_of_str(found->instance)))
            return NULL;
        if (chosen == NULL || found->registered_at >= chosen->registered_at)
            chosen = found;
    }
    return chosen;
}

/* The flow of the dialog itself. A plain binding may be an old one that a user agent has left behind. */
static bool is_kept(const struct search *search, const struct found *found)
{
    return is_candidate(search, found) && is_at(found, &search->target->place) &&
           (found->reg_id != 0 || found->instance.len <= 0);
}

static const struct found *choose(const struct lookup *lookup, const struct search *search)
{
    for (size_t i = 0; i < lookup->count; i++)
        if (is_kept(search, &lookup->found[i]))
            return &lookup->found[i];
    return choose_newest(lookup, search);
}

static int send_over_binding(struct sip_msg *msg, const struct found *found)
{
    char text[96];
    str destination = found->received.len > 0 ? found->received : found->uri;
    const bool stream = found->flow != 0 && !flow_is_datagram(found->flow);
    if (stream && found->received.len <= 0)
        destination = (str){text, (int)connection_remote_uri(found->connection_id, text, sizeof text)};
    return destination.len > 0 ? send_over(msg, &destination, found->socket, stream) : BY_URI;
}

/* Reads the AOR of this URI, and its bindings. Delete them after success. */
static bool find_bindings(const str *uri, const str *table, struct aor_names *names, struct lookup *lookup)
{
    char name[64];
    if ((size_t)table->len >= sizeof name || aor_names_read(names, uri) < 0 || names->key.len == 0)
        return false;
    memcpy(name, table->s, (size_t)table->len);
    name[table->len] = '\0';
    return lookup_create(lookup, name, &names->key, UINT_MAX) == 0;
}

/* BY_URI: there is no such binding. */
static int send_to_registered(struct sip_msg *msg, const str *table, struct remote_target *target, bool by_owner)
{
    struct aor_names names;
    struct lookup lookup;
    int result = BY_URI;
    if (parse_to_header(msg) < 0 || !find_bindings(&get_to(msg)->uri, table, &names, &lookup))
        return BY_URI;
    const struct search search = {target, text_of_str(names.uri), by_owner};
    const struct found *found = choose(&lookup, &search);
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
    const bool stream = place_is_stream(&target.place), aliased = target.alias.len > 0;
    if (rewrite_uri(msg, &target.uri) < 0)
        return FAILED;
    const bool connected = stream && place_is_connected(&target.place);
    if ((!connected || target.owner != 0) && send_to_registered(msg, table, &target, connected) == BY_FLOW)
        return BY_FLOW;
    if (connected || !stream)
        return aliased ? send_over(msg, &target.alias, NULL, stream) : BY_URI;
    return may_connect(&target) ? BY_URI : answer_gone(msg);
}

/* --- the Contact that a user agent gives --- */

static const contact_t *read_contact(struct sip_msg *msg, struct ksr_sip_uri *uri)
{
    if (parse_headers(msg, HDR_CONTACT_F, 0) < 0 || msg->contact == NULL || parse_contact(msg->contact) < 0)
        return NULL;
    const contact_t *contact = ((contact_body_t *)msg->contact->parsed)->contacts;
    return contact != NULL && parse_uri(contact->uri.s, contact->uri.len, uri) == 0 ? contact : NULL;
}

static struct place source_place(const struct sip_msg *msg)
{
    return (struct place){.address = msg->rcv.src_ip, .port = msg->rcv.src_port, .proto = msg->rcv.proto};
}

static size_t write_alias(const str *uri, struct place source, char *out, size_t size)
{
    struct place own;
    if (read_place(uri, &own) && place_equal(&own, &source))
        return 0;
    const bool bracketed = source.address.af == AF_INET6;
    return (size_t)snprintf(out, size, "%.*s%s%s%s~%u~%d", _ksr_contact_salias.len, _ksr_contact_salias.s,
                            bracketed ? "[" : "", ip_addr2a(&source.address), bracketed ? "]" : "", source.port,
                            source.proto);
}

/* The sender's user is in From of a request, and in To of a response. */
static const str *sender_uri(struct sip_msg *msg)
{
    if (msg->first_line.type == SIP_REQUEST)
        return parse_from_header(msg) == 0 ? &get_from(msg)->uri : NULL;
    return parse_to_header(msg) == 0 ? &get_to(msg)->uri : NULL;
}

/* The binding was made from there: over this flow, or with that address as its Contact. */
static bool is_of_sender(const struct found *found, const struct sip_msg *msg)
{
    struct place source = source_place(msg);
    return found->instance.len > 0 && found->path.len <= 0 &&
           (found->flow != 0 ? found->flow == flow_of_source(&msg->rcv) : is_at(found, &source));
}

static size_t write_owner(struct sip_msg *msg, const str *table, char *out, size_t size)
{
    struct aor_names names;
    struct lookup lookup;
    uint32_t owner = 0;
    const str *uri = sender_uri(msg);
    if (uri == NULL || !find_bindings(uri, table, &names, &lookup))
        return 0;
    for (size_t i = 0; i < lookup.count && owner == 0; i++)
        if (is_of_sender(&lookup.found[i], msg))
            owner = seal_owner(text_of_str(names.uri), text_of_str(lookup.found[i].instance));
    lookup_delete(&lookup);
    return owner != 0 ? (size_t)snprintf(out, size, REMOTE_TARGET_OWNER "%0*x", REMOTE_TARGET_OWNER_DIGITS, owner) : 0;
}

static int insert_at(struct sip_msg *msg, const char *at, const char *text, size_t length)
{
    struct lump *anchor = anchor_lump(msg, (int)(at - msg->buf), 0, HDR_CONTACT_T);
    char *copy = anchor != NULL ? pkg_malloc(length) : NULL;
    if (copy == NULL)
        return FAILED;
    memcpy(copy, text, length);
    if (insert_new_lump_after(anchor, copy, (int)length, HDR_CONTACT_T) != NULL)
        return BY_FLOW;
    pkg_free(copy);
    return FAILED;
}

/* Without < >, parameters would belong to the header field and not to the URI. */
static int insert_parameters(struct sip_msg *msg, const contact_t *contact, const struct ksr_sip_uri *uri, char *text,
                             size_t length)
{
    const char *start = contact->uri.s;
    const str *last = uri->port.len > 0 ? &uri->port : &uri->host;
    if (start > msg->buf && start[-1] == '<')
        return insert_at(msg, last->s + last->len, text, length);
    text[length] = '>';
    return insert_at(msg, start, "<", 1) == FAILED ? FAILED
                                                   : insert_at(msg, start + contact->uri.len, text, length + 1);
}

/* A 3xx gives the Contacts of others. */
static bool gives_own_contact(const struct sip_msg *msg)
{
    return msg->first_line.type == SIP_REQUEST || msg->first_line.u.reply.statuscode < SIP_MULTIPLE_CHOICES;
}

static bool contains(const char *at, int length, struct text part)
{
    return length > 0 && memmem(at, (size_t)length, part.at, part.length) != NULL;
}

/* A route may call the function again: in the Contact after msg_apply_changes(), or else among the changes that wait
   until the message is sent. Those of a branch route are of its branch alone. */
static bool is_marked(const struct sip_msg *msg, const contact_t *contact, struct text mark)
{
    const long from = contact->uri.s - msg->buf, end = from + contact->uri.len;
    bool found = contains(contact->uri.s, contact->uri.len, mark);
    for (const struct lump *change = msg->add_rm; change != NULL && !found; change = change->next) {
        const struct lump *added = change->after;
        found = change->type == HDR_CONTACT_T && change->u.offset >= from && change->u.offset <= end && added != NULL &&
                added->op == LUMP_ADD && contains(added->u.value, added->len, mark);
    }
    return found;
}

int sip_add_alias(struct sip_msg *msg, const str *table)
{
    enum { NOTHING = 2 };
    static const struct text owner = TEXT(REMOTE_TARGET_OWNER);
    char text[ALIAS_MOST + OWNER_LENGTH + 2];
    struct ksr_sip_uri uri;
    const contact_t *contact = gives_own_contact(msg) ? read_contact(msg, &uri) : NULL;
    if (contact == NULL)
        return NOTHING;
    size_t length = write_alias(&contact->uri, source_place(msg), text, ALIAS_MOST);
    if (is_marked(msg, contact, length > 0 ? (struct text){text, length} : owner))
        return NOTHING;
    length += write_owner(msg, table, text + length, sizeof text - length - 1);
    return length > 0 ? insert_parameters(msg, contact, &uri, text, length) : NOTHING;
}
