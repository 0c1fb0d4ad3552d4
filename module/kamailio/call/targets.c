// SPDX-License-Identifier: GPL-2.0-or-later
#include "kamailio/base/ksr.h"

#include "kamailio/call/targets.h"

#include <stdio.h>
#include <string.h>

#include "kamailio/call/breadth.h"
#include "kamailio/flow/connection.h"
#include "kamailio/flow/flows.h"
#include "kamailio/base/host.h"
#include "kamailio/flow/keeper.h"
#include "kamailio/base/module_config.h"
#include "kamailio/call/rests.h"
#include "kamailio/base/save_aor.h"
#include "kamailio/base/stats.h"
#include "script/base/layers.h"
#include "sip/message.h"

/* Converts bindings and URIs to targets with a leg each; used legs are put into Kamailio's destination set. */

enum { Q_MOST = 1000 };

/* --- names --- */

static int write_uri(struct aor_names *names, const str *host)
{
    char spelled[256] = "";
    const str *key = &names->key;
    if (!ul.use_domain && aor_host(host, spelled, sizeof spelled) < 0)
        return -1;
    int length = snprintf(names->uri_text, sizeof names->uri_text, "sip:%.*s%s%s", key->len, key->s,
                          ul.use_domain ? "" : "@", spelled);
    if (length < 0 || (size_t)length >= sizeof names->uri_text)
        return -1;
    names->uri = (str){names->uri_text, length};
    return 0;
}

/* tel:, urn: and the like. */
static int read_foreign(struct aor_names *names, const str *uri)
{
    int length = sip_aor(text_of_str(*uri), names->uri_text, sizeof names->uri_text);
    names->key = (str){names->key_text, 0};
    names->uri = (str){names->uri_text, length};
    return length > 0 ? 0 : -1;
}

int aor_names_read(struct aor_names *names, const str *uri)
{
    struct ksr_sip_uri parsed;
    if (!sip_uri_is_sip(text_of_str(*uri)))
        return read_foreign(names, uri);
    int length = aor_of_uri(uri, names->key_text, sizeof names->key_text);
    if (length <= 0 || parse_uri(uri->s, uri->len, &parsed) < 0)
        return -1;
    names->key = (str){names->key_text, length};
    return write_uri(names, &parsed.host);
}

/* --- targets --- */

#define OWN_RUID "reflow-"

bool leg_is_of_binding(const str *ruid)
{
    const int own = sizeof OWN_RUID - 1;
    return ruid->len > 0 && (ruid->len < own || memcmp(ruid->s, OWN_RUID, (size_t)own) != 0);
}

static struct leg *leg_new(struct call *call, str ruid)
{
    char own[32];
    struct leg *leg = arena_take(&call->arena, sizeof *leg);
    if (leg == NULL || call->leg_count == TARGETS_MOST)
        return NULL;
    if (ruid.len <= 0) {
        ruid.s = own;
        ruid.len = snprintf(own, sizeof own, OWN_RUID "%zu", call->leg_count);
    }
    memset(leg, 0, sizeof *leg);
    leg->ruid = arena_copy(&call->arena, text_of_str(ruid));
    return leg->ruid.s != NULL ? leg : NULL;
}

/* The leg is created before its target, so that every target has one. 0: it must not or cannot be added. */
static size_t add(struct call *call, struct leg *leg, const struct target *target)
{
    if (leg == NULL || target_add(call->model.targets, target) != 0)
        return 0;
    leg->model.target = target_at(call->model.targets, target_count(call->model.targets) - 1);
    call->legs[call->leg_count++] = leg;
    return 1;
}

/* The way on which a REGISTER came, if usrloc did not store it. */
static struct text source_of_connection(int id, char *out, size_t size)
{
    return (struct text){out, connection_remote_uri(id, out, size)};
}

/* 5626-7.e: over the flow of the binding, whatever its Contact says. */
static bool set_destination(struct call *call, struct leg *leg, const struct found *found)
{
    char source[96];
    struct text destination = text_of_str(found->received);
    leg->received = arena_copy(&call->arena, destination);
    leg->destination = leg->received;
    if (found->path.len > 0)
        destination = sip_path_next_hop(text_of_str(found->path));
    else if (found->received.len <= 0)
        destination = source_of_connection(found->connection_id, source, sizeof source);
    else
        return leg->received.s != NULL;
    leg->destination = arena_copy(&call->arena, destination);
    return leg->destination.s != NULL || destination.length == 0;
}

/* 5626-7.f: a flow that is known to be dead is not tried, and is removed. */
static bool is_dead(flow_id flow)
{
    if (flow == 0 || flow_lives(flow))
        return false;
    stats_count(STAT_DEAD_SKIPPED);
    keeper_flow_gone(flow);
    return true;
}

