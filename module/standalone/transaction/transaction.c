// SPDX-License-Identifier: BSD-2-Clause
#include "standalone/transaction/transaction_private.h"

#include <errno.h>

int transactions_new(struct transactions **out, const struct transactions_config *config)
{
    const struct host *host = config->host;
    struct transactions *transactions = memory_new(host, sizeof *transactions);
    if (transactions == NULL)
        return -ENOMEM;
    transactions->config = *config;
    hash_key_draw(&transactions->key, host);
    if (table_create(&transactions->servers, host) != 0 || table_create(&transactions->clients, host) != 0 ||
        table_create(&transactions->waiting, host) != 0) {
        transactions_delete(transactions);
        return -ENOMEM;
    }
    *out = transactions;
    return 0;
}

void transactions_delete(struct transactions *transactions)
{
    if (transactions == NULL)
        return;
    struct table_link *link;
    while ((link = table_any(&transactions->clients)) != NULL)
        client_transaction_end(TABLE_OWNER(link, struct client_transaction, link));
    while ((link = table_any(&transactions->servers)) != NULL)
        server_transaction_end(TABLE_OWNER(link, struct server_transaction, link));
    table_destroy(&transactions->clients);
    table_destroy(&transactions->waiting);
    table_destroy(&transactions->servers);
    memory_delete(transactions->config.host, transactions, sizeof *transactions);
}

size_t transactions_servers(const struct transactions *transactions)
{
    return transactions->servers.count;
}

size_t transactions_clients(const struct transactions *transactions)
{
    return transactions->clients.count;
}

size_t transactions_unanswered(const struct transactions *transactions)
{
    return transactions->unanswered;
}

uint32_t transaction_t1(const struct transactions *transactions)
{
    return transactions->config.values.t1 ? transactions->config.values.t1 : 500;
}

uint32_t transaction_t2(const struct transactions *transactions)
{
    return transactions->config.values.t2 ? transactions->config.values.t2 : 4000;
}

uint32_t transaction_t4(const struct transactions *transactions)
{
    return transactions->config.values.t4 ? transactions->config.values.t4 : 5000;
}

int transaction_send(struct transactions *transactions, struct cause *cause, struct peer *peer, struct text bytes)
{
    const struct wire *wire = transactions->config.wire;
    if (transactions->config.amplification != NULL)
        return amplification_send(transactions->config.amplification, cause, peer, bytes);
    return wire->send(wire->context, peer, bytes.at, bytes.length);
}
