// SPDX-License-Identifier: BSD-2-Clause
#include "sip/internal.h"

/* The topmost Via. It is read in place, and not by libosip2, because this runs for every message, and libosip2 takes
   memory for each part. */

static const char MALFORMED[] = "the topmost value is malformed";

static struct text without_brackets(struct text host)
{
    if (host.length >= 2 && host.at[0] == '[' && host.at[host.length - 1] == ']')
        return (struct text){host.at + 1, host.length - 2};
    return host;
}

static bool read_rport(struct sip_via *via, struct text value)
{
    uint64_t port = 0;
    via->has_rport = true;
    if (value.length > 0 && (!sip_digits(value, &port) || port > 65535))
        return false;
    via->rport = (uint32_t)port;
    return true;
}

/* Of two parameters with the same name, the first one counts. An empty value counts as absent, except for the
   branch: devices write ";rport=" (RFC 3581 wants ";rport"). */
static bool read_parameter(struct sip_via *via, struct text name, struct text value)
{
    if (text_equal_nocase(name, TEXT("branch"))) {
        if (via->branch.length == 0)
            via->branch = value;
        return value.length > 0;
    }
    if (via->received.length == 0 && text_equal_nocase(name, TEXT("received")))
        via->received = without_brackets(value);
    else if (!via->has_rport && text_equal_nocase(name, TEXT("rport")))
        return read_rport(via, value);
    else if (text_equal_nocase(name, TEXT("alias")))
        via->has_alias = true;
    return true;
}

static bool read_parameters(struct sip_via *via, struct text parameters)
{
    struct text name, value;
    const char *what = NULL;
    unsigned count = 0;
    if (memchr(parameters.at, '\0', parameters.length) != NULL)
        return false;
    while (sip_next_parameter(&parameters, &name, &value, &what))
        if (++count > MOST_PARAMETERS || !read_parameter(via, name, value))
            return false;
    return what == NULL;
}

/* An IPv6 reference is followed by a port or nothing. */
static bool closes_well(const char *at, const char *end)
{
    const char *bracket = memchr(at, ']', (size_t)(end - at));
    if (bracket == NULL)
        return true;
    do
        bracket++;
    while (bracket < end && sip_is_space(*bracket));
    return bracket == end || *bracket == ':';
}

/* Skips white space at *at and reads the word behind it. Advances *at to the end of the word. Returns false if the text
   ends there. */
static bool cut_word(const char **at, const char *end, struct text *word)
{
    const char *start = *at;
    while (start < end && sip_is_space(*start))
        start++;
    for (*at = start; *at < end && !sip_is_space(**at);)
        ++*at;
    *word = sip_between(start, *at);
    return *at < end;
}

/* Reads "SIP/2.0/UDP" from *at and advances *at. The slashes may have white space around them. */
static const char *read_protocol(const char **at, const char *end, struct sip_via *via)
{
    const char *first = memchr(*at, '/', (size_t)(end - *at));
    const char *second = first != NULL ? memchr(first + 1, '/', (size_t)(end - first - 1)) : NULL;
    if (second == NULL)
        return MALFORMED;
    struct text name = sip_trim(sip_between(*at, first)), version = sip_trim(sip_between(first + 1, second));
    *at = second + 1;
    if (!cut_word(at, end, &via->transport))
        return MALFORMED;
    if (!text_equal_nocase(name, TEXT("SIP")) || !text_equal(version, TEXT("2.0")))
        return "the topmost value is not of SIP/2.0";
    return sip_is_token(via->transport) ? NULL : "the topmost value has no transport";
}

/* The port behind a colon, if there is one. */
static const char *read_port(const char *colon, const char *end, struct sip_via *via)
{
    uint64_t port = 0;
    if (colon == NULL)
        return NULL;
    if (!sip_digits(sip_trim(sip_between(colon + 1, end)), &port) || port == 0 || port > 65535)
        return "the port of the topmost value is not a number from 1 to 65535";
    via->port = (uint32_t)port;
    return NULL;
}

/* host[:port] or [IPv6][:port], up to `end`. */
static const char *read_sent_by(const char *at, const char *end, struct sip_via *via)
{
    const char *open = memchr(at, '[', (size_t)(end - at));
    const char *from = open != NULL ? memchr(open, ']', (size_t)(end - open)) : at;
    if (memchr(at, '(', (size_t)(end - at)) != NULL)
        return "the topmost value has a comment";
    if (from == NULL)
        return MALFORMED;
    const char *colon = memchr(from, ':', (size_t)(end - from));
    if (open != NULL)
        via->host = sip_between(open + 1, from);
    else
        via->host = sip_between(at, colon != NULL ? colon : end);
    via->host = sip_trim(via->host);
    const bool ipv6 = via->host.length > 0 && memchr(via->host.at, ':', via->host.length) != NULL;
    if (!sip_host_valid(via->host, ipv6) || !closes_well(at, end))
        return "the topmost value has no valid host";
    return read_port(colon, end, via);
}

const char *sip_via_read(struct text value, struct sip_via *via)
{
    const char *at = value.at, *end = value.at + value.length, *semicolon = memchr(at, ';', value.length);
    const char *stop = semicolon != NULL ? semicolon : end;
    struct sip_via read = {0};
    *via = read;
    if (memchr(at, '\0', (size_t)(stop - at)) != NULL)
        return MALFORMED;
    const char *what = read_protocol(&at, stop, &read);
    if (what == NULL)
        what = read_sent_by(at, stop, &read);
    if (what != NULL)
        return what;
    if (!read_parameters(&read, sip_between(stop, end)))
        return "a parameter of the topmost value is malformed, or there are too many";
    *via = read;
    return NULL;
}
