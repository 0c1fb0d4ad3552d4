// SPDX-License-Identifier: GPL-2.0-or-later
#include "kamailio/base/ksr.h"

#include <limits.h>
#include <string.h>

#include "base/random.h"
#include "kamailio/base/host.h"
#include "kamailio/base/stats.h"
#include "kamailio/call/breadth.h"
#include "kamailio/call/caller.h"
#include "kamailio/call/call.h"
#include "kamailio/call/edge.h"
#include "kamailio/base/module_config.h"
#include "kamailio/call/peer.h"
#include "kamailio/call/react.h"
#include "kamailio/call/reconnect.h"
#include "kamailio/call/refused.h"
#include "kamailio/call/rests.h"
#include "kamailio/call/seal.h"
#include "kamailio/flow/datagram.h"
#include "kamailio/flow/flow_token.h"
#include "kamailio/flow/flows.h"
#include "kamailio/flow/keeper.h"
#include "kamailio/flow/key_ring.h"
#include "kamailio/flow/spellings.h"
#include "kamailio/flow/waits.h"
#include "kamailio/glue/config_check.h"
#include "kamailio/glue/fixups.h"
#include "kamailio/glue/functions.h"
#include "kamailio/glue/gauges.h"
#include "kamailio/glue/module_rpc.h"
#include "kamailio/policy/events.h"
#include "kamailio/policy/worker_policy.h"
#include "kamailio/save/save.h"
#include "script/store/tenants.h"

/* The exports of the module, and the order in which its parts start and end. */

#pragma GCC visibility push(default)
MODULE_VERSION
#pragma GCC visibility pop

enum { FLOW_TABLE_LOG2 = 14 };

/* --- parameters --- */

/* Logs why a value was refused; NULL: it was taken. */
static int parameter_result(const char *name, const char *value, const char *why)
{
    if (why == NULL)
        return 0;
    ksr_log(LOG_ERROR, "modparam %s: \"%s\": %s", name, value, why);
    return -1;
}

static int take_layer(modparam_t type, void *value)
{
    (void)type;
    config_check_note("layer", value);
    return parameter_result("layer", value, layer_option_layer(&module_config.layers, value));
}

static int take_tenant(modparam_t type, void *value)
{
    (void)type;
    config_check_note("tenant", value);
    return parameter_result("tenant", value, layer_option_tenant(&module_config.layers, value));
}

static int take_received_avp(modparam_t type, void *value)
{
    (void)type;
    return save_received_configure(value);
}

static int take_trunk(modparam_t type, void *value)
{
    (void)type;
    return parameter_result("trunk", value, caller_add_trunk(value));
}

static int take_peer(modparam_t type, void *value)
{
    (void)type;
    return parameter_result("peer", value, peer_add(value));
}

static int take_policy(modparam_t type, void *value)
{
    (void)type;
    config_check_note("policy", value);
    module_config.policy = value;
    if (*module_config.policy != '\0' && layer_option_base(&module_config.layers, value))
        return 0;
    ksr_log(LOG_ERROR, "modparam policy: the path of a Lua file or a folder, of at most 1023 bytes");
    return -1;
}

/* A path that is read after the whole configuration. */
static int take_path(const char *name, char *value, char **path)
{
    config_check_note(name, value);
    *path = value;
    if (*value != '\0')
        return 0;
    ksr_log(LOG_ERROR, "modparam %s: the name of a file", name);
    return -1;
}

