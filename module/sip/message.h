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
 * A SIP message: its bytes, the positions of its header fields, and their values. The bytes are kept as received, so
 * that a message is forwarded unchanged except for what a proxy must change (rewrite.h). Header values are read in
 * place, and URIs when they are needed; libosip2 reads what has to be decoded in them.
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
    HEADER_AUTHORIZATION,
    HEADER_PROXY_AUTHORIZATION,
    HEADER_EVENT,
    HEADER_CONTENT_TYPE,
    HEADER_CONTENT_LENGTH,
    HEADER_MAX_BREADTH,
    HEADER_COUNT
};

/* One header field as received, with its continuation lines. Compact names are mapped to their id. */
struct sip_field {
    struct text name;  /* as written */
    struct text value; /* trimmed; contains folds as received */
    struct text line;  /* name to CRLF inclusive, all of its lines */
    uint8_t id;        /* enum sip_header */
};

struct sip_limits {
    uint32_t message; /* bytes of a message; 0: 65536 */
    uint32_t fields;  /* header fields; 0: 256 */
    uint32_t line;    /* bytes of one header field with its folds; 0: 16384 */
};

/* In addition, a Via or a URI has at most 64 parameters. */

/* What is wrong with a message, at which byte, and the status for refusing it. */
struct sip_fault {
    uint16_t status;    /* 400, 413, 505 ... */
    uint32_t offset;    /* the byte at which it was found; 0 with a `header`: the field is missing */
    const char *header; /* static: the name of the header field, such as "Contact"; NULL: not in a header field */
    const char *what;   /* static: "a parameter has no name" */
};

enum { SIP_FAULT_SIZE = 160 }; /* size in bytes of the longest text below, including NUL */

/* Writes the fault as one line: "Contact: a parameter has no name at byte 158". Returns `out`, truncated to `size`. */
const char *sip_fault_text(const struct sip_fault *fault, char *out, size_t size);
/* The same as a reason phrase for a response with the fault's status: "Bad Request: Contact: a parameter has no name
   at byte 158". It contains no byte of the refused message and no line end. Returns `out`, truncated to `size`. */
const char *sip_fault_phrase(const struct sip_fault *fault, char *out, size_t size);

/* One value of a (comma separated) header with its parameters, as Contact, Route, Path have: <uri>;params */
struct sip_value {
    struct text whole;      /* the value as written */
    struct text uri;        /* between < >, or the bare URI; "*" for Contact: * */
    struct text parameters; /* ";a=b;c", after the address; empty: none */
};

/* Values of a parsed URI; the texts are parts of its text, or live inside `memory`. */
struct sip_uri {
    struct text scheme, user, host; /* user with its escapes, as written; host without [ ] */
    struct text transport;          /* ;transport=, as written; empty: none */
    uint32_t port;                  /* 0: none given */
    bool lr, ob;
    void *memory; /* decoded parameters, owned by libosip2; NULL: nothing to destroy */
};

struct sip_via {
    struct text transport; /* "UDP", "TCP", "TLS", "WS" ... */
    struct text host;      /* sent-by, without [ ] */
    struct text branch;    /* empty: none */
    struct text received;
    uint32_t port;  /* of sent-by; 0: none */
    uint32_t rport; /* its value; 0: none */
    bool has_rport; /* the parameter is there, with or without value */
    bool has_alias; /* RFC 5923: the sender accepts requests over this connection */
};

/*
 * Reads one complete message (a datagram, or a message that sip_frame() found in a stream); the bytes are copied.
 * - 0: *out is a message whose mandatory header fields (Via, From, To, Call-ID, CSeq; Max-Forwards may be absent) are
 *   present and valid: status 100-699, CSeq number below 2^31 with the method of the request, Content-Length not above
 *   the available bytes, a Request-URI that is valid or has an unknown scheme, SIP/2.0. From and To are checked only as
 *   far as every element needs them, which is the tag (RFC 3261 16.3 step 1). registration_read() reads what a REGISTER
 *   asks for.
 * - -EBADMSG: *fault has the reason. *out is NULL; or, for a request with enough fields to be answered (Via and CSeq),
 *   a message that may only be used to build that response.
 * - -EMSGSIZE: over a limit, otherwise as -EBADMSG.
 * - -ENOMEM.
 */
