// SPDX-License-Identifier: BSD-2-Clause
#include "standalone/address/stream_refusals.h"

#include "base/memory.h"

struct stream_refusal {
    struct table_link link; /* by digest of the address */
    struct stream_refusal *newer;
    union address address;
    uint64_t until_ms;
};

int stream_refusals_create(struct stream_refusals *refusals, const struct host *host)
{
    *refusals = (struct stream_refusals){.host = host};
    hash_key_draw(&refusals->key, host);
    return table_create(&refusals->table, host);
}

static void forget_oldest(struct stream_refusals *refusals)
{
    struct stream_refusal *refusal = refusals->oldest;
    refusals->oldest = refusal->newer;
    if (refusals->oldest == NULL)
        refusals->newest = NULL;
    table_remove(&refusals->table, &refusal->link);
    memory_delete(refusals->host, refusal, sizeof *refusal);
}

void stream_refusals_destroy(struct stream_refusals *refusals)
{
    while (refusals->oldest != NULL)
        forget_oldest(refusals);
    table_destroy(&refusals->table);
}

static uint64_t address_digest(const struct stream_refusals *refusals, const union address *address)
{
    bool six = address->any.sa_family == AF_INET6;
    const void *bytes = six ? (const void *)&address->v6.sin6_addr : (const void *)&address->v4.sin_addr;
    struct text host = {bytes, six ? sizeof address->v6.sin6_addr : sizeof address->v4.sin_addr};
    return hash_pair(&refusals->key, hash_seal(&refusals->key, host), address_port(address));
}

static uint64_t now_ms(const struct stream_refusals *refusals)
{
    return refusals->host->now_ms(refusals->host->context);
}

static const struct stream_refusal *find(const struct stream_refusals *refusals, const union address *address)
{
    struct table_link *link = table_find(&refusals->table, address_digest(refusals, address));
    for (; link != NULL; link = table_next(link)) {
        const struct stream_refusal *refusal = TABLE_OWNER(link, struct stream_refusal, link);
        if (address_equal(&refusal->address, address) && refusal->until_ms > now_ms(refusals))
            return refusal;
    }
    return NULL;
}

bool stream_refusals_have(const struct stream_refusals *refusals, const union address *address)
{
    return refusals->oldest != NULL && find(refusals, address) != NULL;
}

static void forget_expired(struct stream_refusals *refusals)
{
    while (refusals->oldest != NULL &&
           (refusals->oldest->until_ms <= now_ms(refusals) || refusals->table.count >= STREAM_REFUSALS_MOST))
        forget_oldest(refusals);
}

void stream_refusals_note(struct stream_refusals *refusals, const union address *address)
{
    if (stream_refusals_have(refusals, address))
        return;
    forget_expired(refusals);
    struct stream_refusal *refusal = memory_new(refusals->host, sizeof *refusal);
    if (refusal == NULL)
        return;
    refusal->address = *address;
    refusal->until_ms = now_ms(refusals) + STREAM_REFUSED_MS;
    table_add(&refusals->table, &refusal->link, address_digest(refusals, address));
    if (refusals->newest != NULL)
        refusals->newest->newer = refusal;
    else
        refusals->oldest = refusal;
    refusals->newest = refusal;
}
