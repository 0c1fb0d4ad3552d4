// SPDX-License-Identifier: BSD-2-Clause
#include "flow/holdings.h"

#include "base/memory.h"

struct holder {
    struct table_link link;
    uint64_t source;
    uint64_t bytes;
};

int holdings_create(struct holdings *holdings, const struct host *host, const struct holdings_limits *limits)
{
    *holdings = (struct holdings){.host = host, .limits = *limits};
    return table_create(&holdings->sources, host);
}

static void forget(struct holdings *holdings, struct holder *holder)
{
    table_remove(&holdings->sources, &holder->link);
    memory_delete(holdings->host, holder, sizeof *holder);
}

void holdings_destroy(struct holdings *holdings)
{
    struct table_link *link;
    if (holdings->sources.host == NULL)
        return;
    while ((link = table_any(&holdings->sources)) != NULL)
        forget(holdings, TABLE_OWNER(link, struct holder, link));
    table_destroy(&holdings->sources);
}

static struct holder *find(const struct holdings *holdings, uint64_t source)
{
    struct table_link *link = table_find(&holdings->sources, source);
    while (link != NULL && TABLE_OWNER(link, struct holder, link)->source != source)
        link = table_next(link);
    return link != NULL ? TABLE_OWNER(link, struct holder, link) : NULL;
}

bool holdings_fit(const struct holdings *holdings, uint64_t source, size_t bytes)
{
    if (source == 0)
        return true;
    const struct holder *holder = find(holdings, source);
    const uint64_t held = holder != NULL ? holder->bytes : 0;
    return holdings->bytes + bytes <= holdings->limits.bytes && held + bytes <= holdings->limits.source_bytes;
}

static struct holder *find_or_make(struct holdings *holdings, uint64_t source)
{
    struct holder *holder = find(holdings, source);
    if (holder != NULL || (holder = memory_new(holdings->host, sizeof *holder)) == NULL)
        return holder;
    holder->source = source;
    table_add(&holdings->sources, &holder->link, source);
    return holder;
}

void holdings_add(struct holdings *holdings, uint64_t source, size_t bytes)
{
    if (source == 0 || bytes == 0)
        return;
    struct holder *holder = find_or_make(holdings, source);
    holdings->bytes += bytes;
    if (holder != NULL)
        holder->bytes += bytes;
}

void holdings_remove(struct holdings *holdings, uint64_t source, size_t bytes)
{
    struct holder *holder = source != 0 ? find(holdings, source) : NULL;
    if (source != 0)
        holdings->bytes -= bytes;
    if (holder == NULL)
        return;
    holder->bytes -= bytes < holder->bytes ? bytes : holder->bytes;
    if (holder->bytes == 0)
        forget(holdings, holder);
}
