// SPDX-License-Identifier: BSD-2-Clause
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <lauxlib.h>

#include "script/engine/carry_tree.h"
#include "script/base/printable.h"
#include "script/engine/script.h"

/* Hands data from one version of a script to the next: for each layer with a function given to sip.save(), its name,
   the schema and the data. */

/* --- the saved data of a part: lengths, tenant, bytes --- */

struct frame {
    uint64_t tenant, bytes;
};

static int add_frame(struct carry_buffer *buffer, const struct script_part *part, struct text bytes)
{
    const struct frame frame = {strlen(part->tenant), bytes.length};
    size_t size = buffer->used + sizeof frame + (size_t)frame.tenant + bytes.length;
    char *at = buffer->host->allocate(buffer->host->context, buffer->at, buffer->size, size);
    if (at == NULL)
        return -ENOMEM;
    buffer->at = at;
    buffer->size = size;
    at += buffer->used;
    buffer->used = size;
    memcpy(at, &frame, sizeof frame);
    memcpy(at + sizeof frame, part->tenant, (size_t)frame.tenant);
    memcpy(at + sizeof frame + frame.tenant, bytes.at, bytes.length);
    return 0;
}

/* Returns false if the frame is not complete. */
static bool take_frame(struct text *blob, char *tenant, size_t size, struct text *bytes)
{
    struct frame frame;
    if (blob->length < sizeof frame)
        return false;
    memcpy(&frame, blob->at, sizeof frame);
    size_t rest = blob->length - sizeof frame;
    if (frame.tenant >= size || frame.tenant > rest || frame.bytes == 0 || frame.bytes > rest - frame.tenant)
        return false;
    memcpy(tenant, blob->at + sizeof frame, (size_t)frame.tenant);
    tenant[frame.tenant] = '\0';
    *bytes = (struct text){blob->at + sizeof frame + frame.tenant, (size_t)frame.bytes};
    blob->at = bytes->at + bytes->length;
    blob->length = rest - (size_t)frame.tenant - bytes->length;
    return true;
}

/* The state of one of the two entries while it runs. */
struct carry {
    struct carry_buffer buffer;
    struct text rest;  /* to restore */
    const char *doing; /* for messages */
    bool damaged;
};

/* Stack: carry, functions; then a layer's name and its function, which becomes what it returned. */
static void save_layer(lua_State *L, struct carry *carry)
{
    lua_call(L, 0, 2);
    if (lua_isnil(L, -2)) {
        lua_pop(L, 2);
        return;
    }
    int schema = lua_type(L, -1);
    if (schema != LUA_TNIL && schema != LUA_TNUMBER && schema != LUA_TSTRING)
        luaL_error(L, "the schema, which is the second value, is a %s: it is a number or a string",
                   lua_typename(L, schema));
    carry_write(L, -3, "layer", &carry->buffer);
    carry_write(L, -1, "schema", &carry->buffer);
    carry_write(L, -2, "data", &carry->buffer);
    lua_pop(L, 2);
}

static int save_protected(lua_State *L)
{
    struct carry *carry = lua_touserdata(L, 1);
    if (carry_push_functions(L, CARRY_SAVE))
        for (lua_pushnil(L); lua_next(L, 2) != 0;)
            save_layer(L, carry);
    return 0;
}

/* Stack: carry, functions. */
static void restore_layer(lua_State *L, struct carry *carry)
{
    carry->damaged = true; // until it is read
    for (int i = 0; i < 3; i++)
        carry_read(L, &carry->rest);
    carry->damaged = false;
    lua_pushvalue(L, 3);
    if (lua_rawget(L, 2) == LUA_TFUNCTION) {
        lua_pushvalue(L, 5);
        lua_pushvalue(L, 4);
        lua_call(L, 2, 2);
        if (lua_isboolean(L, -2) && !lua_toboolean(L, -2))
            luaL_error(L, "refused: %s", lua_type(L, -1) == LUA_TSTRING ? lua_tostring(L, -1) : "it returned false");
    }
    lua_settop(L, 2);
}

static int restore_protected(lua_State *L)
{
    struct carry *carry = lua_touserdata(L, 1);
    if (carry_push_functions(L, CARRY_RESTORE))
        while (carry->rest.length != 0)
            restore_layer(L, carry);
    return 0;
}

/* Writes the error as one line. */
static void tell(const struct script_part *part, const char *doing, const char *message, char *error, size_t size)
{
    if (size == 0)
        return;
    size_t length = printable_write(error, size, part->path);
    length += printable_write(error + length, size - length, ": ");
    length += printable_write(error + length, size - length, doing);
    length += printable_write(error + length, size - length, ": ");
    printable_write(error + length, size - length, message);
}