int sip_message_new(struct sip_message **out, const struct host *host, const char *bytes, size_t length,
                    const struct sip_limits *limits, struct sip_fault *fault);
void sip_message_delete(struct sip_message *message); /* NULL is fine */

bool sip_is_request(const struct sip_message *message);
struct text sip_bytes(const struct sip_message *message); /* all of it */
struct text sip_method_text(const struct sip_message *message);
enum method sip_method(const struct sip_message *message); /* of a response: its CSeq's */
struct text sip_request_uri(const struct sip_message *message);
/* The parsed Request-URI, valid as long as the message. If the scheme is neither sip nor sips, only `scheme` is set. It
   is parsed at the first call, so only one thread at a time may use the message. NULL without memory, for a response,
   and if it is malformed. */
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
size_t sip_message_size(const struct sip_message *message); /* bytes of memory that it takes */
unsigned sip_via_count(const struct sip_message *message);  /* values, not lines */

/* -1: absent. Max-Forwards 0-255. */
int sip_max_forwards(const struct sip_message *message);
int64_t sip_expires(const struct sip_message *message); /* s, clamped to 2^32-1 */
int64_t sip_min_expires(const struct sip_message *message);
int64_t sip_min_se(const struct sip_message *message);
int64_t sip_flow_timer(const struct sip_message *message);
int64_t
sip_retry_after(const struct sip_message *message); /* s; the comment and the duration are skipped (3261-20.33.a) */

/* Fields in order; NULL past the end. */
const struct sip_field *sip_field_at(const struct sip_message *message, size_t index);
/* The nth (from 0) field of a kind, or by name in any case; NULL. */
const struct sip_field *sip_field(const struct sip_message *message, enum sip_header header, size_t nth);
/* All fields of a kind, one after the other: *at is 0 before the first call. NULL past the last. */
const struct sip_field *sip_field_next(const struct sip_message *message, enum sip_header header, size_t *at);
const struct sip_field *sip_field_named(const struct sip_message *message, struct text name, size_t nth);

/* Returns whether the option tag is among the values of Require, Supported (or k), Proxy-Require, ... */
bool sip_has_option(const struct sip_message *message, enum sip_header header, struct text option);

/* The nth value over all fields of a kind, in order: Route, Record-Route, Path, Contact, Via. False past the end. */
bool sip_value(const struct sip_message *message, enum sip_header header, size_t nth, struct sip_value *value);

/* Iterates over all values: `struct sip_values values = sip_values(message, header); while (sip_values_next(&values,
   &value))`. sip_value() keeps one position for one header at a time: a loop over one header takes linear time, two
   interleaved loops do not. */
struct sip_values {
    const struct sip_message *message;
    enum sip_header header;
    size_t field; /* of sip_field_next() */
    struct text rest;
};
struct sip_values sip_values(const struct sip_message *message, enum sip_header header);
bool sip_values_next(struct sip_values *values, struct sip_value *value);

/* The URI of the first of a binding's Path values, to which requests for it are sent (RFC 3327 section 5.1). `path`:
   the values in order, joined by commas. Empty if there is none or it cannot be read. */
struct text sip_path_next_hop(struct text path);

/* Finds a parameter of ";a=b;c", in any case. Returns whether it is present; *value (may be NULL) is set without
   quotes. Empty parameters (";;") and empty values (";a=") are skipped. */
bool sip_parameter(struct text parameters, struct text name, struct text *value);

/* The Contact parameters of RFC 3261 and 5626, with their ranges checked. A parameter may be repeated with the same
   value; two different values are a fault. Returns 0, or -EBADMSG with *what, a static sentence, and `fault_at`, the
   byte it is about. */
