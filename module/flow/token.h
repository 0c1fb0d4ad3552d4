// SPDX-License-Identifier: BSD-2-Clause
#ifndef REFLOW_FLOW_TOKEN_H
#define REFLOW_FLOW_TOKEN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/host.h"
#include "base/transport.h"
#include "core/text.h"

/*
 * Flow tokens (RFC 5626 section 5.2): the user part of an edge's Path and Record-Route, which leads back to one flow
 * and which nobody else can make. A token contains the flow (transport, both addresses, the number of the connection)
 * and is sealed with HMAC-SHA256 truncated to 128 bits, so that the edge needs no table. It also contains the id of its
 * key, and the run of the process that assigned the number. The token of a connection from before a restart is genuine,
 * but the flow is gone (5626-5.2.b: 430, not 403). A datagram flow consists of its addresses and survives a restart. In
 * base64url, a token has 56 characters for IPv4 and 88 for IPv6.
 *
 * One thread at a time for each key ring.
 */

enum { TOKEN_TEXT_MOST = 96, TOKEN_KEYS_MOST = 16 };

struct token_keys;

/* The flow that a token names. */
struct token_flow {
    uint8_t transport;      /* enum transport; up to 31 */
    uint8_t address_length; /* 4 or 16 */
    uint8_t local[16], remote[16];
    uint16_t local_port, remote_port;
    uint32_t run;        /* random, chosen by each process that assigns connection numbers */
    uint64_t connection; /* a flow_id; that of a connection is never assigned twice under one key */
};

enum token_verdict {
    TOKEN_GOOD,
    TOKEN_FORGED,     /* wrong length, not base64url, or a wrong seal: 403 (5626-5.3.b) */
    TOKEN_UNKNOWN_KEY /* the ring does not have the key, or no longer has it: 403 */
};

/*
 * Opens the key ring in a file, which is created with one key and mode 0600 if it does not exist. With path NULL, the
 * ring is in memory, so that its tokens end with the process. Returns 0 and sets *out. On failure writes one line to
 * `error` and returns -EACCES (others may read the file, or it cannot be opened), -EBADMSG (damaged; the line says
 * where), -ENOMEM, or the errno of a file that cannot be written.
 */
int token_keys_open(struct token_keys **out, const struct host *host, const char *path, char *error, size_t error_size);
void token_keys_close(struct token_keys *keys); /* keys may be NULL; wipes the keys */

/* Checks the file as token_keys_open() would, and neither changes nor creates it. A missing file is an error only if
   its folder does not exist or cannot be written. Returns 0, or an error as token_keys_open(). */
int token_keys_check(const char *path, char *error, size_t error_size);

/* Adds a new key that signs from now on. The older ones still verify; the ring keeps at most TOKEN_KEYS_MOST. If other
   processes rotate the same file, their keys are read first, under a lock of the file. The file is written before the
   key is used. Returns 0, or -EBADMSG (the file was damaged meanwhile), -ENOMEM or another negative errno, with the
   file and the signing key unchanged. */
int token_keys_rotate(struct token_keys *keys);

/* For a timer: rotates if the signing key is older than `rotate_s` seconds, and removes keys that have not signed
   for `keep_s` seconds. Returns whether anything changed, or a negative error. */
int token_keys_age(struct token_keys *keys, int64_t rotate_s, int64_t keep_s);

/* Reads the file again, after another process has rotated. Errors as in token_keys_open(); on error the ring is
   unchanged. */
int token_keys_reload(struct token_keys *keys, char *error, size_t error_size);

/* The same, only if the file is another one than at the last call. Returns 1 if the ring has other keys now, 0 if not,
   or an error as token_keys_reload(). */
int token_keys_follow(struct token_keys *keys, char *error, size_t error_size);

/* The keys of a ring, secrets included, for the other processes of a host that share a ring. Wipe it after use. */
struct token_keys_image {
    size_t count;
    struct token_key_image {
        uint8_t id, secret[32];
        int64_t created_at;
    } keys[TOKEN_KEYS_MOST];
};

