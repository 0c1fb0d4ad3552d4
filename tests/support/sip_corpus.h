// SPDX-License-Identifier: BSD-2-Clause
#ifndef REFLOW_TEST_SIP_CORPUS_H
#define REFLOW_TEST_SIP_CORPUS_H

#include <stddef.h>
#include <stdint.h>

#include "base/host.h"
#include "core/text.h"

/* Messages to read, to cut and to break, and what reading them must keep to. */

/* The built-in ones: each is well-formed. */
size_t sip_corpus_count(void);
struct text sip_corpus_at(size_t index);

/* Memory that ends at an unmapped page: a read behind the bytes is a crash. */
struct guard {
    char *map;
    size_t size;
};
void guard_create(struct guard *guard, size_t capacity);
const char *guard_put(struct guard *guard, const char *bytes, size_t length); /* at most `capacity` */
void guard_destroy(struct guard *guard);

/* Change, cut, repeat or splice some bytes, in place; `other` is what is spliced in. Returns the new length. */
size_t sip_mutate(char *bytes, size_t length, size_t capacity, struct text other, uint32_t *seed);

/*
 * Read bytes as a datagram and as a stream, ask everything of what comes out, and send it on. NULL: all went as it must
 * (a message, or a fault with a status and a sentence; what is sent on can be read again). Else a sentence that says
 * what did not. *status is 0 for a message, else the fault's.
 */
const char *sip_exercise(const struct host *host, const char *bytes, size_t length, uint16_t *status);

#endif
