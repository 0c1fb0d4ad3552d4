// SPDX-License-Identifier: BSD-2-Clause
#ifndef REFLOW_SCRIPT_BIND_H
#define REFLOW_SCRIPT_BIND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <lua.h>

#include "base/host.h"
#include "core/decide.h"
#include "core/facts.h"
#include "core/text.h"
#include "script/base/emergency.h"
#include "script/base/field.h"
#include "script/base/hook.h"
#include "script/base/hooks.h"
#include "script/sources/sources.h"
#include "script/store/store.h"

/* The data that the bindings of one Lua state share, stored in its registry. */
struct bind_state {
    const struct host *host; /* its allocator counts the memory of the script */
    struct hooks hooks;
    struct emergency emergency;
    bool hosted;   /* the state belongs to a policy and is entered for each hook; otherwise stock Lua, where hooks are
                      only stored */
    bool loading;  /* hooks may be registered */
    uint8_t layer; /* the layer whose files are being loaded; hooks that are registered now belong to it */
    const struct sources *sources; /* of the version; NULL in stock Lua */
    struct store *store;           /* sip.store; NULL: a store of the version's own */
    struct store *own_store;       /* that store, created at its first use */
    uint64_t generation;           /* the number of the current entry, incremented when it begins and ends */
    /* The objects of the current entry; NULL if there is none. */
    const struct script_call *call;
    const struct script_reply *reply;
    const struct decision *decision;
    const struct script_flow *flow;
    uint16_t reply_code;
};

struct bind_state *bind_state(lua_State *L);
void bind_state_keep(lua_State *L); /* pops the userdata that bind_state() finds from now on */

/* Pushes the table of functions; the first call creates the state's bind_state. `host` NULL: stock Lua. */
int bind_open(lua_State *L, const struct host *host);

/* Each adds its functions to the table on top of the stack. */
void bind_class(lua_State *L);
void bind_code(lua_State *L);
void bind_decide(lua_State *L);
void bind_helper(lua_State *L);
void bind_message(lua_State *L);
void bind_verdict(lua_State *L);
void bind_hook(lua_State *L);
void bind_log(lua_State *L);
void bind_store(lua_State *L);
void bind_carry(lua_State *L);

/* Pushes the functions that sip.save() or sip.restore() was given, in a table by the names of their layers. If there
   are none, returns false and pushes nothing. Does not raise. */
enum carry_functions { CARRY_SAVE, CARRY_RESTORE, CARRY_FUNCTIONS };
bool carry_push_functions(lua_State *L, enum carry_functions which);

void bind_respond(lua_State *L);
void bind_outbound(lua_State *L); /* only in stock Lua */
void bind_token(lua_State *L);    /* likewise */
int reflow_bind_explain(lua_State *L);

/* source(name): returns the embedded source as a function, or nothing for an unknown name. */
int reflow_bind_source(lua_State *L);

/*
 * The objects that hooks get as request, call, reply, decision and flow: each is a light userdata that contains no
 * pointer, only its kind and the generation of its entry. So an object costs no memory, and an object that is used
 * after its entry raises an error.
 */
enum object_kind { OBJECT_CALL = 1, OBJECT_REPLY, OBJECT_DECISION, OBJECT_FLOW };

void bind_object(
    lua_State *L); /* sets the metatable of light userdata; only in states of policies; adds nothing to the table */
enum { OBJECT_KIND_BITS = 3 };
static inline void object_push(lua_State *L, uint64_t generation, enum object_kind kind)
{
    lua_pushlightuserdata(L, (void *)((uintptr_t)generation << OBJECT_KIND_BITS | (uintptr_t)kind)); // NOLINT
}
/* Returns whether the value is an object of this kind; raises an error if its entry has ended. */
bool object_is(lua_State *L, int index, enum object_kind kind);

/* The code that a reply acts as, also for a timeout or a dead flow; 0: malformed. */
uint16_t reply_code(const struct facts *facts);

/* The code of an argument: a number, a reply, a message, a table with a field code, or nothing for the current
   reply. Raises an error for anything else. */
lua_Integer argument_code(lua_State *L, int index);

/* Reads the arguments of sip.decide: a reply as above, and an optional context table. Raises an error for anything
   else. */
void argument_facts(lua_State *L, int reply, int context, struct facts *facts, struct state *state);
void decision_push(lua_State *L, const struct decision *decision); /* as a table */

/* The userdata at this index if its metatable is the value that the registry has for this key; NULL for anything else.
 */
void *userdata_at(lua_State *L, int index, const void *metatable_key);

/* A struct sip_message made by sip.parse at this index, or NULL. */
const struct sip_message *message_at(lua_State *L, int index);
/* The functions of messages and calls: f(object, name [, n]); `message` may be NULL. */
int message_header(lua_State *L, const struct sip_message *message);
bool message_field_next(lua_State *L, const struct sip_message *message, size_t index); /* pushes name, value */

/* Returns the plain form of a verdict at this index, or NULL. Raises no error and allocates nothing. */
bool verdict_read(lua_State *L, int index, struct script_verdict *verdict);
void verdict_push_accept(lua_State *L);

/* Writes one line to the host's log. Characters that would end the line or control a terminal become spaces. */
void log_line(lua_State *L, enum log_level level, const char *text);

/* Pushes the text; nil if it is absent or empty. */
void push_text(lua_State *L, struct text text);

/* t[name] of the table at `index`, raising "... has no field" with the nearest name for a missing string key:
   adds an __index to the table on top. `what` is how messages call it: "sip". */
void strict_table(lua_State *L, const char *what);

/* Pushes the key of the table at this index that is most similar to `name`. Returns false and pushes nil if none is
   similar. */
bool strict_nearest(lua_State *L, int table, const char *name);

#endif
