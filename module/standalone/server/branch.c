// SPDX-License-Identifier: BSD-2-Clause
#include "standalone/server/branch.h"
#include "standalone/server/server_private.h"
#include "standalone/server/context.h"
#include "standalone/address/destination.h"
#include "standalone/server/edge.h"
#include "standalone/server/flows.h"
#include "standalone/address/own_side.h"
#include "standalone/server/rest.h"
#include "standalone/server/route.h"

#include "base/writer.h"

/* One branch of a request: its destination, and the request that is sent (RFC 3261 16.6). */

static uint64_t seal(const struct server *server, struct text text)
{
    return hash_seal(&server->loop_key, text);
}

static uint64_t seal_routes(const struct server *server, const struct sip_message *request, const struct route *route)
{
    uint64_t sum = 0;
    struct sip_value value;
    for (size_t i = route->dropped; sip_value(request, HEADER_ROUTE, i, &value); i++)
        sum = hash_pair(&server->loop_key, sum, seal(server, value.whole));
    return sum;
}

/* A flow is used whatever the AOR: two AORs may have the same Contact. */
uint32_t branch_digest(const struct server *server, const struct sip_message *request, const struct route *route)
{
    char aor[512];
    int length = -1;
    uint64_t flow = route->token == ROUTE_TOKEN_INCOMING ? peer_flow(&route->peer) : route->flow;
    if (flow == 0)
        length = sip_aor(route->uri, server->config.aor_case, aor, sizeof aor);
    const uint64_t numbers[] = {flow, seal_routes(server, request, route), sip_cseq(request)};
    const struct text parts[] = {{(const char *)numbers, sizeof numbers},
                                 length < 0 ? route->uri : (struct text){aor, (size_t)length},
                                 sip_call_id(request),
                                 sip_from_tag(request),
                                 sip_to_tag(request)};
    uint64_t sum = hash_texts(&server->loop_key, parts, sizeof parts / sizeof parts[0]);
    return (uint32_t)(sum ^ sum >> 32);
}

uint64_t branch_selection(const struct server *server, const struct sip_message *request)
{
    return seal(server, sip_call_id(request));
}

size_t branch_via(const struct server *server, const struct peer *peer, struct branch_id id, char *out, size_t size)
{
    char branch[64];
    struct own_side side;
    struct writer writer = writer_begin(out, size);
    own_side_read(server, peer, &side);
    writer_put_text(&writer, TEXT("SIP/2.0/"));
    writer_put_text(&writer, text_of(transport_name(peer->transport)));
    writer_put(&writer, ' ');
    writer_put_text(&writer, text_of(side.host));
    writer_put(&writer, ':');
    writer_put_number(&writer, side.port);
    writer_put_text(&writer, TEXT(";branch="));
    writer_put_text(&writer, (struct text){branch, branch_write(id, branch, sizeof branch)});
    writer_put_text(&writer, text_of(!transport_connects(peer->transport) ? ";rport" : peer->named ? ";alias" : ""));
    return writer_end(&writer);
}

static bool forms_dialog(enum method method)
{
    return method == METHOD_INVITE || method == METHOD_SUBSCRIBE || method == METHOD_REFER;
}

/* 6665-4.3.a: the subscriber takes its route set from a NOTIFY. SUBSCRIBE and REFER may begin a new usage. */
static bool forms_usage(enum method method)
{
    return method == METHOD_SUBSCRIBE || method == METHOD_REFER || method == METHOD_NOTIFY;
}

static struct text request_uri(const struct branch *branch)
{
    return branch->model.target != NULL ? branch->model.target->uri : branch->uri;
}

