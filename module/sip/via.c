// SPDX-License-Identifier: BSD-2-Clause
#include <errno.h>

#include <osipparser2/osip_port.h>
#include <osipparser2/osip_message.h>

#include "sip/internal.h"

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

/* An IPv6 reference is followed by a port, a parameter or nothing. */
static bool closes_well(struct text value)
{
    const char *end = value.at + value.length, *semicolon = memchr(value.at, ';', value.length);
    const char *stop = semicolon != NULL ? semicolon : end;
    const char *bracket = memchr(value.at, ']', (size_t)(stop - value.at));
    if (bracket == NULL)
        return true;
    do
        bracket++;
    while (bracket < stop && sip_is_space(*bracket));
    return bracket == stop || *bracket == ':';
}

/* Checks what libosip2 does not: the name and version of the protocol, the characters of the host, the range of the
   port. */
static const char *check(struct sip_via *via, const osip_via_t *parsed, struct text value)
{
    const char *slash = memchr(value.at, '/', value.length);
    uint64_t port = 0;
    if (slash == NULL || !text_equal_nocase(sip_trim(sip_between(value.at, slash)), TEXT("SIP")) ||
        !text_equal(text_of(parsed->version), TEXT("2.0")))
        return "the topmost value is not of SIP/2.0";
    if (parsed->comment != NULL)
        return "the topmost value has a comment";
    if (!sip_is_token(via->transport))
        return "the topmost value has no transport";
    if (!sip_host_valid(via->host, memchr(via->host.at, ':', via->host.length) != NULL) || !closes_well(value))
        return "the topmost value has no valid host";
    if (parsed->port != NULL && (!sip_digits(text_of(parsed->port), &port) || port == 0 || port > 65535))
        return "the port of the topmost value is not a number from 1 to 65535";
    via->port = (uint32_t)port;
    return NULL;
}

/* libosip2 parses the part before the parameters; it rejects empty parameter values, which are allowed here. */
int sip_via_read(struct sip_message *message, struct text value, const char **what)
{
    struct sip_copy copy;
    osip_via_t *parsed = NULL;
    const char *end = value.at + value.length, *semicolon = memchr(value.at, ';', value.length);
    const char *stop = semicolon != NULL ? semicolon : end;
    *what = "the topmost value is malformed";
    int result = sip_copy_create(&copy, sip_between(value.at, stop));
    if (result == 0 && osip_via_init(&parsed) != 0)
        result = -ENOMEM;
    if (result == 0)
        result = sip_osip_error(osip_via_parse(parsed, copy.at));
    if (result == 0 && parsed->host == NULL)
        result = -EBADMSG;
    if (result != 0)
        goto out;
    struct sip_via via = {.transport = text_of(parsed->protocol), .host = text_of(parsed->host)};
    *what = check(&via, parsed, value);
    if (*what == NULL && !read_parameters(&via, sip_between(stop, end)))
        *what = "a parameter of the topmost value is malformed, or there are too many";
    result = *what == NULL ? 0 : -EBADMSG;
    if (result != 0)
        goto out;
    message->via = via;
    message->osip_via = parsed;
    parsed = NULL;
out:
    osip_via_free(parsed);
    sip_copy_destroy(&copy);
    return result;
}
