// SPDX-License-Identifier: BSD-2-Clause
#include "standalone/names/dns_message.h"

#include <ares.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

enum { DNS_HEADER = 12, DNS_RECORD_FIXED = 10, DNS_QUESTION_FIXED = 4 };

/* A name as text, without a dot at its end; the root is "". */
struct dns_name {
    char text[NAME_SIZE];
};

struct dns_message {
    const uint8_t *bytes;
    size_t length;
    size_t answers; /* where the answer section begins */
    size_t answer_count, authority_count;
};

struct dns_record {
    struct dns_name owner;
    uint16_t type, class;
    uint32_t ttl_s;
    size_t data, data_end; /* in the message */
    size_t next;
};

static uint16_t read_16(const struct dns_message *message, size_t at)
{
    return (uint16_t)(message->bytes[at] << 8 | message->bytes[at + 1]);
}

static uint32_t read_32(const struct dns_message *message, size_t at)
{
    return (uint32_t)read_16(message, at) << 16 | read_16(message, at + 2);
}

/* Sets *at to the byte after the name. A name that is too long, or no name of a host or service, is refused. */
static bool read_name(const struct dns_message *message, size_t *at, struct dns_name *name)
{
    char *text;
    long used;
    if (*at >= message->length ||
        ares_expand_name(message->bytes + *at, message->bytes, (int)message->length, &text, &used) != ARES_SUCCESS)
        return false;
    size_t length = strlen(text);
    bool fits = length <= HOST_NAME_MOST && (length == 0 || host_name_is_valid((struct text){text, length}));
    *name = (struct dns_name){{0}};
    if (fits)
        memcpy(name->text, text, length);
    ares_free_string(text);
    *at += (size_t)used;
    return fits && *at <= message->length;
}

/* An owner that is no host name is never the one asked for; its record is skipped. */
static bool skip_name(const struct dns_message *message, size_t *at, struct dns_name *name)
{
    char *text;
    long used;
    size_t start = *at;
    if (read_name(message, at, name))
        return true;
    *name = (struct dns_name){{0}};
    if (start >= message->length ||
        ares_expand_name(message->bytes + start, message->bytes, (int)message->length, &text, &used) != ARES_SUCCESS)
        return false;
    ares_free_string(text);
    *at = start + (size_t)used;
    return *at <= message->length;
}

static bool read_record(const struct dns_message *message, size_t at, struct dns_record *record)
{
    if (!skip_name(message, &at, &record->owner) || message->length - at < DNS_RECORD_FIXED)
        return false;
    record->type = read_16(message, at);
    record->class = read_16(message, at + 2);
    record->ttl_s = read_32(message, at + 4);
    if (record->ttl_s > INT32_MAX)
        record->ttl_s = 0;
    record->data = at + DNS_RECORD_FIXED;
    record->data_end = record->next = record->data + read_16(message, at + 8);
    return record->next <= message->length;
}

static bool read_header(struct dns_message *message, const uint8_t *bytes, size_t length)
{
    struct dns_name question;
    size_t at = DNS_HEADER;
    *message = (struct dns_message){.bytes = bytes, .length = length};
    if (length < DNS_HEADER || length > UINT16_MAX || read_16(message, 4) != 1 || !skip_name(message, &at, &question) ||
        length - at < DNS_QUESTION_FIXED)
        return false;
    message->answers = at + DNS_QUESTION_FIXED;
    message->answer_count = read_16(message, 6);
    message->authority_count = read_16(message, 8);
    return true;
}

static void use_ttl(struct name_answer *answer, uint32_t ttl_s)
{
    if (!answer->has_ttl || ttl_s < answer->ttl_s)
        answer->ttl_s = ttl_s;
    answer->has_ttl = true;
}

static bool owner_is(const struct dns_record *record, const char *name)
{
    size_t length = strlen(name);
    if (length > 0 && name[length - 1] == '.')
        length--;
    return record->class == DNS_CLASS_IN && strlen(record->owner.text) == length &&
           strncasecmp(record->owner.text, name, length) == 0;
}

/* --- records --- */

/* The services of RFC 3263 4.1. WebSocket servers (RFC 7118) are not called. */
static bool read_service(const struct dns_message *message, size_t at, size_t length, uint8_t *transport)
{
    static const struct {
        const char *service;
        uint8_t transport;
    } services[] = {{"SIP+D2U", TRANSPORT_UDP}, {"SIP+D2T", TRANSPORT_TCP}, {"SIPS+D2T", TRANSPORT_TLS}};
    for (size_t i = 0; i < sizeof services / sizeof services[0]; i++) {
        if (strlen(services[i].service) == length &&
            strncasecmp((const char *)message->bytes + at, services[i].service, length) == 0) {
            *transport = services[i].transport;
            return true;
        }
    }
    return false;
}

/* A character string (RFC 1035 3.3): sets *at to its end, and *start and the return value to its content. */
static bool read_string(const struct dns_message *message, const struct dns_record *in, size_t *at, size_t *start,
                        size_t *length)
{
    if (*at >= in->data_end || message->bytes[*at] > in->data_end - *at - 1)
        return false;
    *start = *at + 1;
    *length = message->bytes[*at];
    *at = *start + *length;
    return true;
}

