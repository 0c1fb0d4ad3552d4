// SPDX-License-Identifier: BSD-2-Clause
#include "standalone/transaction/transaction_private.h"

#include <errno.h>

#include "base/writer.h"

static const char cookie[] = "z9hG4bKr";

enum {
    COOKIE_LENGTH = sizeof cookie - 1,
    SECRET_DIGITS = 16,
    DIGEST_DIGITS = 8,
    DOT_PLACE = COOKIE_LENGTH + SECRET_DIGITS,
    BRANCH_LENGTH = DOT_PLACE + 1 + DIGEST_DIGITS
};

enum { ACK_KEPT_MOST = 4096 }; /* a Path, up to REGISTRATION_PATH_MOST, is repeated as Routes */

struct branch_id branch_draw(const struct transactions *transactions, uint32_t digest)
{
    return (struct branch_id){host_random_64(transactions->config.host), digest};
}

size_t branch_write(struct branch_id id, char *out, size_t size)
{
    struct writer writer = writer_begin(out, size);
    writer_put_text(&writer, (struct text){cookie, COOKIE_LENGTH});
    writer_put_hex(&writer, SECRET_DIGITS, id.secret);
    writer_put(&writer, '.');
    writer_put_hex(&writer, DIGEST_DIGITS, id.digest);
    return writer_end(&writer);
}

/* Lower-case hexadecimal digits. */
static bool read_hex(const char *at, unsigned digits, uint64_t *value)
{
    *value = 0;
    for (unsigned i = 0; i < digits; i++) {
        if (at[i] >= '0' && at[i] <= '9')
            *value = *value << 4 | (uint64_t)(at[i] - '0');
        else if (at[i] >= 'a' && at[i] <= 'f')
            *value = *value << 4 | (uint64_t)(at[i] - 'a' + 10);
        else
            return false;
    }
    return true;
}

struct branch_id client_transaction_branch(const struct client_transaction *transaction)
{
    return (struct branch_id){transaction->link.hash, transaction->digest};
}

bool branch_read(struct text branch, struct branch_id *id)
{
    uint64_t digest;
    if (branch.length != BRANCH_LENGTH || memcmp(branch.at, cookie, COOKIE_LENGTH) != 0 ||
        branch.at[DOT_PLACE] != '.' || !read_hex(branch.at + COOKIE_LENGTH, SECRET_DIGITS, &id->secret) ||
        !read_hex(branch.at + DOT_PLACE + 1, DIGEST_DIGITS, &digest))
        return false;
    id->digest = (uint32_t)digest;
    return true;
}

static bool is_reliable(const struct client_transaction *transaction)
{
    return transport_is_reliable(transaction->peer.transport);
}

void client_transaction_charge(struct client_transaction *transaction, struct load *load)
{
    load_hold(load);
    load_begin(load, transaction->sent.length);
    transaction->load = load;
    transaction->in_flight = true;
}

/* A CANCEL is part of its INVITE, and always sent. */
static void charge_cancel(struct client_transaction *cancel, struct load *load)
{
    if (load == NULL)
        return;
    load_hold(load);
    load_send(load, cancel->sent.length);
    cancel->load = load;
}

static void land(struct client_transaction *transaction)
{
    if (transaction->in_flight)
        load_end(transaction->load, transaction->sent.length);
    transaction->in_flight = false;
}

static bool may_repeat(const struct client_transaction *transaction)
{
    return transaction->load == NULL || load_send(transaction->load, transaction->sent.length);
}

static void free_transaction(struct client_transaction *transaction)
{
    const struct host *host = transaction->owner->config.host;
    land(transaction);
    load_leave(transaction->load);
    sip_message_delete(transaction->read);
    timer_give_back(transaction->owner->config.timers, &transaction->again);
    timer_give_back(transaction->owner->config.timers, &transaction->end);
    memory_delete_text(host, transaction->sent);
    memory_delete_text(host, transaction->ack);
    cause_release(host, transaction->cause);
    memory_delete(host, transaction, sizeof *transaction);
}

