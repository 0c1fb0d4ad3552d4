// SPDX-License-Identifier: BSD-2-Clause
#include <arpa/inet.h>
#include <errno.h>

#include "base/hash.h"
#include "base/writer.h"
#include "sip/internal.h"

/* Compares URIs (RFC 3261 19.1.4), and writes the canonical forms of addresses-of-record. */

static void put_lower(struct writer *writer, struct text text)
{
    for (size_t i = 0; i < text.length; i++)
        writer_put(writer, sip_lower(text.at[i]));
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

/* Decodes the escapes of characters that need none in a user part. */
static void put_user(struct writer *writer, struct text user)
{
    static const char DIGITS[] = "0123456789ABCDEF";
    for (size_t i = 0; i < user.length;) {
        bool escaped;
        char c = next_char(user, &i, &escaped);
        if (!escaped || sip_is(c, CHARACTER_USER)) {
            writer_put(writer, c);
            continue;
        }
        writer_put(writer, '%');
        writer_put(writer, DIGITS[(unsigned char)c >> 4]);
        writer_put(writer, DIGITS[c & 15]);
    }
}

/* 5954-4.a: every spelling of an IPv6 address becomes the same one; one that contains an IPv4 address (RFC 4291
   2.5.5.2) becomes that. Other hosts remain as they are. */
static struct text spell_address(struct text host, char out[INET6_ADDRSTRLEN])
{
    static const unsigned char mapped[12] = {[10] = 0xff, [11] = 0xff};
    unsigned char address[16];
    if (!sip_host_read_ipv6(host, address))
        return host;
    bool four = memcmp(address, mapped, sizeof mapped) == 0;
    inet_ntop(four ? AF_INET : AF_INET6, four ? address + sizeof mapped : address, out, INET6_ADDRSTRLEN);
    return text_of(out);
}

static void put_host(struct writer *writer, struct text host)
{
    char spelled[INET6_ADDRSTRLEN];
    host = spell_address(host, spelled);
    bool ipv6 = host.length > 0 && memchr(host.at, ':', host.length) != NULL;
    if (ipv6)
        writer_put(writer, '[');
    put_lower(writer, host);
    if (ipv6)
        writer_put(writer, ']');
}

static struct text without_brackets(struct text host)
{
    bool bracketed = host.length > 2 && host.at[0] == '[' && host.at[host.length - 1] == ']';
    return bracketed ? sip_between(host.at + 1, host.at + host.length - 1) : host;
}

/* A name with and without a final dot is the same name. */
static struct text without_dot(struct text host)
{
    return host.length > 1 && host.at[host.length - 1] == '.' ? (struct text){host.at, host.length - 1} : host;
}

int sip_host_write(struct text host, char *out, size_t size)
{
    char spelled[INET6_ADDRSTRLEN];
    struct writer writer = writer_begin(out, size);
    put_lower(&writer, spell_address(without_brackets(without_dot(host)), spelled));
    return written(&writer);
}

bool sip_host_equal(struct text a, struct text b)
{
    char x[INET6_ADDRSTRLEN], y[INET6_ADDRSTRLEN];
    a = without_brackets(without_dot(a));
    b = without_brackets(without_dot(b));
    return text_equal_nocase(a, b) || text_equal_nocase(spell_address(a, x), spell_address(b, y));
}

void sip_aor_fold(enum aor_case user, char *aor, size_t length)
{
    for (size_t i = 0; user == AOR_ANY_CASE && i < length; i++)
        aor[i] = sip_lower(aor[i]);
}

int sip_uri_aor(const struct sip_uri *uri, enum aor_case user, char *out, size_t size)
{
    struct writer writer = writer_begin(out, size);
    struct text host = without_dot(uri->host);
    writer_put_text(&writer, TEXT("sip:"));
    if (uri->user.length > 0) {
        put_user(&writer, uri->user);
        writer_put(&writer, '@');
    }
    put_host(&writer, host);
    sip_aor_fold(user, out, writer.length < size ? writer.length : size);
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
            writer_put(writer, sip_lower(number.at[i]));
    rest = sip_between(number.at + number.length, rest.at + rest.length);
    while (number.length > 0 && number.at[0] != '+' && next_pair(&rest, ';', &name, &value)) {
        if (!text_equal_nocase(name, TEXT("phone-context")))
            continue;
        writer_put_text(writer, TEXT(";phone-context="));
        put_lower(writer, value);
        return;
    }
}

int sip_aor(struct text uri, enum aor_case user, char *out, size_t size)
{
    static const struct text service = {"urn:service:", 12};
    struct writer writer = writer_begin(out, size);
    struct sip_uri_parts parts;
    int result = sip_uri_cut(uri, &parts);
    if (result == 0) {
        struct sip_uri sip = {.scheme = parts.scheme, .user = parts.user, .host = parts.host};
        return sip_uri_aor(&sip, user, out, size);
    }
    if (result != -EPROTONOSUPPORT)
        return result;
    struct text rest = sip_between(parts.scheme.at + parts.scheme.length + 1, uri.at + uri.length);
    put_lower(&writer, parts.scheme);
    writer_put(&writer, ':');
    if (text_equal_nocase(parts.scheme, TEXT("tel")))
        put_number(&writer, rest);
    else if (uri.length > service.length && text_equal_nocase((struct text){uri.at, service.length}, service))
        put_lower(&writer, rest);
    else
        writer_put_text(&writer, rest);
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

/* A final dot counts here, because RFC 3261 19.1.4 knows no exception for it. */
static bool equal_hosts(const struct sip_uri_parts *a, const struct sip_uri_parts *b)
{
    return a->ipv6 == b->ipv6 && (a->ipv6 ? sip_host_equal(a->host, b->host) : text_equal_nocase(a->host, b->host));
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

/* These parameters count even if only one of the URIs has them. Section 19.1.4 lists transport only in its examples. */
static const struct text counting[] = {{"user", 4}, {"ttl", 3}, {"method", 6}, {"maddr", 5}, {"transport", 9}};

enum { COUNTING = sizeof counting / sizeof counting[0] };

static bool always_counts(struct text name)
{
    bool counts = false;
    for (size_t i = 0; i < COUNTING; i++)
        counts |= equal_escaped(name, counting[i], true);
    return counts;
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

/* Each parameter is looked for among those of the other URI, and a stranger chooses both. */
static bool has_many_parts(const struct sip_uri_parts *parts)
{
    enum { PARTS_MOST = 8 };
    size_t count = 0;
    for (size_t i = 0; i < parts->parameters.length; i++)
        count += parts->parameters.at[i] == ';';
    for (size_t i = 0; i < parts->headers.length; i++)
        count += parts->headers.at[i] == '&';
    return count > PARTS_MOST;
}

bool sip_uri_equal(struct text a, struct text b)
{
    struct sip_uri_parts x, y;
    int first = sip_uri_cut(a, &x), second = sip_uri_cut(b, &y);
    if (first == -EBADMSG || first != second)
        return false;
    if (first != 0)
        return equal_foreign(a, b, x.scheme.length);
    if (has_many_parts(&x) || has_many_parts(&y))
        return text_equal(a, b);
    return text_equal_nocase(x.scheme, y.scheme) && x.has_user == y.has_user && equal_escaped(x.user, y.user, false) &&
           equal_escaped(x.password, y.password, false) && equal_hosts(&x, &y) && text_equal(x.port, y.port) &&
           parameters_agree(x.parameters, y.parameters) && parameters_agree(y.parameters, x.parameters) &&
           headers_within(x.headers, y.headers) && headers_within(y.headers, x.headers);
}

/* --- a key for tables and lists --- */

static void put_decoded(struct writer *writer, struct text text, bool any_case)
{
    for (size_t i = 0; i < text.length;) {
        bool escaped;
        char c = next_char(text, &i, &escaped);
        writer_put(writer, any_case ? sip_lower(c) : c);
    }
}

static bool decoded_is_less(struct text a, struct text b)
{
    size_t i = 0, k = 0;
    while (i < a.length && k < b.length) {
        bool escaped;
        char x = sip_lower(next_char(a, &i, &escaped)), y = sip_lower(next_char(b, &k, &escaped));
        if (x != y)
            return x < y;
    }
    return i == a.length && k < b.length;
}

/* A parameter that occurs twice matches in any order, so the least of its values stands for all of them. */
static void put_counting(struct writer *writer, struct text parameters, struct text counted)
{
    struct text name, value, least = {0};
    bool found = false;
    while (next_pair(&parameters, ';', &name, &value)) {
        if (!equal_escaped(name, counted, true))
            continue;
        if (!found || decoded_is_less(value, least))
            least = value;
        found = true;
    }
    writer_put(writer, found ? '=' : ';');
    put_decoded(writer, least, true);
}

static void put_host_value(struct writer *writer, const struct sip_uri_parts *parts)
{
    unsigned char address[16];
    if (parts->ipv6 && sip_host_read_ipv6(parts->host, address))
        writer_put_text(writer, (struct text){(const char *)address, sizeof address});
    else
        put_lower(writer, parts->host);
}

static void put_what_must_match(struct writer *writer, const struct sip_uri_parts *parts)
{
    put_lower(writer, parts->scheme);
    writer_put(writer, ':');
    put_decoded(writer, parts->user, false);
    writer_put(writer, ':');
    put_decoded(writer, parts->password, false);
    writer_put(writer, parts->has_user ? '@' : ' ');
    put_host_value(writer, parts);
    writer_put(writer, ':');
    writer_put_text(writer, parts->port);
    for (size_t i = 0; i < COUNTING; i++)
        put_counting(writer, parts->parameters, counting[i]);
}

/* Headers and the other parameters are left to the comparison: the former are rare, and the latter may be absent in one
   of two equal URIs. Equal URIs have equal texts here, and so have their first bytes. */
uint32_t sip_uri_key(struct text uri)
{
    enum { ENOUGH = 512 };
    char bytes[ENOUGH];
    struct writer writer = writer_begin(bytes, sizeof bytes);
    struct sip_uri_parts parts;
    int result = sip_uri_cut(uri, &parts);
    if (result == 0) {
        put_what_must_match(&writer, &parts);
    } else if (result == -EPROTONOSUPPORT) {
        put_lower(&writer, parts.scheme);
        writer_put_text(&writer, sip_between(parts.scheme.at + parts.scheme.length, uri.at + uri.length));
    } else {
        writer_put_text(&writer, uri);
    }
    size_t length = writer.length < sizeof bytes ? writer.length : sizeof bytes;
    return (uint32_t)hash_fixed((struct text){bytes, length});
}
