// SPDX-License-Identifier: BSD-2-Clause
#ifndef REFLOW_SIP_REWRITE_H
#define REFLOW_SIP_REWRITE_H

#include <stddef.h>
#include <stdint.h>

#include "sip/message.h"

/* Messages to send: a received one with what a proxy must change, or one built from it. */

/* Bytes that grow; from the host's allocator. Zeroed but for host is empty. */
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
/* The field as one line with its CRLF: folds become spaces, and so do line ends and NULs of a malformed message. */
void sip_append_field(struct sip_buffer *buffer, const struct sip_field *field);
/* Foreign text that goes into a line: its folds become spaces. Other bytes stay, for they may mean something. */
void sip_append_unfolded(struct sip_buffer *buffer, struct text text);

/*
 * All functions below append to `out`, and return 0, -ENOMEM, or -EINVAL for a message they cannot be built from; after
 * an error what was appended is of no use. Content-Length is added where a datagram had none.
 */

/* What a proxy changes in a request (RFC 3261 16.6). Empty texts and zeros: leave as it is. The lines that are put in
   come first, before all that was received. */
struct sip_forward {
    struct text request_uri;
    struct text via;          /* the new topmost Via value: "SIP/2.0/UDP host:port;branch=..." */
    struct text record_route; /* a value to put on top: "<sip:host;lr>" */
    struct text path;         /* a Path value to put on top (RFC 3327) */
    struct text route;        /* Route values to put before those that remain (a binding's Path) */
    unsigned routes_dropped;  /* how many topmost Route values go */
    int max_forwards;         /* the new value, 0 among them; added where absent; below 0: leave as it is */
    uint32_t max_breadth;     /* the new value, one line in place of all; 0: leave as it is */
    struct text received;     /* set as received= in the (old) topmost Via, in place of one that is there */
    uint32_t rport;           /* set as the value of its rport, where that parameter is there */
};
int sip_forward_request(const struct sip_message *request, const struct sip_forward *forward, struct sip_buffer *out);

/* A response going up: topmost Via removed (16.7 step 3). */
struct sip_upward {
    uint32_t status;          /* 0: as received; else with the table's phrase */
    struct text fields;       /* whole header lines to add, each with CRLF: merged challenges */
    uint8_t left_out;         /* enum sip_header: fields of this kind stay behind; 0: none */
    struct text record_route; /* values that take the place of all of Record-Route (16.7 step 8); empty: as received */
};
int sip_forward_response(const struct sip_message *response, const struct sip_upward *upward, struct sip_buffer *out);

/*
 * The header line "Unsupported: a, b" for a response with 420, of the option tags of Require or Proxy-Require that
 * is_known() refuses: those that are tokens, as many as fit into `out`, each at most SIP_OPTION_MOST bytes. Empty where
 * there is none to name. Returns whether there is any option that is not known, named or not.
 */
enum { SIP_OPTION_MOST = 64 };
bool sip_unsupported(const struct sip_message *request, enum sip_header header, bool (*is_known)(struct text tag),
                     char *out, size_t size);

/* A response of our own to a request (8.2.6): Via, From, To, Call-ID, CSeq copied, each as one line, also from a
   message that came with a fault; Record-Route copied where copy_record_route. It is at most as long as the request,
   its own fields and body, and 1,024 bytes together. */
struct sip_answer {
    uint32_t status;
    struct text phrase; /* empty: the table's */
    struct text to_tag; /* added to To where it has none; empty: none (100) */
    struct text fields; /* whole header lines, each with CRLF */
    struct text body;   /* with its Content-Type among the fields */
    struct text received;
    uint32_t rport;
    bool copy_record_route;
};
int sip_answer(const struct sip_message *request, const struct sip_answer *answer, struct sip_buffer *out);

/* The ACK for a 300-699 and the CANCEL for a request that we sent (its bytes as sent, read again or kept):
   topmost Via alone, Route of the request, CSeq number (17.1.1.3, 9.1). */
int sip_ack(const struct sip_message *invite_sent, const struct sip_message *response, struct sip_buffer *out);
int sip_cancel(const struct sip_message *request_sent, struct sip_buffer *out);

#endif