/* RFC 3263 uses the flag "s" and no regular expression. */
static bool read_naptr(const struct dns_message *message, const struct dns_record *in, struct name_record *out)
{
    struct dns_name target;
    size_t at = in->data + 4, flags, flags_length, service, service_length, expression, expression_length;
    if (in->data_end - in->data < 7 || !read_string(message, in, &at, &flags, &flags_length) ||
        !read_string(message, in, &at, &service, &service_length) ||
        !read_string(message, in, &at, &expression, &expression_length))
        return false;
    if (flags_length != 1 || (message->bytes[flags] | 0x20) != 's' || expression_length != 0 ||
        !read_service(message, service, service_length, &out->transport))
        return false;
    out->priority = read_16(message, in->data);
    out->weight = read_16(message, in->data + 2);
    if (at >= in->data_end || !read_name(message, &at, &target) || at > in->data_end)
        return false;
    memcpy(out->target, target.text, sizeof out->target);
    return target.text[0] != '\0';
}

static bool read_srv(const struct dns_message *message, const struct dns_record *in, struct name_record *out)
{
    struct dns_name target;
    size_t at = in->data + 6;
    if (in->data_end - in->data < 7 || !read_name(message, &at, &target) || at > in->data_end)
        return false;
    out->priority = read_16(message, in->data);
    out->weight = read_16(message, in->data + 2);
    out->port = read_16(message, in->data + 4);
    memcpy(out->target, target.text, sizeof out->target);
    return out->port != 0 || target.text[0] == '\0';
}

static bool comes_before(const struct name_record *a, const struct name_record *b)
{
    return a->priority != b->priority ? a->priority < b->priority : a->weight < b->weight;
}

/* In its place by priority and weight. If there is no room, the last record is lost. */
static void add_record(struct name_answer *answer, const struct name_record *record)
{
    size_t at = answer->count;
    while (at > 0 && comes_before(record, &answer->records[at - 1]))
        at--;
    if (at == answer->room)
        return;
    if (answer->count < answer->room)
        answer->count++;
    memmove(&answer->records[at + 1], &answer->records[at], (answer->count - 1 - at) * sizeof *record);
    answer->records[at] = *record;
}

static void take_record(const struct dns_message *message, const struct dns_record *in, enum name_kind kind,
                        struct name_answer *answer)
{
    struct name_record record = {0};
    bool usable = kind == NAME_SRV ? read_srv(message, in, &record) : read_naptr(message, in, &record);
    if (usable)
        add_record(answer, &record);
}

/* --- sections --- */

/* Replaces *name by what it is an alias of. Returns false if the name is no alias. */
static bool follow_alias(const struct dns_message *message, struct dns_name *name, struct name_answer *answer)
{
    struct dns_record record;
    struct dns_name target;
    size_t at = message->answers;
    for (size_t i = 0; i < message->answer_count && read_record(message, at, &record); i++, at = record.next) {
        size_t data = record.data;
        if (record.type != DNS_TYPE_CNAME || !owner_is(&record, name->text) || !read_name(message, &data, &target))
            continue;
        *name = target;
        use_ttl(answer, record.ttl_s);
        return true;
    }
    return false;
}

/* Returns the position after the answer section. */
static size_t take_answers(const struct dns_message *message, const struct dns_name *name, enum name_kind kind,
                           struct name_answer *answer)
{
    struct dns_record record;
    size_t at = message->answers;
    uint16_t type = kind == NAME_SRV ? DNS_TYPE_SRV : DNS_TYPE_NAPTR;
    for (size_t i = 0; i < message->answer_count; i++, at = record.next) {
        if (!read_record(message, at, &record))
            return message->length;
        if (record.type != type || !owner_is(&record, name->text))
            continue;
        use_ttl(answer, record.ttl_s);
        take_record(message, &record, kind, answer);
    }
    return at;
}

/* RFC 2308 5: the smaller of the TTL of the SOA record and its last field. */
static void take_negative_ttl(const struct dns_message *message, size_t at, struct name_answer *answer)
{
    struct dns_record record;
    enum { SOA_LEAST = 2 + 20, MINIMUM = 4 };
    for (size_t i = 0; i < message->authority_count && read_record(message, at, &record); i++, at = record.next) {
        if (record.type != DNS_TYPE_SOA || record.data_end - record.data < SOA_LEAST)
            continue;
        uint32_t minimum = read_32(message, record.data_end - MINIMUM);
        use_ttl(answer, record.ttl_s);
        use_ttl(answer, minimum > INT32_MAX ? 0 : minimum);
        return;
    }
}

struct name_answer *dns_message_read(const struct host *host, enum name_kind kind, const char *name,
                                     const uint8_t *bytes, size_t length)
{
    struct dns_message message;
    struct dns_name owner = {{0}};
    struct name_answer *answer;
    bool readable = bytes != NULL && read_header(&message, bytes, length);
    answer = name_answer_new(host, NAME_NOT_FOUND, readable ? NAME_RECORDS_MOST : 0);
    if (answer == NULL || !readable)
        return answer;
    snprintf(owner.text, sizeof owner.text, "%s", name);
    for (unsigned i = 0; i < DNS_ALIASES_MOST && follow_alias(&message, &owner, answer);)
        i++;
    size_t end = take_answers(&message, &owner, kind, answer);
    if (answer->count > 0)
        answer->outcome = NAME_FOUND;
    else
        take_negative_ttl(&message, end, answer);
    return name_answer_shrink(answer);
}
