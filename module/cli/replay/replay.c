// SPDX-License-Identifier: BSD-2-Clause
#include "cli/replay/replay.h"

#include <unistd.h>

#include "cli/base/arguments.h"
#include "cli/base/policy_load.h"

enum { OPTION_POLICY, OPTION_AGAINST, OPTION_JSON, OPTION_MASK, OPTION_LAYER, OPTION_TENANT, OPTION_COUNT };

static const struct option options[OPTION_COUNT] = {
    [OPTION_POLICY] = {"policy", "POLICY", "a file or folder whose hooks are asked; else the core alone"},
    [OPTION_AGAINST] = {"against", "POLICY", "print what differs from this one, and only that"},
    [OPTION_JSON] = {"json", NULL, "one object a line"},
    [OPTION_MASK] = {"mask", NULL, "put x for the digits of users in URIs"},
    [OPTION_LAYER] = POLICY_OPTIONS,
};

static void print_help(FILE *out)
{
    fputs("Usage: reflow replay FILE... [OPTIONS]\n\n"
          "Each response in recorded traffic, and what is decided on it now. A FILE is a\n"
          "capture (pcap, pcapng: UDP and TCP over IPv4 and IPv6), a text log of SIP\n"
          "messages (SIPp's -trace_msg, ngrep -W byline, or messages one after the other),\n"
          "or the lines of reflow serve --log-decisions; - is standard input. Files are read\n"
          "in their order. --layer and --tenant belong to --policy.\n\n"
          "A response belongs to the request with its Call-ID, CSeq and topmost branch, and\n"
          "is decided as by the proxy that sent that request, or as by the caller (uac) if a\n"
          "proxy that relayed the request sent it up: the role stands after the rule.\n\n",
          out);
    arguments_help(out, options, OPTION_COUNT);
    fputs("\nExit status: 0 success, 1 differences were found (--against) or out of memory,\n"
          "2 wrong usage, or a file or policy cannot be read. Broken parts of a file are\n"
          "reported, counted and skipped.\n",
          out);
}

struct request {
    struct replay_config config;
    struct layer_options layers;
    bool help;
    int files; /* argv[1] to argv[files]: moved there */
};

static int read_arguments(struct cli *cli, int argc, char **argv, struct request *request)
{
    struct arguments arguments = {.cli = cli, .argc = argc, .argv = argv, .options = options, .count = OPTION_COUNT};
    enum argument argument;
    const char *value;
    size_t index;
    while ((argument = argument_next(&arguments, &index, &value)) != ARGUMENT_END) {
        if (argument == ARGUMENT_BAD)
            return CLI_USAGE;
        if (argument == ARGUMENT_HELP) {
            request->help = true;
            return CLI_OK;
        }
        if (argument == ARGUMENT_PLAIN)
            argv[++request->files] = (char *)(uintptr_t)value;
        else if (index == OPTION_POLICY)
            request->config.policy = value;
        else if (index == OPTION_AGAINST)
            request->config.against = value;
        else if (index == OPTION_JSON)
            request->config.json = true;
        else if (index == OPTION_MASK)
            request->config.mask = true;
        else if (policy_option(cli, "replay", &request->layers, options[index].name, value) != CLI_OK)
            return CLI_USAGE;
    }
    request->config.layers = &request->layers;
    if (request->layers.count > 0 && request->config.policy == NULL)
        return cli_usage(cli, "replay", "--layer and --tenant need --policy");
    if (request->files == 0)
        return cli_usage(cli, "replay", "a file is missing (see reflow replay --help)");
    return CLI_OK;
}

int command_replay(struct cli *cli, int argc, char **argv)
{
    struct request request = {.config = {.cli = cli}};
    struct replay *replay;
    int status = read_arguments(cli, argc, argv, &request);
    if (status != CLI_OK)
        return status;
    if (request.help) {
        print_help(cli->out);
        return CLI_OK;
    }
    int terminal = fileno(cli->err);
    request.config.compare = request.config.against != NULL;
    request.config.progress = terminal >= 0 && isatty(terminal);
    status = replay_new(&replay, &request.config);
    if (status != CLI_OK)
        return status;
    for (int i = 1; i <= request.files; i++) {
        int result = replay_file(replay, argv[i]);
        status = result > status ? result : status;
    }
    replay_finish(replay);
    if (status == CLI_OK && replay_counts(replay)->differences > 0)
        status = CLI_FAILED;
    replay_delete(replay);
    return status;
}