/* A binding that has moved to another flow keeps its ruid, but is another target with another branch. */
static struct leg *leg_of_binding(struct call *call, str ruid)
{
    const bool taken = call_leg(call, &ruid) != NULL;
    struct leg *leg = leg_new(call, taken ? (str){NULL, 0} : ruid);
    if (leg == NULL)
        return NULL;
    leg->binding = taken ? arena_copy(&call->arena, text_of_str(ruid)) : leg->ruid;
    return leg->binding.s != NULL ? leg : NULL;
}

static struct target target_of(const struct found *found, const str *aor)
{
    return (struct target){.uri = text_of_str(found->uri),
                           .path = text_of_str(found->path),
                           .instance = text_of_str(found->instance),
                           .aor = text_of_str(*aor),
                           .reg_id = found->reg_id,
                           .q = found->q,
                           .flow = found->flow,
                           .registered_at = found->registered_at};
}

static size_t add_living(struct call *call, const struct found *found, const str *aor)
{
    const struct target target = target_of(found, aor);
    struct leg *leg = leg_of_binding(call, found->ruid);
    if (leg == NULL || !set_destination(call, leg, found))
        return 0;
    leg->socket = found->socket;
    leg->aor_hash = found->aor_hash;
    leg->branch_flags = found->branch_flags;
    leg->contact_left = found->contact_left && found->flow != 0 && !flow_is_datagram(found->flow);
    return add(call, leg, &target);
}

/* A Contact that is the AOR itself is not called, because the request would return at once. Phones that write such
   Contacts are called over the flow on which they registered. */
static bool leads_back(const struct found *found, const str *aor)
{
    struct aor_names names;
    return found->flow == 0 && found->path.len <= 0 && found->received.len <= 0 && uri_is_own(&found->uri) &&
           aor_names_read(&names, &found->uri) == 0 && text_equal(text_of_str(names.uri), text_of_str(*aor));
}

/* 3261-10.a: a binding whose flow is dead is called by its Contact, or not at all. */
static size_t add_found(struct call *call, const struct found *found, const str *aor)
{
    const struct target target = target_of(found, aor);
    struct found by_contact = *found;
    if (target_is_known(call->model.targets, &target))
        return 0;
    if (!is_dead(found->flow))
        return leads_back(found, aor) ? 0 : add_living(call, found, aor);
    by_contact.flow = 0;
    by_contact.received = (str){NULL, 0};
    by_contact.connection_id = -1;
    return found->contact_left && !leads_back(&by_contact, aor) ? add_living(call, &by_contact, aor) : 0;
}

struct leg *targets_leg_by_contact(struct call *call, struct leg *leg)
{
    if (!leg->contact_left)
        return NULL;
    struct leg *other = leg_new(call, (str){NULL, 0});
    if (other == NULL)
        return NULL;
    leg->contact_left = false;
    leg->model.target->flow = 0;
    other->model.target = leg->model.target;
    other->binding = leg->binding;
    other->socket = leg->socket;
    other->aor_hash = leg->aor_hash;
    other->branch_flags = leg->branch_flags;
    call->legs[call->leg_count++] = other;
    return other;
}

size_t targets_room(const struct lookup *lookup)
{
    enum { SET = 640, TARGET = sizeof(struct leg) + 320 };
    return SET + lookup->count * TARGET + 2 * lookup->text_bytes;
}

/* The binding on the flow on which the request came, if its sender is left out. */
static const struct found *find_sender(const struct call *call, const struct lookup *lookup, const str *aor)
{
    if (call->sender_flow == 0 || !text_equal(call->sender_aor, text_of_str(*aor)))
        return NULL;
    for (size_t i = 0; i < lookup->count; i++)
        if (lookup->found[i].flow == call->sender_flow)
            return &lookup->found[i];
    return NULL;
}

static bool is_same_user_agent(const struct found *found, const struct found *other)
{
    return other != NULL && (found == other || (other->instance.len > 0 && text_equal(text_of_str(found->instance),
                                                                                      text_of_str(other->instance))));
}

/* `instance` empty: whichever they are of. */
static size_t add_all(struct call *call, const struct lookup *lookup, const str *aor, struct text instance)
{
    size_t added = 0;
    const struct found *sender = find_sender(call, lookup, aor);
    for (size_t i = 0; i < lookup->count; i++) {
        const struct found *found = &lookup->found[i];
        if (is_same_user_agent(found, sender)) {
            call->sender_left_out = true;
            continue;
        }
        if (instance.length == 0 || text_equal(text_of_str(found->instance), instance))
            added += add_found(call, found, aor);
    }
    return added;
}

size_t targets_add(struct call *call, const struct lookup *lookup, const str *aor)
{
    return add_all(call, lookup, aor, (struct text){NULL, 0});
}

