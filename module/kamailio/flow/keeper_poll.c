// SPDX-License-Identifier: GPL-2.0-or-later
#include "kamailio/base/ksr.h"

#include "kamailio/flow/keeper_private.h"

#include "kamailio/flow/connection.h"
#include "kamailio/flow/flows.h"
#include "kamailio/base/stats.h"
#include "kamailio/flow/waits.h"

enum { AT_ONCE = 256 };

void keeper_carry_out(flow_id flow, enum flow_down_reason reason)
{
    if (!flow_is_datagram(flow))
        keeper_fail_waits((int)flow);
    if (keeper_drop_bindings(flow, reason) > 0)
        stats_count(STAT_FLOWS_DOWN);
}

/* A part at a time: there may be many ringing calls, and most of their connections report an event. */
void keeper_poll_waits(void)
{
    static unsigned cursor; /* where the last look ended */
    int connections[AT_ONCE];
    if (wait_count() == 0)
        return;
    size_t count = wait_connections(&cursor, connections, AT_ONCE);
    for (size_t i = 0; i < count; i++) {
        switch (connection_state(connections[i])) {
        case CONNECTION_GONE:
            keeper_fail_waits(connections[i]);
            break;
        case CONNECTION_OPEN:
            wait_opened(connections[i]);
            break;
        case CONNECTION_OPENING:
            break;
        }
    }
}

bool keeper_poll_bindings(size_t most)
{
    static unsigned cursor; /* where the last look ended */
    flow_id flows[AT_ONCE];
    size_t looked_at = 0;
    do {
        size_t count = flow_list(&cursor, flows, AT_ONCE);
        for (size_t i = 0; i < count; i++)
            if (!flow_lives(flows[i]))
                keeper_carry_out(flows[i], FLOW_CLOSED);
        looked_at += count;
    } while (cursor != 0 && looked_at < most);
    return cursor == 0;
}
