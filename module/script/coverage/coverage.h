// SPDX-License-Identifier: BSD-2-Clause
#ifndef REFLOW_SCRIPT_COVERAGE_H
#define REFLOW_SCRIPT_COVERAGE_H

#include "script/engine/engine.h"

/*
 * Which hooks, lines and branches of a policy ran: for tests of policies alone, since a Lua hook on every line slows
 * what it counts. It adds up over versions whose files have the same names and lengths. Branches are told apart by the
 * line on which they go on: the two ways of `x = a and b` are not, and neither are those of an `if` that begins and
 * ends on one line without returning. What runs while the script loads counts as run.
 */

struct coverage;

int coverage_new(struct coverage **out, const struct host *host);
void coverage_delete(struct coverage *coverage); /* NULL is fine; no script may run under it any more */

/* Count what runs of the script from now on, and which of its hooks were entered so far. To be called again before each
   entry (a hook that was stopped ends the counting), and when the script has run for the last time. 0, -ENOMEM, or
   -ENOTSUP where this Lua's compiled form is not known. */
int coverage_watch(struct coverage *coverage, struct script *script);

struct coverage_file {
    const char *name;
    unsigned hooks, hooks_run, lines, lines_run, branches, branches_run;
};

/* False past the end. */
bool coverage_file(const struct coverage *coverage, size_t index, struct coverage_file *file);

/* What did not run of a file, in its order: a line with `to` -1; a branch from a line to another, 0: where the function
   ends. visit returns false to stop. */
void coverage_missing(const struct coverage *coverage, size_t index,
                      bool (*visit)(void *context, unsigned line, int to), void *context);

#endif