#define PATHS(PATH) PATH(policy_last_good) PATH(route_keys) PATH(token_keys)
#define PATH(name)                                                                                                     \
    static int take_##name(modparam_t type, void *value)                                                               \
    {                                                                                                                  \
        (void)type;                                                                                                    \
        return take_path(#name, value, &module_config.name);                                                           \
    }
PATHS(PATH)
#undef PATH

/* name, member of struct module_config, least, most, unit */
#define NUMBERS(NUMBER)                                                                                                \
    NUMBER(policy_time, policy_time_ms, 1, 1000, "milliseconds")                                                       \
    NUMBER(policy_load_time, policy_load_ms, 1, 60000, "milliseconds")                                                 \
    NUMBER(policy_memory, policy_memory, 256, 1048576, "KiB")                                                          \
    NUMBER(tenant_memory, tenant_memory, 256, 1048576, "KiB")                                                          \
    NUMBER(tenant_store, tenant_store, 1, TENANT_KEYS_MOST, "entries")                                                 \
    NUMBER(flow_timer, flow_timer, 0, 3600, "seconds (0: none)")                                                       \
    NUMBER(token_rotate, token_rotate, 0, 31536000, "seconds (0: never)")                                              \
    NUMBER(rest_silent, rest_silent, 0, 86400, "seconds (0: off)")                                                     \
    NUMBER(default_expires, expires_default, 1, 604800, "seconds")                                                     \
    NUMBER(min_expires, expires_least, 1, 604800, "seconds")                                                           \
    NUMBER(min_expires_mode, expires_least_mode, EXPIRES_LENGTHENED, EXPIRES_REFUSED, "(0: lengthened, 1: 423)")       \
    NUMBER(max_expires, expires_most, 1, 604800, "seconds")                                                            \
    NUMBER(max_contacts, contacts_most, 1, 64, "contacts")                                                             \
    NUMBER(method_filtering, method_filtering, 0, 1, "(1: bindings must allow the method)")                            \
    NUMBER(case_sensitive, aor_case, AOR_ANY_CASE, AOR_CASE_SENSITIVE, "(1: case-sensitive)")                          \
    NUMBER(contact_names, contact_names, 0, 1, "(1: allowed)")                                                         \
    NUMBER(check_callers, check_callers, 0, 1, "(1: checked)")                                                         \
    NUMBER(max_client_transactions, transactions_most, 0, INT_MAX, "requests (0: no limit)")                           \
    NUMBER(max_client_transactions_per_source, source_transactions_most, 0, INT_MAX, "requests (0: no limit)")         \
    NUMBER(max_bytes_in_flight, bytes_most, 0, INT_MAX, "bytes (0: no limit)")                                         \
    NUMBER(max_bytes_in_flight_per_source, source_bytes_most, 0, INT_MAX, "bytes (0: no limit)")                       \
    NUMBER(shm_reserve, reserve_percent, 0, 90, "percent")                                                             \
    NUMBER(max_binding_memory, bindings_percent, 0, 100, "percent (0: no limit)")                                      \
    NUMBER(max_binding_memory_per_source, source_bindings_percent, 0, 100, "percent (0: no limit)")                    \
    NUMBER(poll_interval, poll_ms, 5, 60000, "milliseconds")

/* A value out of range is an error of the configuration, which `kamailio -c` finds too. */
static int take_number(const char *name, long value, int least, int most, const char *unit, int *number)
{
    config_check_note(name, NULL);
    if (value >= least && value <= most) {
        *number = (int)value;
        return 0;
    }
    ksr_log(LOG_ERROR, "modparam %s: %ld is not between %d and %d %s", name, value, least, most, unit);
    return -1;
}

#define NUMBER(name, member, least, most, unit)                                                                        \
    static int take_##name(modparam_t type, void *value)                                                               \
    {                                                                                                                  \
        (void)type;                                                                                                    \
        return take_number(#name, (long)value, least, most, unit, &module_config.member);                              \
    }
NUMBERS(NUMBER)
#undef NUMBER

static param_export_t params[] = {
    {"policy", PARAM_STRING | PARAM_USE_FUNC, (void *)take_policy},
    {"layer", PARAM_STRING | PARAM_USE_FUNC, (void *)take_layer},
    {"tenant", PARAM_STRING | PARAM_USE_FUNC, (void *)take_tenant},
    {"trunk", PARAM_STRING | PARAM_USE_FUNC, (void *)take_trunk},
    {"peer", PARAM_STRING | PARAM_USE_FUNC, (void *)take_peer},
#define PATH(name) {#name, PARAM_STRING | PARAM_USE_FUNC, (void *)take_##name},
    PATHS(PATH)
#undef PATH
        {"received_avp", PARAM_STRING | PARAM_USE_FUNC, (void *)take_received_avp},
    {"event_callback", PARAM_STR, &module_config.event_callback},
#define NUMBER(name, member, least, most, unit) {#name, PARAM_INT | PARAM_USE_FUNC, (void *)take_##name},
    NUMBERS(NUMBER)
#undef NUMBER
        {0, 0, 0},
};

/* --- life --- */

static int usrloc_number(char *name)
{
    const int *value = module_parameter("usrloc", name, PARAM_INT);
    return value != NULL ? *value : 0;
}

/* usrloc may be missing, because an edge has no bindings. The functions that need it report that at start. */
static int bind_usrloc_if_loaded(void)
{
    bind_usrloc_t bind = (bind_usrloc_t)find_export("ul_bind_usrloc", 1, 0);
    if (bind == NULL)
        return 0;
    module_has_usrloc = true;
    module_removes_lost = usrloc_number("handle_lost_tcp") != 0;
    module_matching = usrloc_number("matching_mode");
    if (bind(&ul) == 0)
        return 0;
    ksr_log(LOG_ERROR, "usrloc is loaded, but its interface cannot be bound");
    return -1;
}

static int bind_others(void)
{
    if (load_tm_api(&tmb) < 0) {
        ksr_log(LOG_ERROR, "tm is not loaded: loadmodule \"tm.so\" before \"reflow.so\"");
        return -1;
    }
    if (sl_load_api(&slb) < 0) {
        ksr_log(LOG_ERROR, "sl is not loaded: loadmodule \"sl.so\" before \"reflow.so\"");
        return -1;
    }
    module_has_outbound = find_module_by_name("outbound") != NULL;
    if (module_has_outbound && flow_token_bind(&ob) < 0) {
        ksr_log(LOG_ERROR, "outbound is loaded, but its interface cannot be bound");
        return -1;
    }
    return bind_usrloc_if_loaded();
}

static int check_random(void)
{
    uint32_t number;
    int error = random_fill(&number, sizeof number);
    if (error != 0)
        ksr_log(LOG_ERROR, "cannot get random numbers: %s", strerror(-error));
    return error;
}

static int start(void)
{
    call_listen(&kamailio_transaction_events);
    if (check_random() < 0 || config_check_order() < 0 || bind_others() < 0 || save_received_take_over() < 0 ||
        stats_create() < 0 || rests_create() < 0 || waits_create() < 0 || spellings_create() < 0 ||
        flows_create(FLOW_TABLE_LOG2) < 0 || breadth_create() < 0 ||
        (module_has_usrloc && (flows_listen() < 0 || save_charge_create() < 0)) ||
        keeper_create(call_branch_down) < 0 || events_create() < 0 || react_create() < 0 || refused_create() < 0 ||
        reconnect_listen() < 0 || datagram_listen() < 0 || peer_listen() < 0 || edge_start() < 0 ||
        flow_token_start() < 0 || seal_start() < 0 || gauges_create() < 0 || worker_policy_create() < 0)
        return -1;
    if (rpc_register_array((rpc_export_t *)module_rpc) != 0 || rpc_register_array((rpc_export_t *)policy_rpc) != 0) {
        ksr_log(LOG_ERROR, "RPC commands cannot be registered");
        return -1;
    }
    return 0;
}

static int start_process(int rank)
{
    if (rank == PROC_INIT)
        return functions_check() < 0 ? -1 : keeper_listen();
    /* The ranks in which usrloc may read its database (load_rank). */
    if (rank == PROC_SIPINIT || (ul.db_mode != DB_ONLY && (rank == PROC_MAIN || rank == PROC_POSTCHILDINIT)))
        spellings_read();
    if (rank == PROC_MAIN && keeper_start() < 0)
        return -1;
    return worker_policy_start(rank);
}

static void stop(void)
{
    key_rings_close();
    worker_policy_destroy();
    keeper_destroy();
    flows_destroy();
    waits_destroy();
    rests_destroy();
}

static pv_export_t pvs[] = {
    {{"reflow", sizeof "reflow" - 1}, PVT_OTHER, pv_reflow_get, 0, pv_reflow_parse, 0, 0, 0},
    {{0, 0}, 0, 0, 0, 0, 0, 0, 0},
};

#pragma GCC visibility push(default)
struct module_exports exports = {
    .name = "reflow",
    .dlflags = DEFAULT_DLFLAGS,
    .cmds = module_functions,
    .params = params,
    .pv_items = pvs,
    .init_mod_f = start,
    .init_child_f = start_process,
    .destroy_mod_f = stop,
};

int mod_register(char *path, int *dlflags, void *p1, void *p2);
int mod_register(char *path, int *dlflags, void *p1, void *p2)
{
    (void)path;
    (void)dlflags;
    (void)p1;
    (void)p2;
    config_check_arrange();
    return sr_kemi_modules_add(module_kemi);
}
#pragma GCC visibility pop
