// SPDX-License-Identifier: GPL-2.0-or-later
#include "kamailio/base/ksr.h"

#include "kamailio/save/save_private.h"

#include <errno.h>
#include <stdio.h>

#include "core/code.h"
#include "kamailio/flow/connection.h"
#include "kamailio/flow/flows.h"
#include "kamailio/base/module_config.h"

/* What usrloc keeps of a binding beside its key: read from the REGISTER, and from where it came. */

enum { USER_AGENT_MOST = 255 };

static str write_source(struct save *save)
{
    struct receive_info *rcv = &save->msg->rcv;
    char host[64];
    int length = ip_addr2sbufz(&rcv->src_ip, host, sizeof host - 1);
    int written = snprintf(save->source, sizeof save->source, "sip:%.*s:%u%s", length, host, (unsigned)rcv->src_port,
                           proto_uri_parameter(rcv->proto));
    return (str){save->source, written};
}

/* Of Allow; all where it is absent or cannot be read. Kamailio's own parser would take memory for each header. */
static unsigned allowed_methods(const struct sip_message *request)
{
    const struct sip_field *field;
    unsigned all = 0, methods = 0;
    for (size_t i = 0; (field = sip_field_named(request, TEXT("Allow"), i)) != NULL; i++) {
        str list = str_of(field->value);
        if (list.len == 0 || parse_methods(&list, &methods) < 0)
            return ALL_METHODS;
        all |= methods;
    }
    return all != 0 ? all : ALL_METHODS;
}

/* A Contact that leads to where it came from by itself: `received` would say that again, for as much shared memory as
   the index of flows takes for a binding. */
static bool uri_names_source(struct ksr_sip_uri *uri, const struct receive_info *rcv)
{
    if (uri->type != SIP_URI_T || uri->maddr.len > 0)
        return false;
    struct ip_addr *host = str2ipx(&uri->host);
    int proto = uri->proto != PROTO_NONE ? uri->proto : PROTO_UDP;
    return host != NULL && proto == rcv->proto && GET_URI_PORT(uri) == rcv->src_port &&
           ip_addr_cmp(host, (struct ip_addr *)&rcv->src_ip);
}

static bool contact_names_source(const struct save *save, size_t nth)
{
    return (save->names_source >> nth & 1) != 0;
}

/* 5626-7.e, 3261-10.a: requests go over the flow on which the binding was made, unless a Path leads to it, or a plain
   Contact leads to the address it came from. What came through a proxy was made on the proxy's connection. usrloc's
   nat_bflag is the configuration's word. */
static bool goes_back_to_source(const struct save *save, size_t nth)
{
    const struct receive_info *rcv = &save->msg->rcv;
    const bool can_connect = rcv->proto == PROTO_UDP || rcv->proto == PROTO_TCP;
    if (save->path.len > 0)
        return false;
    if (registration_is_flow(&save->asked, nth) || (save->info.cflags & ul.nat_flag) != 0 || save->received.len > 0)
        return true;
    return save->asked.first_hop && !(can_connect && contact_names_source(save, nth));
}

/* The connection of a stream flow, also if the Contact names its source: with it the end of the connection is noticed
   here, and by usrloc's handle_lost_tcp. */
static int connection_of(const struct save *save, bool back)
{
    const struct receive_info *rcv = &save->msg->rcv;
    const bool direct = back || (save->path.len == 0 && save->asked.first_hop);
    return direct && transport_connects(transport_of_proto(rcv->proto)) ? rcv->proto_reserved1 : -1;
}

/* A worker of Kamailio waits for the answer of the name server, and takes no requests meanwhile. */
static bool is_called_by_name(const struct save *save, size_t nth)
{
    struct ksr_sip_uri uri;
    str path = save->path, next;
    if (path.len == 0)
        return !goes_back_to_source(save, nth) && (save->has_name >> nth & 1) != 0;
    if (get_path_dst_uri(&path, &next) < 0)
        return false;
    return parse_uri(next.s, next.len, &uri) < 0 || uri_has_host_name(&uri);
}

static int check_names(struct save *save)
{
    for (size_t i = 0; i < save->asked.count && !module_config.contact_names; i++) {
        if (save->asked.expires[i] > 0 && is_called_by_name(save, i))
            return registration_refuse(&save->asked, SIP_FORBIDDEN, "Host Name in Contact or Path");
    }
    return 0;
}