static struct text record_route(const struct branch *branch, char *out, size_t size)
{
    const struct context *context = branch->context;
    const struct sip_message *request = context->request;
    enum method method = sip_method(request);
    struct recorded recorded = {.request = request,
                                .from = server_transaction_source(context->transaction),
                                .to = &branch->peer,
                                .target = branch->model.target,
                                .to_flow = branch->model.on_flow,
                                .way = context->way};
    if (transport_is_secure(branch->peer.transport))
        recorded.domain = branch->domain;
    size_t length = 0;
    if (sip_to_tag(request).length == 0 && forms_dialog(method))
        length = route_record(context->server, &recorded, out, size);
    else if (sip_to_tag(request).length > 0 && forms_usage(method))
        length = route_record_again(context->server, &recorded, out, size);
    return (struct text){out, length};
}

/* The server does not send messages that it would refuse to receive. */
static bool has_room(const struct server *server)
{
    size_t most = server->config.limits.message != 0 ? server->config.limits.message : 65536;
    return server->out.length <= most;
}

static bool write_request(struct branch *branch, struct branch_id id)
{
    char via[VIA_MOST], record[RECORD_ROUTE_MOST], path[PATH_MOST], received[64];
    struct context *context = branch->context;
    struct server *server = context->server;
    const struct sip_message *request = context->request;
    const struct peer *source = server_transaction_source(context->transaction);
    int hops = sip_max_forwards(request);
    struct sip_forward forward = {.request_uri = request_uri(branch),
                                  .routes_dropped = context->routes_dropped,
                                  .max_forwards = hops < 0 ? 70 : hops - 1,
                                  .max_breadth = branch->model.breadth,
                                  .rport = address_port(&source->address)};
    address_host(&source->address, received, sizeof received);
    forward.received = text_of(received);
    forward.consumes = caller_consumes;
    forward.consumes_context = server;
    forward.via = (struct text){via, branch_via(server, &branch->sender, id, via, sizeof via)};
    if (branch->model.target != NULL)
        forward.route = branch->model.target->path;
    forward.record_route = record_route(branch, record, sizeof record);
    if (context->way == WAY_OUTWARD && sip_method(request) == METHOD_REGISTER)
        forward.path = (struct text){path, edge_path(server, request, source, &branch->peer, path, sizeof path)};
    sip_buffer_clear(&server->out);
    return sip_forward_request(request, &forward, &server->out) == 0 && has_room(server);
}

/* A binding of this server without a Path. */
static bool is_bound(const struct target *target)
{
    return target != NULL && target->aor.length > 0 && target->path.length == 0;
}

/* A binding that is not outbound. */
static bool is_plain(const struct target *target)
{
    return is_bound(target) && target->reg_id == 0;
}

static void fail_soon(struct branch *branch, enum origin origin)
{
    branch->pending_origin = (uint8_t)origin;
    timer_start(&branch->context->server->timers, &branch->timer, 0);
}

/* Nothing was sent, for a reason of this server. That says nothing about the flow, and its bindings are kept. */
static void fail_unsent(struct branch *branch)
{
    branch->model.on_flow = false;
    fail_soon(branch, ORIGIN_TRANSPORT);
}

/* There is no route to the destination: the same as a failed send. */
static void fail_unreached(struct branch *branch)
{
    branch->tried = true;
    if (is_plain(branch->model.target))
        fail_soon(branch, ORIGIN_FLOW_DOWN);
    else
        fail_unsent(branch);
}

/* RFC 3261 26.2.2: a sips: request must not be sent there. The phone cannot be reached for it, but its flow is
   alive. */
static void fail_unsafe(struct branch *branch)
{
    branch->model.withheld = true;
    fail_soon(branch, ORIGIN_FLOW_DOWN);
}

static bool name_rests(void *again, struct text name)
{
    const struct branch *branch = again;
    return rest_is_on(branch->context->server, branch->by_policy, branch->context->model.aor, name);
}

/* 3261-21.5.4.a */
static bool branch_rests(struct branch *branch)
{
    const struct rest_destination destination = {text_of(branch->destination), branch->domain, branch->named_port};
    return rest_count(branch->context->server) > 0 && rest_holds(&destination, name_rests, branch);
}

