// SPDX-License-Identifier: BSD-2-Clause
#include "standalone/transaction/amplification.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>

#include "base/memory.h"

struct known_address {
    struct table_link link;
    struct known_address *older, *newer;
    union address address;
    uint64_t until_ms; /* of a proof */
    size_t credit;
};

struct source_count {
    struct table_link link; /* by source_id */
    size_t count;
};

static uint64_t now(const struct amplification *amplification)
{
    return amplification->host->now_ms(amplification->host->context);
}

/* --- the lists --- */

/* An IPv4 address and its port are a number, which no other has. The table hashes it with a key of its own. */
static uint64_t digest(const struct amplification *amplification, const union address *address)
{
    if (address->any.sa_family == AF_INET)
        return (uint64_t)address->v4.sin_addr.s_addr << 16 | address->v4.sin_port;
    struct {
        uint8_t host[16];
        uint32_t interface, port;
    } bytes = {.interface = address->v6.sin6_scope_id, .port = address_port(address)};
    memcpy(bytes.host, &address->v6.sin6_addr, sizeof address->v6.sin6_addr);
    return hash_seal(&amplification->key, (struct text){(const char *)&bytes, sizeof bytes});
}

static struct known_address *list_find(const struct amplification *amplification, const struct address_list *list,
                                       const union address *address)
{
    struct table_link *link = table_find(&list->table, digest(amplification, address));
    for (; link != NULL; link = table_next(link)) {
        struct known_address *known = TABLE_OWNER(link, struct known_address, link);
        if (address_equal(&known->address, address))
            return known;
    }
    return NULL;
}

static void list_unlink(struct address_list *list, struct known_address *known)
{
    *(known->older != NULL ? &known->older->newer : &list->oldest) = known->newer;
    *(known->newer != NULL ? &known->newer->older : &list->newest) = known->older;
}

static void list_append(struct address_list *list, struct known_address *known)
{
    known->older = list->newest;
    known->newer = NULL;
    *(list->newest != NULL ? &list->newest->newer : &list->oldest) = known;
    list->newest = known;
}

static struct known_address *list_add(const struct amplification *amplification, struct address_list *list,
                                      const union address *address)
{
    struct known_address *known = memory_new(amplification->host, sizeof *known);
    if (known == NULL)
        return NULL;
    known->address = *address;
    table_add(&list->table, &known->link, digest(amplification, address));
    list_append(list, known);
    return known;
}

static void list_remove(const struct amplification *amplification, struct address_list *list,
                        struct known_address *known)
{
    list_unlink(list, known);
    table_remove(&list->table, &known->link);
    memory_delete(amplification->host, known, sizeof *known);
}

/* --- the number of proved addresses of a source --- */

static struct source_count *find_count(const struct amplification *amplification, const union address *address)
{
    struct table_link *link = table_find(&amplification->sources, source_of(address));
    return link != NULL ? TABLE_OWNER(link, struct source_count, link) : NULL;
}

/* Returns false if the source has reached its limit, or without memory. */
static bool count_up(struct amplification *amplification, const union address *address)
{
    struct source_count *count = find_count(amplification, address);
    if (count == NULL) {
        count = memory_new(amplification->host, sizeof *count);
        if (count == NULL)
            return false;
        table_add(&amplification->sources, &count->link, source_of(address));
    }
    if (count->count >= PROVED_OF_SOURCE)
        return false;
    count->count++;
    return true;
}

static void count_down(struct amplification *amplification, const union address *address)
{
    struct source_count *count = find_count(amplification, address);
    if (count == NULL || --count->count > 0)
        return;
    table_remove(&amplification->sources, &count->link);
    memory_delete(amplification->host, count, sizeof *count);
}

static void forget_proof(struct amplification *amplification, struct known_address *known)
{
    count_down(amplification, &known->address);
    list_remove(amplification, &amplification->proved, known);
}