static int error_of(enum script_outcome outcome)
{
    switch (outcome) {
    case SCRIPT_DEFAULT:
        return 0;
    case SCRIPT_OVERRUN:
        return -ETIME;
    case SCRIPT_MEMORY:
        return -ENOMEM;
    default:
        return -ECANCELED;
    }
}

/* Runs under the time and memory limits of every entry. */
static int run(struct script_part *part, lua_CFunction function, struct carry *carry, char *error, size_t error_size)
{
    lua_State *L = part->L;
    int code = watch_begin(&part->watch, part->limits.time_ms);
    if (code != 0) {
        tell(part, carry->doing, strerror(-code), error, error_size);
        return code;
    }
    lua_pushcfunction(L, function);
    lua_pushlightuserdata(L, carry);
    int status = lua_pcall(L, 1, 0, 1);
    enum script_outcome outcome = script_outcome_of(status, watch_end(&part->watch));
    code = error_of(outcome);
    if (code != 0)
        tell(part, carry->doing, script_message(part, outcome), error, error_size);
    lua_settop(L, 1);
    return code;
}

static int save_part(struct script_part *part, struct carry_buffer *buffer, char *error, size_t error_size)
{
    struct carry carry = {.buffer.host = part->host, .doing = "sip.save()"};
    if (!carry_push_functions(part->L, CARRY_SAVE))
        return 0;
    lua_settop(part->L, 1);
    int code = run(part, save_protected, &carry, error, error_size);
    if (code == -ECANCELED)
        code = carry.buffer.out_of_memory ? -ENOMEM : -EINVAL;
    if (code == 0 && carry.buffer.used != 0)
        code = add_frame(buffer, part, (struct text){carry.buffer.at, carry.buffer.used});
    if (code == -ENOMEM)
        tell(part, carry.doing, "not enough memory", error, error_size);
    carry_buffer_destroy(&carry.buffer);
    return code;
}

/* If a tenant's data cannot be saved, only that tenant loses it. */
static int save_parts(struct script *script, struct carry_buffer *buffer, char *error, size_t error_size)
{
    for (size_t i = 0; i < script->count; i++) {
        char why[512], line[600];
        int code = save_part(script->parts[i], buffer, why, sizeof why);
        if (code == 0)
            continue;
        if (i == 0 || code == -ENOMEM) {
            snprintf(error, error_size, "%s", why);
            return code;
        }
        snprintf(line, sizeof line, "what the tenant keeps is lost: %s", why);
        script->parts[i]->memory.capped.log(&script->parts[i]->memory, LOG_ERROR, line);
    }
    return 0;
}

int script_save(struct script *script, struct text *blob, char *error, size_t error_size)
{
    struct carry_buffer buffer = {.host = script->host};
    *blob = (struct text){0};
    int code = save_parts(script, &buffer, error, error_size);
    if (code != 0 || buffer.used == 0)
        goto out;
    // Its length is all that is known of it when it is freed.
    char *exact = script->host->allocate(script->host->context, buffer.at, buffer.size, buffer.used);
    if (exact == NULL) {
        tell(script->parts[0], "sip.save()", "not enough memory", error, error_size);
        code = -ENOMEM;
        goto out;
    }
    *blob = (struct text){exact, buffer.used};
    return 0;
out:
    carry_buffer_destroy(&buffer);
    return code;
}

static int restore_part(struct script_part *part, struct text bytes, char *error, size_t error_size)
{
    struct carry carry = {.rest = bytes, .doing = "sip.restore()"};
    if (part->references > 1 || !carry_push_functions(part->L, CARRY_RESTORE)) // another version's, which has it
        return 0;
    lua_settop(part->L, 1);
    int code = run(part, restore_protected, &carry, error, error_size);
    return code == -ECANCELED && carry.damaged ? -EBADMSG : code;
}

int script_restore(struct script *script, struct text blob, char *error, size_t error_size)
{
    int code = 0;
    while (code == 0 && blob.length != 0) {
        char tenant[sizeof((struct layer *)0)->tenant];
        struct text bytes;
        if (!take_frame(&blob, tenant, sizeof tenant, &bytes)) {
            tell(script->parts[0], "sip.restore()", "what was saved is damaged", error, error_size);
            return -EBADMSG;
        }
        size_t index = script_part_find(script, tenant);
        if (index < script->count)
            code = restore_part(script->parts[index], bytes, error, error_size);
    }
    return code;
}

void script_saved_free(struct script *script, struct text blob)
{
    if (blob.length != 0)
        script->host->allocate(script->host->context, (void *)blob.at, blob.length, 0); // const is the borrowers'
}
