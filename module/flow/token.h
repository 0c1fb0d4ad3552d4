// SPDX-License-Identifier: BSD-2-Clause
#ifndef REFLOW_FLOW_TOKEN_H
#define REFLOW_FLOW_TOKEN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/text.h"
#include "host/host.h"

/*
 * Flow tokens (RFC 5626 section 5.2): the user part of an edge's Path and Record-Route, which leads back to one flow
 * and which nobody else can make. A token carries the flow itself (transport, both addresses, the connection's own
 * number), sealed with HMAC-SHA256 cut to 128 bits, so that the edge keeps no table. It names the key that sealed it,
 * and the run of the process that gave the number: a connection's token from before a restart is genuine, but the flow
 * is gone (5626-5.2.b: 430 and not 403). A datagram flow is its addresses, and outlives the run. In base64url: 56
 * characters for IPv4, 88 for IPv6.
 *
 * One thread at a time for each key ring.
 */

enum { TOKEN_TEXT_MOST = 96, TOKEN_KEYS_MOST = 16 };

struct token_keys;

/* As numbers stand in tokens: they outlive programs. */
enum token_transport { TOKEN_UDP, TOKEN_TCP, TOKEN_TLS, TOKEN_WS, TOKEN_WSS };

/* What a token names. */
struct token_flow {
    uint8_t transport;      /* enum token_transport; up to 31 */
    uint8_t address_length; /* 4 or 16 */
    uint8_t local[16], remote[16];
    uint16_t local_port, remote_port;
    uint32_t run;        /* drawn anew by each process that gives numbers */
    uint64_t connection; /* a flow_id; a connection's is never given twice in a run */
};

enum token_verdict {
    TOKEN_GOOD,
    TOKEN_FORGED,     /* wrong length, no base64url, or the seal does not fit: 403 (5626-5.3.b) */
    TOKEN_UNKNOWN_KEY /* of a key that the ring has not, or not any more: 403 */
};

struct token_key_view {
    uint8_t id;         /* 1 to 255 */
    int64_t created_at; /* wall seconds */
    bool signs;         /* the newest */
};

/*
 * Open the key ring of a file, made with one key where there is none, readable by its owner alone (0600); path NULL: in
 * memory, so that tokens die with the process. 0 and *out; else nothing but one line in `error`: -EACCES (others may
 * read the file, or it cannot be opened), -EBADMSG (damaged: what line), -ENOMEM, or the errno
 * of a file that cannot be written.
 */
int token_keys_open(struct token_keys **out, const struct host *host, const char *path, char *error, size_t error_size);
void token_keys_close(struct token_keys *keys); /* NULL is fine; wipes the keys */

/* A new key signs from now on; the older ones still verify, at most TOKEN_KEYS_MOST in all. Written to the file before
   it is used: 0, or -ENOMEM or another negative errno with the ring as it was. */
int token_keys_rotate(struct token_keys *keys);

/* For a timer: rotate where the signing key is older than `rotate_s` seconds, and forget those that have not signed for
   `keep_s` seconds. Returns whether anything changed, or a negative error. */
int token_keys_age(struct token_keys *keys, int64_t rotate_s, int64_t keep_s);

/* Read the file again, where another process has rotated. As token_keys_open; on error the ring stays as it was. */
int token_keys_reload(struct token_keys *keys, char *error, size_t error_size);

/* Newest first; returns how many there are. */
size_t token_keys_list(const struct token_keys *keys, struct token_key_view *views, size_t most);

/* Write the token of a flow, with a NUL behind; returns its length, or 0 where it does not fit or cannot be sealed. */
size_t token_write(struct token_keys *keys, const struct token_flow *flow, char *out, size_t size);

/* Read one. *flow is filled for TOKEN_GOOD alone. The seal is compared in constant time; a token has one spelling. */
enum token_verdict token_read(struct token_keys *keys, struct text token, struct token_flow *flow);

const char *token_transport_name(unsigned transport); /* "udp"; "?" where it is none */

/* The key's number that a token of the right form names, whether it is genuine or not; 0: not of the form. */
uint8_t token_key_id(struct text token);

const char *token_verdict_name(enum token_verdict verdict); /* "good", "forged", "unknown key" */

#endif
