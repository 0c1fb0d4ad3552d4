// SPDX-License-Identifier: BSD-2-Clause
#ifndef REFLOW_STANDALONE_TLS_H
#define REFLOW_STANDALONE_TLS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/host.h"
#include "core/text.h"

/*
 * TLS 1.2 and later for SIP, by OpenSSL: certificates by domain, verification of both sides, and sessions that have no
 * sockets: the caller passes the bytes of the network in both directions. One thread.
 */

enum { TLS_DOMAINS_MOST = 64 };

struct tls_certificate {
    char domain[128];                  /* the name that clients use (SNI) */
    char certificate[2048], key[2048]; /* PEM files; the certificate is followed by its chain */
};

struct tls_options {
    const char *certificate, *key; /* for clients that name no served domain; NULL: none */
    struct tls_certificate domains[TLS_DOMAINS_MOST];
    size_t domain_count;
    const char *client_ca; /* CA certificates for clients; NULL: no client certificate is requested */
    bool client_verify;    /* a client without a certificate is refused */
    const char *ca;        /* CA certificates for outgoing connections; NULL: those of the system */
};

struct tls;

/* Reads all files. Returns 0 and *out, or -EINVAL or -ENOMEM with one line in `error` that names the file. The
   options must live as long as the object. A key that others may read is logged. */
int tls_new(struct tls **out, const struct host *host, const struct tls_options *options, char *error,
            size_t error_size);
void tls_delete(struct tls *tls); /* tls may be NULL; sessions may outlive it */

/* Reads all files again for later sessions; existing sessions keep what they have. On error nothing changes. */
int tls_reload(struct tls *tls, char *error, size_t error_size);

/* --- one connection --- */

struct tls_session;

enum tls_outcome {
    TLS_OK,     /* continue */
    TLS_CLOSED, /* the peer has closed the session properly */
    TLS_FAILED  /* the session has failed: see tls_session_fault() */
};

/* The server side; NULL without memory or certificate. */
struct tls_session *tls_session_accept(const struct tls *tls);
/* The client side; the server must prove to be `domain`, a name or a numeric address (RFC 5922 section 7). */
struct tls_session *tls_session_connect(const struct tls *tls, struct text domain);
void tls_session_delete(struct tls_session *session);

/* Takes bytes from the network, always all of them. Returns false without memory. */
bool tls_session_put(struct tls_session *session, const char *bytes, size_t length);

/* Performs one step of the handshake, which includes the expensive cryptography. */
enum tls_outcome tls_session_handshake(struct tls_session *session);
bool tls_session_is_open(const struct tls_session *session); /* the handshake is complete and the peer is verified */

/* Reads received data after the handshake: up to `most` bytes into `out`. *length 0: nothing more for now. */
enum tls_outcome tls_session_read(struct tls_session *session, char *out, size_t most, size_t *length);
/* The number of key updates (RFC 8446 4.6.3) that were received since the last call. Each costs as much as many
   records. */
unsigned tls_session_take_key_updates(struct tls_session *session);

/* Sends bytes; before the handshake is complete they are stored. Returns false without memory or after a failure. */
bool tls_session_write(struct tls_session *session, const char *bytes, size_t length);
size_t tls_session_kept(const struct tls_session *session);

/* Sends the closing alert to the peer. */
void tls_session_end(struct tls_session *session);

/* The bytes to write to the network now, valid until the next call; then report how many were written. */
struct text tls_session_output(struct tls_session *session);
void tls_session_sent(struct tls_session *session);

/* Returns whether the peer has shown a certificate of a trusted CA that is for this domain, a name or a numeric
   address (RFC 5922 section 7). Before the handshake is complete nothing is proved. */
bool tls_session_proves(const struct tls_session *session, struct text domain);
bool tls_session_has_certificate(const struct tls_session *session); /* of the peer, verified */

/* The domain to which it was opened; empty on the server side. */
struct text tls_session_domain(const struct tls_session *session);
/* The reason of a failure in one line; "" if there was none. */
const char *tls_session_fault(const struct tls_session *session);
bool tls_session_is_resumed(const struct tls_session *session);

#endif
