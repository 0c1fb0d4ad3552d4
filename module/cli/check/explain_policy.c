// SPDX-License-Identifier: BSD-2-Clause
#include <inttypes.h>
#include <string.h>

#include "cli/base/arguments.h"
#include "base/plain_host.h"
#include "cli/base/policy_load.h"
#include "core/code.h"
#include "script/engine/engine.h"

/* `reflow explain-policy`: the hooks that decide about a response, in order. */

enum { OPTION_LAYER, OPTION_TENANT, OPTION_AOR, OPTION_REQUEST };

static const struct option options[] = {
    POLICY_OPTIONS,
    {"aor", "SIP-URI", "the called user, sip:bob@example.com"},
    {"request", "METHOD", "hooks for a request instead of a response"},
};

struct question {
    struct layer_options layers;
    const char *code, *aor, *request;
    uint32_t number;
};

static int print_help(struct cli *cli)
{
    fputs("Usage: reflow explain-policy CODE SCRIPT [OPTIONS]\n"
          "       reflow explain-policy --request METHOD SCRIPT [OPTIONS]\n\n"
          "Lists the hooks that a response with this code (or a request) passes, in order:\n"
          "the first one that returns a verdict decides.\n\n",
          cli->out);
    arguments_help(cli->out, options, sizeof options / sizeof options[0]);
    return CLI_OK;
}

static int take_option(struct cli *cli, struct question *question, size_t index, const char *value)
{
    if (index == OPTION_AOR)
        question->aor = value;
    else if (index == OPTION_REQUEST)
        question->request = value;
    else
        return policy_option(cli, "explain-policy", &question->layers, options[index].name, value);
    return CLI_OK;
}

static int take_plain(struct cli *cli, struct question *question, const char *value)
{
    uint64_t number;
    if (question->request == NULL && question->code == NULL) {
        question->code = value;
        if (!argument_number(value, CODE_MOST, &number) || number < CODE_LEAST)
            return cli_usage(cli, "explain-policy", "'%s' is not a response code (100 to 699)", value);
        question->number = (uint32_t)number;
        return CLI_OK;
    }
    if (question->layers.layers[0].path[0] != '\0' || !layer_option_base(&question->layers, value))
        return cli_usage(cli, "explain-policy", "one script only, and not '%s'", value);
    return CLI_OK;
}

struct listing {
    struct cli *cli;
    unsigned count;
};

static bool print_hook(void *context, const struct script_hook_info *info)
{
    struct listing *listing = context;
    FILE *out = listing->cli->out;
    fprintf(out, "%2u. %.*s  for %.*s\n", ++listing->count, (int)info->place.length, info->place.at,
            (int)info->selector.length, info->selector.at);
    fprintf(out, "    layer %.*s (priority %d), hook priority %d, where it fails: %.*s%s\n", (int)info->layer.length,
            info->layer.at, info->layer_priority, info->priority, (int)info->on_error.length, info->on_error.at,
            info->off ? ", turned off" : "");
    return true;
}

static int explain(struct cli *cli, const struct question *question, struct script *script)
{
    struct listing listing = {.cli = cli};
    const char *method = question->request != NULL ? question->request : "";
    if (question->request != NULL)
        fprintf(cli->out, "%s%s%s\n", question->request, question->aor ? " for " : "",
                question->aor ? question->aor : "");
    else
        fprintf(cli->out, "%" PRIu32 " %s%s%s\n", question->number, code_phrase(question->number),
                question->aor ? " for " : "", question->aor ? question->aor : "");
    int error = script_explain(script, question->request != NULL ? HOOK_REQUEST : HOOK_RESPONSE, question->number,
                               method_find(method, strlen(method)), text_of(question->aor), print_hook, &listing);
    if (error != 0)
        return cli_usage(cli, "explain-policy", "%s", strerror(-error));
    if (listing.count == 0)
        fputs("no hook is asked: the core decides\n", cli->out);
    else
        fputs("the first that returns a verdict decides; after the last, the core\n", cli->out);
    return CLI_OK;
}

static int load(struct cli *cli, const struct question *question)
{
    char error[512];
    struct host host = plain_host();
    struct script *script;
    if (policy_load(&script, &host, &(struct script_limits){0}, &question->layers, question->layers.layers[0].path,
                    error, sizeof error) != 0)
        return policy_error(cli, "explain-policy", error);
    int status = explain(cli, question, script);
    script_release(script);
    return status;
}

int command_explain_policy(struct cli *cli, int argc, char **argv)
{
    struct arguments arguments = {
        .cli = cli, .argc = argc, .argv = argv, .options = options, .count = sizeof options / sizeof options[0]};
    struct question question = {0};
    const char *value;
    size_t index;
    enum argument argument;
    while ((argument = argument_next(&arguments, &index, &value)) != ARGUMENT_END) {
        int status = CLI_USAGE;
        if (argument == ARGUMENT_HELP)
            return print_help(cli);
        if (argument == ARGUMENT_OPTION)
            status = take_option(cli, &question, index, value);
        else if (argument == ARGUMENT_PLAIN)
            status = take_plain(cli, &question, value);
        if (status != CLI_OK)
            return status;
    }
    if (question.layers.layers[0].path[0] == '\0')
        return cli_usage(cli, "explain-policy", "a code and a script are wanted (see reflow explain-policy --help)");
    return load(cli, &question);
}
