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
#include "script/engine/emergency.h"
#include "script/engine/engine.h"
#include "script/engine/hooks.h"
#include "script/sources/sources.h"
#include "script/store/store.h"

/* What the bindings of one Lua state share; found in its registry. */
struct bind_state {
    const struct host *host; /* its allocator counts for the script */
    struct hooks hooks;
    struct emergency emergency;
    bool hosted;   /* the state is a script's: entries come and go; else stock Lua, where hooks are only kept */
    bool loading;  /* hooks may be registered */
    uint8_t layer; /* whose files run while the version loads: what it registers is of that layer */
    const struct sources *sources; /* of the version; NULL in stock Lua */
    struct store *store;           /* what sip.store gives; NULL: one of the version's own */
    struct store *own_store;       /* that one, from its first use on */
    uint64_t generation;           /* of the entry that runs, counted up at its begin and end */
    /* Of the entry that runs; NULL where there is none. */
    const struct script_call *call;
    const struct script_reply *reply;
    const struct decision *decision;
    const struct script_flow *flow;
    uint16_t reply_code;
};

struct bind_state *bind_state(lua_State *L);

/* Pushes the table of functions; the state's bind_state is made on the first call. `host` NULL: stock Lua. */
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
void bind_respond(lua_State *L);
void bind_outbound(lua_State *L); /* stock Lua alone */
void bind_token(lua_State *L);    /* likewise */
int reflow_bind_explain(lua_State *L);

/*
 * What hooks get as request, call, reply, decision, flow: a light userdata that holds no pointer but its kind and the
 * generation of its entry, so that it costs no memory and one that is kept raises a clean error.
 */
enum object_kind { OBJECT_CALL = 1, OBJECT_REPLY, OBJECT_DECISION, OBJECT_FLOW };

void bind_object(
    lua_State *L); /* sets the metatable of light userdata: hosted states only; adds nothing to the table */
enum { OBJECT_KIND_BITS = 3 };
static inline void object_push(lua_State *L, const struct bind_state *state, enum object_kind kind)
{
    lua_pushlightuserdata(L, (void *)((uintptr_t)state->generation << OBJECT_KIND_BITS | (uintptr_t)kind)); // NOLINT
}
/* Whether the value is an object of this kind; raises where its entry is over. */
bool object_is(lua_State *L, int index, enum object_kind kind);

/* The code that a reply acts as, whatever it came from; 0: malformed. */
uint16_t reply_code(const struct facts *facts);

/* The code meant by an argument: a number, a reply, a message, a table with a field code, or nothing: the current
   reply. Raises for all else. */
lua_Integer argument_code(lua_State *L, int index);

/* What the arguments of sip.decide say: a reply as above, and a context table or nothing. Raises for all else. */
void argument_facts(lua_State *L, int reply, int context, struct facts *facts, struct state *state);
void decision_push(lua_State *L, const struct decision *decision); /* as a table */

/* A struct sip_message made by sip.parse at this index, or NULL. */
const struct sip_message *message_at(lua_State *L, int index);
/* The functions of messages and calls: f(object, name [, n]); `message` may be NULL. */
int message_header(lua_State *L, const struct sip_message *message);
void message_push_fields(lua_State *L, int object); /* the iterator that headers() returns */
bool message_field_next(lua_State *L, const struct sip_message *message, size_t index); /* pushes name, value */

/* A verdict value at this index? Its plain form; raises nothing, allocates nothing. */
bool verdict_read(lua_State *L, int index, struct script_verdict *verdict);
void verdict_push_accept(lua_State *L);

/* One line to the host's log: what would break it, or a terminal, becomes a space. */
void log_line(lua_State *L, enum log_level level, const char *text);

/* nil where the text is absent or empty. */
void push_text(lua_State *L, struct text text);

/* t[name] of the table at `index`, raising "... has no field" with the nearest name for a missing string key:
   adds an __index to the table on top. `what` is how messages call it: "sip". */
void strict_table(lua_State *L, const char *what);

/* Pushes the key of the table at this index that differs least from `name`; false, and nil, where none is near. */
bool strict_nearest(lua_State *L, int table, const char *name);

#endif
