// SPDX-License-Identifier: BSD-2-Clause
#include "call/message_cache.h"

void message_cache_create(struct message_cache *cache, const struct host *host)
{
    *cache = (struct message_cache){.host = host};
    hash_key_draw(&cache->key, host);
}

void message_cache_destroy(struct message_cache *cache)
{
    for (size_t i = 0; i < MESSAGE_CACHE_SLOTS; i++)
        sip_message_delete(cache->slots[i]);
    *cache = (struct message_cache){0};
}

/* Strangers choose the bytes: the hash is keyed, so that they cannot choose the slot. */
static struct sip_message **message_cache_slot(struct message_cache *cache, struct text bytes)
{
    return &cache->slots[hash_text(&cache->key, bytes) % MESSAGE_CACHE_SLOTS];
}

int message_cache_take(struct message_cache *cache, const char *bytes, size_t length, struct sip_message **out,
                       struct sip_fault *fault)
{
    const struct text text = {bytes, length};
    struct sip_message **slot = message_cache_slot(cache, text);
    *out = *slot;
    if (*out != NULL && text_equal(sip_bytes(*out), text)) {
        *slot = NULL;
        return 0;
    }
    *out = NULL;
    int error = sip_message_new(out, cache->host, bytes, length, NULL, fault);
    if (error != 0) {
        sip_message_delete(*out);
        *out = NULL;
    }
    return error;
}

void message_cache_return(struct message_cache *cache, struct sip_message *message)
{
    if (message == NULL)
        return;
    struct sip_message **slot = message_cache_slot(cache, sip_bytes(message));
    if (sip_bytes(message).length > MESSAGE_CACHE_LONGEST) {
        sip_message_delete(message);
        return;
    }
    sip_message_delete(*slot);
    *slot = message;
}
