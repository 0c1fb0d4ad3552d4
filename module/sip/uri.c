// SPDX-License-Identifier: BSD-2-Clause
#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>

#include <osipparser2/osip_port.h>
#include <osipparser2/osip_uri.h>

#include "sip/internal.h"

/* An IPv6 reference. A third colon before an embedded IPv4 address, which the grammar of RFC 3261 allowed, is
   ignored (RFC 5118 4.10). */
bool sip_host_read_ipv6(struct text host, unsigned char address[16])
{
    char copy[64];
    size_t length = 0;
    if (host.length == 0 || memchr(host.at, ':', host.length) == NULL)
        return false;
    bool embedded = memchr(host.at, '.', host.length) != NULL;
    for (size_t i = 0; i < host.length && length + 1 < sizeof copy; i++) {
        copy[length++] = host.at[i];
        if (embedded && length >= 3 && memcmp(copy + length - 3, ":::", 3) == 0) {
            embedded = false;
            length--;
        }
    }
    copy[length] = '\0';
    return strlen(copy) == length && inet_pton(AF_INET6, copy, address) == 1;
}

bool sip_host_valid(struct text host, bool ipv6)
{
    unsigned char address[16];
    if (ipv6)
        return sip_host_read_ipv6(host, address);
    return host.length > 0 && host.length <= 255 && sip_are_all(host, CHARACTER_HOST);
}

static const char *find(const char *at, const char *end, char c)
{
    const char *found = at < end ? memchr(at, c, (size_t)(end - at)) : NULL;
    return found != NULL ? found : end;
}

static bool is_scheme(struct text scheme)
{
    for (size_t i = 0; i < scheme.length; i++) {
        char c = sip_lower(scheme.at[i]);
        bool letter = c >= 'a' && c <= 'z';
        if (!letter && (i == 0 || !((c >= '0' && c <= '9') || c == '+' || c == '-' || c == '.')))
            return false;
    }
    return scheme.length > 0;
}

/* No character that ends a URI in a message, and only complete escapes. */
static bool has_uri_chars(struct text text)
{
    const char *at = text.at, *end = text.at + text.length;
    while ((at = find(at, end, '%')) < end) {
        if (end - at < 3 || sip_hex(at[1]) < 0 || sip_hex(at[2]) < 0)
            return false;
        at++;
    }
    return sip_are_all(text, CHARACTER_URI);
}

/* host[:port], up to `stop`. */
static int cut_host(const char *at, const char *stop, struct sip_uri_parts *parts)
{
    const char *colon;
    parts->ipv6 = at < stop && *at == '[';
    if (parts->ipv6) {
        const char *close = find(at, stop, ']');
        if (close == stop)
            return -EBADMSG;
        parts->host = sip_between(at + 1, close);
        colon = close + 1;
    } else {
        colon = find(at, stop, ':');
        parts->host = sip_between(at, colon);
    }
    if (colon < stop) {
        uint64_t port = 0;
        parts->port = sip_between(colon + 1, stop);
        if (*colon != ':' || !sip_digits(parts->port, &port) || port == 0 || port > 65535 || parts->port.length > 5)
            return -EBADMSG;
    }
    return sip_host_valid(parts->host, parts->ipv6) ? 0 : -EBADMSG;
}

static int check_uri_parameters(struct text parameters)
{
    const char *at = parameters.at, *end = at + parameters.length;
    for (unsigned count = 1; at < end; count++) {
        const char *stop = find(at + 1, end, ';');
        if (stop == at + 1 || at[1] == '=' || count > MOST_PARAMETERS)
            return -EBADMSG;
        at = stop;
    }
    return 0;
}

static int check_uri_headers(struct text headers)
{
    unsigned count = 0;
    for (size_t i = 0; i < headers.length; i++)
        count += headers.at[i] == '&';
    return count < MOST_PARAMETERS ? 0 : -EBADMSG;
}

static void cut_user(const char *at, const char *stop, struct sip_uri_parts *parts)
{
    const char *colon = find(at, stop, ':');
    parts->has_user = true;
    parts->user = sip_between(at, colon);
    if (colon < stop)
        parts->password = sip_between(colon + 1, stop);
}

int sip_uri_cut(struct text text, struct sip_uri_parts *parts)
{
    *parts = (struct sip_uri_parts){0};
    if (text.length == 0)
        return -EBADMSG;
    const char *end = text.at + text.length;
    const char *at = find(text.at, end, ':');
    parts->scheme = sip_between(text.at, at);
    if (at == end || at + 1 == end || !is_scheme(parts->scheme) || !has_uri_chars(text))
        return -EBADMSG;
    if (!text_equal_nocase(parts->scheme, TEXT("sip")) && !text_equal_nocase(parts->scheme, TEXT("sips")))
        return -EPROTONOSUPPORT;
    at++;
    const char *host = find(at, end, '@');
    if (host < end)
        cut_user(at, host, parts);
    host = host < end ? host + 1 : at;
    if ((parts->has_user && parts->user.length == 0) || find(host, end, '@') != end)
        return -EBADMSG;
    const char *headers = find(host, end, '?');
    parts->has_headers = headers < end;
    if (parts->has_headers)
        parts->headers = sip_between(headers + 1, end);
    const char *parameters = find(host, headers, ';');
    parts->parameters = sip_between(parameters, headers);
    if (cut_host(host, parameters, parts) != 0 || check_uri_parameters(parts->parameters) != 0)
        return -EBADMSG;
    return check_uri_headers(parts->headers);
}