void client_transaction_end(struct client_transaction *transaction)
{
    struct transactions *owner = transaction->owner;
    table_remove(&owner->clients, &transaction->link);
    table_remove(&owner->waiting, &transaction->flow);
    if (transaction->user != NULL)
        transaction->events->ended(transaction->user, transaction);
    free_transaction(transaction);
}

static bool has_final(const struct client_transaction *transaction)
{
    return transaction->state >= TRANSACTION_ACCEPTED;
}

static void end_fires(struct timer *timer)
{
    struct client_transaction *transaction = TABLE_OWNER(timer, struct client_transaction, end);
    const struct client_events *events = transaction->events;
    void *user = transaction->user;
    bool waited = !has_final(transaction);
    if (waited && transaction->send_failed) {
        transaction->send_failed = false;
        if (user != NULL)
            events->failed(user, transaction, transaction->down);
    } else if (waited && user != NULL && events->timeout != NULL) {
        events->timeout(user, transaction);
    }
    client_transaction_end(transaction);
}

/* Timers A and E. */
static void again_fires(struct timer *timer)
{
    struct client_transaction *transaction = TABLE_OWNER(timer, struct client_transaction, again);
    struct transactions *owner = transaction->owner;
    uint32_t t2 = transaction_t2(owner);
    bool capped = transaction->method != METHOD_INVITE;
    transaction->interval *= 2;
    if (capped && (transaction->interval > t2 || transaction->state == TRANSACTION_PROCEEDING))
        transaction->interval = t2;
    timer_start(owner->config.timers, timer, transaction->interval);
    if (may_repeat(transaction))
        transaction_send(owner, transaction->cause, &transaction->peer, transaction->sent);
}

static void fail_soon(struct client_transaction *transaction, bool down)
{
    transaction->send_failed = true;
    transaction->down = down;
    timer_stop(transaction->owner->config.timers, &transaction->again);
    timer_start(transaction->owner->config.timers, &transaction->end, 0);
}

static void start(struct client_transaction *transaction)
{
    struct transactions *owner = transaction->owner;
    int sent = transaction_send(owner, transaction->cause, &transaction->peer, transaction->sent);
    if (sent != 0) {
        fail_soon(transaction, sent == -EPIPE);
        return;
    }
    table_add(&owner->waiting, &transaction->flow, peer_flow(&transaction->peer));
    transaction->interval = transaction_t1(owner);
    timer_start(owner->config.timers, &transaction->end, 64ULL * transaction_t1(owner));
    if (!is_reliable(transaction))
        timer_start(owner->config.timers, &transaction->again, transaction->interval);
}

int client_transaction_new(struct transactions *transactions, struct branch_id id, enum method method,
                           const struct peer *peer, struct cause *cause, struct text bytes, void *user,
                           struct client_transaction **out)
{
    const struct host *host = transactions->config.host;
    struct client_transaction *transaction = memory_new(host, sizeof *transaction);
    if (transaction == NULL)
        return -ENOMEM;
    transaction->owner = transactions;
    transaction->peer = *peer;
    transaction->digest = id.digest;
    transaction->events = transactions->config.client;
    transaction->method = (uint8_t)method;
    transaction->user = user;
    transaction->cause = cause_hold(cause);
    transaction->again.fire = again_fires;
    transaction->end.fire = end_fires;
    if (!memory_copy(host, bytes, &transaction->sent) ||
        timer_keep(transactions->config.timers, &transaction->again) != 0 ||
        timer_keep(transactions->config.timers, &transaction->end) != 0) {
        free_transaction(transaction);
        return -ENOMEM;
    }
    table_add(&transactions->clients, &transaction->link, id.secret);
    *out = transaction;
    start(transaction);
    return 0;
}

/* The text is the request, or what release_request() has left of it. */
static struct text method_in(struct text sent)
{
    const char *space = sent.length > 0 ? memchr(sent.at, ' ', sent.length) : NULL;
    return (struct text){sent.at, space != NULL ? (size_t)(space - sent.at) : sent.length};
}

/* The name of the method, because one number represents all unknown methods. */
static bool has_method(const struct client_transaction *transaction, const struct sip_message *response)
{
    if (transaction->method != sip_method(response))
        return false;
    return transaction->method != METHOD_OTHER || text_equal(method_in(transaction->sent), sip_method_text(response));
}

