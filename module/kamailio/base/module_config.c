// SPDX-License-Identifier: GPL-2.0-or-later
#include "kamailio/base/ksr.h"

#include "kamailio/base/module_config.h"

#include "call/response_context.h"
#include "script/store/tenants.h"

struct module_config module_config = {.policy_time_ms = 20,
                                      .policy_load_ms = 1000,
                                      .policy_memory = 8192,
                                      .tenant_memory = 4096,
                                      .tenant_store = TENANT_KEYS,
                                      .token_rotate = 604800,
                                      .rest_silent = REST_SILENT_STANDARD_S,
                                      .expires_default = 3600,
                                      .expires_least = 60,
                                      .expires_least_mode = EXPIRES_REFUSED,
                                      .expires_most = 7200,
                                      .contact_names = 1,
                                      .method_filtering = 1,
                                      .aor_case = AOR_ANY_CASE,
                                      .contacts_most = 32,
                                      .transactions_most = 50000,
                                      .source_transactions_most = 5000,
                                      .bytes_most = 64000000,
                                      .source_bytes_most = 8000000,
                                      .reserve_percent = 25,
                                      .bindings_percent = 50,
                                      .source_bindings_percent = 10,
                                      .poll_ms = 1000};

struct tm_binds tmb;
usrloc_api_t ul;
sl_api_t slb;
ob_api_t ob;
bool module_removes_lost;
int module_matching;
bool module_has_usrloc, module_has_outbound;

void *module_parameter(char *module, char *name, modparam_t types)
{
    modparam_t type;
    return find_param_export(find_module_by_name(module), name, types, &type);
}
