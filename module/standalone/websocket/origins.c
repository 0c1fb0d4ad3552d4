// SPDX-License-Identifier: BSD-2-Clause
#include "standalone/websocket/origins.h"

#include <ctype.h>
#include <errno.h>
#include <stdint.h>

#include "base/number.h"

struct origin {
    struct text scheme, host;
    uint32_t port; /* 0: the scheme has none */
};

static bool is_scheme(struct text text)
{
    for (size_t i = 0; i < text.length; i++) {
        unsigned char c = (unsigned char)text.at[i];
        if (!isalpha(c) && (i == 0 || (!isdigit(c) && c != '+' && c != '-' && c != '.')))
            return false;
    }
    return text.length > 0;
}

/* A name, an IPv4 address, or an IPv6 address in brackets. */
static bool is_host(struct text text)
{
    bool ipv6 = text.length > 2 && text.at[0] == '[' && text.at[text.length - 1] == ']';
    for (size_t i = ipv6; i < text.length - ipv6; i++) {
        unsigned char c = (unsigned char)text.at[i];
        bool fine =
            ipv6 ? isxdigit(c) != 0 || c == ':' || c == '.' : isalnum(c) != 0 || c == '-' || c == '.' || c == '_';
        if (!fine)
            return false;
    }
    return text.length > 0;
}

static bool read_port(struct text text, uint32_t *port)
{
    uint64_t number = 0;
    const bool fine = number_read(text, UINT16_MAX, &number);
    *port = (uint32_t)number;
    return fine && number > 0;
}

static uint32_t standard_port(struct text scheme)
{
    if (text_equal_nocase(scheme, TEXT("http")) || text_equal_nocase(scheme, TEXT("ws")))
        return 80;
    return text_equal_nocase(scheme, TEXT("https")) || text_equal_nocase(scheme, TEXT("wss")) ? 443 : 0;
}

/* Where the port's colon is, or the end: colons in brackets belong to the address. */
static size_t host_length(struct text text)
{
    size_t at = 0;
    if (text.length > 0 && text.at[0] == '[') {
        while (at < text.length && text.at[at] != ']')
            at++;
    }
    while (at < text.length && text.at[at] != ':')
        at++;
    return at;
}

static bool origin_read(struct text text, struct origin *origin)
{
    const char *colon = text.length > 0 ? memchr(text.at, ':', text.length) : NULL;
    size_t scheme = colon != NULL ? (size_t)(colon - text.at) : 0;
    if (text.length > ORIGIN_LENGTH_MOST || text.length < scheme + 3 || memcmp(text.at + scheme, "://", 3) != 0)
        return false;
    struct text rest = {text.at + scheme + 3, text.length - scheme - 3};
    size_t host = host_length(rest);
    *origin = (struct origin){.scheme = {text.at, scheme}, .host = {rest.at, host}};
    origin->port = standard_port(origin->scheme);
    if (!is_scheme(origin->scheme) || !is_host(origin->host))
        return false;
    return host == rest.length || read_port((struct text){rest.at + host + 1, rest.length - host - 1}, &origin->port);
}

static bool origin_equal(const struct origin *a, const struct origin *b)
{
    return text_equal_nocase(a->scheme, b->scheme) && text_equal_nocase(a->host, b->host) && a->port == b->port;
}

int origins_add(struct origins *origins, struct text origin)
{
    struct origin read;
    if (!origin_read(origin, &read))
        return -EINVAL;
    if (origins->count == ORIGINS_MOST)
        return -ENOSPC;
    origins->list[origins->count++] = origin;
    return 0;
}

bool origins_have(const struct origins *origins, struct text origin)
{
    struct origin asked, own;
    if (origins == NULL || origins->count == 0)
        return true;
    if (!origin_read(origin, &asked))
        return false;
    for (size_t i = 0; i < origins->count; i++) {
        if (origin_read(origins->list[i], &own) && origin_equal(&asked, &own))
            return true;
    }
    return false;
}