void token_keys_copy(const struct token_keys *keys, struct token_keys_image *image);
/* Replaces the keys of the ring; its file is not written. Returns 0, or -ENOMEM with the ring unchanged. */
int token_keys_take(struct token_keys *keys, const struct token_keys_image *image);
/* Overwrites the secrets of a copy that is not needed any more. */
void token_keys_image_clear(struct token_keys_image *image);

/* Writes the token of a flow, terminated by NUL. Returns its length, or 0 if it does not fit or cannot be sealed. */
size_t token_write(struct token_keys *keys, const struct token_flow *flow, char *out, size_t size);

/* Reads a token. *flow is set only for TOKEN_GOOD. The seal is compared in constant time. Each token has only one
   valid spelling. */
enum token_verdict token_read(struct token_keys *keys, struct text token, struct token_flow *flow);

/*
 * Dialog tokens (RFC 3261 16.4): the user part of a Record-Route value. Such a token names the flows of both sides of a
 * dialog, the side whose route set contains it (its holder), and the next hop towards the other side. Its seal of 64
 * bits (SipHash-2-4) covers all this, the Call-ID and the domain, so that the token gives no right in another call. It
 * consists of "d." and base64url: 61 characters for two flows over UDP and IPv4, 125 over IPv6, and 11 more if the flow
 * of a side has an owner. A datagram flow consists of its addresses and survives a restart. For a stream flow only the
 * number is stored, which is never assigned twice while a key is in use. The owner finds the flow on which the same
 * user agent has registered since.
 */

enum { TOKEN_DIALOG_MOST = 144 };

enum token_side { TOKEN_CALLER, TOKEN_CALLEE };

struct token_dialog {
    struct token_flow flows[2]; /* by enum token_side */
    uint32_t owners[2];         /* the user agents on these flows: token_owner(); 0: not known */
    bool by_hop[2];             /* this side is reached through the next hop and not over its flow */
    bool outbound[2];           /* the flow has a reg-id, so that its end is the end of the way (RFC 5626) */
    bool edge;                  /* this server is the edge of one side: a flow that is gone means 430 */
    uint8_t holder;             /* enum token_side */
    uint64_t hop;               /* set by token_write_dialog() and token_read_dialog(); see token_dialog_leads_to() */
    uint8_t key;                /* the id of the key, set by the same functions */
};

/* What a token is valid for, and only for that. */
struct token_scope {
    struct text call_id;
    struct text domain; /* that the TLS server behind the callee's flow has proved to be; empty: none */
};

/* Writes the token for a call. `hop` is the next hop of the holder's requests, in a canonical spelling, or empty if
   it is not known. Sets dialog->hop and dialog->key. Returns the length without the terminating NUL, or 0 if it does
   not fit. */
size_t token_write_dialog(const struct token_keys *keys, struct token_dialog *dialog, const struct token_scope *scope,
                          struct text hop, char *out, size_t size);

/* Returns true and sets *dialog if this ring has sealed the token for this scope. Compares in constant time. */
bool token_read_dialog(const struct token_keys *keys, struct text token, const struct token_scope *scope,
                       struct token_dialog *dialog);

/* A digest of a user agent's AOR and its name, which is the instance-id, or the Contact if it has none. `key` is the
   id of a key, or 0 for the one that signs. Returns 0 if the ring does not have the key. */
uint32_t token_owner(const struct token_keys *keys, uint8_t key, struct text aor, struct text name);

/* Returns whether this is the hop that the token was written with; false for an empty one. */
bool token_dialog_leads_to(const struct token_keys *keys, const struct token_dialog *dialog, struct text hop);

/* Returns whether the text has the form of a dialog token of any run, version or server. No flow token has this
   form. */
bool token_is_dialog(struct text token);

/* The id of the key in a token of the right form, genuine or not; 0 for any other text. */
uint8_t token_key_id(struct text token);

const char *token_verdict_name(enum token_verdict verdict); /* "good", "forged", "unknown key" */

#endif