static bool is_copy_for(const struct branch *earlier, const struct branch *branch)
{
    const struct target *target = earlier->model.target;
    return earlier->unacknowledged && earlier->model.has_final && earlier->transaction != NULL && target != NULL &&
           target->instance.length > 0 && text_equal(target->instance, branch->model.target->instance);
}

/* An earlier branch to the same instance whose copy of the INVITE may have arrived, although nothing was acknowledged.
   NULL: no such branch. */
static struct branch *earlier_copy(const struct branch *branch)
{
    const struct context *context = branch->context;
    if (!branch->model.on_flow || branch->model.target == NULL || sip_method(context->request) != METHOD_INVITE)
        return NULL;
    struct branch *earlier = context_first(context);
    while (earlier != NULL && !is_copy_for(earlier, branch))
        earlier = branch_next(earlier);
    return earlier;
}

/* 5626-7.i: with the branch and the sent-by of the earlier copy, the next one is a retransmission to a phone that has
   the first (RFC 3261 17.2.3), also over another transport, and the phone rings once. Otherwise it would be a merged
   request, which not every phone recognises. */
static struct branch_id choose_via(struct branch *branch, const struct branch *earlier)
{
    const struct context *context = branch->context;
    branch->sender = earlier != NULL ? earlier->sender : branch->peer;
    branch->sender.transport = branch->peer.transport;
    return earlier != NULL ? client_transaction_branch(earlier->transaction)
                           : branch_draw(context->server->transactions, context->digest);
}

static void watch_acks(struct branch *branch)
{
    const struct server *server = branch->context->server;
    const struct target *target = branch->model.target;
    if (branch->model.on_flow && target != NULL && target->instance.length > 0 && server->config.ack_ms > 0)
        client_transaction_watch_acks(branch->transaction, server->config.ack_ms);
}

static void after_sending(struct branch *branch, enum method method)
{
    struct server *server = branch->context->server;
    client_transaction_charge(branch->transaction, branch->context->model.load);
    server->counters.branches++;
    if (method == METHOD_INVITE) {
        timer_start(&server->timers, &branch->timer, server->config.timer_c_ms);
        watch_acks(branch);
    }
}

/* 3261-18.1.1.a: what was written is too large for a datagram. */
static bool prefer_stream(struct branch *branch, struct cause *cause)
{
    struct server *server = branch->context->server;
    const struct peer datagram = branch->peer;
    if (!branch->any_transport || !peer_prefer_stream(server, &branch->near, server->out.length, &branch->peer))
        return false;
    amplification_charge(&server->amplification, cause, &datagram, server->out.length);
    branch->sender = branch->peer;
    server->counters.large_by_stream++;
    branch->large = true;
    return true;
}

static void send_to_peer(struct branch *branch)
{
    struct context *context = branch->context;
    struct server *server = context->server;
    if (is_bound(branch->model.target) && !peer_is_safe_for(&branch->peer, context->request)) {
        fail_unsafe(branch);
        return;
    }
    address_format(&branch->peer.address, branch->destination, sizeof branch->destination);
    branch->model.rested = branch_rests(branch);
    if (branch->model.rested || !peer_is_safe_for(&branch->peer, context->request)) {
        fail_unsent(branch);
        return;
    }
    if (!branch->by_policy)
        branch->peer.named_by = source_that_names(server, server_transaction_source(context->transaction));
    if (!peer_connect(server, &branch->peer, branch->domain) || !own_side_choose(server, &branch->peer)) {
        fail_unreached(branch);
        return;
    }
    struct branch *earlier = earlier_copy(branch);
    struct branch_id id = choose_via(branch, earlier);
    if (!write_request(branch, id) || !call_may_send(&context->model, server->out.length)) {
        fail_unsent(branch);
        return;
    }
    struct cause *cause = branch->by_policy ? NULL : context->cause;
    if (!amplification_allows(&server->amplification, cause, &branch->peer, server->out.length)) {
        amplification_withhold(&server->amplification, &branch->peer, server->out.length);
        branch->model.rested = true;
        fail_unsent(branch);
        return;
    }
    if (prefer_stream(branch, cause) && !write_request(branch, id)) {
        fail_unsent(branch);
        return;
    }
    struct text bytes = {server->out.bytes, server->out.length};
    enum method method = sip_method(context->request);
    if (client_transaction_new(server->transactions, id, method, &branch->peer, cause, bytes, branch,
                               &branch->transaction) != 0) {
        server->counters.memory++;
        fail_unsent(branch);
        return;
    }
    branch->tried = true;
    if (earlier != NULL)
        client_transaction_take_over(branch->transaction, earlier->transaction);
    after_sending(branch, method);
}

