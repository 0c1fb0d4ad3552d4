// SPDX-License-Identifier: BSD-2-Clause
#ifndef REFLOW_SCRIPT_ASKED_H
#define REFLOW_SCRIPT_ASKED_H

#include "script/engine/script.h"

/* The hooks that an entry calls, in order: those of the site and those of the tenant of the AOR, merged by the
   priorities of their layers. In the header, because every entry passes here. */

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

/* part NULL: none. */
static inline void asked_set_part(struct asked_part *to, struct script_part *part, enum hook hook, uint32_t code)
{
    to->part = part;
    to->rows = NULL;
    to->count = to->next = 0;
    if (part == NULL)
        return;
    const struct hooks *hooks = &part->state->hooks;
    to->rows = hook == HOOK_RESPONSE ? hooks_for_code(hooks, code, &to->count) : hooks_for(hooks, hook, &to->count);
}

/* `code`: of the response, for HOOK_RESPONSE. The script must outlive it. */
static inline void asked_create(struct asked *asked, const struct script *script, enum hook hook, uint32_t code,
                                struct text method, struct text aor)
{
    asked->method = method;
    asked->tenant = script->count > 1 ? script_tenant_of(script, aor) : 0;
    asked_set_part(&asked->parts[ASKED_SITE], script->parts[0], hook, code);
    asked_set_part(&asked->parts[ASKED_TENANT], asked->tenant != 0 ? script->parts[asked->tenant] : NULL, hook, code);
}

/* The part's next row for the method. */
static inline const struct hook_row *asked_row_of(struct asked_part *part, struct text method)
{
    for (; part->next < part->count; part->next++) {
        const struct hook_row *row = &part->part->state->hooks.rows[part->rows[part->next]];
        if (row->method[0] == '\0' || text_equal(text_of(row->method), method))
            return row;
    }
    return NULL;
}

/* Returns the next hook and the part that it belongs to, ASKED_SITE or ASKED_TENANT; NULL if none is left. */
static inline const struct hook_row *asked_next(struct asked *asked, size_t *part)
{
    const struct hook_row *site = asked_row_of(&asked->parts[ASKED_SITE], asked->method);
    const struct hook_row *tenant = asked_row_of(&asked->parts[ASKED_TENANT], asked->method);
    bool of_site = tenant == NULL || (site != NULL && hook_layer_goes_before(site, tenant));
    *part = of_site ? ASKED_SITE : ASKED_TENANT;
    asked->parts[*part].next++;
    return of_site ? site : tenant;
}

#endif
