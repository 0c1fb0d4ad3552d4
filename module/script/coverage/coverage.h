// SPDX-License-Identifier: BSD-2-Clause
#ifndef REFLOW_SCRIPT_COVERAGE_H
#define REFLOW_SCRIPT_COVERAGE_H

#include "script/engine/engine.h"

/*
 * Records which hooks, lines and branches of a policy have run. Only for tests of policies, because a Lua hook on every
 * line slows the policy down. Counts are added up over versions whose files have the same names and lengths. Branches
 * are distinguished by the line on which they continue: the two ways of `x = a and b` are not distinguished, nor those
 * of an `if` that begins and ends on one line without returning. Code that runs while the script loads counts as run.
 */

struct coverage;

int coverage_new(struct coverage **out, const struct host *host);
void coverage_delete(struct coverage *coverage); /* coverage may be NULL; no script may be using it */

/* Counts from now on what runs of the script, and which of its hooks have been entered so far. Call it again before
   each entry (stopping a hook ends the counting), and once after the last one. Returns 0, -ENOMEM, or -ENOTSUP if
   the compiled form of this Lua is not known. */
int coverage_watch(struct coverage *coverage, struct script *script);

struct coverage_file {
    const char *name;
    unsigned hooks, hooks_run, lines, lines_run, branches, branches_run;
};

/* False past the end. */
bool coverage_file(const struct coverage *coverage, size_t index, struct coverage_file *file);

/* Reports what has not run of a file, in order: a line, with `to` -1; or a branch from one line to another (0: the
   end of the function). visit returns false to stop. */
void coverage_missing(const struct coverage *coverage, size_t index,
                      bool (*visit)(void *context, unsigned line, int to), void *context);

#endif
