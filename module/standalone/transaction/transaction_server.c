// SPDX-License-Identifier: BSD-2-Clause
#include "standalone/transaction/transaction_private.h"

#include <errno.h>

static bool has_cookie(struct text branch)
{
    return branch.length > 7 && strncasecmp(branch.at, "z9hG4bK", 7) == 0;
}

static uint64_t key_of(const struct transactions *transactions, struct text first, struct text second, uint32_t number)
{
    const struct text parts[] = {first, second, {(const char *)&number, sizeof number}};
    return hash_texts(&transactions->key, parts, sizeof parts / sizeof parts[0]);
}

static struct request_key key_read(const struct sip_message *request)
{
    const struct sip_via *via = sip_top_via(request);
    struct request_key key = {.host = via->host,
                              .port = via->port,
                              .method = sip_method_text(request),
                              .method_id = (uint8_t)sip_method(request)};
    if (has_cookie(via->branch)) {
        key.branch = via->branch;
        return key;
    }
    key.call_id = sip_call_id(request);
    key.from_tag = sip_from_tag(request);
    key.cseq = sip_cseq(request);
    return key;
}

static uint64_t key_hash(const struct transactions *transactions, const struct request_key *key)
{
    if (key->branch.length > 0)
        return key_of(transactions, key->branch, key->host, key->port);
    return key_of(transactions, key->call_id, key->from_tag, key->cseq);
}

static bool key_is_same(const struct request_key *a, const struct request_key *b)
{
    return a->port == b->port && text_equal_nocase(a->host, b->host) && text_equal(a->branch, b->branch) &&
           text_equal(a->call_id, b->call_id) && a->cseq == b->cseq && text_equal(a->from_tag, b->from_tag);
}

struct server_transaction *server_transaction_find(struct transactions *transactions, const struct sip_message *request,
                                                   enum method method)
{
    if (method == METHOD_ACK)
        method = METHOD_INVITE;
    const struct request_key key = key_read(request);
    struct table_link *link = table_find(&transactions->servers, key_hash(transactions, &key));
    for (; link != NULL; link = table_next(link)) {
        struct server_transaction *transaction = TABLE_OWNER(link, struct server_transaction, link);
        bool same_method = transaction->key.method_id == method &&
                           (method != METHOD_OTHER || text_equal(transaction->key.method, key.method));
        if (same_method && key_is_same(&transaction->key, &key))
            return transaction;
    }
    return NULL;
}

/* In addition to the texts of the request and the response: the transaction, its response context, the parsed
   message. */
enum { KEPT_BESIDE = 3000 };

size_t server_transaction_cost(size_t request)
{
    return KEPT_BESIDE + request;
}

static size_t cost_of(const struct server_transaction *transaction)
{
    return transaction->cost + transaction->last.length;
}

void server_transaction_charge(struct server_transaction *transaction, struct holdings *holdings, source_id source)
{
    transaction->holdings = holdings;
    transaction->holder = source;
    holdings_add(holdings, source, cost_of(transaction));
}

struct holdings *server_transaction_holdings(const struct server_transaction *transaction, source_id *source)
{
    *source = transaction->holder;
    return transaction->holdings;
}

static void give_back_held(struct server_transaction *transaction)
{
    if (transaction->holdings != NULL)
        holdings_remove(transaction->holdings, transaction->holder, cost_of(transaction));
}

void server_transaction_end(struct server_transaction *transaction)
{
    struct transactions *owner = transaction->owner;
    table_remove(&owner->servers, &transaction->link);
    timer_give_back(owner->config.timers, &transaction->again);
    timer_give_back(owner->config.timers, &transaction->end);
    if (transaction->state < TRANSACTION_ACCEPTED)
        owner->unanswered--;
    if (transaction->user != NULL)
        owner->config.server->ended(transaction->user, transaction);
    give_back_held(transaction);
    sip_message_delete(transaction->request);
    memory_delete_text(owner->config.host, transaction->kept);
    memory_delete_text(owner->config.host, transaction->last);
    cause_release(owner->config.host, transaction->cause);
    memory_delete(owner->config.host, transaction, sizeof *transaction);
}

static void end_fires(struct timer *timer)
{
    server_transaction_end(TABLE_OWNER(timer, struct server_transaction, end));
}

/* Where a response is sent (RFC 3261 18.2.2, RFC 3581): over the connection, or to the source of the datagram; to
   another port if an old client asks for it by omitting rport, unless the operator knows better. */
