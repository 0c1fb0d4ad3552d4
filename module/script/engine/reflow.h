// SPDX-License-Identifier: BSD-2-Clause
#ifndef REFLOW_SCRIPT_REFLOW_H
#define REFLOW_SCRIPT_REFLOW_H

#include <lua.h>

/* require "reflow": pushes the table of functions. The only symbol that reflow.so exports. */
int luaopen_reflow(lua_State *L);

#endif
