// SPDX-License-Identifier: BSD-2-Clause
#ifndef REFLOW_SCRIPT_CARRY_TREE_H
#define REFLOW_SCRIPT_CARRY_TREE_H

#include <stdbool.h>
#include <stddef.h>

#include <lua.h>

#include "base/host.h"
#include "core/text.h"

/* Trees of tables, strings, numbers and booleans as bytes, for what a version hands to the next one. In the byte order
   of the process, which they never leave. */

enum { CARRY_BYTES_MOST = 1 << 20, CARRY_DEPTH_MOST = 32 /* tables in tables */ };

struct carry_buffer {
    const struct host *host;
    char *at;
    size_t used, size;
    bool out_of_memory; /* of the host, not of the script */
};

/* Raises where the value cannot be kept; the message begins with its path, "data.calls[3] is a function" for one, of
   which `name` is the beginning. The buffer is the caller's to free, all the same. */
void carry_write(lua_State *L, int index, const char *name, struct carry_buffer *buffer);
void carry_buffer_destroy(struct carry_buffer *buffer); /* zeroed but for the host is fine */

/* Pushes the next value of *rest, which moves on. Raises where the bytes are none of carry_write's. */
void carry_read(lua_State *L, struct text *rest);

#endif
