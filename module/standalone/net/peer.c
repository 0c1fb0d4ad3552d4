// SPDX-License-Identifier: BSD-2-Clause
#include "standalone/net/peer.h"

#include <arpa/inet.h>

#include "base/hash.h"
#include "call/request_view.h"

/* Bits of a datagram flow's number: 63 datagram, 62 IPv6, then for IPv4 number of the local address 52-61, listener
   48-51, address 16-47, port 0-15. */
static const flow_id datagram = 1ULL << 63;
static const flow_id over_ipv6 = 1ULL << 62;

enum { LISTENER_SHIFT = 48, LOCAL_SHIFT = 52, LISTENER_MASK = 0xf, LOCAL_MASK = 0x3ff };

/* The key of the digests below. One for the process, because the number of a flow must be the same everywhere. */
static struct hash_key flow_key;
static bool flow_key_is_drawn;

void peer_draw_flow_key(const struct host *host)
{
    struct hash_key key;
    hash_key_draw(&key, host); /* each time, so that a host with a fake random */
    if (!flow_key_is_drawn)
        flow_key = key;
    flow_key_is_drawn = true;
}

/* Keyed, because users of IPv6 choose their addresses and could otherwise get the number of another flow. */
static flow_id digest6(const struct peer *peer)
{
    struct {
        uint8_t address[16];
        uint32_t interface, port, listener, local;
    } bytes = {.interface = peer->address.v6.sin6_scope_id,
               .port = peer->address.v6.sin6_port,
               .listener = peer->listener,
               .local = peer->local};
    memcpy(bytes.address, &peer->address.v6.sin6_addr, sizeof bytes.address);
    return hash_seal(&flow_key, (struct text){(const char *)&bytes, sizeof bytes});
}

flow_id peer_flow(const struct peer *peer)
{
    if (transport_connects(peer->transport))
        return peer->connection;
    if (peer->address.any.sa_family == AF_INET)
        return datagram | (flow_id)peer->local << LOCAL_SHIFT | (flow_id)peer->listener << LISTENER_SHIFT |
               (flow_id)ntohl(peer->address.v4.sin_addr.s_addr) << 16 | ntohs(peer->address.v4.sin_port);
    return datagram | over_ipv6 | (digest6(peer) & (over_ipv6 - 1));
}

bool flow_is_datagram(flow_id flow)
{
    return (flow & datagram) != 0;
}

bool peer_of_datagram_flow(flow_id flow, struct peer *peer)
{
    if ((flow & datagram) == 0 || (flow & over_ipv6) != 0)
        return false;
    *peer = (struct peer){.transport = TRANSPORT_UDP,
                          .listener = (uint8_t)(flow >> LISTENER_SHIFT & LISTENER_MASK),
                          .local = (uint16_t)(flow >> LOCAL_SHIFT & LOCAL_MASK)};
    peer->address.v4.sin_family = AF_INET;
    peer->address.v4.sin_addr.s_addr = htonl((uint32_t)(flow >> 16));
    peer->address.v4.sin_port = htons((uint16_t)flow);
    return true;
}

bool address_same_host(const union address *a, const union address *b)
{
    if (a->any.sa_family != b->any.sa_family)
        return false;
    if (a->any.sa_family == AF_INET)
        return a->v4.sin_addr.s_addr == b->v4.sin_addr.s_addr;
    return memcmp(&a->v6.sin6_addr, &b->v6.sin6_addr, sizeof a->v6.sin6_addr) == 0;
}

union address address_unmapped(const union address *address)
{
    union address v4 = {.v4 = {.sin_family = AF_INET, .sin_port = address->v6.sin6_port}};
    if (address->any.sa_family != AF_INET6 || !IN6_IS_ADDR_V4MAPPED(&address->v6.sin6_addr))
        return *address;
    memcpy(&v4.v4.sin_addr, &address->v6.sin6_addr.s6_addr[12], sizeof v4.v4.sin_addr);
    return v4;
}

