// SPDX-License-Identifier: BSD-2-Clause
#ifndef REFLOW_SCRIPT_NAMES_H
#define REFLOW_SCRIPT_NAMES_H

#include <lua.h>

#include "base/host.h"
#include "core/text.h"

/* Warns of names that begin with sip_, are no function of ours, look much like one, and are nowhere given a value in
   the program: a typing error in a hook's body, which would else show when the first call comes. For a script whose
   globals, the table at this index, are set, after it ran; may raise. `path` is how the program is called in the
   warning. */
void names_check(lua_State *L, int globals, const struct host *host, const char *path, struct text program);

#endif