/* 3263-4.3.b: those that have failed come last. */
static void take_places(struct branch *branch, struct place *places, size_t count)
{
    struct context *context = branch->context;
    failures_sort(branch, places, count);
    for (size_t i = 0; i < count; i++) {
        struct peer peer = {.transport = places[i].transport, .address = places[i].address};
        if (!peer_choose_listener(context->server, &branch->near, &peer))
            continue;
        if (branch->peer.address.any.sa_family == 0)
            branch->peer = peer;
        else if (branch->other_count < sizeof branch->others / sizeof branch->others[0])
            branch->others[branch->other_count++] = places[i];
    }
}

static void located(void *again, const struct place *found, size_t found_count)
{
    struct branch *branch = again;
    struct context *context = branch->context;
    struct place places[PLACES_MOST];
    branch->locating = false;
    if (context->transaction == NULL) {
        context_forget_unused(context);
        return;
    }
    if (branch->model.has_final || context->model.final_forwarded || context->model.cancelled) {
        if (!branch->model.has_final)
            fail_soon(branch, ORIGIN_TRANSPORT);
        return;
    }
    size_t count = found_count < PLACES_MOST ? found_count : PLACES_MOST;
    if (count > 0)
        memcpy(places, found, count * sizeof *places);
    take_places(branch, places, count);
    if (branch->peer.address.any.sa_family == 0)
        fail_soon(branch, call_origin_unsent(&branch->model));
    else
        send_to_peer(branch);
}

static bool locate(struct branch *branch, const struct sip_uri *uri)
{
    char host[LOCATE_HOST_SIZE];
    struct locate_query query;
    const struct server *server = branch->context->server;
    const struct wire *wire = server->config.wire;
    if (!uri_locate_query(server, uri, host, &query))
        return false;
    query.selection = branch_selection(server, branch->context->request);
    query.chosen = branch->by_policy;
    branch->peer = (struct peer){.transport = (uint8_t)locate_transport(&query)};
    branch->locating = true;
    const struct peer *source = server_transaction_source(branch->context->transaction);
    if (wire->locate(wire->context, source, &query, located, branch) != 0)
        branch->locating = false;
    return branch->locating;
}

/* The name that the peer must prove, if a proof is required: a target is sent to by one name. */
static bool set_domain(struct branch *branch, struct text domain)
{
    return memory_copy(branch->context->server->config.host, domain, &branch->domain);
}

/* A Contact that is the AOR itself, at an address or name of this server, is not called, because the request would
   return at once. It may be registered, because some phones write such Contacts and are called over their flows. */
static bool leads_back(const struct branch *branch, const struct sip_uri *uri)
{
    char aor[512];
    const struct target *target = branch->model.target;
    if (target == NULL || target->aor.length == 0 || !server_is_own_domain(branch->context->server, uri))
        return false;
    int length = sip_uri_aor(uri, branch->context->server->config.aor_case, aor, sizeof aor);
    return length > 0 && text_equal((struct text){aor, (size_t)length}, target->aor);
}

