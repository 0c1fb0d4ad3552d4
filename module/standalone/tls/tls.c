// SPDX-License-Identifier: BSD-2-Clause
#include "standalone/tls/tls_private.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/memory.h"

/* Reads certificates and keys from files: all of them, or none. */

struct reading {
    const struct host *host;
    char *error;
    size_t size;
};

static bool complain(const struct reading *reading, const char *option, const char *path, const char *why)
{
    snprintf(reading->error, reading->size, "%s %s: %s", option, path, why);
    ERR_clear_error();
    return false;
}

/* Reports a missing file with the system's message, because OpenSSL's depends on its last attempt. A pipe that
   nobody writes to would block the server. */
static bool is_readable(const struct reading *reading, const char *option, const char *path)
{
    struct stat status;
    int file = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (file < 0 || fstat(file, &status) != 0)
        return complain(reading, option, path, strerror(errno));
    close(file);
    return S_ISREG(status.st_mode) || complain(reading, option, path, "not a regular file");
}

static void warn_of_readers(const struct reading *reading, const char *path)
{
    struct stat status;
    char line[2200];
    if (stat(path, &status) != 0 || (status.st_mode & (S_IRWXG | S_IRWXO)) == 0)
        return;
    snprintf(line, sizeof line, "%s: others may read this private key (mode %03o)", path,
             (unsigned)(status.st_mode & 0777));
    reading->host->log(reading->host->context, LOG_WARNING, line);
}

/* No terminal to ask: an encrypted key is an error at once. */
static int no_passphrase(char *out, int size, int writing, void *context)
{
    (void)writing, (void)context;
    if (size > 0)
        out[0] = '\0';
    return -1;
}

/* A certificate and its key, and the options that named them. */
struct pair {
    const char *option, *certificate, *key_option, *key;
    const char *domain; /* of --tls-domain; NULL: any */
};

static bool use_pair(const struct reading *reading, SSL_CTX *context, const struct pair *pair)
{
    ERR_clear_error();
    SSL_CTX_set_default_passwd_cb(context, no_passphrase);
    if (!is_readable(reading, pair->option, pair->certificate) || !is_readable(reading, pair->key_option, pair->key))
        return false;
    if (SSL_CTX_use_certificate_chain_file(context, pair->certificate) != 1)
        return complain(reading, pair->option, pair->certificate, "no certificate in PEM can be read from it");
    if (SSL_CTX_use_PrivateKey_file(context, pair->key, SSL_FILETYPE_PEM) != 1)
        return complain(reading, pair->key_option, pair->key,
                        ERR_GET_REASON(ERR_peek_last_error()) == X509_R_KEY_VALUES_MISMATCH
                            ? "the key is not that of the certificate"
                            : "no private key in PEM, without a passphrase, can be read from it");
    if (SSL_CTX_check_private_key(context) != 1)
        return complain(reading, pair->key_option, pair->key, "the key is not that of the certificate");
    return true;
}

/* Phones refuse a certificate that is not valid now, but the server can run: the operator may be about to replace
   it. */
static void warn_of_time(const struct reading *reading, SSL_CTX *context, const struct pair *pair)
{
    X509 *certificate = SSL_CTX_get0_certificate(context);
    bool over = X509_cmp_current_time(X509_get0_notAfter(certificate)) < 0;
    if (!over && X509_cmp_current_time(X509_get0_notBefore(certificate)) < 0)
        return;
    char when[32], line[2300];
    struct tm parts = {0};
    ASN1_TIME_to_tm(over ? X509_get0_notAfter(certificate) : X509_get0_notBefore(certificate), &parts);
    strftime(when, sizeof when, "%Y-%m-%dT%H:%M:%SZ", &parts);
    snprintf(line, sizeof line, "%s %s: the certificate %s %s", pair->option, pair->certificate,
             over ? "expired at" : "is not valid before", when);
    reading->host->log(reading->host->context, LOG_WARNING, line);
}

/* Phones check the name; a browser also takes a certificate for *.example.com. */
static void warn_of_domain(const struct reading *reading, SSL_CTX *context, const struct pair *pair)
{
    char line[2300];
    X509 *certificate = SSL_CTX_get0_certificate(context);
    if (pair->domain == NULL || tls_certificate_speaks_for(certificate, text_of(pair->domain)) ||
        X509_check_host(certificate, pair->domain, 0, 0, NULL) == 1)
        return;
    snprintf(line, sizeof line, "%s %s: the certificate is not for the domain %s", pair->option, pair->certificate,
             pair->domain);
    reading->host->log(reading->host->context, LOG_WARNING, line);
}

/* Logs warnings about both files for the operator. */
static bool serve_pair(const struct reading *reading, SSL_CTX *context, const struct pair *pair)
{
    if (!use_pair(reading, context, pair))
        return false;
    warn_of_readers(reading, pair->key);
    warn_of_time(reading, context, pair);
    warn_of_domain(reading, context, pair);
    return true;
}

static struct pair default_pair(const struct tls_options *options)
{
    return (struct pair){"--tls-cert", options->certificate, "--tls-key", options->key, NULL};
}

static SSL_CTX *context_new(const SSL_METHOD *method)
{
    SSL_CTX *context = SSL_CTX_new(method);
    if (context == NULL)
        return NULL;
    SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION);
    SSL_CTX_set_options(context, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION | SSL_OP_CIPHER_SERVER_PREFERENCE |
                                     SSL_OP_IGNORE_UNEXPECTED_EOF);
    /* Idle connections free their buffers. */
    SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_AUTO_RETRY | SSL_MODE_ENABLE_PARTIAL_WRITE |
                                  SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    return context;
}

