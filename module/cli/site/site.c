// SPDX-License-Identifier: BSD-2-Clause
#include <errno.h>
#include <signal.h>
#include <string.h>

#include <lauxlib.h>
#include <lua.h>
#include <lualib.h>
#include <zlib.h>

#include "cli/base/arguments.h"
#include "cli/site/site_folder.h"
#include "cli/site/wasm.h"
#include "cli/test/scene_player.h"
#include "core/rule.h"
#include "script/bind/bind.h"
#include "script/engine/reflow.h"

enum { OPTION_LANG, OPTION_BASE_URL, OPTIONS };

static const struct option options[OPTIONS] = {
    [OPTION_LANG] = {"lang", "en,es", "the languages, in this order (default: en,es)"},
    [OPTION_BASE_URL] = {"base-url", "URL", "where the site will be: adds canonical links and sitemap.xml"},
};

struct site_job {
    struct cli *cli;
    const char *path, *languages, *base_url;
    struct site_folder *folder;
    int status;
    char error[1024];
};

/* Set by a signal that asks the program to end: the next file is then not written, and what was written is removed. */
static volatile sig_atomic_t interrupted;

static void interrupt(int signal)
{
    (void)signal;
    interrupted = 1;
}

static struct site_job *job_of(lua_State *L)
{
    return lua_touserdata(L, lua_upvalueindex(1));
}

/* write(path, bytes) */
static int site_write(lua_State *L)
{
    struct site_job *job = job_of(L);
    struct text bytes;
    const char *path = luaL_checkstring(L, 1);
    bytes.at = luaL_checklstring(L, 2, &bytes.length);
    if (interrupted)
        snprintf(job->error, sizeof job->error, "interrupted: nothing was changed in %s", job->path);
    else if (site_folder_write(job->folder, path, bytes, job->error, sizeof job->error) == SITE_OK)
        return 0;
    lua_pushstring(L, job->error);
    return lua_error(L);
}

/* deflate(bytes): RFC 1950 */
static int site_deflate(lua_State *L)
{
    struct text bytes;
    luaL_Buffer buffer;
    bytes.at = luaL_checklstring(L, 1, &bytes.length);
    uLongf length = compressBound(bytes.length);
    char *out = luaL_buffinitsize(L, &buffer, length);
    if (compress2((Bytef *)out, &length, (const Bytef *)bytes.at, bytes.length, Z_BEST_COMPRESSION) != Z_OK)
        return luaL_error(L, "out of memory");
    luaL_pushresultsize(&buffer, length);
    return 1;
}

static void push_rules(lua_State *L)
{
    lua_createtable(L, RULE_COUNT - 1, 0);
    for (int i = 1; i < RULE_COUNT; i++) {
        const struct rule *rule = rule_at((enum rule_id)i);
        lua_createtable(L, 0, 3);
        field_set_string(L, "id", rule->id);
        field_set_flag(L, "guardrail", rule->guardrail);
        field_set_string(L, "line", rule->line);
        lua_rawseti(L, -2, i);
    }
}

/* Pushes the table of lua/reflow/site/site.lua. */
static void push_site(lua_State *L)
{
    lua_pushcfunction(L, reflow_bind_source);
    lua_pushliteral(L, "site/site");
    lua_call(L, 1, 1);
    lua_pushcfunction(L, reflow_bind_source);
    lua_createtable(L, 0, 6);
    luaL_requiref(L, "reflow", luaopen_reflow, 0);
    lua_setfield(L, -2, "sip");
    push_rules(L);
    lua_setfield(L, -2, "rules");
    field_set_string(L, "version", REFLOW_VERSION);
    field_set_flag(L, "plays", true);
    const struct text wasm = site_wasm();
    lua_pushlstring(L, wasm.at, wasm.length);
    lua_setfield(L, -2, "wasm");
    lua_pushcfunction(L, site_deflate);
    lua_setfield(L, -2, "deflate");
    lua_call(L, 2, 1);
}

/* Pushes what a function of the site makes of an argument; false: it is wrong, which was reported. */
static bool push_checked(lua_State *L, struct site_job *job, int site, const char *function, const char *argument)
{
    lua_getfield(L, site, function);
    lua_pushstring(L, argument);
    lua_call(L, 1, 2);
    if (lua_isnil(L, -2)) {
        job->status = cli_usage(job->cli, "site", "%s", luaL_checkstring(L, -1));
        return false;
    }
    lua_pop(L, 1);
    return true;
}

