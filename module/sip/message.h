// SPDX-License-Identifier: BSD-2-Clause
#ifndef REFLOW_SIP_MESSAGE_H
#define REFLOW_SIP_MESSAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/host.h"
#include "core/facts.h"
#include "core/text.h"

/*
 * A SIP message: its bytes, where each header field stands in them, and the values that libosip2 reads from those.
 * The bytes are kept as they came, so that what is forwarded is what was received, but for what a proxy must change
 * (rewrite.h); header values are parsed by libosip2 when asked for, and checked for the ranges it does not check.
 */

struct sip_message;

enum sip_header {
    HEADER_OTHER,
    HEADER_VIA,
    HEADER_FROM,
    HEADER_TO,
    HEADER_CALL_ID,
    HEADER_CSEQ,
    HEADER_CONTACT,
    HEADER_MAX_FORWARDS,
    HEADER_ROUTE,
    HEADER_RECORD_ROUTE,
    HEADER_PATH,
    HEADER_SERVICE_ROUTE,
    HEADER_EXPIRES,
    HEADER_MIN_EXPIRES,
    HEADER_MIN_SE,
    HEADER_REQUIRE,
    HEADER_PROXY_REQUIRE,
    HEADER_SUPPORTED,
    HEADER_UNSUPPORTED,
    HEADER_RETRY_AFTER,
    HEADER_FLOW_TIMER,
    HEADER_WWW_AUTHENTICATE,
    HEADER_PROXY_AUTHENTICATE,
    HEADER_EVENT,
    HEADER_CONTENT_TYPE,
    HEADER_CONTENT_LENGTH,
    HEADER_MAX_BREADTH,
    HEADER_COUNT
};

/* One header field line as received; continuation lines belong to it. Compact names are known by their id. */
struct sip_field {
    struct text name;  /* as written */
    struct text value; /* trimmed; folds are inside as received */
    struct text line;  /* name to CRLF inclusive, all of its lines */
    uint8_t id;        /* enum sip_header */
};

struct sip_limits {
    uint32_t message; /* bytes of a message; 0: 65536 */
    uint32_t fields;  /* header fields; 0: 256 */
    uint32_t line;    /* bytes of one header field with its folds; 0: 16384 */
};

/* Beside these, a Via or a URI has at most 64 parameters. */

/* What is wrong with a message, where, and the status to refuse it with. */
struct sip_fault {
    uint16_t status; /* 400, 413, 505 ... */
    uint32_t offset; /* of the byte where it was noticed; 0 with a `header`: at no byte, because the field is missing */
    const char *header; /* static: the name of the header field, "Contact"; NULL: the fault is in none */
    const char *what;   /* static: "a parameter has no name" */
};

enum { SIP_FAULT_SIZE = 160 }; /* bytes that hold every text below, with its NUL */

/* The fault in one line: "Contact: a parameter has no name at byte 158". Returns `out`, cut to `size`. */
const char *sip_fault_text(const struct sip_fault *fault, char *out, size_t size);
/* The same as the reason phrase of a response with the fault's status: "Bad Request: Contact: a parameter has no name
   at byte 158". It holds no byte of the message that was refused, and no line end. Returns `out`, cut to `size`. */
const char *sip_fault_phrase(const struct sip_fault *fault, char *out, size_t size);

/* One value of a (comma separated) header with its parameters, as Contact, Route, Path have: <uri>;params */
struct sip_value {
    struct text whole;      /* the value as written */
    struct text uri;        /* between < >, or the bare URI; "*" for Contact: * */
    struct text parameters; /* ";a=b;c", after the address; empty: none */
};

/* Values of a parsed URI; the texts live inside `memory`. */
struct sip_uri {
    struct text scheme, user, host; /* user with its escapes, as written; host without [ ] */
    struct text transport;          /* ;transport=, as written; empty: none */
    uint32_t port;                  /* 0: none given */
    bool lr, ob;
    void *memory; /* libosip2's; NULL: nothing to destroy */
};

