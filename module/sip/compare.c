// SPDX-License-Identifier: BSD-2-Clause
#include <arpa/inet.h>
#include <errno.h>

#include "sip/internal.h"

/* Compares URIs, and writes the canonical form that equal URIs share. */

struct writer {
    char *at;
    size_t size, length;
};

static void put(struct writer *writer, char c)
{
    if (writer->length < writer->size)
        writer->at[writer->length] = c;
    writer->length++;
}

static void put_text(struct writer *writer, struct text text)
{
    for (size_t i = 0; i < text.length; i++)
        put(writer, text.at[i]);
}

static void put_lower(struct writer *writer, struct text text)
{
    for (size_t i = 0; i < text.length; i++)
        put(writer, sip_lower(text.at[i]));
}

static int written(const struct writer *writer)
{
    return writer->length <= writer->size ? (int)writer->length : -ENOSPC;
}

/* The decoded character at *i; *escaped is set if it was an escape. Advances *i. */
static char next_char(struct text text, size_t *i, bool *escaped)
{
    char c = text.at[(*i)++];
    *escaped = c == '%' && *i + 1 < text.length && sip_hex(text.at[*i]) >= 0 && sip_hex(text.at[*i + 1]) >= 0;
    if (!*escaped)
        return c;
    c = (char)(sip_hex(text.at[*i]) << 4 | sip_hex(text.at[*i + 1]));
    *i += 2;
    return c;
}

/* Decodes the escapes of characters that `bare` allows unescaped. */
static void put_unescaped(struct writer *writer, struct text text, enum character_class bare)
{
    static const char DIGITS[] = "0123456789ABCDEF";
    for (size_t i = 0; i < text.length;) {
        bool escaped;
        char c = next_char(text, &i, &escaped);
        if (!escaped || sip_is(c, bare)) {
            put(writer, c);
            continue;
        }
        put(writer, '%');
        put(writer, DIGITS[(unsigned char)c >> 4]);
        put(writer, DIGITS[c & 15]);
    }
}

static void put_host(struct writer *writer, struct text host, bool ipv6)
{
    if (ipv6)
        put(writer, '[');
    put_lower(writer, host);
    if (ipv6)
        put(writer, ']');
}

int sip_uri_aor(const struct sip_uri *uri, char *out, size_t size)
{
    struct writer writer = {.size = size};
    struct text host = uri->host;
    writer.at = out;
    /* A name with and without a final dot is the same name. */
    if (host.length > 1 && host.at[host.length - 1] == '.')
        host.length--;
    put_text(&writer, TEXT("sip:"));
    if (uri->user.length > 0) {
        put_unescaped(&writer, uri->user, CHARACTER_USER);
        put(&writer, '@');
    }
    put_host(&writer, host, host.length > 0 && memchr(host.at, ':', host.length) != NULL);
    return written(&writer);
}

/* The next name[=value] of a list with `separator` before or between; false at its end. */
static bool next_pair(struct text *rest, char separator, struct text *name, struct text *value)
{
    if (rest->length == 0)
        return false;
    const char *at = rest->at, *end = rest->at + rest->length;
    if (*at == separator)
        at++;
    if (at == end)
        return false;
    const char *stop = memchr(at, separator, (size_t)(end - at));
    if (stop == NULL)
        stop = end;
    const char *equals = memchr(at, '=', (size_t)(stop - at));
    *name = sip_between(at, equals != NULL ? equals : stop);
    *value = equals != NULL ? sip_between(equals + 1, stop) : (struct text){0};
    *rest = sip_between(stop, end);
    return true;
}

bool sip_uri_is_sip(struct text uri)
{
    const char *colon = uri.length > 0 ? memchr(uri.at, ':', uri.length) : NULL;
    struct text scheme = {uri.at, colon != NULL ? (size_t)(colon - uri.at) : 0};
    return text_equal_nocase(scheme, TEXT("sip")) || text_equal_nocase(scheme, TEXT("sips"));
}

/* A telephone number up to its parameters, and the phone-context among those. */
static void put_number(struct writer *writer, struct text number)
{
    struct text name, value, rest = number;
    const char *semicolon = number.length > 0 ? memchr(number.at, ';', number.length) : NULL;
    if (semicolon != NULL)
        number = sip_between(number.at, semicolon);
    for (size_t i = 0; i < number.length; i++)
        if (strchr("-.()", number.at[i]) == NULL)
            put(writer, sip_lower(number.at[i]));
    rest = sip_between(number.at + number.length, rest.at + rest.length);
    while (number.length > 0 && number.at[0] != '+' && next_pair(&rest, ';', &name, &value)) {
        if (!text_equal_nocase(name, TEXT("phone-context")))
            continue;
        put_text(writer, TEXT(";phone-context="));
        put_lower(writer, value);
        return;
    }
}

int sip_aor(struct text uri, char *out, size_t size)
{
    static const struct text service = {"urn:service:", 12};
    struct writer writer = {.size = size};
    struct sip_uri_parts parts;
    int result = sip_uri_cut(uri, &parts);
    writer.at = out;
    if (result == 0) {
        struct sip_uri sip;
        result = sip_uri_create(&sip, uri);
        result = result == 0 ? sip_uri_aor(&sip, out, size) : result;
        sip_uri_destroy(&sip);
        return result;
    }
    if (result != -EPROTONOSUPPORT)
        return result;
    struct text rest = sip_between(parts.scheme.at + parts.scheme.length + 1, uri.at + uri.length);
    put_lower(&writer, parts.scheme);
    put(&writer, ':');
    if (text_equal_nocase(parts.scheme, TEXT("tel")))
        put_number(&writer, rest);
    else if (uri.length > service.length && text_equal_nocase((struct text){uri.at, service.length}, service))
        put_lower(&writer, rest);
    else
        put_text(&writer, rest);
    return written(&writer);
}