struct sip_contact {
    struct sip_value value;
    struct text instance; /* without quotes and < >; empty: none */
    uint32_t reg_id;      /* 0: none */
    int64_t expires;      /* -1: none */
    int q;                /* thousandths, -1: none */
    struct text rest;     /* all of value.parameters */
    const char *fault_at; /* after -EBADMSG */
};
int sip_contact_read(const struct sip_value *value, struct sip_contact *contact, const char **what);

/* Parses a URI. `text` must live as long as `uri`, whose texts are parts of it. Only parameters with escapes, and
   headers, take memory: libosip2 reads them. Returns 0, -EBADMSG, -EPROTONOSUPPORT (a scheme other than sip and sips;
   `scheme` is set), or -ENOMEM. Destroying is safe after any result. */
int sip_uri_create(struct sip_uri *uri, struct text text);
void sip_uri_destroy(struct sip_uri *uri);

/* 5954-4.a: whether two hosts are the same: names without regard to case and to a final dot, IPv6 addresses, with or
   without brackets, by value; ::ffff:192.0.2.1 is 192.0.2.1. */
bool sip_host_equal(struct text a, struct text b);

/* Writes the form that equal hosts share: lower case, no final dot, an IPv6 address without brackets as RFC 5952 spells
   it. Returns the length, or -ENOSPC. */
int sip_host_write(struct text host, char *out, size_t size);

/* Whether user parts that differ in case alone are of one AOR. RFC 3261 19.1.4 distinguishes them; registrars in use
   do not. */
enum aor_case { AOR_ANY_CASE, AOR_CASE_SENSITIVE };

/* RFC 3261 10.3 step 5: writes "sip:user@host", with unnecessary escapes in the user part decoded, the host as
   sip_host_write() spells it, and no port or parameters; with AOR_ANY_CASE in lower case. Returns the length, or
   -ENOSPC. */
int sip_uri_aor(const struct sip_uri *uri, enum aor_case user, char *out, size_t size);

/* The same for a URI of any scheme, for policies and logs. sip: and sips: as above. tel: becomes the number in lower
   case without visual separators, with the phone-context of a local number (RFC 3966 4 and 5.1.5) and no other
   parameters. urn:service: becomes lower case (RFC 5031 4.2). Of other URIs, only the scheme becomes lower case.
   Returns the length, -ENOSPC, -EBADMSG, or -ENOMEM. */
int sip_aor(struct text uri, enum aor_case user, char *out, size_t size);

/* What AOR_ANY_CASE does with an AOR, for a store that writes AORs in another form. */
void sip_aor_fold(enum aor_case user, char *aor, size_t length);

/* Returns whether the URI has the scheme sip or sips. Nothing else is checked. */
bool sip_uri_is_sip(struct text uri);

/* 3261-16.6.a: converts a URI to the form that is allowed in a request line: removes the headers and the parameter
   `method` of a sip: or sips: URI. Works in place and returns the new length. Other texts are unchanged. */
size_t sip_uri_strip(char *uri, size_t length);

/* 3261-10.3.a: compares by RFC 3261 19.1.4. That is not transitive: a parameter that only one of two URIs has is
   ignored, unless it is user, ttl, method, maddr or transport. A URI with more than 8 parameters, or 9 headers, equals
   only the same bytes, so that a comparison never takes long. */
bool sip_uri_equal(struct text a, struct text b);

/* A number that URIs share if sip_uri_equal() holds for them, or if their bytes are equal, and that others rarely
   share. Anybody can make URIs that collide: use it to spare comparisons in a list that is bounded. */
uint32_t sip_uri_key(struct text uri);

/* Sets the members of *facts that come from a response: code, method, retry_after, min_*, flow_timer, via_count,
   requires_outbound, challenges and Service-Route. The others, such as in_dialog, depend on the request and are
   unchanged. */
void sip_facts(const struct sip_message *response, struct facts *facts);

#endif
