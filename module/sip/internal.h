// SPDX-License-Identifier: BSD-2-Clause
#ifndef REFLOW_SIP_INTERNAL_H
#define REFLOW_SIP_INTERNAL_H

/* Private declarations of this folder. */

#include "sip/message.h"

enum {
    DEFAULT_MESSAGE = 65536,
    DEFAULT_FIELDS = 256,
    DEFAULT_LINE = 16384,
    MOST_PARAMETERS = 64, /* of a Via or a URI: the lists of libosip2 and the comparison of URIs take quadratic time */
    SMALL_COPY = 512,     /* values up to here are copied to the stack for libosip2 */
    MAX_EXPIRES_MALFORMED = 3600 /* RFC 3261 20.10: what a Contact's malformed expires counts as */
};

#define SIP_NUMBER_MAX 0xffffffffU /* delta-seconds are clamped to it */

_Static_assert(HEADER_COUNT <= 32, "each kind of header field has a bit");

struct sip_message {
    const struct host *host;
    size_t size; /* of this block, for freeing */
    struct text bytes, method, request_uri, phrase, body;
    struct text call_id, cseq_method, from_tag, to_tag, from_uri, to_uri;
    struct sip_uri target; /* the Request-URI; the scheme is empty until it has been parsed */
    struct sip_via via;    /* its host is empty if it could not be read */
    uint32_t status, cseq;
    int max_forwards;
    bool request;
    uint8_t method_id; /* enum method */
    /* The last position of sip_value(), so that a loop over it does not start at the first value each time. */
    struct sip_values cursor;
    struct sip_value cursor_value;
    size_t cursor_count; /* number of values that the cursor has returned; the last of them is cursor_value */
    size_t field_count, field_capacity;
    uint32_t first[HEADER_COUNT]; /* index of the first field of a kind, counted from 1; 0: none */
    uint32_t repeated;            /* a bit for each kind that has more than one field */
    struct sip_field fields[];    /* the bytes of the message follow */
};

/* An address as From, To and Contact have it: [display name] <uri> or uri, then parameters. */
struct sip_address {
    struct text uri, parameters, tag;
    const char *fault_at; /* where parsing failed */
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
        1 << 1, /* wider than the grammar: devices send '#' and similar characters unescaped, which does no harm */
    CHARACTER_UNRESERVED = 1 << 2,
    CHARACTER_USER = 1 << 3, /* allowed in a user part without escape */
    CHARACTER_HOST = 1 << 4,
    CHARACTER_RESERVED = 1 << 5,
    CHARACTER_SPACE = 1 << 6, /* with CR and LF: folds */
    CHARACTER_DIGIT = 1 << 7
};
extern const uint8_t sip_class[256];
int sip_hex(char c); /* -1: none */
bool sip_is_token(struct text text);
const char *sip_token_end(const char *at, const char *end); /* the first byte that is not a token character */
struct text sip_trim(struct text text);
/* Accepts only digits; the value saturates far above 2^32. Returns false if the text is empty or has other
   characters. */
bool sip_digits(struct text text, uint64_t *value);
/* 0, -EBADMSG for a NUL, -ENOMEM. Safe to destroy after any return. */
int sip_copy_create(struct sip_copy *copy, struct text text);
void sip_copy_destroy(struct sip_copy *copy);

/* Converts the results of libosip2's parsers to an errno: 0, -ENOMEM, or -EBADMSG. */
int sip_osip_error(int result);

static inline bool sip_is(char c, enum character_class which)
{
    return (sip_class[(unsigned char)c] & which) != 0;
}

/* Without a branch for each character, because URIs are read many times for each call. */
static inline bool sip_are_all(struct text text, enum character_class which)
{
    unsigned all = which;
    for (size_t i = 0; i < text.length; i++)
        all &= sip_class[(unsigned char)text.at[i]];
    return all != 0;
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

/* The first byte that is not white space, or `end`. */
static inline const char *sip_skip_space(const char *at, const char *end)
{
    while (at < end && sip_is_space(*at))
        at++;
    return at;
}

/* header.c: the kind of a name, compact or long; and the long name of a compact one, or the name itself. */
enum sip_header sip_header_find(struct text name);
struct text sip_header_long_name(struct text name);

/* scan.c: reads the start line and the fields into the index. The first fault is stored in *fault; everything that
   can be read is read nevertheless, for the response. Returns 0, or -EMSGSIZE if a limit ended the scan. */
int sip_scan(struct sip_message *message, const struct sip_limits *limits, struct sip_fault *fault);
/* The number of lines from `bytes` to the empty line, including the start line; at most `limit`. */
size_t sip_scan_count(const char *bytes, size_t length, size_t limit);

/* fault.c: records a fault at a byte of the message, unless one is recorded already. The second function is for a
   400 about a header field; `at` NULL: the field is missing. */
void sip_fault_set(struct sip_fault *fault, const struct sip_message *message, const char *at, uint16_t status,
                   const char *what);
void sip_fault_set_header(struct sip_fault *fault, const struct sip_message *message, const char *header,
                          const char *at, const char *what);

/* check.c: checks the values that every message must have. Faults as above. */
void sip_check(struct sip_message *message, struct sip_fault *fault);

/* value.c */
/* The byte after the quoted string whose first quote is at `at`; NULL if it is not closed. */
const char *sip_skip_quoted(const char *at, const char *end);
/* Takes the next value of a comma-separated list from *rest; false at the end. Commas inside quotes and < > do not
   separate. */
bool sip_next_value(struct text *rest, struct text *value);
/* Takes the next ";name[=value]". Returns false at the end, or if it is malformed, with *what set and *rest at its
   start. An empty value (";a=") is not a fault. */
bool sip_next_parameter(struct text *rest, struct text *name, struct text *value, const char **what);
/* A Contact, with all of its parameters. 0, or -EBADMSG, *what and address->fault_at. */
int sip_address_read(struct text value, struct sip_address *address, const char **what);
/* From or To. An element that only forwards the message needs the tag and the position of the URI; anything else
   that is wrong in the display name, the URI or the parameters is left to the endpoints. Faults as above, if it is
   not clear which URI or tag is meant. */
int sip_from_to_read(struct text value, struct sip_address *address, const char **what);
/* The next parameter of From or To as it is, including the semicolon. Returns false at the end, or, with *rest not
   empty, if a quote is not closed. */
bool sip_cut_parameter(struct text *rest, struct text *parameter);
bool sip_tag_read(struct text parameter, struct text *tag); /* reads one of these; false if it is not the tag */

/* uri.c: returns 0, -EBADMSG, or -EPROTONOSUPPORT with only `scheme` set. */
int sip_uri_cut(struct text text, struct sip_uri_parts *parts);
bool sip_host_valid(struct text host, bool ipv6);
/* Reads an IPv6 reference without its brackets. */
bool sip_host_read_ipv6(struct text host, unsigned char address[16]);

/* via.c: reads one value of Via, which is not empty. Returns NULL, or what is wrong, and then *via is zeroed. */
const char *sip_via_read(struct text value, struct sip_via *via);

#endif