struct sip_via {
    struct text transport; /* "UDP", "TCP", "TLS", "WS" ... */
    struct text host;      /* sent-by, without [ ] */
    struct text branch;    /* empty: none */
    struct text received;
    uint32_t port;  /* of sent-by; 0: none */
    uint32_t rport; /* its value; 0: none */
    bool has_rport; /* the parameter is there, with or without value */
};

/*
 * Read one whole message (a datagram, or what sip_frame() cut from a stream); the bytes are copied.
 * 0: *out is a message whose mandatory headers (Via, From, To, Call-ID, CSeq, Max-Forwards may be absent) are there and
 * make sense: status 100-699, CSeq number below 2^31 and the request's own method, Content-Length not above the bytes
 * at hand, the Request-URI parsable or its scheme unknown, SIP/2.0. From and To are read only as far as every element
 * needs them, which is the tag (RFC 3261 16.3 step 1); what a REGISTER asks for is read by registration_read().
 * -EBADMSG: *fault says what; *out is NULL, or, for a request that has enough to be answered (Via and CSeq lines), a
 * message to build that answer from and for nothing else.
 * -EMSGSIZE: over a limit, otherwise as -EBADMSG. -ENOMEM.
 */
int sip_message_new(struct sip_message **out, const struct host *host, const char *bytes, size_t length,
                    const struct sip_limits *limits, struct sip_fault *fault);
void sip_message_delete(struct sip_message *message); /* NULL is fine */

bool sip_is_request(const struct sip_message *message);
bool sip_is_faulty(const struct sip_message *message);    /* it came along with -EBADMSG or -EMSGSIZE */
struct text sip_bytes(const struct sip_message *message); /* all of it */
struct text sip_method_text(const struct sip_message *message);
enum method sip_method(const struct sip_message *message); /* of a response: its CSeq's */
struct text sip_request_uri(const struct sip_message *message);
/* The Request-URI as libosip2 read it, good as long as the message; of a scheme other than sip and sips `scheme` alone
   is set. Read at the first call (so one thread at a time), NULL where memory runs out, for a response, and where it is
   malformed. */
const struct sip_uri *sip_request_target(const struct sip_message *message);
uint32_t sip_status(const struct sip_message *message); /* 0 for a request */
struct text sip_phrase(const struct sip_message *message);
struct text sip_body(const struct sip_message *message);

struct text sip_call_id(const struct sip_message *message);
uint32_t sip_cseq(const struct sip_message *message);
struct text sip_from_tag(const struct sip_message *message); /* empty: none; ";tag=" without value counts as none */
struct text sip_to_tag(const struct sip_message *message);
struct text sip_from_uri(const struct sip_message *message); /* as written, not checked; any scheme */
struct text sip_to_uri(const struct sip_message *message);
const struct sip_via *sip_top_via(const struct sip_message *message);
unsigned sip_via_count(const struct sip_message *message); /* values, not lines */

/* -1: absent. Max-Forwards 0-255. */
int sip_max_forwards(const struct sip_message *message);
int64_t sip_expires(const struct sip_message *message); /* s, clamped to 2^32-1 */
int64_t sip_min_expires(const struct sip_message *message);
int64_t sip_min_se(const struct sip_message *message);
int64_t sip_flow_timer(const struct sip_message *message);
int64_t sip_retry_after(const struct sip_message *message); /* s; comment and duration are read over (3261-20.33.a) */

/* Fields in order; NULL past the end. */
const struct sip_field *sip_field_at(const struct sip_message *message, size_t index);
size_t sip_field_count(const struct sip_message *message);
/* The nth (from 0) field of a kind, or by name in any case; NULL. */
const struct sip_field *sip_field(const struct sip_message *message, enum sip_header header, size_t nth);
/* All fields of a kind, one after the other: *at is 0 before the first call. NULL past the last. */
const struct sip_field *sip_field_next(const struct sip_message *message, enum sip_header header, size_t *at);
const struct sip_field *sip_field_named(const struct sip_message *message, struct text name, size_t nth);

