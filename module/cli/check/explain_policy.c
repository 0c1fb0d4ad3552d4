// SPDX-License-Identifier: BSD-2-Clause
#include <ctype.h>
#include <inttypes.h>
#include <string.h>

#include "cli/base/arguments.h"
#include "base/plain_host.h"
#include "cli/base/policy_load.h"
#include "core/code.h"
#include "script/base/printable.h"
#include "script/engine/engine.h"
#include "sip/message.h"

/* `reflow explain-policy`: the hooks that decide about a response or a request, in order. */

enum { OPTION_LAYER, OPTION_TENANT, OPTION_AOR, OPTION_REQUEST };

static const struct option options[] = {
    POLICY_OPTIONS,
    {"aor", "SIP-URI", "the called user, sip:bob@example.com"},
    {"request", "METHOD", "hooks for a request instead of a response: INVITE"},
};

enum { PLAIN_MOST = 3, PRINTED_MOST = 1 << 9, AOR_MOST = 1 << 10 };

struct question {
    struct layer_options layers;
    const char *plain[PLAIN_MOST]; /* the arguments that are not options: CODE SCRIPT, or SCRIPT after --request */
    size_t plain_count;
    const char *request;
    uint32_t number; /* the code; 0: none */
    struct text aor; /* empty: none */
    char aor_bytes[AOR_MOST];
};

static int print_help(struct cli *cli)
{
    fputs("Usage: reflow explain-policy CODE SCRIPT [OPTIONS]\n"
          "       reflow explain-policy --request METHOD SCRIPT [OPTIONS]\n\n"
          "Lists the hooks that a response with this code (or a request) passes, in order:\n"
          "the first one that returns a verdict decides. For a final failure these include\n"
          "the hooks of sip_on_exhausted, for REGISTER they are those of sip_on_register.\n\n",
          cli->out);
    arguments_help(cli->out, options, sizeof options / sizeof options[0]);
    return CLI_OK;
}

/* A usage error about a value that the user typed. */
static int refuse_value(struct cli *cli, const char *before, const char *value, const char *after)
{
    char printed[PRINTED_MOST];
    printable_write(printed, sizeof printed, value);
    return cli_usage(cli, "explain-policy", "%s'%s'%s", before, printed, after);
}

static bool is_known_scheme(struct text uri)
{
    static const char *const schemes[] = {"sip:", "sips:", "tel:", "urn:"};
    for (size_t i = 0; i < sizeof schemes / sizeof schemes[0]; i++) {
        size_t length = strlen(schemes[i]);
        if (uri.length > length && text_equal_nocase((struct text){uri.at, length}, text_of(schemes[i])))
            return true;
    }
    return false;
}

/* The AOR as hooks of a server get it. */
static int take_aor(struct cli *cli, struct question *question, const char *value)
{
    struct text uri = text_of(value);
    if (uri.length >= sizeof question->aor_bytes)
        return cli_usage(cli, "explain-policy", "--aor is too long");
    int length =
        is_known_scheme(uri) ? sip_aor(uri, AOR_ANY_CASE, question->aor_bytes, sizeof question->aor_bytes) : -1;
    if (length <= 0)
        return refuse_value(cli, "", value, " is not a SIP, tel or urn URI");
    question->aor = (struct text){question->aor_bytes, (size_t)length};
    return CLI_OK;
}

