// SPDX-License-Identifier: BSD-2-Clause
#ifndef REFLOW_SCRIPT_PATTERN_H
#define REFLOW_SCRIPT_PATTERN_H

#include <lua.h>

/* find, match, gmatch and gsub with the meaning of Lua's own, put into the table on top of the stack; they look at the
   watch while they match, so that no pattern runs past the script's time. */
void pattern_open(lua_State *L);

#endif