static int add_bindings(struct call *call, const str *aor, struct text instance)
{
    struct aor_names names;
    struct lookup lookup;
    if (call->table[0] == '\0' || aor_names_read(&names, aor) < 0 || names.key.len == 0 ||
        lookup_create(&lookup, call->table, &names.key, call->methods) < 0)
        return -1;
    size_t added = add_all(call, &lookup, &names.uri, instance);
    lookup_delete(&lookup);
    return (int)added;
}

int call_add_aor(struct call *call, const str *aor)
{
    return add_bindings(call, aor, (struct text){NULL, 0});
}

size_t targets_add_flows(struct call *call, const struct target *target)
{
    const str aor = str_of_text(target->aor);
    if (aor.len == 0 || target->instance.length == 0)
        return 0;
    const int added = add_bindings(call, &aor, target->instance);
    return added > 0 ? (size_t)added : 0;
}

bool uri_is_own(const str *uri)
{
    struct ksr_sip_uri parsed;
    return sip_uri_is_sip(text_of_str(*uri)) && parse_uri(uri->s, uri->len, &parsed) == 0 && parsed.user.len > 0 &&
           check_self(&parsed.host, GET_URI_PORT(&parsed), 0) == 1;
}

static int add_uri(struct call *call, const str *uri, int q, bool chosen)
{
    struct ksr_sip_uri parsed;
    if (call->table[0] != '\0' && uri_is_own(uri))
        return call_add_aor(call, uri);
    if (parse_uri(uri->s, uri->len, &parsed) < 0)
        return -1;
    /* The caller chooses the host of the Request-URI, also if the policy repeats it. */
    bool callers = sip_host_equal(text_of_str(parsed.host), layers_domain(call->model.aor));
    const struct target target = {
        .uri = text_of_str(*uri), .q = (uint16_t)(q < 0 || q > Q_MOST ? Q_MOST : q), .by_policy = chosen && !callers};
    return (int)add(call, leg_new(call, (str){NULL, 0}), &target);
}

int call_add_uri(struct call *call, const str *uri, int q)
{
    return add_uri(call, uri, q, false);
}

int call_add_chosen_uri(struct call *call, const str *uri)
{
    return add_uri(call, uri, Q_MOST, true);
}

/* --- the destination set --- */

/* The sending flags belong to the message, for all its branches: no connection is opened if each branch has its own. */
static void forbid_connecting(struct sip_msg *msg, struct call *call, const struct leg *leg, bool alone)
{
    unsigned forbidden = msg->fwd_send_flags.f & SND_F_FORCE_CON_REUSE;
    if (alone && leg_is_stream(leg) && !forbidden) {
        msg->fwd_send_flags.f |= SND_F_FORCE_CON_REUSE;
        call->forbids_connecting = true;
    } else if (!leg_is_stream(leg) && call->forbids_connecting) {
        msg->fwd_send_flags.f &= (unsigned short)~SND_F_FORCE_CON_REUSE;
        call->forbids_connecting = false;
    }
}

static str bracketed(struct text instance, char out[MAX_INSTANCE_SIZE])
{
    if (instance.length == 0 || instance.length + 3 > MAX_INSTANCE_SIZE)
        return (str){NULL, 0};
    return (str){out, snprintf(out, MAX_INSTANCE_SIZE, "<%.*s>", (int)instance.length, instance.at)};
}

static int set_or_reset(struct sip_msg *msg, str *value, int (*set)(struct sip_msg *, str *),
                        void (*reset)(struct sip_msg *const))
{
    if (value->len > 0)
        return set(msg, value);
    reset(msg);
    return 0;
}

enum { REQUEST_URI_MOST = 4 * MAX_URI_SIZE };

/* 3261-16.6.a */
static int read_request_uri(const struct leg *leg, char out[REQUEST_URI_MOST], str *uri)
{
    struct text whole = leg->model.target->uri;
    if (whole.length == 0 || whole.length > REQUEST_URI_MOST)
        return -1;
    memcpy(out, whole.at, whole.length);
    *uri = (str){out, (int)sip_uri_strip(out, whole.length)};
    return 0;
}

static int put_as_request_uri(struct sip_msg *msg, struct leg *leg, str *uri, str *instance)
{
    flag_t flags = 0;
    str path = str_of_text(leg->model.target->path);
    reset_dst_uri(msg);
    if (rewrite_uri(msg, uri) < 0 || (leg->destination.len > 0 && set_dst_uri(msg, &leg->destination) < 0) ||
        set_or_reset(msg, &path, set_path_vector, reset_path_vector) < 0 ||
        set_or_reset(msg, instance, set_instance, reset_instance) < 0 || set_ruid(msg, &leg->ruid) < 0)
        return -1;
    msg->reg_id = (int)leg->model.target->reg_id;
    set_ruri_q(leg->model.target->q);
    getbflagsval(0, &flags);
    setbflagsval(0, flags | leg->branch_flags);
    if (leg->socket != NULL)
        set_force_socket(msg, leg->socket);
    return 0;
}

