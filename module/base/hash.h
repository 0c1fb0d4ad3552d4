// SPDX-License-Identifier: BSD-2-Clause
#ifndef REFLOW_BASE_HASH_H
#define REFLOW_BASE_HASH_H

#include <stdint.h>

#include "base/host.h"
#include "core/text.h"

/* SipHash (Aumasson and Bernstein), the only hash below tables: peers choose AORs, addresses and branches, and without
   the key they cannot make them collide. */

/* Two words of secret. */
struct hash_key {
    uint64_t word[2];
};

void hash_key_draw(struct hash_key *key, const struct host *host);

/* SipHash-1-3, folded to 32 bits: for tables. */
uint32_t hash_text(const struct hash_key *key, struct text text);
uint32_t hash_number(const struct hash_key *key, uint64_t number);

/* SipHash-2-4: to seal what strangers carry, where 64 bits are enough, and for tables whose hashes identify. */
uint64_t hash_seal(const struct hash_key *key, struct text text);
uint64_t hash_pair(const struct hash_key *key, uint64_t first, uint64_t second);

/* The same of several texts: the lengths count, so the same bytes that are divided in another way have another hash. */
uint64_t hash_texts(const struct hash_key *key, const struct text *texts, size_t count);

/* The same in every process. The key is no secret, therefore not for a table that peers fill. */
uint64_t hash_fixed(struct text text);

#endif
