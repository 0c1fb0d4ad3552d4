// SPDX-License-Identifier: BSD-2-Clause
#include "cli/test/policy_test.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#include <lauxlib.h>
#include <lualib.h>

#include "cli/base/policy_load.h"
#include "cli/test/spec_net.h"
#include "script/base/embedded.h"
#include "script/base/printable.h"
#include "script/base/traceback.h"
#include "script/engine/reflow.h"

enum { STEP = 10000, SPEC_MEMORY = 256 << 20, SPEC_MOST = 1 << 20, GRACE_S = 3, HOOK_MS = 200, LOAD_MS = 5000 };

struct run {
    const struct policy_test *test;
    struct policy_test_result *result;
    struct scene *scene;
    struct script *script; /* the server's */
    struct spec_net net;
    size_t index;
    size_t memory; /* of the spec's state */
    uint64_t until_ns;
    bool over;
    char place[1100]; /* where the time was over, "spec/a.lua:3: " */
    char *source;
    size_t source_length;
};

/* --- limits: a spec must not block the program that waits for it --- */

static uint64_t computed_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (uint64_t)now.tv_sec * 1000000000U + (uint64_t)now.tv_nsec;
}

static struct run *run_of(lua_State *L)
{
    return *(struct run **)lua_getextraspace(L);
}

/* Pushes "spec/a.lua:3: ", the innermost line of the spec that is running, or "" if no line of it runs. In a hook,
   level 0 is the function that was interrupted. */
static void push_place(lua_State *L, const char *path)
{
    lua_Debug level;
    for (int i = 0; lua_getstack(L, i, &level); i++) {
        lua_getinfo(L, "Sl", &level);
        if (level.source[0] != '@' || strcmp(level.source + 1, path) != 0)
            continue;
        lua_pushfstring(L, "%s:%d: ", path, level.currentline);
        return;
    }
    lua_pushliteral(L, "");
}

/* When the time is over, raises an error at every further instruction, so that no pcall can catch it for long. */
static void tick(lua_State *L, lua_Debug *activation)
{
    struct run *run = run_of(L);
    (void)activation;
    if (!run->over && computed_ns() < run->until_ns)
        return;
    if (!run->over) {
        push_place(L, run->test->path);
        snprintf(run->place, sizeof run->place, "%s", lua_tostring(L, -1));
        lua_pop(L, 1);
    }
    run->over = true;
    lua_sethook(L, tick, LUA_MASKCOUNT, 1);
    lua_pushfstring(L, "%sthe test ran for more than %d s", run->place, (int)run->test->seconds);
    lua_error(L);
}

static void check_time(void *context, lua_State *L)
{
    struct run *run = context;
    tick(L, NULL);
    if (run->test->using != NULL && run->script != NULL)
        run->test->using(run->test->context, run->script);
}

static const char *guarded; /* the path of the spec that runs */

/* A Lua hook cannot stop a library function that does not return, such as string.find. */
static void gone_for_ever(int number)
{
    static const char command[] = "reflow test: ", line[] = ": it does not come back from a function; stopped\n";
    (void)number;
    if (write(STDERR_FILENO, command, sizeof command - 1) > 0 && write(STDERR_FILENO, guarded, strlen(guarded)) > 0 &&
        write(STDERR_FILENO, line, sizeof line - 1) > 0)
        _exit(CLI_USAGE);
    _exit(CLI_FAILED);
}

static void guard(const struct run *run, struct sigaction *before)
{
    guarded = run->test->path;
    const struct sigaction action = {.sa_handler = gone_for_ever};
    const struct itimerval after = {.it_value = {.tv_sec = (time_t)run->test->seconds + GRACE_S}};
    sigaction(SIGPROF, &action, before);
    setitimer(ITIMER_PROF, &after, NULL);
}

static void guard_end(const struct sigaction *before)
{
    const struct itimerval never = {0};
    setitimer(ITIMER_PROF, &never, NULL);
    sigaction(SIGPROF, before, NULL);
}

