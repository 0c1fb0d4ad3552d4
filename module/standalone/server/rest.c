// SPDX-License-Identifier: BSD-2-Clause
#include "call/rest_name.h"
#include "script/base/layers.h"
#include "script/store/tenants.h"
#include "standalone/server/rest.h"
#include "standalone/server/server_private.h"
#include "standalone/server/branch.h"
#include "standalone/server/context.h"
#include "standalone/server/failed_address.h"
#include "standalone/server/verbose.h"
#include "standalone/address/destination.h"

#include <stdio.h>

/* Destinations that rest for a time: no requests are sent to them meanwhile (3261-21.5.4.a), or they are tried last
   because they did not answer (3263-4.3.b). */

enum {
    RESTS_MOST = 4096,
    SILENT_MOST = 1024, /* of each kind; those that only a policy named are in failed_address.h */
    NO_OWNER = 1 + LAYERS_MOST,
    SILENT_NAMED, /* a caller or a registered user agent may have named the destination */
    FAILED_NAMED, /* the same; it has failed in another way than by silence */
    REST_NAMED,   /* the same; it has asked for a rest */
    OWNERS
};

_Static_assert((int)OWNERS == (int)REST_OWNERS, "each owner has a place");

struct rest {
    struct table_link link;
    struct text destination;
    uint64_t until_ms;
    size_t owner;
};

/* --- whose --- */

/* NO_OWNER: the tenant has no rests. */
static size_t find_owner(const struct server *server, struct text tenant)
{
    size_t owner = tenant.length == 0 ? 0 : 1;
    while (owner != 0 && owner < NO_OWNER &&
           (server->rest_owners[owner].rests == 0 ||
            !text_equal_nocase(text_of(server->rest_owners[owner].tenant), tenant)))
        owner++;
    return owner;
}

/* The same, and assigns a place to a tenant without one. */
static size_t claim_owner(struct server *server, struct text tenant)
{
    size_t owner = find_owner(server, tenant);
    if (owner != NO_OWNER || tenant.length >= sizeof server->rest_owners[0].tenant)
        return owner;
    for (owner = 1; owner < NO_OWNER && server->rest_owners[owner].rests != 0;)
        owner++;
    if (owner == NO_OWNER)
        return NO_OWNER;
    memcpy(server->rest_owners[owner].tenant, tenant.at, tenant.length);
    server->rest_owners[owner].tenant[tenant.length] = '\0';
    return owner;
}

/* A tenant with very many resting destinations must not take the places of others. */
static bool owner_is_full(const struct server *server, size_t owner)
{
    size_t most = owner == 0 ? RESTS_MOST : owner > NO_OWNER ? SILENT_MOST : TENANT_RESTS_MOST;
    return server->rest_owners[owner].rests >= most;
}

/* --- destinations --- */

static struct rest *find(const struct server *server, size_t owner, struct text destination)
{
    struct table_link *link = table_find(&server->rests, hash_seal(&server->rest_key, destination));
    for (; link != NULL; link = table_next(link)) {
        struct rest *rest = TABLE_OWNER(link, struct rest, link);
        if (rest->owner == owner && text_equal(rest->destination, destination))
            return rest;
    }
    return NULL;
}

static void forget(struct server *server, struct rest *rest)
{
    server->rest_owners[rest->owner].rests--;
    table_remove(&server->rests, &rest->link);
    memory_delete_text(server->config.host, rest->destination);
    memory_delete(server->config.host, rest, sizeof *rest);
}

static struct rest *add(struct server *server, size_t owner, struct text destination)
{
    struct rest *rest = memory_new(server->config.host, sizeof *rest);
    if (rest == NULL)
        return NULL;
    if (!memory_copy(server->config.host, destination, &rest->destination)) {
        memory_delete(server->config.host, rest, sizeof *rest);
        return NULL;
    }
    rest->owner = owner;
    server->rest_owners[owner].rests++;
    table_add(&server->rests, &rest->link, hash_seal(&server->rest_key, destination));
    return rest;
}

static void set_until(struct server *server, size_t owner, struct text destination, uint32_t seconds)
{
    struct rest *rest = owner != NO_OWNER ? find(server, owner, destination) : NULL;
    bool wanted = owner != NO_OWNER && seconds != 0 && destination.length != 0;
    if (rest == NULL && wanted && !owner_is_full(server, owner))
        rest = add(server, owner, destination);
    if (rest != NULL)
        rest->until_ms = host_now_ms(server->config.host) + 1000ULL * seconds;
}