/* Some phones answer over another open connection than the one that carried the request. */
static enum response_match match_place(const struct peer *went, const struct peer *source)
{
    if (went->transport != source->transport)
        return RESPONSE_FOREIGN;
    if (peer_flow(went) == peer_flow(source))
        return RESPONSE_MATCHED;
    if (!address_same_machine(&went->address, &source->address))
        return RESPONSE_FOREIGN;
    bool same_port = address_port(&went->address) == address_port(&source->address);
    return !transport_connects(went->transport) && same_port ? RESPONSE_MATCHED : RESPONSE_OTHER_PORT;
}

static enum response_match match_source(const struct client_transaction *transaction, const struct peer *source)
{
    enum response_match match = match_place(&transaction->peer, source);
    return match == RESPONSE_FOREIGN && transaction->moved ? match_place(&transaction->first, source) : match;
}

/* Whether ACK and CANCEL go to where this response came from. */
static bool has_moved(const struct client_transaction *transaction, const struct peer *source,
                      enum response_match match)
{
    const struct client_events *events = transaction->events;
    if (match == RESPONSE_OTHER_PORT && transaction->down && transport_connects(source->transport))
        return true;
    return transaction->user != NULL && events->has_moved != NULL && events->has_moved(transaction->user, source);
}

struct client_transaction *client_transaction_find(struct transactions *transactions,
                                                   const struct sip_message *response, const struct peer *source,
                                                   enum response_match *match)
{
    struct branch_id id;
    *match = RESPONSE_UNKNOWN;
    if (!branch_read(sip_top_via(response)->branch, &id))
        return NULL;
    struct table_link *link = table_find(&transactions->clients, id.secret);
    for (; link != NULL; link = table_next(link)) {
        struct client_transaction *transaction = TABLE_OWNER(link, struct client_transaction, link);
        if (transaction->digest != id.digest || !has_method(transaction, response))
            continue;
        *match = match_source(transaction, source);
        if (*match != RESPONSE_MATCHED && has_moved(transaction, source, *match)) {
            client_transaction_move(transaction, source);
            *match = RESPONSE_OTHER_PORT;
        }
        return *match == RESPONSE_FOREIGN ? NULL : transaction;
    }
    return NULL;
}

bool client_transaction_forwards(const struct client_transaction *transaction)
{
    return transaction->user != NULL && transaction->events == transaction->owner->config.client;
}

void client_transaction_listen(struct client_transaction *transaction, const struct client_events *events)
{
    transaction->events = events;
}

static flow_id waiting_flow(const struct transactions *transactions, const struct peer *peer, struct branch_id id)
{
    struct table_link *link = table_find(&transactions->clients, id.secret);
    for (; link != NULL; link = table_next(link)) {
        const struct client_transaction *transaction = TABLE_OWNER(link, struct client_transaction, link);
        if (transaction->digest == id.digest && !has_final(transaction) && !is_reliable(transaction) &&
            address_equal(&transaction->peer.address, &peer->address))
            return peer_flow(&transaction->peer);
    }
    return 0;
}

/* The Request-URI may contain text that looks like a branch of this server, so every position is tried. */
flow_id transactions_quoted_flow(const struct transactions *transactions, const struct peer *peer, struct text quoted)
{
    struct branch_id id;
    for (size_t i = 0; i + BRANCH_LENGTH <= quoted.length; i++) {
        flow_id flow = 0;
        if (branch_read((struct text){quoted.at + i, BRANCH_LENGTH}, &id))
            flow = waiting_flow(transactions, peer, id);
        if (flow != 0)
            return flow;
    }
    return 0;
}

struct cause *client_transaction_cause(const struct transactions *transactions, const struct sip_message *request)
{
    struct branch_id id;
    if (!branch_read(sip_top_via(request)->branch, &id))
        return NULL;
    struct table_link *link = table_find(&transactions->clients, id.secret);
    return link != NULL ? TABLE_OWNER(link, struct client_transaction, link)->cause : NULL;
}

