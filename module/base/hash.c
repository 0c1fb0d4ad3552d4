// SPDX-License-Identifier: BSD-2-Clause
#include "base/hash.h"

#include <endian.h>
#include <string.h>

void hash_key_draw(struct hash_key *key, const struct host *host)
{
    for (size_t i = 0; i < 2; i++)
        key->word[i] = host_random_64(host);
}

/* Only then the numbers of rounds are known where they are counted. */
#define ALWAYS_INLINE static inline __attribute__((always_inline))

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
    if (text.length == whole)
        return 0;
    if (whole > 0)
        return load_word(text.at + text.length - 8) >> 8 * (8 - (text.length - whole));
    for (size_t i = whole; i < text.length; i++)
        word |= (uint64_t)(unsigned char)text.at[i] << 8 * (i - whole);
    return word;
}

static inline struct sip_state sip_begin(const struct hash_key *key)
{
    return (struct sip_state){key->word[0] ^ 0x736f6d6570736575U, key->word[1] ^ 0x646f72616e646f6dU,
                              key->word[0] ^ 0x6c7967656e657261U, key->word[1] ^ 0x7465646279746573U};
}

ALWAYS_INLINE void sip_take(struct sip_state *s, uint64_t word, int rounds)
{
    s->v3 ^= word;
    for (int round = 0; round < rounds; round++)
        sip_round(s);
    s->v0 ^= word;
}

ALWAYS_INLINE uint64_t sip_end(struct sip_state *s, int rounds)
{
    s->v2 ^= 0xff;
    for (int round = 0; round < rounds; round++)
        sip_round(s);
    return s->v0 ^ s->v1 ^ s->v2 ^ s->v3;
}

/* SipHash with so many rounds a word and at the end. */
ALWAYS_INLINE uint64_t sip_hash(const struct hash_key *key, struct text text, int rounds, int last_rounds)
{
    struct sip_state s = sip_begin(key);
    size_t whole = text.length & ~(size_t)7;
    for (size_t i = 0; i < whole; i += 8)
        sip_take(&s, load_word(text.at + i), rounds);
    sip_take(&s, (uint64_t)text.length << 56 | load_tail(text, whole), rounds);
    return sip_end(&s, last_rounds);
}

static inline uint32_t fold(uint64_t hash)
{
    return (uint32_t)(hash ^ hash >> 32);
}

uint32_t hash_text(const struct hash_key *key, struct text text)
{
    return fold(sip_hash(key, text, 1, 3));
}

uint32_t hash_number(const struct hash_key *key, uint64_t number)
{
    return fold(sip_hash(key, (struct text){(const char *)&number, sizeof number}, 1, 3));
}

uint64_t hash_seal(const struct hash_key *key, struct text text)
{
    return sip_hash(key, text, 2, 4);
}

uint64_t hash_pair(const struct hash_key *key, uint64_t first, uint64_t second)
{
    const uint64_t words[] = {first, second};
    return sip_hash(key, (struct text){(const char *)words, sizeof words}, 2, 4);
}

uint64_t hash_texts(const struct hash_key *key, const struct text *texts, size_t count)
{
    struct sip_state s = sip_begin(key);
    for (const struct text *text = texts; text < texts + count; text++) {
        size_t whole = text->length & ~(size_t)7;
        sip_take(&s, text->length, 2);
        for (size_t i = 0; i < whole; i += 8)
            sip_take(&s, load_word(text->at + i), 2);
        if (text->length > whole)
            sip_take(&s, load_tail(*text, whole), 2);
    }
    return sip_end(&s, 4);
}

uint64_t hash_fixed(struct text text)
{
    return hash_seal(&(struct hash_key){{0, 0}}, text);
}
