// SPDX-License-Identifier: BSD-2-Clause
#include "standalone/auth/users_kept.h"

#include <errno.h>
#include <openssl/crypto.h>
#include <stdio.h>

#include "base/memory.h"

struct kept_secret {
    struct table_link link;
    struct kept_secret *older, *newer;
    size_t size;   /* of this block */
    size_t length; /* of the AOR */
    uint8_t algorithm, name;
    char ha1[HA1_SIZE];
    char aor[];
};

int users_kept_create(struct users_kept *kept, const struct host *host, size_t most)
{
    *kept = (struct users_kept){.host = host, .most = most != 0 ? most : USERS_KEPT_DEFAULT};
    return table_create(&kept->table, host);
}

void users_kept_destroy(struct users_kept *kept)
{
    users_kept_clear(kept);
    table_destroy(&kept->table);
}

static void kept_forget(struct users_kept *kept, struct kept_secret *secret)
{
    size_t size = secret->size;
    *(secret->older != NULL ? &secret->older->newer : &kept->oldest) = secret->newer;
    *(secret->newer != NULL ? &secret->newer->older : &kept->newest) = secret->older;
    table_remove(&kept->table, &secret->link);
    OPENSSL_cleanse(secret, size);
    memory_delete(kept->host, secret, size);
}

void users_kept_clear(struct users_kept *kept)
{
    while (kept->oldest != NULL)
        kept_forget(kept, kept->oldest);
}

static uint64_t hash_of_key(const struct users_kept *kept, const struct users_key *key)
{
    return hash_seal(&kept->table.key, key->aor) ^ ((uint64_t)key->algorithm * USERS_NAMES + key->name);
}

static struct kept_secret *kept_lookup(const struct users_kept *kept, const struct users_key *key)
{
    struct table_link *link = table_find(&kept->table, hash_of_key(kept, key));
    for (; link != NULL; link = table_next(link)) {
        struct kept_secret *secret = TABLE_OWNER(link, struct kept_secret, link);
        if (secret->algorithm == key->algorithm && secret->name == key->name &&
            text_equal((struct text){secret->aor, secret->length}, key->aor))
            return secret;
    }
    return NULL;
}

void users_kept_remove(struct users_kept *kept, const struct users_key *key)
{
    struct kept_secret *secret = kept_lookup(kept, key);
    if (secret != NULL)
        kept_forget(kept, secret);
}

void users_kept_put(struct users_kept *kept, const struct users_key *key, const char *ha1)
{
    size_t size = sizeof(struct kept_secret) + key->aor.length;
    users_kept_remove(kept, key);
    if (kept->table.count >= kept->most)
        kept_forget(kept, kept->oldest);
    struct kept_secret *secret = memory_new(kept->host, size);
    if (secret == NULL)
        return;
    secret->size = size;
    secret->length = key->aor.length;
    secret->algorithm = (uint8_t)key->algorithm;
    secret->name = (uint8_t)key->name;
    snprintf(secret->ha1, sizeof secret->ha1, "%s", ha1);
    memcpy(secret->aor, key->aor.at, key->aor.length);
    secret->older = kept->newest;
    *(kept->newest != NULL ? &kept->newest->newer : &kept->oldest) = secret;
    kept->newest = secret;
    table_add(&kept->table, &secret->link, hash_of_key(kept, key));
}

void users_kept_each(const struct users_kept *kept, void (*each)(void *context, struct text aor), void *context)
{
    for (const struct kept_secret *secret = kept->oldest; secret != NULL; secret = secret->newer)
        each(context, (struct text){secret->aor, secret->length});
}

bool users_kept_find(const struct users_kept *kept, const struct users_key *key, char ha1[HA1_SIZE])
{
    const struct kept_secret *secret = kept_lookup(kept, key);
    if (secret != NULL)
        memcpy(ha1, secret->ha1, HA1_SIZE);
    return secret != NULL;
}