/* Is the option tag among the values of Require, Supported (or k), Proxy-Require...? */
bool sip_has_option(const struct sip_message *message, enum sip_header header, struct text option);

/* The nth value over all fields of a kind, in order: Route, Record-Route, Path, Contact, Via. False past the end. */
bool sip_value(const struct sip_message *message, enum sip_header header, size_t nth, struct sip_value *value);

/* All of them, one after the other: `struct sip_values values = sip_values(message, header);
   while (sip_values_next(&values, &value))`. sip_value() remembers where it was, for one header at a time: a loop over
   it is linear, two that take turns are not. */
struct sip_values {
    const struct sip_message *message;
    enum sip_header header;
    size_t field; /* of sip_field_next() */
    struct text rest;
};
struct sip_values sip_values(const struct sip_message *message, enum sip_header header);
bool sip_values_next(struct sip_values *values, struct sip_value *value);

/* A parameter of ";a=b;c": true where it is there; *value (may be NULL) without quotes. Any case. Empty parameters
   (";;") and empty values (";a=") are read over. */
bool sip_parameter(struct text parameters, struct text name, struct text *value);

/* Contact parameters of RFC 3261 and 5626, range-checked. A parameter may be repeated with the same value; two values
   are a fault. 0, or -EBADMSG, *what a static sentence and `fault_at` the byte it is about. */
struct sip_contact {
    struct sip_value value;
    struct text instance; /* without quotes and < >; empty: none */
    uint32_t reg_id;      /* 0: none */
    int64_t expires;      /* -1: none */
    int q;                /* thousandths, -1: none */
    struct text rest;     /* the other parameters are in value.parameters; this is that, whole */
    const char *fault_at; /* after -EBADMSG */
};
int sip_contact_read(const struct sip_value *value, struct sip_contact *contact, const char **what);

/* Parse a URI with libosip2. 0, or -EBADMSG, -EPROTONOSUPPORT (a scheme other than sip and sips: `scheme` is set),
   -ENOMEM. Destroy after success and after -EPROTONOSUPPORT; safe to destroy after any return. */
int sip_uri_create(struct sip_uri *uri, struct text text);
void sip_uri_destroy(struct sip_uri *uri);

/* RFC 3261 10.3 step 5: "sip:user@host" with the escapes of the user undone where they need not be, host in lower
   case, no port, no parameters. Returns the length, or -ENOSPC. */
int sip_uri_aor(const struct sip_uri *uri, char *out, size_t size);

/* The same for a URI of any scheme, as policies and logs get it. sip: and sips: as above. tel: is the number in lower
   case without visual separators, and the phone-context of a local number (RFC 3966 4 and 5.1.5), without other
   parameters. urn:service: is in lower case (RFC 5031 4.2). Of other schemes only the scheme's name is put in lower
   case. Returns the length, -ENOSPC, -EBADMSG, or -ENOMEM. */
int sip_aor(struct text uri, char *out, size_t size);

/* Whether the URI is a sip: or sips: one, by its scheme alone. */
bool sip_uri_is_sip(struct text uri);

/* 3261-16.6.a: the URI as it may stand in a request line: a sip: or sips: one without its headers. Points into `uri`.
 */
struct text sip_uri_without_headers(struct text uri);

/* RFC 3261 19.1.4. */
bool sip_uri_equal(struct text a, struct text b);

/* The bytes by which a Contact URI is known, for a store that compares bytes: scheme and host in lower case, escapes
   undone where they need not be and else with upper-case digits; user, port, parameters and headers otherwise as
   written and in their order, because user agents put case-sensitive tokens there. The result still is a URI to send
   to. URIs of other schemes are copied. Returns the length, -ENOSPC, or -EBADMSG. */
int sip_uri_canonical(struct text uri, char *out, size_t size);

/* Fill what a response tells: code, method, retry_after, min_*, flow_timer, via_count, requires_outbound, challenges
   and Service-Route. The rest of *facts, in_dialog among it, is left alone: that is known from the request. */
void sip_facts(const struct sip_message *response, struct facts *facts);

#endif
