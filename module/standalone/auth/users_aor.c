// SPDX-License-Identifier: BSD-2-Clause
#include "standalone/auth/users_aor.h"

#include <errno.h>
#include <openssl/crypto.h>
#include <stdio.h>

#include "flow/digest.h"
#include "sip/message.h"
#include "standalone/names/host_name.h"

static const char *uri_refuse(const struct sip_uri *uri)
{
    if (uri->user.length == 0)
        return "it has no user part: expected USER@DOMAIN";
    if (uri->port != 0)
        return "it has a port";
    return host_name_is_valid(uri->host) ? NULL : "its domain is not a host name or an IP address";
}

static const char *text_refuse(struct text text)
{
    for (size_t i = 0; i < text.length; i++) {
        unsigned char byte = (unsigned char)text.at[i];
        if (byte <= ' ' || byte >= 0x7f)
            return "it has a space, a control character or a byte that is not ASCII";
        if (strchr("<>\"\\,", byte) != NULL)
            return "it has one of the characters < > \" \\ ,";
    }
    const char *at = memrchr(text.at, '@', text.length);
    if (at == NULL)
        return "it has no user part: expected USER@DOMAIN";
    if (memchr(text.at, ':', (size_t)(at - text.at)) != NULL)
        return "it has a scheme other than sip:, or a password";
    if (memchr(at, ';', text.length - (size_t)(at - text.at)) != NULL ||
        memchr(at, '?', text.length - (size_t)(at - text.at)) != NULL)
        return "it has parameters or headers";
    return NULL;
}

static struct text without_scheme(struct text text)
{
    static const char *const schemes[] = {"sip:", "sips:"};
    for (size_t i = 0; i < sizeof schemes / sizeof schemes[0]; i++) {
        struct text scheme = text_of(schemes[i]);
        if (text.length >= scheme.length && text_equal_nocase((struct text){text.at, scheme.length}, scheme))
            return (struct text){text.at + scheme.length, text.length - scheme.length};
    }
    return text;
}

/* As a URI, with brackets round an IPv6 address that has none. */
static void uri_spell(struct text text, char out[USERS_AOR_SIZE + 8])
{
    const char *host = (const char *)memrchr(text.at, '@', text.length) + 1;
    size_t user = (size_t)(host - text.at), rest = text.length - user;
    const char *colon = memchr(host, ':', rest);
    bool bare = rest > 0 && host[0] != '[' && colon != NULL && memrchr(host, ':', rest) != colon;
    snprintf(out, USERS_AOR_SIZE + 8, "sip:%.*s%s%.*s%s", (int)user, text.at, bare ? "[" : "", (int)rest, host,
             bare ? "]" : "");
}

/* sip_uri_aor() writes the scheme first. */
static const char *uri_write(const struct sip_uri *uri, char aor[USERS_AOR_SIZE])
{
    char whole[USERS_AOR_SIZE + 8];
    int length = sip_uri_aor(uri, AOR_CASE_SENSITIVE, whole, sizeof whole);
    const char *colon = length > 0 ? strchr(whole, ':') : NULL;
    if (colon == NULL || strlen(colon + 1) >= USERS_AOR_SIZE)
        return "it is too long";
    memcpy(aor, colon + 1, strlen(colon + 1) + 1);
    return NULL;
}

const char *users_aor_read(struct text text, char aor[USERS_AOR_SIZE])
{
    char whole[USERS_AOR_SIZE + 8];
    struct sip_uri uri;
    text = without_scheme(text);
    if (text.length == 0)
        return "it is empty";
    if (text.length >= USERS_AOR_SIZE)
        return "it is too long";
    const char *why = text_refuse(text);
    if (why != NULL)
        return why;
    uri_spell(text, whole);
    int result = sip_uri_create(&uri, text_of(whole));
    why = result == -ENOMEM ? "out of memory" : result != 0 ? "it is not USER@DOMAIN" : uri_refuse(&uri);
    if (why == NULL)
        why = uri_write(&uri, aor);
    sip_uri_destroy(&uri);
    return why;
}

/* The realm of a normalised AOR: its host, as sip_host_write() spells it. Challenges must use this spelling. */
static struct text realm_of(const char *aor)
{
    struct text host = text_of(strrchr(aor, '@') + 1);
    bool brackets = host.length > 2 && host.at[0] == '[';
    return brackets ? (struct text){host.at + 1, host.length - 2} : host;
}

static bool names_hash(struct users_secrets *secrets, enum users_name name, struct text bytes)
{
    bool done = true;
    for (int algorithm = 0; algorithm < AUTH_ALGORITHMS; algorithm++)
        done = digest_hex(auth_digest(algorithm), bytes, secrets->ha1[algorithm][name]) && done;
    return done;
}

int users_secrets_create(struct users_secrets *secrets, const char *aor, struct text password)
{
    char bytes[2 * USERS_AOR_SIZE + USERS_PASSWORD_MOST + 8];
    struct text realm = realm_of(aor);
    size_t part = (size_t)(strrchr(aor, '@') - aor);
    if (password.length > USERS_PASSWORD_MOST)
        return -EMSGSIZE;
    bool done = true;
    for (int name = 0; name < USERS_NAMES; name++) {
        size_t user = name == USERS_USER_PART ? part : strlen(aor);
        int length = snprintf(bytes, sizeof bytes, "%.*s:%.*s:", (int)user, aor, (int)realm.length, realm.at);
        memcpy(bytes + length, password.at, password.length);
        done = names_hash(secrets, name, (struct text){bytes, (size_t)length + password.length}) && done;
    }
    OPENSSL_cleanse(bytes, sizeof bytes);
    return done ? 0 : -ENOTSUP;
}

bool users_ha1_is_valid(enum auth_algorithm algorithm, struct text ha1)
{
    return digest_is_hex(auth_digest(algorithm), ha1);
}
