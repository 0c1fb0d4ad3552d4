// SPDX-License-Identifier: BSD-2-Clause
#ifndef REFLOW_SIP_REWRITE_H
#define REFLOW_SIP_REWRITE_H

#include <stddef.h>
#include <stdint.h>

#include "base/json.h"
#include "sip/message.h"

/* Messages to send: a received one with the changes of a proxy, or a new one built from it. */

/* A byte buffer that grows, from the host's allocator. A buffer in which only `host` is set is empty. */
struct sip_buffer {
    const struct host *host;
    char *bytes;
    size_t length, capacity;
    bool failed; /* an append ran out of memory: the functions below then return -ENOMEM */
};
void sip_buffer_destroy(struct sip_buffer *buffer);
void sip_buffer_clear(struct sip_buffer *buffer); /* length 0, memory kept */
void sip_append(struct sip_buffer *buffer, struct text text);
void sip_append_number(struct sip_buffer *buffer, uint64_t number);

/* A writer that appends to the buffer. */
struct json sip_json(struct sip_buffer *buffer);

/* Appends the field as one line with its CRLF. Folds become spaces, and so do line ends and NULs of a malformed
   message. */
void sip_append_field(struct sip_buffer *buffer, const struct sip_field *field);
/* Appends foreign text to a line; its folds become spaces. Other bytes are kept, because they may have a meaning. */
void sip_append_unfolded(struct sip_buffer *buffer, struct text text);

/*
 * All functions below append to `out` and return 0, -ENOMEM, or -EINVAL for a message that they cannot be built from.
 * After an error the appended bytes must not be used. Content-Length is added if a datagram had none.
 */

/* The changes of a proxy to a request (RFC 3261 16.6). An empty text or zero leaves the field unchanged. Added lines
   come before all received ones. */
struct sip_forward {
    struct text request_uri;
    struct text via;          /* the new topmost Via value: "SIP/2.0/UDP host:port;branch=..." */
    struct text record_route; /* a value to put on top: "<sip:host;lr>" */
    struct text path;         /* a Path value to put on top (RFC 3327) */
    struct text route;        /* Route values to put before those that remain (a binding's Path) */
    unsigned routes_dropped;  /* number of topmost Route values to remove */
    int max_forwards;         /* the new value, which may be 0; added if absent; below 0: unchanged */
    uint32_t max_breadth;     /* the new value, one line in place of all; 0: leave as it is */
    struct text received;     /* set as received= in the (old) topmost Via, replacing an existing one */
    uint32_t rport;           /* set as the value of its rport, if that parameter is present */
    bool (*consumes)(const void *context,
                     const struct sip_field *field); /* a Proxy-Authorization to remove; NULL: none */
    const void *consumes_context;
};
int sip_forward_request(const struct sip_message *request, const struct sip_forward *forward, struct sip_buffer *out);

/* A response to forward: the topmost Via is removed (16.7 step 3). */
struct sip_upward {
    uint32_t status;          /* 0: as received; else with the table's phrase */
    struct text fields;       /* whole header lines to add, each with CRLF: merged challenges */
    uint8_t left_out;         /* enum sip_header: fields of this kind are removed; 0: none */
    struct text record_route; /* replaces all values of Record-Route (16.7 step 8); empty: as received */
};
int sip_forward_response(const struct sip_message *response, const struct sip_upward *upward, struct sip_buffer *out);

/*
 * Writes the header line "Unsupported: a, b" for a 420: the option tags of Require or Proxy-Require that is_known()
 * rejects. Only tokens of at most SIP_OPTION_MOST bytes are listed, as many as fit into `out`. The line is empty if
 * there is nothing to list. Returns whether there is any unknown option, listed or not.
 */
enum { SIP_OPTION_MOST = 64 };
bool sip_unsupported(const struct sip_message *request, enum sip_header header, bool (*is_known)(struct text tag),
                     char *out, size_t size);

/* A response that this server makes to a request (8.2.6). Via, From, To, Call-ID and CSeq are copied, each as one
   line, also from a faulty message. It is at most 1,024 bytes longer than the request and its own fields together. */
struct sip_answer {
    uint32_t status;
    struct text phrase; /* empty: the table's */
    struct text to_tag; /* added to To where it has none; empty: none (100) */
    struct text fields; /* whole header lines, each with CRLF */
    struct text received;
    uint32_t rport;
};
int sip_answer(const struct sip_message *request, const struct sip_answer *answer, struct sip_buffer *out);

/* The ACK for a 300-699 and the CANCEL for a request that this server sent (its bytes as sent): with only the
   topmost Via, and with the Route and CSeq number of the request (17.1.1.3, 9.1). */
int sip_ack(const struct sip_message *invite_sent, const struct sip_message *response, struct sip_buffer *out);
int sip_cancel(const struct sip_message *request_sent, struct sip_buffer *out);

#endif
