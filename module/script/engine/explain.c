// SPDX-License-Identifier: BSD-2-Clause
#include <errno.h>
#include <stdio.h>

#include "script/engine/asked.h"

/* Lists the hooks that would be called, for display. */

enum { CODE_WORD = 16, PLACE_WORD = 1 << 9 };

static struct text print_selector(const struct hook_row *row, char *out, size_t size)
{
    if (row->hook == HOOK_REQUEST)
        return text_of(row->method[0] != '\0' ? row->method : "*");
    if (row->hook != HOOK_RESPONSE || row->selector == SELECT_ALL)
        return TEXT("*");
    if (row->selector == SELECT_CLASS)
        snprintf(out, size, "%uxx", row->from / 100U);
    else if (row->selector == SELECT_ONE)
        snprintf(out, size, "%u", row->from);
    else
        snprintf(out, size, "%u-%u", row->from, row->to);
    return text_of(out);
}

static struct text print_on_error(const struct hook_row *row, char *out, size_t size)
{
    static const char *const modes[] = {"core", "next", "previous"};
    if (row->on_error < ON_ERROR_STATUS)
        return text_of(modes[row->on_error]);
    snprintf(out, size, "%u", row->on_error_status);
    return text_of(out);
}

static bool visit_row(const struct script_part *part, const struct hook_row *row,
                      bool (*visit)(void *context, const struct script_hook_info *info), void *context)
{
    char selector[CODE_WORD], on_error[CODE_WORD], place[PLACE_WORD];
    const struct hook_health *health = &part->state->hooks.health[row->registration];
    snprintf(place, sizeof place, "%s:%u", row->file != NULL ? row->file : "?", row->line);
    struct script_hook_info info = {.layer = text_of(sources_layer(part->sources, row->layer)->name),
                                    .place = text_of(place),
                                    .selector = print_selector(row, selector, sizeof selector),
                                    .layer_priority = row->layer_priority,
                                    .priority = row->priority,
                                    .on_error = print_on_error(row, on_error, sizeof on_error),
                                    .off = health->off_until != 0 &&
                                           !hook_is_on(health, part->host->now_ms(part->host->context)),
                                    .entries = health->entries,
                                    .failures = health->failures,
                                    .hook = row->hook,
                                    .code = row->from,
                                    .method = text_of(row->method),
                                    .tenant = part->tenant,
                                    .registration = row->registration};
    return visit(context, &info);
}

void script_each_hook(const struct script *script, bool (*visit)(void *context, const struct script_hook_info *info),
                      void *context)
{
    for (size_t i = 0; i < script->count; i++) {
        const struct hooks *hooks = &script->parts[i]->state->hooks;
        for (size_t row = 0; row < hooks->count; row++) {
            if (!visit_row(script->parts[i], &hooks->rows[row], visit, context))
                return;
        }
    }
}

int script_explain(struct script *script, enum hook hook, uint32_t code, enum method method, struct text aor,
                   bool (*visit)(void *context, const struct script_hook_info *info), void *context)
{
    const struct hook_row *row;
    struct asked asked;
    size_t part;
    if (hook >= HOOK_COUNT)
        return -EINVAL;
    asked_create(&asked, script, hook, code, text_of(method_name(method)), aor);
    while ((row = asked_next(&asked, &part)) != NULL)
        if (!visit_row(asked.parts[part].part, row, visit, context))
            break;
    return 0;
}