static void *allocate(void *context, void *old, size_t old_size, size_t new_size)
{
    struct run *run = context;
    size_t before = old != NULL ? old_size : 0;
    if (new_size > before && run->memory + (new_size - before) > SPEC_MEMORY)
        return NULL;
    if (new_size == 0) {
        free(old);
        run->memory -= before;
        return NULL;
    }
    void *block = realloc(old, new_size);
    if (block != NULL)
        run->memory = run->memory - before + new_size;
    return block;
}

static void begin_test(void *context, const char *name)
{
    struct policy_test_result *result = ((struct run *)context)->result;
    result->ran = true;
    printable_write(result->name, sizeof result->name, name);
}

/* --- the policy --- */

static bool is_other_file(const char *path, const char *than)
{
    struct stat status, other;
    return stat(path, &status) == 0 && stat(than, &other) == 0 && status.st_ino != other.st_ino;
}

/* "a/spec/x.lua" -> "a/spec" and "x"; "x_spec.lua" -> "." and "x". False: too long. */
static bool split_path(const char *path, char *folder, char *base, size_t size)
{
    const char *slash = strrchr(path, '/');
    const char *name = slash != NULL ? slash + 1 : path;
    int length = slash != NULL ? (int)(slash - path) : 1;
    int cut = (int)strlen(name) - 4;
    if (cut > 5 && strncmp(name + cut - 5, "_spec", 5) == 0)
        cut -= 5;
    return snprintf(base, size, "%.*s", cut > 0 ? cut : 0, name) < (int)size &&
           snprintf(folder, size, "%.*s", length, slash != NULL ? path : ".") < (int)size;
}

/* "a/spec" -> "a", "spec" -> "."; returns false and changes nothing if the folder is not named spec. */
static bool leave_spec(char *folder, size_t size)
{
    size_t length = strlen(folder);
    if (length == 4 && strcmp(folder, "spec") == 0)
        return snprintf(folder, size, ".") < (int)size;
    if (length < 5 || strcmp(folder + length - 5, "/spec") != 0)
        return false;
    folder[length - 5] = '\0';
    return true;
}

/* Looks beside the folder spec/, or beside the spec: for the file of the same name, or else the whole folder. */
static bool policy_beside(const char *spec, char *out, size_t size)
{
    char folder[1024], base[1024];
    if (!split_path(spec, folder, base, sizeof folder))
        return false;
    bool inside = leave_spec(folder, sizeof folder);
    if (snprintf(out, size, "%s/%s.lua", folder, base) < (int)size && is_other_file(out, spec))
        return true;
    return inside && snprintf(out, size, "%s", folder[0] != '\0' ? folder : "/") < (int)size;
}

/* A path from inside of spec/ does not name that folder: then the whole path does. */
static bool own_policy(const char *spec, char *out, size_t size)
{
    if (policy_beside(spec, out, size))
        return true;
    char *whole = realpath(spec, NULL);
    bool found = whole != NULL && policy_beside(whole, out, size);
    free(whole);
    return found;
}

static bool is_same_file(const char *path, const char *as)
{
    struct stat status, other;
    return stat(path, &status) == 0 && stat(as, &other) == 0 && status.st_ino == other.st_ino &&
           status.st_dev == other.st_dev;
}

/* "a/spec/../x.lua" -> "a/x.lua" and "a/spec/.." -> "a/", as the user knows it, where no symbolic link makes that
   another file. */
static void shorten(char *path)
{
    char shorter[2100];
    size_t end = strlen(path);
    char *up = strstr(path, "/../");
    if (up == NULL && end > 3 && strcmp(path + end - 3, "/..") == 0)
        up = path + end - 3;
    if (up == NULL || up == path)
        return;
    const char *rest = up[3] == '/' ? up + 4 : "";
    *up = '\0';
    const char *slash = strrchr(path, '/');
    int kept = slash != NULL ? (int)(slash - path + 1) : 0;
    int length = snprintf(shorter, sizeof shorter, "%.*s%s", kept, path, rest);
    *up = '/';
    if (length < (int)sizeof shorter && is_same_file(shorter, path))
        memcpy(path, shorter, (size_t)length + 1);
}

