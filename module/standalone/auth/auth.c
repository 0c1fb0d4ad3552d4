// SPDX-License-Identifier: BSD-2-Clause
#include "standalone/auth/auth.h"

#include <errno.h>
#include <openssl/crypto.h>
#include <stdio.h>

#include "base/memory.h"
#include "base/writer.h"
#include "flow/digest.h"
#include "sip/credentials.h"
#include "standalone/auth/nonces.h"

struct auth {
    struct auth_config config;
    struct nonces nonces;
    struct digester digester;
    const char *fault;
    bool proved;
};

/* One attempt to authenticate. */
struct attempt {
    struct auth *auth;
    const struct sip_message *request;
    const struct nonce_scope *scope;
    struct sip_credentials credentials;
    enum auth_algorithm algorithm;
    uint32_t count;
    char user[AUTH_USER_SIZE];       /* the AOR without scheme */
    char valid_user[AUTH_USER_SIZE]; /* of the valid credentials; empty: none yet */
};

enum digest auth_digest(enum auth_algorithm algorithm)
{
    static const enum digest digests[AUTH_ALGORITHMS] = {
        [AUTH_SHA256] = DIGEST_SHA_256, [AUTH_SHA512_256] = DIGEST_SHA_512_256, [AUTH_MD5] = DIGEST_MD5};
    return digests[algorithm];
}

const char *auth_algorithm_name(enum auth_algorithm algorithm)
{
    return digest_name(auth_digest(algorithm));
}

const char *auth_missing(const struct auth_config *config)
{
    char hex[DIGEST_HEX_MOST];
    for (size_t i = 0; i < config->algorithm_count; i++) {
        if (!digest_hex(auth_digest(config->algorithms[i]), TEXT(""), hex))
            return auth_algorithm_name(config->algorithms[i]);
    }
    return NULL;
}

int auth_new(struct auth **out, const struct auth_config *config)
{
    if (config->algorithm_count == 0 || config->algorithm_count > AUTH_ALGORITHMS)
        return -EINVAL;
    if (auth_missing(config) != NULL)
        return -ENOTSUP;
    struct auth *auth = memory_new(config->host, sizeof *auth);
    if (auth == NULL)
        return -ENOMEM;
    auth->config = *config;
    if (nonces_create(&auth->nonces, config->host, config->nonce_s, config->nonces_most) != 0 ||
        digester_create(&auth->digester) != 0) {
        auth_delete(auth);
        return -ENOMEM;
    }
    *out = auth;
    return 0;
}

void auth_delete(struct auth *auth)
{
    if (auth == NULL)
        return;
    nonces_destroy(&auth->nonces);
    digester_destroy(&auth->digester);
    memory_delete(auth->config.host, auth, sizeof *auth);
}

const char *auth_fault(const struct auth *auth)
{
    return auth->fault;
}

bool auth_is_proved(const struct auth *auth)
{
    return auth->proved;
}

/* --- the user --- */

static bool user_part_keeps(char c)
{
    return (c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'z') ||
           (c != '\0' && strchr("-_.!~*'()&=+$,;?/%", c) != NULL);
}

/* The user part of a URI: bytes that it cannot have are escaped, and escapes are kept. */
static void write_user_part(struct writer *writer, struct text user)
{
    for (size_t i = 0; i < user.length; i++) {
        const unsigned char c = (unsigned char)user.at[i];
        if (user_part_keeps(user.at[i])) {
            writer_put(writer, user.at[i]);
            continue;
        }
        writer_put(writer, '%');
        writer_put(writer, "0123456789ABCDEF"[c >> 4]);
        writer_put(writer, "0123456789ABCDEF"[c & 15]);
    }
}