static void take_parameter(struct sip_uri *uri, struct text name, struct text value)
{
    uri->lr = uri->lr || text_equal_nocase(name, TEXT("lr"));
    uri->ob = uri->ob || text_equal_nocase(name, TEXT("ob"));
    if (uri->transport.length == 0 && text_equal_nocase(name, TEXT("transport")))
        uri->transport = value;
}

/* Parameters without escapes, which are what they look like. */
static void read_plain_parameters(struct sip_uri *uri, struct text parameters)
{
    const char *at = parameters.at, *end = at + parameters.length;
    while (at < end) {
        const char *stop = find(at + 1, end, ';'), *equals = find(at + 1, stop, '=');
        take_parameter(uri, sip_between(at + 1, equals), sip_between(equals < stop ? equals + 1 : stop, stop));
        at = stop;
    }
}

/* What libosip2 decodes, or reads in its own way: escapes in parameters, values that are empty or begin with a comma,
   and headers. */
static bool is_plain(const struct sip_uri_parts *parts)
{
    const char *at = parts->parameters.at, *end = at + parts->parameters.length;
    if (parts->has_headers || find(at, end, '%') < end)
        return false;
    for (at = find(at, end, '='); at < end; at = find(at + 1, end, '='))
        if (at + 1 == end || at[1] == ';' || at[1] == ',')
            return false;
    return true;
}

/* libosip2 parses the URI without the user part: it would decode escapes there, so that "%00" would end it, and it
   rejects an empty password. */
static int parse_without_user(osip_uri_t *parsed, struct text text, const struct sip_uri_parts *parts)
{
    struct sip_copy copy;
    int result = sip_copy_create(&copy, text);
    if (result == 0 && parts->has_user) {
        size_t from = (size_t)(parts->host.at - text.at) - (parts->ipv6 ? 1 : 0), to = parts->scheme.length + 1;
        memmove(copy.at + to, copy.at + from, text.length - from + 1);
    }
    if (result == 0)
        result = sip_osip_error(osip_uri_parse(parsed, copy.at));
    sip_copy_destroy(&copy);
    return result;
}

static int read_decoded_parameters(struct sip_uri *uri, struct text text, const struct sip_uri_parts *parts)
{
    osip_uri_t *parsed = NULL;
    osip_list_iterator_t iterator;
    if (osip_uri_init(&parsed) != 0)
        return -ENOMEM;
    uri->memory = parsed;
    int result = parse_without_user(parsed, text, parts);
    if (result != 0)
        return result;
    osip_uri_param_t *parameter = osip_list_get_first(&parsed->url_params, &iterator);
    for (; osip_list_iterator_has_elem(iterator); parameter = osip_list_get_next(&iterator))
        take_parameter(uri, text_of(parameter->gname), text_of(parameter->gvalue));
    return 0;
}

int sip_uri_create(struct sip_uri *uri, struct text text)
{
    struct sip_uri_parts parts;
    uint64_t port = 0;
    *uri = (struct sip_uri){0};
    int result = sip_uri_cut(text, &parts);
    if (result == -EBADMSG)
        return result;
    uri->scheme = parts.scheme;
    if (result != 0)
        return result;
    uri->user = parts.user;
    uri->host = parts.host;
    if (sip_digits(parts.port, &port))
        uri->port = (uint32_t)port;
    if (is_plain(&parts))
        read_plain_parameters(uri, parts.parameters);
    else
        result = read_decoded_parameters(uri, text, &parts);
    if (result != 0)
        sip_uri_destroy(uri);
    return result;
}

/* ";%6Dethod=INVITE" is the parameter "method", too. */
static bool names_method(struct text parameter)
{
    static const struct text method = {"method", 6};
    size_t i = 1, k = 0;
    while (i < parameter.length && parameter.at[i] != '=') {
        char c = parameter.at[i++];
        if (c == '%') {
            c = (char)(sip_hex(parameter.at[i]) << 4 | sip_hex(parameter.at[i + 1]));
            i += 2;
        }
        if (k == method.length || sip_lower(c) != method.at[k++])
            return false;
    }
    return k == method.length;
}

size_t sip_uri_strip(char *uri, size_t length)
{
    struct sip_uri_parts parts;
    if (sip_uri_cut((struct text){uri, length}, &parts) != 0)
        return length;
    const char *at = parts.parameters.at, *end = at + parts.parameters.length;
    char *to = uri + (at - uri);
    while (at < end) {
        struct text parameter = sip_between(at, find(at + 1, end, ';'));
        at += parameter.length;
        if (names_method(parameter))
            continue;
        memmove(to, parameter.at, parameter.length);
        to += parameter.length;
    }
    return (size_t)(to - uri);
}

void sip_uri_destroy(struct sip_uri *uri)
{
    if (uri->memory != NULL)
        osip_uri_free(uri->memory);
    *uri = (struct sip_uri){0};
}
