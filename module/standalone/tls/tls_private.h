// SPDX-License-Identifier: BSD-2-Clause
#ifndef REFLOW_STANDALONE_TLS_PRIVATE_H
#define REFLOW_STANDALONE_TLS_PRIVATE_H

#include <openssl/ssl.h>

#include "standalone/tls/tls.h"

/* The content of the files at one time, held by `struct tls` and by each session, whose handshake may still need
   another certificate. */
struct tls_files {
    const struct host *host;
    size_t holders;
    SSL_CTX *standard; /* the certificate for everybody; or the first of the domains */
    SSL_CTX *client;
    struct {
        char name[128];
        SSL_CTX *context;
    } domains[TLS_DOMAINS_MOST];
    size_t domain_count;
    bool only_domains; /* no certificate for everybody */
};

struct tls {
    const struct host *host;
    const struct tls_options *options;
    struct tls_files *files;
};

/* Returns whether a server with this certificate may act for the domain. RFC 5922 section 7: by subjectAltName, a
   URI (sip:domain) or a DNS name, and by the common name only if there is no subjectAltName. No wildcards. */
bool tls_certificate_speaks_for(X509 *certificate, struct text domain);

void tls_files_release(struct tls_files *files); /* NULL is fine */

/* Takes SNI into account; data of SSL_CTX_set_tlsext_servername_callback(). */
int tls_choose_certificate(SSL *ssl, int *alert, void *files);

#endif
