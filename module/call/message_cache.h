// SPDX-License-Identifier: BSD-2-Clause
#ifndef REFLOW_CALL_MESSAGE_CACHE_H
#define REFLOW_CALL_MESSAGE_CACHE_H

#include "base/hash.h"
#include "sip/message.h"

/*
 * Messages that have been parsed, found again by their bytes: for a host in which the same message comes up several
 * times in one process (the request with each response to it, a response for two hooks) and in which what is parsed
 * cannot be kept with the call, because calls are shared by processes. A message owns its memory, so nothing here
 * depends on the host's own copy of the bytes. One thread, one process.
 */

enum { MESSAGE_CACHE_SLOTS = 64, MESSAGE_CACHE_LONGEST = 8192 /* bytes of a message that is kept */ };

struct message_cache {
    const struct host *host;
    struct hash_key key;
    struct sip_message *slots[MESSAGE_CACHE_SLOTS];
};

void message_cache_create(struct message_cache *cache, const struct host *host);
void message_cache_destroy(struct message_cache *cache);

/* A message with these bytes, parsed unless it is in the cache. As sip_message_new() with its default limits, except
   that *out is NULL after every error. The message belongs to the caller until message_cache_return(). */
int message_cache_take(struct message_cache *cache, const char *bytes, size_t length, struct sip_message **out,
                       struct sip_fault *fault);
/* The cache keeps the message, in place of another, or deletes it. NULL is ignored. */
void message_cache_return(struct message_cache *cache, struct sip_message *message);

#endif
