// SPDX-License-Identifier: BSD-2-Clause
#include "standalone/tls/tls_private.h"

#include <openssl/err.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/memory.h"

/* The TLS session of one connection, between two buffers in memory. */

enum { TLS_RECORD = 16384 };

struct tls_session {
    const struct host *host;
    struct tls_files *files;
    SSL *ssl; /* owns the two: */
    BIO *in, *out;
    char *kept; /* bytes to send after the handshake */
    size_t kept_length;
    struct text domain;
    bool open, failed, renegotiates;
    unsigned key_updates; /* received, and not taken */
    char fault[160];
};

int tls_choose_certificate(SSL *ssl, int *alert, void *data)
{
    const struct tls_files *files = data;
    const char *name = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);
    for (size_t i = 0; name != NULL && i < files->domain_count; i++) {
        if (strcasecmp(files->domains[i].name, name) == 0) {
            SSL_set_SSL_CTX(ssl, files->domains[i].context);
            return SSL_TLSEXT_ERR_OK;
        }
    }
    if (!files->only_domains)
        return SSL_TLSEXT_ERR_OK;
    *alert = SSL_AD_UNRECOGNIZED_NAME;
    return SSL_TLSEXT_ERR_ALERT_FATAL;
}

/* OpenSSL answers an attempt to renegotiate with a warning; here it ends the session. */
static void on_info(const SSL *ssl, int where, int value)
{
    struct tls_session *session = SSL_get_app_data(ssl);
    if (where == SSL_CB_WRITE_ALERT && (value & 0xff) == SSL_AD_NO_RENEGOTIATION)
        session->renegotiates = true;
}

static void on_message(int is_output, int version, int type, const void *bytes, size_t length, SSL *ssl, void *context)
{
    struct tls_session *session = context;
    (void)version;
    (void)ssl;
    if (!is_output && type == SSL3_RT_HANDSHAKE && length > 0 && *(const uint8_t *)bytes == SSL3_MT_KEY_UPDATE)
        session->key_updates++;
}

static struct tls_session *session_new(const struct tls *tls, SSL_CTX *context)
{
    struct tls_session *session = context != NULL ? memory_new(tls->host, sizeof *session) : NULL;
    if (session == NULL)
        return NULL;
    session->host = tls->host;
    session->ssl = SSL_new(context);
    session->in = BIO_new(BIO_s_mem());
    session->out = BIO_new(BIO_s_mem());
    if (session->ssl == NULL || session->in == NULL || session->out == NULL) {
        BIO_free(session->in);
        BIO_free(session->out);
        SSL_free(session->ssl);
        memory_delete(tls->host, session, sizeof *session);
        return NULL;
    }
    session->files = tls->files;
    session->files->holders++;
    SSL_set_bio(session->ssl, session->in, session->out);
    SSL_set_app_data(session->ssl, session);
    SSL_set_info_callback(session->ssl, on_info);
    SSL_set_msg_callback(session->ssl, on_message);
    SSL_set_msg_callback_arg(session->ssl, session);
    return session;
}

struct tls_session *tls_session_accept(const struct tls *tls)
{
    struct tls_session *session = session_new(tls, tls->files->standard);
    if (session != NULL)
        SSL_set_accept_state(session->ssl);
    return session;
}

struct tls_session *tls_session_connect(const struct tls *tls, struct text domain)
{
    struct tls_session *session = session_new(tls, tls->files->client);
    if (session == NULL)
        return NULL;
    if (!memory_copy(tls->host, domain, &session->domain)) {
        tls_session_delete(session);
        return NULL;
    }
    SSL_set_connect_state(session->ssl);
    bool numeric = domain.length > 0 && (strspn(session->domain.at, "0123456789.") == domain.length ||
                                         memchr(domain.at, ':', domain.length) != NULL);
    if (domain.length > 0 && !numeric)
        SSL_set_tlsext_host_name(session->ssl, session->domain.at);
    return session;
}

static void forget_kept(struct tls_session *session)
{
    memory_delete(session->host, session->kept, session->kept_length);
    session->kept = NULL;
    session->kept_length = 0;
}

void tls_session_delete(struct tls_session *session)
{
    if (session == NULL)
        return;
    forget_kept(session);
    memory_delete_text(session->host, session->domain);
    SSL_free(session->ssl);
    tls_files_release(session->files);
    memory_delete(session->host, session, sizeof *session);
}

bool tls_session_put(struct tls_session *session, const char *bytes, size_t length)
{
    return BIO_write(session->in, bytes, (int)length) == (int)length;
}

static enum tls_outcome fail(struct tls_session *session, const char *why)
{
    session->failed = true;
    snprintf(session->fault, sizeof session->fault, "%s", why);
    ERR_clear_error();
    return TLS_FAILED;
}

