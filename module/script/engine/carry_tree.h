// SPDX-License-Identifier: BSD-2-Clause
#ifndef REFLOW_SCRIPT_CARRY_TREE_H
#define REFLOW_SCRIPT_CARRY_TREE_H

#include <stdbool.h>
#include <stddef.h>

#include <lua.h>

#include "base/host.h"
#include "core/text.h"

/* Serialises tables, strings, numbers and booleans, for the data that one version hands to the next. The byte order
   is that of the process, because the bytes never leave it. */

enum { CARRY_BYTES_MOST = 1 << 20, CARRY_DEPTH_MOST = 32 /* tables in tables */ };

struct carry_buffer {
    const struct host *host;
    char *at;
    size_t used, size;
    bool out_of_memory; /* the host has no memory; the limit of the script does not matter here */
};

/* Raises an error if the value cannot be serialised. The message begins with the path, such as "data.calls[3] is a
   function", where `name` is the first part. The caller frees the buffer in any case. */
void carry_write(lua_State *L, int index, const char *name, struct carry_buffer *buffer);
void carry_buffer_destroy(struct carry_buffer *buffer); /* zeroed but for the host is fine */

/* Pushes the next value and advances *rest. Raises an error if the bytes were not written by carry_write(). */
void carry_read(lua_State *L, struct text *rest);

#endif
