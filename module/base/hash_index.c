// SPDX-License-Identifier: BSD-2-Clause
#include "base/hash_index.h"

#include <endian.h>
#include <errno.h>

enum {
    LINE_ITEMS = 5,
    LOAD = 3 /* items per bucket before another is split */
};

struct hash_line {
    uint32_t hash[LINE_ITEMS];
    uint32_t next; /* number of the overflow line that goes on; 0: none */
    void *item[LINE_ITEMS];
};

_Static_assert(sizeof(struct hash_line) <= LINE_BYTES, "a bucket is one line");

void hash_key_draw(struct hash_key *key, const struct host *host)
{
    for (size_t i = 0; i < 2; i++) {
        uint64_t high = host->random(host->context);
        key->word[i] = high << 32 | host->random(host->context);
    }
}

struct sip_state {
    uint64_t v0, v1, v2, v3;
};

static inline uint64_t rotate(uint64_t word, unsigned bits)
{
    return word << bits | word >> (64 - bits);
}

static inline void sip_round(struct sip_state *s)
{
    s->v0 += s->v1;
    s->v2 += s->v3;
    s->v1 = rotate(s->v1, 13) ^ s->v0;
    s->v3 = rotate(s->v3, 16) ^ s->v2;
    s->v0 = rotate(s->v0, 32) + s->v3;
    s->v2 += s->v1;
    s->v3 = rotate(s->v3, 21) ^ s->v0;
    s->v1 = rotate(s->v1, 17) ^ s->v2;
    s->v2 = rotate(s->v2, 32);
}

/* In one byte order everywhere: seals are read by other machines that have the key. */
static inline uint64_t load_word(const char *at)
{
    uint64_t word;
    memcpy(&word, at, sizeof word);
    return le64toh(word);
}

/* The bytes behind the last whole word; a text of no bytes may be at NULL. */
static inline uint64_t load_tail(struct text text, size_t whole)
{
    uint64_t word = 0;
    for (size_t i = whole; i < text.length; i++)
        word |= (uint64_t)(unsigned char)text.at[i] << 8 * (i - whole);
    return word;
}

/* SipHash with so many rounds a word and at the end. */
static inline uint64_t sip_hash(const struct hash_key *key, struct text text, int rounds, int last_rounds)
{
    struct sip_state s = {key->word[0] ^ 0x736f6d6570736575U, key->word[1] ^ 0x646f72616e646f6dU,
                          key->word[0] ^ 0x6c7967656e657261U, key->word[1] ^ 0x7465646279746573U};
    size_t whole = text.length & ~(size_t)7;
    for (size_t i = 0; i <= whole; i += 8) {
        uint64_t word = i < whole ? load_word(text.at + i) : (uint64_t)text.length << 56 | load_tail(text, whole);
        s.v3 ^= word;
        for (int round = 0; round < rounds; round++)
            sip_round(&s);
        s.v0 ^= word;
    }
    s.v2 ^= 0xff;
    for (int round = 0; round < last_rounds; round++)
        sip_round(&s);
    return s.v0 ^ s.v1 ^ s.v2 ^ s.v3;
}

uint32_t hash_text(const struct hash_key *key, struct text text)
{
    uint64_t hash = sip_hash(key, text, 1, 3);
    return (uint32_t)(hash ^ hash >> 32);
}

uint64_t hash_seal(const struct hash_key *key, struct text text)
{
    return sip_hash(key, text, 2, 4);
}

uint32_t hash_number(const struct hash_key *key, uint64_t number)
{
    uint64_t hash = (number ^ key->word[0]) * 0x9e3779b97f4a7c15U;
    hash = (hash ^ hash >> 32 ^ key->word[1]) * 0xd6e8feb86659fd93U;
    return (uint32_t)(hash ^ hash >> 32);
}

int hash_index_create(struct hash_index *table, const struct host *host)
{
    *table = (struct hash_index){.bucket_count = 1};
    line_pool_create(&table->buckets, host);
    line_pool_create(&table->overflow, host);
    if (line_pool_reserve(&table->buckets) < 0) {
        hash_index_destroy(table);
        return -ENOMEM;
    }
    line_pool_take(&table->buckets);
    return 0;
}

void hash_index_destroy(struct hash_index *table)
{
    line_pool_destroy(&table->buckets);
    line_pool_destroy(&table->overflow);
}

static inline struct hash_line *bucket_at(const struct hash_index *table, uint32_t number)
{
    return line_pool_at(&table->buckets, number + 1);
}

static inline struct hash_line *bucket_of(const struct hash_index *table, uint32_t hash)
{
    uint32_t number = hash & (2 * table->mask + 1);
    if (number >= table->bucket_count)
        number &= table->mask;
    return bucket_at(table, number);
}