static void send_to_uri(struct branch *branch, struct text next_hop)
{
    struct sip_uri uri;
    union address numeric;
    enum transport transport;
    bool sending = false;
    if (sip_uri_create(&uri, next_hop) == 0 && !leads_back(branch, &uri) &&
        set_domain(branch, domain_to_prove(&uri, branch->proven))) {
        branch->any_transport = uri.transport.length == 0;
        branch->named_port = uri_transport(&uri, &transport) ? uri_port(&uri, transport) : 0;
        branch->named_transport = (uint8_t)transport;
        if (address_read(uri.host, 0, &numeric)) {
            sending = peer_of_uri(branch->context->server, &uri, &branch->near, &branch->peer);
            if (sending)
                send_to_peer(branch);
        } else if (branch_rests(branch)) {
            sending = branch->model.rested = true;
            fail_unsent(branch);
        } else {
            sending = locate(branch, &uri);
        }
    }
    sip_uri_destroy(&uri);
    if (!sending)
        fail_soon(branch, call_origin_unsent(&branch->model));
}

static void timer_fires(struct timer *timer)
{
    struct branch *branch = TABLE_OWNER(timer, struct branch, timer);
    struct sip_message *none = NULL;
    if (branch->transaction == NULL) {
        branch_react(branch, branch->pending_origin, &none);
        return;
    }
    /* Timer C (16.8): the branch is cancelled and counts as a 408. */
    branch_cancel(branch);
    branch_react(branch, ORIGIN_TIMEOUT, &none);
}

/* TRANSACTION is that of a client transaction with an ACK of the usual size. */
enum { TRANSACTION = 1200, ACK_USUAL = 600 };

/* What a branch keeps beside the request, which is limited while it is in flight: itself, its target, its transaction
   and the ACK. */
static size_t branch_cost(const struct target *target)
{
    size_t texts = target != NULL ? target->uri.length + target->path.length + target->instance.length : 0;
    return sizeof(struct branch) + sizeof(struct target) + texts + TRANSACTION;
}

/* The branches of few requests that fork, and are answered at once, could fill the memory. */
static bool branch_has_room(struct context *context, const struct target *target)
{
    if (!call_has_room(&context->model))
        return false;
    if (!context_keep(context, branch_cost(target))) {
        context->model.over = LOAD_OF_SOURCE;
        context->model.host->count(&context->model, CALL_LOAD_OF_SOURCE);
        return false;
    }
    return true;
}

static struct branch *branch_new(struct context *context, struct target *target, struct text uri)
{
    const struct host *host = context->server->config.host;
    struct branch *branch = branch_has_room(context, target) ? memory_new(host, sizeof *branch) : NULL;
    if (branch == NULL)
        return NULL;
    if (timer_keep(&context->server->timers, &branch->timer) != 0 ||
        (target == NULL && !memory_copy(host, uri, &branch->uri))) {
        timer_give_back(&context->server->timers, &branch->timer);
        memory_delete(host, branch, sizeof *branch);
        return NULL;
    }
    branch->context = context;
    branch->transaction_cost = TRANSACTION;
    branch->near = context->near;
    branch->by_policy = target != NULL && target->by_policy;
    branch->timer.fire = timer_fires;
    call_branch_begin(&context->model, &branch->model, target);
    return branch;
}

static void send_to_flow(struct branch *branch, flow_id flow)
{
    struct server *server = branch->context->server;
    struct peer peer;
    branch->model.on_flow = true;
    if (binding_first_on_flow(server->bindings, flow) != NULL && peer_of_flow(server, flow, &peer)) {
        branch->peer = peer;
        send_to_peer(branch);
    } else {
        fail_soon(branch, ORIGIN_FLOW_DOWN);
    }
}

/* A branch inside a dialog, or by Route. */
static struct branch *branch_new_by_route(struct context *context, const struct route *route)
{
    struct branch *branch = branch_new(context, NULL, route->uri);
    if (branch != NULL)
        memory_copy(context->server->config.host, route->proven, &branch->proven);
    return branch;
}

struct branch *branch_start(struct context *context, const struct route *route)
{
    struct branch *branch = branch_new_by_route(context, route);
    if (branch == NULL)
        return NULL;
    branch->model.after_flow = route->flow != 0 || route->flow_lost;
    send_to_uri(branch, route_hop(route));
    return branch;
}