static const char *openssl_fault(const struct tls_session *session)
{
    long verified = SSL_get_verify_result(session->ssl);
    const char *reason = ERR_reason_error_string(ERR_peek_error());
    if (verified != X509_V_OK)
        return X509_verify_cert_error_string(verified);
    return reason != NULL ? reason : "not TLS";
}

static enum tls_outcome outcome_of(struct tls_session *session, int result)
{
    if (session->renegotiates)
        return fail(session, "renegotiation is not allowed");
    switch (SSL_get_error(session->ssl, result)) {
    case SSL_ERROR_WANT_READ:
    case SSL_ERROR_WANT_WRITE:
        return TLS_OK;
    case SSL_ERROR_ZERO_RETURN:
        return TLS_CLOSED;
    default:
        return fail(session, openssl_fault(session));
    }
}

static bool write_open(struct tls_session *session, const char *bytes, size_t length)
{
    while (length > 0) {
        ERR_clear_error();
        int piece = (int)(length < TLS_RECORD ? length : TLS_RECORD);
        int written = SSL_write(session->ssl, bytes, piece);
        if (written <= 0) {
            outcome_of(session, written);
            return false;
        }
        bytes += written;
        length -= (size_t)written;
    }
    return true;
}

/* RFC 5922 7.3: the peer must be the domain that was asked for. */
static bool is_whom_we_asked(const struct tls_session *session)
{
    if (!SSL_is_server(session->ssl)) {
        X509 *certificate = SSL_get0_peer_certificate(session->ssl);
        return tls_certificate_speaks_for(certificate, session->domain);
    }
    return true;
}

enum tls_outcome tls_session_handshake(struct tls_session *session)
{
    if (session->failed)
        return TLS_FAILED;
    ERR_clear_error();
    int result = SSL_do_handshake(session->ssl);
    if (result != 1) {
        enum tls_outcome outcome = outcome_of(session, result);
        return outcome == TLS_CLOSED ? fail(session, "closed within the handshake") : outcome;
    }
    if (!is_whom_we_asked(session))
        return fail(session, "the certificate is for another domain");
    session->open = true;
    bool written = write_open(session, session->kept, session->kept_length);
    forget_kept(session);
    return written ? TLS_OK : TLS_FAILED;
}

bool tls_session_is_open(const struct tls_session *session)
{
    return session->open;
}

enum tls_outcome tls_session_read(struct tls_session *session, char *out, size_t most, size_t *length)
{
    *length = 0;
    if (session->failed)
        return TLS_FAILED;
    ERR_clear_error();
    int result = SSL_read(session->ssl, out, (int)most);
    if (result <= 0)
        return outcome_of(session, result);
    *length = (size_t)result;
    return session->renegotiates ? outcome_of(session, result) : TLS_OK;
}

unsigned tls_session_take_key_updates(struct tls_session *session)
{
    unsigned count = session->key_updates;
    session->key_updates = 0;
    return count;
}

bool tls_session_write(struct tls_session *session, const char *bytes, size_t length)
{
    const struct host *host = session->host;
    if (session->failed)
        return false;
    if (session->open)
        return write_open(session, bytes, length);
    char *kept = host->allocate(host->context, session->kept, session->kept_length, session->kept_length + length);
    if (kept == NULL)
        return false;
    memcpy(kept + session->kept_length, bytes, length);
    session->kept = kept;
    session->kept_length += length;
    return true;
}

size_t tls_session_kept(const struct tls_session *session)
{
    return session->kept_length;
}

void tls_session_end(struct tls_session *session)
{
    ERR_clear_error();
    if (session->open && !session->failed)
        SSL_shutdown(session->ssl);
    ERR_clear_error();
}

struct text tls_session_output(struct tls_session *session)
{
    char *bytes = NULL;
    long length = BIO_get_mem_data(session->out, &bytes);
    return (struct text){bytes, length > 0 ? (size_t)length : 0};
}

void tls_session_sent(struct tls_session *session)
{
    (void)BIO_reset(session->out);
}

/* The certificate of a resumed session is that of its first handshake. */
static X509 *verified_certificate(const struct tls_session *session)
{
    bool verified = session->open && !session->failed && SSL_get_verify_result(session->ssl) == X509_V_OK;
    return verified ? SSL_get0_peer_certificate(session->ssl) : NULL;
}

bool tls_session_has_certificate(const struct tls_session *session)
{
    return verified_certificate(session) != NULL;
}

bool tls_session_proves(const struct tls_session *session, struct text domain)
{
    return tls_certificate_speaks_for(verified_certificate(session), domain);
}

struct text tls_session_domain(const struct tls_session *session)
{
    return session->domain;
}

const char *tls_session_fault(const struct tls_session *session)
{
    return session->fault;
}

bool tls_session_is_resumed(const struct tls_session *session)
{
    return SSL_session_reused(session->ssl) == 1;
}