/* Writes the AOR without scheme of a user part in the realm. */
static bool write_aor(enum aor_case how, struct text user, struct text realm, char out[AUTH_USER_SIZE])
{
    enum { SCHEME = 4 }; /* "sip:" */
    char text[2 * AUTH_USER_SIZE], aor[AUTH_USER_SIZE + SCHEME];
    struct writer writer = writer_begin(text, sizeof text);
    bool ipv6 = memchr(realm.at, ':', realm.length) != NULL;
    writer_put_text(&writer, TEXT("sip:"));
    write_user_part(&writer, user);
    if (user.length == 0 || writer.length >= AUTH_USER_SIZE + SCHEME)
        return false;
    writer_put_text(&writer, ipv6 ? TEXT("@[") : TEXT("@"));
    writer_put_text(&writer, realm);
    writer_put_text(&writer, ipv6 ? TEXT("]") : TEXT(""));
    size_t size = writer_end(&writer);
    int length = size > 0 ? sip_aor((struct text){text, size}, how, aor, sizeof aor - 1) : -ENOSPC;
    if (length <= SCHEME)
        return false;
    memcpy(out, aor + SCHEME, (size_t)length - SCHEME);
    out[length - SCHEME] = '\0';
    return true;
}

/* A username with a domain is a whole AOR, whose domain must be the realm. */
static bool attempt_set_user(struct attempt *attempt, struct text name)
{
    const char *at = memrchr(name.at, '@', name.length);
    const enum aor_case how = attempt->auth->config.aor_case;
    if (at == NULL)
        return write_aor(how, name, attempt->scope->realm, attempt->user);
    struct text domain = {at + 1, name.length - (size_t)(at + 1 - name.at)};
    return sip_host_equal(domain, attempt->scope->realm) &&
           write_aor(how, (struct text){name.at, (size_t)(at - name.at)}, attempt->scope->realm, attempt->user);
}

/* --- what can be wrong before anything is computed --- */

/* RFC 7616 3.4.6 wants the same resource as in the request line. User agents leave out parameters and the port, so that
   AORs are compared if the URIs differ. */
static bool is_same_resource(struct text uri, struct text request_uri)
{
    char a[AUTH_USER_SIZE], b[AUTH_USER_SIZE];
    if (text_equal(uri, request_uri) || sip_uri_equal(uri, request_uri))
        return true;
    int first = sip_aor(uri, AOR_CASE_SENSITIVE, a, sizeof a),
        second = sip_aor(request_uri, AOR_CASE_SENSITIVE, b, sizeof b);
    return first > 0 && second > 0 && text_equal((struct text){a, (size_t)first}, (struct text){b, (size_t)second});
}

static bool read_count(struct text text, uint32_t *count)
{
    *count = 0;
    for (size_t i = 0; i < text.length; i++) {
        char c = text.at[i];
        int digit = c >= '0' && c <= '9'                     ? c - '0'
                    : (c | 0x20) >= 'a' && (c | 0x20) <= 'f' ? (c | 0x20) - 'a' + 10
                                                             : -1;
        if (digit < 0)
            return false;
        *count = *count << 4 | (uint32_t)digit;
    }
    return text.length == 8 && *count > 0;
}

/* NULL: nothing. The challenge had a qop, so that the response must have one as well (RFC 7616 3.4). */
static const char *attempt_find_fault(struct attempt *attempt)
{
    const struct sip_credentials *credentials = &attempt->credentials;
    if (credentials->qop.at == NULL)
        return "the qop is missing";
    if (!text_equal_nocase(credentials->qop, TEXT("auth")))
        return "the qop is not auth";
    if (credentials->nc.at == NULL)
        return "the nc is missing";
    if (!read_count(credentials->nc, &attempt->count))
        return "the nc is not 8 hexadecimal digits above 0";
    if (credentials->cnonce.length == 0)
        return "the cnonce is missing";
    if (!is_same_resource(credentials->uri, sip_request_uri(attempt->request)))
        return "the uri is not the Request-URI";
    return NULL;
}

/* 8760-a. Without the parameter it is MD5 (RFC 7616 3.4). */
static bool attempt_set_algorithm(struct attempt *attempt)
{
    const struct auth_config *config = &attempt->auth->config;
    struct text name = attempt->credentials.algorithm;
    if (name.at == NULL)
        name = TEXT("MD5");
    for (size_t i = 0; i < config->algorithm_count; i++) {
        attempt->algorithm = config->algorithms[i];
        if (text_equal_nocase(name, text_of(auth_algorithm_name(attempt->algorithm))))
            return true;
    }
    return false;
}

/* --- the response --- */

