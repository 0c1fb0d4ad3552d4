// SPDX-License-Identifier: BSD-2-Clause
#include "script/coverage/coverage_code.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <lauxlib.h>

/* The compiled form of Lua 5.4 that lua_dump() writes. Only lines and jumps are read. */

enum {
    HEADER = 4 + 1 + 1 + 6 + 3 + 8 +
             8, /* followed by the sizes of instruction, integer and number, and samples of the last two */
    LINE_ABSOLUTE = -128,
    JUMP_ZERO = (1 << 24) - 1
};

/* Opcodes of Lua 5.4. */
enum { CODE_JUMP = 56, CODE_TEST_FIRST = 57, CODE_TEST_LAST = 67, CODE_TAIL_CALL = 69, CODE_RETURN_LAST = 72 };

enum { CONSTANT_INTEGER = 0x03, CONSTANT_SHORT = 0x04, CONSTANT_FLOAT = 0x13, CONSTANT_LONG = 0x14 };

struct dump {
    unsigned char *bytes;
    size_t length, size, at;
    bool broken;
};

static int keep(lua_State *L, const void *bytes, size_t length, void *context)
{
    struct dump *dump = context;
    (void)L;
    if (dump->length + length > dump->size) {
        size_t size = (dump->length + length) * 2;
        unsigned char *grown = realloc(dump->bytes, size);
        if (grown == NULL)
            return 1;
        dump->bytes = grown;
        dump->size = size;
    }
    if (length > 0)
        memcpy(dump->bytes + dump->length, bytes, length);
    dump->length += length;
    return 0;
}

static void skip(struct dump *dump, size_t count)
{
    if (count > dump->length - dump->at) {
        dump->broken = true;
        count = dump->length - dump->at;
    }
    dump->at += count;
}

static unsigned char read_byte(struct dump *dump)
{
    unsigned char byte = dump->at < dump->length ? dump->bytes[dump->at] : 0x80;
    skip(dump, 1);
    return byte;
}

/* Seven bits in each byte, highest first; the last byte has its top bit set. */
static size_t read_size(struct dump *dump)
{
    size_t value = 0;
    unsigned char byte;
    do {
        byte = read_byte(dump);
        value = value << 7 | (byte & 0x7fU);
    } while ((byte & 0x80) == 0);
    return value;
}

static void skip_string(struct dump *dump)
{
    size_t size = read_size(dump);
    if (size > 1)
        skip(dump, size - 1);
}

static void skip_constants(struct dump *dump)
{
    for (size_t count = read_size(dump); count > 0 && !dump->broken; count--) {
        switch (read_byte(dump)) {
        case CONSTANT_INTEGER:
        case CONSTANT_FLOAT:
            skip(dump, 8);
            break;
        case CONSTANT_SHORT:
        case CONSTANT_LONG:
            skip_string(dump);
            break;
        default:
            break;
        }
    }
}

/* One function: its instructions, and the line of each. */
struct function {
    const unsigned char *code;
    size_t count;
    unsigned *lines;
    bool main;
};

static uint32_t instruction(const struct function *function, size_t at)
{
    uint32_t word;
    memcpy(&word, function->code + at * sizeof word, sizeof word);
    return word;
}

static unsigned operation(const struct function *function, size_t at)
{
    return instruction(function, at) & 0x7f;
}

static size_t jump_target(const struct function *function, size_t at)
{
    return at + 1 + (size_t)((int64_t)(instruction(function, at) >> 7) - JUMP_ZERO);
}

static bool is_test(unsigned code)
{
    return code >= CODE_TEST_FIRST && code <= CODE_TEST_LAST;
}

enum { UNDECIDED = -1, ENDS = 0 };

/* The line on which execution continues; UNDECIDED: another test on this line comes first. */
static int goes_on(const struct function *function, size_t at, unsigned line)
{
    for (size_t steps = 0; at < function->count && steps < function->count; steps++) {
        unsigned code = operation(function, at);
        if (function->lines[at] != line)
            return (int)function->lines[at];
        if (is_test(code))
            return UNDECIDED;
        if (code >= CODE_TAIL_CALL && code <= CODE_RETURN_LAST)
            return ENDS;
        at = code == CODE_JUMP ? jump_target(function, at) : at + 1;
    }
    return UNDECIDED;
}

