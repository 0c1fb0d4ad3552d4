// SPDX-License-Identifier: BSD-2-Clause
#include "script/engine/asked.h"

static void set_part(struct asked_part *to, struct script_part *part, enum hook hook, uint32_t code)
{
    const struct hooks *hooks = &part->state->hooks;
    to->part = part;
    to->rows = hook == HOOK_RESPONSE ? hooks_for_code(hooks, code, &to->count) : hooks_for(hooks, hook, &to->count);
}

void asked_create(struct asked *asked, const struct script *script, enum hook hook, uint32_t code, struct text method,
                  struct text aor)
{
    *asked = (struct asked){.method = method, .tenant = script_tenant_of(script, aor)};
    set_part(&asked->parts[ASKED_SITE], script->parts[0], hook, code);
    if (asked->tenant != 0)
        set_part(&asked->parts[ASKED_TENANT], script->parts[asked->tenant], hook, code);
}

/* The part's next row for the method. */
static const struct hook_row *row_of(struct asked_part *part, struct text method)
{
    for (; part->next < part->count; part->next++) {
        const struct hook_row *row = &part->part->state->hooks.rows[part->rows[part->next]];
        if (row->method[0] == '\0' || text_equal(text_of(row->method), method))
            return row;
    }
    return NULL;
}

const struct hook_row *asked_next(struct asked *asked, size_t *part)
{
    const struct hook_row *site = row_of(&asked->parts[ASKED_SITE], asked->method);
    const struct hook_row *tenant = row_of(&asked->parts[ASKED_TENANT], asked->method);
    if (site == NULL && tenant == NULL)
        return NULL;
    bool of_site = tenant == NULL || (site != NULL && hook_layer_goes_before(site, tenant));
    *part = of_site ? ASKED_SITE : ASKED_TENANT;
    asked->parts[*part].next++;
    return of_site ? site : tenant;
}