/* Without memory for the next hop, the flow is the only way. */
struct branch *branch_start_in_dialog(struct context *context, const struct route *route, const struct peer *peer,
                                      bool reconnect)
{
    struct branch *branch = branch_new_by_route(context, route);
    if (branch == NULL)
        return NULL;
    if (reconnect)
        memory_copy(context->server->config.host, route_hop(route), &branch->hop);
    branch->peer = *peer;
    branch->model.on_flow = branch->hop.length == 0;
    send_to_peer(branch);
    return branch;
}

struct branch *branch_start_gone(struct context *context, struct text uri)
{
    struct branch *branch = branch_new(context, NULL, uri);
    if (branch == NULL)
        return NULL;
    branch->model.on_flow = true;
    fail_soon(branch, ORIGIN_FLOW_DOWN);
    return branch;
}

struct branch *branch_start_by_policy(struct context *context, struct text uri, struct text next_hop)
{
    struct branch *branch = branch_new(context, NULL, uri);
    if (branch == NULL)
        return NULL;
    branch->by_policy = branch->model.chosen = true;
    send_to_uri(branch, next_hop);
    return branch;
}

struct branch *branch_start_peer(struct context *context, struct text uri, const struct peer *peer)
{
    struct branch *branch = branch_new(context, NULL, uri);
    if (branch == NULL)
        return NULL;
    branch->peer = *peer;
    branch->model.on_flow = true;
    send_to_peer(branch);
    return branch;
}

static bool read_binding(const struct server *server, const struct target *target, struct binding_view *view)
{
    struct text instance = target->reg_id != 0 ? target->instance : (struct text){NULL, 0};
    const struct binding *binding = binding_find(server->bindings, target->aor, target->uri, instance, target->reg_id);
    if (binding != NULL)
        binding_read(binding, view);
    return binding != NULL;
}

/* The binding may have moved to another flow, or lost its own, since it became a target. */
static flow_id plain_flow(const struct server *server, const struct target *target)
{
    struct binding_view view;
    if (!read_binding(server, target, &view))
        return target->flow;
    return view.route == BINDING_BY_CONTACT ? 0 : view.flow;
}

/* 5658-a: where a binding is reached by its Path or Contact, it is reached from the socket that the REGISTER came to.
 */
static void leave_by_socket_of(struct branch *branch, const struct target *target)
{
    struct peer own;
    struct binding_view view;
    const struct server *server = branch->context->server;
    if (target->aor.length > 0 && read_binding(server, target, &view) && server_socket(server, view.socket, &own))
        branch->near = own;
}

bool branch_move_to(struct branch *branch, const struct target *target)
{
    const struct server *server = branch->context->server;
    flow_id flow = is_plain(target) ? plain_flow(server, target) : target->flow;
    struct peer peer;
    if (branch->transaction == NULL || binding_first_on_flow(server->bindings, flow) == NULL ||
        !peer_of_flow(server, flow, &peer))
        return false;
    client_transaction_move(branch->transaction, &peer);
    branch->peer = peer;
    return true;
}

/* A target that is no binding is sent to as any URI. */
static void send_to_binding(struct branch *branch, struct text next_hop)
{
    leave_by_socket_of(branch, branch->model.target);
    send_to_uri(branch, next_hop);
}

/* 3261-10.a: over the flow of the binding while it is alive, else to a Contact that can be called. */
static void send_to_plain(struct branch *branch)
{
    struct target *target = branch->model.target;
    target->flow = plain_flow(branch->context->server, target);
    if (target->flow != 0)
        send_to_flow(branch, target->flow);
    else if (contact_may_be_called(target->uri, TRANSPORT_UDP))
        send_to_binding(branch, target->uri);
    else
        fail_soon(branch, ORIGIN_FLOW_DOWN);
}

/* As branch_start(). */
struct branch *branch_start_target(struct context *context, struct target *target)
{
    struct branch *branch = branch_new(context, target, target->uri);
    if (branch == NULL)
        return NULL;
    if (is_plain(target))
        send_to_plain(branch);
    else if (target->flow != 0)
        send_to_flow(branch, target->flow);
    else
        send_to_binding(branch, target_next_hop(target));
    return branch;
}

