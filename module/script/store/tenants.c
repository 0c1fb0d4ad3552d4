// SPDX-License-Identifier: BSD-2-Clause
#include "script/store/tenants.h"

#include <string.h>
#include <strings.h>

enum { BYTES_PER_KEY = 256, BYTES_LEAST = 64 << 10 };

struct store *tenants_store(const struct tenants *tenants, const char *tenant)
{
    for (size_t i = 0; i < tenants->count; i++)
        if (strcasecmp(tenants->rows[i].tenant, tenant) == 0)
            return tenants->rows[i].store;
    return NULL;
}

static int add(struct tenants *tenants, const struct host *host, const char *tenant, const struct store_limits *limits)
{
    struct store *store;
    int error = store_new(&store, host, limits);
    if (error != 0)
        return error;
    memcpy(tenants->rows[tenants->count].tenant, tenant, strlen(tenant) + 1);
    tenants->rows[tenants->count++].store = store;
    return 0;
}

int tenants_create(struct tenants *tenants, const struct host *host, const struct layer *layers, size_t count,
                   uint32_t keys)
{
    struct store_limits limits = {.entries = keys != 0 ? keys : TENANT_KEYS};
    int error = 0;
    limits.bytes = (size_t)limits.entries * BYTES_PER_KEY;
    if (limits.bytes < BYTES_LEAST)
        limits.bytes = BYTES_LEAST;
    tenants->count = 0;
    for (size_t i = 0; i < count && error == 0; i++)
        if (layers[i].tenant[0] != '\0' && tenants_store(tenants, layers[i].tenant) == NULL)
            error = add(tenants, host, layers[i].tenant, &limits);
    if (error != 0)
        tenants_destroy(tenants);
    return error;
}

void tenants_destroy(struct tenants *tenants)
{
    for (size_t i = 0; i < tenants->count; i++)
        store_delete(tenants->rows[i].store);
    tenants->count = 0;
}

void tenants_expire(const struct tenants *tenants, size_t most)
{
    for (size_t i = 0; i < tenants->count; i++)
        store_expire(tenants->rows[i].store, most);
}