void rest_set(struct server *server, struct text tenant, struct text named, uint32_t seconds)
{
    char name[REST_NAME_MOST + 1];
    const struct text destination = {name, rest_name_write(named, name)};
    set_until(server, claim_owner(server, tenant), destination, seconds);
}

void rest_set_named(struct server *server, struct text named, uint32_t seconds)
{
    char name[REST_NAME_MOST + 1];
    const struct text destination = {name, rest_name_write(named, name)};
    set_until(server, REST_NAMED, destination, seconds);
}

static bool rests_for(const struct server *server, size_t owner, struct text destination)
{
    const struct rest *rest = owner != NO_OWNER ? find(server, owner, destination) : NULL;
    return rest != NULL && rest->until_ms > host_now_ms(server->config.host);
}

bool rest_is_on(const struct server *server, bool chosen, struct text aor, struct text destination)
{
    if (server->rests.count == 0)
        return false;
    size_t owner = find_owner(server, layers_domain(aor));
    return rests_for(server, 0, destination) || (owner != 0 && rests_for(server, owner, destination)) ||
           (!chosen && rests_for(server, REST_NAMED, destination));
}

static void delete_until(struct server *server, uint64_t ms)
{
    for (size_t i = 0; i < server->rests.size; i++) {
        struct table_link *link = server->rests.buckets[i];
        while (link != NULL) {
            struct rest *rest = TABLE_OWNER(link, struct rest, link);
            link = link->next;
            if (rest->until_ms <= ms)
                forget(server, rest);
        }
    }
}

void rest_sweep(struct server *server)
{
    if (server->rests.count > 0)
        delete_until(server, host_now_ms(server->config.host));
}

void rest_clear(struct server *server)
{
    if (server->rests.buckets != NULL)
        delete_until(server, UINT64_MAX);
}

size_t rest_count(const struct server *server)
{
    return server->rests.count - server->rest_owners[SILENT_NAMED].rests - server->rest_owners[FAILED_NAMED].rests;
}

/* --- silent destinations --- */

size_t silence_count(const struct server *server)
{
    return server->rest_owners[SILENT_NAMED].rests + failed_address_silent(server);
}

struct silent_name {
    char bytes[REST_NAME_MOST + 1];
    size_t length; /* 0: it cannot be written */
};

static struct text text_of_name(const struct silent_name *name)
{
    return (struct text){name->bytes, name->length};
}

static struct silent_name name_of_address(enum transport transport, const union address *address)
{
    char text[64];
    struct silent_name name;
    address_format(address, text, sizeof text);
    name.length = silent_name_write(transport_word(transport), text_of(text), name.bytes);
    return name;
}

static struct silent_name name_of_host(enum transport transport, struct text host, uint16_t port)
{
    char text[REST_NAME_MOST + 16];
    union address numeric;
    struct silent_name name = {.length = 0};
    if (address_read(host, port, &numeric))
        return name_of_address(transport, &numeric);
    if (host.length <= REST_NAME_MOST) {
        snprintf(text, sizeof text, "%.*s:%u", (int)host.length, host.at, port);
        name.length = silent_name_write(transport_word(transport), text_of(text), name.bytes);
    }
    return name;
}

/* --- which destinations are silent --- */

static bool is_silent(const struct server *server, bool chosen, const struct silent_name *name)
{
    return name->length > 0 && (failed_name_is_silent(server, text_of_name(name)) ||
                                (!chosen && rests_for(server, SILENT_NAMED, text_of_name(name))));
}

static bool address_is_silent(const struct server *server, bool chosen, const struct peer *peer, struct text domain)
{
    enum transport transport = (enum transport)peer->transport;
    const struct silent_name name = name_of_address(transport, &peer->address);
    return failed_address_state(server, transport, &peer->address, domain) == ADDRESS_SILENT ||
           is_silent(server, chosen, &name);
}

static bool hop_is_silent(const struct server *server, bool chosen, const struct sip_uri *uri)
{
    enum transport transport;
    struct peer peer = {0};
    if (!uri_transport(uri, &transport))
        return false;
    peer.transport = (uint8_t)transport;
    if (address_read(uri->host, uri_port(uri, transport), &peer.address))
        return address_is_silent(server, chosen, &peer, uri->host);
    const struct silent_name name = name_of_host(transport, uri->host, uri_port(uri, transport));
    return is_silent(server, chosen, &name);
}

