// SPDX-License-Identifier: BSD-2-Clause
#ifndef REFLOW_FLOW_TOKEN_H
#define REFLOW_FLOW_TOKEN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/host.h"
#include "core/text.h"

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
    uint64_t connection; /* a flow_id; a connection's is drawn so that it is never given twice with one key */
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

/*
 * Dialog tokens (RFC 3261 16.4): the user part of a Record-Route value. Such a token names the flows of both sides of a
 * dialog, the side in whose route set it stands (its holder), and the next hop towards the other side. Its seal of 64
 * bits (SipHash-2-4) covers all this and the Call-ID, so that it gives no right in another call. It is "d." and
 * base64url: 61 characters for two flows over UDP and IPv4, 125 over IPv6. A datagram flow is its addresses and
 * outlives the run; of another flow the number alone is kept, which is never given twice while a key is in use.
 */

enum { TOKEN_DIALOG_MOST = 136 };

enum token_side { TOKEN_CALLER, TOKEN_CALLEE };

struct token_dialog {
    struct token_flow flows[2]; /* by enum token_side */
    bool by_hop[2];             /* this side is reached by the next hop and not over its flow */
    bool edge;                  /* we are the edge of one of the sides: a flow that is gone means 430 */
    uint8_t holder;             /* enum token_side */
    uint64_t hop;               /* set by token_write_dialog() and token_read_dialog(); see token_dialog_leads_to() */
    uint8_t key;                /* likewise: the id of the key */
};

/* Write the token for a call. `hop` names the next hop from the holder's requests on, in any one spelling; empty: it is
   not known. Sets dialog->hop and key. Returns the length, with a NUL behind, or 0 where it does not fit. */
size_t token_write_dialog(const struct token_keys *keys, struct token_dialog *dialog, struct text call_id,
                          struct text hop, char *out, size_t size);

/* True if this ring has sealed the token for this Call-ID; *dialog is filled then alone. Compared in constant time. */
bool token_read_dialog(const struct token_keys *keys, struct text token, struct text call_id,
                       struct token_dialog *dialog);

/* Is it the hop that the token was written with? Never for an empty one. */
bool token_dialog_leads_to(const struct token_keys *keys, const struct token_dialog *dialog, struct text hop);

/* By its form alone: a dialog token, of whatever run, version or server. No flow token has this form. */
bool token_is_dialog(struct text token);

const char *token_transport_name(unsigned transport); /* "udp"; "?" where it is none */

/* The key's number that a token of the right form names, whether it is genuine or not; 0: not of the form. */
uint8_t token_key_id(struct text token);

const char *token_verdict_name(enum token_verdict verdict); /* "good", "forged", "unknown key" */

#endif