static bool attempt_compute(const struct attempt *attempt, const char *ha1, char out[DIGEST_HEX_MOST])
{
    char ha2[DIGEST_HEX_MOST];
    enum digest digest = auth_digest(attempt->algorithm);
    struct digester *digester = &attempt->auth->digester;
    const struct sip_credentials *credentials = &attempt->credentials;
    const struct text request[] = {sip_method_text(attempt->request), credentials->uri};
    if (!digester_hex_joined(digester, digest, request, 2, ha2))
        return false;
    const struct text response[] = {text_of(ha1),        credentials->nonce, credentials->nc,
                                    credentials->cnonce, credentials->qop,   text_of(ha2)};
    return digester_hex_joined(digester, digest, response, 6, out);
}

static bool is_response(struct text given, const char *expected)
{
    char lower[DIGEST_HEX_MOST] = "";
    size_t length = strlen(expected);
    if (given.length != length)
        return false;
    for (size_t i = 0; i < length; i++)
        lower[i] = (char)(given.at[i] >= 'A' && given.at[i] <= 'F' ? given.at[i] | 0x20 : given.at[i]);
    return CRYPTO_memcmp(lower, expected, length) == 0;
}

/* 7616-a: a user that does not exist costs the same hashes and the same comparison. */
static enum auth_outcome attempt_compare_with(const struct attempt *attempt, struct text name, auth_find *find)
{
    char ha1[HA1_SIZE] = "", expected[DIGEST_HEX_MOST];
    const struct auth_config *config = &attempt->auth->config;
    int found = find(config->find_context, name, attempt->scope->realm, attempt->algorithm, ha1);
    if (found == 0)
        snprintf(ha1, sizeof ha1, "%0*d", attempt->algorithm == AUTH_MD5 ? 32 : 64, 0);
    ha1[HA1_SIZE - 1] = '\0';
    bool computed = found >= 0 && attempt_compute(attempt, ha1, expected);
    OPENSSL_cleanse(ha1, sizeof ha1);
    if (!computed)
        return AUTH_UNKNOWN;
    bool same = is_response(attempt->credentials.response, expected);
    return same && found == 1 ? AUTH_VALID : AUTH_WRONG;
}

/* Memory can only confirm a password. Whatever is wrong is looked up: otherwise the time of the answer would show which
   users are in memory, and a new password would be refused until the memory is emptied. */
static enum auth_outcome attempt_compare(const struct attempt *attempt, struct text name)
{
    const struct auth_config *config = &attempt->auth->config;
    if (config->recall != NULL && attempt_compare_with(attempt, name, config->recall) == AUTH_VALID)
        return AUTH_VALID;
    return attempt_compare_with(attempt, name, config->find);
}

/* 7616-b: stale=true is for right credentials alone, because the user is not asked for another password then. */
static enum auth_outcome attempt_run(struct attempt *attempt)
{
    char bytes[AUTH_USER_SIZE];
    struct auth *auth = attempt->auth;
    const char *fault = NULL;
    int length = sip_credentials_username(&attempt->credentials, bytes, sizeof bytes, &fault);
    if (length == -EBADMSG || (fault = attempt_find_fault(attempt)) != NULL) {
        auth->fault = fault;
        return AUTH_MALFORMED;
    }
    struct nonce nonce;
    const struct text name = {bytes, length > 0 ? (size_t)length : 0};
    bool given = nonce_read(&auth->nonces, attempt->credentials.nonce, attempt->scope, &nonce);
    auth->proved |= given;
    if (length < 0 || !attempt_set_user(attempt, name) || !attempt_set_algorithm(attempt))
        return AUTH_WRONG;
    enum auth_outcome outcome = attempt_compare(attempt, name);
    if (outcome == AUTH_VALID && !(given && nonce_use(&auth->nonces, &nonce, attempt->count)))
        return AUTH_STALE;
    return outcome;
}

/* --- the credentials of a request --- */

/* An empty nonce and response are no attempt: user agents of an IMS send them in their first REGISTER, to name the
   user (3GPP TS 24.229 5.1.1.2). */
static bool is_attempt(const struct sip_credentials *credentials)
{
    return credentials->nonce.length > 0 || credentials->response.length > 0;
}

