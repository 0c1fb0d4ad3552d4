// SPDX-License-Identifier: BSD-2-Clause
#include "cli/simulate/simulate_server.h"

#define NS_PER_S  UINT64_C(1000000000)
#define NS_PER_MS UINT64_C(1000000)

void simulate_server_create(struct simulate_server *server, const struct simulate_config *config, uint32_t capacity)
{
    *server = (struct simulate_server){.died_ms = SIMULATE_NEVER};
    if (capacity == 0)
        return;
    server->service_ns = NS_PER_S / capacity;
    server->refusal_ns = server->service_ns * config->refusal_cost / 100;
    server->most_ns = config->queue_s * NS_PER_S;
}

static uint64_t later(uint64_t a, uint64_t b)
{
    return a > b ? a : b;
}

enum simulate_admission simulate_server_admit(struct simulate_server *server, uint32_t now_ms, uint32_t *done_ms)
{
    const uint64_t now = now_ms * NS_PER_MS;
    *done_ms = now_ms;
    if (server->service_ns == 0)
        return SIMULATE_TAKEN;
    server->free_ns = later(server->free_ns, now);
    const uint64_t wait = server->free_ns - now;
    if (wait > 2 * server->most_ns + NS_PER_S)
        return SIMULATE_IGNORED;
    if (wait > server->most_ns) {
        server->free_ns += server->refusal_ns;
        return SIMULATE_REFUSED;
    }
    server->free_ns += server->service_ns;
    *done_ms = (uint32_t)((server->free_ns + NS_PER_MS - 1) / NS_PER_MS);
    return SIMULATE_TAKEN;
}

uint32_t simulate_server_promise(struct simulate_server *server, uint32_t now_ms)
{
    const uint64_t now = now_ms * NS_PER_MS;
    server->promised_ns = later(server->promised_ns, server->free_ns) + server->service_ns;
    return (uint32_t)((server->promised_ns - now) / NS_PER_S) + 1;
}

void simulate_server_die(struct simulate_server *server, uint32_t now_ms)
{
    server->down = true;
    server->died_ms = now_ms;
    server->free_ns = 0;
    server->promised_ns = 0;
}

void simulate_server_return(struct simulate_server *server)
{
    server->down = false;
}