/* A path in a spec is relative to its own folder. */
static bool named_policy(const char *spec, const char *name, char *out, size_t size)
{
    const char *slash = strrchr(spec, '/');
    int length = name[0] != '/' && slash != NULL ? (int)(slash - spec + 1) : 0;
    if (snprintf(out, size, "%.*s%s", length, spec, name) >= (int)size)
        return false;
    shorten(out);
    return true;
}

/* Returns whether a path is in the folder, after symbolic links are resolved. */
static bool lies_inside(const char *path, const char *folder)
{
    char *whole = realpath(path, NULL), *root = realpath(folder, NULL);
    size_t length = root != NULL ? strlen(root) : 0;
    bool inside = whole != NULL && root != NULL && strncmp(whole, root, length) == 0 &&
                  (whole[length] == '/' || whole[length] == '\0' || root[length - 1] == '/');
    free(whole);
    free(root);
    return inside;
}

static int load_policy(void *context, const char *name, char *error, size_t size)
{
    char path[2100];
    struct run *run = context;
    const struct policy_test *test = run->test;
    const struct script_limits limits = {.time_ms = HOOK_MS, .load_ms = LOAD_MS};
    bool known = test->policy != NULL ? snprintf(path, sizeof path, "%s", test->policy) < (int)sizeof path
                 : name != NULL       ? named_policy(test->path, name, path, sizeof path)
                                      : own_policy(test->path, path, sizeof path);
    if (!known) {
        snprintf(error, size, "no policy belongs to %s: name it, policy \"../policy.lua\"", test->path);
        return -ENOENT;
    }
    if (test->inside != NULL && !lies_inside(path, test->inside)) {
        snprintf(error, size, "the policy %s does not lie in %s", path, test->inside);
        return -EACCES;
    }
    int code = policy_load(&run->script, &run->scene->host, &limits, test->layers, path, error, size);
    if (code != 0)
        return code;
    server_use_script(run->scene->server, run->script);
    run->net.script = run->script;
    if (test->using != NULL)
        test->using(test->context, run->script);
    return 0;
}

/* --- the state --- */

/* For require: "reflow" and embedded modules; files are not available to specs. */
static int spec_require(lua_State *L)
{
    struct embedded source;
    const char *name = luaL_checkstring(L, 1);
    luaL_getsubtable(L, LUA_REGISTRYINDEX, LUA_LOADED_TABLE);
    if (lua_getfield(L, -1, name) != LUA_TNIL && strncmp(name, "reflow", 6) == 0)
        return 1;
    if (strncmp(name, "reflow.", 7) != 0 || !embedded_find(luaL_gsub(L, name + 7, ".", "/"), &source))
        return luaL_error(L, "no module '%s' for specs: there is reflow", name);
    lua_pushfstring(L, "=%s.lua", name);
    if (luaL_loadbufferx(L, source.start, source.length, lua_tostring(L, -1), "t") != LUA_OK)
        return lua_error(L);
    lua_call(L, 0, 1);
    lua_pushvalue(L, -1);
    lua_setfield(L, 2, name);
    return 1;
}

/* What follows "reflow.spec_actors.lua:12: ": the author of a spec does not know this file. */
static const char *without_own_place(const char *message)
{
    size_t length = strncmp(message, "reflow.", 7) == 0 ? policy_place_length(message) : 0;
    return length > 0 ? message + length + 2 : message;
}

/* The message, with the position in the spec unless it has one. A table is an error of the policy: message_of(). */
static int trace(lua_State *L)
{
    if (lua_istable(L, 1) && (lua_pushliteral(L, "policy"), lua_rawget(L, 1)) == LUA_TSTRING) {
        lua_settop(L, 1);
        return 1;
    }
    traceback_push_message(L);
    const char *message = lua_tostring(L, -1), *rest = without_own_place(message);
    if (rest == message && policy_place_length(message) > 0)
        return 1;
    push_place(L, run_of(L)->test->path);
    lua_pushfstring(L, "%s%s", lua_tostring(L, -1), rest);
    return 1;
}