bool branch_has_contact_left(const struct branch *branch)
{
    if (branch->model.target == NULL)
        return branch->hop.length > 0;
    return is_plain(branch->model.target) && branch->model.on_flow &&
           contact_may_be_called(branch->model.target->uri, (enum transport)branch->peer.transport);
}

/* 3261-10.a, 3261-16.6.b: the same target by its Contact, or the next hop, over a new connection. */
static struct branch *start_by_contact(const struct branch *failed)
{
    struct branch *branch = branch_new(failed->context, failed->model.target, failed->uri);
    if (branch == NULL)
        return NULL;
    branch->model.after_flow = true;
    memory_copy(failed->context->server->config.host, failed->proven, &branch->proven);
    if (branch->model.target != NULL)
        send_to_binding(branch, branch->model.target->uri);
    else
        send_to_uri(branch, failed->hop);
    return branch;
}

static bool use_datagram(struct branch *branch)
{
    branch->large = false;
    return peer_use_datagram(branch->context->server, &branch->near, &branch->peer);
}

/* 3263-4.3.a: the same target at the next address of its name, or by its Contact; NULL if there is none. */
struct branch *branch_start_next_server(const struct branch *failed)
{
    struct context *context = failed->context;
    if (failed->other_count == 0)
        return branch_has_contact_left(failed) ? start_by_contact(failed) : NULL;
    struct branch *branch = branch_new(context, failed->model.target, failed->uri);
    if (branch == NULL)
        return NULL;
    branch->peer = (struct peer){.transport = failed->others[0].transport, .address = failed->others[0].address};
    branch->by_policy = failed->by_policy;
    branch->model.chosen = failed->model.chosen;
    branch->named_port = failed->named_port;
    branch->named_transport = failed->named_transport;
    branch->any_transport = failed->any_transport;
    branch->name_lives = failed->name_lives || !failed->model.silent;
    branch->near = failed->near;
    peer_choose_listener(context->server, &branch->near, &branch->peer);
    if (!set_domain(branch, failed->domain)) {
        fail_soon(branch, ORIGIN_TRANSPORT);
        return branch;
    }
    branch->other_count = (uint8_t)(failed->other_count - 1);
    memcpy(branch->others, failed->others + 1, branch->other_count * sizeof branch->others[0]);
    send_to_peer(branch);
    return branch;
}

/* RFC 3261 9.1: CANCEL goes to the address of the request. */
void branch_cancel(struct branch *branch)
{
    struct peer peer = branch->peer;
    bool by_address = !branch->model.on_flow && transport_connects(peer.transport);
    if (by_address && client_transaction_is_down(branch->transaction)) {
        peer.connection = 0;
        if (peer_connect(branch->context->server, &peer, branch->domain))
            client_transaction_move(branch->transaction, &peer);
    }
    client_transaction_cancel(branch->transaction);
}

void branch_delete(struct branch *branch)
{
    const struct host *host = branch->context->server->config.host;
    timer_give_back(&branch->context->server->timers, &branch->timer);
    sip_message_delete(branch->response);
    memory_delete_text(host, branch->uri);
    memory_delete_text(host, branch->hop);
    memory_delete_text(host, branch->proven);
    memory_delete_text(host, branch->domain);
    memory_delete(host, branch, sizeof *branch);
}

/* The ACK repeats lines of the request and of the response, which others choose. */
static void charge_ack(struct branch *branch, const struct client_transaction *transaction)
{
    const size_t ack = client_transaction_kept_ack(transaction);
    const size_t cost = TRANSACTION + (ack > ACK_USUAL ? ack - ACK_USUAL : 0);
    if (cost <= branch->transaction_cost)
        return;
    context_charge(branch->context, cost - branch->transaction_cost);
    branch->transaction_cost = cost;
}