struct peer server_response_peer(const struct sip_message *request, const struct peer *source, bool to_source)
{
    struct peer peer = *source;
    const struct sip_via *via = sip_top_via(request);
    if (transport_connects(peer.transport) || via == NULL || via->has_rport || to_source)
        return peer;
    uint16_t port = htons(via->port ? (uint16_t)via->port : 5060);
    if (peer.address.any.sa_family == AF_INET)
        peer.address.v4.sin_port = port;
    else
        peer.address.v6.sin6_port = port;
    return peer;
}

static bool is_reliable(const struct server_transaction *transaction)
{
    return transport_is_reliable(transaction->source.transport);
}

static int send_once(struct server_transaction *transaction, bool final, struct text bytes)
{
    struct transactions *owner = transaction->owner;
    struct amplification *amplification = owner->config.amplification;
    if (amplification != NULL && !final)
        return amplification_send_provisional(amplification, transaction->cause, &transaction->back, bytes);
    return transaction_send(owner, transaction->cause, &transaction->back, bytes);
}

static bool reopen(struct server_transaction *transaction)
{
    const struct transactions_config *config = &transaction->owner->config;
    if (!transport_connects(transaction->back.transport) || config->server->reopen == NULL)
        return false;
    transaction->reopened = true;
    return config->server->reopen(config->context, transaction, &transaction->back);
}

static int send_back(struct server_transaction *transaction, bool final, struct text bytes)
{
    const struct transactions_config *config = &transaction->owner->config;
    if (bytes.length == 0)
        return -ENOMEM;
    int sent = send_once(transaction, final, bytes);
    if (sent == -EPIPE && reopen(transaction))
        sent = send_once(transaction, final, bytes);
    if (transaction->reopened && config->server->reopened != NULL)
        config->server->reopened(config->context, transaction, &transaction->back, sent, bytes);
    return sent;
}

static void repeat(struct server_transaction *transaction)
{
    send_back(transaction, transaction->state >= TRANSACTION_ACCEPTED, transaction->last);
}

/* Timer G. */
static void again_fires(struct timer *timer)
{
    struct server_transaction *transaction = TABLE_OWNER(timer, struct server_transaction, again);
    uint32_t t2 = transaction_t2(transaction->owner);
    repeat(transaction);
    transaction->interval = transaction->interval * 2 < t2 ? transaction->interval * 2 : t2;
    timer_start(transaction->owner->config.timers, timer, transaction->interval);
}

/* A request that returns to this server, for example by a Contact in an own domain, may use only what is left of the
   first one's allowance. Otherwise strangers could multiply messages by loops. */
static struct cause *cause_of_request(const struct transactions *transactions, const struct sip_message *request,
                                      const struct peer *source)
{
    struct cause *known = client_transaction_cause(transactions, request);
    return known != NULL ? cause_hold(known) : cause_new(transactions->config.host, source, sip_bytes(request).length);
}

int server_transaction_new(struct transactions *transactions, struct sip_message *request, const struct peer *source,
                           struct server_transaction **out)
{
    struct server_transaction *transaction = memory_new(transactions->config.host, sizeof *transaction);
    if (transaction == NULL)
        return -ENOMEM;
    transaction->cause = cause_of_request(transactions, request, source);
    if (transaction->cause == NULL || timer_keep(transactions->config.timers, &transaction->again) != 0 ||
        timer_keep(transactions->config.timers, &transaction->end) != 0) {
        timer_give_back(transactions->config.timers, &transaction->again);
        timer_give_back(transactions->config.timers, &transaction->end);
        cause_release(transactions->config.host, transaction->cause);
        memory_delete(transactions->config.host, transaction, sizeof *transaction);
        return -ENOMEM;
    }
    transaction->owner = transactions;
    transaction->request = request;
    transaction->key = key_read(request);
    transaction->cost = server_transaction_cost(sip_bytes(request).length);
    transaction->source = *source;
    transaction->back = server_response_peer(request, source, transactions->config.responses_to_source);
    transaction->invite = sip_method(request) == METHOD_INVITE;
    transaction->state = TRANSACTION_TRYING;
    transaction->again.fire = again_fires;
    transaction->end.fire = end_fires;
    table_add(&transactions->servers, &transaction->link, key_hash(transactions, &transaction->key));
    transactions->unanswered++;
    *out = transaction;
    return 0;
}

static void confirm(struct server_transaction *transaction)
{
    if (!transaction->invite || transaction->state != TRANSACTION_COMPLETED)
        return;
    transaction->state = TRANSACTION_CONFIRMED;
    timer_stop(transaction->owner->config.timers, &transaction->again);
    timer_start(transaction->owner->config.timers, &transaction->end,
                is_reliable(transaction) ? 0 : transaction_t4(transaction->owner));
}

