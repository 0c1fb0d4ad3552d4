// SPDX-License-Identifier: BSD-2-Clause
#include "script/coverage/coverage.h"

#include <errno.h>
#include <string.h>

#include "base/memory.h"
#include "script/coverage/coverage_code.h"
#include "script/engine/script.h"

enum { HOOKS_OF_FILE = 256, BRANCHES_MOST = 4096 };

struct branch_count {
    unsigned from, to;
    bool run;
};

struct line_count {
    uint64_t hits, left; /* how often it ran, and continued on another line */
    unsigned before;     /* for a line where a function begins: the line of the function that ran last */
    bool active;
};

struct hook_count {
    unsigned line;
    bool run;
};

struct counted_file {
    struct counted_file *next;
    char *name;
    size_t name_size;
    size_t bytes; /* of the program */
    struct line_count *lines;
    size_t line_count; /* plus one, because lines count from 1 */
    struct branch_count *branches;
    size_t branch_count;
    struct hook_count hooks[HOOKS_OF_FILE];
    size_t hook_count;
};

struct coverage {
    const struct host *host;
    struct counted_file *files;
};

static const char coverage_key = 0;

int coverage_new(struct coverage **out, const struct host *host)
{
    struct coverage *coverage = host->allocate(host->context, NULL, 0, sizeof *coverage);
    if (coverage == NULL)
        return -ENOMEM;
    *coverage = (struct coverage){.host = host};
    *out = coverage;
    return 0;
}

static void delete_file(const struct coverage *coverage, struct counted_file *file)
{
    memory_delete(coverage->host, file->name, file->name_size);
    memory_delete(coverage->host, file->lines, (file->line_count + 1) * sizeof *file->lines);
    memory_delete(coverage->host, file->branches, BRANCHES_MOST * sizeof *file->branches);
    memory_delete(coverage->host, file, sizeof *file);
}

void coverage_delete(struct coverage *coverage)
{
    if (coverage == NULL)
        return;
    while (coverage->files != NULL) {
        struct counted_file *file = coverage->files;
        coverage->files = file->next;
        delete_file(coverage, file);
    }
    memory_delete(coverage->host, coverage, sizeof *coverage);
}

/* --- lines and branches of a program --- */

static void add_line(void *context, unsigned line, bool main)
{
    struct counted_file *file = context;
    if (line > file->line_count)
        return;
    file->lines[line].active = true;
    if (main)
        file->lines[line].hits++;
}

static void add_branch(void *context, unsigned from, unsigned to)
{
    struct counted_file *file = context;
    for (size_t i = 0; i < file->branch_count; i++) {
        if (file->branches[i].from == from && file->branches[i].to == to)
            return;
    }
    if (file->branch_count < BRANCHES_MOST)
        file->branches[file->branch_count++] = (struct branch_count){.from = from, .to = to};
}

/* Lua does not read a first line for the shell. Its line end is kept, so that line numbers do not change. */
static struct text program_of(struct text bytes)
{
    if (bytes.length >= 3 && memcmp(bytes.at, "\xef\xbb\xbf", 3) == 0)
        bytes = (struct text){bytes.at + 3, bytes.length - 3};
    if (bytes.length > 0 && bytes.at[0] == '#') {
        const char *end = memchr(bytes.at, '\n', bytes.length);
        size_t skipped = end != NULL ? (size_t)(end - bytes.at) : bytes.length;
        bytes = (struct text){bytes.at + skipped, bytes.length - skipped};
    }
    return bytes;
}

static size_t count_lines(struct text text)
{
    size_t count = 1;
    for (size_t i = 0; i < text.length; i++)
        count += text.at[i] == '\n';
    return count;
}

static int fill_file(const struct coverage *coverage, struct counted_file *file, const struct source_file *source)
{
    const struct code_reader reader = {.line = add_line, .branch = add_branch, .context = file};
    file->bytes = source->bytes.length;
    file->line_count = count_lines(source->bytes);
    file->name_size = source->name.length + 1;
    file->name = memory_new(coverage->host, file->name_size);
    file->lines = memory_new(coverage->host, (file->line_count + 1) * sizeof *file->lines);
    file->branches = memory_new(coverage->host, BRANCHES_MOST * sizeof *file->branches);
    if (file->name == NULL || file->lines == NULL || file->branches == NULL)
        return -ENOMEM;
    memcpy(file->name, source->name.at, source->name.length);
    return coverage_read(&reader, program_of(source->bytes));
}

static int add_file(struct coverage *coverage, const struct source_file *source)
{
    struct counted_file **last = &coverage->files;
    for (; *last != NULL; last = &(*last)->next) {
        if (text_equal(text_of((*last)->name), source->name) && (*last)->bytes == source->bytes.length)
            return 0;
    }
    struct counted_file *file = memory_new(coverage->host, sizeof *file);
    int error = file != NULL ? fill_file(coverage, file, source) : -ENOMEM;
    if (error == 0)
        *last = file;
    else if (file != NULL)
        delete_file(coverage, file);
    return error;
}

/* --- counting --- */

