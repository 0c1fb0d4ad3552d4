// SPDX-License-Identifier: BSD-2-Clause
#include "standalone/address/advertised.h"

#include <ctype.h>
#include <stdio.h>

#include "base/number.h"
#include "sip/message.h"

/* RFC 3261 25.1: the last label of a name begins with a letter, which tells names from addresses. Peers parse the name,
   so it must not have the underscores that private networks use. */
static bool is_public_name(struct text name)
{
    size_t label = 0, end = name.length > 0 && name.at[name.length - 1] == '.' ? name.length - 1 : name.length;
    for (size_t i = 0; i < end; i++) {
        if (name.at[i] == '_')
            return false;
        label = name.at[i] == '.' ? i + 1 : label;
    }
    return host_name_is_valid(name) && isalpha((unsigned char)name.at[label]) != 0;
}

/* Multicast and broadcast addresses are those of groups. */
static bool is_group(const union address *address)
{
    return address->any.sa_family == AF_INET6 ? IN6_IS_ADDR_MULTICAST(&address->v6.sin6_addr)
                                              : ntohl(address->v4.sin_addr.s_addr) >> 24 >= 224;
}

static const char *read_host(struct text host, bool bracketed, struct advertised *advertised)
{
    union address address = {0};
    bool numeric = host.length > 0 && host.at[0] != '[' && address_read(host, 0, &address);
    if (host.length == 0)
        return "expected an address or a name after '='";
    if (bracketed != (numeric && address.any.sa_family == AF_INET6))
        return bracketed ? "there is no IPv6 address in the brackets" : "an IPv6 address must be in brackets";
    if (numeric && address_is_wildcard(&address))
        return "peers cannot send to a wildcard address";
    if (numeric && is_group(&address))
        return "this is not the address of a single host";
    if (!numeric && !is_public_name(host))
        return "expected an IPv4 address, an IPv6 address in brackets or a host name after '='";
    if (host.length > HOST_NAME_MOST)
        return "the name is too long";
    snprintf(advertised->host, sizeof advertised->host, bracketed ? "[%.*s]" : "%.*s", (int)host.length, host.at);
    return NULL;
}

static bool read_port(struct text text, uint16_t *port)
{
    uint64_t number = 0;
    const bool fine = text.length <= 5 && number_read(text, UINT16_MAX, &number);
    *port = (uint16_t)number;
    return fine && number >= 1;
}

/* The length of the host; brackets count. */
static size_t host_length(struct text text, bool bracketed)
{
    size_t at = 0;
    while (bracketed && at < text.length && text.at[at] != ']')
        at++;
    while (at < text.length && text.at[at] != ':')
        at++;
    return at;
}

const char *advertised_read(struct text text, uint16_t port, struct advertised *advertised)
{
    bool bracketed = text.length > 0 && text.at[0] == '[';
    size_t length = host_length(text, bracketed);
    struct text host = {text.at, length}, rest = {text.at + length, text.length - length};
    *advertised = (struct advertised){.port = port};
    if (!bracketed && rest.length > 0 && memchr(rest.at + 1, ':', rest.length - 1) != NULL)
        return "an IPv6 address must be in brackets";
    if (bracketed && host.at[length - 1] != ']')
        return "there is no ] after the IPv6 address";
    if (rest.length > 0 && !read_port((struct text){rest.at + 1, rest.length - 1}, &advertised->port))
        return "the port must be a number from 1 to 65535";
    if (bracketed)
        host = (struct text){host.at + 1, length - 2};
    return read_host(host, bracketed, advertised);
}

const struct advertised *advertised_to(const struct advertising *advertising, size_t listener,
                                       const union address *peer)
{
    const struct advertised *advertised = &advertising->listeners[listener];
    if (advertised->host[0] == '\0')
        return NULL;
    for (size_t i = 0; i < advertising->local_net_count; i++) {
        if (cidr_has(&advertising->local_nets[i], peer))
            return NULL;
    }
    return advertised;
}

bool advertised_is(const struct advertised *advertised, struct text host)
{
    return advertised->host[0] != '\0' && sip_host_equal(text_of(advertised->host), host);
}