static uint32_t link_of(const union address *address)
{
    bool local = address->any.sa_family == AF_INET6 && IN6_IS_ADDR_LINKLOCAL(&address->v6.sin6_addr);
    return local ? address->v6.sin6_scope_id : 0;
}

bool address_same_machine(const union address *a, const union address *b)
{
    union address left = address_unmapped(a), right = address_unmapped(b);
    uint32_t left_link = link_of(&left), right_link = link_of(&right);
    return address_same_host(&left, &right) && (left_link == right_link || left_link == 0 || right_link == 0);
}

bool address_equal(const union address *a, const union address *b)
{
    if (!address_same_host(a, b))
        return false;
    if (a->any.sa_family == AF_INET)
        return a->v4.sin_port == b->v4.sin_port;
    return a->v6.sin6_port == b->v6.sin6_port && a->v6.sin6_scope_id == b->v6.sin6_scope_id;
}

bool address_is_wildcard(const union address *address)
{
    return address->any.sa_family == AF_INET6 ? IN6_IS_ADDR_UNSPECIFIED(&address->v6.sin6_addr)
                                              : address->v4.sin_addr.s_addr == htonl(INADDR_ANY);
}

bool address_serves(const union address *bound, const union address *local)
{
    if (address_is_wildcard(bound))
        return bound->any.sa_family == local->any.sa_family && address_port(bound) == address_port(local);
    return address_equal(bound, local);
}

void address_set_port(union address *address, uint16_t port)
{
    *(address->any.sa_family == AF_INET6 ? &address->v6.sin6_port : &address->v4.sin_port) = htons(port);
}

uint16_t address_port(const union address *address)
{
    return ntohs(address->any.sa_family == AF_INET6 ? address->v6.sin6_port : address->v4.sin_port);
}

uint64_t address_hash(const struct hash_key *key, const union address *address)
{
    bool ipv6 = address->any.sa_family == AF_INET6;
    const char *bytes = ipv6 ? (const char *)&address->v6.sin6_addr : (const char *)&address->v4.sin_addr;
    return hash_pair(key, hash_seal(key, (struct text){bytes, ipv6 ? 16 : 4}), address_port(address));
}

static void set_address(struct request_source *source, const union address *address)
{
    bool ipv6 = address->any.sa_family == AF_INET6;
    source->address = ipv6 ? (const void *)&address->v6.sin6_addr : (const void *)&address->v4.sin_addr;
    source->length = ipv6 ? sizeof address->v6.sin6_addr : sizeof address->v4.sin_addr;
    source->port = address_port(address);
}

size_t address_host(const union address *address, char *out, size_t size)
{
    struct request_source source = {0};
    set_address(&source, address);
    return host_text(source.address, source.length, out, size);
}

struct request_source peer_source(const struct peer *peer)
{
    struct request_source source = {.transport = transport_word((enum transport)peer->transport)};
    set_address(&source, &peer->address);
    return source;
}

size_t address_format(const union address *address, char *out, size_t size)
{
    struct request_source source = {0};
    set_address(&source, address);
    return address_text(source.address, source.length, source.port, out, size);
}

bool address_read(struct text host, uint16_t port, union address *address)
{
    char buffer[INET6_ADDRSTRLEN];
    if (host.length >= 2 && host.at[0] == '[' && host.at[host.length - 1] == ']')
        host = (struct text){host.at + 1, host.length - 2};
    if (host.length == 0 || host.length >= sizeof buffer)
        return false;
    memcpy(buffer, host.at, host.length);
    buffer[host.length] = '\0';
    memset(address, 0, sizeof *address);
    if (inet_pton(AF_INET, buffer, &address->v4.sin_addr) == 1) {
        address->v4.sin_family = AF_INET;
        address->v4.sin_port = htons(port);
        return true;
    }
    if (inet_pton(AF_INET6, buffer, &address->v6.sin6_addr) == 1) {
        address->v6.sin6_family = AF_INET6;
        address->v6.sin6_port = htons(port);
        return true;
    }
    return false;
}
