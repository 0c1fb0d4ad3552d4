// SPDX-License-Identifier: BSD-2-Clause
#ifndef REFLOW_SCRIPT_MATCHER_H
#define REFLOW_SCRIPT_MATCHER_H

#include <stddef.h>

#include <lua.h>

#include "core/text.h"

/* Lua's patterns (Lua 5.4 reference manual, 6.4.1), matched so that the watch can stop them. */

enum { CAPTURES_MOST = 32, CAPTURE_OPEN = -1, CAPTURE_POSITION = -2 };

struct capture {
    const char *start;
    ptrdiff_t length; /* or one of the two above */
};

struct matcher {
    lua_State *L;
    const char *subject, *subject_end;
    const char *pattern_end;
    unsigned steps;
    int depth;
    unsigned level; /* captures begun */
    struct capture captures[CAPTURES_MOST];
};

/* The texts are borrowed for as long as the matcher is used. */
void matcher_create(struct matcher *matcher, lua_State *L, struct text subject, struct text pattern);

/* Where a match that begins at `at` ends, or NULL. Raises for a malformed pattern and when the time is over. */
const char *matcher_run(struct matcher *matcher, const char *at, const char *pattern);

/* After a match from `from` to `to`: push one capture (0: the first; the whole match where there is none), or all
   (from NULL: none instead of the whole match); returns how many. */
void matcher_push_capture(struct matcher *matcher, unsigned index, const char *from, const char *to);
int matcher_push_captures(struct matcher *matcher, const char *from, const char *to);

/* Counts work that is done for a match elsewhere, one step for what takes some nanoseconds. Raises if the time is over.
 */
void matcher_spend(struct matcher *matcher, size_t count);

#endif
