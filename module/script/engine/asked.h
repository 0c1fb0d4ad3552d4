// SPDX-License-Identifier: BSD-2-Clause
#ifndef REFLOW_SCRIPT_ASKED_H
#define REFLOW_SCRIPT_ASKED_H

#include "script/engine/script.h"

/* The hooks that an entry calls, in order: those of the site and those of the tenant of the AOR, merged by the
   priorities of their layers. */

enum { ASKED_SITE, ASKED_TENANT, ASKED_PARTS };

struct asked {
    struct text method; /* HOOK_REQUEST: hooks for other methods are skipped */
    size_t tenant;      /* index of the tenant's part; 0: none */
    struct asked_part {
        struct script_part *part; /* NULL: none */
        const uint16_t *rows;
        size_t count, next;
    } parts[ASKED_PARTS];
};

/* `code`: of the response, for HOOK_RESPONSE. The script must outlive it. */
void asked_create(struct asked *asked, const struct script *script, enum hook hook, uint32_t code, struct text method,
                  struct text aor);

/* Returns the next hook and the part that it belongs to, ASKED_SITE or ASKED_TENANT; NULL if none is left. */
const struct hook_row *asked_next(struct asked *asked, size_t *part);

#endif
