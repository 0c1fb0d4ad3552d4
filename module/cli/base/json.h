// SPDX-License-Identifier: BSD-2-Clause
#ifndef REFLOW_CLI_JSON_H
#define REFLOW_CLI_JSON_H

#include <lua.h>
#include <stdio.h>

#include "core/text.h"

/* A quoted JSON string (RFC 8259) of UTF-8 text. */
void json_string(FILE *out, struct text text);

/* Writes a Lua value on several indented lines. A table with [1] or without entries is an array. Of any other table,
   the members that `keys` names (NULL ends it) are written, in that order. */
void json_lua(FILE *out, lua_State *L, int index, const char *const *keys, int depth);

#endif
