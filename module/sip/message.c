// SPDX-License-Identifier: BSD-2-Clause
#include <errno.h>

#include "core/code.h"
#include "base/memory.h"
#include "sip/frame.h"
#include "sip/internal.h"

static struct sip_limits with_defaults(const struct sip_limits *limits)
{
    struct sip_limits all = limits != NULL ? *limits : (struct sip_limits){0};
    if (all.message == 0)
        all.message = DEFAULT_MESSAGE;
    if (all.fields == 0)
        all.fields = DEFAULT_FIELDS;
    if (all.line == 0)
        all.line = DEFAULT_LINE;
    return all;
}

/* One block contains the message, its index and its bytes. */
static struct sip_message *allocate(const struct host *host, const char *bytes, size_t length, size_t fields)
{
    size_t index = sizeof(struct sip_message) + fields * sizeof(struct sip_field);
    struct sip_message *message = host->allocate(host->context, NULL, 0, index + length + 1);
    if (message == NULL)
        return NULL;
    char *copy = (char *)message + index;
    memset(message, 0, sizeof *message);
    if (length > 0)
        memcpy(copy, bytes, length);
    copy[length] = '\0';
    message->host = host;
    message->size = index + length + 1;
    message->bytes = (struct text){copy, length};
    message->field_capacity = fields;
    message->max_forwards = -1;
    return message;
}

/* The fields by which the client finds its transaction (RFC 3261 17.1.3). Of the fields of 8.2.6.2, a response has
   those that are present (RFC 4475 section 3.3.1). */
static bool can_be_answered(const struct sip_message *message)
{
    return message->request && message->method.length > 0 && message->first[HEADER_VIA] != 0 &&
           message->first[HEADER_CSEQ] != 0;
}

static int refuse(struct sip_message **out, struct sip_message *message, int result)
{
    *out = NULL;
    if (can_be_answered(message))
        *out = message;
    else
        sip_message_delete(message);
    return result;
}

int sip_message_new(struct sip_message **out, const struct host *host, const char *bytes, size_t length,
                    const struct sip_limits *limits, struct sip_fault *fault)
{
    struct sip_limits all = with_defaults(limits);
    size_t skipped = sip_padding_length(bytes, length);
    *fault = (struct sip_fault){0};
    *out = NULL;
    bool too_long = length - skipped > all.message;
    size_t kept = too_long ? all.message : length - skipped;
    size_t fields = sip_scan_count(bytes + skipped, kept, (size_t)all.fields + 1);
    struct sip_message *message = allocate(host, bytes + skipped, kept, fields > 0 ? fields - 1 : 0);
    if (message == NULL)
        return -ENOMEM;
    if (too_long)
        sip_fault_set(fault, message, message->bytes.at + kept, SIP_REQUEST_ENTITY_TOO_LARGE,
                      "the message is too long");
    int result = sip_scan(message, &all, fault);
    sip_check(message, fault);
    fault->offset += fault->offset > 0 || fault->header == NULL ? (uint32_t)skipped : 0;
    if (too_long || result != 0)
        return refuse(out, message, -EMSGSIZE);
    if (fault->status != 0)
        return refuse(out, message, -EBADMSG);
    *out = message;
    return 0;
}

void sip_message_delete(struct sip_message *message)
{
    if (message == NULL)
        return;
    sip_uri_destroy(&message->target);
    memory_delete(message->host, message, message->size);
}

size_t sip_message_size(const struct sip_message *message)
{
    return message->size;
}

bool sip_is_request(const struct sip_message *message)
{
    return message->request;
}

struct text sip_bytes(const struct sip_message *message)
{
    return message->bytes;
}

struct text sip_method_text(const struct sip_message *message)
{
    return message->request ? message->method : message->cseq_method;
}

enum method sip_method(const struct sip_message *message)
{
    return (enum method)message->method_id;
}

struct text sip_request_uri(const struct sip_message *message)
{
    return message->request_uri;
}

const struct sip_uri *sip_request_target(const struct sip_message *message)
{
    struct sip_uri *target = (struct sip_uri *)&message->target;
    if (target->scheme.length == 0 && message->request_uri.length > 0)
        sip_uri_create(target, message->request_uri);
    return target->scheme.length > 0 ? target : NULL;
}

uint32_t sip_status(const struct sip_message *message)
{
    return message->status;
}

struct text sip_phrase(const struct sip_message *message)
{
    return message->phrase;
}

struct text sip_body(const struct sip_message *message)
{
    return message->body;
}