/* --- proofs and credits --- */

int amplification_create(struct amplification *amplification, const struct host *host, const struct wire *wire)
{
    *amplification = (struct amplification){
        .host = host, .wire = wire, .proved = {.most = PROVED_MOST}, .credits = {.most = CREDITS_MOST}};
    hash_key_draw(&amplification->key, host);
    if (table_create(&amplification->proved.table, host) != 0 || table_create(&amplification->credits.table, host) != 0)
        return -ENOMEM;
    return table_create(&amplification->sources, host);
}

static void log_withheld(struct amplification *amplification)
{
    char address[64], line[256];
    address_format(&amplification->last, address, sizeof address);
    snprintf(line, sizeof line,
             "not sent: %" PRIu64 " messages (%" PRIu64
             " bytes), the last to %s, because they exceed %u times what caused "
             "them and the address has not answered yet",
             amplification->pending, amplification->pending_bytes, address, AMPLIFICATION_MOST);
    amplification->host->log(amplification->host->context, LOG_NOTICE, line);
    amplification->pending = 0;
    amplification->pending_bytes = 0;
    amplification->next_log_ms = now(amplification) + WITHHELD_WINDOW_MS;
}

void amplification_destroy(struct amplification *amplification)
{
    if (amplification->host == NULL)
        return;
    if (amplification->pending > 0)
        log_withheld(amplification);
    while (amplification->proved.oldest != NULL)
        forget_proof(amplification, amplification->proved.oldest);
    while (amplification->credits.oldest != NULL)
        list_remove(amplification, &amplification->credits, amplification->credits.oldest);
    table_destroy(&amplification->proved.table);
    table_destroy(&amplification->credits.table);
    table_destroy(&amplification->sources);
    amplification->host = NULL;
}

void amplification_sweep(struct amplification *amplification)
{
    struct known_address *oldest;
    while ((oldest = amplification->proved.oldest) != NULL && oldest->until_ms <= now(amplification))
        forget_proof(amplification, oldest);
    if (amplification->pending > 0 && now(amplification) >= amplification->next_log_ms)
        log_withheld(amplification);
}

void amplification_prove(struct amplification *amplification, const struct peer *peer)
{
    struct address_list *list = &amplification->proved;
    if (transport_connects(peer->transport))
        return;
    struct known_address *known = list_find(amplification, list, &peer->address);
    if (known != NULL) {
        list_unlink(list, known);
        list_append(list, known);
    } else {
        if (!count_up(amplification, &peer->address))
            return;
        if (list->table.count >= list->most)
            forget_proof(amplification, list->oldest);
        known = list_add(amplification, list, &peer->address);
        if (known == NULL) {
            count_down(amplification, &peer->address);
            return;
        }
    }
    known->until_ms = now(amplification) + PROVED_MS;
}

bool amplification_is_proved(const struct amplification *amplification, const struct peer *peer)
{
    if (transport_connects(peer->transport))
        return true;
    const struct known_address *known = list_find(amplification, &amplification->proved, &peer->address);
    if (known != NULL && known->until_ms > now(amplification))
        return true;
    return amplification->is_trusted != NULL &&
           amplification->is_trusted(amplification->trusted_context, &peer->address);
}

static void add_credit(struct amplification *amplification, const struct peer *peer, size_t bytes)
{
    struct address_list *list = &amplification->credits;
    if (transport_connects(peer->transport) || bytes == 0)
        return;
    struct known_address *known = list_find(amplification, list, &peer->address);
    if (known == NULL) {
        if (list->table.count >= list->most)
            list_remove(amplification, list, list->oldest);
        known = list_add(amplification, list, &peer->address);
    } else {
        list_unlink(list, known);
        list_append(list, known);
    }
    if (known != NULL)
        known->credit = known->credit + bytes < CREDIT_MOST ? known->credit + bytes : CREDIT_MOST;
}