static struct counted_file *find_file(const struct coverage *coverage, const char *source)
{
    struct counted_file *file = coverage->files;
    while (file != NULL && (source[0] != '@' || strcmp(file->name, source + 1) != 0))
        file = file->next;
    return file;
}

static void count_line(struct counted_file *file, unsigned function, unsigned line)
{
    unsigned before = file->lines[function].before;
    file->lines[function].before = line;
    file->lines[line].hits++;
    if (before == 0)
        return;
    file->lines[before].left++;
    for (size_t i = 0; i < file->branch_count; i++) {
        if (file->branches[i].from == before && file->branches[i].to == line)
            file->branches[i].run = true;
    }
}

static void count(lua_State *L, lua_Debug *activation)
{
    lua_rawgetp(L, LUA_REGISTRYINDEX, &coverage_key);
    const struct coverage *coverage = lua_touserdata(L, -1);
    lua_pop(L, 1);
    if (coverage == NULL || lua_getinfo(L, "Sl", activation) == 0 || activation->linedefined <= 0)
        return;
    struct counted_file *file = find_file(coverage, activation->source);
    if (file == NULL || (size_t)activation->linedefined > file->line_count)
        return;
    if (activation->event != LUA_HOOKLINE)
        file->lines[activation->linedefined].before = 0;
    else if (activation->currentline > 0 && (size_t)activation->currentline <= file->line_count)
        count_line(file, (unsigned)activation->linedefined, (unsigned)activation->currentline);
}

static void add_hook(const struct coverage *coverage, const struct hook_row *row, bool run)
{
    struct counted_file *file = coverage->files;
    while (file != NULL && (row->file == NULL || strcmp(file->name, row->file) != 0))
        file = file->next;
    if (file == NULL)
        return;
    size_t i = 0;
    while (i < file->hook_count && file->hooks[i].line != row->line)
        i++;
    if (i == HOOKS_OF_FILE)
        return;
    if (i == file->hook_count)
        file->hooks[file->hook_count++] = (struct hook_count){.line = row->line};
    file->hooks[i].run |= run;
}

static int set_key(lua_State *L)
{
    lua_rawsetp(L, LUA_REGISTRYINDEX, &coverage_key);
    return 0;
}

static int watch_part(struct coverage *coverage, struct script_part *part)
{
    const struct hooks *hooks = &part->state->hooks;
    lua_State *L = part->L;
    for (size_t i = 0; i < hooks->count; i++)
        add_hook(coverage, &hooks->rows[i], hooks->health[hooks->rows[i].registration].entries > 0);
    lua_pushcfunction(L, set_key);
    lua_pushlightuserdata(L, coverage);
    if (lua_pcall(L, 1, 0, 0) != LUA_OK) {
        lua_pop(L, 1);
        return -ENOMEM;
    }
    lua_sethook(L, count, LUA_MASKLINE | LUA_MASKCALL, 0);
    return 0;
}

int coverage_watch(struct coverage *coverage, struct script *script)
{
    int error = 0;
    for (size_t i = 0; i < sources_count(script->sources) && error == 0; i++)
        error = add_file(coverage, sources_at(script->sources, i));
    for (size_t i = 0; i < script->count && error == 0; i++)
        error = watch_part(coverage, script->parts[i]);
    return error;
}

/* --- the report --- */

static bool branch_run(const struct counted_file *file, const struct branch_count *branch)
{
    const struct line_count *line = &file->lines[branch->from];
    return branch->run || (branch->to == 0 && line->hits > line->left);
}

static const struct counted_file *file_at(const struct coverage *coverage, size_t index)
{
    const struct counted_file *file = coverage->files;
    for (; file != NULL && index > 0; index--)
        file = file->next;
    return file;
}

bool coverage_file(const struct coverage *coverage, size_t index, struct coverage_file *out)
{
    const struct counted_file *file = file_at(coverage, index);
    if (file == NULL)
        return false;
    *out = (struct coverage_file){
        .name = file->name, .hooks = (unsigned)file->hook_count, .branches = (unsigned)file->branch_count};
    for (size_t i = 0; i < file->hook_count; i++)
        out->hooks_run += file->hooks[i].run;
    for (size_t i = 0; i < file->branch_count; i++)
        out->branches_run += branch_run(file, &file->branches[i]);
    for (size_t line = 1; line <= file->line_count; line++) {
        out->lines += file->lines[line].active;
        out->lines_run += file->lines[line].active && file->lines[line].hits > 0;
    }
    return true;
}

void coverage_missing(const struct coverage *coverage, size_t index,
                      bool (*visit)(void *context, unsigned line, int to), void *context)
{
    const struct counted_file *file = file_at(coverage, index);
    for (unsigned line = 1; file != NULL && line <= file->line_count; line++) {
        if (file->lines[line].active && file->lines[line].hits == 0) {
            if (!visit(context, line, -1))
                return;
            continue;
        }
        for (size_t i = 0; i < file->branch_count; i++) {
            const struct branch_count *branch = &file->branches[i];
            if (branch->from == line && !branch_run(file, branch) && !visit(context, line, (int)branch->to))
                return;
        }
    }
}