struct text sip_call_id(const struct sip_message *message)
{
    return message->call_id;
}

uint32_t sip_cseq(const struct sip_message *message)
{
    return message->cseq;
}

struct text sip_from_tag(const struct sip_message *message)
{
    return message->from_tag;
}

struct text sip_to_tag(const struct sip_message *message)
{
    return message->to_tag;
}

struct text sip_from_uri(const struct sip_message *message)
{
    return message->from_uri;
}

struct text sip_to_uri(const struct sip_message *message)
{
    return message->to_uri;
}

const struct sip_via *sip_top_via(const struct sip_message *message)
{
    return message->via.host.length > 0 ? &message->via : NULL;
}

/* Values are separated but not parsed, because this runs for every response. */
unsigned sip_via_count(const struct sip_message *message)
{
    const struct sip_field *field;
    unsigned count = 0;
    for (size_t at = 0; (field = sip_field_next(message, HEADER_VIA, &at)) != NULL;) {
        struct text rest = field->value, value;
        while (sip_next_value(&rest, &value))
            count += value.length > 0;
    }
    return count;
}

int sip_max_forwards(const struct sip_message *message)
{
    return message->max_forwards;
}

/* A number of seconds; -1: absent, or not one. */
static int64_t read_seconds(struct text value)
{
    uint64_t seconds = 0;
    if (!sip_digits(value, &seconds))
        return -1;
    return seconds < SIP_NUMBER_MAX ? (int64_t)seconds : (int64_t)SIP_NUMBER_MAX;
}

/* The digits at the start of a value; a comment or parameters may follow. */
static int64_t leading_seconds(const struct sip_message *message, enum sip_header header)
{
    const struct sip_field *field = sip_field(message, header, 0);
    if (field == NULL)
        return -1;
    struct text value = field->value;
    size_t length = 0;
    while (length < value.length && value.at[length] >= '0' && value.at[length] <= '9')
        length++;
    if (length < value.length && !sip_is_space(value.at[length]) && value.at[length] != ';' && value.at[length] != '(')
        return -1;
    return read_seconds((struct text){value.at, length});
}

int64_t sip_expires(const struct sip_message *message)
{
    const struct sip_field *field = sip_field(message, HEADER_EXPIRES, 0);
    return field != NULL ? read_seconds(field->value) : -1;
}

int64_t sip_min_expires(const struct sip_message *message)
{
    const struct sip_field *field = sip_field(message, HEADER_MIN_EXPIRES, 0);
    return field != NULL ? read_seconds(field->value) : -1;
}

int64_t sip_min_se(const struct sip_message *message)
{
    return leading_seconds(message, HEADER_MIN_SE);
}

int64_t sip_flow_timer(const struct sip_message *message)
{
    const struct sip_field *field = sip_field(message, HEADER_FLOW_TIMER, 0);
    return field != NULL ? read_seconds(field->value) : -1;
}

int64_t sip_retry_after(const struct sip_message *message)
{
    return leading_seconds(message, HEADER_RETRY_AFTER);
}

const struct sip_field *sip_field_at(const struct sip_message *message, size_t index)
{
    return index < message->field_count ? &message->fields[index] : NULL;
}

const struct sip_field *sip_field(const struct sip_message *message, enum sip_header header, size_t nth)
{
    if ((unsigned)header >= HEADER_COUNT || message->first[header] == 0)
        return NULL;
    for (size_t i = message->first[header] - 1; i < message->field_count; i++)
        if (message->fields[i].id == header && nth-- == 0)
            return &message->fields[i];
    return NULL;
}

const struct sip_field *sip_field_next(const struct sip_message *message, enum sip_header header, size_t *at)
{
    size_t first = message->first[header];
    if (*at == 0)
        *at = first > 0 ? first - 1 : message->field_count;
    while (*at < message->field_count) {
        const struct sip_field *field = &message->fields[(*at)++];
        if (field->id == header)
            return field;
    }
    return NULL;
}

const struct sip_field *sip_field_named(const struct sip_message *message, struct text name, size_t nth)
{
    enum sip_header header = sip_header_find(name);
    if (header != HEADER_OTHER)
        return sip_field(message, header, nth);
    name = sip_header_long_name(name);
    for (size_t i = 0; i < message->field_count; i++)
        if (message->fields[i].id == HEADER_OTHER &&
            text_equal_nocase(sip_header_long_name(message->fields[i].name), name) && nth-- == 0)
            return &message->fields[i];
    return NULL;
}
