// SPDX-License-Identifier: BSD-2-Clause
#ifndef REFLOW_SIP_INTERNAL_H
#define REFLOW_SIP_INTERNAL_H

/* What the files of this folder share. */

#include <osipparser2/headers/osip_via.h>

#include "sip/message.h"

enum {
    DEFAULT_MESSAGE = 65536,
    DEFAULT_FIELDS = 256,
    DEFAULT_LINE = 16384,
    MOST_PARAMETERS = 64,        /* of a Via or a URI: libosip2's lists and the comparing of URIs take quadratic time */
    SMALL_COPY = 512,            /* values up to here are copied to the stack for libosip2 */
    MAX_EXPIRES_MALFORMED = 3600 /* RFC 3261 20.10: what a Contact's malformed expires counts as */
};

#define SIP_NUMBER_MAX 0xffffffffU /* delta-seconds are clamped to it */

struct sip_message {
    const struct host *host;
    size_t size; /* of this block, for freeing */
    struct text bytes, method, request_uri, phrase, body;
    struct text call_id, cseq_method, from_tag, to_tag, from_uri, to_uri;
    struct sip_uri target; /* the Request-URI; memory NULL until it was read */
    struct sip_via via;
    osip_via_t *osip_via; /* holds texts of `via`; NULL: it could not be read */
    uint32_t status, cseq;
    int max_forwards;
    bool request, faulty;
    uint8_t method_id; /* enum method */
    /* Where sip_value() was last, so that a loop over it does not start at the first value each time. */
    struct sip_values cursor;
    struct sip_value cursor_value;
    size_t cursor_count; /* values that the cursor has given: the last of them is cursor_value */
    size_t field_count, field_capacity;
    uint32_t first[HEADER_COUNT]; /* index of the first field of a kind, counted from 1; 0: none */
    struct sip_field fields[];    /* the bytes stand behind these */
};

/* An address as From, To and Contact have it: [display name] <uri> or uri, then parameters. */
struct sip_address {
    struct text uri, parameters, tag;
    const char *fault_at; /* where it could not be read */
};

/* A URI cut into its parts, as written. */
struct sip_uri_parts {
    struct text scheme, user, password, host, port, parameters, headers; /* parameters: ";a=b"; headers without "?" */
    bool has_user, ipv6, has_headers;
};

/* A copy that libosip2 can read: terminated, runs of white space and folds as one space. */
struct sip_copy {
    char small[SMALL_COPY];
    char *at, *large; /* large: from libosip2's allocator; NULL where small serves */
};

/* text.c */
enum character_class {
    CHARACTER_TOKEN = 1 << 0,
    CHARACTER_URI =
        1 << 1, /* wider than the grammar: devices send '#' and the like without escape, and it hurts nothing */
    CHARACTER_UNRESERVED = 1 << 2,
    CHARACTER_USER = 1 << 3, /* may stand in a user part without escape */
    CHARACTER_HOST = 1 << 4,
    CHARACTER_RESERVED = 1 << 5,
    CHARACTER_SPACE = 1 << 6, /* with CR and LF: folds */
    CHARACTER_DIGIT = 1 << 7
};
extern const uint8_t sip_class[256];
int sip_hex(char c); /* -1: none */
bool sip_is_token(struct text text);
const char *sip_token_end(const char *at, const char *end); /* the first byte that is no token character */
struct text sip_trim(struct text text);
/* Digits alone; the value saturates far above 2^32. False: empty, or something else is there. */
bool sip_digits(struct text text, uint64_t *value);
/* 0, -EBADMSG for a NUL, -ENOMEM. Safe to destroy after any return. */
int sip_copy_create(struct sip_copy *copy, struct text text);
void sip_copy_destroy(struct sip_copy *copy);

/* What libosip2's parsers return, as an errno: 0, -ENOMEM, or -EBADMSG. */
int sip_osip_error(int result);

static inline bool sip_is(char c, enum character_class which)
{
    return (sip_class[(unsigned char)c] & which) != 0;
}

static inline bool sip_is_space(char c)
{
    return sip_is(c, CHARACTER_SPACE);
}

static inline char sip_lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c | 0x20) : c;
}

static inline struct text sip_between(const char *start, const char *end)
{
    return (struct text){start, (size_t)(end - start)};
}

/* header.c: the kind of a name, compact or long; and the long name of a compact one, or the name itself. */
enum sip_header sip_header_find(struct text name);
struct text sip_header_long_name(struct text name);

/* scan.c: start line and fields into the index. Faults are noted in *fault, the first one stays; what can be read is
   read all the same, for the answer. 0, or -EMSGSIZE where a limit cut the scan short. */
int sip_scan(struct sip_message *message, const struct sip_limits *limits, struct sip_fault *fault);
/* The lines from `bytes` to the empty line, the start line among them; at most `limit` are counted. */
size_t sip_scan_count(const char *bytes, size_t length, size_t limit);

/* fault.c: note a fault at a byte of the message, unless one is noted already. The second one is a 400 for a header
   field; `at` NULL: the field is missing. */
void sip_fault_set(struct sip_fault *fault, const struct sip_message *message, const char *at, uint16_t status,
                   const char *what);
void sip_fault_set_header(struct sip_fault *fault, const struct sip_message *message, const char *header,
                          const char *at, const char *what);

/* check.c: the values that every message must have. Faults as above; 0 or -ENOMEM. */
int sip_check(struct sip_message *message, struct sip_fault *fault);

/* value.c */
const char *sip_skip_quoted(const char *at, const char *end); /* `at` is on the quote; NULL: never closed */
/* Cut the next value of a comma separated list from *rest; false at its end. Commas in quotes and < > do not count. */
bool sip_next_value(struct text *rest, struct text *value);
/* The next ";name[=value]"; false at the end, and *what is set where it is malformed: *rest begins there. An empty
   value
   (";a=") is no fault. */
bool sip_next_parameter(struct text *rest, struct text *name, struct text *value, const char **what);
/* A Contact, with all of its parameters. 0, or -EBADMSG, *what and address->fault_at. */
int sip_address_read(struct text value, struct sip_address *address, const char **what);
/* From or To. An element that only passes it on needs to know the tag and where the URI is; whatever else is odd in the
   display name, the URI or the parameters belongs to the endpoints. Faults as above: where it is not clear which URI or
   tag is meant. */
int sip_from_to_read(struct text value, struct sip_address *address, const char **what);
/* The next parameter of From or To as it stands, semicolon included, whatever is in it. False at the end, or with *rest
   not empty where a quote is not closed. */
bool sip_cut_parameter(struct text *rest, struct text *parameter);
bool sip_tag_read(struct text parameter, struct text *tag); /* one of these; false: it is another than the tag */

/* uri.c: 0, -EBADMSG, or -EPROTONOSUPPORT where only `scheme` is set. */
int sip_uri_cut(struct text text, struct sip_uri_parts *parts);
bool sip_host_valid(struct text host, bool ipv6);

/* via.c: reads the topmost Via into the message. 0, -EBADMSG and *what, -ENOMEM. */
int sip_via_read(struct sip_message *message, struct text value, const char **what);

#endif