static bool open_folder(struct site_job *job)
{
    const enum site_error result = site_folder_new(&job->folder, job->path, job->error, sizeof job->error);
    if (result == SITE_OK)
        return true;
    cli_usage(job->cli, "site", "%s", job->error);
    job->status = result == SITE_REFUSED ? CLI_USAGE : CLI_FAILED;
    return false;
}

/* Reads the arguments before anything is written. */
static int run_site(lua_State *L)
{
    struct site_job *job = lua_touserdata(L, 1);
    luaL_openlibs(L);
    scene_player_open(L);
    push_site(L);
    const int site = lua_gettop(L);
    lua_getfield(L, site, "build");
    lua_createtable(L, 0, 2);
    if (!push_checked(L, job, site, "languages", job->languages != NULL ? job->languages : "en,es"))
        return 0;
    lua_setfield(L, -2, "languages");
    if (job->base_url != NULL) {
        if (!push_checked(L, job, site, "base_url", job->base_url))
            return 0;
        lua_setfield(L, -2, "base_url");
    }
    if (!open_folder(job))
        return 0;
    lua_pushlightuserdata(L, job);
    lua_pushcclosure(L, site_write, 1);
    lua_call(L, 2, 0);
    return 0;
}

static int fail_job(struct site_job *job, const char *message)
{
    cli_usage(job->cli, "site", "%s", message != NULL ? message : "failed");
    return CLI_FAILED;
}

static int make_site(struct site_job *job)
{
    lua_State *L = luaL_newstate();
    if (L == NULL)
        return fail_job(job, "out of memory");
    lua_pushcfunction(L, run_site);
    lua_pushlightuserdata(L, job);
    if (lua_pcall(L, 1, 0, 0) != LUA_OK)
        job->status = fail_job(job, lua_tostring(L, -1));
    lua_close(L);
    if (job->status != CLI_OK)
        return job->status;
    const size_t files = site_folder_count(job->folder);
    const enum site_error result = site_folder_publish(job->folder, job->error, sizeof job->error);
    if (result != SITE_OK)
        return fail_job(job, job->error);
    fprintf(job->cli->out, "%s: %zu files\n", job->path, files);
    return CLI_OK;
}

/* With signals caught, so that a site that is half written is removed. */
static int make_site_guarded(struct site_job *job)
{
    static const int signals[] = {SIGINT, SIGTERM, SIGHUP};
    enum { SIGNALS = sizeof signals / sizeof signals[0] };
    const struct sigaction action = {.sa_handler = interrupt};
    struct sigaction before[SIGNALS];
    interrupted = 0;
    for (size_t i = 0; i < SIGNALS; i++)
        sigaction(signals[i], &action, &before[i]);
    const int status = make_site(job);
    site_folder_delete(job->folder);
    for (size_t i = 0; i < SIGNALS; i++)
        sigaction(signals[i], &before[i], NULL);
    return status;
}

static int print_help(struct cli *cli)
{
    fputs("Usage: reflow site DIR [--lang en,es] [--base-url URL]\n\n"
          "Write a web site about the SIP response codes into a folder: a page for each\n"
          "code, each pair of codes and each rule, in each language. It needs no web\n"
          "server. The folder must not exist, be empty, or contain an older site.\n\n",
          cli->out);
    arguments_help(cli->out, options, OPTIONS);
    return CLI_OK;
}

int command_site(struct cli *cli, int argc, char **argv)
{
    struct arguments arguments = {.cli = cli, .argc = argc, .argv = argv, .options = options, .count = OPTIONS};
    struct site_job job = {.cli = cli};
    enum argument argument;
    const char *value;
    size_t index;
    while ((argument = argument_next(&arguments, &index, &value)) != ARGUMENT_END) {
        if (argument == ARGUMENT_HELP)
            return print_help(cli);
        if (argument == ARGUMENT_BAD)
            return CLI_USAGE;
        if (argument == ARGUMENT_OPTION)
            *(index == OPTION_LANG ? &job.languages : &job.base_url) = value;
        else if (job.path == NULL)
            job.path = value;
        else
            return cli_usage(cli, "site", "'%s' is one argument too many (see reflow site --help)", value);
    }
    if (job.path == NULL)
        return cli_usage(cli, "site", "the folder is missing (see reflow site --help)");
    return make_site_guarded(&job);
}
