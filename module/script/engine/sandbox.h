// SPDX-License-Identifier: BSD-2-Clause
#ifndef REFLOW_SCRIPT_SANDBOX_H
#define REFLOW_SCRIPT_SANDBOX_H

#include <lua.h>

#include "base/host.h"
#include "core/text.h"
#include "script/sources/sources.h"

/*
 * What a routing script may use: base less load, loadfile, dofile, collectgarbage and warn; table, string, math, utf8;
 * require of "reflow", of the modules carried in this object, and of those in the lib/ of its own layer; the sip_
 * functions as globals. Of these, nothing in C runs long where no Lua hook sees it: the pattern functions, sort and
 * concat look at the watch, string.rep, string.format and the other table functions are bounded, and so is the length
 * of a text, because Lua compares two of them in one instruction. There are neither finalizers nor coroutines nor weak
 * tables. Reading a global that nobody set raises. Each layer has globals and libraries of its own: what it does to
 * them no other layer sees, nor the methods of strings.
 */

enum {
    REPEAT_MOST = 1 << 20, /* bytes that string.rep makes */
    TABLE_MOST = 1 << 18,  /* elements that one call of a table function goes over */
    VALUES_MOST = 1 << 13, /* that one call returns: they go on the stack */
    FORMAT_MOST = 256,     /* values that string.format takes */
    QUOTED_MOST = 300000   /* bytes of texts that it takes where it quotes one */
};

/* Opens all this in a fresh state. May raise: call it protected. `host` as for bind_open, not NULL. */
void sandbox_open(lua_State *L, const struct host *host);

/* Pushes the globals for one layer of the sources, which must outlive the state. May raise. */
void sandbox_push_layer(lua_State *L, const struct sources *sources, size_t layer);

/* Pushes a file as a function whose globals are the table at this index. Raises where it does not compile. */
void sandbox_push_file(lua_State *L, int globals, const struct source_file *file);

/* What of a file is Lua: not a byte order mark, nor a first line that begins with # and is for the shell. Line numbers
   stay. */
struct text sandbox_program(const struct source_file *file);

#endif
