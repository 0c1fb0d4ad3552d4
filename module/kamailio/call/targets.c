// SPDX-License-Identifier: GPL-2.0-or-later
#include "kamailio/base/ksr.h"

#include "kamailio/call/targets.h"

#include <stdio.h>
#include <string.h>

#include "kamailio/call/breadth.h"
#include "kamailio/call/peer.h"
#include "kamailio/call/forced.h"
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

/* Converts bindings and URIs to targets with a branch each; used branches are put into Kamailio's destination set. */

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

/* Without domains, the number of a tel: URI is the name of a user, as for Kamailio's registrar. */
static int tel_key(const str *uri, char *out, size_t size)
{
    struct ksr_sip_uri parsed;
    bool is_tel = !ul.use_domain && parse_uri(uri->s, uri->len, &parsed) == 0 && parsed.type == TEL_URI_T;
    const int length = is_tel ? aor_of_uri(uri, out, size) : 0;
    return length > 0 ? length : 0;
}

/* tel:, urn: and the like. */
static int read_foreign(struct aor_names *names, const str *uri)
{
    int length = sip_aor(text_of_str(*uri), module_config.aor_case, names->uri_text, sizeof names->uri_text);
    names->key = (str){names->key_text, tel_key(uri, names->key_text, sizeof names->key_text)};
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

bool branch_is_of_binding(const str *ruid)
{
    const int own = sizeof OWN_RUID - 1;
    return ruid->len > 0 && (ruid->len < own || memcmp(ruid->s, OWN_RUID, (size_t)own) != 0);
}

static struct ksr_branch *branch_new(struct call *call, str ruid)
{
    char own[32];
    struct ksr_branch *branch = arena_take(&call->arena, sizeof *branch);
    if (branch == NULL || call->branch_count == TARGETS_MOST)
        return NULL;
    if (ruid.len <= 0) {
        ruid.s = own;
        ruid.len = snprintf(own, sizeof own, OWN_RUID "%zu", call->branch_count);
    }
    memset(branch, 0, sizeof *branch);
    branch->ruid = arena_copy(&call->arena, text_of_str(ruid));
    return branch->ruid.s != NULL ? branch : NULL;
}

/* The branch is created before its target, so that every target has one. 0: it must not or cannot be added. */
static size_t add(struct call *call, struct ksr_branch *branch, const struct target *target)
{
    struct target lifted = *target;
    lifted.lift = (int16_t)call->lift;
    if (branch == NULL || target_add(call->model.targets, &lifted) != 0)
        return 0;
    branch->model.target = target_at(call->model.targets, target_count(call->model.targets) - 1);
    call->branches[call->branch_count++] = branch;
    return 1;
}

/* The way on which a REGISTER came, if usrloc did not store it. */
static struct text source_of_connection(int id, char *out, size_t size)
{
    return (struct text){out, connection_remote_uri(id, out, size)};
}

/* 5626-7.e: over the flow of the binding, whatever its Contact says. */
static bool set_destination(struct call *call, struct ksr_branch *branch, const struct found *found)
{
    char source[96];
    struct text destination = text_of_str(found->received);
    branch->received = arena_copy(&call->arena, destination);
    branch->destination = branch->received;
    if (found->path.len > 0)
        destination = sip_path_next_hop(text_of_str(found->path));
    else if (found->received.len <= 0)
        destination = source_of_connection(found->connection_id, source, sizeof source);
    else
        return branch->received.s != NULL;
    branch->destination = arena_copy(&call->arena, destination);
    return branch->destination.s != NULL || destination.length == 0;
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
static struct ksr_branch *branch_of_binding(struct call *call, str ruid)
{
    const bool taken = call_branch_of_ruid(call, &ruid) != NULL;
    struct ksr_branch *branch = branch_new(call, taken ? (str){NULL, 0} : ruid);
    if (branch == NULL)
        return NULL;
    branch->binding = taken ? arena_copy(&call->arena, text_of_str(ruid)) : branch->ruid;
    return branch->binding.s != NULL ? branch : NULL;
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

static sr_xavp_t *copy_attributes(sr_xavp_t *attributes)
{
    return attributes != NULL ? xavp_clone_level_nodata(attributes) : NULL;
}

/* Kamailio does not put a branch with a longer one into the destination set. */
static str user_agent_of(const struct found *found)
{
    return (str){found->user_agent.s, found->user_agent.len > MAX_UA_SIZE ? MAX_UA_SIZE : found->user_agent.len};
}

static size_t add_living(struct call *call, const struct found *found, const str *aor)
{
    const struct target target = target_of(found, aor);
    struct ksr_branch *branch = branch_of_binding(call, found->ruid);
    if (branch == NULL || !set_destination(call, branch, found))
        return 0;
    branch->socket = found->socket;
    branch->aor_hash = found->aor_hash;
    branch->branch_flags = found->branch_flags;
    branch->contact_left = found->contact_left && found->flow != 0 && !flow_is_datagram(found->flow);
    branch->user_agent = arena_copy(&call->arena, text_of_str(user_agent_of(found)));
    if (add(call, branch, &target) == 0)
        return 0;
    branch->attributes = copy_attributes(found->attributes);
    return 1;
}

enum { PEER_URI_MOST = 256 };

/* Two phones may have the same Contact, each behind a NAT of its own: the ruid tells them apart in the target set. */
static size_t write_peer_uri(const struct found *found, char out[PEER_URI_MOST])
{
    const str *uri = &found->peer->uri;
    const char *host = memchr(uri->s, ':', (size_t)uri->len);
    if (host++ == NULL)
        return 0;
    const int scheme = (int)(host - uri->s);
    const int length = snprintf(out, PEER_URI_MOST, "%.*s%.*s@%.*s", scheme, uri->s, found->ruid.len, found->ruid.s,
                                uri->len - scheme, host);
    return length > 0 && length < PEER_URI_MOST ? (size_t)length : 0;
}

/* 5626-7.e: the peer that has the flow sends the request over it. */
static size_t add_by_peer(struct call *call, const struct found *found, const str *aor)
{
    char uri[PEER_URI_MOST];
    struct target target = target_of(found, aor);
    target.uri = (struct text){uri, write_peer_uri(found, uri)};
    target.flow = 0;
    if (call->of_peer || target.uri.length == 0 || target_is_known(call->model.targets, &target))
        return 0;
    struct ksr_branch *branch = branch_of_binding(call, found->ruid);
    if (branch == NULL)
        return 0;
    branch->peer = found->peer;
    branch->destination = arena_copy(&call->arena, text_of_str(found->peer->uri));
    branch->request_uri = arena_copy(&call->arena, text_of_str(*aor));
    branch->aor_hash = found->aor_hash;
    branch->branch_flags = found->branch_flags;
    if (branch->destination.s == NULL || branch->request_uri.s == NULL || add(call, branch, &target) == 0)
        return 0;
    branch->attributes = copy_attributes(found->attributes);
    return 1;
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
    if (found->peer != NULL)
        return add_by_peer(call, found, aor);
    if (target_is_known(call->model.targets, &target))
        return 0;
    if (!is_dead(found->flow))
        return leads_back(found, aor) ? 0 : add_living(call, found, aor);
    by_contact.flow = 0;
    by_contact.received = (str){NULL, 0};
    by_contact.connection_id = -1;
    if (found->contact_left && !leads_back(&by_contact, aor))
        return add_living(call, &by_contact, aor);
    call->dead_flows++;
    return 0;
}

struct ksr_branch *targets_branch_by_contact(struct call *call, struct ksr_branch *branch)
{
    if (!branch->contact_left)
        return NULL;
    struct ksr_branch *other = branch_new(call, (str){NULL, 0});
    if (other == NULL)
        return NULL;
    branch->contact_left = false;
    branch->model.target->flow = 0;
    other->model.target = branch->model.target;
    other->binding = branch->binding;
    other->socket = branch->socket;
    other->aor_hash = branch->aor_hash;
    other->branch_flags = branch->branch_flags;
    other->user_agent = branch->user_agent;
    other->attributes = copy_attributes(branch->attributes);
    call->branches[call->branch_count++] = other;
    return other;
}

size_t targets_room(const struct lookup *lookup)
{
    enum { SET = 640, TARGET = sizeof(struct ksr_branch) + 320 };
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

static bool may_be_called(const struct found *found)
{
    return found->peer != NULL || found->flow == 0 || found->contact_left || flow_lives(found->flow);
}

/* The first class of the AOR belongs to the one that is open. */
static int lift_of(const struct call *call, const struct lookup *lookup)
{
    int highest = -1;
    for (size_t i = 0; i < lookup->count; i++)
        if (lookup->found[i].q > highest && may_be_called(&lookup->found[i]))
            highest = lookup->found[i].q;
    return highest >= 0 ? target_lift(call->model.targets, (uint16_t)highest) : 0;
}

size_t targets_add_beside(struct call *call, const struct lookup *lookup, const str *aor)
{
    call->lift = lift_of(call, lookup);
    const size_t added = targets_add(call, lookup, aor);
    call->lift = 0;
    return added;
}

bool targets_know(struct call *call, const struct lookup *lookup)
{
    for (size_t i = 0; i < lookup->count; i++)
        if (call_branch_of_ruid(call, &lookup->found[i].ruid) != NULL)
            return true;
    return false;
}

static int add_bindings(struct call *call, const str *aor, struct text instance)
{
    struct aor_names names;
    struct lookup lookup;
    if (call->table[0] == '\0' || aor_names_read(&names, aor) < 0 || names.key.len == 0 ||
        lookup_create(&lookup, call->table, &names.key, call->methods) < 0)
        return -1;
    const unsigned dead = call->dead_flows;
    size_t added = add_all(call, &lookup, &names.uri, instance);
    if (instance.length == 0)
        lookup_report(&lookup, &names.uri, call->dead_flows - dead, added > 0);
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
    call->lift = target->lift;
    const int added = add_bindings(call, &aor, target->instance);
    call->lift = 0;
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
    return (int)add(call, branch_new(call, (str){NULL, 0}), &target);
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
static int read_request_uri(const struct ksr_branch *branch, char out[REQUEST_URI_MOST], str *uri)
{
    struct text whole = branch->peer != NULL ? text_of_str(branch->request_uri) : branch->model.target->uri;
    if (whole.length == 0 || whole.length > REQUEST_URI_MOST)
        return -1;
    memcpy(out, whole.at, whole.length);
    *uri = (str){out, (int)sip_uri_strip(out, whole.length)};
    return 0;
}

static int put_as_request_uri(struct sip_msg *msg, struct call *call, struct ksr_branch *branch, str *uri,
                              str *instance)
{
    flag_t flags = 0;
    str path = str_of_text(branch->model.target->path);
    reset_dst_uri(msg);
    if (rewrite_uri(msg, uri) < 0 || (branch->destination.len > 0 && set_dst_uri(msg, &branch->destination) < 0) ||
        set_or_reset(msg, &path, set_path_vector, reset_path_vector) < 0 ||
        set_or_reset(msg, instance, set_instance, reset_instance) < 0 ||
        set_or_reset(msg, &branch->user_agent, set_ua, reset_ua) < 0 || set_ruid(msg, &branch->ruid) < 0)
        return -1;
    call->in_request_uri = branch;
    msg->reg_id = (int)branch->model.target->reg_id;
    set_ruri_q(branch->model.target->q);
    getbflagsval(0, &flags);
    setbflagsval(0, flags | branch->branch_flags);
    if (branch->socket != NULL)
        set_force_socket(msg, branch->socket);
    return 0;
}

static unsigned branches_sent(void)
{
    const struct cell *t = tmb.t_gett();
    return t != NULL && t != T_UNDEFINED ? (unsigned)t->nr_of_outgoings : 0;
}

/* The index that tm will give to the branch that was put last. */
static unsigned branch_place(bool first)
{
    return branches_sent() + (first ? 0 : nr_branches - 1 + (ruri_get_forking_state() ? 1 : 0));
}

/* As with lookup() of registrar: an XAVP of this name for each branch, with its index. */
static void put_attributes(const struct ksr_branch *branch, unsigned place)
{
    sr_xavp_t *copy = copy_attributes(branch->attributes);
    if (copy != NULL && xavp_insert(copy, (int)place, NULL) < 0)
        xavp_destroy_list(&copy);
}

static int put_branch(struct sip_msg *msg, struct call *call, struct ksr_branch *branch, bool first)
{
    char buffer[MAX_INSTANCE_SIZE], request_uri[REQUEST_URI_MOST];
    str uri, path = str_of_text(branch->model.target->path);
    str instance = bracketed(branch->model.target->instance, buffer);
    bool alone = first || (nr_branches == 0 && !ruri_get_forking_state());
    if (read_request_uri(branch, request_uri, &uri) < 0 ||
        (first && put_as_request_uri(msg, call, branch, &uri, &instance) < 0))
        return -1;
    if (!first &&
        append_branch(msg, &uri, &branch->destination, &path, branch->model.target->q, branch->branch_flags,
                      branch->socket, &instance, branch->model.target->reg_id, &branch->ruid, &branch->user_agent) < 0)
        return -1;
    put_attributes(branch, branch_place(first));
    forced_put(msg, call, branch, alone);
    return 0;
}

/* Approximately what tm sends: the request with added lines, the branch's URI and its Path. */
static size_t bytes_of(const struct sip_msg *msg, const struct ksr_branch *branch)
{
    return msg->len + BREADTH_OWN_LINES + branch->model.target->uri.length + branch->model.target->path.length;
}

int call_put_branch(struct call *call, struct ksr_branch *branch)
{
    struct step *step = call->step;
    bool may = breadth_take(call, branch, bytes_of(step->msg, branch)) || call->model.role == ROLE_EDGE;
    if (!may || put_branch(step->msg, call, branch, step->first && step->put == 0) < 0) {
        breadth_give_back(call, branch);
        return -1;
    }
    step->put++;
    if (branch->model.context == NULL)
        call_branch_begin(&call->model, &branch->model, branch->model.target);
    return 0;
}

bool targets_set_is_full(void)
{
    return nr_branches + (ruri_get_forking_state() ? 1 : 0) + branches_sent() >= sr_dst_max_branches;
}

struct rest_question {
    const struct call *call;
    bool chosen;
};

static bool name_rests(void *again, struct text name)
{
    const struct rest_question *question = again;
    return rest_is_on(question->chosen, question->call->model.aor, name);
}

static str next_hop(const struct ksr_branch *branch)
{
    return branch->destination.len > 0 ? branch->destination : str_of_text(branch->model.target->uri);
}

/* "sips:" with transport=tcp or ws means TLS or WSS. */
static int proto_of_uri(const struct ksr_sip_uri *uri, const struct socket_info *socket)
{
    const int proto = uri->proto != PROTO_NONE ? uri->proto : PROTO_UDP;
    if (uri->type != SIPS_URI_T)
        return proto_at_listener(proto, socket);
    return transport_is_websocket(transport_of_proto(proto)) ? PROTO_WSS : PROTO_TLS;
}

size_t targets_silent_name(const struct ksr_branch *branch, char out[REST_NAME_MOST + 1])
{
    char host[REST_NAME_MOST + 1];
    struct ksr_sip_uri uri;
    str to = next_hop(branch);
    if (parse_uri(to.s, to.len, &uri) < 0 || uri.host.len > REST_NAME_MOST - 8)
        return 0;
    const char *transport = proto_word(proto_of_uri(&uri, branch->socket));
    int length = snprintf(host, sizeof host, "%.*s:%u", uri.host.len, uri.host.s, GET_URI_PORT(&uri));
    return silent_name_write(transport, (struct text){host, (size_t)length}, out);
}

/* 3261-21.5.4.a; the address is known where the URI has it. */
static bool rests(const struct call *call, const struct ksr_branch *branch)
{
    struct ksr_sip_uri uri;
    union sockaddr_union address;
    str to = next_hop(branch);
    if (rest_count() == 0 || parse_uri(to.s, to.len, &uri) < 0)
        return false;
    struct rest_destination destination = {.host = text_of_str(uri.host), .port = GET_URI_PORT(&uri)};
    const struct ip_addr *ip = str2ip6(&uri.host);
    if (ip != NULL && init_su(&address, (struct ip_addr *)ip, GET_URI_PORT(&uri)) == 0)
        destination.address = text_of(su2a(&address, sizeof address));
    struct rest_question question = {call, call_branch_is_chosen(&branch->model)};
    return rest_holds(&destination, name_rests, &question);
}

bool targets_may_be_sent_to(const struct call *call, const struct ksr_branch *branch)
{
    return !rests(call, branch) && (call->step->first || !is_dead(branch->model.target->flow));
}

size_t call_put_targets(struct sip_msg *msg, struct call *call, bool open_class, bool first)
{
    struct step step = {.msg = msg, .first = first};
    call->step = &step;
    size_t put = call_start_targets(&call->model, open_class);
    call->step = NULL;
    return put;
}

size_t call_put_with_unsent(struct sip_msg *msg, struct call *call)
{
    struct step step = {.msg = msg};
    call->step = &step;
    size_t put = call_start_with_unsent(&call->model);
    call->step = NULL;
    return put;
}

void call_keep_request_uri(struct sip_msg *msg, struct call *call)
{
    char buffer[MAX_INSTANCE_SIZE], request_uri[REQUEST_URI_MOST];
    str uri;
    struct ksr_branch *branch = call_branch_of_ruid(call, &msg->ruid);
    if (branch == NULL || branch->model.context == NULL || read_request_uri(branch, request_uri, &uri) < 0 ||
        text_equal(text_of_str(uri), text_of_str(*GET_RURI(msg))))
        return;
    str instance = bracketed(branch->model.target->instance, buffer);
    if (put_as_request_uri(msg, call, branch, &uri, &instance) < 0)
        ksr_log(LOG_ERROR, "sip_route_flows: a target is lost: no memory");
}

size_t call_put_beside(struct sip_msg *msg, struct call *call)
{
    struct step step = {.msg = msg}, *outer = call->step;
    call->step = &step;
    call_start_beside(&call->model);
    call->step = outer;
    return step.put;
}