void *client_transaction_user_of(const struct transactions *transactions, const struct sip_message *request)
{
    struct branch_id id;
    if (!branch_read(sip_top_via(request)->branch, &id))
        return NULL;
    struct table_link *link = table_find(&transactions->clients, id.secret);
    for (; link != NULL; link = table_next(link)) {
        const struct client_transaction *transaction = TABLE_OWNER(link, struct client_transaction, link);
        if (transaction->digest == id.digest && transaction->events == transactions->config.client &&
            has_method(transaction, request))
            return transaction->user;
    }
    return NULL;
}

static const struct sip_message *sent_message(struct client_transaction *transaction)
{
    struct sip_fault fault;
    if (transaction->read == NULL)
        sip_message_new(&transaction->read, transaction->owner->config.host, transaction->sent.at,
                        transaction->sent.length, NULL, &fault);
    return transaction->read;
}

/* A long ACK is sent only once: the lines of others that it repeats would fill the memory. */
static void write_ack(struct client_transaction *transaction, const struct sip_message *response)
{
    struct transactions *owner = transaction->owner;
    struct sip_buffer buffer = {.host = owner->config.host};
    if (sent_message(transaction) != NULL && sip_ack(transaction->read, response, &buffer) == 0) {
        struct text ack = {buffer.bytes, buffer.length};
        transaction_send(owner, transaction->cause, &transaction->peer, ack);
        if (ack.length <= ACK_KEPT_MOST)
            memory_copy(owner->config.host, ack, &transaction->ack);
    }
    sip_buffer_destroy(&buffer);
}

size_t client_transaction_kept_ack(const struct client_transaction *transaction)
{
    return transaction->ack.length;
}

/* The request is not sent again, and its bytes would be kept for 64*T1. */
static void release_request(struct client_transaction *transaction)
{
    const struct host *host = transaction->owner->config.host;
    struct text method = {NULL, 0};
    sip_message_delete(transaction->read);
    transaction->read = NULL;
    if (transaction->method == METHOD_OTHER && !memory_copy(host, method_in(transaction->sent), &method))
        return;
    memory_delete_text(host, transaction->sent);
    transaction->sent = method;
}

static void send_cancel(struct client_transaction *transaction)
{
    struct transactions *owner = transaction->owner;
    struct sip_buffer buffer = {.host = owner->config.host};
    struct client_transaction *cancel;
    transaction->cancelled = true;
    if (sent_message(transaction) != NULL && sip_cancel(transaction->read, &buffer) == 0 &&
        client_transaction_new(owner, client_transaction_branch(transaction), METHOD_CANCEL, &transaction->peer,
                               transaction->cause, (struct text){buffer.bytes, buffer.length}, NULL, &cancel) == 0)
        charge_cancel(cancel, transaction->load);
    sip_buffer_destroy(&buffer);
    /* 9.1: if no final response follows within 64*T1, the request counts as cancelled. */
    timer_start(owner->config.timers, &transaction->end, 64ULL * transaction_t1(owner));
}

static void provisional(struct client_transaction *transaction)
{
    struct transactions *owner = transaction->owner;
    bool first = transaction->state == TRANSACTION_TRYING;
    transaction->state = TRANSACTION_PROCEEDING;
    if (transaction->method != METHOD_INVITE)
        return;
    timer_stop(owner->config.timers, &transaction->again);
    if (first)
        timer_stop(owner->config.timers, &transaction->end);
    if (transaction->cancel_wanted && !transaction->cancelled)
        send_cancel(transaction);
}

/* The first final response: stops retransmissions, and absorbs those of the peer for a while (D, K, M). */
static void final(struct client_transaction *transaction, const struct sip_message *response, bool success)
{
    struct transactions *owner = transaction->owner;
    bool invite = transaction->method == METHOD_INVITE;
    bool reliable = is_reliable(transaction);
    land(transaction);
    uint64_t linger = invite ? 64ULL * transaction_t1(owner) : transaction_t4(owner);
    table_remove(&owner->waiting, &transaction->flow);
    timer_stop(owner->config.timers, &transaction->again);
    transaction->state = invite && success ? TRANSACTION_ACCEPTED : TRANSACTION_COMPLETED;
    if (invite && !success)
        write_ack(transaction, response);
    release_request(transaction);
    if (reliable && transaction->state == TRANSACTION_COMPLETED)
        linger = 0;
    timer_start(owner->config.timers, &transaction->end, linger);
}

