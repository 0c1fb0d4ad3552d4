// SPDX-License-Identifier: BSD-2-Clause
#include "sip/rewrite.h"

#include "base/memory.h"
#include "base/number.h"

enum { FIRST_CAPACITY = 1024 };

static bool grow(struct sip_buffer *buffer, size_t more)
{
    if (more <= buffer->capacity - buffer->length)
        return true;
    size_t capacity = buffer->capacity > 0 ? buffer->capacity : FIRST_CAPACITY;
    while (capacity - buffer->length < more) {
        if (capacity > SIZE_MAX / 2)
            return false;
        capacity *= 2;
    }
    char *bytes = buffer->host->allocate(buffer->host->context, buffer->bytes, buffer->capacity, capacity);
    if (bytes == NULL)
        return false;
    buffer->bytes = bytes;
    buffer->capacity = capacity;
    return true;
}

void sip_buffer_destroy(struct sip_buffer *buffer)
{
    memory_delete(buffer->host, buffer->bytes, buffer->capacity);
    *buffer = (struct sip_buffer){.host = buffer->host};
}

void sip_buffer_clear(struct sip_buffer *buffer)
{
    buffer->length = 0;
    buffer->failed = false;
}

void sip_append(struct sip_buffer *buffer, struct text text)
{
    if (text.length == 0 || buffer->failed)
        return;
    if (!grow(buffer, text.length)) {
        buffer->failed = true;
        return;
    }
    memcpy(buffer->bytes + buffer->length, text.at, text.length);
    buffer->length += text.length;
}

void sip_append_number(struct sip_buffer *buffer, uint64_t number)
{
    char digits[NUMBER_DIGITS];
    sip_append(buffer, number_text(number, digits));
}

static void put(void *context, struct text bytes)
{
    sip_append(context, bytes);
}

struct json sip_json(struct sip_buffer *buffer)
{
    return (struct json){.put = put, .context = buffer};
}