/* Each line as it may be printed; the lines stay. For free(). */
static char *copy_lines(const char *text)
{
    enum { ESCAPED = 4 };
    size_t size = strlen(text) * ESCAPED + 1, used = 0;
    char *copy = malloc(size), *line = strdup(text), *rest = line;
    if (copy != NULL && line != NULL) {
        copy[0] = '\0';
        for (const char *one = strsep(&rest, "\n"); one != NULL; one = strsep(&rest, "\n")) {
            used += printable_write(copy + used, size - used, one);
            if (rest != NULL)
                copy[used++] = '\n';
        }
    }
    free(line);
    return copy;
}

/* The global of specs. */
static int print(lua_State *L)
{
    for (int i = 1; i <= lua_gettop(L); i++) {
        char *lines = copy_lines(luaL_tolstring(L, i, NULL));
        printf("%s%s", i > 1 ? "\t" : "", lines != NULL ? lines : "");
        free(lines);
        lua_pop(L, 1);
    }
    printf("\n");
    return 0;
}

static char *copy_message(const struct run *run, const char *text)
{
    size_t size = strlen(text) + strlen(run->test->path) + 1;
    char *whole = malloc(size), *copy = NULL;
    if (whole != NULL) {
        memcpy(whole, text, strlen(text) + 1);
        policy_place_restore(whole, size, run->test->path);
        copy = copy_lines(whole);
    }
    free(whole);
    return copy;
}

static void take_results(lua_State *L, const struct run *run, int first)
{
    struct policy_test_result *result = run->result;
    result->count = (size_t)lua_tointeger(L, first);
    result->selected = (size_t)lua_tointeger(L, first + 1);
    result->passed = result->ran && lua_isnil(L, first + 2);
    if (lua_isstring(L, first + 2))
        result->message = copy_message(run, lua_tostring(L, first + 2));
    if (lua_isstring(L, first + 3))
        result->ladder = copy_lines(lua_tostring(L, first + 3));
    if (lua_isstring(L, first + 4))
        result->picture = strdup(lua_tostring(L, first + 4));
}

/* A spec may be that of a tenant, and runs with the rights of the server. The libraries that reach files or processes
   are therefore not opened at all, so that it does not matter which globals a spec can get hold of. */
static void open_libraries(lua_State *L)
{
    static const luaL_Reg libraries[] = {{LUA_GNAME, luaopen_base},
                                         {LUA_TABLIBNAME, luaopen_table},
                                         {LUA_STRLIBNAME, luaopen_string},
                                         {LUA_MATHLIBNAME, luaopen_math},
                                         {LUA_UTF8LIBNAME, luaopen_utf8},
                                         {"reflow", luaopen_reflow},
                                         {NULL, NULL}};
    for (const luaL_Reg *library = libraries; library->func != NULL; library++)
        luaL_requiref(L, library->name, library->func, library->func != luaopen_reflow);
    lua_pushcfunction(L, print);
    lua_setglobal(L, "print");
    lua_pushnil(L);
    lua_setfield(L, -2, "token_keys"); // it reads and rotates the keys of a server
}

static void remove_globals(lua_State *L)
{
    static const char *const names[] = {"load", "loadfile", "dofile"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        lua_pushnil(L);
        lua_setglobal(L, names[i]);
    }
}

static int protected_run(lua_State *L)
{
    struct run *run = lua_touserdata(L, 1);
    open_libraries(L);
    lua_pushcfunction(L, spec_require);
    lua_setglobal(L, "require");
    lua_settop(L, 0);
    lua_getglobal(L, "require");
    lua_pushliteral(L, "reflow.spec");
    lua_call(L, 1, 1);
    remove_globals(L);
    spec_net_push(L, &run->net);
    lua_pushlstring(L, run->source, run->source_length);
    lua_pushstring(L, run->test->path);
    lua_pushinteger(L, (lua_Integer)run->index);
    lua_pushcfunction(L, trace);
    lua_pushstring(L, run->test->only);
    lua_pushstring(L, run->test->pictures);
    lua_sethook(L, tick, LUA_MASKCOUNT, STEP);
    lua_call(L, 7, 5);
    take_results(L, run, lua_gettop(L) - 4);
    return 0;
}

