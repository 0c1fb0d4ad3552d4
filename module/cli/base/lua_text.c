// SPDX-License-Identifier: BSD-2-Clause
#include "cli/base/lua_text.h"

#include <lauxlib.h>
#include <lua.h>
#include <lualib.h>
#include <string.h>

#include "cli/base/arguments.h"
#include "cli/base/json.h"
#include "script/engine/reflow.h"

/* The members of the JSON output, in this order; the formatted texts are for people. */
static const char *const json_keys[] = {
    "same",    "code",    "phrase", "class",  "reference", "registered", "acts_as", "lang",        "description",
    "when",    "fix",     "use",    "traits", "sender",    "retry",      "dialog",  "search",      "retry_after",
    "headers", "methods", "trait",  "label",  "a",         "b",          "notes",   "differences", NULL,
};

struct job {
    struct cli *cli;
    const struct lua_text *request;
    int status;
};

static int push_arguments(lua_State *L, const struct lua_text *request)
{
    for (size_t i = 0; i < request->count; i++)
        lua_pushinteger(L, (lua_Integer)request->codes[i]);
    lua_pushstring(L, request->language != NULL ? request->language : "en");
    return (int)request->count + 1;
}

static void print_result(lua_State *L, struct cli *cli, enum lua_form form)
{
    if (form == LUA_FORM_JSON) {
        json_lua(cli->out, L, lua_gettop(L), json_keys, 0);
        fputc('\n', cli->out);
        return;
    }
    lua_getfield(L, -1, form == LUA_FORM_MARKDOWN ? "markdown" : "text");
    size_t length;
    const char *text = luaL_checklstring(L, -1, &length);
    fwrite(text, 1, length, cli->out);
}

static int run_job(lua_State *L)
{
    struct job *job = lua_touserdata(L, 1);
    luaL_openlibs(L);
    luaL_requiref(L, "reflow", luaopen_reflow, 0);
    lua_getfield(L, -1, job->request->function);
    lua_call(L, push_arguments(L, job->request), 2);
    if (lua_isnil(L, -2)) {
        job->status = cli_usage(job->cli, job->request->function, "%s", luaL_checkstring(L, -1));
        return 0;
    }
    lua_pop(L, 1);
    print_result(L, job->cli, job->request->form);
    return 0;
}

/* Print what it returns; a status for main(). */
static int lua_text_print(struct cli *cli, const struct lua_text *request)
{
    struct job job = {.cli = cli, .request = request, .status = CLI_OK};
    lua_State *L = luaL_newstate();
    if (L == NULL) {
        cli_usage(cli, request->function, "out of memory");
        return CLI_FAILED;
    }
    lua_pushcfunction(L, run_job);
    lua_pushlightuserdata(L, &job);
    if (lua_pcall(L, 1, 0, 0) != LUA_OK) {
        const char *message = lua_tostring(L, -1);
        cli_usage(cli, request->function, "%s", message != NULL ? message : "failed");
        job.status = CLI_FAILED;
    }
    lua_close(L);
    return job.status;
}

static int take_option(struct cli *cli, struct lua_text *request, const char *name, const char *value)
{
    const enum lua_form form = strcmp(name, "json") == 0 ? LUA_FORM_JSON : LUA_FORM_MARKDOWN;
    if (strcmp(name, "lang") == 0) {
        request->language = value;
        return CLI_OK;
    }
    if (request->form != LUA_FORM_TEXT && request->form != form)
        return cli_usage(cli, request->function, "--json and --markdown exclude each other");
    request->form = form;
    return CLI_OK;
}

static int take_code(struct cli *cli, struct lua_text *request, const struct lua_command *command, const char *value)
{
    uint64_t number;
    const char *name = command->function;
    if (request->count == command->codes)
        return cli_usage(cli, name, "'%s' is one argument too many (see reflow %s --help)", value, name);
    if (!argument_number(value, UINT32_MAX, &number))
        return cli_usage(cli, name, "'%s' is not a SIP status code (100 to 699)", value);
    request->codes[request->count++] = (uint32_t)number;
    return CLI_OK;
}

int lua_command_run(struct cli *cli, int argc, char **argv, const struct lua_command *command)
{
    struct arguments arguments = {
        .cli = cli, .argc = argc, .argv = argv, .options = command->options, .count = command->count};
    struct lua_text request = {.function = command->function};
    enum argument argument;
    const char *value;
    size_t index;
    while ((argument = argument_next(&arguments, &index, &value)) != ARGUMENT_END) {
        switch (argument) {
        case ARGUMENT_OPTION:
            if (take_option(cli, &request, command->options[index].name, value) != CLI_OK)
                return CLI_USAGE;
            break;
        case ARGUMENT_PLAIN:
            if (take_code(cli, &request, command, value) != CLI_OK)
                return CLI_USAGE;
            break;
        case ARGUMENT_HELP:
            fputs(command->usage, cli->out);
            arguments_help(cli->out, command->options, command->count);
            return CLI_OK;
        default:
            return CLI_USAGE;
        }
    }
    if (request.count < command->codes)
        return cli_usage(cli, argv[0], "a code is missing (see reflow %s --help)", argv[0]);
    return lua_text_print(cli, &request);
}
