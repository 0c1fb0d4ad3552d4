// SPDX-License-Identifier: BSD-2-Clause
#include "standalone/net/refusal.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>

#include "base/memory.h"
#include "core/code.h"
#include "standalone/net/mask.h"

enum { VALUE_MOST = 100 }; /* of one field of the line */

/* In place, because a refusal without memory is logged too. Text that does not fit is left out. */
struct line {
    char bytes[REFUSAL_LINE];
    size_t length;
};

/* One source address and reason, or all further sources of one reason. */
struct refusal_entry {
    struct table_link link; /* by digest of address and reason; of `others` in no table */
    union address address;  /* its port does not count */
    uint8_t reason;
    bool logged;       /* at least one line */
    uint64_t since_ms; /* of the last line */
    uint64_t pending;  /* refusals since the last line */
    struct line line;
};

static const char *const counters[REFUSAL_COUNT] = {
#define REASON(constant, counter, meaning) #counter,
    REFUSAL_REASONS(REASON)
#undef REASON
};

const char *refusal_counter(enum refusal reason)
{
    return counters[reason];
}

enum refusal refusal_of_registration(uint32_t status)
{
    switch (status) {
    case SIP_FORBIDDEN:
        return REFUSAL_TOO_MANY_BINDINGS;
    case SIP_NOT_FOUND:
        return REFUSAL_FOREIGN_DOMAIN;
    case SIP_UNSUPPORTED_URI_SCHEME:
        return REFUSAL_SCHEME;
    case SIP_BAD_EXTENSION:
        return REFUSAL_EXTENSION;
    case SIP_INTERVAL_TOO_BRIEF:
        return REFUSAL_INTERVAL_TOO_BRIEF;
    case SIP_FIRST_HOP_LACKS_OUTBOUND_SUPPORT:
        return REFUSAL_NO_OUTBOUND;
    case SIP_SERVER_INTERNAL_ERROR:
        return REFUSAL_OUT_OF_ORDER;
    default:
        return REFUSAL_MALFORMED;
    }
}

static uint64_t now(const struct refusals *refusals)
{
    return refusals->host->now_ms(refusals->host->context);
}

int refusals_create(struct refusals *refusals, const struct host *host, bool mask_numbers)
{
    *refusals = (struct refusals){.host = host, .mask_numbers = mask_numbers};
    hash_key_draw(&refusals->key, host);
    refusals->others = memory_new(host, REFUSAL_COUNT * sizeof *refusals->others);
    if (refusals->others == NULL)
        return -ENOMEM;
    for (unsigned i = 0; i < REFUSAL_COUNT; i++)
        refusals->others[i].reason = (uint8_t)i;
    return table_create(&refusals->sources, host);
}

/* --- the line --- */

static void append(struct line *line, struct text text)
{
    size_t room = sizeof line->bytes - 1 - line->length;
    size_t take = text.length < room ? text.length : room;
    memcpy(line->bytes + line->length, text.at, take);
    line->length += take;
    line->bytes[line->length] = '\0';
}

static bool is_plain(unsigned char c)
{
    return c > ' ' && c < 0x7f && c != '"' && c != '\\';
}

/* A value in the line has no spaces: other bytes are written as %XX, and a long value is truncated. */
static void append_value(struct line *out, struct text value)
{
    size_t most = out->length + VALUE_MOST;
    for (size_t i = 0; i < value.length; i++) {
        char escaped[4];
        unsigned char c = (unsigned char)value.at[i];
        if (out->length >= most) {
            append(out, TEXT("..."));
            return;
        }
        snprintf(escaped, sizeof escaped, is_plain(c) ? "%c" : "%%%02X", c);
        append(out, text_of(escaped));
    }
}

/* Writes digits as *, whatever they mean. */
static void append_without_digits(struct line *out, struct text value)
{
    char bytes[VALUE_MOST + 1]; /* one more than is written, to notice truncation */
    size_t length = value.length < sizeof bytes ? value.length : sizeof bytes;
    for (size_t i = 0; i < length; i++)
        bytes[i] = (char)(value.at[i] >= '0' && value.at[i] <= '9' ? '*' : value.at[i]);
    append_value(out, (struct text){bytes, length});
}

