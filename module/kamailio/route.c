// SPDX-License-Identifier: GPL-2.0-or-later
#include "kamailio/ksr.h"

#include <string.h>

#include "kamailio/call.h"
#include "kamailio/host.h"
#include "kamailio/module.h"
#include "kamailio/stats.h"
#include "kamailio/targets.h"

/* sip_route_flows(): the targets of a request, those of them that ring first in the destination set (3261-16.5,
   5626 section 7). */

/* What the function returns, as lookup() of Kamailio's registrar does. */
enum { ROUTED = 1, ANSWERED = 0, NOBODY = -1, OTHER_METHODS = -2, FAILED = -3 };

struct route {
    struct sip_msg *msg;
    const str *table;
    struct aor_names names;
    struct lookup lookup;
    struct call *call;
    bool private; /* the call is known to nobody: there was no shared memory */
};

static bool begin_call(struct route *route)
{
    size_t room = targets_room(&route->lookup) + (size_t)route->names.uri.len;
    route->call = call_new(route->msg, ROLE_PROXY, room);
    route->private = route->call == NULL;
    if (route->private)
        route->call = call_new_private(room);
    if (route->call == NULL)
        return false;
    memcpy(route->call->table, route->table->s, (size_t)route->table->len);
    route->call->table[route->table->len] = '\0';
    route->call->method = route->msg->REQ_METHOD;
    if (route->call->aor.s == NULL)
        route->call->aor = arena_copy(&route->call->arena, text_of_str(route->names.uri));
    return true;
}

static int put_targets(struct route *route)
{
    if (!begin_call(route))
        return FAILED;
    size_t put = 0;
    if (targets_add(route->call, &route->lookup, &route->names.uri) > 0)
        put = call_put_targets(route->msg, route->call, true, true);
    if (route->private)
        call_delete_private(route->call);
    stats_count(put > 0 ? STAT_ROUTED : STAT_UNREACHABLE);
    return put > 0 ? ROUTED : NOBODY;
}

static int route_aor(struct route *route)
{
    int result;
    char table[sizeof route->call->table];
    memcpy(table, route->table->s, (size_t)route->table->len);
    table[route->table->len] = '\0';
    if (lookup_create(&route->lookup, table, &route->names.key, route->msg->REQ_METHOD) < 0)
        return FAILED;
    if (route->lookup.count > 0) {
        result = put_targets(route);
    } else {
        stats_count(STAT_UNREACHABLE);
        result = route->lookup.other_methods ? OTHER_METHODS : NOBODY;
    }
    lookup_delete(&route->lookup);
    return result;
}

int sip_route_flows(struct sip_msg *msg, str *table, str *uri)
{
    struct route route = {.msg = msg, .table = table};
    if (msg->REQ_METHOD == KSR_METHOD_ACK || msg->REQ_METHOD == KSR_METHOD_CANCEL) {
        LM_DBG("ACK and CANCEL go where their INVITE went\n");
        return NOBODY;
    }
    if (table->len <= 0 || (size_t)table->len >= sizeof route.call->table) {
        ksr_log(LOG_ERROR, "sip_route_flows: \"%.*s\" is no name of a table", table->len, table->s);
        return FAILED;
    }
    return aor_names_read(&route.names, uri != NULL ? uri : GET_RURI(msg)) < 0 ? FAILED : route_aor(&route);
}