void server_transaction_again(struct server_transaction *transaction, const struct sip_message *request)
{
    if (client_transaction_cause(transaction->owner, request) == NULL)
        cause_add(transaction->cause, sip_bytes(request).length);
    if (sip_method(request) == METHOD_ACK)
        confirm(transaction);
    else if (transaction->state == TRANSACTION_PROCEEDING || transaction->state == TRANSACTION_COMPLETED)
        repeat(transaction);
}

/* Timers for the state just entered. */
static void enter(struct server_transaction *transaction, enum transaction_state state)
{
    struct transactions *owner = transaction->owner;
    uint32_t t1 = transaction_t1(owner);
    bool reliable = is_reliable(transaction);
    if (transaction->state < TRANSACTION_ACCEPTED)
        owner->unanswered--;
    transaction->state = (uint8_t)state;
    if (state == TRANSACTION_COMPLETED && transaction->invite && !reliable) {
        transaction->interval = t1;
        timer_start(owner->config.timers, &transaction->again, t1);
    }
    bool at_once = state == TRANSACTION_COMPLETED && !transaction->invite && reliable;
    timer_start(owner->config.timers, &transaction->end, at_once ? 0 : 64ULL * t1);
}

static bool may_respond(const struct server_transaction *transaction, uint32_t status)
{
    const struct transactions_config *config = &transaction->owner->config;
    return config->server->may_respond == NULL || config->server->may_respond(config->context, transaction, status);
}

static void keep_response(struct server_transaction *transaction, struct text bytes)
{
    const struct host *host = transaction->owner->config.host;
    give_back_held(transaction);
    memory_delete_text(host, transaction->last);
    memory_copy(host, bytes, &transaction->last);
    if (transaction->holdings != NULL)
        holdings_add(transaction->holdings, transaction->holder, cost_of(transaction));
}

int server_transaction_respond(struct server_transaction *transaction, uint32_t status, struct text bytes)
{
    bool success = code_class(status) == CLASS_SUCCESS;
    if (transaction->state >= TRANSACTION_ACCEPTED && !(transaction->invite && success))
        return -EALREADY;
    /* 3261-16.7.c: also after another final response. */
    if (transaction->state >= TRANSACTION_ACCEPTED)
        return send_back(transaction, true, bytes);
    if (!may_respond(transaction, status))
        bytes = (struct text){NULL, 0};
    /* The user agent, not the proxy, retransmits a 2xx to INVITE. */
    keep_response(transaction, transaction->invite && success ? (struct text){NULL, 0} : bytes);
    int sent = send_back(transaction, code_is_final(status), bytes);
    if (!code_is_final(status))
        transaction->state = TRANSACTION_PROCEEDING;
    else
        enter(transaction, transaction->invite && success ? TRANSACTION_ACCEPTED : TRANSACTION_COMPLETED);
    return sent;
}

static char *move_text(char *at, struct text *text)
{
    if (text->length > 0)
        memcpy(at, text->at, text->length);
    text->at = at;
    return at + text->length;
}

/* Over a stream the request may be needed again, to open a connection for a repeated response. */
void server_transaction_give_up_request(struct server_transaction *transaction)
{
    const struct host *host = transaction->owner->config.host;
    struct request_key key = transaction->key;
    struct text *const texts[] = {&key.host, &key.branch, &key.call_id, &key.from_tag, &key.method};
    size_t size = 0;
    if (transaction->state != TRANSACTION_COMPLETED || transaction->invite || transaction->user != NULL ||
        transaction->request == NULL || transport_connects(transaction->back.transport))
        return;
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
        size += texts[i]->length;
    char *at = memory_new(host, size + 1);
    if (at == NULL)
        return;
    transaction->kept = (struct text){at, size};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
        at = move_text(at, texts[i]);
    transaction->key = key;
    sip_message_delete(transaction->request);
    transaction->request = NULL;
}

void server_transaction_abandon(struct server_transaction *transaction)
{
    timer_stop(transaction->owner->config.timers, &transaction->again);
    timer_start(transaction->owner->config.timers, &transaction->end, 0);
}

const struct sip_message *server_transaction_request(const struct server_transaction *transaction)
{
    return transaction->request;
}

struct cause *server_transaction_cause(const struct server_transaction *transaction)
{
    return transaction->cause;
}

const struct peer *server_transaction_source(const struct server_transaction *transaction)
{
    return &transaction->source;
}

bool server_transaction_is_accepted(const struct server_transaction *transaction)
{
    return transaction->state == TRANSACTION_ACCEPTED;
}

void server_transaction_set_user(struct server_transaction *transaction, void *user)
{
    transaction->user = user;
}

void *server_transaction_user(const struct server_transaction *transaction)
{
    return transaction->user;
}