static int put_leg(struct sip_msg *msg, struct call *call, struct leg *leg, bool first)
{
    char buffer[MAX_INSTANCE_SIZE], request_uri[REQUEST_URI_MOST];
    str uri, path = str_of_text(leg->model.target->path);
    str instance = bracketed(leg->model.target->instance, buffer);
    bool alone = first || (nr_branches == 0 && !ruri_get_forking_state());
    if (read_request_uri(leg, request_uri, &uri) < 0 || (first && put_as_request_uri(msg, leg, &uri, &instance) < 0))
        return -1;
    if (!first && append_branch(msg, &uri, &leg->destination, &path, leg->model.target->q, leg->branch_flags,
                                leg->socket, &instance, leg->model.target->reg_id, &leg->ruid, NULL) < 0)
        return -1;
    forbid_connecting(msg, call, leg, alone);
    return 0;
}

/* Approximately what tm sends: the request with added lines, the branch's URI and its Path. */
static size_t bytes_of(const struct sip_msg *msg, const struct leg *leg)
{
    return msg->len + BREADTH_OWN_LINES + leg->model.target->uri.length + leg->model.target->path.length;
}

int call_put_leg(struct call *call, struct leg *leg)
{
    struct step *step = call->step;
    bool may = breadth_take(call, leg, bytes_of(step->msg, leg)) || call->model.role == ROLE_EDGE;
    if (!may || put_leg(step->msg, call, leg, step->first && step->put == 0) < 0) {
        breadth_give_back(call, leg);
        return -1;
    }
    step->put++;
    if (leg->model.context == NULL)
        call_branch_begin(&call->model, &leg->model, leg->model.target);
    return 0;
}

bool targets_set_is_full(void)
{
    const struct cell *t = tmb.t_gett();
    unsigned sent = t != NULL && t != T_UNDEFINED ? (unsigned)t->nr_of_outgoings : 0;
    return nr_branches + (ruri_get_forking_state() ? 1 : 0) + sent >= sr_dst_max_branches;
}

static bool name_rests(void *call, struct text name)
{
    return rest_is_on(((const struct call *)call)->model.aor, name);
}

static str next_hop(const struct leg *leg)
{
    return leg->destination.len > 0 ? leg->destination : str_of_text(leg->model.target->uri);
}

size_t targets_silent_name(const struct leg *leg, char out[REST_NAME_MOST + 1])
{
    char host[REST_NAME_MOST + 1];
    struct ksr_sip_uri uri;
    str to = next_hop(leg);
    if (parse_uri(to.s, to.len, &uri) < 0 || uri.host.len > REST_NAME_MOST - 8)
        return 0;
    int proto = uri.proto != PROTO_NONE ? uri.proto : uri.type == SIPS_URI_T ? PROTO_TLS : PROTO_UDP;
    int length = snprintf(host, sizeof host, "%.*s:%u", uri.host.len, uri.host.s, GET_URI_PORT(&uri));
    return silent_name_write(proto_word(proto), (struct text){host, (size_t)length}, out);
}

/* 3261-21.5.4.a; the address is known where the URI has it. */
static bool rests(const struct call *call, const struct leg *leg)
{
    struct ksr_sip_uri uri;
    union sockaddr_union address;
    str to = next_hop(leg);
    if (rest_count() == 0 || parse_uri(to.s, to.len, &uri) < 0)
        return false;
    struct rest_destination destination = {.host = text_of_str(uri.host), .port = GET_URI_PORT(&uri)};
    const struct ip_addr *ip = str2ip6(&uri.host);
    if (ip != NULL && init_su(&address, (struct ip_addr *)ip, GET_URI_PORT(&uri)) == 0)
        destination.address = text_of(su2a(&address, sizeof address));
    return rest_holds(&destination, name_rests, (void *)call);
}

bool targets_may_be_sent_to(const struct call *call, const struct leg *leg)
{
    return !rests(call, leg) && (call->step->first || !is_dead(leg->model.target->flow));
}

size_t call_put_targets(struct sip_msg *msg, struct call *call, bool open_class, bool first)
{
    struct step step = {.msg = msg, .first = first};
    call->step = &step;
    size_t put = call_start_targets(&call->model, open_class);
    call->step = NULL;
    return put;
}

size_t call_put_beside(struct sip_msg *msg, struct call *call)
{
    struct step step = {.msg = msg}, *outer = call->step;
    call->step = &step;
    call_start_beside(&call->model);
    call->step = outer;
    return step.put;
}