void amplification_registered(struct amplification *amplification, struct cause *cause, const struct peer *peer)
{
    if (cause == NULL || !address_same_host(&cause->source, &peer->address))
        return;
    add_credit(amplification, peer, cause->to_source);
    cause->to_source = 0;
}

void amplification_restored(struct amplification *amplification, const struct peer *peer)
{
    add_credit(amplification, peer, CREDIT_RESTORED);
}

/* --- causes --- */

struct cause cause_of(const struct peer *source, size_t bytes)
{
    struct cause cause = {.source = source->address};
    cause_add(&cause, bytes);
    return cause;
}

struct cause *cause_new(const struct host *host, const struct peer *source, size_t bytes)
{
    struct cause *cause = memory_new(host, sizeof *cause);
    if (cause == NULL)
        return NULL;
    *cause = cause_of(source, bytes);
    return cause_hold(cause);
}

struct cause *cause_hold(struct cause *cause)
{
    if (cause != NULL)
        cause->holders++;
    return cause;
}

void cause_release(const struct host *host, struct cause *cause)
{
    if (cause != NULL && --cause->holders == 0)
        memory_delete(host, cause, sizeof *cause);
}

void cause_add(struct cause *cause, size_t bytes)
{
    cause->granted += AMPLIFICATION_MOST * bytes;
    cause->to_source += AMPLIFICATION_MOST * bytes;
    cause->to_others += AMPLIFICATION_MOST * bytes;
}

/* The account for the bytes to the peer: the peer's credit, or the grant of the cause; NULL: too many. */
static size_t *purse(const struct amplification *amplification, struct cause *cause, const struct peer *peer,
                     size_t bytes, size_t spared)
{
    struct known_address *known = list_find(amplification, &amplification->credits, &peer->address);
    if (known != NULL && known->credit >= bytes)
        return &known->credit;
    bool to_source = address_same_host(&cause->source, &peer->address);
    size_t *left = to_source ? &cause->to_source : &cause->to_others;
    return *left >= bytes + (to_source ? spared : 0) ? left : NULL;
}

void amplification_withhold(struct amplification *amplification, const struct peer *peer, size_t bytes)
{
    ++*amplification->withheld;
    amplification->pending++;
    amplification->pending_bytes += bytes;
    amplification->last = peer->address;
}

bool amplification_allows(const struct amplification *amplification, const struct cause *cause, const struct peer *peer,
                          size_t bytes)
{
    if (cause == NULL || amplification_is_proved(amplification, peer))
        return true;
    struct cause copy = *cause;
    return purse(amplification, &copy, peer, bytes, 0) != NULL;
}

void amplification_charge(struct amplification *amplification, struct cause *cause, const struct peer *peer,
                          size_t bytes)
{
    if (cause == NULL || amplification_is_proved(amplification, peer))
        return;
    size_t *from = purse(amplification, cause, peer, bytes, 0);
    if (from != NULL)
        *from -= bytes;
}

static int send_sparing(struct amplification *amplification, struct cause *cause, struct peer *peer, struct text bytes,
                        size_t spared)
{
    if (cause != NULL && !amplification_is_proved(amplification, peer)) {
        size_t *from = purse(amplification, cause, peer, bytes.length, spared);
        if (from == NULL) {
            amplification_withhold(amplification, peer, bytes.length);
            return -EDQUOT;
        }
        *from -= bytes.length;
    }
    return amplification->wire->send(amplification->wire->context, peer, bytes.at, bytes.length);
}

int amplification_send(struct amplification *amplification, struct cause *cause, struct peer *peer, struct text bytes)
{
    return send_sparing(amplification, cause, peer, bytes, 0);
}

int amplification_send_provisional(struct amplification *amplification, struct cause *cause, struct peer *peer,
                                   struct text bytes)
{
    return send_sparing(amplification, cause, peer, bytes, cause != NULL ? cause->granted / 4 : 0);
}