static bool ask_clients(const struct reading *reading, SSL_CTX *context, const struct tls_options *options)
{
    if (options->client_ca == NULL)
        return true;
    STACK_OF(X509_NAME) *names = NULL;
    ERR_clear_error();
    if (!is_readable(reading, "--tls-client-ca", options->client_ca))
        return false;
    if (SSL_CTX_load_verify_file(context, options->client_ca) != 1 ||
        (names = SSL_load_client_CA_file(options->client_ca)) == NULL)
        return complain(reading, "--tls-client-ca", options->client_ca, "no certificate in PEM can be read from it");
    SSL_CTX_set_client_CA_list(context, names);
    SSL_CTX_set_verify(context, SSL_VERIFY_PEER | (options->client_verify ? SSL_VERIFY_FAIL_IF_NO_PEER_CERT : 0), NULL);
    return true;
}

/* Tickets let user agents that return all at once do so without a signature each. They are sealed with the keys of
   this context: a reload makes them invalid, and with them sessions that an earlier list of CAs had accepted. */
static SSL_CTX *server_context(const struct reading *reading, const struct tls_options *options,
                               struct tls_files *files)
{
    static const unsigned char name[] = "reflow";
    SSL_CTX *context = context_new(TLS_server_method());
    if (context == NULL) {
        snprintf(reading->error, reading->size, "out of memory");
        return NULL;
    }
    SSL_CTX_set_session_id_context(context, name, sizeof name - 1);
    SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
    SSL_CTX_set_num_tickets(context, 1);
    SSL_CTX_set_tlsext_servername_callback(context, tls_choose_certificate);
    SSL_CTX_set_tlsext_servername_arg(context, files);
    if (ask_clients(reading, context, options))
        return context;
    SSL_CTX_free(context);
    return NULL;
}

static bool read_default(const struct reading *reading, const struct tls_options *options, struct tls_files *files)
{
    if (options->certificate == NULL)
        return true;
    const struct pair pair = default_pair(options);
    files->standard = server_context(reading, options, files);
    return files->standard != NULL && serve_pair(reading, files->standard, &pair);
}

static bool read_domains(const struct reading *reading, const struct tls_options *options, struct tls_files *files)
{
    for (size_t i = 0; i < options->domain_count; i++) {
        const struct tls_certificate *domain = &options->domains[i];
        SSL_CTX *context = server_context(reading, options, files);
        if (context == NULL)
            return false;
        files->domains[i].context = context;
        memcpy(files->domains[i].name, domain->domain, sizeof files->domains[i].name);
        files->domain_count = i + 1;
        const struct pair pair = {"--tls-domain", domain->certificate, "--tls-domain", domain->key, domain->domain};
        if (!serve_pair(reading, context, &pair))
            return false;
    }
    if (files->standard == NULL && files->domain_count > 0) {
        files->standard = files->domains[0].context;
        SSL_CTX_up_ref(files->standard);
        files->only_domains = true;
    }
    return true;
}

static bool read_client(const struct reading *reading, const struct tls_options *options, struct tls_files *files)
{
    files->client = context_new(TLS_client_method());
    if (files->client == NULL) {
        snprintf(reading->error, reading->size, "out of memory");
        return false;
    }
    SSL_CTX_set_verify(files->client, SSL_VERIFY_PEER, NULL);
    if (options->ca == NULL)
        SSL_CTX_set_default_verify_paths(files->client);
    else if (!is_readable(reading, "--tls-ca", options->ca))
        return false;
    else if (SSL_CTX_load_verify_file(files->client, options->ca) != 1)
        return complain(reading, "--tls-ca", options->ca, "no certificate in PEM can be read from it");
    /* A server may request a certificate: it gets the same one as clients of this server. */
    const struct pair pair = default_pair(options);
    return options->certificate == NULL || use_pair(reading, files->client, &pair);
}

void tls_files_release(struct tls_files *files)
{
    if (files == NULL || --files->holders > 0)
        return;
    for (size_t i = 0; i < files->domain_count; i++)
        SSL_CTX_free(files->domains[i].context);
    SSL_CTX_free(files->standard);
    SSL_CTX_free(files->client);
    memory_delete(files->host, files, sizeof *files);
}

static struct tls_files *files_new(const struct reading *reading, const struct tls_options *options)
{
    struct tls_files *files = memory_new(reading->host, sizeof *files);
    if (files == NULL) {
        snprintf(reading->error, reading->size, "out of memory");
        return NULL;
    }
    files->host = reading->host;
    files->holders = 1;
    if (read_default(reading, options, files) && read_domains(reading, options, files) &&
        read_client(reading, options, files))
        return files;
    tls_files_release(files);
    return NULL;
}

int tls_new(struct tls **out, const struct host *host, const struct tls_options *options, char *error,
            size_t error_size)
{
    const struct reading reading = {host, error, error_size};
    struct tls *tls = memory_new(host, sizeof *tls);
    error[0] = '\0';
    if (tls == NULL) {
        snprintf(error, error_size, "out of memory");
        return -ENOMEM;
    }
    *tls = (struct tls){.host = host, .options = options, .files = files_new(&reading, options)};
    if (tls->files == NULL) {
        tls_delete(tls);
        return -EINVAL;
    }
    *out = tls;
    return 0;
}

int tls_reload(struct tls *tls, char *error, size_t error_size)
{
    const struct reading reading = {tls->host, error, error_size};
    struct tls_files *files = files_new(&reading, tls->options);
    if (files == NULL)
        return -EINVAL;
    error[0] = '\0';
    tls_files_release(tls->files);
    tls->files = files;
    return 0;
}

void tls_delete(struct tls *tls)
{
    if (tls == NULL)
        return;
    tls_files_release(tls->files);
    memory_delete(tls->host, tls, sizeof *tls);
}