static inline struct hash_line *line_after(const struct hash_index *table, const struct hash_line *line)
{
    return line->next ? line_pool_at(&table->overflow, line->next) : NULL;
}

static void place(struct hash_index *table, uint32_t hash, void *item)
{
    struct hash_line *line = bucket_of(table, hash);
    for (;;) {
        for (unsigned i = 0; i < LINE_ITEMS; i++) {
            if (line->item[i] == NULL) {
                line->hash[i] = hash;
                line->item[i] = item;
                return;
            }
        }
        if (line->next == 0)
            line->next = line_pool_take(&table->overflow);
        line = line_after(table, line);
    }
}

static void place_all(struct hash_index *table, const struct hash_line *line)
{
    for (unsigned i = 0; i < LINE_ITEMS; i++)
        if (line->item[i] != NULL)
            place(table, line->hash[i], line->item[i]);
}

/* Share the items of one bucket between it and a new one. Its own lines suffice for both: each is taken apart before
   its items are placed again, and what is placed never needs more overflow lines than have been taken apart. */
static void split(struct hash_index *table)
{
    uint32_t number = table->bucket_count - table->mask - 1;
    struct hash_line *bucket = bucket_at(table, number);
    struct hash_line line = *bucket;
    *bucket = (struct hash_line){0};
    line_pool_take(&table->buckets);
    table->bucket_count++;
    place_all(table, &line);
    while (line.next != 0) {
        uint32_t next = line.next;
        line = *line_after(table, &line);
        line_pool_release(&table->overflow, next);
        place_all(table, &line);
    }
    if (table->bucket_count == 2 * (table->mask + 1))
        table->mask = 2 * table->mask + 1;
}

int hash_index_reserve(struct hash_index *table)
{
    if (line_pool_reserve(&table->overflow) < 0)
        return -ENOMEM;
    if (table->count < (size_t)table->bucket_count * LOAD || table->bucket_count > UINT32_MAX / 2)
        return 0;
    /* Without memory for another bucket the chains grow longer; nothing is lost. */
    if (line_pool_reserve(&table->buckets) == 0)
        split(table);
    return 0;
}

void hash_index_insert(struct hash_index *table, uint32_t hash, void *item)
{
    place(table, hash, item);
    table->count++;
}

/* A bit for each place that may hold the hash. Without branches: which place it is cannot be predicted, and a wrong
   guess would cost as much as the line itself. */
static inline unsigned line_candidates(const struct hash_line *line, uint32_t hash)
{
    unsigned found = 0;
    for (unsigned i = 0; i < LINE_ITEMS; i++)
        found |= (unsigned)(line->hash[i] == hash) << i;
    return found;
}

void *hash_index_find(const struct hash_index *table, uint32_t hash, hash_match *match, const void *key)
{
    for (const struct hash_line *line = bucket_of(table, hash); line != NULL; line = line_after(table, line)) {
        for (unsigned found = line_candidates(line, hash); found != 0; found &= found - 1) {
            void *item = line->item[__builtin_ctz(found)];
            if (item != NULL && match(item, key))
                return item;
        }
    }
    return NULL;
}

static bool line_empty(const struct hash_line *line)
{
    for (unsigned i = 0; i < LINE_ITEMS; i++)
        if (line->item[i] != NULL)
            return false;
    return true;
}

/* The place of an item, with the line before its own, NULL where that is the bucket itself. */
static void **locate(const struct hash_index *table, uint32_t hash, const void *item, struct hash_line **owner,
                     struct hash_line **before)
{
    *before = NULL;
    for (*owner = bucket_of(table, hash); *owner != NULL; *owner = line_after(table, *owner)) {
        for (unsigned i = 0; i < LINE_ITEMS; i++)
            if ((*owner)->item[i] == item)
                return &(*owner)->item[i];
        *before = *owner;
    }
    return NULL;
}

void hash_index_remove(struct hash_index *table, uint32_t hash, const void *item)
{
    struct hash_line *owner;
    struct hash_line *before;
    void **found = locate(table, hash, item, &owner, &before);
    if (found == NULL)
        return;
    *found = NULL;
    table->count--;
    if (before == NULL || !line_empty(owner))
        return;
    uint32_t number = before->next;
    before->next = owner->next;
    line_pool_release(&table->overflow, number);
}

void hash_index_replace(struct hash_index *table, uint32_t hash, const void *item, void *by)
{
    struct hash_line *owner;
    struct hash_line *before;
    void **found = locate(table, hash, item, &owner, &before);
    if (found != NULL)
        *found = by;
}
