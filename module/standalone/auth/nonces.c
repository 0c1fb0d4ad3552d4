// SPDX-License-Identifier: BSD-2-Clause
#include "standalone/auth/nonces.h"

#include <errno.h>
#include <openssl/crypto.h>

#include "base/memory.h"
#include "base/writer.h"

enum {
    LIFETIME_S = 300,
    TIME_DIGITS = 12,
    SERIAL_DIGITS = 8,
    VALUE_DIGITS = TIME_DIGITS + SERIAL_DIGITS,
    SEAL_DIGITS = 16
};

struct used_nonce {
    struct table_link link;
    struct used_nonce *next;
    uint64_t issued_ms;
    uint32_t number;
    uint32_t top;    /* the highest count that was used */
    uint64_t window; /* bit i: count top - i was used */
};

int nonces_create(struct nonces *nonces, const struct host *host, uint32_t lifetime_s, size_t most)
{
    *nonces = (struct nonces){.host = host,
                              .lifetime_ms = (uint64_t)(lifetime_s != 0 ? lifetime_s : LIFETIME_S) * 1000,
                              .offset_ms = (uint64_t)host->random(host->context) + 1,
                              .most = most != 0 ? most : NONCES_DEFAULT};
    hash_key_draw(&nonces->key, host);
    return table_create(&nonces->table, host);
}

static void forget_oldest(struct nonces *nonces)
{
    struct used_nonce *used = nonces->oldest;
    nonces->oldest = used->next;
    if (nonces->oldest == NULL)
        nonces->newest = NULL;
    table_remove(&nonces->table, &used->link);
    memory_delete(nonces->host, used, sizeof *used);
}

void nonces_destroy(struct nonces *nonces)
{
    while (nonces->oldest != NULL)
        forget_oldest(nonces);
    table_destroy(&nonces->table);
}

static uint64_t now(const struct nonces *nonces)
{
    return nonces->host->now_ms(nonces->host->context) + nonces->offset_ms;
}

static void write_seal(const struct nonces *nonces, const char value[VALUE_DIGITS], const struct nonce_scope *scope,
                       char out[SEAL_DIGITS + 1])
{
    const uint64_t words[] = {hash_seal(&nonces->key, (struct text){value, VALUE_DIGITS}),
                              hash_seal(&nonces->key, scope->realm), scope->source};
    const uint64_t seal = hash_seal(&nonces->key, (struct text){(const char *)words, sizeof words});
    struct writer writer = writer_begin(out, SEAL_DIGITS + 1);
    writer_put_hex(&writer, SEAL_DIGITS, seal);
    writer_end(&writer);
}

/* The number is different for the nonces of one millisecond, and does not show how many there were. The seal makes the
   nonce unpredictable: a random number would only cost a system call. */
size_t nonce_write(struct nonces *nonces, const struct nonce_scope *scope, char out[NONCE_SIZE])
{
    uint64_t time = now(nonces) & 0xffffffffffff;
    uint32_t number = (uint32_t)nonces->issued++ ^ (uint32_t)hash_pair(&nonces->key, time, VALUE_DIGITS);
    struct writer writer = writer_begin(out, NONCE_SIZE);
    writer_put_hex(&writer, TIME_DIGITS, time);
    writer_put_hex(&writer, SERIAL_DIGITS, number);
    write_seal(nonces, out, scope, out + VALUE_DIGITS);
    return NONCE_SIZE - 1;
}

/* Of digits that nonce_write() has written. */
static uint64_t read_hex(const char *at, unsigned digits)
{
    uint64_t value = 0;
    for (unsigned i = 0; i < digits; i++)
        value = value << 4 | (uint64_t)(at[i] <= '9' ? at[i] - '0' : at[i] - 'a' + 10);
    return value;
}

static bool is_too_old(const struct nonces *nonces, uint64_t issued_ms)
{
    return now(nonces) - issued_ms > nonces->lifetime_ms;
}

bool nonce_read(const struct nonces *nonces, struct text text, const struct nonce_scope *scope, struct nonce *nonce)
{
    char seal[SEAL_DIGITS + 1];
    if (text.length != NONCE_SIZE - 1)
        return false;
    write_seal(nonces, text.at, scope, seal);
    if (CRYPTO_memcmp(seal, text.at + VALUE_DIGITS, SEAL_DIGITS) != 0)
        return false;
    nonce->issued_ms = read_hex(text.at, TIME_DIGITS);
    nonce->number = (uint32_t)read_hex(text.at + TIME_DIGITS, SERIAL_DIGITS);
    return !is_too_old(nonces, nonce->issued_ms);
}

static uint64_t hash_of(const struct nonces *nonces, const struct nonce *nonce)
{
    return hash_pair(&nonces->key, nonce->issued_ms, nonce->number);
}

static struct used_nonce *find(const struct nonces *nonces, const struct nonce *nonce)
{
    struct table_link *link = table_find(&nonces->table, hash_of(nonces, nonce));
    for (; link != NULL; link = table_next(link)) {
        struct used_nonce *used = TABLE_OWNER(link, struct used_nonce, link);
        if (used->issued_ms == nonce->issued_ms && used->number == nonce->number)
            return used;
    }
    return NULL;
}

/* What is too old to be accepted by its time alone is forgotten without raising the floor. */
static void make_room(struct nonces *nonces)
{
    while (nonces->oldest != NULL && is_too_old(nonces, nonces->oldest->issued_ms))
        forget_oldest(nonces);
    if (nonces->oldest == NULL || nonces->table.count < nonces->most)
        return;
    if (nonces->oldest->issued_ms > nonces->floor_ms)
        nonces->floor_ms = nonces->oldest->issued_ms;
    forget_oldest(nonces);
}

static struct used_nonce *add(struct nonces *nonces, const struct nonce *nonce)
{
    struct used_nonce *used;
    if (nonce->issued_ms <= nonces->floor_ms || (used = memory_new(nonces->host, sizeof *used)) == NULL)
        return NULL;
    make_room(nonces);
    used->issued_ms = nonce->issued_ms;
    used->number = nonce->number;
    table_add(&nonces->table, &used->link, hash_of(nonces, nonce));
    *(nonces->newest != NULL ? &nonces->newest->next : &nonces->oldest) = used;
    nonces->newest = used;
    return used;
}

static bool take_count(struct used_nonce *used, uint32_t count)
{
    if (count > used->top) {
        uint32_t step = count - used->top;
        used->window = step < NONCE_WINDOW ? used->window << step : 0;
        used->top = count;
    }
    uint32_t behind = used->top - count;
    if (behind >= NONCE_WINDOW || (used->window >> behind & 1) != 0)
        return false;
    used->window |= (uint64_t)1 << behind;
    return true;
}

bool nonce_use(struct nonces *nonces, const struct nonce *nonce, uint32_t count)
{
    struct used_nonce *used = find(nonces, nonce);
    if (used == NULL)
        used = add(nonces, nonce);
    return used != NULL && take_count(used, count);
}
