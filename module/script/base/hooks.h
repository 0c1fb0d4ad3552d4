// SPDX-License-Identifier: BSD-2-Clause
#ifndef REFLOW_SCRIPT_HOOKS_H
#define REFLOW_SCRIPT_HOOKS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <lua.h>

#include "core/code.h"
#include "core/facts.h"
#include "script/base/blame.h"
#include "script/base/hook.h"

/* The hooks that one Lua state registered, and for each code the list of those that its responses go through. */

struct layer;

enum selector_kind { SELECT_ALL, SELECT_CLASS, SELECT_RANGE, SELECT_ONE }; /* the more specific, the higher */

/* What happens when a hook fails: option on_error. */
enum on_error {
    ON_ERROR_CORE,     /* the core decides */
    ON_ERROR_NEXT,     /* the next hook has its say */
    ON_ERROR_PREVIOUS, /* the version before is asked */
    ON_ERROR_STATUS    /* the request is refused, or the call ended, with on_error_status */
};

struct hook_row {
    int reference; /* of the function, in Lua's registry; shared by the rows of one registration */
    int32_t priority;
    int32_t layer_priority;
    const char *file; /* where its function begins; NULL: not known */
    uint32_t line;
    uint16_t from, to;     /* HOOK_RESPONSE: codes, inclusive */
    uint16_t registration; /* counted up, at most HOOKS_MOST */
    uint8_t hook;          /* enum hook */
    uint8_t selector;      /* enum selector_kind; HOOK_REQUEST: SELECT_ONE with a method, else SELECT_ALL */
    uint8_t layer;         /* index */
    uint8_t on_error;      /* enum on_error */
    uint16_t on_error_status;
    char method[24]; /* HOOK_REQUEST: empty for all */
};

enum {
    HOOKS_MOST = 1000,
    CODE_FIRST = SIP_TRYING,
    CODE_LAST = SIP_BUSY_EVERYWHERE + 99, /* of the 6xx */
    HOOK_CODES = CODE_LAST - CODE_FIRST + 1,
    HOOK_LISTS = HOOK_CODES + HOOK_COUNT /* one for each code, then one for each kind of hook */
};

/* The circuit breaker of one registration: one that fails again and again is turned off for a while. The failures that
   one source causes count once, so that nobody can turn a hook off for the others. */
struct hook_health {
    uint64_t entries, failures;
    uint64_t streak_since; /* host ms: of the first of the failures in a row */
    uint64_t off_until;    /* host ms; 0: it is on. Once that has passed, one entry tries it */
    uint32_t streak;       /* failures in a row that count */
    struct blame blame;    /* whose failures are in the streak */
};

enum { BREAKER_FAILURES = 5, BREAKER_WINDOW_MS = 60000, BREAKER_OFF_MS = 60000 };

struct hooks {
    lua_Alloc allocate; /* the state's own */
    void *context;
    struct hook_row *rows;
    size_t count, capacity;
    uint16_t registrations;
    struct hook_health *health; /* by registration, from 1; made by hooks_build */
    size_t health_count;
    uint16_t *order; /* row indices, list after list */
    size_t order_count;
    uint32_t first[HOOK_LISTS + 1]; /* where in `order` a list begins */
};

void hooks_create(struct hooks *hooks, lua_State *L);
void hooks_destroy(struct hooks *hooks);

/* Copy one row; its list is built by hooks_build. 0, -ENOSPC, -ENOMEM. */
int hooks_add(struct hooks *hooks, const struct hook_row *row);

/* Sort all rows into their lists: the layer of the highest priority first, of two alike the later one; in a layer the
   most specific first, then the highest priority, then the latest. A function that
   several rows of one registration lead to stands once in a list. 0 or -ENOMEM; may be called again. */
int hooks_build(struct hooks *hooks);

/* Of two rows of different layers: the layer of the higher priority first, of two alike the later one. */
bool hook_layer_goes_before(const struct hook_row *a, const struct hook_row *b);

/* May it run now? */
bool hook_is_on(const struct hook_health *health, uint64_t now_ms);

/* Whether failures may turn it off. A hook that declares a status for its failures stays on, and so does one for
   credentials: turned off it would refuse every request, of whomever. */
bool hook_has_breaker(const struct hook_row *row);

/* What came of running it for these sources. True where that turned it off, or on again. */
bool hook_failed(struct hook_health *health, uint64_t now_ms, const uint64_t sources[BLAME_AT_ONCE]);
bool hook_succeeded(struct hook_health *health);

/* The rows for a response of this code, or for another hook; *count may be 0. */
static inline const uint16_t *hooks_list(const struct hooks *hooks, size_t list, size_t *count)
{
    *count = hooks->first[list + 1] - hooks->first[list];
    return hooks->order + hooks->first[list];
}

static inline const uint16_t *hooks_for_code(const struct hooks *hooks, uint32_t code, size_t *count)
{
    if (code < CODE_FIRST || code > CODE_LAST || hooks->order == NULL) {
        *count = 0;
        return NULL;
    }
    return hooks_list(hooks, code - CODE_FIRST, count);
}

static inline const uint16_t *hooks_for(const struct hooks *hooks, enum hook hook, size_t *count)
{
    if (hooks->order == NULL) {
        *count = 0;
        return NULL;
    }
    return hooks_list(hooks, (size_t)HOOK_CODES + hook, count);
}

#endif
