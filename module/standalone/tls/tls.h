// SPDX-License-Identifier: BSD-2-Clause
#ifndef REFLOW_STANDALONE_TLS_H
#define REFLOW_STANDALONE_TLS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/host.h"
#include "core/text.h"

/*
 * TLS 1.2 and up for SIP, by OpenSSL: certificates by domain, both sides' checks, and sessions that know no sockets:
 * bytes of the network go in and come out. One thread.
 */

enum { TLS_DOMAINS_MOST = 64 };

struct tls_certificate {
    char domain[128];                  /* as clients name it (SNI) */
    char certificate[2048], key[2048]; /* files in PEM; the certificate's chain behind it */
};

struct tls_options {
    const char *certificate, *key; /* where the client names no domain of ours; NULL: none */
    struct tls_certificate domains[TLS_DOMAINS_MOST];
    size_t domain_count;
    const char *client_ca; /* who may have signed a client's certificate; NULL: none is asked for */
    bool client_verify;    /* a client without a certificate is turned away */
    const char *ca;        /* who may have signed the certificate of a server; NULL: the system's list */
};

struct tls;

/* Reads all the files. 0 and *out; else -EINVAL or -ENOMEM, nothing, and one line in `error` that names the file. The
   options must live as long. A key that others may read is told to the log. */
int tls_new(struct tls **out, const struct host *host, const struct tls_options *options, char *error,
            size_t error_size);
void tls_delete(struct tls *tls); /* NULL is fine; sessions may outlive it */

/* Reads all the files anew for sessions from now on; living ones keep what they have. On error all stays as it was. */
int tls_reload(struct tls *tls, char *error, size_t error_size);

bool tls_serves(const struct tls *tls); /* there is a certificate */

/* --- one connection --- */

struct tls_session;

enum tls_outcome {
    TLS_OK,     /* go on */
    TLS_CLOSED, /* the other side has ended it in good order */
    TLS_FAILED  /* it cannot go on: see tls_session_fault() */
};

/* The serving side; NULL where memory is short or there is no certificate. */
struct tls_session *tls_session_accept(const struct tls *tls);
/* The calling side; the server must prove to be `domain`, a name or a numeric address (RFC 5922 section 7). */
struct tls_session *tls_session_connect(const struct tls *tls, struct text domain);
void tls_session_delete(struct tls_session *session);

/* Bytes from the network, all of which are taken. False where memory is short. */
bool tls_session_put(struct tls_session *session, const char *bytes, size_t length);

/* One step of the handshake: what arithmetic there is happens here. */
enum tls_outcome tls_session_handshake(struct tls_session *session);
bool tls_session_is_open(const struct tls_session *session); /* the handshake is done, the other side checked */

/* What was sent to us, once it is open: up to `most` bytes into `out`. *length 0: nothing more for now. */
enum tls_outcome tls_session_read(struct tls_session *session, char *out, size_t most, size_t *length);

/* Before it is open they are kept. False where memory is short or it cannot go on. */
bool tls_session_write(struct tls_session *session, const char *bytes, size_t length);
size_t tls_session_kept(const struct tls_session *session);

/* Tells the other side that it ends. */
void tls_session_end(struct tls_session *session);

/* What must go to the network now; good until the next call. Then say that it went. */
struct text tls_session_output(struct tls_session *session);
void tls_session_sent(struct tls_session *session);

/* The domain that it was opened to; empty: the serving side. */
struct text tls_session_domain(const struct tls_session *session);
/* One line on why it failed; "" where it did not. */
const char *tls_session_fault(const struct tls_session *session);
bool tls_session_is_resumed(const struct tls_session *session);

#endif
