// SPDX-License-Identifier: BSD-2-Clause
#include "standalone/net/local_addresses.h"

#include <errno.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/memory.h"

enum { ROUTES = 256, PORT_DISCARD = 9 };

/* An address of an interface. One of a loopback interface stands for its whole network, as in the kernel. */
struct interface_address {
    union address address;
    uint32_t mask; /* IPv4, in the order of the network */
};

struct kernel_route {
    union address to;
    uint64_t until_ms;
    uint16_t local; /* 0: this place is empty */
};

struct local_addresses {
    const struct host *host;
    union address known[LOCAL_ADDRESSES_MOST]; /* the number of an address is its index here, from 1 */
    size_t known_count;
    size_t last; /* index that was found last: most traffic uses one address */
    struct interface_address *interfaces;
    size_t interface_count, interface_room;
    uint64_t read_until_ms; /* when the interfaces are read again; 0: at once */
    struct kernel_route routes[ROUTES];
};

static uint64_t now(const struct local_addresses *addresses)
{
    return addresses->host->now_ms(addresses->host->context);
}

int local_addresses_new(struct local_addresses **out, const struct host *host)
{
    struct local_addresses *addresses = memory_new(host, sizeof *addresses);
    if (addresses == NULL)
        return -ENOMEM;
    addresses->host = host;
    *out = addresses;
    return 0;
}

void local_addresses_delete(struct local_addresses *addresses)
{
    if (addresses == NULL)
        return;
    memory_delete(addresses->host, addresses->interfaces, addresses->interface_room * sizeof addresses->interfaces[0]);
    memory_delete(addresses->host, addresses, sizeof *addresses);
}

/* --- numbers --- */

/* A link-local address is unique only together with its interface. */
static bool same_local(const union address *a, const union address *b)
{
    return address_same_host(a, b) && (a->any.sa_family == AF_INET || a->v6.sin6_scope_id == b->v6.sin6_scope_id);
}

static uint16_t find(struct local_addresses *addresses, const union address *address)
{
    for (size_t i = 0; i < addresses->known_count; i++) {
        size_t place = (addresses->last + i) % addresses->known_count;
        if (same_local(&addresses->known[place], address)) {
            addresses->last = place;
            return (uint16_t)(place + 1);
        }
    }
    return 0;
}

static uint16_t first_of_family(const struct local_addresses *addresses, sa_family_t family)
{
    for (size_t i = 0; i < addresses->known_count; i++) {
        if (addresses->known[i].any.sa_family == family)
            return (uint16_t)(i + 1);
    }
    return 0;
}

uint16_t local_addresses_number(struct local_addresses *addresses, const union address *address)
{
    uint16_t number = find(addresses, address);
    if (number != 0 || address_is_wildcard(address))
        return number;
    if (addresses->known_count == LOCAL_ADDRESSES_MOST)
        return first_of_family(addresses, address->any.sa_family);
    union address *place = &addresses->known[addresses->known_count++];
    *place = *address;
    if (address->any.sa_family == AF_INET6)
        place->v6.sin6_port = 0;
    else
        place->v4.sin_port = 0;
    return (uint16_t)addresses->known_count;
}

bool local_addresses_get(const struct local_addresses *addresses, uint16_t number, union address *address)
{
    if (number == 0 || number > addresses->known_count)
        return false;
    *address = addresses->known[number - 1];
    return true;
}

/* --- interfaces --- */

static bool make_room(struct local_addresses *addresses)
{
    const struct host *host = addresses->host;
    size_t room = addresses->interface_room, size = sizeof addresses->interfaces[0];
    if (addresses->interface_count < room)
        return true;
    size_t larger = room == 0 ? 16 : room * 2;
    void *block = host->allocate(host->context, addresses->interfaces, room * size, larger * size);
    if (block == NULL)
        return false;
    addresses->interfaces = block;
    addresses->interface_room = larger;
    return true;
}