/* The last digits of a number, which mask_number() leaves. */
static size_t append_rest_of_number(struct line *out, struct text tail)
{
    size_t length = 0;
    while (length < tail.length && tail.at[length] >= '0' && tail.at[length] <= '9')
        length++;
    append_value(out, (struct text){tail.at, length});
    return length;
}

/* After the number, or if there is no recognisable number, only the host of a SIP URI is certain to contain none. */
static void append_masked(struct line *out, struct text uri, bool is_sip)
{
    struct text head = {uri.at, 0}, tail = uri;
    size_t shown = 0;
    if (mask_number(uri, &head, &tail)) {
        append_value(out, head);
        append(out, TEXT("****"));
        shown = append_rest_of_number(out, tail);
    }
    tail = (struct text){tail.at + shown, tail.length - shown};
    if (is_sip)
        append_value(out, tail);
    else
        append_without_digits(out, tail);
}

static void append_uri(const struct refusals *refusals, struct line *out, struct text uri, bool is_sip)
{
    if (refusals->mask_numbers)
        append_masked(out, uri, is_sip);
    else
        append_value(out, uri);
}

/* The called user: the To of a REGISTER, the Request-URI of others, as an AOR if it is one. */
static void append_aor(const struct refusals *refusals, struct line *out, const struct sip_message *request)
{
    char aor[512];
    struct sip_uri uri;
    bool registers = sip_method(request) == METHOD_REGISTER;
    struct text text = registers ? sip_to_uri(request) : sip_request_uri(request);
    int length = sip_uri_create(&uri, text) == 0 ? sip_uri_aor(&uri, AOR_CASE_SENSITIVE, aor, sizeof aor) : -1;
    if (length > 0)
        append_uri(refusals, out, (struct text){aor, (size_t)length}, true);
    else if (text.length > 0)
        append_uri(refusals, out, text, false);
    else
        append(out, TEXT("-"));
    sip_uri_destroy(&uri);
}

static void append_source(struct line *out, const struct peer *source, bool others)
{
    char address[64] = "*";
    if (!others)
        address_format(&source->address, address, sizeof address);
    append(out, TEXT("refused source="));
    append(out, text_of(address));
    append(out, TEXT(" transport="));
    append(out, text_of(transport_word(source->transport)));
}

static void append_reason(struct line *out, enum refusal reason)
{
    append(out, TEXT(" reason="));
    for (const char *at = counters[reason]; *at != '\0'; at++)
        append(out, *at == '_' ? TEXT("-") : (struct text){at, 1});
}

static void append_detail(struct line *out, const char *detail)
{
    if (detail == NULL || detail[0] == '\0')
        return;
    append(out, TEXT(" detail=\""));
    for (; *detail != '\0'; detail++)
        append(out, is_plain((unsigned char)*detail) || *detail == ' ' ? (struct text){detail, 1} : TEXT("?"));
    append(out, TEXT("\""));
}

static void write_line(const struct refusals *refusals, const struct refused *refused, bool others, struct line *out)
{
    char status[16];
    out->length = 0;
    append_source(out, refused->source, others);
    append(out, TEXT(" method="));
    append_value(out, refused->request != NULL ? sip_method_text(refused->request) : TEXT("-"));
    append(out, TEXT(" aor="));
    if (refused->request != NULL)
        append_aor(refusals, out, refused->request);
    else
        append(out, TEXT("-"));
    snprintf(status, sizeof status, " status=%u", refused->status);
    append(out, text_of(status));
    append_reason(out, refused->reason);
    append_detail(out, refused->detail);
}

/* --- how often --- */

static void log_entry(const struct refusals *refusals, struct refusal_entry *entry)
{
    char line[REFUSAL_LINE + 32];
    snprintf(line, sizeof line, entry->pending > 1 ? "%s count=%" PRIu64 : "%s", entry->line.bytes, entry->pending);
    refusals->host->log(refusals->host->context, LOG_NOTICE, line);
    entry->since_ms = now(refusals);
    entry->logged = true;
    entry->pending = 0;
}