/* Only a receiver of the request knows its branch. After a move, the response may come from either place. */
static void prove(const struct client_transaction *transaction)
{
    struct amplification *amplification = transaction->owner->config.amplification;
    if (amplification != NULL && !transaction->moved)
        amplification_prove(amplification, &transaction->peer);
}

void client_transaction_received(struct client_transaction *transaction, struct sip_message **response)
{
    const struct client_events *events = transaction->events;
    prove(transaction);
    uint32_t status = sip_status(*response);
    bool success = code_class(status) == CLASS_SUCCESS;
    if (has_final(transaction)) {
        if (transaction->state == TRANSACTION_COMPLETED && transaction->method == METHOD_INVITE && !success &&
            code_is_final(status) && transaction->ack.length > 0)
            transaction_send(transaction->owner, transaction->cause, &transaction->peer, transaction->ack);
        if (transaction->state != TRANSACTION_ACCEPTED || !success)
            return;
    } else if (!code_is_final(status)) {
        provisional(transaction);
    } else {
        final(transaction, *response, success);
    }
    if (transaction->user != NULL)
        events->response(transaction->user, transaction, response);
}

void client_transaction_cancel(struct client_transaction *transaction)
{
    if (transaction->method != METHOD_INVITE || has_final(transaction) || transaction->cancel_wanted)
        return;
    transaction->cancel_wanted = true;
    if (transaction->state == TRANSACTION_PROCEEDING)
        send_cancel(transaction);
}

void client_transaction_give_up(struct client_transaction *transaction)
{
    struct transactions *owner = transaction->owner;
    if (!timer_runs(&transaction->end))
        timer_start(owner->config.timers, &transaction->end, 64ULL * transaction_t1(owner));
}

/* Not at once: the caller may be in an event of this transaction. */
void client_transaction_forget(struct client_transaction *transaction)
{
    transaction->user = NULL;
    land(transaction);
    timer_stop(transaction->owner->config.timers, &transaction->again);
    timer_start(transaction->owner->config.timers, &transaction->end, 0);
}

void client_transaction_move(struct client_transaction *transaction, const struct peer *peer)
{
    if (!transaction->moved)
        transaction->first = transaction->peer;
    transaction->moved = true;
    transaction->down = false;
    transaction->peer = *peer;
    if (transaction->flow.back == NULL) /* it no longer waits on a flow */
        return;
    table_remove(&transaction->owner->waiting, &transaction->flow);
    table_add(&transaction->owner->waiting, &transaction->flow, peer_flow(peer));
}

void client_transaction_take_over(struct client_transaction *later, struct client_transaction *earlier)
{
    later->first = earlier->moved ? earlier->first : earlier->peer;
    later->moved = true;
    client_transaction_end(earlier);
}

const struct peer *client_transaction_peer(const struct client_transaction *transaction)
{
    return &transaction->peer;
}

bool client_transaction_is_down(const struct client_transaction *transaction)
{
    return transaction->down;
}

void transactions_flow_late(struct transactions *transactions, flow_id flow)
{
    struct table_link *link = table_find(&transactions->waiting, flow);
    for (; link != NULL; link = table_next(link))
        TABLE_OWNER(link, struct client_transaction, flow)->late = true;
}

bool client_transaction_is_late(const struct client_transaction *transaction)
{
    return transaction->late;
}

void transactions_flow_down(struct transactions *transactions, flow_id flow)
{
    struct table_link *link;
    while ((link = table_find(&transactions->waiting, flow)) != NULL) {
        struct client_transaction *transaction = TABLE_OWNER(link, struct client_transaction, flow);
        table_remove(&transactions->waiting, &transaction->flow);
        timer_stop(transactions->config.timers, &transaction->again);
        transaction->down = true;
        if (transaction->user != NULL)
            transaction->events->failed(transaction->user, transaction, true);
    }
}
