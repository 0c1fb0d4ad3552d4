// SPDX-License-Identifier: BSD-2-Clause
#include "script/base/layers.h"
#include "script/store/tenants.h"
#include "standalone/server/rest.h"
#include "standalone/server/server_private.h"
#include "standalone/server/context.h"

/* Destinations that rest for a time (3261-21.5.4.a): no requests are sent to them meanwhile. */

enum { RESTS_MOST = 4096, NO_OWNER = 1 + LAYERS_MOST };

struct rest {
    struct table_link link;
    struct text destination;
    uint64_t until_ms;
    size_t owner;
};

static uint64_t now(const struct server *server)
{
    return server->config.host->now_ms(server->config.host->context);
}

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
    return server->rest_owners[owner].rests >= (owner == 0 ? RESTS_MOST : TENANT_RESTS_MOST);
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

void rest_set(struct server *server, struct text tenant, struct text named, uint32_t seconds)
{
    char name[REST_NAME_MOST + 1];
    const struct text destination = {name, rest_name_write(named, name)};
    size_t owner = claim_owner(server, tenant);
    struct rest *rest = owner != NO_OWNER ? find(server, owner, destination) : NULL;
    bool wanted = owner != NO_OWNER && seconds != 0 && destination.length != 0;
    if (rest == NULL && wanted && !owner_is_full(server, owner))
        rest = add(server, owner, destination);
    if (rest != NULL)
        rest->until_ms = now(server) + 1000ULL * seconds;
}

static bool rests_for(const struct server *server, size_t owner, struct text destination)
{
    const struct rest *rest = owner != NO_OWNER ? find(server, owner, destination) : NULL;
    return rest != NULL && rest->until_ms > now(server);
}

bool rest_is_on(const struct server *server, struct text aor, struct text destination)
{
    if (server->rests.count == 0)
        return false;
    size_t owner = find_owner(server, layers_domain(aor));
    return rests_for(server, 0, destination) || (owner != 0 && rests_for(server, owner, destination));
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
        delete_until(server, now(server));
}

void rest_clear(struct server *server)
{
    if (server->rests.buckets != NULL)
        delete_until(server, UINT64_MAX);
}

size_t rest_count(const struct server *server)
{
    return server->rests.count;
}
