// SPDX-License-Identifier: BSD-2-Clause
#include "standalone/transaction/transaction_private.h"

/* 5626-7.i: whether the peer of a stream flow acknowledges an INVITE that waits for its first response. */

enum { ALONE_MS = 500 /* until the next look if the phone has no other flow; it may register one meanwhile */ };

static uint64_t now_ms(const struct transactions *transactions)
{
    const struct host *host = transactions->config.host;
    return host->now_ms(host->context);
}

static bool read_acks(const struct client_transaction *transaction, struct ack_sample *sample)
{
    const struct wire *wire = transaction->owner->config.wire;
    return wire->acks != NULL && wire->acks(wire->context, transaction->peer.connection, sample) == 0;
}

/* Everything that waits for a first response on the connection shares its fate. */
static void abort_connection(const struct client_transaction *suspect)
{
    struct transactions *owner = suspect->owner;
    const struct wire *wire = owner->config.wire;
    struct table_link *link = table_find(&owner->waiting, peer_flow(&suspect->peer));
    for (; link != NULL; link = table_next(link)) {
        struct client_transaction *transaction = TABLE_OWNER(link, struct client_transaction, flow);
        transaction->unacknowledged = transaction->state == TRANSACTION_TRYING;
    }
    wire->abort(wire->context, suspect->peer.connection);
}

static void look_fires(struct timer *timer)
{
    struct client_transaction *transaction = TABLE_OWNER(timer, struct client_transaction, again);
    const struct transactions_config *config = &transaction->owner->config;
    struct ack_sample sample;
    uint32_t again_ms;
    if (!read_acks(transaction, &sample))
        return;
    enum ack_state state = ack_watch_look(&transaction->acks, &sample, now_ms(transaction->owner), &again_ms);
    if (state == ACK_ALL)
        return;
    if (state == ACK_OVERDUE && transaction->events->may_abort(transaction->user)) {
        abort_connection(transaction);
        return;
    }
    timer_start(config->timers, timer, state == ACK_OVERDUE ? ALONE_MS : again_ms);
}

bool client_transaction_is_unacknowledged(const struct client_transaction *transaction)
{
    return transaction->unacknowledged;
}

void client_transaction_watch_acks(struct client_transaction *transaction, uint32_t patience_ms)
{
    struct ack_sample sample;
    if (!transport_is_reliable(transaction->peer.transport) || transaction->send_failed ||
        !read_acks(transaction, &sample))
        return;
    ack_watch_begin(&transaction->acks, patience_ms, &sample, now_ms(transaction->owner));
    transaction->again.fire = look_fires;
    uint32_t again_ms;
    if (ack_watch_look(&transaction->acks, &sample, transaction->acks.since_ms, &again_ms) != ACK_ALL)
        timer_start(transaction->owner->config.timers, &transaction->again, again_ms);
}
