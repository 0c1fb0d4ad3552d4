// SPDX-License-Identifier: BSD-2-Clause
#ifndef REFLOW_SCRIPT_SANDBOX_H
#define REFLOW_SCRIPT_SANDBOX_H

#include <lua.h>

#include "host/host.h"

/*
 * What a routing script may use: base less load, loadfile, dofile, collectgarbage and warn; table, string, math, utf8;
 * require of "reflow" and of the modules carried in this object; the sip_ functions as globals. Of these, nothing in C
 * runs long where no Lua hook sees it: the pattern functions look at the watch, string.rep and the table functions are
 * bounded, and there are neither finalizers nor coroutines. Reading a global that nobody set raises.
 */

enum {
    REPEAT_MOST = 1 << 20, /* bytes that string.rep makes */
    TABLE_MOST = 1 << 20   /* elements that one call of a table function goes over */
};

/* Opens all this in a fresh state. May raise: call it protected. `host` as for bind_open, not NULL. */
void sandbox_open(lua_State *L, const struct host *host);

#endif
