// SPDX-License-Identifier: GPL-2.0-or-later
#include "kamailio/base/ksr.h"

#include "kamailio/glue/gauges.h"

#include "kamailio/base/host.h"
#include "kamailio/base/module_config.h"
#include "kamailio/call/breadth.h"
#include "kamailio/call/rests.h"
#include "kamailio/flow/flows.h"
#include "kamailio/flow/waits.h"
#include "kamailio/save/save.h"

/* The names are those of the status of `reflow serve` where it has the same value. */

static uint64_t sum_flows(bool streams, bool datagrams)
{
    const struct flow_counts counts = flow_counts();
    uint64_t sum = 0;
    for (unsigned i = 0; i < TRANSPORT_COUNT; i++)
        sum += (transport_connects(i) ? streams : datagrams) ? counts.flows[i] : 0;
    return sum;
}

static uint64_t flows(void)
{
    return sum_flows(true, true);
}

static uint64_t flows_stream(void)
{
    return sum_flows(true, false);
}

static uint64_t flows_datagram(void)
{
    return sum_flows(false, true);
}

#define FLOWS_OF(name, transport)                                                                                      \
    static uint64_t flows_##name(void)                                                                                 \
    {                                                                                                                  \
        return flow_counts().flows[transport];                                                                         \
    }
FLOWS_OF(udp, TRANSPORT_UDP)
FLOWS_OF(tcp, TRANSPORT_TCP)
FLOWS_OF(tls, TRANSPORT_TLS)
FLOWS_OF(ws, TRANSPORT_WS)
FLOWS_OF(wss, TRANSPORT_WSS)
#undef FLOWS_OF

static uint64_t flow_binding_count(void)
{
    return flow_counts().bindings;
}

static uint64_t flow_memory(void)
{
    return flow_counts().memory;
}

static uint64_t binding_bytes(void)
{
    return module_has_usrloc ? save_charge_bytes() : 0;
}

static uint64_t waiting_branches(void)
{
    return wait_count();
}

static uint64_t in_flight_transactions(void)
{
    return breadth_counts().transactions;
}

static uint64_t in_flight_bytes(void)
{
    return breadth_counts().bytes;
}

static uint64_t resting(void)
{
    return rest_count();
}

static uint64_t silent(void)
{
    return silence_count();
}

static const struct gauge {
    const char *name;
    uint64_t (*read)(void);
    const char *line;
} gauges[] = {
    {"flows", flows, "flows with bindings"},
    {"flows_stream", flows_stream, "of these, connections: TCP, TLS, WebSocket"},
    {"flows_datagram", flows_datagram, "of these, pairs of addresses over UDP"},
    {"flows_udp", flows_udp, "flows with bindings over UDP"},
    {"flows_tcp", flows_tcp, "flows with bindings over TCP"},
    {"flows_tls", flows_tls, "flows with bindings over TLS"},
    {"flows_ws", flows_ws, "flows with bindings over WebSocket"},
    {"flows_wss", flows_wss, "flows with bindings over WebSocket and TLS"},
    {"flow_binding_count", flow_binding_count, "bindings on flows of this node"},
    {"flow_memory", flow_memory, "bytes of shared memory that the index of flows takes"},
    {"binding_bytes", binding_bytes, "bytes of shared memory that limited bindings hold"},
    {"waiting_branches", waiting_branches, "branches that wait for a response over a connection that is watched"},
    {"in_flight_transactions", in_flight_transactions, "forwarded requests that wait for a final response"},
    {"in_flight_bytes", in_flight_bytes, "bytes of these requests"},
    {"resting", resting, "destinations to which nothing is sent for a time"},
    {"silent", silent, "destinations that did not answer, and are tried last"},
};

static counter_val_t read_gauge(counter_handle_t handle, void *context)
{
    (void)handle;
    return (counter_val_t)((const struct gauge *)context)->read();
}

int gauges_create(void)
{
    for (size_t i = 0; i < sizeof gauges / sizeof gauges[0]; i++) {
        if (counter_register(NULL, "reflow", gauges[i].name, CNT_F_NO_RESET, read_gauge, (void *)&gauges[i],
                             gauges[i].line, 0) < 0) {
            ksr_log(LOG_ERROR, "the statistic reflow:%s cannot be registered", gauges[i].name);
            return -1;
        }
    }
    return 0;
}
