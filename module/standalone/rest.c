// SPDX-License-Identifier: BSD-2-Clause
#include "standalone/server_private.h"

/* Destinations that rest for a time (3261-21.5.4.a): requests are not sent to them meanwhile. */

enum { RESTS_MOST = 4096 };

struct rest {
    struct table_link link;
    struct text destination;
    uint64_t until_ms;
};

static uint64_t now(const struct server *server)
{
    return server->config.host->now_ms(server->config.host->context);
}

static struct rest *find(const struct server *server, struct text destination)
{
    struct table_link *link = table_find(&server->rests, table_digest(server->seed, destination));
    for (; link != NULL; link = table_next(link)) {
        struct rest *rest = TABLE_OWNER(link, struct rest, link);
        if (text_equal(rest->destination, destination))
            return rest;
    }
    return NULL;
}

static void forget(struct server *server, struct rest *rest)
{
    table_remove(&server->rests, &rest->link);
    memory_delete_text(server->config.host, rest->destination);
    memory_delete(server->config.host, rest, sizeof *rest);
}

void rest_set(struct server *server, struct text destination, uint32_t seconds)
{
    struct rest *rest = find(server, destination);
    if (rest == NULL) {
        if (seconds == 0 || destination.length == 0 || server->rests.count >= RESTS_MOST)
            return;
        rest = memory_new(server->config.host, sizeof *rest);
        if (rest == NULL)
            return;
        if (!memory_copy(server->config.host, destination, &rest->destination)) {
            memory_delete(server->config.host, rest, sizeof *rest);
            return;
        }
        table_add(&server->rests, &rest->link, table_digest(server->seed, destination));
    }
    rest->until_ms = now(server) + 1000ULL * seconds;
}

bool rest_is_on(const struct server *server, struct text destination)
{
    if (server->rests.count == 0)
        return false;
    const struct rest *rest = find(server, destination);
    return rest != NULL && rest->until_ms > now(server);
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
