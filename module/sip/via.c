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

/* The first of two parameters with the same name counts. */
static bool read_parameters(struct sip_via *via, osip_via_t *parsed)
{
    osip_list_iterator_t iterator;
    osip_generic_param_t *parameter = osip_list_get_first(&parsed->via_params, &iterator);
    for (; osip_list_iterator_has_elem(iterator); parameter = osip_list_get_next(&iterator)) {
        struct text name = text_of(parameter->gname), value = sip_trim(text_of(parameter->gvalue));
        if (via->branch.length == 0 && text_equal_nocase(name, TEXT("branch"))) {
            via->branch = value;
        } else if (via->received.length == 0 && text_equal_nocase(name, TEXT("received"))) {
            via->received = without_brackets(value);
        } else if (!via->has_rport && text_equal_nocase(name, TEXT("rport"))) {
            uint64_t port = 0;
            via->has_rport = true;
            if (value.length > 0 && (!sip_digits(value, &port) || port > 65535))
                return false;
            via->rport = (uint32_t)port;
        }
    }
    return true;
}

/* Behind an IPv6 reference comes a port, a parameter or nothing. */
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

static bool has_sound_parameters(struct text value)
{
    const char *end = value.at + value.length, *semicolon = memchr(value.at, ';', value.length);
    struct text rest = sip_between(semicolon != NULL ? semicolon : end, end), name, content;
    const char *what = NULL;
    unsigned count = 0;
    while (sip_next_parameter(&rest, &name, &content, &what))
        if (++count > MOST_PARAMETERS)
            return false;
    return what == NULL;
}

/* What libosip2 takes over unseen: the protocol's name and version, the characters of the host, the port's range. */
static const char *check(struct sip_via *via, const osip_via_t *parsed, struct text value)
{
    const char *slash = memchr(value.at, '/', value.length);
    uint64_t port = 0;
    if (slash == NULL || !text_equal_nocase(sip_trim(sip_between(value.at, slash)), TEXT("SIP")) ||
        !text_equal(text_of(parsed->version), TEXT("2.0")))
        return "the topmost Via is not of SIP/2.0";
    if (parsed->comment != NULL)
        return "the topmost Via has a comment";
    if (!sip_is_token(via->transport))
        return "the topmost Via has no transport";
    if (!sip_host_valid(via->host, memchr(via->host.at, ':', via->host.length) != NULL) || !closes_well(value))
        return "the topmost Via has no valid host";
    if (parsed->port != NULL && (!sip_digits(text_of(parsed->port), &port) || port == 0 || port > 65535))
        return "the port of the topmost Via is not one from 1 to 65535";
    via->port = (uint32_t)port;
    return NULL;
}

int sip_via_read(struct sip_message *message, struct text value, const char **what)
{
    struct sip_copy copy;
    osip_via_t *parsed = NULL;
    *what = "a parameter of the topmost Via is malformed, or there are too many";
    if (!has_sound_parameters(value))
        return -EBADMSG;
    *what = "the topmost Via is malformed";
    int result = sip_copy_create(&copy, value);
    if (result == 0 && osip_via_init(&parsed) != 0)
        result = -ENOMEM;
    if (result == 0)
        result = osip_via_parse(parsed, copy.at) == 0 && parsed->host != NULL ? 0 : -EBADMSG;
    if (result != 0)
        goto out;
    struct sip_via via = {.transport = text_of(parsed->protocol), .host = text_of(parsed->host)};
    if (!read_parameters(&via, parsed))
        result = -EBADMSG;
    else if ((*what = check(&via, parsed, value)) != NULL)
        result = -EBADMSG;
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