/* A branch has at least two continuations on different lines. */
static void tell_branches(const struct code_reader *reader, const struct function *function, unsigned line)
{
    enum { WAYS = 16 };
    int ways[WAYS];
    size_t count = 0;
    for (size_t at = 0; at + 2 < function->count; at++) {
        if (function->lines[at] != line || !is_test(operation(function, at)) ||
            operation(function, at + 1) != CODE_JUMP)
            continue;
        const size_t next[] = {at + 2, jump_target(function, at + 1)};
        for (size_t i = 0; i < 2; i++) {
            int way = goes_on(function, next[i], line);
            bool known = way == UNDECIDED;
            for (size_t k = 0; k < count; k++)
                known |= ways[k] == way;
            if (!known && count < WAYS)
                ways[count++] = way;
        }
    }
    for (size_t i = 0; count > 1 && i < count; i++)
        reader->branch(reader->context, line, (unsigned)ways[i]);
}

/* The last instruction is the implicit return. */
static void tell_function(const struct code_reader *reader, const struct function *function)
{
    for (size_t at = 0; at + 1 < function->count; at++) {
        unsigned line = function->lines[at];
        bool first = true;
        for (size_t before = 0; before < at && first; before++)
            first = function->lines[before] != line;
        if (!first)
            continue;
        reader->line(reader->context, line, function->main);
        if (!function->main)
            tell_branches(reader, function, line);
    }
}

static int read_lines(struct dump *dump, struct function *function, unsigned line)
{
    size_t count = read_size(dump);
    if (dump->broken || count != function->count || count > dump->length - dump->at)
        return -ENOTSUP;
    const signed char *steps = (const signed char *)dump->bytes + dump->at;
    skip(dump, count);
    size_t absolute = read_size(dump);
    function->lines = calloc(count + 1, sizeof *function->lines);
    if (function->lines == NULL)
        return -ENOMEM;
    for (size_t at = 0; at < count; at++) {
        if (steps[at] == LINE_ABSOLUTE && absolute > 0) {
            read_size(dump);
            line = (unsigned)read_size(dump);
            absolute--;
        } else {
            line += (unsigned)steps[at];
        }
        function->lines[at] = line;
    }
    for (; absolute > 0 && !dump->broken; absolute--) {
        read_size(dump);
        read_size(dump);
    }
    return 0;
}

static void skip_names(struct dump *dump)
{
    for (size_t count = read_size(dump); count > 0 && !dump->broken; count--) {
        skip_string(dump);
        read_size(dump);
        read_size(dump);
    }
    for (size_t count = read_size(dump); count > 0 && !dump->broken; count--)
        skip_string(dump);
}

/* Functions are nested as deeply as in the source, which Lua's compiler limits to 200. */
static int read_function(const struct code_reader *reader, struct dump *dump, bool main)
{
    struct function function = {.main = main};
    int error = 0;
    skip_string(dump);
    unsigned line = (unsigned)read_size(dump);
    read_size(dump);
    skip(dump, 3);
    function.count = read_size(dump);
    function.code = dump->bytes + dump->at;
    if (function.count > (dump->length - dump->at) / sizeof(uint32_t))
        return -ENOTSUP;
    skip(dump, function.count * sizeof(uint32_t));
    skip_constants(dump);
    for (size_t count = read_size(dump); count > 0 && !dump->broken; count--)
        skip(dump, 3);
    for (size_t count = read_size(dump); count > 0 && error == 0; count--)
        error = dump->broken ? -ENOTSUP : read_function(reader, dump, false);
    if (error == 0)
        error = read_lines(dump, &function, line);
    skip_names(dump);
    if (error == 0 && !dump->broken)
        tell_function(reader, &function);
    free(function.lines);
    return error != 0 ? error : dump->broken ? -ENOTSUP : 0;
}

static int read_dump(const struct code_reader *reader, struct dump *dump)
{
    static const unsigned char start[] = {0x1b, 'L', 'u', 'a', 0x54, 0};
    static const unsigned char sizes[] = {sizeof(uint32_t), sizeof(lua_Integer), sizeof(lua_Number)};
    if (dump->length < HEADER + 1 || memcmp(dump->bytes, start, sizeof start) != 0 ||
        memcmp(dump->bytes + sizeof start + 6, sizes, sizeof sizes) != 0)
        return -ENOTSUP;
    dump->at = HEADER + 1; /* the number of upvalues precedes the main function */
    return read_function(reader, dump, true);
}

int coverage_read(const struct code_reader *reader, struct text program)
{
    struct dump dump = {0};
    lua_State *L = luaL_newstate();
    int error = L != NULL ? 0 : -ENOMEM;
    if (error == 0 && luaL_loadbufferx(L, program.at, program.length, "=program", "t") != LUA_OK)
        error = -EINVAL;
    if (error == 0 && lua_dump(L, keep, &dump, 0) != 0)
        error = -ENOMEM;
    if (error == 0)
        error = read_dump(reader, &dump);
    free(dump.bytes);
    if (L != NULL)
        lua_close(L);
    return error;
}