/* Whose credentials they are is not known without a realm, and they count for this one. */
static enum auth_outcome check_field(struct attempt *attempt, struct text value, unsigned *attempts)
{
    const char *what;
    struct sip_credentials *credentials = &attempt->credentials;
    int error = sip_credentials_read(value, credentials, &what);
    bool named = credentials->realm.at != NULL;
    if ((error == 0 && !credentials->digest) || (named && !sip_quoted_equal(credentials->realm, attempt->scope->realm)))
        return AUTH_ABSENT;
    if (error == 0 && !is_attempt(credentials))
        return AUTH_ABSENT;
    if (error == 0 && ++*attempts > AUTH_ATTEMPTS_MOST)
        what = "there are too many credentials for one realm";
    else if (error == 0)
        return attempt_run(attempt);
    attempt->auth->fault = what;
    return AUTH_MALFORMED;
}

/* Of several outcomes: a wrong one counts above all, and otherwise the one that helps the client most. */
static enum auth_outcome stronger(enum auth_outcome a, enum auth_outcome b)
{
    static const unsigned char ranks[] = {[AUTH_ABSENT] = 0,  [AUTH_MALFORMED] = 1, [AUTH_STALE] = 2,
                                          [AUTH_UNKNOWN] = 3, [AUTH_VALID] = 4,     [AUTH_WRONG] = 5};
    return ranks[a] >= ranks[b] ? a : b;
}

/* The credentials of two users prove neither. */
static enum auth_outcome add_outcome(struct attempt *attempt, enum auth_outcome outcome, enum auth_outcome before)
{
    if (outcome == AUTH_VALID && before == AUTH_VALID && strcmp(attempt->user, attempt->valid_user) != 0)
        return AUTH_WRONG;
    if (outcome == AUTH_VALID)
        memcpy(attempt->valid_user, attempt->user, strlen(attempt->user) + 1);
    return stronger(outcome, before);
}

static enum auth_outcome check_fields(struct attempt *attempt, enum sip_header header)
{
    const struct sip_field *field;
    enum auth_outcome best = AUTH_ABSENT;
    unsigned fields = 0, attempts = 0;
    for (size_t at = 0; (field = sip_field_next(attempt->request, header, &at)) != NULL;) {
        if (fields++ == AUTH_FIELDS_MOST) {
            attempt->auth->fault = "there are too many credentials";
            return best == AUTH_WRONG ? best : AUTH_MALFORMED;
        }
        best = add_outcome(attempt, check_field(attempt, field->value, &attempts), best);
    }
    return best;
}

enum auth_outcome auth_check(struct auth *auth, const struct sip_message *request, enum auth_role role,
                             const struct nonce_scope *scope, char *user, size_t size)
{
    struct attempt attempt; /* most of it is set for each field */
    attempt.auth = auth;
    attempt.request = request;
    attempt.scope = scope;
    attempt.user[0] = attempt.valid_user[0] = '\0';
    auth->proved = false;
    enum auth_outcome outcome =
        check_fields(&attempt, role == AUTH_REGISTRAR ? HEADER_AUTHORIZATION : HEADER_PROXY_AUTHORIZATION);
    size_t length = outcome == AUTH_VALID ? strlen(attempt.valid_user) : 0;
    bool fits = length < size;
    memcpy(user, attempt.valid_user, fits ? length : 0);
    user[fits ? length : 0] = '\0';
    return fits ? outcome : AUTH_WRONG;
}

size_t auth_challenge(struct auth *auth, enum auth_role role, const struct nonce_scope *scope, bool stale, char *out,
                      size_t size)
{
    char nonce[NONCE_SIZE];
    struct writer writer = writer_begin(out, size);
    const struct text nonce_text = {nonce, nonce_write(&auth->nonces, scope, nonce)};
    for (size_t i = 0; i < auth->config.algorithm_count; i++) {
        writer_put_text(&writer, role == AUTH_REGISTRAR ? TEXT("WWW-Authenticate") : TEXT("Proxy-Authenticate"));
        writer_put_text(&writer, TEXT(": Digest realm=\""));
        writer_put_text(&writer, scope->realm);
        writer_put_text(&writer, TEXT("\", nonce=\""));
        writer_put_text(&writer, nonce_text);
        writer_put_text(&writer, TEXT("\", algorithm="));
        writer_put_text(&writer, text_of(auth_algorithm_name(auth->config.algorithms[i])));
        writer_put_text(&writer, stale ? TEXT(", qop=\"auth\", stale=true\r\n") : TEXT(", qop=\"auth\"\r\n"));
    }
    return writer_end(&writer);
}
