// SPDX-License-Identifier: BSD-2-Clause
#ifndef REFLOW_SCRIPT_HOOKS_H
#define REFLOW_SCRIPT_HOOKS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <lua.h>

#include "core/code.h"
#include "core/facts.h"
#include "script/engine.h"

/* The hooks that one Lua state registered, and for each code the list of those that its responses go through. */

enum selector_kind { SELECT_ALL, SELECT_CLASS, SELECT_RANGE, SELECT_ONE }; /* the more specific, the higher */

struct hook_row {
    int reference; /* of the function, in Lua's registry; shared by the rows of one registration */
    int32_t priority;
    uint16_t from, to;     /* HOOK_RESPONSE: codes, inclusive */
    uint16_t registration; /* counted up, at most HOOKS_MOST */
    uint8_t hook;          /* enum hook */
    uint8_t selector;      /* enum selector_kind; HOOK_REQUEST: SELECT_ONE with a method, else SELECT_ALL */
    bool go_on;            /* option on_error = "next" */
    char method[24];       /* HOOK_REQUEST: empty for all */
};

enum {
    HOOKS_MOST = 1000,
    CODE_FIRST = SIP_TRYING,
    CODE_LAST = SIP_BUSY_EVERYWHERE + 99, /* of the 6xx */
    HOOK_CODES = CODE_LAST - CODE_FIRST + 1,
    HOOK_LISTS = HOOK_CODES + HOOK_COUNT /* one for each code, then one for each kind of hook */
};

struct hooks {
    lua_Alloc allocate; /* the state's own */
    void *context;
    struct hook_row *rows;
    size_t count, capacity;
    uint16_t registrations;
    uint16_t *order; /* row indices, list after list */
    size_t order_count;
    uint32_t first[HOOK_LISTS + 1]; /* where in `order` a list begins */
};

void hooks_create(struct hooks *hooks, lua_State *L);
void hooks_destroy(struct hooks *hooks);

/* Copy one row; its list is built by hooks_build. 0, -ENOSPC, -ENOMEM. */
int hooks_add(struct hooks *hooks, const struct hook_row *row);

/* Sort all rows into their lists: the most specific first, then the highest priority, then the latest. A function that
   several rows of one registration lead to stands once in a list. 0 or -ENOMEM; may be called again. */
int hooks_build(struct hooks *hooks);

/* The rows for a response of this code, or for another hook; *count may be 0. */
const uint16_t *hooks_for_code(const struct hooks *hooks, uint32_t code, size_t *count);
const uint16_t *hooks_for(const struct hooks *hooks, enum hook hook, size_t *count);

#endif