/* tm could not send to what Kamailio cannot read. A Contact that is removed is not called. */
static int read_uris(struct save *save)
{
    for (size_t i = 0; i < save->asked.count; i++) {
        struct text uri = save->asked.contacts[i].value.uri;
        struct ksr_sip_uri parsed;
        if (save->asked.expires[i] == 0)
            continue;
        if (uri.length > MAX_URI_SIZE || parse_uri((char *)uri.at, (int)uri.length, &parsed) < 0)
            return registration_refuse_field(&save->asked, "Contact", uri.at, "Kamailio cannot read the URI");
        save->names_source |= (uint32_t)uri_names_source(&parsed, &save->msg->rcv) << i;
        save->has_name |= (uint32_t)(!module_config.contact_names && uri_has_host_name(&parsed)) << i;
    }
    return 0;
}

int save_info_read(struct save *save)
{
    const struct sip_field *agent = sip_field_named(save->asked.request, TEXT("User-Agent"), 0);
    save->call_id = str_of(sip_call_id(save->asked.request));
    save->path = (str){save->asked.path.bytes, (int)save->asked.path.length};
    save->user_agent = str_of(TEXT("n/a"));
    if (agent != NULL && agent->value.length > 0 && agent->value.length < USER_AGENT_MOST &&
        memchr(agent->value.at, '\r', agent->value.length) == NULL)
        save->user_agent = str_of(agent->value);
    save->received = save_received();
    save->info = (ucontact_info_t){.callid = &save->call_id,
                                   .cseq = (int)sip_cseq(save->asked.request),
                                   .user_agent = &save->user_agent,
                                   .path = save->path.len > 0 ? &save->path : NULL,
                                   .sock = save->msg->rcv.bind_address,
                                   .server_id = server_id,
                                   .last_modified = time(NULL)};
    save->methods = allowed_methods(save->asked.request);
    getbflagsval(0, &save->info.cflags);
    int error = read_uris(save);
    return error == 0 ? check_names(save) : error;
}

/* With < > where it was sent with them: Kamailio's registrar keeps all that stands between the quotes. */
static str instance_as_sent(struct text instance)
{
    if (instance.length > 0 && instance.at[-1] == '<' && instance.at[instance.length] == '>')
        return (str){(char *)instance.at - 1, (int)instance.length + 2};
    return str_of(instance);
}

static unsigned methods_of(const struct sip_contact *contact, unsigned otherwise)
{
    struct text list;
    unsigned methods;
    if (!sip_parameter(contact->value.parameters, TEXT("methods"), &list) || list.length == 0)
        return otherwise;
    str methods_list = str_of(list);
    return parse_methods(&methods_list, &methods) < 0 ? otherwise : methods;
}

/* Unique among all processes, and apart from those of Kamailio's own registrar. */
int save_next_ruid(str *ruid)
{
    static sruid_t ids; /* of this process */
    if (ids.pid == 0 && sruid_init(&ids, '-', "flow", SRUID_INC) < 0)
        return -ENOMEM;
    if (sruid_next_safe(&ids) < 0)
        return -ENOMEM;
    *ruid = ids.uid;
    return 0;
}

/* Another address than the source is the configuration's own knowledge, for instance from a header of a proxy. A stream
   has only the connection on which the REGISTER came. */
static str save_source(struct save *save)
{
    const struct receive_info *rcv = &save->msg->rcv;
    struct ksr_sip_uri uri;
    if (rcv->proto == PROTO_UDP && save->received.len > 0 &&
        !(parse_uri(save->received.s, save->received.len, &uri) == 0 && uri_names_source(&uri, rcv)))
        return save->received;
    return write_source(save);
}

int save_info_of(struct save *save, size_t nth)
{
    const struct sip_contact *contact = &save->asked.contacts[nth];
    static const str none;
    ucontact_info_t *info = &save->info;
    bool back = goes_back_to_source(save, nth);
    bool told = back && !contact_names_source(save, nth);
    save->contact = str_of(contact->value.uri);
    info->c = &save->contact;
    info->received = told ? save_source(save) : none;
    info->tcpconn_id = connection_of(save, back);
    info->expires = save->info.last_modified + (time_t)save->asked.expires[nth];
    info->q = contact->q < 0 ? Q_UNSPECIFIED : contact->q;
    info->methods = methods_of(contact, save->methods);
    info->instance = instance_as_sent(contact->instance);
    info->reg_id = registration_is_flow(&save->asked, nth) ? contact->reg_id : 0;
    return save_next_ruid(&info->ruid);
}