static void add_interface(struct local_addresses *addresses, const struct ifaddrs *entry)
{
    const struct sockaddr *address = entry->ifa_addr;
    if (address == NULL || (address->sa_family != AF_INET && address->sa_family != AF_INET6) || !make_room(addresses))
        return;
    struct interface_address *made = &addresses->interfaces[addresses->interface_count++];
    *made = (struct interface_address){.mask = UINT32_MAX};
    memcpy(&made->address, address, address->sa_family == AF_INET6 ? sizeof made->address.v6 : sizeof made->address.v4);
    if (address->sa_family == AF_INET && (entry->ifa_flags & IFF_LOOPBACK) != 0 && entry->ifa_netmask != NULL)
        made->mask = ((const struct sockaddr_in *)(const void *)entry->ifa_netmask)->sin_addr.s_addr;
}

static void read_interfaces(struct local_addresses *addresses)
{
    struct ifaddrs *list = NULL;
    if (now(addresses) < addresses->read_until_ms)
        return;
    addresses->read_until_ms = now(addresses) + INTERFACES_MS; /* also after a failure, to limit the number of reads */
    if (getifaddrs(&list) != 0)
        return;
    addresses->interface_count = 0;
    for (const struct ifaddrs *entry = list; entry != NULL; entry = entry->ifa_next)
        add_interface(addresses, entry);
    freeifaddrs(list);
}

static bool is_of_interface(const struct interface_address *interface, const union address *address)
{
    if (address->any.sa_family == AF_INET && interface->address.any.sa_family == AF_INET)
        return ((address->v4.sin_addr.s_addr ^ interface->address.v4.sin_addr.s_addr) & interface->mask) == 0;
    return address_same_host(&interface->address, address);
}

static const struct interface_address *find_interface(struct local_addresses *addresses, const union address *address)
{
    read_interfaces(addresses);
    for (size_t i = 0; i < addresses->interface_count; i++) {
        if (is_of_interface(&addresses->interfaces[i], address))
            return &addresses->interfaces[i];
    }
    return NULL;
}

bool local_addresses_have(struct local_addresses *addresses, const union address *address)
{
    return find_interface(addresses, address) != NULL;
}

uint16_t local_addresses_find(struct local_addresses *addresses, const union address *address)
{
    const struct interface_address *interface = find_interface(addresses, address);
    if (interface == NULL)
        return 0;
    /* Tokens and files do not contain the scope of a link-local address. */
    return local_addresses_number(addresses, address->any.sa_family == AF_INET6 ? &interface->address : address);
}

/* --- routes --- */

static size_t route_place(const union address *to)
{
    uint32_t words[4] = {0};
    if (to->any.sa_family == AF_INET6)
        memcpy(words, &to->v6.sin6_addr, sizeof words);
    else
        words[0] = to->v4.sin_addr.s_addr;
    uint32_t sum = 0;
    for (size_t i = 0; i < 4; i++)
        sum = (sum ^ words[i]) * 0x9E3779B1U;
    return (sum >> 16) % ROUTES;
}

/* The address from which an unbound socket would send. Nothing is sent. */
static bool ask_kernel(const union address *to, union address *local)
{
    union address there = *to;
    bool v6 = to->any.sa_family == AF_INET6;
    socklen_t size = v6 ? sizeof there.v6 : sizeof there.v4;
    int fd = socket(to->any.sa_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return false;
    memset(local, 0, sizeof *local);
    /* Some kernel versions do not accept port 0. */
    if (v6)
        there.v6.sin6_port = htons(PORT_DISCARD);
    else
        there.v4.sin_port = htons(PORT_DISCARD);
    bool known = connect(fd, &there.any, size) == 0 && getsockname(fd, &local->any, &size) == 0;
    close(fd);
    return known;
}

uint16_t local_addresses_route(struct local_addresses *addresses, const union address *to)
{
    union address local;
    struct kernel_route *route = &addresses->routes[route_place(to)];
    if (route->local != 0 && now(addresses) < route->until_ms && same_local(&route->to, to))
        return route->local;
    route->local = 0;
    if (!ask_kernel(to, &local))
        return 0;
    route->local = local_addresses_number(addresses, &local);
    route->to = *to;
    route->until_ms = now(addresses) + ROUTE_MS;
    return route->local;
}

void local_addresses_refresh(struct local_addresses *addresses)
{
    addresses->read_until_ms = 0;
    for (size_t i = 0; i < ROUTES; i++)
        addresses->routes[i].local = 0;
}
