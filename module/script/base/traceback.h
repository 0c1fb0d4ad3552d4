// SPDX-License-Identifier: BSD-2-Clause
#ifndef REFLOW_SCRIPT_TRACEBACK_H
#define REFLOW_SCRIPT_TRACEBACK_H

#include <lua.h>

/* Message handler for lua_pcall: the message in one line, with how the script came there:
   "a.lua:12: attempt to ... (in notify, called from a.lua:30)". */
int traceback(lua_State *L);

/* Pushes a text for the error value at index 1: of a table without __tostring its type alone, because its address
   differs from call to call. */
void traceback_push_message(lua_State *L);

#endif