/* An error value: text, or a table if the policy caused the error. */
static char *message_of(const struct run *run, lua_State *L)
{
    if (lua_istable(L, -1)) {
        lua_pushliteral(L, "policy");
        lua_rawget(L, -2);
    }
    return copy_message(run, lua_type(L, -1) == LUA_TSTRING ? lua_tostring(L, -1) : "failed without a word");
}

static int run_state(struct run *run)
{
    struct sigaction before;
    lua_State *L = lua_newstate(allocate, run);
    if (L == NULL)
        return -ENOMEM;
    *(struct run **)lua_getextraspace(L) = run;
    run->until_ns = computed_ns() + (uint64_t)run->test->seconds * 1000000000U;
    guard(run, &before);
    lua_pushcfunction(L, trace);
    lua_pushcfunction(L, protected_run);
    lua_pushlightuserdata(L, run);
    if (lua_pcall(L, 1, 0, 1) != LUA_OK) {
        run->result->unloadable = !run->result->ran;
        run->result->message = message_of(run, L);
    }
    lua_sethook(L, NULL, 0, 0);
    lua_close(L);
    guard_end(&before);
    return 0;
}

/* The file is read again for each test; a pipe would make the first of them wait. */
static int open_spec(const char *path, FILE **file)
{
    struct stat status;
    int descriptor = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
    if (descriptor < 0)
        return -errno;
    int code = fstat(descriptor, &status) != 0 ? -errno : S_ISREG(status.st_mode) ? 0 : -ENOTSUP;
    *file = code == 0 ? fdopen(descriptor, "rb") : NULL;
    if (*file != NULL)
        return 0;
    close(descriptor);
    return code != 0 ? code : -ENOMEM;
}

static int read_spec(struct run *run)
{
    FILE *file = NULL;
    int code = open_spec(run->test->path, &file);
    if (code != 0)
        return code;
    run->source = malloc(SPEC_MOST);
    if (run->source == NULL) {
        code = -ENOMEM;
        goto out;
    }
    run->source_length = fread(run->source, 1, SPEC_MOST, file);
    code = ferror(file) ? -EIO : run->source_length == SPEC_MOST ? -EFBIG : 0;
out:
    fclose(file);
    return code;
}

static char *copy_outside(const struct policy_test *test)
{
    char why[4200];
    snprintf(why, sizeof why, "the path is outside of --inside %s", test->inside);
    return strdup(why);
}

static char *copy_reason(const struct policy_test *test, int code, bool allowed)
{
    if (!allowed)
        return copy_outside(test);
    return strdup(code == -ENOTSUP ? "not a file" : strerror(-code));
}

int policy_test_run(const struct policy_test *test, size_t index, struct policy_test_result *result)
{
    struct run run = {.test = test, .result = result, .index = index, .scene = malloc(sizeof *run.scene)};
    *result = (struct policy_test_result){0};
    bool allowed = test->inside == NULL || lies_inside(test->path, test->inside);
    int code = run.scene == NULL ? -ENOMEM : allowed ? read_spec(&run) : -EACCES;
    if (code != 0 && code != -ENOMEM) {
        result->unloadable = true;
        result->message = copy_reason(test, code, allowed);
        code = 0;
    } else if (code == 0) {
        scene_create(run.scene);
        run.net = (struct spec_net){
            .scene = run.scene, .load = load_policy, .check = check_time, .begin = begin_test, .context = &run};
        code = run_state(&run);
        if (run.script != NULL && test->using != NULL)
            test->using(test->context, run.script);
        scene_destroy(run.scene);
    }
    free(run.source);
    free(run.scene);
    return code;
}

void policy_test_result_destroy(struct policy_test_result *result)
{
    free(result->message);
    free(result->ladder);
    free(result->picture);
    *result = (struct policy_test_result){0};
}