int sip_uri_canonical(struct text uri, char *out, size_t size)
{
    struct writer writer = {.size = size};
    writer.at = out;
    struct sip_uri_parts parts;
    int result = sip_uri_cut(uri, &parts);
    if (result == -EBADMSG)
        return result;
    put_lower(&writer, parts.scheme);
    put(&writer, ':');
    if (result == -EPROTONOSUPPORT) {
        put_text(&writer, sip_between(parts.scheme.at + parts.scheme.length + 1, uri.at + uri.length));
        return written(&writer);
    }
    if (parts.has_user) {
        put_unescaped(&writer, sip_between(parts.user.at, parts.host.at - (parts.ipv6 ? 2 : 1)), CHARACTER_UNRESERVED);
        put(&writer, '@');
    }
    put_host(&writer, parts.host, parts.ipv6);
    if (parts.port.length > 0) {
        put(&writer, ':');
        put_text(&writer, parts.port);
    }
    put_unescaped(&writer, parts.parameters, CHARACTER_UNRESERVED);
    if (parts.has_headers) {
        put(&writer, '?');
        put_unescaped(&writer, parts.headers, CHARACTER_UNRESERVED);
    }
    return written(&writer);
}

/* An escape equals its character, but for the reserved ones (RFC 3261 19.1.4). */
static bool equal_escaped(struct text a, struct text b, bool any_case)
{
    size_t i = 0, k = 0;
    while (i < a.length && k < b.length) {
        bool a_escaped, b_escaped;
        char x = next_char(a, &i, &a_escaped), y = next_char(b, &k, &b_escaped);
        if (x != y && !(any_case && sip_lower(x) == sip_lower(y)))
            return false;
        if (a_escaped != b_escaped && sip_is(x, CHARACTER_RESERVED))
            return false;
    }
    return i == a.length && k == b.length;
}

/* Addresses of IPv6 by value (RFC 5954 4.2). */
static bool equal_hosts(const struct sip_uri_parts *a, const struct sip_uri_parts *b)
{
    char first[64] = "", second[64] = "";
    unsigned char x[16], y[16];
    if (a->ipv6 != b->ipv6)
        return false;
    if (!a->ipv6 || a->host.length >= sizeof first || b->host.length >= sizeof second)
        return text_equal_nocase(a->host, b->host);
    memcpy(first, a->host.at, a->host.length);
    memcpy(second, b->host.at, b->host.length);
    if (inet_pton(AF_INET6, first, x) == 1 && inet_pton(AF_INET6, second, y) == 1)
        return memcmp(x, y, sizeof x) == 0;
    return text_equal_nocase(a->host, b->host);
}

enum agreement { ABSENT, DIFFERENT, EQUAL };

/* A parameter that occurs twice, which is not allowed, matches by any of its values. */
static enum agreement find_pair(struct text list, char separator, struct text name, struct text value, bool any_case)
{
    struct text other, content;
    enum agreement found = ABSENT;
    while (found != EQUAL && next_pair(&list, separator, &other, &content))
        if (equal_escaped(other, name, true))
            found = equal_escaped(content, value, any_case) ? EQUAL : DIFFERENT;
    return found;
}

/* These parameters count even if only one of the URIs has them. */
static bool always_counts(struct text name)
{
    return text_equal_nocase(name, TEXT("user")) || text_equal_nocase(name, TEXT("ttl")) ||
           text_equal_nocase(name, TEXT("method")) || text_equal_nocase(name, TEXT("maddr"));
}

/* Every parameter of `a` against `b`. */
static bool parameters_agree(struct text a, struct text b)
{
    struct text name, value;
    while (next_pair(&a, ';', &name, &value)) {
        enum agreement found = find_pair(b, ';', name, value, true);
        if (found == DIFFERENT || (found == ABSENT && always_counts(name)))
            return false;
    }
    return true;
}

static bool headers_within(struct text a, struct text b)
{
    struct text name, value;
    while (next_pair(&a, '&', &name, &value))
        if (find_pair(b, '&', name, value, false) != EQUAL)
            return false;
    return true;
}

/* For other schemes, only the case of the scheme itself is known to be insignificant. */
static bool equal_foreign(struct text a, struct text b, size_t scheme)
{
    return a.length == b.length && text_equal_nocase((struct text){a.at, scheme}, (struct text){b.at, scheme}) &&
           memcmp(a.at + scheme, b.at + scheme, a.length - scheme) == 0;
}

bool sip_uri_equal(struct text a, struct text b)
{
    struct sip_uri_parts x, y;
    int first = sip_uri_cut(a, &x), second = sip_uri_cut(b, &y);
    if (first == -EBADMSG || first != second)
        return false;
    if (first != 0)
        return equal_foreign(a, b, x.scheme.length);
    return text_equal_nocase(x.scheme, y.scheme) && x.has_user == y.has_user && equal_escaped(x.user, y.user, false) &&
           equal_escaped(x.password, y.password, false) && equal_hosts(&x, &y) && text_equal(x.port, y.port) &&
           parameters_agree(x.parameters, y.parameters) && parameters_agree(y.parameters, x.parameters) &&
           headers_within(x.headers, y.headers) && headers_within(y.headers, x.headers);
}