static int take_method(struct cli *cli, struct question *question, const char *value)
{
    static const char characters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-.!%*_+`'~";
    if (value[0] == '\0')
        return cli_usage(cli, "explain-policy", "--request wants a method, such as INVITE");
    if (islower((unsigned char)value[strspn(value, characters)]))
        return refuse_value(cli, "", value, " is not a method: methods are written in capitals");
    if (value[strspn(value, characters)] != '\0')
        return refuse_value(cli, "", value, " is not a method");
    question->request = value;
    return CLI_OK;
}

static int take_option(struct cli *cli, struct question *question, size_t index, const char *value)
{
    if (index == OPTION_AOR)
        return take_aor(cli, question, value);
    if (index == OPTION_REQUEST)
        return take_method(cli, question, value);
    return policy_option(cli, "explain-policy", &question->layers, options[index].name, value);
}

static int take_plain(struct question *question, const char *value)
{
    if (question->plain_count < PLAIN_MOST)
        question->plain[question->plain_count++] = value;
    return CLI_OK;
}

static bool read_code(const char *value, uint32_t *code)
{
    uint64_t number;
    if (!argument_number(value, CODE_MOST, &number) || number < CODE_LEAST)
        return false;
    *code = (uint32_t)number;
    return true;
}

static int take_script(struct cli *cli, struct question *question, size_t index)
{
    if (question->plain_count <= index || question->plain[index][0] == '\0')
        return cli_usage(cli, "explain-policy", "a %s and a script are wanted (see reflow explain-policy --help)",
                         question->request != NULL ? "method" : "code");
    if (question->plain_count > index + 1)
        return refuse_value(cli, "one script only, and not ", question->plain[index + 1], "");
    if (!layer_option_base(&question->layers, question->plain[index]))
        return cli_usage(cli, "explain-policy", "the path of the script is too long");
    return CLI_OK;
}

/* The arguments that are not options, once it is known whether --request is among the options. */
static int take_arguments(struct cli *cli, struct question *question)
{
    const char *first = question->plain[0];
    if (question->plain_count == 0)
        return take_script(cli, question, 0);
    bool is_code = read_code(first, &question->number);
    if (question->request != NULL && is_code)
        return cli_usage(cli, "explain-policy", "a code (%s) and --request exclude each other", first);
    if (question->request == NULL && !is_code)
        return refuse_value(cli, "", first, " is not a response code (100 to 699)");
    return take_script(cli, question, is_code ? 1 : 0);
}

struct listing {
    struct cli *cli;
    unsigned count;
    bool again; /* hooks for the response, and then others when no target is left */
};

static bool print_hook(void *context, const struct script_hook_info *info)
{
    struct listing *listing = context;
    FILE *out = listing->cli->out;
    struct text selector = info->hook == HOOK_REGISTER ? TEXT("REGISTER") : info->selector;
    fprintf(out, "%2u. %.*s  for %.*s%s\n", ++listing->count, (int)info->place.length, info->place.at,
            (int)selector.length, selector.at, info->hook == HOOK_EXHAUSTED ? ", when no target is left" : "");
    fprintf(out, "    layer %.*s (priority %d), hook priority %d, where it fails: %.*s%s\n", (int)info->layer.length,
            info->layer.at, info->layer_priority, info->priority, (int)info->on_error.length, info->on_error.at,
            info->off ? ", turned off" : "");
    return true;
}

static int list_hooks(struct listing *listing, const struct question *question, struct script *script)
{
    enum method method =
        question->request != NULL ? method_find(question->request, strlen(question->request)) : METHOD_OTHER;
    if (question->request != NULL)
        return script_explain(script, method == METHOD_REGISTER ? HOOK_REGISTER : HOOK_REQUEST, 0, method,
                              question->aor, print_hook, listing);
    int error = script_explain(script, HOOK_RESPONSE, question->number, method, question->aor, print_hook, listing);
    unsigned count = listing->count;
    if (error == 0 && code_class(question->number) >= CLASS_REDIRECT)
        error = script_explain(script, HOOK_EXHAUSTED, 0, method, question->aor, print_hook, listing);
    listing->again = count > 0 && listing->count > count;
    return error;
}

static int explain(struct cli *cli, const struct question *question, struct script *script)
{
    struct listing listing = {.cli = cli};
    if (question->request != NULL)
        fputs(question->request, cli->out);
    else
        fprintf(cli->out, "%" PRIu32 " %s", question->number, code_phrase(question->number));
    fprintf(cli->out, "%s%.*s\n", question->aor.length > 0 ? " for " : "", (int)question->aor.length,
            question->aor.length > 0 ? question->aor.at : "");
    int error = list_hooks(&listing, question, script);
    if (error != 0)
        return cli_usage(cli, "explain-policy", "%s", strerror(-error));
    if (listing.count == 0)
        fputs("no hook is asked: the core decides\n", cli->out);
    else
        fprintf(cli->out, "the first that returns a verdict decides%s; after the last, the core\n",
                listing.again ? ", about the response and again when no target is left" : "");
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
            status = take_plain(&question, value);
        if (status != CLI_OK)
            return status;
    }
    int status = take_arguments(cli, &question);
    return status == CLI_OK ? load(cli, &question) : status;
}