bool silence_is_on(const struct server *server, const struct target *target)
{
    struct peer peer;
    struct sip_uri uri;
    const struct text no_domain = {NULL, 0};
    if (silence_count(server) == 0)
        return false;
    if (target->flow != 0)
        return peer_of_flow(server, target->flow, &peer) &&
               address_is_silent(server, target->by_policy, &peer, no_domain);
    bool silent = sip_uri_create(&uri, target_next_hop(target)) == 0 && hop_is_silent(server, target->by_policy, &uri);
    sip_uri_destroy(&uri);
    return silent;
}

static enum address_state place_state(struct server *server, const struct branch *branch, const struct place *place)
{
    enum transport transport = (enum transport)place->transport;
    enum address_state state = failed_address_state(server, transport, &place->address, branch->domain);
    if (state != ADDRESS_FINE)
        failed_address_want(server, transport, &place->address, branch->domain);
    if (state != ADDRESS_FINE || branch->by_policy)
        return state;
    const struct silent_name name = name_of_address(transport, &place->address);
    if (rests_for(server, SILENT_NAMED, text_of_name(&name)))
        return ADDRESS_SILENT;
    return rests_for(server, FAILED_NAMED, text_of_name(&name)) ? ADDRESS_FAILED : ADDRESS_FINE;
}

void failures_sort(const struct branch *branch, struct place *places, size_t count)
{
    enum address_state states[PLACES_MOST];
    struct server *server = branch->context->server;
    for (size_t i = 0; i < count && i < PLACES_MOST; i++) {
        const struct place place = places[i];
        const enum address_state state = place_state(server, branch, &place);
        size_t at = i;
        for (; at > 0 && states[at - 1] > state; at--) {
            places[at] = places[at - 1];
            states[at] = states[at - 1];
        }
        places[at] = place;
        states[at] = state;
    }
}

/* --- what branches show of their destinations --- */

static bool has_name(const struct branch *branch)
{
    union address numeric;
    return branch->domain.length > 0 && !address_read(branch->domain, 0, &numeric);
}

static struct silent_name name_of_branch(const struct branch *branch)
{
    const struct silent_name none = {.length = 0};
    enum transport transport = (enum transport)branch->named_transport;
    return has_name(branch) ? name_of_host(transport, branch->domain, branch->named_port) : none;
}

/* A name is silent if all its addresses are. */
static bool shows_name_silent(const struct branch *branch)
{
    return branch->other_count == 0 && !branch->name_lives;
}

static void failed(struct branch *branch, size_t owner)
{
    struct server *server = branch->context->server;
    const struct silent_name name = name_of_branch(branch);
    const struct silent_name address = name_of_address((enum transport)branch->peer.transport, &branch->peer.address);
    bool silent = owner == SILENT_NAMED, name_silent = silent && shows_name_silent(branch);
    if (server->config.rest_silent == 0)
        return;
    if (silent)
        verbose_silent(server, text_of_name(&address));
    if (branch->by_policy) {
        failed_address_note(branch, &(struct failure){text_of_name(&name), silent, name_silent});
        return;
    }
    set_until(server, owner, text_of_name(&address), server->config.rest_silent);
    if (name_silent)
        set_until(server, owner, text_of_name(&name), server->config.rest_silent);
}

void silence_begin(struct branch *branch)
{
    failed(branch, SILENT_NAMED);
}

/* If this server could not even try, that tells nothing about the address. An address without a name is tried anyway.
 */
void failure_begin(struct branch *branch)
{
    if (branch->tried && !branch->model.on_flow && has_name(branch))
        failed(branch, FAILED_NAMED);
}

static void end_of_name(struct server *server, size_t owner, struct text name)
{
    struct rest *rest = find(server, owner, name);
    if (rest != NULL)
        forget(server, rest);
}

static void end_of_named(void *context, struct text name)
{
    end_of_name(context, SILENT_NAMED, name);
    end_of_name(context, FAILED_NAMED, name);
}

void failure_end(struct branch *branch)
{
    struct server *server = branch->context->server;
    enum transport transport = (enum transport)branch->peer.transport;
    if (server->rests.count == 0 && failed_address_count(server) == 0)
        return;
    const struct silent_name address = name_of_address(transport, &branch->peer.address);
    const struct silent_name name = name_of_branch(branch);
    failed_address_end(server, transport, &branch->peer.address, branch->domain);
    end_of_named(server, text_of_name(&address));
    if (name.length == 0)
        return;
    failed_name_end(server, text_of_name(&name));
    end_of_named(server, text_of_name(&name));
}

void failures_end_of_sender(struct server *server, const struct sip_message *request, const struct peer *source)
{
    const struct request_source from = peer_source(source);
    if (server->rests.count > 0)
        silent_names_end(request, &from, end_of_named, server);
}
