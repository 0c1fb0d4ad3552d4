// SPDX-License-Identifier: BSD-2-Clause
#ifndef REFLOW_SCRIPT_TENANTS_H
#define REFLOW_SCRIPT_TENANTS_H

#include <stddef.h>
#include <stdint.h>

#include "script/sources/sources.h"
#include "script/store/store.h"

/* The data of a tenant that survives the versions of its policy: its store. */

enum {
    TENANT_KEYS = 4096,
    TENANT_KEYS_MOST = 1 << 20,
    TENANT_RESTS_MOST = 64 /* destinations that may rest at the same time because of one tenant's policy */
};

struct tenants {
    size_t count;
    struct {
        char tenant[128];
        struct store *store;
    } rows[LAYERS_MOST];
};

/* Creates a store for each tenant among the layers, with `keys` entries (0: TENANT_KEYS) and 256 bytes for each
   entry, but at least 64 KiB. The host must outlive it. Returns 0, or -ENOMEM with nothing to destroy. */
int tenants_create(struct tenants *tenants, const struct host *host, const struct layer *layers, size_t count,
                   uint32_t keys);
void tenants_destroy(struct tenants *tenants); /* zeroed is fine */

/* Returns NULL if the domain has no tenant. */
struct store *tenants_store(const struct tenants *tenants, const char *tenant);

/* As store_expire(), for each store. */
void tenants_expire(const struct tenants *tenants, size_t most);

#endif