static void on_response(void *user, struct client_transaction *transaction, struct sip_message **response)
{
    struct branch *branch = user;
    charge_ack(branch, transaction);
    branch_react(branch, ORIGIN_WIRE, response);
}

static void on_timeout(void *user, struct client_transaction *transaction)
{
    struct branch *branch = user;
    struct sip_message *none = NULL;
    (void)transaction;
    branch->model.overdue = true;
    branch_react(branch, ORIGIN_TIMEOUT, &none);
}

/* 3261-18.1.1.a: the connection was not opened, so the destination cannot have received the request. */
static bool may_return(const struct branch *branch)
{
    const struct context *context = branch->context;
    return branch->large && context->transaction != NULL && !branch->model.has_final &&
           !context->model.final_forwarded && !context->model.cancelled &&
           stream_refusals_have(&context->server->stream_refusals, &branch->peer.address);
}

static void return_to_datagram(struct branch *branch)
{
    client_transaction_forget(branch->transaction);
    branch->transaction = NULL;
    branch->context->server->counters.large_returned++;
    if (use_datagram(branch))
        send_to_peer(branch);
    else
        fail_unreached(branch);
}

/* A destination without a flow may still answer over a new connection after it has received the request (RFC 3261
   18.2.2). */
static void on_failed(void *user, struct client_transaction *transaction, bool down)
{
    struct branch *branch = user;
    struct sip_message *none = NULL;
    branch->unacknowledged = client_transaction_is_unacknowledged(transaction);
    branch->model.overdue = client_transaction_is_late(transaction);
    if (may_return(branch))
        return_to_datagram(branch);
    else if (down && (branch->model.on_flow || branch->hop.length > 0))
        branch_react(branch, ORIGIN_FLOW_DOWN, &none);
    else if (!branch->model.provisional_seen)
        branch_react(branch, call_origin_unsent(&branch->model), &none);
}

static void on_ended(void *user, struct client_transaction *transaction)
{
    struct branch *branch = user;
    (void)transaction;
    branch->transaction = NULL;
    context_discharge(branch->context, branch->transaction_cost);
    branch->transaction_cost = 0;
    timer_stop(&branch->context->server->timers, &branch->timer);
    context_forget_unused(branch->context);
}

static bool is_of_target(const struct target *target, const struct binding_view *view)
{
    if (!text_equal(view->aor, target->aor))
        return false;
    if (target->instance.length > 0)
        return text_equal(view->instance, target->instance);
    return text_equal(view->contact, target->uri) || sip_uri_equal(view->contact, target->uri);
}

/* Whether the user agent of the target has a binding on the flow. */
static bool is_target_on(const struct server *server, const struct target *target, flow_id flow)
{
    const struct binding *binding = binding_first_on_flow(server->bindings, flow);
    for (; binding != NULL; binding = binding_next_on_flow(server->bindings, binding)) {
        struct binding_view view;
        binding_read(binding, &view);
        if (is_of_target(target, &view))
            return true;
    }
    return false;
}

bool branch_has_left(const struct branch *branch)
{
    const struct target *target = branch->model.target;
    return branch->model.on_flow && target != NULL && target->aor.length > 0 &&
           !is_target_on(branch->context->server, target, peer_flow(&branch->peer));
}

/* The phone has registered from there since the request was sent, for example because it moved to another network
   while ringing. */
static bool on_moved(void *user, const struct peer *source)
{
    const struct branch *branch = user;
    const struct server *server = branch->context->server;
    const struct target *target = branch->model.target;
    flow_id flow = server_flow_of(server, source);
    return target != NULL && target->aor.length > 0 && flow != 0 && flow != peer_flow(&branch->peer) &&
           is_target_on(server, target, flow);
}

static bool may_abort(void *user)
{
    struct branch *branch = user;
    return call_has_next_flow(&branch->model);
}

const struct client_events branch_events = {.response = on_response,
                                            .timeout = on_timeout,
                                            .failed = on_failed,
                                            .ended = on_ended,
                                            .has_moved = on_moved,
                                            .may_abort = may_abort};