static uint64_t digest(const struct refusals *refusals, const union address *address, enum refusal reason)
{
    char host[64];
    size_t length = address_host(address, host, sizeof host);
    return hash_pair(&refusals->key, hash_seal(&refusals->key, (struct text){host, length}), reason);
}

static struct refusal_entry *find(const struct refusals *refusals, const struct refused *refused, uint64_t hash)
{
    struct table_link *link = table_find(&refusals->sources, hash);
    for (; link != NULL; link = table_next(link)) {
        struct refusal_entry *entry = TABLE_OWNER(link, struct refusal_entry, link);
        if (entry->reason == refused->reason && address_same_host(&entry->address, &refused->source->address))
            return entry;
    }
    return NULL;
}

static struct refusal_entry *add(struct refusals *refusals, const struct refused *refused, uint64_t hash)
{
    struct refusal_entry *entry;
    if (refusals->sources.count >= REFUSAL_SOURCES || (entry = memory_new(refusals->host, sizeof *entry)) == NULL)
        return &refusals->others[refused->reason];
    entry->address = refused->source->address;
    entry->reason = (uint8_t)refused->reason;
    table_add(&refusals->sources, &entry->link, hash);
    return entry;
}

static void forget(struct refusals *refusals, struct refusal_entry *entry)
{
    table_remove(&refusals->sources, &entry->link);
    memory_delete(refusals->host, entry, sizeof *entry);
}

static bool is_due(const struct refusals *refusals, const struct refusal_entry *entry)
{
    return !entry->logged || now(refusals) - entry->since_ms >= REFUSAL_WINDOW_MS;
}

void refusals_note(struct refusals *refusals, const struct refused *refused)
{
    uint64_t hash = digest(refusals, &refused->source->address, refused->reason);
    struct refusal_entry *entry = find(refusals, refused, hash);
    refusals->counts[refused->reason]++;
    if (entry == NULL)
        entry = add(refusals, refused, hash);
    bool others = entry == &refusals->others[refused->reason];
    if (entry->pending == 0) /* a flood must not write a line for each message */
        write_line(refusals, refused, others, &entry->line);
    entry->pending++;
    if (is_due(refusals, entry))
        log_entry(refusals, entry);
}

static void sweep_sources(struct refusals *refusals)
{
    for (size_t i = 0; i < refusals->sources.size; i++) {
        struct table_link *link = refusals->sources.buckets[i];
        while (link != NULL) {
            struct refusal_entry *entry = TABLE_OWNER(link, struct refusal_entry, link);
            link = link->next;
            if (!is_due(refusals, entry))
                continue;
            if (entry->pending > 0)
                log_entry(refusals, entry);
            else
                forget(refusals, entry);
        }
    }
}

void refusals_sweep(struct refusals *refusals)
{
    if (refusals->sources.count > 0)
        sweep_sources(refusals);
    for (unsigned i = 0; i < REFUSAL_COUNT; i++) {
        if (refusals->others[i].pending > 0 && is_due(refusals, &refusals->others[i]))
            log_entry(refusals, &refusals->others[i]);
    }
}

void refusals_destroy(struct refusals *refusals)
{
    struct table_link *link;
    if (refusals->others == NULL)
        return;
    while ((link = table_any(&refusals->sources)) != NULL) {
        struct refusal_entry *entry = TABLE_OWNER(link, struct refusal_entry, link);
        if (entry->pending > 0)
            log_entry(refusals, entry);
        forget(refusals, entry);
    }
    for (unsigned i = 0; i < REFUSAL_COUNT; i++) {
        if (refusals->others[i].pending > 0)
            log_entry(refusals, &refusals->others[i]);
    }
    table_destroy(&refusals->sources);
    memory_delete(refusals->host, refusals->others, REFUSAL_COUNT * sizeof *refusals->others);
    refusals->others = NULL;
}
