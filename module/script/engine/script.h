// SPDX-License-Identifier: BSD-2-Clause
#ifndef REFLOW_SCRIPT_SCRIPT_H
#define REFLOW_SCRIPT_SCRIPT_H

#include "script/engine/part.h"

/* What engine.c (its life) and entry.c (its hooks) share. */
struct script {
    const struct host *host;
    struct sources *sources;
    struct script_last last;
    unsigned references;
    size_t count;
    struct script_part *parts[]; /* the site's first, then one for each tenant */
};

/* The part of the tenant to whom the AOR belongs; 0: it belongs to none. */
size_t script_tenant_of(const struct script *script, struct text aor);

#endif
